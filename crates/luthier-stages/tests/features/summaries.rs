//! Summaries of single features: merge laws, the bound of quantiles, sparse as dense.

use luthier_core::frame::{Column, DataFrame, SparseBuilder};
use luthier_core::{Blocks, Dataset, DynModel, Rows, Summary};
use luthier_stages::{
    CategoryCounts, CategorySpec, Extremes, FeatureSpec, FeatureStatistic, FeatureSummary, Missing,
    Quantiles, Spread, VectorAssembler,
};
use luthier_testkit::check_summary;
use ndarray::Array2;
use proptest::prelude::*;

/// Rank error of a quantile: how far `⌈p·n⌉` is from the ranks that the value has.
fn rank_error(sorted: &[f64], p: f64, value: f64) -> u64 {
    let rank = ((p * sorted.len() as f64).ceil() as u64).clamp(1, sorted.len() as u64);
    let less = sorted.iter().filter(|x| **x < value).count() as u64;
    let not_greater = sorted.iter().filter(|x| **x <= value).count() as u64;
    assert!(not_greater > less, "{value} is one of the numbers");
    (less + 1).saturating_sub(rank).max(rank.saturating_sub(not_greater))
}

const PROBABILITIES: [f64; 9] = [0.0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1.0];

/// Parts of parts, merged as a tree.
fn tree(values: &[f64], error: f64, cuts: &[usize]) -> Quantiles {
    let mut parts: Vec<Quantiles> = Vec::new();
    let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut % (values.len() + 1)).collect();
    bounds.extend([0, values.len()]);
    bounds.sort_unstable();
    for pair in bounds.windows(2) {
        let mut part = Quantiles::empty(&error);
        part.take_in(&values[pair[0]..pair[1]]);
        parts.push(part);
    }
    while parts.len() > 1 {
        let last = parts.pop().unwrap();
        let at = parts.len() / 2;
        parts[at].merge(&last);
    }
    parts.pop().unwrap()
}

#[test]
fn exact_quantiles_are_those_of_another_implementation() {
    use ndarray_stats::interpolate::Nearest;
    use ndarray_stats::{MaybeNan, QuantileExt};

    let mut state = 3u64;
    let values: Vec<f64> = (0..1999)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 - 1e15
        })
        .collect();
    let summary = tree(&values, 0.0, &[100, 700, 1500]);
    let n = values.len() as f64;
    for (p, found) in PROBABILITIES.iter().zip(summary.at(&PROBABILITIES).unwrap()) {
        // The same rank, as a share of the steps between the least and the greatest.
        let share = ((p * n).ceil().max(1.0) - 1.0) / (n - 1.0);
        let mut values = ndarray::Array1::from(values.clone());
        let share = *share.try_as_not_nan().unwrap();
        let expected = values.quantile_axis_skipnan_mut(ndarray::Axis(0), share, &Nearest).unwrap();
        assert_eq!(found, expected.into_scalar(), "p = {p}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn quantiles_keep_their_bound(
        seed: u64, n in 1usize..30_000, distinct in prop_oneof![Just(5u64), Just(3000), Just(u64::MAX)],
        error in prop_oneof![Just(0.0), Just(0.001), Just(0.01), Just(0.1)],
        cuts in proptest::collection::vec(0usize..30_000, 0..12), sorted_input: bool,
    ) {
        let mut state = seed;
        let mut values: Vec<f64> = (0..n).map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 11) % distinct) as f64
        }).collect();
        if sorted_input {
            values.sort_by(f64::total_cmp);
        }
        let summary = tree(&values, error, &cuts);
        prop_assert_eq!(summary.count(), n as u64);
        values.sort_by(f64::total_cmp);
        for (p, found) in PROBABILITIES.iter().zip(summary.at(&PROBABILITIES).unwrap()) {
            let off = rank_error(&values, *p, found);
            let mut different = values.clone();
            different.dedup();
            // Exact with few distinct values, whatever the error allowed.
            let allowed = if different.len() <= 2048 { 0.0 } else { error * n as f64 };
            prop_assert!(off as f64 <= allowed, "p = {p}: {off} of {n} ranks off, {allowed} allowed");
        }
    }

    #[test]
    fn the_mode_is_the_least_of_the_most_frequent(values in proptest::collection::vec(-3i32..3, 1..200)) {
        let numbers: Vec<f64> = values.iter().map(|x| f64::from(*x)).collect();
        let times = |x: i32| values.iter().filter(|y| **y == x).count();
        let expected = (-3..3).rev().max_by_key(|x| times(*x)).unwrap();
        prop_assert_eq!(tree(&numbers, 0.0, &[7, 50, 100]).mode(), Some(f64::from(expected)));
    }

    #[test]
    fn sparse_vectors_have_the_statistics_of_dense_ones(
        cells in proptest::collection::vec(prop_oneof![3 => Just(0.0), 1 => -5.0..5.0f64, 1 => Just(f64::NAN)], 8..400),
        parts in 1usize..4, missing in prop_oneof![Just(None), Just(Some(0.0))],
    ) {
        let rows = cells.len() / 4;
        let dense = Array2::from_shape_vec((rows, 4), cells[..rows * 4].to_vec()).unwrap();
        let mut sparse = SparseBuilder::new(4);
        for row in dense.outer_iter() {
            row.iter().enumerate().for_each(|(j, x)| sparse.push(j, *x));
            sparse.end_row();
        }
        let frame = DataFrame::from_columns(vec![("dense", Column::vector(dense)), ("sparse", Column::sparse(sparse))]);
        let frame = frame.and_then(|frame| frame.repartition(parts)).unwrap();
        let missing = Missing { nulls: false, value: missing };
        let spec = FeatureSpec::new(["dense", "sparse"], ()).without(missing);
        let folds = Blocks::new((0..rows).map(|i| (i % 3 == 1) as u32).collect(), 2).unwrap();
        let data = Dataset::with_blocks(frame.clone(), folds).unwrap();
        for rows in [Rows::all(), Rows::only(0), Rows::except(0)] {
            let data = data.select(&rows);
            let extremes = data.summarize::<FeatureSummary<Extremes>>(&spec).unwrap();
            prop_assert!(same(extremes.of("dense").unwrap(), extremes.of("sparse").unwrap()));
            let spread = data.summarize::<FeatureSummary<Spread>>(&spec).unwrap();
            for (a, b) in spread.of("dense").unwrap().iter().zip(spread.of("sparse").unwrap()) {
                prop_assert_eq!(a.count(), b.count());
                prop_assert!((a.sample_variance() - b.sample_variance()).abs() <= 1e-13);
                prop_assert!(a.count() == 0 || (a.mean() - b.mean()).abs() <= 1e-14);
            }
            let quantiles = FeatureSpec::new(["dense", "sparse"], 0.001).without(missing);
            let quantiles = data.summarize::<FeatureSummary<Quantiles>>(&quantiles).unwrap();
            for (a, b) in quantiles.of("dense").unwrap().iter().zip(quantiles.of("sparse").unwrap()) {
                prop_assert_eq!(a.at(&PROBABILITIES), b.at(&PROBABILITIES));
            }
        }
    }
}

