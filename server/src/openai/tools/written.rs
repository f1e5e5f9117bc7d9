//! How a format writes calls, for reading them back.

use compilers::structural_tag::Family;

use crate::tool_format::ToolFormat;

/// How the arguments of a call are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arguments {
    /// As a JSON object.
    Json,
    /// As elements, one for each member.
    Elements(Element),
}

/// How a member is written as an element. Strings are raw, other values JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// What stands before the key.
    pub(super) before_key: &'static str,
    /// What stands between key and value, each with whether it says that the value is a string; `None` says nothing.
    pub(super) after_key: &'static [(&'static str, Option<bool>)],
    /// What stands after the value.
    pub(super) end: &'static str,
    /// Whether models put a line break before and after a string.
    pub(super) pads: bool,
}

pub(super) const QWEN: Element =
    Element { before_key: "<parameter=", after_key: &[(">", None)], end: "</parameter>", pads: true };
pub(super) const MINIMAX: Element =
    Element { before_key: "<parameter name=\"", after_key: &[("\">", None)], end: "</parameter>", pads: false };
const DEEPSEEK: Element = Element {
    before_key: "<｜DSML｜parameter name=\"",
    after_key: &[("\" string=\"true\">", Some(true)), ("\" string=\"false\">", Some(false))],
    end: "</｜DSML｜parameter>",
    pads: false,
};
pub(super) const GLM: Element = Element {
    before_key: "<arg_key>",
    after_key: &[("</arg_key><arg_value>", None)],
    end: "</arg_value>",
    pads: false,
};

/// How a format writes calls. How much white space there is in and between the parts does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// What ends the text before a call.
    pub(super) trigger: &'static str,
    /// What stands before the name.
    pub(super) before_name: &'static str,
    /// What stands between the name and the arguments.
    pub(super) after_name: &'static str,
    pub(super) arguments: Arguments,
    /// What stands after the arguments.
    pub(super) end: &'static str,
    /// What stands around a number of calls.
    pub(super) block: Option<(&'static str, &'static str)>,
}

impl Written {
    /// Whether values are written without their types, so that the schema has to say what they are.
    pub(super) fn asks_schemas(&self) -> bool {
        match self.arguments {
            Arguments::Json => false,
            Arguments::Elements(element) => element.after_key.iter().any(|(_, is_string)| is_string.is_none()),
        }
    }

    /// The texts that calls are made of, beside names and arguments.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'static str> {
        let (begin, end) = self.block.unwrap_or_default();
        let of_elements = match self.arguments {
            Arguments::Json => Vec::new(),
            Arguments::Elements(Element { before_key, after_key, end, .. }) => {
                after_key.iter().map(|&(text, _)| text).chain([before_key, end]).collect()
            }
        };
        [self.trigger, self.before_name, self.after_name, self.end, begin, end].into_iter().chain(of_elements)
    }

    /// How `format` writes calls; `None` for Harmony, whose calls are messages of their own.
    pub(super) fn of(format: ToolFormat) -> Option<Self> {
        let written = |trigger, before_name, after_name, arguments, end, block| {
            Some(Self { trigger, before_name, after_name, arguments, end, block })
        };
        let family = match format {
            ToolFormat::FunctionTag => {
                return written("<function=", "<function=", ">", Arguments::Json, "</function>", None);
            }
            ToolFormat::Family(family) => family,
        };
        match family {
            Family::Llama3 => {
                written("{\"name\": ", "{\"name\": \"", "\", \"parameters\": ", Arguments::Json, "}", None)
            }
            Family::Qwen3 | Family::Hermes => written(
                "<tool_call>",
                "<tool_call>\n{\"name\": \"",
                "\", \"arguments\": ",
                Arguments::Json,
                "}\n</tool_call>",
                None,
            ),
            Family::DeepSeekR1 => written(
                "<｜tool▁calls▁begin｜>",
                "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
                "\n```json\n",
                Arguments::Json,
                "\n```<｜tool▁call▁end｜>",
                Some(("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")),
            ),
            Family::DeepSeekV31 => written(
                "<｜tool▁calls▁begin｜>",
                "<｜tool▁call▁begin｜>",
                "<｜tool▁sep｜>",
                Arguments::Json,
                "<｜tool▁call▁end｜>",
                Some(("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")),
            ),
            Family::KimiK2 => written(
                "<|tool_calls_section_begin|>",
                "<|tool_call_begin|>functions.",
                "<|tool_call_argument_begin|>",
                Arguments::Json,
                "<|tool_call_end|>",
                Some(("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>")),
            ),
            Family::Qwen3Coder => written(
                "<tool_call>",
                "<tool_call>\n<function=",
                ">",
                Arguments::Elements(QWEN),
                "</function>\n</tool_call>",
                None,
            ),
            Family::DeepSeekV32 | Family::DeepSeekV4 => {
                let block = match family {
                    Family::DeepSeekV32 => ("<｜DSML｜function_calls>", "</｜DSML｜function_calls>"),
                    _ => ("<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>"),
                };
                let arguments = Arguments::Elements(DEEPSEEK);
                written(block.0, "<｜DSML｜invoke name=\"", "\">", arguments, "</｜DSML｜invoke>", Some(block))
            }
            Family::Glm47 => written("<tool_call>", "<tool_call>", "", Arguments::Elements(GLM), "</tool_call>", None),
            Family::MiniMax => written(
                "<minimax:tool_call>",
                "<invoke name=\"",
                "\">",
                Arguments::Elements(MINIMAX),
                "</invoke>",
                Some(("<minimax:tool_call>", "</minimax:tool_call>")),
            ),
            _ => None,
        }
    }
}
