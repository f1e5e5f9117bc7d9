//! Weights in memory.

use half::{bf16, f16};

use super::shape_error;
use crate::device::{DeviceError, HostTensor, WeightType};

/// A weight matrix, row-major. bfloat16 is kept as it is, as decoding waits for memory; half precision becomes f32,
/// which it takes many instructions to widen to.
#[derive(Debug, Clone)]
pub struct CpuMatrix {
    rows: usize,
    columns: usize,
    values: Values,
}

#[derive(Debug, Clone)]
pub(super) enum Values {
    F32(Vec<f32>),
    Bf16(Vec<bf16>),
}

impl CpuMatrix {
    pub(super) fn stack(parts: &[HostTensor<'_>]) -> Result<Self, DeviceError> {
        let columns = parts.first().map_or(0, |part| part.columns);
        let rows: usize = parts.iter().map(|part| part.rows).sum();
        for part in parts {
            let elements = part.rows.checked_mul(part.columns);
            let bytes = elements.and_then(|elements| elements.checked_mul(part.element.size()));
            if part.columns != columns || bytes != Some(part.bytes.len()) {
                let problem = format!("{} bytes for {} rows of {}", part.bytes.len(), part.rows, part.columns);
                return Err(shape_error("matrix", problem));
            }
        }
        let mut values = if parts.iter().all(|part| part.element == WeightType::Bf16) {
            Values::Bf16(reserve(rows, columns)?)
        } else {
            Values::F32(reserve(rows, columns)?)
        };
        for part in parts {
            values.extend(part);
        }
        Ok(Self { rows, columns, values })
    }

    /// The number of rows: outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns: inputs.
    pub fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    /// Writes row `row`, widened, to `output`.
    pub(super) fn copy_row(&self, row: usize, output: &mut [f32]) {
        let range = row * self.columns..(row + 1) * self.columns;
        match &self.values {
            Values::F32(values) => output.copy_from_slice(&values[range]),
            Values::Bf16(values) => {
                output.iter_mut().zip(&values[range]).for_each(|(output, value)| *output = value.to_f32());
            }
        }
    }
}

impl Values {
    fn extend(&mut self, part: &HostTensor<'_>) {
        let pairs = || part.bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
        match (self, part.element) {
            (Self::Bf16(values), _) => values.extend(pairs().map(bf16::from_le_bytes)),
            (Self::F32(values), WeightType::Bf16) => {
                values.extend(pairs().map(|pair| bf16::from_le_bytes(pair).to_f32()))
            }
            (Self::F32(values), WeightType::F16) => {
                values.extend(pairs().map(|pair| f16::from_le_bytes(pair).to_f32()))
            }
            (Self::F32(values), WeightType::F32) => values.extend(
                part.bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])),
            ),
        }
    }
}

fn reserve<T>(rows: usize, columns: usize) -> Result<Vec<T>, DeviceError> {
    let mut values = Vec::new();
    let length = rows.saturating_mul(columns);
    values.try_reserve_exact(length).map_err(|_| DeviceError::OutOfMemory {
        device: "cpu".to_owned(),
        what: "weights",
        bytes: length.saturating_mul(size_of::<T>()),
    })?;
    Ok(values)
}
