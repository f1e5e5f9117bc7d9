//! The registers of scopes: what has been selected in each of them, by frame.
//!
//! A frame of a scope's procedure holds the number of an entry here; equal entries have one number, so that equal
//! configurations are equal. Entries, like the nodes of the stack, are never changed and refer to older things only, so
//! undoing is cutting off the end.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use grammar_ir::ByteSet;
use grammar_ir::pda::{EdgeMarks, Pda, Scope};
use rustc_hash::{FxHashMap, FxHasher};

use crate::doubt::{Doubt, ValuePlace, ValueSet};
use crate::json_value::JsonValue;

/// The number of an entry. The first one is the beginning of any scope.
pub(crate) type RegistersId = u32;

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Where its words end in [`Registers::words`]; they begin where those of the entry before end.
    words_end: u32,
    parts: Parts,
    alive: Alive,
}

/// What is known of the guards of a scope with some registers: whether they let pass. Bit *g* for guard *g*; guards past 63
/// are asked each time.
#[derive(Debug, Clone, Copy, Default)]
struct Alive {
    known: u64,
    alive: u64,
}

/// What a scope knows of the texts of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Parts {
    /// Where the part that is being read begins in the text, plus one; 0 between parts.
    begin: u32,
    /// The newest of the values seen, plus one; 0 for none.
    seen: u32,
    /// The first state of the scope, as what is alive with the same registers differs from scope to scope.
    scope: u32,
}

/// A value of a distinct part, and those seen before it.
#[derive(Debug, Clone)]
struct Seen {
    before: u32,
    /// `None` for a value that is not known, because some of its text is hidden.
    value: Option<Arc<JsonValue>>,
    /// This value and all those that are older, of any scope.
    all: ValueSet,
}

/// How much there was at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RegistersMark {
    entries: u32,
    seen: u32,
    text: u32,
}

/// What was hidden before something more was.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub(crate) struct Hidden {
    before: Option<u32>,
    unknown_seen: u32,
}

/// An arena of register entries, and the text that their parts are compared in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registers {
    /// The entries from number 1 on.
    entries: Vec<Entry>,
    words: Vec<u32>,
    /// Entries by hash. A hash that is taken by another entry makes one that is not shared.
    interned: FxHashMap<u64, RegistersId>,
    seen: Vec<Seen>,
    /// All bytes so far, if any scope compares texts.
    text: Vec<u8>,
    keeps_text: bool,
    has_traps: bool,
    /// Some text is missing before this position: what has begun before it has no known value. What begins at the position
    /// begins after the missing text: a part begins only with a byte that is read.
    hidden_before: Option<u32>,
    /// So many of the values seen, the oldest, are taken to be unknown.
    unknown_seen: u32,
    /// How much of the text there was before the token that is being tried.
    token_start: u32,
    /// Whether a part that begins in the token that is being tried was compared with another one.
    has_compared: bool,
    /// What was compared with values that are not known.
    doubt: Doubt,
    /// Whether something was found to be a value that has been seen.
    has_repeated: bool,
    max_entries: usize,
    is_full: bool,
    scratch: Vec<u32>,
    tried: Vec<u32>,
    /// What is known of the guards at the beginning of scopes, which has no entry, by their first states.
    alive_at_start: Vec<(u32, Alive)>,
}

impl Registers {
    /// None, and room for `max_entries`.
    pub(crate) fn new(pda: &Pda, max_entries: usize) -> Self {
        Self { max_entries, keeps_text: pda.has_distinct(), has_traps: pda.has_traps(), ..Self::default() }
    }

    #[inline]
    pub(crate) fn mark(&self) -> RegistersMark {
        RegistersMark { entries: self.entries.len() as u32, seen: self.seen.len() as u32, text: self.text.len() as u32 }
    }

    /// Drops what was made since `mark`. `interned` says whether any entry may have been interned.
    #[inline]
    pub(crate) fn truncate(&mut self, mark: RegistersMark, interned: bool) {
        if self.entries.len() != mark.entries as usize || self.seen.len() != mark.seen as usize {
            self.cut(mark, interned);
        }
        self.text.truncate(mark.text as usize);
    }

    fn cut(&mut self, mark: RegistersMark, interned: bool) {
        if interned {
            for number in mark.entries + 1..=self.entries.len() as u32 {
                let hash = hash(self.words_of(number), self.parts_of(number));
                if self.interned.get(&hash) == Some(&number) {
                    self.interned.remove(&hash);
                }
            }
        }
        self.entries.truncate(mark.entries as usize);
        self.words.truncate(self.entries.last().map_or(0, |entry| entry.words_end as usize));
        self.seen.truncate(mark.seen as usize);
    }

