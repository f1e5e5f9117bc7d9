//! Files of compiled grammars: what is loaded gives the same masks, and what is wrong with a file is named.

use std::path::PathBuf;
use std::sync::Arc;

use grammar_ir::{Limits, text};
use mask_runtime::artifact::{
    Artifact, ArtifactError, ArtifactWriter, ENGINE_REVISION, FORMAT_VERSION, FormatVersion, Mismatch, SectionKind,
    Tabulated, TabulatedStates, WriteError,
};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer, embedded_tiny};

const OBJECT: &str = "
    $m = %0(\"\\\"name\\\"\") \":\" string | %1(\"\\\"size\\\"\") \":\" number | %2(string) \":\" value ;
    value = string | number | \"[\" (value (\",\" value)*)? \"]\" | object ;
    string = \"\\\"\" [^\"\\\\\\u{0}-\\u{1f}]{0,300} \"\\\"\" ;
    number = \"-\"? [0-9]+ ;
    object = %scope { total {0,9} ; slots required, optional ; 0: slot 0 ; 1: slot 1 ; 2: distinct ; }
             (\"{\" ($m (\",\" $m)*)? %close(\"}\")) ;
    root = object ;";
const NESTED: &str = "root = \"(\" root \")\" | [a-z]+ | root \"+\" root | %token(5) ;";

fn compile(source: &str, tokenizer: &Arc<Tokenizer>) -> Arc<CompiledGrammar> {
    let grammar = text::parse(source).expect("the grammar is right");
    CompiledGrammar::new(&grammar, tokenizer.clone(), &Limits::default()).expect("no limit is met")
}

fn tokenizer() -> Arc<Tokenizer> {
    Tokenizer::new(embedded_tiny())
}

/// A file with the tables of both grammars.
fn file() -> (Vec<u8>, Arc<Tokenizer>) {
    let tokenizer = tokenizer();
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
    for (name, source) in [("object", OBJECT), ("nested", NESTED)] {
        let tables = Tabulated::of(&compile(source, &tokenizer), TabulatedStates::All);
        writer.add_tables(name, &tables, &format!("about {name}")).expect("names differ");
    }
    (writer.finish("about the file").expect("there is room"), tokenizer)
}

/// The masks along a text, byte by byte.
fn masks(grammar: &Arc<CompiledGrammar>, text: &[u8]) -> Vec<Vec<u32>> {
    let mut matcher = Matcher::new(grammar.clone());
    let mut rows = Vec::new();
    for position in 0..=text.len() {
        let mut row = matcher.row();
        matcher.fill(&mut row).expect("some token fits");
        rows.push(row);
        if let Some(byte) = text.get(position) {
            matcher.accept_bytes(&[*byte]).expect("the text is of the language");
        }
    }
    rows
}

const OBJECT_TEXT: &[u8] = br#"{"name":"a long name, to be read","k":[1,22,[{"name":"x"}],"y"],"nam":-7}"#;

#[test]
fn loaded_grammars_give_the_same_masks() {
    let (bytes, tokenizer) = file();
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    artifact.check().expect("it was just written");
    assert_eq!(artifact.metadata().expect("a text"), "about the file");
    let entry = artifact.entry(1).expect("there are two");
    assert_eq!((artifact.len(), entry.name, entry.metadata), (2, "nested", "about nested"));
    assert_eq!(artifact.find("nested").expect("there is one"), 1);
    assert_eq!(artifact.fingerprint(), Some(tokenizer.fingerprint()));
    for (index, source, text) in [(0, OBJECT, OBJECT_TEXT), (1, NESTED, b"((ab+c)+d)")] {
        let loaded = artifact.grammar(index, tokenizer.clone()).expect("it is for this tokenizer");
        let compiled = compile(source, &tokenizer);
        assert_eq!(loaded.pda(), compiled.pda());
        assert!(loaded.pda().memory() < compiled.pda().memory(), "states and edges stay in the file");
        assert_eq!(masks(&loaded, text), masks(&compiled, text));
    }
}

#[test]
fn equal_input_makes_equal_bytes() {
    let (bytes, tokenizer) = file();
    assert_eq!(bytes, file().0);
    // What was loaded is written again as it was.
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
    for index in 0..artifact.len() {
        let grammar = artifact.grammar(index, tokenizer.clone()).expect("it is for this tokenizer");
        let entry = artifact.entry(index).expect("it is there");
        let tables = Tabulated::of(&grammar, TabulatedStates::Loaded);
        writer.add_tables(entry.name, &tables, entry.metadata).expect("names differ");
    }
    assert_eq!(writer.finish("about the file").expect("there is room"), bytes);
}

#[test]
fn files_are_mapped_or_read() {
    let (bytes, tokenizer) = file();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mapped.gmt");
    std::fs::write(&path, &bytes).expect("the folder is there");
    for artifact in [Artifact::open(&path), Artifact::read(&path)] {
        let loaded = artifact.expect("it is a file").grammar(1, tokenizer.clone()).expect("it is for this tokenizer");
        // Other threads, after the artifact is gone.
        let rows = std::thread::scope(|scope| {
            let [one, two] = [0, 1].map(|_| scope.spawn(|| masks(&loaded, b"(a)")));
            [one.join().expect("no panic"), two.join().expect("no panic")]
        });
        assert_eq!(rows[0], rows[1]);
    }
    let error = Artifact::open(&path.with_extension("none")).expect_err("there is no such file");
    assert!(matches!(error, ArtifactError::Read { .. }), "{error}");
}

#[test]
fn automata_go_with_any_tokenizer() {
    let tokenizer = tokenizer();
    let compiled = compile(OBJECT, &tokenizer);
    let mut writer = ArtifactWriter::automata();
    writer.add("object", compiled.pda(), "").expect("the first one");
    let bytes = writer.finish("").expect("there is room");
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    artifact.check().expect("it was just written");
    assert_eq!((artifact.fingerprint(), artifact.vocabulary_size()), (None, None));
    assert_eq!(artifact.automaton(0).expect("it was just written"), *compiled.pda());
    let other = Tokenizer::new(embedded_tiny().with_stop_tokens([7]).expect("it has seven tokens"));
    let loaded = artifact.grammar(0, other.clone()).expect("automata are for any tokenizer");
    assert_eq!(masks(&loaded, OBJECT_TEXT), masks(&compile(OBJECT, &other), OBJECT_TEXT));
}

#[test]
fn states_that_were_met_can_be_saved() {
    let tokenizer = tokenizer();
    let compiled = compile(NESTED, &tokenizer);
    let start = Tabulated::of(&compiled, TabulatedStates::Start);
    assert_eq!(start.report().tabulated, 0);
    let mut tables = start;
    let mut tabulated = Vec::new();
    for text in [&b"(ab"[..], b"(ab)", b"(ab)"] {
        let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
        writer.add_tables("nested", &tables, "").expect("the first one");
        let bytes = writer.finish("").expect("there is room");
        let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
        let loaded = artifact.grammar(0, tokenizer.clone()).expect("it is for this tokenizer");
        assert_eq!(masks(&loaded, text), masks(&compiled, text));
        tables = Tabulated::of(&loaded, TabulatedStates::Met);
        tabulated.push(tables.report().tabulated);
    }
    assert!(0 < tabulated[0] && tabulated[0] < tabulated[1] && tabulated[1] == tabulated[2], "{tabulated:?}");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let tokenizer = tokenizer();
    let compiled = compile(NESTED, &tokenizer);
    let mut writer = ArtifactWriter::automata();
    writer.add("a", compiled.pda(), "").expect("the first one");
    assert_eq!(writer.add("a", compiled.pda(), ""), Err(WriteError::SameName { name: "a".to_owned() }));
    let other = Tokenizer::new(embedded_tiny().with_stop_tokens([7]).expect("it has seven tokens"));
    let mut writer = ArtifactWriter::with_tables(other);
    let refused = writer.add_tables("b", &Tabulated::of(&compiled, TabulatedStates::Start), "");
    assert_eq!(refused, Err(WriteError::OtherTokenizer { name: "b".to_owned() }));
}

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
}

#[test]
fn another_version_is_named() {
    let next = FORMAT_VERSION.major + 1;
    let ArtifactError::Version(mismatch) = refusal(&changed(12, &next.to_le_bytes())) else {
        panic!("the version is looked at before checksums")
    };
    assert_eq!(mismatch, Mismatch { found: FormatVersion { major: next, minor: 0 }, expected: FORMAT_VERSION });
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
    assert!(matches!(error, ArtifactError::Invalid { .. }), "{error}");
}

#[test]
fn a_file_that_was_cut_off_is_named() {
    let (bytes, _) = file();
    for length in [0, 7, 100, 383, bytes.len() - 1] {
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
    let Err(ArtifactError::Checksum { part, checksum }) = artifact.grammar(0, tokenizer.clone()) else {
        panic!("a grammar is checked when it is asked for")
    };
    assert_eq!(part, "entries of grammar \"object\"");
    assert_ne!(checksum.found, checksum.expected);
    artifact.grammar(1, tokenizer).expect("the other one is whole");
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

#[test]
fn what_is_not_there_is_named() {
    let (bytes, tokenizer) = file();
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    let error = artifact.find("nothing").expect_err("there is no such name").to_string();
    assert_eq!(error, "there is no grammar \"nothing\"; there are \"object\", \"nested\"");
    assert!(artifact.grammar(2, tokenizer).is_err());
    assert!(artifact.entry(2).is_err());
}
