//! Tools: what a request says of them, the constraint under which a model calls them, and the calls in its answer.
//!
//! ```text
//! request ─ Tools::read → Tools ┬ constraint (a structural tag of the model's family, or a JSON list) → grammar
//!                               └ reader: text as it comes → content and calls
//! ```

mod aliases;
mod arguments;
mod choice;
mod list;
mod parameters;
mod reader;
mod written;

use std::collections::HashSet;

use compilers::structural_tag::{self, Request};
use mask_runtime::{TokenKind, Vocabulary};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::fields::Fields;
use crate::grammar::{Constraint, Requested};
use crate::reasoning::ReasoningParser;
use crate::token_texts::TokenTexts;
use crate::tool_format::ToolFormat;
use choice::Choice;
use parameters::Patience;
pub(super) use reader::{CallReader, Piece};
use written::Written;

/// The most tools of a request: the grammar of calls, and the prompt, have all of them.
const MAX_TOOLS: usize = 1_024;

/// The tools of a request.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    /// As the request has them, but for those that may not be called.
    pub(super) list: Vec<Value>,
    /// Where each of them is in the request.
    places: Vec<usize>,
    choice: Choice,
    parallel: bool,
    /// How the model writes calls; `None` is a JSON list, and only if a call is required.
    format: Option<ToolFormat>,
    /// Texts that are never between calls: those around the model's thinking.
    excludes: Vec<&'static str>,
    /// For reading all calls of the answers.
    patience: Patience,
}

