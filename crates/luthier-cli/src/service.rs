//! A fitted pipeline as an HTTP service: rows as JSON in, predictions as JSON out. `luthier serve` runs it.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | `{"status": "ok"}` |
//! | `GET /model` | the columns that a row must have, and those of the predictions |
//! | `POST /predict` with `{"x": 1.5, "color": "red"}` | `{"prediction": 1.0, …}`, or `null` for a row that the model leaves out |
//! | `POST /predict` with `[{…}, {…}]` | a list of the same |
//!
//! A body that is not JSON is answered with 400, a row that the model cannot use with 422, a body of more than 2 MB with 413;
//! each answer says why as `{"error": "…"}`.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use luthier::core::frame::Schema;
use luthier::core::{Error, PipelineModel, Predictor, Value};
use serde_json::{Map, Value as Json, json};
use tokio::net::TcpListener;

const THERE_ARE: &str = "use GET /health, GET /model or POST /predict";

/// The service for a model. As much as possible is checked here, once.
///
/// ```no_run
/// # async fn run() -> anyhow::Result<()> {
/// let model = luthier::core::PipelineModel::load("model.json")?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// luthier_cli::service::serve(listener, luthier_cli::service::service(&model)?).await
/// # }
/// ```
///
/// # Errors
/// If the model does not know the columns on which it was fitted.
pub fn service(model: &PipelineModel) -> Result<Router> {
    let predictor = Arc::new(model.predictor()?);
    Ok(Router::new()
        .route("/health", get(async || answer(StatusCode::OK, &json!({ "status": "ok" }))))
        .route("/model", get(describe))
        .route("/predict", post(predict))
        .fallback(async || failure(StatusCode::NOT_FOUND, THERE_ARE))
        .method_not_allowed_fallback(async || failure(StatusCode::METHOD_NOT_ALLOWED, THERE_ARE))
        .with_state(predictor))
}

/// Serves until the process receives Ctrl-C; requests that are being answered are finished first.
///
/// The runtime needs its timers (`enable_all`): where the process runs out of file descriptors, the service waits a
/// second before it accepts the next connection.
///
/// # Errors
/// If the socket fails.
pub async fn serve(listener: TcpListener, service: Router) -> Result<()> {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(axum::serve(listener, service).with_graceful_shutdown(interrupted).await?)
}

async fn describe(State(predictor): State<Arc<Predictor>>) -> Response {
    let columns = |schema: &Schema| -> Json {
        let column =
            |f: &luthier::frame::Field| json!({ "name": f.name(), "type": f.column_type().to_string() });
        schema.fields().iter().map(column).collect()
    };
    let body = json!({ "inputs": columns(predictor.inputs()), "outputs": columns(predictor.outputs()) });
    answer(StatusCode::OK, &body)
}

async fn predict(State(predictor): State<Arc<Predictor>>, body: Bytes) -> Response {
    let document: Json = match serde_json::from_slice(&body) {
        Ok(document) => document,
        Err(error) => return failure(StatusCode::BAD_REQUEST, &format!("the body is not JSON: {error}")),
    };
    match predictions(&predictor, &document) {
        Ok(body) => answer(StatusCode::OK, &body),
        // A defect of the model, not of the request.
        Err(error @ Error::Panicked { .. }) => failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(error) => failure(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    }
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

fn failure(status: StatusCode, error: &str) -> Response {
    answer(status, &json!({ "error": error }))
}

fn answer(status: StatusCode, body: &Json) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
