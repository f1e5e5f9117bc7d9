//! Regular expressions, in the syntax of ECMA-262 or of Rust's `regex` crate, with one meaning.
//!
//! ```text
//! text ─ parser → Pattern (tree with spans) ─ anchor → tree for the whole text ─┬ lower → expressions
//!                                                                              └ nfa, threads → CharAutomaton
//! ```
//!
//! A pattern without look-around becomes grammar expressions, so that counts of any size cost no states. What the
//! grammar operators cannot say (look-around, `\b`, anchors that are not decided by their place) goes through a
//! deterministic automaton over characters. `docs/regex.md` has the syntax tables.
//!
//! ```
//! use compilers::regex::{self, Anchoring, Options, Syntax};
//! use grammar_ir::{Budget, Limits};
//! let limits = Limits::default();
//! let pattern = regex::parse(r"^(?!con$)[a-z]{1,8}$", &Options::new(Syntax::Ecma262), &limits)?;
//! let names = regex::to_automaton(&pattern, Anchoring::Search, &mut Budget::new(&limits))?;
//! assert!(names.accepts("cone") && !names.accepts("con"));
//! # Ok::<(), compilers::diagnostic::Diagnostics>(())
//! ```

mod anchor;
mod ast;
mod lower;
mod nfa;
mod parser;
mod threads;
mod unicode;

use grammar_ir::regular::{CharAutomaton, Spelling, Utf8};
use grammar_ir::{Budget, ExprId, Grammar, GrammarBuilder, GrammarError, LimitError, Limits};
use serde_json::{Value, json};

pub use self::ast::Pattern;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// How a pattern is written. The meaning of what both can write is the same but for the classes and the line
/// terminators, which follow each standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Syntax {
    /// ECMA-262, matched by code point, with what its Annex B adds where that is clear. `\d` and `\w` are ASCII.
    Ecma262,
    /// As Rust's `regex` crate and RE2. `\d`, `\w` and `\s` are Unicode.
    #[default]
    Rust,
}

/// How a pattern is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Options {
    /// The syntax.
    pub syntax: Syntax,
    /// Letters match in any case (simple Unicode case folding), as `(?i)`.
    pub case_insensitive: bool,
    /// `.` matches line terminators too, as `(?s)`.
    pub dot_matches_new_line: bool,
    /// `^` and `$` match at line terminators too, as `(?m)`.
    pub multi_line: bool,
    /// White space and `#` comments in the pattern stand for nothing, as `(?x)`.
    pub ignore_whitespace: bool,
}

impl Options {
    /// Options with this syntax and every flag off.
    pub fn new(syntax: Syntax) -> Self {
        Self { syntax, ..Self::default() }
    }

    /// The options for programs. Different options are different JSON.
    pub fn to_json(&self) -> Value {
        let Self { syntax, case_insensitive, dot_matches_new_line, multi_line, ignore_whitespace } = self;
        let syntax = match syntax {
            Syntax::Rust => "rust",
            Syntax::Ecma262 => "ecma262",
        };
        json!({
            "syntax": syntax, "case_insensitive": case_insensitive, "dot_matches_new_line": dot_matches_new_line,
            "multi_line": multi_line, "ignore_whitespace": ignore_whitespace,
        })
    }

    /// The options that [`to_json`](Self::to_json) has written; `None` if the JSON is of no options, or of such as there are
    /// none here.
    pub fn from_json(options: &Value) -> Option<Self> {
        let syntax = match options["syntax"].as_str()? {
            "rust" => Syntax::Rust,
            "ecma262" => Syntax::Ecma262,
            _ => return None,
        };
        let flag = |name: &str| options[name].as_bool();
        let read = Self {
            syntax,
            case_insensitive: flag("case_insensitive")?,
            dot_matches_new_line: flag("dot_matches_new_line")?,
            multi_line: flag("multi_line")?,
            ignore_whitespace: flag("ignore_whitespace")?,
        };
        // What is not known here must not be left out.
        (read.to_json() == *options).then_some(read)
    }
}

