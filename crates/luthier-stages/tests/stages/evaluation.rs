//! Metrics from moments are the metrics of the rows.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Blocks, Dataset, Evaluator, Need, Rows};
use luthier_stages::{
    Pca, RegressionEvaluator, RegressionMetric, RegressionSums, RegressionSumsSpec, SiblingSums,
    SiblingSumsSpec, StandardScaler,
};
use ndarray::{Array1, Array2};
use proptest::prelude::*;

use crate::data::{Line, assert_close, fit, problem, rounding};

const METRICS: [RegressionMetric; 5] = [
    RegressionMetric::Rmse,
    RegressionMetric::Mse,
    RegressionMetric::R2,
    RegressionMetric::Mae,
    RegressionMetric::Var,
];

/// What the evaluator needs, from the features in front of the model.
fn prepared(frame: &DataFrame, weight_col: Option<&str>) -> Dataset {
    let spec = luthier_core::MomentsSpec::new(["features", "label"]).weighted_by(weight_col);
    Dataset::new(frame.clone()).prepare(&[Need::summary::<luthier_core::Moments>(spec)]).unwrap()
}

fn agree(metric: RegressionMetric, short: f64, long: f64) {
    agree_up_to(metric, short, long, 0.0, 0.0);
}

/// Agreement to nine digits, or to what predictions that are rounded by up to `rounding` can give; `deviation` is the
/// label's.
fn agree_up_to(metric: RegressionMetric, short: f64, long: f64, rounding: f64, deviation: f64) {
    if (short.is_nan() && long.is_nan()) || short == long {
        return;
    }
    let of_square = |mean_square: f64| (2.0 * mean_square.max(0.0).sqrt() + rounding) * rounding;
    let (scale, of_rows) = match metric {
        RegressionMetric::Mae | RegressionMetric::Rmse => (long, rounding),
        RegressionMetric::Mse | RegressionMetric::Var => (long, of_square(long)),
        RegressionMetric::R2 => {
            let variance = deviation.powi(2).max(f64::MIN_POSITIVE);
            (long.abs().max(1.0), of_square((1.0 - long) * variance) / variance)
        }
        other => panic!("how {other:?} is rounded is not known"),
    };
    let allowed = 1e-9 * scale.abs() + of_rows;
    assert!(
        (short - long).abs() <= allowed,
        "{metric:?}: {short} differs from {long} by more than {allowed}"
    );
}

