//! Everything that a configuration can name is documented and starts from valid defaults.

use luthier::core::params::ParamInfo;
use luthier::core::registry::{self, EvaluatorEntry, StageEntry};
use luthier::core::{Pipeline, persist};
use luthier::tune::{ExecutorEntry, SplitterEntry};

/// Kind, name, documentation and parameters of every registered part.
fn parts() -> Vec<(&'static str, &'static str, &'static str, &'static [ParamInfo])> {
    let stages = registry::entries::<StageEntry>().unwrap().into_values();
    let evaluators = registry::entries::<EvaluatorEntry>().unwrap().into_values();
    let splitters = registry::entries::<SplitterEntry>().unwrap().into_values();
    let executors = registry::entries::<ExecutorEntry>().unwrap().into_values();
    stages
        .map(|e| ("stage", e.name, e.doc, (e.params)()))
        .chain(evaluators.map(|e| ("evaluator", e.name, e.doc, (e.params)())))
        .chain(splitters.map(|e| ("splitter", e.name, e.doc, (e.params)())))
        .chain(executors.map(|e| ("executor", e.name, e.doc, (e.params)())))
        .collect()
}

/// Which stages and evaluators there are, `luthier-stages` compares with those it checks.
#[test]
fn the_built_in_parts_are_registered() {
    let names = |kind: &str| -> Vec<&str> {
        let built_in = parts().into_iter().filter(|part| part.0 == kind && !part.1.contains('.'));
        built_in.map(|part| part.1).collect()
    };
    assert!(
        ["linear_regression", "logistic_regression", "pipeline"]
            .iter()
            .all(|name| names("stage").contains(name))
    );
    assert!(names("evaluator").contains(&"regression"));
    assert!(
        ["fold_column", "k_fold", "rolling_origin", "train_ratio"]
            .iter()
            .all(|name| names("splitter").contains(name))
    );
    assert_eq!(names("executor"), ["rayon", "serial", "thread_pool"]);
}

#[test]
fn every_part_and_parameter_is_documented() {
    for (kind, name, doc, params) in parts() {
        assert!(doc.ends_with('.') && doc.len() > 10, "{kind} {name}: {doc:?}");
        for (i, param) in params.iter().enumerate() {
            assert!(!param.doc.trim().is_empty(), "{kind} {name}: `{}` is not documented", param.name);
            assert!(params[..i].iter().all(|other| other.name != param.name), "{name}.{} twice", param.name);
            let is_snake_case =
                param.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            assert!(is_snake_case, "{name}.{}", param.name);
        }
    }
}

#[test]
fn defaults_are_valid_apart_from_what_is_required() {
    for entry in registry::entries::<StageEntry>().unwrap().into_values() {
        let stage = entry.create();
        let unset: Vec<&str> = (entry.params)()
            .iter()
            .map(|param| param.name)
            .filter(|name| stage.get_value(name).is_err())
            .collect();
        match stage.validate() {
            Ok(()) => assert!(unset.is_empty(), "{}: {unset:?} are not set", entry.name),
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains("required"), "{}: {message}", entry.name);
                assert!(unset.iter().any(|name| message.contains(&format!("`{name}`"))), "{message}");
            }
        }
    }
    for entry in registry::entries::<SplitterEntry>().unwrap().into_values() {
        match entry.create(&[]) {
            Ok(_) => {}
            Err(error) => assert!(error.to_string().contains("required"), "{}: {error}", entry.name),
        }
    }
    for entry in registry::entries::<ExecutorEntry>().unwrap().into_values() {
        assert!(entry.create(&[]).is_ok(), "{}", entry.name);
    }
}

#[test]
fn every_estimator_saves_and_loads() {
    let folder = tempfile::tempdir().unwrap();
    for entry in registry::entries::<StageEntry>().unwrap().into_values() {
        let path = folder.path().join(format!("{}.json", entry.name));
        let stage = entry.create();
        persist::save_estimator(&path, stage.as_ref()).unwrap();
        let loaded = persist::load_estimator(&path).unwrap();
        assert_eq!(format!("{loaded:?}"), format!("{stage:?}"));
        assert_eq!(loaded.type_name(), entry.name);
        let pipeline = loaded.as_any().is::<Pipeline>();
        assert!(pipeline || loaded.values().len() == stage.values().len());
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest_and_the_cure() {
    let message = registry::find::<StageEntry>("linear_regresion").unwrap_err().to_string();
    for part in ["`linear_regresion`", "did you mean `linear_regression`?", "pca", "use the_crate as _;"] {
        assert!(message.contains(part), "no {part:?} in {message:?}");
    }
}
