//! Whitespace between the tokens of a JSON text.

use grammar_ir::{ByteSet, ExprId, GrammarBuilder};

use super::options::Whitespace;

/// Containers nested deeper than this are written on one line by [`Whitespace::Indent`].
pub(super) const INDENT_LEVELS: u32 = 16;
/// Spaces and tabs after a line feed that [`Whitespace::Bounded`] allows.
const INDENT: u32 = 20;

/// The expressions for the places where whitespace may stand in a container.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Between the opening bracket and the first item, and inside an empty container.
    pub(super) open: ExprId,
    /// Inside a container without items.
    pub(super) empty: ExprId,
    /// A comma and what is around it.
    pub(super) comma: ExprId,
    /// A colon and what is around it.
    pub(super) colon: ExprId,
    /// Between the last item and the closing bracket.
    pub(super) close: ExprId,
}

/// The whitespace of one compile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spaces {
    style: Whitespace,
    gap: Option<ExprId>,
}

impl Spaces {
    /// Prepares what all layouts share, which is a rule of that name.
    pub(super) fn new(style: Whitespace, name: &str, builder: &mut GrammarBuilder) -> Self {
        let gap = match style {
            Whitespace::Any => {
                let space = builder.byte_set(ByteSet::from_iter(*b" \t\n\r"));
                Some(builder.repeat(space, 0, None))
            }
            Whitespace::AtMost(count) => {
                let space = builder.byte_set(ByteSet::from_iter(*b" \t\n\r"));
                Some(builder.repeat(space, 0, Some(count)))
            }
            Whitespace::Bounded | Whitespace::Conventional => {
                let blank = builder.byte_set(ByteSet::from_iter(*b" \t"));
                let blanks = builder.repeat(blank, 0, Some(INDENT));
                let newline = builder.literal("\n");
                let line = builder.sequence([newline, blanks]);
                let space = builder.literal(" ");
                let gap = builder.choice([space, line]);
                Some(builder.optional(gap))
            }
            Whitespace::Compact | Whitespace::Python | Whitespace::Indent(_) => None,
        };
        let gap = gap.map(|body| {
            let rule = builder.declare(name);
            builder.define(rule, body);
            builder.rule(rule)
        });
        Self { style, gap }
    }

    /// The number of levels that look different.
    pub(super) fn levels(&self) -> u32 {
        match self.style {
            Whitespace::Indent(_) => INDENT_LEVELS,
            _ => 0,
        }
    }

    /// Whether there is never white space.
    pub(super) fn are_none(&self) -> bool {
        self.style == Whitespace::AtMost(0)
    }

    /// White space between two elements of a notation that is not JSON, also where JSON has a fixed layout.
    pub(super) fn between(&self, builder: &mut GrammarBuilder) -> ExprId {
        self.gap.unwrap_or_else(|| {
            let space = builder.byte_set(ByteSet::from_iter(*b" \t\n\r"));
            builder.repeat(space, 0, Some(1))
        })
    }

    /// The layout of a container at nesting `level`, capped at [`Spaces::levels`].
    pub(super) fn layout(&self, level: u32, builder: &mut GrammarBuilder) -> Layout {
        let comma = builder.literal(",");
        let colon = builder.literal(":");
        if let (Whitespace::Conventional, Some(gap)) = (self.style, self.gap) {
            let space = builder.literal(" ");
            let space = builder.optional(space);
            return Layout {
                open: gap,
                empty: gap,
                comma: builder.sequence([comma, gap]),
                colon: builder.sequence([colon, space]),
                close: gap,
            };
        }
        if let Some(gap) = self.gap {
            return Layout {
                open: gap,
                empty: gap,
                comma: builder.sequence([gap, comma, gap]),
                colon: builder.sequence([gap, colon, gap]),
                close: gap,
            };
        }
        let nothing = builder.empty();
        match self.style {
            Whitespace::Indent(width) if level < INDENT_LEVELS => {
                let line = |level: u32| format!("\n{}", " ".repeat(level as usize * usize::from(width)));
                let (inner, outer) = (line(level + 1), line(level));
                Layout {
                    open: builder.literal(&inner),
                    empty: nothing,
                    comma: builder.literal(&format!(",{inner}")),
                    colon: builder.literal(": "),
                    close: builder.literal(&outer),
                }
            }
            Whitespace::Compact => Layout { open: nothing, empty: nothing, comma, colon, close: nothing },
            _ => Layout {
                open: nothing,
                empty: nothing,
                comma: builder.literal(", "),
                colon: builder.literal(": "),
                close: nothing,
            },
        }
    }

    /// `value` with the whitespace that may stand around a whole text.
    pub(super) fn around(&self, value: ExprId, builder: &mut GrammarBuilder) -> ExprId {
        match (self.style, self.gap) {
            (Whitespace::Any, Some(gap)) => builder.sequence([gap, value, gap]),
            _ => value,
        }
    }
}
