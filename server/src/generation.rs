//! From what a request asks for to its answers, the same for all endpoints.

use std::sync::Arc;

use gpu_runtime::engine::{Reasoning, Request};
use mask_runtime::{Marker, Vocabulary};

use crate::Service;
use crate::answer::{Answer, AnswerOptions, Delta, TextMarker, Thinking};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::grammar::{CompiledConstraint, Deadline, Grammars, Requested};
use crate::intake::Room;
use crate::reasoning::ReasoningParser;
use crate::reply::{Document, Reply};
use crate::sampling::Sampling;
use crate::scheduler::{Admission, Group};
use crate::token_texts::token_bytes;

/// What models that think put before their answer.
const THINKING_SEPARATOR: &str = "\n\n";

/// The most tokens that the answers of one request name with their probabilities, each of which takes up to two hundred bytes
/// of text.
const MAX_NAMED_TOKENS: usize = 200_000;

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The tokens of each prompt.
    pub(crate) prompts: Vec<Prompt>,
    /// Set if a free text comes before the answer.
    pub(crate) thinking: Option<Budget>,
    /// Until when the request waits for its grammars; `None` is as long as they take.
    pub(crate) deadline: Option<Deadline>,
    /// Room for the texts of its constraints, which are held until they are compiled.
    pub(crate) room: Room,
}

impl Plan {
    /// Keeps as much of the room of its body as is still needed.
    pub(crate) fn keep(&mut self, room: Room) {
        self.room = room;
        let mut last: Option<&Arc<str>> = None;
        let mut bytes = 0usize;
        for Requested { constraint, .. } in self.prompts.iter().filter_map(|prompt| prompt.constraint.as_ref()) {
            // Prompts that share a constraint share its text.
            if !last.is_some_and(|last| Arc::ptr_eq(last, &constraint.text)) {
                bytes = bytes.saturating_add(constraint.text.len());
            }
            last = Some(&constraint.text);
        }
        self.room.shrink_to(bytes);
    }
}

/// The greatest number of tokens of the free text before an answer, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget(Option<usize>);

impl Budget {
    /// Reads `max_thinking_tokens`, or `thinking_budget` of `custom_params`.
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let custom = fields.object("custom_params")?;
        let custom = custom.map(|custom| custom.count("thinking_budget")).transpose()?.flatten();
        Self(fields.count("max_thinking_tokens")?).or(Self(custom))
    }

    /// This one, or `other` if there is none.
    ///
    /// # Errors
    /// When they contradict each other.
    pub(crate) fn or(self, other: Self) -> Result<Self, ApiError> {
        match (self.0, other.0) {
            (Some(one), Some(another)) if one != another => Err(ApiError::Invalid(format!(
                "max_thinking_tokens (thinking_budget of custom_params) is {one} in one place and {another} in another; \
                 leave one out."
            ))),
            (one, another) => Ok(Self(one.or(another))),
        }
    }

    /// Refuses a budget where there is no thinking, for this reason.
    pub(crate) fn refuse(self, reason: &str) -> Result<(), ApiError> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(ApiError::Invalid(format!(
                "max_thinking_tokens (thinking_budget of custom_params): {reason}; leave it out."
            ))),
        }
    }
}

/// One prompt, and how it is to be answered.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub(crate) tokens: Vec<u32>,
    pub(crate) sampling: Sampling,
    pub(crate) constraint: Option<Requested>,
}

/// The answers of a request as they come, `n` for each prompt in order.
pub(crate) struct Generation {
    group: Group,
    answers: Vec<Answer>,
    /// The number of answers that have not ended.
    open: usize,
}

/// How many answers `prompts` ask for.
pub(crate) fn answer_count(prompts: &[Prompt]) -> usize {
    prompts.iter().map(|prompt| prompt.sampling.n).fold(0, usize::saturating_add)
}

