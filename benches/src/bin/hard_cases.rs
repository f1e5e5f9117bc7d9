//! Schemas and grammars of kinds that engines find hard, beside a simple object: what they cost to compile, by the size of
//! their source, and what their masks cost.
//!
//! Each text is gone through twice with the same grammar: the first time every state is new to it. Times are of one thread,
//! the least of [`ROUNDS`] runs with a grammar compiled afresh, so that a busy machine adds no tail of its own; formats and
//! patterns are then known from the run before. `GRAMMARC_TOKENIZER=DIR` chooses the tokenizer.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use compilers::{gbnf, json_schema, structural_tag};
use grammar_ir::{Grammar, Limits};
use grammarc_benches::{tokenizer, tokens_of};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer};
use serde_json::{Value, json};

const ROUNDS: usize = 5;

/// A case: its name, the source, and a text of its language.
struct Case {
    name: &'static str,
    source: Source,
    text: String,
}

enum Source {
    Schema(Value),
    Gbnf(&'static str),
    Tag(Value),
}

fn main() {
    let tokenizer = tokenizer();
    println!("{} tokens in the vocabulary; times in µs\n", tokenizer.vocabulary().size());
    println!(
        "{:<28} {:>8} {:>12} {:>10} {:>7} {:>10} {:>8} {:>8} {:>8}",
        "case", "bytes", "first mask", "per KB, ×", "tokens", "mask mean", "max", "again", "mean, ×"
    );
    let mut simple: Option<Measured> = None;
    for case in cases() {
        let measured = measure(&case, &tokenizer);
        let base = simple.get_or_insert(measured);
        println!(
            "{:<28} {:>8} {:>12.0} {:>10.1} {:>7} {:>10.1} {:>8.0} {:>8.2} {:>8.1}",
            case.name,
            measured.bytes,
            measured.compile,
            (measured.compile / measured.bytes as f64) / (base.compile / base.bytes as f64),
            measured.tokens,
            measured.mean,
            measured.max,
            measured.again,
            measured.mean / base.mean,
        );
    }
}

#[derive(Clone, Copy)]
struct Measured {
    bytes: usize,
    tokens: usize,
    compile: f64,
    mean: f64,
    max: f64,
    /// The mean of the second time.
    again: f64,
}

fn measure(case: &Case, tokenizer: &Arc<Tokenizer>) -> Measured {
    let tokens = tokens_of(&case.text, tokenizer.vocabulary());
    let source = match &case.source {
        Source::Schema(value) | Source::Tag(value) => value.to_string(),
        Source::Gbnf(text) => (*text).to_owned(),
    };
    let mut compile = Duration::MAX;
    let mut times = [vec![Duration::MAX; tokens.len()], vec![Duration::MAX; tokens.len()]];
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let grammar = frontend(case, &source);
        let compiled = CompiledGrammar::new(&grammar, Arc::clone(tokenizer), &Limits::default());
        let mut matcher = Matcher::new(compiled.unwrap_or_else(|error| panic!("{}: {error}", case.name)));
        let mut row = matcher.row();
        matcher.fill(&mut row).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        compile = compile.min(started.elapsed());
        for times in &mut times {
            matcher.reset();
            for (&token, least) in tokens.iter().zip(times) {
                let started = Instant::now();
                matcher.fill(&mut row).unwrap_or_else(|error| panic!("{}: {error}", case.name));
                matcher.accept_token(token).unwrap_or_else(|error| panic!("{}: {error}", case.name));
                *least = (*least).min(started.elapsed());
            }
        }
    }
    let micros = |time: &Duration| time.as_secs_f64() * 1e6;
    let mean = |times: &[Duration]| times.iter().map(micros).sum::<f64>() / times.len() as f64;
    Measured {
        bytes: source.len(),
        tokens: tokens.len(),
        compile: micros(&compile),
        mean: mean(&times[0]),
        max: times[0].iter().map(micros).fold(0.0, f64::max),
        again: mean(&times[1]),
    }
}

