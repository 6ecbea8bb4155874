//! Every built-in part keeps the contract that parts of other crates have to keep.

use std::collections::BTreeSet;

use luthier_core::Value;
use luthier_core::frame::{Column, DataFrame, parse_timestamp};
use luthier_core::params::ParamType;
use luthier_core::registry::{self, EvaluatorEntry, StageEntry};
use luthier_stages::{
    Binarizer, BinaryClassificationEvaluator, BinaryMetric, Bucketizer, DateParts, HandleInvalid, Imputer,
    ImputerStrategy, IndexToString, LinearRegression, LogisticRegression, Loss, MaxAbsScaler, MinMaxScaler,
    MulticlassClassificationEvaluator, MulticlassMetric, MultilabelClassificationEvaluator, MultilabelMetric,
    Normalizer, OneHotEncoder, Pca, PolynomialExpansion, QuantileDiscretizer, RankingEvaluator,
    RankingMetric, RegressionEvaluator, RegressionMetric, RobustScaler, Solver, StandardScaler,
    StringIndexer, StringOrderType, UnseenIndex, VarianceThresholdSelector, VectorAssembler, VectorSlicer,
};
use luthier_testkit::{
    Findings, StageCheck, check_estimator, check_evaluator, check_summary, check_transformer, sample_frame,
};

fn passes(result: Result<(), Findings>) {
    if let Err(findings) = result {
        panic!("{findings}");
    }
}

/// All values of an enumeration.
fn all<M: ParamType>() -> Vec<M> {
    let value = |name: &&str| M::from_value(&Value::from((*name).to_owned())).unwrap();
    M::choices().iter().map(value).collect()
}

