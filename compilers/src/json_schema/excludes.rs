//! Texts that strings and keys may not contain.

use grammar_ir::regular::CharAutomaton;
use grammar_ir::{Budget, LimitError};
use serde_json::Value;

use super::language::Language;
use super::normal::{StringShape, Texts};

/// The texts that [`Options::string_excludes`](super::Options::string_excludes) excludes.
#[derive(Debug)]
pub(super) struct Excludes {
    texts: Vec<String>,
    /// The texts that contain none of them.
    pub(super) free: CharAutomaton,
}

impl Excludes {
    /// `None` when nothing is excluded.
    pub(super) fn new(texts: &[String], budget: &mut Budget<'_>) -> Result<Option<Self>, LimitError> {
        if texts.is_empty() {
            return Ok(None);
        }
        let any = CharAutomaton::any_text();
        let listed = CharAutomaton::union_of(texts.iter().map(|text| CharAutomaton::literal(text)).collect(), budget)?;
        let free = any.concatenate(&listed, budget)?.concatenate(&any, budget)?.complement(budget)?;
        Ok(Some(Self { texts: texts.to_vec(), free }))
    }

    /// Whether `text` contains one of the texts.
    pub(super) fn forbids(&self, text: &str) -> bool {
        self.texts.iter().any(|excluded| text.contains(excluded))
    }

    /// Whether a string or key in `value` contains one of the texts. The nesting is bounded by the parser.
    pub(super) fn forbids_value(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.forbids(text),
            Value::Array(items) => items.iter().any(|item| self.forbids_value(item)),
            Value::Object(members) => {
                members.iter().any(|(key, member)| self.forbids(key) || self.forbids_value(member))
            }
            _ => false,
        }
    }

    /// The strings of `shape` that are left, unless a pattern or format says which those are.
    pub(super) fn restrict(
        &self,
        shape: &StringShape,
        budget: &mut Budget<'_>,
    ) -> Result<Option<StringShape>, LimitError> {
        let language = match &shape.texts {
            Texts::Run(None) => self.free.clone(),
            Texts::Run(Some(set)) => {
                CharAutomaton::from_set(set).repeat(0, None, budget)?.intersection(&self.free, budget)?
            }
            Texts::Language(_) | Texts::Counted { .. } | Texts::Pattern { .. } => return Ok(None),
        };
        Ok(Some(StringShape { texts: Texts::Language(Language::new(language)), ..shape.clone() }))
    }
}
