//! What an endpoint answers.

use std::future::Future;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::error::{ApiError, Dialect};

/// Events that may wait for a slow reader before the answer's task does. Few, as each may have all of a long answer.
const QUEUED_EVENTS: usize = 2;

/// What an endpoint answers.
#[derive(Debug)]
pub enum Reply {
    /// One JSON document.
    Whole(Value),
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
        self.0.send(text).await.map_err(|_| Gone)
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
