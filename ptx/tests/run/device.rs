//! A device for tests: the interpreter behind what a launch passes, and random data.

use ptx::{ElementType, Kernel, ParameterType};
use ptx_interpreter::{Argument, Fault, GlobalMemory, Launch, Program};

/// What a test passes for a parameter.
pub(crate) enum Pass<'a> {
    F32s(&'a mut [f32]),
    /// bfloat16, as the upper halves of floats.
    Bf16s(&'a mut [u16]),
    U32s(&'a mut [u32]),
    I32s(&'a mut [i32]),
    U32(u32),
    F32(f32),
}

/// Launches `kernel` with blocks of its size, copying the data of pointers there and back.
pub(crate) fn launch(kernel: Kernel, grid: [u32; 3], passed: &mut [Pass<'_>]) -> Result<(), Fault> {
    let program = Program::parse(kernel.module().text()).unwrap_or_else(|error| panic!("{kernel:?}: {error}"));
    assert_eq!(passed.len(), kernel.parameters().len(), "{kernel:?}");
    let mut memory = GlobalMemory::new();
    let arguments: Vec<_> = passed
        .iter()
        .zip(kernel.parameters())
        .map(|(pass, parameter)| {
            let (kind, argument) = match pass {
                Pass::U32(value) => (ParameterType::U32, Argument::U32(*value)),
                Pass::F32(value) => (ParameterType::F32, Argument::F32(*value)),
                Pass::F32s(values) => {
                    pointer(ElementType::F32, values.iter().flat_map(|value| value.to_le_bytes()), &mut memory)
                }
                Pass::Bf16s(values) => {
                    pointer(ElementType::Bf16, values.iter().flat_map(|value| value.to_le_bytes()), &mut memory)
                }
                Pass::U32s(values) => {
                    pointer(ElementType::U32, values.iter().flat_map(|value| value.to_le_bytes()), &mut memory)
                }
                Pass::I32s(values) => {
                    pointer(ElementType::I32, values.iter().flat_map(|value| value.to_le_bytes()), &mut memory)
                }
            };
            assert_eq!(kind, parameter.kind, "{kernel:?}: {}", parameter.name);
            argument
        })
        .collect();
    program.launch(kernel.entry(), Launch::new(grid, [kernel.block_size(), 1, 1]), &arguments, &mut memory)?;
    for (pass, argument) in passed.iter_mut().zip(&arguments) {
        let Argument::U64(address) = *argument else { continue };
        let bytes = memory.bytes(address).expect("a buffer");
        let words = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("4 bytes")));
        match pass {
            Pass::F32s(values) => values.iter_mut().zip(words).for_each(|(value, word)| *value = f32::from_bits(word)),
            Pass::U32s(values) => values.iter_mut().zip(words).for_each(|(value, word)| *value = word),
            Pass::I32s(values) => values.iter_mut().zip(words).for_each(|(value, word)| *value = word as i32),
            Pass::Bf16s(values) => {
                let halves = bytes.chunks_exact(2).map(|half| u16::from_le_bytes(half.try_into().expect("2 bytes")));
                values.iter_mut().zip(halves).for_each(|(value, half)| *value = half);
            }
            Pass::U32(_) | Pass::F32(_) => {}
        }
    }
    Ok(())
}

fn pointer(
    element: ElementType,
    bytes: impl Iterator<Item = u8>,
    memory: &mut GlobalMemory,
) -> (ParameterType, Argument) {
    (ParameterType::Pointer(element), Argument::U64(memory.allocate(bytes.collect())))
}

/// SplitMix64: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ bits >> 31
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u32
    }

    /// In [-1, 1).
    pub(crate) fn float(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    pub(crate) fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }

    pub(crate) fn brains(&mut self, count: usize) -> Vec<u16> {
        (0..count).map(|_| brain(self.float())).collect()
    }
}

/// The nearest bfloat16 of a number; of two equally near the even one.
pub(crate) fn brain(value: f32) -> u16 {
    let bits = value.to_bits();
    ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) as u16
}

/// The number that a bfloat16 is.
pub(crate) fn wide(brain: u16) -> f32 {
    f32::from_bits(u32::from(brain) << 16)
}

/// Panics unless the numbers agree to within `tolerance` times the larger of 1 and the expected one.
pub(crate) fn assert_close(found: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let distance = (f64::from(*found) - expected).abs();
        assert!(distance <= tolerance * expected.abs().max(1.0), "{what}, element {index}: {found}, not {expected}");
    }
}
