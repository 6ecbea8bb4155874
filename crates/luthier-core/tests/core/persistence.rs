//! Saving and loading.

use luthier_core::frame::Column;
use luthier_core::persist::{
    load_estimator, load_model, model_from_json, model_to_json, save_estimator, save_model, with_checksum,
};
use luthier_core::{EstimatorExt, Params, Pipeline, PipelineModel, Value};

use crate::parts::{Concat, Project, Ridge, RidgeModel, Scale, frame, model};

fn pipeline() -> Pipeline {
    let mut inner = Pipeline::new();
    inner.add_transformer("join", Concat::new().input_cols(["a", "features"]).output_col("joined"));
    inner.add("scale", Scale::new().input_col("joined"));
    let mut outer = Pipeline::new();
    outer.add("features", inner);
    outer.add("ridge", Ridge::new().features_col("scaled").reg_param(0.1));
    outer
}

#[test]
fn a_model_comes_back_with_the_same_bits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.json");
    let data = frame(100, 2, 1);
    let fitted = pipeline().fit_frame(&data).unwrap();
    fitted.save(&path).unwrap();
    let loaded = PipelineModel::load(&path).unwrap();
    let (a, b) = (fitted.transform(&data).unwrap(), loaded.transform(&data).unwrap());
    assert_eq!(a.schema(), b.schema());
    assert_eq!(a.column_f64("prediction").unwrap(), b.column_f64("prediction").unwrap());
    let (x, y) =
        (fitted.stage_by_name("features.scale").unwrap(), loaded.stage_by_name("features.scale").unwrap());
    assert_eq!(format!("{x:?}"), format!("{y:?}"));
    // Saving what was loaded writes the same file.
    let again = directory.path().join("again.json");
    loaded.save(&again).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());
}

#[test]
fn unusual_floats_survive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.json");
    let coefficients =
        vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, f64::MAX, 0.1 + 0.2, 1e23, 1.0 / 3.0];
    let ridge = RidgeModel { features_col: "x".into(), coefficients: coefficients.clone(), intercept: -0.0 };
    save_model(&path, model(&Ridge::new().reg_param(0.3), ridge).as_ref()).unwrap();
    let loaded = load_model(&path).unwrap();
    let found = loaded.downcast_ref::<RidgeModel>().unwrap();
    let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found.coefficients), bits(&coefficients));
    assert_eq!(found.intercept.to_bits(), (-0.0f64).to_bits());
    assert!(loaded.values().contains(&("reg_param", Value::from(0.3))));
    assert_eq!(loaded.type_name(), "acme.ridge");
}

#[test]
fn a_single_model_loads_as_a_pipeline_of_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.json");
    let fitted = Ridge::new().fit_frame(&frame(50, 1, 1)).unwrap();
    save_model(&path, model(&Ridge::new(), fitted).as_ref()).unwrap();
    let loaded = PipelineModel::load(&path).unwrap();
    assert!(loaded.stage_by_name("acme.ridge").unwrap().downcast_ref::<RidgeModel>().is_some());
    assert!(loaded.transform(&frame(5, 1, 2)).unwrap().schema().field("prediction").is_some());
}

#[test]
fn estimators_and_pipelines_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("estimator.json");
    save_estimator(&path, &Ridge::new().reg_param(0.1 + 0.2)).unwrap();
    let loaded = load_estimator(&path).unwrap();
    assert_eq!(loaded.get_value("reg_param").unwrap(), Value::from(0.1 + 0.2));

    save_estimator(&path, &pipeline()).unwrap();
    let loaded = load_estimator(&path).unwrap();
    let loaded = loaded.as_any().downcast_ref::<Pipeline>().unwrap();
    let names = |p: &Pipeline| {
        p.leaves().into_iter().map(|(n, l)| (n, l.type_name(), l.values())).collect::<Vec<_>>()
    };
    assert_eq!(names(loaded), names(&pipeline()));
    assert_eq!(Params::get_value(loaded, "features.scale.input_col").unwrap(), Value::from("joined"));
    let data = frame(40, 1, 1);
    let predictions = |p: &Pipeline| {
        p.fit_frame(&data).unwrap().transform(&data).unwrap().column_f64("prediction").unwrap()
    };
    assert_eq!(predictions(loaded), predictions(&pipeline()));
}

/// The text of a document as somebody leaves it who edits it.
fn without_checksum(text: &str) -> String {
    let line = text.lines().find(|line| line.trim_start().starts_with("\"checksum\": ")).unwrap();
    text.replace(&format!("{line}\n"), "")
}

