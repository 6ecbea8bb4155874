//! Laws of the way there and back.

use std::collections::{BTreeMap, HashMap};

use ndarray::{Array1, Array2};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Solver {
    Auto,
    Named(String),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum State {
    Empty,
    Scale(f64),
    Line(f64, f32),
    Boxed(Option<Box<State>>),
    Fitted { coefficients: Vec<f64>, intercept: Option<f64> },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tolerance(f64);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Marker;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Model {
    name: String,
    initial: char,
    rows: Vec<Vec<f64>>,
    weight: Option<f64>,
    narrow: f32,
    pair: (i64, f64, bool),
    states: Vec<State>,
    tolerance: Tolerance,
    marker: Marker,
    unit: (),
    mean: Array1<f64>,
    components: Array2<f64>,
    by_name: BTreeMap<String, f64>,
    by_index: BTreeMap<i32, Option<f64>>,
    by_flag: BTreeMap<bool, u64>,
    limits: [u64; 2],
}

/// Any bits: subnormals, both zeros, infinities and all the NaNs.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits),
        1 => prop::sample::select(vec![0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX,
                                       f64::MIN_POSITIVE, 5e-324, 9007199254740993.0, 0.1]),
    ]
}

fn narrow_float() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::sample::select(vec!["NaN", "Inf", "-Inf", "null", "1.5"]).prop_map(String::from)
    ]
}

fn state() -> impl Strategy<Value = State> {
    let leaf = prop_oneof![
        Just(State::Empty),
        Just(State::Boxed(None)),
        float().prop_map(State::Scale),
        (float(), narrow_float()).prop_map(|(a, b)| State::Line(a, b)),
        (vec(float(), 0..4), prop::option::of(float()))
            .prop_map(|(coefficients, intercept)| State::Fitted { coefficients, intercept }),
    ];
    leaf.prop_recursive(3, 6, 1, |inner| inner.prop_map(|state| State::Boxed(Some(Box::new(state)))))
}

fn matrix() -> impl Strategy<Value = Array2<f64>> {
    (0..4_usize, 0..4_usize).prop_flat_map(|(m, n)| {
        vec(float(), m * n).prop_map(move |v| Array2::from_shape_vec((m, n), v).unwrap())
    })
}

fn model() -> impl Strategy<Value = Model> {
    let plain =
        (text(), any::<char>(), vec(vec(float(), 0..4), 0..4), prop::option::of(float()), narrow_float());
    let nested = ((any::<i64>(), float(), any::<bool>()), vec(state(), 0..4), float());
    let arrays = (vec(float(), 0..5).prop_map(Array1::from_vec), matrix(), any::<[u64; 2]>());
    let maps = (
        btree_map(text(), float(), 0..4),
        btree_map(any::<i32>(), prop::option::of(float()), 0..4),
        btree_map(any::<bool>(), any::<u64>(), 0..3),
    );
    (plain, nested, arrays, maps).prop_map(|(plain, nested, arrays, maps)| Model {
        name: plain.0,
        initial: plain.1,
        rows: plain.2,
        weight: plain.3,
        narrow: plain.4,
        pair: nested.0,
        states: nested.1,
        tolerance: Tolerance(nested.2),
        marker: Marker,
        unit: (),
        mean: arrays.0,
        components: arrays.1,
        limits: arrays.2,
        by_name: maps.0,
        by_index: maps.1,
        by_flag: maps.2,
    })
}

/// `Debug` of a float shows every bit but those of a NaN, and shows `-0.0`.
fn bits_shown(model: &impl std::fmt::Debug) -> String {
    format!("{model:?}")
}

