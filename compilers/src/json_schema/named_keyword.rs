//! The keyword that a diagnostic names, and the place where it stands.
//!
//! The stages after reading know what a schema says, which keywords of different drafts, or several keywords of one, can
//! say. Who reads a diagnostic looks for what the document has.

use super::ast::Schema;
use super::keyword::is_constraint;
use super::pointer;

/// What each keyword stands for in the typed form of a schema, and the keywords that may have said it, the likeliest first.
const SPELLINGS: [(&str, &[&str]); 17] = [
    ("$ref", &["$ref", "$dynamicRef", "$recursiveRef"]),
    ("additionalProperties", &["additionalProperties", "unevaluatedProperties", "properties"]),
    ("allOf", &["allOf", "$dynamicRef", "$recursiveRef", "$ref"]),
    ("anyOf", &["anyOf", "unevaluatedItems"]),
    ("contains", &["contains", "unevaluatedItems"]),
    ("dependentRequired", &["dependentRequired", "dependencies"]),
    ("dependentSchemas", &["dependentSchemas", "dependencies"]),
    ("enum", &["enum", "const"]),
    ("if", &["if", "then", "else"]),
    // Next to a list, `items` is about the prefix.
    ("items", &["additionalItems", "items", "unevaluatedItems", "prefixItems"]),
    ("maximum", &["maximum", "exclusiveMaximum"]),
    ("minimum", &["minimum", "exclusiveMinimum"]),
    ("multipleOf", &["multipleOf", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"]),
    ("patternProperties", &["patternProperties", "additionalProperties", "unevaluatedProperties", "properties"]),
    ("prefixItems", &["prefixItems", "items", "unevaluatedItems"]),
    ("properties", &["properties", "required", "unevaluatedProperties"]),
    ("propertyNames", &["propertyNames", "patternProperties", "additionalProperties"]),
];

/// The JSON Pointer and the name of the keyword by which `schema` says what `keyword` stands for.
///
/// Where none of its keywords does, as in an empty schema or in what stands for a listed value, it is the keyword that
/// holds the schema. Of a document that is a schema without keywords the name is empty.
pub(super) fn named(schema: &Schema, keyword: &str) -> (String, String) {
    let spellings = SPELLINGS.iter().find(|(name, _)| *name == keyword).map(|(_, spellings)| *spellings);
    let is_written = |name: &&&str| schema.written.iter().any(|written| **written == ***name);
    let found = spellings.unwrap_or(&[keyword]).iter().find(is_written).copied();
    match found.or(schema.written.first().map(|first| &**first)) {
        Some(name) => (pointer::push(&schema.pointer, name), name.to_owned()),
        None => holder(&schema.pointer),
    }
}

/// The last keyword on the way to `place`.
pub(super) fn holder(place: &str) -> (String, String) {
    let mut way = place;
    while let Some((before, token)) = way.rsplit_once('/') {
        if is_constraint(token) {
            return (way.to_owned(), token.to_owned());
        }
        way = before;
    }
    (way.to_owned(), String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_named_as_they_are_spelled() {
        let named = |pointer: &str, written: &[&str], keyword| {
            let mut schema = Schema::anything(pointer.to_owned());
            schema.written = written.iter().map(|&name| name.into()).collect();
            super::named(&schema, keyword)
        };
        let is = |place: &str, name: &str| (place.to_owned(), name.to_owned());
        assert_eq!(named("/a", &["enum", "items"], "items"), is("/a/items", "items"));
        assert_eq!(named("/a", &["items", "additionalItems"], "items"), is("/a/additionalItems", "additionalItems"));
        assert_eq!(named("", &["type", "const"], "enum"), is("/const", "const"));
        assert_eq!(named("", &["maxLength"], "type"), is("/maxLength", "maxLength"));
        assert_eq!(named("/properties/a/enum", &[], "items"), is("/properties/a/enum", "enum"));
        assert_eq!(named("/properties/a", &[], "type"), is("/properties", "properties"));
        assert_eq!(named("", &[], "type"), is("", ""));
    }
}
