//! Labels that are text: what only the fit needs is left out where rows have no label.

use luthier_core::frame::{Column, DataFrame, Field, Schema};
use luthier_core::{
    EstimatorExt, Outputs, Params, Pipeline, PipelineModel, PureTransformer, Tile, Transformer, Value,
};
use luthier_stages::{
    Binarizer, IndexToString, LogisticRegression, StandardScaler, StringIndexer, StringOrderType,
    VectorAssembler,
};
use ndarray::Array2;

/// Three kinds, told apart by the features.
fn frame() -> DataFrame {
    let kinds = ["plum", "apple", "fig"];
    let kind = |i: usize| kinds[i * i % 7 % 3];
    let value = |i: usize, j: usize| {
        let offset = kind(i).len() as f64 * if j == 0 { 1.0 } else { -0.5 };
        offset + ((i * (j + 3)) as f64).sin()
    };
    DataFrame::from_columns(vec![
        ("kind", Column::utf8((0..60).map(kind))),
        ("features", Column::vector(Array2::from_shape_fn((60, 2), |(i, j)| value(i, j)))),
    ])
    .unwrap()
}

fn index() -> StringIndexer {
    StringIndexer::new()
        .input_cols(["kind"])
        .output_cols(["class"])
        .string_order_type(StringOrderType::AlphabetAsc)
}

/// Index the label, classify, give the class its name.
fn pipeline() -> Pipeline {
    let mut labels = Pipeline::new();
    labels.add("index", index());
    let mut pipeline = Pipeline::new();
    pipeline.add("labels", labels);
    pipeline.add("scale", StandardScaler::new());
    let lr = LogisticRegression::new().features_col("scaled_features").label_col("class").reg_param(0.01);
    pipeline.add("lr", lr);
    pipeline.add_transformer("name", IndexToString::new().input_col("prediction").output_col("predicted"));
    pipeline
}

fn inputs(model: &PipelineModel) -> Vec<&str> {
    model.inputs().unwrap().names().collect()
}

#[test]
fn rows_without_labels_get_names_of_classes() {
    let data = frame();
    let unlabelled = data.drop(&["kind"]).unwrap();
    let model = pipeline().fit_frame(&data).unwrap();
    assert_eq!(inputs(&model), ["features"]);

    let labelled = model.transform(&data).unwrap();
    assert_eq!(labelled.schema(), &model.transform_schema(data.schema()).unwrap());
    let (kinds, predicted) = (data.column_utf8("kind").unwrap(), labelled.column_utf8("predicted").unwrap());
    let right = kinds.iter().zip(&predicted).filter(|(kind, predicted)| kind == predicted).count();
    assert!(right > 45, "{right} of 60");

    let text = serde_json::to_string(&model).unwrap();
    let loaded: PipelineModel = serde_json::from_str(&text).unwrap();
    for model in [&model, &loaded] {
        assert_eq!(inputs(model), ["features"]);
        let out = model.transform(&unlabelled).unwrap();
        assert_eq!(out.schema(), &model.transform_schema(unlabelled.schema()).unwrap());
        assert!(out.schema().field("class").is_none());
        assert_eq!(out.column_utf8("predicted").unwrap(), predicted);
        // A label that is there is still indexed.
        assert_eq!(
            model.transform(&data).unwrap().column_f64("class").unwrap(),
            labelled.column_f64("class").unwrap()
        );

        let predictor = model.predictor().unwrap();
        let row = unlabelled
            .vectors("features")
            .unwrap()
            .row(7)
            .iter()
            .map(|x| Value::Float(*x))
            .collect::<Vec<_>>();
        let outputs: Vec<&str> = predictor.outputs().names().collect();
        assert_eq!(outputs, ["raw_prediction", "probability", "prediction", "predicted"]);
        let named = predictor.predict_row(&[row.into()]).unwrap().unwrap();
        assert_eq!(named[3], Value::Str(predicted[7].clone()));
    }

    // A label that is there may be new, or none.
    let new = Column::utf8_nullable((0..60).map(|i| if i % 2 == 0 { None } else { Some("quince") }));
    let new = unlabelled.with_column("kind", new).unwrap();
    assert!(loaded.transform(&new).is_err());
    let out = loaded.for_prediction().transform(&new).unwrap();
    assert_eq!(out.column_utf8("predicted").unwrap(), predicted);
    assert!(out.schema().field("class").is_none());
}

