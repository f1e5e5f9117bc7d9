//! How grammars are compiled: one set of options for all kinds.

mod described;

use std::str::FromStr;

use clap::{Args, ValueEnum};
use compilers::json_schema::{AdditionalProperties, Digits, Escapes, Formats, KeyOrder, Whitespace};
use compilers::{gbnf, json_schema, regex, structural_tag};
use grammar_ir::Limits;

use crate::limits::{LimitSetting, limits};

/// How a source text is compiled, as given on the command line.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Grammar options")]
pub(crate) struct CompileArgs {
    /// GBNF: the rule that texts have to match
    #[arg(long, value_name = "RULE", default_value = "root", allow_hyphen_values = true)]
    root: String,

    /// Regex: the syntax of the pattern
    #[arg(long, value_enum, value_name = "SYNTAX", default_value = "rust")]
    regex_syntax: Syntax,

    /// JSON Schema: which spellings of a value are in the language, where no other option says; without it `generation`
    /// where a model answers, else `default`
    #[arg(long, value_enum)]
    preset: Option<Preset>,

    /// JSON Schema: white space between tokens: any, bounded, conventional, compact, python, or indent=N
    #[arg(long, value_name = "STYLE", value_parser = whitespace)]
    whitespace: Option<Whitespace>,

    /// JSON Schema: how many digits a number may have
    #[arg(long, value_enum)]
    digits: Option<DigitsArg>,

    /// JSON Schema: how keys, and values of `enum` and `const`, are written
    #[arg(long, value_enum, value_name = "SPELLING")]
    escapes: Option<EscapesArg>,

    /// JSON Schema: in which order the members of an object are written
    #[arg(long, value_enum, value_name = "ORDER", default_value = "declared")]
    key_order: KeyOrderArg,

    /// JSON Schema: what an object without `additionalProperties` means
    #[arg(long, value_enum, value_name = "MEANING", default_value = "standard")]
    additional_properties: AdditionalPropertiesArg,

    /// JSON Schema: what `format` means
    #[arg(long, value_enum, value_name = "MEANING", default_value = "assertion")]
    formats: FormatsArg,

    /// JSON Schema: leave out what cannot be enforced exactly instead of refusing it; `check` says what that is
    #[arg(long)]
    lenient: bool,

    /// JSON Schema: a document that references may lead to, by its URI; may be repeated
    #[arg(long = "document", value_name = "URI=FILE", value_parser = NamedDocument::read)]
    documents: Vec<NamedDocument>,

    /// Bound on the compile; may be repeated. Names: source-bytes, nesting, expressions, states, unroll-states,
    /// time-ms. The value is a number, or `none` for no bound; `unroll-states` takes a number only
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<LimitSetting>,
}

impl CompileArgs {
    /// The options that say something else than their defaults, as they are spelled.
    pub(crate) fn given(&self) -> Vec<&'static str> {
        let Self {
            root,
            regex_syntax,
            preset,
            whitespace,
            digits,
            escapes,
            key_order,
            additional_properties,
            formats,
            lenient,
            documents,
            limits,
        } = self;
        let given = [
            (root != "root", "--root"),
            (!matches!(regex_syntax, Syntax::Rust), "--regex-syntax"),
            (preset.is_some(), "--preset"),
            (whitespace.is_some(), "--whitespace"),
            (digits.is_some(), "--digits"),
            (escapes.is_some(), "--escapes"),
            (!matches!(key_order, KeyOrderArg::Declared), "--key-order"),
            (!matches!(additional_properties, AdditionalPropertiesArg::Standard), "--additional-properties"),
            (!matches!(formats, FormatsArg::Assertion), "--formats"),
            (*lenient, "--lenient"),
            (!documents.is_empty(), "--document"),
            (!limits.is_empty(), "--limit"),
        ];
        given.into_iter().filter_map(|(is_given, name)| is_given.then_some(name)).collect()
    }
}

/// A document beside a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedDocument {
    /// What references call it.
    pub(crate) uri: String,
    /// Its text.
    pub(crate) text: String,
}

