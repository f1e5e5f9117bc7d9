//! The tokens of one answer to text: reasoning and content apart, stop strings found.

use std::sync::Arc;

use gpu_runtime::TextStream;
use gpu_runtime::engine::{Event, Finish, TokenLogprobs};
use mask_runtime::{TokenKind, Tokenizer};

use crate::error::ApiError;

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FinishReason {
    /// The model, or the grammar, has come to the end; with the stop token.
    StopToken(u32),
    /// A stop string has come.
    StopText(String),
    /// The grammar has come to the end, of a model without stop tokens.
    GrammarEnd,
    /// The bound on tokens, or the end of the context, was met, with this many tokens.
    Length(usize),
    /// The constraint turned out to be at fault.
    Unsatisfiable(String),
    /// No token could be chosen.
    Failed(String),
}

impl FinishReason {
    /// The error that the answer is instead, if it is one.
    pub(crate) fn error(&self) -> Option<ApiError> {
        match self {
            Self::Unsatisfiable(message) => Some(ApiError::Invalid(format!(
                "The constraint cannot be followed to its end: {message}; make it less ambiguous."
            ))),
            Self::Failed(message) => Some(ApiError::Internal(message.clone())),
            Self::StopToken(_) | Self::StopText(_) | Self::GrammarEnd | Self::Length(_) => None,
        }
    }
}

/// What begins and ends a free text before the answer, for a request that has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thinking {
    pub(crate) start_token: u32,
    pub(crate) end_token: u32,
    /// The number of tokens that stand between the end token and a constrained answer.
    pub(crate) separator: usize,
}

/// How an answer is read.
#[derive(Debug, Clone)]
pub(crate) struct AnswerOptions {
    pub(crate) thinking: Option<Thinking>,
    pub(crate) stop: Vec<String>,
    /// Token ids that end the answer; the grammar sees to them itself if there is one.
    pub(crate) stop_tokens: Vec<u32>,
    /// The stop token that stands for an end that the grammar alone decided.
    pub(crate) end_token: Option<u32>,
    /// How many of the most probable tokens are named for each, if it is to be said how probable they were.
    pub(crate) logprobs: Option<usize>,
    pub(crate) skip_special_tokens: bool,
    /// Special tokens that are text all the same.
    pub(crate) kept_special_tokens: Vec<u32>,
    pub(crate) no_stop_trim: bool,
}

impl AnswerOptions {
    /// The entry of a token that was not sampled, as nothing else could come.
    fn certain(&self, token: u32) -> Option<TokenLogprobs> {
        self.logprobs.map(|top| TokenLogprobs { token, logprob: 0.0, top: vec![(token, 0.0); top.min(1)] })
    }
}

/// What has come since the last time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Delta {
    pub(crate) tokens: Vec<u32>,
    /// How probable they were, if the request wants to know: one for each of them.
    pub(crate) logprobs: Vec<TokenLogprobs>,
    /// Text before the end of the thinking, without its tags.
    pub(crate) reasoning: String,
    /// Text of the answer.
    pub(crate) content: String,
    /// All text, tags included.
    pub(crate) raw: String,
    /// Set in the last one.
    pub(crate) finish: Option<FinishReason>,
}

/// One answer as far as it has come.
#[derive(Debug)]
pub(crate) struct Answer {
    options: AnswerOptions,
    tokenizer: Arc<Tokenizer>,
    stream: TextStream,
    thinking: bool,
    /// Tokens of the separator to come.
    separator: usize,
    /// Content that may be the beginning of a stop string.
    held: String,
    finished: bool,
    /// The number of tokens so far, and of those that were reasoning.
    pub(crate) tokens: usize,
    pub(crate) reasoning_tokens: usize,
}

