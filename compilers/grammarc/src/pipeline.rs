//! From the text of a grammar to an automaton bound to a tokenizer, with every failure as diagnostics.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use compilers::diagnostic::{Code, Diagnostic, Diagnostics, Place, line_and_column};
use compilers::json_schema::Document;
use compilers::{gbnf, json_schema, regex, structural_tag};
use grammar_ir::pda::{LowerError, Pda};
use grammar_ir::{Budget, ByteSet, Grammar, Limits, passes, text};
use mask_runtime::vocab::MAX_VOCABULARY_SIZE;
use mask_runtime::{
    BindError, CompiledGrammar, FillError, Matcher, Token, TokenKind, Tokenizer, Vocabulary, VocabularyError,
};

use crate::args::Kind;
use crate::describe::Bytes;
use crate::input::Source;
use crate::settings::Settings;

/// What a frontend made of a source.
pub(crate) struct Compiled {
    /// The grammar.
    pub(crate) grammar: Grammar,
    /// What the user should know about it.
    pub(crate) notes: Vec<String>,
}

/// Resolves the names of tokens in a grammar.
pub(crate) struct Names<'a> {
    vocabulary: &'a Vocabulary,
    /// Whether an ordinary token may be named by its text, if there is exactly one such token.
    with_text: bool,
    /// The tokens by their texts, `None` for those of several; worked out for the first that is asked for.
    by_text: OnceCell<HashMap<&'a [u8], Option<u32>>>,
}

impl<'a> Names<'a> {
    /// As grammars name tokens: those with a name of their own.
    fn of_grammar(vocabulary: &'a Vocabulary) -> Self {
        Self { vocabulary, with_text: false, by_text: OnceCell::new() }
    }

    /// As structural tags name tokens: also ordinary ones, by their text.
    pub(crate) fn of_tag(vocabulary: &'a Vocabulary) -> Self {
        Self { vocabulary, with_text: true, by_text: OnceCell::new() }
    }
}

impl gbnf::TokenNames for Names<'_> {
    fn token_id(&self, text: &str) -> Option<u32> {
        let of_text = || {
            let by_text = self.by_text.get_or_init(|| {
                let mut ids = HashMap::new();
                for id in (0..self.vocabulary.size() as u32).filter(|&id| self.vocabulary.kind(id) == TokenKind::Text) {
                    ids.entry(self.vocabulary.bytes(id)).and_modify(|only| *only = None).or_insert(Some(id));
                }
                ids
            });
            by_text.get(text.as_bytes()).copied().flatten()
        };
        self.vocabulary.special_id(text).or_else(|| if self.with_text && !text.is_empty() { of_text() } else { None })
    }

    fn text(&self, id: u32) -> Option<&[u8]> {
        (self.vocabulary.kind(id) == TokenKind::Text).then(|| self.vocabulary.bytes(id))
    }

    fn special_id(&self, name: &str) -> Option<u32> {
        self.vocabulary.special_id(name).filter(|&id| !self.is_text(id))
    }

    fn has_token(&self, id: u32) -> bool {
        self.vocabulary.kind(id) != TokenKind::Hole
    }

    fn special_tokens(&self) -> Vec<u32> {
        let special = |&id: &u32| self.vocabulary.kind(id) == TokenKind::Special && !self.vocabulary.is_stop(id);
        (0..self.vocabulary.size() as u32).filter(special).collect()
    }
}

