//! One test for each way in which a file can be something else than what is asked for: each has an error of its own, which
//! says what was found and what was expected.

use grammar_ir::StateId;
use grammar_ir::pda::BLOCK_STATES;
use mask_runtime::artifact::{
    Artifact, ArtifactError, ArtifactWriter, ENGINE_REVISION, FORMAT_VERSION, FormatVersion, Mismatch, SectionInfo,
    SectionKind, Tabulated, TabulatedStates, WriteError, reseal,
};
use mask_runtime::{AcceptError, FillError, Matcher, Tokenizer, embedded_tiny};

use crate::{NESTED, compile, file, tokenizer};

/// The file with some bytes changed.
fn changed(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let (mut file, _) = file();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    file
}

fn refusal(bytes: &[u8]) -> ArtifactError {
    Artifact::from_bytes(bytes).expect_err("it is no artifact")
}

/// Makes the checksum of the header right again.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    mask_runtime::artifact::reseal(&mut bytes);
    bytes
}

#[test]
fn another_file_is_no_artifact() {
    let ArtifactError::Magic(Mismatch { found, expected }) = refusal(&[b"{\"model\": ".as_slice(), &[0; 900]].concat())
    else {
        panic!("the magic is looked at first")
    };
    assert_eq!((&found, &expected), (b"{\"model\"", b"\x89GMT\r\n\x1a\n"));
    // Also if it is shorter than what it is told by.
    let ArtifactError::Magic(Mismatch { found, .. }) = refusal(b"{}\n") else { panic!("it does not begin so") };
    assert_eq!(&found, b"{}\n\0\0\0\0\0");
}

#[test]
fn another_version_is_named() {
    let next = FORMAT_VERSION.major + 1;
    let ArtifactError::Version(mismatch) = refusal(&changed(12, &next.to_le_bytes())) else {
        panic!("the version is looked at before checksums")
    };
    assert_eq!(mismatch, Mismatch { found: FormatVersion { major: next, ..FORMAT_VERSION }, expected: FORMAT_VERSION });
    let ArtifactError::Version(mismatch) = refusal(&changed(14, &7u16.to_le_bytes())) else {
        panic!("later minor versions are not read")
    };
    assert_eq!(mismatch.found.minor, 7);
}

#[test]
fn another_byte_order_is_named() {
    let ArtifactError::Endianness(Mismatch { found, expected }) = refusal(&changed(8, &[0x0a, 0x0b, 0x0c, 0x0d]))
    else {
        panic!("the byte order is looked at before checksums")
    };
    assert_eq!((found, expected), (0x0d0c_0b0a, 0x0a0b_0c0d));
}

#[test]
fn another_engine_is_named() {
    let ArtifactError::EngineRevision(mismatch) = refusal(&sealed(changed(16, &99u32.to_le_bytes()))) else {
        panic!("the header is whole")
    };
    assert_eq!(mismatch, Mismatch { found: 99, expected: ENGINE_REVISION });
}

#[test]
fn another_tokenizer_is_named() {
    let (bytes, tokenizer) = file();
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    let other = Tokenizer::new(embedded_tiny().with_stop_tokens([7]).expect("it has seven tokens"));
    let Err(ArtifactError::Tokenizer(mismatch)) = artifact.grammar(0, other.clone()) else {
        panic!("stop tokens are part of the fingerprint")
    };
    assert_eq!(mismatch, Mismatch { found: tokenizer.fingerprint(), expected: other.fingerprint() });
}

/// Rows of another width than the vocabulary's must not get as far as a mask.
#[test]
fn another_vocabulary_size_is_refused() {
    let (bytes, tokenizer) = file();
    let size = u32::from_le_bytes([bytes[64], bytes[65], bytes[66], bytes[67]]);
    // As many words a row up to a multiple of 64 bytes, but not as many in a mask.
    let artifact = Artifact::from_bytes(&sealed(changed(64, &(size - 40).to_le_bytes()))).expect("rows are as wide");
    let error = artifact.grammar(0, tokenizer).expect_err("the vocabulary is wider");
    let ArtifactError::Count { count, .. } = error else { panic!("{error}") };
    assert_eq!(count, Mismatch { found: u64::from(size) - 40, expected: u64::from(size) });
}