impl NamedDocument {
    /// Reads `URI=FILE`. A URI may have the sign, too: the last one counts.
    fn read(argument: &str) -> Result<Self, String> {
        let (uri, path) = argument.rsplit_once('=').ok_or("write URI=FILE")?;
        if !uri.contains(':') {
            return Err(format!("`{uri}` is no absolute URI, such as https://example.org/definitions"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
        Ok(Self { uri: uri.to_owned(), text })
    }
}

/// The syntax of a pattern.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Syntax {
    /// As RegExp of JavaScript, by code point
    Ecma262,
    /// As the regex crate of Rust, and RE2
    Rust,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Preset {
    /// Bounded white space and digits
    Default,
    /// Any white space, any number of digits
    Exact,
    /// Conventional white space, bounded digits, minimal escapes: what keeps a model from losing its way
    Generation,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EscapesArg {
    /// With any of the escapes of JSON
    Any,
    /// With those that JSON demands
    Minimal,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DigitsArg {
    /// At most 20 before and after the point
    Bounded,
    /// The same, and integers without a fraction
    Conventional,
    /// Any number
    Unbounded,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KeyOrderArg {
    /// Declared keys as the schema declares them, then the others
    Declared,
    /// In any order
    Any,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AdditionalPropertiesArg {
    /// Any other property is allowed
    Standard,
    /// None is, where there is `properties`
    Closed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatsArg {
    /// It constrains
    Assertion,
    /// It does not
    Annotation,
}

/// Reads a style of white space.
fn whitespace(style: &str) -> Result<Whitespace, String> {
    Ok(match style {
        "any" => Whitespace::Any,
        "bounded" => Whitespace::Bounded,
        "conventional" => Whitespace::Conventional,
        "compact" => Whitespace::Compact,
        "python" => Whitespace::Python,
        _ => {
            let width =
                style.strip_prefix("indent=").ok_or("write any, bounded, conventional, compact, python or indent=N")?;
            Whitespace::Indent(u8::from_str(width).map_err(|_| format!("`{width}` is not a number up to 255"))?)
        }
    })
}

impl From<Syntax> for regex::Syntax {
    fn from(syntax: Syntax) -> Self {
        match syntax {
            Syntax::Ecma262 => Self::Ecma262,
            Syntax::Rust => Self::Rust,
        }
    }
}

/// How a source text is compiled.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// For GBNF.
    pub(crate) gbnf: gbnf::Options,
    /// For regular expressions.
    pub(crate) regex: regex::Options,
    /// For JSON Schema.
    pub(crate) json_schema: json_schema::Options,
    /// What JSON Schemas may refer to.
    pub(crate) documents: Vec<NamedDocument>,
    /// For all.
    pub(crate) limits: Limits,
}

impl Settings {
    /// For structural tags, whose parts are read as grammars of the other kinds are. Their grammars have a root of their
    /// own.
    pub(crate) fn structural_tag(&self) -> structural_tag::Options {
        structural_tag::Options::default().with_json_schema(self.json_schema.clone()).with_regex(self.regex.clone())
    }
}

impl From<&CompileArgs> for Settings {
    fn from(args: &CompileArgs) -> Self {
        Self::with_preset(args, args.preset.unwrap_or(Preset::Default))
    }
}

impl Settings {
    /// The options for texts that a model writes.
    pub(crate) fn for_generation(args: &CompileArgs) -> Self {
        Self::with_preset(args, args.preset.unwrap_or(Preset::Generation))
    }

    fn with_preset(args: &CompileArgs, preset: Preset) -> Self {
        let mut json = match preset {
            Preset::Default => json_schema::Options::default(),
            Preset::Exact => json_schema::Options::exact(),
            Preset::Generation => json_schema::Options::generation(),
        };
        if let Some(whitespace) = args.whitespace {
            json.whitespace = whitespace;
        }
        if let Some(digits) = args.digits {
            json.numbers = match digits {
                DigitsArg::Bounded => Digits::Bounded,
                DigitsArg::Conventional => Digits::Conventional,
                DigitsArg::Unbounded => Digits::Unbounded,
            };
        }
        if let Some(escapes) = args.escapes {
            json.escapes = match escapes {
                EscapesArg::Any => Escapes::Any,
                EscapesArg::Minimal => Escapes::Minimal,
            };
        }
        json.key_order = match args.key_order {
            KeyOrderArg::Declared => KeyOrder::Declared,
            KeyOrderArg::Any => KeyOrder::Any,
        };
        json.additional_properties = match args.additional_properties {
            AdditionalPropertiesArg::Standard => AdditionalProperties::Standard,
            AdditionalPropertiesArg::Closed => AdditionalProperties::Closed,
        };
        json.formats = match args.formats {
            FormatsArg::Assertion => Formats::Assertion,
            FormatsArg::Annotation => Formats::Annotation,
        };
        json.lenient = args.lenient;
        Self {
            gbnf: gbnf::Options::default().with_root(&args.root),
            regex: regex::Options::new(args.regex_syntax.into()),
            json_schema: json,
            documents: args.documents.clone(),
            limits: limits(&args.limits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_of_white_space() {
        assert_eq!(whitespace("indent=2"), Ok(Whitespace::Indent(2)));
        assert_eq!(whitespace("compact"), Ok(Whitespace::Compact));
        assert!(whitespace("indent=300").is_err_and(|message| message.contains("300")));
        assert!(whitespace("pretty").is_err());
    }

    #[test]
    fn documents_are_read_by_uri() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let read = NamedDocument::read(&format!("https://example.org/?a=b={path}")).expect("a file");
        assert_eq!(read.uri, "https://example.org/?a=b");
        assert!(read.text.contains("[package]"));
        for wrong in ["https://example.org/", "definitions=Cargo.toml", "urn:a=no/such/file"] {
            assert!(NamedDocument::read(wrong).is_err(), "{wrong}");
        }
    }
}