impl Service {
    /// Starts to generate.
    pub(crate) async fn generate(&self, mut plan: Plan) -> Result<Generation, ApiError> {
        let count = answer_count(&plan.prompts);
        self.bound_logprobs(&mut plan.prompts)?;
        let mut admission = Some(if self.options.waits {
            self.scheduler.admit_in_turn(count).await?
        } else {
            self.scheduler.admit(count)?
        });
        let mut place = None;
        let thinking = plan.thinking.map(|budget| Ok::<_, ApiError>((self.thinking()?, budget))).transpose()?;
        let mut requests = Vec::with_capacity(count);
        let mut answers = Vec::with_capacity(count);
        for prompt in &plan.prompts {
            let grammar = match (&prompt.constraint, &self.grammars) {
                (None, _) => None,
                (Some(_), None) => {
                    let message = "Grammar-based generation (json_schema, regex, ebnf, structural_tag) is not supported \
                                   when the server is launched with --grammar-backend none";
                    return Err(ApiError::Invalid(message.to_owned()));
                }
                (Some(requested), Some(grammars)) => match grammars.ready(requested)? {
                    Some(grammar) => Some(grammar),
                    None => {
                        // Those that wait for a compile leave the room in the model to others.
                        admission = None;
                        let place = match &mut place {
                            Some(place) => place,
                            none => none.insert(grammars.place(self.options.waits).await?),
                        };
                        Some(grammars.get(requested, plan.deadline, place).await?)
                    }
                },
            };
            for index in 0..prompt.sampling.n {
                requests.push(self.request(prompt, grammar.as_ref(), thinking.as_ref(), index)?);
                let tokens = thinking.as_ref().map(|(tokens, _)| tokens);
                answers.push(Answer::new(self.answer_options(prompt, tokens), self.model.tokenizer.clone()));
            }
        }
        let admission = match admission {
            Some(admission) => admission,
            None if self.options.waits => self.scheduler.admit_in_turn(count).await?,
            None => self.scheduler.admit_until(count, self.deadline().and_then(Deadline::end)).await?,
        };
        drop((place, plan));
        self.start(requests, answers, admission).await
    }

    /// Bounds how many tokens the answers of a request name. Where it sets no limit of tokens that is one; a request that asks
    /// for more itself is refused.
    fn bound_logprobs(&self, prompts: &mut [Prompt]) -> Result<(), ApiError> {
        let context = self.model.context;
        let names = |sampling: &Sampling| sampling.logprobs.map_or(0, |top| sampling.n.saturating_mul(1 + top));
        let mut asked = 0usize;
        let mut open = 0usize;
        for Prompt { sampling, .. } in &*prompts {
            match sampling.max_tokens {
                Some(tokens) => asked = asked.saturating_add(names(sampling).saturating_mul(tokens.min(context))),
                None => open = open.saturating_add(names(sampling)),
            }
        }
        let left = MAX_NAMED_TOKENS.checked_sub(asked).filter(|&left| left >= open);
        let Some(left) = left else {
            return Err(ApiError::Invalid(format!(
                "logprobs: at least {} tokens would be named with their probabilities, more than the limit of \
                 {MAX_NAMED_TOKENS}; ask for fewer answers, tokens, or most probable ones.",
                asked.saturating_add(open)
            )));
        };
        for Prompt { sampling, .. } in prompts {
            if sampling.max_tokens.is_none() && names(sampling) > 0 {
                sampling.max_tokens = Some(left / open).filter(|&tokens| tokens < context);
            }
        }
        Ok(())
    }

