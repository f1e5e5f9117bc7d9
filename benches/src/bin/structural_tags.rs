//! What free text with 100 tags costs beside a plain JSON string, and what 100 tools cost to compile.
//!
//! Every mask is made [`ROUNDS`] times and the least time counts, so that a busy machine adds no tail of its own; the
//! percentiles are over the places in the text. `first` is the slowest mask of the first round, in which each state is new
//! to the grammar. `GRAMMARC_TOKENIZER=DIR` chooses the tokenizer.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use compilers::json_schema;
use compilers::structural_tag::{self, Family, Request};
use grammar_ir::{Grammar, Limits};
use grammarc_benches::{tokenizer, tokens_of};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer};
use serde_json::{Value, json};

const TOOLS: usize = 100;
const ROUNDS: usize = 30;

/// Text with what a trigger begins with in it.
const TEXT: &str = "Let me see what is known about the weather first. If a < b and <f> is a function, then <fun is not one, \
    but <function is nearly a call; {'name': 1} is none either. Überall scheint die Sonne, 北京今天晴。 <tool_ is a part \
    of <tool_call and [name] too. The temperature rises to 25 °C (77 °F) by noon, and it stays dry until the evening.";

fn main() {
    let tokenizer = tokenizer();
    let tokens = tokens_of(TEXT, tokenizer.vocabulary());
    println!("{} tokens in the vocabulary, {} in the text", tokenizer.vocabulary().size(), tokens.len());

    println!("\nfill, µs per mask          p50      p99      max    first   p99 / JSON string");
    let string = json_schema::compile(r#"{"type": "string"}"#, &json_schema::Options::default(), &Limits::default());
    let string = string.unwrap_or_else(|error| panic!("{error}")).grammar;
    let baseline = fills(&string, "\"", &tokens, &tokenizer);
    show("JSON string", &baseline, &baseline);
    for (name, tag) in tags() {
        show(name, &fills(&compile(&tag), "", &tokens, &tokenizer), &baseline);
    }

    println!("\ncompile, ms               frontend   to the first mask");
    for (name, tag) in tags() {
        let source = tag.to_string();
        let mut parts = [Duration::MAX; 2];
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let grammar = structural_tag::compile(&source, &Default::default(), None, &Limits::default());
            let grammar = grammar.unwrap_or_else(|error| panic!("{error}"));
            let frontend = started.elapsed();
            let mut matcher = Matcher::new(bind(&grammar, &tokenizer));
            let mut row = matcher.row();
            matcher.fill(&mut row).unwrap_or_else(|error| panic!("{error}"));
            parts = [parts[0].min(frontend), parts[1].min(started.elapsed())];
        }
        let [frontend, all] = parts.map(|time| time.as_secs_f64() * 1e3);
        println!("{name:<24} {frontend:>9.2} {all:>19.2}");
    }
}

/// The ways in which a request with many tools is constrained.
fn tags() -> Vec<(&'static str, Value)> {
    let schema = json!({"type": "object", "properties": {
        "city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "unit": {"enum": ["celsius", "fahrenheit"]}, "hourly": {"type": "boolean"},
        "fields": {"type": "array", "items": {"type": "string"}}}, "required": ["city"], "additionalProperties": false});
    let tag = |begin: String| json!({"begin": begin, "schema": schema, "end": "</function>"});
    let one: Vec<Value> = (0..TOOLS).map(|index| tag(format!("<function=tool_{index}>"))).collect();
    let triggers: Vec<String> = (0..TOOLS).map(|index| format!("<tool_{index}>")).collect();
    let each: Vec<Value> = triggers.iter().map(|trigger| tag(trigger.clone())).collect();
    let tools: Vec<Value> = (0..TOOLS)
        .map(|index| json!({"type": "function", "function": {"name": format!("tool_{index}"), "parameters": schema}}))
        .collect();
    let request = Request::from_json(&json!({"tools": tools})).unwrap_or_else(|error| panic!("{error}"));
    let family = structural_tag::for_family(Family::Qwen3, &request, None).unwrap_or_else(|error| panic!("{error}"));
    vec![
        ("100 tags, one trigger", json!({"structures": one, "triggers": ["<function="]})),
        ("100 tags and triggers", json!({"structures": each, "triggers": triggers})),
        ("100 tools, qwen3", family),
    ]
}

fn compile(tag: &Value) -> Grammar {
    structural_tag::compile(&tag.to_string(), &Default::default(), None, &Limits::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn bind(grammar: &Grammar, tokenizer: &Arc<Tokenizer>) -> Arc<CompiledGrammar> {
    CompiledGrammar::new(grammar, Arc::clone(tokenizer), &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Times in µs.
struct Fills {
    /// The least of the masks before each token of the text, ascending.
    least: Vec<f64>,
    /// The greatest of the first round.
    first: f64,
}

fn fills(grammar: &Grammar, before: &str, tokens: &[u32], tokenizer: &Arc<Tokenizer>) -> Fills {
    let mut matcher = Matcher::new(bind(grammar, tokenizer));
    let mut row = matcher.row();
    let mut least = vec![f64::INFINITY; tokens.len()];
    let mut first = f64::NAN;
    for round in 0..ROUNDS {
        matcher.reset();
        matcher.accept_bytes(before.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        for (token, least) in tokens.iter().zip(&mut least) {
            let started = Instant::now();
            matcher.fill(&mut row).unwrap_or_else(|error| panic!("{error}"));
            *least = least.min(started.elapsed().as_secs_f64() * 1e6);
            matcher.accept_token(*token).unwrap_or_else(|error| panic!("{error}"));
        }
        if round == 0 {
            first = least.iter().copied().fold(0.0, f64::max);
        }
    }
    least.sort_by(f64::total_cmp);
    Fills { least, first }
}

fn show(name: &str, times: &Fills, baseline: &Fills) {
    let at = |times: &[f64], quantile: f64| times[((times.len() as f64 * quantile) as usize).min(times.len() - 1)];
    let Fills { least, first } = times;
    let (p50, p99, max) = (at(least, 0.5), at(least, 0.99), at(least, 1.0));
    let ratio = p99 / at(&baseline.least, 0.99);
    println!("{name:<22} {p50:>8.2} {p99:>8.2} {max:>8.2} {first:>8.0}   {ratio:>17.2}");
}
