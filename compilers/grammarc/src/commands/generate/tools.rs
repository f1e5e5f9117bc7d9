//! The tools a model may call: what it is told of them, and the grammar that its calls follow.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use compilers::structural_tag::{self, Family, Request};
use mask_runtime::Vocabulary;
use serde_json::{Value, json};

use crate::args::Kind;
use crate::failure::Failure;
use crate::input::{self, Source};
use crate::pipeline;

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
                        "tools[{index}] has no name: a tool is an object like {EXAMPLE}, found {}",
                        tools[index]
                    ))),
                    None => Ok(tools),
                }
            }
            _ => Err(fault("the tools have to be a JSON list".to_owned())),
        }
    }

    /// The structural tag of answers with calls of `tools`, if they are to be constrained.
    pub(super) fn grammar(&self, tools: &[Value], vocabulary: &Vocabulary) -> Result<Option<Source>, Failure> {
        let Some(family) = self.tool_format.as_deref().and_then(Family::from_name) else { return Ok(None) };
        let choice = match self.tool_choice.as_str() {
            mode @ ("auto" | "none" | "required") => json!(mode),
            name => json!({"type": "function", "function": {"name": name}}),
        };
        let request = json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": !self.single_tool_call});
        let names = pipeline::Names::of_tag(vocabulary);
        let tag =
            Request::from_json(&request).and_then(|request| structural_tag::for_family(family, &request, Some(&names)));
        let source = |text: String| Source { name: "--tools".to_owned(), text, kind: Kind::StructuralTag };
        tag.map(|tag| Some(source(tag.to_string())))
            .map_err(|diagnostics| Failure::Grammar { source_text: Box::new(source(request.to_string())), diagnostics })
    }
}