    /// Until when a request that comes now waits for its grammars.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.grammars.as_ref().filter(|_| !self.options.waits).map(Grammars::deadline)
    }

    async fn start(
        &self,
        requests: Vec<Request>,
        answers: Vec<Answer>,
        admission: Admission,
    ) -> Result<Generation, ApiError> {
        let open = answers.len();
        Ok(Generation { group: self.scheduler.submit(requests, admission).await?, answers, open })
    }

    /// The tokens around a free text before the answer.
    pub(crate) fn thinking(&self) -> Result<ThinkingTokens, ApiError> {
        let vocabulary = self.model.tokenizer.vocabulary();
        let encode = |text: &str| {
            self.model.encoder.encode(text).map_err(|error| ApiError::Internal(format!("{text:?}: {error}")))
        };
        let marker = |text: &'static str| {
            let tokens = vocabulary.special_id(text).map_or_else(|| encode(text), |id| Ok(vec![id]))?;
            let marker = Marker::new(tokens).map_err(|error| ApiError::Internal(format!("{text:?}: {error}")))?;
            Ok::<_, ApiError>(TextMarker { marker, text })
        };
        let parser = self.options.reasoning.unwrap_or(ReasoningParser::DEFAULT);
        Ok(ThinkingTokens {
            start: marker(parser.start)?,
            end: marker(parser.end)?,
            separator: encode(THINKING_SEPARATOR)?,
        })
    }

    /// What there is to know of the way in which the model is to think: markers that are no tokens of it.
    pub fn reasoning_note(&self) -> Option<String> {
        self.options.reasoning?;
        let end = self.thinking().ok()?.end;
        let (text, count) = (end.text, end.len());
        (count > 1).then(|| {
            format!(
                "{text}, which ends the thinking of models of the chosen --reasoning-parser, is no token of this model but a \
                 text of {count} tokens"
            )
        })
    }

    fn request(
        &self,
        prompt: &Prompt,
        grammar: Option<&Arc<dyn CompiledConstraint>>,
        thinking: Option<&(ThinkingTokens, Budget)>,
        index: usize,
    ) -> Result<Request, ApiError> {
        let sampling = &prompt.sampling;
        let size = self.model.vocabulary_size;
        if let Some(token) = sampling.stop_token_ids.iter().find(|&&token| token as usize >= size) {
            let message = format!("stop_token_ids: token {token} is out of range: the model has {size} ids.");
            return Err(ApiError::Invalid(message));
        }
        let matcher = grammar.map(|grammar| {
            let mut stop_tokens = self.model.tokenizer.vocabulary().stop_tokens().to_vec();
            stop_tokens.extend(&sampling.stop_token_ids);
            stop_tokens.sort_unstable();
            stop_tokens.dedup();
            grammar.matcher(stop_tokens).map_err(|error| ApiError::Invalid(format!("stop_token_ids: {error}")))
        });
        let mut parameters = sampling.parameters;
        parameters.seed = parameters.seed.wrapping_add(index as u64);
        let reasoning = thinking.map(|(tokens, budget)| Reasoning {
            end_marker: tokens.end.marker.clone(),
            separator: if grammar.is_some() { tokens.separator.clone() } else { Vec::new() },
            budget: budget.0,
        });
        Ok(Request {
            matcher: matcher.transpose()?,
            reasoning,
            sampling: parameters,
            min_tokens: sampling.min_tokens,
            ignore_eos: sampling.ignore_eos,
            logprobs: sampling.logprobs,
            ..Request::new(prompt.tokens.clone(), sampling.max_tokens.unwrap_or(self.model.context))
        })
    }

    fn answer_options(&self, prompt: &Prompt, thinking: Option<&ThinkingTokens>) -> AnswerOptions {
        let sampling = &prompt.sampling;
        let constrained = prompt.constraint.is_some();
        AnswerOptions {
            thinking: thinking.map(|tokens| Thinking {
                start: tokens.start.clone(),
                end: tokens.end.clone(),
                separator: if constrained { tokens.separator.len() } else { 0 },
            }),
            stop: sampling.stop.clone(),
            stop_tokens: if constrained { Vec::new() } else { sampling.stop_token_ids.clone() },
            end_token: self.model.end_token(),
            logprobs: sampling.logprobs,
            skip_special_tokens: sampling.skip_special_tokens,
            kept_special_tokens: sampling.kept_special_tokens.clone(),
            no_stop_trim: sampling.no_stop_trim,
        }
    }
}

/// The tokens around a free text before the answer.
#[derive(Debug, Clone)]
pub(crate) struct ThinkingTokens {
    pub(crate) start: TextMarker,
    end: TextMarker,
    separator: Vec<u32>,
}

impl ThinkingTokens {
    /// Whether the thinking has begun at the end of a prompt.
    pub(crate) fn is_begun(&self, prompt: &[u32], vocabulary: &Vocabulary) -> bool {
        let (begun, ended) = match (self.start.marker.tokens(), self.end.marker.tokens()) {
            ([start], [end]) => {
                (prompt.iter().rposition(|token| token == start), prompt.iter().rposition(|token| token == end))
            }
            // Texts may begin and end within tokens of a prompt. What a user writes is no beginning.
            _ => return prompt_text(prompt, vocabulary).trim_end().ends_with(self.start.text.trim_end()),
        };
        begun.is_some() && begun >= ended
    }
}

