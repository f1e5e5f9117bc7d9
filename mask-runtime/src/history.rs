//! Steps that can be undone: what matchers of all kinds offer on top of accepting and undoing.

use crate::matcher::{AcceptError, RollbackError};

/// A row of accepted tokens of which the last ones can be undone.
pub(crate) trait History {
    /// The number of steps made and not undone.
    fn made(&self) -> usize;

    /// Makes a step; an error changes nothing.
    fn accept(&mut self, token: u32) -> Result<(), AcceptError>;

    /// Undoes the last `steps` steps, no more than were made.
    fn undo(&mut self, steps: usize);

    /// Undoes the last `steps` steps, or nothing if fewer were made.
    fn undo_checked(&mut self, steps: usize) -> Result<(), RollbackError> {
        let made = self.made();
        if steps > made {
            return Err(RollbackError { asked: steps, made });
        }
        self.undo(steps);
        Ok(())
    }

    /// The number of tokens, from the first, that can be accepted one after the other. Nothing is changed.
    fn validate(&mut self, draft: &[u32]) -> usize {
        let accepted = draft.iter().take_while(|&&token| self.accept(token).is_ok()).count();
        self.undo(accepted);
        accepted
    }
}
