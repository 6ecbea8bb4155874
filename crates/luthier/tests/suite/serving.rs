//! Rows predicted one at a time are rows of a transformed frame.

use luthier::core::frame::{ColumnType, Field, Schema};
use luthier::core::{PipelineModel, Value};
use luthier::prelude::*;
use ndarray::Array2;

fn frame(rows: usize) -> DataFrame {
    let wave = |i: usize, a: f64| (a * (i as f64 + 0.5)).sin();
    let features = Array2::from_shape_fn((rows, 5), |(i, j)| wave(i, 0.3 + j as f64) * (j + 1) as f64 + 2.0);
    let label = (0..rows).map(|i| wave(i, 0.3) - 2.0 * wave(i, 1.3)).collect();
    DataFrame::from_ndarray(features, label)
        .unwrap()
        .with_column("unused", Column::utf8((0..rows).map(|i| i.to_string())))
        .unwrap()
}

fn fitted() -> (PipelineModel, DataFrame) {
    let mut pipeline = Pipeline::new();
    pipeline.add("scale", StandardScaler::new().with_mean(true));
    pipeline.add("pca", Pca::new().input_col("scaled_features").k(3));
    pipeline.add("lr", LinearRegression::new().features_col("pca_features"));
    let frame = frame(200);
    (pipeline.fit_frame(&frame).unwrap(), frame)
}

#[test]
fn a_model_knows_what_it_reads_and_saves_it() {
    let (model, _) = fitted();
    let inputs = model.inputs().unwrap();
    assert_eq!(inputs.to_string(), "features: vector(5)");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.json");
    model.save(&path).unwrap();
    assert_eq!(PipelineModel::load(&path).unwrap().inputs(), Some(inputs));
    assert!(
        PipelineModel::new(vec![])
            .predictor()
            .unwrap_err()
            .to_string()
            .contains("pass them to `predictor_for`")
    );
}

#[test]
fn one_row_is_a_row_of_the_frame() {
    let (model, frame) = fitted();
    let predictor = model.predictor().unwrap();
    assert_eq!(predictor.outputs().to_string(), "prediction: f64");
    let predictions = model.transform(&frame).unwrap().column_f64("prediction").unwrap();
    let rows: Vec<Vec<Value>> = frame
        .vectors("features")
        .unwrap()
        .outer_iter()
        .map(|row| vec![row.iter().map(|x| Value::from(*x)).collect::<Vec<_>>().into()])
        .collect();
    let batch = predictor.predict(&rows).unwrap();
    for ((row, expected), in_batch) in rows.iter().zip(predictions).zip(batch) {
        let one = predictor.predict_row(row).unwrap();
        assert_eq!(one, in_batch, "alone and in a batch");
        match one.as_deref() {
            Some([Value::Float(found)]) => assert_eq!(found.to_bits(), expected.to_bits()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn bad_rows_say_what_is_wrong() {
    let (model, _) = fitted();
    let predictor = model.predictor().unwrap();
    let row = |items: Vec<Value>| vec![Value::from(items)];
    let message = |row: &[Value]| predictor.predict_row(row).unwrap_err().to_string();
    assert!(message(&[]).contains("has 0 values, expected 1: features"));
    assert!(message(&row(vec![Value::from(1.0); 4])).contains("column `features`, row 0"));
    assert!(message(&[Value::from("x")]).contains("a list of numbers"));
    let named = |json: serde_json::Value| predictor.row(&Value::from_json(&json));
    assert!(
        named(serde_json::json!({"feature": 1})).unwrap_err().to_string().contains("did you mean `features`")
    );
    assert!(named(serde_json::json!({})).unwrap_err().to_string().contains("no value for column `features`"));
    assert!(named(serde_json::json!([1])).unwrap_err().to_string().contains("object"));
    assert_eq!(named(serde_json::json!({"features": [1, 2.5]})).unwrap().len(), 1);
    let wrong = Schema::new(vec![Field::new("features", ColumnType::Vector { width: 4 })]).unwrap();
    assert!(model.predictor_for(&wrong, &["prediction"]).unwrap_err().to_string().contains("scale"));
    let right = model.inputs().unwrap();
    assert!(model.predictor_for(right, &["predictions"]).unwrap_err().to_string().contains("prediction"));
}

#[test]
fn rows_may_hold_anything() {
    let schema = Schema::new(vec![
        Field::new("x", ColumnType::F64),
        Field::new("count", ColumnType::I64),
        Field::new("name", ColumnType::Utf8),
    ]);
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("assemble", VectorAssembler::new().input_cols(["count", "x"]));
    let frame = DataFrame::from_columns(vec![
        ("x", Column::f64(vec![0.5])),
        ("count", Column::i64(vec![2])),
        ("name", Column::utf8(["a"])),
    ])
    .unwrap();
    let model = pipeline.fit_frame(&frame).unwrap();
    assert_eq!(model.inputs().unwrap().to_string(), "x: f64, count: i64");
    let predictor = model.predictor_for(&schema.unwrap(), &["features", "name"]).unwrap();
    let row = vec![Value::from(0.5), Value::from(2), Value::from("b")];
    let out = predictor.predict_row(&row).unwrap().unwrap();
    assert_eq!(out, [Value::from(vec![Value::from(2.0), Value::from(0.5)]), Value::from("b")]);
    let null = vec![Value::Null, Value::from(2), Value::from("b")];
    let message = predictor.predict(&[row, null]).unwrap_err().to_string();
    assert!(message.contains("column `x`, row 1") && message.contains("null"), "{message}");
}

#[test]
fn integers_of_the_fit_may_be_fractions() {
    let data = DataFrame::from_columns(vec![
        ("visits", Column::i64((0..20).collect())),
        ("label", Column::f64((0..20).map(|i| f64::from(i) * 2.0).collect())),
    ])
    .unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("features", VectorAssembler::new().input_cols(["visits"]));
    pipeline.add("lr", LinearRegression::new());
    let predictor = pipeline.fit_frame(&data).unwrap().predictor().unwrap();
    assert_eq!(predictor.inputs().to_string(), "visits: i64");
    let rows = [vec![Value::from(2)], vec![Value::from(2.5)]];
    let batch = predictor.predict(&rows).unwrap();
    for ((row, in_batch), expected) in rows.iter().zip(batch).zip([4.0, 5.0]) {
        for predicted in [predictor.predict_row(row).unwrap(), in_batch] {
            match predicted.as_deref() {
                Some([Value::Float(found)]) => assert!((found - expected).abs() < 1e-9, "{found}"),
                other => panic!("{other:?}"),
            }
        }
    }
    let message = predictor.predict_row(&[Value::from("x")]).unwrap_err().to_string();
    assert!(message.contains("column `visits`, row 0") && message.contains("a number"), "{message}");
}
