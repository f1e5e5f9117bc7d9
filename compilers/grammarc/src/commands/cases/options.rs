//! How the grammar of a case is to be compiled.
//!
//! Options are those of the engines that the facts come from. One that cannot be followed to the letter makes the case
//! refused, as the fact may hinge on it.

use std::borrow::Cow;

use compilers::json_schema::{self, KeyOrder, Whitespace, XmlStyle};
use serde_json::{Map, Value, json};

use super::case::Case;
use crate::args::Kind;
use crate::settings::Settings;

/// What to compile, and how.
#[derive(Debug)]
pub(super) enum Plan {
    /// Compile so.
    Compile(Kind, Box<Settings>),
    /// No frontend reads such grammars.
    Skip(String),
    /// An option has no counterpart here.
    Refuse(String),
}

/// The plan for `case`, on top of `base`.
pub(super) fn plan(case: &Case, base: &Settings) -> Plan {
    let kind = match case.grammar_kind.as_str() {
        "gbnf" | "ebnf" => Kind::Gbnf,
        "regex" => Kind::Regex,
        "json_schema" | "builtin_json" => Kind::JsonSchema,
        "structural_tag" => Kind::StructuralTag,
        "gir" => Kind::Gir,
        other => return Plan::Skip(format!("no frontend for grammars of kind `{other}`")),
    };
    let mut settings = base.clone();
    if let Some(root) = &case.root {
        settings.gbnf = settings.gbnf.with_root(root);
    }
    let mut kind = kind;
    let applied = if kind == Kind::JsonSchema {
        // The facts are about JSON texts as the standard has them.
        settings.json_schema = json_schema::Options::exact();
        if notation(case).is_some() {
            kind = Kind::StructuralTag;
        }
        json_options(&case.options, &mut settings.json_schema)
    } else {
        // The root has been seen to, and the legacy form of a structural tag is told by its fields.
        let known = |key: &str| key == "root" || (kind == Kind::StructuralTag && key == "legacy");
        case.options.keys().find(|key| !known(key)).map_or(Ok(()), |key| Err(key.clone()))
    };
    match applied {
        Ok(()) => Plan::Compile(kind, Box::new(settings)),
        Err(option) => Plan::Refuse(format!("the option `{option}` has no counterpart")),
    }
}

/// The XML-like notation in which values of a case's JSON Schema are written, if they are.
fn notation(case: &Case) -> Option<XmlStyle> {
    case.options.get("json_format").and_then(Value::as_str).and_then(XmlStyle::from_name)
}

/// The text of the grammar of a case. Only structural tags write values in an XML-like notation, so with one the schema
/// becomes the format of a tag.
pub(super) fn text(case: &Case) -> Cow<'_, str> {
    if case.grammar_kind == "builtin_json" {
        return Cow::Borrowed("true");
    }
    let (Some(style), Ok(schema)) = (notation(case), serde_json::from_str::<Value>(&case.grammar)) else {
        return Cow::Borrowed(&case.grammar);
    };
    let format = json!({"type": "json_schema", "json_schema": schema, "style": style.name()});
    Cow::Owned(json!({"type": "structural_tag", "format": format}).to_string())
}

/// Follows the options of a JSON Schema; the name of one that cannot be followed otherwise.
fn json_options(options: &Map<String, Value>, settings: &mut json_schema::Options) -> Result<(), String> {
    let separators = options.get("separators").map(|separators| separators.to_string());
    for (key, value) in options {
        match (key.as_str(), value) {
            // XGrammar.
            ("any_whitespace", Value::Bool(true)) => {}
            ("any_whitespace", Value::Bool(false)) => {
                settings.whitespace = match separators.as_deref() {
                    None | Some(r#"[", ",": "]"#) => Whitespace::Python,
                    Some(r#"[",",":"]"#) => Whitespace::Compact,
                    Some(_) => return Err("separators".to_owned()),
                };
            }
            ("separators", _) if options.get("any_whitespace") == Some(&Value::Bool(false)) => {}
            ("indent", width) => {
                let width = width.as_u64().and_then(|width| u8::try_from(width).ok());
                settings.whitespace = Whitespace::Indent(width.ok_or(key)?);
            }
            ("any_order", Value::Bool(any)) => {
                settings.key_order = if *any { KeyOrder::Any } else { KeyOrder::Declared };
            }
            ("json_format", Value::String(name)) if XmlStyle::from_name(name).is_some() => {}
            // Objects are open where the schema does not close them, as the standard says.
            ("strict_mode", _) => {}
            // llguidance.
            ("x-guidance", Value::Object(guidance)) => guidance_options(guidance, settings)?,
            // This project.
            ("preset", Value::String(preset)) if preset == "exact" => {}
            ("preset", Value::String(preset)) if preset == "default" => {
                let key_order = settings.key_order;
                *settings = json_schema::Options::default();
                settings.key_order = key_order;
            }
            ("key_order", Value::String(order)) if order == "declared" => settings.key_order = KeyOrder::Declared,
            ("key_order", Value::String(order)) if order == "any" => settings.key_order = KeyOrder::Any,
            _ => return Err(key.clone()),
        }
    }
    Ok(())
}

fn guidance_options(options: &Map<String, Value>, settings: &mut json_schema::Options) -> Result<(), String> {
    let text = |key| options.get(key).and_then(Value::as_str);
    let flexible = options.get("whitespace_flexible").and_then(Value::as_bool).unwrap_or(true);
    let known = ["whitespace_flexible", "item_separator", "key_separator"];
    if let Some(key) = options.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(key.clone());
    }
    let separators = (text("item_separator").unwrap_or(","), text("key_separator").unwrap_or(":"));
    settings.whitespace = match (separators, flexible) {
        ((",", ":"), true) => Whitespace::Any,
        ((",", ":"), false) => Whitespace::Compact,
        ((", ", ": "), false) => Whitespace::Python,
        _ => return Err("item_separator".to_owned()),
    };
    Ok(())
}
