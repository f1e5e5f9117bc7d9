//! Global memory: buffers, far apart.

use crate::error::FaultKind;

/// The distance between the starts of two buffers, which is more than any buffer's length: an address beyond the end of
/// a buffer is in no other one.
const BUFFER_STRIDE: u64 = 1 << 40;

/// The memory of a device: the buffers that a host made, with the addresses that it passes to a launch.
#[derive(Debug, Clone, Default)]
pub struct GlobalMemory {
    buffers: Vec<Vec<u8>>,
}

impl GlobalMemory {
    /// Memory without buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a buffer of these bytes, and gives its address, which is aligned as any element may need it.
    pub fn allocate(&mut self, bytes: Vec<u8>) -> u64 {
        self.buffers.push(bytes);
        self.buffers.len() as u64 * BUFFER_STRIDE
    }

    /// The bytes of a buffer from `address` to its end; `None` if that is in no buffer.
    pub fn bytes(&self, address: u64) -> Option<&[u8]> {
        self.buffers.get(buffer_of(address)?)?.get((address % BUFFER_STRIDE) as usize..)
    }

    /// The same bytes, to be written.
    pub fn bytes_mut(&mut self, address: u64) -> Option<&mut [u8]> {
        self.buffers.get_mut(buffer_of(address)?)?.get_mut((address % BUFFER_STRIDE) as usize..)
    }

    pub(crate) fn read(&self, address: u64, size: usize) -> Result<&[u8], FaultKind> {
        check_aligned(address, size)?;
        self.bytes(address).and_then(|bytes| bytes.get(..size)).ok_or(out_of_bounds(address, size))
    }

    pub(crate) fn write(&mut self, address: u64, size: usize) -> Result<&mut [u8], FaultKind> {
        check_aligned(address, size)?;
        let bytes = self.bytes_mut(address).and_then(|bytes| bytes.get_mut(..size));
        bytes.ok_or(out_of_bounds(address, size))
    }
}

fn buffer_of(address: u64) -> Option<usize> {
    usize::try_from((address / BUFFER_STRIDE).checked_sub(1)?).ok()
}

fn check_aligned(address: u64, size: usize) -> Result<(), FaultKind> {
    if address.is_multiple_of(size as u64) {
        Ok(())
    } else {
        Err(FaultKind::Misaligned { space: "global", address, size })
    }
}

fn out_of_bounds(address: u64, size: usize) -> FaultKind {
    FaultKind::OutOfBounds { space: "global", address, size }
}
