//! Markers of several tokens, found in a stream of tokens.

use std::sync::Arc;

use crate::reasoning::MarkerError;

/// The tokens of a marker, such as the one that ends a model's reasoning, with what finds it in a stream.
///
/// ```
/// use mask_runtime::Marker;
/// let marker = Marker::new([1, 1, 2])?;
/// // After `1 1 1` the last two may be the beginning of the marker.
/// let progress = [1, 1, 1].into_iter().fold(0, |progress, token| marker.advance(progress, token));
/// assert_eq!(progress, 2);
/// assert_eq!(marker.advance(progress, 2), marker.tokens().len());
/// # Ok::<(), mask_runtime::MarkerError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    tokens: Arc<[u32]>,
    /// Per number of tokens that have been matched: how many are still matched when the next one differs.
    failure: Arc<[usize]>,
}

impl Marker {
    /// The marker of these tokens.
    ///
    /// # Errors
    /// When there are none.
    pub fn new(tokens: impl Into<Vec<u32>>) -> Result<Self, MarkerError> {
        let tokens = tokens.into();
        if tokens.is_empty() {
            return Err(MarkerError::Empty);
        }
        Ok(Self { failure: failure(&tokens).into(), tokens: tokens.into() })
    }

    /// The tokens, at least one.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// How many tokens of the marker are matched after `token`, where `progress` of them were before; all of them at its end.
    /// After that the next one begins.
    pub fn advance(&self, progress: usize, token: u32) -> usize {
        let mut matched = if progress < self.tokens.len() { progress } else { 0 };
        while matched > 0 && self.tokens[matched] != token {
            matched = self.failure[matched];
        }
        matched + usize::from(self.tokens[matched] == token)
    }
}

/// The failure function of Knuth, Morris and Pratt (SIAM J. Comput. 6, 1977): per length, the longest proper suffix of that
/// many tokens of the marker that the marker begins with.
fn failure(marker: &[u32]) -> Vec<usize> {
    let mut failure = vec![0; marker.len() + 1];
    for length in 1..marker.len() {
        let mut matched = failure[length];
        while matched > 0 && marker[matched] != marker[length] {
            matched = failure[matched];
        }
        failure[length + 1] = matched + usize::from(marker[matched] == marker[length]);
    }
    failure
}