/// Moves what is far away nearer.
#[derive(Debug, Clone, Params)]
struct Clip {
    /// The columns of features.
    #[param(default = "features", column = input)]
    input_col: String,
}

impl Transformer for Clip {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let column_type = schema.require(&self.input_col)?.column_type();
        Ok(vec![Field::new("clipped", column_type)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.vectors(rows.vectors(&self.input_col)?.mapv(|x| x.clamp(-2.5, 4.5)));
        Ok(())
    }
}

impl PureTransformer for Clip {
    const NAME: &'static str = "test.clip";
}

#[test]
fn what_a_stage_reads_is_an_input_and_labels_are_not() {
    let mut pipeline = Pipeline::new();
    pipeline.add("index", index());
    pipeline.add_transformer("clip", Clip::new());
    pipeline.add("lr", LogisticRegression::new().features_col("clipped").label_col("class"));
    let model = pipeline.fit_frame(&frame()).unwrap();
    assert_eq!(inputs(&model), ["features"]);
    let unlabelled = frame().drop(&["kind"]).unwrap();
    assert_eq!(model.transform(&unlabelled).unwrap().num_rows(), 60);
}

#[test]
fn a_row_needs_no_label_either() {
    let mut pipeline = Pipeline::new();
    pipeline.add("index", index());
    pipeline
        .add_transformer("is_plum", Binarizer::new().input_col("class").output_col("is_plum").threshold(1.5));
    pipeline.add("lr", LogisticRegression::new().label_col("is_plum"));
    let model = pipeline.fit_frame(&frame()).unwrap();
    assert_eq!(inputs(&model), ["features"]);
    let predictor = model.predictor().unwrap();
    let unlabelled = frame().drop(&["kind"]).unwrap();
    let row = predictor.predict_row(&[vec![Value::from(4.0), Value::from(-2.0)].into()]).unwrap().unwrap();
    assert_eq!(row.len(), 3);
    assert_eq!(model.transform(&unlabelled).unwrap().schema().names().last(), Some("prediction"));
}

#[test]
fn what_predictions_are_made_of_is_never_left_out() {
    let data = frame();
    let told = |model: &PipelineModel, missing: &str| {
        model.transform(&data.drop(&[missing]).unwrap()).unwrap_err().to_string()
    };
    let model = pipeline().fit_frame(&data).unwrap();
    assert_eq!(
        told(&model, "features"),
        "stage `scale`: unknown column `features`; the frame has: `kind`, `class`"
    );

    // Nothing is fitted to these indices: they are wanted for themselves.
    let mut aside = Pipeline::new();
    aside.add("index", index());
    aside.add("scale", StandardScaler::new());
    let model = aside.fit_frame(&data).unwrap();
    assert_eq!(inputs(&model), ["kind", "features"]);
    assert_eq!(told(&model, "kind"), "stage `index`: unknown column `kind`; the frame has: `features`");
}

#[test]
fn no_feature_is_made_of_a_label() {
    let refused = |pipeline: &Pipeline, what: &str| {
        let error = pipeline.fit_frame(&frame()).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("cannot be a feature"), "{error}");
    };
    let mut assembled = Pipeline::new();
    assembled.add("index", index());
    let both = VectorAssembler::new().input_cols(["features", "class"]).output_col("all");
    assembled.add_transformer("both", both);
    assembled.add("lr", LogisticRegression::new().features_col("all").label_col("class"));
    refused(
        &assembled,
        "stage `both`: the column `class` cannot be a feature, because it is the label of stage `lr`",
    );

    // A weight is none either, and nesting changes nothing.
    let mut inner = Pipeline::new();
    inner.add("lr", LogisticRegression::new().features_col("class").label_col("class"));
    let mut outer = Pipeline::new();
    outer.add("index", index());
    outer.add("inner", inner);
    refused(
        &outer,
        "stage `inner.lr`: the column `class` cannot be a feature, because it is the label of stage",
    );
}
