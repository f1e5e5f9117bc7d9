//! What a matcher does besides one mask: accept, take back, and masks for a batch. `GRAMMARC_TOKENIZER=DIR` chooses the
//! tokenizer.

use std::time::Instant;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use grammarc_benches::{gbnf_matcher, tokenizer, tokens_of};
use mask_runtime::{BatchFiller, Matcher, Tokenizer};

const JSON: &str = include_str!("../../fuzz/grammars/json.gbnf");

/// Steps that are timed at once, as one is as short as the reading of a clock.
const STEPS: usize = 100;

/// A token for each character.
fn single_tokens(text: &str, tokenizer: &Tokenizer) -> Vec<u32> {
    text.split_inclusive(|_| true).flat_map(|character| tokens_of(character, tokenizer.vocabulary())).collect()
}

fn steps(criterion: &mut Criterion) {
    let tokenizer = tokenizer();
    let mut group = criterion.benchmark_group("step");
    for (name, before, text) in
        [("in string", r#"{"a": "b"#, "c"), ("into a key", r#"[[{"#, "\""), ("out of nested arrays", "[[[[[1", "]")]
    {
        let mut matcher = gbnf_matcher(JSON, &tokenizer, before);
        group.bench_function(format!("accept and take back, {name}"), |bencher| {
            bencher.iter(|| {
                matcher.accept_bytes(text.as_bytes()).expect("the text fits");
                matcher.rollback(1).expect("there is a step");
            });
        });
    }
    for (name, before, text) in
        [("in string", r#"{"a": "b"#, "c".repeat(STEPS)), ("nested arrays", "", "[".repeat(STEPS))]
    {
        let tokens = single_tokens(&text, &tokenizer);
        let mut matcher = gbnf_matcher(JSON, &tokenizer, before);
        let accept = |matcher: &mut Matcher| {
            let started = Instant::now();
            tokens.iter().for_each(|&token| matcher.accept_token(token).expect("the token fits"));
            started.elapsed()
        };
        let take_back = |matcher: &mut Matcher| {
            let started = Instant::now();
            matcher.rollback(STEPS).expect("there are as many steps");
            started.elapsed()
        };
        group.bench_function(format!("accept {STEPS} tokens, {name}"), |bencher| {
            bencher.iter_custom(|rounds| {
                let round = |_| (accept(&mut matcher), take_back(&mut matcher)).0;
                (0..rounds).map(round).sum()
            });
        });
        group.bench_function(format!("take back {STEPS} tokens, {name}"), |bencher| {
            bencher.iter_custom(|rounds| {
                let round = |_| (accept(&mut matcher), take_back(&mut matcher)).1;
                (0..rounds).map(round).sum()
            });
        });
    }
    let matcher = gbnf_matcher(JSON, &tokenizer, r#"{"a": [1, {"b": "c"#);
    group.bench_function("fork", |bencher| bencher.iter(|| matcher.fork()));
    group.finish();
}

/// 256 sequences at different places of different grammars.
fn sequences() -> Vec<Matcher> {
    let tokenizer = tokenizer();
    let places = [
        (JSON, ""),
        (JSON, r#"{"a": "b"#),
        (JSON, r#"[[{"a":{"b"#),
        (JSON, "[12"),
        (r#"root ::= "<" .{0,1000} ">""#, "<ab"),
        (r#"root ::= [a-z_] [a-z0-9_]* ";""#, "ab"),
        (include_str!("../../fuzz/grammars/c.gbnf"), ""),
        (include_str!("../../fuzz/grammars/tags.gbnf"), ""),
    ];
    let matchers: Vec<Matcher> = places.iter().map(|(grammar, text)| gbnf_matcher(grammar, &tokenizer, text)).collect();
    (0..256).map(|number| matchers[number % matchers.len()].fork()).collect()
}

fn batch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch of 256 sequences, mixed grammars");
    group.throughput(Throughput::Elements(256));
    let mut matchers = sequences();
    let words = matchers[0].row().len();
    let mut rows = vec![0u32; matchers.len() * words];
    for threads in [1, 2, 4] {
        let filler = BatchFiller::new(threads).expect("threads start");
        group.bench_function(format!("{threads} threads"), |bencher| {
            bencher.iter_batched(
                || (),
                |()| {
                    let mut jobs: Vec<_> = matchers.iter_mut().zip(rows.chunks_exact_mut(words)).collect();
                    filler.fill(&mut jobs)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, steps, batch);
criterion_main!(benches);
