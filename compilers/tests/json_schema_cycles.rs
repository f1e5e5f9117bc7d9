//! Schemas that refer to themselves for the same value.

use compilers::json_schema::{Options, compile};
use grammar_ir::{Limits, interp};

/// Checks texts against a schema at the root and as a member.
fn check(schema: &str, accepted: &[&str], rejected: &[&str]) {
    let compiled =
        compile(schema, &Options::default(), &Limits::default()).unwrap_or_else(|error| panic!("{schema}: {error}"));
    for text in accepted {
        assert!(interp::accepts(&compiled.grammar, text.as_bytes()), "{schema}: {text}");
    }
    for text in rejected {
        assert!(!interp::accepts(&compiled.grammar, text.as_bytes()), "{schema}: {text}");
    }
}

#[test]
fn a_branch_that_is_the_schema_itself_adds_nothing() {
    check(
        r##"{"$ref": "#/$defs/V", "$defs": {"V": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/V"}]}}}"##,
        &["true"],
        &["null", "1"],
    );
    check(
        r##"{"$ref": "#/$defs/V", "$defs": {"V": {"oneOf": [{"const": 1}, {"allOf": [{"$ref": "#/$defs/V"}]}]}}}"##,
        &["1"],
        &["2", "null"],
    );
}

/// Wherever the cycle is entered, the same values are in all of its schemas.
#[test]
fn schemas_of_a_cycle_hold_the_same_values() {
    for choice in ["anyOf", "oneOf"] {
        for first in ["V", "W"] {
            let schema = r##"{"$defs": {
                    "V": {"CHOICE": [{"const": "fixed"}, {"$ref": "#/$defs/Alias"}]},
                    "Alias": {"allOf": [{"$ref": "#/$defs/W"}]},
                    "W": {"CHOICE": [{"enum": [1, 2]}, {"$ref": "#/$defs/V"}]}
                },
                "type": "array", "prefixItems": [{"$ref": "#/$defs/FIRST"}, {"$ref": "#/$defs/V"}, {"$ref": "#/$defs/W"}],
                "items": false, "minItems": 3}"##;
            let schema = schema.replace("CHOICE", choice).replace("FIRST", first);
            let accepted = [r#"["fixed",1,"fixed"]"#, r#"[2,"fixed",1]"#, "[1,1,1]"];
            check(&schema, &accepted, &[r#"[3,1,1]"#, r#"[1,"other",1]"#, "[1,1,null]"]);
        }
    }
}

#[test]
fn a_conjunction_in_the_cycle_narrows() {
    check(
        r##"{"$ref": "#/$defs/V", "$defs": {
            "V": {"anyOf": [{"enum": [1, 2, 3]}, {"allOf": [{"$ref": "#/$defs/V"}, {"enum": [3, 4]}]}]}}}"##,
        &["1", "2", "3"],
        &["4"],
    );
}

#[test]
fn what_has_no_meaning_is_an_error() {
    for schema in [
        r##"{"$ref": "#"}"##,
        r##"{"allOf": [{"$ref": "#"}, {"type": "string"}]}"##,
        r##"{"anyOf": [{"type": "string"}, {"not": {"$ref": "#"}}]}"##,
        r##"{"if": {"$ref": "#"}, "then": {"type": "string"}}"##,
    ] {
        let error = compile(schema, &Options::default(), &Limits::default()).expect_err(schema);
        assert!(error.to_string().contains("refers to itself"), "{schema}: {error}");
    }
}
