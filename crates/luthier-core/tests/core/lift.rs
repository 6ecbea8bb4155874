//! Summaries taken through fitted stages without rows.

use std::sync::Arc;

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Affine, Dataset, DynModel, Moments, MomentsSpec, QrFactor, Summary, linalg};
use ndarray::{Array1, Array2, array};
use proptest::prelude::*;

use crate::parts::{
    Concat, Log1p, Project, Random, Scale, ScaleModel, SumAndProduct, counted, frame, model, pure, rows_of,
    scatter_gap, two_pass,
};

fn scaler(input: &str, output: &str, mean: Vec<f64>, std: Vec<f64>) -> Arc<dyn DynModel> {
    let scale = ScaleModel { input_col: input.to_owned(), output_col: output.to_owned(), mean, std };
    model(&Scale::new(), scale)
}

/// concat(a, b, features) → scaled → projected.
fn chain(data: Dataset, seed: u64) -> Dataset {
    let mut random = Random(seed);
    let mut numbers = |n: usize, from: f64| (0..n).map(|_| from + random.next()).collect::<Vec<_>>();
    let (mean, std) = (numbers(5, 0.0), numbers(5, 1.5));
    let matrix: Vec<Vec<f64>> = (0..5).map(|_| numbers(2, 0.0)).collect();
    let offset = numbers(2, 0.0);
    data.through(pure(Concat::new().input_cols(["a", "features", "b"]).output_col("all")))
        .and_then(|d| d.through(scaler("all", "scaled", mean, std)))
        .and_then(|d| d.through(pure(Project::new().input_col("scaled").matrix(matrix).offset(offset))))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn lifted_is_what_rows_give(seed: u64, rows in 12usize..200, weighted: bool) {
        let (data, work) = counted(Dataset::new(frame(rows, 3, seed)));
        let view = chain(data, seed);
        let columns = ["label", "projected", "scaled", "a"];
        let spec = MomentsSpec::new(columns).weighted_by(weighted.then_some("weight"));
        let matrix = rows_of(&view, &columns);
        let weights = weighted.then(|| view.collect(&["weight"]).unwrap().column_f64("weight").unwrap());
        let (mean, scatter) = two_pass(&matrix, weights.as_deref());
        let before = work();

        let moments = view.summarize::<Moments>(&spec).unwrap();
        let factor = view.summarize::<QrFactor>(&spec).unwrap();
        let after = work();
        // Two summaries, one pass each in front of the chain; each is lifted through three stages.
        if after.guarded == 0 {
            prop_assert_eq!(after.lifted, 6);
            prop_assert_eq!(after.rows_read - before.rows_read, 2 * rows as u64);
        }
        prop_assert_eq!(moments.span("scaled").unwrap(), 3..8);
        prop_assert!(scatter_gap(&moments.scatter(), &scatter) < 1e-10);
        let gram = linalg::matmul(factor.r().t(), factor.r());
        prop_assert!(scatter_gap(&gram, &scatter) < 1e-10);
        for (found, j) in moments.mean().iter().zip(0..).chain(factor.mean().iter().zip(0..)) {
            prop_assert!((found - mean[j]).abs() < 1e-10);
        }
    }
}

#[test]
fn a_chain_of_well_scaled_stages_is_not_guarded() {
    let (data, work) = counted(Dataset::new(frame(300, 2, 7)));
    let view = chain(data, 11);
    view.summarize::<Moments>(&MomentsSpec::new(["projected", "label"])).unwrap();
    let work = work();
    assert_eq!((work.lifted, work.guarded, work.passes, work.rows_read), (3, 0, 1, 300));
}

