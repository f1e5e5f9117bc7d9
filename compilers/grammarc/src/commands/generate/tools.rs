//! The tools a model may call: what it is told of them, and the grammar that its calls follow.

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use compilers::structural_tag::{self, Family, Request};
use mask_runtime::{CompiledGrammar, Tokenizer};
use serde_json::{Value, json};

use crate::args::Kind;
use crate::failure::Failure;
use crate::grammar::Given;
use crate::input::{self, Source};
use crate::pipeline;
use crate::settings::Settings;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Tool options")]
pub(super) struct ToolArgs {
    /// File with the tools the model may call: a JSON list in the form of OpenAI's API
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,

    /// Constrain calls to the form in which this family of models writes them
    #[arg(long, value_name = "FAMILY", requires = "tools", conflicts_with = "SourceArgs")]
    #[arg(value_parser = PossibleValuesParser::new(Family::ALL.map(Family::name)))]
    tool_format: Option<String>,

    /// Whether to call: auto, none, required, or the name of a tool
    #[arg(long, value_name = "CHOICE", default_value = "auto", requires = "tool_format")]
    tool_choice: String,

    /// At most one call
    #[arg(long, requires = "tool_format")]
    single_tool_call: bool,
}

/// A tool in the form of OpenAI's API.
const EXAMPLE: &str = r#"{"type": "function", "function": {"name": "…", "parameters": {…}}}"#;

/// The tool as chat templates expect it: a function alone as a tool, and with the schema of an object without properties if it
/// has no parameters.
fn normalized(tool: Value) -> Value {
    let mut tool = if tool.get("function").is_some() { tool } else { json!({"type": "function", "function": tool}) };
    let function = &mut tool["function"];
    if function["parameters"].is_null() {
        function["parameters"] = json!({"type": "object", "properties": {}});
    }
    tool
}

impl ToolArgs {
    /// The tools, none without a file.
    pub(super) fn list(&self) -> Result<Vec<Value>, Failure> {
        let Some(path) = &self.tools else { return Ok(Vec::new()) };
        let text = input::read_text(path)?;
        let fault = |message: String| Failure::Input(format!("{}: {message}", path.display()));
        match serde_json::from_str(&text).map_err(|error| fault(error.to_string()))? {
            Value::Array(tools) => {
                let odd = tools.iter().position(|tool| {
                    tool.get("function").unwrap_or(tool).get("name").is_none_or(|name| !name.is_string())
                });
                match odd {
                    Some(index) => Err(fault(format!(
                        "/{index}/function/name is missing: a tool is an object like {EXAMPLE}, found {}",
                        tools[index]
                    ))),
                    None => Ok(tools.into_iter().map(normalized).collect()),
                }
            }
            _ => Err(fault("the tools have to be a JSON list".to_owned())),
        }
    }

    /// The grammar of answers with calls of `tools`, if they are to be constrained.
    pub(super) fn grammar(
        &self,
        tools: &[Value],
        settings: &Settings,
        tokenizer: &Arc<Tokenizer>,
    ) -> Result<Option<Arc<CompiledGrammar>>, Failure> {
        let Some(family) = self.tool_format.as_deref().and_then(Family::from_name) else { return Ok(None) };
        let choice = match self.tool_choice.as_str() {
            mode @ ("auto" | "none" | "required") => json!(mode),
            name => json!({"type": "function", "function": {"name": name}}),
        };
        let json = json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": !self.single_tool_call});
        let source = |text: String| Source { name: "--tools".to_owned(), text, kind: Kind::StructuralTag };
        let fault = |diagnostics| Failure::Grammar { source_text: Box::new(source(json.to_string())), diagnostics };
        let names = pipeline::Names::of_tag(tokenizer.vocabulary());
        let request = Request::from_json(&json).map_err(fault)?;
        let tag = structural_tag::for_family(family, &request, Some(&names)).map_err(fault)?;
        match Given::Text(source(tag.to_string())).compile(settings, tokenizer.clone()) {
            Err(Failure::Grammar { diagnostics, .. }) => {
                Err(fault(structural_tag::in_request(family, &request, Some(&names), &diagnostics)))
            }
            compiled => compiled.map(Some),
        }
    }
}
