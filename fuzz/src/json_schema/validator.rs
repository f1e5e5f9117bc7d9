//! The independent validator, the crate `jsonschema`.

use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::exact;

/// Rewrites what a pattern of ECMA-262 means by `.`, where the crate's engine leaves out the line feed alone: the
/// carriage return and the two line separators are no `.` either.
fn ecma_dots(pattern: &str) -> String {
    let mut rewritten = String::with_capacity(pattern.len());
    let (mut escaped, mut in_class) = (false, false);
    for character in pattern.chars() {
        let plain = !std::mem::take(&mut escaped);
        match character {
            '\\' if plain => escaped = true,
            '[' if plain => in_class = true,
            ']' if plain => in_class = false,
            '.' if plain && !in_class => {
                rewritten.push_str("[^\\n\\r\\u2028\\u2029]");
                continue;
            }
            _ => {}
        }
        rewritten.push(character);
    }
    rewritten
}

/// Rewrites all patterns of a schema for the crate; see [`ecma_dots`].
fn with_ecma_dots(schema: &mut Value) {
    let mut agenda = vec![schema];
    while let Some(value) = agenda.pop() {
        if let Some(Value::String(pattern)) = value.get_mut("pattern") {
            *pattern = ecma_dots(pattern);
        }
        if let Some(Value::Object(patterns)) = value.get_mut("patternProperties") {
            *patterns = std::mem::take(patterns).into_iter().map(|(key, schema)| (ecma_dots(&key), schema)).collect();
        }
        match value {
            Value::Object(members) => {
                let schemas = members.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "enum" | "const"));
                agenda.extend(schemas.map(|(_, value)| value));
            }
            Value::Array(items) => agenda.extend(items),
            _ => {}
        }
    }
}

/// Whether `text` is a mailbox, by the crate but for its limit on the part before the `@`: RFC 5321 has it in section
/// 4.5.3.1, which speaks of what must be transported at least, and not in the grammar of section 4.1.2.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let shorter = format!("{}@{}", shortened(local), unreserved(domain));
    static CRATE: LazyLock<Option<Validator>> =
        LazyLock::new(|| jsonschema::options().should_validate_formats(true).build(&json!({"format": "email"})).ok());
    CRATE.as_ref().is_some_and(|validator| validator.is_valid(&Value::String(shorter)))
}

/// A domain that is as valid by RFC 5321 and has no label with hyphens as its third and fourth character: the crate takes
/// these for reserved, as RFC 5890 has it for labels of the DNS.
fn unreserved(domain: &str) -> String {
    let label = |label: &str| match label.as_bytes() {
        [_, _, b'-', b'-', _, ..] if label.is_ascii() => format!("{}00{}", &label[..2], &label[4..]),
        _ => label.to_owned(),
    };
    domain.split('.').map(label).collect::<Vec<_>>().join(".")
}

/// The part of a mailbox before the `@` with fewer characters of a kind where there are several in a row, so that it is as
/// valid as before.
fn shortened(local: &str) -> String {
    const LIMIT: usize = 64;
    let is_quoted = local.starts_with('"');
    // A pair in a quoted text counts as one.
    let mut units: Vec<String> = Vec::new();
    for character in local.chars() {
        match units.last_mut() {
            Some(pair) if is_quoted && pair == "\\" => pair.push(character),
            _ => units.push(character.to_string()),
        }
    }
    let is_plain = |unit: &String| match unit.as_bytes() {
        [b'"' | b'\\'] => false,
        [b' '..=b'~'] | [b'\\', b' '..=b'~'] if is_quoted => true,
        [byte] => byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(byte),
        _ => false,
    };
    loop {
        let length: usize = units.iter().map(String::len).sum();
        if length <= LIMIT {
            break;
        }
        // One between two of its kind, or a part of one between two points.
        if let Some(index) = units.windows(3).position(|three| three.iter().all(is_plain)) {
            units.remove(index + 1);
        } else if let Some(index) = units.windows(5).position(|five| {
            !is_quoted
                && five
                    .iter()
                    .enumerate()
                    .all(|(index, unit)| if index % 2 == 0 { is_plain(unit) } else { unit == "." })
        }) {
            units.drain(index + 1..index + 3);
        } else {
            break;
        }
    }
    units.concat()
}

/// Whether `schema` says that it is of draft 4.
fn is_draft4(schema: &Value) -> bool {
    schema.get("$schema").and_then(Value::as_str).is_some_and(|uri| uri.contains("json-schema.org/draft-04/"))
}

/// The validator of `schema`, by its `$schema` (2020-12 where that names no draft) and with formats asserted.
///
/// # Errors
/// When the crate does not take the schema.
pub fn validator(schema: &Value) -> Result<Validator, String> {
    let build = |schema: &Value, draft: Option<Draft>| {
        let mut options = jsonschema::options()
            .should_validate_formats(true)
            .with_format("email", is_email)
            .with_keyword("multipleOf", exact::multiple_of);
        if is_draft4(schema) {
            options = options.with_keyword("type", exact::written_type);
        }
        if let Some(draft) = draft {
            options = options.with_draft(draft);
        }
        options.build(schema).map_err(|error| error.to_string())
    };
    let mut plain = schema.clone();
    with_ecma_dots(&mut plain);
    build(&plain, None).or_else(|error| {
        // A `$schema` that is not known and not there to be read.
        match plain.as_object_mut().and_then(|members| members.shift_remove("$schema")) {
            Some(_) => build(&plain, Some(Draft::Draft202012)),
            None => Err(error),
        }
    })
}