fn same(a: &[Extremes], b: &[Extremes]) -> bool {
    let bits = |x: &Extremes| (x.count(), x.min().to_bits(), x.max().to_bits());
    a.iter().map(bits).eq(b.iter().map(bits))
}

#[test]
fn all_summaries_keep_the_laws() {
    let frame = luthier_testkit::sample_frame();
    let (a, b) = (FeatureSpec::new(["features", "x"], ()), FeatureSpec::new(["x"], ()));
    check_summary::<FeatureSummary<Extremes>>(&a, &b, &frame).unwrap();
    check_summary::<FeatureSummary<Spread>>(&a, &b, &frame).unwrap();
    let (a, b) = (CategorySpec::new(["color", "class"]), CategorySpec::new(["binary"]));
    check_summary::<CategoryCounts>(&a, &b, &frame).unwrap();
}

#[test]
fn requests_go_through_an_assembler_without_rows() {
    let frame = luthier_testkit::sample_frame();
    let mut pipeline = luthier_core::Pipeline::new();
    pipeline.add_transformer("v", VectorAssembler::new().input_cols(["x", "features", "x"]).output_col("v"));
    let model: std::sync::Arc<dyn DynModel> = pipeline.stages()[0].stage().as_model().unwrap();
    let (in_front, behind) = (FeatureSpec::new(["x", "features"], ()), FeatureSpec::new(["v"], ()));
    let data = Dataset::new(frame);
    data.summarize::<FeatureSummary<Extremes>>(&in_front).unwrap();
    let view = data.through(model).unwrap();
    let read = data.work().snapshot().rows_read;
    let lifted = view.summarize::<FeatureSummary<Extremes>>(&behind).unwrap();
    assert_eq!(data.work().snapshot().rows_read, read);
    let direct = view.without_sharing().summarize::<FeatureSummary<Extremes>>(&behind).unwrap();
    assert_eq!(lifted.of("v").unwrap().len(), 6);
    assert!(same(lifted.of("v").unwrap(), direct.of("v").unwrap()));
    assert_eq!(lifted.rows(), direct.rows());
    assert_eq!(<FeatureSummary<Extremes> as Summary>::columns(&behind), ["v"]);
}