#[test]
fn a_file_that_was_cut_off_is_named() {
    let (bytes, _) = file();
    for length in [0, 7, 100, 447, bytes.len() - 1] {
        let ArtifactError::Length(mismatch) = refusal(&bytes[..length]) else { panic!("{length} bytes") };
        assert_eq!(mismatch.found, length as u64);
        assert!(mismatch.expected > mismatch.found);
    }
    let ArtifactError::Length(mismatch) = refusal(&[bytes.as_slice(), &[0]].concat()) else {
        panic!("something was appended")
    };
    assert_eq!(mismatch, Mismatch { found: bytes.len() as u64 + 1, expected: bytes.len() as u64 });
}

#[test]
fn another_section_is_named() {
    // The third and the fourth section of the file change places.
    let (mut bytes, _) = file();
    let (first, second) = (128 + 2 * 32, 128 + 3 * 32);
    for offset in 0..32 {
        bytes.swap(first + offset, second + offset);
    }
    let ArtifactError::WrongSection { owner, index, kind } = refusal(&sealed(bytes)) else {
        panic!("the list of sections is whole")
    };
    let expected = Mismatch { found: SectionKind::Rows, expected: SectionKind::GrammarNames };
    assert_eq!((owner.as_str(), index, kind), ("the file", 2, expected));
}

#[test]
fn a_flipped_byte_is_named() {
    let (bytes, tokenizer) = file();
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    let entries = artifact.section_infos().expect("it was just written");
    let entries = entries.iter().find(|info| info.kind == SectionKind::Entries).expect("there are tables");
    let damaged = changed(entries.offset as usize, &[0xa5]);
    let artifact = Artifact::from_bytes(&damaged).expect("the preamble is whole");
    let Err(ArtifactError::Checksum { part, checksum }) = artifact.check() else { panic!("all of it is looked at") };
    assert_eq!(part, "entries of grammar \"object\"");
    assert_ne!(checksum.found, checksum.expected);
    artifact.grammar(1, tokenizer).expect("it is whole").check().expect("the other one is whole");
}

/// Whatever byte it is: the file is refused as a whole.
#[test]
fn no_flipped_byte_is_overlooked() {
    let (bytes, _) = file();
    let step = if cfg!(miri) { 4_099 } else { 7 };
    for position in (0..bytes.len()).step_by(step) {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x10;
        let result = Artifact::from_bytes(&damaged).and_then(|artifact| artifact.check());
        assert!(result.is_err(), "byte {position}");
    }
}

/// Where the first section of this kind is.
pub(crate) fn section(bytes: &[u8], kind: SectionKind) -> SectionInfo {
    let artifact = Artifact::from_bytes(bytes).expect("it is whole");
    let infos = artifact.section_infos().expect("it is whole");
    *infos.iter().find(|info| info.kind == kind).expect("there is one")
}

/// Changes a byte of a section and nothing else, asks what is said of all grammars, then checks the file.
fn damaged(kind: SectionKind, offset: u64) -> (String, Mismatch<u64>) {
    let (mut bytes, _) = file();
    let place = (section(&bytes, kind).offset + offset) as usize;
    bytes[place] ^= 0x40;
    let artifact = Artifact::from_bytes(&bytes).expect("the preamble is whole");
    let looked_at = (0..artifact.len()).try_for_each(|index| artifact.entry(index).map(|_| ()));
    match looked_at.and_then(|()| artifact.check()) {
        Err(ArtifactError::Checksum { part, checksum }) => (part, checksum),
        other => panic!("{kind}: {other:?}"),
    }
}

