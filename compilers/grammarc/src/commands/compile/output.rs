//! Where the bytes go.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes another file and renames it, so that whoever has the old one mapped keeps it. A link stays a link: what it leads to
/// is replaced. What is no file, as a pipe or a device, is written to.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link that leads nowhere is followed by the system when the file is made.
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    let target = if is_link { fs::canonicalize(path) } else { Ok(path.to_owned()) };
    let metadata = fs::metadata(path);
    match target {
        Ok(target) if metadata.as_ref().map_or(true, Metadata::is_file) => replace(&target, bytes),
        _ => File::options().write(true).create(metadata.is_err()).open(path)?.write_all(bytes),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = part_beside(path);
    // Who may read the file stays as it is.
    let permissions = fs::metadata(path).map(|metadata| metadata.permissions()).ok();
    let permit = || permissions.map_or(Ok(()), |permissions| fs::set_permissions(&part, permissions));
    let written = File::create_new(&part).and_then(|mut file| permit().and_then(|()| file.write_all(bytes)));
    written.and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
        // If it was not even made, there is nothing to remove.
        let _ = fs::remove_file(&part);
    })
}

fn part_beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".grammarc-{}.part", std::process::id()))
}
