//! Backends of the server as engines.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gpu_runtime::Encoder;
use gpu_runtime::engine::{Fill, TokenMatcher};
use mask_runtime::{Tokenizer, bitmask};
use server::{
    Backend, BackendEntry, BackendSetup, CompileBudget, CompiledConstraint, Constraint, ConstraintKind, JsonStyle,
};

use super::engine::{CompileError, Engine, Session, Setup};

/// Starts a backend.
pub(super) fn start(entry: &BackendEntry, setup: Setup) -> Result<Box<dyn Engine>, String> {
    let path = setup.folder.join("tokenizer.json");
    let json = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let encoder = Encoder::from_json(&json).map_err(|error| error.to_string())?;
    let backend = (entry.start)(BackendSetup { tokenizer: Tokenizer::new(setup.vocabulary), encoder })?;
    Ok(Box::new(BackendEngine { backend, eos: setup.eos }))
}

struct BackendEngine {
    backend: Arc<dyn Backend>,
    eos: u32,
}

impl Engine for BackendEngine {
    fn compile(&self, schema: &str) -> Result<Box<dyn Session>, CompileError> {
        // The supervisor bounds time and memory, alike for all engines.
        let budget = CompileBudget {
            time: Duration::MAX,
            source_bytes: usize::MAX,
            states: usize::MAX,
            memory: usize::MAX,
            cancel: Arc::new(AtomicBool::new(false)),
        };
        let style = JsonStyle::unbounded();
        let constraint = Constraint { kind: ConstraintKind::Json, text: schema.into(), style };
        let compiled = self.backend.compile(&constraint, &budget);
        let compiled = compiled.map_err(|error| CompileError::new(format!("refused: {error}")))?;
        let matcher = compiled.matcher(vec![self.eos]).map_err(CompileError::new)?;
        let row = bitmask::row_for(matcher.vocabulary_size());
        Ok(Box::new(BackendSession { compiled, matcher, row, eos: self.eos, is_ended: false }))
    }
}

struct BackendSession {
    compiled: Arc<dyn CompiledConstraint>,
    matcher: Box<dyn TokenMatcher>,
    row: Vec<u32>,
    eos: u32,
    /// Whether nothing but the end token can follow, which some engines show by a mask of nothing.
    is_ended: bool,
}

impl Session for BackendSession {
    fn reset(&mut self) -> Result<(), String> {
        self.matcher = self.compiled.matcher(vec![self.eos])?;
        self.is_ended = false;
        Ok(())
    }

    fn fill(&mut self) -> Result<(), String> {
        self.is_ended = self.matcher.fill(&mut self.row).map_err(|error| error.to_string())? == Fill::Ended;
        Ok(())
    }

    fn allows(&self, token: u32) -> bool {
        if self.is_ended { token == self.eos } else { bitmask::contains(&self.row, token) }
    }

    fn accept(&mut self, token: u32) -> Result<(), String> {
        if self.is_ended && token == self.eos {
            return Ok(());
        }
        self.matcher.accept_token(token).map_err(|error| error.to_string())
    }
}
