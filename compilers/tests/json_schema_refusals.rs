//! What is refused, under which name and at which JSON Pointer.

use compilers::diagnostic::Place;
use compilers::json_schema::{Options, compile};
use grammar_ir::Limits;

/// The code and pointer of each diagnostic.
fn refusals(schema: &str) -> Vec<(&'static str, String)> {
    let error = compile(schema, &Options::default(), &Limits::default()).expect_err(schema);
    error
        .iter()
        .map(|diagnostic| {
            let place = match &diagnostic.place {
                Place::Pointer(pointer) => pointer.clone(),
                Place::Span(_) | Place::Whole => "-".to_owned(),
            };
            (diagnostic.code.as_str(), place)
        })
        .collect()
}

#[test]
fn keywords_are_refused_by_name_and_pointer() {
    for (schema, code, pointer) in [
        (
            r#"{"type": "array", "prefixItems": [{}, {"const": 1}], "minItems": 2, "uniqueItems": true}"#,
            "unsupported",
            "/uniqueItems",
        ),
        (r##"{"$dynamicRef": "#a"}"##, "undefined", "/$dynamicRef"),
        (r#"{"$dynamicRef": "other.json#a"}"#, "unsupported", "/$dynamicRef"),
        (r#"{"properties": {"a/b": {"$ref": "other.json"}}}"#, "unsupported", "/properties/a~1b/$ref"),
        (r#"{"type": "string", "format": "idn-hostname"}"#, "unsupported", "/format"),
        (r#"{"type": "string", "format": "regex", "minLength": 3}"#, "unsupported", "/format"),
        (r#"{"type": "string", "not": {"format": "regex"}}"#, "unsupported", "/not/format"),
        (r#"{"propertyNames": {"format": "regex"}}"#, "unsupported", "/propertyNames/format"),
        (r#"{"enum": ["(a)\\1"], "format": "regex"}"#, "unsupported", "/format"),
        (r#"{"type": "string", "pattern": "(a)\\1"}"#, "unsupported", "/pattern"),
        (r#"{"type": "integer", "multipleOf": 1234567}"#, "unsupported", "/multipleOf"),
        (r#"{"type": "array", "not": {"uniqueItems": true}}"#, "unsupported", "/not/uniqueItems"),
        (r#"{"type": "array", "contains": {"type": "null"}, "minContains": 50000}"#, "unsupported", "/contains"),
        (r#"{"$schema": "http://json-schema.org/draft-03/schema#"}"#, "unsupported", "/$schema"),
        (r#"{"type": "foo"}"#, "invalid", "/type"),
        (r#"{"minLength": -1}"#, "invalid", "/minLength"),
        (r#"{"minItems": 1.5}"#, "invalid", "/minItems"),
        (r#"{"required": true}"#, "invalid", "/required"),
        (r#"{"properties": {"a": 1}}"#, "invalid", "/properties/a"),
        (r#"{"items": [{}]}"#, "invalid", "/items"),
        (r#"{"anyOf": []}"#, "invalid", "/anyOf"),
        (r##"{"$ref": "#/$defs/a"}"##, "undefined", "/$ref"),
        (r##"{"$ref": "#"}"##, "invalid", "/$ref"),
        (
            r##"{"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}, {}]}}, "items": {"$ref": "#/$defs/a"}}"##,
            "invalid",
            "/$defs/a/allOf",
        ),
        (r#"{"minimum": 1e3000}"#, "limit", "/minimum"),
        (r#"{"minLength": 99999999999}"#, "limit", "/minLength"),
        (r#"{"a": 1, "a": 2}"#, "duplicate", "/a"),
        (r#"{"a": "#, "syntax", "-"),
    ] {
        assert_eq!(refusals(schema), [(code, pointer.to_owned())], "{schema}");
    }
}

/// The place is in the schema, under the name that stands there, whatever the keyword is called in other drafts and whichever
/// schema of a listed value it is about.
#[test]
fn refusals_are_placed_where_their_keyword_stands() {
    let pairs: Vec<String> = (0..11).map(|index| format!(r#""a{index}": ["b{index}"]"#)).collect();
    let schemas: Vec<String> = (0..11).map(|index| format!(r#""a{index}": {{"required": ["b{index}"]}}"#)).collect();
    for (schema, places) in [
        (format!(r#"{{"type": "object", "dependencies": {{{}}}}}"#, pairs.join(",")), vec!["/dependencies"]),
        (format!(r#"{{"type": "object", "dependencies": {{{}}}}}"#, schemas.join(",")), vec!["/dependencies"]),
        (
            r#"{"const": ["x"], "prefixItems": [{"format": "idn-hostname"}]}"#.to_owned(),
            vec!["/prefixItems/0/format"],
        ),
        (
            r#"{"enum": [{"a": "x"}], "patternProperties": {"a": {"format": "idn-hostname"}}}"#.to_owned(),
            vec!["/patternProperties/a/format"],
        ),
        (
            r#"{"const": [["x"]], "items": {"anyOf": [{"items": {"pattern": "(a)\\1"}}, {"maxItems": 0}]}}"#.to_owned(),
            vec!["/items/anyOf/0/items/pattern"],
        ),
        (
            r#"{"enum": [{"ab": 1}], "propertyNames": {"format": "idn-hostname"}}"#.to_owned(),
            vec!["/propertyNames/format"],
        ),
        (r#"{"const": "(a)\\1", "allOf": [{"format": "regex"}]}"#.to_owned(), vec!["/allOf/0/format"]),
        (
            r#"{"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": [{}],
                "additionalItems": {"contains": {"type": "null"}, "type": "array", "minItems": 1, "items": {"not": {"uniqueItems": true}}}}"#
                .to_owned(),
            vec!["/additionalItems/items/not/uniqueItems"],
        ),
        (
            r#"{"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": [{}],
                "not": {"items": [{}], "additionalItems": {"type": "null"}}, "minItems": 30000}"#
                .to_owned(),
            vec!["/not/additionalItems"],
        ),
        (r#"{"type": "number", "exclusiveMinimum": 1e3000}"#.to_owned(), vec!["/exclusiveMinimum"]),
        (
            r#"{"type": "object", "not": {"const": VALUE}}"#
                .replace("VALUE", &format!(r#"{{"a": [{}]}}"#, vec!["1"; 1_200].join(","))),
            vec!["/not/const"],
        ),
    ] {
        let found: Vec<String> = refusals(&schema).into_iter().map(|refusal| refusal.1).collect();
        assert_eq!(found, places, "{schema}");
        let document: serde_json::Value = serde_json::from_str(&schema).unwrap();
        assert!(document.pointer(places[0]).is_some(), "{schema}");
        let error = compile(&schema, &Options::default(), &Limits::default()).expect_err(&schema);
        let keyword = places[0].rsplit('/').next().unwrap();
        assert!(error.to_string().contains(&format!("`{keyword}`")), "{schema}: {error}");
    }
}

#[test]
fn all_refusals_come_at_once() {
    let schema = r#"{
        "properties": {
            "a": {"not": {"uniqueItems": true}},
            "b": {"format": "idn-hostname"},
            "c": {"items": {"unevaluatedItems": {"multipleOf": 1234567}}}
        }
    }"#;
    let pointers: Vec<String> = refusals(schema).into_iter().map(|refusal| refusal.1).collect();
    assert_eq!(pointers.len(), 3);
    for pointer in
        ["/properties/a/not/uniqueItems", "/properties/b/format", "/properties/c/items/unevaluatedItems/multipleOf"]
    {
        assert!(pointers.iter().any(|found| found == pointer), "{pointer} in {pointers:?}");
    }
}

#[test]
fn what_cannot_matter_is_not_refused() {
    for schema in [
        r#"{"type": "string", "uniqueItems": true, "unevaluatedProperties": {"uniqueItems": true}}"#,
        r#"{"type": "array", "uniqueItems": true, "maxItems": 1}"#,
        r#"{"enum": [[1, 1], [1, 2]], "uniqueItems": true, "contains": {"const": 2}}"#,
        r#"{"type": "integer", "format": "idn-hostname", "pattern": "(a)\\1"}"#,
        r#"{"$defs": {"unused": {"uniqueItems": true}}}"#,
        r#"{"uniqueItems": false, "minContains": 3}"#,
    ] {
        compile(schema, &Options::default(), &Limits::default()).unwrap_or_else(|error| panic!("{schema}: {error}"));
    }
}

#[test]
fn long_chains_and_wide_products_end_in_an_answer() {
    let chain: Vec<String> =
        (0..5_000).map(|index| format!("\"d{index}\": {{\"$ref\": \"#/$defs/d{}\"}}", index + 1)).collect();
    let schema = format!("{{\"$ref\": \"#/$defs/d0\", \"$defs\": {{{}, \"d5000\": {{}}}}}}", chain.join(","));
    assert_eq!(refusals(&schema)[0].0, "limit");
    let choice =
        |index: usize| format!("{{\"anyOf\": [{{\"required\": [\"a{index}\"]}}, {{\"required\": [\"b{index}\"]}}]}}");
    let wide: Vec<String> = (0..20).map(choice).collect();
    assert_eq!(refusals(&format!("{{\"allOf\": [{}]}}", wide.join(",")))[0].0, "limit");
}

/// The place is that of the keyword, and the message names it and says why.
#[test]
fn every_refusal_names_its_keyword() {
    let product = |keyword: &str| {
        let branch = |index: usize| {
            let branches: Vec<String> =
                (0..40).map(|other| format!(r#"{{"required": ["a{index}_{other}", "b{index}_{other}"]}}"#)).collect();
            format!(r#"{{"{keyword}": [{}]}}"#, branches.join(","))
        };
        format!(r#"{{"type": "object", "allOf": [{}, {}]}}"#, branch(0), branch(1))
    };
    let nested = |depth: usize| {
        let definitions: Vec<String> =
            (0..depth).map(|index| format!(r##""d{index}": {{"$ref": "#/$defs/d{}"}}"##, index + 1)).collect();
        format!(r##"{{"$ref": "#/$defs/d0", "$defs": {{{}, "d{depth}": {{}}}}}}"##, definitions.join(","))
    };
    for (schema, code, place) in [
        (product("anyOf"), "limit", "/allOf"),
        (nested(300), "limit", "/$defs/d200/$ref"),
        (r#"{"properties": {"a": {"minimum": 1e3000}}}"#.to_owned(), "limit", "/properties/a/minimum"),
        (r#"{"items": {"maxLength": -1}, "minItems": 1e99}"#.to_owned(), "limit", "/minItems"),
        (r#"{"type": "string", "enum": [1]}"#.to_owned(), "unsatisfiable", "/enum"),
        (r#"{"type": "object", "required": ["a"], "properties": {"a": false}}"#.to_owned(), "unsatisfiable", "/properties"),
        (
            r#"{"type": "object", "required": ["a"], "properties": {"a": {"type": "object", "required": ["b"], "properties": {"b": {"minimum": 3, "type": "number", "maximum": 1}}}}}"#
                .to_owned(),
            "unsatisfiable",
            "/properties/a/properties/b/maximum",
        ),
        (r##"{"type": "object", "required": ["n"], "properties": {"n": {"$ref": "#"}}}"##.to_owned(), "unsatisfiable", "/properties/n/$ref"),
        (r#"{"type": "array", "minItems": 2, "items": {"not": {}}}"#.to_owned(), "unsatisfiable", "/items/not"),
        (r#"{"allOf": [{"type": "string"}, {"type": "null"}]}"#.to_owned(), "unsatisfiable", "/allOf"),
        (r#"{"type": "array", "items": {"type": "boolean"}, "uniqueItems": true, "minItems": 3}"#.to_owned(), "unsatisfiable", "/minItems"),
        (r#"{"type": "null", "minimum": 3, "const": 1, "not": {}}"#.to_owned(), "unsatisfiable", ""),
        ("false".to_owned(), "unsatisfiable", ""),
    ] {
        let error = compile(&schema, &Options::default(), &Limits::default()).map(|_| ()).expect_err(&schema);
        let found = error.iter().find(|diagnostic| diagnostic.code.as_str() == code).expect(&schema);
        assert_eq!(found.place, Place::Pointer(place.to_owned()), "{schema}: {error}");
        let keyword = place.rsplit('/').next().unwrap();
        assert!(found.message.contains(&format!("`{keyword}")) && found.help.is_some(), "{schema}: {error}");
    }
}
