use luthier_core::params::{ParamMap, ParamType, Params, Value};
use proptest::prelude::*;

use crate::model::{Everything, Solver};

/// Floats of every kind: all bit patterns, and the corners often.
fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        prop::sample::select(vec![
            0.0,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            5e-324,
            -5e-324,
            f64::MIN_POSITIVE,
            f64::MAX,
            0.1 + 0.2,
            9007199254740993.0,
        ]),
    ]
}

fn non_negative() -> impl Strategy<Value = f64> {
    any_float().prop_map(|v| if v.is_nan() { 0.0 } else { v.abs() })
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any_float().prop_map(Value::Float),
        ".*".prop_map(Value::Str),
        prop::sample::select(vec!["NaN", "Inf", "1", "1.0", "null", "é\u{0}\"\\"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(Value::Map),
        ]
    })
}

/// The value as its serialised form spells it: floats that are not finite by name.
fn spelled(value: &Value) -> Value {
    match value {
        Value::Float(v) if !v.is_finite() => Value::Str(value.to_string()),
        Value::List(v) => Value::List(v.iter().map(spelled).collect()),
        Value::Map(v) => Value::Map(v.iter().map(|(k, v)| (k.clone(), spelled(v))).collect()),
        other => other.clone(),
    }
}

prop_compose! {
    fn any_params()(
        reg_param in non_negative(),
        free in any_float(),
        seed in any::<u64>(),
        offset in -10..10i32,
        weight_col in prop::option::of(".*"),
        fold_col in prop::option::of("[a-z]{0,3}"),
        k in prop::option::of(1..usize::MAX),
        input_cols in prop::collection::vec(".*", 0..4),
        splits in prop::collection::vec(non_negative(), 0..4),
        matrix in prop::collection::vec(prop::collection::vec(any_float(), 0..3), 0..3),
        centre in any::<bool>(),
        solver in prop::sample::select(vec![Solver::Auto, Solver::Normal, Solver::LBfgs, Solver::Qr]),
    ) -> Everything {
        let mut params = Everything::new()
            .reg_param(reg_param)
            .free(free)
            .seed(seed)
            .offset(offset)
            .input_cols(input_cols)
            .splits(splits)
            .matrix(matrix)
            .centre(centre)
            .solver(solver);
        for (name, value) in [("weight_col", weight_col), ("fold_col", fold_col)] {
            params.set_value(name, &value.to_value()).unwrap();
        }
        match k {
            Some(k) => params.k(k),
            None => params,
        }
    }
}

fn same(a: &Everything, b: &Everything) -> bool {
    let (a, b) = (a.values(), b.values());
    a.len() == b.len() && a.iter().zip(&b).all(|((j, a), (k, b))| j == k && a.same(b))
}

proptest! {
    #[test]
    fn value_through_json(value in any_value()) {
        let text = serde_json::to_string(&value).unwrap();
        let back: Value = serde_json::from_str(&text).unwrap();
        prop_assert!(back.same(&spelled(&value)), "{value:?} became {back:?}");
        prop_assert_eq!(value.to_json().to_string(), text);
        prop_assert!(Value::from_json(&value.to_json()).same(&back));
    }

    #[test]
    fn display_of_a_float_reads_back(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        let text = Value::from(value).to_string();
        prop_assert!(Value::from(text.parse::<f64>().unwrap()).same(&value.into()), "{value:e} as {text}");
    }

    #[test]
    fn float_parameter_through_json(value in any_float()) {
        let text = serde_json::to_string(&value.to_value()).unwrap();
        let back = f64::from_value(&serde_json::from_str(&text).unwrap()).unwrap();
        prop_assert!(back.to_bits() == value.to_bits() || (back.is_nan() && value.is_nan()));
    }

    #[test]
    fn params_through_json(params in any_params()) {
        let text = serde_json::to_string(&params).unwrap();
        let back: Everything = serde_json::from_str(&text).unwrap();
        prop_assert!(same(&params, &back), "{text}");
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }

    #[test]
    fn params_through_their_values(params in any_params()) {
        let mut back = Everything::new();
        for (name, value) in params.values() {
            back.set_value(name, &value).unwrap();
        }
        prop_assert!(same(&params, &back));
    }

    #[test]
    fn map_through_json(entries in prop::collection::vec(("[a-c](\\.[k-m])?", any_value()), 0..8)) {
        let map: ParamMap = entries.into_iter().collect();
        let back: ParamMap = serde_json::from_str(&serde_json::to_string(&map).unwrap()).unwrap();
        let spelled: ParamMap = map.iter().map(|(path, value)| (path, spelled(value))).collect();
        prop_assert!(back.same(&spelled));
        prop_assert!(back.iter().map(|(path, _)| path).eq(map.iter().map(|(path, _)| path)));
    }
}
