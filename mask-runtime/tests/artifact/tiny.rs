//! A file so small that Miri gets through it: no read out of bounds, whatever its bytes are.
//!
//! ```text
//! MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p mask-runtime --test artifact -- tiny::
//! ```

use mask_runtime::artifact::{Artifact, ArtifactWriter, Tabulated, TabulatedStates, reseal};
use mask_runtime::{Matcher, Token, Tokenizer, Vocabulary, bitmask};

use crate::compile;

/// A scope, a counter, a call and a token terminal, for eleven tokens.
const SOURCE: &str = "
    $m = %0(\"a\") w | %1(\"b\") [a-b]{2,9} ;
    root = %scope { total {0,2} ; slots required, optional ; 0: slot 0 ; 1: slot 1 ; } ($m (\",\" $m)* %close(\"b\")) ;
    w = \"(\" w \")\" | %token(10) | \"b\" ;";

fn tiny() -> Vec<u8> {
    let mut tokens: Vec<Token> = ["a", "b", "(", ")", ",", "ab", "bb", "b,", "))", "(("]
        .map(|text| Token::Text(text.as_bytes().to_vec()))
        .into();
    tokens.push(Token::Special("<x>".to_owned()));
    let tokenizer = Tokenizer::new(Vocabulary::from_tokens(tokens).expect("there are few"));
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone()).embed_index();
    let tables = Tabulated::of(&compile(SOURCE, &tokenizer), TabulatedStates::All);
    writer.add_tables("tiny", &tables, "{}").expect("the first one");
    writer.finish("{}").expect("there is room")
}

/// Looks at all of a file, and follows its grammar; how many masks there were.
fn follow(bytes: &[u8]) -> usize {
    let Ok(artifact) = Artifact::from_bytes(bytes) else { return 0 };
    let mut masks = 0;
    if let Ok(Some(tokenizer)) = artifact.tokenizer()
        && let Ok(grammar) = artifact.grammar(0, tokenizer)
    {
        let mut matcher = Matcher::new(grammar);
        let mut row = matcher.row();
        while masks < 6 && matcher.fill(&mut row).is_ok() {
            masks += 1;
            let Some(token) = bitmask::iter(&row).nth(masks % 2).or(bitmask::iter(&row).next()) else { break };
            if matcher.accept_token(token).is_err() {
                break;
            }
        }
    }
    let _ = artifact.check().is_ok();
    masks
}

#[test]
fn any_byte_may_be_wrong() {
    let original = tiny();
    assert!(follow(&original) > 3);
    let (step, changes) = if cfg!(miri) { (41, &[0x81][..]) } else { (1, &[0x01, 0x80, 0xff][..]) };
    let mut followed = 0;
    for position in (0..original.len()).step_by(step) {
        for change in changes {
            let mut bytes = original.clone();
            bytes[position] ^= change;
            // With checksums that are wrong, then with right ones.
            follow(&bytes);
            reseal(&mut bytes);
            followed += usize::from(follow(&bytes) > 0);
        }
    }
    let tried = original.len().div_ceil(step) * changes.len();
    assert!(followed > tried / 8 && followed < tried, "{followed} of {tried}");
}
