//! `tool_choice`: which tools may or must be called.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::error::ApiError;

/// Which tools may or must be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// None.
    None,
    /// As the model decides.
    Auto,
    /// At least one.
    Required,
    /// The only one that is left.
    Named,
}

impl Choice {
    /// Reads `tool_choice` for the tools in `list`, and takes those out of it that may not be called. What is left comes with
    /// its places in the request.
    pub(super) fn read(choice: Option<&Value>, list: Vec<Value>) -> Result<(Self, Vec<(usize, Value)>), ApiError> {
        let mut tools: Vec<(usize, Value)> = list.into_iter().enumerate().collect();
        let choice = match choice {
            None if tools.is_empty() => Self::None,
            None => Self::Auto,
            Some(Value::String(mode)) => match mode.as_str() {
                "none" => Self::None,
                "auto" => Self::Auto,
                "required" => Self::Required,
                other => {
                    let message = format!(
                        "tool_choice must be none, auto, required, a function or allowed_tools, got {other:?}."
                    );
                    return Err(ApiError::Invalid(message));
                }
            },
            Some(choice) if choice["type"] == "allowed_tools" => {
                let allowed = &choice["allowed_tools"];
                let mode = match allowed["mode"].as_str() {
                    Some("auto") => Self::Auto,
                    Some("required") => Self::Required,
                    _ => return invalid("tool_choice.allowed_tools.mode must be auto or required."),
                };
                let Some(names) = allowed["tools"].as_array().filter(|names| !names.is_empty()) else {
                    return invalid("tool_choice.allowed_tools.tools must be a list of tools that is not empty.");
                };
                // Both lists may be long.
                let places = places(&tools);
                let mut is_allowed = vec![false; tools.len()];
                for (index, tool) in names.iter().enumerate() {
                    let field = || format!("tool_choice.allowed_tools.tools[{index}]");
                    is_allowed[place_of(tool, field, &places)?] = true;
                }
                drop(places);
                tools.retain(|(place, _)| is_allowed[*place]);
                mode
            }
            Some(choice) if choice["type"].is_null() || choice["type"] == "function" => {
                if tools.is_empty() {
                    return invalid("Tools cannot be empty if tool choice is set to a specific tool.");
                }
                let place = place_of(choice, || "tool_choice".to_owned(), &places(&tools))?;
                tools = vec![tools.swap_remove(place)];
                Self::Named
            }
            Some(choice) => {
                return invalid(&format!(
                    "tool_choice.type must be function or allowed_tools, got {}.",
                    choice["type"]
                ));
            }
        };
        match choice {
            Self::Required if tools.is_empty() => {
                return invalid("Tools cannot be empty if tool choice is set to required.");
            }
            Self::None => tools.clear(),
            _ => {}
        }
        Ok((choice, tools))
    }

    /// Whether a call has to come.
    pub(super) fn must_call(self) -> bool {
        matches!(self, Self::Required | Self::Named)
    }
}

fn invalid<T>(message: &str) -> Result<T, ApiError> {
    Err(ApiError::Invalid(message.to_owned()))
}

/// Where the first tool of each name is in `tools`.
fn places(tools: &[(usize, Value)]) -> FxHashMap<&str, usize> {
    let named = tools.iter().enumerate().rev();
    named.filter_map(|(place, (_, tool))| Some((tool["function"]["name"].as_str()?, place))).collect()
}

/// The place of the tool that `choice`, at `field` of the request, names.
fn place_of(choice: &Value, field: impl Fn() -> String, places: &FxHashMap<&str, usize>) -> Result<usize, ApiError> {
    let Some(name) = choice["function"]["name"].as_str() else {
        return invalid(&format!("{}.function.name must be a string.", field()));
    };
    let place = places.get(name).copied();
    place.ok_or_else(|| ApiError::Invalid(format!("{}: Tool '{name}' not found in tools list.", field())))
}
