//! Cross-validation of pipelines, against the same written down plainly on arrays.

use luthier::prelude::*;
use ndarray::{Array1, Array2, Axis};

use crate::data::{assert_close, diabetes, diabetes_arrays, metric};
use crate::naive::{Scaler, components, ridge, scores};

const K: [usize; 3] = [2, 5, 10];
const REG_PARAM: [f64; 3] = [0.0, 0.1, 10.0];

/// Which stages stand in front of the regression.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Front {
    Pca,
    Scaler { with_mean: bool },
    ScalerAndPca { with_mean: bool },
}

const FRONTS: [Front; 5] = [
    Front::Pca,
    Front::Scaler { with_mean: false },
    Front::Scaler { with_mean: true },
    Front::ScalerAndPca { with_mean: false },
    Front::ScalerAndPca { with_mean: true },
];

impl Front {
    fn candidates(self) -> Vec<(usize, f64)> {
        let ks: &[usize] = if matches!(self, Self::Scaler { .. }) { &[10] } else { &K };
        ks.iter().flat_map(|&k| REG_PARAM.map(|reg_param| (k, reg_param))).collect()
    }

    fn search(self) -> (Pipeline, ParamGrid) {
        let mut pipeline = Pipeline::new();
        let (mut grid, mut features) = (ParamGrid::new(), "features");
        if let Self::Scaler { with_mean } | Self::ScalerAndPca { with_mean } = self {
            pipeline.add("scaler", StandardScaler::new().with_mean(with_mean).output_col("scaled"));
            features = "scaled";
        }
        if let Self::Pca | Self::ScalerAndPca { .. } = self {
            let pca = pipeline.add("pca", Pca::new().input_col(features).output_col("components"));
            grid = grid.add(pca.at(Pca::K), K);
            features = "components";
        }
        let lr = pipeline.add("lr", LinearRegression::new().features_col(features));
        (pipeline, grid.add(lr.at(LinearRegression::REG_PARAM), REG_PARAM))
    }

    /// Predictions for `x` after fitting on the rows `on`.
    fn predict(
        self,
        on: (&Array2<f64>, &Array1<f64>),
        x: &Array2<f64>,
        candidate: (usize, f64),
    ) -> Array1<f64> {
        let ((k, reg_param), (train, label)) = (candidate, on);
        let (mut train, mut x) = (train.clone(), x.clone());
        if let Self::Scaler { with_mean } | Self::ScalerAndPca { with_mean } = self {
            let scaler = Scaler::fit(train.view(), with_mean);
            (train, x) = (scaler.transform(train.view()), scaler.transform(x.view()));
        }
        if let Self::Pca | Self::ScalerAndPca { .. } = self {
            let axes = components(train.view(), k);
            (train, x) = (train.dot(&axes), x.dot(&axes));
        }
        let (coefficients, intercept) = ridge(train.view(), label.view(), reg_param);
        x.dot(&coefficients) + intercept
    }
}

/// rmse, mae and r2 of every candidate on every fold, `[fold][candidate]`.
fn expected(front: Front) -> Vec<Vec<[f64; 3]>> {
    let (x, y, folds) = diabetes_arrays();
    let rows =
        |keep: &dyn Fn(i64) -> bool| -> Vec<usize> { (0..y.len()).filter(|&row| keep(folds[row])).collect() };
    (0..3)
        .map(|fold| {
            let (train, held_out) = (rows(&|f| f != fold), rows(&|f| f == fold));
            let (x_train, y_train) = (x.select(Axis(0), &train), y.select(Axis(0), &train));
            let (x_held, y_held) = (x.select(Axis(0), &held_out), y.select(Axis(0), &held_out));
            let score = |candidate| {
                let prediction = front.predict((&x_train, &y_train), &x_held, candidate);
                scores(y_held.view(), prediction.view())
            };
            front.candidates().into_iter().map(score).collect()
        })
        .collect()
}

#[test]
fn metrics_of_every_fold_are_those_of_the_plain_computation() {
    let data = diabetes().repartition(3).unwrap();
    for front in FRONTS {
        let expected = expected(front);
        let metrics = [RegressionMetric::Rmse, RegressionMetric::Mae, RegressionMetric::R2];
        for (which, wanted) in metrics.into_iter().enumerate() {
            let (pipeline, grid) = front.search();
            let search = CrossValidator::new(pipeline, grid, metric(wanted)).fold_col("fold");
            let tuned = search.fit(&data).unwrap();
            for candidate in &tuned.result().candidates {
                for fold in &candidate.folds {
                    let reference = expected[fold.fold as usize][candidate.index][which];
                    let what = format!("{front:?}, {wanted:?}, {}, fold {}", candidate.params, fold.fold);
                    assert_close(fold.metric, reference, 1e-9, &what);
                }
            }
            let mean = |c: usize| expected.iter().map(|fold| fold[c][which]).sum::<f64>() / 3.0;
            let sign = if wanted == RegressionMetric::R2 { -1.0 } else { 1.0 };
            let best = (0..front.candidates().len())
                .min_by(|&a, &b| (sign * mean(a)).total_cmp(&(sign * mean(b))))
                .unwrap();
            assert_eq!(tuned.result().best, best, "{front:?}, {wanted:?}");
        }
    }
}

#[test]
fn the_best_model_is_the_best_candidate_fitted_on_all_rows() {
    let data = diabetes();
    let (x, y, _) = diabetes_arrays();
    for front in FRONTS {
        let (pipeline, grid) = front.search();
        let search = CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fold_col("fold");
        let tuned = search.fit(&data).unwrap();
        let expected = front.predict((&x, &y), &x, front.candidates()[tuned.result().best]);
        let found = tuned.transform(&data).unwrap().column_f64("prediction").unwrap();
        let label_std = y.std(0.0);
        for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((found - expected).abs() < 1e-9 * label_std, "{front:?}, row {row}: {found} {expected}");
        }
    }
}
