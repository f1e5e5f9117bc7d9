//! From JSON to formats: fields, types of values, and what a format says about itself.

use serde_json::Value;

use super::ast::{
    AnyText, Begin, Dispatch, End, Format, Json, Kind, Regex, Style, Tag, Text, Token, Tokens, TriggeredTags,
};
use super::fields::{self, Fields, invalid, items, not_empty, text, token};
use crate::diagnostic::Diagnostic;
use crate::json_schema::{XmlStyle, push_pointer};

/// The format of a structural tag in either form.
pub(super) fn document(value: &Value, diagnostics: &mut Vec<Diagnostic>) -> Option<Format> {
    let Value::Object(members) = value else {
        invalid(diagnostics, "", "a structural tag must be an object");
        return None;
    };
    let mut fields = Fields::new(members, "", diagnostics);
    if let Some((kind, pointer)) = fields.optional("type")
        && kind != "structural_tag"
    {
        fields.expected(&pointer, "\"structural_tag\"");
    }
    let format =
        if members.contains_key("structures") || (members.contains_key("tags") && !members.contains_key("format")) {
            legacy(&mut fields)
        } else {
            let (value, pointer) = fields.required("format", "a format")?;
            format(value, &pointer, fields.diagnostics())
        };
    fields.finish();
    format
}

/// The legacy form, as the format that it stands for.
fn legacy(fields: &mut Fields<'_>) -> Option<Format> {
    let name = if fields.optional("structures").is_some() { "structures" } else { "tags" };
    let structures = fields.filled_list(name, "a list of structures", "a list of at least one structure")?;
    let triggers = triggers(fields);
    let at_least_one = fields.flag("at_least_one", false);
    let tags = structures.into_iter().filter_map(|(value, pointer)| structure(value, &pointer, fields)).collect();
    let tags = TriggeredTags { triggers, tags, excludes: Vec::new(), at_least_one, stop_after_first: false };
    Some(Format { pointer: String::new(), kind: Kind::TriggeredTags(tags) })
}

fn structure(value: &Value, pointer: &str, fields: &mut Fields<'_>) -> Option<Tag> {
    let Value::Object(members) = value else {
        fields.expected(pointer, "an object");
        return None;
    };
    let mut fields = Fields::new(members, pointer, fields.diagnostics());
    let begin = fields.text("begin");
    let (schema, place) = fields
        .optional("schema")
        .map_or((Value::Bool(true), pointer.to_owned()), |(schema, place)| (schema.clone(), place));
    let end = fields.text("end");
    fields.finish();
    let json = Json {
        pointer: place.clone(),
        schema,
        style: Style::Json,
        any_order: false,
        max_whitespace: None,
        excludes: Vec::new(),
    };
    Some(Tag {
        pointer: pointer.to_owned(),
        begin: Begin::Text(begin?),
        content: Format { pointer: place, kind: Kind::Json(Box::new(json)) },
        end: End::Texts(vec![end?]),
    })
}

/// The names of the format types.
const TYPES: &str = "`const_string`, `json_schema`, `qwen_xml_parameter`, `grammar`, `regex`, `any_text`, `token`, \
                     `exclude_token`, `any_tokens`, `sequence`, `or`, `optional`, `star`, `plus`, `repeat`, `tag`, \
                     `triggered_tags`, `token_triggered_tags`, `tags_with_separator`, `dispatch`, `token_dispatch`";

