//! Checksums for bytes that were changed on purpose.

use std::ops::Range;

use bytemuck::AnyBitPattern;
use grammar_ir::pda::{State, block_checksums};

use super::checksum::checksum;
use super::header::{FILE_SECTIONS, Header, PREAMBLE_LENGTH};
use super::section::{GRAMMAR_KINDS, GrammarRecord, SectionKind, SectionRecord};
use super::set::{EntryRecord, NO_ROW, SetRecord, stride};
use super::tables::entry_checksums;
use crate::bitmask;
use crate::vocab::Vocabulary;

/// Makes the checksums of an artifact, and the length in its header, right for the bytes that it has, as far as they can be
/// made sense of. So a test can show what is behind the checksums to whatever reads it.
pub fn reseal(file: &mut [u8]) {
    if file.len() < PREAMBLE_LENGTH {
        return;
    }
    let records = size_of::<Header>()..PREAMBLE_LENGTH;
    let mut header: Header = bytemuck::pod_read_unaligned(&file[..size_of::<Header>()]);
    header.file_length = file.len() as u64;
    let sections: [SectionRecord; FILE_SECTIONS] = bytemuck::pod_read_unaligned(&file[records.clone()]);
    let length = file.len();
    let place = |kind: SectionKind| {
        let record = sections.iter().find(|record| record.kind() == kind)?;
        range(length, record.offset, record.length)
    };
    let places = [SectionKind::GrammarNames, SectionKind::Grammars, SectionKind::Lists, SectionKind::Sets]
        .map(|kind| place(kind).unwrap_or_default());
    let rows = [SectionKind::Rows, SectionKind::RowChecksums].map(|kind| place(kind).unwrap_or_default());
    let [names, grammars, lists, sets] = places;
    reseal_rows(file, rows, header.vocabulary_size as usize);
    reseal_sets(file, sets, lists);
    reseal_grammars(file, grammars, names);
    reseal_sections(file, records.clone());
    let vocabulary = place(SectionKind::Tokenizer).and_then(|range| Vocabulary::from_stored(&file[range]).ok());
    if let Some(vocabulary) = vocabulary {
        header.fingerprint = vocabulary.fingerprint();
    }
    let sections: [SectionRecord; FILE_SECTIONS] = bytemuck::pod_read_unaligned(&file[records]);
    file[..size_of::<Header>()].copy_from_slice(bytemuck::bytes_of(&header.seal(&sections)));
}

/// A range of bytes that are there.
fn range(length: usize, offset: u64, size: u64) -> Option<Range<usize>> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(size).ok()?)?;
    (end <= length).then_some(start..end)
}

/// Corrects the checksum of each section of a list.
fn reseal_sections(file: &mut [u8], list: Range<usize>) {
    for start in list.step_by(size_of::<SectionRecord>()) {
        let place = start..start + size_of::<SectionRecord>();
        let mut record: SectionRecord = bytemuck::pod_read_unaligned(&file[place.clone()]);
        if let Some(content) = range(file.len(), record.offset, record.length) {
            record.checksum = checksum(&file[content]);
            file[place].copy_from_slice(bytemuck::bytes_of(&record));
        }
    }
}

fn reseal_grammars(file: &mut [u8], grammars: Range<usize>, names: Range<usize>) {
    let size = size_of::<GrammarRecord>();
    let mut name_begin = 0;
    for start in grammars.clone().step_by(size).filter(|start| start + size <= grammars.end) {
        let mut record: GrammarRecord = bytemuck::pod_read_unaligned(&file[start..start + size]);
        let list_length = (size_of::<SectionRecord>() * GRAMMAR_KINDS.len()) as u64;
        if let Some(list) = range(file.len(), record.sections_offset, list_length) {
            reseal_blocks(file, list.clone());
            reseal_sections(file, list.clone());
            record.sections_checksum = checksum(&file[list]);
        }
        let name = name_begin.min(names.len())..(record.name_end as usize).min(names.len());
        name_begin = record.name_end as usize;
        record.checksum = record.own_checksum(file[names.clone()].get(name).unwrap_or_default());
        file[start..start + size].copy_from_slice(bytemuck::bytes_of(&record));
    }
}

/// Corrects the checksums of the blocks of a grammar.
fn reseal_blocks(file: &mut [u8], list: Range<usize>) {
    let records: [SectionRecord; GRAMMAR_KINDS.len()] = bytemuck::pod_read_unaligned(&file[list.clone()]);
    let place = |kind: SectionKind| {
        let record = records.iter().find(|record| record.kind() == kind)?;
        range(file.len(), record.offset, record.length)
    };
    let bytes = |kind| place(kind).map_or(&[][..], |place| &file[place]);
    let states: Vec<State> = items(bytes(SectionKind::States));
    let edges = [SectionKind::ByteEdges, SectionKind::CallEdges, SectionKind::TokenEdges].map(bytes);
    let of_states = block_checksums(&states, edges);
    let entries: Vec<EntryRecord> = items(bytes(SectionKind::Entries));
    let of_entries: Vec<u64> = entry_checksums(&entries).collect();
    let places = [SectionKind::StateChecksums, SectionKind::EntryChecksums].map(|kind| place(kind).unwrap_or_default());
    // Where a section was moved to may be taken by the list.
    let places = places.into_iter().zip([of_states, of_entries]).filter(|(place, _)| place.end <= list.start);
    for (place, checksums) in places {
        let checksums: &[u8] = bytemuck::cast_slice(&checksums);
        let length = place.len().min(checksums.len());
        file[place.start..place.start + length].copy_from_slice(&checksums[..length]);
    }
}

/// The items in some bytes, as far as these are whole ones.
fn items<T: AnyBitPattern>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect()
}

fn reseal_sets(file: &mut [u8], sets: Range<usize>, lists: Range<usize>) {
    let size = size_of::<SetRecord>();
    for start in sets.clone().step_by(size).filter(|start| start + size <= sets.end) {
        let record: SetRecord = bytemuck::pod_read_unaligned(&file[start..start + size]);
        let list = record.start.checked_mul(4).and_then(|from| range(lists.len(), from, u64::from(record.length) * 4));
        if let Some(list) = list {
            let ids = file[lists.clone()][list].chunks_exact(4).map(bytemuck::pod_read_unaligned);
            let ids: Vec<u32> = ids.collect();
            let row = (record.row != NO_ROW).then_some(record.row);
            file[start..start + size].copy_from_slice(bytemuck::bytes_of(&SetRecord::new(row, record.start, &ids)));
        }
    }
}

fn reseal_rows(file: &mut [u8], [rows, checksums]: [Range<usize>; 2], vocabulary_size: usize) {
    let (step, words) = (stride(vocabulary_size).max(1) * 4, bitmask::words_for(vocabulary_size) * 4);
    for (number, start) in rows.clone().step_by(step).enumerate() {
        let place = checksums.start + number * 8..checksums.start + number * 8 + 8;
        if start + words <= rows.end && place.end <= checksums.end {
            let own = checksum(&file[start..start + words]);
            file[place].copy_from_slice(&own.to_le_bytes());
        }
    }
}
