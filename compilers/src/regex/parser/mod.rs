//! The parser: one loop over the pattern with an explicit stack of open groups, so that nesting costs no call stack.

mod class;
mod escape;
mod group;
mod quantifier;

use std::ops::Range;

use grammar_ir::{Budget, CharSet, LimitError, LimitKind, Limits};
use rustc_hash::FxHashSet;

use super::ast::{Look, Node, NodeId, Pattern, Tree};
use super::{Options, Syntax, unicode};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// After so many problems the parser stops looking for more.
const MAX_DIAGNOSTICS: usize = 20;

/// Reads a pattern.
pub(super) fn parse(pattern: &str, options: &Options, limits: &Limits) -> Result<Pattern, Diagnostics> {
    // Spans are 32 bits wide, whatever the limit has been raised to.
    let longest = limits.source_bytes.min(u32::MAX as usize / 16);
    if pattern.len() > longest {
        return Err(LimitError::new(LimitKind::SourceBytes, longest).into());
    }
    let mut budget = Budget::new(limits);
    let mut parser = Parser::new(pattern, options, limits);
    let outcome = parser.run(&mut budget);
    if let Err(diagnostic) = outcome {
        parser.problems.push(diagnostic);
    }
    if parser.problems.is_empty() { Ok(Pattern { tree: parser.tree }) } else { Err(parser.problems.into()) }
}

/// What `(?ismx)` switches.
#[derive(Debug, Clone, Copy)]
struct Flags {
    case_insensitive: bool,
    dot_matches_new_line: bool,
    multi_line: bool,
    ignore_whitespace: bool,
}

/// A group that is still open, or the pattern itself.
struct Frame {
    /// Where its `(` is.
    start: usize,
    look: Option<Look>,
    /// The flags to return to.
    outer: Flags,
    arms: Vec<NodeId>,
    /// The parts of the arm that is being read, and where it starts.
    parts: Vec<NodeId>,
    arm_start: usize,
}

/// An assertion that is written as one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Assertion {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NotWordBoundary,
    WordStart,
    WordEnd,
    WordStartHalf,
    WordEndHalf,
}

struct Parser<'p> {
    text: &'p str,
    at: usize,
    syntax: Syntax,
    flags: Flags,
    limits: &'p Limits,
    tree: Tree,
    /// The open groups; the first is the pattern and is never popped.
    stack: Vec<Frame>,
    open_looks: usize,
    names: FxHashSet<&'p str>,
    problems: Vec<Diagnostic>,
    /// Bytes that have been read a second time.
    reread: usize,
}

impl<'p> Parser<'p> {
    fn new(text: &'p str, options: &Options, limits: &'p Limits) -> Self {
        let flags = Flags {
            case_insensitive: options.case_insensitive,
            dot_matches_new_line: options.dot_matches_new_line,
            multi_line: options.multi_line,
            ignore_whitespace: options.ignore_whitespace,
        };
        let frame = Frame { start: 0, look: None, outer: flags, arms: Vec::new(), parts: Vec::new(), arm_start: 0 };
        Self {
            text,
            at: 0,
            syntax: options.syntax,
            flags,
            limits,
            tree: Tree::new(),
            stack: vec![frame],
            open_looks: 0,
            names: FxHashSet::default(),
            problems: Vec::new(),
            reread: 0,
        }
    }

    fn run(&mut self, budget: &mut Budget<'_>) -> Result<(), Diagnostic> {
        loop {
            budget.tick().map_err(|error| limit(&error, self.at..self.at))?;
            self.skip_ignored();
            let Some(character) = self.peek() else { break };
            let start = self.at;
            match character {
                '|' => {
                    self.at += 1;
                    self.end_arm();
                }
                '(' => self.open_group()?,
                ')' => {
                    self.at += 1;
                    self.close_group(start)?;
                }
                _ => {
                    let (atom, is_assertion) = match self.atom(character) {
                        Ok(atom) => atom,
                        // An escape that is no good has been read to its end: there may be more to say.
                        Err(diagnostic) if character == '\\' && self.at > start => {
                            self.problems.push(diagnostic);
                            if self.problems.len() >= MAX_DIAGNOSTICS {
                                return Ok(());
                            }
                            (self.tree.add(Node::Empty, start..self.at), false)
                        }
                        Err(diagnostic) => return Err(diagnostic),
                    };
                    self.quantified(atom, start, is_assertion)?;
                }
            }
        }
        if self.stack.len() > 1 {
            let open = self.stack.last().map_or(0, |frame| frame.start);
            return Err(self.syntax_error(open..open + 1, "this group is not closed", "add a `)`"));
        }
        self.end_arm();
        let span = 0..self.text.len();
        let arms = self.stack.first_mut().map(|frame| std::mem::take(&mut frame.arms)).unwrap_or_default();
        self.tree.root = self.tree.alternate(arms, span);
        Ok(())
    }