fn prompt_text(prompt: &[u32], vocabulary: &Vocabulary) -> String {
    let bytes: Vec<u8> = prompt.iter().flat_map(|&token| token_bytes(token, vocabulary)).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Generation {
    /// What has come next, with the index of its answer; `None` when all have ended.
    pub(crate) async fn next(&mut self) -> Option<Result<(usize, Delta), ApiError>> {
        while self.open > 0 {
            let Some((index, event)) = self.group.next().await else {
                self.open = 0;
                return Some(Err(ApiError::Internal(
                    "the model has failed; the server has to be restarted".to_owned(),
                )));
            };
            // Nothing counts that was on its way when a stop string came.
            let Some(answer) = self.answers.get_mut(index).filter(|answer| !answer.is_finished()) else { continue };
            let ended = event.finish.is_some();
            let delta = answer.push(event);
            if answer.is_finished() {
                self.open -= 1;
                if !ended {
                    self.group.cancel(index);
                }
            }
            return Some(Ok((index, delta)));
        }
        None
    }

    /// The number of tokens of an answer so far, and of those that were reasoning.
    pub(crate) fn counts(&self, index: usize) -> (usize, usize) {
        self.answers.get(index).map_or((0, 0), |answer| (answer.tokens, answer.reasoning_tokens))
    }

    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }

    /// An answer of one document, which has the place of the request.
    pub(crate) fn reply(&mut self, text: String) -> Reply {
        Reply::Whole(Document::new(text, self.group.take_admission()))
    }

    /// All answers, each in one piece.
    pub(crate) async fn collect(&mut self) -> Result<Vec<Delta>, ApiError> {
        let mut whole = vec![Delta::default(); self.len()];
        while let Some(next) = self.next().await {
            let (index, delta) = next?;
            whole[index].append(delta);
        }
        Ok(whole)
    }
}

impl Delta {
    /// How many tokens it names: those chosen, and the most probable ones.
    pub(crate) fn size(&self) -> usize {
        self.tokens.len() + self.logprobs.iter().map(|one| 1 + one.top.len()).sum::<usize>()
    }

    /// Adds what came next.
    pub(crate) fn append(&mut self, next: Self) {
        self.tokens.extend(next.tokens);
        self.logprobs.extend(next.logprobs);
        self.reasoning.push_str(&next.reasoning);
        self.content.push_str(&next.content);
        self.raw.push_str(&next.raw);
        self.finish = next.finish;
    }
}

#[cfg(test)]
mod tests {
    use gpu_runtime::ModelFiles;

    use super::*;

    #[test]
    fn thinking_that_a_prompt_has_begun() {
        let files = ModelFiles::embedded_tiny().expect("the embedded model");
        let vocabulary = files.vocabulary().expect("its vocabulary");
        let encoder = files.encoder().expect("its encoder");
        let tokens = |text: &str| encoder.encode(text).expect("it encodes");
        let marker = |text| TextMarker { marker: Marker::new(tokens(text)).expect("it has tokens"), text };
        let thinking = |start, end| ThinkingTokens { start: marker(start), end: marker(end), separator: Vec::new() };
        let (one, several) = (thinking("<think>", "</think>"), thinking("[THINK]\n", "[/THINK]"));
        assert!(one.start.len() == 1 && several.start.len() > 1);
        for (thinking, prompt, is_begun) in [
            (&one, "a<think>\n", true),
            (&one, "a<think>b</think>c", false),
            (&one, "a<think>b</think><think>", true),
            (&one, "a", false),
            (&several, "a[THINK]\n", true),
            (&several, "a[THINK]\n\n", true),
            (&several, "a[THINK]", true),
            (&several, "a[THINK]\nb", false),
            (&several, "a[/THINK]", false),
        ] {
            assert_eq!(thinking.is_begun(&tokens(prompt), &vocabulary), is_begun, "{prompt}");
        }
    }
}
