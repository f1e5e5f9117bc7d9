//! The syntax tree of GBNF: rules over an arena of nodes in which operands precede their node.
//!
//! The order makes every later step a loop over the arena: no depth of nesting can exhaust the call stack.

use std::ops::Range;

use super::attributes::Attributes;
use super::lexer::LexError;
use crate::diagnostic::{Code, Diagnostic, Place};

/// Bytes `start..end` of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first byte.
    pub(super) start: u32,
    /// The byte after the last.
    pub(super) end: u32,
}

impl Span {
    /// The span `start..end` of a source of less than 4 GiB.
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The text it covers.
    pub(super) fn of(self, source: &str) -> &str {
        source.get(self.range()).unwrap_or("")
    }

    /// As a range of bytes.
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// As a place for a diagnostic.
    pub(super) fn place(self) -> Place {
        Place::Span(self.range())
    }
}

/// Index of a [`Node`] in its arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(u32);

impl NodeId {
    /// The position in the arena.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A syntactic element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A literal; the span includes the quotes.
    Literal(Span),
    /// A character class; the span includes the brackets.
    Class(Span),
    /// `.`
    Any,
    /// The name of a rule.
    Reference(Span),
    /// `<…>` or `!<…>`.
    TokenTerminal(Span),
    /// `Token(…)` or `ExcludeToken(…)`.
    TokenSet {
        /// All of it.
        span: Span,
        /// The ids listed.
        ids: Box<[u32]>,
        /// Whether the ids are the ones left out.
        complement: bool,
    },
    /// `TagDispatch(…)` and the like.
    Macro {
        /// The name.
        name: Span,
        /// All of it.
        span: Span,
        /// What stands between the brackets.
        arguments: Vec<Argument>,
    },
    /// One after the other; without operands, ε.
    Sequence(Vec<NodeId>),
    /// Any one of them.
    Choice(Vec<NodeId>),
    /// Between `min` and `max` times.
    Repeat {
        /// What is repeated.
        body: NodeId,
        /// The least number of times.
        min: u32,
        /// The greatest number of times; `None` is unbounded.
        max: Option<u32>,
    },
    /// A group whose operands moved into the node around it: ε.
    Vacant,
}

/// An argument of a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    /// The name before `=`.
    pub(super) name: Option<Span>,
    /// The value.
    pub(super) value: Value,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// The name of a rule, `true` or `false`.
    Name(Span),
    /// A number.
    Number(Span),
    /// A literal; the span includes the quotes.
    Literal(Span),
    /// A list in brackets; the span includes them.
    List(Vec<Argument>, Span),
}

impl Value {
    /// Where it stands.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Name(span) | Self::Number(span) | Self::Literal(span) | Self::List(_, span) => *span,
        }
    }
}

/// A rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Its name, where it is defined.
    pub(super) name: Span,
    /// What it stands for; `None` when that could not be parsed.
    pub(super) body: Option<NodeId>,
    /// What comes after its words, and where that stands.
    pub(super) lookahead: Option<(NodeId, Span)>,
    /// What restricts its language.
    pub(super) attributes: Attributes,
}

/// A grammar as written.
#[derive(Debug, Default)]
pub(super) struct Ast {
    /// The rules in source order.
    pub(super) rules: Vec<Rule>,
    /// The arena.
    pub(super) nodes: Vec<Node>,
}

/// Why the parser stopped in the middle of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stop {
    /// Text that is no token.
    Lexical(LexError, Span),
    /// The arena has as many nodes as the grammar may have expressions.
    Full,
}

/// What the parser's actions work on.
pub(super) struct AstBuilder<'s> {
    source: &'s str,
    max_nodes: usize,
    /// What has been built.
    pub(super) ast: Ast,
    /// Problems that do not stop the parser.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// The largest token id: the number of ids of a vocabulary is an `i32` in every runtime that loads one.
pub(super) const MAX_TOKEN_ID: u32 = i32::MAX as u32 - 1;

impl<'s> AstBuilder<'s> {
    /// Builds a tree of at most `max_nodes` nodes.
    pub(super) fn new(source: &'s str, max_nodes: usize) -> Self {
        Self { source, max_nodes, ast: Ast::default(), diagnostics: Vec::new() }
    }

    /// How much has been built and reported.
    pub(super) fn mark(&self) -> (usize, usize) {
        (self.ast.nodes.len(), self.diagnostics.len())
    }

    /// Forgets what was built and reported since `mark`.
    pub(super) fn truncate(&mut self, (nodes, diagnostics): (usize, usize)) {
        self.ast.nodes.truncate(nodes);
        self.diagnostics.truncate(diagnostics);
    }

