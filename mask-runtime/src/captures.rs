//! What the rules with a name to be reported under have matched.

use grammar_ir::Grammar;
use grammar_ir::interp::Recognizer;

use crate::matcher::Matcher;
use crate::vocab::{TokenKind, Vocabulary};

/// A part of the text that is a word of a rule with `capture`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The name that the rule gives it.
    pub name: String,
    /// The part; tokens without bytes have the text that the vocabulary gives them.
    pub text: Vec<u8>,
}

/// What one accept has accepted.
#[derive(Debug, Clone)]
pub(crate) enum Accepted {
    /// A token, as a part of the text.
    Token(u32),
    /// Text.
    Text(Box<[u8]>),
    /// A stop token that ended the text.
    End,
}

impl Matcher {
    /// What the rules with `capture` have matched, in the order of their ends, inner parts before outer ones. Nothing as
    /// long as the text is not complete.
    ///
    /// Where a text can be read in several ways, what comes first takes as much as it can. The text is read again for this,
    /// by a recogniser that takes microseconds for a byte; with an ambiguous grammar that may be quadratic and worse.
    pub fn captures(&self) -> Vec<Capture> {
        let Some((grammar, accepted)) = self.captured() else { return Vec::new() };
        if !self.is_complete() && !self.is_terminated() {
            return Vec::new();
        }
        captures(grammar, self.grammar().vocabulary(), self.stop_tokens(), accepted)
    }
}

fn captures(grammar: &Grammar, vocabulary: &Vocabulary, stop_tokens: &[u32], accepted: &[Accepted]) -> Vec<Capture> {
    let mut recognizer = Recognizer::new(grammar);
    // Per position: the text of the symbol before the next one.
    let mut symbols: Vec<&[u8]> = Vec::new();
    for accepted in accepted {
        match accepted {
            Accepted::Text(text) => {
                recognizer.push_bytes(text);
                symbols.extend(text.chunks(1));
            }
            Accepted::Token(token) => {
                let is_stop = vocabulary.is_stop(*token) || stop_tokens.contains(token);
                if vocabulary.kind(*token) == TokenKind::Text && !is_stop {
                    recognizer.push_token(*token, vocabulary.bytes(*token), is_stop);
                    symbols.extend(vocabulary.bytes(*token).chunks(1));
                } else {
                    recognizer.push_token(*token, &[], is_stop);
                    symbols.push(vocabulary.entry(*token));
                }
            }
            Accepted::End => break,
        }
        recognizer.end_token();
    }
    let name = |rule| grammar.rule(rule).attributes.capture.as_deref().unwrap_or_default().to_owned();
    let spans = recognizer.captures().into_iter();
    spans.map(|captured| Capture { name: name(captured.rule), text: symbols[captured.span].concat() }).collect()
}
