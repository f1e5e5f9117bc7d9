//! How an instance is written.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// `value` as Python's `json.dumps(value, ensure_ascii=False)` lays it out: `", "` and `": "`, raw Unicode; keys in the
/// order given and numbers as given.
pub(super) fn to_text(value: &Value) -> String {
    let mut text = Vec::new();
    // Writing a `Value` to memory cannot fail.
    let written = value.serialize(&mut Serializer::with_formatter(&mut text, Spaced));
    debug_assert!(written.is_ok());
    String::from_utf8(text).unwrap_or_default()
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaced_in_order_and_as_given() {
        let text = "{\"b\":[1.0,2,[]],\"a\":{\"é\\u0001\":12345678901234567890123},\"c\":{}}";
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(to_text(&value), r#"{"b": [1.0, 2, []], "a": {"é\u0001": 12345678901234567890123}, "c": {}}"#);
    }
}
