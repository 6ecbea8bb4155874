//! Error messages, word for word.

use luthier_core::params::{ParamError, ParamType, Params, Value, closest};

use crate::model::{Everything, Solver};

fn message(name: &str, value: impl Into<Value>) -> String {
    Everything::new().set_value(name, &value.into()).unwrap_err().to_string()
}

#[test]
fn unknown_name() {
    let known = "reg_param, mixing, train_ratio, epsilon, fraction, free, depth, offset, seed, features_col, \
                 weight_col, fold_col, tol, k, input_cols, splits, layers, matrix, centre, solver, type";
    assert_eq!(
        message("regParam", 1.0),
        format!(
            "`Everything` has no parameter `regParam` (did you mean `reg_param`?); its parameters are {known}"
        )
    );
    assert_eq!(
        message("bootstrap", true),
        format!("`Everything` has no parameter `bootstrap`; its parameters are {known}")
    );
    assert_eq!(Everything::new().get_value("elastic").unwrap_err().to_string(), message("elastic", 1));
}

#[test]
fn wrong_type() {
    assert_eq!(message("k", 2.5), "parameter `k`: expected a non-negative integer, found 2.5");
    assert_eq!(message("k", -1), "parameter `k`: expected a non-negative integer, found -1");
    assert_eq!(message("k", 2.0), "parameter `k`: expected a non-negative integer, found 2.0");
    assert_eq!(message("k", "3"), "parameter `k`: expected a non-negative integer, found \"3\"");
    assert_eq!(
        message("k", Value::Null),
        "parameter `k`: expected a non-negative integer, found nothing (null)"
    );
    assert_eq!(
        message("offset", 3_000_000_000_i64),
        "parameter `offset`: expected an integer from -2147483648 to 2147483647, found 3000000000"
    );
    assert_eq!(message("reg_param", "0.1"), "parameter `reg_param`: expected a number, found \"0.1\"");
    assert_eq!(
        message("reg_param", vec![0.1, 0.2]),
        "parameter `reg_param`: expected a number, found [0.1, 0.2]"
    );
    assert_eq!(message("centre", 1), "parameter `centre`: expected true or false, found 1");
    assert_eq!(message("features_col", 1), "parameter `features_col`: expected a string, found 1");
    assert_eq!(message("input_cols", "a"), "parameter `input_cols`: expected a list, found \"a\"");
    assert_eq!(
        message("layers", Value::List(vec![1.into(), "x".into()])),
        "parameter `layers`: element 1: expected a non-negative integer, found \"x\""
    );
    assert_eq!(
        message("solver", "lbfgs"),
        "parameter `solver`: expected one of auto, normal, l_bfgs, qr-householder, found \"lbfgs\" (did you mean `l_bfgs`?)"
    );
    assert_eq!(
        message("solver", 1),
        "parameter `solver`: expected one of auto, normal, l_bfgs, qr-householder, found 1"
    );
    assert_eq!(
        "fast".parse::<Solver>().unwrap_err().to_string(),
        "expected one of auto, normal, l_bfgs, qr-householder, found \"fast\""
    );

    let error = Everything::new().set_value("k", &"3".into()).unwrap_err();
    let ParamError::WrongType { name, expected, found, .. } = error else { panic!("{error:?}") };
    assert_eq!((name.as_str(), expected, found.as_str()), ("k", usize::type_name(), "3"));
}

#[test]
fn out_of_range() {
    assert_eq!(message("k", 0), "parameter `k` = 0 is out of range: give a value >= 1");
    assert_eq!(message("mixing", 1.5), "parameter `mixing` = 1.5 is out of range: give a value in [0, 1]");
    assert_eq!(message("mixing", "NaN"), "parameter `mixing` = NaN is out of range: give a value in [0, 1]");
    assert_eq!(message("epsilon", 1), "parameter `epsilon` = 1.0 is out of range: give a value > 1");
    assert_eq!(
        message("splits", vec![0.0, -1.0]),
        "parameter `splits` = -1.0 is out of range: give a value >= 0"
    );
}

#[test]
fn unset_and_contradictory() {
    let unset = "parameter `k` is required and has no default: set it first";
    assert_eq!(Everything::new().validate().unwrap_err().to_string(), unset);
    assert_eq!(Everything::new().get_value("k").unwrap_err().to_string(), unset);
    assert_eq!(
        Everything::new().k(1).centre(true).solver(Solver::Normal).validate().unwrap_err().to_string(),
        "`solver` = normal cannot centre: choose another solver or set `centre` = false"
    );
}

#[test]
fn seen_from_a_pipeline() {
    let message = |name: &str, value: Value| {
        Everything::new().set_value(name, &value).unwrap_err().within("pca").within("prepare").to_string()
    };
    assert_eq!(message("k", 0.into()), "parameter `prepare.pca.k` = 0 is out of range: give a value >= 1");
    assert_eq!(
        message("k", "3".into()),
        "parameter `prepare.pca.k`: expected a non-negative integer, found \"3\""
    );
    assert!(
        message("kk", 3.into())
            .starts_with("`Everything` has no parameter `prepare.pca.kk` (did you mean `prepare.pca.k`?)")
    );
    let unset = Everything::new().validate().unwrap_err().within("pca").to_string();
    assert_eq!(unset, "parameter `pca.k` is required and has no default: set it first");
    assert_eq!(ParamError::invalid("too much").within("pca").to_string(), "stage `pca`: too much");
}

#[test]
fn deserialising() {
    let message = |json: &str| serde_json::from_str::<Everything>(json).unwrap_err().to_string();
    assert!(message(r#"{"kk": 1}"#).starts_with("`Everything` has no parameter `kk` (did you mean `k`?)"));
    assert!(message(r#"{"k": 0}"#).starts_with("parameter `k` = 0 is out of range"));
    assert!(
        message(r#"{"k": 1.5}"#).starts_with("parameter `k`: expected a non-negative integer, found 1.5")
    );
    assert!(message(r#"{"k": 1, "k": 2}"#).starts_with("parameter `k` is given twice"));
    assert!(message("[]").contains("expected a map from parameter names to values"));
}

#[test]
fn suggestions_are_near_or_absent() {
    let names = ["reg_param", "elastic_net_param", "max_iter", "k", "tol"];
    for (given, meant) in [
        ("regParam", Some("reg_param")),
        ("elasticNetParam", Some("elastic_net_param")),
        ("maxiter", Some("max_iter")),
        ("max_itre", Some("max_iter")),
        ("tool", Some("tol")),
        ("K", Some("k")),
        ("z", None),
        ("learning_rate", None),
        ("", None),
    ] {
        assert_eq!(closest(given, names), meant, "{given}");
    }
}
