//! What a chat completion request says about tools.

use serde_json::{Value, json};

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use crate::json_schema::XmlStyle;

/// A function that the model may call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// Its place in the list of the request.
    pub index: usize,
}

impl Tool {
    /// The format of the arguments.
    pub(super) fn arguments(&self, style: Option<XmlStyle>) -> Value {
        let style = style.map_or("json", XmlStyle::name);
        json!({"type": "json_schema", "json_schema": self.parameters, "style": style})
    }
}

/// Which tools may or must be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The model decides.
    #[default]
    Auto,
    /// None is called.
    None,
    /// At least one is called.
    Required,
    /// Exactly the one tool that is left is called.
    Named,
}

/// Whether reasoning comes before the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reasoning {
    /// It does.
    Enabled,
    /// It does not.
    #[default]
    Disabled,
    /// The model decides.
    Auto,
}

/// What a request says about tools.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The tools that may be called; where the request names one or allows some, only those.
    pub tools: Vec<Tool>,
    /// Which may or must be called.
    pub choice: Choice,
    /// Whether there may be several calls.
    pub parallel_tool_calls: bool,
    /// Whether reasoning comes first.
    pub reasoning: Reasoning,
}

impl Request {
    /// Reads `tools`, `tool_choice` (`auto`, `none`, `required`, a named function, `allowed_tools`), `parallel_tool_calls`
    /// (default true) and `reasoning` (`enabled`, `disabled`, `auto`, true, false; default disabled) of a request in
    /// OpenAI's form. Other members say nothing about tools and are left alone.
    ///
    /// # Errors
    /// What is wrong with these members, each with its JSON Pointer.
    pub fn from_json(request: &Value) -> Result<Self, Diagnostics> {
        let mut reader = Reader { diagnostics: Vec::new(), has_tools_at_fault: false };
        let tools = reader.tools(&request["tools"]);
        reader.has_tools_at_fault = !reader.diagnostics.is_empty();
        let (choice, allowed) = reader.choice(&request["tool_choice"], &tools);
        let parallel_tool_calls = match &request["parallel_tool_calls"] {
            Value::Null => true,
            Value::Bool(parallel) => *parallel,
            _ => {
                reader.invalid("/parallel_tool_calls", "this must be true or false");
                true
            }
        };
        let reasoning = match &request["reasoning"] {
            Value::Null | Value::Bool(false) => Reasoning::Disabled,
            Value::Bool(true) => Reasoning::Enabled,
            Value::String(mode) if mode == "enabled" => Reasoning::Enabled,
            Value::String(mode) if mode == "disabled" => Reasoning::Disabled,
            Value::String(mode) if mode == "auto" => Reasoning::Auto,
            _ => {
                reader.invalid("/reasoning", "this must be `enabled`, `disabled`, `auto`, true or false");
                Reasoning::Disabled
            }
        };
        let must_call = matches!(choice, Choice::Required | Choice::Named);
        if must_call && tools.is_empty() && reader.diagnostics.is_empty() {
            reader.invalid("/tool_choice", "a call is required, and there are no tools");
        }
        if !reader.diagnostics.is_empty() {
            return Err(reader.diagnostics.into());
        }
        let tools = match allowed {
            Some(names) => tools.into_iter().filter(|tool| names.contains(&tool.name)).collect(),
            None => tools,
        };
        Ok(Self { tools, choice, parallel_tool_calls, reasoning })
    }
}

struct Reader {
    diagnostics: Vec<Diagnostic>,
    /// Whether tools are left out that are at fault, so that a name may be one of theirs.
    has_tools_at_fault: bool,
}

