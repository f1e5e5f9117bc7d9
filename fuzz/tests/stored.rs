//! Masks of grammars that were read from a file, and files that were tampered with.

use grammar_ir::Limits;
use grammarc_fuzz::generators::{Attributes, Scopes, Shape};
use grammarc_fuzz::targets::{artifact, artifact_of_many_states, stored_masks_agree};
use proptest::prelude::*;

/// 500 cases a property; the environment variable `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500);
    ProptestConfig::with_cases(cases)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn masks_are_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 4, depth: 3, repeat: 4, tokens: 8, scopes: Scopes::None };
        stored_masks_agree(&bytes, &Limits::default(), shape, Attributes::None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_are_the_same_with_counters(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { unroll_states: 1, ..Limits::default() };
        let shape = Shape { rules: 3, depth: 3, repeat: 60, tokens: 4, scopes: Scopes::None };
        stored_masks_agree(&bytes, &limits, shape, Attributes::None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_are_the_same_without_determinisation(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { determinize: false, ..Limits::default() };
        let shape = Shape { rules: 4, depth: 3, repeat: 4, tokens: 0, scopes: Scopes::None };
        stored_masks_agree(&bytes, &limits, shape, Attributes::None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_are_the_same_with_scopes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 2, depth: 2, repeat: 4, tokens: 4, scopes: Scopes::Lists };
        stored_masks_agree(&bytes, &Limits::default(), shape, Attributes::None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_are_the_same_where_parts_are_distinct(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 2, depth: 2, repeat: 4, tokens: 4, scopes: Scopes::Distinct };
        stored_masks_agree(&bytes, &Limits::default(), shape, Attributes::None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_are_the_same_in_any_scope(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 2, depth: 2, repeat: 4, tokens: 4, scopes: Scopes::Any };
        stored_masks_agree(&bytes, &Limits::default(), shape, Attributes::None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_are_the_same_with_attributes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 4, depth: 3, repeat: 4, tokens: 8, scopes: Scopes::None };
        stored_masks_agree(&bytes, &Limits::default(), shape, Attributes::Some).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_are_the_same_with_attributes_and_registers(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { unroll_states: 1, ..Limits::default() };
        let shape = Shape { rules: 3, depth: 2, repeat: 12, tokens: 4, scopes: Scopes::Any };
        stored_masks_agree(&bytes, &limits, shape, Attributes::Some).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn masks_are_the_same_in_automata_of_many_blocks(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { unroll_states: 300, ..Limits::default() };
        let shape = Shape { rules: 3, depth: 3, repeat: 60, tokens: 4, scopes: Scopes::Any };
        stored_masks_agree(&bytes, &limits, shape, Attributes::Some).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn tampering_with_many_states_is_refused_or_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..900)) {
        artifact_of_many_states(&bytes);
    }

    #[test]
    fn tampering_is_refused_or_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..900)) {
        artifact(&bytes);
    }
}
