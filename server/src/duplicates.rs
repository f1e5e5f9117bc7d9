//! Names that occur twice in one object of a JSON text. Parsers keep the last member and drop the others in silence, among them
//! half of a schema.

use std::borrow::Cow;
use std::collections::HashSet;

/// The first name that occurs twice in one object of `text`, which is valid JSON.
pub fn duplicate_name(text: &[u8]) -> Option<String> {
    /// The names so far in an object; `None` stands for a list.
    type Names<'a> = Option<HashSet<Cow<'a, str>>>;
    let mut open: Vec<Names<'_>> = Vec::new();
    let mut expects_name = false;
    let mut position = 0;
    while let Some(byte) = text.get(position) {
        position += 1;
        match byte {
            b'{' => {
                open.push(Some(HashSet::new()));
                expects_name = true;
            }
            b'[' => {
                open.push(None);
                expects_name = false;
            }
            b'}' | b']' => {
                open.pop();
                expects_name = false;
            }
            b',' => expects_name = open.last().is_some_and(Option::is_some),
            b'"' => {
                let length = string_length(text.get(position..)?);
                let string = text.get(position - 1..=position + length)?;
                position += length + 1;
                if let (true, Some(Some(names))) = (std::mem::take(&mut expects_name), open.last_mut()) {
                    let name = unescaped(string)?;
                    if !names.insert(name.clone()) {
                        return Some(name.into_owned());
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// The number of bytes before the quote that ends a string.
fn string_length(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = text.iter().position(|&byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.unwrap_or(text.len())
}

/// The text that a string of JSON, with its quotes, stands for.
fn unescaped(string: &[u8]) -> Option<Cow<'_, str>> {
    if string.contains(&b'\\') {
        return serde_json::from_slice(string).ok().map(Cow::Owned);
    }
    std::str::from_utf8(string.get(1..string.len().checked_sub(1)?)?).ok().map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::duplicate_name;

    #[test]
    fn names_are_compared_within_their_object() {
        for (text, duplicate) in [
            (r#"{"a": {"a": 1, "b": [{"a": 2}, {"a": "a"}, "a", "a"]}, "b": "a"}"#, None),
            (r#"{"a": 1, "b": {}, "a": 2}"#, Some("a")),
            (r#"[{"x": [1, {"b\"": 1, "c": 2, "b\u0022": 3}]}]"#, Some("b\"")),
            (r#"{"a": "\\", "b": "\",", "c\\": {"c\\": 1}, "b": 1}"#, Some("b")),
            (r#""a""#, None),
            (r#"{"": 1, "": 2}"#, Some("")),
        ] {
            assert_eq!(duplicate_name(text.as_bytes()).as_deref(), duplicate, "{text}");
        }
        // Whatever the bytes are, there is an answer.
        for text in ["\"", "{\"", "{\"a", "}{\"a\":\"", "\\\"\\", "{\"\\"] {
            duplicate_name(text.as_bytes());
        }
    }
}
