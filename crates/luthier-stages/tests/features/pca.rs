//! Principal axes: digits, fewer rows than features, and what they cost.

#![allow(clippy::excessive_precision, reason = "the digits are as they were computed elsewhere")]

use std::sync::Arc;

use luthier_core::{Dataset, Estimator, FitContext, Transformer, Work, WorkCounter};
use luthier_stages::{Pca, PcaModel, StandardScaler};
use ndarray::{Array1, Array2, Axis};

use crate::of_vectors;

fn entry(i: usize, j: usize) -> f64 {
    ((i * 7919 + j * 104_729 + i * j * 31) % 1000) as f64 / 1000.0 - 0.5
}

fn counted<E: Estimator>(configs: &[E], rows: Array2<f64>, partitions: usize) -> (Vec<E::Model>, Work) {
    let work = Arc::new(WorkCounter::default());
    let frame = of_vectors(rows).repartition(partitions).unwrap();
    let data = Dataset::new(frame).counted_by(Arc::clone(&work));
    let models = E::fit_many(configs, &data, &FitContext::new(0, Arc::clone(&work)));
    (models.into_iter().map(Result::unwrap).collect(), work.snapshot())
}

fn of(ks: &[usize], rows: Array2<f64>, partitions: usize) -> (Vec<PcaModel>, Work) {
    let configs: Vec<Pca> = ks.iter().map(|&k| Pca::new().k(k)).collect();
    counted(&configs, rows, partitions)
}

/// Eigenvalues and eigenvectors of the covariance, computed with 60 digits by mpmath 1.3.
const SHARES: [f64; 4] = [
    0.999_999_999_999_995_84,
    1.989_464_869_962_099_1e-15,
    1.509_898_005_565_727_2e-15,
    6.618_113_496_053_789_4e-16,
];
const AXES: [[f64; 4]; 4] = [
    [0.182_574_185_876_521_46, 0.365_148_371_830_095_22, 0.547_722_558_093_117_16, 0.730_296_742_808_899_44],
    [
        -0.422_220_561_480_951_43,
        0.772_369_764_724_555_77,
        -0.469_148_962_489_158_4,
        0.071_231_980_159_130_201,
    ],
    [
        0.853_285_071_151_619_61,
        0.399_664_880_773_321_43,
        -0.155_031_348_338_434_75,
        -0.296_880_197_147_922_16,
    ],
    [-0.245_562_724_093_073_55, 0.332_234_248_935_313_19, 0.675_177_407_340_948_46, -0.611_109_499_997_219_7],
];

fn with_a_far_row() -> Array2<f64> {
    Array2::from_shape_fn((60, 4), |(i, j)| if i == 0 { 1e7 * (j + 1) as f64 } else { entry(i, j) })
}

#[test]
fn a_far_row_costs_few_digits() {
    for partitions in [1, 4] {
        let (models, work) = of(&[4, 2, 1], with_a_far_row(), partitions);
        for (model, k) in models.iter().zip([4, 2, 1]) {
            for i in 0..k {
                let share = model.explained_variance()[i];
                assert!((share / SHARES[i] - 1.0).abs() < 1e-8, "{share:e} instead of {:e}", SHARES[i]);
                let gap = &model.components().column(i) - &Array1::from(AXES[i].to_vec());
                assert!(gap.iter().all(|v| v.abs() < 1e-8), "axis {i}: {gap}");
            }
        }
        // The covariance for k = 1, and the factor once for the other two.
        assert_eq!((work.factorisations, work.guarded, work.rows_read, work.passes), (2, 1, 120, 2));
    }
}

#[test]
fn components_with_few_digits_are_named() {
    let notes = |far: f64, k: usize| {
        let mut rows = with_a_far_row();
        rows.row_mut(0).mapv_inplace(|x| x / 1e7 * far);
        of(&[k], rows, 1).0[0].describe().notes().to_vec()
    };
    assert_eq!(notes(1e7, 4), []);
    assert_eq!(notes(1e9, 1), []);
    let told = notes(1e9, 4);
    assert_eq!(told[0].subjects, ["pc2", "pc3", "pc4"], "{told:?}");
    assert!(told[0].message.contains("components pc2 to pc4"), "{told:?}");
}

#[test]
fn a_candidate_gets_the_same_bits_alone() {
    let (together, _) = of(&[1, 2, 4], with_a_far_row(), 2);
    for (k, model) in [1, 2, 4].into_iter().zip(together) {
        assert_eq!(of(&[k], with_a_far_row(), 2).0[0], model);
    }
}

#[test]
fn ordinary_rows_and_constants_need_one_decomposition() {
    let rows = Array2::from_shape_fn((80, 5), |(i, j)| if j == 2 { 3.0 } else { entry(i, j) });
    let (_, work) = of(&[1, 3, 5], rows, 2);
    assert_eq!((work.factorisations, work.guarded, work.rows_read), (1, 0, 80));
    // Fewer rows than features: what does not vary is known not to.
    let (_, work) = of(&[1, 10], Array2::from_shape_fn((6, 10), |(i, j)| entry(i, j)), 1);
    assert_eq!((work.factorisations, work.guarded, work.rows_read), (1, 0, 6));
}

#[test]
fn more_features_than_rows_are_decomposed_as_rows() {
    let rows = Array2::from_shape_fn((30, 900), |(i, j)| entry(i, j) * (1 + j % 4) as f64);
    let (models, work) = of(&[3, 29, 40], rows.clone(), 3);
    assert_eq!((work.factorisations, work.guarded, work.rows_read, work.passes), (1, 0, 30, 1));
    let centred = &rows - &rows.mean_axis(Axis(0)).unwrap();
    let total = centred.iter().map(|x| x * x).sum::<f64>();
    for model in &models {
        let axes = model.components();
        let k = axes.ncols();
        let gram = axes.t().dot(&axes);
        assert!((&gram - &Array2::<f64>::eye(k)).iter().all(|v| v.abs() < 1e-12), "{k}");
        for (i, axis) in axes.columns().into_iter().enumerate() {
            let along = centred.dot(&axis);
            let share = along.dot(&along) / total;
            assert!((share - model.explained_variance()[i]).abs() < 1e-14);
            // An eigenvector of the scatter.
            let image = centred.t().dot(&along) - &(&axis * along.dot(&along));
            assert!(image.iter().all(|v| v.abs() < 1e-10 * total), "{i} of {k}");
        }
    }
}

#[test]
fn a_scaler_of_many_features_takes_two_numbers_of_each() {
    let rows = Array2::from_shape_fn((40, 2000), |(i, j)| if j == 7 { 0.1 } else { entry(i, j) + 1e3 });
    let mean = rows.mean_axis(Axis(0)).unwrap();
    let std = rows.std_axis(Axis(0), 1.0);
    for partitions in [1, 3] {
        let (models, work) = counted(&[StandardScaler::new()], rows.clone(), partitions);
        assert!((&models[0].mean() - &mean).iter().all(|gap| gap.abs() < 1e-10));
        assert!((&models[0].std() - &std).iter().all(|gap| gap.abs() < 1e-12));
        assert_eq!(models[0].std()[7], 0.0);
        assert_eq!((work.rows_read, work.passes), (40, 1));
    }
    let plan = StandardScaler::new().plan(of_vectors(rows).schema());
    assert_eq!(plan.needs().iter().map(|need| need.name()).collect::<Vec<_>>(), ["spread"]);
}