/// Two nearly equal columns whose difference is taken: too few digits are left.
#[test]
fn cancellation_takes_the_rows() {
    for (size, moments_lift, factor_lifts) in [(1e-1, true, true), (1e-3, false, true), (1e-6, false, false)]
    {
        let mut random = Random(3);
        let a: Vec<f64> = (0..400).map(|_| random.next()).collect();
        let b: Vec<f64> = a.iter().map(|a| a + size * random.next()).collect();
        let columns = vec![("a", Column::f64(a)), ("b", Column::f64(b))];
        let (data, work) = counted(Dataset::new(DataFrame::from_columns(columns).unwrap()));
        let view = data
            .through(pure(Concat::new()))
            .and_then(|d| d.through(pure(Project::new().matrix([[1.0], [-1.0]]))))
            .unwrap();
        let (_, exact) = two_pass(&rows_of(&view, &["projected"]), None);
        let spec = MomentsSpec::new(["projected"]);
        let found = view.summarize::<Moments>(&spec).unwrap();
        assert!(scatter_gap(&found.scatter(), &exact) < 1e-10);
        assert_eq!(work().guarded, u64::from(!moments_lift), "moments at {size}");
        let found = view.summarize::<QrFactor>(&spec).unwrap();
        assert!(scatter_gap(&linalg::matmul(found.r().t(), found.r()), &exact) < 1e-10);
        assert_eq!(work().guarded, u64::from(!moments_lift) + u64::from(!factor_lifts), "factor at {size}");
    }
}