fn frontend(case: &Case, source: &str) -> Grammar {
    let limits = Limits::default();
    let result = match &case.source {
        Source::Schema(_) => {
            json_schema::compile(source, &Default::default(), &limits).map(|compiled| compiled.grammar)
        }
        Source::Gbnf(_) => gbnf::compile(source, &Default::default(), None, &limits),
        Source::Tag(_) => structural_tag::compile(source, &Default::default(), None, &limits),
    };
    result.unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

fn cases() -> Vec<Case> {
    let schema = |name, schema: Value, text: String| Case { name, source: Source::Schema(schema), text };
    let string = |name, keyword: &str, value: Value, text: &str| {
        schema(name, json!({"type": "string", keyword: value}), json!(text).to_string())
    };
    let words = "Some words of a text, as they come, and then a few more to go on with";
    let branches: Vec<Value> = (0..50)
        .map(|number| {
            let kind = format!("kind_{number}");
            json!({"type": "object", "properties": {"kind": {"const": kind}, "size": {"type": "integer"}},
                   "required": ["kind", "size"], "additionalProperties": false})
        })
        .collect();
    let values: Vec<String> =
        (0..8_192).map(|number| format!("value-{:x}", number * 2_654_435_761u64 % 99_999_989)).collect();
    let tags: Vec<Value> = (0..100)
        .map(|number| {
            json!({"begin": format!("<tool_{number}>"), "schema": {"type": "object"}, "end": format!("</tool_{number}>")})
        })
        .collect();
    let triggers: Vec<String> = (0..100).map(|number| format!("<tool_{number}>")).collect();
    let properties: serde_json::Map<String, Value> =
        (0..10_000).map(|number| (format!("property_{number}"), json!({"type": "string"}))).collect();
    let nested = (0..30).fold(json!({"type": "string"}), |inner, _| {
        json!({"type": "object", "properties": {"next": inner}, "required": ["next"], "additionalProperties": false})
    });
    let nested_text = (0..30).fold(json!("the end"), |inner, _| json!({"next": inner}));
    let tree = json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object",
        "properties": {"value": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
        "required": ["value", "children"]}}});
    let tree_text = (0..6).fold(json!({"value": "leaf", "children": []}), |inner, depth| {
        json!({"value": format!("depth {depth}"), "children": [inner, {"value": "sibling", "children": []}]})
    });
    vec![
        schema(
            "simple object",
            json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"},
                   "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["name", "age"]}),
            json!({"name": "Ada Lovelace", "age": 36, "tags": ["mathematics", "engines"]}).to_string(),
        ),
        string("maxLength: 100", "maxLength", json!(100), words),
        string("maxLength: 100000", "maxLength", json!(100_000), words),
        string("^.{1,64}$", "pattern", json!("^.{1,64}$"), &words[..60]),
        string(r"^\w+$", "pattern", json!(r"^\w+$"), "some_words_of_a_text_as_they_come"),
        string(r"^\p{L}+$", "pattern", json!(r"^\p{L}+$"), "WörterEinesTextesUndΛέξεις"),
        string("format: email", "format", json!("email"), "someone.of.note@mail.example.org"),
        schema(
            "50-way anyOf of objects",
            json!({"anyOf": branches}),
            json!({"kind": "kind_37", "size": 12}).to_string(),
        ),
        schema("8,192-value enum", json!({"enum": values}), json!(values[5_000]).to_string()),
        Case {
            name: "free text until 100 tags",
            source: Source::Tag(json!({"structures": tags, "triggers": triggers})),
            text: format!("{words}. <tool_42>{{\"a\": 1}}</tool_42> {words}"),
        },
        schema(
            "10,000-property object",
            json!({"type": "object", "properties": properties}),
            json!({"property_7": "a text", "property_8123": "another one"}).to_string(),
        ),
        schema("30-deep nesting", nested, nested_text.to_string()),
        schema("recursive tree", tree, tree_text.to_string()),
        Case {
            name: "C-like grammar",
            source: Source::Gbnf(include_str!("../../../fuzz/grammars/c.gbnf")),
            text: "int main() {\n  int count = 0;\n  while (count < 10) { count = count + 1; }\n  return count;\n}\n"
                .to_owned(),
        },
    ]
}