/// Why `text` is not valid; `None` if it is, or if the crate cannot tell: it reads numbers as doubles, in which `1e-400` is
/// no greater than 0.
pub fn fault(validator: &Validator, text: &[u8]) -> Option<String> {
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => return Some(format!("not JSON: {error}")),
    };
    let error = validator.iter_errors(&value).next()?;
    if !fits_doubles(&value) {
        return None;
    }
    let message: String = error.to_string().chars().take(SHOWN).collect();
    Some(format!("{}: {message}", error.schema_path()))
}

/// Whether no number in `value` is so large or so small that as a double it is infinite or 0.
fn fits_doubles(value: &Value) -> bool {
    let mut agenda = vec![value];
    while let Some(value) = agenda.pop() {
        match value {
            Value::Array(items) => agenda.extend(items),
            Value::Object(members) => agenda.extend(members.values()),
            Value::Number(number) => {
                let text = number.to_string();
                let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
                let is_zero = !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
                if !number.as_f64().is_some_and(|double| double.is_finite() && (is_zero || double != 0.0)) {
                    return false;
                }
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    true
}

/// The longest part of a message that is shown.
const SHOWN: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_judged_whatever_their_length() {
        let long = "a1".repeat(40);
        for (text, expected) in [
            ("a@b.example".to_owned(), true),
            (format!("{long}@b.example"), true),
            (format!("{long}.{long}@[127.0.0.1]"), true),
            (format!("{}@b", "{}}/'^".repeat(12)), true),
            (format!("{}@b", "{}.(}/^".repeat(12)), false),
            (format!("{}a@b", "a.bc.".repeat(20)), true),
            (format!("{}@b", "a.bc.".repeat(20)), false),
            (format!("\"{}\"@b", " \\\"(),".repeat(20)), true),
            (format!("\"{}@b", " \\\"(),".repeat(20)), false),
            (format!("\"{}\"\"@b", " \\\"(),".repeat(20)), false),
            (format!("{long}..{long}@b"), false),
            (format!("{long} {long}@b"), false),
            (format!("{long}@b..c"), false),
            ("a@6u--lvz".to_owned(), true),
            ("a@b.xn--c.d".to_owned(), true),
            ("a@-u--lvz".to_owned(), false),
            ("a@6u--".to_owned(), false),
            (
                r"}{}~}}}{}=}W{O}{}4Mrkj}z}4H{}}1l6{{3J2YJ{y.1{}-n~}/}{7Q}nX{}{3c{}0X{0A0{x61{je1}7X}5}0G}8}nOFI{8M}}75{{{on}3t@6u--lvz".to_owned(),
                true,
            ),
            (long.clone(), false),
        ] {
            assert_eq!(is_email(&text), expected, "{text}");
        }
    }

    #[test]
    fn dots_are_those_of_the_standard() {
        assert_eq!(ecma_dots(r"a.\.[.]\\."), r"a[^\n\r\u2028\u2029]\.[.]\\[^\n\r\u2028\u2029]");
        let schema = json!({"patternProperties": {"^.*$": {"pattern": "^.$"}}});
        let validator = validator(&schema).unwrap();
        assert_eq!(fault(&validator, br#"{"a\r": "ab", "ab": "a"}"#), None);
        assert!(fault(&validator, br#"{"a": "\r"}"#).is_some_and(|fault| fault.contains("pattern")));
        assert!(fault(&validator, b"{").is_some_and(|fault| fault.starts_with("not JSON")));
    }

    #[test]
    fn numbers_beyond_doubles_are_not_judged() {
        let validator = validator(&json!({"items": {"exclusiveMinimum": 0}})).unwrap();
        assert_eq!(fault(&validator, b"[1e-400]"), None);
        assert!(fault(&validator, b"[0e-400]").is_some_and(|fault| fault.contains("exclusiveMinimum")));
        assert!(fault(&validator, b"[-1]").is_some());
    }

    #[test]
    fn numbers_are_judged_by_their_digits() {
        let multiples = validator(&json!({"items": {"multipleOf": 2.5}})).unwrap();
        assert_eq!(fault(&multiples, b"[28404470564113107.5]"), None);
        assert!(fault(&multiples, b"[28404470564113107.6]").is_some());
        let draft4 = json!({"$schema": "http://json-schema.org/draft-04/schema#",
            "properties": {"a": {"oneOf": [{"type": "integer"}, {"type": ["number", "null"], "minimum": 1}]}}});
        let draft4 = validator(&draft4).unwrap();
        assert_eq!(fault(&draft4, br#"{"a": 23e256}"#), None);
        assert_eq!(fault(&draft4, br#"{"a": 0}"#), None);
        assert!(fault(&draft4, br#"{"a": 23}"#).is_some());
        assert!(fault(&draft4, br#"{"a": "b"}"#).is_some());
        let draft7 = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "integer"});
        assert_eq!(fault(&validator(&draft7).unwrap(), b"1.0"), None);
    }

    #[test]
    fn an_unknown_dialect_is_read_as_the_newest() {
        let validator = validator(&json!({"$schema": "http://nowhere.example/s", "prefixItems": [false]})).unwrap();
        assert!(fault(&validator, b"[1]").is_some());
    }
}
