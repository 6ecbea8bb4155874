//! Moments of more features than rows, which hold the rows.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Affine, Blocks, Dataset, Moments, MomentsSpec, Need, QrFactor, Rows, Summary};
use ndarray::{Array1, Array2, Axis};

use crate::parts::{Random, scatter_gap, two_pass};

const WIDTH: usize = 700;

fn frame(rows: usize, seed: u64) -> (Array2<f64>, Vec<f64>, DataFrame) {
    let mut random = Random(seed);
    let mut x = random.matrix(rows, WIDTH);
    x.column_mut(3).fill(0.1);
    x.column_mut(5).mapv_inplace(|x| 1e6 + x);
    let weights: Vec<f64> = (0..rows).map(|i| (i % 4) as f64 * 0.5).collect();
    let frame =
        DataFrame::from_columns(vec![("x", Column::vector(x.clone())), ("w", Column::f64(weights.clone()))]);
    (x, weights, frame.unwrap())
}

fn spec() -> MomentsSpec {
    MomentsSpec::new(["x"]).weighted_by(Some("w"))
}

#[test]
fn few_rows_are_held_and_many_are_multiplied_out() {
    for rows in [1, 2, 90, WIDTH + 300] {
        let (x, weights, frame) = frame(rows, 7);
        let (mean, mut scatter) = two_pass(&x, Some(&weights));
        // Two passes take the rounding of the mean for variance of the constant column.
        scatter.row_mut(3).fill(0.0);
        scatter.column_mut(3).fill(0.0);
        for partitions in [1, 3] {
            let data = Dataset::new(frame.repartition(partitions).unwrap());
            let found = data.aggregate::<Moments>(&spec()).unwrap();
            let positive = weights.iter().filter(|w| **w > 0.0).count();
            assert_eq!(found.centred_rows().map(|rows| rows.nrows()), (positive < WIDTH).then_some(positive));
            assert_eq!((found.rows(), found.weight_sum()), (rows as u64, weights.iter().sum::<f64>()));
            if positive > 0 {
                // Where products are merged, the mean of 1e6 is known to ε of itself, in units of a deviation of 1.
                let tolerance = if positive < WIDTH { 1e-12 } else { 1e6 * f64::EPSILON };
                assert!(scatter_gap(&found.scatter(), &scatter) < tolerance);
                let gap = &found.mean() - &mean;
                assert!(gap.iter().zip(&mean).all(|(gap, mean)| gap.abs() <= 1e-12 * mean.abs().max(1.0)));
                let squares = found.sums_of_squares();
                assert_eq!(squares[3], 0.0);
                assert!(squares.iter().zip(scatter.diag()).all(|(a, b)| (a - b).abs() <= tolerance * b));
                let part = found.scatter_between("x", "x").unwrap();
                assert!(scatter_gap(&part, &scatter) < tolerance);
            }
        }
    }
}

#[test]
fn training_sets_are_merged_from_folds() {
    let (x, weights, frame) = frame(120, 3);
    let folds = Blocks::new((0..120).map(|i| i % 5).collect(), 5).unwrap();
    let data = Dataset::with_blocks(frame, folds).unwrap();
    let parts: Vec<Moments> =
        (0..5).map(|fold| data.select(Rows::only(fold)).aggregate::<Moments>(&spec()).unwrap()).collect();
    for left_out in 0..5 {
        let mut merged: Option<Moments> = None;
        for (_, part) in parts.iter().enumerate().filter(|(fold, _)| *fold != left_out) {
            match &mut merged {
                Some(merged) => merged.merge(part).unwrap(),
                None => merged = Some(part.clone()),
            }
        }
        let merged = merged.unwrap();
        let chosen: Vec<usize> = (0..120).filter(|i| i % 5 != left_out).collect();
        let weights: Vec<f64> = chosen.iter().map(|&i| weights[i]).collect();
        let (_, scatter) = two_pass(&x.select(Axis(0), &chosen), Some(&weights));
        assert!(scatter_gap(&merged.scatter(), &scatter) < 1e-12);
        assert!(merged.centred_rows().is_some());
    }
}

#[test]
fn they_go_through_affine_maps_and_are_selected() {
    let (x, weights, frame) = frame(60, 9);
    let mut random = Random(1);
    for outputs in [4, 600] {
        let matrix = random.matrix(WIDTH, outputs);
        let offset = Array1::from_elem(outputs, 2.0);
        let map = Affine::dense("x", "z", matrix.clone(), offset);
        let found = Dataset::new(frame.clone()).aggregate::<Moments>(&spec()).unwrap();
        let to = MomentsSpec::new(["z", "x"]).weighted_by(Some("w"));
        let lifted = found.lift(&to, &map).unwrap().unwrap();
        let (mean, scatter) = two_pass(&(x.dot(&matrix) + 2.0), Some(&weights));
        let alone = lifted.project(&to, &MomentsSpec::new(["z"]).weighted_by(Some("w"))).unwrap();
        assert_eq!(alone.centred_rows().is_some(), outputs > 512);
        // The column of a million costs six digits of the rows' sums, not of the lifted deviations.
        assert!(scatter_gap(&alone.scatter(), &scatter) < 1e-8);
        assert!((&alone.mean() - &mean).iter().all(|gap| gap.abs() < 1e-7));
    }
}

#[test]
fn memory_is_that_of_the_rows() {
    let (_, _, frame) = frame(10, 1);
    let bytes = |need: &Need, rows| need.bytes(frame.schema(), rows).unwrap();
    for need in [Need::summary::<Moments>(spec()), Need::summary::<QrFactor>(spec())] {
        assert_eq!(bytes(&need, 10), 8 * 10 * WIDTH);
        assert_eq!(bytes(&need, 1_000_000), 8 * WIDTH * WIDTH);
    }
}

#[test]
fn vanished_squares_are_noticed() {
    let of = |x: Vec<f64>, w: Vec<f64>| {
        let frame = DataFrame::from_columns(vec![("x", Column::f64(x)), ("w", Column::f64(w))]).unwrap();
        Dataset::new(frame.repartition(2).unwrap()).aggregate::<Moments>(&spec()).unwrap()
    };
    let message = |x: Vec<f64>, w: Vec<f64>| of(x, w).require_visible(&["x"]).unwrap_err().to_string();
    let ones = || vec![1.0; 4];
    assert!(message(vec![1e-170, 2e-170, 3e-170, 5e-170], ones()).contains("too little to be squared"));
    assert!(message(vec![1e-170, 1e-170, 3e-170, 3e-170], ones()).contains("`x`"));
    assert!(message(vec![1.0, 2.0, 3.0, 5.0], vec![1e-200; 4]).contains("weights are too small"));
    of(vec![1e-170; 4], ones()).require_visible(&["x"]).unwrap();
    of(vec![0.0, 1e-170, 0.0, 1.0], ones()).require_visible(&["x"]).unwrap();
    of(vec![1e-100, 2e-100, 3e-100, 5e-100], ones()).require_visible(&["x"]).unwrap();
    of(vec![0.0, 1.0, 2.0, 4.0], vec![1e-200, 1.0, 1.0, 1.0]).require_visible(&["x"]).unwrap();
}
