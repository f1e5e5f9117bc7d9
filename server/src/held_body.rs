//! The body of a large answer, which keeps the place of its request until the reader has taken nearly all of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use crate::scheduler::Admission;

/// Bytes that are handed over at a time. There are few of them in the buffers of a connection.
const PIECE: usize = 64 * 1024;

/// A text whose place is given back with its last piece: before the reader can know that it has all of it.
#[derive(Debug)]
pub(crate) struct HeldBody {
    text: Bytes,
    place: Option<Admission>,
}

impl HeldBody {
    pub(crate) fn new(text: String, place: Option<Admission>) -> Self {
        Self { text: text.into(), place }
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.text.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.text.len().min(PIECE);
        let piece = self.text.split_to(length);
        if self.text.is_empty() {
            self.place = None;
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.text.len() as u64)
    }
}
