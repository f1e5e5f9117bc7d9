//! Reading what was written as 32-bit words, without trust.

/// Words not read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a>(&'a [u32]);

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [u32]) -> Self {
        Self(words)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next word.
    pub(crate) fn take(&mut self) -> Option<u32> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// The next word, which says yes or no.
    pub(crate) fn take_bool(&mut self) -> Option<bool> {
        match self.take()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// A number that may be missing: whether it is there, and the number.
    pub(crate) fn take_option(&mut self) -> Option<Option<u32>> {
        let (is_some, number) = (self.take_bool()?, self.take()?);
        (is_some || number == 0).then_some(is_some.then_some(number))
    }

    /// The number of items, and the items, each of `width` words.
    pub(crate) fn take_list(&mut self, width: usize) -> Option<&'a [u32]> {
        let length = (self.take()? as usize).checked_mul(width)?;
        let (list, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(list)
    }
}

/// What [`Words::take_option`] reads.
pub(crate) fn push_option(words: &mut Vec<u32>, number: Option<u32>) {
    words.extend([u32::from(number.is_some()), number.unwrap_or(0)]);
}

/// What [`Words::take_list`] reads, of items of `width` words.
pub(crate) fn push_list(words: &mut Vec<u32>, width: usize, items: impl IntoIterator<Item = u32>) {
    let length = words.len();
    words.push(0);
    words.extend(items);
    words[length] = ((words.len() - length - 1) / width) as u32;
}
