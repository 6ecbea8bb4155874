//! Every built-in part keeps the contract that parts of other crates have to keep.

use std::collections::BTreeSet;

use luthier_core::registry::{self, StageEntry};
use luthier_stages::{
    Binarizer, Bucketizer, HandleInvalid, Imputer, ImputerStrategy, IndexToString, LinearRegression, Loss,
    MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder, Pca, PolynomialExpansion, QuantileDiscretizer,
    RegressionEvaluator, RegressionMetric, RobustScaler, Solver, StandardScaler, StringIndexer,
    StringOrderType, UnseenIndex, VarianceThresholdSelector, VectorAssembler, VectorSlicer,
};
use luthier_testkit::{
    Findings, StageCheck, check_estimator, check_evaluator, check_summary, check_transformer, sample_frame,
};

fn passes(result: Result<(), Findings>) {
    if let Err(findings) = result {
        panic!("{findings}");
    }
}

/// The names of those that are checked below.
const CHECKED: &[&str] = &[
    "binarizer",
    "bucketizer",
    "imputer",
    "index_to_string",
    "linear_regression",
    "max_abs_scaler",
    "min_max_scaler",
    "normalizer",
    "one_hot_encoder",
    "pca",
    "polynomial_expansion",
    "quantile_discretizer",
    "robust_scaler",
    "standard_scaler",
    "string_indexer",
    "variance_threshold_selector",
    "vector_assembler",
    "vector_slicer",
];

#[test]
fn none_is_left_out() {
    let mut registered: BTreeSet<&str> = registry::entries::<StageEntry>().unwrap().into_keys().collect();
    registered.remove("pipeline"); // of the core, not of this crate
    assert_eq!(registered, CHECKED.iter().copied().collect());
}

#[test]
fn features() {
    let frame = sample_frame();
    passes(check_transformer(&VectorAssembler::new().input_cols(["x", "features"]).output_col("v"), &frame));
    for (with_mean, with_std) in [(true, true), (false, true), (true, false)] {
        passes(check_estimator(&StandardScaler::new().with_mean(with_mean).with_std(with_std), &frame));
    }
    let pca = Pca::new().k(2);
    passes(
        StageCheck::estimator(&pca, &frame)
            .sibling(&pca.clone().k(4))
            .sibling(&pca.clone().center(true))
            .run(),
    );
}

#[test]
fn scalers_and_selectors() {
    let frame = sample_frame();
    passes(check_estimator(&MinMaxScaler::new().min(-1.0).max(3.0), &frame));
    passes(check_estimator(&MinMaxScaler::new().input_col("x"), &frame));
    passes(check_estimator(&MaxAbsScaler::new(), &frame));
    passes(check_estimator(&RobustScaler::new(), &frame));
    let centred = RobustScaler::new().with_centering(true).lower(0.1).upper(0.8);
    passes(StageCheck::estimator(&centred, &frame).sibling(&RobustScaler::new().with_scaling(false)).run());
    let selector = VarianceThresholdSelector::new();
    passes(check_estimator(&selector, &frame));
    passes(StageCheck::estimator(&selector.clone().variance_threshold(2.0), &frame).sibling(&selector).run());
    passes(check_transformer(&VectorSlicer::new().indices([3, 0]), &frame));
}

#[test]
fn features_of_features() {
    let frame = sample_frame();
    for p in [1.0, 2.0, 3.0, f64::INFINITY] {
        passes(check_transformer(&Normalizer::new().p(p), &frame));
    }
    passes(check_transformer(&PolynomialExpansion::new().degree(3), &frame));
    for column in ["features", "x"] {
        passes(check_transformer(&Binarizer::new().input_col(column).threshold(2.5), &frame));
    }
    for handle_invalid in [HandleInvalid::Error, HandleInvalid::Skip, HandleInvalid::Keep] {
        let bucketizer =
            Bucketizer::new().input_col("x").splits([f64::NEG_INFINITY, 2.5, 3.0, f64::INFINITY]);
        passes(check_transformer(&bucketizer.handle_invalid(handle_invalid), &frame));
        let quantiles = QuantileDiscretizer::new().input_col("x").num_buckets(5);
        passes(check_estimator(&quantiles.handle_invalid(handle_invalid), &frame));
    }
    for strategy in
        [ImputerStrategy::Mean, ImputerStrategy::Median, ImputerStrategy::Mode, ImputerStrategy::Constant]
    {
        let imputer = Imputer::new().input_cols(["x", "features"]).output_cols(["a", "b"]).strategy(strategy);
        passes(check_estimator(&imputer, &frame));
        passes(check_estimator(&imputer.missing_value(0.5).indicator_cols(["c", "d"]), &frame));
    }
}