#[test]
fn damage_is_named_by_its_place() {
    for (kind, offset, named) in [
        (SectionKind::Metadata, 3, "metadata of the file"),
        (SectionKind::Grammars, 20, "grammar 0"),
        (SectionKind::GrammarNames, 1, "grammar 0"),
        (SectionKind::Rows, 5, "rows of the file"),
        (SectionKind::RowChecksums, 0, "row checksums of the file"),
        (SectionKind::Sets, 17, "sets of the file"),
        (SectionKind::GrammarMetadata, 0, "grammar metadata of grammar \"object\""),
        (SectionKind::States, 9, "states of grammar \"object\""),
        (SectionKind::ByteEdges, 9, "byte edges of grammar \"object\""),
        (SectionKind::Procedures, 9, "procedures of grammar \"object\""),
        (SectionKind::Words, 9, "words of grammar \"object\""),
        (SectionKind::ProcedureNames, 2, "procedure names of grammar \"object\""),
        (SectionKind::Entries, 9, "entries of grammar \"object\""),
        (SectionKind::StateChecksums, 1, "state checksums of grammar \"object\""),
        (SectionKind::EntryChecksums, 1, "entry checksums of grammar \"object\""),
    ] {
        let (part, checksum) = damaged(kind, offset);
        assert_eq!(part, named);
        assert_ne!(checksum.found, checksum.expected);
    }
}

/// What is not looked at before it is used is found to be damaged then: there is no mask, and nothing is accepted any more.
#[test]
fn damage_is_named_when_it_is_met() {
    let tokenizer = tokenizer();
    let words: Vec<String> = (0..400u64).map(|word| format!("{:08}", word * word * 7_919 % 100_000_000)).collect();
    let source = format!("root = \"{}\" ;", words.join("\" | \""));
    let compiled = compile(&source, &tokenizer);
    assert!(compiled.pda().state_count() > 4 * BLOCK_STATES);
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
    writer.add_tables("words", &Tabulated::of(&compiled, TabulatedStates::All), "").expect("the first one");
    let original = writer.finish("").expect("there is room");
    for (kind, item, named) in [
        (SectionKind::States, 16, "states 64..128"),
        (SectionKind::ByteEdges, 12, "states 64..128"),
        (SectionKind::Entries, 12, "entries 64..128"),
    ] {
        // The second block, through which some word leads.
        let info = section(&original, kind);
        let mut bytes = original.clone();
        let edges_of = |state: usize| compiled.pda().byte_edges(StateId::from_u32(state as u32)).len();
        let edge = (0..=BLOCK_STATES).map(edges_of).sum();
        let first = if kind == SectionKind::ByteEdges { edge } else { BLOCK_STATES + 1 };
        bytes[info.offset as usize + item * first + 4] ^= 0x40;
        let artifact = Artifact::from_bytes(&bytes).expect("the preamble is whole");
        let grammar = artifact.grammar(0, tokenizer.clone()).expect("what is looked at is whole");
        let met = words.iter().find_map(|word| {
            let mut matcher = Matcher::new(grammar.clone());
            let mut row = matcher.row();
            for byte in word.bytes() {
                match matcher.fill(&mut row) {
                    Ok(()) => {}
                    Err(FillError::Damaged(fault)) => return Some((matcher, fault)),
                    Err(error) => panic!("{kind}: {error}"),
                }
                match matcher.accept_bytes(&[byte]) {
                    Ok(()) => {}
                    Err(AcceptError::Damaged(fault)) => return Some((matcher, fault)),
                    Err(error) => panic!("{kind}: {error}"),
                }
            }
            None
        });
        let (mut matcher, fault) = met.unwrap_or_else(|| panic!("{kind}: nobody has met it"));
        let message = fault.to_string();
        assert!(message.contains(named) && message.contains("expected 0x"), "{kind}: {message}");
        let mut row = vec![u32::MAX; matcher.row().len()];
        assert_eq!(matcher.fill(&mut row), Err(FillError::Damaged(fault.clone())), "{kind}");
        assert!(row.iter().all(|&word| word == 0), "no mask that has to do with it gets out");
        assert_eq!(matcher.accept_token(0), Err(AcceptError::Damaged(fault.clone())), "{kind}");
        assert_eq!(matcher.accept_bytes(b"0"), Err(AcceptError::Damaged(fault.clone())), "{kind}");
        assert_eq!(grammar.check(), Err(fault.clone()), "{kind}");
        let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
        let error = writer.add_tables("again", &Tabulated::of(&grammar, TabulatedStates::All), "");
        assert_eq!(error, Err(WriteError::Damaged { name: "again".to_owned(), fault }), "{kind}");
    }
}

