//! The examples of Spark's documentation, and small cases computed by hand.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{EstimatorExt, Transformer};
use luthier_stages::{
    Binarizer, Bucketizer, HandleInvalid, Imputer, ImputerStrategy, IndexToString, MaxAbsScaler,
    MinMaxScaler, Normalizer, OneHotEncoder, PolynomialExpansion, QuantileDiscretizer, RobustScaler,
    StringIndexer, StringIndexerModel, StringOrderType, UnseenIndex, VarianceThresholdSelector, VectorSlicer,
};
use ndarray::{Array2, array};

use crate::{of_numbers, of_vectors, through};

fn close(found: &Array2<f64>, expected: &Array2<f64>) {
    assert_eq!(found.dim(), expected.dim());
    assert!((found - expected).iter().all(|e| e.abs() < 1e-15), "{found} is not {expected}");
}

#[test]
fn min_max_scaler() {
    let frame = of_vectors(array![[1.0, 0.1, -1.0], [2.0, 1.1, 1.0], [3.0, 10.1, 3.0]]);
    let out = through(&MinMaxScaler::new(), &frame).vectors("scaled_features").unwrap();
    close(&out, &array![[0.0, 0.0, 0.0], [0.5, 0.1, 0.5], [1.0, 1.0, 1.0]]);
    let constant = of_vectors(array![[4.0, 1.0, f64::NAN], [4.0, 3.0, f64::NAN], [4.0, f64::NAN, f64::NAN]]);
    let model = MinMaxScaler::new().min(-5.0).max(5.0).fit_frame(&constant).unwrap();
    let out = model.transform(&constant).unwrap().vectors("scaled_features").unwrap();
    assert_eq!(out.column(0).to_vec(), [0.0; 3]);
    assert_eq!(out.column(1).to_vec()[..2], [-5.0, 5.0]);
    assert!(out[[2, 1]].is_nan() && out.column(2).iter().all(|x| x.is_nan()));
    // Beyond what was seen.
    let out = model.transform(&of_vectors(array![[9.0, 4.0, 1.0]])).unwrap();
    let out = out.vectors("scaled_features").unwrap();
    assert_eq!((out[[0, 0]], out[[0, 1]]), (0.0, 10.0));
}

#[test]
fn max_abs_scaler() {
    let frame = of_vectors(array![[1.0, 0.1, -8.0], [2.0, 1.0, -4.0], [4.0, 10.0, 8.0]]);
    let out = through(&MaxAbsScaler::new(), &frame).vectors("scaled_features").unwrap();
    close(&out, &array![[0.25, 0.01, -1.0], [0.5, 0.1, -0.5], [1.0, 1.0, 1.0]]);
    let zeros = of_vectors(array![[0.0], [0.0]]);
    assert_eq!(
        through(&MaxAbsScaler::new(), &zeros).vectors("scaled_features").unwrap(),
        array![[0.0], [0.0]]
    );
}

