//! Schemas with instances in the form of MaskBench: `{"id", "schema", "tests": [{"valid", "data"}]}` a line, compressed
//! (`xz`) or not.

use std::io;
use std::path::Path;

use serde_json::Value;

/// A schema and its instances.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is called.
    pub id: String,
    /// The schema.
    pub schema: Value,
    /// Instances, and whether they are valid.
    pub tests: Vec<(Value, bool)>,
}

/// What an xz file begins with.
const XZ_MAGIC: &[u8] = b"\xFD7zXZ\0";

/// Reads every `stride`-th case of a file.
///
/// # Errors
/// When the file cannot be read, or a line is no case ([`io::ErrorKind::InvalidData`]).
pub fn read(path: &Path, stride: usize) -> io::Result<Vec<Case>> {
    let mut bytes = std::fs::read(path)?;
    if bytes.starts_with(XZ_MAGIC) {
        let mut plain = Vec::new();
        lzma_rs::xz_decompress(&mut bytes.as_slice(), &mut plain)
            .map_err(|error| invalid(format!("cannot decompress: {error:?}")))?;
        bytes = plain;
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| invalid(error.to_string()))?;
    parse(text, stride)
}

/// Reads every `stride`-th case of a text.
///
/// # Errors
/// When a line is no case.
pub fn parse(text: &str, stride: usize) -> io::Result<Vec<Case>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .step_by(stride.max(1))
        .map(|(index, line)| case(line).map_err(|message| invalid(format!("line {}: {message}", index + 1))))
        .collect()
}

fn case(line: &str) -> Result<Case, String> {
    let parsed = serde_json::from_str(line).or_else(|_| serde_json::from_str(&with_marks(line)));
    let mut row: Value = parsed.map_err(|error| error.to_string())?;
    let id = row["id"].as_str().ok_or("`id` is not a text")?.to_owned();
    let schema = row.get_mut("schema").ok_or("`schema` is missing")?.take();
    let tests = row.get("tests").and_then(Value::as_array).ok_or("`tests` is not a list")?;
    let test = |test: &Value| Some((test.get("data")?.clone(), test.get("valid")?.as_bool()?));
    let tests = tests.iter().map(test).collect::<Option<_>>().ok_or("a test lacks `data` or `valid`")?;
    Ok(Case { id, schema, tests })
}

/// What stands for the first lone surrogate: characters for private use, one for each.
const FIRST_MARK: u32 = 0x10_f000;
const SURROGATES: std::ops::Range<u32> = 0xd800..0xe000;

/// `line` with a mark for each escape of a lone surrogate, which is JSON and no text in Rust.
fn with_marks(line: &str) -> String {
    let escape = |at: usize| {
        let digits = line.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u32::from_str_radix(digits, 16).ok().filter(|unit| SURROGATES.contains(unit))
    };
    let mut marked = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(character) = line[at..].chars().next() {
        let length = match (escape(at), escape(at + 6)) {
            (Some(..0xdc00), Some(0xdc00..)) => 12,
            (Some(unit), _) => {
                marked.extend(char::from_u32(FIRST_MARK + unit - SURROGATES.start));
                at += 6;
                continue;
            }
            // What is escaped by a backslash begins no escape.
            _ if character == '\\' => 1 + line[at + 1..].chars().next().map_or(0, char::len_utf8),
            _ => character.len_utf8(),
        };
        marked.push_str(&line[at..at + length]);
        at += length;
    }
    marked
}

/// The text of an instance of a case, lone surrogates as escapes again.
pub fn text(instance: &Value) -> String {
    let mut text = String::new();
    for character in instance.to_string().chars() {
        match u32::from(character).checked_sub(FIRST_MARK).filter(|&mark| mark < SURROGATES.len() as u32) {
            Some(mark) => text.push_str(&format!("\\u{:04x}", SURROGATES.start + mark)),
            None => text.push(character),
        }
    }
    text
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_read() {
        let line = r#"{"id": "a", "schema": {}, "tests": [
            {"valid": false, "data": ["\ud800", "\udc00\ud83d", "\ud83d\ude00", "\\ud800", "x\n"]}]}"#;
        let cases = parse(&line.replace('\n', ""), 1).unwrap();
        assert_eq!(text(&cases[0].tests[0].0), r#"["\ud800","\udc00\ud83d","😀","\\ud800","x\n"]"#);
        assert!(parse("{\"id\": \"\\ud8\"}", 1).is_err());
    }
}