fn through_text<T: Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let text = to_string_pretty(value).unwrap();
    assert_eq!(text, to_string_pretty(&to_value(value).unwrap()).unwrap());
    from_value(&serde_json::from_str(&text).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_float_keeps_its_bits(x in float(), y in narrow_float()) {
        let (a, b) = through_text(&(x, y));
        prop_assert!(a.to_bits() == x.to_bits() || a.is_nan() && x.is_nan(), "{a} {x}");
        prop_assert!(b.to_bits() == y.to_bits() || b.is_nan() && y.is_nan(), "{b} {y}");
    }

    #[test]
    fn a_model_survives(model in model()) {
        prop_assert_eq!(bits_shown(&through_text(&model)), bits_shown(&model));
    }

    #[test]
    fn without_non_finite_floats_the_document_is_that_of_serde_json(model in model()) {
        let ours = to_value(&model).unwrap();
        let theirs = serde_json::to_value(&model).unwrap();
        prop_assert!(same_but_labels(&ours, &theirs), "{ours}\n{theirs}");
    }

    #[test]
    fn a_damaged_document_is_an_error_or_a_value_but_never_a_panic(model in model(), at in any::<prop::sample::Index>(),
        damage in prop::sample::select(vec![json!(null), json!("x"), json!([1]), json!({"a": 1}), json!(-1), json!(1e300)]))
    {
        let mut document = to_value(&model).unwrap();
        let mut pointers = Vec::new();
        collect_pointers(&document, String::new(), &mut pointers);
        let pointer: &String = at.get(&pointers);
        *document.pointer_mut(pointer).unwrap() = damage;
        let _ = from_value::<Model>(&document);
    }
}

fn same_but_labels(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::String(text), Value::Null) => crate::float_name::named_float(text).is_some(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_but_labels(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same_but_labels(a.1, b.1))
        }
        (a, b) => a == b,
    }
}

fn collect_pointers(value: &Value, here: String, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| collect_pointers(item, format!("{here}/{i}"), all));
        }
        Value::Object(entries) => entries.iter().for_each(|(key, value)| {
            collect_pointers(value, format!("{here}/{}", key.replace('~', "~0").replace('/', "~1")), all);
        }),
        _ => {}
    }
    all.push(here);
}

