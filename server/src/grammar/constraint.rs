//! What an answer has to follow, as requests say it.

use std::sync::Arc;

use compilers::json_schema::{Digits, Escapes, Options, Whitespace};
use serde_json::{Value, json};

use crate::duplicates::duplicate_name;
use crate::error::ApiError;
use crate::fields::Fields;

/// The language of a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConstraintKind {
    /// JSON Schema.
    Json,
    /// A regular expression in the syntax of ECMA-262, matched from end to end.
    Regex,
    /// EBNF of XGrammar, GBNF of llama.cpp.
    Ebnf,
    /// A structural tag, in the legacy or the current form.
    StructuralTag,
}

impl ConstraintKind {
    /// How messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Regex => "regex",
            Self::Ebnf => "ebnf",
            Self::StructuralTag => "structural_tag",
        }
    }
}

/// What an answer has to follow; equal ones have one grammar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Constraint {
    /// The language.
    pub kind: ConstraintKind,
    /// The source text.
    pub text: Arc<str>,
    /// How JSON may be written.
    pub style: JsonStyle,
}

/// A constraint, and the field of the request that it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requested {
    pub(crate) constraint: Constraint,
    pub(crate) field: String,
}

/// How JSON may be written, where a schema decides what. The default is [`Options::generation`], which keeps a model from
/// running away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JsonStyle {
    /// White space between tokens.
    pub whitespace: Whitespace,
    /// Digits of numbers.
    pub digits: Digits,
    /// Strings that the schema names.
    pub escapes: Escapes,
}

impl Default for JsonStyle {
    fn default() -> Self {
        let options = Options::generation();
        Self { whitespace: options.whitespace, digits: options.numbers, escapes: options.escapes }
    }
}

impl JsonStyle {
    /// All that JSON allows.
    pub fn unbounded() -> Self {
        Self { whitespace: Whitespace::Any, digits: Digits::Unbounded, escapes: Escapes::Any }
    }

    /// The options that schemas are compiled with.
    pub fn options(self) -> Options {
        let mut options = Options::default();
        options.whitespace = self.whitespace;
        options.numbers = self.digits;
        options.escapes = self.escapes;
        options
    }

    fn read(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let whitespace = match fields.text("json_whitespace")? {
            None => Self::default().whitespace,
            Some("conventional") => Whitespace::Conventional,
            Some("bounded") => Whitespace::Bounded,
            Some("any") => Whitespace::Any,
            Some("compact") => Whitespace::Compact,
            Some("python") => Whitespace::Python,
            Some(other) => {
                return Err(no_such(fields, "json_whitespace", "conventional, bounded, any, compact or python", other));
            }
        };
        let digits = match fields.text("json_digits")? {
            None => Self::default().digits,
            Some("conventional") => Digits::Conventional,
            Some("bounded") => Digits::Bounded,
            Some("unbounded") => Digits::Unbounded,
            Some(other) => return Err(no_such(fields, "json_digits", "conventional, bounded or unbounded", other)),
        };
        let escapes = match fields.text("json_escapes")? {
            None => Self::default().escapes,
            Some("minimal") => Escapes::Minimal,
            Some("any") => Escapes::Any,
            Some(other) => return Err(no_such(fields, "json_escapes", "minimal or any", other)),
        };
        Ok(Self { whitespace, digits, escapes })
    }
}

/// The text of a structural tag, without members that are null. A text that has none stays as it is; so does one with a name
/// twice in an object, which is refused when it is compiled.
fn without_nulls(text: &str) -> Arc<str> {
    let has_null = |tag: &Value| tag.as_object().is_some_and(|members| members.values().any(Value::is_null));
    let tag = if text.contains("null") { serde_json::from_str(text).ok() } else { None };
    let tag = tag.filter(|_| duplicate_name(text.as_bytes()).is_none());
    tag.filter(has_null).map_or_else(|| text.into(), |tag| Constraint::tag(&tag).text)
}