impl Reader {
    fn invalid(&mut self, pointer: &str, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::new(Code::Invalid, Place::Pointer(pointer.to_owned()), message));
    }

    fn tools(&mut self, list: &Value) -> Vec<Tool> {
        let list = match list {
            Value::Null => return Vec::new(),
            Value::Array(list) => list,
            _ => {
                self.invalid("/tools", "this must be a list of tools");
                return Vec::new();
            }
        };
        let mut tools: Vec<Tool> = Vec::new();
        for (index, tool) in list.iter().enumerate() {
            let pointer = format!("/tools/{index}");
            if tool.get("type").is_some_and(|kind| kind != "function") {
                self.invalid(&format!("{pointer}/type"), "only tools of the type `function` can be called");
                continue;
            }
            let function = &tool["function"];
            let Some(name) = function["name"].as_str().filter(|name| !name.is_empty()) else {
                self.invalid(&pointer, "a tool is {\"type\": \"function\", \"function\": {\"name\": …}}");
                continue;
            };
            // A mark of the notation in a name would end the name early.
            let is_plain = |character: char| character.is_alphanumeric() || "_-.:/".contains(character);
            if !name.chars().all(is_plain) {
                let message = "a name has letters, digits, `_`, `-`, `.`, `:` and `/` only";
                self.invalid(&format!("{pointer}/function/name"), message);
                continue;
            }
            if tools.iter().any(|other| other.name == name) {
                self.invalid(&format!("{pointer}/function/name"), format!("there are two tools `{name}`"));
                continue;
            }
            let parameters = match &function["parameters"] {
                Value::Null => json!({"type": "object"}),
                schema @ (Value::Object(_) | Value::Bool(_)) => schema.clone(),
                _ => {
                    self.invalid(&format!("{pointer}/function/parameters"), "this must be a JSON Schema");
                    continue;
                }
            };
            tools.push(Tool { name: name.to_owned(), parameters, index });
        }
        tools
    }

    /// The choice, and the names of the tools it is among, if not all.
    fn choice(&mut self, choice: &Value, tools: &[Tool]) -> (Choice, Option<Vec<String>>) {
        match choice {
            Value::Null => return (Choice::Auto, None),
            Value::String(mode) => {
                if let Some(mode) = self.mode(mode) {
                    return (mode, None);
                }
            }
            Value::Object(_) if choice["type"] == "function" => {
                if let Some(name) = self.name(&choice["function"]["name"], "/tool_choice/function/name", tools) {
                    return (Choice::Named, Some(vec![name]));
                }
                return (Choice::Auto, None);
            }
            Value::Object(_) if choice["type"] == "allowed_tools" => {
                let allowed = &choice["allowed_tools"];
                let mode = match allowed["mode"].as_str() {
                    Some("auto") => Choice::Auto,
                    Some("required") => Choice::Required,
                    _ => {
                        self.invalid("/tool_choice/allowed_tools/mode", "this must be `auto` or `required`");
                        Choice::Auto
                    }
                };
                let list = allowed["tools"].as_array().map_or(&[][..], Vec::as_slice);
                if list.is_empty() {
                    self.invalid("/tool_choice/allowed_tools/tools", "this must be a list of at least one tool");
                }
                let names = list.iter().enumerate().filter_map(|(index, tool)| {
                    let pointer = format!("/tool_choice/allowed_tools/tools/{index}/function/name");
                    self.name(&tool["function"]["name"], &pointer, tools)
                });
                return (mode, Some(names.collect()));
            }
            _ => {}
        }
        self.invalid(
            "/tool_choice",
            "this must be `auto`, `none`, `required`, {\"type\": \"function\", …} or {\"type\": \"allowed_tools\", …}",
        );
        (Choice::Auto, None)
    }

    fn mode(&self, mode: &str) -> Option<Choice> {
        match mode {
            "auto" => Some(Choice::Auto),
            "none" => Some(Choice::None),
            "required" => Some(Choice::Required),
            _ => None,
        }
    }

    fn name(&mut self, name: &Value, pointer: &str, tools: &[Tool]) -> Option<String> {
        let name = name.as_str().unwrap_or_default();
        if tools.iter().any(|tool| tool.name == name) {
            return Some(name.to_owned());
        }
        if !self.has_tools_at_fault {
            self.invalid(pointer, format!("there is no tool `{name}`"));
        }
        None
    }
}
