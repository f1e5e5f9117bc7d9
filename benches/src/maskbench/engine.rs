//! What the runner asks of an engine.

use std::path::PathBuf;

use mask_runtime::Vocabulary;
use server::BackendEntry;

use super::backend;

/// What an engine is given to start with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The tokens; the only stop token is [`eos`](Self::eos).
    pub vocabulary: Vocabulary,
    /// The token that ends a generation.
    pub eos: u32,
    /// Where the tokenizer was read from, for engines that want to tokenize themselves.
    pub folder: PathBuf,
}

/// An engine that a binary was built with.
#[derive(Debug, Clone, Copy)]
pub struct EngineEntry {
    /// The name used on the command line and in rows.
    pub name: &'static str,
    /// The version, for the report.
    pub version: &'static str,
    /// How it starts.
    pub start: Start,
}

/// Makes what all schemas share. Not measured. An error says why the engine cannot work with the vocabulary.
#[derive(Debug, Clone, Copy)]
pub enum Start {
    /// An engine that knows this runner.
    Engine(fn(Setup) -> Result<Box<dyn Engine>, String>),
    /// One that knows the server.
    Backend(BackendEntry),
}

impl EngineEntry {
    /// A backend of the server as an engine.
    pub fn of_backend(backend: BackendEntry) -> Self {
        Self { name: backend.name, version: backend.version, start: Start::Backend(backend) }
    }

    /// Starts it.
    ///
    /// # Errors
    /// Says why the engine cannot work with the vocabulary.
    pub fn start(&self, setup: Setup) -> Result<Box<dyn Engine>, String> {
        match self.start {
            Start::Engine(start) => start(setup),
            Start::Backend(entry) => backend::start(&entry, setup),
        }
    }
}

/// An engine bound to a tokenizer.
pub trait Engine {
    /// Compiles the text of a JSON Schema, with default options. What the engine can put off until the first mask, it
    /// may: the time to the first mask is what is measured.
    ///
    /// # Errors
    /// When the engine does not take the schema.
    fn compile(&self, schema: &str) -> Result<Box<dyn Session>, CompileError>;

    /// Compiles the text of a JSON Schema with members in any order, for instances that the order alone keeps out. Engines
    /// that know no order of members, or no other one, have none.
    fn compile_any_order(&self, _schema: &str) -> Option<Box<dyn Session>> {
        None
    }
}

/// One generation at a time under one schema. Begins at the start of a generation.
pub trait Session {
    /// Back to the start.
    ///
    /// # Errors
    /// When the engine has given up on the schema.
    fn reset(&mut self) -> Result<(), String>;

    /// Computes the mask of the next token.
    ///
    /// # Errors
    /// When the engine has given up.
    fn fill(&mut self) -> Result<(), String>;

    /// Whether the mask computed last allows `token`.
    fn allows(&self, token: u32) -> bool;

    /// Takes a token that the mask allows.
    ///
    /// # Errors
    /// When the engine does not take it.
    fn accept(&mut self, token: u32) -> Result<(), String>;
}

/// Why a schema does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// The whole message.
    pub message: String,
    /// The causes without what is particular to the schema, so that they can be counted.
    pub causes: Vec<String>,
}

impl CompileError {
    /// Longest cause that is kept of a message.
    const CAUSE: usize = 80;

    /// An error of which no more is known than its message: the message's beginning is the cause.
    pub fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        let line = message.lines().next().unwrap_or_default();
        Self { causes: vec![line.chars().take(Self::CAUSE).collect()], message }
    }
}
