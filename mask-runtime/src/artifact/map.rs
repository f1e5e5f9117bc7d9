//! Files as bytes in memory.
#![allow(unsafe_code, reason = "mapping a file: see the SAFETY comment")]

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use grammar_ir::table::SharedBytes;

/// The most bytes that are read from a pipe or a device, which may have no end.
const MAX_READ: u64 = 1 << 30;

/// The bytes of a file, mapped rather than read: only what is looked at is loaded, and processes share it.
pub(super) fn map(path: &Path) -> io::Result<SharedBytes> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        // What comes out of a pipe has no length before it has been read; a folder says here that it is one.
        let mut bytes = Vec::new();
        file.take(MAX_READ + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_READ {
            let message = format!("what is no file is read into memory, and this is longer than {MAX_READ} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        return Ok(SharedBytes::of(bytes));
    }
    if metadata.len() == 0 {
        return Ok(SharedBytes::copy_of(&[]));
    }
    // SAFETY: the mapping is private and read only, and lives as long as anything refers to it. That nobody changes or
    // shortens the file meanwhile cannot be had from the system; it is what `Artifact::open` asks of its caller, and what
    // grammarc does: it writes a new file and renames it. `Artifact::read` asks for nothing.
    let map = unsafe { memmap2::Mmap::map(&file)? };
    Ok(SharedBytes::of(map))
}
