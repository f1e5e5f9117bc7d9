//! The syntax tree as indented text.

use std::fmt;

use grammar_ir::HiddenFrom;

use super::ast::{Ast, Node, NodeId, Span};

/// A grammar as written: rules, and in them one element a line. Names, escapes and token texts are not resolved.
///
/// It is made by [`parse`](super::parse()) and is there to be shown. Each line has the kind of the element and, where it is
/// a piece of the source, its text and its bytes. A group is no element of its own, and one directly inside a sequence or
/// choice of its kind is a part of that.
#[derive(Debug)]
pub struct SyntaxTree<'s> {
    source: &'s str,
    ast: Ast,
}

/// Deeper levels are not indented further but numbered, so that the text stays linear in the size of the tree.
const INDENTED_LEVELS: usize = 40;

impl<'s> SyntaxTree<'s> {
    /// `ast`, which is the tree of `source`.
    pub(super) fn new(source: &'s str, ast: Ast) -> Self {
        Self { source, ast }
    }

    fn quoted(&self, span: Span) -> impl fmt::Display {
        let text: String = span.of(self.source).chars().flat_map(printable).collect();
        let range = span.range();
        format!("{text}  @{}..{}", range.start, range.end)
    }

    fn subtree(&self, f: &mut fmt::Formatter<'_>, root: NodeId, depth: usize) -> fmt::Result {
        let mut work = vec![(root, depth)];
        while let Some((id, depth)) = work.pop() {
            write!(f, "{:indent$}", "", indent = 2 * depth.min(INDENTED_LEVELS))?;
            if depth > INDENTED_LEVELS {
                write!(f, "[{depth}] ")?;
            }
            let node = &self.ast.nodes[id.index()];
            self.line(f, node)?;
            match node {
                Node::Sequence(operands) | Node::Choice(operands) => {
                    work.extend(operands.iter().rev().map(|&operand| (operand, depth + 1)));
                }
                Node::Repeat { body, .. } => work.push((*body, depth + 1)),
                _ => {}
            }
        }
        Ok(())
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, node: &Node) -> fmt::Result {
        match node {
            Node::Literal(span) => writeln!(f, "literal {}", self.quoted(*span)),
            Node::Class(span) => writeln!(f, "class {}", self.quoted(*span)),
            Node::Any => writeln!(f, "any"),
            Node::Reference(span) => writeln!(f, "reference {}", self.quoted(*span)),
            Node::TokenTerminal(span) => writeln!(f, "token {}", self.quoted(*span)),
            Node::TokenSet { span, .. } => writeln!(f, "tokens {}", self.quoted(*span)),
            Node::Macro { span, .. } => writeln!(f, "macro {}", self.quoted(*span)),
            Node::Sequence(operands) if operands.is_empty() => writeln!(f, "empty"),
            Node::Sequence(_) => writeln!(f, "sequence"),
            Node::Choice(_) => writeln!(f, "choice"),
            Node::Repeat { min, max: Some(max), .. } => writeln!(f, "repeat {min} to {max}"),
            Node::Repeat { min, max: None, .. } => writeln!(f, "repeat {min} or more"),
            Node::Vacant => writeln!(f, "empty"),
        }
    }
}

impl fmt::Display for SyntaxTree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in &self.ast.rules {
            write!(f, "rule {}", self.quoted(rule.name))?;
            if rule.attributes.is_lazy {
                write!(f, ", lazy")?;
            }
            if let Some(max) = rule.attributes.max_chars {
                write!(f, ", at most {max} characters")?;
            }
            if let Some(max) = rule.attributes.max_tokens {
                write!(f, ", at most {max} tokens")?;
            }
            if let Some(name) = rule.attributes.capture {
                write!(f, ", captured as {}", self.quoted(name))?;
            }
            if let Some((bytes, hidden_from, _)) = rule.attributes.marker.bytes {
                let hidden_from = match hidden_from {
                    HiddenFrom::OwnCapture => "its capture",
                    HiddenFrom::AllCaptures => "all captures",
                };
                write!(f, ", marker of {bytes} bytes hidden from {hidden_from}")?;
            }
            if let Some((rule, _)) = rule.attributes.marker.body {
                write!(f, ", before the marker rule {rule}")?;
            }
            if let Some((rule, _)) = rule.attributes.marker.marker {
                write!(f, ", marker by rule {rule}")?;
            }
            if let Some(name) = rule.attributes.marker.capture {
                write!(f, ", marker captured as {}", self.quoted(name))?;
            }
            if let Some(temperature) = rule.attributes.temperature {
                write!(f, ", temperature {}", temperature.get())?;
            }
            writeln!(f)?;
            if let Some(body) = rule.body {
                self.subtree(f, body, 1)?;
            }
            if let Some((lookahead, span)) = rule.lookahead {
                let range = span.range();
                writeln!(f, "  lookahead  @{}..{}", range.start, range.end)?;
                self.subtree(f, lookahead, 2)?;
            }
        }
        Ok(())
    }
}

/// The character, or its escape if it would break the line.
pub(super) fn printable(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control().then(|| character.escape_default());
    let plain = escaped.is_none().then_some(character);
    escaped.into_iter().flatten().chain(plain)
}