/// A format. The nesting is bounded by the parser of JSON.
fn format(value: &Value, pointer: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Format> {
    let Value::Object(members) = value else {
        invalid(diagnostics, pointer, "a format must be an object");
        return None;
    };
    let kind = match members.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(_) => {
            invalid(diagnostics, &push_pointer(pointer, "type"), "the type of a format must be a string");
            return None;
        }
        None => {
            invalid(diagnostics, pointer, format!("the field `type` is missing; the types are {TYPES}"));
            return None;
        }
    };
    let mut fields = Fields::new(members, pointer, diagnostics);
    let kind = match kind {
        "const_string" => fields.text("value").map(|value| Kind::Literal(value.text)),
        "json_schema" => json(&mut fields, None),
        "qwen_xml_parameter" => json(&mut fields, Some(Style::Xml(XmlStyle::Qwen))),
        "grammar" => fields.text("grammar").map(|grammar| Kind::Grammar(grammar.text)),
        "regex" => fields.text("pattern").map(|pattern| Kind::Regex(Regex { pattern })),
        "any_text" => Some(any_text(&mut fields)),
        "token" => fields.required("token", "a token").and_then(|(value, place)| {
            let token = token(value, place, fields.diagnostics())?;
            Some(Kind::Token(Tokens { list: vec![token], excluded: false }))
        }),
        "exclude_token" => Some(Kind::Token(Tokens { list: fields.tokens("exclude_tokens"), excluded: true })),
        "any_tokens" => {
            let excludes = fields.tokens("exclude_tokens");
            Some(Kind::AnyTokens { excludes, max_tokens: fields.count("max_tokens") })
        }
        "sequence" => elements(&mut fields).map(Kind::Sequence),
        "or" => elements(&mut fields).map(Kind::Or),
        "optional" => content(&mut fields).map(|content| Kind::Repeat { content, min: 0, max: Some(1) }),
        "star" => content(&mut fields).map(|content| Kind::Repeat { content, min: 0, max: None }),
        "plus" => content(&mut fields).map(|content| Kind::Repeat { content, min: 1, max: None }),
        "repeat" => repeat(&mut fields),
        "tag" => {
            return tag(value, pointer, diagnostics)
                .map(|tag| Format { pointer: pointer.to_owned(), kind: Kind::Tag(Box::new(tag)) });
        }
        "triggered_tags" => Some(Kind::TriggeredTags(triggered_tags(&mut fields))),
        "token_triggered_tags" => Some(Kind::TokenTriggeredTags(token_triggered_tags(&mut fields))),
        "tags_with_separator" => tags_with_separator(&mut fields),
        "dispatch" => dispatch(&mut fields).map(Kind::Dispatch),
        "token_dispatch" => token_dispatch(&mut fields).map(Kind::TokenDispatch),
        unknown => {
            let message = format!("there is no format of type `{unknown}`; the types are {TYPES}");
            invalid(diagnostics, &push_pointer(pointer, "type"), message);
            return None;
        }
    };
    fields.finish();
    Some(Format { pointer: pointer.to_owned(), kind: kind? })
}

/// The schema that `null` stands for, in this form as in the legacy one.
static ANY_JSON: Value = Value::Bool(true);

fn json(fields: &mut Fields<'_>, style: Option<Style>) -> Option<Kind> {
    let (schema, pointer) = fields.required_or_null("json_schema", "a JSON Schema", &ANY_JSON)?;
    if !schema.is_object() && !schema.is_boolean() {
        fields.expected(&pointer, "a JSON Schema: an object, true or false");
        return None;
    }
    let style = match style {
        Some(style) => style,
        None => self::style(fields),
    };
    Some(Kind::Json(Box::new(Json {
        pointer,
        schema: schema.clone(),
        style,
        any_order: fields.flag("any_order", false),
        max_whitespace: fields.count("max_whitespace_cnt"),
        excludes: fields.texts("excludes"),
    })))
}

fn style(fields: &mut Fields<'_>) -> Style {
    let Some((value, pointer)) = fields.optional("style") else { return Style::Json };
    let name = value.as_str().unwrap_or_default();
    if name == "json" {
        return Style::Json;
    }
    match XmlStyle::from_name(name) {
        Some(style) => Style::Xml(style),
        None => {
            let names: Vec<&str> = XmlStyle::ALL.iter().map(|style| style.name()).collect();
            fields.expected(&pointer, &format!("one of `json`, `{}`", names.join("`, `")));
            Style::Json
        }
    }
}