#[test]
fn robust_scaler() {
    let frame = of_vectors(array![[0.0, 7.0], [1.0, 7.0], [2.0, 7.0], [3.0, 7.0], [4.0, 7.0]]);
    let model = RobustScaler::new().with_centering(true).fit_frame(&frame).unwrap();
    assert_eq!((model.median().to_vec(), model.range().to_vec()), (vec![2.0, 7.0], vec![2.0, 0.0]));
    let out = model.transform(&frame).unwrap().vectors("scaled_features").unwrap();
    assert_eq!(out, array![[-1.0, 0.0], [-0.5, 0.0], [0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]);
    let plain =
        through(&RobustScaler::new().lower(0.0).upper(1.0), &frame).vectors("scaled_features").unwrap();
    assert_eq!(plain.column(0).to_vec(), [0.0, 0.25, 0.5, 0.75, 1.0]);
    // Of an even number the lower of the two in the middle, as in Spark.
    let even = RobustScaler::new().fit_frame(&of_vectors(array![[1.0], [2.0], [3.0], [40.0]])).unwrap();
    assert_eq!((even.median()[0], even.range()[0]), (2.0, 2.0));
}

#[test]
fn normalizer() {
    let frame = of_vectors(array![[1.0, 0.5, -1.0], [2.0, 1.0, 1.0], [4.0, 10.0, 2.0], [0.0, 0.0, 0.0]]);
    let out =
        |p: f64| Normalizer::new().p(p).transform(&frame).unwrap().vectors("normalized_features").unwrap();
    let ones = array![[0.4, 0.2, -0.4], [0.5, 0.25, 0.25], [0.25, 0.625, 0.125], [0.0, 0.0, 0.0]];
    close(&out(1.0), &ones);
    let largest = array![[1.0, 0.5, -1.0], [1.0, 0.5, 0.5], [0.4, 1.0, 0.2], [0.0, 0.0, 0.0]];
    close(&out(f64::INFINITY), &largest);
    for p in [2.0, 3.0] {
        let norms = out(p).map_axis(ndarray::Axis(1), |row| row.iter().map(|x| x.abs().powf(p)).sum::<f64>());
        assert!((norms - array![1.0, 1.0, 1.0, 0.0]).iter().all(|e| e.abs() < 1e-14));
    }
    let far = of_vectors(array![[3e200, 4e200], [3e-200, 4e-200], [f64::NAN, 1.0]]);
    let out = Normalizer::new().transform(&far).unwrap().vectors("normalized_features").unwrap();
    close(&out.slice(ndarray::s![..2, ..]).to_owned(), &array![[0.6, 0.8], [0.6, 0.8]]);
    assert!(out.row(2).iter().all(|x| x.is_nan()));
}

#[test]
fn binarizer() {
    let stage = Binarizer::new().threshold(0.5);
    let out = stage.transform(&of_numbers("feature", &[0.1, 0.8, 0.2, 0.5, f64::NAN])).unwrap();
    assert_eq!(out.column_f64("binarized_feature").unwrap(), [0.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn polynomial_expansion() {
    let frame = of_vectors(array![[2.0, 1.0], [0.0, 0.0], [3.0, -1.0]]);
    let out =
        PolynomialExpansion::new().degree(3).transform(&frame).unwrap().vectors("poly_features").unwrap();
    let expected = array![
        [2.0, 4.0, 8.0, 1.0, 2.0, 4.0, 1.0, 2.0, 1.0],
        [0.0; 9],
        [3.0, 9.0, 27.0, -1.0, -3.0, -9.0, 1.0, 3.0, -1.0]
    ];
    assert_eq!(out, expected);
}

#[test]
fn selectors() {
    let frame = of_vectors(array![
        [6.0, 7.0, 0.0, 7.0, 6.0, 0.0],
        [0.0, 9.0, 6.0, 0.0, 5.0, 9.0],
        [0.0, 9.0, 3.0, 0.0, 5.0, 5.0],
        [0.0, 9.0, 8.0, 5.0, 6.0, 4.0],
        [8.0, 9.0, 6.0, 5.0, 4.0, 4.0],
        [8.0, 9.0, 6.0, 0.0, 0.0, 0.0]
    ]);
    let model = VarianceThresholdSelector::new().variance_threshold(8.0).fit_frame(&frame).unwrap();
    assert_eq!(model.selected_features(), [0, 2, 3, 5]);
    let out = model.transform(&frame).unwrap().vectors("selected_features").unwrap();
    assert_eq!(out.row(0).to_vec(), [6.0, 0.0, 7.0, 0.0]);
    let sliced = VectorSlicer::new().indices([5, 1]).transform(&frame).unwrap();
    assert_eq!(sliced.vectors("sliced_features").unwrap().row(1).to_vec(), [9.0, 9.0]);
}

#[test]
fn buckets() {
    let inf = f64::INFINITY;
    let stage = Bucketizer::new().splits([-inf, -0.5, 0.0, 0.5, inf]);
    let frame = of_numbers("feature", &[-999.9, -0.5, -0.3, 0.0, 0.2, 999.9]);
    let out = stage.transform(&frame).unwrap();
    assert_eq!(out.column_f64("bucket").unwrap(), [0.0, 1.0, 1.0, 2.0, 2.0, 3.0]);
    let closed = Bucketizer::new().splits([0.0, 1.0, 2.0]);
    let out = closed.transform(&of_numbers("feature", &[0.0, 1.0, 2.0])).unwrap();
    assert_eq!(out.column_f64("bucket").unwrap(), [0.0, 1.0, 1.0], "the last bucket has its upper end");

    let hours = DataFrame::from_columns(vec![(
        "feature",
        Column::f64_nullable(vec![
            Some(18.0),
            Some(19.0),
            Some(8.0),
            None,
            Some(5.0),
            Some(2.2),
            Some(f64::NAN),
        ]),
    )])
    .unwrap();
    let stage = QuantileDiscretizer::new().num_buckets(3);
    let keep = through(&stage.clone().handle_invalid(HandleInvalid::Keep), &hours);
    assert_eq!(keep.column_f64("bucket").unwrap(), [2.0, 2.0, 1.0, 3.0, 1.0, 0.0, 3.0]);
    let skip = through(&stage.clone().handle_invalid(HandleInvalid::Skip), &hours);
    assert_eq!(skip.column_f64("bucket").unwrap(), [2.0, 2.0, 1.0, 1.0, 0.0]);
    // Equal quantiles are one split.
    let model = stage.num_buckets(4).fit_frame(&of_numbers("feature", &[1.0, 1.0, 1.0, 1.0, 2.0])).unwrap();
    assert_eq!(model.splits(), [-inf, 1.0, inf]);
}

#[test]
fn imputer() {
    let nan = f64::NAN;
    let frame = DataFrame::from_columns(vec![
        ("a", Column::f64(vec![1.0, 2.0, nan, 4.0, 5.0])),
        ("b", Column::f64_nullable(vec![None, Some(nan), Some(3.0), Some(4.0), Some(5.0)])),
        ("v", Column::vector(array![[1.0, nan], [1.0, 6.0], [2.0, 6.0], [nan, 5.0], [9.0, 1.0]])),
    ])
    .unwrap();
    let stage = Imputer::new().input_cols(["a", "b", "v"]).output_cols(["A", "B", "V"]);
    let surrogates = |stage: Imputer| {
        stage.fit_frame(&frame).unwrap().surrogates().iter().flatten().copied().collect::<Vec<_>>()
    };
    assert_eq!(surrogates(stage.clone()), [3.0, 4.0, 3.25, 4.5]);
    assert_eq!(surrogates(stage.clone().strategy(ImputerStrategy::Median)), [2.0, 4.0, 1.0, 5.0]);
    assert_eq!(surrogates(stage.clone().strategy(ImputerStrategy::Mode)), [1.0, 3.0, 1.0, 6.0]);
    let constant = stage.clone().strategy(ImputerStrategy::Constant).fill_value(-1.0);
    assert_eq!(surrogates(constant), [-1.0; 4]);
    let out = through(&stage.clone().indicator_cols(["ma", "mb", "mv"]), &frame);
    assert_eq!(out.column_f64("A").unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(out.column_f64("B").unwrap(), [4.0, 4.0, 3.0, 4.0, 5.0]);
    assert_eq!(out.column_f64("mb").unwrap(), [1.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(out.vectors("V").unwrap().row(3).to_vec(), [3.25, 5.0]);
    assert_eq!(out.vectors("mv").unwrap().column(0).to_vec(), [0.0, 0.0, 0.0, 1.0, 0.0]);
    // Another missing value: NaN stays where it is and does not count.
    let out = through(&Imputer::new().input_cols(["b"]).output_cols(["B"]).missing_value(5.0), &frame);
    let b = out.column_f64("B").unwrap();
    assert_eq!((b[0], b[2], b[3], b[4]), (3.5, 3.0, 4.0, 3.5));
    assert!(b[1].is_nan());
}

#[test]
fn whole_numbers_are_the_categories_that_they_were_as_integers_or_floats() {
    let indexer = StringIndexer::new().input_cols(["k"]).output_cols(["i"]);
    let indexer = indexer.string_order_type(StringOrderType::AlphabetAsc);
    let frame = |column: Column| DataFrame::from_columns(vec![("k", column)]).unwrap();
    let (integers, floats) =
        (frame(Column::i64(vec![1, 2, 10_000_000])), frame(Column::f64(vec![1.0, 2.0, 1e7])));
    let texts = frame(Column::utf8(["1", "1.0", "2"]));
    let index = |model: &StringIndexerModel, frame: &DataFrame| {
        model.transform(frame).unwrap().column_f64("i").unwrap().to_vec()
    };
    let of_integers = indexer.fit_frame(&integers).unwrap();
    assert_eq!(of_integers.labels(), [["1", "10000000", "2"]]);
    assert_eq!(index(&of_integers, &floats), [0.0, 2.0, 1.0]);
    let of_floats = indexer.fit_frame(&floats).unwrap();
    assert_eq!(of_floats.labels(), [["1.0", "1.0E7", "2.0"]]);
    assert_eq!(index(&of_floats, &integers), [0.0, 2.0, 1.0]);
    // Texts are what they are; where both are there, each number is its own.
    assert!(of_integers.transform(&texts).unwrap_err().to_string().contains("row 1: found `1.0`"));
    let of_texts = indexer.fit_frame(&texts).unwrap();
    assert_eq!(index(&of_texts, &frame(Column::i64(vec![1, 2]))), [0.0, 2.0]);
    assert_eq!(index(&of_texts, &frame(Column::f64(vec![1.0, 2.0]))), [1.0, 2.0]);
    let fraction = of_integers.transform(&frame(Column::f64(vec![1.5]))).unwrap_err().to_string();
    assert!(fraction.contains("found `1.5`"), "{fraction}");
}

#[test]
fn string_indexer_and_back() {
    let frame = DataFrame::from_columns(vec![
        ("category", Column::utf8(["a", "b", "c", "a", "a", "c"])),
        ("number", Column::f64(vec![2.0, 10.0, 2.0, 1e10, 10.0, 2.0])),
        ("whole", Column::i64(vec![2, 10, 2, 3, 10, 2])),
        ("flag", Column::bool(vec![true, false, true, true, true, false])),
    ])
    .unwrap();
    let names = ["category", "number", "whole", "flag"];
    let stage = StringIndexer::new().input_cols(names).output_cols(["i0", "i1", "i2", "i3"]);
    let model = stage.fit_frame(&frame).unwrap();
    assert_eq!(model.labels()[0], ["a", "c", "b"]);
    assert_eq!(model.labels()[1], ["2.0", "10.0", "1.0E10"]);
    assert_eq!(model.labels()[2], ["2", "10", "3"]);
    assert_eq!(model.labels()[3], ["true", "false"]);
    let out = model.transform(&frame).unwrap();
    assert_eq!(out.column_f64("i0").unwrap(), [0.0, 2.0, 1.0, 0.0, 0.0, 1.0]);
    let back = IndexToString::new().input_col("i0").output_col("back").transform(&out).unwrap();
    assert_eq!(back.column_utf8("back").unwrap(), ["a", "b", "c", "a", "a", "c"]);
    let labels = |order: StringOrderType| {
        stage.clone().string_order_type(order).fit_frame(&frame).unwrap().labels()[0].clone()
    };
    assert_eq!(labels(StringOrderType::FrequencyAsc), ["b", "c", "a"]);
    assert_eq!(labels(StringOrderType::AlphabetDesc), ["c", "b", "a"]);
    assert_eq!(labels(StringOrderType::AlphabetAsc), ["a", "b", "c"]);
    let ties = DataFrame::from_columns(vec![("category", Column::utf8(["z", "y", "z", "y", "x"]))]).unwrap();
    let one = StringIndexer::new().input_cols(["category"]).output_cols(["i"]);
    assert_eq!(one.fit_frame(&ties).unwrap().labels()[0], ["y", "z", "x"]);
}

#[test]
fn unseen_categories() {
    let frame = DataFrame::from_columns(vec![("c", Column::utf8(["a", "b", "a"]))]).unwrap();
    let unseen = DataFrame::from_columns(vec![(
        "c",
        Column::utf8_nullable([Some("b"), Some("new"), None, Some("a")]),
    )]);
    let unseen = unseen.unwrap();
    let stage = StringIndexer::new().input_cols(["c"]).output_cols(["i"]);
    let out = |handle_invalid: HandleInvalid| {
        let model = stage.clone().handle_invalid(handle_invalid).fit_frame(&frame).unwrap();
        model.transform(&unseen).map(|out| out.column_f64("i").unwrap())
    };
    assert_eq!(out(HandleInvalid::Keep).unwrap(), [1.0, 2.0, 2.0, 0.0]);
    assert_eq!(out(HandleInvalid::Skip).unwrap(), [1.0, 0.0]);
    crate::has(out(HandleInvalid::Error).unwrap_err(), &["`c`", "row 1", "`new`", "`skip`"]);
    let none = StringIndexer::new().input_cols(["c"]).output_cols(["i"]).fit_frame(&frame.head(0)).unwrap();
    assert!(none.labels()[0].is_empty());
}

#[test]
fn one_hot_encoder() {
    let frame = DataFrame::from_columns(vec![
        ("a", Column::f64(vec![0.0, 1.0, 2.0, 0.0, 0.0, 2.0])),
        ("b", Column::i64(vec![1, 0, 1, 2, 1, 0])),
    ])
    .unwrap();
    let stage = OneHotEncoder::new().input_cols(["a", "b"]).output_cols(["A", "B"]);
    let model = stage.fit_frame(&frame).unwrap();
    assert_eq!(model.category_sizes(), [3, 3]);
    let out = model.transform(&frame).unwrap();
    assert_eq!(
        out.vectors("A").unwrap().slice(ndarray::s![..3, ..]),
        array![[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    );
    assert!(out.schema().require("A").unwrap().is_sparse());
    let unseen = of_numbers("a", &[1.0, 3.0, -1.0, 0.5, f64::NAN]);
    let one = OneHotEncoder::new().input_cols(["a"]).output_cols(["A"]).handle_invalid(UnseenIndex::Keep);
    let kept = |drop_last: bool| {
        let model = one.clone().drop_last(drop_last).fit_frame(&frame).unwrap();
        model.transform(&unseen).unwrap().vectors("A").unwrap()
    };
    let unknown = [0.0, 0.0, 0.0, 1.0];
    assert_eq!(kept(false), array![[0.0, 1.0, 0.0, 0.0], unknown, unknown, unknown, unknown]);
    assert_eq!(kept(true), kept(false).slice(ndarray::s![.., ..3]));
    for row in 1..5 {
        let model = OneHotEncoder::new().input_cols(["a"]).output_cols(["A"]).fit_frame(&frame).unwrap();
        let error = model.transform(&unseen.slice(row, 1).unwrap()).unwrap_err();
        crate::has(error, &["`a`", "row 0", "the index of a category"]);
    }
}
