//! A file in memory, mapped.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// Maps `path` for reading.
pub(super) fn map(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: the bytes are only read, never given a type that has invalid values, and every offset is checked against
    // the length of the mapping. Whoever shortens the file while it is mapped ends the process with a signal, as in
    // every program that maps checkpoints; the documentation of `Checkpoint::open` asks not to.
    #[allow(unsafe_code, reason = "a mapping cannot be made safely: see above")]
    unsafe {
        Mmap::map(&file)
    }
}
