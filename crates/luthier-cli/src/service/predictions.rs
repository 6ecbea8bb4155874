//! The rows of a request become the predictions of its answer.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use luthier::core::{Error, Predictor, Value};
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::memory::Held;
use super::refusal::Refusal;

/// The rows that are predicted at a time. So a list of any length takes little memory beside its text and the answer, and can be
/// given up.
const ROWS: usize = 1024;

/// A request that is being answered.
pub(super) struct Task<'a> {
    pub(super) predictor: &'a Predictor,
    /// The memory for the answer.
    pub(super) held: &'a mut Held,
    /// Nobody waits for the answer any more.
    pub(super) given_up: &'a AtomicBool,
}

impl Task<'_> {
    /// The answer to a row or a list of rows, and the number of rows.
    pub(super) fn answer(self, body: &[u8]) -> Result<(String, usize), Refusal> {
        let not_json = |error: serde_json::Error| {
            Refusal::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))
        };
        if body.trim_ascii_start().first() != Some(&b'[') {
            let row: Json = serde_json::from_slice(body).map_err(not_json)?;
            let values = self.predictor.row(&Value::from_json(&row)).map_err(refused)?;
            let prediction = self.predictor.predict_row(&values).map_err(refused)?;
            return Ok((named(self.predictor, prediction).to_string(), 1));
        }
        let mut list = List { task: self, rows: Vec::new(), done: 0, text: "[".to_owned(), refusal: None };
        let mut json = serde_json::Deserializer::from_slice(body);
        let read = json.deserialize_seq(&mut list).and_then(|()| json.end());
        match list.refusal {
            Some(refusal) => Err(refusal),
            None => read.map_err(not_json).map(|()| (list.text + "]", list.done)),
        }
    }
}

/// The rows of a list, as they are read.
struct List<'a> {
    task: Task<'a>,
    /// Those that are not predicted yet.
    rows: Vec<Vec<Value>>,
    done: usize,
    text: String,
    /// Why the answer is none, apart from what is not JSON.
    refusal: Option<Refusal>,
}

impl List<'_> {
    fn add(&mut self, row: &Json) -> Result<(), Refusal> {
        let number = self.done + self.rows.len();
        let values = self.task.predictor.row(&Value::from_json(row));
        self.rows.push(values.map_err(|error| refused(Error::invalid(format!("row {number}: {error}"))))?);
        if self.rows.len() == ROWS { self.predict() } else { Ok(()) }
    }

    fn predict(&mut self) -> Result<(), Refusal> {
        if self.task.given_up.load(Ordering::Relaxed) {
            return Err(Refusal::busy("the prediction was given up"));
        }
        let predictor = self.task.predictor;
        let predictions = predictor.predict(&self.rows).map_err(|error| match error.row() {
            // The model counts from the first of these rows.
            Some(row) if self.done > 0 => {
                let message = error.to_string();
                let (from, to) = (format!(", row {row}: "), format!(", row {}: ", self.done + row));
                refused(Error::invalid(message.replacen(&from, &to, 1)))
            }
            _ => refused(error),
        })?;
        for prediction in predictions {
            let comma = if self.text.len() == 1 { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{comma}{}", named(predictor, prediction));
        }
        self.done += self.rows.len();
        self.rows.clear();
        self.task.held.reach(self.text.len() + 1)
    }
}

impl<'de> Visitor<'de> for &mut List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let keep = |list: &mut List<'_>, done: Result<(), Refusal>| {
            done.map_err(|refusal| {
                list.refusal = Some(refusal);
                A::Error::custom("refused")
            })
        };
        while let Some(row) = elements.next_element::<Json>()? {
            let added = self.add(&row);
            keep(self, added)?;
        }
        let predicted = self.predict();
        keep(self, predicted)
    }
}

/// The model cannot use a row, or has a defect.
fn refused(error: Error) -> Refusal {
    let status = match error {
        Error::Panicked { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Refusal::new(status, error.to_string())
}

/// A prediction with the names of its columns; null if the model leaves the row out.
fn named(predictor: &Predictor, prediction: Option<Vec<Value>>) -> Json {
    prediction.map_or(Json::Null, |values| {
        let names = predictor.outputs().names().map(str::to_owned);
        Json::Object(names.zip(values.iter().map(Value::to_json)).collect::<Map<_, _>>())
    })
}
