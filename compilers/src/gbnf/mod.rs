//! GBNF (llama.cpp) and EBNF (XGrammar) in one dialect; `docs/gbnf.md` describes it.
//!
//! ```text
//! source ─ lexer → lexemes ─ rules → one rule at a time ─ grammar.lalrpop → Ast ─ lower → Grammar ─ productive, lookahead → Grammar
//! ```
//!
//! * `lexer`: tokens by kind and span.
//! * `rules`: where rules begin and end, nesting, limits.
//! * `grammar.lalrpop`, `parse`: bodies; what the parser's complaints mean to the author of a grammar.
//! * `attributes`, `restrict`: rule attributes, enforced on the automaton of the rule or left to the matcher.
//! * `marker`: markers at the end of rules, for captures.
//! * `ast`: the tree, an arena with spans.
//! * `lower`, with `unescape`, `macros`, `substring` and `suggest`: names, escapes, macros and token texts resolved.
//! * `productive`: rules that can never produce anything are errors, or warnings if the root does not need them.
//! * `lookahead`: rules copied for what look-aheads still ask of the text.
//! * `print`: the tree as text.

mod ast;
mod attributes;
mod lexer;
mod lookahead;
mod lower;
mod macros;
mod marker;
mod parse;
mod print;
mod productive;
mod restrict;
mod rules;
mod substring;
mod suggest;
mod unescape;

use grammar_ir::{Budget, Grammar, LimitError, LimitKind, Limits};

use crate::diagnostic::{Diagnostic, Diagnostics};
use ast::Ast;
use lookahead::Rest;
pub use print::SyntaxTree;

/// How a source is read.
///
/// ```
/// use compilers::gbnf::Options;
/// let options = Options::default().with_root("answer");
/// assert_eq!(options.root, "answer");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The name of the root rule. Default `root`.
    pub root: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { root: "root".to_owned() }
    }
}

impl Options {
    /// The same with another root rule.
    #[must_use]
    pub fn with_root(mut self, root: impl Into<String>) -> Self {
        self.root = root.into();
        self
    }
}

/// Resolves token terminals by text, `<think>`, against a vocabulary.
pub trait TokenNames {
    /// The id of the special or added token whose text, angle brackets included, is `text`.
    fn token_id(&self, text: &str) -> Option<u32>;

    /// Whether a token has the id `id`. A grammar that names another is at fault. By default every id is taken for one.
    fn has_token(&self, id: u32) -> bool {
        let _ = id;
        true
    }

    /// The bytes of the token `id` where it is text, so that a literal matches it. By default no token is known to be text.
    fn text(&self, id: u32) -> Option<&[u8]> {
        let _ = id;
        None
    }

    /// The special tokens, which no text matches, but for those that end a generation. By default none is known.
    fn special_tokens(&self) -> Vec<u32> {
        Vec::new()
    }

    /// The id of the token whose name is `name`, if no text matches it.
    fn special_id(&self, name: &str) -> Option<u32> {
        self.token_id(name).filter(|&id| !self.is_text(id))
    }

    /// Whether the token `id` is text as well.
    fn is_text(&self, id: u32) -> bool {
        self.text(id).is_some()
    }
}

/// A grammar, and what its author should know about it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Compiled {
    /// The grammar.
    pub grammar: Grammar,
    /// Likely mistakes that do not change the language: rules that can never produce anything and that the root does not
    /// need.
    pub warnings: Vec<Diagnostic>,
}

/// Compiles `source`.
///
/// Every rule of the source is in the result, in source order, also those that the root does not need; with look-aheads,
/// copies of rules come after them.
///
/// ```
/// use compilers::gbnf;
/// let source = r#"
///     root  ::= "[" item ("," item)* "]"
///     item  ::= [0-9]{1,3} | root
/// "#;
/// let grammar = gbnf::compile(source, &gbnf::Options::default(), None, &Default::default())?;
/// assert_eq!(grammar.rules().len(), 2);
///
/// let source = "root ::= \"[\" itme \"]\"\nitem ::= [0-9]+";
/// let errors = gbnf::compile(source, &gbnf::Options::default(), None, &Default::default()).unwrap_err();
/// assert_eq!(
///     errors.render("list.gbnf", source).to_string(),
///     "\
/// error[undefined]: rule `itme` is not defined
///  --> list.gbnf:1:14
///   |
/// 1 | root ::= \"[\" itme \"]\"
///   |              ^^^^
///   = help: did you mean `item`?
/// "
/// );
/// # Ok::<(), compilers::diagnostic::Diagnostics>(())
/// ```
///
/// # Errors
/// What is wrong with the source, several problems at once and in source order; the limit that was met; or what of the
/// dialect is not supported yet, by name. A token terminal by text needs `tokens`.
pub fn compile(
    source: &str,
    options: &Options,
    tokens: Option<&dyn TokenNames>,
    limits: &Limits,
) -> Result<Grammar, Diagnostics> {
    compile_with_warnings(source, options, tokens, limits).map(|compiled| compiled.grammar)
}

