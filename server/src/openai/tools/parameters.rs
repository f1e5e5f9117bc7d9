//! What the values of a tool's parameters can be, for arguments that are written without their types.

use std::cell::OnceCell;
use std::time::Duration;

use compilers::json_schema::{self, KeyOrder, Options};
use grammar_ir::interp::Recognizer;
use grammar_ir::{Grammar, Limits};
use serde_json::{Map, Value};

/// The schema of a tool's arguments.
#[derive(Debug)]
pub(super) struct Parameters {
    schema: Value,
    /// What the schema allows, once somebody has asked; `None` if it takes too long to work out.
    grammar: OnceCell<Option<Grammar>>,
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

/// The schema was compiled for the constraint, mostly in less than a millisecond; longer than this is not spent on it again.
const TIME: Duration = Duration::from_millis(200);

/// Values with a longer text are not judged by the schema.
const MAX_JUDGED: usize = 4096;

/// Keywords that say nothing of a value.
const ANNOTATIONS: [&str; 8] =
    ["type", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];

impl Parameters {
    /// Those of the schema `schema`.
    pub(super) fn new(schema: &Value) -> Self {
        Self { schema: schema.clone(), grammar: OnceCell::new() }
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
    pub(super) fn choose<'v>(&self, key: &str, values: impl IntoIterator<Item = &'v str>) -> usize {
        let Some(grammar) = self.grammar.get_or_init(|| self.compile()) else { return 0 };
        let mut recognizer = Recognizer::new(grammar);
        recognizer.push_bytes(format!("{{{}:", Value::from(key)).as_bytes());
        let start = recognizer.position();
        let fits = |value: &str| {
            recognizer.truncate(start);
            // A value ends where a further member or the end can come.
            value.len() <= MAX_JUDGED && recognizer.push_bytes(value.as_bytes()) && {
                let expected = recognizer.expected_bytes();
                expected.contains(b',') || expected.contains(b'}')
            }
        };
        values.into_iter().map(fits).position(|fits| fits).unwrap_or(0)
    }

    fn compile(&self) -> Option<Grammar> {
        let limits = Limits { time: Some(TIME), ..Limits::default() };
        // Any member may come first.
        let mut options = Options::default();
        options.key_order = KeyOrder::Any;
        let compiled = json_schema::compile(&self.schema.to_string(), &options, &limits).ok()?;
        Some(compiled.grammar)
    }
}
