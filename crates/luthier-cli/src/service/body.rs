//! Bodies of requests and of answers.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

use super::memory::{Held, Memory};
use super::refusal::Refusal;

/// The bytes of an answer that are given to the connection at a time.
const PIECE: usize = 64 << 10;

/// Reads the body of a request in the given time, and accounts for the memory that it takes.
pub(super) async fn read(
    body: Body,
    most: usize,
    time: Duration,
    memory: &Memory,
) -> Result<(Vec<u8>, Held), Refusal> {
    let late = |_| {
        Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {} s", time.as_secs_f64()),
        )
    };
    timeout(time, collect(body, most, memory)).await.map_err(late).flatten().map_err(Refusal::closing)
}

async fn collect(mut body: Body, most: usize, memory: &Memory) -> Result<(Vec<u8>, Held), Refusal> {
    let too_large = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {most} bytes; send fewer rows at a time"),
        )
    };
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let (mut bytes, mut held) = (Vec::new(), memory.hold());
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| {
            // The outer error only says that it is one of a body.
            let cause = std::error::Error::source(&error).and_then(std::error::Error::source);
            let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
            Refusal::new(StatusCode::BAD_REQUEST, format!("the body cannot be read: {cause}"))
        })?;
        // Trailers say nothing that matters here.
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > most {
            return Err(too_large());
        }
        held.reach(length)?;
        bytes.extend_from_slice(&data);
    }
    Ok((bytes, held))
}

/// The body of an answer, which holds its memory until the last piece is on its way.
#[derive(Debug)]
pub(super) struct Pieces {
    rest: Bytes,
    _held: Held,
}

impl Pieces {
    pub(super) fn new(bytes: String, held: Held) -> Self {
        Self { rest: bytes.into(), _held: held }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let length = self.rest.len().min(PIECE);
        Poll::Ready((length > 0).then(|| Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
