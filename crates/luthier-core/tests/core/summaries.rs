//! Laws of the built-in summaries.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Blocks, Dataset, Moments, MomentsSpec, QrFactor, Rows, Summary, json, linalg};
use ndarray::{Array1, Array2, ArrayView1, Axis, concatenate};
use proptest::prelude::*;

use crate::parts::{Random, scatter_gap, two_pass};

fn gram(factor: &QrFactor) -> Array2<f64> {
    linalg::matmul(factor.r().t(), factor.r())
}

fn weighted_frame(x: &Array2<f64>, weights: &[f64]) -> DataFrame {
    let columns = vec![("x", Column::vector(x.clone())), ("w", Column::f64(weights.to_vec()))];
    DataFrame::from_columns(columns).unwrap()
}

fn spec() -> MomentsSpec {
    MomentsSpec::new(["x"]).weighted_by(Some("w"))
}

fn moments(frame: &DataFrame) -> Moments {
    Dataset::new(frame.clone()).aggregate::<Moments>(&spec()).unwrap()
}

fn factor(frame: &DataFrame) -> QrFactor {
    Dataset::new(frame.clone()).aggregate::<QrFactor>(&spec()).unwrap()
}

/// Means agree to `digits` of the standard deviation or of the last place of the mean itself.
fn means_agree(
    a: ArrayView1<'_, f64>,
    b: ArrayView1<'_, f64>,
    scatter: &Array2<f64>,
    total: f64,
    tolerance: f64,
) {
    for j in 0..a.len() {
        let std = (scatter[[j, j]] / total.max(1.0)).sqrt();
        let allowed = tolerance * std + 4.0 * f64::EPSILON * b[j].abs();
        assert!((a[j] - b[j]).abs() <= allowed, "mean {j}: {} is not {}", a[j], b[j]);
    }
}

