//! A MaskBench file: one JSON object a line, `{"id", "schema", "tests": [{"valid", "data"}]}`, compressed or not.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::failure::Failure;

/// A schema and its instances.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) schema: Value,
    pub(super) tests: Vec<Test>,
}

/// An instance and whether it is valid.
#[derive(Debug, Deserialize)]
pub(super) struct Test {
    pub(super) valid: bool,
    pub(super) data: Value,
}

/// The text of a file, read whole.
#[derive(Debug)]
pub(super) struct Dataset {
    text: String,
}

/// What an xz file begins with.
const XZ_MAGIC: &[u8] = b"\xFD7zXZ\0";

impl Dataset {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(Failure::reading(path))?;
        if bytes.starts_with(XZ_MAGIC) {
            let mut plain = Vec::new();
            lzma_rs::xz_decompress(&mut BufReader::new(bytes.as_slice()), &mut plain)
                .map_err(|error| Failure::data(path, format!("{error:?}")))?;
            bytes = plain;
        }
        let text = String::from_utf8(bytes).map_err(|error| Failure::data(path, error))?;
        Ok(Self { text })
    }

    /// Every `stride`-th line that holds something, and its number from 1.
    pub(super) fn lines(&self, stride: usize) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim().is_empty())
            .step_by(stride.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"id":"a","schema":true,"tests":[{"valid":true,"data":1}]}"#;

    fn dataset(bytes: &[u8], name: &str) -> Dataset {
        let path = std::env::temp_dir().join(format!("maskbench-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let dataset = Dataset::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        dataset
    }

    #[test]
    fn plain_and_compressed_read_alike() {
        let mut compressed = Vec::new();
        lzma_rs::xz_compress(&mut LINE.as_bytes(), &mut compressed).unwrap();
        assert_eq!(dataset(LINE.as_bytes(), "plain").text, dataset(&compressed, "xz").text);
        let case: Case = serde_json::from_str(LINE).unwrap();
        assert_eq!((case.id.as_str(), case.tests[0].valid), ("a", true));
    }

    #[test]
    fn a_stride_counts_lines_that_hold_something() {
        let dataset = dataset(b"a\n\nb\nc\n\nd\ne\n", "stride");
        let lines: Vec<(usize, &str)> = dataset.lines(2).collect();
        assert_eq!(lines, [(1, "a"), (4, "c"), (7, "e")]);
    }
}
