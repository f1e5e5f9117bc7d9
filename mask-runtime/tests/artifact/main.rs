//! Files of compiled grammars: what is loaded gives the same masks, and what is wrong with a file is named.

mod faults;
mod fixture;
mod hostile;
mod tiny;

use std::path::PathBuf;
use std::sync::Arc;

use grammar_ir::{Limits, text};
use mask_runtime::artifact::{
    Artifact, ArtifactError, ArtifactWriter, SectionKind, Tabulated, TabulatedStates, WriteError, reseal,
};
use mask_runtime::{CompiledGrammar, Matcher, Token, Tokenizer, embedded_tiny};

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
        assert!(loaded.pda().memory() < compiled.pda().memory(), "states and edges stay in the file");
        assert_eq!(loaded.pda(), compiled.pda());
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

/// Rows lie in the file as masks do in memory: words of 32 ids, lowest bit first, each row at a multiple of 64 bytes.
#[test]
fn rows_are_masks_as_they_lie() {
    let tokenizer = tokenizer();
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
    let tables = Tabulated::of(&compile("root = [a-z]{1,} ;", &tokenizer), TabulatedStates::All);
    writer.add_tables("letters", &tables, "").expect("the first one");
    let bytes = writer.finish("").expect("there is room");
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    let infos = artifact.section_infos().expect("it was just written");
    let rows = infos.iter().find(|info| info.kind == SectionKind::Rows).expect("every file has the section");
    let words = tokenizer.vocabulary().words_per_row();
    let stride = (words * 4).next_multiple_of(64);
    let (_, count) = artifact.set_and_row_counts();
    assert_eq!((rows.offset % 64, rows.length), (0, (count * stride) as u64));
    let stored: Vec<Vec<u32>> = bytes[rows.offset as usize..(rows.offset + rows.length) as usize]
        .chunks_exact(stride)
        .map(|row| {
            let (row, padding) = row.split_at(words * 4);
            assert!(padding.iter().all(|&byte| byte == 0));
            row.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
        })
        .collect();
    // The first mask is one of them, bit for bit.
    let loaded = artifact.grammar(0, tokenizer).expect("it is for this tokenizer");
    assert!(stored.contains(&masks(&loaded, b"")[0]));
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

/// Ids that were looked up in a vocabulary are of that one, also where there are no tables.
#[test]
fn token_ids_go_with_their_vocabulary() {
    let tokenizer = tokenizer();
    let other = Tokenizer::new(embedded_tiny().with_stop_tokens([7]).expect("it has seven tokens"));
    let [nested, object] = [NESTED, OBJECT].map(|source| compile(source, &tokenizer));
    let mut writer = ArtifactWriter::automata();
    let own = tokenizer.fingerprint();
    writer.add_with_token_ids("nested", nested.pda(), "", own).expect("the first one");
    writer.add_with_token_ids("object", object.pda(), "", other.fingerprint()).expect("it names no tokens");
    writer.add("as it is", nested.pda(), "").expect("names differ");
    let refused = writer.add_with_token_ids("other", nested.pda(), "", other.fingerprint());
    let expected = WriteError::OtherTokenIds { name: "other".to_owned(), found: other.fingerprint(), expected: own };
    assert_eq!(refused, Err(expected));
    let bytes = writer.finish("").expect("there is room");
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    artifact.check().expect("it was just written");
    assert_eq!((artifact.fingerprint(), artifact.vocabulary_size()), (None, None), "there are no tables");
    let of = |index| artifact.token_ids_fingerprint(index).expect("it was just written");
    assert_eq!([of(0), of(1), of(2)], [Some(own), None, None]);
    assert!((0..3).all(|index| artifact.grammar(index, tokenizer.clone()).is_ok()));
    assert!((1..3).all(|index| artifact.grammar(index, other.clone()).is_ok()));
    let error = artifact.grammar(0, other.clone()).expect_err("its ids are of another vocabulary");
    let text = error.to_string();
    let ArtifactError::TokenIds { grammar, vocabulary } = error else { panic!("{error}") };
    assert_eq!((grammar.as_str(), vocabulary.found, vocabulary.expected), ("nested", own, other.fingerprint()));
    let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(text.contains(&hex(own)) && text.contains(&hex(other.fingerprint())), "{text}");
    // With tables, all ids are those of their tokenizer.
    let (bytes, _) = file();
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    let of = |index| artifact.token_ids_fingerprint(index).expect("it was just written");
    assert_eq!([of(0), of(1)], [None, Some(own)]);
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
    assert!(writer.add_with_token_ids("nested", nested.pda(), "", own).is_ok());
    let refused = writer.add_with_token_ids("other", nested.pda(), "", other.fingerprint());
    assert_eq!(refused, Err(WriteError::OtherTokenizer { name: "other".to_owned() }));
}

/// A record can only say that its ids are those of a vocabulary if there is one, and there are no tables.
#[test]
fn ids_are_not_of_a_vocabulary_that_is_not_there() {
    let compiled = compile(NESTED, &tokenizer());
    let mut writer = ArtifactWriter::automata();
    writer.add("nested", compiled.pda(), "").expect("the first one");
    for original in [writer.finish("").expect("there is room"), file().0] {
        let mut bytes = original;
        let records = faults::section(&bytes, SectionKind::Grammars).offset as usize;
        bytes[records + 4] = 1;
        reseal(&mut bytes);
        let error = Artifact::from_bytes(&bytes).and_then(|artifact| artifact.check()).expect_err("it is wrong");
        assert!(error.to_string().contains("something where nothing is defined"), "{error}");
    }
}

/// What is no file, such as a pipe, is read as a whole.
#[cfg(unix)]
#[test]
fn a_pipe_is_read() {
    let (bytes, _) = file();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("pipe-{}.gmt", std::process::id()));
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("there is mkfifo");
    assert!(made.success());
    let artifact = std::thread::scope(|scope| {
        scope.spawn(|| std::fs::write(&path, &bytes).expect("somebody reads it"));
        Artifact::open(&path)
    });
    std::fs::remove_file(&path).expect("it is there");
    assert_eq!(artifact.expect("it is a file").file_length(), bytes.len());
    let error = Artifact::open(path.parent().expect("it has a folder")).expect_err("that is a folder").to_string();
    assert!(error.contains("directory"), "{error}");
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
    let mut writer = ArtifactWriter::automata();
    assert!(writer.add(&"n".repeat(1_024), compiled.pda(), "").is_ok());
    let refused = writer.add(&"n".repeat(1_025), compiled.pda(), "");
    assert!(matches!(refused, Err(WriteError::LongName { length: 1_025, limit: 1_024, .. })), "{refused:?}");
}

