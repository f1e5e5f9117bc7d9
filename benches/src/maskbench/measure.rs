//! One engine on one schema.

use std::time::{Duration, Instant};

use mask_runtime::Vocabulary;

use super::engine::{Engine, Session};
use super::job::{Job, Measured, Sequence};
use super::row::Row;

/// How much of an instance is shown around the token that was rejected, and of one that was accepted, in bytes.
const SHOWN_BEFORE: usize = 60;
const SHOWN_AFTER: usize = 30;
const SHOWN_WHOLE: usize = 300;

/// What is done, and measured, for each token of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steps {
    /// The mask is computed and asked for the token, which is then accepted.
    MaskAndAccept,
    /// The same, once all instances have been gone through: no state is new to the grammar.
    WarmMaskAndAccept,
    /// The token is accepted, or not. Nothing is measured.
    Accept,
}

/// Compiles the schema of `job`, computes the first mask, and takes every instance through the engine. A session that
/// gives up is taken to reject the instance.
pub(super) fn measure(
    engine: &dyn Engine,
    engine_name: &str,
    job: &Job,
    steps: Steps,
    vocabulary: &Vocabulary,
) -> Measured {
    let mut row = Row { id: job.id.clone(), engine: engine_name.to_owned(), ..Row::default() };
    let started = Instant::now();
    let compiled = engine.compile(&job.schema);
    let mut session = match compiled {
        Ok(session) => session,
        Err(error) => {
            row.compile_error = Some(error.message);
            return Measured { row, causes: error.causes, growth: 0 };
        }
    };
    if let Err(message) = session.fill() {
        row.compile_error = Some(format!("no first mask: {message}"));
        return Measured { row, causes: vec!["no first mask".to_owned()], growth: 0 };
    }
    row.ttfm_us = Some(microseconds(started.elapsed()));
    if steps == Steps::WarmMaskAndAccept {
        let mut unmeasured = Row::default();
        for sequence in &job.tests {
            follow(&mut *session, sequence, steps, &mut unmeasured);
        }
    }
    let mut any_order = AnyOrder { engine, schema: &job.schema, session: None, times: Row::default() };
    for (number, sequence) in job.tests.iter().enumerate() {
        let rejection = follow(&mut *session, sequence, steps, &mut row);
        match (sequence.valid, rejection) {
            (true, None) => row.ok_valid += 1,
            (false, Some(_)) => row.ok_invalid += 1,
            (true, Some(_)) if any_order.accepts(sequence) => row.ok_any_order += 1,
            (true, Some(rejection)) => {
                row.validation_errors.push((number, rejection.explain(&sequence.tokens, vocabulary)));
            }
            (false, None) => row.invalidation_errors.push((number, whole_text(&sequence.tokens, vocabulary))),
        }
    }
    Measured { row, causes: Vec::new(), growth: 0 }
}

/// The session with members in any order, compiled once an instance needs it. Its times do not count.
struct AnyOrder<'a> {
    engine: &'a dyn Engine,
    schema: &'a str,
    session: Option<Option<Box<dyn Session>>>,
    times: Row,
}

impl AnyOrder<'_> {
    fn accepts(&mut self, sequence: &Sequence) -> bool {
        let session = self.session.get_or_insert_with(|| self.engine.compile_any_order(self.schema));
        let Some(session) = session else { return false };
        follow(&mut **session, sequence, Steps::Accept, &mut self.times).is_none()
    }
}

/// Where an instance was rejected.
struct Rejection {
    position: usize,
    reason: String,
}

/// Takes the tokens one by one, until the end or the first that is rejected.
fn follow(session: &mut dyn Session, sequence: &Sequence, steps: Steps, row: &mut Row) -> Option<Rejection> {
    let started = Instant::now();
    let reset = session.reset();
    row.reset_us.push(microseconds(started.elapsed()));
    if let Err(reason) = reset {
        return Some(Rejection { position: 0, reason });
    }
    for (position, &token) in sequence.tokens.iter().enumerate() {
        let step = match steps {
            Steps::Accept => session.accept(token),
            Steps::MaskAndAccept | Steps::WarmMaskAndAccept => {
                let started = Instant::now();
                let step = mask_and_accept(session, token);
                row.mask_us.push(microseconds(started.elapsed()));
                step
            }
        };
        if let Err(reason) = step {
            return Some(Rejection { position, reason });
        }
    }
    None
}

fn mask_and_accept(session: &mut dyn Session, token: u32) -> Result<(), String> {
    session.fill()?;
    if !session.allows(token) {
        return Err("not allowed".to_owned());
    }
    session.accept(token)
}

impl Rejection {
    fn explain(&self, tokens: &[u32], vocabulary: &Vocabulary) -> String {
        let text =
            |tokens: &[u32]| tokens.iter().flat_map(|&token| vocabulary.bytes(token)).copied().collect::<Vec<u8>>();
        let before = text(&tokens[..self.position]);
        let after = text(&tokens[self.position + 1..]);
        let token = vocabulary.name(tokens[self.position]);
        format!(
            "token {} at byte {}: {}: …{}⟦{token}⟧{}",
            self.position,
            before.len(),
            // What follows is the engine's state, at some engines' length.
            self.reason.lines().next().unwrap_or_default(),
            String::from_utf8_lossy(&before[before.len().saturating_sub(SHOWN_BEFORE)..]),
            String::from_utf8_lossy(&after[..after.len().min(SHOWN_AFTER)]),
        )
    }
}

