//! How models think before they answer: what stands around it, and when they do.

/// When a model thinks before it answers a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In every answer.
    Always,
    /// Unless this member of `chat_template_kwargs` is false.
    Unless(&'static str),
    /// If this member of `chat_template_kwargs` is true.
    If(&'static str),
    /// If `reasoning_effort` is there and not `none`.
    ByEffort,
}

/// How a family of models thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasoningParser {
    pub(crate) mode: Mode,
    /// The text that begins the thinking, of one token or several.
    pub(crate) start: &'static str,
    /// The text that ends it.
    pub(crate) end: &'static str,
}

impl ReasoningParser {
    /// That of `/generate` where nothing is known of the model.
    pub(crate) const DEFAULT: Self = Self::think(Mode::Always);

    /// The names that [`from_name`](Self::from_name) knows.
    pub const NAMES: [&'static str; 23] = [
        "deepseek-r1",
        "step3",
        "step3p5",
        "qwen3",
        "qwen3-thinking",
        "interns1",
        "minimax",
        "glm45",
        "nemotron_3",
        "telechat4",
        "deepseek-v3",
        "deepseek-v4",
        "mimo",
        "poolside_v1",
        "kimi",
        "kimi_k2",
        "kimi_k3",
        "minimax-m3",
        "gemma4",
        "mistral",
        "hunyuan",
        "cohere_command4",
        "apertus2509",
    ];

    const fn think(mode: Mode) -> Self {
        Self { mode, start: "<think>", end: "</think>" }
    }

    /// The parser of a family, by its name in SGLang.
    pub fn from_name(name: &str) -> Option<Self> {
        let other = |mode, start, end| Self { mode, start, end };
        Some(match name {
            "deepseek-r1" | "step3" | "step3p5" => Self::think(Mode::Always),
            "qwen3" | "qwen3-thinking" | "interns1" | "minimax" | "glm45" | "nemotron_3" | "telechat4" => {
                Self::think(Mode::Unless("enable_thinking"))
            }
            "deepseek-v3" | "deepseek-v4" => Self::think(Mode::If("thinking")),
            "mimo" | "poolside_v1" => Self::think(Mode::If("enable_thinking")),
            "kimi" => other(Mode::Always, "◁think▷", "◁/think▷"),
            "kimi_k2" => Self::think(Mode::Unless("thinking")),
            "kimi_k3" => other(Mode::Unless("thinking"), "<|open|>think<|sep|>", "<|close|>think<|sep|>"),
            "minimax-m3" => other(Mode::Always, "<mm:think>", "</mm:think>"),
            "gemma4" => other(Mode::If("enable_thinking"), "<|channel>thought\n", "<channel|>"),
            "mistral" => other(Mode::ByEffort, "[THINK]", "[/THINK]"),
            "hunyuan" => Self::think(Mode::ByEffort),
            "cohere_command4" => other(Mode::Always, "<|START_THINKING|>", "<|END_THINKING|>"),
            "apertus2509" => other(Mode::Always, "<|inner_prefix|>", "<|inner_suffix|>"),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ReasoningParser;

    #[test]
    fn every_name_is_known() {
        assert!(ReasoningParser::NAMES.iter().all(|name| ReasoningParser::from_name(name).is_some()));
        assert_eq!(ReasoningParser::from_name("gpt-2"), None);
    }
}
