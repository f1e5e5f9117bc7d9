//! What can go wrong: a text that is not understood, a launch that does what a GPU leaves undefined.

/// A PTX text that the interpreter does not understand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: ParseErrorKind,
}

/// What is wrong with a PTX text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// A character that starts no token.
    #[error("the character {0:?} starts no token")]
    Character(char),
    /// Something else was expected.
    #[error("expected {expected}, found {found:?}")]
    Expected {
        /// What was expected.
        expected: &'static str,
        /// The token that was found; empty at the end of the text.
        found: String,
    },
    /// An instruction, a modifier or a directive that the interpreter does not know.
    #[error("{0:?} is not supported; add it to the interpreter, with a test")]
    Unsupported(String),
    /// A name that is not declared.
    #[error("{0:?} is not declared")]
    Undeclared(String),
    /// A name that is declared twice in one scope.
    #[error("{0:?} is declared twice")]
    Redeclared(String),
    /// More registers, or more shared memory, than a kernel can have.
    #[error("{what} {found} is more than {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
}

/// A launch that was stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry}, line {line}, block {block:?}, thread {thread:?}: {kind}")]
pub struct Fault {
    /// The entry point.
    pub entry: String,
    /// The line of the instruction; 0 before the first.
    pub line: usize,
    /// The block's index.
    pub block: [u32; 3],
    /// The thread's index in its block.
    pub thread: [u32; 3],
    /// What happened.
    pub kind: FaultKind,
}

/// Why a launch was stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// The program has no such entry point.
    #[error("there is no such entry point")]
    NoEntry,
    /// The arguments are not what the entry point declares.
    #[error("argument {index} does not fit: the entry point has {declared}")]
    Argument {
        /// The first argument that does not fit.
        index: usize,
        /// What the entry point declares there.
        declared: String,
    },
    /// A block with no threads, or with more than the entry point or a GPU allows.
    #[error("a block of {threads} threads; the entry point allows 1 to {limit}")]
    BlockSize {
        /// The number of threads.
        threads: u64,
        /// The largest number.
        limit: u64,
    },
    /// An access outside every buffer.
    #[error("{size} bytes at {address:#x} are not in one buffer of {space} memory")]
    OutOfBounds {
        /// The memory.
        space: &'static str,
        /// The first byte's address.
        address: u64,
        /// The number of bytes.
        size: usize,
    },
    /// An access that is not aligned to its size.
    #[error("{size} bytes at {address:#x} of {space} memory are not aligned")]
    Misaligned {
        /// The memory.
        space: &'static str,
        /// The first byte's address.
        address: u64,
        /// The number of bytes.
        size: usize,
    },
    /// Two threads access one byte of shared memory with no barrier between them, and one of them writes.
    #[error("the byte at {address:#x} of shared memory is also accessed by thread {other}, with no barrier between")]
    Race {
        /// The byte's address.
        address: u64,
        /// The other thread's number in its block.
        other: u32,
    },
    /// A read of shared memory that nobody wrote.
    #[error("the byte at {address:#x} of shared memory was never written")]
    Uninitialized {
        /// The byte's address.
        address: u64,
    },
    /// A shuffle that not every lane it names reaches, or a source lane outside of them.
    #[error("the lanes of the warp do not meet at this shuffle")]
    Divergence,
    /// Some threads wait at a barrier that the others do not reach.
    #[error("the threads of the block do not meet at this barrier")]
    Barrier,
    /// A division of integers by 0.
    #[error("a division of integers by 0")]
    DivisionByZero,
    /// The launch ran longer than it may.
    #[error("more than {limit} instructions")]
    Limit {
        /// The limit.
        limit: u64,
    },
}
