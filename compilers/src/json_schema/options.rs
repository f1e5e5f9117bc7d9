//! What the caller chooses, and what the compiler reports back.

use grammar_ir::Grammar;
use serde_json::{Value, json};

/// How a schema is read and which of the many texts of one value are in the grammar.
///
/// Every field narrows or widens the *spelling* of values, never which values are valid, with exceptions that say so:
/// [`AdditionalProperties::Closed`], [`Formats::Annotation`] and [`Options::string_excludes`]; [`Options::lenient`] reports
/// what it lets in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Options {
    /// Whitespace between tokens. Default [`Whitespace::Bounded`].
    pub whitespace: Whitespace,
    /// Number of digits. Default [`Digits::Bounded`].
    pub numbers: Digits,
    /// How the strings that the schema names are written. Default [`Escapes::Any`].
    pub escapes: Escapes,
    /// In which order the members of an object are written. Default [`KeyOrder::Declared`].
    pub key_order: KeyOrder,
    /// What an object schema without `additionalProperties` means. Default [`AdditionalProperties::Standard`].
    pub additional_properties: AdditionalProperties,
    /// Whether `format` constrains. Default [`Formats::Assertion`].
    pub formats: Formats,
    /// Compile a superset instead of refusing: what cannot be enforced exactly is left out, and
    /// [`Report::relaxations`] says what. Default off.
    pub lenient: bool,
    /// Texts that no key and no string contains, but for strings that `pattern` or `format` constrains, which say
    /// themselves what they may be. Default none.
    pub string_excludes: Vec<String>,
}

/// Whitespace between the tokens of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Whitespace {
    /// Any run of space, tab, line feed and carriage return between tokens and around the value.
    Any,
    /// Between tokens nothing, one space, or a line feed and up to 20 spaces or tabs; nothing around the value.
    #[default]
    Bounded,
    /// Between tokens any run of at most so many spaces, tabs, line feeds and carriage returns; nothing around the value.
    AtMost(u32),
    /// As people and programs write: none before commas and colons, at most one space after colons, elsewhere what
    /// [`Whitespace::Bounded`] allows.
    Conventional,
    /// None.
    Compact,
    /// As Python's `json.dumps` writes: `", "` and `": "`.
    Python,
    /// As Python's `json.dumps(indent=n)` writes: one item a line, indented by `n` spaces a level. Containers nested
    /// deeper than 16 levels are written as [`Whitespace::Python`] writes them, on one line.
    Indent(u8),
}

/// How many digits a number may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Digits {
    /// At most 20 digits before the point, 20 after it and 3 in the exponent; more where a bound, a `multipleOf` or a
    /// literal of the schema needs more.
    #[default]
    Bounded,
    /// Any number of digits.
    Unbounded,
}

/// How the characters of strings are written that the schema names: keys, and values of `enum` and `const`. Of all other
/// strings JSON's escapes are always allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Escapes {
    /// As themselves or by any escape.
    #[default]
    Any,
    /// As themselves; by an escape only those that JSON has no other way to write, and by the short one if there is one. So
    /// a name can be written in one way.
    Minimal,
}

/// In which order the members of an object are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum KeyOrder {
    /// Keys that the schema names in the order in which it names them, then the others in any order. Members of a listed
    /// object (`enum`, `const`) as they are listed.
    #[default]
    Declared,
    /// Any.
    Any,
}

/// What an object schema without `additionalProperties` allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AdditionalProperties {
    /// Any other key, as the standard says.
    #[default]
    Standard,
    /// No other key where the schema object has `properties` (OpenAI's strict mode).
    Closed,
}

/// Whether `format` is a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Formats {
    /// Formats of the standard are constraints; unknown ones are annotations and reported.
    #[default]
    Assertion,
    /// All formats are annotations.
    Annotation,
}

impl Options {
    /// The preset with the fewest narrowings: any whitespace, any number of digits.
    pub fn exact() -> Self {
        Self { whitespace: Whitespace::Any, numbers: Digits::Unbounded, ..Self::default() }
    }

    /// The preset for texts that a model writes: spellings in which models lose their way are left out. Names are written in
    /// one way, white space is that of [`Whitespace::Conventional`], digits are bounded.
    pub fn generation() -> Self {
        Self { whitespace: Whitespace::Conventional, escapes: Escapes::Minimal, ..Self::default() }
    }

    /// The options for programs, named as on the command line. Different options are different JSON.
    pub fn to_json(&self) -> Value {
        let whitespace: Value = match self.whitespace {
            Whitespace::Any => "any".into(),
            Whitespace::Bounded => "bounded".into(),
            Whitespace::AtMost(count) => json!({"at_most": count}),
            Whitespace::Conventional => "conventional".into(),
            Whitespace::Compact => "compact".into(),
            Whitespace::Python => "python".into(),
            Whitespace::Indent(width) => json!({"indent": width}),
        };
        let digits = match self.numbers {
            Digits::Bounded => "bounded",
            Digits::Unbounded => "unbounded",
        };
        let escapes = match self.escapes {
            Escapes::Any => "any",
            Escapes::Minimal => "minimal",
        };
        let key_order = match self.key_order {
            KeyOrder::Declared => "declared",
            KeyOrder::Any => "any",
        };
        let additional_properties = match self.additional_properties {
            AdditionalProperties::Standard => "standard",
            AdditionalProperties::Closed => "closed",
        };
        let formats = match self.formats {
            Formats::Assertion => "assertion",
            Formats::Annotation => "annotation",
        };
        json!({
            "whitespace": whitespace, "digits": digits, "escapes": escapes, "key_order": key_order,
            "additional_properties": additional_properties, "formats": formats, "lenient": self.lenient,
            "string_excludes": self.string_excludes,
        })
    }
}

/// What [`compile`](super::compile) returns.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Compiled {
    /// The grammar.
    pub grammar: Grammar,
    /// What the caller should know about it.
    pub report: Report,
}

/// What of the schema is no constraint, and which spellings of valid values are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Unknown keywords and formats: annotations, not enforced.
    pub annotations: Vec<Annotation>,
    /// The spellings of valid values that are left out, in words; only what concerns this schema.
    pub narrowings: Vec<&'static str>,
    /// What is not enforced because it cannot be; only [`Options::lenient`] leaves anything out.
    pub relaxations: Vec<Relaxation>,
}

/// A keyword that is not enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relaxation {
    /// The JSON Pointer of the keyword.
    pub pointer: String,
    /// The keyword.
    pub keyword: String,
    /// Why it is not enforced.
    pub reason: String,
}

/// Something in the schema that is not a constraint and might have been meant as one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotation {
    /// The JSON Pointer of the keyword.
    pub pointer: String,
    /// What it is.
    pub message: String,
}
