//! From text to a JSON value, refusing what a parser would silently change.

use grammar_ir::{LimitError, LimitKind, Limits};
use rustc_hash::FxHashSet;
use serde_json::Value;

use super::pointer;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// `serde_json` refuses deeper nesting than this; values are walked recursively in reliance on it.
const PARSER_NESTING: usize = 127;

/// Parses `source` as one JSON value whose objects have no key twice; messages call it `what`.
pub(crate) fn parse(source: &str, what: &str, limits: &Limits) -> Result<Value, Diagnostics> {
    if source.len() > limits.source_bytes {
        return Err(LimitError::new(LimitKind::SourceBytes, limits.source_bytes).into());
    }
    let nesting = limits.nesting.min(PARSER_NESTING);
    if deepest_nesting(source) > nesting {
        let message = LimitError::new(LimitKind::Nesting, nesting).to_string();
        let place = scan(source, nesting).too_deep.map_or(Place::Whole, Place::Pointer);
        return Err(Diagnostic::new(Code::Limit, place, message).into());
    }
    let value = serde_json::from_str(source).map_err(|error| {
        let offset = offset_of(source, error.line(), error.column());
        let place = Place::Span(offset..offset);
        let message = error.to_string();
        // It is JSON, and has no value.
        if message.contains("surrogate") || message.contains("unexpected end of hex escape") {
            let message = format!("{what} has the escape of a lone surrogate, which stands for no character");
            return Diagnostic::new(Code::Invalid, place, message).with_help("write both halves of the pair");
        }
        Diagnostic::new(Code::Syntax, place, format!("{what} is not JSON: {message}"))
    })?;
    let duplicates = scan(source, nesting).duplicates;
    if duplicates.is_empty() { Ok(value) } else { Err(duplicates.into()) }
}

fn offset_of(source: &str, line: usize, column: usize) -> usize {
    let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(source.len())
}

/// The nesting of brackets outside strings; right for JSON, and harmless for what is not.
fn deepest_nesting(source: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in source.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A container that the scan is inside of.
enum Frame {
    Object { keys: FxHashSet<String>, current: String, expects_key: bool },
    Array { index: usize },
}

/// What a scan of JSON text has found.
#[derive(Default)]
struct Scan {
    /// Keys that an object has twice: a parser keeps one of the two members and drops the other, so a constraint would be
    /// lost without a word.
    duplicates: Vec<Diagnostic>,
    /// The first container that is nested too deep, where the scan ends.
    too_deep: Option<String>,
}

/// Scans JSON text; of what is none, nothing is to be learnt.
fn scan(source: &str, nesting: usize) -> Scan {
    let mut found = Scan::default();
    let mut stack: Vec<Frame> = Vec::new();
    let bytes = source.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' if stack.len() >= nesting => {
                found.too_deep = Some(place_of(&stack));
                return found;
            }
            b'{' => {
                stack.push(Frame::Object { keys: FxHashSet::default(), current: String::new(), expects_key: true });
            }
            b'[' => stack.push(Frame::Array { index: 0 }),
            b'}' | b']' => {
                stack.pop();
            }
            b',' => match stack.last_mut() {
                Some(Frame::Object { expects_key, .. }) => *expects_key = true,
                Some(Frame::Array { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                let end = string_end(bytes, at);
                if let Some(Frame::Object { keys, current, expects_key }) = stack.last_mut()
                    && *expects_key
                {
                    *expects_key = false;
                    *current = serde_json::from_str(&source[at..end]).unwrap_or_default();
                    if !keys.insert(current.clone()) {
                        let message = format!("the key `{current}` occurs twice in one object");
                        let place = Place::Pointer(place_of(&stack));
                        found
                            .duplicates
                            .push(Diagnostic::new(Code::Duplicate, place, message).with_help("keep one of the two"));
                    }
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn place_of(stack: &[Frame]) -> String {
    stack.iter().fold(String::new(), |place, frame| match frame {
        Frame::Object { current, .. } => pointer::push(&place, current),
        Frame::Array { index } => pointer::push(&place, &index.to_string()),
    })
}

/// The offset after the closing quote of the string that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(source: &str) -> String {
        parse(source, "the schema", &Limits::default()).unwrap_err().to_string()
    }

    #[test]
    fn a_key_that_occurs_twice_is_named_by_its_pointer() {
        let message = error(r#"{"a": [0, {"b/c": 1, "x": "\"{", "\u0062/c": 2}], "z": {"z": 1}}"#);
        assert_eq!(message, r#"at "/a/1/b~1c": the key `b/c` occurs twice in one object"#);
    }

    #[test]
    fn nesting_and_syntax_are_refused() {
        assert!(error(&"[".repeat(100_000)).contains("nested deeper"));
        let deep = format!("{{\"a\": 1, \"b/\": {}{}}}", "[0, ".repeat(127), "]".repeat(127));
        let place = format!("at \"/b~1{}\": nested deeper", "/1".repeat(126));
        assert!(error(&deep).starts_with(&place), "{}", error(&deep));
        assert!(error(r#"{"a": "#).contains("not JSON"));
        assert!(error("").contains("not JSON"));
    }

    #[test]
    fn lone_surrogates_are_called_so() {
        for source in [r#""\ud83d""#, r#"{"a": "\ud83dx"}"#, r#"["\ude00"]"#, r#"{"\ud83d\u0041": 1}"#] {
            assert!(error(source).contains("lone surrogate"), "{source}: {}", error(source));
        }
        assert!(error(r#""\ud83"#).contains("not JSON"));
        assert!(parse(r#""\ud83d\ude00""#, "the schema", &Limits::default()).is_ok());
    }
}