/// What the first mask needs is looked at when the grammar is asked for.
#[test]
fn damage_at_the_beginning_is_named_at_once() {
    for (kind, named) in [
        (SectionKind::States, "states 0.."),
        (SectionKind::ByteEdges, "states 0.."),
        (SectionKind::Entries, "entries 0.."),
        (SectionKind::Sets, "set "),
        (SectionKind::Lists, "set "),
        (SectionKind::Rows, "row "),
        (SectionKind::RowChecksums, "row "),
    ] {
        let (mut bytes, tokenizer) = file();
        let info = section(&bytes, kind);
        // All sets, lists and rows: which of them the first mask needs is nobody's business.
        let is_shared = !matches!(kind, SectionKind::States | SectionKind::ByteEdges | SectionKind::Entries);
        let step = if kind == SectionKind::Sets { 32 } else { 4 };
        let place = if kind == SectionKind::Sets { 16 } else { 0 };
        for offset in (place..if is_shared { info.length } else { 4 }).step_by(step) {
            bytes[(info.offset + offset) as usize] ^= 0x40;
        }
        let artifact = Artifact::from_bytes(&bytes).expect("the preamble is whole");
        let errors: Vec<String> = (0..artifact.len())
            .filter_map(|index| artifact.grammar(index, tokenizer.clone()).err())
            .map(|error| error.to_string())
            .collect();
        let is_named = errors.iter().any(|error| error.contains(named) && error.contains("expected 0x"));
        assert!(is_named, "{kind}: {errors:?}");
    }
}

#[test]
fn a_damaged_preamble_is_named() {
    for (offset, named) in
        [(30, "the header"), (33, "the header"), (90, "the header"), (128 + 9, "the list of sections")]
    {
        let ArtifactError::Checksum { part, checksum } = refusal(&changed(offset, &[0xa5])) else {
            panic!("byte {offset}")
        };
        assert_eq!(part, named);
        assert_ne!(checksum.found, checksum.expected);
    }
}

#[test]
fn a_damaged_list_of_sections_is_named() {
    let (mut bytes, _) = file();
    let list = section(&bytes, SectionKind::EntryChecksums);
    let list = (list.offset + list.length).next_multiple_of(64) as usize;
    bytes[list + 16] ^= 1;
    let artifact = Artifact::from_bytes(&bytes).expect("the preamble is whole");
    let Err(ArtifactError::Checksum { part, .. }) = artifact.automaton(0) else { panic!("a length has changed") };
    assert_eq!(part, "the list of sections of grammar \"object\"");
    assert!(artifact.automaton(1).is_ok(), "the other grammar is whole");
}

#[test]
fn another_section_of_a_grammar_is_named() {
    let (mut bytes, _) = file();
    let list = section(&bytes, SectionKind::EntryChecksums);
    let list = (list.offset + list.length).next_multiple_of(64) as usize;
    bytes[list] = 2;
    let artifact = Artifact::from_bytes(&sealed(bytes)).expect("the preamble is whole");
    let Err(ArtifactError::WrongSection { owner, index, kind }) = artifact.automaton(0) else {
        panic!("it has grammars")
    };
    let expected = Mismatch { found: SectionKind::Grammars, expected: SectionKind::GrammarMetadata };
    assert_eq!((owner.as_str(), index, kind), ("grammar \"object\"", 0, expected));
}

#[test]
fn another_number_of_items_is_named() {
    // The grammars of the header.
    let ArtifactError::Count { what, count } = refusal(&sealed(changed(68, &[5]))) else { panic!("there are two") };
    assert_eq!((what.as_str(), count), ("grammars in the list", Mismatch { found: 2, expected: 5 }));
}

/// Where the list of sections of the first grammar has the record of this kind.
fn record_of(bytes: &[u8], kind: SectionKind) -> usize {
    let last = section(bytes, SectionKind::EntryChecksums);
    let list = (last.offset + last.length).next_multiple_of(64) as usize;
    let place = (0..12).map(|index| list + index * 32);
    let number = kind.number().to_le_bytes();
    place.into_iter().find(|&record| bytes[record..record + 4] == number).expect("it is in the list")
}

