//! One line of a case file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// One case: a grammar and what is stated about it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// The line in the file, from 1.
    pub(super) line: usize,
    /// The language of the grammar, or `matcher`.
    pub(super) kind: String,
    /// The language of the grammar.
    pub(super) grammar_kind: String,
    /// The text of the grammar.
    pub(super) grammar: String,
    /// The name of the root rule.
    pub(super) root: Option<String>,
    /// How it is to be compiled.
    pub(super) options: Map<String, Value>,
    /// What of its language the grammar uses, as the corpus names it.
    pub(super) features: Vec<String>,
    /// Where the case is from, or why it is there.
    pub(super) origin: Option<String>,
    /// What is stated.
    pub(super) fact: Fact,
}

/// What a case states.
#[derive(Debug, Clone)]
pub(super) enum Fact {
    /// Whether the whole input is a word of the language.
    Accepted {
        /// The input.
        input: Vec<u8>,
        /// Whether it is.
        accepted: bool,
    },
    /// No word of the language begins with the input.
    DeadPrefix(Vec<u8>),
    /// The grammar does not compile.
    CompileError,
    /// The grammar compiles.
    Compiles,
    /// What a matcher answers.
    Steps(Box<Steps>),
}

/// A vocabulary, and what a matcher over it answers step by step.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    /// The bytes of the tokens.
    pub(super) vocabulary: Vec<Vec<u8>>,
    /// The number of ids, if greater.
    pub(super) size: Option<usize>,
    /// The ids that end a generation.
    pub(super) stop_tokens: Vec<u32>,
    /// The ids that are no text.
    pub(super) special_tokens: Vec<u32>,
    /// The options of the matcher.
    pub(super) options: Map<String, Value>,
    /// The steps, as they are in the file.
    pub(super) steps: Vec<Value>,
}

impl Case {
    /// Reads a line.
    pub(super) fn parse(line: &str, number: usize) -> Result<Self, String> {
        let row: Value = serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"))?;
        let row = row.as_object().ok_or("not a JSON object")?;
        let kind = text(row, "kind")?.ok_or("`kind` is missing")?;
        let grammar_kind = text(row, "grammar_kind")?.unwrap_or_else(|| kind.clone());
        // Some corpora hold JSON grammars as JSON instead of as text.
        let grammar = match row.get("grammar") {
            Some(Value::String(grammar)) => grammar.clone(),
            Some(other) => other.to_string(),
            None if grammar_kind == "builtin_json" => String::new(),
            None => return Err("`grammar` is missing".to_owned()),
        };
        let options = object(row, "options")?;
        let root = text(row, "root")?.or_else(|| options.get("root").and_then(Value::as_str).map(str::to_owned));
        let features = row.get("features").and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            line: number,
            fact: fact(row, &kind)?,
            grammar_kind,
            kind,
            grammar,
            root,
            options,
            features: features.filter_map(Value::as_str).map(str::to_owned).collect(),
            origin: ["source_test", "source", "why"].iter().find_map(|key| Some(row.get(*key)?.as_str()?.to_owned())),
        })
    }

    /// What the case is called where it stands beside others of its file.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.line, self.full_kind())
    }

    /// The kind, with the language of the grammar for matchers.
    pub(super) fn full_kind(&self) -> String {
        if self.kind == self.grammar_kind { self.kind.clone() } else { format!("{}/{}", self.kind, self.grammar_kind) }
    }
}

fn fact(row: &Map<String, Value>, kind: &str) -> Result<Fact, String> {
    if let Some(steps) = row.get("steps") {
        let steps = steps.as_array().ok_or("`steps` is not an array")?.clone();
        return Ok(Fact::Steps(Box::new(self::steps(row, steps)?)));
    }
    if kind == "matcher" {
        return Err("`steps` is missing".to_owned());
    }
    let compile = row.get("compile").and_then(Value::as_str);
    if row.get("error") == Some(&Value::Bool(true)) || compile == Some("error") {
        return Ok(Fact::CompileError);
    }
    let accepted = row.get("accepted").and_then(Value::as_bool);
    if compile == Some("ok") && accepted.is_none() {
        return Ok(Fact::Compiles);
    }
    let input = text(row, "input")?.ok_or("`input` is missing")?;
    let input = decode(input, row.get("input_is_bytes_b64"))?;
    if row.get("dead_prefix") == Some(&Value::Bool(true)) {
        return Ok(Fact::DeadPrefix(input));
    }
    // Where there is an independent verdict, it is what counts. It is about values, though: a text that only an option
    // on white space rejects is as rejected as the corpus says.
    let of_spelling = row
        .get("deviation_why")
        .and_then(Value::as_array)
        .is_some_and(|reasons| reasons.iter().any(|reason| reason == "whitespace_option"));
    let standard = row.get("standard").filter(|_| !of_spelling).and_then(|standard| standard.get("accepts")?.as_bool());
    let accepted = standard.or(accepted).ok_or("neither `accepted`, `error`, `compile`, `dead_prefix` nor `steps`")?;
    Ok(Fact::Accepted { input, accepted })
}

fn steps(row: &Map<String, Value>, steps: Vec<Value>) -> Result<Steps, String> {
    let tokens = row.get("vocab").and_then(Value::as_array).ok_or("`vocab` is not an array")?;
    let bytes = |token: &Value| match token {
        Value::String(text) => Ok(text.clone().into_bytes()),
        Value::Object(token) => {
            let encoded = text(token, "b64")?.ok_or("a token is neither a text nor {\"b64\": …}")?;
            STANDARD.decode(encoded).map_err(|error| format!("a token is not base64: {error}"))
        }
        _ => Err("a token is neither a text nor {\"b64\": …}".to_owned()),
    };
    Ok(Steps {
        vocabulary: tokens.iter().map(bytes).collect::<Result<_, _>>()?,
        size: row.get("vocab_size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok()),
        stop_tokens: ids(row.get("stop_token_ids")).ok_or("`stop_token_ids` is not a list of ids")?,
        special_tokens: ids(row.get("special_token_ids")).ok_or("`special_token_ids` is not a list of ids")?,
        options: object(row, "matcher_options")?,
        steps,
    })
}

/// A list of token ids; none if there is no list.
pub(super) fn ids(value: Option<&Value>) -> Option<Vec<u32>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(list) => list.as_array()?.iter().map(|id| u32::try_from(id.as_u64()?).ok()).collect(),
    }
}

/// A text, or the bytes whose base64 form it is.
pub(super) fn decode(text: String, is_base64: Option<&Value>) -> Result<Vec<u8>, String> {
    if is_base64 == Some(&Value::Bool(true)) {
        return STANDARD.decode(text).map_err(|error| format!("not base64: {error}"));
    }
    Ok(text.into_bytes())
}

fn text(row: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match row.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{key}` is not a text")),
    }
}

fn object(row: &Map<String, Value>, key: &str) -> Result<Map<String, Value>, String> {
    match row.get(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(_) => Err(format!("`{key}` is not an object")),
    }
}
