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
    let mut row: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let id = row["id"].as_str().ok_or("`id` is not a text")?.to_owned();
    let schema = row.get_mut("schema").ok_or("`schema` is missing")?.take();
    let tests = row.get("tests").and_then(Value::as_array).ok_or("`tests` is not a list")?;
    let test = |test: &Value| Some((test.get("data")?.clone(), test.get("valid")?.as_bool()?));
    let tests = tests.iter().map(test).collect::<Option<_>>().ok_or("a test lacks `data` or `valid`")?;
    Ok(Case { id, schema, tests })
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
