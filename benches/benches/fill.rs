//! One mask, by the kind of state it is for. `GRAMMARC_TOKENIZER=DIR` chooses the tokenizer.

use criterion::{Criterion, criterion_group, criterion_main};
use grammarc_benches::{gbnf_matcher, tokenizer};

const JSON: &str = include_str!("../../fuzz/grammars/json.gbnf");

fn fill(criterion: &mut Criterion) {
    let tokenizer = tokenizer();
    let mut group = criterion.benchmark_group("fill");
    for (name, grammar, text) in [
        ("json/start", JSON, ""),
        ("json/in string", JSON, r#"{"a": "b"#),
        ("json/in key, nested", JSON, r#"[[{"a":{"b"#),
        ("json/after backslash", JSON, r#""\"#),
        ("json/in number", JSON, r#"[12"#),
        ("json/after value", JSON, r#"{"a": 1 "#),
        ("literal", r#"root ::= "a literal of some length""#, "a lit"),
        ("bounded text", r#"root ::= "<" .{0,1000} ">""#, "<ab"),
        ("identifier", r#"root ::= [a-z_] [a-z0-9_]* ";""#, "ab"),
    ] {
        let mut matcher = gbnf_matcher(grammar, &tokenizer, text);
        let mut row = matcher.row();
        group.bench_function(name, |bencher| bencher.iter(|| matcher.fill(&mut row)));
    }
    group.finish();
    let mut group = criterion.benchmark_group("mask by reference");
    for (name, text) in [("json/in string", r#"{"a": "b"#), ("json/after value", r#"{"a": 1 "#)] {
        let mut matcher = gbnf_matcher(JSON, &tokenizer, text);
        group.bench_function(name, |bencher| bencher.iter(|| matcher.mask().map(|row| row[0])));
    }
    group.finish();
}

criterion_group!(benches, fill);
criterion_main!(benches);
