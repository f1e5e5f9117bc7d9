//! Files made to be wrong, with checksums that are right: nothing in them overlaps, so that reading all of one takes no
//! longer than its length.

use mask_runtime::artifact::{
    Artifact, ArtifactError, ArtifactWriter, SectionKind, Tabulated, TabulatedStates, reseal,
};
use mask_runtime::{Matcher, MatcherOptions, bitmask};

use crate::faults::section;
use crate::{NESTED, compile, file, fixture, tokenizer};

/// The file with some bytes of a section changed, and checksums that are right.
fn forged(kind: SectionKind, offset: u64, bytes: &[u8]) -> Vec<u8> {
    let (mut file, _) = file();
    let start = (section(&file, kind).offset + offset) as usize;
    file[start..start + bytes.len()].copy_from_slice(bytes);
    reseal(&mut file);
    file
}

/// What is wrong with a file whose preamble is right.
fn fault(bytes: &[u8]) -> ArtifactError {
    let artifact = Artifact::from_bytes(bytes).expect("the preamble is right");
    artifact.check().expect_err("the file is wrong")
}

/// The bytes of a record in the list of grammars.
const GRAMMAR_RECORD: u64 = 32;
/// The bytes of a record in a list of sections.
const SECTION_RECORD: usize = 32;

#[test]
fn sections_of_the_file_follow_one_another() {
    let (original, _) = file();
    let records = 128;
    for section in 0..10 {
        let offset = records + section * SECTION_RECORD + 8;
        for change in [64u64.wrapping_neg(), 1, 64] {
            let mut bytes = original.clone();
            let old = u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"));
            bytes[offset..offset + 8].copy_from_slice(&old.wrapping_add(change).to_le_bytes());
            reseal(&mut bytes);
            let error = Artifact::from_bytes(&bytes).and_then(|artifact| artifact.check()).expect_err("it has moved");
            assert!(matches!(error, ArtifactError::Misplaced { .. }), "section {section}, {change}: {error}");
        }
        // A section that goes on into the next one.
        let mut bytes = original.clone();
        let length = u64::from_le_bytes(bytes[offset + 8..offset + 16].try_into().expect("eight bytes"));
        bytes[offset + 8..offset + 16].copy_from_slice(&(length + 64).to_le_bytes());
        reseal(&mut bytes);
        let error = Artifact::from_bytes(&bytes).and_then(|artifact| artifact.check()).expect_err("it is longer");
        assert!(matches!(error, ArtifactError::Misplaced { .. } | ArtifactError::TooLong { .. }), "{error}");
    }
}

#[test]
fn sections_of_a_grammar_follow_one_another() {
    let (original, _) = file();
    let last = section(&original, SectionKind::EntryChecksums);
    let list = (last.offset + last.length).next_multiple_of(64) as usize;
    for section in 0..12 {
        let offset = list + section * SECTION_RECORD + 8;
        let mut bytes = original.clone();
        let old = u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"));
        bytes[offset..offset + 8].copy_from_slice(&(old + 64).to_le_bytes());
        reseal(&mut bytes);
        let error = fault(&bytes);
        assert!(matches!(error, ArtifactError::Misplaced { .. }), "section {section}: {error}");
        let past = (bytes.len() as u64).to_le_bytes();
        let mut bytes = original.clone();
        bytes[offset + 8..offset + 16].copy_from_slice(&past);
        reseal(&mut bytes);
        let error = fault(&bytes);
        assert!(matches!(error, ArtifactError::TooLong { .. }), "section {section}: {error}");
    }
}

#[test]
fn two_grammars_are_not_at_one_place() {
    let (original, _) = file();
    let first = section(&original, SectionKind::Grammars).offset as usize + 8;
    let error = fault(&forged(SectionKind::Grammars, GRAMMAR_RECORD + 8, &original[first..first + 8]));
    let ArtifactError::Misplaced { part, .. } = error else { panic!("{error}") };
    assert_eq!(part, "the list of sections of grammar 1");
    for offset in [0, u64::MAX, u64::MAX - 100] {
        let error = fault(&forged(SectionKind::Grammars, 8, &offset.to_le_bytes()));
        assert!(matches!(error, ArtifactError::Misplaced { .. }), "{error}");
    }
}

