//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::limits::Limits;
use super::metrics::{Cut, Metrics, OTHER};
use super::progress::{Phase, Progress};
use super::refusal::Refusal;
use super::serving::Stage;
use super::socket::Socket;

/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// How long a client may take to see that its connection ends with an answer. Until then what it still sends is read: a socket
/// that is closed over unread bytes is reset, and a client that is still sending would not see why.
const LINGER: Duration = Duration::from_secs(1);

/// What every connection shares.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) router: Router,
    pub(super) limits: Arc<Limits>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) stage: watch::Receiver<Stage>,
}

/// How a connection comes to its end.
enum End {
    /// The client has ended it, or the last answer is written.
    Done,
    /// With an answer that did not come from the routes.
    Refused(Refusal, Option<Cut>),
    Cut(Cut),
}

/// Serves the requests of a connection, one after the other.
pub(super) async fn serve(stream: TcpStream, progress: Arc<Progress>, mut shared: Shared) {
    // Answers are written at once anyway.
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(shared.router);
    let seen = Arc::clone(&progress);
    let service = service_fn(move |request: Request<Incoming>| {
        seen.requested();
        let (answer, seen) = (routes.call(request), Arc::clone(&seen));
        Box::pin(async move {
            let answer: Response = answer.await?;
            seen.answered();
            Ok::<_, Infallible>(answer.map(|body| Watched { body, progress: seen }))
        })
    });
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&progress)));
    let mut http = http1::Builder::new()
        .header_read_timeout(None)
        .max_header_size(MAX_HEAD)
        .serve_connection(socket, service);

    let limits = &shared.limits;
    let mut alarm = pin!(sleep_until(Instant::now()));
    let end = loop {
        let step = poll_fn(|cx| {
            if let Poll::Ready(done) = http.poll_without_shutdown(cx) {
                return Poll::Ready(done.map_or_else(|error| unreadable(&error), |()| End::Done));
            }
            let Some(deadline) = progress.deadline(limits) else { return Poll::Pending };
            if alarm.deadline() != deadline {
                alarm.as_mut().reset(deadline);
            }
            alarm.as_mut().poll(cx).map(|()| late(progress.phase(), limits))
        });
        tokio::select! {
            biased;
            end = step => break end,
            () = progress.wanted.notified() => {
                if progress.phase() == Phase::Idle {
                    break End::Cut(Cut::MadeRoom);
                }
            }
            stage = shared.stage.changed() => match (stage.map(|()| *shared.stage.borrow()), progress.phase()) {
                (Ok(Stage::Ended) | Err(_), _) | (_, Phase::Idle) => break End::Cut(Cut::Stopped),
                (_, Phase::Head) => {
                    break End::Refused(Refusal::busy("the service is stopping"), Some(Cut::Stopped));
                }
                _ => Pin::new(&mut http).graceful_shutdown(),
            }
        }
    };

    let mut socket = http.into_parts().io.into_inner();
    let (refusal, cut) = match end {
        End::Done => (None, None),
        End::Refused(refusal, cut) => (Some(refusal), cut),
        End::Cut(cut) => (None, Some(cut)),
    };
    if let Some(cut) = cut {
        shared.metrics.cut(cut);
    }
    if let Some(refusal) = &refusal {
        shared.metrics.answered(OTHER, refusal.status());
        // It is small, and nothing is in its way.
        let _ = socket.stream.try_write(&refusal.to_bytes());
    }
    if !socket.has_ended() && (refusal.is_some() || cut.is_none()) {
        progress.closing();
        linger(&mut socket.stream).await;
    }
}

fn late(phase: Phase, limits: &Limits) -> End {
    match phase {
        Phase::Head => {
            let error = format!(
                "the head of the request did not arrive within {} s",
                limits.request_time.as_secs_f64()
            );
            End::Refused(Refusal::new(StatusCode::REQUEST_TIMEOUT, error), Some(Cut::SlowRequest))
        }
        Phase::Sending { .. } => End::Cut(Cut::SlowReader),
        Phase::Idle | Phase::Answering | Phase::Closing => End::Cut(Cut::Idle),
    }
}

/// A request that the library cannot read, or a connection that broke.
fn unreadable(error: &hyper::Error) -> End {
    if error.is_parse_too_large() {
        let error =
            format!("the head of the request is larger than {MAX_HEAD} bytes, or has more than 100 fields");
        End::Refused(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, error), None)
    } else if error.is_parse() {
        End::Refused(Refusal::new(StatusCode::BAD_REQUEST, format!("this is not HTTP/1.1: {error}")), None)
    } else {
        End::Done
    }
}

/// Says that nothing more will be written, and waits for the client to close the connection too.
async fn linger(stream: &mut TcpStream) {
    let read_all = async {
        poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx)).await?;
        let mut unused = [0; 4096];
        loop {
            stream.readable().await?;
            match stream.try_read(&mut unused) {
                Ok(0) => return Ok(()),
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    };
    // The connection is at its end in any case.
    let _ = timeout(LINGER, read_all).await;
}

/// The body of an answer; when it is dropped, all of it was given to the connection.
#[derive(Debug)]
struct Watched {
    body: Body,
    progress: Arc<Progress>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.progress.all_given();
    }
}
