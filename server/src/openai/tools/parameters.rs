//! What the values of a tool's parameters can be, for arguments that are written without their types.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use compilers::json_schema::{self, KeyOrder, Options};
use counting_allocator::held_by_this_thread;
use gpu_runtime::processor_time;
use grammar_ir::{Limits, MemoryLimit};
use mask_runtime::{CompiledGrammar, Matcher, MatcherOptions, Tokenizer, Vocabulary};
use serde_json::{Map, Value, json};

/// The schema of a tool's arguments.
#[derive(Debug)]
pub(super) struct Parameters {
    schema: Value,
    /// All valid objects, once somebody has asked; `None` if they take too long to work out.
    all: OnceCell<Option<Arc<CompiledGrammar>>>,
    /// Objects that begin with a key, for each key that somebody has asked for; `None` if that takes too long to work out.
    objects: RefCell<HashMap<String, Option<Arc<CompiledGrammar>>>>,
    /// What was chosen for a key among values. While a call is being written, its beginning is read again and again.
    chosen: RefCell<HashMap<(String, String), usize>>,
    patience: Patience,
}

/// How long schemas are asked about the calls of one request, by all that share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Patience {
    /// In microseconds.
    spent: Arc<AtomicU64>,
}

impl Patience {
    fn is_over(&self) -> bool {
        Duration::from_micros(self.spent.load(Ordering::Relaxed)) >= TIME
    }

    fn spend(&self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.spent.fetch_add(time, Ordering::Relaxed);
    }
}

/// What a value is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string, as it is.
    Text,
    /// No string, as JSON.
    Json,
    /// Either: the text alone does not say.
    Either,
}

/// More members than this are read each for itself.
const MAX_TOGETHER: usize = 128;

/// After this much time of the processor nothing more is worked out for the calls of one request; a key takes a fraction of a millisecond.
const TIME: Duration = Duration::from_millis(500);

/// The most time that working out one key may take, or all of them together.
const TIME_OF_A_KEY: Duration = Duration::from_millis(50);

/// Working something out is not begun again with more time than this where others took the processor meanwhile.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The most memory that working out one key may take.
const MEMORY: usize = 64 << 20;

/// The longest stack of a value.
const MAX_FRAMES: usize = 10_000;

/// Values with a longer text are not judged by the schema.
const MAX_JUDGED: usize = 4096;

/// Keywords that say nothing of a value.
const ANNOTATIONS: [&str; 8] =
    ["type", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];

/// Keywords of objects that let no key have a say in what another one may have.
const SEPARATE: [&str; 10] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "required",
];

impl Parameters {
    /// Those of the schema `schema`.
    pub(super) fn new(schema: &Value, patience: Patience) -> Self {
        Self {
            schema: schema.clone(),
            all: OnceCell::new(),
            objects: RefCell::default(),
            chosen: RefCell::default(),
            patience,
        }
    }

    fn declared(&self, key: &str) -> Option<&Map<String, Value>> {
        self.schema.get("properties")?.get(key)?.as_object()
    }

    /// What the value of `key` is written as, as far as the declared types say it. Other keywords can only leave less.
    pub(super) fn kind(&self, key: &str) -> Kind {
        let types = match self.declared(key).and_then(|schema| schema.get("type")) {
            Some(Value::String(name)) => std::slice::from_ref(name).iter().map(String::as_str).collect(),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
            _ => return Kind::Either,
        };
        match types.iter().filter(|&&name| name == "string").count() {
            0 => Kind::Json,
            texts if texts == types.len() => Kind::Text,
            _ => Kind::Either,
        }
    }

    /// Whether the value of `key` may be every string and nothing else.
    pub(super) fn is_any_text(&self, key: &str) -> bool {
        let says_nothing = |schema: &Map<String, Value>| schema.keys().all(|name| ANNOTATIONS.contains(&name.as_str()));
        self.kind(key) == Kind::Text && self.declared(key).is_some_and(says_nothing)
    }

    /// The place among `values`, texts of JSON, of the first one that `key` may have in some valid object; 0 if that cannot be
    /// told.
    pub(super) fn choose(&self, key: &str, values: &[&str]) -> usize {
        let question = (key.to_owned(), values.join("\n"));
        if let Some(place) = self.chosen.borrow().get(&question) {
            return *place;
        }
        let start = processor_time();
        let place = if self.patience.is_over() { 0 } else { self.judge(key, values) };
        self.patience.spend(processor_time().saturating_sub(start));
        self.chosen.borrow_mut().insert(question, place);
        place
    }

    fn judge(&self, key: &str, values: &[&str]) -> usize {
        let mut objects = self.objects.borrow_mut();
        let object = objects.entry(key.to_owned()).or_insert_with(|| self.compile(key));
        let Some(object) = object else { return 0 };
        let fits = |value: &&str| {
            let Some(mut matcher) = matcher(object) else { return false };
            let text = format!("{{{}:{value}", Value::from(key));
            // A value ends where a further member or the end can come.
            value.len() <= MAX_JUDGED && matcher.accept_bytes(text.as_bytes()).is_ok() && {
                let next = matcher.next_bytes();
                next.contains(b',') || next.contains(b'}')
            }
        };
        values.iter().position(fits).unwrap_or(0)
    }