#[test]
fn categories() {
    let frame = sample_frame();
    for handle_invalid in [HandleInvalid::Error, HandleInvalid::Skip, HandleInvalid::Keep] {
        let indexer = StringIndexer::new().input_cols(["color", "class"]).output_cols(["c", "d"]);
        let indexer = indexer.handle_invalid(handle_invalid);
        let sibling = indexer.clone().string_order_type(StringOrderType::AlphabetDesc);
        passes(StageCheck::estimator(&indexer, &frame).sibling(&sibling).run());
    }
    for handle_invalid in [UnseenIndex::Error, UnseenIndex::Keep] {
        for drop_last in [true, false] {
            let encoder = OneHotEncoder::new().input_cols(["class", "binary"]).output_cols(["c", "d"]);
            passes(check_estimator(&encoder.handle_invalid(handle_invalid).drop_last(drop_last), &frame));
        }
    }
    passes(check_transformer(&IndexToString::new().input_col("class").labels(["a", "b", "c"]), &frame));
}

#[test]
fn linear_regression() {
    let frame = sample_frame().drop(&["prediction"]).unwrap();
    let plain = LinearRegression::new();
    let lasso = plain.clone().reg_param(0.1).elastic_net_param(1.0);
    for stage in [
        plain.clone(),
        plain.clone().weight_col("weight").reg_param(0.3),
        lasso.clone(),
        plain.clone().solver(Solver::LBfgs).reg_param(0.1),
        plain.clone().loss(Loss::Huber),
    ] {
        let check =
            StageCheck::estimator(&stage, &frame).sibling(&lasso).sibling(&plain.clone().reg_param(2.0));
        passes(check.tolerance(1e-6).run());
    }
}

#[test]
fn regression_evaluator() {
    for metric in [
        RegressionMetric::Rmse,
        RegressionMetric::Mse,
        RegressionMetric::R2,
        RegressionMetric::Mae,
        RegressionMetric::Var,
    ] {
        let evaluator = RegressionEvaluator::new().metric(metric);
        passes(check_evaluator(&evaluator, &sample_frame()));
        passes(check_evaluator(&evaluator.weight_col("weight"), &sample_frame()));
    }
}

#[test]
fn summaries() {
    use luthier_core::{Moments, MomentsSpec, QrFactor};
    let frame = sample_frame();
    let (a, b) = (MomentsSpec::new(["features", "label"]), MomentsSpec::new(["x"]));
    passes(check_summary::<Moments>(&a, &b, &frame));
    passes(check_summary::<Moments>(&a.clone().weighted_by(Some("weight")), &b, &frame));
    passes(check_summary::<QrFactor>(&a, &b, &frame));
    use luthier_stages::{CategoryCounts, CategorySpec, Extremes, FeatureSpec, FeatureSummary, Spread};
    let (a, b) = (FeatureSpec::new(["features", "x"], ()), FeatureSpec::new(["x"], ()));
    passes(check_summary::<FeatureSummary<Extremes>>(&a, &b, &frame));
    passes(check_summary::<FeatureSummary<Spread>>(&a, &b, &frame));
    let (a, b) = (CategorySpec::new(["color", "class"]), CategorySpec::new(["binary"]));
    passes(check_summary::<CategoryCounts>(&a, &b, &frame));
}
