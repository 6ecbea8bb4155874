use luthier_core::params::{Address, ParamMap, StageHandle, Value};

use crate::model::{Everything, Solver};

#[test]
fn typed_and_named_addresses_are_the_same() {
    let stage: StageHandle<Everything> = StageHandle::new("pca");
    let mut typed = ParamMap::new();
    typed
        .set(stage.at(Everything::K), 3)
        .set(stage.at(Everything::REG_PARAM), 1)
        .set(stage.at(Everything::FEATURES_COL), "f")
        .set(stage.at(Everything::INPUT_COLS), ["a", "b"])
        .set(stage.at(Everything::SOLVER), Solver::LBfgs)
        .set(Everything::K, 4);
    let named = ParamMap::new()
        .with("pca.k", 3)
        .with("pca.reg_param", 1.0)
        .with("pca.features_col", "f")
        .with("pca.input_cols", ["a", "b"])
        .with("pca.solver", Solver::LBfgs)
        .with("k", 4);
    assert_eq!(typed, named);
    assert!(typed.same(&named));
    assert_eq!(stage.at(Everything::K).to_string(), "pca.k");
    assert_eq!(Address::from(Everything::K).name(), "k");
    assert_eq!(ParamMap::new().with(stage.at(Everything::K), 3), ParamMap::new().with("pca.k", 3));
}

#[test]
fn nested_stages_have_longer_paths() {
    let stage: StageHandle<Everything> = StageHandle::new("pca");
    let nested = stage.within("prepare").within("outer");
    assert_eq!(nested.name(), "outer.prepare.pca");
    assert_eq!(nested.at(Everything::K).name(), "outer.prepare.pca.k");
}

#[test]
fn insertion_order_and_overwriting_in_place() {
    let map = ParamMap::new().with("b", 1).with("a", 2).with("b", 3);
    assert_eq!(map.iter().collect::<Vec<_>>(), [("b", &Value::Int(3)), ("a", &Value::Int(2))]);
    assert_eq!(map.to_string(), "b = 3, a = 2");
    assert_eq!(
        (map.len(), map.is_empty(), map.get("a"), map.get("c")),
        (2, false, Some(&Value::Int(2)), None)
    );
    let other: ParamMap = [("a", 2), ("b", 3)].into_iter().collect();
    assert_ne!(map, other, "equality is of the ordered lists");
    assert!(map.same(&other), "sameness is of the settings");
    assert!(!map.same(&other.with("c", 1)));
}

#[test]
fn nan_is_the_same_setting() {
    let map = ParamMap::new().with("x", f64::NAN);
    assert!(map.same(&map.clone()));
    assert!(!ParamMap::new().with("x", 0.0).same(&ParamMap::new().with("x", -0.0)));
}

#[test]
fn under_a_stage() {
    let map =
        ParamMap::new().with("pca.k", 1).with("pca2.k", 2).with("inner.pca.k", 3).with("k", 4).with("pca", 5);
    assert_eq!(map.under("pca"), ParamMap::new().with("k", 1));
    assert_eq!(map.under("inner"), ParamMap::new().with("pca.k", 3));
    assert_eq!(map.under("inner").under("pca"), map.under("inner.pca"));
    assert!(map.under("pc").is_empty());
}

#[test]
fn json_keeps_the_order() {
    let map = ParamMap::new().with("pca.k", 2).with("lr.reg_param", 1.0).with("lr.tol", f64::INFINITY);
    let json = serde_json::to_string(&map).unwrap();
    assert_eq!(json, r#"{"pca.k":2,"lr.reg_param":1.0,"lr.tol":"Inf"}"#);
    let back: ParamMap = serde_json::from_str(&json).unwrap();
    assert_eq!(back.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["pca.k", "lr.reg_param", "lr.tol"]);
    let error = serde_json::from_str::<ParamMap>(r#"{"k": 1, "k": 2}"#).unwrap_err();
    assert!(error.to_string().starts_with("`k` is given twice"), "{error}");
}