#[test]
fn a_file_that_was_changed_is_refused_unless_its_checksum_was_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ridge.json");
    save_estimator(&path, &Ridge::new().reg_param(0.25)).unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    let keys = serde_json::from_str::<serde_json::Map<_, _>>(&good).unwrap();
    let keys: Vec<String> = keys.into_iter().map(|(key, _): (String, serde_json::Value)| key).collect();
    assert_eq!(keys, ["format", "version", "kind", "checksum", "type", "params"]);
    let load = |text: &str| {
        std::fs::write(&path, text).unwrap();
        load_estimator(&path).map(|loaded| loaded.get_value("reg_param").unwrap()).map_err(|e| e.to_string())
    };
    assert_eq!(load(&good), Ok(Value::from(0.25)));
    // Another layout is the same document.
    assert_eq!(load(&good.replace(['\n', ' '], "")), Ok(Value::from(0.25)));
    let changed = good.replace("0.25", "0.5");
    let error = load(&changed).unwrap_err();
    for part in ["ridge.json", "was changed after it was written", "delete the entry `checksum`"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(load(&without_checksum(&changed)), Ok(Value::from(0.5)));
    assert_eq!(load(&without_checksum(&good)), Ok(Value::from(0.25)), "as an earlier version wrote it");
}

#[test]
fn a_model_with_entries_of_a_program_has_a_checksum_of_all() {
    let fitted = pipeline().fit_frame(&frame(100, 2, 1)).unwrap();
    let mut document = model_to_json(fitted.stages().next().unwrap().1.as_ref()).unwrap();
    assert!(document.get("checksum").is_none());
    document["name"] = "mine".into();
    let mut whole = with_checksum(document.clone());
    assert_eq!(whole, with_checksum(whole.clone()));
    assert!(model_from_json(&document).is_ok() && model_from_json(&whole).is_ok());
    whole["name"] = "yours".into();
    assert!(model_from_json(&whole).unwrap_err().to_string().contains("was changed"));
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.json");
    let fitted = pipeline().fit_frame(&frame(100, 2, 1)).unwrap();
    fitted.save(&path).unwrap();
    let good = without_checksum(&std::fs::read_to_string(&path).unwrap());
    let error_of = |text: &str| {
        std::fs::write(&path, text).unwrap();
        PipelineModel::load(&path).unwrap_err().to_string()
    };
    let changed = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from} is not in the file");
        text
    };
    let error = error_of(&changed("\"version\": 1", "\"version\": 99"));
    assert!(error.contains("99") && error.contains("version 1") && error.contains("model.json"), "{error}");
    let error = error_of(&changed("acme.scale", "acme.scala"));
    assert!(
        error.contains("acme.scala") && error.contains("acme.scale") && error.contains("as _"),
        "{error}"
    );
    let error = error_of(&changed("\"luthier\"", "\"other\""));
    assert!(error.contains("not a saved model"), "{error}");
    assert!(error_of("{\"a\": 1}").contains("not a saved model"));
    assert!(error_of("not json").contains("model.json"));
    assert!(error_of("").contains("model.json"));
    let error = error_of(&changed("\"coefficients\"", "\"coeficients\""));
    assert!(error.contains("coefficients"), "{error}");
    let error = error_of(&changed("\"reg_param\": 0.1", "\"reg_param\": -1.0"));
    assert!(error.contains("reg_param"), "{error}");

    save_estimator(&path, &pipeline()).unwrap();
    let error = load_model(&path).unwrap_err().to_string();
    assert!(error.contains("estimator") && error.contains("model"), "{error}");
    let nowhere = directory.path().join("nowhere.json");
    assert!(PipelineModel::load(&nowhere).unwrap_err().to_string().contains("nowhere.json"));
    assert!(load_estimator(&nowhere).is_err());
}

#[test]
fn a_transformer_that_is_not_registered_cannot_be_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.json");
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("project", Project::new().matrix([[1.0], [0.0], [2.0]]));
    let data = frame(10, 1, 1).with_column("other", Column::f64(vec![0.0; 10])).unwrap();
    pipeline.fit_frame(&data).unwrap().save(&path).unwrap();
    let error = PipelineModel::load(&path).unwrap_err().to_string();
    assert!(error.contains("acme.project") && error.contains("use the_crate as _;"), "{error}");
    // Registered by the program itself it can.
    luthier_core::registry::register(luthier_core::registry::StageEntry::transformer::<Project>(
        "here",
        "Projects.",
    ));
    luthier_core::registry::register(luthier_core::registry::StageEntry::transformer::<Project>(
        "here",
        "Projects.",
    ));
    assert!(PipelineModel::load(&path).unwrap().transform(&data).is_ok());
}
