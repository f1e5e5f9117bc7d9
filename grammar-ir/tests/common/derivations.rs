//! Grammars with scopes by enumeration: all derivations up to a length, then those that the rules allow.

use std::collections::BTreeSet;

use grammar_ir::{Element, ElementOrder, Expr, ExprId, Grammar, Mark, ScopeRules};

/// A word with the marks that the scope around it sees, and the parts of scopes in it that must differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Derivation {
    word: Vec<u8>,
    /// Each with its part, from and to.
    marks: Vec<(Mark, usize, usize)>,
    /// Per scope: the distinct parts.
    distinct: BTreeSet<Vec<(usize, usize)>>,
}

impl Derivation {
    fn then(&self, other: &Self, max_len: usize) -> Option<Self> {
        let shift = self.word.len();
        let word = [self.word.as_slice(), &other.word].concat();
        let marks = other.marks.iter().map(|&(mark, from, to)| (mark, from + shift, to + shift));
        let distinct = other.distinct.iter().map(|parts| parts.iter().map(|(a, b)| (a + shift, b + shift)).collect());
        (word.len() <= max_len).then(|| Self {
            word,
            marks: self.marks.iter().copied().chain(marks).collect(),
            distinct: self.distinct.iter().cloned().chain(distinct).collect(),
        })
    }

    /// Whether the distinct parts that end in the first `length` bytes differ. Texts of these tests are no JSON values that
    /// could be written in two ways.
    fn is_distinct_up_to(&self, length: usize) -> bool {
        self.distinct.iter().all(|parts| {
            let texts: Vec<&[u8]> =
                parts.iter().filter(|part| part.1 <= length).map(|&(from, to)| &self.word[from..to]).collect();
            texts.iter().collect::<BTreeSet<_>>().len() == texts.len()
        })
    }
}

type Derivations = BTreeSet<Derivation>;

/// The derivations of a grammar's words of at most some length.
pub(crate) struct ScopedWords(Derivations);

impl ScopedWords {
    pub(crate) fn of(grammar: &Grammar, max_len: usize) -> Self {
        let mut found = vec![Derivations::new(); grammar.exprs().len()];
        loop {
            let mut changed = false;
            for index in 0..found.len() {
                let new = derivations(grammar, &found, ExprId::from_u32(index as u32), max_len);
                changed |= new.len() != found[index].len();
                found[index] = new;
            }
            if !changed {
                return Self(found[grammar.rule(grammar.root()).body.index()].clone());
            }
        }
    }

    pub(crate) fn contains(&self, word: &[u8]) -> bool {
        self.0.iter().any(|known| known.word == word && known.is_distinct_up_to(word.len()))
    }

    /// Whether a word, in which later parts need not differ, starts so.
    pub(crate) fn has_prefix(&self, prefix: &[u8]) -> bool {
        self.0.iter().any(|known| known.word.starts_with(prefix) && known.is_distinct_up_to(prefix.len()))
    }
}

fn product(left: &Derivations, right: &Derivations, max_len: usize) -> Derivations {
    left.iter().flat_map(|left| right.iter().filter_map(|right| left.then(right, max_len))).collect()
}

fn derivations(grammar: &Grammar, found: &[Derivations], id: ExprId, max_len: usize) -> Derivations {
    let of = |id: &ExprId| &found[id.index()];
    let empty = || Derivations::from([Derivation::default()]);
    match grammar.expr(id) {
        Expr::Empty => empty(),
        Expr::Never => Derivations::new(),
        Expr::Bytes(bytes) if bytes.len() > max_len => Derivations::new(),
        Expr::Bytes(bytes) => [Derivation { word: bytes.to_vec(), ..Derivation::default() }].into(),
        Expr::Sequence(operands) => operands.iter().fold(empty(), |left, right| product(&left, of(right), max_len)),
        Expr::Choice(operands) => operands.iter().flat_map(|operand| of(operand).clone()).collect(),
        Expr::Rule(rule) => of(&grammar.rule(*rule).body).clone(),
        Expr::Repeat { body, min, max } => {
            let cap = |count: u32| count.min(max_len as u32 + 1);
            let mut all = Derivations::new();
            let mut power = empty();
            for count in 0..=cap(max.unwrap_or(u32::MAX)) {
                if count >= cap(*min) {
                    all.extend(power.iter().cloned());
                }
                power = product(&power, of(body), max_len);
            }
            all
        }
        Expr::Marked { mark, body } => {
            let parts = of(body).iter().filter(|part| !part.word.is_empty()).cloned();
            parts.map(|part| Derivation { marks: vec![(*mark, 0, part.word.len())], ..part }).collect()
        }
        Expr::Scope { body, rules } => {
            let present = elements(grammar, found, *body);
            let allowed = of(body).iter().filter(|derivation| allows(rules, &present, derivation));
            allowed.map(|derivation| closed(rules, derivation)).collect()
        }
        other => panic!("these tests know no {other:?}"),
    }
}