    /// The places among the values of each member, in the order of `members`, of the first that make a valid object together;
    /// `None` if there are none, if that cannot be told, or if each key can be asked for itself.
    pub(super) fn choose_together(&self, members: &[(String, Vec<String>)]) -> Option<Vec<usize>> {
        let is_short = |(_, values): &(String, Vec<String>)| values.iter().all(|value| value.len() <= MAX_JUDGED);
        let is_open = members.iter().any(|(_, values)| values.len() > 1);
        if !is_open || self.has_separate_keys() || members.len() > MAX_TOGETHER || !members.iter().all(is_short) {
            return None;
        }
        let start = processor_time();
        let chosen = if self.patience.is_over() { None } else { self.search(members, start) };
        self.patience.spend(processor_time().saturating_sub(start));
        chosen
    }

    fn search(&self, members: &[(String, Vec<String>)], start: Duration) -> Option<Vec<usize>> {
        let all = self.all.get_or_init(|| compile(&self.schema)).as_ref()?;
        // What comes after the first of the members that were read, and the places of their values.
        let mut agenda = vec![(matcher(all)?, Vec::new())];
        while let Some((before, places)) = agenda.pop() {
            let Some((key, values)) = members.get(places.len()) else {
                let mut before = before;
                if before.accept_bytes(b"}").is_ok() && before.is_complete() {
                    return Some(places);
                }
                continue;
            };
            let sign = if places.is_empty() { '{' } else { ',' };
            // The first one comes last, and is taken first.
            for (place, value) in values.iter().enumerate().rev() {
                if processor_time().saturating_sub(start) > TIME_OF_A_KEY {
                    return None;
                }
                let mut matcher = before.fork();
                if matcher.accept_bytes(format!("{sign}{}:{value}", Value::from(key.as_str())).as_bytes()).is_ok() {
                    agenda.push((matcher, places.iter().copied().chain([place]).collect()));
                }
            }
        }
        None
    }

    /// The valid objects that begin with `key`.
    ///
    /// Objects of many keys in any order take long to work out, and what is said of other keys mostly says nothing of this
    /// one.
    fn compile(&self, key: &str) -> Option<Arc<CompiledGrammar>> {
        let all = || self.all.get_or_init(|| compile(&self.schema)).clone();
        let own = || compile(&self.reduced(key));
        if self.has_separate_keys() { own().or_else(all) } else { all().or_else(own) }
    }

    /// Whether what each key may have is said for each alone. (Where a schema of one refers to another, [`reduced`](
    /// Self::reduced) does not compile.)
    fn has_separate_keys(&self) -> bool {
        self.schema.as_object().is_some_and(|members| {
            members.keys().all(|name| SEPARATE.contains(&name.as_str()) || ANNOTATIONS.contains(&name.as_str()))
        })
    }

    /// The schema without what is said of other keys by name, and which have to be there.
    fn reduced(&self, key: &str) -> Value {
        let Some(members) = self.schema.as_object() else { return self.schema.clone() };
        let kept =
            members.iter().filter(|(name, _)| !["required", "minProperties", "properties"].contains(&name.as_str()));
        let mut kept: Map<String, Value> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        if let Some(own) = members.get("properties").and_then(|properties| properties.get(key)) {
            kept.insert("properties".to_owned(), json!({key: own}));
        }
        Value::Object(kept)
    }
}

/// The objects of `schema`, if they do not take too long to work out.
fn compile(schema: &Value) -> Option<Arc<CompiledGrammar>> {
    // Any member may come first.
    let mut options = Options::default();
    options.key_order = KeyOrder::Any;
    let source = schema.to_string();
    let mut time = TIME_OF_A_KEY;
    loop {
        let limits = Limits {
            time: Some(time),
            memory: Some(MemoryLimit { bytes: MEMORY, held: held_by_this_thread }),
            ..Limits::default()
        };
        let (start, computed) = (Instant::now(), processor_time());
        let compiled = json_schema::compile(&source, &options, &limits)
            .ok()
            .and_then(|compiled| CompiledGrammar::new(&compiled.grammar, WITHOUT_TOKENS.clone()?, &limits).ok());
        // On a machine with much else to do the time may have gone to others.
        let was_kept_waiting = start.elapsed() >= time && processor_time().saturating_sub(computed) < TIME_OF_A_KEY / 2;
        if compiled.is_some() || !was_kept_waiting || time >= MAX_WAIT {
            return compiled;
        }
        time *= 4;
    }
}

/// A matcher at the beginning of `objects`.
fn matcher(objects: &Arc<CompiledGrammar>) -> Option<Matcher> {
    let options = MatcherOptions { max_frames: Some(MAX_FRAMES), ..MatcherOptions::default() };
    Matcher::with_options(objects.clone(), options).ok()
}

/// A vocabulary for reading bytes.
static WITHOUT_TOKENS: LazyLock<Option<Arc<Tokenizer>>> =
    LazyLock::new(|| Vocabulary::from_tokens(Vec::new()).ok().map(Tokenizer::new));
