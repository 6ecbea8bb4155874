//! Every built-in part keeps the contract that parts of other crates have to keep.

use std::collections::BTreeSet;

use luthier_core::registry::{self, StageEntry};
use luthier_stages::{
    LinearRegression, Loss, Pca, RegressionEvaluator, RegressionMetric, Solver, StandardScaler,
    VectorAssembler,
};
use luthier_testkit::{
    Findings, StageCheck, check_estimator, check_evaluator, check_summary, check_transformer, sample_frame,
};

fn passes(result: Result<(), Findings>) {
    if let Err(findings) = result {
        panic!("{findings}");
    }
}

/// The names of those that are checked below.
const CHECKED: &[&str] = &["linear_regression", "pca", "standard_scaler", "vector_assembler"];

#[test]
fn none_is_left_out() {
    let mut registered: BTreeSet<&str> = registry::entries::<StageEntry>().unwrap().into_keys().collect();
    registered.remove("pipeline"); // of the core, not of this crate
    assert_eq!(registered, CHECKED.iter().copied().collect());
}

#[test]
fn features() {
    let frame = sample_frame();
    passes(check_transformer(&VectorAssembler::new().input_cols(["x", "features"]).output_col("v"), &frame));
    for (with_mean, with_std) in [(true, true), (false, true), (true, false)] {
        passes(check_estimator(&StandardScaler::new().with_mean(with_mean).with_std(with_std), &frame));
    }
    let pca = Pca::new().k(2);
    passes(
        StageCheck::estimator(&pca, &frame)
            .sibling(&pca.clone().k(4))
            .sibling(&pca.clone().center(true))
            .run(),
    );
}

#[test]
fn linear_regression() {
    let frame = sample_frame().drop(&["prediction"]).unwrap();
    let plain = LinearRegression::new();
    let lasso = plain.clone().reg_param(0.1).elastic_net_param(1.0);
    for stage in [
        plain.clone(),
        plain.clone().weight_col("weight").reg_param(0.3),
        lasso.clone(),
        plain.clone().solver(Solver::LBfgs).reg_param(0.1),
        plain.clone().loss(Loss::Huber),
    ] {
        let check =
            StageCheck::estimator(&stage, &frame).sibling(&lasso).sibling(&plain.clone().reg_param(2.0));
        passes(check.tolerance(1e-6).run());
    }
}

#[test]
fn regression_evaluator() {
    for metric in [
        RegressionMetric::Rmse,
        RegressionMetric::Mse,
        RegressionMetric::R2,
        RegressionMetric::Mae,
        RegressionMetric::Var,
    ] {
        let evaluator = RegressionEvaluator::new().metric(metric);
        passes(check_evaluator(&evaluator, &sample_frame()));
        passes(check_evaluator(&evaluator.weight_col("weight"), &sample_frame()));
    }
}

#[test]
fn summaries() {
    use luthier_core::{Moments, MomentsSpec, QrFactor};
    let frame = sample_frame();
    let (a, b) = (MomentsSpec::new(["features", "label"]), MomentsSpec::new(["x"]));
    passes(check_summary::<Moments>(&a, &b, &frame));
    passes(check_summary::<Moments>(&a.clone().weighted_by(Some("weight")), &b, &frame));
    passes(check_summary::<QrFactor>(&a, &b, &frame));
}
