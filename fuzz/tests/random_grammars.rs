//! Masks of random grammars over random vocabularies, bit for bit against the definition.

use grammar_ir::Limits;
use grammarc_fuzz::generators::{Scopes, Shape};
use grammarc_fuzz::targets::random_walk_agrees;
use proptest::prelude::*;

/// 2,000 cases a property; the environment variable `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000);
    ProptestConfig::with_cases(cases)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn masks_equal_brute_force(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 4, depth: 3, repeat: 4, tokens: 8, scopes: Scopes::None };
        random_walk_agrees(&bytes, &Limits::default(), shape).map_err(TestCaseError::fail)?;
    }

    /// With next to no unrolling, every repetition is a counter.
    #[test]
    fn masks_equal_brute_force_with_counters(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { unroll_states: 1, ..Limits::default() };
        let shape = Shape { rules: 3, depth: 3, repeat: 12, tokens: 4, scopes: Scopes::None };
        random_walk_agrees(&bytes, &limits, shape).map_err(TestCaseError::fail)?;
    }

    /// With no subset construction, every procedure stays non-deterministic.
    #[test]
    fn masks_equal_brute_force_without_determinisation(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { determinize: false, ..Limits::default() };
        let shape = Shape { rules: 4, depth: 3, repeat: 4, tokens: 0, scopes: Scopes::None };
        random_walk_agrees(&bytes, &limits, shape).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_equal_brute_force_with_scopes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 2, depth: 2, repeat: 4, tokens: 4, scopes: Scopes::Lists };
        random_walk_agrees(&bytes, &Limits::default(), shape).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_hold_what_is_needed_where_parts_are_distinct(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 2, depth: 2, repeat: 4, tokens: 4, scopes: Scopes::Distinct };
        random_walk_agrees(&bytes, &Limits::default(), shape).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_hold_what_is_needed_in_any_scope(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 2, depth: 2, repeat: 4, tokens: 4, scopes: Scopes::Any };
        random_walk_agrees(&bytes, &Limits::default(), shape).map_err(TestCaseError::fail)?;
    }
}
