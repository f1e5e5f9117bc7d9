//! Which pages of the key/value cache are free.

/// Hands out pages. Room for all that a sequence can ever need is set aside when it begins, so that one that has begun never
/// has to wait; the pages themselves are handed out as it grows, and those given back last first. A cache whose memory comes
/// with the first use then takes as much of it as sequences have needed at one time, not as much as they might have.
#[derive(Debug)]
pub(super) struct Pages {
    /// Given back, the last at the end.
    returned: Vec<u32>,
    /// The first page that has never been handed out.
    unused: u32,
    /// The number of pages that are not set aside.
    free: usize,
    length: usize,
}

/// The pages of one sequence, and those set aside for it.
#[derive(Debug, Default)]
pub(super) struct SequencePages {
    pages: Vec<u32>,
    set_aside: usize,
}

impl Pages {
    /// `count` free pages of `length` positions.
    pub(super) fn new(count: usize, length: usize) -> Self {
        Self { returned: Vec::new(), unused: 0, free: count.min(u32::MAX as usize), length }
    }

    /// Sets pages for `positions` positions aside, if there are enough.
    pub(super) fn set_aside(&mut self, positions: usize) -> Option<SequencePages> {
        let set_aside = positions.div_ceil(self.length);
        self.free = self.free.checked_sub(set_aside)?;
        Some(SequencePages { pages: Vec::new(), set_aside })
    }

    /// Hands out pages, of those set aside, until `positions` positions have one.
    pub(super) fn grow(&mut self, sequence: &mut SequencePages, positions: usize) {
        let needed = positions.div_ceil(self.length).min(sequence.set_aside);
        while sequence.pages.len() < needed {
            let page = self.returned.pop().unwrap_or_else(|| {
                self.unused += 1;
                self.unused - 1
            });
            sequence.pages.push(page);
        }
    }

    /// Takes pages back.
    pub(super) fn give_back(&mut self, sequence: SequencePages) {
        self.free += sequence.set_aside;
        // The first page of a sequence is the one that the next sequence begins with.
        self.returned.extend(sequence.pages.into_iter().rev());
    }
}

impl SequencePages {
    /// Whether there are none, and none are set aside.
    pub(super) fn is_none(&self) -> bool {
        self.set_aside == 0
    }

    /// The pages in the order of positions.
    pub(super) fn pages(&self) -> &[u32] {
        &self.pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_get_what_was_set_aside_for_them() {
        let mut pages = Pages::new(8, 16);
        let mut long = pages.set_aside(16 * 5).expect("there are eight");
        let mut short = pages.set_aside(17).expect("there are three");
        assert!(pages.set_aside(17).is_none(), "one is left");
        pages.grow(&mut long, 16);
        pages.grow(&mut short, 100);
        pages.grow(&mut long, 33);
        assert_eq!((long.pages(), short.pages()), (&[0, 3, 4][..], &[1, 2][..]));
        pages.give_back(short);
        let mut other = pages.set_aside(16 * 3).expect("three are left again");
        pages.grow(&mut other, 16);
        assert_eq!(other.pages(), [1]);
        pages.give_back(long);
        pages.give_back(other);
        assert!(pages.set_aside(16 * 8).is_some(), "all are free");
    }

    #[test]
    fn no_more_pages_are_used_than_are_needed_at_one_time() {
        let mut pages = Pages::new(1_000, 16);
        let mut greatest = 0;
        for positions in [16, 100, 33, 160, 1, 48] {
            let mut sequence = pages.set_aside(16 * 500).expect("all are free");
            pages.grow(&mut sequence, positions);
            greatest = greatest.max(*sequence.pages().iter().max().expect("it has pages"));
            pages.give_back(sequence);
        }
        assert_eq!(greatest, 9);
    }
}
