//! One thread: its registers, and what instructions do to them.

use crate::arithmetic;
use crate::error::FaultKind;
use crate::instruction::{Address, Instruction, Operand, Operation, Parts, Space, Special, Type};
use crate::memory::GlobalMemory;
use crate::shared::SharedMemory;

/// What all threads of a block share.
pub(crate) struct Block<'a> {
    pub(crate) instructions: &'a [Instruction],
    /// The arguments' bits.
    pub(crate) arguments: &'a [u64],
    pub(crate) index: [u32; 3],
    pub(crate) extent: [u32; 3],
    pub(crate) grid_extent: [u32; 3],
    pub(crate) global: &'a mut GlobalMemory,
    pub(crate) shared: SharedMemory,
    /// Instructions that the launch may still run.
    pub(crate) budget: u64,
}

/// Why a thread does not run on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// At a shuffle, which is still to be done.
    Shuffle,
    /// Behind a barrier.
    Barrier,
    Done,
}

#[derive(Debug)]
pub(crate) struct Thread {
    /// The number in the block.
    pub(crate) number: u32,
    pub(crate) index: [u32; 3],
    /// The instruction that comes next.
    pub(crate) next: usize,
    pub(crate) registers: Vec<u64>,
}

impl Thread {
    pub(crate) fn value(&self, operand: Operand, block: &Block<'_>) -> u64 {
        match operand {
            Operand::Register(register) => self.registers[register as usize],
            Operand::Constant(bits) => bits,
            Operand::Special(special, component) => {
                let of = match special {
                    Special::Thread => &self.index,
                    Special::Block => &block.index,
                    Special::BlockExtent => &block.extent,
                    Special::GridExtent => &block.grid_extent,
                };
                u64::from(of[component])
            }
        }
    }

    /// Runs to the next shuffle, barrier or end. On a fault, `next` is the instruction at fault.
    pub(crate) fn run(&mut self, block: &mut Block<'_>) -> Result<Stop, FaultKind> {
        // The parser ends every body with a return.
        while let Some(instruction) = block.instructions.get(self.next) {
            block.budget = block.budget.checked_sub(1).ok_or(FaultKind::Limit { limit: 0 })?;
            if let Some(guard) = instruction.guard
                && (self.registers[guard.predicate as usize] != 0) != guard.value
            {
                self.next += 1;
                continue;
            }
            match instruction.operation {
                Operation::Branch { target } => {
                    self.next = target;
                    continue;
                }
                Operation::Return => return Ok(Stop::Done),
                Operation::Shuffle { .. } => return Ok(Stop::Shuffle),
                Operation::Barrier => {
                    self.next += 1;
                    return Ok(Stop::Barrier);
                }
                operation => self.execute(operation, block)?,
            }
            self.next += 1;
        }
        Ok(Stop::Done)
    }

    fn execute(&mut self, operation: Operation, block: &mut Block<'_>) -> Result<(), FaultKind> {
        let value = |operand| self.value(operand, block);
        let (target, result) = match operation {
            Operation::Move { kind, target, source } => (target, kind.truncate(value(source))),
            Operation::Binary { operation, kind, target, sources: [left, right] } => {
                let result = arithmetic::binary(operation, kind, value(left), value(right));
                (target, result.ok_or(FaultKind::DivisionByZero)?)
            }
            Operation::Unary { operation, kind, target, source } => {
                (target, arithmetic::unary(operation, kind, value(source)))
            }
            Operation::FusedMultiplyAdd { rounding, kind, target, sources } => {
                (target, arithmetic::fused_multiply_add(rounding, kind, sources.map(value)))
            }
            Operation::BitFieldInsert { kind, target, field, into, position, length } => {
                let [field, into, position, length] = [field, into, position, length].map(value);
                (target, arithmetic::bit_field_insert(kind, field, into, position, length))
            }
            Operation::Convert { rounding, saturate, to, from, target, source } => {
                (target, arithmetic::convert(rounding, saturate, to, from, value(source)))
            }
            Operation::Compare { comparison, unordered, kind, target, sources: [left, right] } => {
                let holds = arithmetic::compare(comparison, unordered, kind, value(left), value(right));
                (target, u64::from(holds))
            }
            Operation::Select { kind, target, sources: [yes, no], condition } => {
                let chosen = if value(condition) != 0 { yes } else { no };
                (target, kind.truncate(value(chosen)))
            }
            Operation::Pack { part_bits, target, parts } => {
                let part = |part: &Operand| value(*part) & ((1 << part_bits) - 1);
                (target, parts.as_slice().iter().rev().fold(0, |bits, operand| bits << part_bits | part(operand)))
            }
            Operation::Unpack { part_bits, targets, source } => {
                let mut bits = value(source);
                for target in targets.as_slice() {
                    self.registers[*target as usize] = bits & ((1 << part_bits) - 1);
                    bits >>= part_bits;
                }
                return Ok(());
            }
            Operation::AtomicAdd { kind, target, address, source } => {
                let (address, addend) = (self.address(address, block), value(source));
                (target, block.shared.atomic_add(self.number, address, kind.bytes(), addend)?)
            }
            Operation::Load { space, kind, targets, address } => {
                return self.load(space, kind, targets, address, block);
            }
            Operation::Store { space, kind, sources, address } => {
                return self.store(space, kind, sources, address, block);
            }
            // These end a run and are not executed here.
            Operation::Shuffle { .. } | Operation::Barrier | Operation::Branch { .. } | Operation::Return => {
                return Ok(());
            }
        };
        self.registers[target as usize] = result;
        Ok(())
    }

    fn address(&self, address: Address, block: &Block<'_>) -> u64 {
        self.value(address.base, block).wrapping_add_signed(address.offset)
    }

    fn load(
        &mut self,
        space: Space,
        kind: Type,
        targets: Parts<u32>,
        address: Address,
        block: &mut Block<'_>,
    ) -> Result<(), FaultKind> {
        let address = self.address(address, block);
        let size = kind.bytes() * targets.count;
        let mut bytes = [0; 32];
        match space {
            Space::Global => bytes[..size].copy_from_slice(block.global.read(address, size)?),
            Space::Shared => block.shared.read(self.number, address, &mut bytes[..size])?,
            Space::Parameter => {
                // The decoder put the parameter's index in place of its address.
                let argument = usize::try_from(address).ok().and_then(|index| block.arguments.get(index));
                let argument = argument.ok_or(FaultKind::OutOfBounds { space: "parameter", address, size })?;
                bytes[..8].copy_from_slice(&argument.to_le_bytes());
            }
        }
        for (target, element) in targets.as_slice().iter().zip(bytes.chunks_exact(kind.bytes())) {
            let mut wide = [0; 8];
            wide[..element.len()].copy_from_slice(element);
            self.registers[*target as usize] = u64::from_le_bytes(wide);
        }
        Ok(())
    }

    fn store(
        &mut self,
        space: Space,
        kind: Type,
        sources: Parts<Operand>,
        address: Address,
        block: &mut Block<'_>,
    ) -> Result<(), FaultKind> {
        let address = self.address(address, block);
        let size = kind.bytes() * sources.count;
        let mut bytes = [0; 32];
        for (source, element) in sources.as_slice().iter().zip(bytes.chunks_exact_mut(kind.bytes())) {
            let value = self.value(*source, block).to_le_bytes();
            element.copy_from_slice(&value[..element.len()]);
        }
        match space {
            Space::Shared => block.shared.write(self.number, address, &bytes[..size]),
            _ => {
                block.global.write(address, size)?.copy_from_slice(&bytes[..size]);
                Ok(())
            }
        }
    }
}
