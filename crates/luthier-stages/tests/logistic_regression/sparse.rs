//! Rows that are held sparse are fitted as the same rows with their zeros.

use luthier_core::Transformer;
use luthier_core::frame::{Column, DataFrame, SparseBuilder};
use luthier_stages::{Family, LogisticRegression};
use ndarray::Array2;

use crate::draw::Draw;
use crate::frames::*;
use crate::problems::{Objective, Rows};

/// Columns of so many levels, one-hot, with labels that depend on them.
fn one_hot(rows: usize, columns: usize, levels: usize, classes: usize) -> Rows {
    let mut draw = Draw(11);
    let effects: Vec<f64> = (0..columns * levels * classes).map(|_| 1.5 * draw.normal()).collect();
    let mut x = Array2::zeros((rows, columns * levels));
    let mut y = Vec::new();
    for i in 0..rows {
        let mut scores: Vec<f64> = (0..classes).map(|_| 2.0 * draw.normal()).collect();
        for column in 0..columns {
            let at = column * levels + (draw.uniform().powi(2) * levels as f64) as usize;
            x[[i, at]] = if column == 0 { 1.0 } else { 0.5 + column as f64 };
            scores.iter_mut().enumerate().for_each(|(k, score)| *score += effects[at * classes + k]);
        }
        let best = (0..classes).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
        y.push(best as f64);
    }
    Rows { x, y, w: (0..rows).map(|i| 0.5 + (i % 3) as f64).collect() }
}

fn sparse(rows: &Rows) -> DataFrame {
    let mut builder = SparseBuilder::new(rows.x.ncols());
    for row in rows.x.outer_iter() {
        row.iter().enumerate().for_each(|(j, x)| builder.push(j, *x));
        builder.end_row();
    }
    DataFrame::from_columns(vec![
        ("features", Column::from_array(builder.finish()).unwrap()),
        ("label", Column::f64(rows.y.clone())),
        ("weight", Column::f64(rows.w.clone())),
    ])
    .unwrap()
}

#[test]
fn few_features() {
    let rows = one_hot(600, 3, 15, 3);
    for (reg_param, alpha, intercept) in
        [(0.01, 0.0, true), (0.01, 0.0, false), (0.005, 0.5, true), (0.02, 1.0, true)]
    {
        let e = LogisticRegression::new()
            .weight_col("weight")
            .reg_param(reg_param)
            .elastic_net_param(alpha)
            .fit_intercept(intercept)
            .tol(1e-12);
        let (a, b) = (fit(&e, &sparse(&rows)), fit(&e, &rows.frame()));
        let expected: Vec<f64> = b.coefficient_matrix().iter().copied().collect();
        assert_close(&a.coefficient_matrix(), &expected, 1e-8 * largest(&expected), &(reg_param, alpha));
        assert_close(a.intercepts(), b.intercepts(), 1e-8, &(reg_param, alpha));
        let scores = |data: &DataFrame| a.transform(data).unwrap().vectors("raw_prediction").unwrap();
        let expected: Vec<f64> = scores(&rows.frame()).iter().copied().collect();
        assert_close(&scores(&sparse(&rows)), &expected, 1e-12 * largest(&expected), &"scores");
    }
}

/// More unknowns than a Hessian is formed for, against the optimality conditions.
#[test]
fn many_features() {
    let rows = one_hot(3000, 3, 400, 2);
    for (reg_param, alpha) in [(0.01, 0.0), (0.003, 0.5), (0.005, 1.0)] {
        let objective = Objective { reg_param, alpha, standardization: false, fit_intercept: true };
        let base = LogisticRegression::new()
            .weight_col("weight")
            .reg_param(reg_param)
            .elastic_net_param(alpha)
            .standardization(false)
            .max_iter(1000);
        let tight = fit(&base.clone().tol(1e-12), &sparse(&rows));
        let violation = objective.violation(&rows, &tight, None);
        assert!(violation < 1e-6, "{reg_param} {alpha}: {violation:e} {:?}", tight.summary());
        let rough = fit(&base, &sparse(&rows));
        let ends = [&rough, &tight].map(|m| *m.summary().objective_history.last().unwrap());
        assert!((ends[0] / ends[1] - 1.0).abs() < 1e-9, "{ends:?} {}", rough.summary().total_iterations);
        assert!(rough.summary().converged);
    }
    let bound = 0.05;
    let objective = Objective { reg_param: 0.0, alpha: 0.0, standardization: false, fit_intercept: true };
    let e = LogisticRegression::new()
        .weight_col("weight")
        .lower_bounds_on_coefficients(vec![vec![-bound; 1200]])
        .upper_bounds_on_coefficients(vec![vec![bound; 1200]])
        .tol(1e-12)
        .max_iter(1000);
    let model = fit(&e, &sparse(&rows));
    // A level that does not occur is a constant feature.
    let violation = objective.violation(&rows, &model, Some((-bound, bound)));
    assert!(violation < 1e-6, "{violation:e} {:?}", model.summary());
}

#[test]
fn many_unknowns_of_several_classes() {
    let rows = one_hot(1500, 2, 200, 3);
    let objective = Objective { reg_param: 0.01, alpha: 0.0, standardization: true, fit_intercept: true };
    let e = LogisticRegression::new()
        .weight_col("weight")
        .family(Family::Multinomial)
        .reg_param(0.01)
        .tol(1e-12)
        .max_iter(1000);
    let model = fit(&e, &sparse(&rows));
    let violation = objective.violation(&rows, &model, None);
    assert!(violation < 1e-6, "{violation:e} {:?}", model.summary());
}
