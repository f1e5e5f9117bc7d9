//! From what the command line names to a compiled grammar: a text to compile, or an entry of an artifact.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use compilers::diagnostic::Diagnostics;
use grammar_ir::pda::Pda;
use mask_runtime::artifact::Artifact;
use mask_runtime::{CompiledGrammar, Tokenizer, Vocabulary};
use serde_json::Value;

use crate::args::{GrammarArgs, Kind, TokenizerArgs};
use crate::failure::Failure;
use crate::input::{self, Source};
use crate::output::WARN;
use crate::pipeline;
use crate::settings::{CompileArgs, Settings};
use crate::tokenizer;

/// What a grammar is given as.
#[derive(Debug)]
pub(crate) enum Given {
    /// A text.
    Text(Source),
    /// A grammar that was compiled before.
    Stored(Box<Stored>),
}

/// An entry of an artifact.
#[derive(Debug)]
pub(crate) struct Stored {
    path: PathBuf,
    artifact: Artifact,
    index: usize,
}

/// The extensions of artifacts: with tables, and of automata alone.
const EXTENSIONS: [&str; 2] = ["gmt", "gpda"];

/// Whether the name of a file says that it is an artifact.
pub(crate) fn is_artifact(path: &Path) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// Opens an artifact.
pub(crate) fn open(path: &Path) -> Result<Artifact, Failure> {
    Artifact::open(path).map_err(|error| Failure::Artifact { path: path.to_owned(), error: Box::new(error) })
}

/// Reads an artifact into memory: what happens to the file afterwards does not matter to whoever uses it for long.
pub(crate) fn read(path: &Path) -> Result<Artifact, Failure> {
    Artifact::read(path).map_err(|error| Failure::Artifact { path: path.to_owned(), error: Box::new(error) })
}

/// Says so if there are options for compiling a grammar that was compiled before.
pub(crate) fn note_ignored(options: &CompileArgs, kind: Option<Kind>) {
    let mut names = options.given();
    names.extend(kind.map(|_| "--kind"));
    if !names.is_empty() {
        anstream::eprintln!(
            "{WARN}note{WARN:#}: a grammar that was compiled before stays as it is; not used: {}",
            names.join(", ")
        );
    }
}

impl Given {
    /// Reads what the arguments name.
    pub(crate) fn load(args: &GrammarArgs) -> Result<Self, Failure> {
        let named = args.source.input.as_ref().filter(|path| args.kind.is_none() && is_artifact(path));
        let path = args.source.gmt.as_ref().or(named);
        match path {
            Some(path) => {
                note_ignored(&args.options, args.kind);
                Stored::open(path, args.entry.as_deref()).map(|stored| Self::Stored(Box::new(stored)))
            }
            None if args.entry.is_some() => {
                Err(Failure::Input("--entry names a grammar of an artifact; give one with --gmt".to_owned()))
            }
            None => input::load(args).map(Self::Text),
        }
    }

    /// The tokenizer that the arguments name; else that in the artifact, else the built-in one.
    pub(crate) fn tokenizer(&self, args: &TokenizerArgs) -> Result<Arc<Tokenizer>, Failure> {
        match self {
            Self::Stored(stored) if args.is_default() => match stored.artifact.tokenizer() {
                Ok(Some(tokenizer)) => return Ok(tokenizer),
                Ok(None) => {}
                Err(error) => return Err(stored.fault(error)),
            },
            _ => {}
        }
        Ok(Tokenizer::new(tokenizer::load(args)?))
    }

    /// Whether its rules have captures that are not known any more: a file has none of them.
    pub(crate) fn lacks_captures(&self) -> Result<bool, Failure> {
        match self {
            Self::Text(_) => Ok(false),
            Self::Stored(stored) => stored.has_captures(),
        }
    }

