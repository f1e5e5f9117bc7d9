//! What an endpoint answers.

use std::future::Future;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::error::{ApiError, Dialect};
use crate::held_body::HeldBody;
use crate::scheduler::Admission;
use crate::turns::Turns;

/// Events that may wait for a slow reader before the answer's task does. Few, as each may have all of a long answer.
const QUEUED_EVENTS: usize = 2;

/// Tokens that are named in an answer, or in an event, from which on it is written when it is its turn.
const LARGE: usize = 2_000;

/// The text of an answer, or of an event, that names `size` tokens: those chosen, and the most probable ones.
///
/// # Errors
/// Values that are no JSON, of which there are none.
pub(crate) async fn written<S: Serialize>(
    writing: &Turns,
    size: usize,
    value: impl FnOnce() -> S + Send,
) -> Result<String, ApiError> {
    if size >= LARGE {
        return written_in_turn(writing, value).await;
    }
    text_of(serde_json::to_string(&value()))
}

/// The same for a value that takes long to make, whatever its size.
pub(crate) async fn written_in_turn<S: Serialize>(
    writing: &Turns,
    value: impl FnOnce() -> S + Send,
) -> Result<String, ApiError> {
    text_of(writing.take(|| serde_json::to_string(&value())).await)
}

fn text_of(text: serde_json::Result<String>) -> Result<String, ApiError> {
    text.map_err(|error| ApiError::Internal(format!("the answer cannot be written: {error}")))
}

/// The text of one JSON document, which takes a fraction of the room of its value. As long as it is there the request has its
/// place in the model, so that there are no more of them than requests in work.
#[derive(Debug)]
pub struct Document {
    text: String,
    place: Option<Admission>,
}

impl Document {
    pub(crate) fn new(text: String, place: Option<Admission>) -> Self {
        Self { text, place }
    }

    /// The text; the place is given back.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The body of a response, which keeps the place until it has been handed over.
    pub(crate) fn into_body(self) -> HeldBody {
        HeldBody::new(self.text, self.place)
    }
}

/// What an endpoint answers.
#[derive(Debug)]
pub enum Reply {
    /// One JSON document.
    Whole(Document),
    /// The data of server-sent events, without the last one, `[DONE]`.
    Stream(mpsc::Receiver<String>),
}

/// Where the events of a stream go.
#[derive(Debug, Clone)]
pub(crate) struct Events(mpsc::Sender<String>);

/// The reader has gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl Events {
    pub(crate) async fn send(&self, event: Value) -> Result<(), Gone> {
        // As text, which takes a fraction of the room while it waits.
        let text = event.to_string();
        drop(event);
        self.send_text(text).await
    }

    pub(crate) async fn send_text(&self, event: String) -> Result<(), Gone> {
        self.0.send(event).await.map_err(|_| Gone)
    }

    /// Sends what went wrong once the stream had begun.
    pub(crate) async fn fail(&self, error: &ApiError) -> Result<(), Gone> {
        let error = match error.body(Dialect::OpenAi) {
            Value::Object(mut body) => {
                body.remove("object");
                Value::Object(body)
            }
            other => other,
        };
        self.send(json!({"error": error})).await
    }
}

/// A stream of what `produce` sends. It is dropped when the reader goes, and its answers end.
pub(crate) fn stream<F>(produce: impl FnOnce(Events) -> F) -> Reply
where
    F: Future<Output = Result<(), Gone>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(QUEUED_EVENTS);
    let closed = sender.clone();
    let producing = produce(Events(sender));
    tokio::spawn(async move {
        tokio::select! {
            _ = producing => {}
            () = closed.closed() => {}
        }
    });
    Reply::Stream(receiver)
}
