//! From the command line to the text of a grammar.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::string::FromUtf8Error;

use crate::args::{GrammarArgs, Kind, SourceArgs};
use crate::failure::Failure;

/// The text of a grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// For messages: the path, or what stands for it.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: String,
    /// Its language.
    pub(crate) kind: Kind,
}

/// Files longer than this are read no further. Above every default limit on sources, so that it is a frontend that
/// refuses the text.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Reads the grammar that the arguments name.
pub(crate) fn load(args: &GrammarArgs) -> Result<Source, Failure> {
    let SourceArgs { input, grammar, regex, json_schema, structural_tag, .. } = &args.source;
    let inline = [
        (grammar, Kind::Gbnf, "--grammar"),
        (regex, Kind::Regex, "--regex"),
        (&json_schema.clone().filter(|schema| !is_file(schema)), Kind::JsonSchema, "--json-schema"),
    ];
    for (text, kind, name) in inline {
        if let Some(text) = text {
            return Ok(Source { name: name.to_owned(), text: text.clone(), kind: args.kind.unwrap_or(kind) });
        }
    }
    let mut path = input.as_deref();
    let mut given = args.kind;
    if let Some(schema) = json_schema {
        given = given.or(Some(Kind::JsonSchema));
        path = Some(Path::new(schema));
    }
    if let Some(tag) = structural_tag {
        given = given.or(Some(Kind::StructuralTag));
        // A structural tag is an object, and no one begins the name of a file like one.
        if tag.trim_start().starts_with('{') {
            let text = tag.clone();
            return Ok(Source {
                name: "--structural-tag".to_owned(),
                text,
                kind: given.unwrap_or(Kind::StructuralTag),
            });
        }
        path = Some(Path::new(tag));
    }
    let Some(path) = path else {
        return Err(Failure::Input("no grammar is given".to_owned()));
    };
    load_file(path, given)
}

/// Whether `schema` is the name of a file. A schema is an object, `true` or `false`.
fn is_file(schema: &str) -> bool {
    !schema.trim_start().starts_with('{') && Path::new(schema).is_file()
}

/// Reads the grammar in a file, `-` for standard input, of this kind or of that which its name tells.
pub(crate) fn load_file(path: &Path, kind: Option<Kind>) -> Result<Source, Failure> {
    let Some(kind) = kind.or_else(|| kind_of(path)) else {
        let message = if path == Path::new("-") {
            "the kind of a grammar on standard input has to be given with --kind".to_owned()
        } else {
            format!(
                "the name of {} does not tell its kind; give it with --kind, or use one of the extensions {EXTENSIONS}",
                path.display()
            )
        };
        return Err(Failure::Input(message));
    };
    let mut text = read_text(path)?;
    if kind == Kind::Regex {
        // Editors end files with a line feed; a pattern that ends with one can say `\n`.
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
    }
    let name = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
    Ok(Source { name, text, kind })
}

const EXTENSIONS: &str = ".gbnf, .ebnf, .regex, .tag.json, .json, .gir";

fn kind_of(path: &Path) -> Option<Kind> {
    if path.file_name()?.to_str()?.to_ascii_lowercase().ends_with(".tag.json") {
        return Some(Kind::StructuralTag);
    }
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "gbnf" | "ebnf" => Some(Kind::Gbnf),
        "regex" => Some(Kind::Regex),
        "json" => Some(Kind::JsonSchema),
        "gir" => Some(Kind::Gir),
        _ => None,
    }
}

/// The bytes of a file, or of standard input for `-`.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let result = if path == Path::new("-") {
        io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
    };
    result.map_err(|error| Failure::Read { path: path.to_owned(), error })?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Failure::Refused(format!("{} is longer than {MAX_FILE_BYTES} bytes", path.display())));
    }
    Ok(bytes)
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(read_bytes(path)?).map_err(|error| not_utf8(path, &error))?;
    Ok(without_byte_order_mark(text))
}

/// Some editors begin a file with a byte order mark. It is no part of any of the languages, so none of the frontends gets
/// to see it.
fn without_byte_order_mark(mut text: String) -> String {
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    text
}

const BYTE_ORDER_MARK: char = '\u{FEFF}';

fn not_utf8(path: &Path, error: &FromUtf8Error) -> Failure {
    let offset = error.utf8_error().valid_up_to();
    Failure::Input(format!("{} is not UTF-8: byte {offset} begins no character", path.display()))
}

/// The text of a file, decompressed if its name ends with `.xz`.
pub(crate) fn read_text_or_xz(path: &Path) -> Result<String, Failure> {
    if path.extension().is_none_or(|extension| extension != "xz") {
        return read_text(path);
    }
    let mut text = Capped(Vec::new());
    lzma_rs::xz_decompress(&mut read_bytes(path)?.as_slice(), &mut text)
        .map_err(|error| Failure::Input(format!("cannot decompress {}: {error:?}", path.display())))?;
    String::from_utf8(text.0).map(without_byte_order_mark).map_err(|error| not_utf8(path, &error))
}

/// Takes no more than [`MAX_FILE_BYTES`], so that a small file cannot fill the memory.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.0.len() + bytes.len()) as u64 > MAX_FILE_BYTES {
            return Err(io::Error::other(format!("longer than {MAX_FILE_BYTES} bytes")));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_tell_the_kind() {
        assert_eq!(kind_of(Path::new("a/b.GBNF")), Some(Kind::Gbnf));
        assert_eq!(kind_of(Path::new("tools.tag.json")), Some(Kind::StructuralTag));
        assert_eq!(kind_of(Path::new("tag.json")), Some(Kind::JsonSchema));
        assert_eq!(kind_of(Path::new("b.ebnf")), Some(Kind::Gbnf));
        assert_eq!(kind_of(Path::new("b.x.gir")), Some(Kind::Gir));
        assert_eq!(kind_of(Path::new("gbnf")), None);
        assert_eq!(kind_of(Path::new("-")), None);
    }
}
