//! The parts keep the contract of the built-in ones: one line each.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use acme::{LargestError, Log1p, MaxError, MaxErrorSpec, Ridge, Scaler, Sleepy};
use luthier_testkit::{
    Findings, StageCheck, check_estimator, check_evaluator, check_summary, check_transformer, sample_frame,
};

#[test]
fn stages() -> Result<(), Findings> {
    let frame = sample_frame().drop(&["prediction"]).unwrap();
    check_estimator(&Sleepy::new().millis(0), &frame)?;
    check_estimator(&Scaler::new(), &frame)?;
    check_transformer(&Log1p::new(), &frame)?;
    StageCheck::estimator(&Ridge::new(), &frame).sibling(&Ridge::new().reg_param(10.0)).run()
}

#[test]
fn evaluators() -> Result<(), Findings> {
    check_evaluator(&MaxError::new(), &sample_frame())
}

#[test]
fn summaries() -> Result<(), Findings> {
    let spec =
        |label: &str| MaxErrorSpec { label_col: label.to_owned(), prediction_col: "prediction".to_owned() };
    check_summary::<LargestError>(&spec("label"), &spec("x"), &sample_frame())
}