impl Answer {
    pub(crate) fn new(options: AnswerOptions, tokenizer: Arc<Tokenizer>) -> Self {
        Self {
            thinking: options.thinking.is_some(),
            options,
            tokenizer,
            stream: TextStream::default(),
            separator: 0,
            held: String::new(),
            finished: false,
            tokens: 0,
            reasoning_tokens: 0,
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Takes an event of the engine over.
    pub(crate) fn push(&mut self, event: Event) -> Delta {
        let mut delta = Delta::default();
        if let Some(first) = event.logprobs {
            // What was not sampled was certain.
            let forced = event.tokens.iter().skip(1);
            let forced = forced.filter_map(|&token| self.options.certain(token));
            delta.logprobs = std::iter::once(first).chain(forced).collect();
        }
        for token in event.tokens {
            delta.tokens.push(token);
            let finish = self.token(token, &mut delta);
            if finish.is_some() {
                delta.finish = finish;
                break;
            }
        }
        if delta.finish.is_none() {
            delta.finish = event.finish.map(|finish| self.end(finish, &mut delta));
        }
        if delta.finish.is_some() {
            self.finished = true;
            let rest = std::mem::take(&mut self.stream).finish();
            if !matches!(delta.finish, Some(FinishReason::StopText(_))) {
                let stopped = self.text(&rest, &mut delta);
                delta.finish = stopped.or(delta.finish);
                let held = std::mem::take(&mut self.held);
                delta.content.push_str(&held);
                delta.raw.push_str(&held);
            }
        }
        self.tokens += delta.tokens.len();
        delta.logprobs.truncate(delta.tokens.len());
        delta
    }

    fn end(&self, finish: Finish, delta: &mut Delta) -> FinishReason {
        let token = match finish {
            Finish::StopToken(token) => Some(token),
            Finish::GrammarEnd => self.options.end_token,
            Finish::Failed(error) if error.is_of_constraint() => return FinishReason::Unsatisfiable(error.to_string()),
            Finish::Failed(error) => return FinishReason::Failed(error.to_string()),
            Finish::MaxTokens { .. } | Finish::ContextFull { .. } => {
                return FinishReason::Length(self.tokens + delta.tokens.len());
            }
            other => {
                return FinishReason::Failed(format!("the generation ended for a reason without a name: {other:?}"));
            }
        };
        let Some(token) = token else { return FinishReason::GrammarEnd };
        // A stop token that was sampled has its entry.
        if delta.logprobs.len() == delta.tokens.len() {
            delta.logprobs.extend(self.options.certain(token));
        }
        delta.tokens.push(token);
        FinishReason::StopToken(token)
    }

    fn token(&mut self, token: u32, delta: &mut Delta) -> Option<FinishReason> {
        if self.options.stop_tokens.contains(&token) {
            return Some(FinishReason::StopToken(token));
        }
        let tokenizer = self.tokenizer.clone();
        let vocabulary = tokenizer.vocabulary();
        if let Some(thinking) = self.options.thinking.as_ref().filter(|_| self.thinking) {
            self.reasoning_tokens += 1;
            let tag = vocabulary.name(token);
            if token == thinking.end_token {
                self.separator = thinking.separator;
                let rest = std::mem::take(&mut self.stream).finish();
                self.text(&rest, delta);
                self.thinking = false;
                delta.raw.push_str(&tag);
                return None;
            }
            if token == thinking.start_token {
                delta.raw.push_str(&tag);
                return None;
            }
        }
        let text = match vocabulary.kind(token) {
            TokenKind::Special
                if !self.options.skip_special_tokens || self.options.kept_special_tokens.contains(&token) =>
            {
                self.stream.push(vocabulary.name(token).as_bytes())
            }
            _ => self.stream.push(vocabulary.bytes(token)),
        };
        if self.separator > 0 {
            self.separator -= 1;
            delta.raw.push_str(&text);
            return None;
        }
        self.text(&text, delta)
    }

    /// Adds text; answers the stop string that came to its end with it.
    fn text(&mut self, text: &str, delta: &mut Delta) -> Option<FinishReason> {
        if self.thinking {
            delta.reasoning.push_str(text);
            delta.raw.push_str(text);
            return None;
        }
        self.held.push_str(text);
        let stops = self.options.stop.iter();
        let first = stops.filter_map(|stop| Some((self.held.find(stop.as_str())?, stop))).min();
        if let Some((at, stop)) = first {
            let end = if self.options.no_stop_trim { at + stop.len() } else { at };
            delta.content.push_str(&self.held[..end]);
            delta.raw.push_str(&self.held[..end]);
            let reason = FinishReason::StopText(stop.clone());
            self.held.clear();
            return Some(reason);
        }
        let kept = self.options.stop.iter().map(|stop| begun(&self.held, stop)).max().unwrap_or(0);
        let certain = self.held.len() - kept;
        delta.content.push_str(&self.held[..certain]);
        delta.raw.push_str(&self.held[..certain]);
        self.held.drain(..certain);
        None
    }
}

/// The length of the longest end of `text` that is a beginning of `stop`, and not all of it.
pub(crate) fn begun(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len() - 1);
    (1..=longest).rev().find(|&length| stop.is_char_boundary(length) && text.ends_with(&stop[..length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(stop: &[&str], no_stop_trim: bool) -> Answer {
        let options = AnswerOptions {
            thinking: None,
            stop: stop.iter().map(|&stop| stop.to_owned()).collect(),
            stop_tokens: Vec::new(),
            end_token: None,
            logprobs: None,
            skip_special_tokens: true,
            kept_special_tokens: Vec::new(),
            no_stop_trim,
        };
        Answer::new(options, Tokenizer::new(mask_runtime::embedded_tiny()))
    }

    /// The content that comes of each piece, and the stop string.
    fn read(mut answer: Answer, pieces: &[&str]) -> (Vec<String>, Option<FinishReason>) {
        let mut contents = Vec::new();
        for piece in pieces {
            let mut delta = Delta::default();
            let finish = answer.text(piece, &mut delta);
            contents.push(delta.content);
            if finish.is_some() {
                return (contents, finish);
            }
        }
        (contents, None)
    }

    #[test]
    fn stop_strings_across_tokens() {
        let (contents, finish) = read(answer(&["END"], false), &["a E", "N", "x EN", "D", "never"]);
        assert_eq!(contents, ["a ", "", "ENx ", ""]);
        assert_eq!(finish, Some(FinishReason::StopText("END".to_owned())));
        let (contents, _) = read(answer(&["END"], true), &["a EN", "Db"]);
        assert_eq!(contents, ["a ", "END"]);
    }

    #[test]
    fn special_tokens_are_text_only_if_kept() {
        let mut answer = answer(&[], false);
        let tokenizer = answer.tokenizer.clone();
        let vocabulary = tokenizer.vocabulary();
        let ids = 0..vocabulary.size() as u32;
        let specials: Vec<u32> = ids.clone().filter(|&id| vocabulary.kind(id) == TokenKind::Special).collect();
        let [begin, end] = specials[..2] else { panic!("two special tokens") };
        let letter = ids.clone().find(|&id| vocabulary.bytes(id) == b"a").expect("a token of a letter");
        let (begin_name, end_name) = (vocabulary.name(begin), vocabulary.name(end));
        let content = |answer: &mut Answer| {
            let mut delta = Delta::default();
            for token in [begin, letter, end] {
                assert_eq!(answer.token(token, &mut delta), None);
            }
            delta.content
        };
        assert_eq!(content(&mut answer), "a");
        answer.options.kept_special_tokens = vec![end];
        assert_eq!(content(&mut answer), format!("a{end_name}"));
        answer.options.skip_special_tokens = false;
        assert_eq!(content(&mut answer), format!("{begin_name}a{end_name}"));
    }

    #[test]
    fn the_first_of_several_stop_strings() {
        let (contents, finish) = read(answer(&["c", "é"], false), &["abé", "c"]);
        assert_eq!(contents, ["ab"]);
        assert_eq!(finish, Some(FinishReason::StopText("é".to_owned())));
    }
}
