//! Stages that iterate end when they are cancelled, also where they read no rows.

use std::sync::Arc;

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{CancelToken, Dataset, Error, Estimator, FitContext};
use luthier_stages::{LinearRegression, LogisticRegression, Loss, Solver};
use ndarray::Array2;

fn data(rows: usize, features: usize) -> Dataset {
    let x = Array2::from_shape_fn((rows, features), |(i, j)| (((i + 3) * (7 * j + 5)) % 101) as f64);
    let y = (0..rows).map(|i| ((i * i + 5 * i) % 2) as f64 + ((i * 7) % 13) as f64).collect();
    let class = (0..rows).map(|i| ((i * 31 + i / 3) % 2) as f64).collect();
    let columns =
        vec![("features", Column::vector(x)), ("label", Column::f64(y)), ("class", Column::f64(class))];
    Dataset::new(DataFrame::from_columns(columns).unwrap())
}

/// The rows are not cancelled, the fit is: what ends it are the loops of the stage itself.
fn cancelled<E: Estimator>(stages: &[E], data: &Dataset) {
    let token = CancelToken::new();
    token.cancel();
    let ctx = FitContext::new(0, Arc::default()).with_cancel_token(token);
    let one_by_one = stages.iter().map(|stage| stage.fit(data, &ctx));
    for (stage, model) in
        stages.iter().zip(one_by_one).chain(stages.iter().zip(E::fit_many(stages, data, &ctx)))
    {
        let error = model.expect_err("a model that is not done");
        assert!(error.downcast_ref().is_some_and(Error::is_cancelled), "{stage:?}: {error:#}");
    }
    // And the same rows are as good as ever.
    let ctx = FitContext::new(0, Arc::default());
    assert!(stages.iter().all(|stage| stage.fit(data, &ctx).is_ok()));
}

#[test]
fn iterating_stages_give_no_model_when_they_are_cancelled() {
    let lasso = LinearRegression::new().reg_param(0.1).elastic_net_param(1.0);
    let linear = [
        lasso.clone(),
        lasso.clone().elastic_net_param(0.5),
        lasso.solver(Solver::Qr),
        LinearRegression::new().reg_param(0.1).solver(Solver::LBfgs),
        LinearRegression::new().loss(Loss::Huber),
    ];
    cancelled(&linear, &data(400, 20));
    let few_rows = LinearRegression::new().loss(Loss::Huber).reg_param(0.1);
    cancelled(&[few_rows], &data(30, 20));
    let logistic = LogisticRegression::new().label_col("class");
    let logistic = [
        logistic.clone(),
        logistic.clone().reg_param(0.01).elastic_net_param(1.0),
        logistic.reg_param(0.1).max_iter(7),
    ];
    cancelled(&logistic, &data(400, 20));
}
