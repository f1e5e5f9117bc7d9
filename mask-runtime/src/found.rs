//! The tokens that a mask was made of, where they are few and it was made in a simple way.
//!
//! Most masks are those of places in literals: a handful of tokens in a row of thousands of words, which would have to be looked
//! through to find them again.

/// More tokens are not listed.
pub(crate) const FEW_TOKENS: usize = 256;

/// What has been put into a row since it was empty, or since it was the row of a slice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    tokens: Vec<u32>,
    is_unknown: bool,
}

impl Found {
    /// Nothing so far.
    pub(crate) fn begin(&mut self) {
        self.tokens.clear();
        self.is_unknown = false;
    }

    /// Notes tokens that were not in the row before.
    #[inline]
    pub(crate) fn add(&mut self, tokens: &[u32]) {
        if !self.is_unknown {
            if self.tokens.len() + tokens.len() > FEW_TOKENS {
                self.is_unknown = true;
            } else {
                self.tokens.extend_from_slice(tokens);
            }
        }
    }

    /// Notes that the row changes in some other way.
    pub(crate) fn give_up(&mut self) {
        self.is_unknown = true;
    }

    /// All of them, each once, unless that is not known.
    pub(crate) fn tokens(&self) -> Option<&[u32]> {
        (!self.is_unknown).then_some(&self.tokens)
    }
}
