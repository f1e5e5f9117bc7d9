//! How families of models write calls of tools.

use compilers::structural_tag::Family;

/// How a family of models writes calls of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolFormat {
    /// `<function=NAME>ARGUMENTS</function>`, Llama 3.1's format of custom tools.
    FunctionTag,
    /// That of a family.
    Family(Family),
}

impl ToolFormat {
    /// The names that [`from_name`](Self::from_name) knows, one for each format.
    pub const NAMES: [&'static str; 12] = [
        "function_tag",
        "llama3",
        "hermes",
        "qwen25",
        "deepseekv3",
        "deepseekv31",
        "deepseekv32",
        "deepseekv4",
        "kimi_k2",
        "qwen3_coder",
        "glm47",
        "minimax-m2",
    ];

    /// The format with the name of a tool call parser.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(Self::Family(match name {
            "function_tag" => return Some(Self::FunctionTag),
            "llama3" => Family::Llama3,
            "hermes" => Family::Hermes,
            "qwen" | "qwen25" | "qwen3" => Family::Qwen3,
            "deepseekv3" | "deepseek_r1" => Family::DeepSeekR1,
            "deepseekv31" => Family::DeepSeekV31,
            "deepseekv32" => Family::DeepSeekV32,
            "deepseekv4" => Family::DeepSeekV4,
            "kimi_k2" => Family::KimiK2,
            "qwen3_coder" => Family::Qwen3Coder,
            "glm47" => Family::Glm47,
            "minimax-m2" => Family::MiniMax,
            _ => return None,
        }))
    }
}
