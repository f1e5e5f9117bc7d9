//! From what size on shortcuts are taken.

/// The least sizes for which a mask is made in another way than by walking the trie.
///
/// They decide on times, never on masks. Tests lower them, as in the small vocabularies and grammars that can be compared with
/// trying every token nothing would be large enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Tokens below a node of the trie.
    pub(crate) branch_tokens: usize,
    /// ASCII characters of a loop, if it has no others; [`u32::MAX`] for no loops at all.
    pub(crate) loop_characters: u32,
    /// The same of a component.
    pub(crate) component_characters: u32,
    /// Characters in a row for which a component is good.
    pub(crate) component_steps: u32,
    /// Bytes that a state next to a loop reads.
    pub(crate) text_bytes: usize,
    /// ASCII characters of a row of states.
    pub(crate) chain_characters: usize,
    /// Tokens of these characters: few, as there are of digits alone, are soon walked.
    pub(crate) chain_tokens: usize,
    /// Iterations that a counted loop has left, for its remainders to be walked together: with fewer, most of them would have to
    /// be looked at again.
    pub(crate) together: u32,
    /// Tokens that are too long for a component, for these to be walked as a trie.
    pub(crate) longer_tokens: usize,
    /// The most tokens that depend on values seen, for a mask that is made without knowing these.
    pub(crate) doubtful_tokens: usize,
    /// The most states of a procedure in which it is looked for new values ahead.
    pub(crate) ways_on_states: usize,
}

impl Thresholds {
    /// What has been found to be quickest.
    pub const USUAL: Self = Self {
        branch_tokens: 24,
        loop_characters: 10,
        component_characters: 10,
        component_steps: 3,
        text_bytes: 10,
        chain_characters: 16,
        chain_tokens: 2048,
        together: 8,
        longer_tokens: 24,
        doubtful_tokens: 256,
        ways_on_states: 4_096,
    };

    /// Shortcuts wherever they can be taken, for tests.
    pub const LEAST: Self = Self {
        branch_tokens: 1,
        loop_characters: 1,
        component_characters: 1,
        component_steps: 1,
        text_bytes: 1,
        chain_characters: 1,
        chain_tokens: 1,
        together: 1,
        longer_tokens: 0,
        doubtful_tokens: 2,
        ways_on_states: 4_096,
    };

    /// No shortcuts: all masks are walks over the trie, for tests.
    pub const NONE: Self = Self {
        branch_tokens: usize::MAX,
        loop_characters: u32::MAX,
        component_characters: u32::MAX,
        component_steps: u32::MAX,
        text_bytes: usize::MAX,
        chain_characters: usize::MAX,
        chain_tokens: usize::MAX,
        together: u32::MAX,
        longer_tokens: usize::MAX,
        doubtful_tokens: 256,
        ways_on_states: 0,
    };
}