#[test]
fn a_file_can_bring_its_tokenizer() {
    let tokenizer = tokenizer();
    let compiled = compile(OBJECT, &tokenizer);
    let writer = || ArtifactWriter::with_tables(tokenizer.clone());
    for (mut writer, has_index) in [(writer().embed_tokenizer(), false), (writer().embed_index(), true)] {
        writer.add_tables("object", &Tabulated::of(&compiled, TabulatedStates::All), "").expect("the first one");
        let artifact = Artifact::from_bytes(&writer.finish("").expect("there is room")).expect("it was just written");
        artifact.check().expect("it was just written");
        assert!(artifact.has_tokenizer() && artifact.has_token_index() == has_index);
        let embedded = artifact.tokenizer().expect("it was just written").expect("it is there");
        assert_eq!(embedded.fingerprint(), tokenizer.fingerprint());
        let id = |tokenizer: &Tokenizer| tokenizer.vocabulary().special_id("<|eot_id|>");
        assert!(id(&embedded).is_some() && id(&embedded) == id(&tokenizer));
        assert_eq!(embedded.index().nodes(), tokenizer.index().nodes());
        let memory = [&embedded, &tokenizer].map(|tokenizer| tokenizer.index().memory_bytes());
        assert_eq!(memory[0] < memory[1], has_index, "an index in the file is not copied");
        let loaded = artifact.grammar(0, embedded.clone()).expect("it is for this tokenizer");
        assert_eq!(masks(&loaded, OBJECT_TEXT), masks(&compiled, OBJECT_TEXT));
        // The automaton alone, so that masks are made of what is worked out from the index.
        let untabulated =
            CompiledGrammar::from_pda(compiled.pda().clone(), embedded.clone()).expect("it has all tokens");
        assert_eq!(masks(&untabulated, OBJECT_TEXT), masks(&compiled, OBJECT_TEXT));
        // The same from elsewhere does as well.
        assert!(artifact.grammar(0, tokenizer.clone()).is_ok());
        let again = artifact.tokenizer().expect("it was just written").expect("it is there");
        assert!(Arc::ptr_eq(&embedded, &again), "it is put together once");
    }
    let without = Artifact::from_bytes(&file().0).expect("it was just written");
    assert!(!without.has_tokenizer() && !without.has_token_index());
    assert!(without.tokenizer().is_ok_and(|tokenizer| tokenizer.is_none()));
}

/// Of a vocabulary without text the index is no trie, but it is there all the same.
#[test]
fn a_tokenizer_without_text_is_written_as_it_is() {
    let vocabulary = mask_runtime::Vocabulary::from_tokens([Token::Special("<end>".to_owned())]).expect("one token");
    let tokenizer = Tokenizer::new(vocabulary);
    let write = |tokenizer: &Arc<Tokenizer>| {
        let mut writer = ArtifactWriter::with_tables(tokenizer.clone()).embed_index();
        let tables = Tabulated::of(&compile("root = %token(0) ;", tokenizer), TabulatedStates::All);
        writer.add_tables("end", &tables, "").expect("the first one");
        writer.finish("").expect("there is room")
    };
    let bytes = write(&tokenizer);
    let artifact = Artifact::from_bytes(&bytes).expect("it was just written");
    artifact.check().expect("it was just written");
    assert!(artifact.has_token_index());
    assert_eq!(write(&artifact.tokenizer().expect("it was just written").expect("it is there")), bytes);
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
