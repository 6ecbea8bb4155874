//! What the service answers.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use luthier::core::Predictor;
use luthier::core::frame::Schema;
use serde_json::{Value as Json, json};

use super::body::{self, Pieces};
use super::limits::Limits;
use super::memory::Memory;
use super::metrics::{Metrics, Now, OTHER, TEXT_FORMAT};
use super::predictions::Task;
use super::refusal::Refusal;
use super::workers::Workers;

const PATHS: [&str; 4] = ["/health", "/model", "/predict", "/metrics"];

const THERE_ARE: &str = "use GET /health, GET /model, GET /metrics or POST /predict";

/// The number of bodies of the largest size that all requests may have together, and all answers.
const LARGE_BODIES: usize = 64;

#[derive(Debug)]
struct Served {
    predictor: Arc<Predictor>,
    limits: Limits,
    /// For the bodies of requests.
    bodies: Memory,
    /// For answers. They are apart, so that requests that wait do not keep those that run from being answered.
    answers: Memory,
    workers: Workers,
    metrics: Arc<Metrics>,
}

pub(super) fn router(predictor: Arc<Predictor>, limits: &Limits, metrics: Arc<Metrics>) -> Router {
    let served = Served {
        predictor,
        limits: limits.clone(),
        bodies: Memory::new(limits.body_bytes.saturating_mul(LARGE_BODIES)),
        answers: Memory::new(limits.body_bytes.saturating_mul(LARGE_BODIES)),
        workers: Workers::new(limits),
        metrics: Arc::clone(&metrics),
    };
    Router::new()
        .route("/health", get(async || json_of(&json!({ "status": "ok" }))))
        .route("/model", get(describe))
        .route("/predict", post(predict))
        .route("/metrics", get(measure))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, THERE_ARE))
        .method_not_allowed_fallback(async || Refusal::new(StatusCode::METHOD_NOT_ALLOWED, THERE_ARE))
        .layer(from_fn_with_state(metrics, count))
        .with_state(Arc::new(served))
}

async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let path = PATHS.into_iter().find(|path| *path == request.uri().path()).unwrap_or(OTHER);
    let response = next.run(request).await;
    metrics.answered(path, response.status());
    response
}

async fn measure(State(served): State<Arc<Served>>) -> Response {
    let (running, waiting) = served.workers.load();
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], served.metrics.render(&Now { running, waiting })).into_response()
}

async fn describe(State(served): State<Arc<Served>>) -> Response {
    let columns = |schema: &Schema| -> Json {
        let column =
            |f: &luthier::frame::Field| json!({ "name": f.name(), "type": f.column_type().to_string() });
        schema.fields().iter().map(column).collect()
    };
    let predictor = &served.predictor;
    json_of(&json!({ "inputs": columns(predictor.inputs()), "outputs": columns(predictor.outputs()) }))
}

async fn predict(State(served): State<Arc<Served>>, request: Request) -> Result<Response, Refusal> {
    let Served { predictor, limits, bodies, answers, workers, metrics } = &*served;
    let body = body::read(request.into_body(), limits.body_bytes, limits.request_time, bodies).await?;
    let (predictor, metrics) = (Arc::clone(predictor), Arc::clone(metrics));
    let mut held = answers.hold();
    let work = move |given_up: &AtomicBool| {
        let (body, _held) = body;
        let begun = Instant::now();
        let answer = Task { predictor: &predictor, held: &mut held, given_up }.answer(&body);
        metrics.took(begun.elapsed());
        answer.map(|(answer, rows)| {
            metrics.predicted(rows);
            Pieces::new(answer, held)
        })
    };
    let answer = workers.run(work).await??;
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::new(answer)).into_response())
}

fn json_of(body: &Json) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
