//! Bad input is an error before any fit, and the error says what to do.

use luthier::core::Blocks;
use luthier::prelude::*;
use luthier::tune::{CandidateResult, Error, Split, Splitter};
use ndarray::Array2;

use crate::data::{diabetes, pca_and_regression, scene};
use crate::probe::{Constant, fits};

/// A pipeline whose last stage counts fits.
fn probed() -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.add("pca", Pca::new().k(2).output_col("components"));
    pipeline.add("probe", Constant::new());
    pipeline
}

/// The error of a search over these values, which has fitted nothing.
#[track_caller]
fn refused(grid: ParamGrid, data: &DataFrame) -> Error {
    let search = CrossValidator::new(probed(), grid, RegressionEvaluator::new());
    let error = search.fit(data).unwrap_err();
    assert_eq!(fits(), 0, "something was fitted before: {error}");
    error
}

#[track_caller]
fn assert_says(error: &Error, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "no {part:?} in {message:?}");
    }
}

#[test]
fn good_input_is_fitted_and_the_fits_are_counted() {
    let search = CrossValidator::new(probed(), ParamGrid::new(), RegressionEvaluator::new());
    search.fit(&scene(60, 4, 2)).unwrap();
    assert_eq!(fits(), 3 + 1);
}

#[test]
fn an_unknown_stage_is_answered_with_the_nearest() {
    let error = refused(ParamGrid::new().add_by_name("pac.k", [2]), &scene(60, 4, 2));
    assert_says(
        &error,
        &["candidate 0", "the stage `pac` does not exist", "did you mean `pca`?", "`pca`, `probe`"],
    );
}

#[test]
fn a_path_without_a_stage_is_explained() {
    let error = refused(ParamGrid::new().add_by_name("k", [2]), &scene(60, 4, 2));
    assert_says(&error, &["`k` does not name a stage", "stage.parameter", "`pca`, `probe`"]);
}

#[test]
fn an_unknown_parameter_is_answered_with_the_nearest() {
    let error = refused(ParamGrid::new().add_by_name("pca.outputCol", ["x"]), &scene(60, 4, 2));
    assert_says(
        &error,
        &["pca", "outputCol", "did you mean `output_col`?", "k, input_col, output_col, center"],
    );
}

#[test]
fn a_value_out_of_range_is_an_error_for_any_candidate() {
    let error = refused(ParamGrid::new().add_by_name("probe.millis", [0, 2000]), &scene(60, 4, 2));
    assert_says(&error, &["candidate 1", "probe", "`millis` = 2000", "in [0, 1000]"]);
    let error = refused(ParamGrid::new().add_by_name("pca.k", [1, 0]), &scene(60, 4, 2));
    assert_says(&error, &["candidate 1", "pca", "`k` = 0", ">= 1"]);
}

#[test]
fn a_value_of_the_wrong_type_is_an_error() {
    let error = refused(ParamGrid::new().add_by_name("pca.k", ["two"]), &scene(60, 4, 2));
    assert_says(&error, &["candidate 0", "pca", "`k`", "\"two\"", "integer"]);
    let error = refused(ParamGrid::new().add_by_name("pca.k", [2.5]), &scene(60, 4, 2));
    assert_says(&error, &["candidate 0", "pca", "`k`", "2.5", "integer"]);
}

#[test]
fn a_choice_lists_the_choices() {
    let error = refused(ParamGrid::new().add_by_name("probe.mood", ["fien"]), &scene(60, 4, 2));
    assert_says(&error, &["probe", "`mood`", "fien", "fine", "fails", "panics"]);
}

#[test]
fn an_empty_grid_is_an_error() {
    let error = refused(ParamGrid::new().add_by_name("pca.k", [0; 0]), &scene(60, 4, 2));
    assert!(matches!(&error, Error::EmptyGrid { address } if address == "pca.k"), "{error:?}");
    assert_says(&error, &["no values for `pca.k`", "give at least one"]);
}

#[test]
fn more_components_than_features_is_an_error() {
    let error = refused(ParamGrid::new().add_by_name("pca.k", [2, 5]), &scene(60, 4, 2));
    assert_says(&error, &["candidate 1", "pca", "k = 5", "`features`", "4 features"]);
}