fn any_text(fields: &mut Fields<'_>) -> Kind {
    let excludes = fields.texts("excludes");
    Kind::AnyText(AnyText { excludes, max_tokens: fields.count("max_tokens"), max_chars: fields.count("max_chars") })
}

fn elements(fields: &mut Fields<'_>) -> Option<Vec<Format>> {
    let list = fields.filled_list("elements", "a list of formats", "a list of at least one format")?;
    let formats: Vec<Format> =
        list.into_iter().filter_map(|(value, pointer)| format(value, &pointer, fields.diagnostics())).collect();
    Some(formats)
}

fn content(fields: &mut Fields<'_>) -> Option<Box<Format>> {
    let (value, pointer) = fields.required("content", "a format")?;
    format(value, &pointer, fields.diagnostics()).map(Box::new)
}

fn repeat(fields: &mut Fields<'_>) -> Option<Kind> {
    let bound = |fields: &mut Fields<'_>, name: &'static str, least: i64, what: &str| {
        let (value, pointer) = fields.required(name, what)?;
        let number = value.as_i64().filter(|&number| least <= number && number <= i64::from(i32::MAX));
        if number.is_none() {
            fields.expected(&pointer, what);
        }
        number
    };
    let min = bound(fields, "min", 0, "an integer from 0 on");
    let max = bound(fields, "max", -1, "an integer from 0 on, or -1 for no bound");
    let content = content(fields);
    let (min, max) = (u32::try_from(min?).ok()?, u32::try_from(max?).ok());
    if max.is_some_and(|max| max < min) {
        let pointer = push_pointer(&fields.pointer, "max");
        fields.expected(&pointer, "at least `min`");
    }
    Some(Kind::Repeat { content: content?, min, max })
}

