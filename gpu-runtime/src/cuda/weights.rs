//! Weights as the kernels take them: bfloat16.

use std::borrow::Cow;

use half::{bf16, f16};

use crate::device::{HostTensor, WeightType};

/// The elements of a tensor as bfloat16, little-endian; rounded to nearest if they are of another type.
pub(super) fn bf16_bytes<'a>(tensor: &HostTensor<'a>) -> Cow<'a, [u8]> {
    let narrow = |value: f32| bf16::from_f32(value).to_le_bytes();
    match tensor.element {
        WeightType::Bf16 => Cow::Borrowed(tensor.bytes),
        WeightType::F16 => {
            let pairs = tensor.bytes.chunks_exact(2);
            Cow::Owned(pairs.flat_map(|pair| narrow(f16::from_le_bytes([pair[0], pair[1]]).to_f32())).collect())
        }
        WeightType::F32 => {
            let fours = tensor.bytes.chunks_exact(4);
            let widened = fours.map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
            Cow::Owned(widened.flat_map(narrow).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_becomes_the_nearest_bfloat16() {
        let values = [1.0_f32, -2.5, 0.1, 65504.0];
        let expected: Vec<u8> = values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect();
        let narrow = |element, bytes: &[u8]| {
            bf16_bytes(&HostTensor { element, rows: 1, columns: values.len(), bytes }).into_owned()
        };
        let wide: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(narrow(WeightType::F32, &wide), expected);
        assert_eq!(narrow(WeightType::Bf16, &expected), expected);
        let halves: Vec<u8> = values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
        assert_eq!(narrow(WeightType::F16, &halves), expected);
    }
}
