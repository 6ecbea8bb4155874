//! Where it is hard for the two ways to agree.

use luthier::prelude::*;

use super::shape::Shape;
use super::{compare, cross_validation};
use crate::data::metric;

fn shape(seed: u64) -> Shape {
    Shape {
        seed,
        rows: 47,
        features: 4,
        vector: 4,
        offset: 0.0,
        scales: vec![0],
        collinear: None,
        noise: 0.1,
        partitions: 3,
    }
}

#[test]
fn a_lasso_of_nearly_collinear_features() {
    for seed in 0..20 {
        let shape = Shape { collinear: Some(1e-4), ..shape(seed) };
        let mut pipeline = Pipeline::new();
        pipeline.add("lr", LinearRegression::new().reg_param(1e-9).elastic_net_param(1.0));
        let search = cross_validation(pipeline, ParamGrid::new(), metric(RegressionMetric::Mse));
        compare(&search, &shape.frame(), 1e-9, &format!("{shape:?}")).unwrap();
    }
}

#[test]
fn dependent_columns_far_from_zero() {
    for seed in 0..20 {
        let shape = Shape { offset: -1e3, noise: 1.0, ..shape(seed) };
        let mut pipeline = Pipeline::new();
        pipeline.add("scaler", StandardScaler::new().with_mean(true).with_std(false).output_col("centred"));
        let both = VectorAssembler::new().input_cols(["centred", "c0"].map(String::from));
        pipeline.add_transformer("assembler", both.output_col("both"));
        pipeline.add("lr", LinearRegression::new().features_col("both"));
        let search = cross_validation(pipeline, ParamGrid::new(), RegressionEvaluator::new());
        compare(&search, &shape.frame(), 1e-9, &format!("{shape:?}")).unwrap();
    }
}