fn no_such(fields: &Fields<'_>, field: &str, known: &str, found: &str) -> ApiError {
    ApiError::Invalid(format!("{} must be {known}, got {found:?}.", fields.name(field)))
}

/// Constraints as the interfaces of vLLM and llama.cpp have them.
const FOREIGN: &[&str] =
    &["structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar", "grammar"];

/// Constraints as the interfaces served here have them, wherever they belong.
const OWN: &[&str] = &["json_schema", "regex", "ebnf", "structural_tag", "response_format"];

/// Members of `response_format`, of any type, that are constraints or would be elsewhere.
const MEMBERS: &[&str] =
    &["json_schema", "schema", "structures", "triggers", "format", "regex", "ebnf", "structural_tag", "grammar"];

/// How JSON may be written, beside a constraint.
const STYLE: &[&str] = &["json_whitespace", "json_digits", "json_escapes"];

/// What is said of these in a `response_format`.
const STYLE_AT_THE_TOP: &str = "it is not read here; give it at the top of the body";

/// What is said of a constraint beside a type of `response_format` that does not read it.
const OF_ANOTHER_TYPE: &str = "a response_format of this type does not read it";

/// The schema text that stands for any JSON.
const ANY: &str = "$$ANY$$";

impl Constraint {
    /// Refuses what belongs into `sampling_params` of `/generate` beside them.
    pub(crate) fn refuse_beside_parameters(fields: &Fields<'_>) -> Result<(), ApiError> {
        let names: Vec<&str> = OWN.iter().chain(STYLE).copied().filter(|&name| name != "response_format").collect();
        Self::refuse(fields, &names, "it belongs into sampling_params")
    }

