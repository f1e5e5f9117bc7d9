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
    /// As [`Bounded`](Self::Bounded); where only integers are valid they have neither a fraction nor an exponent, and listed
    /// numbers are written as the schema writes them or in plain notation. Programs read `1.0` as an integer less often than
    /// the standard does.
    Conventional,
    /// Any number of digits.
    Unbounded,
}

impl Digits {
    /// Whether there is a bound.
    pub(super) fn is_bounded(self) -> bool {
        self != Self::Unbounded
    }
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
    /// one way, white space is that of [`Whitespace::Conventional`], numbers are those of [`Digits::Conventional`].
    pub fn generation() -> Self {
        Self {
            whitespace: Whitespace::Conventional,
            numbers: Digits::Conventional,
            escapes: Escapes::Minimal,
            ..Self::default()
        }
    }

    /// The options for programs, named as on the command line. Different options are different JSON.
    pub fn to_json(&self) -> Value {
        let whitespace: Value = match self.whitespace {
            Whitespace::AtMost(count) => json!({"at_most": count}),
            Whitespace::Indent(width) => json!({"indent": width}),
            named => name_of(named, &WHITESPACE).into(),
        };
        json!({
            "whitespace": whitespace, "digits": name_of(self.numbers, &DIGITS),
            "escapes": name_of(self.escapes, &ESCAPES), "key_order": name_of(self.key_order, &KEY_ORDERS),
            "additional_properties": name_of(self.additional_properties, &ADDITIONAL_PROPERTIES),
            "formats": name_of(self.formats, &FORMATS), "lenient": self.lenient,
            "string_excludes": self.string_excludes,
        })
    }

    /// The options that [`to_json`](Self::to_json) has written; `None` if the JSON is of no options, or of such as there are
    /// none here.
    pub fn from_json(options: &Value) -> Option<Self> {
        let count = |name: &str| options["whitespace"].as_object()?.get(name)?.as_u64();
        let whitespace = match (count("at_most"), count("indent")) {
            (Some(count), None) => Whitespace::AtMost(u32::try_from(count).ok()?),
            (None, Some(width)) => Whitespace::Indent(u8::try_from(width).ok()?),
            _ => named(&options["whitespace"], &WHITESPACE)?,
        };
        let read = Self {
            whitespace,
            numbers: named(&options["digits"], &DIGITS)?,
            escapes: named(&options["escapes"], &ESCAPES)?,
            key_order: named(&options["key_order"], &KEY_ORDERS)?,
            additional_properties: named(&options["additional_properties"], &ADDITIONAL_PROPERTIES)?,
            formats: named(&options["formats"], &FORMATS)?,
            lenient: options["lenient"].as_bool()?,
            string_excludes: serde_json::from_value(options["string_excludes"].clone()).ok()?,
        };
        // What is not known here must not be left out.
        (read.to_json() == *options).then_some(read)
    }
}

const WHITESPACE: [(Whitespace, &str); 5] = [
    (Whitespace::Any, "any"),
    (Whitespace::Bounded, "bounded"),
    (Whitespace::Conventional, "conventional"),
    (Whitespace::Compact, "compact"),
    (Whitespace::Python, "python"),
];
const DIGITS: [(Digits, &str); 3] =
    [(Digits::Bounded, "bounded"), (Digits::Conventional, "conventional"), (Digits::Unbounded, "unbounded")];
const ESCAPES: [(Escapes, &str); 2] = [(Escapes::Any, "any"), (Escapes::Minimal, "minimal")];
const KEY_ORDERS: [(KeyOrder, &str); 2] = [(KeyOrder::Declared, "declared"), (KeyOrder::Any, "any")];
const ADDITIONAL_PROPERTIES: [(AdditionalProperties, &str); 2] =
    [(AdditionalProperties::Standard, "standard"), (AdditionalProperties::Closed, "closed")];
const FORMATS: [(Formats, &str); 2] = [(Formats::Assertion, "assertion"), (Formats::Annotation, "annotation")];

fn name_of<T: Copy + PartialEq>(value: T, names: &[(T, &'static str)]) -> &'static str {
    names.iter().find(|(known, _)| *known == value).map_or("", |&(_, name)| name)
}

fn named<T: Copy>(name: &Value, names: &[(T, &str)]) -> Option<T> {
    names.iter().find(|(_, known)| name == known).map(|&(value, _)| value)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_from_their_json() {
        let mut all = vec![Options::default(), Options::exact(), Options::generation()];
        let indents = [Whitespace::AtMost(7), Whitespace::Indent(4)];
        let spaces = WHITESPACE.iter().map(|&(whitespace, _)| whitespace).chain(indents);
        all.extend(spaces.map(|whitespace| Options { whitespace, ..Options::default() }));
        all.push(Options {
            key_order: KeyOrder::Any,
            additional_properties: AdditionalProperties::Closed,
            formats: Formats::Annotation,
            lenient: true,
            string_excludes: vec!["</think>".to_owned()],
            ..Options::default()
        });
        for options in all {
            let json = options.to_json();
            assert!(json.as_object().is_some_and(|options| options.values().all(|value| value != "")), "{json}");
            assert_eq!(Options::from_json(&json), Some(options), "{json}");
        }
    }

    #[test]
    fn other_json_is_of_no_options() {
        let with = |name: &str, value: Value| {
            let mut json = Options::default().to_json();
            json[name] = value;
            json
        };
        for json in [
            Value::Null,
            json!({}),
            with("whitespace", "tabs".into()),
            with("whitespace", json!({"indent": 256})),
            with("whitespace", json!({"indent": 2, "at_most": 2})),
            with("lenient", "no".into()),
            with("string_excludes", json!([1])),
            with("later", true.into()),
        ] {
            assert_eq!(Options::from_json(&json), None, "{json}");
        }
    }
}
