//! What models say about themselves, and the check of what was loaded.

use luthier_core::frame::Column;
use luthier_core::persist::{load_model, model_from_json, model_to_json, save_model};
use luthier_core::{Note, NoteKind, PipelineModel, json};

use crate::parts::{Ridge, RidgeModel, frame, model};

fn ridge(coefficients: Vec<f64>, intercept: f64) -> std::sync::Arc<dyn luthier_core::DynModel> {
    model(&Ridge::new(), RidgeModel { features_col: "features".into(), coefficients, intercept })
}

#[test]
fn notes_of_a_pipeline_name_their_stages() {
    let inner = PipelineModel::new(vec![("ridge".into(), ridge(vec![1.0], f64::NAN))]);
    let outer = PipelineModel::new(vec![
        ("good".into(), ridge(vec![1.0], 0.0)),
        ("inner".into(), luthier_core::persist::with_params(&luthier_core::Pipeline::new(), inner)),
    ]);
    let notes = outer.notes();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].to_string(), "stage `inner.ridge`: the intercept is NaN");
    assert_eq!((notes[0].kind, &notes[0].subjects[..]), (NoteKind::Other, &["intercept".to_owned()][..]));
}

#[test]
fn a_description_is_a_document() {
    let description = ridge(vec![0.5, f64::INFINITY], -1.0).describe();
    let names = |column: &str| (column == "features").then(|| vec!["a".to_owned(), "b".to_owned()]);
    let document = description.to_json(&names);
    let vector = &document["vectors"][0];
    assert_eq!(vector["names"], serde_json::json!(["a", "b", "intercept"]));
    assert_eq!(vector["values"], serde_json::json!([0.5, "Inf", -1.0]));
    assert_eq!(
        description.to_json(&|_| None)["vectors"][0]["names"],
        serde_json::json!(["0", "1", "intercept"])
    );
}

#[test]
fn notes_are_kept_and_kinds_of_later_versions_are_read() {
    let note = Note::new(NoteKind::QuasiSeparated, "x is separated").about(["x"]).in_stage("lr");
    assert_eq!(json::from_value::<Note>(&json::to_value(&note).unwrap()).unwrap(), note);
    let later = serde_json::json!({"kind": "a_new_one", "message": "m"});
    assert_eq!(json::from_value::<Note>(&later).unwrap(), Note::new(NoteKind::Other, "m"));
}

#[test]
fn a_model_is_checked_when_it_is_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.json");
    let large = ridge(vec![0.0; 1000], 0.0);
    save_model(&path, large.as_ref()).unwrap();
    let error = load_model(&path).unwrap_err().to_string();
    assert!(error.contains("`acme.ridge`") && error.contains("`coefficients` has 1000 numbers"), "{error}");
    let document =
        model_to_json(PipelineModel::new(vec![("r".into(), large)]).stages().next().unwrap().1.as_ref());
    assert!(model_from_json(&document.unwrap()).is_err());
    // One that fits is loaded.
    save_model(&path, ridge(vec![1.0], 0.0).as_ref()).unwrap();
    let data = frame(5, 1, 1).with_column("one", Column::f64(vec![1.0; 5])).unwrap();
    assert!(load_model(&path).unwrap().transform_schema(data.schema()).is_err(), "another width");
}
