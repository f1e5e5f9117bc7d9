//! When a model thinks before it answers a chat.

/// When a model thinks before it answers a chat, with `<think>` and `</think>` around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In every answer.
    Always,
    /// Unless `chat_template_kwargs.enable_thinking` is false.
    UnlessDisabled,
    /// If `chat_template_kwargs.thinking` is true.
    IfEnabled,
}

impl Mode {
    /// The mode of a model family, by the name of its reasoning parser.
    pub fn of_parser(name: &str) -> Option<Self> {
        Some(match name {
            "deepseek-r1" | "step3" | "step3p5" => Self::Always,
            "qwen3" | "qwen3-thinking" | "interns1" | "glm45" | "nemotron_3" | "minimax" => Self::UnlessDisabled,
            "deepseek-v3" | "deepseek-v4" => Self::IfEnabled,
            _ => return None,
        })
    }
}
