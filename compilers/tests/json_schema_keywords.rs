//! The table of keywords by draft in `docs/json-schema.md`, made by trying each keyword in each draft.
//!
//! `GRAMMARC_BLESS=1 cargo test -p compilers --test json_schema_keywords` writes it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use compilers::diagnostic::Code;
use compilers::json_schema::{Compiled, Options, compile};
use grammar_ir::Limits;
use grammar_ir::interp::accepts;
use serde_json::Value;

const DRAFTS: [(&str, &str); 5] = [
    ("4", "http://json-schema.org/draft-04/schema#"),
    ("6", "http://json-schema.org/draft-06/schema#"),
    ("7", "http://json-schema.org/draft-07/schema#"),
    ("2019-09", "https://json-schema.org/draft/2019-09/schema"),
    ("2020-12", "https://json-schema.org/draft/2020-12/schema"),
];

/// A keyword, uses of it that show it at work (schema, a valid instance, one that only this keyword makes invalid), and
/// uses that may be refused.
struct Keyword {
    name: &'static str,
    /// The first of these that compiles and tells the instances apart is the use of a draft.
    uses: &'static [(&'static str, &'static str, &'static str)],
    limits: &'static [&'static str],
}

/// A pattern that is not regular.
const NOT_REGULAR: &str = r#"{"type": "string", "pattern": "(a|b)\\1"}"#;

/// Too many alternatives for one value.
const WIDE: &str = r#"{"type": "object", "allOf": [
    {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"anyOf": [{"required": ["c"]}, {"required": ["d"]}]},
    {"anyOf": [{"required": ["e"]}, {"required": ["f"]}]}, {"anyOf": [{"required": ["g"]}, {"required": ["h"]}]},
    {"anyOf": [{"required": ["i"]}, {"required": ["j"]}]}, {"anyOf": [{"required": ["k"]}, {"required": ["l"]}]},
    {"anyOf": [{"required": ["m"]}, {"required": ["n"]}]}, {"anyOf": [{"required": ["o"]}, {"required": ["p"]}]},
    {"anyOf": [{"required": ["q"]}, {"required": ["r"]}]}, {"anyOf": [{"required": ["s"]}, {"required": ["t"]}]},
    {"anyOf": [{"required": ["u"]}, {"required": ["v"]}]}, {"anyOf": [{"required": ["w"]}, {"required": ["x"]}]}]}"#;

/// Twelve schemas of which any may hold, so that there are 4,095 ways to hold.
macro_rules! twelve {
    ($before:literal, $between:literal, $after:literal) => {
        concat!(
            $before, "1", $between, "2", $between, "3", $between, "4", $between, "5", $between, "6", $between, "7",
            $between, "8", $between, "9", $between, "10", $between, "11", $between, "12", $after
        )
    };
}

/// Eleven keys that each ask for another one, so that there are 2,048 ways to have some of them.
macro_rules! eleven_pairs {
    ($keyword:literal, $before:literal, $after:literal) => {
        concat!(
            r#"{"type": "object", ""#,
            $keyword,
            r#"": {"a": "#,
            $before,
            "b",
            $after,
            r#", "c": "#,
            $before,
            "d",
            $after,
            r#", "e": "#,
            $before,
            "f",
            $after,
            r#", "g": "#,
            $before,
            "h",
            $after,
            r#", "i": "#,
            $before,
            "j",
            $after,
            r#", "k": "#,
            $before,
            "l",
            $after,
            r#", "m": "#,
            $before,
            "n",
            $after,
            r#", "o": "#,
            $before,
            "p",
            $after,
            r#", "q": "#,
            $before,
            "r",
            $after,
            r#", "s": "#,
            $before,
            "t",
            $after,
            r#", "u": "#,
            $before,
            "v",
            $after,
            "}}"
        )
    };
}

