//! The tokens of one answer to text: reasoning and content apart, stop strings found.

use std::sync::Arc;

use gpu_runtime::TextStream;
use gpu_runtime::engine::{Event, Finish, SequenceError, TokenLogprobs};
use mask_runtime::{Marker, TokenKind, Tokenizer};

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
    /// There are this many answers already whose constraints are slow to follow.
    TooManySlow(usize),
    /// No token could be chosen.
    Failed(String),
}

impl FinishReason {
    /// The error that the answer is instead, if it is one.
    pub(crate) fn error(&self) -> Option<ApiError> {
        match self {
            &Self::TooManySlow(limit) => {
                Some(ApiError::Overloaded { limit, what: "answers in work whose constraints are slow to follow" })
            }
            Self::Unsatisfiable(message) => Some(ApiError::Invalid(format!(
                "The constraint cannot be followed to its end: {message}; make it less ambiguous."
            ))),
            Self::Failed(message) => Some(ApiError::Internal(message.clone())),
            Self::StopToken(_) | Self::StopText(_) | Self::GrammarEnd | Self::Length(_) => None,
        }
    }
}

/// A marker with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextMarker {
    pub(crate) marker: Marker,
    pub(crate) text: &'static str,
}

impl TextMarker {
    /// How many tokens it has.
    pub(crate) fn len(&self) -> usize {
        self.marker.tokens().len()
    }
}

/// What begins and ends a free text before the answer, for a request that has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thinking {
    pub(crate) start: TextMarker,
    pub(crate) end: TextMarker,
    /// The number of tokens that stand between the end and a constrained answer.
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
    /// Tokens of the thinking that may be the beginning of a marker.
    pending: Vec<u32>,
    /// How many tokens of the markers that begin and end the thinking have come.
    begun: usize,
    ended: usize,
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
            pending: Vec::new(),
            begun: 0,
            ended: 0,
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
            for token in std::mem::take(&mut self.pending) {
                self.plain(token, &mut delta);
            }
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
            Finish::Failed(SequenceError::TooManySlow { limit }) => return FinishReason::TooManySlow(limit),
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
        if self.thinking {
            self.reasoning_tokens += 1;
            self.thought(token, delta);
            return None;
        }
        self.plain(token, delta)
    }

    /// Takes a token of the thinking over. Those that may be the beginning of a marker wait until it is known.
    fn thought(&mut self, token: u32, delta: &mut Delta) {
        let Some(Thinking { start, end, separator }) = self.options.thinking.clone() else { return };
        self.pending.push(token);
        self.begun = start.marker.advance(self.begun, token);
        self.ended = end.marker.advance(self.ended, token);
        let marker = if self.ended == end.len() {
            Some(&end)
        } else if self.begun == start.len() {
            Some(&start)
        } else {
            None
        };
        let kept = marker.map_or(self.begun.max(self.ended), TextMarker::len);
        let text: Vec<u32> = self.pending.drain(..self.pending.len() - kept).collect();
        for token in text {
            self.plain(token, delta);
        }
        let Some(marker) = marker else { return };
        if marker == &end {
            let rest = std::mem::take(&mut self.stream).finish();
            self.text(&rest, delta);
            self.thinking = false;
            self.separator = separator;
        }
        delta.raw.push_str(marker.text);
        self.pending.clear();
        (self.begun, self.ended) = (0, 0);
    }

    /// Takes a token over that is text.
    fn plain(&mut self, token: u32, delta: &mut Delta) -> Option<FinishReason> {
        let tokenizer = self.tokenizer.clone();
        let vocabulary = tokenizer.vocabulary();
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

    /// The reasoning, the content and all text of an answer with these tokens, where letters stand for tokens.
    fn thought(start: &'static str, end: &'static str, text: &str) -> (String, String, String) {
        let mut answer = answer(&[], false);
        let tokenizer = answer.tokenizer.clone();
        let vocabulary = tokenizer.vocabulary();
        let token = |letter: u8| (0..vocabulary.size() as u32).find(|&id| vocabulary.bytes(id) == [letter]);
        let tokens = |text: &str| -> Vec<u32> { text.bytes().map(|letter| token(letter).expect("a token")).collect() };
        let marker = |text| TextMarker { marker: Marker::new(tokens(text)).expect("it has tokens"), text };
        answer.options.thinking = Some(Thinking { start: marker(start), end: marker(end), separator: 0 });
        answer.thinking = true;
        let mut delta = Delta::default();
        for token in tokens(text) {
            assert_eq!(answer.token(token, &mut delta), None);
        }
        for token in std::mem::take(&mut answer.pending) {
            answer.plain(token, &mut delta);
        }
        (delta.reasoning, delta.content, delta.raw)
    }

    #[test]
    fn markers_of_several_tokens() {
        let texts = |reasoning: &str, content: &str, raw: &str| (reasoning.into(), content.into(), raw.into());
        assert_eq!(thought("xab", "xax", "hxaxyz"), texts("h", "yz", "hxaxyz"));
        assert_eq!(thought("xab", "xax", "xabhxaxy"), texts("h", "y", "xabhxaxy"), "the first is left out");
        assert_eq!(thought("xab", "xaxb", "hxaxaxbz"), texts("hxa", "z", "hxaxaxbz"), "it begins again within itself");
        assert_eq!(thought("xab", "xax", "hxayxa"), texts("hxayxa", "", "hxayxa"), "a beginning alone is text");
        assert_eq!(
            thought("xab", "xax", "xaxxaxxab"),
            texts("", "xaxxab", "xaxxaxxab"),
            "what follows the end is text"
        );
    }
}
