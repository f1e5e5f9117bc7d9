//! A file that was written once: it pins the format.
//!
//! `data/artifact.gmt` was made by [`write_fixture`], for this project.

use std::path::PathBuf;
use std::sync::Arc;

use mask_runtime::artifact::{
    Artifact, ArtifactWriter, ENGINE_REVISION, FORMAT_VERSION, FormatVersion, Tabulated, TabulatedStates,
};
use mask_runtime::{Matcher, Token, Tokenizer, Vocabulary, bitmask};

use crate::compile;

/// What to do when a test of this file fails.
const ADVICE: &str = "files that were written before are not what is written now. If sections or records have changed, \
                      raise FORMAT_VERSION; if masks have, raise ENGINE_REVISION. Then say so in docs/artifact.md and \
                      write the file again: cargo test -p mask-runtime --test artifact -- --ignored write_fixture";

const MEMBERS: &str = "
    $m = %0(\"a:\") [0-9]{1,9} | %1(\"b:\") [0-9]{1,9} ;
    root = %scope { total {0,2} ; slots required, optional ; 0: slot 0 ; 1: slot 1 ; }
           (\"{\" ($m (\",\" $m)*)? %close(\"}\")) ;";
const NESTED: &str =
    "root = \"(\" root \")\" | word | %token(6) ;\nword %max_tokens(2) %temperature(\"0.5\") = [a-b]+ ;";

pub(crate) fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/artifact.gmt")
}

fn tokenizer() -> Arc<Tokenizer> {
    let text = |text: &str| Token::Text(text.as_bytes().to_vec());
    let mut tokens =
        vec![text("a"), text("b"), text("{"), text("}"), text("a:"), text("1"), Token::Special("<x>".to_owned())];
    tokens.extend([Token::Hole, text(",b:"), text("7}"), text(","), text("12"), text("("), text(")"), text("))")]);
    tokens.extend([Token::Special("<end>".to_owned()), text("ab"), text(":"), text("2"), text("))}")]);
    // So many that a mask is a row and not a list.
    tokens.extend(["aa", "bb", "ba", "aab", "bba", "abab"].map(text));
    let vocabulary = Vocabulary::from_tokens(tokens).and_then(|vocabulary| vocabulary.with_size(40));
    Tokenizer::new(vocabulary.and_then(|vocabulary| vocabulary.with_stop_tokens([15])).expect("there are few"))
}

#[test]
#[ignore = "writes the file that the tests of this module read"]
fn write_fixture() {
    let tokenizer = tokenizer();
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone()).embed_index();
    for (name, source) in [("members", MEMBERS), ("nested", NESTED)] {
        let tables = Tabulated::of(&compile(source, &tokenizer), TabulatedStates::All);
        writer.add_tables(name, &tables, &format!("{{\"about\": {name:?}}}")).expect("names differ");
    }
    std::fs::write(path(), writer.finish("{\"made_by\": \"a test\"}").expect("there is room"))
        .expect("the folder is there");
}

/// The ids of each mask along some tokens.
fn masks(artifact: &Artifact, name: &str, tokens: &[u32]) -> Vec<Vec<u32>> {
    let tokenizer = artifact.tokenizer().expect(ADVICE).expect("it is in the file");
    let index = artifact.find(name).expect("it is in the file");
    let mut matcher = Matcher::new(artifact.grammar(index, tokenizer).expect(ADVICE));
    let mut masks = Vec::new();
    for token in tokens.iter().map(Some).chain([None]) {
        let mut row = matcher.row();
        matcher.fill(&mut row).expect("some token fits");
        masks.push(bitmask::iter(&row).collect());
        if let Some(&token) = token {
            matcher.accept_token(token).expect("its mask allows it");
        }
    }
    masks
}

#[test]
fn the_versions_are_those_of_the_file() {
    let versions = (FormatVersion { major: 4, minor: 0 }, 1);
    assert_eq!((FORMAT_VERSION, ENGINE_REVISION), versions, "write the file again, and its versions here");
}

#[test]
fn what_was_written_is_read() {
    let artifact = &Artifact::read(&path()).expect(ADVICE);
    assert_eq!(artifact.format_version(), FORMAT_VERSION);
    artifact.check().expect(ADVICE);
    assert_eq!(artifact.metadata().expect(ADVICE), "{\"made_by\": \"a test\"}");
    assert_eq!(artifact.entry(1).expect(ADVICE).metadata, "{\"about\": \"nested\"}");
    // `{`, `a:`, `12`, `,b:`, `7}`; no member twice, and none is missing.
    let expected: [&[u32]; 6] = [&[2], &[0, 1, 4], &[5, 9, 11, 18], &[3, 5, 8, 9, 10, 11, 18], &[5, 9, 11, 18], &[15]];
    assert_eq!(masks(artifact, "members", &[2, 4, 11, 8, 9]), expected, "{ADVICE}");
    let begin: &[u32] = &[0, 1, 6, 12, 16, 20, 21, 22, 23, 24, 25];
    let expected = [begin, begin, &[0, 1, 13, 16, 20, 21, 22, 23, 24, 25], &[15]];
    assert!(artifact.set_and_row_counts().1 > 0, "there are rows");
    assert_eq!(masks(artifact, "nested", &[12, 16, 13]), expected, "{ADVICE}");
}

/// Tables are worked out again from the automata in the file, so a compiler that makes others changes nothing here.
#[test]
fn what_was_written_is_written_again() {
    let artifact = &Artifact::read(&path()).expect(ADVICE);
    let tokenizer = artifact.tokenizer().expect(ADVICE).expect("it is in the file");
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone()).embed_index();
    for index in 0..artifact.len() {
        let entry = artifact.entry(index).expect(ADVICE);
        let grammar = artifact.grammar(index, tokenizer.clone()).expect(ADVICE);
        writer.add_tables(entry.name, &Tabulated::of(&grammar, TabulatedStates::All), entry.metadata).expect(ADVICE);
    }
    let bytes = writer.finish(artifact.metadata().expect(ADVICE)).expect("there is room");
    assert_eq!(artifact.difference(&bytes).expect(ADVICE), None, "{ADVICE}");
}