/// What is wrong with the first grammar.
fn automaton_fault(bytes: Vec<u8>) -> ArtifactError {
    let artifact = Artifact::from_bytes(&sealed(bytes)).expect("the preamble is whole");
    artifact.automaton(0).expect_err("it was tampered with")
}

#[test]
fn half_an_item_is_named() {
    let (mut bytes, _) = file();
    // The length of the section, in its record.
    let length = record_of(&bytes, SectionKind::States) + 16;
    bytes[length] -= 1;
    let error = automaton_fault(bytes);
    let ArtifactError::Section { owner, section, .. } = &error else { panic!("{error}") };
    assert_eq!((owner.as_str(), *section), ("grammar \"object\"", SectionKind::States));
    assert!(error.to_string().contains("not an array of"), "{error}");
}

#[test]
fn a_section_past_the_end_is_named() {
    let (mut bytes, _) = file();
    let length = record_of(&bytes, SectionKind::Entries) + 16;
    bytes[length + 4] = 1;
    let error = automaton_fault(bytes);
    let ArtifactError::TooLong { part, length } = &error else { panic!("{error}") };
    assert_eq!(part, "entries of grammar \"object\"");
    assert!(length.found > 1 << 32 && length.expected < 1 << 32, "{error}");
}

#[test]
fn a_section_at_another_place_is_named() {
    let (mut bytes, _) = file();
    let offset = record_of(&bytes, SectionKind::ByteEdges) + 8;
    let expected = u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"));
    bytes[offset..offset + 8].copy_from_slice(&(expected + 64).to_le_bytes());
    let error = automaton_fault(bytes);
    let ArtifactError::Misplaced { part, offset } = error else { panic!("{error}") };
    assert_eq!(part, "byte edges of grammar \"object\"");
    assert_eq!(offset, Mismatch { found: expected + 64, expected });
}

#[test]
fn what_is_no_automaton_is_named() {
    let (mut bytes, _) = file();
    // The first edge of the second state is one that there is not.
    let states = section(&bytes, SectionKind::States).offset as usize;
    bytes[states + 16..states + 20].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = automaton_fault(bytes);
    let ArtifactError::Automaton { grammar, .. } = &error else { panic!("{error}") };
    assert_eq!(grammar, "object");
    assert!(error.to_string().starts_with("grammar \"object\" is no automaton: state "), "{error}");
}

#[test]
fn what_is_defined_nowhere_is_named() {
    let ArtifactError::Invalid { part, fault } = refusal(&sealed(changed(80, &[1]))) else { panic!("it must be zero") };
    assert_eq!((part.as_str(), fault), ("the header", "it has something where nothing is defined"));
    let (mut bytes, _) = file();
    let metadata = section(&bytes, SectionKind::Metadata).offset as usize;
    bytes[metadata] = 0xff;
    let artifact = Artifact::from_bytes(&sealed(bytes)).expect("the preamble is whole");
    let Err(ArtifactError::Invalid { part, fault }) = artifact.metadata() else { panic!("it is no text") };
    assert_eq!((part.as_str(), fault), ("the metadata of the file", "it is not UTF-8"));
}

#[test]
fn no_index_in_the_file_is_named() {
    let original = with_tokenizer();
    let nodes = section(&original, SectionKind::TrieNodes);
    let tokens = section(&original, SectionKind::TrieTokens);
    let tokenizer_of = |bytes: &[u8]| Artifact::from_bytes(bytes).and_then(|artifact| artifact.tokenizer());
    for place in [nodes.offset, tokens.offset + 8] {
        let mut bytes = original.clone();
        bytes[place as usize] ^= 0x40;
        let Err(ArtifactError::Checksum { part, .. }) = tokenizer_of(&bytes) else { panic!("byte {place}") };
        assert!(part.starts_with("trie "), "{part}");
        let error = tokenizer_of(&sealed(bytes)).expect_err("it is no trie");
        assert!(matches!(error, ArtifactError::TokenIndex(_)), "{error}");
    }
    // A record of the list of sections: with one node, there are too few places in front of the tokens.
    let mut bytes = original.clone();
    let length = 128 + 9 * 32 + 16;
    bytes[length..length + 8].copy_from_slice(&8u64.to_le_bytes());
    bytes.truncate((tokens.offset + 64) as usize);
    let error = tokenizer_of(&sealed(bytes)).expect_err("there are fewer tokens than nodes");
    let ArtifactError::Count { what, count } = &error else { panic!("{error}") };
    assert_eq!((what.as_str(), count.found), ("bytes in trie tokens of the file", 8));
}