/// The stages that are checked below.
const STAGES: &[&str] = &[
    "binarizer",
    "bucketizer",
    "date_parts",
    "imputer",
    "index_to_string",
    "linear_regression",
    "logistic_regression",
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

/// The evaluators that are checked below.
const EVALUATORS: &[&str] = &[
    "binary_classification",
    "multiclass_classification",
    "multilabel_classification",
    "ranking",
    "regression",
];

#[test]
fn none_is_left_out() {
    let mut stages: BTreeSet<&str> = registry::entries::<StageEntry>().unwrap().into_keys().collect();
    stages.remove("pipeline"); // of the core, not of this crate
    assert_eq!(stages, STAGES.iter().copied().collect());
    let evaluators: BTreeSet<&str> = registry::entries::<EvaluatorEntry>().unwrap().into_keys().collect();
    assert_eq!(evaluators, EVALUATORS.iter().copied().collect());
}

#[test]
fn scalers() {
    let frame = sample_frame();
    for (with_mean, with_std) in [(true, true), (false, true), (true, false)] {
        passes(check_estimator(&StandardScaler::new().with_mean(with_mean).with_std(with_std), &frame));
        passes(check_estimator(
            &RobustScaler::new().with_centering(with_mean).with_scaling(with_std),
            &frame,
        ));
    }
    passes(check_estimator(&MinMaxScaler::new().min(-1.0), &frame));
    passes(check_estimator(&MaxAbsScaler::new(), &frame));
    for p in [1.0, 2.0, 3.5, f64::INFINITY] {
        passes(check_transformer(&Normalizer::new().p(p), &frame));
    }
}

#[test]
fn selections_and_expansions() {
    let frame = sample_frame();
    passes(check_transformer(&VectorAssembler::new().input_cols(["x", "features"]).output_col("v"), &frame));
    passes(check_transformer(&VectorSlicer::new().indices([3, 0]), &frame));
    passes(check_transformer(&PolynomialExpansion::new().degree(3), &frame));
    passes(check_estimator(&VarianceThresholdSelector::new().variance_threshold(0.2), &frame));
    let pca = Pca::new().k(2);
    passes(
        StageCheck::estimator(&pca, &frame)
            .sibling(&pca.clone().k(4))
            .sibling(&pca.clone().center(true))
            .run(),
    );
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
fn dates() {
    let frame = sample_frame();
    let text = |i: usize| format!("20{:02}-{:02}-{:02}T{:02}:30:15", i % 40, i % 12 + 1, i % 28 + 1, i % 24);
    let texts: Vec<String> = (0..frame.num_rows()).map(text).collect();
    let times = texts.iter().map(|text| parse_timestamp(text).map(|(time, _)| time)).collect();
    let frame = frame.with_column("text", Column::utf8(&texts)).unwrap();
    let frame = frame.with_column("time", Column::timestamp_nullable(times)).unwrap();
    for handle_invalid in [HandleInvalid::Error, HandleInvalid::Skip, HandleInvalid::Keep] {
        for cyclic in [false, true] {
            let stage =
                DateParts::new().input_cols(["text", "time"]).handle_invalid(handle_invalid).cyclic(cyclic);
            passes(check_transformer(&stage, &frame));
        }
    }
}

#[test]
fn single_numbers() {
    let frame = sample_frame();
    passes(check_transformer(&Binarizer::new().input_col("x").threshold(3.0), &frame));
    for handle_invalid in [HandleInvalid::Error, HandleInvalid::Skip, HandleInvalid::Keep] {
        let bucketizer = Bucketizer::new().input_col("x").handle_invalid(handle_invalid);
        passes(check_transformer(&bucketizer.clone().splits([0.0, 3.0, 3.5, 10.0]), &frame));
        let narrow = [f64::NEG_INFINITY, 3.0, f64::INFINITY];
        passes(check_transformer(&bucketizer.splits(narrow), &frame));
        let quantiles =
            QuantileDiscretizer::new().input_col("x").num_buckets(5).handle_invalid(handle_invalid);
        passes(check_estimator(&quantiles, &frame));
    }
    for strategy in
        [ImputerStrategy::Mean, ImputerStrategy::Median, ImputerStrategy::Mode, ImputerStrategy::Constant]
    {
        let imputer =
            Imputer::new().input_cols(["x", "features"]).output_cols(["x2", "f2"]).strategy(strategy);
        passes(check_estimator(&imputer, &frame));
        passes(check_estimator(&imputer.indicator_cols(["x3", "f3"]), &frame));
    }
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
fn logistic_regression() {
    let frame = sample_frame().drop(&["prediction"]).unwrap();
    for label in ["binary", "class"] {
        let plain = LogisticRegression::new().label_col(label).reg_param(0.1).tol(1e-12);
        let lasso = plain.clone().elastic_net_param(1.0).reg_param(0.02);
        for stage in [
            plain.clone(),
            plain.clone().weight_col("weight").standardization(false),
            plain.clone().fit_intercept(false),
            lasso.clone(),
        ] {
            let check =
                StageCheck::estimator(&stage, &frame).sibling(&lasso).sibling(&plain.clone().reg_param(2.0));
            passes(check.tolerance(1e-6).run());
        }
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

/// Scores and probabilities of two classes, probabilities of three, and sets of labels.
fn scored() -> DataFrame {
    let frame = sample_frame();
    let class = frame.column_f64("class").unwrap();
    let score = frame.column_f64("prediction").unwrap();
    let chance = |i: usize| 1.0 / (1.0 + (-score[i]).exp());
    let n = score.len();
    let two = ndarray::Array2::from_shape_fn((n, 2), |(i, k)| if k == 1 { score[i] } else { -score[i] });
    let chances =
        ndarray::Array2::from_shape_fn((n, 2), |(i, k)| if k == 1 { chance(i) } else { 1.0 - chance(i) });
    let three = ndarray::Array2::from_shape_fn((n, 3), |(i, k)| if k == i % 3 { 0.5 } else { 0.25 });
    let labels = (0..n).map(|i| vec![i as i64 % 3, 5 + i as i64 % 2]);
    let guesses = (0..n).map(|i| (0..(i as i64 % 4)).map(|k| (k * 5 + i as i64) % 7).collect::<Vec<_>>());
    let guessed = (0..n).map(|i| if i % 4 == 0 { 0.0 } else { class[i] }).collect();
    frame
        .with_column("raw_prediction", Column::vector(two))
        .and_then(|f| f.with_column("probability", Column::vector(chances)))
        .and_then(|f| f.with_column("probabilities", Column::vector(three)))
        .and_then(|f| f.with_column("labels", Column::lists(labels)))
        .and_then(|f| f.with_column("guesses", Column::lists(guesses)))
        .and_then(|f| f.with_column("guess", Column::f64(guessed)))
        .unwrap()
}

#[test]
fn binary_evaluator() {
    for metric in all::<BinaryMetric>() {
        let evaluator = BinaryClassificationEvaluator::new().metric(metric).label_col("binary");
        passes(check_evaluator(&evaluator, &scored()));
        passes(check_evaluator(&evaluator.clone().weight_col("weight"), &scored()));
        passes(check_evaluator(&evaluator.num_bins(7).raw_prediction_col("prediction"), &scored()));
    }
}

#[test]
fn multiclass_evaluator() {
    for metric in all::<MulticlassMetric>() {
        let evaluator = MulticlassClassificationEvaluator::new().metric(metric).label_col("class");
        let evaluator = evaluator.prediction_col("guess").probability_col("probabilities");
        passes(check_evaluator(&evaluator, &scored()));
        passes(check_evaluator(&evaluator.weight_col("weight"), &scored()));
    }
}

#[test]
fn evaluators_of_lists() {
    for metric in all::<MultilabelMetric>() {
        let evaluator = MultilabelClassificationEvaluator::new().metric(metric).label_col("labels");
        passes(check_evaluator(&evaluator.prediction_col("guesses"), &scored()));
    }
    for metric in all::<RankingMetric>() {
        let evaluator = RankingEvaluator::new().metric(metric).label_col("labels").k(3);
        passes(check_evaluator(&evaluator.prediction_col("guesses"), &scored()));
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
}
