//! Bodies of requests: received and read within bounds on all of them together.
//!
//! A JSON value takes up to fifty times the memory of its text, and a large one seconds to parse and to go through. So
//! large bodies are read one at a time, beside the threads that serve, and what is left when a body has been read is what
//! the request asks for, not the value. Bodies that wait for their turn, or for their next bytes, are bounded by the bytes
//! of all of them, and so are the texts of constraints that wait for their compile.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};
use tokio_stream::StreamExt;

use crate::connection::LONGEST_WAIT;
use crate::duplicates::duplicate_name;
use crate::error::{ApiError, CLOSED};
use crate::turns::Turns;

/// Bytes of one body.
const MAX_BODY: usize = 16_000_000;

/// Bytes from which on a body is large.
const LARGE_BODY: usize = 200_000;

/// JSON values in one body, each of which takes about a hundred bytes: a process that is given much new memory at a time holds up
/// all of its threads.
const MAX_VALUES: usize = 250_000;

/// Takes bodies in.
#[derive(Debug)]
pub(crate) struct Intake {
    /// Bytes that large bodies may have together.
    room: Arc<Semaphore>,
    capacity: usize,
    large: Turns,
    /// How long a body may take to arrive.
    patience: Duration,
    /// Turns true when no more requests are taken on.
    closing: watch::Receiver<bool>,
}

/// A body that has arrived.
#[derive(Debug, Default)]
pub(crate) struct Received {
    bytes: Vec<u8>,
    room: Room,
}

/// Room for what there is of a large body, or of what has been read of it.
#[derive(Debug, Default)]
pub(crate) struct Room(Option<OwnedSemaphorePermit>);

impl Room {
    /// Gives back what is more than `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let Some(held) = &mut self.0 else { return };
        let surplus = held.num_permits().saturating_sub(bytes);
        drop(held.split(surplus));
    }
}

impl Intake {
    pub(crate) fn new(capacity: usize, patience: Duration, closing: watch::Receiver<bool>) -> Self {
        let capacity = capacity.clamp(1, Semaphore::MAX_PERMITS);
        let patience = patience.min(LONGEST_WAIT);
        Self { room: Arc::new(Semaphore::new(capacity)), capacity, large: Turns::default(), patience, closing }
    }

    /// Bytes of large bodies that have not been read yet.
    pub(crate) fn taken(&self) -> usize {
        self.capacity - self.room.available_permits()
    }