/// The elements of the marks in a body. A part of it that has words keeps them at some length, and the lengths of these
/// tests are enough for all.
fn elements(grammar: &Grammar, found: &[Derivations], body: ExprId) -> BTreeSet<u32> {
    match grammar.expr(body) {
        _ if found[body.index()].is_empty() => BTreeSet::new(),
        Expr::Marked { mark: Mark::Element(element), .. } => [*element].into(),
        Expr::Marked { .. } | Expr::Scope { .. } => BTreeSet::new(),
        expr => expr.operands().iter().flat_map(|&operand| elements(grammar, found, operand)).collect(),
    }
}

/// The same as the scope's user sees it.
fn closed(rules: &ScopeRules, derivation: &Derivation) -> Derivation {
    let is_distinct = |mark: Mark| matches!(mark, Mark::Element(element) if rules.elements[element as usize].distinct);
    let parts = derivation.marks.iter().filter(|mark| is_distinct(mark.0)).map(|&(_, from, to)| (from, to)).collect();
    let distinct = derivation.distinct.iter().cloned().chain([parts]).collect();
    Derivation { word: derivation.word.clone(), marks: Vec::new(), distinct }
}

/// Whether the rules allow the marks of a derivation, distinct parts aside.
fn allows(rules: &ScopeRules, present: &BTreeSet<u32>, derivation: &Derivation) -> bool {
    let mut selected = Vec::new();
    if !can_be_met(rules, present, &selected) {
        return false;
    }
    for &(mark, ..) in &derivation.marks {
        match mark {
            Mark::Close if !are_met(rules, &selected) => return false,
            Mark::Close => {}
            Mark::Element(element) => {
                selected.push(element);
                if !is_possible(rules, &selected) || !can_be_met(rules, present, &selected) {
                    return false;
                }
            }
        }
    }
    true
}

fn element(rules: &ScopeRules, element: u32) -> Element {
    rules.elements[element as usize]
}

/// Whether the last of the selected can be selected after the others, if only the others are looked at.
fn is_possible(rules: &ScopeRules, selected: &[u32]) -> bool {
    let Some((&last, before)) = selected.split_last() else { return true };
    let last = element(rules, last);
    let slots: Vec<Option<u32>> = before.iter().map(|&other| element(rules, other).slot).collect();
    if last.slot.is_some() && slots.contains(&last.slot) {
        return false;
    }
    if rules.order == ElementOrder::Slots {
        let place = |slot: Option<u32>| slot.unwrap_or(u32::MAX);
        let later = slots.iter().any(|&slot| place(slot) > place(last.slot));
        let passed_over = (0..rules.required.len() as u32)
            .filter(|&slot| slot < place(last.slot) && rules.required[slot as usize])
            .any(|slot| !slots.contains(&Some(slot)));
        if later || passed_over {
            return false;
        }
    }
    rules.max.is_none_or(|max| selected.len() <= max as usize)
        && (0..rules.tallies.len()).all(|tally| {
            let max = rules.tallies[tally].max;
            max.is_none_or(|max| sum(rules, selected, tally) <= max as usize)
        })
}

fn sum(rules: &ScopeRules, selected: &[u32], tally: usize) -> usize {
    selected.iter().filter(|&&other| element(rules, other).tallies >> tally & 1 == 1).count()
}

fn are_met(rules: &ScopeRules, selected: &[u32]) -> bool {
    let has = |slot: usize| selected.iter().any(|&other| element(rules, other).slot == Some(slot as u32));
    (0..rules.required.len()).all(|slot| !rules.required[slot] || has(slot))
        && selected.len() >= rules.min as usize
        && (0..rules.tallies.len()).all(|tally| sum(rules, selected, tally) >= rules.tallies[tally].min as usize)
}

/// Every sequence of up to so many more selections is tried, which is more than the rules of these tests ask for.
const MORE: usize = 5;

fn can_be_met(rules: &ScopeRules, present: &BTreeSet<u32>, selected: &[u32]) -> bool {
    let mut sequences = vec![selected.to_vec()];
    for _ in 0..=MORE {
        if sequences.iter().any(|selected| are_met(rules, selected)) {
            return true;
        }
        let longer = sequences.iter().flat_map(|sequence| {
            present.iter().map(|&element| sequence.iter().copied().chain([element]).collect::<Vec<u32>>())
        });
        sequences = longer.filter(|sequence| is_possible(rules, sequence)).collect();
    }
    false
}
