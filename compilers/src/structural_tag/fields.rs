//! The members of a JSON object, read one by one; what is left over is unknown.

use serde_json::{Map, Value};

use super::ast::{Text, Token, TokenName};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::json_schema::push_pointer;

/// The greatest number that a field may hold: budgets and counts are 32-bit integers in every engine that reads the format.
const MAX_NUMBER: u64 = i32::MAX as u64;

/// The members of one object.
pub(super) struct Fields<'a> {
    members: &'a Map<String, Value>,
    /// The JSON Pointer of the object.
    pub(super) pointer: String,
    known: Vec<&'static str>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Fields<'a> {
    /// The members of the object at `pointer`.
    pub(super) fn new(members: &'a Map<String, Value>, pointer: &str, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        Self { members, pointer: pointer.to_owned(), known: vec!["type"], diagnostics }
    }

    /// Where problems go.
    pub(super) fn diagnostics(&mut self) -> &mut Vec<Diagnostic> {
        self.diagnostics
    }

    /// The member `name`, which may be absent. `null` is as good as absent.
    pub(super) fn optional(&mut self, name: &'static str) -> Option<(&'a Value, String)> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        let value = self.members.get(name).filter(|value| !value.is_null())?;
        Some((value, push_pointer(&self.pointer, name)))
    }

    /// The member `name`; reports that it is missing.
    pub(super) fn required(&mut self, name: &'static str, what: &str) -> Option<(&'a Value, String)> {
        let found = self.optional(name);
        if found.is_none() {
            let message = format!("the field `{name}` is missing");
            let place = Place::Pointer(self.pointer.clone());
            self.diagnostics
                .push(Diagnostic::new(Code::Invalid, place, message).with_help(format!("give {what} as `{name}`")));
        }
        found
    }

    /// The member `name`, which has to be there; `null` is as good as `default`.
    pub(super) fn required_or_null(
        &mut self,
        name: &'static str,
        what: &str,
        default: &'static Value,
    ) -> Option<(&'a Value, String)> {
        if self.members.get(name).is_some_and(Value::is_null) {
            self.known.push(name);
            return Some((default, push_pointer(&self.pointer, name)));
        }
        self.required(name, what)
    }

    /// Reports that the value at `pointer` is not what it should be.
    pub(super) fn expected(&mut self, pointer: &str, what: &str) {
        invalid(self.diagnostics, pointer, format!("this must be {what}"));
    }

    /// A text.
    pub(super) fn text(&mut self, name: &'static str) -> Option<Text> {
        let (value, pointer) = self.required(name, "a string")?;
        text(value, pointer, self.diagnostics)
    }

    /// A boolean, `default` when absent.
    pub(super) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        let Some((value, pointer)) = self.optional(name) else { return default };
        value.as_bool().unwrap_or_else(|| {
            self.expected(&pointer, "true or false");
            default
        })
    }

    /// A number from 0 on.
    pub(super) fn count(&mut self, name: &'static str) -> Option<u32> {
        let (value, pointer) = self.optional(name)?;
        match value.as_u64() {
            Some(number) if number <= MAX_NUMBER => u32::try_from(number).ok(),
            _ => {
                self.expected(&pointer, &format!("an integer from 0 to {MAX_NUMBER}"));
                None
            }
        }
    }

    /// A list.
    pub(super) fn list(&mut self, name: &'static str, what: &str) -> Option<Vec<(&'a Value, String)>> {
        let (value, pointer) = self.required(name, what)?;
        items(value, &pointer, what, self.diagnostics)
    }

    /// A list that is not empty: `what` it is, and how that is said of one.
    pub(super) fn filled_list(
        &mut self,
        name: &'static str,
        what: &str,
        at_least_one: &str,
    ) -> Option<Vec<(&'a Value, String)>> {
        let list = self.list(name, what)?;
        if list.is_empty() {
            let pointer = push_pointer(&self.pointer, name);
            self.expected(&pointer, at_least_one);
        }
        Some(list)
    }

    /// A list that may be absent.
    pub(super) fn optional_list(&mut self, name: &'static str, what: &str) -> Vec<(&'a Value, String)> {
        let Some((value, pointer)) = self.optional(name) else { return Vec::new() };
        items(value, &pointer, what, self.diagnostics).unwrap_or_default()
    }

    /// A list of texts, none of them empty, that may be absent.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<Text> {
        let list = self.optional_list(name, "a list of strings");
        list.into_iter()
            .filter_map(|(value, pointer)| not_empty(text(value, pointer, self.diagnostics)?, self.diagnostics))
            .collect()
    }

    /// A list of tokens that may be absent.
    pub(super) fn tokens(&mut self, name: &'static str) -> Vec<Token> {
        let list = self.optional_list(name, "a list of tokens");
        list.into_iter().filter_map(|(value, pointer)| token(value, pointer, self.diagnostics)).collect()
    }

    /// Reports the members that nobody has asked for.
    pub(super) fn finish(self) {
        for name in self.members.keys().filter(|name| !self.known.contains(&name.as_str())) {
            let message = format!("there is no field `{name}` here");
            let place = Place::Pointer(push_pointer(&self.pointer, name));
            let help = format!("the fields are `{}`", self.known.join("`, `"));
            self.diagnostics.push(Diagnostic::new(Code::Invalid, place, message).with_help(help));
        }
    }
}

/// Reports `message` about the value at `pointer`.
pub(super) fn invalid(diagnostics: &mut Vec<Diagnostic>, pointer: &str, message: impl Into<String>) {
    diagnostics.push(Diagnostic::new(Code::Invalid, Place::Pointer(pointer.to_owned()), message));
}

/// A text.
pub(super) fn text(value: &Value, pointer: String, diagnostics: &mut Vec<Diagnostic>) -> Option<Text> {
    match value {
        Value::String(text) => Some(Text { pointer, text: text.clone() }),
        _ => {
            invalid(diagnostics, &pointer, "this must be a string");
            None
        }
    }
}

/// `text`, unless it is empty.
pub(super) fn not_empty(text: Text, diagnostics: &mut Vec<Diagnostic>) -> Option<Text> {
    if text.text.is_empty() {
        invalid(diagnostics, &text.pointer, "this string must not be empty: it would occur everywhere");
        return None;
    }
    Some(text)
}

/// A token by id or text.
pub(super) fn token(value: &Value, pointer: String, diagnostics: &mut Vec<Diagnostic>) -> Option<Token> {
    let name = match value {
        Value::String(text) => Some(TokenName::Text(text.clone())),
        Value::Number(id) => {
            id.as_u64().filter(|&id| id < MAX_NUMBER).and_then(|id| u32::try_from(id).ok()).map(TokenName::Id)
        }
        _ => None,
    };
    if name.is_none() {
        invalid(diagnostics, &pointer, "this must be a token: its id, or the text of a special token");
    }
    name.map(|name| Token { pointer, name })
}

/// The items of a list.
pub(super) fn items<'a>(
    value: &'a Value,
    pointer: &str,
    what: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<(&'a Value, String)>> {
    match value {
        Value::Array(items) => Some(
            items.iter().enumerate().map(|(index, item)| (item, push_pointer(pointer, &index.to_string()))).collect(),
        ),
        _ => {
            invalid(diagnostics, pointer, format!("this must be {what}"));
            None
        }
    }
}