    /// Receives a body.
    ///
    /// # Errors
    /// When it is too large, does not arrive in time, or before the end of the server, or there is no room for it beside others.
    pub(crate) async fn receive(&self, body: Body) -> Result<Received, ApiError> {
        let too_long = || ApiError::Malformed(format!("the body is longer than the limit of {MAX_BODY} bytes."));
        let end = Instant::now() + self.patience;
        let (mut received, mut length) = (Received::default(), 0);
        let mut chunks = body.into_data_stream();
        let mut closing = self.closing.clone();
        let mut refused = None;
        loop {
            let next = tokio::select! {
                biased;
                next = timeout_at(end, chunks.next()) => next,
                // The sender is there as long as the server.
                _ = closing.wait_for(|&is_closing| is_closing) => return Err(CLOSED),
            };
            let chunk: Bytes = match next {
                Ok(None) => return refused.map_or(Ok(received), Err),
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(error))) => {
                    return Err(ApiError::Malformed(format!("the body cannot be received: {error}.")));
                }
                Err(_) => {
                    let seconds = self.patience.as_secs_f64();
                    return Err(ApiError::Malformed(format!("the body did not arrive within {seconds} s.")));
                }
            };
            length += chunk.len();
            if length > MAX_BODY {
                return Err(too_long());
            }
            if length > LARGE_BODY && refused.is_none() {
                refused = self.make_room(&mut received, length).err();
            }
            match refused {
                None => received.bytes.extend_from_slice(&chunk),
                // The rest is read all the same: who is still sending would not read the answer.
                Some(_) => received = Received::default(),
            }
        }
    }

    /// Has `received` hold room for `length` bytes.
    fn make_room(&self, received: &mut Received, length: usize) -> Result<(), ApiError> {
        let held = received.room.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(length.saturating_sub(held)).unwrap_or(u32::MAX);
        let room = self
            .room
            .clone()
            .try_acquire_many_owned(more)
            .map_err(|_| ApiError::Overloaded { limit: self.capacity, what: "bytes of requests to receive" })?;
        match &mut received.room.0 {
            Some(held) => held.merge(room),
            none => *none = Some(room),
        }
        Ok(())
    }

    /// What `read` makes of a body, with the room that the body had.
    ///
    /// # Errors
    /// When it is not JSON, has too many values, and those of `read`.
    pub(crate) async fn read<T>(
        &self,
        received: Received,
        read: impl FnOnce(Value) -> Result<T, ApiError> + Send,
    ) -> Result<(T, Room), ApiError>
    where
        T: Send,
    {
        let Received { bytes, room } = received;
        if bytes.len() <= LARGE_BODY {
            return Ok((read(parse(&bytes)?)?, room));
        }
        let read = || {
            let values = count_values(&bytes);
            if values > MAX_VALUES {
                let message = format!("the body has {values} values, more than the limit of {MAX_VALUES}.");
                return Err(ApiError::Malformed(message));
            }
            read(parse(&bytes)?)
        };
        Ok((self.large.take(read).await?, room))
    }
}

fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    let value = serde_json::from_slice(bytes);
    let value = value.map_err(|error| ApiError::Malformed(format!("the body is not JSON: {error}.")))?;
    match duplicate_name(bytes) {
        None => Ok(value),
        Some(name) => Err(ApiError::Malformed(format!("the body: the key `{name}` occurs twice in one object."))),
    }
}

/// About how many values a JSON text has, names of members included; more than it has if it is none.
fn count_values(bytes: &[u8]) -> usize {
    let (mut count, mut in_string, mut is_escaped) = (1, false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b':' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings() {
        assert_eq!(count_values(br#"{"a,[\",:": [1, 2, {"b": "x,y"}]}"#), 8);
        assert_eq!(count_values(b"1"), 1);
        assert_eq!(count_values(&vec![b'['; 1_000]), 1_001);
    }

    #[tokio::test]
    async fn large_bodies_have_room_together() {
        let (closing, open) = watch::channel(false);
        let intake = Intake::new(500_000, Duration::from_secs(60), open);
        let body = |length: usize| Body::from(vec![b' '; length]);
        let first = intake.receive(body(300_000)).await.expect("there is room");
        let refused = intake.receive(body(300_000)).await.expect_err("there is none for both");
        assert_eq!(refused, ApiError::Overloaded { limit: 500_000, what: "bytes of requests to receive" });
        intake.receive(body(LARGE_BODY)).await.expect("small ones need none");
        drop(first);
        intake.receive(body(300_000)).await.expect("there is room again");
        assert!(matches!(intake.receive(body(MAX_BODY + 1)).await, Err(ApiError::Malformed(_))));
        assert_eq!(intake.room.available_permits(), 500_000, "all has been given back");
        closing.send(true).expect("it is listened to");
        let never = Body::from_stream(tokio_stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(intake.receive(never).await.expect_err("it does not come"), CLOSED);
    }

    #[tokio::test]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let (_closing, open) = watch::channel(false);
        let intake = Intake::new(500_000, Duration::from_millis(10), open);
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
        sender.send(Ok(Bytes::from(vec![b' '; 300_000]))).await.expect("it is read");
        let given_up = intake.receive(body).await.expect_err("the rest does not come");
        assert!(given_up.to_string().contains("within 0.01 s"), "{given_up}");
        assert_eq!(intake.room.available_permits(), 500_000);
    }
}
