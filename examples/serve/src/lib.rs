//! A fitted pipeline behind HTTP: rows as JSON in, predictions as JSON out.
//!
//! | request | answer |
//! |---|---|
//! | `GET /model` | the columns that a row gives, and those that come out |
//! | `POST /predict` with `{"x": 1.5, "color": "red"}` | `{"prediction": 1.0, …}`, or `null` for a row that the model leaves out |
//! | `POST /predict` with `[{…}, {…}]` | a list of the same |
//!
//! A body that is no JSON is a 400, a row that the model cannot use a 422; both say why as `{"error": "…"}`.

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

const THERE_ARE: &str = "there are GET /model and POST /predict";

/// The service over a model. What can be checked once is checked here.
///
/// # Errors
/// If the model does not know the columns it was fitted on.
pub fn service(model: &PipelineModel) -> Result<Router> {
    let predictor = Arc::new(model.predictor()?);
    Ok(Router::new()
        .route("/model", get(describe))
        .route("/predict", post(predict))
        .fallback(async || failure(StatusCode::NOT_FOUND, THERE_ARE))
        .method_not_allowed_fallback(async || failure(StatusCode::METHOD_NOT_ALLOWED, THERE_ARE))
        .with_state(predictor))
}

/// Serves until the process ends.
///
/// # Errors
/// If the socket fails.
pub async fn serve(listener: TcpListener, service: Router) -> Result<()> {
    Ok(axum::serve(listener, service).await?)
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
        Err(error) => return failure(StatusCode::BAD_REQUEST, &format!("the body is no JSON: {error}")),
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