/// Runs the frontend of the source's kind. Without a vocabulary, a grammar cannot name tokens by text.
pub(crate) fn frontend(
    source: &Source,
    settings: &Settings,
    vocabulary: Option<&Vocabulary>,
) -> Result<Compiled, Diagnostics> {
    let Settings { limits, .. } = settings;
    let mut notes = Vec::new();
    let names = vocabulary.map(Names::of_grammar);
    let names = names.as_ref().map(|names| names as &dyn gbnf::TokenNames);
    let grammar = match source.kind {
        Kind::Gbnf => {
            let compiled = gbnf::compile_with_warnings(&source.text, &settings.gbnf, names, limits)?;
            notes.extend(compiled.warnings.iter().map(|warning| note(warning, &source.text)));
            compiled.grammar
        }
        Kind::Regex => regex::compile(&source.text, &settings.regex, limits)?,
        Kind::JsonSchema => {
            let documents: Vec<Document<'_>> = settings
                .documents
                .iter()
                .map(|document| Document { uri: &document.uri, source: &document.text })
                .collect();
            let options = &settings.json_schema;
            let compiled = json_schema::compile_with_documents(&source.text, &documents, options, limits)?;
            let report = compiled.report;
            notes.extend(report.relaxations.iter().map(|left_out| {
                format!("{}: `{}` is not enforced: {}", left_out.pointer, left_out.keyword, left_out.reason)
            }));
            notes.extend(report.annotations.iter().map(|note| format!("{}: {}", note.pointer, note.message)));
            notes.extend(report.narrowings.iter().map(|&note| note.to_owned()));
            compiled.grammar
        }
        Kind::StructuralTag => {
            let names = vocabulary.map(Names::of_tag);
            let names = names.as_ref().map(|names| names as &dyn gbnf::TokenNames);
            structural_tag::compile(&source.text, &settings.structural_tag(), names, limits)?
        }
        Kind::Gir => text::parse_with_limits(&source.text, limits).map_err(|error| gir_fault(&source.text, &error))?,
    };
    Ok(Compiled { grammar, notes })
}

fn gir_fault(source: &str, error: &text::ParseError) -> Diagnostics {
    let line_start: usize = source.split_inclusive('\n').take(error.line() - 1).map(str::len).sum();
    let in_line = source[line_start..].chars().take(error.column() - 1).map(char::len_utf8).sum::<usize>();
    let start = line_start + in_line;
    let message = error.to_string();
    let place = format!("{}:{}: ", error.line(), error.column());
    let message = message.strip_prefix(&place).unwrap_or(&message);
    let code = if error.limit().is_some() { Code::Limit } else { Code::Syntax };
    Diagnostic::new(code, Place::Span(start..start), message).into()
}

/// A warning of a frontend in one line.
fn note(warning: &Diagnostic, source: &str) -> String {
    let help = warning.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    match &warning.place {
        Place::Span(span) => {
            let (line, _) = line_and_column(source, span.start);
            format!("line {line}: {}{help}", warning.message)
        }
        Place::Pointer(pointer) => format!("{pointer}: {}{help}", warning.message),
        Place::Whole => format!("{}{help}", warning.message),
    }
}

/// The grammar after all passes.
pub(crate) fn normalize(grammar: Grammar, limits: &Limits) -> Result<Grammar, Diagnostics> {
    Ok(passes::run(grammar, &mut Budget::new(limits))?)
}

/// The automaton of a normalized grammar.
pub(crate) fn lower(grammar: &Grammar, limits: &Limits) -> Result<Pda, Diagnostics> {
    Pda::new(grammar, &mut Budget::new(limits)).map_err(|error| lower_fault(&error))
}

fn lower_fault(error: &LowerError) -> Diagnostics {
    let code = match error {
        LowerError::EmptyLanguage => Code::Unsatisfiable,
        _ => Code::Limit,
    };
    Diagnostic::new(code, Place::Whole, error.to_string()).into()
}

/// The automaton of `grammar` bound to `tokenizer`.
pub(crate) fn bind(
    grammar: Grammar,
    settings: &Settings,
    tokenizer: Arc<Tokenizer>,
) -> Result<Arc<CompiledGrammar>, Diagnostics> {
    CompiledGrammar::new(&grammar, tokenizer, &settings.limits).map_err(bind_fault)
}

