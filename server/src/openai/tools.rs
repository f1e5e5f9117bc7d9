//! Tools: what a request says of them, the constraint that makes a model call them, and the calls in its answer.

use compilers::json_schema::Whitespace;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::fields::Fields;
use crate::grammar::{Constraint, JsonStyle};

/// Which tools may or must be called.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Choice {
    /// None.
    None,
    /// As the model decides.
    Auto,
    /// At least one.
    Required,
    /// The one with this name.
    Named(String),
}

/// The tools of a request.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    /// As the request has them; with a named choice only that one.
    pub(super) list: Vec<Value>,
    pub(super) choice: Choice,
    parallel: bool,
}

impl Tools {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let mut list = fields.list("tools")?.unwrap_or_default().to_vec();
        let invalid = |message: String| Err(ApiError::Invalid(message));
        for (index, tool) in list.iter().enumerate() {
            if tool["function"]["name"].as_str().is_none_or(str::is_empty) {
                return invalid(format!("tools.{index}.function.name must be a string that is not empty."));
            }
            let parameters = &tool["function"]["parameters"];
            if !parameters.is_null() && !parameters.is_object() {
                return invalid(format!(
                    "Tool {index} function has invalid 'parameters' schema: it must be an object."
                ));
            }
        }
        let choice = match fields.value("tool_choice") {
            None if list.is_empty() => Choice::None,
            None => Choice::Auto,
            Some(Value::String(choice)) => match choice.as_str() {
                "none" => Choice::None,
                "auto" => Choice::Auto,
                "required" => Choice::Required,
                other => {
                    return invalid(format!("tool_choice must be none, auto, required or a function, got {other:?}."));
                }
            },
            Some(choice) => match choice["function"]["name"].as_str() {
                Some(name) => Choice::Named(name.to_owned()),
                None => return invalid("tool_choice.function.name must be a string.".to_owned()),
            },
        };
        match &choice {
            Choice::Required if list.is_empty() => {
                return invalid("Tools cannot be empty if tool choice is set to required.".to_owned());
            }
            Choice::Named(_) if list.is_empty() => {
                return invalid("Tools cannot be empty if tool choice is set to a specific tool.".to_owned());
            }
            Choice::Named(name) => {
                list.retain(|tool| tool["function"]["name"].as_str() == Some(name));
                if list.is_empty() {
                    return invalid(format!("Tool '{name}' not found in tools list."));
                }
            }
            Choice::None => list.clear(),
            Choice::Auto | Choice::Required => {}
        }
        Ok(Self { list, choice, parallel: fields.flag("parallel_tool_calls")?.unwrap_or(true) })
    }

    /// Whether the answer is calls and nothing else.
    pub(super) fn must_call(&self) -> bool {
        matches!(self.choice, Choice::Required | Choice::Named(_))
    }

    /// The constraint under which the answer is a JSON list of calls. `own` is the request's own constraint.
    pub(super) fn constraint(&self, own: Option<Constraint>) -> Result<Option<Constraint>, ApiError> {
        if self.list.is_empty() {
            return Ok(own);
        }
        if own.is_some() {
            let message = "tools cannot be combined with response_format, regex or ebnf, which would keep the model \
                           from calling them; leave one out, or set tool_choice to none.";
            return Err(ApiError::Invalid(message.to_owned()));
        }
        if !self.must_call() {
            return Ok(None);
        }
        let mut definitions = serde_json::Map::new();
        let calls: Vec<Value> =
            self.list.iter().map(|tool| call(tool, &mut definitions)).collect::<Result<_, ApiError>>()?;
        let mut schema = json!({"type": "array", "minItems": 1, "items": {"anyOf": calls}});
        if !self.parallel || matches!(self.choice, Choice::Named(_)) {
            schema["maxItems"] = 1.into();
        }
        if !definitions.is_empty() {
            schema["$defs"] = definitions.into();
        }
        // Nobody reads the white space of a call.
        let style = JsonStyle { whitespace: Whitespace::Python, ..JsonStyle::default() };
        Ok(Some(Constraint { style, ..Constraint::json(&schema) }))
    }

    /// The calls in an answer that is a list of them.
    pub(super) fn calls(&self, content: &str) -> Option<Vec<Value>> {
        let Ok(Value::Array(calls)) = serde_json::from_str(content) else { return None };
        let calls = calls.iter().enumerate();
        Some(
            calls
                .map(|(index, call)| {
                    let id = uuid::Uuid::new_v4().simple().to_string();
                    json!({
                        "id": format!("call_{}", &id[..24]),
                        "index": index,
                        "type": "function",
                        "function": {"name": call["name"], "arguments": call["parameters"].to_string()},
                    })
                })
                .collect(),
        )
    }
}

/// The schema of a call. Its definitions move to the root, where its references look for them.
fn call(tool: &Value, definitions: &mut serde_json::Map<String, Value>) -> Result<Value, ApiError> {
    let function = &tool["function"];
    let mut parameters = match &function["parameters"] {
        Value::Null => json!({"type": "object", "properties": {}}),
        parameters => parameters.clone(),
    };
    if let Some(Value::Object(own)) = parameters.as_object_mut().and_then(|object| object.remove("$defs")) {
        for (name, definition) in own {
            if definitions.get(&name).is_some_and(|other| *other != definition) {
                let message = format!("tools: two of them define $defs/{name} differently; rename one.");
                return Err(ApiError::Invalid(message));
            }
            definitions.insert(name, definition);
        }
    }
    Ok(json!({
        "type": "object",
        "properties": {"name": {"type": "string", "enum": [function["name"]]}, "parameters": parameters},
        "required": ["name", "parameters"],
        "additionalProperties": false,
    }))
}
