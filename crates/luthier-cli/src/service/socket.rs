//! The socket of a connection, as the HTTP library sees it.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::progress::{Phase, Progress};

/// How long a client that sends nothing more is taken to wait for its answer. It may also have gone: that looks the same.
const PATIENCE: Duration = Duration::from_secs(2);

/// A stream that tells the progress of its connection.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    progress: Arc<Progress>,
    /// The client sends nothing more; how long it is waited for.
    end: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, progress: Arc<Progress>) -> Self {
        Self { stream, progress, end: None }
    }

    /// Whether the client sends nothing more.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether what is written is no answer of the routes: the library answers a request that it cannot read itself, without a
    /// body. That is kept back, and the connection writes a better answer.
    fn is_bare(&self) -> bool {
        matches!(self.progress.phase(), Phase::Idle | Phase::Head)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.has_ended() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            if buf.filled().len() > before {
                self.progress.received();
                return Poll::Ready(Ok(()));
            }
        }
        // The library gives up a request when it sees the end.
        let phase = self.progress.phase();
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        match phase {
            Phase::Answering => end.as_mut().poll(cx).map(Ok),
            Phase::Sending { .. } => Poll::Pending,
            Phase::Idle | Phase::Head | Phase::Closing => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_bare() {
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_bare() {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if self.progress.flushed() && self.has_ended() {
            // The library may see the end now.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
