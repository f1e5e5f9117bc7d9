//! By the size of the vocabulary: start-up, the index, masks.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use mask_runtime::{Tokenizer, Vocabulary};

use super::memory;
use super::walk::{Walk, mean, microseconds};

const ROUNDS: usize = 5;

pub(super) fn print(folder: &Path) -> Result<(), String> {
    println!(
        "{:<26} {:>9} {:>12} {:>9} {:>10} {:>12} {:>9} {:>7} {:>9}",
        "vocabulary", "tokens", "reading, ms", "index, ms", "index, MB", "first mask", "mask new", "again", "max new"
    );
    for path in folders(folder)? {
        let (mut reading, mut indexing) = (f64::INFINITY, f64::INFINITY);
        let mut tokenizer = None;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let vocabulary = Vocabulary::from_huggingface_dir(&path).map_err(|error| error.to_string())?;
            reading = reading.min(microseconds(started.elapsed()) / 1e3);
            let started = Instant::now();
            tokenizer = Some(Tokenizer::new(vocabulary));
            indexing = indexing.min(microseconds(started.elapsed()) / 1e3);
        }
        let Some(tokenizer) = tokenizer else { continue };
        let index = tokenizer.memory();
        let (schema, text) = memory::object(20);
        let walk = Walk::new(&schema, &text, &tokenizer, ROUNDS)?;
        println!(
            "{:<26} {:>9} {reading:>12.0} {indexing:>9.0} {:>10.1} {:>12.0} {:>9.2} {:>7.2} {:>9.0}",
            path.file_name().unwrap_or_default().to_string_lossy(),
            tokenizer.vocabulary().size(),
            index as f64 / 1e6,
            walk.first_mask,
            mean(&walk.new),
            mean(&walk.again),
            walk.new.iter().copied().fold(0.0, f64::max),
        );
    }
    println!();
    Ok(())
}

/// The folders below that have a tokenizer, by name.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("tokenizer.json").is_file())
        .collect();
    folders.sort();
    match folders.is_empty() {
        true => Err(format!("{}: no folder in it has a tokenizer.json", folder.display())),
        false => Ok(folders),
    }
}
