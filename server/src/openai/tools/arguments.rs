//! The arguments of a call as they are written, to JSON.

use serde_json::Value;

use super::parameters::{Kind, Parameters};
use super::written::{Arguments, Element};

/// What a look at the beginning of a text has given.
#[derive(Debug, PartialEq)]
pub(super) enum Look<'t, T> {
    /// It is there; with what comes after it.
    Found(T, &'t str),
    /// It may still come.
    Unfinished,
    /// It is something else.
    Other,
}

/// Looks for `pattern`, in which as in the text any amount of white space is as good as another where there is some, or
/// between its words where there is none.
pub(super) fn look_for<'t>(text: &'t str, pattern: &str) -> Look<'t, ()> {
    let mut rest = text.trim_start();
    for word in pattern.split_whitespace() {
        rest = rest.trim_start();
        match rest.strip_prefix(word) {
            Some(after) => rest = after,
            None if word.starts_with(rest) => return Look::Unfinished,
            None => return Look::Other,
        }
    }
    Look::Found((), rest)
}

/// The arguments at the beginning of `text`, as the text of a JSON object. `end` is what follows them.
pub(super) fn read<'t>(text: &'t str, arguments: Arguments, parameters: &Parameters, end: &str) -> Look<'t, String> {
    match arguments {
        Arguments::Json => match json(text) {
            Look::Found(arguments, rest) => Look::Found(arguments.to_owned(), rest),
            Look::Unfinished => Look::Unfinished,
            Look::Other => Look::Other,
        },
        Arguments::Elements(element) => elements(text, element, parameters, end),
    }
}

/// The JSON text at the beginning of `text`, with what comes after it. A number that the text ends with may go on.
fn json(text: &str) -> Look<'_, &str> {
    let text = text.trim_start();
    if !text.starts_with(['{', '[', '"']) {
        let is_part = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        let Some(end) = text.find(|character| !is_part(character)) else { return Look::Unfinished };
        let (value, rest) = text.split_at(end);
        return if serde_json::from_str::<Value>(value).is_ok() { Look::Found(value, rest) } else { Look::Other };
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(_)) => {
            let (value, rest) = text.split_at(values.byte_offset());
            Look::Found(value, rest)
        }
        Some(Err(error)) if !error.is_eof() => Look::Other,
        Some(Err(_)) | None => Look::Unfinished,
    }
}

fn elements<'t>(text: &'t str, element: Element, parameters: &Parameters, end: &str) -> Look<'t, String> {
    let mut members: Vec<(String, String)> = Vec::new();
    // The same with all that the values can be read as.
    let mut open: Vec<(String, Vec<String>)> = Vec::new();
    let mut rest = text;
    // Whether a value has been read as a text that could still become JSON.
    let mut may_be_json = false;
    let other = |may_be_json| if may_be_json { Look::Unfinished } else { Look::Other };
    loop {
        match look_for(rest, end) {
            Look::Found(..) => {
                if let Some(places) = parameters.choose_together(&open) {
                    let chosen = members.iter_mut().zip(open.into_iter().zip(places));
                    chosen.for_each(|((_, value), ((_, mut values), place))| *value = values.swap_remove(place));
                }
                return Look::Found(object(&members), rest);
            }
            Look::Unfinished => return Look::Unfinished,
            Look::Other => {}
        }
        let after = match look_for(rest, element.before_key) {
            Look::Found((), after) => after,
            Look::Unfinished => return Look::Unfinished,
            Look::Other => return other(may_be_json),
        };
        let separators = element.after_key.iter();
        let Some((at, (separator, is_string))) =
            separators.filter_map(|found| Some((after.find(found.0)?, *found))).min_by_key(|&(at, _)| at)
        else {
            return Look::Unfinished;
        };
        let key = &after[..at];
        let value = &after[at + separator.len()..];
        let kind = is_string.map_or_else(|| parameters.kind(key), |text| if text { Kind::Text } else { Kind::Json });
        let Readings { mut values, is_open } = readings(value, element, kind);
        if element.pads && parameters.is_any_text(key) {
            // Any of the others is a text of the schema as well.
            values.truncate(1);
        }
        let texts: Vec<&str> = values.iter().map(|(value, _)| value.as_str()).collect();
        let place = if texts.len() > 1 { parameters.choose(key, &texts) } else { 0 };
        if place >= values.len() {
            return Look::Unfinished;
        }
        let (value, next) = (values[place].0.clone(), values[place].1);
        may_be_json |= is_open;
        // What comes next must not depend on the choice.
        let same_end = values.into_iter().filter(|(_, after)| after.len() == next.len());
        let values: Vec<String> = same_end.map(|(value, _)| value).collect();
        match members.iter().position(|(known, _)| known == key) {
            Some(index) => (members[index].1, open[index].1) = (value, values),
            None => {
                members.push((key.to_owned(), value));
                open.push((key.to_owned(), values));
            }
        }
        rest = next;
    }
}

