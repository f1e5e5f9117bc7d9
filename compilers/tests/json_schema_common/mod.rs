//! Checks of what a schema accepts, shared by the tests of JSON Schema.

use compilers::json_schema::{Options, compile};
use grammar_ir::interp::{Recognizer, accepts};
use grammar_ir::{Grammar, Limits};

/// The verified grammar of a schema that must compile.
pub(crate) fn grammar(schema: &str, options: &Options) -> Grammar {
    let compiled = compile(schema, options, &Limits::default()).unwrap_or_else(|error| panic!("{schema}: {error}"));
    grammar_ir::verify(&compiled.grammar).unwrap();
    compiled.grammar
}

/// Checks texts with the oracle, and with the validator that both agree with the standard. Texts that the validator
/// reads and the chosen spellings leave out are listed by `narrowed` tests, not here.
pub(crate) fn check(schema: &str, valid: &[&str], invalid: &[&str]) {
    check_with(&Options::default(), schema, valid, invalid);
}

/// The same with `options`.
pub(crate) fn check_with(options: &Options, schema: &str, valid: &[&str], invalid: &[&str]) {
    let grammar = grammar(schema, options);
    let parsed: serde_json::Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&parsed).unwrap();
    let is_valid = |text: &str| serde_json::from_str(text).is_ok_and(|value| validator.is_valid(&value));
    for text in valid {
        assert!(is_valid(text), "{schema}: the validator rejects {text}");
        assert!(accepts(&grammar, text.as_bytes()), "{schema} rejects {text}");
    }
    for text in invalid {
        assert!(!is_valid(text), "{schema}: the validator accepts {text}");
        assert!(!accepts(&grammar, text.as_bytes()), "{schema} accepts {text}");
    }
}

/// Checks that no word starts with `prefix`.
pub(crate) fn check_dead(schema: &str, prefix: &str) {
    let grammar = grammar(schema, &Options::default());
    assert!(!Recognizer::new(&grammar).push_bytes(prefix.as_bytes()), "{schema}: {prefix} is viable");
}
