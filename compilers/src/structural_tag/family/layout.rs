//! How each family writes a call, and what stands around calls.

use serde_json::{Value, json};

use super::Family;
use super::pieces::Pieces;
use super::request::Tool;
use crate::json_schema::XmlStyle;

/// What a family writes; the delimiters are those of the chat templates of its models.
pub(super) struct Layout {
    family: Family,
    /// What the first call, or a block of calls, begins with; free text ends there.
    pub(super) trigger: &'static str,
    /// What stands around all calls.
    pub(super) block: Option<Block>,
    /// What ends the reasoning; `None` for families without.
    pub(super) thinking: Option<&'static str>,
}

/// A block of calls.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// What it begins with.
    pub(super) begin: &'static str,
    /// What stands between two calls.
    pub(super) separator: &'static str,
    /// What it ends with.
    pub(super) end: &'static str,
}

impl Layout {
    /// The layout of a family; not of Harmony, whose calls are messages of their own.
    pub(super) fn of(family: Family) -> Self {
        let (trigger, thinking) = match family {
            Family::Llama3 | Family::Harmony => ("{\"name\": ", None),
            Family::Qwen3 | Family::Hermes => ("<tool_call>", Some("</think>\n\n")),
            Family::Qwen3Coder => ("<tool_call>\n<function=", Some("</think>\n\n")),
            Family::DeepSeekR1 | Family::DeepSeekV31 => ("<｜tool▁calls▁begin｜>", Some("</think>")),
            Family::DeepSeekV32 => ("<｜DSML｜function_calls>", Some("</think>")),
            Family::DeepSeekV4 => ("<｜DSML｜tool_calls>", Some("</think>")),
            Family::KimiK2 => ("<|tool_calls_section_begin|>", Some("</think>")),
            Family::Glm47 => ("<tool_call>", Some("</think>")),
            Family::MiniMax => ("<minimax:tool_call>", Some("</think>\n\n")),
        };
        let block = |begin, separator, end| Some(Block { begin, separator, end });
        let block = match family {
            Family::DeepSeekR1 => block("<｜tool▁calls▁begin｜>", "\n", "<｜tool▁calls▁end｜>"),
            Family::DeepSeekV31 => block("<｜tool▁calls▁begin｜>", "", "<｜tool▁calls▁end｜>"),
            Family::DeepSeekV32 => block("<｜DSML｜function_calls>\n", "", "</｜DSML｜function_calls>"),
            Family::DeepSeekV4 => block("<｜DSML｜tool_calls>\n", "", "</｜DSML｜tool_calls>"),
            Family::KimiK2 => block("<|tool_calls_section_begin|>", "", "<|tool_calls_section_end|>"),
            Family::MiniMax => block("<minimax:tool_call>\n", "", "</minimax:tool_call>"),
            _ => None,
        };
        Self { family, trigger, block, thinking }
    }

    /// The parts of one call of `tool`.
    pub(super) fn call(&self, tool: &Tool, pieces: &Pieces<'_>) -> Vec<Value> {
        let name = &tool.name;
        let quoted = json!(name).to_string();
        let (before, style, after) = match self.family {
            Family::Llama3 | Family::Harmony => (format!("{{\"name\": {quoted}, \"parameters\": "), None, "}"),
            Family::Qwen3 | Family::Hermes => {
                (format!("<tool_call>\n{{\"name\": {quoted}, \"arguments\": "), None, "}\n</tool_call>")
            }
            Family::Qwen3Coder => {
                let before = format!("<tool_call>\n<function={name}>\n");
                (before, Some(XmlStyle::Qwen), "\n</function>\n</tool_call>")
            }
            Family::DeepSeekR1 => {
                let before = format!("<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n");
                (before, None, "\n```<｜tool▁call▁end｜>")
            }
            Family::DeepSeekV31 => (format!("<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>"), None, "<｜tool▁call▁end｜>"),
            Family::DeepSeekV32 | Family::DeepSeekV4 => {
                (format!("<｜DSML｜invoke name=\"{name}\">\n"), Some(XmlStyle::DeepSeek), "</｜DSML｜invoke>\n")
            }
            Family::KimiK2 => (format!("<|tool_call_begin|>functions.{name}:"), None, "<|tool_call_end|>"),
            Family::Glm47 => (format!("<tool_call>{name}"), Some(XmlStyle::Glm), "</tool_call>"),
            Family::MiniMax => (format!("<invoke name=\"{name}\">\n"), Some(XmlStyle::MiniMax), "</invoke>\n"),
        };
        let mut parts = pieces.of(&before);
        if self.family == Family::KimiK2 {
            parts.push(json!({"type": "regex", "pattern": "[0-9]{1,9}"}));
            parts.extend(pieces.of("<|tool_call_argument_begin|>"));
        }
        parts.push(tool.arguments(style));
        parts.extend(pieces.of(after));
        parts
    }
}
