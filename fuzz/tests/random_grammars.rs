//! Masks of random grammars over random vocabularies, bit for bit against the definition.

use grammar_ir::Limits;
use grammarc_fuzz::{Source, generators, oracles};
use proptest::prelude::*;

fn check(bytes: &[u8], limits: &Limits, shape: generators::Shape) -> Result<(), String> {
    let mut source = Source::new(bytes);
    let grammar = generators::grammar(&mut source, shape);
    let vocabulary = generators::vocabulary(&mut source).map_err(|error| error.to_string())?;
    let report = |error: oracles::Disagreement| format!("{error}\n{grammar:#?}");
    if let Some(compiled) = oracles::compile(&grammar, vocabulary, limits).map_err(report)? {
        oracles::matcher_agrees(&grammar, &compiled, &mut source, 8)
            .map_err(|error| format!("{error}\n{grammar:#?}\n{}", compiled.pda()))?;
    }
    Ok(())
}

/// 2,000 cases a property; the environment variable `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000);
    ProptestConfig::with_cases(cases)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn masks_equal_brute_force(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = generators::Shape { rules: 4, depth: 3, repeat: 4, tokens: 8 };
        check(&bytes, &Limits::default(), shape).map_err(TestCaseError::fail)?;
    }

    /// With next to no unrolling, every repetition is a counter.
    #[test]
    fn masks_equal_brute_force_with_counters(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { unroll_states: 1, ..Limits::default() };
        let shape = generators::Shape { rules: 3, depth: 3, repeat: 12, tokens: 4 };
        check(&bytes, &limits, shape).map_err(TestCaseError::fail)?;
    }

    /// With no room for subset construction, every procedure stays non-deterministic.
    #[test]
    fn masks_equal_brute_force_without_determinisation(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { determinize: false, ..Limits::default() };
        let shape = generators::Shape { rules: 4, depth: 3, repeat: 4, tokens: 0 };
        check(&bytes, &limits, shape).map_err(TestCaseError::fail)?;
    }
}
