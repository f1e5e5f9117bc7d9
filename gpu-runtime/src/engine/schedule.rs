//! Which positions a step computes.

use super::pages::Pages;
use super::sequence::Sequence;

/// The rows of a step, for the device.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    pub(super) tokens: Vec<u32>,
    pub(super) positions: Vec<u32>,
    pub(super) sequences: Vec<u32>,
    pub(super) page_table: Vec<u32>,
    pub(super) pages_per_sequence: usize,
    /// For each sequence that gets a token in this step: its index, ascending.
    pub(super) sampled: Vec<usize>,
    /// The last row of each of them.
    pub(super) selected: Vec<u32>,
}

impl Schedule {
    /// Plans a step of at most `max_rows` rows, and takes the pages that it needs from `pages`. Sequences with few rows to go
    /// come first, so that a long prompt does not hold up those that decode; it gets the rows they leave, over several steps
    /// if need be.
    pub(super) fn plan(&mut self, sequences: &mut [Sequence], pages: &mut Pages, max_rows: usize) {
        self.tokens.clear();
        self.positions.clear();
        self.sequences.clear();
        self.page_table.clear();
        self.sampled.clear();
        self.selected.clear();
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.sort_by_key(|&index| sequences[index].pending());
        let mut ends = Vec::with_capacity(sequences.len());
        for index in order {
            let sequence = &mut sequences[index];
            let rows = sequence.pending().min(max_rows - self.tokens.len());
            let positions = sequence.computed..sequence.computed + rows;
            self.tokens.extend_from_slice(&sequence.tokens[positions.clone()]);
            self.positions.extend(positions.map(|position| position as u32));
            self.sequences.resize(self.tokens.len(), index as u32);
            sequence.computed += rows;
            pages.grow(&mut sequence.pages, sequence.computed);
            if rows > 0 && sequence.pending() == 0 {
                ends.push((index, self.tokens.len() as u32 - 1));
            }
        }
        self.pages_per_sequence = sequences.iter().map(|sequence| sequence.pages.pages().len()).max().unwrap_or(0);
        for sequence in &*sequences {
            let end = self.page_table.len() + self.pages_per_sequence;
            self.page_table.extend_from_slice(sequence.pages.pages());
            self.page_table.resize(end, 0);
        }
        ends.sort_unstable();
        self.sampled.extend(ends.iter().map(|&(index, _)| index));
        self.selected.extend(ends.iter().map(|&(_, row)| row));
    }
}