/// Two tokens of equal length in each other's place: a trie, but not that of the vocabulary.
#[test]
fn the_index_of_another_vocabulary_is_found_by_a_check() {
    let mut bytes = with_tokenizer();
    let nodes = section(&bytes, SectionKind::TrieNodes).length as usize / 8;
    let tokens = section(&bytes, SectionKind::TrieTokens);
    let ids = tokens.offset as usize + 4 * (nodes + 1)..(tokens.offset + tokens.length) as usize;
    let id_at = |place: usize| u32::from_le_bytes(bytes[place..place + 4].try_into().expect("four bytes"));
    let vocabulary = tokenizer();
    let is_byte = |&place: &usize| vocabulary.vocabulary().bytes(id_at(place)).len() == 1;
    let places: Vec<usize> = ids.step_by(4).filter(is_byte).take(2).collect();
    for offset in 0..4 {
        bytes.swap(places[0] + offset, places[1] + offset);
    }
    let artifact = Artifact::from_bytes(&sealed(bytes)).expect("the preamble is whole");
    assert!(artifact.tokenizer().is_ok(), "it is a trie");
    let error = artifact.check().expect_err("it is not that of the vocabulary");
    assert!(matches!(error, ArtifactError::Invalid { .. }) && error.to_string().contains("index"), "{error}");
}

/// The file with a tokenizer and its index in it.
fn with_tokenizer() -> Vec<u8> {
    let tokenizer = tokenizer();
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone()).embed_index();
    let tables = Tabulated::of(&compile(NESTED, &tokenizer), TabulatedStates::Start);
    writer.add_tables("nested", &tables, "").expect("the first one");
    writer.finish("").expect("there is room")
}

#[test]
fn another_tokenizer_in_the_file_is_named() {
    let mut bytes = with_tokenizer();
    let place = section(&bytes, SectionKind::Tokenizer).offset as usize;
    let end = place + section(&bytes, SectionKind::Tokenizer).length as usize;
    // The last byte of a text of an added token, then the bytes of a token.
    for position in [place + 16 + 4 * 1024 + 8 + 20, end - 1] {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1;
        let artifact = Artifact::from_bytes(&damaged).expect("the preamble is whole");
        let Err(ArtifactError::Checksum { part, .. }) = artifact.tokenizer() else { panic!("byte {position}") };
        assert_eq!(part, "tokenizer of the file");
    }
    // With a checksum that is right, it is another vocabulary than that of the tables: another stop token.
    let stop = place + 16 + 4 * 1024;
    bytes[stop] ^= 1;
    reseal(&mut bytes);
    let fingerprint = tokenizer().fingerprint();
    bytes[32..64].copy_from_slice(&fingerprint);
    let header = bytes[..120].to_vec();
    bytes[120..128].copy_from_slice(&xxhash_rust::xxh3::xxh3_64(&header).to_le_bytes());
    let artifact = Artifact::from_bytes(&bytes).expect("checksums are right");
    let Err(ArtifactError::EmbeddedTokenizer(mismatch)) = artifact.tokenizer() else {
        panic!("a stop token is another")
    };
    assert_eq!(mismatch.expected, fingerprint);
    assert_ne!(mismatch.found, fingerprint);
}

#[test]
fn no_tokenizer_in_the_file_is_named() {
    let mut bytes = with_tokenizer();
    let place = section(&bytes, SectionKind::Tokenizer).offset as usize;
    bytes[place + 3] = 0xff;
    let artifact = Artifact::from_bytes(&sealed(bytes)).expect("the preamble is whole");
    let error = artifact.tokenizer().expect_err("it has too many ids");
    assert!(matches!(error, ArtifactError::Vocabulary(_)), "{error}");
}