fn reason<T: serde::de::DeserializeOwned + std::fmt::Debug>(document: Value) -> String {
    match from_value::<T>(&document) {
        Err(Error::Load { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn arrays_of_scalars_stay_on_one_line() {
    let value = json!({
        "x": [1.0, -0.0, null, "a\"b"], "empty": [], "none": {}, "rows": [[1, 2], [3]], "k\n": {"a": true},
        "mixed": [1, "a, b", [2], 3, {}],
    });
    let expected = r#"{
  "x": [1.0, -0.0, null, "a\"b"],
  "empty": [],
  "none": {},
  "rows": [
    [1, 2],
    [3]
  ],
  "k\n": {
    "a": true
  },
  "mixed": [
    1,
    "a, b",
    [2],
    3,
    {}
  ]
}"#;
    assert_eq!(to_string_pretty(&value).unwrap(), expected);
    assert_eq!(serde_json::from_str::<Value>(expected).unwrap(), value);
}

#[test]
fn non_finite_floats_are_strings() {
    let value =
        to_value(&(f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f32::NEG_INFINITY, Some(-f64::NAN))).unwrap();
    assert_eq!(value, json!(["NaN", "Inf", "-Inf", "-Inf", "NaN"]));
    assert_eq!(to_value(&-0.0).unwrap().to_string(), "-0.0");
}

#[test]
fn every_form_of_variant_is_externally_tagged() {
    let states = [
        State::Empty,
        State::Scale(f64::NAN),
        State::Line(1.0, 2.0),
        State::Boxed(None),
        State::Fitted { coefficients: vec![1.0], intercept: None },
    ];
    let expected = json!(["Empty", {"Scale": "NaN"}, {"Line": [1.0, 2.0]}, {"Boxed": null},
                          {"Fitted": {"coefficients": [1.0], "intercept": null}}]);
    assert_eq!(to_value(&states).unwrap(), expected);
}

#[test]
fn a_string_stays_a_string_and_any_value_stays_itself() {
    let document = json!({"a": "NaN", "b": ["Inf", null, 1, -2, 0.5, true]});
    assert_eq!(from_value::<Value>(&document).unwrap(), document);
    assert_eq!(to_value(&document).unwrap(), document);
    assert_eq!(
        from_value::<(String, f64)>(&json!(["NaN", "Inf"])).unwrap(),
        ("NaN".to_owned(), f64::INFINITY)
    );
    assert_eq!(from_value::<Option<String>>(&json!("-Inf")).unwrap().as_deref(), Some("-Inf"));
}

#[test]
fn integers_are_floats_where_floats_are_asked_for_but_not_the_reverse() {
    assert_eq!(from_value::<Vec<f64>>(&json!([1, -2, u64::MAX])).unwrap(), [1.0, -2.0, u64::MAX as f64]);
    assert_eq!(reason::<u64>(json!(1.5)), "expected u64, found 1.5");
    assert_eq!(reason::<i64>(json!("NaN")), r#"expected i64, found "NaN""#);
    assert_eq!(reason::<u8>(json!(300)), "expected u8, found 300");
    assert_eq!(reason::<f32>(json!(1e300)), "expected a number in the range of f32, found 1e300");
}

#[test]
fn wide_integers_pass_when_they_fit() {
    assert_eq!(
        through_text(&(i128::from(i64::MIN), u128::from(u64::MAX))),
        (i64::MIN.into(), u64::MAX.into())
    );
    let error = to_value(&[u128::MAX]).unwrap_err().to_string();
    assert!(
        error.starts_with("[0]: the integer 340282366920938463463374607431768211455 is outside"),
        "{error}"
    );
}

#[test]
fn errors_name_the_path_in_the_document() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Saved {
        #[allow(dead_code)]
        stages: Vec<Stage>,
    }
    #[derive(Debug, Deserialize)]
    struct Stage {
        #[allow(dead_code)]
        state: State,
    }

    let fitted = |coefficients: Value| {
        json!({"stages": [{"state": "Empty"},
                          {"state": {"Fitted": {"coefficients": coefficients, "intercept": 0}}}]})
    };
    assert_eq!(
        reason::<Saved>(fitted(json!([1, 2, 3, "x"]))),
        r#"stages[1].state.Fitted.coefficients[3]: expected a number, found "x""#
    );
    assert_eq!(
        reason::<Saved>(fitted(json!([null]))),
        "stages[1].state.Fitted.coefficients[0]: expected a number, found null"
    );
    assert_eq!(
        reason::<Saved>(fitted(json!({}))),
        "stages[1].state.Fitted.coefficients: expected a sequence, found an object"
    );
    assert_eq!(reason::<Saved>(json!({"stages": [{}]})), "stages[0]: missing field `state`");
    assert_eq!(reason::<Saved>(json!({"stage": []})), "unknown field `stage`, expected `stages`");
    let unknown = reason::<Saved>(json!({"stages": [{"state": "Fited"}]}));
    assert!(
        unknown.starts_with("stages[0].state: unknown variant `Fited`, expected one of `Empty`"),
        "{unknown}"
    );
    assert_eq!(
        reason::<BTreeMap<String, f64>>(json!({"a b": true})),
        r#"["a b"]: expected a number, found true"#
    );
    assert_eq!(
        reason::<Vec<BTreeMap<i32, f64>>>(json!([{"1": 1}, {" 2": 1}])),
        r#"[1]: expected a number as key, found " 2""#
    );
}

#[test]
fn lengths_and_forms_that_do_not_fit_are_errors() {
    assert_eq!(reason::<(f64, f64)>(json!([1])), "expected a tuple of size 2, found 1 element");
    assert_eq!(reason::<(f64, f64)>(json!([1, 2, 3])), "expected an array of 2 elements, found 3 elements");
    assert_eq!(
        reason::<State>(json!({"Line": [1]})),
        "Line: expected tuple variant State::Line with 2 elements, found 1 element"
    );
    assert_eq!(reason::<State>(json!({"Line": 1})), "Line: expected an array, found 1");
    assert_eq!(reason::<State>(json!({"Empty": 1})), "Empty: expected null, found 1");
    assert_eq!(
        reason::<State>(json!("Scale")),
        r#"expected an object with the key "Scale" and the variant's content, found "Scale""#
    );
    assert_eq!(reason::<State>(json!({})), "expected a variant: an object with one key, found one with none");
    assert_eq!(
        reason::<State>(json!({"Empty": null, "Scale": 1})),
        "expected a variant: an object with one key, found one with more"
    );
    assert_eq!(reason::<State>(json!(1)), "expected a variant: a string or an object with one key, found 1");
    let shape = reason::<Vec<Array2<f64>>>(json!([{"v": 1, "dim": [2, 2], "data": [1, 2, 3]}]));
    assert!(shape.starts_with("[0]: "), "{shape}");
    let huge = reason::<Array2<f64>>(json!({"v": 1, "dim": [u64::MAX, u64::MAX], "data": [1]}));
    assert!(!huge.is_empty());
}

#[test]
fn keys_are_written_into_strings() {
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Id(i64);

    let ids = BTreeMap::from([(Id(i64::MIN), 1), (Id(7), 2)]);
    assert_eq!(to_value(&ids).unwrap(), json!({"-9223372036854775808": 1, "7": 2}));
    assert_eq!(through_text(&ids), ids);
    let characters = BTreeMap::from([('a', 1), ('"', 2)]);
    assert_eq!(through_text(&characters), characters);
    let solvers = BTreeMap::from([(Solver::Auto, f64::INFINITY)]);
    assert_eq!(to_value(&solvers).unwrap(), json!({"Auto": "Inf"}));
    assert_eq!(through_text(&solvers), solvers);

    let error =
        to_value(&HashMap::from([("m", BTreeMap::from([(Solver::Named("a".to_owned()), 1)]))])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "m: a map key must be a string, a number, a bool or a unit variant, found the variant `Named` with a value"
    );
    let named = BTreeMap::from([(Solver::Named("a".to_owned()), 1)]);
    assert_eq!(to_string_pretty(&HashMap::from([("m", named)])).unwrap_err().to_string(), error.to_string());
}

#[test]
fn float_keys_keep_their_bits() {
    struct Pairs(Vec<(f64, u8)>);
    impl Serialize for Pairs {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
        }
    }
    #[derive(Debug, PartialEq, Eq, Hash)]
    struct Bits(u64);
    impl<'de> Deserialize<'de> for Bits {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            f64::deserialize(deserializer).map(|x| Self(x.to_bits()))
        }
    }

    let keys = [0.1, -0.0, 0.0, 5e-324, f64::NEG_INFINITY, f64::NAN];
    let document = to_value(&Pairs(keys.iter().map(|&key| (key, 1)).collect())).unwrap();
    let back = from_value::<HashMap<Bits, u8>>(&document).unwrap();
    assert!(keys.iter().all(|key| back.contains_key(&Bits(key.to_bits()))), "{back:?}");

    let twice = Pairs(vec![(f64::NAN, 1), (f64::NAN, 2)]);
    assert_eq!(to_value(&twice).unwrap_err().to_string(), r#"two entries have the key "NaN""#);
    assert_eq!(to_string_pretty(&twice).unwrap_err().to_string(), r#"two entries have the key "NaN""#);
}

#[test]
fn a_type_that_serde_buffers_refuses_the_strings() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Tagged {
        Scale { by: f64 },
    }

    assert!(matches!(through_text(&Tagged::Scale { by: 0.1 }), Tagged::Scale { by: 0.1 }));
    let document = to_value(&Tagged::Scale { by: f64::NAN }).unwrap();
    assert_eq!(document, json!({"type": "Scale", "by": "NaN"}));
    assert!(matches!(from_value::<Tagged>(&document), Err(Error::Load { .. })));
}