    /// One character, class or assertion; also whether it is an assertion.
    fn atom(&mut self, character: char) -> Result<(NodeId, bool), Diagnostic> {
        let start = self.at;
        let assertion = |parser: &mut Self, kind| Ok((parser.assertion(kind, start..parser.at), true));
        match character {
            '\\' => match self.escape()? {
                escape::Escape::Literal(literal) => Ok((self.literal(literal, start..self.at), false)),
                escape::Escape::Set(set) => Ok((self.tree.class(set, start..self.at), false)),
                escape::Escape::Assertion(kind) => assertion(self, kind),
            },
            '[' => {
                let set = self.class()?;
                Ok((self.tree.class(set, start..self.at), false))
            }
            '*' | '+' | '?' => {
                let message = format!("`{character}` has nothing to repeat");
                Err(self.syntax_error(start..start + 1, message, format!("write `\\{character}` for the character")))
            }
            '{' => {
                self.literal_brace()?;
                Ok((self.literal('{', start..self.at), false))
            }
            '.' => {
                self.at += 1;
                let set = if self.flags.dot_matches_new_line {
                    CharSet::full()
                } else {
                    unicode::line_terminators(self.syntax).complement()
                };
                Ok((self.tree.class(set, start..self.at), false))
            }
            '^' => {
                self.at += 1;
                assertion(self, if self.flags.multi_line { Assertion::LineStart } else { Assertion::TextStart })
            }
            '$' => {
                self.at += 1;
                assertion(self, if self.flags.multi_line { Assertion::LineEnd } else { Assertion::TextEnd })
            }
            _ => {
                self.at += character.len_utf8();
                Ok((self.literal(character, start..self.at), false))
            }
        }
    }

    fn literal(&mut self, character: char, span: Range<usize>) -> NodeId {
        if self.flags.case_insensitive {
            let set = unicode::fold(&CharSet::single(character));
            self.tree.class(set, span)
        } else {
            self.tree.add(Node::Literal(character), span)
        }
    }

    /// An assertion as look-around at one character.
    fn assertion(&mut self, kind: Assertion, span: Range<usize>) -> NodeId {
        const AHEAD: bool = true;
        const BEHIND: bool = false;
        const NO: bool = true;
        const A: bool = false;
        let word = || unicode::word(self.syntax, self.flags.case_insensitive);
        let in_line = || unicode::line_terminators(self.syntax).complement();
        // One pair is a conjunction, two are its two cases.
        let cases: Vec<[Option<(bool, bool, CharSet)>; 2]> = match kind {
            Assertion::TextStart => vec![[Some((BEHIND, NO, CharSet::full())), None]],
            Assertion::TextEnd => vec![[None, Some((AHEAD, NO, CharSet::full()))]],
            Assertion::LineStart => vec![[Some((BEHIND, NO, in_line())), None]],
            Assertion::LineEnd => vec![[None, Some((AHEAD, NO, in_line()))]],
            Assertion::WordStart => vec![[Some((BEHIND, NO, word())), Some((AHEAD, A, word()))]],
            Assertion::WordEnd => vec![[Some((BEHIND, A, word())), Some((AHEAD, NO, word()))]],
            Assertion::WordStartHalf => vec![[Some((BEHIND, NO, word())), None]],
            Assertion::WordEndHalf => vec![[None, Some((AHEAD, NO, word()))]],
            Assertion::WordBoundary => vec![
                [Some((BEHIND, NO, word())), Some((AHEAD, A, word()))],
                [Some((BEHIND, A, word())), Some((AHEAD, NO, word()))],
            ],
            Assertion::NotWordBoundary => vec![
                [Some((BEHIND, NO, word())), Some((AHEAD, NO, word()))],
                [Some((BEHIND, A, word())), Some((AHEAD, A, word()))],
            ],
        };
        let mut arms = Vec::new();
        for case in cases {
            let mut looks = Vec::new();
            for (ahead, negated, set) in case.into_iter().flatten() {
                looks.push(self.tree.look_at(ahead, negated, set, span.clone()));
            }
            arms.push(self.tree.concat(looks, span.clone()));
        }
        self.tree.alternate(arms, span)
    }

    fn push(&mut self, node: NodeId) {
        if let Some(frame) = self.stack.last_mut() {
            frame.parts.push(node);
        }
    }

    /// Ends the arm that is being read and starts the next one.
    fn end_arm(&mut self) {
        let at = self.at;
        let Some(frame) = self.stack.last_mut() else { return };
        let (parts, start) = (std::mem::take(&mut frame.parts), std::mem::replace(&mut frame.arm_start, at));
        let arm = self.tree.concat(parts, start..at);
        if let Some(frame) = self.stack.last_mut() {
            frame.arms.push(arm);
        }
    }

    fn rest(&self) -> &'p str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads `token` if it is next.
    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    /// Skips white space and comments where the flag `x` makes them stand for nothing.
    fn skip_ignored(&mut self) {
        if !self.flags.ignore_whitespace {
            return;
        }
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn syntax_error(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Code::Syntax, Place::Span(span), message).with_help(help)
    }

    fn unsupported(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Code::Unsupported, Place::Span(span), message).with_help(help)
    }
}

fn limit(error: &LimitError, span: Range<usize>) -> Diagnostic {
    Diagnostic::new(Code::Limit, Place::Span(span), error.to_string())
}
