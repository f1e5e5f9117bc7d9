//! Connections that end when their reader does not take what is written, or has gone.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// The longest time that anything is waited for; clocks of systems end somewhere.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How often a connection with unread bytes is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Waits until the client of `stream` sends no more: it has gone. A server learns that where it reads, and as long as there
/// are bytes behind a request, it does not read on before it has answered.
pub(crate) async fn gone(stream: io::Result<TcpStream>) {
    if let Ok(stream) = stream {
        while let Ok(ready) = stream.ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            sleep(LOOK_AGAIN).await;
        }
    }
    std::future::pending().await
}

/// The same connection once more, to be watched.
#[cfg(unix)]
pub(crate) fn watched(stream: &TcpStream) -> io::Result<TcpStream> {
    use std::os::fd::AsFd;
    TcpStream::from_std(stream.as_fd().try_clone_to_owned()?.into())
}

/// The same connection once more, to be watched.
#[cfg(windows)]
pub(crate) fn watched(stream: &TcpStream) -> io::Result<TcpStream> {
    use std::os::windows::io::AsSocket;
    TcpStream::from_std(stream.as_socket().try_clone_to_owned()?.into())
}

/// A connection that fails when nothing could be written for some time. What was being answered is dropped then, and its
/// place in the model is free.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    timeout: Duration,
    /// The end of patience, while something waits to be written.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, timeout: Duration) -> Self {
        Self { stream, timeout: timeout.min(LONGEST_WAIT), stalled: None }
    }

    /// What a write has come to, for which the reader had time since the first that was pending.
    fn bounded<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + timeout)));
        stalled.as_mut().poll(context).map(|()| Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.bounded(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
