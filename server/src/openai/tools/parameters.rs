//! What the values of a tool's parameters can be, for arguments that are written without their types.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use compilers::json_schema::{self, KeyOrder, Options};
use counting_allocator::held_by_this_thread;
use grammar_ir::{Limits, MemoryLimit};
use mask_runtime::{CompiledGrammar, Matcher, MatcherOptions, Tokenizer, Vocabulary};
use serde_json::{Map, Value, json};

/// The schema of a tool's arguments.
#[derive(Debug)]
pub(super) struct Parameters {
    schema: Value,
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

/// After this nothing more is worked out for the calls of one request; a key takes a fraction of a millisecond.
const TIME: Duration = Duration::from_millis(500);

/// The most time that working out one key may take.
const TIME_OF_A_KEY: Duration = Duration::from_millis(50);

/// The most memory that working out one key may take.
const MEMORY: usize = 64 << 20;

/// The longest stack of a value.
const MAX_FRAMES: usize = 10_000;

/// Values with a longer text are not judged by the schema.
const MAX_JUDGED: usize = 4096;

/// Keywords that say nothing of a value.
const ANNOTATIONS: [&str; 8] =
    ["type", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];

impl Parameters {
    /// Those of the schema `schema`.
    pub(super) fn new(schema: &Value, patience: Patience) -> Self {
        Self { schema: schema.clone(), objects: RefCell::default(), chosen: RefCell::default(), patience }
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
        let start = Instant::now();
        let place = if self.patience.is_over() { 0 } else { self.judge(key, values) };
        self.patience.spend(start.elapsed());
        self.chosen.borrow_mut().insert(question, place);
        place
    }

    fn judge(&self, key: &str, values: &[&str]) -> usize {
        let mut objects = self.objects.borrow_mut();
        let object = objects.entry(key.to_owned()).or_insert_with(|| self.compile(key));
        let Some(object) = object else { return 0 };
        let options = MatcherOptions { max_frames: Some(MAX_FRAMES), ..MatcherOptions::default() };
        let fits = |value: &&str| {
            let Ok(mut matcher) = Matcher::with_options(object.clone(), options.clone()) else { return false };
            let text = format!("{{{}:{value}", Value::from(key));
            // A value ends where a further member or the end can come.
            value.len() <= MAX_JUDGED && matcher.accept_bytes(text.as_bytes()).is_ok() && {
                let next = matcher.next_bytes();
                next.contains(b',') || next.contains(b'}')
            }
        };
        values.iter().position(fits).unwrap_or(0)
    }

    /// The valid objects that begin with `key`. What is said of other keys by name, and which have to be there, is left
    /// out: it says nothing of this value.
    fn compile(&self, key: &str) -> Option<Arc<CompiledGrammar>> {
        let limits = Limits {
            time: Some(TIME_OF_A_KEY),
            memory: Some(MemoryLimit { bytes: MEMORY, held: held_by_this_thread }),
            ..Limits::default()
        };
        // Any member may come first.
        let mut options = Options::default();
        options.key_order = KeyOrder::Any;
        let compile = |schema: &Value| {
            let compiled = json_schema::compile(&schema.to_string(), &options, &limits).ok()?;
            CompiledGrammar::new(&compiled.grammar, WITHOUT_TOKENS.clone()?, &limits).ok()
        };
        // A reference may lead to one of the other keys.
        compile(&self.reduced(key)).or_else(|| compile(&self.schema))
    }

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

/// A vocabulary for reading bytes.
static WITHOUT_TOKENS: LazyLock<Option<Arc<Tokenizer>>> =
    LazyLock::new(|| Vocabulary::from_tokens(Vec::new()).ok().map(Tokenizer::new));
