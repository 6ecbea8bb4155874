//! What the service answers.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use luthier::core::frame::Schema;
use luthier::core::{Error, Predictor, Value};
use serde_json::{Map, Value as Json, json};

use super::body::{self, Pieces};
use super::limits::Limits;
use super::memory::Memory;
use super::metrics::{Metrics, Now, OTHER, TEXT_FORMAT};
use super::refusal::Refusal;
use super::workers::Workers;

const PATHS: [&str; 4] = ["/health", "/model", "/predict", "/metrics"];

const THERE_ARE: &str = "use GET /health, GET /model, GET /metrics or POST /predict";

/// The number of bodies of the largest size that all requests may have together.
const LARGE_BODIES: usize = 64;

#[derive(Debug)]
struct Served {
    predictor: Arc<Predictor>,
    limits: Limits,
    memory: Memory,
    workers: Workers,
    metrics: Arc<Metrics>,
}

pub(super) fn router(predictor: Arc<Predictor>, limits: &Limits, metrics: Arc<Metrics>) -> Router {
    let served = Served {
        predictor,
        limits: limits.clone(),
        memory: Memory::new(limits.body_bytes.saturating_mul(LARGE_BODIES)),
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
    let Served { limits, memory, workers, .. } = &*served;
    let (body, mut held) =
        body::read(request.into_body(), limits.body_bytes, limits.request_time, memory).await?;
    let at_work = Arc::clone(&served);
    let work = move || {
        let begun = Instant::now();
        let answer = answer(&at_work, &body);
        at_work.metrics.took(begun.elapsed());
        answer.and_then(|answer| held.reach(answer.len()).map(|()| Pieces::new(answer, held)))
    };
    let answer = workers.run(work).await??;
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::new(answer)).into_response())
}

fn answer(served: &Served, body: &[u8]) -> Result<String, Refusal> {
    let document: Json = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")))?;
    let answer = predictions(&served.predictor, &document).map_err(|error| {
        // A panic is a defect of the model, not of the request.
        let status = match error {
            Error::Panicked { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Refusal::new(status, error.to_string())
    })?;
    served.metrics.predicted(document.as_array().map_or(1, Vec::len));
    Ok(answer.to_string())
}

fn predictions(predictor: &Predictor, document: &Json) -> Result<Json, Error> {
    let values = |row: &Json| predictor.row(&Value::from_json(row));
    let named = |row: Option<Vec<Value>>| match row {
        Some(values) => {
            let names = predictor.outputs().names().map(str::to_owned);
            Json::Object(names.zip(values.iter().map(Value::to_json)).collect::<Map<_, _>>())
        }
        None => Json::Null,
    };
    match document {
        Json::Array(rows) => {
            let rows = rows
                .iter()
                .enumerate()
                .map(|(i, row)| values(row).map_err(|error| Error::invalid(format!("row {i}: {error}"))));
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            Ok(predictor.predict(&rows)?.into_iter().map(named).collect())
        }
        row => Ok(named(predictor.predict_row(&values(row)?)?)),
    }
}

fn json_of(body: &Json) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
