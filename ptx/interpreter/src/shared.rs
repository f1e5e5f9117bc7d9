//! The shared memory of a block, with who touched each byte since the last barrier.

use crate::error::FaultKind;

/// Who touched a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Toucher {
    Thread(u32),
    /// Atomic instructions of any threads, which may meet.
    Atomics(u32),
    /// Several threads; one of them is named.
    Several(u32),
}

impl Toucher {
    const fn thread(self) -> u32 {
        match self {
            Self::Thread(thread) | Self::Atomics(thread) | Self::Several(thread) => thread,
        }
    }
}

/// An access to a byte: who, and in which period between two barriers. Periods count from 1.
#[derive(Debug, Clone, Copy)]
struct Access {
    period: u64,
    toucher: Toucher,
}

#[derive(Debug, Clone, Copy)]
struct Byte {
    value: u8,
    written: Option<Access>,
    read: Option<Access>,
}

#[derive(Debug)]
pub(crate) struct SharedMemory {
    bytes: Vec<Byte>,
    period: u64,
}

impl SharedMemory {
    pub(crate) fn new(size: usize) -> Self {
        Self { bytes: vec![Byte { value: 0, written: None, read: None }; size], period: 1 }
    }

    /// All threads met: what they did before is ordered before what they do now.
    pub(crate) fn barrier(&mut self) {
        self.period += 1;
    }

    pub(crate) fn read(&mut self, thread: u32, address: u64, target: &mut [u8]) -> Result<(), FaultKind> {
        let period = self.period;
        let bytes = self.bytes(address, target.len())?;
        for ((byte, target), address) in bytes.iter_mut().zip(target).zip(address..) {
            let written = byte.written.ok_or(FaultKind::Uninitialized { address })?;
            if written.period == period && written.toucher != Toucher::Thread(thread) {
                return Err(FaultKind::Race { address, other: written.toucher.thread() });
            }
            let toucher = match byte.read {
                Some(read) if read.period == period && read.toucher.thread() != thread => Toucher::Several(thread),
                Some(read) if read.period == period => read.toucher,
                _ => Toucher::Thread(thread),
            };
            byte.read = Some(Access { period, toucher });
            *target = byte.value;
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, thread: u32, address: u64, source: &[u8]) -> Result<(), FaultKind> {
        self.write_as(Toucher::Thread(thread), address, source)
    }

    /// Adds to an integer of `size` bytes and gives what was there.
    pub(crate) fn atomic_add(&mut self, thread: u32, address: u64, size: usize, addend: u64) -> Result<u64, FaultKind> {
        let mut value = [0; 8];
        for ((byte, value), address) in self.bytes(address, size)?.iter().zip(&mut value).zip(address..) {
            byte.written.ok_or(FaultKind::Uninitialized { address })?;
            *value = byte.value;
        }
        let before = u64::from_le_bytes(value);
        let sum = before.wrapping_add(addend).to_le_bytes();
        self.write_as(Toucher::Atomics(thread), address, &sum[..size])?;
        Ok(before)
    }

    fn write_as(&mut self, toucher: Toucher, address: u64, source: &[u8]) -> Result<(), FaultKind> {
        let period = self.period;
        let bytes = self.bytes(address, source.len())?;
        for ((byte, source), address) in bytes.iter_mut().zip(source).zip(address..) {
            let written = byte.written.filter(|access| access.period == period).map(|access| access.toucher);
            let read = byte.read.filter(|access| access.period == period).map(|access| access.toucher);
            let write_meets = |other: &Toucher| match (*other, toucher) {
                (Toucher::Atomics(_), Toucher::Atomics(_)) => false,
                (other, _) => other.thread() != toucher.thread(),
            };
            let read_meets = |other: &Toucher| *other != Toucher::Thread(toucher.thread());
            if let Some(other) = written.filter(write_meets).or(read.filter(read_meets)) {
                return Err(FaultKind::Race { address, other: other.thread() });
            }
            byte.written = Some(Access { period, toucher });
            byte.value = *source;
        }
        Ok(())
    }

    fn bytes(&mut self, address: u64, size: usize) -> Result<&mut [Byte], FaultKind> {
        if !address.is_multiple_of(size as u64) {
            return Err(FaultKind::Misaligned { space: "shared", address, size });
        }
        let bytes = usize::try_from(address).ok().and_then(|start| self.bytes.get_mut(start..)?.get_mut(..size));
        bytes.ok_or(FaultKind::OutOfBounds { space: "shared", address, size })
    }
}
