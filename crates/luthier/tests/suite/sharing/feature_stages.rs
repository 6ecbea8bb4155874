//! Searches with stages that make features.

use luthier::prelude::*;
use luthier::tune::Search;
use ndarray::Array2;

use super::{compare, cross_validation};
use crate::data::{Random, metric, scene};

/// Numbers with missing values, a constant, categories of which some are rare, and a label.
fn mixed(rows: usize, partitions: usize) -> DataFrame {
    let mut random = Random::new(11);
    let colors = ["red", "green", "blue", "grey", "teal"];
    // The last one is in one row alone: in the training rows of its fold it is not there.
    let color: Vec<usize> =
        (0..rows).map(|i| if i == 7 { 4 } else { (8.0 * (random.uniform() + 0.5)) as usize % 4 }).collect();
    let age: Vec<f64> = (0..rows).map(|_| (40.0 + 60.0 * random.uniform()).round()).collect();
    let vectors = Array2::from_shape_fn((rows, 3), |(_, j)| if j == 1 { 2.5 } else { random.uniform() });
    let label: Vec<f64> =
        (0..rows).map(|i| 0.1 * age[i] + color[i] as f64 + vectors[[i, 0]] + random.uniform()).collect();
    let frame = DataFrame::from_columns(vec![
        ("age", Column::f64_nullable((0..rows).map(|i| (i % 6 != 1).then_some(age[i])).collect())),
        ("features", Column::vector(vectors)),
        ("color", Column::utf8(color.iter().map(|&i| colors[i]))),
        ("label", Column::f64(label)),
    ]);
    frame.and_then(|frame| frame.repartition(partitions)).unwrap()
}

fn search(pipeline: Pipeline, grid: ParamGrid) -> Search {
    cross_validation(pipeline, grid, metric(RegressionMetric::Rmse))
}

#[test]
fn raw_columns_agree() {
    for handle_invalid in [HandleInvalid::Keep, HandleInvalid::Skip] {
        let mut numbers = Pipeline::new();
        numbers.add("impute", Imputer::new().indicator_cols(["wanted"]));
        numbers.add("scale", RobustScaler::new().with_centering(true));
        let mut colors = Pipeline::new();
        colors.add("index", StringIndexer::new().handle_invalid(handle_invalid));
        colors.add("encode", OneHotEncoder::new());
        let prepare = ColumnTransformer::new().output_col("all").columns("numbers", ["age"], numbers);
        let prepare = prepare.columns("colors", ["color"], colors).passthrough(["features"]);
        let mut pipeline = Pipeline::new();
        pipeline.add("prepare", prepare.build().unwrap());
        let lr = pipeline.add("lr", LinearRegression::new().features_col("all"));
        let grid = ParamGrid::new()
            .add_by_name("prepare.numbers.impute.strategy", ["mean", "median", "mode"])
            .add_by_name("prepare.colors.encode.drop_last", [true, false])
            .add(lr.at(LinearRegression::REG_PARAM), [0.1, 1.0]);
        let search = search(pipeline, grid);
        compare(&search, &mixed(120, 3), 1e-9, &format!("{handle_invalid:?}")).unwrap();
        // Cut otherwise, the same bits.
        let [a, b] = [1, 5].map(|parts| search.fit(&mixed(120, parts)).unwrap());
        for (a, b) in a.result.candidates.iter().zip(&b.result.candidates) {
            assert!((a.mean - b.mean).abs() <= 1e-9 * a.mean, "{} {}", a.mean, b.mean);
        }
    }
}

/// One pass answers what the stage and the regression behind it ask of all folds.
#[test]
fn affine_stages_share_one_pass_among_folds() {
    let data = scene(500, 8, 2);
    let grid = |pipeline: &mut Pipeline, features_col: &str| {
        let lr = pipeline.add("lr", LinearRegression::new().features_col(features_col));
        ParamGrid::new().add(lr.at(LinearRegression::REG_PARAM), [0.0, 0.1])
    };
    for i in 0..5 {
        let mut pipeline = Pipeline::new();
        let output = match i {
            0 => (pipeline.add("s", MinMaxScaler::new()), "scaled_features").1,
            1 => (pipeline.add("s", MaxAbsScaler::new()), "scaled_features").1,
            2 => (pipeline.add("s", RobustScaler::new().with_centering(true)), "scaled_features").1,
            3 => {
                (
                    pipeline.add("s", VarianceThresholdSelector::new().variance_threshold(0.12)),
                    "selected_features",
                )
                    .1
            }
            _ => (pipeline.add_transformer("s", VectorSlicer::new().indices([6, 1, 2])), "sliced_features").1,
        };
        let grid = grid(&mut pipeline, output);
        let search = search(pipeline, grid);
        let (on, off) = compare(&search, &data, 1e-9, output).unwrap();
        assert_eq!((on.rows_read, on.passes), (500, 1), "{i}: {on:?}");
        assert_eq!(on.evaluations_without_rows, on.evaluations);
        assert!(off.rows_read > 500 * 5);
    }
}

/// Categories are counted once for all folds; behind the encoder rows have to be read.
#[test]
fn categories_are_counted_once() {
    let mut pipeline = Pipeline::new();
    let index = StringIndexer::new().input_cols(["color"]).output_cols(["index"]);
    pipeline.add("index", index.handle_invalid(HandleInvalid::Keep));
    pipeline.add("encode", OneHotEncoder::new().input_cols(["index"]).output_cols(["hot"]));
    let lr = pipeline.add("lr", LinearRegression::new().features_col("hot"));
    let work = |values: &[f64]| {
        let grid = ParamGrid::new().add(lr.at(LinearRegression::REG_PARAM), values.iter().copied());
        search(pipeline.clone(), grid).fit(&mixed(120, 2)).unwrap().result.work
    };
    let (few, many) = (work(&[0.1]), work(&[0.1, 0.2, 0.3, 0.4]));
    // All rows once for the counts, the training rows of 3 folds and all rows of the refit for the regression,
    // validation rows for the metric: other candidates cost no more.
    assert_eq!(few.rows_read, many.rows_read);
    assert_eq!(many.fits, few.fits + 9);
}
