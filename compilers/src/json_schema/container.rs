//! Containers as scopes: what can be selected in an array or an object, and the brackets around it.

use grammar_ir::{Element, ElementOrder, ExprId, GrammarBuilder, Mark, ScopeRules};

use super::tally::Tally;
use super::whitespace::Layout;

/// The elements of a container that is written as one scope.
#[derive(Debug, Default)]
pub(super) struct Elements {
    list: Vec<Element>,
    required: Vec<bool>,
}

impl Elements {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// A slot for elements that are alternatives of each other.
    pub(super) fn slot(&mut self, required: bool) -> u32 {
        self.required.push(required);
        (self.required.len() - 1) as u32
    }

    /// The mark that selects `element`.
    pub(super) fn mark(&mut self, element: Element) -> Mark {
        self.list.push(element);
        Mark::Element((self.list.len() - 1) as u32)
    }

    /// The rules of a scope with these elements.
    pub(super) fn rules(self, order: ElementOrder, min: u32, max: Option<u32>, tallies: &[Tally]) -> ScopeRules {
        ScopeRules {
            elements: self.list.into(),
            required: self.required.into(),
            order,
            min,
            max,
            tallies: tallies.iter().map(|tally| tally.rule()).collect(),
        }
    }
}

/// A container of any number of parts.
pub(super) fn repeated(brackets: [&str; 2], part: ExprId, layout: Layout, builder: &mut GrammarBuilder) -> ExprId {
    let another = builder.sequence([layout.comma, part]);
    let others = builder.repeat(another, 0, None);
    enclosed(brackets, Some([part, others]), layout, builder)
}

/// Brackets around nothing or around the first part and what follows it, the closing one marked.
pub(super) fn enclosed(
    brackets: [&str; 2],
    parts: Option<[ExprId; 2]>,
    layout: Layout,
    builder: &mut GrammarBuilder,
) -> ExprId {
    let (open, close) = (builder.literal(brackets[0]), builder.literal(brackets[1]));
    let close = builder.marked(Mark::Close, close);
    let mut arms = vec![layout.empty];
    if let Some([first, others]) = parts {
        arms.push(builder.sequence([layout.open, first, others, layout.close]));
    }
    let inside = builder.choice(arms);
    builder.sequence([open, inside, close])
}