#[test]
fn parameters_that_contradict_each_other_fail_their_candidate_alone() {
    let lr = LinearRegression::new().reg_param(0.1);
    let grid = ParamGrid::new()
        .add(LinearRegression::LOSS, [Loss::Huber, Loss::SquaredError])
        .add(LinearRegression::ELASTIC_NET_PARAM, [1.0, 0.0]);
    let search = CrossValidator::new(lr.clone(), grid, RegressionEvaluator::new());
    for sharing in [Sharing::On, Sharing::Off] {
        let tuned = search.clone().sharing(sharing).fit(&scene(60, 4, 2)).unwrap();
        let result = tuned.result();
        let failed = |c: &CandidateResult| c.folds.iter().all(|fold| fold.error.is_some());
        assert_eq!(result.candidates.iter().map(failed).collect::<Vec<_>>(), [true, false, false, false]);
        assert_eq!((result.candidates[0].rank, result.candidates[0].scored_folds), (4, 0));
        let note = result.notes.last().unwrap().to_string();
        assert!(
            note.starts_with("candidate 0 on folds 0-2 (3 times): ") && note.contains("Huber loss"),
            "{note}"
        );
    }
    let plan = search.explain(&scene(60, 4, 2)).unwrap();
    assert!(plan.contains("not fitted 1 candidate, of which the first is candidate 0: "), "{plan}");

    let only = [ParamMap::new().with("loss", "huber").with("elastic_net_param", 1.0)];
    let error = CrossValidator::new(lr, only, RegressionEvaluator::new()).fit(&scene(60, 4, 2)).unwrap_err();
    assert_says(&error, &["candidate 0", "huber"]);
}

/// Leaves the last row out of its folds.
#[derive(Debug)]
struct Short;

impl Splitter for Short {
    fn split(&self, frame: &DataFrame, _seed: u64) -> anyhow::Result<Split> {
        let folds = Blocks::new((0..2).cycle().take(frame.num_rows() - 1).collect(), 2)?;
        Ok(Split::hold_out(folds, [0, 1]))
    }

    fn num_rounds(&self) -> Option<usize> {
        Some(2)
    }
}

#[test]
fn a_split_that_cannot_be_used_is_an_error_that_names_the_splitter() {
    let search = CrossValidator::new(probed(), ParamGrid::new(), RegressionEvaluator::new()).splitter(Short);
    let error = search.fit(&scene(60, 4, 2)).unwrap_err();
    assert_says(&error, &["splitter `Short`", "the split has 59 rows, but the frame has 60"]);
    assert_eq!(fits(), 0);
}

#[test]
fn a_missing_column_is_an_error() {
    let error = refused(ParamGrid::new().add_by_name("probe.label_col", ["labels"]), &scene(60, 4, 2));
    assert_says(&error, &["probe", "labels", "label"]);
    let without_label = scene(60, 4, 2).drop(&["label"]).unwrap();
    let (pipeline, grid) = pca_and_regression(&[2], &[0.1]);
    let search = CrossValidator::new(pipeline, grid, RegressionEvaluator::new());
    assert_says(&search.fit(&without_label).unwrap_err(), &["label", "features"]);
}

#[test]
fn a_column_of_words_is_no_label() {
    let words = Column::utf8((0..60).map(|row| row.to_string()));
    let data = scene(60, 4, 2).drop(&["label"]).unwrap().with_column("label", words).unwrap();
    assert_says(&refused(ParamGrid::new(), &data), &["`label`", "numeric"]);
}

#[test]
fn a_required_parameter_without_value_is_an_error() {
    let mut pipeline = Pipeline::new();
    pipeline.add("pca", Pca::new());
    pipeline.add("probe", Constant::new());
    let search = CrossValidator::new(pipeline, ParamGrid::new(), RegressionEvaluator::new());
    assert_says(&search.fit(&scene(60, 4, 2)).unwrap_err(), &["pca", "`k`", "required"]);
    assert_eq!(fits(), 0);
}

#[test]
fn two_stages_of_one_name_are_an_error() {
    let mut pipeline = probed();
    pipeline.add("pca", Pca::new().k(1).output_col("more"));
    let search = CrossValidator::new(pipeline, ParamGrid::new(), RegressionEvaluator::new());
    assert_says(&search.fit(&scene(60, 4, 2)).unwrap_err(), &["two stages are named `pca`"]);
    assert_eq!(fits(), 0);
}

#[test]
fn one_fold_alone_is_an_error() {
    let folds = Column::i64(vec![2; 60]);
    let data = scene(60, 4, 2).with_column("fold", folds).unwrap();
    let search = CrossValidator::new(probed(), ParamGrid::new(), RegressionEvaluator::new()).fold_col("fold");
    assert_says(
        &search.fit(&data).unwrap_err(),
        &["column `fold` has 1 different values", "expected at least 2"],
    );
    assert_eq!(fits(), 0);
}

