//! Cross-validation as Spark 4.3.0 answers it; `tests/data/spark_cross_validation.json` says how.

use luthier::prelude::*;
use ndarray::Axis;
use serde::Deserialize;

use crate::data::{assert_close, diabetes, diabetes_arrays};
use crate::naive::{elastic_net, scores};

#[derive(Debug, Deserialize)]
struct Reference {
    spark: String,
    searches: Vec<Expected>,
}

#[derive(Debug, Deserialize)]
struct Expected {
    metric: String,
    grid: Vec<Point>,
    avg: Vec<f64>,
    std: Vec<f64>,
    per_fold: Option<Vec<Vec<f64>>>,
    best_index: usize,
    coefficients: Vec<f64>,
    intercept: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct Point {
    reg_param: f64,
    elastic_net_param: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../data/spark_cross_validation.json")).unwrap()
}

fn grid() -> ParamGrid {
    ParamGrid::new()
        .add(LinearRegression::REG_PARAM, [0.0, 0.1, 1.0, 10.0])
        .add(LinearRegression::ELASTIC_NET_PARAM, [0.0, 0.5])
}

fn search(metric: &str) -> CrossValidator<LinearRegression> {
    let metric = match metric {
        "rmse" => RegressionMetric::Rmse,
        "mae" => RegressionMetric::Mae,
        other => panic!("the reference has another metric: {other}"),
    };
    let lr = LinearRegression::new().solver(Solver::Normal).tol(1e-14).max_iter(3000);
    CrossValidator::new(lr, grid(), RegressionEvaluator::new().metric(metric)).fold_col("fold")
}

impl Point {
    /// How near Spark's metrics are to those of the optimum: it stops short of it where there is an L1 penalty,
    /// as `the_elastic_net_is_at_its_optimum` shows.
    fn tolerance(self) -> f64 {
        if self.reg_param * self.elastic_net_param > 0.0 { 5e-9 } else { 1e-9 }
    }
}

fn compare(expected: &Expected, tuned: &TunedModel<LinearRegression>) {
    let result = tuned.result();
    assert_eq!(result.candidates.len(), expected.grid.len());
    for (i, candidate) in result.candidates.iter().enumerate() {
        let what = format!("{} of candidate {i}", expected.metric);
        let tolerance = expected.grid[i].tolerance();
        assert_close(candidate.mean, expected.avg[i], tolerance, &format!("mean {what}"));
        // A deviation is a hundredth of the mean, and has two digits less.
        assert_close(candidate.std, expected.std[i], 100.0 * tolerance, &format!("deviation of {what}"));
        for fold in &candidate.folds {
            if let Some(per_fold) = &expected.per_fold {
                let reference = per_fold[fold.fold as usize][i];
                assert_close(fold.metric, reference, tolerance, &format!("{what} on fold {}", fold.fold));
            }
        }
    }
    assert_eq!(result.best, expected.best_index);
    let largest = expected.coefficients.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    let model = tuned.best_model();
    for (found, reference) in model.coefficients().iter().zip(&expected.coefficients) {
        assert!((found - reference).abs() <= 1e-6 * largest, "{found} is not {reference}");
    }
    assert_close(model.intercept(), expected.intercept, 1e-6, "intercept");
}

#[test]
fn the_grid_is_the_references() {
    let reference = reference();
    assert_eq!(reference.spark, "4.3.0");
    assert_eq!(reference.searches.len(), 2);
    for expected in reference.searches {
        let points = grid().build().unwrap();
        let points: Vec<Point> = points
            .iter()
            .map(|map| serde_json::from_value(serde_json::to_value(map).unwrap()).unwrap())
            .collect();
        assert_eq!(points, expected.grid);
    }
}

#[test]
fn searches_find_what_spark_finds() {
    let data = diabetes();
    for expected in reference().searches {
        compare(&expected, &search(&expected.metric).fit(&data).unwrap());
    }
}

#[test]
fn also_the_long_way_and_in_many_partitions() {
    let data = diabetes().repartition(5).unwrap();
    for expected in reference().searches {
        compare(&expected, &search(&expected.metric).sharing(Sharing::Off).fit(&data).unwrap());
    }
}

/// Coordinate descent to the last digit, on plain arrays, finds what the search finds.
#[test]
fn the_elastic_net_is_at_its_optimum() {
    let (x, y, folds) = diabetes_arrays();
    for (which, name) in ["rmse", "mae"].into_iter().enumerate() {
        let tuned = search(name).fit(&diabetes()).unwrap();
        for (point, candidate) in reference().searches[0].grid.iter().zip(&tuned.result().candidates) {
            for fold in &candidate.folds {
                let (held_out, train): (Vec<usize>, Vec<usize>) =
                    (0..y.len()).partition(|&row| folds[row] == i64::from(fold.fold));
                let (x_train, y_train) = (x.select(Axis(0), &train), y.select(Axis(0), &train));
                let penalty = (point.reg_param, point.elastic_net_param);
                let (coefficients, intercept) = elastic_net(x_train.view(), y_train.view(), penalty);
                let prediction = x.select(Axis(0), &held_out).dot(&coefficients) + intercept;
                let expected = scores(y.select(Axis(0), &held_out).view(), prediction.view())[which];
                assert_close(fold.metric, expected, 1e-11, &format!("{name}, {}", candidate.params));
            }
        }
    }
}

#[test]
fn the_fold_column_decides_and_the_seed_does_not() {
    let data = diabetes();
    let metrics = |seed| search("rmse").seed(seed).fit(&data).unwrap().avg_metrics();
    assert_eq!(metrics(1), metrics(2));
}
