//! GLRMask as an engine: its own import of JSON Schema, its own defaults.

use glrmask::{Constraint, ConstraintState, Grammar, Vocab};
use grammarc_benches::maskbench::{CompileError, Engine, EngineEntry, Session, Setup, Start};
use mask_runtime::{TokenKind, Vocabulary, bitmask};
use self_cell::self_cell;

/// GLRMask.
pub(crate) const GLRMASK: EngineEntry = EngineEntry { name: "glrmask", version: "0.5.0", start: Start::Engine(start) };

/// What a vocabulary is prepared with. The crate prepares one within the first compile, which should cost no case.
const FIRST_SCHEMA: &str = r#"{"type": "boolean"}"#;

fn start(setup: Setup) -> Result<Box<dyn Engine>, String> {
    let vocab = Vocab::new(text_tokens(&setup.vocabulary, setup.eos));
    let engine = GlrMask { vocab, eos: setup.eos, size: setup.vocabulary.size() };
    engine.compile(FIRST_SCHEMA).map_err(|error| error.message)?;
    Ok(Box::new(engine))
}

fn text_tokens(vocabulary: &Vocabulary, eos: u32) -> Vec<(u32, Vec<u8>)> {
    let is_text = |&id: &u32| id != eos && vocabulary.kind(id) == TokenKind::Text;
    (0..vocabulary.size() as u32).filter(is_text).map(|id| (id, vocabulary.bytes(id).to_vec())).collect()
}

struct GlrMask {
    vocab: Vocab,
    eos: u32,
    size: usize,
}

impl Engine for GlrMask {
    fn compile(&self, schema: &str) -> Result<Box<dyn Session>, CompileError> {
        let grammar = Grammar::from_json_schema(schema).map_err(|error| CompileError::new(error.to_string()))?;
        let constraint = grammar.compile(&self.vocab).map_err(|error| CompileError::new(error.to_string()))?;
        let words = bitmask::row_for(self.size).len().max(constraint.mask_len());
        let generation = Generation::new(constraint, Constraint::start);
        Ok(Box::new(GlrMaskSession { generation, row: vec![0; words], eos: self.eos }))
    }
}

self_cell!(
    /// A constraint and the state that borrows it.
    struct Generation {
        owner: Constraint,
        #[not_covariant]
        dependent: ConstraintState,
    }
);

struct GlrMaskSession {
    generation: Generation,
    row: Vec<u32>,
    eos: u32,
}

impl GlrMaskSession {
    /// The crate knows no end token: the end is where the text is complete.
    fn is_complete(&self) -> bool {
        self.generation.with_dependent(|_, state| state.is_accepting())
    }
}

impl Session for GlrMaskSession {
    fn reset(&mut self) -> Result<(), String> {
        self.generation.with_dependent_mut(|constraint, state| *state = constraint.start());
        Ok(())
    }

    fn fill(&mut self) -> Result<(), String> {
        let Self { generation, row, .. } = self;
        generation.with_dependent(|_, state| state.fill_mask(row));
        if self.is_complete() {
            bitmask::set(&mut self.row, self.eos);
        }
        Ok(())
    }

    fn allows(&self, token: u32) -> bool {
        bitmask::contains(&self.row, token)
    }

    fn accept(&mut self, token: u32) -> Result<(), String> {
        let is_accepted = match token == self.eos {
            true => self.is_complete(),
            false => self.generation.with_dependent_mut(|_, state| state.commit_token(token)),
        };
        is_accepted.then_some(()).ok_or_else(|| "not accepted".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use mask_runtime::embedded_tiny;

    use super::*;

    /// A session for the schema, and the token of each character.
    fn session(schema: &str) -> (Box<dyn Session>, impl Fn(&str) -> Vec<u32>, u32) {
        let vocabulary = embedded_tiny();
        let eos = vocabulary.stop_tokens()[0];
        let tokens = vocabulary.clone();
        let setup = Setup { vocabulary, eos, folder: "unused".into() };
        let session = GLRMASK.start(setup).unwrap().compile(schema).unwrap();
        let token_of = move |byte: u8| (0..tokens.size() as u32).find(|&id| tokens.bytes(id) == [byte]).unwrap();
        (session, move |text: &str| text.bytes().map(&token_of).collect(), eos)
    }

    /// Takes each token that the mask allows, up to the first that it does not; how many were taken.
    fn follow(session: &mut dyn Session, tokens: &[u32]) -> usize {
        for (position, &token) in tokens.iter().enumerate() {
            session.fill().unwrap();
            if !session.allows(token) {
                return position;
            }
            session.accept(token).unwrap();
        }
        tokens.len()
    }

    #[test]
    fn masks_follow_the_schema() {
        let (mut session, tokens, eos) = session(r#"{"type": "array", "items": {"enum": ["ab", 7]}}"#);
        assert_eq!(follow(&mut *session, &tokens(r#"["ab", 7]"#)), 9);
        session.fill().unwrap();
        assert!(session.allows(eos) && session.accept(eos).is_ok());
        session.reset().unwrap();
        assert_eq!(follow(&mut *session, &tokens(r#"["ac"]"#)), 3);
        assert!(!session.allows(eos) && session.accept(eos).is_err());
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        let vocabulary = embedded_tiny();
        let eos = vocabulary.stop_tokens()[0];
        let engine = GLRMASK.start(Setup { vocabulary, eos, folder: "unused".into() }).unwrap();
        assert!(engine.compile("{").is_err());
    }
}
