//! Mask rows of engines that know one end token, for requests that have several.

/// The end token of an engine, and those of a request.
#[derive(Debug)]
pub(crate) struct Ends {
    /// The engine's.
    pub(crate) eos: u32,
    /// The request's.
    pub(crate) stop_tokens: Vec<u32>,
}

impl Ends {
    /// Where the engine allows its end token, allows those of the request instead.
    pub(crate) fn translate(&self, row: &mut [u32]) {
        let (word, bit) = (self.eos as usize / 32, 1 << (self.eos % 32));
        let is_end = row.get(word).is_some_and(|word| word & bit != 0);
        if let Some(word) = row.get_mut(word) {
            *word &= !bit;
        }
        if is_end {
            self.stop_tokens.iter().for_each(|&token| set(row, token));
        }
    }
}

/// Allows a token.
pub(crate) fn set(row: &mut [u32], token: u32) {
    if let Some(word) = row.get_mut(token as usize / 32) {
        *word |= 1 << (token % 32);
    }
}