#[test]
fn names_follow_one_another() {
    let error = fault(&forged(SectionKind::Grammars, 0, &u32::MAX.to_le_bytes()));
    assert!(error.to_string().contains("longer than 1,024 bytes"), "{error}");
    let error = fault(&forged(SectionKind::Grammars, GRAMMAR_RECORD, &1u32.to_le_bytes()));
    assert!(error.to_string().contains("ends before it begins"), "{error}");
    let error = fault(&forged(SectionKind::Grammars, GRAMMAR_RECORD, &7u32.to_le_bytes()));
    assert!(matches!(error, ArtifactError::Count { .. }), "{error}");
}

#[test]
fn lists_of_sets_follow_one_another() {
    let start = 8;
    for set in [1, 2] {
        let error = fault(&forged(SectionKind::Sets, set * 32 + start, &0u64.to_le_bytes()));
        let ArtifactError::Misplaced { part, offset } = error else { panic!("{error}") };
        assert_eq!((part, offset.found), (format!("the list of set {set}"), 0));
    }
    let length = 4;
    let error = fault(&forged(SectionKind::Sets, length, &u32::MAX.to_le_bytes()));
    assert!(error.to_string().starts_with("set 0: its ids are not in order"), "{error}");
    let error = fault(&forged(SectionKind::Sets, length, &1_000u32.to_le_bytes()));
    assert!(matches!(error, ArtifactError::Misplaced { .. }), "{error}");
}

/// A rank after which there is none: the automata around this one have a procedure more, ranked after all others.
#[test]
fn ranks_are_below_the_number_of_procedures() {
    let (mut bytes, rank) = (std::fs::read(fixture::path()).expect("it is in the repository"), RANK);
    assert_eq!(bytes[rank..rank + 4], 2u32.to_le_bytes(), "the last of three");
    bytes[rank..rank + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    reseal(&mut bytes);
    let ArtifactError::Automaton { grammar, error } = fault(&bytes) else { panic!("it is no automaton") };
    assert_eq!(grammar, "nested");
    assert_eq!(error.to_string(), "procedure 2: its rank is not below the number of procedures");
}

/// Where the rank of the last procedure of `nested` is in the file of [`fixture`].
const RANK: usize = 3_348;

/// Each byte of a file made another one, with checksums that are right: what is not refused can be followed, whatever it says.
#[test]
fn any_byte_may_be_wrong() {
    let original = std::fs::read(fixture::path()).expect("it is in the repository");
    let (mut refused, mut followed) = (0, 0);
    let step = if cfg!(miri) { 211 } else { 1 };
    for position in (0..original.len()).step_by(step) {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = original.clone();
            bytes[position] ^= change;
            reseal(&mut bytes);
            let Ok(artifact) = Artifact::from_bytes(&bytes) else {
                refused += 1;
                continue;
            };
            let is_sound = artifact.check().is_ok();
            let Ok(Some(tokenizer)) = artifact.tokenizer() else {
                assert!(!is_sound, "byte {position}: without its tokenizer the file is not sound");
                refused += 1;
                continue;
            };
            for index in 0..artifact.len() {
                let options = MatcherOptions { max_frames: Some(10_000), ..MatcherOptions::default() };
                let Ok(grammar) = artifact.grammar(index, tokenizer.clone()) else {
                    refused += 1;
                    continue;
                };
                // What is worked out from a sound automaton takes longer than following it.
                if position % 8 == 0 {
                    let _ = Tabulated::of(&grammar, TabulatedStates::Loaded).report();
                }
                let mut matcher = Matcher::with_options(grammar, options).expect("its stop tokens are the tokenizer's");
                let mut row = matcher.row();
                for _ in 0..4 {
                    let filled = matcher.fill(&mut row);
                    let Some(token) = filled.ok().and_then(|()| bitmask::iter(&row).last()) else { break };
                    if matcher.accept_token(token).is_err() {
                        break;
                    }
                }
                followed += 1;
            }
        }
    }
    let all = original.len().div_ceil(step) * 3;
    assert!(refused > all / 4 && followed > all / 4, "{refused} refused, {followed} followed");
}

/// Some thousands of grammars with names as long as possible.
#[test]
fn many_grammars_can_be_looked_at() {
    let tokenizer = tokenizer();
    let compiled = compile(NESTED, &tokenizer);
    let mut writer = ArtifactWriter::automata();
    let count = if cfg!(miri) { 20 } else { 4_000 };
    for index in 0..count {
        writer.add(&format!("{index:n>1024}"), compiled.pda(), "").expect("names differ");
    }
    let bytes = writer.finish("").expect("there is room");
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    artifact.check().expect("it was just written");
    assert!(artifact.find("nothing").is_err());
    for index in 0..artifact.len() {
        artifact.grammar(index, tokenizer.clone()).expect("automata are for any tokenizer");
    }
}
