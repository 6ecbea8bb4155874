//! A fitted pipeline as an HTTP service: rows as JSON in, predictions as JSON out. `luthier serve` runs it.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | `{"status": "ok"}` |
//! | `GET /model` | the columns that a row must have, and those of the predictions |
//! | `POST /predict` with `{"x": 1.5, "color": "red"}` | `{"prediction": 1.0, …}`, or `null` for a row that the model leaves out |
//! | `POST /predict` with `[{…}, {…}]` | a list of the same |
//! | `GET /metrics` | what the service counts, in the text format of Prometheus |
//!
//! Any other answer says why as `{"error": "…"}`:
//!
//! | status | because |
//! |---|---|
//! | 400 | the body is not JSON, or lists and objects in it are more than 127 deep; the request is not HTTP/1.1 |
//! | 404, 405 | there is no such path, or not with this method |
//! | 408 | the head or the body of the request did not arrive in time |
//! | 413, 431 | the body, or the head of the request, is too large |
//! | 422 | the model cannot use a row |
//! | 500 | the model has a defect |
//! | 503 | too many predictions wait, one took too long, large bodies take all memory that is meant for them, or the service is stopping; with `retry-after` |
//!
//! [`Limits`] holds the numbers. A connection that waits for its client never holds up others: there is a time for each thing that a
//! client does, and where all connections are taken, a new one gets the place of one that is idle. Predictions are computed on
//! threads of their own, a few at a time.
//!
//! There is no TLS and no authentication: the service belongs behind a proxy that provides both.

mod body;
mod connection;
pub(crate) mod limits;
mod memory;
mod metrics;
mod predictions;
mod progress;
mod refusal;
mod routes;
pub(crate) mod serving;
pub(crate) mod signals;
mod socket;
mod workers;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use luthier::core::{PipelineModel, Predictor};
use tokio::net::{TcpListener, TcpSocket};

pub use limits::Limits;

use connection::Shared;
use metrics::Metrics;
use serving::Outcome;
use signals::Signals;

/// The connections that wait to be accepted; systems may allow fewer.
const QUEUE: u32 = 1024;

/// A model, and how it is served.
#[derive(Debug, Clone)]
pub struct Service {
    predictor: Arc<Predictor>,
    limits: Limits,
    metrics: Arc<Metrics>,
    others: Router,
}

/// The service for a model. As much as possible is checked here, once.
///
/// ```no_run
/// # async fn run() -> anyhow::Result<()> {
/// let model = luthier::core::PipelineModel::load("model.json")?;
/// let listener = luthier_cli::service::listen("127.0.0.1:8080".parse()?)?;
/// luthier_cli::service::serve(listener, luthier_cli::service::service(&model)?).await
/// # }
/// ```
///
/// # Errors
/// If the model does not know the columns on which it was fitted.
pub fn service(model: &PipelineModel) -> Result<Service> {
    Ok(Service {
        predictor: Arc::new(model.predictor()?),
        limits: Limits::default(),
        metrics: Arc::new(Metrics::new()),
        others: Router::new(),
    })
}

impl Service {
    /// With these limits in place of the defaults.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With further routes, which look after the time that they take themselves and are not counted.
    ///
    /// # Panics
    /// As `Router::merge`: if they have a path of the service, or a fallback.
    pub fn routes(mut self, routes: Router) -> Self {
        self.others = self.others.merge(routes);
        self
    }

    /// The routes of the service, for a server of your own. It is then up to that server to look after connections: of the
    /// limits, those on bodies and predictions hold, and the metrics have no connections.
    pub fn into_router(self) -> Router {
        routes::router(self.predictor, &self.limits, self.metrics).merge(self.others)
    }

    fn shared(self, stage: tokio::sync::watch::Receiver<serving::Stage>) -> Shared {
        let (limits, metrics) = (Arc::new(self.limits.clone()), Arc::clone(&self.metrics));
        Shared { router: self.into_router(), limits, metrics, stage }
    }
}

/// Listens on an address, with a longer queue of new connections than `TcpListener::bind` asks for: where all connections are
/// taken, others wait there, and a client that finds no room tries again only after seconds.
///
/// # Errors
/// If the system refuses the address. There must be a runtime of Tokio.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a service can start again while connections of the last one are still known. Elsewhere, two could share the address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// Serves until the process receives Ctrl-C, or on Unix SIGTERM. What is being answered then is finished, for
/// [`Limits::max_stop_time`] at most; a second signal ends that at once.
///
/// The runtime needs its drivers (`enable_all`). A prediction that is still being computed at the end keeps a runtime from being
/// dropped; see `Runtime::shutdown_background`.
///
/// # Errors
/// If the system does not allow to listen for signals, or after a second signal.
pub async fn serve(listener: TcpListener, service: Service) -> Result<()> {
    let signals = Signals::new().context("cannot listen for Ctrl-C")?;
    let outcome = serving::run(listener, |stage| service.shared(stage), signals.next(), signals.next()).await;
    anyhow::ensure!(outcome == Outcome::Stopped, "interrupted before all requests were answered");
    Ok(())
}

/// As [`serve`], until `stop` is there in place of a signal.
///
/// ```no_run
/// # async fn run(model: &luthier::core::PipelineModel) -> anyhow::Result<()> {
/// use luthier_cli::service::{listen, serve_until, service};
///
/// let listener = listen("127.0.0.1:8080".parse()?)?;
/// let an_hour = tokio::time::sleep(std::time::Duration::from_secs(3600));
/// serve_until(listener, service(model)?, an_hour).await;
/// # Ok(())
/// # }
/// ```
pub async fn serve_until(listener: TcpListener, service: Service, stop: impl Future<Output = ()>) {
    serving::run(listener, |stage| service.shared(stage), stop, std::future::pending()).await;
}

/// As [`serve`], with the two times of being asked to stop.
pub(crate) async fn serve_between(
    listener: TcpListener,
    service: Service,
    stop: impl Future<Output = ()>,
    stop_now: impl Future<Output = ()>,
) -> Outcome {
    serving::run(listener, |stage| service.shared(stage), stop, stop_now).await
}
