//! grammarc as an engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use compilers::diagnostic::{Code, Diagnostic, Diagnostics};
use compilers::json_schema::{self, KeyOrder, Options};
use grammar_ir::Limits;
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer, bitmask};

use super::engine::{CompileError, Engine, EngineEntry, Session, Setup, Start};

/// grammarc with the default options of its JSON Schema frontend.
pub const GRAMMARC: EngineEntry =
    EngineEntry { name: "grammarc", version: env!("CARGO_PKG_VERSION"), start: Start::Engine(start) };

fn start(setup: Setup) -> Result<Box<dyn Engine>, String> {
    Ok(Box::new(Grammarc { tokenizer: Tokenizer::new(setup.vocabulary), limits: Limits::default() }))
}

struct Grammarc {
    tokenizer: Arc<Tokenizer>,
    limits: Limits,
}

impl Engine for Grammarc {
    fn compile(&self, schema: &str) -> Result<Box<dyn Session>, CompileError> {
        self.session(schema, &Options::default())
    }

    fn compile_any_order(&self, schema: &str) -> Option<Box<dyn Session>> {
        let mut options = Options::default();
        options.key_order = KeyOrder::Any;
        self.session(schema, &options).ok()
    }
}

impl Grammarc {
    fn session(&self, schema: &str, options: &Options) -> Result<Box<dyn Session>, CompileError> {
        let compiled = json_schema::compile(schema, options, &self.limits).map_err(compile_error)?;
        let grammar = CompiledGrammar::new(&compiled.grammar, Arc::clone(&self.tokenizer), &self.limits)
            .map_err(|error| CompileError::new(format!("limit: {error}")))?;
        let matcher = Matcher::new(grammar);
        Ok(Box::new(GrammarcSession { row: matcher.row(), matcher }))
    }
}

fn compile_error(diagnostics: Diagnostics) -> CompileError {
    let kind = match diagnostics.iter().next().map(|first| first.code) {
        Some(Code::Unsupported) | None => "refused",
        Some(code) => code.as_str(),
    };
    let causes: BTreeSet<String> = diagnostics.iter().map(cause).collect();
    CompileError { message: format!("{kind}: {diagnostics}"), causes: causes.into_iter().collect() }
}

/// The keyword, which the message of a refusal begins with, or the beginning of the message.
fn cause(diagnostic: &Diagnostic) -> String {
    let message = &diagnostic.message;
    let keyword = message.strip_prefix('`').and_then(|rest| rest.split_once('`'));
    match keyword {
        Some((keyword, _)) => format!("{}: {keyword}", diagnostic.code.as_str()),
        None => format!("{}: {}", diagnostic.code.as_str(), message.chars().take(60).collect::<String>()),
    }
}

struct GrammarcSession {
    matcher: Matcher,
    row: Vec<u32>,
}

impl Session for GrammarcSession {
    fn reset(&mut self) -> Result<(), String> {
        self.matcher.reset();
        Ok(())
    }

    fn fill(&mut self) -> Result<(), String> {
        self.matcher.fill(&mut self.row).map_err(|error| error.to_string())
    }

    fn allows(&self, token: u32) -> bool {
        bitmask::contains(&self.row, token)
    }

    fn accept(&mut self, token: u32) -> Result<(), String> {
        self.matcher.accept_token(token).map_err(|error| error.to_string())
    }
}
