//! The score of the procedure, against loops written out.

use luthier::prelude::*;
use luthier::tune::{KFold, Nested, RollingOrigin, Split, Splitter};

use crate::data::{metric, pca_and_regression, scene};

const K: [usize; 3] = [2, 5, 9];
const REG_PARAM: [f64; 3] = [0.0, 0.1, 10.0];

fn search(nested: Nested) -> CrossValidator<Pipeline> {
    let (pipeline, grid) = pca_and_regression(&K, &REG_PARAM);
    CrossValidator::new(pipeline, grid, metric(RegressionMetric::Rmse)).num_folds(4).seed(3).nested(nested)
}

/// The metric of each candidate fitted on some rows and scored on others.
fn scores(data: &DataFrame, train: &[bool], validate: &[bool]) -> Vec<f64> {
    let (pipeline, grid) = pca_and_regression(&K, &REG_PARAM);
    let train = data.filter(train).unwrap();
    let validate = data.filter(validate).unwrap();
    let fit = |params: &luthier::core::ParamMap| {
        let model = pipeline.with_params(params).unwrap().fit_frame(&train).unwrap();
        let predictions = model.transform(&validate).unwrap();
        metric(RegressionMetric::Rmse).evaluate_frame(&predictions).unwrap()
    };
    grid.build().unwrap().iter().map(fit).collect()
}

fn argmin(values: &[f64]) -> usize {
    (0..values.len()).min_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap()
}

/// For each outer fold: choose by the inner folds, score on the outer one.
fn by_hand(data: &DataFrame, split: &Split) -> Vec<(usize, f64)> {
    let fold_of = split.blocks().assignment();
    let folds = split.rounds().len() as u32;
    let rows = |f: &dyn Fn(u32) -> bool| fold_of.iter().map(|&fold| f(fold)).collect::<Vec<bool>>();
    (0..folds)
        .map(|outer| {
            let inner = (0..folds).filter(|&inner| inner != outer);
            let all: Vec<Vec<f64>> = inner
                .map(|inner| scores(data, &rows(&|f| f != outer && f != inner), &rows(&|f| f == inner)))
                .collect();
            let mean = |c: usize| all.iter().map(|scores| scores[c]).sum::<f64>() / all.len() as f64;
            let chosen = argmin(&(0..all[0].len()).map(mean).collect::<Vec<_>>());
            (chosen, scores(data, &rows(&|f| f != outer), &rows(&|f| f == outer))[chosen])
        })
        .collect()
}

#[test]
fn it_is_what_nested_loops_give() {
    let data = scene(120, 10, 2);
    let tuned = search(Nested::On).fit(&data).unwrap();
    let score = tuned.result().procedure.as_ref().unwrap();
    let expected = by_hand(&data, &KFold::new().num_folds(4).split(&data, 3).unwrap());
    assert_eq!(score.rounds.len(), 4);
    for (round, (chosen, metric)) in score.rounds.iter().zip(&expected) {
        assert_eq!(round.candidate, Some(*chosen));
        assert!((round.metric - metric).abs() < 1e-9 * metric, "{} against {metric}", round.metric);
    }
    let mean = expected.iter().map(|(_, metric)| metric).sum::<f64>() / 4.0;
    assert!((score.mean - mean).abs() < 1e-9 * mean);
    // Nadeau and Bengio: four folds, a third as many validation as training rows.
    let variance = expected.iter().map(|(_, metric)| (metric - mean).powi(2)).sum::<f64>() / 3.0;
    let expected = ((0.25 + 1.0 / 3.0) * variance).sqrt();
    assert!((score.std_error - expected).abs() < 1e-6 * expected, "{} against {expected}", score.std_error);
}