/// A derived variable keeps the noise it was derived with: two steps that each pass are guarded as one.
#[test]
fn noise_adds_up_along_the_chain() {
    let mut random = Random(5);
    let a: Vec<f64> = (0..400).map(|_| random.next()).collect();
    let b: Vec<f64> = a.iter().map(|a| a + 2e-2 * random.next()).collect();
    let c: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (b - a) + 2e-4 * random.next()).collect();
    let columns = vec![("a", Column::f64(a)), ("b", Column::f64(b)), ("c", Column::f64(c))];
    let (data, work) = counted(Dataset::new(DataFrame::from_columns(columns).unwrap()));
    let first = [[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    let view = data
        .through(pure(Concat::new().input_cols(["a", "b", "c"])))
        .and_then(|d| d.through(pure(Project::new().matrix(first).output_col("step"))))
        .and_then(|d| d.through(pure(Project::new().input_col("step").matrix([[1.0], [-1.0]]))))
        .unwrap();
    view.summarize::<Moments>(&MomentsSpec::new(["step"])).unwrap();
    assert_eq!(work().guarded, 0);
    view.summarize::<Moments>(&MomentsSpec::new(["projected"])).unwrap();
    assert_eq!(work().guarded, 1);
}

#[test]
fn constants_stay_constant_behind_a_map() {
    let x = Array2::from_shape_fn((50, 2), |(i, j)| if j == 0 { 7.25 } else { i as f64 });
    let data = Dataset::new(DataFrame::from_columns(vec![("x", Column::vector(x))]).unwrap());
    let view = data.through(scaler("x", "y", vec![7.25, 24.5], vec![0.5, 14.0])).unwrap();
    let found = view.summarize::<Moments>(&MomentsSpec::new(["y", "x"])).unwrap();
    assert_eq!(found.scatter().diag()[0], 0.0);
    assert_eq!(found.mean()[0], 0.0);
}

#[test]
fn a_weight_made_by_the_map_is_not_pulled_back() {
    let (data, work) = counted(Dataset::new(frame(60, 2, 1)));
    let view = data.through(scaler("weight", "w", vec![-1.0], vec![2.0])).unwrap();
    // A vector of width 1 is a number to a tile, and so may be a weight.
    let spec = MomentsSpec::new(["a"]).weighted_by(Some("w"));
    assert!(Moments::pull_back(&spec, &Affine::concatenation(vec!["weight".into()], "w").columns).is_none());
    let found = view.summarize::<Moments>(&spec).unwrap();
    assert_eq!((work().lifted, work().passes), (0, 1));
    let weights = rows_of(&view, &["w"]);
    let (_, scatter) = two_pass(&rows_of(&view, &["a"]), weights.as_slice());
    assert!(scatter_gap(&found.scatter(), &scatter) < 1e-12);
    assert!(weights.iter().any(|w| *w != 0.5), "the map does something");
}

#[test]
fn requests_go_round_stages_they_do_not_touch() {
    let (data, work) = counted(Dataset::new(frame(60, 2, 1)));
    let spec = MomentsSpec::new(["a", "label"]);
    let data = data.prepare(&[luthier_core::Need::summary::<Moments>(spec.clone())]).unwrap();
    let view = chain(data.through(pure(Log1p::new().input_col("a"))).unwrap(), 3);
    let direct = data.summarize::<Moments>(&spec).unwrap();
    let behind = view.summarize::<Moments>(&spec).unwrap();
    assert!(Arc::ptr_eq(&direct, &behind));
    assert_eq!((work().rows_read, work().lifted), (60, 0));
}

#[test]
fn a_stage_that_is_not_affine_stops_a_request() {
    let (data, work) = counted(Dataset::new(frame(60, 2, 1)));
    let view = chain(data, 3).through(pure(Log1p::new().input_col("weight"))).unwrap();
    let spec = MomentsSpec::new(["logged", "projected"]);
    assert!(view.recall::<Moments>(&spec).unwrap().is_none());
    assert_eq!(work().rows_read, 0);
    let found = view.summarize::<Moments>(&spec).unwrap();
    assert_eq!((work().rows_read, work().lifted, work().guarded), (60, 0, 0));
    let (_, scatter) = two_pass(&rows_of(&view, &["logged", "projected"]), None);
    assert!(scatter_gap(&found.scatter(), &scatter) < 1e-12);
    // The other columns still come from in front of it.
    view.summarize::<Moments>(&MomentsSpec::new(["projected"])).unwrap();
    assert_eq!(work().lifted, 3);
}

/// Only one of the columns that a stage appends is its affine output.
#[test]
fn further_outputs_of_an_affine_stage_are_read_from_rows() {
    let (data, work) = counted(Dataset::new(frame(60, 2, 1)));
    let view = data.through(pure(SumAndProduct::new())).unwrap();
    for columns in [&["sum"][..], &["product"], &["sum", "product"], &["product", "label"]] {
        let found = view.summarize::<Moments>(&MomentsSpec::new(columns.iter().copied())).unwrap();
        let (_, scatter) = two_pass(&rows_of(&view, columns), None);
        assert!(scatter_gap(&found.scatter(), &scatter) < 1e-12, "{columns:?}");
    }
    assert_eq!(work().lifted, 1);
}

/// Inputs that cannot be squared are no obstacle where the outputs can.
#[test]
fn rows_decide_where_inputs_are_too_large() {
    let x: Vec<f64> = (0..10).map(|i| f64::from(i) * 1e200).collect();
    let frame = DataFrame::from_columns(vec![("x", Column::f64(x))]).unwrap();
    let view = Dataset::new(frame).through(scaler("x", "y", vec![0.0], vec![1e200])).unwrap();
    for view in [view.clone(), view.without_sharing()] {
        let found = view.summarize::<Moments>(&MomentsSpec::new(["y"])).unwrap();
        assert!((found.scatter()[[0, 0]] - 82.5).abs() < 1e-10);
        assert!(view.summarize::<Moments>(&MomentsSpec::new(["x"])).is_err());
    }
}

#[test]
fn values_that_overflow_in_the_map_are_an_error_both_ways() {
    let x: Vec<f64> = (0..10).map(|i| f64::from(i) * 1e100).collect();
    let frame = DataFrame::from_columns(vec![("x", Column::f64(x))]).unwrap();
    let view = Dataset::new(frame).through(scaler("x", "y", vec![0.0], vec![1e-100])).unwrap();
    for view in [view.clone(), view.without_sharing()] {
        assert!(view.summarize::<Moments>(&MomentsSpec::new(["y"])).is_err());
        let factor = view.summarize::<QrFactor>(&MomentsSpec::new(["y"])).unwrap();
        assert!((factor.r()[[0, 0]].abs() / 1e200 - 82.5f64.sqrt()).abs() < 1e-12);
    }
}

#[test]
fn a_map_that_does_not_fit_is_an_error() {
    let data = Dataset::new(frame(20, 1, 1)).aggregate::<Moments>(&MomentsSpec::new(["features"])).unwrap();
    let map = Affine::diagonal("features", "y", array![1.0, 2.0], Array1::zeros(0));
    assert!(data.lift(&MomentsSpec::new(["y"]), &map).is_err());
}
