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
    let (part, mut file) = part_beside(path)?;
    // Who may read the file stays as it is.
    let permissions = fs::metadata(path).map(|metadata| metadata.permissions()).ok();
    let permit = || permissions.map_or(Ok(()), |permissions| fs::set_permissions(&part, permissions));
    let written = permit().and_then(|()| file.write_all(bytes)).and_then(|()| fs::rename(&part, path));
    written.inspect_err(|_| {
        // What went wrong is said; that a part of a file may be left is not worth another message.
        let _ = fs::remove_file(&part);
    })
}

/// Makes a new file beside `path`. Other processes, in other containers with the same number too, may be at work in the folder.
fn part_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    const ATTEMPTS: u32 = 1000;
    let process = std::process::id();
    let mut attempt = 0;
    loop {
        // Not made of the name of the file, which may be as long as names can be.
        let part = path.with_file_name(format!(".grammarc-{process}-{attempt}.part"));
        match File::create_new(&part) {
            Ok(file) => return Ok((part, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_others_stay() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("grammarc-output-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let others = folder.join(format!(".grammarc-{}-0.part", std::process::id()));
        fs::write(&others, "of another")?;
        let path = folder.join("a.gmt");
        write(&path, b"first")?;
        write(&path, b"second")?;
        assert_eq!(fs::read(&path)?, b"second");
        assert_eq!(fs::read(&others)?, b"of another");
        assert_eq!(fs::read_dir(&folder)?.count(), 2, "nothing else is left");
        fs::remove_dir_all(&folder)
    }
}