    /// The grammar bound to `tokenizer`.
    pub(crate) fn compile(
        self,
        settings: &Settings,
        tokenizer: Arc<Tokenizer>,
    ) -> Result<Arc<CompiledGrammar>, Failure> {
        match self {
            Self::Text(source) => pipeline::frontend(&source, settings, Some(tokenizer.vocabulary()))
                .and_then(|compiled| pipeline::bind(compiled.grammar, settings, tokenizer))
                .map_err(|diagnostics| failure(source, diagnostics)),
            Self::Stored(stored) => stored.grammar(tokenizer),
        }
    }

    /// The grammar for reading bytes. A vocabulary tells which tokens its names are.
    pub(crate) fn compile_for_bytes(
        self,
        settings: &Settings,
        vocabulary: Option<&Vocabulary>,
    ) -> Result<Arc<CompiledGrammar>, Failure> {
        match self {
            Self::Text(source) => pipeline::frontend(&source, settings, vocabulary)
                .and_then(|compiled| pipeline::bind_to_bytes(compiled.grammar, settings))
                .map_err(|diagnostics| failure(source, diagnostics)),
            Self::Stored(stored) => {
                if let Some(vocabulary) = vocabulary {
                    stored.check_token_ids(vocabulary)?;
                }
                let pda = stored.automaton()?;
                pipeline::bind_automaton_to_bytes(pda).map_err(|faults| Failure::Input(faults.to_string()))
            }
        }
    }
}

fn failure(source: Source, diagnostics: Diagnostics) -> Failure {
    Failure::Grammar { source_text: Box::new(source), diagnostics }
}

impl Stored {
    /// The grammar of an artifact with this name; without one, the only grammar.
    fn open(path: &Path, name: Option<&str>) -> Result<Self, Failure> {
        let artifact = open(path)?;
        let fault = |error| Failure::Artifact { path: path.to_owned(), error: Box::new(error) };
        let index = match name {
            Some(name) => artifact.find(name).map_err(fault)?,
            None if artifact.len() == 1 => 0,
            None => {
                let count = artifact.len();
                let message = format!("{} has {count} grammars; name one with --entry NAME", path.display());
                return Err(Failure::Input(message));
            }
        };
        Ok(Self { path: path.to_owned(), artifact, index })
    }

    fn fault(&self, error: mask_runtime::artifact::ArtifactError) -> Failure {
        Failure::Artifact { path: self.path.clone(), error: Box::new(error) }
    }

    /// Where it comes from, for messages.
    pub(crate) fn name(&self) -> Result<String, Failure> {
        let entry = self.artifact.entry(self.index).map_err(|error| self.fault(error))?;
        Ok(format!("{}, {:?}", self.path.display(), entry.name))
    }

    /// Whether its file says that rules of its source have captures.
    fn has_captures(&self) -> Result<bool, Failure> {
        let entry = self.artifact.entry(self.index).map_err(|error| self.fault(error))?;
        let about: Option<Value> = serde_json::from_str(entry.metadata).ok();
        Ok(about.is_some_and(|about| about["captures"] == true))
    }

    /// Whether the tokens that it names are those of this vocabulary.
    fn check_token_ids(&self, vocabulary: &Vocabulary) -> Result<(), Failure> {
        self.artifact.check_token_ids(self.index, vocabulary.fingerprint()).map_err(|error| self.fault(error))
    }

    /// Its automaton.
    pub(crate) fn automaton(&self) -> Result<Pda, Failure> {
        self.artifact.automaton(self.index).map_err(|error| self.fault(error))
    }

    /// The grammar, with its tables if there are some. All of it is looked at, so that what is shown of it is so.
    pub(crate) fn grammar(&self, tokenizer: Arc<Tokenizer>) -> Result<Arc<CompiledGrammar>, Failure> {
        let grammar = self.artifact.grammar(self.index, tokenizer).map_err(|error| self.fault(error))?;
        grammar.check().map_err(|fault| Failure::Input(format!("{}: {fault}", self.path.display())))?;
        Ok(grammar)
    }
}