fn whole_text(tokens: &[u32], vocabulary: &Vocabulary) -> String {
    let text = tokens.iter().flat_map(|&token| vocabulary.bytes(token)).copied().take(SHOWN_WHOLE).collect::<Vec<u8>>();
    format!("accepted: {}", String::from_utf8_lossy(&text))
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use mask_runtime::Token;

    use super::super::engine::CompileError;
    use super::*;

    /// Takes `a`* and then the end (token 2); gives up when asked for the schema `"broken"`, and, with the schema
    /// `"fragile"`, when three masks were made.
    struct OnlyA;

    struct OnlyASession {
        ended: bool,
        /// Takes `b` as well.
        any_order: bool,
        /// So many masks are left.
        masks: usize,
    }

    impl Engine for OnlyA {
        fn compile_any_order(&self, schema: &str) -> Option<Box<dyn Session>> {
            (schema == "ordered").then(|| {
                Box::new(OnlyASession { ended: false, any_order: true, masks: usize::MAX }) as Box<dyn Session>
            })
        }

        fn compile(&self, schema: &str) -> Result<Box<dyn Session>, CompileError> {
            if schema == "broken" {
                return Err(CompileError::new("broken\nbeyond repair"));
            }
            let masks = if schema == "fragile" { 3 } else { usize::MAX };
            Ok(Box::new(OnlyASession { ended: false, any_order: false, masks }))
        }
    }

    impl Session for OnlyASession {
        fn reset(&mut self) -> Result<(), String> {
            self.ended = false;
            Ok(())
        }

        fn fill(&mut self) -> Result<(), String> {
            self.masks = self.masks.checked_sub(1).ok_or("no mask is left")?;
            if self.ended { Err("over".to_owned()) } else { Ok(()) }
        }

        fn allows(&self, token: u32) -> bool {
            token != 1
        }

        fn accept(&mut self, token: u32) -> Result<(), String> {
            self.ended = token == 2;
            if token == 1 && !self.any_order { Err("no".to_owned()) } else { Ok(()) }
        }
    }

    fn measured(schema: &str, tests: &[(bool, &[u32])]) -> Measured {
        measured_by(Steps::MaskAndAccept, schema, tests)
    }

    fn measured_by(steps: Steps, schema: &str, tests: &[(bool, &[u32])]) -> Measured {
        let tokens = [Token::Text(b"a".to_vec()), Token::Text(b"b".to_vec()), Token::Special("</s>".into())];
        let vocabulary = Vocabulary::from_tokens(tokens).unwrap();
        let tests = tests.iter().map(|&(valid, tokens)| Sequence { valid, tokens: tokens.to_vec() }).collect();
        let job = Job { id: "x".to_owned(), schema: schema.to_owned(), tests };
        measure(&OnlyA, "only-a", &job, steps, &vocabulary)
    }

    #[test]
    fn every_kind_of_verdict() {
        let row = measured(
            "",
            &[(true, &[0, 0, 2]), (true, &[0, 1, 0, 2]), (false, &[1, 2]), (false, &[0, 2]), (true, &[2, 2])],
        )
        .row;
        assert_eq!((row.ok_valid, row.ok_invalid), (1, 1));
        assert_eq!(
            row.validation_errors,
            [
                (1, "token 1 at byte 1: not allowed: …a⟦b⟧a".to_owned()),
                (4, "token 1 at byte 0: over: …⟦</s>⟧".to_owned())
            ]
        );
        assert_eq!(row.invalidation_errors, [(3, "accepted: a".to_owned())]);
        assert_eq!((row.reset_us.len(), row.mask_us.len()), (5, 3 + 2 + 1 + 2 + 2));
    }

    #[test]
    fn what_only_the_order_of_members_keeps_out_is_accepted() {
        let instances: &[(bool, &[u32])] = &[(true, &[0, 1, 2]), (false, &[1, 2]), (true, &[0, 2])];
        let row = measured("ordered", instances).row;
        assert_eq!((row.ok_valid, row.ok_any_order, row.ok_invalid), (1, 1, 1));
        assert!(row.validation_errors.is_empty() && row.mask_us.len() == 2 + 1 + 2, "{row:?}");
        assert_eq!(measured("", instances).row.validation_errors.len(), 1);
    }

    #[test]
    fn a_warm_pass_comes_after_all_instances() {
        let instances: &[(bool, &[u32])] = &[(true, &[0, 2])];
        let row = measured_by(Steps::WarmMaskAndAccept, "", instances).row;
        assert_eq!((row.ok_valid, row.reset_us.len(), row.mask_us.len()), (1, 1, 2));
        // The first mask and one pass are three masks.
        assert_eq!(measured("fragile", instances).row.ok_valid, 1);
        assert_eq!(measured_by(Steps::WarmMaskAndAccept, "fragile", instances).row.validation_errors.len(), 1);
    }

    #[test]
    fn a_schema_that_does_not_compile_has_no_times() {
        let measured = measured("broken", &[(true, &[2])]);
        assert_eq!(measured.row.compile_error.as_deref(), Some("broken\nbeyond repair"));
        assert_eq!((measured.row.ttfm_us, measured.causes), (None, vec!["broken".to_owned()]));
    }
}