#[test]
fn it_changes_nothing_else_and_reads_nothing_again() {
    let data = scene(200, 10, 2);
    let (without, with) = (search(Nested::Off).fit(&data).unwrap(), search(Nested::Auto).fit(&data).unwrap());
    assert!(without.result().procedure.is_none() && with.result().procedure.is_some());
    assert_eq!(with.result().work.rows_read, 200);
    assert_eq!(with.result().best, without.result().best);
    for (a, b) in with.result().candidates.iter().zip(&without.result().candidates) {
        let metrics = |candidate: &luthier::tune::CandidateResult| {
            candidate.folds.iter().map(|fold| fold.metric.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!((a.mean.to_bits(), metrics(a)), (b.mean.to_bits(), metrics(b)));
    }
    let plan = search(Nested::On).explain(&data).unwrap();
    assert!(plan.contains("12 more rounds score the procedure"), "{plan}");
    // What the plan expects is what is done.
    let (planned, done) = (with.result().forecast.work, with.result().work);
    assert_eq!(
        (planned.rows_read, planned.fits, planned.evaluations),
        (done.rows_read, done.fits, done.evaluations)
    );
}

#[test]
fn it_is_the_same_on_any_executor() {
    let data = scene(90, 10, 1);
    let of = |parallelism: usize, sharing: Sharing| {
        let search = search(Nested::On).parallelism(parallelism).unwrap().sharing(sharing);
        search.fit(&data).unwrap().result().procedure.clone().unwrap()
    };
    let expected = of(1, Sharing::On);
    assert_eq!(of(3, Sharing::On), expected);
    let alone = of(2, Sharing::Off);
    for (a, b) in alone.rounds.iter().zip(&expected.rounds) {
        assert_eq!(a.candidate, b.candidate);
        assert!((a.metric - b.metric).abs() < 1e-9 * b.metric);
    }
}

#[test]
fn in_time_the_rounds_before_are_the_inner_ones() {
    let data = scene(120, 6, 1);
    let (pipeline, grid) = pca_and_regression(&[2, 4], &[0.0, 1.0]);
    let search = CrossValidator::new(pipeline, grid, metric(RegressionMetric::Rmse))
        .splitter(RollingOrigin::new().initial(60).horizon(10))
        .nested(Nested::On);
    let tuned = search.fit(&data).unwrap();
    let result = tuned.result();
    let score = result.procedure.as_ref().unwrap();
    // The first round has none before it; no round was added.
    assert_eq!(score.rounds.iter().map(|round| round.fold).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    for round in &score.rounds {
        let mean = |c: usize| {
            let folds = &result.candidates[c].folds[..round.fold as usize];
            folds.iter().map(|fold| fold.metric).sum::<f64>() / folds.len() as f64
        };
        let chosen = argmin(&(0..4).map(mean).collect::<Vec<_>>());
        assert_eq!(round.candidate, Some(chosen));
        assert_eq!(round.metric, result.candidates[chosen].folds[round.fold as usize].metric);
    }
    assert_eq!(result.work.evaluations, 6 * 4);
}

/// The best of many candidates that know nothing looks better than chance; the procedure does not.
#[test]
fn noise_is_seen_as_noise() {
    let (mut plain, mut nested) = (0.0, 0.0);
    let rounds = 40;
    for seed in 0..rounds {
        // Candidates that differ: each regresses noise on another feature of noise.
        let noise = scene(40, 30, 1);
        let mut y: Vec<f64> =
            (0..40).map(|i| f64::from((i * 7919 + seed as i32 * 104_729) % 1009) / 1009.0).collect();
        let mean = y.iter().sum::<f64>() / 40.0;
        y.iter_mut().for_each(|y| *y -= mean);
        let data = noise
            .drop(&["label"])
            .unwrap()
            .with_column("label", luthier::core::frame::Column::f64(y))
            .unwrap();
        let mut pipeline = Pipeline::new();
        let one =
            pipeline.add_transformer("one", VectorSlicer::new().input_col("features").output_col("feature"));
        pipeline.add("regression", LinearRegression::new().features_col("feature"));
        let choices: Vec<Vec<usize>> = (0..30).map(|i| vec![i]).collect();
        let grid = ParamGrid::new().add(one.at(VectorSlicer::INDICES), choices);
        let search =
            CrossValidator::new(pipeline, grid, metric(RegressionMetric::R2)).num_folds(5).seed(seed);
        let tuned = search.nested(Nested::On).fit(&data).unwrap();
        plain += tuned.result().best_candidate().unwrap().mean / f64::from(rounds as u32);
        nested += tuned.result().procedure.as_ref().unwrap().mean / f64::from(rounds as u32);
    }
    // R² of a constant is about 0 from below.
    assert!(plain > nested + 0.05, "{plain} against {nested}");
    assert!(nested < 0.0, "{nested}");
}
