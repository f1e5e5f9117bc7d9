//! From the text of a schema or grammar to the first mask, in stages. `GRAMMARC_TOKENIZER=DIR` chooses the tokenizer.

use std::sync::Arc;

use compilers::json_schema;
use criterion::{Criterion, criterion_group, criterion_main};
use grammar_ir::{Budget, Limits, passes, pda::Pda};
use grammarc_benches::tokenizer;
use mask_runtime::{CompiledGrammar, Matcher};

/// Twenty properties of the kinds that schemas mostly have.
fn wide_schema() -> String {
    let kinds = [
        r#"{"type": "string"}"#,
        r#"{"type": "integer", "minimum": 0}"#,
        r#"{"enum": ["low", "medium", "high"]}"#,
        r#"{"type": "array", "items": {"type": "number"}}"#,
    ];
    let properties: Vec<String> =
        (0..20).map(|number| format!(r#""property_{number}": {}"#, kinds[number % kinds.len()])).collect();
    format!(r#"{{"type": "object", "properties": {{{}}}, "required": ["property_0"]}}"#, properties.join(", "))
}

fn compile(criterion: &mut Criterion) {
    let (tokenizer, limits) = (tokenizer(), Limits::default());
    let wide = wide_schema();
    for (name, schema) in [
        ("person", include_str!("../../fuzz/grammars/person.json")),
        ("recursive", include_str!("../../fuzz/grammars/tree.json")),
        ("20 properties", wide.as_str()),
    ] {
        let mut group = criterion.benchmark_group(format!("compile/{name}"));
        let frontend = || json_schema::compile(schema, &json_schema::Options::default(), &limits).expect("it compiles");
        group.bench_function("frontend", |bencher| bencher.iter(frontend));
        let grammar = frontend().grammar;
        let passed = || passes::run(grammar.clone(), &mut Budget::new(&limits)).expect("within limits");
        group.bench_function("passes", |bencher| bencher.iter(passed));
        let passed = passed();
        group.bench_function("automaton", |bencher| {
            bencher.iter(|| Pda::new(&passed, &mut Budget::new(&limits)).expect("within limits"));
        });
        let to_first_mask = || {
            let compiled =
                CompiledGrammar::new(&frontend().grammar, Arc::clone(&tokenizer), &limits).expect("it binds");
            let mut matcher = Matcher::new(compiled);
            let mut row = matcher.row();
            matcher.fill(&mut row).expect("some token fits");
            row
        };
        group.bench_function("to first mask", |bencher| bencher.iter(to_first_mask));
        group.finish();
    }
}

criterion_group!(benches, compile);
criterion_main!(benches);