const KEYWORDS: &[Keyword] = &[
    Keyword { name: "type", uses: &[(r#"{"type": "string"}"#, "\"a\"", "1")], limits: &[] },
    Keyword { name: "enum", uses: &[(r#"{"enum": [1, "a", [2]]}"#, "[2]", "2")], limits: &[] },
    Keyword { name: "const", uses: &[(r#"{"const": {"a": 1}}"#, r#"{"a":1}"#, "1")], limits: &[] },
    Keyword {
        name: "multipleOf",
        uses: &[(r#"{"multipleOf": 0.25}"#, "1.75", "1.8")],
        limits: &[r#"{"type": "integer", "multipleOf": 1234567}"#, r#"{"multipleOf": 1e-7}"#],
    },
    Keyword { name: "minimum", uses: &[(r#"{"minimum": 0.5}"#, "0.5", "0.4")], limits: &[] },
    Keyword { name: "maximum", uses: &[(r#"{"maximum": 0.5}"#, "0.5", "0.6")], limits: &[] },
    Keyword {
        name: "exclusiveMinimum",
        uses: &[
            (r#"{"exclusiveMinimum": 0.5}"#, "0.51", "0.5"),
            (r#"{"minimum": 0.5, "exclusiveMinimum": true}"#, "0.51", "0.5"),
        ],
        limits: &[],
    },
    Keyword {
        name: "exclusiveMaximum",
        uses: &[
            (r#"{"exclusiveMaximum": 0.5}"#, "0.49", "0.5"),
            (r#"{"maximum": 0.5, "exclusiveMaximum": true}"#, "0.49", "0.5"),
        ],
        limits: &[],
    },
    Keyword { name: "minLength", uses: &[(r#"{"minLength": 2}"#, "\"é\\u0041\"", "\"é\"")], limits: &[] },
    Keyword { name: "maxLength", uses: &[(r#"{"maxLength": 1}"#, "\"é\"", "\"éa\"")], limits: &[] },
    Keyword { name: "pattern", uses: &[(r#"{"pattern": "b+$"}"#, "\"abb\"", "\"ba\"")], limits: &[NOT_REGULAR] },
    Keyword {
        name: "format",
        uses: &[(r#"{"format": "date"}"#, "\"2024-02-29\"", "\"2023-02-29\"")],
        limits: &[r#"{"type": "string", "format": "idn-hostname"}"#],
    },
    Keyword {
        name: "prefixItems",
        uses: &[(r#"{"prefixItems": [{"type": "null"}]}"#, "[null, 1]", "[1]")],
        limits: &[],
    },
    Keyword { name: "items", uses: &[(r#"{"items": {"type": "null"}}"#, "[null]", "[null, 1]")], limits: &[] },
    Keyword { name: "items (a list)", uses: &[(r#"{"items": [{"type": "null"}]}"#, "[null, 1]", "[1]")], limits: &[] },
    Keyword {
        name: "additionalItems",
        uses: &[(r#"{"items": [{}], "additionalItems": {"type": "null"}}"#, "[1, null]", "[1, 1]")],
        limits: &[],
    },
    Keyword { name: "minItems", uses: &[(r#"{"minItems": 2}"#, "[1, 2]", "[1]")], limits: &[] },
    Keyword { name: "maxItems", uses: &[(r#"{"maxItems": 1}"#, "[1]", "[1, 2]")], limits: &[] },
    Keyword {
        name: "uniqueItems",
        uses: &[(r#"{"items": {"enum": [1, 2]}, "uniqueItems": true}"#, "[2, 1]", "[1, 1.0]")],
        limits: &[r#"{"type": "array", "uniqueItems": true}"#, r#"{"type": "array", "not": {"uniqueItems": true}}"#],
    },
    Keyword {
        name: "contains",
        uses: &[(r#"{"contains": {"type": "null"}}"#, "[1, null]", "[1]")],
        limits: &[r#"{"type": "array", "allOf": [
                {"contains": {"const": 1}}, {"contains": {"const": 2}}, {"contains": {"const": 3}},
                {"contains": {"const": 4}}, {"contains": {"const": 5}}, {"contains": {"const": 6}},
                {"contains": {"const": 7}}, {"contains": {"const": 8}}, {"contains": {"const": 9}}]}"#],
    },
    Keyword {
        name: "minContains",
        uses: &[(r#"{"contains": {"type": "null"}, "minContains": 2}"#, "[null, 1, null]", "[null, 1]")],
        limits: &[r#"{"type": "array", "contains": {"type": "null"}, "minContains": 50000}"#],
    },
    Keyword {
        name: "maxContains",
        uses: &[(r#"{"contains": {"type": "null"}, "maxContains": 1}"#, "[null, 1]", "[null, 1, null]")],
        limits: &[r#"{"type": "array", "contains": {"type": "null"}, "maxContains": 50000}"#],
    },
    Keyword {
        name: "properties",
        uses: &[(r#"{"properties": {"a": {"type": "null"}}}"#, r#"{"a":null}"#, r#"{"\u0061":1}"#)],
        limits: &[],
    },
    Keyword {
        name: "patternProperties",
        uses: &[(r#"{"patternProperties": {"^a": {"type": "null"}}}"#, r#"{"ab":null,"b":1}"#, r#"{"ab":1}"#)],
        limits: &[r#"{"type": "object", "patternProperties": {"(a|b)\\1": false}}"#],
    },
    Keyword {
        name: "additionalProperties",
        uses: &[(
            r#"{"properties": {"a": {}}, "additionalProperties": {"type": "null"}}"#,
            r#"{"a":1,"b":null}"#,
            r#"{"a":1,"b":2}"#,
        )],
        limits: &[],
    },
    Keyword {
        name: "propertyNames",
        uses: &[(r#"{"propertyNames": {"maxLength": 2}}"#, r#"{"ab":1}"#, r#"{"abc":1}"#)],
        limits: &[r#"{"type": "object", "propertyNames": {"pattern": "(a|b)\\1"}}"#],
    },
    Keyword { name: "required", uses: &[(r#"{"required": ["a"]}"#, r#"{"a":1}"#, "{}")], limits: &[] },
    Keyword {
        name: "minProperties",
        uses: &[(r#"{"minProperties": 1}"#, r#"{"a":1}"#, "{}")],
        limits: &[
            r#"{"type": "object", "patternProperties": {"^[a-z]{3}$": {}}, "additionalProperties": false, "minProperties": 17577}"#,
        ],
    },
    Keyword {
        name: "maxProperties",
        uses: &[(r#"{"maxProperties": 1}"#, r#"{"a":1}"#, r#"{"a":1,"b":2}"#)],
        limits: &[r#"{"type": "object", "not": {"maxProperties": 1}}"#],
    },
    Keyword {
        name: "dependencies",
        uses: &[(r#"{"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}"#, r#"{"a":1,"b":2}"#, r#"{"a":1}"#)],
        limits: &[eleven_pairs!("dependencies", "[\"", "\"]")],
    },
    Keyword {
        name: "dependentRequired",
        uses: &[(r#"{"dependentRequired": {"a": ["b"]}}"#, r#"{"a":1,"b":2}"#, r#"{"a":1}"#)],
        limits: &[eleven_pairs!("dependentRequired", "[\"", "\"]")],
    },
    Keyword {
        name: "dependentSchemas",
        uses: &[(r#"{"dependentSchemas": {"a": {"required": ["b"]}}}"#, r#"{"a":1,"b":2}"#, r#"{"a":1}"#)],
        limits: &[eleven_pairs!("dependentSchemas", "{\"required\": [\"", "\"]}")],
    },
    Keyword {
        name: "allOf",
        uses: &[(r#"{"allOf": [{"minimum": 1}, {"maximum": 2}]}"#, "1.5", "3")],
        limits: &[
            r#"{"type": "string", "allOf": [{"pattern": "a.{12}$"}, {"pattern": "b.{13}$"}, {"pattern": "c.{14}$"}]}"#,
        ],
    },
    Keyword {
        name: "anyOf",
        uses: &[(r#"{"anyOf": [{"type": "null"}, {"minimum": 2, "type": "number"}]}"#, "2", "1")],
        limits: &[WIDE],
    },
    Keyword {
        name: "oneOf",
        uses: &[(r#"{"oneOf": [{"minimum": 1}, {"maximum": 2}]}"#, "3", "1.5")],
        limits: &[r#"{"type": "array", "oneOf": [{"uniqueItems": true}, {"minItems": 3}]}"#],
    },
    Keyword {
        name: "not",
        uses: &[(r#"{"not": {"required": ["a"]}}"#, "{}", r#"{"a":1}"#)],
        limits: &[r#"{"type": "array", "not": {"uniqueItems": true}}"#],
    },
    Keyword {
        name: "if, then, else",
        uses: &[(r#"{"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "null"}}"#, "null", "\"a\"")],
        limits: &[r#"{"type": "array", "if": {"uniqueItems": true}, "then": {"minItems": 3}}"#],
    },
    Keyword {
        name: "unevaluatedItems",
        uses: &[
            (r#"{"allOf": [{"prefixItems": [{}], "items": [{}]}], "unevaluatedItems": false}"#, "[1]", "[1, 2]"),
            (r#"{"allOf": [{"prefixItems": [{}]}], "unevaluatedItems": false}"#, "[1]", "[1, 2]"),
            (r#"{"allOf": [{"items": [{}]}], "unevaluatedItems": false}"#, "[1]", "[1, 2]"),
        ],
        limits: &[
            twelve!(
                r#"{"type": "array", "anyOf": [{"prefixItems": [{"multipleOf": "#,
                r#"}]}, {"prefixItems": [{"multipleOf": "#,
                r#"}]}], "unevaluatedItems": false}"#
            ),
            twelve!(
                r#"{"type": "array", "anyOf": [{"items": [{"multipleOf": "#,
                r#"}]}, {"items": [{"multipleOf": "#,
                r#"}]}], "unevaluatedItems": false}"#
            ),
        ],
    },
    Keyword {
        name: "unevaluatedProperties",
        uses: &[(
            r#"{"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}"#,
            r#"{"a":1}"#,
            r#"{"a":1,"b":2}"#,
        )],
        limits: &[twelve!(
            r#"{"type": "object", "anyOf": [{"properties": {"a": {"multipleOf": "#,
            r#"}}}, {"properties": {"a": {"multipleOf": "#,
            r#"}}}], "unevaluatedProperties": false}"#
        )],
    },
    Keyword {
        name: "$ref",
        uses: &[(
            r##"{"properties": {"a": {"$ref": "#"}, "b": {"type": "null"}}}"##,
            r#"{"a":{"b":null}}"#,
            r#"{"a":{"b":1}}"#,
        )],
        limits: &[r#"{"$ref": "other.json"}"#],
    },
    Keyword {
        name: "definitions",
        uses: &[(r##"{"allOf": [{"$ref": "#/definitions/a"}], "definitions": {"a": {"type": "null"}}}"##, "null", "1")],
        limits: &[],
    },
    Keyword {
        name: "$defs",
        uses: &[(r##"{"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "null"}}}"##, "null", "1")],
        limits: &[],
    },
    Keyword {
        name: "$id",
        uses: &[
            (
                r#"{"$id": "http://x/y", "allOf": [{"$ref": "a"}], "definitions": {"a": {"$id": "a", "type": "null"}}}"#,
                "null",
                "1",
            ),
            (
                r#"{"id": "http://x/y", "allOf": [{"$ref": "a"}], "definitions": {"a": {"id": "a", "type": "null"}}}"#,
                "null",
                "1",
            ),
        ],
        limits: &[],
    },
    Keyword {
        name: "$anchor",
        uses: &[(r##"{"allOf": [{"$ref": "#x"}], "$defs": {"a": {"$anchor": "x", "type": "null"}}}"##, "null", "1")],
        limits: &[],
    },
    Keyword {
        name: "$recursiveRef",
        uses: &[(
            r##"{"properties": {"a": {"$recursiveRef": "#"}, "b": {"type": "null"}}}"##,
            r#"{"a":{"b":null}}"#,
            r#"{"a":{"b":1}}"#,
        )],
        limits: &[],
    },
    Keyword {
        name: "$dynamicRef",
        uses: &[(
            r##"{"$dynamicAnchor": "x", "properties": {"a": {"$dynamicRef": "#x"}, "b": {"type": "null"}}}"##,
            r#"{"a":{"b":null}}"#,
            r#"{"a":{"b":1}}"#,
        )],
        limits: &[],
    },
];

/// What a keyword is in a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// No keyword of the draft, or an annotation.
    Absent,
    Exact,
    Fragment,
    Refused,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Absent => "–",
            Self::Exact => "exact",
            Self::Fragment => "fragment",
            Self::Refused => "refused",
        }
    }
}

fn in_draft(schema: &str, draft: &str) -> Result<Compiled, bool> {
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    schema.as_object_mut().unwrap().insert("$schema".to_owned(), draft.into());
    compile(&schema.to_string(), &Options::default(), &Limits::default()).map_err(|diagnostics| {
        diagnostics.iter().all(|diagnostic| matches!(diagnostic.code, Code::Unsupported | Code::Limit))
    })
}

fn status(keyword: &Keyword, draft: &str) -> Status {
    let mut refused = false;
    let is_at_work = keyword.uses.iter().any(|(schema, valid, invalid)| match in_draft(schema, draft) {
        Ok(compiled) => {
            let accepts = |text: &str| accepts(&compiled.grammar, text.as_bytes());
            accepts(valid) && !accepts(invalid)
        }
        Err(is_refusal) => {
            refused |= is_refusal;
            false
        }
    });
    if !is_at_work {
        return if refused { Status::Refused } else { Status::Absent };
    }
    let is_limited = keyword.limits.iter().any(|schema| in_draft(schema, draft).is_err_and(|is_refusal| is_refusal));
    if is_limited { Status::Fragment } else { Status::Exact }
}

fn docs() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json-schema.md"))
}

const BEGIN: &str = "<!-- the table of keywords by draft: begin -->\n";
const END: &str = "<!-- the table of keywords by draft: end -->\n";

#[test]
fn the_table_in_the_documentation_is_what_the_compiler_does() {
    let drafts: Vec<&str> = DRAFTS.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| keyword | {} |\n|---|{}\n", drafts.join(" | "), "---|".repeat(drafts.len()));
    let mut by_keyword = BTreeMap::new();
    for keyword in KEYWORDS {
        let statuses = DRAFTS.map(|(_, draft)| status(keyword, draft));
        assert!(statuses.iter().any(|status| *status != Status::Absent), "{} is at work nowhere", keyword.name);
        let cells: Vec<&str> = statuses.iter().map(|status| status.name()).collect();
        let name = match keyword.name.split_once(" (") {
            Some((name, remark)) => format!("`{name}` ({remark}"),
            None => keyword.name.split(", ").map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        };
        writeln!(table, "| {name} | {} |", cells.join(" | ")).unwrap();
        by_keyword.insert(keyword.name, statuses);
    }
    let text = std::fs::read_to_string(docs()).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the table begins somewhere");
    let (written, after) = rest.split_once(END).expect("the table ends somewhere");
    if std::env::var_os("GRAMMARC_BLESS").is_some() {
        std::fs::write(docs(), format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(written, table, "GRAMMARC_BLESS=1 writes the table");
    }
}

/// No keyword that the compiler knows is missing from the table.
#[test]
fn every_keyword_is_in_the_table() {
    let source = include_str!("../src/json_schema/keyword.rs");
    let constraints = source.split_once("pub(super) fn role").unwrap().1.split_once("_ => return").unwrap().0;
    let mut known = 0;
    for name in constraints.split('"').skip(1).step_by(2) {
        let is_there = KEYWORDS.iter().any(|keyword| {
            keyword.name.split(", ").any(|part| part == name || part.strip_suffix(" (a list)") == Some(name))
        });
        assert!(is_there, "`{name}` is not in the table");
        known += 1;
    }
    assert!(known > 40, "{known}");
}
