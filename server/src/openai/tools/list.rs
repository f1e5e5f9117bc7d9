//! Calls as a JSON list, for models of which nothing is known: `[{"name": …, "parameters": {…}}, …]`.

use compilers::json_schema::Whitespace;
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::grammar::{Constraint, JsonStyle};

/// The constraint under which an answer is a list of calls.
pub(super) fn constraint(tools: &[Value], is_single: bool) -> Result<Constraint, ApiError> {
    let mut definitions = Map::new();
    let calls: Vec<Value> = tools.iter().map(|tool| call(tool, &mut definitions)).collect::<Result<_, ApiError>>()?;
    let mut schema = json!({"type": "array", "minItems": 1, "items": {"anyOf": calls}});
    if is_single {
        schema["maxItems"] = 1.into();
    }
    if !definitions.is_empty() {
        schema["$defs"] = definitions.into();
    }
    // Nobody reads the white space of a call.
    let style = JsonStyle { whitespace: Whitespace::Python, ..JsonStyle::default() };
    Ok(Constraint { style, ..Constraint::json(&schema) })
}

/// The schema of a call. Its definitions move to the root, where its references look for them.
fn call(tool: &Value, definitions: &mut Map<String, Value>) -> Result<Value, ApiError> {
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