    /// Whether parts could be trapped, as values are remembered in a scope where that can be.
    #[inline]
    pub(crate) fn has_traps(&self) -> bool {
        self.has_traps && self.has_seen()
    }

    /// Whether any value of a distinct part is remembered.
    pub(crate) fn has_seen(&self) -> bool {
        !self.seen.is_empty()
    }

    /// The same for one scope.
    pub(crate) fn has_seen_in(&self, registers: RegistersId) -> bool {
        self.parts_of(registers).seen != 0
    }

    pub(crate) fn text_length(&self) -> usize {
        self.text.len()
    }

    /// Puts `text` in the place of what was read after the first `length` bytes.
    pub(crate) fn replace_text(&mut self, length: usize, text: &[u8]) {
        if self.keeps_text {
            self.text.truncate(length);
            self.text.extend_from_slice(text);
        }
    }

    /// Notes that `byte` has been read.
    #[inline]
    pub(crate) fn push_text(&mut self, byte: u8) {
        if self.keeps_text {
            self.text.push(byte);
        }
    }

    /// Begins to try tokens after the text so far.
    pub(crate) fn begin_token(&mut self) {
        self.token_start = self.text.len() as u32;
        self.has_compared = false;
    }

    /// Whether since [`begin_token`](Self::begin_token) a part that begins in the token was compared with another one. Then
    /// what the token may be depends on texts: on values seen before it, or on the part that was being read.
    pub(crate) fn has_compared(&self) -> bool {
        self.has_compared
    }

    /// Takes the text so far to be followed by some more that is not shown, until [`show`](Self::show) gets what this returns.
    pub(crate) fn hide(&mut self) -> Hidden {
        let before = self.hidden_before.replace(self.text.len() as u32);
        Hidden { before, unknown_seen: self.unknown_seen }
    }

    /// Takes the values seen so far, and the part that is being read, to be unknown, until [`show`](Self::show) gets what this
    /// returns.
    pub(crate) fn hide_seen(&mut self) -> Hidden {
        let hidden = self.hide();
        self.unknown_seen = self.seen.len() as u32;
        hidden
    }

    /// Ends what [`hide`](Self::hide) or [`hide_seen`](Self::hide_seen) began.
    pub(crate) fn show(&mut self, hidden: Hidden) {
        self.hidden_before = hidden.before;
        self.unknown_seen = hidden.unknown_seen;
    }

    /// Whether texts are compared.
    pub(crate) fn compares(&self) -> bool {
        self.keeps_text
    }

    /// Whether some text is not shown, so that not all values are known.
    pub(crate) fn is_hiding(&self) -> bool {
        self.hidden_before.is_some()
    }

    /// Notes that what is being tried depends on values that are not known.
    pub(crate) fn note_doubt(&mut self) {
        self.doubt = Doubt::Other;
    }

    /// Whether an entry has been refused for want of room since [`take_full`](Self::take_full).
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether an entry was refused for want of room since the last call.
    pub(crate) fn take_full(&mut self) -> bool {
        std::mem::take(&mut self.is_full)
    }

    /// Whether since the last call something was taken to be different from what is not known.
    #[inline]
    pub(crate) fn take_doubtful(&mut self) -> bool {
        self.take_doubt() != Doubt::None
    }

    /// What since the last call was taken to be different from what is not known.
    #[inline]
    pub(crate) fn take_doubt(&mut self) -> Doubt {
        std::mem::take(&mut self.doubt)
    }

    /// All values seen, of all scopes.
    pub(crate) fn seen_set(&self) -> ValueSet {
        self.seen.last().map_or_else(ValueSet::default, |newest| newest.all)
    }

    /// Whether since the last call something was found to be a value that has been seen.
    pub(crate) fn take_repeated(&mut self) -> bool {
        std::mem::take(&mut self.has_repeated)
    }

    /// The registers after `marks`; `None` where they are not possible.
    pub(crate) fn after(
        &mut self,
        scope: &Scope,
        registers: RegistersId,
        marks: EdgeMarks,
        intern: bool,
    ) -> Option<RegistersId> {
        let mut words = std::mem::take(&mut self.scratch);
        self.load(scope, registers, &mut words);
        let after = self.parts_after(scope, registers, marks, &mut words);
        let number = after.map(|parts| if marks.closes() { 0 } else { self.add(&words, parts, intern) });
        self.scratch = words;
        number
    }

