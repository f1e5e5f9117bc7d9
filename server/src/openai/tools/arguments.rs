//! The arguments of a call as they are written, to JSON.

use serde_json::{Map, Value};

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
pub(super) fn read<'t>(text: &'t str, arguments: Arguments, tool: &Value, end: &str) -> Look<'t, String> {
    match arguments {
        Arguments::Json => json(text),
        Arguments::Elements(element) => elements(text, element, tool, end),
    }
}

fn json(text: &str) -> Look<'_, String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(_)) => {
            let (arguments, rest) = text.split_at(values.byte_offset());
            Look::Found(arguments.trim().to_owned(), rest)
        }
        Some(Err(error)) if !error.is_eof() => Look::Other,
        Some(Err(_)) | None => Look::Unfinished,
    }
}

fn elements<'t>(text: &'t str, element: Element, tool: &Value, end: &str) -> Look<'t, String> {
    let mut members = Map::new();
    let mut rest = text;
    loop {
        match look_for(rest, end) {
            Look::Found(..) => return Look::Found(Value::Object(members).to_string(), rest),
            Look::Unfinished => return Look::Unfinished,
            Look::Other => {}
        }
        let after = match look_for(rest, element.before_key) {
            Look::Found((), after) => after,
            Look::Unfinished => return Look::Unfinished,
            Look::Other => return Look::Other,
        };
        let separators = element.after_key.iter();
        let Some((at, (separator, is_string))) =
            separators.filter_map(|found| Some((after.find(found.0)?, *found))).min_by_key(|&(at, _)| at)
        else {
            return Look::Unfinished;
        };
        let key = &after[..at];
        let Some((raw, next)) = after[at + separator.len()..].split_once(element.end) else {
            return Look::Unfinished;
        };
        let declared = &tool["function"]["parameters"]["properties"][key]["type"];
        let is_string = is_string.unwrap_or(declared == "string");
        members.insert(key.to_owned(), value(raw, is_string));
        rest = next;
    }
}

/// The value that `raw` is. What is no string by the schema, and no JSON either, is one after all.
fn value(raw: &str, is_string: bool) -> Value {
    // Some models put the value on a line of its own.
    let inner = raw.strip_prefix('\n').unwrap_or(raw);
    let inner = inner.strip_suffix('\n').unwrap_or(inner);
    match serde_json::from_str(inner) {
        Ok(value) if !is_string => value,
        _ => inner.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_in_patterns() {
        assert_eq!(look_for(" <a>\n\n {\"name\": \"x", "<a>\n{\"name\": \""), Look::Found((), "x"));
        assert_eq!(look_for("<a>{\"na", "<a>\n{\"name\": \""), Look::Unfinished);
        assert_eq!(look_for("<b>", "<a>"), Look::Other);
    }

    #[test]
    fn values_by_their_type() {
        assert_eq!(value("5", true), "5");
        assert_eq!(value("\n5\n", false), 5);
        for raw in ["a b", "\na b", "a b\n", "\na b\n"] {
            assert_eq!(value(raw, true), "a b");
        }
        assert_eq!(value("\n\na\n", true), "\na");
        assert_eq!(value("five", false), "five");
    }
}