/// The text of an object with these keys and values, the values as texts of JSON.
fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{}:{value}", text_value(key))).collect();
    format!("{{{}}}", members.join(","))
}

/// A string as JSON.
fn text_value(text: &str) -> String {
    Value::from(text).to_string()
}

/// What the value at the beginning of a text may be.
struct Readings<'t> {
    /// As the text of JSON, each with what comes after the element; the likeliest first.
    values: Vec<(String, &'t str)>,
    /// Whether it may be JSON that has not come to its end.
    is_open: bool,
}

/// How the value at the beginning of `text` can be read, if it is of `kind`. What is no string by the schema, and no JSON
/// either, is one after all.
fn readings<'t>(text: &'t str, element: Element, kind: Kind) -> Readings<'t> {
    let (mut values, mut is_open) = (Vec::new(), false);
    if kind != Kind::Text {
        match json(text) {
            // A string is written as it is.
            Look::Found(value, rest) if !value.starts_with('"') => match look_for(rest, element.end) {
                Look::Found((), rest) => values.push((value.to_owned(), rest)),
                Look::Unfinished => is_open = true,
                Look::Other => {}
            },
            Look::Unfinished => is_open = !text.trim_start().starts_with('"'),
            Look::Found(..) | Look::Other => {}
        }
    }
    if kind == Kind::Json && (is_open || !values.is_empty()) {
        return Readings { values, is_open };
    }
    if let Some((raw, rest)) = text.split_once(element.end) {
        let texts = if element.pads { unpadded(raw) } else { vec![raw] };
        values.extend(texts.into_iter().map(|text| (text_value(text), rest)));
    }
    Readings { values, is_open }
}

