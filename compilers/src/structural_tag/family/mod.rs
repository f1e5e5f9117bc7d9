//! The tags that model families write tool calls with, from a list of tools as chat completion requests have it.
//!
//! ```text
//! request (tools, tool_choice, …) ─ request → Request ─ tag, by the layout of the family → structural tag (JSON)
//! ```

mod harmony;
mod layout;
mod pieces;
mod places;
mod request;

use serde_json::{Value, json};

use self::layout::Layout;
use self::pieces::Pieces;
pub use self::places::in_request;
pub use self::request::{Choice, Reasoning, Request, Tool};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use crate::gbnf::TokenNames;

/// A family of models that write tool calls in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Llama 3.
    Llama3,
    /// Qwen 3.
    Qwen3,
    /// Hermes.
    Hermes,
    /// Qwen 3 Coder.
    Qwen3Coder,
    /// DeepSeek R1 and V3.
    DeepSeekR1,
    /// DeepSeek V3.1.
    DeepSeekV31,
    /// DeepSeek V3.2.
    DeepSeekV32,
    /// DeepSeek V4.
    DeepSeekV4,
    /// Kimi K2.
    KimiK2,
    /// GLM 4.7.
    Glm47,
    /// MiniMax M2.
    MiniMax,
    /// Harmony, the format of gpt-oss.
    Harmony,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Llama3,
        Self::Qwen3,
        Self::Hermes,
        Self::Qwen3Coder,
        Self::DeepSeekR1,
        Self::DeepSeekV31,
        Self::DeepSeekV32,
        Self::DeepSeekV4,
        Self::KimiK2,
        Self::Glm47,
        Self::MiniMax,
        Self::Harmony,
    ];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama3 => "llama3",
            Self::Qwen3 => "qwen3",
            Self::Hermes => "hermes",
            Self::Qwen3Coder => "qwen3_coder",
            Self::DeepSeekR1 => "deepseek_r1",
            Self::DeepSeekV31 => "deepseek_v3_1",
            Self::DeepSeekV32 => "deepseek_v3_2",
            Self::DeepSeekV4 => "deepseek_v4",
            Self::KimiK2 => "kimi_k2",
            Self::Glm47 => "glm_4_7",
            Self::MiniMax => "minimax",
            Self::Harmony => "harmony",
        }
    }

    /// The family with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }
}

/// The structural tag for what a model of `family` may answer to `request`.
///
/// Delimiters that are special tokens of the vocabulary are matched as those tokens, others as text.
///
/// ```
/// use compilers::structural_tag::{self, Family, Request};
/// use grammar_ir::{Limits, interp};
/// let request = serde_json::json!({"tools": [{"type": "function", "function": {
///     "name": "now", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}}}]});
/// let request = Request::from_json(&request)?;
/// let tag = structural_tag::for_family(Family::Qwen3, &request, None)?.to_string();
/// let grammar = structural_tag::compile(&tag, &Default::default(), None, &Limits::default())?;
/// let answer = "Let me look.\n<tool_call>\n{\"name\": \"now\", \"arguments\": {\"zone\": \"UTC\"}}\n</tool_call>";
/// assert!(interp::accepts(&grammar, answer.as_bytes()));
/// # Ok::<(), compilers::diagnostic::Diagnostics>(())
/// ```
///
/// # Errors
/// When the family has no reasoning and the request asks for it. What is wrong with the schemas shows when the tag is
/// compiled; [`in_request`] says where in the request that is.
pub fn for_family(family: Family, request: &Request, tokens: Option<&dyn TokenNames>) -> Result<Value, Diagnostics> {
    let pieces = Pieces::new(tokens);
    let format = if family == Family::Harmony {
        harmony::format(request, &pieces)
    } else {
        let layout = Layout::of(family);
        let answer = answer(&layout, request, &pieces);
        with_reasoning(family, &layout, request.reasoning, answer, &pieces)?
    };
    Ok(json!({"type": "structural_tag", "format": format}))
}

/// Text and calls, without reasoning.
fn answer(layout: &Layout, request: &Request, pieces: &Pieces<'_>) -> Value {
    let mut excludes: Vec<&str> = match layout.thinking {
        Some(_) => vec!["<think>", "</think>"],
        None => Vec::new(),
    };
    let calls: Vec<Value> = request.tools.iter().map(|tool| pieces::sequence(layout.call(tool, pieces))).collect();
    if calls.is_empty() || request.choice == Choice::None {
        excludes.push(layout.trigger);
        return json!({"type": "any_text", "excludes": excludes});
    }
    let call = json!({"type": "or", "elements": calls});
    let single = !request.parallel_tool_calls || request.choice == Choice::Named;
    // What comes after the text: one call, or a block of calls.
    let unit = match layout.block {
        None => vec![call],
        Some(block) => {
            let mut unit = pieces.of(block.begin);
            unit.push(call.clone());
            if !single {
                let mut another = pieces.of(block.separator);
                another.push(call);
                unit.push(json!({"type": "star", "content": pieces::sequence(another)}));
            }
            unit.extend(pieces.of(block.end));
            unit
        }
    };
    if request.choice == Choice::Named {
        return pieces::sequence(unit);
    }
    let at_least_one = request.choice == Choice::Required;
    pieces.interleaved(layout.trigger, unit, &excludes, at_least_one, single)
}

/// Reasoning before `answer`, as the request wants it.
fn with_reasoning(
    family: Family,
    layout: &Layout,
    reasoning: Reasoning,
    answer: Value,
    pieces: &Pieces<'_>,
) -> Result<Value, Diagnostics> {
    let Some(after) = layout.thinking else {
        if reasoning == Reasoning::Enabled {
            let message = format!("the family `{}` has no reasoning", family.name());
            return Err(Diagnostic::new(Code::Invalid, Place::Pointer("/reasoning".to_owned()), message)
                .with_help("leave it out, or disable it")
                .into());
        }
        return Ok(answer);
    };
    let mut thinking = Vec::new();
    if pieces.is_token("<think>") {
        thinking.push(json!({"type": "optional", "content": pieces::sequence(pieces.of("<think>"))}));
    }
    thinking.push(json!({"type": "any_text", "excludes": ["</think>"]}));
    thinking.extend(pieces.of(after));
    let thinking = pieces::sequence(thinking);
    Ok(match reasoning {
        Reasoning::Disabled => answer,
        Reasoning::Enabled => pieces::sequence(vec![thinking, answer]),
        Reasoning::Auto => pieces::sequence(vec![json!({"type": "optional", "content": thinking}), answer]),
    })
}
