//! Sparse vectors stay sparse, and say what dense ones would.

use luthier_core::frame::{Column, DataFrame, SparseBuilder};
use luthier_core::{EstimatorExt, Transformer};
use luthier_stages::{
    MaxAbsScaler, Normalizer, RobustScaler, StandardScaler, VarianceThresholdSelector, VectorAssembler,
    VectorSlicer,
};
use ndarray::Array2;
use proptest::prelude::*;

fn both(rows: &Array2<f64>) -> [DataFrame; 2] {
    let mut sparse = SparseBuilder::new(rows.ncols());
    for row in rows.outer_iter() {
        row.iter().enumerate().for_each(|(j, x)| sparse.push(j, *x));
        sparse.end_row();
    }
    let number = Column::f64((0..rows.nrows()).map(|i| i as f64).collect());
    [Column::vector(rows.clone()), Column::sparse(sparse)]
        .map(|column| DataFrame::from_columns(vec![("features", column), ("x", number.clone())]).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_computed_of_sparse_vectors_is_sparse(
        cells in proptest::collection::vec(prop_oneof![3 => Just(0.0), 2 => -5.0..5.0f64], 12..300), p in 1u32..4,
    ) {
        let rows = cells.len() / 6;
        let mut rows = Array2::from_shape_vec((rows, 6), cells[..rows * 6].to_vec()).unwrap();
        // Something varies.
        rows[[0, 0]] = 1.0;
        rows[[1, 0]] = 2.0;
        let [dense, sparse] = both(&rows);
        let fitted = |frame: &DataFrame| -> Vec<(Box<dyn Transformer>, &str)> {
            vec![
                (Box::new(MaxAbsScaler::new().fit_frame(frame).unwrap()), "scaled_features"),
                (Box::new(RobustScaler::new().fit_frame(frame).unwrap()), "scaled_features"),
                (Box::new(StandardScaler::new().fit_frame(frame).unwrap()), "scaled_features"),
                (Box::new(VarianceThresholdSelector::new().fit_frame(frame).unwrap()), "selected_features"),
                (Box::new(VectorSlicer::new().indices([4, 0, 5])), "sliced_features"),
                (Box::new(Normalizer::new().p(f64::from(p))), "normalized_features"),
                (Box::new(VectorAssembler::new().input_cols(["x", "features"]).output_col("v")), "v"),
            ]
        };
        for ((a, output), (b, _)) in fitted(&dense).into_iter().zip(fitted(&sparse)) {
            let out = b.transform(&sparse).unwrap();
            let field = out.schema().require(output).unwrap();
            prop_assert!(field.is_sparse(), "{output} of {b:?}");
            prop_assert_eq!(out.schema(), &b.transform_schema(sparse.schema()).unwrap());
            let (dense, sparse) = (a.transform(&dense).unwrap(), out.vectors(output).unwrap());
            let dense = dense.vectors(output).unwrap();
            prop_assert_eq!(dense.dim(), sparse.dim());
            for (a, b) in dense.iter().zip(&sparse) {
                prop_assert!((a - b).abs() <= 1e-13 * (1.0 + a.abs()), "{a} is not {b}");
            }
        }
    }
}
