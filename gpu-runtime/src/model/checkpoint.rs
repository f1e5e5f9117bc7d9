//! Tensors by name, from one or more safetensors files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use memmap2::Mmap;
use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::Deserialize;

use super::mapped_file;
use crate::device::{HostTensor, WeightType};

/// A checkpoint that cannot be read, or lacks what the model needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not in the safetensors format, or cut off.
    #[error("{file} is not a whole safetensors file: {source}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong.
        source: SafeTensorError,
    },
    /// The list of shards cannot be used.
    #[error("model.safetensors.index.json: {0}")]
    Index(String),
    /// A tensor is missing.
    #[error("the checkpoint has no tensor {name}; is it complete, and of the model that config.json describes?")]
    Missing {
        /// The tensor.
        name: String,
    },
    /// A layer has a bias, which the model would leave out.
    #[error("tensor {name}: biases are not supported, and the model would be another one without")]
    Bias {
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape.
    #[error("tensor {name} has the shape {found:?}; config.json asks for {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that the model needs.
        expected: Vec<usize>,
    },
    /// A tensor has an element type that is not supported.
    #[error("tensor {name} has elements of type {found:?}; supported are F32, F16 and BF16")]
    ElementType {
        /// The tensor.
        name: String,
        /// Its element type.
        found: Dtype,
    },
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Memory(Cow<'static, [u8]>),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Memory(bytes) => bytes,
        }
    }
}

#[derive(Debug)]
struct Shard {
    bytes: Bytes,
    /// Where tensor data begins.
    data_start: usize,
    metadata: Metadata,
}

/// The tensors of a checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    shards: Vec<Shard>,
}

#[derive(Debug, Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Maps the files of the model folder `folder`: `model.safetensors`, or those that
    /// `model.safetensors.index.json` lists. The files must not be changed as long as the checkpoint lives.
    ///
    /// # Errors
    /// Files that are missing, cut off or of another format.
    pub fn open(folder: &Path) -> Result<Self, CheckpointError> {
        let index = folder.join("model.safetensors.index.json");
        let names = match std::fs::read(&index) {
            Ok(json) => shard_names(&json)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => vec!["model.safetensors".to_owned()],
            Err(source) => return Err(CheckpointError::Read { path: index, source }),
        };
        let shard = |name: String| {
            let path = folder.join(&name);
            let map = mapped_file::map(&path).map_err(|source| CheckpointError::Read { path, source })?;
            Shard::new(Bytes::Mapped(map), name)
        };
        Ok(Self { shards: names.into_iter().map(shard).collect::<Result<_, _>>()? })
    }

    /// The tensors of one safetensors file in memory.
    ///
    /// # Errors
    /// When it is not one, or cut off.
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, CheckpointError> {
        Ok(Self { shards: vec![Shard::new(Bytes::Memory(bytes.into()), "model.safetensors".to_owned())?] })
    }

    /// That no layer has a bias.
    ///
    /// # Errors
    /// When one has.
    pub fn check_biases(&self) -> Result<(), CheckpointError> {
        let names = self.shards.iter().flat_map(|shard| shard.metadata.offset_keys());
        match names.into_iter().find(|name| name.ends_with(".bias")) {
            Some(name) => Err(CheckpointError::Bias { name }),
            None => Ok(()),
        }
    }

    /// The matrix `name` of shape `[rows, columns]`.
    ///
    /// # Errors
    /// When there is none, or it has another shape or an unsupported element type.
    pub fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<HostTensor<'_>, CheckpointError> {
        self.tensor(name, &[rows, columns], rows, columns)
    }

    /// The vector `name` of length `length`.
    ///
    /// # Errors
    /// When there is none, or it has another shape or an unsupported element type.
    pub fn vector(&self, name: &str, length: usize) -> Result<HostTensor<'_>, CheckpointError> {
        self.tensor(name, &[length], 1, length)
    }

    fn tensor(
        &self,
        name: &str,
        shape: &[usize],
        rows: usize,
        columns: usize,
    ) -> Result<HostTensor<'_>, CheckpointError> {
        let (shard, info) = self
            .shards
            .iter()
            .find_map(|shard| Some((shard, shard.metadata.info(name)?)))
            .ok_or_else(|| CheckpointError::Missing { name: name.to_owned() })?;
        if info.shape != shape {
            let (name, found, expected) = (name.to_owned(), info.shape.clone(), shape.to_vec());
            return Err(CheckpointError::Shape { name, found, expected });
        }
        let element = match info.dtype {
            Dtype::F32 => WeightType::F32,
            Dtype::F16 => WeightType::F16,
            Dtype::BF16 => WeightType::Bf16,
            found => return Err(CheckpointError::ElementType { name: name.to_owned(), found }),
        };
        let (start, end) = info.data_offsets;
        let data = &shard.bytes.as_slice()[shard.data_start..];
        // Reading the metadata has checked that offsets lie within the file and fit shape and element type.
        let bytes = data.get(start..end).ok_or_else(|| CheckpointError::Missing { name: name.to_owned() })?;
        Ok(HostTensor { element, rows, columns, bytes })
    }
}

impl Shard {
    fn new(bytes: Bytes, file: String) -> Result<Self, CheckpointError> {
        let (header, metadata) =
            SafeTensors::read_metadata(bytes.as_slice()).map_err(|source| CheckpointError::Format { file, source })?;
        // The header is preceded by its length in 8 bytes.
        Ok(Self { bytes, data_start: header + 8, metadata })
    }
}

/// The names of the shards, each once.
fn shard_names(json: &[u8]) -> Result<Vec<String>, CheckpointError> {
    let index: ShardIndex = serde_json::from_slice(json).map_err(|error| CheckpointError::Index(error.to_string()))?;
    let mut names: Vec<String> = index.weight_map.into_values().collect();
    names.sort_unstable();
    names.dedup();
    let is_beside = |name: &String| {
        let mut components = Path::new(name).components();
        matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
    };
    match names.iter().find(|name| !is_beside(name)) {
        Some(name) => Err(CheckpointError::Index(format!("{name:?} is not the name of a file beside it"))),
        None if names.is_empty() => Err(CheckpointError::Index("weight_map names no file".to_owned())),
        None => Ok(names),
    }
}