    /// Whether `state`, of the procedure of `scope`, can be left with `registers`.
    pub(crate) fn is_alive(&mut self, scope: &Scope, registers: RegistersId, state: u32) -> bool {
        let Some(guard) = scope.guard_of(state) else { return true };
        if guard >= u64::BITS {
            return self.lets_pass(scope, registers, guard);
        }
        let known = *self.alive_of(scope, registers);
        if known.known >> guard & 1 == 1 {
            return known.alive >> guard & 1 == 1;
        }
        let alive = self.lets_pass(scope, registers, guard);
        let known = self.alive_of(scope, registers);
        known.known |= 1 << guard;
        known.alive |= u64::from(alive) << guard;
        alive
    }

    /// Whether `element` can be selected with `registers`.
    pub(crate) fn can_select(&mut self, scope: &Scope, registers: RegistersId, element: u32) -> bool {
        let mut words = std::mem::take(&mut self.scratch);
        self.load(scope, registers, &mut words);
        let can_select = scope.select(element, &mut words);
        self.scratch = words;
        can_select
    }

    fn lets_pass(&mut self, scope: &Scope, registers: RegistersId, guard: u32) -> bool {
        let mut words = std::mem::take(&mut self.scratch);
        self.load(scope, registers, &mut words);
        let alive = scope.lets_pass(guard, &words, &mut self.tried);
        self.scratch = words;
        alive
    }

    fn alive_of(&mut self, scope: &Scope, registers: RegistersId) -> &mut Alive {
        if let Some(entry) = (registers as usize).checked_sub(1) {
            return &mut self.entries[entry].alive;
        }
        let first = scope.first_state();
        let place = self.alive_at_start.iter().position(|&(state, _)| state == first).unwrap_or_else(|| {
            self.alive_at_start.push((first, Alive::default()));
            self.alive_at_start.len() - 1
        });
        &mut self.alive_at_start[place].1
    }

    fn parts_after(
        &mut self,
        scope: &Scope,
        registers: RegistersId,
        marks: EdgeMarks,
        words: &mut [u32],
    ) -> Option<Parts> {
        let mut parts = Parts { scope: scope.first_state(), ..self.parts_of(registers) };
        if let Some(element) = marks.selected() {
            if !scope.select(element, words) {
                return None;
            }
            if scope.rules().elements[element as usize].distinct {
                parts.seen = self.see(parts)?;
            }
            parts.begin = 0;
        }
        if marks.closes() && !scope.may_close(words) {
            return None;
        }
        if marks.begins() {
            parts.begin = self.text.len() as u32 + 1;
        }
        Some(parts)
    }

    /// Adds the value of the part that ends here to those seen; `None` when it is one of them.
    fn see(&mut self, parts: Parts) -> Option<u32> {
        let begin = parts.begin.checked_sub(1)?;
        let is_known = self.hidden_before.is_none_or(|hidden| begin >= hidden);
        self.has_compared |= parts.seen != 0 && begin >= self.token_start;
        let value = is_known.then(|| Arc::new(JsonValue::of(&self.text[begin as usize..])));
        // Where it has begun in the token that is tried, nobody else will look.
        if !is_known && parts.seen != 0 && begin >= self.token_start {
            self.doubt = Doubt::Other;
        }
        let mut all = self.seen_set();
        if let Some(value) = &value {
            let place = ValuePlace::of(value);
            all.insert(place);
            let (repeated, doubt) = self.compare(parts.seen, value, place);
            if repeated {
                self.has_repeated = true;
                return None;
            }
            self.doubt.add(doubt);
        }
        self.seen.push(Seen { before: parts.seen, value, all });
        Some(self.seen.len() as u32)
    }

    /// Whether the part being read, which `last` ends, is one that was seen, as far as that is known.
    pub(crate) fn is_repeated(&mut self, registers: RegistersId, last: u8) -> bool {
        let parts = self.parts_of(registers);
        let Some(begin) = parts.begin.checked_sub(1) else { return false };
        if parts.seen == 0 {
            return false;
        }
        self.has_compared |= begin >= self.token_start;
        if self.hidden_before.is_some_and(|hidden| begin < hidden) {
            if begin >= self.token_start {
                self.doubt = Doubt::Other;
            }
            return false;
        }
        self.text.push(last);
        let value = JsonValue::of(&self.text[begin as usize..]);
        self.text.pop();
        let (repeated, doubt) = self.compare(parts.seen, &value, ValuePlace::of(&value));
        if !repeated {
            self.doubt.add(doubt);
        }
        self.has_repeated |= repeated;
        repeated
    }

    /// Whether `value`, whose place is `place`, is `newest` or one seen before it, and what that leaves open.
    fn compare(&self, newest: u32, value: &JsonValue, place: ValuePlace) -> (bool, Doubt) {
        let mut doubt = Doubt::None;
        let mut next = newest;
        while let Some(index) = next.checked_sub(1) {
            let seen = &self.seen[index as usize];
            match &seen.value {
                // So are all that are older.
                _ if next <= self.unknown_seen => {
                    doubt.add(Doubt::Value(place));
                    break;
                }
                Some(seen) if **seen == *value => return (true, Doubt::None),
                Some(_) => {}
                // It has ended in the token that is tried, and is not in any set.
                None => doubt.add(Doubt::Other),
            }
            next = seen.before;
        }
        (false, doubt)
    }

