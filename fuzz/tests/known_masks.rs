//! Masks that a grammar has kept are those that would be made again.

use grammar_ir::Limits;
use grammarc_fuzz::generators::{Scopes, Shape};
use grammarc_fuzz::known_masks::known_masks_agree;
use proptest::prelude::*;

/// 1,000 cases a property; the environment variable `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1_000);
    ProptestConfig::with_cases(cases)
}

const PLAIN: Shape = Shape { rules: 4, depth: 3, repeat: 4, tokens: 8, scopes: Scopes::None };

proptest! {
    #![proptest_config(config())]

    #[test]
    fn of_plain_grammars(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        known_masks_agree(&bytes, &Limits::default(), PLAIN).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn of_grammars_that_count(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { unroll_states: 1, ..Limits::default() };
        known_masks_agree(&bytes, &limits, Shape { repeat: 12, ..PLAIN }).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn of_ambiguous_grammars(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits { determinize: false, ..Limits::default() };
        known_masks_agree(&bytes, &limits, PLAIN).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn of_grammars_with_scopes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let shape = Shape { rules: 2, depth: 2, scopes: Scopes::Any, ..PLAIN };
        known_masks_agree(&bytes, &Limits::default(), shape).map_err(TestCaseError::fail)?;
    }
}