    /// Adds a node.
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.ast.nodes.len() as u32);
        self.ast.nodes.push(node);
        id
    }

    /// An element with its quantifier, if any.
    ///
    /// # Errors
    /// When the arena is full. A bound checked here and in [`sequence`](Self::sequence) is exceeded by a few nodes only,
    /// since every node is part of an item or an alternative.
    pub(super) fn item(&mut self, body: NodeId, bounds: Option<(u32, Option<u32>)>) -> Result<NodeId, Stop> {
        self.check_room()?;
        Ok(match bounds {
            Some((min, max)) => self.add(Node::Repeat { body, min, max }),
            None => body,
        })
    }

    /// The items one after the other.
    ///
    /// # Errors
    /// When the arena is full.
    pub(super) fn sequence(&mut self, items: Vec<NodeId>) -> Result<NodeId, Stop> {
        self.check_room()?;
        let inner = |node: &mut Node| if let Node::Sequence(inner) = node { Some(std::mem::take(inner)) } else { None };
        Ok(self.merge(items, inner, Node::Sequence))
    }

    fn check_room(&self) -> Result<(), Stop> {
        if self.ast.nodes.len() < self.max_nodes { Ok(()) } else { Err(Stop::Full) }
    }

    /// Any one of the alternatives.
    pub(super) fn choice(&mut self, alternatives: Vec<NodeId>) -> NodeId {
        let inner = |node: &mut Node| if let Node::Choice(inner) = node { Some(std::mem::take(inner)) } else { None };
        self.merge(alternatives, inner, Node::Choice)
    }

    /// A node of `operands`, taking in the operands of those that are of the same kind themselves.
    ///
    /// A group directly inside a group of its kind gives its operands away here, rather than when the grammar is built,
    /// where each level would leave a copy of everything below it behind.
    fn merge(
        &mut self,
        operands: Vec<NodeId>,
        take_inner: impl Fn(&mut Node) -> Option<Vec<NodeId>>,
        node: impl Fn(Vec<NodeId>) -> Node,
    ) -> NodeId {
        if let [single] = operands[..] {
            return single;
        }
        let mut flat: Vec<NodeId> = Vec::new();
        for operand in operands {
            let slot = &mut self.ast.nodes[operand.index()];
            let Some(inner) = take_inner(slot) else {
                flat.push(operand);
                continue;
            };
            *slot = Node::Vacant;
            if flat.is_empty() {
                flat = inner;
            } else {
                flat.extend(inner);
            }
        }
        self.add(node(flat))
    }

    /// The bounds of `{min,max}`.
    pub(super) fn bounds(&mut self, min: Option<u32>, max: Option<u32>, start: u32, end: u32) -> (u32, Option<u32>) {
        let min = min.unwrap_or(0);
        if let Some(max) = max
            && max < min
        {
            let message = format!("the greatest number of repetitions, {max}, is less than the least, {min}");
            let help = format!("write `{{{max},{min}}}`");
            self.report(Code::Invalid, Span { start, end }, message, help);
        }
        (min, max)
    }

    /// A number of repetitions.
    pub(super) fn count(&mut self, start: u32, end: u32) -> u32 {
        self.number(Span { start, end }, u32::MAX, "number of repetitions", "leave the bound out for no bound: `{n,}`")
    }

    /// A token id.
    pub(super) fn token_id(&mut self, start: u32, end: u32) -> u32 {
        self.number(Span { start, end }, MAX_TOKEN_ID, "token id", "give the id of a token of the vocabulary")
    }

    fn number(&mut self, span: Span, max: u32, what: &str, help: &str) -> u32 {
        match span.of(self.source).parse() {
            Ok(number) if number <= max => number,
            _ => {
                self.report(Code::Invalid, span, format!("the {what} is above {max}"), help);
                0
            }
        }
    }

    /// `Token(…)` or `ExcludeToken(…)`.
    pub(super) fn token_set(&mut self, start: u32, end: u32, ids: Vec<u32>) -> NodeId {
        let span = Span { start, end };
        let complement = span.of(self.source).starts_with("Exclude");
        self.add(Node::TokenSet { span, ids: ids.into(), complement })
    }

    /// Reports an attribute that does not exist, or has the wrong value.
    pub(super) fn bad_attribute(&mut self, span: Span, message: &str, help: &str) {
        self.report(Code::Syntax, span, message, help);
    }

    fn report(&mut self, code: Code, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::new(code, span.place(), message).with_help(help));
    }
}