/// Mean squared error with residuals in about 32 digits: products and sums keep their rounding errors.
fn exact_mse(features: &Array2<f64>, label: &[f64], line: &Line) -> f64 {
    let two_sum = |a: f64, b: f64| {
        let s = a + b;
        let z = s - a;
        (s, (a - (s - z)) + (b - z))
    };
    let squares = features.outer_iter().zip(label).map(|(row, y)| {
        let (mut sum, mut rest) = two_sum(*y, -line.intercept);
        for (x, b) in row.iter().zip(&line.coefficients) {
            let product = -(x * b);
            let (s, e) = two_sum(sum, product);
            rest += e + (-x).mul_add(*b, -product);
            sum = s;
        }
        (sum + rest).powi(2)
    });
    squares.sum::<f64>() / label.len() as f64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn moments_give_what_rows_give(
        problem in problem(1e4), weighted: bool, through_origin: bool, scaled: bool, k in 0usize..3,
    ) {
        let weight_col = weighted.then_some("weight");
        let mut short = prepared(&problem.frame, weight_col);
        let mut long = Dataset::new(problem.frame.clone()).without_sharing();
        let mut line = problem.line.clone();
        let mut models = Vec::new();
        if scaled {
            models.push(fit(&StandardScaler::new().with_mean(true), &short));
            line = line.input_col("scaled_features");
        }
        if k > 0 {
            let k = k.min(line.coefficients.len());
            let view = models.iter().fold(short.clone(), |view, model| view.through(model.clone()).unwrap());
            models.push(fit(&Pca::new().input_col(&line.input_col).k(k), &view));
            line.coefficients.truncate(k);
            line = line.input_col("pca_features");
        }
        models.push(fit(&line, &short));
        let rounding = rounding(&models, &problem.frame.vectors("features").unwrap())[0];
        for model in models {
            short = short.through(model.clone()).unwrap();
            long = long.through(model).unwrap();
        }
        let label = Array1::from(problem.frame.column_f64("label").unwrap());
        let weight = Array1::from(problem.frame.column_f64(weight_col.unwrap_or("label")).unwrap());
        let weight = if weighted { weight } else { Array1::ones(label.len()) };
        let origin = if through_origin { 0.0 } else { label.dot(&weight) / weight.sum() };
        let deviation = ((&label - origin).pow2().dot(&weight) / weight.sum()).sqrt();
        for metric in METRICS {
            let mut evaluator = RegressionEvaluator::new().metric(metric).through_origin(through_origin);
            if weighted {
                evaluator = evaluator.weight_col("weight");
            }
            let (short, long) = (evaluator.evaluate(&short).unwrap(), evaluator.evaluate(&long).unwrap());
            agree_up_to(metric, short, long, rounding, deviation);
        }
    }

    #[test]
    fn siblings_by_one_product_are_each_by_itself(
        problem in problem(1e3), weighted: bool, models in 0usize..5, folds in 1u32..4, bad in prop::option::of(0usize..5),
    ) {
        let rows = problem.frame.num_rows();
        let folds = folds.min(rows as u32);
        let weight_col = weighted.then(|| "weight".to_owned());
        let assignment = (0..rows).map(|i| (i as u32 * 7 + 3) % folds).collect();
        let data = Dataset::with_blocks(problem.frame.clone(), Blocks::new(assignment, folds).unwrap()).unwrap();
        let data = data.select(Rows::only(0));
        let line = |k: usize| {
            let mut line = problem.line.clone();
            line.intercept += k as f64;
            line.coefficients[0] *= 1.0 - 0.3 * k as f64;
            if bad == Some(k) {
                line.intercept = f64::NAN;
            }
            line
        };
        let d = problem.line.coefficients.len();
        let together: SiblingSums = data
            .aggregate(&SiblingSumsSpec {
                label_col: "label".to_owned(),
                weight_col: weight_col.clone(),
                input_cols: vec!["features".to_owned()],
                coefficients: Array2::from_shape_fn((models, d), |(k, i)| line(k).coefficients[i]),
                offsets: (0..models).map(|k| line(k).intercept).collect(),
            })
            .unwrap();
        prop_assert_eq!(together.models.len(), models);
        for (k, sums) in together.models.iter().enumerate() {
            let model = fit(&line(k), &data);
            let rounding = rounding(std::slice::from_ref(&model), &problem.frame.vectors("features").unwrap())[0];
            let view = data.through(model).unwrap();
            let spec = RegressionSumsSpec {
                label_col: "label".to_owned(),
                prediction_col: "prediction".to_owned(),
                weight_col: weight_col.clone(),
            };
            let alone: RegressionSums = view.aggregate(&spec).unwrap();
            prop_assert_eq!(sums.is_undefined(), alone.is_undefined());
            if !alone.is_undefined() {
                let pairs = [
                    (RegressionMetric::Mae, sums.mean_absolute_error(), alone.mean_absolute_error()),
                    (RegressionMetric::Mse, sums.mean_squared_error(), alone.mean_squared_error()),
                    (RegressionMetric::Var, sums.explained_variance(), alone.explained_variance()),
                ];
                for (metric, sums, alone) in pairs {
                    agree_up_to(metric, sums, alone, rounding, 0.0);
                }
                assert_close(sums.label_variance(), alone.label_variance(), 1e-12);
            }
        }
    }

    #[test]
    fn partitions_do_not_matter(problem in problem(1e3), parts in 1usize..20) {
        let model = fit(&problem.line, &Dataset::new(problem.frame.clone()));
        let [a, b] = [1, parts].map(|parts| {
            Dataset::new(problem.frame.repartition(parts).unwrap()).through(model.clone()).unwrap()
        });
        for metric in METRICS {
            let evaluator = RegressionEvaluator::new().metric(metric);
            agree(metric, evaluator.evaluate(&a).unwrap(), evaluator.evaluate(&b).unwrap());
        }
    }

    #[test]
    fn together_is_bitwise_alone(problem in problem(1e3), steps in proptest::collection::vec(-1.0..1.0f64, 1..5)) {
        let start = prepared(&problem.frame, None);
        let views: Vec<Dataset> = steps
            .iter()
            .map(|step| start.through(fit(&problem.line.clone().intercept(*step), &start)).unwrap())
            .collect();
        for metric in METRICS {
            let evaluator = RegressionEvaluator::new().metric(metric);
            for (view, together) in views.iter().zip(evaluator.evaluate_many(&views)) {
                let alone = evaluator.evaluate(view).unwrap();
                prop_assert_eq!(alone.to_bits(), together.unwrap().to_bits());
            }
        }
    }
}

/// A feature with mean / deviation of `offset`, and predictions that are off by about `error`.
fn offset_problem(offset: f64, error: f64) -> (DataFrame, Line) {
    let wave = |i: usize, a: f64| (a * (i as f64 + 0.5)).sin();
    let n = 4000;
    let features = Array2::from_shape_fn((n, 2), |(i, j)| offset + wave(i, [0.7, 1.3][j]));
    let line = Line::new().coefficients([1.1, -0.3]).intercept(-0.8 * offset);
    let label = (0..n).map(|i| 1.1 * wave(i, 0.7) - 0.3 * wave(i, 1.3) + error * (1.0 + wave(i, 2.1)));
    (DataFrame::from_ndarray(features.clone(), label.collect()).unwrap(), line)
}