    fn seen_values(&self, newest: u32) -> impl Iterator<Item = Option<&Arc<JsonValue>>> {
        let mut next = newest;
        std::iter::from_fn(move || {
            let number = next;
            let seen = &self.seen[number.checked_sub(1)? as usize];
            next = seen.before;
            Some(if number <= self.unknown_seen { None } else { seen.value.as_ref() })
        })
    }

    /// Whether the part being read has begun in the token that is tried, and others were seen before it.
    pub(crate) fn is_new_part(&self, registers: RegistersId) -> bool {
        let parts = self.parts_of(registers);
        parts.seen != 0 && parts.begin > self.token_start
    }

    /// Whether the part being read may become equal to one that was seen. A part with hidden text is passed over.
    pub(crate) fn may_repeat(&self, registers: RegistersId) -> bool {
        let parts = self.parts_of(registers);
        let Some(begin) = parts.begin.checked_sub(1) else { return false };
        if self.hidden_before.is_some_and(|hidden| begin < hidden) {
            return false;
        }
        let text = &self.text[begin as usize..];
        self.seen_values(parts.seen).flatten().any(|value| value.may_begin_with(text))
    }

    /// The bytes after which the part being read may still become equal to one that was seen; all bytes where that is not
    /// plain to see.
    pub(crate) fn repeating_bytes(&self, registers: RegistersId) -> ByteSet {
        let parts = self.parts_of(registers);
        let Some(begin) = parts.begin.checked_sub(1) else { return ByteSet::EMPTY };
        let text = &self.text[begin as usize..];
        let bytes = |seen: Option<&Arc<JsonValue>>| seen.map_or(ByteSet::EMPTY, |value| value.next_bytes(text));
        self.seen_values(parts.seen).fold(ByteSet::EMPTY, |all, seen| all.union(&bytes(seen)))
    }

    /// Whether all values seen so far are JSON.
    pub(crate) fn has_only_json(&self) -> bool {
        self.seen.iter().filter_map(|seen| seen.value.as_deref()).all(|value| !matches!(value, JsonValue::Other(_)))
    }

    /// The text of the part being read, if one is.
    pub(crate) fn part(&self, registers: RegistersId) -> Option<&[u8]> {
        self.parts_of(registers).begin.checked_sub(1).map(|begin| &self.text[begin as usize..])
    }

    fn load(&self, scope: &Scope, registers: RegistersId, words: &mut Vec<u32>) {
        words.clear();
        if registers == 0 {
            words.resize(scope.register_count(), 0);
        } else {
            words.extend_from_slice(self.words_of(registers));
        }
    }

    /// What has been selected: nothing yet is no words.
    pub(crate) fn words_of(&self, number: RegistersId) -> &[u32] {
        let Some(index) = (number as usize).checked_sub(1) else { return &[] };
        let start = index.checked_sub(1).map_or(0, |before| self.entries[before].words_end as usize);
        &self.words[start..self.entries[index].words_end as usize]
    }

    fn parts_of(&self, number: RegistersId) -> Parts {
        (number as usize).checked_sub(1).map_or(Parts::default(), |index| self.entries[index].parts)
    }

    fn add(&mut self, words: &[u32], parts: Parts, intern: bool) -> RegistersId {
        let hash = intern.then(|| hash(words, parts));
        if let Some(&number) = hash.and_then(|hash| self.interned.get(&hash))
            && self.words_of(number) == words
            && self.parts_of(number) == parts
        {
            return number;
        }
        if self.entries.len() >= self.max_entries {
            self.is_full = true;
            return 0;
        }
        self.words.extend_from_slice(words);
        self.entries.push(Entry { words_end: self.words.len() as u32, parts, alive: Alive::default() });
        let number = self.entries.len() as u32;
        if let Some(hash) = hash {
            self.interned.entry(hash).or_insert(number);
        }
        number
    }

    pub(crate) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.words.capacity() * size_of::<u32>()
            + self.interned.capacity() * size_of::<(u64, RegistersId)>()
            + self.seen.capacity() * (size_of::<Seen>() + size_of::<JsonValue>())
            + self.text.capacity()
    }
}

fn hash(words: &[u32], parts: Parts) -> u64 {
    let mut hasher = FxHasher::default();
    words.hash(&mut hasher);
    parts.hash(&mut hasher);
    hasher.finish()
}
