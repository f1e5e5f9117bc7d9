//! Files as bytes in memory.
#![allow(unsafe_code, reason = "mapping a file: see the SAFETY comment")]

use std::fs::File;
use std::io;
use std::path::Path;

use grammar_ir::table::SharedBytes;

/// The bytes of a file, mapped rather than read: only what is looked at is loaded, and processes share it.
pub(super) fn map(path: &Path) -> io::Result<SharedBytes> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(SharedBytes::copy_of(&[]));
    }
    // SAFETY: the mapping is private and read only, and lives as long as anything refers to it. That nobody changes or
    // shortens the file meanwhile cannot be had from the system; it is what `Artifact::open` asks of its caller, and what
    // grammarc does: it writes a new file and renames it. `Artifact::read` asks for nothing.
    let map = unsafe { memmap2::Mmap::map(&file)? };
    Ok(SharedBytes::of(map))
}
