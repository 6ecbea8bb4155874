//! Values that cannot be used are named by column and global row.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Blocks, Cause, Dataset, Error, Moments, MomentsSpec, Params, Pipeline, QrFactor, Rows};
use ndarray::Array2;

use crate::parts::{Concat, Log1p, Ridge, frame, in_one_wave, pure};

const ROWS: usize = 200;

fn dataset(data: &DataFrame) -> Dataset {
    let folds = (0..ROWS as u32).map(|i| (i * 7 + i / 5) % 3).collect();
    Dataset::with_blocks(data.repartition(3).unwrap(), Blocks::new(folds, 3).unwrap()).unwrap()
}

#[track_caller]
fn assert_bad(error: &Error, column: &str, row: usize, found: &str) {
    match error {
        Error::BadValue { column: c, row: r, found: f, .. } => {
            assert_eq!((c.as_str(), *r), (column, row), "{error}");
            assert!(f.contains(found), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

/// Summarises column `x` weighted by `w` in every way and checks the error.
fn check(data: &DataFrame, column: &str, row: usize, found: &str) {
    let spec = MomentsSpec::new(["features", "x"]).weighted_by(Some("w"));
    let data = dataset(data);
    let fold = data.blocks().unwrap().assignment()[row];
    for view in [data.clone(), data.select(Rows::only(fold)), data.clone().without_sharing()] {
        assert_bad(&view.aggregate::<Moments>(&spec).unwrap_err(), column, row, found);
        assert_bad(&view.summarize::<QrFactor>(&spec).unwrap_err(), column, row, found);
    }
    data.select(Rows::except(fold)).summarize::<Moments>(&spec).unwrap();
    let needs = [luthier_core::Need::summary::<Moments>(spec)];
    let (_, failed) = in_one_wave(&data, &needs, 3);
    assert_bad(&failed[0].1, column, row, found);
}

fn numbers() -> Vec<Option<f64>> {
    (0..ROWS).map(|i| Some(i as f64 + 0.5)).collect()
}

fn with(x: Vec<Option<f64>>, w: Vec<Option<f64>>) -> DataFrame {
    let data = frame(ROWS, 1, 1).with_column("x", Column::f64_nullable(x)).unwrap();
    data.with_column("w", Column::f64_nullable(w)).unwrap()
}

#[test]
fn bad_features_labels_and_weights_are_named() {
    for row in [0, 66, 67, 150, ROWS - 1] {
        let values = [
            (Some(f64::NAN), "NaN"),
            (None, "null"),
            (Some(f64::INFINITY), "inf"),
            (Some(-f64::INFINITY), "-inf"),
        ];
        for (value, found) in values {
            let mut bad = numbers();
            bad[row] = value;
            check(&with(bad.clone(), numbers()), "x", row, found);
            check(&with(numbers(), bad), "w", row, found);
        }
        let mut bad = numbers();
        bad[row] = Some(-0.5);
        check(&with(numbers(), bad), "w", row, "-0.5");
    }
}

#[test]
fn a_bad_feature_is_named_with_its_position() {
    let mut x = Array2::<f64>::ones((ROWS, 4));
    x[[123, 2]] = f64::NAN;
    let data = frame(ROWS, 1, 1).with_column("v", Column::vector(x)).unwrap();
    let error = dataset(&data).summarize::<Moments>(&MomentsSpec::new(["v"])).unwrap_err();
    assert_bad(&error, "v", 123, "NaN at position 2");
    assert_eq!(
        error.to_string(),
        "column `v`, row 123: found NaN at position 2 of the vector, expected a finite number"
    );
}

/// Whatever the fold, the column and the request, the first bad row of the partition is the one that is named.
#[test]
fn the_first_bad_row_is_named() {
    let rows: Vec<usize> = vec![40, 31, 55, 22, 61];
    for &first in &rows {
        let others = rows.iter().copied().filter(|&r| r >= first);
        let (mut x, mut w, mut y) = (numbers(), numbers(), numbers());
        for (i, row) in others.enumerate() {
            [&mut x, &mut y, &mut w][i % 3][row] = Some(f64::NAN);
        }
        let data = with(x, w).with_column("y", Column::f64_nullable(y)).unwrap();
        let data = dataset(&data);
        let spec = |column: &str| MomentsSpec::new([column, "label"]).weighted_by(Some("w"));
        let error =
            data.summarize::<Moments>(&MomentsSpec::new(["y", "x"]).weighted_by(Some("w"))).unwrap_err();
        assert!(matches!(error, Error::BadValue { row, .. } if row == first), "{error}, not {first}");
        let needs = [
            luthier_core::Need::summary::<Moments>(spec("x")),
            luthier_core::Need::summary::<Moments>(MomentsSpec::new(["y"])),
        ];
        let (_, failed) = in_one_wave(&data, &needs, 3);
        let named = failed.iter().filter_map(|(_, e)| match e {
            Error::BadValue { row, .. } => Some(*row),
            _ => None,
        });
        assert_eq!(named.min(), Some(first));
    }
}

#[test]
fn values_too_large_to_be_squared_say_so() {
    let x: Vec<Option<f64>> = (0..ROWS).map(|i| Some(i as f64 * 1e200)).collect();
    let data = dataset(&with(x, numbers()));
    let error = data.summarize::<Moments>(&MomentsSpec::new(["x"])).unwrap_err().to_string();
    assert!(error.contains("`x`") && error.contains("too large"), "{error}");
    // A factor squares nothing.
    let factor = data.summarize::<QrFactor>(&MomentsSpec::new(["x"])).unwrap();
    assert!((factor.r()[[0, 0]].abs() / 1e200 - 666_650f64.sqrt()).abs() < 1e-9);
    let x: Vec<Option<f64>> = (0..ROWS).map(|i| Some(if i % 2 == 0 { f64::MAX } else { f64::MIN })).collect();
    let error = dataset(&with(x, numbers())).summarize::<QrFactor>(&MomentsSpec::new(["x"])).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
    let w = vec![Some(1e200); ROWS];
    let error =
        dataset(&with(numbers(), w)).summarize::<Moments>(&MomentsSpec::new(["x"]).weighted_by(Some("w")));
    assert!(error.unwrap_err().to_string().contains("too large"));
}

#[test]
fn columns_that_are_missing_or_of_another_type_are_named() {
    let data = frame(ROWS, 1, 1).with_column("text", Column::utf8(vec!["a"; ROWS])).unwrap();
    let data = dataset(&data);
    let error = |spec: MomentsSpec| data.summarize::<Moments>(&spec).unwrap_err().to_string();
    assert!(error(MomentsSpec::new(["nowhere"])).contains("`nowhere`"));
    assert!(error(MomentsSpec::new(["text"])).contains("`text`"));
    assert!(error(MomentsSpec::new(["a"]).weighted_by(Some("text"))).contains("`text`"));
    assert!(error(MomentsSpec::new(["a"]).weighted_by(Some("features"))).contains("`features`"));
    assert!(error(MomentsSpec::new(["a"]).weighted_by(Some("nowhere"))).contains("`nowhere`"));
}

/// A stage sees some rows at a time, but its errors name rows of the frame.
#[test]
fn rows_in_errors_of_stages_are_global() {
    let mut bad = numbers();
    bad[150] = None;
    let data = dataset(&with(bad, numbers()));
    let view = data.through(pure(Log1p::new().input_col("x"))).unwrap();
    for view in [view.clone(), view.select(Rows::except(0))] {
        let error = view.summarize::<Moments>(&MomentsSpec::new(["logged"])).unwrap_err().to_string();
        assert!(
            error.contains("acme.log1p") && error.contains("`x`") && error.contains("row 150:"),
            "{error}"
        );
    }
}

/// What a request in front of the stages finds is told, not what it would be called behind them.
#[test]
fn errors_behind_affine_stages_name_the_column_of_the_frame() {
    let mut bad = numbers();
    bad[150] = Some(f64::NAN);
    let data = dataset(&with(bad, numbers()));
    let view = data.through(pure(Concat::new().input_cols(["a", "x"]).output_col("joined"))).unwrap();
    let error = view.summarize::<Moments>(&MomentsSpec::new(["joined"])).unwrap_err();
    assert_bad(&error, "x", 150, "NaN");
    let error = view.without_sharing().summarize::<Moments>(&MomentsSpec::new(["joined"])).unwrap_err();
    assert_bad(&error, "joined", 150, "NaN at position 1");
}

#[test]
fn places_are_structure_wherever_the_cause_is() {
    let bad = Error::bad_value("features", 3, "NaN", "a number").of_feature("x");
    assert_eq!(bad.to_string(), "feature `x` of column `features`, row 3: found NaN, expected a number");
    let inner = bad.in_stage("outer.scale");
    let through = anyhow::Error::from(inner.clone()).context("while fitting");
    let error = Error::Stage { stage: "lr".to_owned(), source: Cause::new(through) };
    for error in [&inner, &error] {
        assert_eq!(
            error.part(),
            Some("outer.scale"),
            "the stage at fault, not the one that looks through it"
        );
        let place = (error.column(), error.feature(), error.row());
        assert_eq!(place, (Some("features"), Some("x"), Some(3)));
        let copy = error.clone();
        assert_eq!((copy.to_string(), copy.row()), (error.to_string(), Some(3)));
    }

    let mut nested = Pipeline::new();
    nested.add("ridge", Ridge::new());
    let mut pipeline = Pipeline::new();
    pipeline.add("model", nested);
    let error: Error =
        Params::set_value(&mut pipeline, "model.ridge.reg_param", &(-1.0).into()).unwrap_err().into();
    assert_eq!(error.part(), Some("model.ridge"));
    assert_eq!(error.param().as_deref(), Some("model.ridge.reg_param"));
    assert!(error.to_string().starts_with("stage `model.ridge`: parameter `reg_param`"), "{error}");
}
