//! JSON as Python's `json.dumps` writes it, which is what chat templates expect of `tojson`.

use std::io;

use minijinja::value::{Kwargs, Value};
use minijinja::{Error, ErrorKind};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// Separators with a space: `[1, 2]`, `{"a": 1}`.
struct PythonFormatter;

impl Formatter for PythonFormatter {
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

/// The filter `tojson`: no escapes for HTML, `indent` as in Python. Other arguments have no effect on JSON values.
pub(super) fn to_json(value: &Value, arguments: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = arguments.get("indent")?;
    let _: Option<bool> = arguments.get("ensure_ascii")?;
    arguments.assert_all_used()?;
    let mut text = Vec::new();
    let result = match indent {
        None => value.serialize(&mut Serializer::with_formatter(&mut text, PythonFormatter)),
        Some(indent) => {
            let indent = " ".repeat(indent.min(32));
            value.serialize(&mut Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(indent.as_bytes())))
        }
    };
    let fault = |error: String| Error::new(ErrorKind::BadSerialization, error);
    result.map_err(|error| fault(error.to_string()))?;
    String::from_utf8(text).map_err(|error| fault(error.to_string()))
}