/// A tag; its `type` may be left out where only a tag can stand.
fn tag(value: &Value, pointer: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Tag> {
    let Value::Object(members) = value else {
        invalid(diagnostics, pointer, "a tag must be an object");
        return None;
    };
    let mut fields = Fields::new(members, pointer, diagnostics);
    if let Some((kind, place)) = fields.optional("type")
        && kind != "tag"
    {
        fields.expected(&place, "\"tag\"");
    }
    let begin = fields.required("begin", "a string or a token").and_then(|(value, place)| match value {
        Value::Object(_) => token_object(value, &place, fields.diagnostics()).map(Begin::Token),
        _ => text(value, place, fields.diagnostics()).map(Begin::Text),
    });
    let content = fields.required("content", "a format");
    let content = content.and_then(|(value, place)| format(value, &place, fields.diagnostics()));
    let end = fields
        .required("end", "a string, a list of strings, or a token")
        .and_then(|(value, place)| end(value, place, &mut fields));
    fields.finish();
    Some(Tag { pointer: pointer.to_owned(), begin: begin?, content: content?, end: end? })
}

fn end(value: &Value, pointer: String, fields: &mut Fields<'_>) -> Option<End> {
    match value {
        Value::Object(_) => token_object(value, &pointer, fields.diagnostics()).map(End::Token),
        Value::Array(list) if list.is_empty() => {
            fields.expected(&pointer, "a list of at least one string");
            None
        }
        Value::Array(_) => {
            let list = items(value, &pointer, "a list of strings", fields.diagnostics())?;
            let ends: Vec<Text> =
                list.into_iter().filter_map(|(value, place)| text(value, place, fields.diagnostics())).collect();
            Some(End::Texts(ends))
        }
        _ => text(value, pointer, fields.diagnostics()).map(|end| End::Texts(vec![end])),
    }
}

/// `{"type": "token", "token": …}`
fn token_object(value: &Value, pointer: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Token> {
    let members = value.as_object()?;
    let mut fields = Fields::new(members, pointer, diagnostics);
    if fields.optional("type").is_none_or(|(kind, _)| kind != "token") {
        fields.expected(pointer, "a string or a token, {\"type\": \"token\", \"token\": …}");
        return None;
    }
    let token =
        fields.required("token", "a token").and_then(|(value, place)| token(value, place, fields.diagnostics()));
    fields.finish();
    token
}

fn tags(fields: &mut Fields<'_>) -> Vec<Tag> {
    let list = fields.filled_list("tags", "a list of tags", "a list of at least one tag").unwrap_or_default();
    list.into_iter().filter_map(|(value, pointer)| tag(value, &pointer, fields.diagnostics())).collect()
}

fn triggers(fields: &mut Fields<'_>) -> Vec<Text> {
    let list = fields.filled_list("triggers", "a list of strings", "a list of at least one string").unwrap_or_default();
    list.into_iter()
        .filter_map(|(value, pointer)| not_empty(text(value, pointer, fields.diagnostics())?, fields.diagnostics()))
        .collect()
}

fn triggered_tags(fields: &mut Fields<'_>) -> TriggeredTags<Text> {
    TriggeredTags {
        triggers: triggers(fields),
        tags: tags(fields),
        excludes: fields.texts("excludes"),
        at_least_one: fields.flag("at_least_one", false),
        stop_after_first: fields.flag("stop_after_first", false),
    }
}

fn token_triggered_tags(fields: &mut Fields<'_>) -> TriggeredTags<Token> {
    let triggers = fields.filled_list("trigger_tokens", "a list of tokens", "a list of at least one token");
    let triggers = triggers.unwrap_or_default();
    TriggeredTags {
        triggers: triggers
            .into_iter()
            .filter_map(|(value, pointer)| token(value, pointer, fields.diagnostics()))
            .collect(),
        tags: tags(fields),
        excludes: fields.tokens("exclude_tokens"),
        at_least_one: fields.flag("at_least_one", false),
        stop_after_first: fields.flag("stop_after_first", false),
    }
}

fn tags_with_separator(fields: &mut Fields<'_>) -> Option<Kind> {
    let tags = tags(fields);
    let separator = fields.text("separator");
    let at_least_one = fields.flag("at_least_one", false);
    let stop_after_first = fields.flag("stop_after_first", false);
    Some(Kind::TagsWithSeparator { tags, separator: separator?.text, at_least_one, stop_after_first })
}

/// The rules of a dispatch: pairs of a pattern and a format.
fn rules<T>(
    fields: &mut Fields<'_>,
    read: impl Fn(&Value, String, &mut Vec<Diagnostic>) -> Option<T>,
) -> Option<Vec<(T, Format)>> {
    let what = "a list of pairs of a pattern and a format";
    let list = fields.filled_list("rules", what, "a list of at least one pair of a pattern and a format")?;
    let mut rules = Vec::new();
    for (value, pointer) in list {
        let Some([pattern, content]) = value.as_array().map(Vec::as_slice) else {
            fields.expected(&pointer, "a pair of a pattern and a format");
            continue;
        };
        let pattern = read(pattern, push_pointer(&pointer, "0"), fields.diagnostics());
        let content = format(content, &push_pointer(&pointer, "1"), fields.diagnostics());
        rules.extend(pattern.zip(content));
    }
    Some(rules)
}

fn dispatch(fields: &mut Fields<'_>) -> Option<Dispatch<Text>> {
    let rules = rules(fields, |value, pointer, diagnostics| not_empty(text(value, pointer, diagnostics)?, diagnostics));
    let (repeats, excludes) = (fields.flag("loop", true), fields.texts("excludes"));
    Some(Dispatch { rules: rules?, excludes, repeats })
}

fn token_dispatch(fields: &mut Fields<'_>) -> Option<Dispatch<Token>> {
    let rules = rules(fields, fields::token);
    let (repeats, excludes) = (fields.flag("loop", true), fields.tokens("excludes"));
    Some(Dispatch { rules: rules?, excludes, repeats })
}