/// An automaton bound to `tokenizer`.
pub(crate) fn bind_automaton(pda: Pda, tokenizer: Arc<Tokenizer>) -> Result<Arc<CompiledGrammar>, Diagnostics> {
    CompiledGrammar::from_pda(pda, tokenizer).map_err(bind_fault)
}

fn bind_fault(error: BindError) -> Diagnostics {
    match error {
        BindError::Lower(error) => lower_fault(&error),
        other => Diagnostic::new(Code::Invalid, Place::Whole, other.to_string())
            .with_help("use the tokenizer that the grammar was written for")
            .into(),
    }
}

/// What keeps a tokenizer from spelling texts of a grammar.
///
/// # Errors
/// When no text can even be begun.
pub(crate) fn missing_bytes(compiled: &Arc<CompiledGrammar>) -> Result<ByteSet, Diagnostics> {
    let mut matcher = Matcher::new(compiled.clone());
    let mut row = matcher.row();
    let Err(FillError::NoTokenFits { expected }) = matcher.fill(&mut row) else {
        return Ok(compiled.missing_bytes());
    };
    let (message, help) = if expected.is_empty() {
        let message = "none of the tokens that could begin a text exists in the vocabulary".to_owned();
        (message, "use the tokenizer that the grammar was written for")
    } else {
        let message = format!("the tokenizer cannot spell this language: no token begins with {}", Bytes(&expected));
        (message, "use a tokenizer that has these bytes, or let the grammar do without them")
    };
    Err(Diagnostic::new(Code::Unsatisfiable, Place::Whole, message).with_help(help).into())
}

/// The automaton of `grammar` for reading bytes: bound to a vocabulary without text, with just the ids that the grammar
/// names.
pub(crate) fn bind_to_bytes(grammar: Grammar, settings: &Settings) -> Result<Arc<CompiledGrammar>, Diagnostics> {
    let pda = lower(&normalize(grammar.clone(), &settings.limits)?, &settings.limits)?;
    let tokenizer = byte_tokenizer(&pda)?;
    CompiledGrammar::of_grammar(&grammar, pda, tokenizer).map_err(bind_fault)
}

/// The same for an automaton.
pub(crate) fn bind_automaton_to_bytes(pda: Pda) -> Result<Arc<CompiledGrammar>, Diagnostics> {
    let tokenizer = byte_tokenizer(&pda)?;
    bind_automaton(pda, tokenizer)
}

/// A vocabulary without text, with just the ids that `pda` names.
fn byte_tokenizer(pda: &Pda) -> Result<Arc<Tokenizer>, Diagnostics> {
    let highest = pda.token_sets().iter().filter_map(|set| set.ids().last()).max();
    let size = highest.map_or(0, |&id| id as usize + 1);
    let invalid = |message: String| Diagnostics::from(Diagnostic::new(Code::Invalid, Place::Whole, message));
    let named: std::collections::BTreeSet<u32> =
        pda.token_sets().iter().flat_map(|set| set.ids().iter().copied()).collect();
    let tokens = named.iter().map(|&id| id as usize).filter(|&id| id < MAX_VOCABULARY_SIZE).fold(
        Vec::new(),
        |mut tokens: Vec<Token>, id| {
            tokens.resize(id, Token::Hole);
            tokens.push(Token::Special(format!("<[{id}]>")));
            tokens
        },
    );
    let vocabulary = Vocabulary::from_tokens(tokens).and_then(|vocabulary| vocabulary.with_size(size)).map_err(
        |error| match error {
            VocabularyError::TooManyTokens { limit, .. } => {
                let id = size.saturating_sub(1);
                let message = format!("the grammar names token {id}, but no vocabulary has more than {limit} ids");
                Diagnostic::new(Code::Invalid, Place::Whole, message).with_help("give the id of a token").into()
            }
            other => invalid(other.to_string()),
        },
    )?;
    Ok(Tokenizer::new(vocabulary))
}