/// Compiles `source` like [`compile`], and reports likely mistakes that are no errors.
///
/// ```
/// use compilers::gbnf;
/// let source = "root ::= \"a\"\nloop ::= \"x\" loop";
/// let compiled = gbnf::compile_with_warnings(source, &gbnf::Options::default(), None, &Default::default())?;
/// assert_eq!(compiled.warnings[0].message, "rule `loop` can never produce anything");
/// # Ok::<(), compilers::diagnostic::Diagnostics>(())
/// ```
///
/// # Errors
/// As [`compile`].
pub fn compile_with_warnings(
    source: &str,
    options: &Options,
    tokens: Option<&dyn TokenNames>,
    limits: &Limits,
) -> Result<Compiled, Diagnostics> {
    compile_before(Rest::Nothing, source, options, tokens, &[], limits)
}

/// Compiles `source` as a part of texts that go on after it. Free text in it contains none of `ends`.
///
/// # Errors
/// As [`compile`]; and when a look-ahead is about what comes after the grammar.
pub(crate) fn compile_part(
    source: &str,
    options: &Options,
    tokens: Option<&dyn TokenNames>,
    ends: &[&str],
    limits: &Limits,
) -> Result<Grammar, Diagnostics> {
    compile_before(Rest::Unknown, source, options, tokens, ends, limits).map(|compiled| compiled.grammar)
}

fn compile_before(
    rest: Rest,
    source: &str,
    options: &Options,
    tokens: Option<&dyn TokenNames>,
    ends: &[&str],
    limits: &Limits,
) -> Result<Compiled, Diagnostics> {
    let mut budget = Budget::new(limits);
    let (ast, diagnostics) = read(source, &mut budget)?;
    let (grammar, lookaheads) = lower::lower(source, &ast, options, tokens, ends, &mut budget, diagnostics)?;
    let warnings = productive::check(&grammar, &ast)?;
    if lookaheads.is_empty() {
        return Ok(Compiled { grammar, warnings });
    }
    let grammar = lookahead::enforce(&grammar, &lookaheads, rest, &mut budget)?;
    Ok(Compiled { grammar, warnings })
}

/// The syntax tree of `source`.
///
/// ```
/// use compilers::gbnf;
/// let tree = gbnf::parse("root ::= [a-z]+ \"!\"?", &Default::default())?;
/// assert_eq!(
///     tree.to_string(),
///     "\
/// rule root  @0..4
///   sequence
///     repeat 1 or more
///       class [a-z]  @9..14
///     repeat 0 to 1
///       literal \"!\"  @16..19
/// "
/// );
/// # Ok::<(), compilers::diagnostic::Diagnostics>(())
/// ```
///
/// # Errors
/// What is wrong with the syntax of the source; a limit that was met; what is not supported.
pub fn parse<'s>(source: &'s str, limits: &Limits) -> Result<SyntaxTree<'s>, Diagnostics> {
    let (ast, diagnostics) = read(source, &mut Budget::new(limits))?;
    if diagnostics.is_empty() { Ok(SyntaxTree::new(source, ast)) } else { Err(diagnostics.into()) }
}

fn read(source: &str, budget: &mut Budget<'_>) -> Result<(Ast, Vec<Diagnostic>), Diagnostics> {
    // Spans are 32 bits wide.
    let source_limit = budget.limits().source_bytes.min(u32::MAX as usize);
    if source.len() > source_limit {
        return Err(LimitError::new(LimitKind::SourceBytes, source_limit).into());
    }
    Ok(parse::parse(source, budget))
}