#[test]
fn more_folds_than_rows_is_an_error() {
    let search = CrossValidator::new(probed(), ParamGrid::new(), RegressionEvaluator::new()).num_folds(50);
    assert_says(&search.fit(&scene(20, 4, 2)).unwrap_err(), &["20 rows", "50 folds", "num_folds"]);
    let search = CrossValidator::new(probed(), ParamGrid::new(), RegressionEvaluator::new()).num_folds(1);
    assert_says(&search.fit(&scene(20, 4, 2)).unwrap_err(), &["num_folds", "= 1", ">= 2"]);
    let search = TrainValidationSplit::new(probed(), ParamGrid::new(), RegressionEvaluator::new());
    assert_says(&search.train_ratio(1.5).fit(&scene(20, 4, 2)).unwrap_err(), &["train_ratio", "1.5"]);
    assert_eq!(fits(), 0);
}

#[test]
fn a_frame_without_rows_is_an_error() {
    let none = scene(20, 4, 1).head(0);
    assert_says(&refused(ParamGrid::new(), &none), &["no rows"]);
}

#[test]
fn a_label_that_is_not_a_number_is_named_by_column_and_row() {
    let bad = [(Some(f64::NAN), "NaN"), (Some(f64::INFINITY), "inf"), (None, "null")];
    for (value, found) in bad {
        for partitions in [1, 3] {
            let data = scene(60, 4, 1);
            let mut label: Vec<Option<f64>> =
                data.column_f64("label").unwrap().into_iter().map(Some).collect();
            label[41] = value;
            let data = data.drop(&["label"]).unwrap();
            let data = data.with_column("label", Column::f64_nullable(label)).unwrap();
            let data = data.repartition(partitions).unwrap();
            assert_says(&refused(ParamGrid::new(), &data), &["`label`", "row 41", found]);
        }
    }
}

#[test]
fn a_feature_that_is_not_a_number_is_named_by_column_and_row() {
    for value in [f64::NAN, f64::NEG_INFINITY] {
        let mut x = Array2::from_shape_fn((30, 3), |(i, j)| ((i * 7 + j * 3) % 11) as f64);
        x[[17, 2]] = value;
        let data = DataFrame::from_ndarray(x, vec![1.0; 30]).unwrap().repartition(2).unwrap();
        assert_says(&refused(ParamGrid::new(), &data), &["`features`", "row 17"]);
    }
}

#[test]
fn a_negative_weight_is_named_by_column_and_row() {
    let data = diabetes();
    let mut weights = data.column_f64("weight").unwrap();
    weights[100] = -1.0;
    let data = data.drop(&["weight"]).unwrap().with_column("weight", Column::f64(weights)).unwrap();
    let lr = LinearRegression::new().weight_col("weight");
    let search = CrossValidator::new(lr, ParamGrid::new(), RegressionEvaluator::new());
    assert_says(&search.fit(&data).unwrap_err(), &["`weight`", "row 100", "-1"]);
}

/// Vectors that were put together before, in Rust, and searches of a single stage.
#[test]
fn no_label_is_in_vectors_that_the_frame_has_already() {
    let columns = vec![
        ("a", Column::f64((0..30).map(|i| f64::from(i % 7)).collect())),
        ("label", Column::f64((0..30).map(|i| f64::from(i % 5)).collect())),
    ];
    let plain = DataFrame::from_columns(columns).unwrap();
    let assembler = VectorAssembler::new().input_cols(["a", "label"]);
    for leaking in
        [plain.with_vector("features", &["label", "a"]).unwrap(), assembler.transform(&plain).unwrap()]
    {
        let single = LinearRegression::new();
        let pipeline = Pipeline::new().stage("lr", LinearRegression::new());
        let grid = || ParamGrid::new().add_by_name("reg_param", [0.0, 1.0]);
        let of_stage = CrossValidator::new(single.clone(), grid(), RegressionEvaluator::new());
        let in_pipeline = ParamGrid::new().add_by_name("lr.reg_param", [0.0, 1.0]);
        let of_pipeline = CrossValidator::new(pipeline.clone(), in_pipeline, RegressionEvaluator::new());
        for error in [
            single.fit_frame(&leaking).unwrap_err().to_string(),
            pipeline.fit_frame(&leaking).unwrap_err().to_string(),
            of_stage.fit(&leaking).unwrap_err().to_string(),
            of_pipeline.fit(&leaking).unwrap_err().to_string(),
        ] {
            assert!(
                error.contains("`label` cannot be a feature, because it is the label")
                    && error.contains("`features`"),
                "{error}"
            );
        }
        // Whoever predicts another column may have it among the features.
        let other = leaking.with_column("y", Column::f64((0..30).map(f64::from).collect())).unwrap();
        single.clone().label_col("y").fit_frame(&other).unwrap();
    }
    let fine = plain.with_vector("features", &["a"]).unwrap();
    LinearRegression::new().fit_frame(&fine).unwrap();
}