/// Random rows whose columns have sizes from 1e-8 to 1e8, some of them constant, with integer weights.
fn rows() -> impl Strategy<Value = (Array2<f64>, Vec<f64>, u64)> {
    (1usize..60, 1usize..5, any::<u64>()).prop_map(|(n, width, seed)| {
        let mut random = Random(seed);
        let scales: Vec<f64> = (0..width).map(|_| 10f64.powi(random.below(17) as i32 - 8)).collect();
        let constant: Vec<bool> = (0..width).map(|_| random.below(4) == 0).collect();
        let mut x = random.matrix(n, width);
        for (mut column, (scale, constant)) in x.columns_mut().into_iter().zip(scales.iter().zip(constant)) {
            let first = column[0];
            column.mapv_inplace(|x| scale * if constant { first } else { x });
        }
        let weights = (0..n).map(|_| random.below(4) as f64).collect();
        (x, weights, seed)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_merge_to_the_whole((x, weights, seed) in rows(), partitions in 1usize..6, k in 1u32..5) {
        let whole = weighted_frame(&x, &weights);
        let n = x.nrows();
        let mut random = Random(seed ^ 1);
        let k = k.min(n as u32);
        let mut assignment: Vec<u32> = (0..n as u32).map(|i| i % k).collect();
        for i in (1..n).rev() {
            assignment.swap(i, random.below(i + 1));
        }
        let (mean, scatter) = two_pass(&x, Some(&weights));
        let total: f64 = weights.iter().sum();
        prop_assume!(total > 0.0);

        let cut = whole.repartition(partitions).unwrap();
        let data = Dataset::with_blocks(cut, Blocks::new(assignment, k).unwrap()).unwrap();
        for moments in [moments(&whole), data.aggregate::<Moments>(&spec()).unwrap(), {
            let parts = (0..k).map(|fold| data.select(Rows::only(fold)).aggregate::<Moments>(&spec()).unwrap());
            parts.reduce(|mut a, b| { a.merge(&b).unwrap(); a }).unwrap()
        }] {
            prop_assert_eq!(moments.rows(), n as u64);
            prop_assert_eq!(moments.weight_sum(), total);
            prop_assert_eq!(moments.weight_sq_sum(), weights.iter().map(|w| w * w).sum::<f64>());
            means_agree(moments.mean(), mean.view(), &scatter, total, 1e-12);
            let gap = scatter_gap(&moments.scatter(), &scatter);
            prop_assert!(gap < 1e-12, "scatter differs by {}", gap);
        }
        for factor in [factor(&whole), data.aggregate::<QrFactor>(&spec()).unwrap(), {
            let parts = (0..k).map(|fold| data.select(Rows::only(fold)).aggregate::<QrFactor>(&spec()).unwrap());
            parts.reduce(|mut a, b| { a.merge(&b).unwrap(); a }).unwrap()
        }] {
            prop_assert_eq!(factor.rows(), n as u64);
            prop_assert_eq!(factor.weight_sum(), total);
            prop_assert_eq!(factor.weight_sq_sum(), weights.iter().map(|w| w * w).sum::<f64>());
            prop_assert!(factor.r().indexed_iter().all(|((i, j), r)| i <= j || *r == 0.0));
            prop_assert!(factor.r().nrows() <= factor.r().ncols());
            means_agree(factor.mean(), mean.view(), &scatter, total, 1e-12);
            let gap = scatter_gap(&gram(&factor), &scatter);
            prop_assert!(gap < 1e-12, "RᵀR differs by {}", gap);
        }
    }

    #[test]
    fn empty_is_neutral_on_both_sides((x, weights, _) in rows()) {
        let frame = weighted_frame(&x, &weights);
        let whole = moments(&frame);
        let nothing = Moments::empty(&spec(), frame.schema()).unwrap();
        let (mut left, mut right) = (nothing.clone(), whole.clone());
        left.merge(&whole).unwrap();
        right.merge(&nothing).unwrap();
        for merged in [left, right] {
            prop_assert_eq!(json::to_value(&merged).unwrap(), json::to_value(&whole).unwrap());
        }
        let whole = factor(&frame);
        let nothing = QrFactor::empty(&spec(), frame.schema()).unwrap();
        let (mut left, mut right) = (nothing.clone(), whole.clone());
        left.merge(&whole).unwrap();
        right.merge(&nothing).unwrap();
        for merged in [left, right] {
            prop_assert!(scatter_gap(&gram(&merged), &gram(&whole)) < 1e-14);
            prop_assert_eq!(merged.mean(), whole.mean());
            prop_assert_eq!(merged.rows(), whole.rows());
        }
    }

    #[test]
    fn an_integer_weight_is_a_repeated_row((x, weights, _) in rows()) {
        prop_assume!(weights.iter().any(|w| *w > 0.0));
        let repeated: Vec<usize> =
            weights.iter().enumerate().flat_map(|(i, &w)| vec![i; w as usize]).collect();
        let repeated = x.select(Axis(0), &repeated);
        let oversampled = weighted_frame(&repeated, &vec![1.0; repeated.nrows()]);
        let (a, b) = (moments(&weighted_frame(&x, &weights)), moments(&oversampled));
        prop_assert_eq!(a.weight_sum(), b.weight_sum());
        prop_assert_eq!(a.rows(), x.nrows() as u64);
        means_agree(a.mean(), b.mean(), &b.scatter(), b.weight_sum(), 1e-12);
        prop_assert!(scatter_gap(&a.scatter(), &b.scatter()) < 1e-12);
        let (a, b) = (factor(&weighted_frame(&x, &weights)), factor(&oversampled));
        prop_assert!(scatter_gap(&gram(&a), &gram(&b)) < 1e-12);

        // No weight column and a column of ones are the same.
        let ones = Dataset::new(weighted_frame(&x, &vec![1.0; x.nrows()]));
        let plain = ones.aggregate::<Moments>(&MomentsSpec::new(["x"])).unwrap();
        let weighted = ones.aggregate::<Moments>(&spec()).unwrap();
        prop_assert_eq!(json::to_value(&plain).unwrap(), json::to_value(&weighted).unwrap());
    }

    #[test]
    fn rows_without_weight_do_not_count((x, weights, seed) in rows()) {
        prop_assume!(weights.iter().any(|w| *w > 0.0));
        // What a row without weight holds does not matter, be it ever so large, but it is a row.
        let mut random = Random(seed);
        let junk = random.matrix(7, x.ncols()) * 1e30;
        let all = concatenate(Axis(0), &[junk.view(), x.view(), junk.view()]).unwrap();
        let all_weights = [vec![0.0; 7], weights.clone(), vec![0.0; 7]].concat();
        let (a, b) = (moments(&weighted_frame(&all, &all_weights)), moments(&weighted_frame(&x, &weights)));
        prop_assert_eq!(a.rows(), b.rows() + 14);
        prop_assert_eq!(a.weight_sum(), b.weight_sum());
        means_agree(a.mean(), b.mean(), &b.scatter(), b.weight_sum(), 1e-12);
        prop_assert!(scatter_gap(&a.scatter(), &b.scatter()) < 1e-12);
        let a = factor(&weighted_frame(&all, &all_weights));
        prop_assert!(scatter_gap(&gram(&a), &b.scatter()) < 1e-12);
    }

    #[test]
    fn constants_have_no_variance(value in prop::num::f64::NORMAL, n in 1usize..300, cut in 1usize..9, seed: u64) {
        prop_assume!(value.abs() < 1e150);
        let mut random = Random(seed);
        let mut x = random.matrix(n, 3);
        x.column_mut(1).fill(value);
        let weights: Vec<f64> = (0..n).map(|_| random.next().abs()).collect();
        let frame = weighted_frame(&x, &weights).repartition(cut).unwrap();
        let found = moments(&frame);
        prop_assert_eq!(found.mean()[1], value);
        prop_assert!(found.scatter().column(1).iter().all(|x| *x == 0.0));
        let found = factor(&frame);
        prop_assert_eq!(found.mean()[1], value);
        prop_assert!(found.r().column(1).iter().all(|x| *x == 0.0), "{}", found.r());
    }

    #[test]
    fn state_survives_serialisation((x, weights, _) in rows()) {
        let frame = weighted_frame(&x, &weights);
        let (whole, also) = (moments(&frame), factor(&frame));
        let back: Moments = json::from_value(&json::to_value(&whole).unwrap()).unwrap();
        prop_assert_eq!(format!("{back:?}"), format!("{whole:?}"));
        let back: QrFactor = json::from_value(&json::to_value(&also).unwrap()).unwrap();
        prop_assert_eq!(format!("{back:?}"), format!("{also:?}"));
    }
}

/// Integers far from zero: their variance is known exactly.
#[test]
fn a_large_offset_costs_no_digits() {
    let (n, offset) = (20_000i64, 1_000_000i64);
    let mut random = Random(3);
    // Spread ±2 in steps of 2⁻²⁰, so that mean / std is about 1e6 and sums fit into 128 bits.
    let steps: Vec<[i64; 2]> = (0..n)
        .map(|_| {
            let a = (random.bits() >> 42) as i64 - (1 << 21);
            [a, a / 2 + (random.bits() >> 43) as i64 - (1 << 20)]
        })
        .collect();
    let x = Array2::from_shape_fn((n as usize, 2), |(i, j)| {
        offset as f64 + steps[i][j] as f64 / f64::from(1 << 20)
    });
    let frame = weighted_frame(&x, &vec![1.0; n as usize]);
    let exact = Array2::from_shape_fn((2, 2), |(a, b)| {
        let sum = |j: usize| steps.iter().map(|s| i128::from(s[j])).sum::<i128>();
        let products = steps.iter().map(|s| i128::from(s[a]) * i128::from(s[b])).sum::<i128>();
        let scaled = i128::from(n) * products - sum(a) * sum(b);
        scaled as f64 / n as f64 / 2f64.powi(40)
    });
    for partitions in [1, 7] {
        let frame = frame.repartition(partitions).unwrap();
        let gap = scatter_gap(&moments(&frame).scatter(), &exact);
        assert!(gap < 1e-11, "moments lose digits: {gap:e}");
        let gap = scatter_gap(&gram(&factor(&frame)), &exact);
        assert!(gap < 1e-11, "factors lose digits: {gap:e}");
    }
}

/// The last row of a tile and one more: tiles are cut from data that do not fit in one.
#[test]
fn many_tiles_are_one_summary() {
    let x = Random(5).matrix(9000, 40);
    let frame = weighted_frame(&x, &vec![1.0; 9000]);
    let (mean, scatter) = two_pass(&x, None);
    let found = moments(&frame);
    means_agree(found.mean(), mean.view(), &scatter, 9000.0, 1e-13);
    assert!(scatter_gap(&found.scatter(), &scatter) < 1e-13);
    assert!(scatter_gap(&gram(&factor(&frame)), &scatter) < 1e-13);
}

/// Tiles that lie far from the rows before them are centred by themselves before they are squared.
#[test]
fn rows_that_wander_off_cost_no_digits() {
    let (n, width) = (9000, 40);
    let noise = Random(6).matrix(n, width);
    let wander: [fn(f64) -> f64; 3] =
        [|t| 1e6 * t, |t| 1e5 * (8.0 * t).floor(), |t| if t < 0.9 { 0.0 } else { 1e6 }];
    for wander in wander {
        let x = Array2::from_shape_fn((n, width), |(i, j)| {
            3e6 + wander(i as f64 / n as f64) * (1.0 + j as f64) + noise[[i, j]]
        });
        let (mean, scatter) = two_pass(&x, None);
        let found = moments(&weighted_frame(&x, &vec![1.0; n]));
        means_agree(found.mean(), mean.view(), &scatter, n as f64, 1e-13);
        let gap = scatter_gap(&found.scatter(), &scatter);
        assert!(gap < 1e-13, "{gap:e}");
    }
}

#[test]
fn a_union_answers_both_and_is_projected_to_each() {
    let frame = crate::parts::frame(500, 3, 1);
    let data = Dataset::new(frame);
    let a = MomentsSpec::new(["label", "a"]);
    let b = MomentsSpec::new(["features", "a"]);
    let union = Moments::union(&a, &b).unwrap();
    assert_eq!(union, MomentsSpec::new(["label", "a", "features"]));
    let (whole, factor) =
        (data.aggregate::<Moments>(&union).unwrap(), data.aggregate::<QrFactor>(&union).unwrap());
    for spec in [&a, &b, &MomentsSpec::new(["features", "label"])] {
        let direct = data.aggregate::<Moments>(spec).unwrap();
        let projected = whole.project(&union, spec).unwrap();
        assert_eq!(projected.spans(), direct.spans());
        means_agree(projected.mean(), direct.mean(), &direct.scatter(), 500.0, 1e-13);
        assert!(scatter_gap(&projected.scatter(), &direct.scatter()) < 1e-13);
        let projected = factor.project(&union, spec).unwrap();
        assert_eq!(projected.spans(), direct.spans());
        assert_eq!(projected.r().dim(), (direct.mean().len(), direct.mean().len()));
        assert!(scatter_gap(&gram(&projected), &direct.scatter()) < 1e-13);
    }
    let weighted = a.clone().weighted_by(Some("weight"));
    assert!(Moments::union(&a, &weighted).is_none());
    assert!(whole.project(&union, &weighted).is_none());
    assert!(whole.project(&union, &MomentsSpec::new(["b"])).is_none());
    assert!(factor.project(&union, &MomentsSpec::new(["b"])).is_none());
}

#[test]
fn summaries_of_different_columns_do_not_merge() {
    let data = Dataset::new(crate::parts::frame(10, 1, 1));
    let mut a = data.aggregate::<Moments>(&MomentsSpec::new(["a"])).unwrap();
    let b = data.aggregate::<Moments>(&MomentsSpec::new(["b"])).unwrap();
    assert!(a.merge(&b).is_err());
}

#[test]
fn moments_are_those_of_another_implementation() {
    use ndarray_stats::{CorrelationExt, SummaryStatisticsExt};

    let mut random = Random(11);
    let x = Array2::from_shape_fn((300, 4), |(_, j)| 5.0 * j as f64 + (1.0 + j as f64) * random.next());
    let plain = moments(&weighted_frame(&x, &[1.0; 300]));
    let covariance = x.t().cov(1.0).unwrap();
    assert!(scatter_gap(&(plain.scatter() / 299.0), &covariance) < 1e-12);

    let weights = Array1::from_shape_fn(300, |i| f64::from(1 + i as u32 % 5));
    let weighted = moments(&weighted_frame(&x, weights.as_slice().unwrap()));
    let mean = x.weighted_mean_axis(Axis(0), &weights).unwrap();
    means_agree(weighted.mean(), mean.view(), &weighted.scatter(), weights.sum(), 1e-13);
    // Divided by the sum of the weights.
    let variance = x.weighted_var_axis(Axis(0), &weights, 0.0).unwrap();
    for (found, expected) in weighted.sums_of_squares().iter().zip(&variance) {
        assert!((found / weights.sum() - expected).abs() < 1e-12 * expected, "{found}, {expected}");
    }
}

#[test]
fn variance_of_few_rows() {
    let one = weighted_frame(&Array2::from_elem((1, 1), 2.5), &[1.0]);
    assert!(moments(&one).sample_variance()[0].is_nan());
    let none = weighted_frame(&Array2::zeros((0, 2)), &[]);
    let found = moments(&none);
    assert_eq!((found.rows(), found.weight_sum()), (0, 0.0));
    assert!(found.sample_variance().iter().all(|v| v.is_nan()));
    let two = weighted_frame(&Array1::from(vec![1.0, 3.0]).insert_axis(Axis(1)), &[1.0, 1.0]);
    assert_eq!(moments(&two).sample_variance()[0], 2.0);
}