impl Tools {
    /// Reads what a request says of tools.
    pub(super) fn read(
        fields: &Fields<'_>,
        format: Option<ToolFormat>,
        reasoning: Option<ReasoningParser>,
    ) -> Result<Self, ApiError> {
        let list = fields.list("tools")?.unwrap_or_default();
        let invalid = |message: String| Err(ApiError::Invalid(message));
        if list.len() > MAX_TOOLS {
            return invalid(format!("tools must have at most {MAX_TOOLS} entries, got {}.", list.len()));
        }
        let mut names = HashSet::new();
        for (index, tool) in list.iter().enumerate() {
            if !(tool["type"].is_null() || tool["type"] == "function") {
                return invalid(format!("tools[{index}].type must be function, got {}.", tool["type"]));
            }
            let name = tool["function"]["name"].as_str();
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                return invalid(format!("tools[{index}].function.name must be a string that is not empty."));
            };
            let strict = &tool["function"]["strict"];
            if !(strict.is_null() || strict.is_boolean()) {
                return invalid(format!("tools[{index}].function.strict must be true or false, got {strict}."));
            }
            if !names.insert(name) {
                return invalid(format!("tools[{index}].function.name: there are two tools named '{name}'."));
            }
            let parameters = &tool["function"]["parameters"];
            if !parameters.is_null() && !parameters.is_object() {
                return invalid(format!(
                    "Tool {index} function has invalid 'parameters' schema: it must be an object."
                ));
            }
        }
        let mut list = list.to_vec();
        // Without parameters a tool takes none. Templates of models expect to find them.
        for tool in &mut list {
            let function = &mut tool["function"];
            if function["parameters"].is_null() {
                function["parameters"] = json!({"type": "object", "properties": {}});
            }
            aliases::normalize(&mut function["parameters"]);
        }
        let no_object =
            |tool: &Value| tool["function"]["parameters"]["type"].as_str().is_some_and(|kind| kind != "object");
        if let Some(index) = list.iter().position(no_object) {
            let kind = &list[index]["function"]["parameters"]["type"];
            return invalid(format!(
                "Tool {index} function has invalid 'parameters' schema: its type must be object, not {kind}."
            ));
        }
        let (choice, tools) = Choice::read(fields.value("tool_choice"), list)?;
        let (places, list) = tools.into_iter().unzip();
        let excludes = reasoning.map_or_else(Vec::new, |parser| vec![parser.start, parser.end]);
        Ok(Self {
            excludes,
            list,
            places,
            choice,
            parallel: fields.flag("parallel_tool_calls")?.unwrap_or(true),
            format,
            patience: Patience::default(),
        })
    }

    /// Whether there is nothing to call.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether there may be at most one call.
    fn is_single(&self) -> bool {
        !self.parallel || self.choice == Choice::Named
    }

    /// The special tokens that are part of how the model writes calls, so that calls can be read.
    pub(super) fn special_tokens(&self, vocabulary: &Vocabulary) -> Vec<u32> {
        let Some(written) = self.format.filter(|_| !self.list.is_empty()).and_then(Written::of) else {
            return Vec::new();
        };
        let is_written = |id: &u32| {
            let name = vocabulary.name(*id);
            vocabulary.kind(*id) == TokenKind::Special && written.texts().any(|text| text.contains(&*name))
        };
        (0..vocabulary.size() as u32).filter(is_written).collect()
    }

    /// The constraint under which the model calls tools. `own` is the request's own constraint.
    pub(super) fn constraint(
        &self,
        own: Option<Requested>,
        tokens: &TokenTexts<'_>,
    ) -> Result<Option<Requested>, ApiError> {
        if self.list.is_empty() {
            return Ok(own);
        }
        if own.is_some() {
            let message = "tools cannot be combined with response_format, regex or ebnf, which would keep the model \
                           from calling them; leave one out, or set tool_choice to none.";
            return Err(ApiError::Invalid(message.to_owned()));
        }
        let constraint = match self.format {
            None if self.choice.must_call() => list::constraint(&self.list, self.is_single())?,
            None => return Ok(None),
            Some(ToolFormat::FunctionTag) => Constraint::tag(&self.function_tags()),
            Some(ToolFormat::Family(family)) => {
                let choice = match self.choice {
                    Choice::None => "none".into(),
                    Choice::Auto => "auto".into(),
                    Choice::Required => "required".into(),
                    Choice::Named => {
                        json!({"type": "function", "function": {"name": self.list[0]["function"]["name"]}})
                    }
                };
                let request = json!({"tools": self.list, "tool_choice": choice, "parallel_tool_calls": self.parallel});
                let tag = Request::from_json(&request)
                    .and_then(|request| structural_tag::for_family(family, &request, Some(tokens)));
                let tag = tag.map_err(|fault| ApiError::Invalid(format!("tools: {fault}")))?;
                Constraint::tag(&tag)
            }
        };
        Ok(Some(Requested { constraint, field: "tools".to_owned() }))
    }

    /// The schema of each tool by itself, with the place in the request that it came from.
    pub(super) fn schemas(&self) -> impl Iterator<Item = Requested> + '_ {
        self.list.iter().zip(&self.places).map(|(tool, place)| Requested {
            constraint: Constraint::json(&tool["function"]["parameters"]),
            field: format!("tools[{place}].function.parameters"),
        })
    }

    fn function_tags(&self) -> Value {
        let tag = |tool: &Value| {
            let function = &tool["function"];
            let name = function["name"].as_str().unwrap_or_default();
            let schema = match &function["parameters"] {
                Value::Null => json!({"type": "object"}),
                schema => schema.clone(),
            };
            let content = json!({"type": "json_schema", "json_schema": schema});
            json!({"type": "tag", "begin": format!("<function={name}>"), "content": content, "end": "</function>"})
        };
        let tags: Vec<Value> = self.list.iter().map(tag).collect();
        let format = match (self.choice, tags.as_slice()) {
            (Choice::Named, [tag]) => tag.clone(),
            _ => json!({
                "type": "triggered_tags",
                "triggers": ["<function="],
                "tags": tags,
                "at_least_one": self.choice == Choice::Required,
                "stop_after_first": self.is_single(),
                "excludes": self.excludes,
            }),
        };
        json!({"type": "structural_tag", "format": format})
    }

    /// What finds the calls in an answer; `None` if there are none to find.
    pub(super) fn reader(&self) -> Option<CallReader> {
        match self.format {
            _ if self.list.is_empty() => None,
            None if !self.choice.must_call() => None,
            format => Some(CallReader::new(format, &self.list, &self.patience)),
        }
    }
}
