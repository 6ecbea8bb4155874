//! Models that were saved once are loaded by every later version, and predict the same.
//!
//! `golden/v1` holds a file for each type of stage as version 1 of the format wrote it, beside the columns that it appends to
//! `rows.csv`. A type that is new gets its files by `cargo test -p luthier --test suite golden -- --ignored`, which leaves
//! alone what is there.

use std::collections::BTreeSet;
use std::path::PathBuf;

use luthier::core::registry::{self, StageEntry};
use luthier::core::{Dataset, DynEstimator, DynModel, FitContext, IntoStage, json, persist};
use luthier::prelude::*;
use serde_json::{Map, Value, json};

/// How the names of the files with the appended columns end.
const APPENDED: &str = ".appended.json";

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", "v1"].iter().collect()
}

/// The rows, with three of their columns as a vector.
fn rows() -> DataFrame {
    let rows = DataFrame::read_csv(folder().join("rows.csv"), &CsvOptions::new()).unwrap();
    VectorAssembler::new().input_cols(["x0", "x1", "x2"]).transform(&rows).unwrap()
}

/// The columns that a model appends: numbers as the hexadecimal digits of their bits, texts as they are.
fn appended(model: &dyn DynModel) -> Value {
    let rows = rows();
    let after = model.transform(&rows).unwrap();
    let fields = after.schema().fields().iter().filter(|field| rows.schema().field(field.name()).is_none());
    let bits = |number: f64| json!(format!("{:016x}", number.to_bits()));
    let columns = fields.map(|field| {
        let name = field.name();
        let column_type = field.column_type();
        let values: Value = if column_type.is_vector() {
            let vectors = after.vectors(name).unwrap();
            vectors.rows().into_iter().map(|row| row.iter().copied().map(bits).collect::<Value>()).collect()
        } else if after.optional_numbers(name).is_ok() {
            let numbers = after.optional_numbers(name).unwrap();
            numbers.into_iter().map(|number| number.map_or(Value::Null, bits)).collect()
        } else {
            after.optional_texts(name).unwrap().into_iter().collect()
        };
        let names = field.feature_names();
        (name.to_owned(), json!({"type": column_type.to_string(), "features": names, "values": values}))
    });
    Value::Object(columns.collect::<Map<_, _>>())
}

/// Numbers have the same bits where the same code computes them: elsewhere, the `exp` of the system may round differently.
fn assert_same(found: &Value, expected: &Value, name: &str) {
    if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) || found == expected {
        return assert_eq!(found, expected, "{name}");
    }
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().for_each(|(key, value)| assert_same(value, &b[key], name));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).for_each(|(a, b)| assert_same(a, b, name));
        }
        (Value::String(a), Value::String(b)) if a.len() == 16 && b.len() == 16 => {
            let number = |text: &str| f64::from_bits(u64::from_str_radix(text, 16).unwrap());
            let (a, b) = (number(a), number(b));
            assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{name}: {a} {b}");
        }
        _ => assert_eq!(found, expected, "{name}"),
    }
}

#[test]
fn every_type_of_stage_has_a_file_that_loads_and_predicts_the_same() {
    let mut types = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(stem) = name.strip_suffix(".json").filter(|_| !name.ends_with(APPENDED)) else { continue };
        let document = json::read_file(&path).unwrap();
        assert_eq!(document["version"], 1, "{name}");
        assert!(document["checksum"].is_string(), "{name}");
        let model = persist::load_model(&path).unwrap();
        let expected = json::read_file(&folder().join(format!("{stem}{APPENDED}"))).unwrap();
        assert!(!expected.as_object().unwrap().is_empty(), "{name}");
        assert_same(&appended(model.as_ref()), &expected, &name);
        types.insert(model.type_name().to_owned());
    }
    // Names with a dot are those of other crates, such as the parts of these tests.
    let registered =
        registry::entries::<StageEntry>().unwrap().into_keys().filter(|name| !name.contains('.'));
    let missing: Vec<&str> = registered.filter(|name| !types.contains(*name)).collect();
    assert!(missing.is_empty(), "there is no file for {missing:?}: see the head of golden.rs");
}