/// Which texts a pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchoring {
    /// The texts that the pattern matches from end to end; `^` and `$` at the ends change nothing.
    Whole,
    /// The texts in which the pattern matches somewhere, as `RegExp.prototype.test` searches.
    Search,
}

/// Reads a pattern.
///
/// # Errors
/// When the text is not of the syntax, uses what cannot be matched exactly, or meets a limit.
pub fn parse(pattern: &str, options: &Options, limits: &Limits) -> Result<Pattern, Diagnostics> {
    parser::parse(pattern, options, limits)
}

/// The expression for the texts of a pattern, with each character written as `spelling` says.
///
/// A pattern that matches nothing becomes [`Expr::Never`](grammar_ir::Expr::Never).
///
/// # Errors
/// When the automaton of a pattern with look-around meets a limit, or time is up.
pub fn lower(
    pattern: &Pattern,
    anchoring: Anchoring,
    spelling: &dyn Spelling,
    builder: &mut GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let tree = anchor::whole_text(&pattern.tree, anchoring, budget)?;
    match tree.first_look() {
        None => Ok(lower::expressions(&tree, spelling, builder, budget)?),
        Some(look) => {
            let convert = |budget: &mut Budget<'_>| threads::automaton(&tree, budget)?.to_bytes(spelling, budget);
            let automaton = convert(budget).map_err(|error| too_large(error, tree.span(look)))?;
            Ok(builder.automaton(automaton))
        }
    }
}

/// Whether [`lower`] goes through an automaton, because the pattern has look-around or an anchor that is not decided by its
/// place. Of any other pattern the expression is about as large as the pattern.
///
/// # Errors
/// When time is up.
pub fn needs_automaton(pattern: &Pattern, anchoring: Anchoring, budget: &mut Budget<'_>) -> Result<bool, LimitError> {
    Ok(anchor::whole_text(&pattern.tree, anchoring, budget)?.first_look().is_some())
}

/// The automaton of the texts of a pattern, for operations with other languages. Counts are unrolled.
///
/// # Errors
/// When the automaton meets a limit, or time is up.
pub fn to_automaton(
    pattern: &Pattern,
    anchoring: Anchoring,
    budget: &mut Budget<'_>,
) -> Result<CharAutomaton, Diagnostics> {
    let tree = anchor::whole_text(&pattern.tree, anchoring, budget)?;
    let span = tree.first_look().map_or(tree.span(tree.root), |look| tree.span(look));
    threads::automaton(&tree, budget).map_err(|error| too_large(error, span))
}

/// The grammar of the texts, in UTF-8, that a pattern matches from end to end.
///
/// # Errors
/// When the pattern is at fault, meets a limit, or matches no text.
pub fn compile(pattern: &str, options: &Options, limits: &Limits) -> Result<Grammar, Diagnostics> {
    let mut budget = Budget::new(limits);
    let parsed = parse(pattern, options, limits)?;
    let mut builder = GrammarBuilder::with_max_expressions(limits.expressions);
    let root = builder.declare("root");
    let body = lower(&parsed, Anchoring::Whole, &Utf8, &mut builder, &mut budget)?;
    if *builder.expr(body) == grammar_ir::Expr::Never && !builder.is_full() {
        let message = "the pattern matches no text from end to end";
        let help = "look for assertions that contradict what stands next to them";
        return Err(Diagnostic::new(Code::Unsatisfiable, Place::Span(0..pattern.len()), message)
            .with_help(help)
            .into());
    }
    builder.define(root, body);
    builder.finish(root).map_err(|error| match error {
        GrammarError::Limit(error) => error.into(),
        other => Diagnostic::new(Code::Invalid, Place::Whole, other.to_string()).into(),
    })
}

fn too_large(error: LimitError, span: std::ops::Range<usize>) -> Diagnostics {
    let help = "look-around, `\\b` and anchors inside a pattern need an explicit automaton, which repeats a body as \
                often as its count says; lower the counts, move the assertion, or raise the limit";
    Diagnostic::new(Code::Limit, Place::Span(span), error.to_string()).with_help(help).into()
}