#[test]
fn large_offsets_are_guarded_and_right() {
    let mut guarded = 0;
    for offset in [0.0, 1.0, 1e2, 1e4, 1e6] {
        for error in [1.0, 1e-1, 1e-3, 1e-5] {
            let (frame, line) = offset_problem(offset, error);
            let exact =
                exact_mse(&frame.vectors("features").unwrap(), &frame.column_f64("label").unwrap(), &line);
            let start = prepared(&frame, None);
            let view = start.through(fit(&line, &start)).unwrap();
            let rows_before = view.work().snapshot().rows_read;
            let found = RegressionEvaluator::new().metric(RegressionMetric::Mse).evaluate(&view).unwrap();
            let work = view.work().snapshot();
            let read = work.rows_read > rows_before;
            guarded += u32::from(read);
            assert_eq!(read, work.guarded == 1);
            assert_eq!(!read, work.evaluations_without_rows == 1);
            // What the rows themselves can give: each prediction is rounded at the size of its terms.
            let of_rows = f64::EPSILON * 4.0 * offset / error;
            let tolerance = if read { 1e-11 + of_rows } else { 1e-11 };
            assert!(
                (found - exact).abs() <= tolerance * exact,
                "{offset} {error}: {found} {exact}, read {read}"
            );
        }
    }
    assert!((8..=16).contains(&guarded), "{guarded} of 20 took the rows");
}

#[test]
fn work_is_counted() {
    let (frame, line) = offset_problem(1.0, 0.5);
    let start = prepared(&frame, None);
    let views: Vec<Dataset> = [0.1, 0.2, 0.3]
        .iter()
        .map(|by| start.through(fit(&line.clone().intercept(*by), &start)).unwrap())
        .collect();
    let before = start.work().snapshot();
    luthier_core::DynEvaluator::evaluate_many(&RegressionEvaluator::new(), &views);
    let work = start.work().snapshot();
    assert_eq!(work.evaluations, 3);
    assert_eq!((work.evaluations_without_rows, work.passes - before.passes), (3, 0));

    let mae = RegressionEvaluator::new().metric(RegressionMetric::Mae);
    luthier_core::DynEvaluator::evaluate_many(&mae, &views);
    let work = start.work().snapshot();
    assert_eq!((work.evaluations, work.evaluations_without_rows), (6, 3));
    assert_eq!(work.passes - before.passes, 1, "siblings read the rows together");
    assert_eq!(work.rows_read - before.rows_read, 4000);
}

#[test]
fn not_defined_is_nan() {
    let frame = |label: f64, weight: f64| {
        DataFrame::from_columns(vec![
            ("label", Column::f64(vec![label; 3])),
            ("prediction", Column::f64(vec![1.0, 2.0, 4.0])),
            ("weight", Column::f64(vec![weight; 3])),
        ])
        .unwrap()
    };
    for sharing in [true, false] {
        let data = |frame: DataFrame, evaluator: &RegressionEvaluator| {
            let data = Dataset::new(frame);
            let data = if sharing { data } else { data.without_sharing() };
            data.prepare(evaluator.plan(data.schema()).derived()).unwrap()
        };
        let r2 = RegressionEvaluator::new().metric(RegressionMetric::R2);
        assert!(r2.evaluate(&data(frame(0.1, 1.0), &r2)).unwrap().is_nan(), "a constant label");
        let origin = r2.clone().through_origin(true);
        assert_close(origin.evaluate(&data(frame(1.0, 1.0), &origin)).unwrap(), 1.0 - 10.0 / 3.0, 1e-14);
        assert!(origin.evaluate(&data(frame(0.0, 1.0), &origin)).unwrap().is_nan());
        for metric in METRICS {
            let weighted = RegressionEvaluator::new().metric(metric).weight_col("weight");
            assert!(weighted.evaluate(&data(frame(1.0, 0.0), &weighted)).unwrap().is_nan(), "no weight");
        }
    }
    let exact = frame(1.0, 1.0).rename("label", "prediction_of_all").unwrap();
    let perfect = RegressionEvaluator::new().label_col("prediction");
    let data =
        Dataset::new(exact).prepare(perfect.plan(&luthier_core::frame::Schema::default()).derived()).unwrap();
    assert_eq!(perfect.evaluate(&data).unwrap(), 0.0, "labels against themselves");
}

#[test]
fn names_and_directions() {
    let evaluators = METRICS.map(|metric| RegressionEvaluator::new().metric(metric));
    let names = evaluators.each_ref().map(Evaluator::metric);
    assert_eq!(names, ["rmse", "mse", "r2", "mae", "var"]);
    let larger = evaluators.each_ref().map(Evaluator::is_larger_better);
    assert_eq!(larger, [false, false, true, false, true]);
}