/// What a text may be without the line break that may be on either side of it.
fn unpadded(raw: &str) -> Vec<&str> {
    let after = raw.strip_prefix('\n');
    let before = raw.strip_suffix('\n');
    let both = after.and_then(|after| after.strip_suffix('\n'));
    [both, after, before, Some(raw)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parameters::Patience;
    use super::super::written::{GLM, MINIMAX, QWEN};
    use super::*;

    #[test]
    fn white_space_in_patterns() {
        assert_eq!(look_for(" <a>\n\n {\"name\": \"x", "<a>\n{\"name\": \""), Look::Found((), "x"));
        assert_eq!(look_for("<a>{\"na", "<a>\n{\"name\": \""), Look::Unfinished);
        assert_eq!(look_for("<b>", "<a>"), Look::Other);
    }

    /// The value of `v` in the elements of `style` in which it is written as `raw`.
    fn value(style: Element, schema: &Value, raw: &str) -> Look<'static, Value> {
        let parameters = Parameters::new(&json!({"type": "object", "properties": {"v": schema}}), Patience::default());
        let text = format!("{}v{}{raw}{}</end>", style.before_key, style.after_key[0].0, style.end);
        match elements(&text, style, &parameters, "</end>") {
            Look::Found(object, "</end>") => {
                Look::Found(serde_json::from_str::<Value>(&object).expect("JSON")["v"].clone(), "")
            }
            Look::Found(..) => panic!("what follows the arguments is left"),
            Look::Unfinished => Look::Unfinished,
            Look::Other => Look::Other,
        }
    }

    #[test]
    fn values_are_what_the_schema_lets_them_be() {
        let string = json!({"type": "string"});
        for (schema, raw, expected) in [
            (string.clone(), "5", json!("5")),
            (string, "[1", json!("[1")),
            (json!({"type": "integer"}), " 5\n", json!(5)),
            (json!({"type": "integer"}), "five", json!("five")),
            (json!({}), "5", json!(5)),
            (json!({}), "5 apples", json!("5 apples")),
            (json!({}), "\"5\"", json!("\"5\"")),
            (
                json!({"anyOf": [{"type": "string", "pattern": "^[0-9]{5}$"}, {"type": "null"}]}),
                "47564",
                json!("47564"),
            ),
            (json!({"anyOf": [{"type": "string", "pattern": "^[0-9]{5}$"}, {"type": "null"}]}), "null", json!(null)),
            (json!({"anyOf": [{"enum": ["12"]}, {"type": "integer", "maximum": 5}]}), "12", json!("12")),
            (json!({"anyOf": [{"enum": ["12"]}, {"type": "integer", "maximum": 5}]}), "4", json!(4)),
            (json!({"enum": ["5", "true"]}), "true", json!("true")),
            (json!({"const": "5"}), "5", json!("5")),
            (json!({"const": {"a": [1]}}), "{\"a\": [1]}", json!({"a": [1]})),
            (json!({"type": ["string", "null"], "enum": ["5", "null"]}), "null", json!("null")),
            (json!({"type": "array"}), "[\"</parameter>\", \"</arg_value>\"]", json!(["</parameter>", "</arg_value>"])),
            (json!({"not": {"type": "array"}}), "[1]", json!("[1]")),
        ] {
            for style in [QWEN, MINIMAX, GLM] {
                assert_eq!(value(style, &schema, raw), Look::Found(expected.clone(), ""), "{schema} {raw}");
            }
        }
    }

    /// Judging a value takes no longer for the others beside it, and reading a call again and again does not judge it again.
    #[test]
    fn a_tool_may_have_many_parameters() {
        let values: Vec<String> = (0..20).map(|value| value.to_string()).collect();
        let keys: Vec<String> = (0..100).map(|key| format!("k{key}")).collect();
        let properties: serde_json::Map<String, Value> =
            keys.iter().map(|key| (key.clone(), json!({"enum": values}))).collect();
        let parameters = Parameters::new(
            &json!({"type": "object", "properties": properties, "required": keys}),
            Patience::default(),
        );
        let start = std::time::Instant::now();
        let mut text = String::new();
        for key in &keys {
            text.push_str(&format!("<parameter={key}>7</parameter>"));
            assert_eq!(elements(&text, QWEN, &parameters, "</end>"), Look::Unfinished);
        }
        text.push_str("</end>");
        let Look::Found(object, "</end>") = elements(&text, QWEN, &parameters, "</end>") else { panic!("no call") };
        let object: Value = serde_json::from_str(&object).expect("JSON");
        let wrong: Vec<&String> = keys.iter().filter(|&key| object[key] != "7").collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        // A tenth of a second; minutes if every look asked the whole schema about every value.
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    #[test]
    fn keys_may_have_a_say_in_one_another() {
        let read = |schema: Value, members: &[(&str, &str)]| {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("<parameter={key}>{value}</parameter>")).collect();
            let text = format!("{}</end>", members.concat());
            match elements(&text, QWEN, &Parameters::new(&schema, Patience::default()), "</end>") {
                Look::Found(object, _) => serde_json::from_str::<Value>(&object).expect("JSON"),
                _ => panic!("no call in {text}"),
            }
        };
        // Without the other key, no object has this one.
        let needs = json!({
            "properties": {"zip": {"type": ["string", "null"]}, "n": {"type": "integer"}},
            "dependentRequired": {"zip": ["n"]},
            "additionalProperties": false,
        });
        assert_eq!(read(needs, &[("zip", "90210"), ("n", "1")]), json!({"zip": "90210", "n": 1}));
        let alone = json!({
            "properties": {"b": {"type": "string"}},
            "required": ["b"],
            "anyOf": [{"maxProperties": 1}, {"properties": {"a": {"type": "string"}}, "required": ["b"]}],
        });
        assert_eq!(read(alone, &[("a", "null"), ("b", "x")]), json!({"a": "null", "b": "x"}));
        // Some object has the number, but not this one.
        let absent = json!({
            "properties": {"b": {"type": ["string", "integer"]}},
            "anyOf": [{"required": ["b"]}, {"properties": {"a": {"type": "string"}}}],
        });
        assert_eq!(read(absent.clone(), &[("a", "7")]), json!({"a": "7"}));
        assert_eq!(read(absent, &[("a", "7"), ("b", "7")]), json!({"a": 7, "b": 7}));
        let kinds = json!({"oneOf": [
            {"properties": {"kind": {"const": "text"}, "value": {"type": "string"}}, "required": ["kind"]},
            {"properties": {"kind": {"const": "number"}, "value": {"type": "number"}}, "required": ["kind"]},
        ]});
        assert_eq!(read(kinds.clone(), &[("value", "7"), ("kind", "text")]), json!({"value": "7", "kind": "text"}));
        assert_eq!(read(kinds, &[("value", "7"), ("kind", "number")]), json!({"value": 7, "kind": "number"}));
    }

    #[test]
    fn references_lead_through_the_whole_schema() {
        let schema = json!({
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/digits"}, "b": {"$ref": "#/$defs/count"}},
            "patternProperties": {"^x": {"$ref": "#/$defs/digits"}},
            "required": ["a", "b"],
            "$defs": {"digits": {"type": "string", "pattern": "^[0-9]+$"}, "count": {"type": "integer"}},
        });
        let text = "<parameter=a>1</parameter><parameter=b>2</parameter><parameter=x1>3</parameter></end>";
        let found = elements(text, QWEN, &Parameters::new(&schema, Patience::default()), "</end>");
        assert_eq!(found, Look::Found(r#"{"a":"1","b":2,"x1":"3"}"#.to_owned(), "</end>"));
    }

    #[test]
    fn line_breaks_around_a_text_belong_to_it_unless_the_style_has_them() {
        let free = json!({"type": "string"});
        for (raw, padded) in [("a b", "a b"), ("\na b", "a b"), ("a b\n", "a b"), ("\n\na b\n", "\na b")] {
            assert_eq!(value(QWEN, &free, raw), Look::Found(padded.into(), ""));
            assert_eq!(value(MINIMAX, &free, raw), Look::Found(raw.into(), ""));
            assert_eq!(value(GLM, &free, raw), Look::Found(raw.into(), ""));
        }
        let listed = json!({"enum": ["\nabc\n", "a\n", "b"]});
        for (raw, expected) in
            [("\nabc\n", "\nabc\n"), ("\n\nabc\n\n", "\nabc\n"), ("a\n", "a\n"), ("\na\n\n", "a\n"), ("\nb\n", "b")]
        {
            assert_eq!(value(QWEN, &listed, raw), Look::Found(expected.into(), ""), "{raw:?}");
        }
    }

    #[test]
    fn a_value_that_may_go_on_is_waited_for() {
        let parameters = Parameters::new(&json!({"properties": {"v": {}}}), Patience::default());
        let whole = "<parameter=v>[\"</parameter>\"]</parameter></end>";
        for length in (0..whole.len()).filter(|&length| !whole[..length].ends_with("</end>")) {
            assert_eq!(elements(&whole[..length], QWEN, &parameters, "</end>"), Look::Unfinished, "{length}");
        }
        let found = elements(whole, QWEN, &parameters, "</end>");
        assert_eq!(found, Look::Found(r#"{"v":["</parameter>"]}"#.to_owned(), "</end>"));
    }
}