    /// The one constraint of `fields`, in which each is a string; `response_format` is one already read.
    pub(crate) fn read(fields: &Fields<'_>, response_format: Option<Requested>) -> Result<Option<Requested>, ApiError> {
        Self::refuse(fields, FOREIGN, "it is not served; use json_schema, regex, ebnf or structural_tag")?;
        let style = JsonStyle::read(fields)?;
        let mut found: Vec<Requested> = response_format.into_iter().collect();
        found.iter_mut().for_each(|requested| requested.constraint.style = style);
        for (field, kind) in [
            ("json_schema", ConstraintKind::Json),
            ("regex", ConstraintKind::Regex),
            ("ebnf", ConstraintKind::Ebnf),
            ("structural_tag", ConstraintKind::StructuralTag),
        ] {
            if let Some(text) = fields.text(field)? {
                let text = match kind {
                    ConstraintKind::Json if text == ANY => "true".into(),
                    ConstraintKind::StructuralTag => without_nulls(text),
                    _ => text.into(),
                };
                let constraint = Self { kind, text, style };
                found.push(Requested { constraint, field: fields.name(field) });
            }
        }
        let tag = found.iter().any(|requested| requested.constraint.kind == ConstraintKind::StructuralTag);
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ if tag => Err(ApiError::Invalid(
                "structural_tag cannot be set together with regex, json_schema, or ebnf.".to_owned(),
            )),
            _ => Err(ApiError::Invalid("Only one of regex, json_schema, or ebnf can be set.".to_owned())),
        }
    }

    /// Refuses fields that would constrain the answer elsewhere, and that are not read in `fields`: an answer without its
    /// constraint would be wrong in silence.
    pub(crate) fn refuse(fields: &Fields<'_>, names: &[&str], advice: &str) -> Result<(), ApiError> {
        match names.iter().find(|name| fields.value(name).is_some_and(|value| !value.is_null())) {
            Some(name) => Err(ApiError::Invalid(format!("{}: {advice}.", fields.name(name)))),
            None => Ok(()),
        }
    }

    /// Refuses constraints inside an object of `fields` that is not read, as `extra_body` is when it is sent as it stands in a
    /// program.
    pub(crate) fn refuse_within(fields: &Fields<'_>, object: &str, advice: &str) -> Result<(), ApiError> {
        match fields.value(object) {
            Some(Value::Object(_)) => {
                let Some(inner) = fields.object(object)? else { return Ok(()) };
                [OWN, STYLE, FOREIGN].into_iter().try_for_each(|names| Self::refuse(&inner, names, advice))
            }
            _ => Ok(()),
        }
    }

    /// The constraint of a schema.
    pub(crate) fn json(schema: &Value) -> Self {
        Self { kind: ConstraintKind::Json, text: schema.to_string().into(), style: JsonStyle::default() }
    }

    /// The constraint that `response_format` of OpenAI's API stands for. What else is in it is
    /// ignored, unless it is the constraint of another type.
    pub(crate) fn response_format(body: &Fields<'_>) -> Result<Option<Requested>, ApiError> {
        let Some(format) = body.object("response_format")? else { return Ok(None) };
        match format.text("type")? {
            Some("text") => {
                Self::refuse_but(&format, &[])?;
                Ok(None)
            }
            Some("json_object") => {
                Self::refuse_but(&format, &[])?;
                let constraint = Self::json(&json!({"type": "object"}));
                Ok(Some(Requested { constraint, field: "response_format".to_owned() }))
            }
            Some("json_schema") => {
                Self::refuse_but(&format, &["json_schema", "schema"])?;
                let nested = format.object("json_schema")?;
                if let Some(nested) = &nested {
                    Self::refuse_but(nested, &["schema"])?;
                    nested.text("name")?;
                    nested.text("description")?;
                    nested.flag("strict")?;
                }
                if nested.as_ref().is_some_and(|nested| nested.value("schema").is_some()) {
                    Self::refuse(&format, &["schema"], "there is one in json_schema already; leave one out")?;
                }
                let places = [nested.as_ref(), Some(&format)];
                let found = places.into_iter().flatten().find_map(|place| Some((place.value("schema")?, place)));
                let missing = "schema_ is required for json_schema response format request.";
                let (schema, place) = found.ok_or_else(|| ApiError::Invalid(missing.to_owned()))?;
                Ok(Some(Requested { constraint: Self::json(schema), field: place.name("schema") }))
            }
            Some("structural_tag") => {
                Self::refuse_but(&format, &["structures", "triggers", "format"])?;
                for (field, other) in [("structures", "triggers"), ("triggers", "structures")] {
                    if format.value(field).is_some() && format.value(other).is_none() {
                        let message = format!("{} is required beside {field}.", format.name(other));
                        return Err(ApiError::Invalid(message));
                    }
                }
                if format.value("structures").is_none() && format.value("format").is_none() {
                    let message = "response_format.format, or structures and triggers, is required for structural_tag.";
                    return Err(ApiError::Invalid(message.to_owned()));
                }
                let tag = body.value("response_format").cloned().unwrap_or_default();
                Ok(Some(Requested { constraint: Self::tag(&tag), field: "response_format".to_owned() }))
            }
            Some(other) => Err(no_such(&format, "type", "text, json_object, json_schema or structural_tag", other)),
            None => Err(ApiError::Malformed(format!("{} is missing.", format.name("type")))),
        }
    }

    /// Refuses what is a constraint in `response_format` of another type than the one whose members are `read`.
    fn refuse_but(format: &Fields<'_>, read: &[&str]) -> Result<(), ApiError> {
        let others: Vec<&str> = MEMBERS.iter().copied().filter(|name| !read.contains(name)).collect();
        Self::refuse(format, &others, OF_ANOTHER_TYPE)?;
        Self::refuse(format, STYLE, STYLE_AT_THE_TOP)
    }

    /// The constraint of a structural tag. Only its own members are kept, and those that are null are absent.
    pub(crate) fn tag(tag: &Value) -> Self {
        let known = ["type", "format", "structures", "triggers", "at_least_one", "stop_after_first"];
        let members = known.iter().filter_map(|&name| {
            let member = tag.get(name).filter(|member| !member.is_null())?;
            Some((name.to_owned(), member.clone()))
        });
        let text = Value::Object(members.collect()).to_string().into();
        Self { kind: ConstraintKind::StructuralTag, text, style: JsonStyle::default() }
    }
}
