use std::collections::BTreeMap;

use luthier_core::params::{ParamType, Value};

#[test]
fn display_is_plain_and_shortest() {
    for (value, text) in [
        (Value::Null, "null"),
        (true.into(), "true"),
        (3.into(), "3"),
        (1.0.into(), "1.0"),
        (0.1.into(), "0.1"),
        ((-0.0).into(), "-0.0"),
        (1e-7.into(), "1e-7"),
        (5e-324.into(), "5e-324"),
        (f64::NAN.into(), "NaN"),
        (f64::INFINITY.into(), "Inf"),
        (f64::NEG_INFINITY.into(), "-Inf"),
        ("a b".into(), "a b"),
        (vec![1.5, 2.0].into(), "[1.5, 2.0]"),
        (Value::Map(BTreeMap::from([("a".into(), 1.into()), ("b".into(), "x".into())])), "{a: 1, b: x}"),
        (u64::MAX.into(), "18446744073709551615"),
        (Some("x").into(), "x"),
        (None::<i32>.into(), "null"),
    ] {
        assert_eq!(value.to_string(), text);
    }
}

#[test]
fn json_keeps_integers_and_floats_apart() {
    for (value, json) in [
        (Value::Int(1), "1"),
        (Value::Float(1.0), "1.0"),
        (Value::Float(-0.0), "-0.0"),
        (Value::Int(i64::MIN), "-9223372036854775808"),
        (Value::Null, "null"),
        (vec![Value::Bool(true), Value::Null].into(), "[true,null]"),
    ] {
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
        assert_eq!(value.to_json().to_string(), json);
        assert!(serde_json::from_str::<Value>(json).unwrap().same(&value));
    }
    assert_eq!(serde_json::from_str::<Value>("18446744073709551615").unwrap(), Value::from(u64::MAX));
}

#[test]
fn same_decides_by_bits() {
    let map = |v: f64| Value::Map(BTreeMap::from([("k".to_owned(), Value::List(vec![v.into()]))]));
    assert!(map(f64::NAN).same(&map(f64::NAN)));
    assert!(map(f64::NAN).same(&map(-f64::NAN)));
    assert!(!map(0.0).same(&map(-0.0)));
    assert!(!Value::Int(1).same(&Value::Float(1.0)));
    assert!(!Value::from("1").same(&Value::Int(1)));
    assert!(!Value::from([1]).same(&Value::from([1, 2])));
}

#[test]
fn unsigned_integers_above_i64() {
    for seed in [0, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(u64::from_value(&seed.to_value()), Ok(seed));
    }
    assert!(u64::from_value(&"7".into()).is_err(), "a string is no integer");
    assert!(u64::from_value(&"18446744073709551616".into()).is_err());
    assert!(i64::from_value(&"9223372036854775807".into()).is_err());
    assert_eq!(
        u32::from_value(&4_294_967_296_i64.into()),
        Err("expected an integer from 0 to 4294967295, found 4294967296".into())
    );
}

#[test]
fn floats_from_integers_and_names() {
    assert_eq!(f64::from_value(&3.into()), Ok(3.0));
    assert!(f64::from_value(&"NaN".into()).unwrap().is_nan());
    assert_eq!(f64::from_value(&"-Inf".into()), Ok(f64::NEG_INFINITY));
    assert!(f64::from_value(&"inf".into()).is_err());
    assert_eq!(Option::<f64>::from_value(&Value::Null), Ok(None));
    assert_eq!(
        Vec::<Option<f64>>::from_value(&vec![Value::Null, 1.into()].into()),
        Ok(vec![None, Some(1.0)])
    );
}