/// A stage for each file, by its name.
fn stages() -> Vec<(&'static str, Box<dyn DynEstimator>)> {
    fn boxed<K>(stage: impl IntoStage<K>) -> Box<dyn DynEstimator> {
        stage.into_stage()
    }
    let mut scaled = Pipeline::new();
    scaled.add("scaler", StandardScaler::new().with_mean(true).input_col("all").output_col("scaled"));
    scaled.add("pca", Pca::new().k(3).input_col("scaled").output_col("components"));
    let mut pipeline = Pipeline::new();
    pipeline.add("index", StringIndexer::new().input_cols(["color"]).output_cols(["color_index"]));
    pipeline.add("hot", OneHotEncoder::new().input_cols(["color_index"]).output_cols(["color_hot"]));
    pipeline.add("fill", Imputer::new().input_cols(["gap"]).output_cols(["filled"]));
    pipeline.add_transformer(
        "all",
        VectorAssembler::new().input_cols(["features", "color_hot", "filled"]).output_col("all"),
    );
    pipeline.add("scaled", scaled);
    pipeline.add("lr", LinearRegression::new().features_col("components").reg_param(0.1));
    let infinite = f64::INFINITY;
    vec![
        ("binarizer", boxed(Binarizer::new().input_col("x0").threshold(0.5))),
        ("bucketizer", boxed(Bucketizer::new().input_col("x0").splits([-infinite, 0.0, 1.0, infinite]))),
        ("date_parts", boxed(DateParts::new().input_cols(["day"]))),
        (
            "imputer",
            boxed(
                Imputer::new()
                    .input_cols(["gap"])
                    .output_cols(["filled"])
                    .indicator_cols(["was_filled"])
                    .strategy(ImputerStrategy::Median),
            ),
        ),
        ("index_to_string", boxed(IndexToString::new().input_col("i").labels(["a", "b", "ü"]))),
        ("linear_regression", boxed(LinearRegression::new().reg_param(0.1).elastic_net_param(0.5))),
        ("linear_regression-huber", boxed(LinearRegression::new().loss(Loss::Huber).epsilon(1.5))),
        ("logistic_regression", boxed(LogisticRegression::new().label_col("binary").reg_param(0.1))),
        (
            "logistic_regression-multinomial",
            boxed(
                LogisticRegression::new()
                    .label_col("i")
                    .family(Family::Multinomial)
                    .reg_param(0.1)
                    .thresholds([0.2, 0.3, 0.5]),
            ),
        ),
        ("max_abs_scaler", boxed(MaxAbsScaler::new())),
        ("min_max_scaler", boxed(MinMaxScaler::new().min(-1.0))),
        ("normalizer", boxed(Normalizer::new())),
        ("one_hot_encoder", boxed(OneHotEncoder::new().input_cols(["i"]).output_cols(["hot"]))),
        ("pca", boxed(Pca::new().k(2).center(true))),
        ("pipeline", boxed(pipeline)),
        ("polynomial_expansion", boxed(PolynomialExpansion::new().degree(2))),
        ("quantile_discretizer", boxed(QuantileDiscretizer::new().input_col("x0").num_buckets(3))),
        ("robust_scaler", boxed(RobustScaler::new().with_centering(true))),
        ("standard_scaler", boxed(StandardScaler::new().with_mean(true))),
        (
            "string_indexer",
            boxed(
                StringIndexer::new()
                    .input_cols(["color"])
                    .output_cols(["index"])
                    .handle_invalid(HandleInvalid::Keep),
            ),
        ),
        ("variance_threshold_selector", boxed(VarianceThresholdSelector::new().variance_threshold(2.0))),
        ("vector_assembler", boxed(VectorAssembler::new().input_cols(["features", "i"]).output_col("all"))),
        ("vector_slicer", boxed(VectorSlicer::new().indices([2, 0]))),
    ]
}

#[test]
#[ignore = "writes the files that are missing"]
fn missing_files() {
    for (name, stage) in stages() {
        let path = folder().join(format!("{name}.json"));
        if path.exists() {
            continue;
        }
        let data = Dataset::new(rows());
        let model = stage.fit(&data, &FitContext::new(0, Default::default())).unwrap();
        persist::save_model(&path, model.as_ref()).unwrap();
        json::write_file(&folder().join(format!("{name}{APPENDED}")), &appended(model.as_ref())).unwrap();
    }
}
