use luthier_core::params::{Param, ParamError, ParamType, Params, Required, Simpler, Value};

use crate::model::{Everything, Nothing, Solver};

#[test]
fn new_has_the_declared_defaults() {
    let params = Everything::new();
    assert_eq!(params, Everything::default());
    assert_eq!(params.get(Everything::REG_PARAM), Some(&0.0));
    assert_eq!(params.get(Everything::FREE), Some(&-1.0));
    assert_eq!(params.get(Everything::OFFSET), Some(&-3));
    assert_eq!(params.get(Everything::FEATURES_COL).map(String::as_str), Some("features"));
    assert_eq!(params.get(Everything::WEIGHT_COL), None);
    assert_eq!(params.get(Everything::FOLD_COL).map(String::as_str), Some("fold"));
    assert_eq!(params.get(Everything::K), None);
    assert_eq!(params.get(Everything::INPUT_COLS), Some(&vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(params.get(Everything::MATRIX), Some(&vec![vec![0.0, 1.0], vec![]]));
    assert_eq!(params.get(Everything::SOLVER), Some(&Solver::Auto));
}

#[test]
fn builder_takes_what_is_plainly_meant() {
    let columns = Vec::from(["x".to_owned()]);
    let params = Everything::new()
        .reg_param(1)
        .mixing(0.25)
        .seed(11)
        .depth(3)
        .k(3)
        .features_col("f")
        .weight_col("w")
        .fold_col(String::from("g"))
        .tol(1e-6)
        .input_cols(&columns)
        .input_cols(["a", "b"])
        .splits(vec![1.0, 2.0])
        .splits([1, 2])
        .layers((1..=3).collect::<Vec<usize>>())
        .layers(1..=3usize)
        .matrix([vec![1.0], vec![]])
        .centre(true)
        .solver(Solver::LBfgs)
        .r#type("fancy");
    assert_eq!(columns.len(), 1, "borrowed, not moved");
    assert_eq!(params.get(Everything::REG_PARAM), Some(&1.0));
    assert_eq!(params.get(Everything::WEIGHT_COL).map(String::as_str), Some("w"));
    assert_eq!(params.get(Everything::SPLITS), Some(&vec![1.0, 2.0]));
    assert_eq!(params.get(Everything::LAYERS), Some(&vec![1, 2, 3]));
    assert_eq!(params.get(Everything::TYPE).map(String::as_str), Some("fancy"));
    assert_eq!(Everything::TYPE.name(), "type");
    assert_eq!(params.validate(), Ok(()));
}

#[test]
fn the_order_of_complexity_is_what_was_declared() {
    let orders = Nothing::param_infos().iter().chain(Everything::param_infos());
    let declared: Vec<_> = orders.filter_map(|info| Some((info.name, info.simpler?))).collect();
    assert_eq!(
        declared,
        [
            ("reg_param", Simpler::Larger),
            ("depth", Simpler::Smaller),
            ("tol", Simpler::Larger),
            ("k", Simpler::Smaller)
        ]
    );
}

#[test]
fn handles_set_and_check() {
    let mut params = Everything::new();
    params.set(Everything::K, 4).unwrap();
    params.set(Everything::WEIGHT_COL, "w").unwrap();
    params.set(Everything::INPUT_COLS, ["c"]).unwrap();
    params.set(Everything::REG_PARAM, 2).unwrap();
    assert_eq!(params.get_value("k"), Ok(Value::Int(4)));
    assert_eq!(params.get_value("reg_param"), Ok(Value::Float(2.0)));
    let before = params.clone();
    assert!(matches!(params.set(Everything::K, 0), Err(ParamError::OutOfRange { .. })));
    assert!(matches!(params.set(Everything::REG_PARAM, f64::NAN), Err(ParamError::OutOfRange { .. })));
    assert!(params.set_value("mixing", &Value::from("half")).is_err());
    assert_eq!(params, before, "a failing set changes nothing");
}

/// Whether `set` accepts the value, which must agree with `set_value`, and with `validate` after the builder.
fn accepts<T: ParamType>(param: Param<Everything, T>, value: T) -> bool {
    let mut params = Everything::new().k(1);
    let mut by_name = params.clone();
    let typed = param.set(&mut params, value.clone());
    assert_eq!(typed, by_name.set_value(param.name(), &value.to_value()));
    assert_eq!(typed, param.check(&value));
    typed.is_ok()
}

#[test]
fn ranges_are_inclusive_or_exclusive_as_written() {
    let below = |x: f64| f64::from_bits(x.to_bits() - 1);
    let above = |x: f64| f64::from_bits(x.to_bits() + 1);

    for (value, inside) in
        [(0.0, true), (-0.0, true), (-5e-324, false), (f64::INFINITY, true), (f64::NAN, false)]
    {
        assert_eq!(accepts(Everything::REG_PARAM, value), inside, "reg_param {value}");
    }
    for (value, inside) in
        [(0.0, true), (1.0, true), (above(1.0), false), (-5e-324, false), (f64::NAN, false)]
    {
        assert_eq!(accepts(Everything::MIXING, value), inside, "mixing {value}");
    }
    for (value, inside) in [(0.0, false), (5e-324, true), (below(1.0), true), (1.0, false), (f64::NAN, false)]
    {
        assert_eq!(accepts(Everything::TRAIN_RATIO, value), inside, "train_ratio {value}");
    }
    for (value, inside) in [(1.0, false), (above(1.0), true), (f64::INFINITY, true), (f64::NAN, false)] {
        assert_eq!(accepts(Everything::EPSILON, value), inside, "epsilon {value}");
    }
    for (value, inside) in [(0.0, true), (below(1.0), true), (1.0, false)] {
        assert_eq!(accepts(Everything::FRACTION, value), inside, "fraction {value}");
    }
    for (value, inside) in [(f64::NAN, true), (f64::NEG_INFINITY, true)] {
        assert_eq!(accepts(Everything::FREE, value), inside, "free {value}");
    }
    for (value, inside) in [(0, true), (30, true), (31, false)] {
        assert_eq!(accepts(Everything::DEPTH, value), inside, "depth {value}");
    }
    for (value, inside) in [(-11, false), (-10, true), (9, true), (10, false)] {
        assert_eq!(accepts(Everything::OFFSET, value), inside, "offset {value}");
    }
    for (value, inside) in [(0, false), (1, true)] {
        assert_eq!(accepts(Everything::K, value), inside, "k {value}");
    }
    for (value, inside) in [(0.0, false), (1e-9, true), (f64::NAN, false)] {
        assert_eq!(accepts(Everything::TOL, value), inside, "tol {value}");
    }
    for (value, inside) in [(vec![], true), (vec![0.0, 1.0], true), (vec![0.0, -1.0], false)] {
        assert_eq!(accepts(Everything::SPLITS, value.clone()), inside, "splits {value:?}");
    }
    for (value, inside) in [(vec![1, 2], true), (vec![1, 0], false)] {
        assert_eq!(accepts(Everything::LAYERS, value.clone()), inside, "layers {value:?}");
    }
}

#[test]
fn validate_reports_what_the_builder_let_through() {
    let valid = Everything::new().k(1);
    assert_eq!(valid.validate(), Ok(()));
    for wrong in [
        Everything::new(),
        valid.clone().reg_param(-1.0),
        valid.clone().mixing(f64::NAN),
        valid.clone().train_ratio(1.0),
        valid.clone().k(0),
        valid.clone().tol(0.0),
        valid.clone().splits([1.0, -1.0]),
        valid.clone().layers([0]),
        valid.clone().centre(true).solver(Solver::Normal),
    ] {
        assert!(wrong.validate().is_err(), "{wrong:?}");
    }
}

#[test]
fn null_takes_only_an_optional_value_away() {
    let mut params = Everything::new().k(2);
    params.set_value("fold_col", &Value::Null).unwrap();
    assert_eq!(params.get(Everything::FOLD_COL), None);
    assert_eq!(params.get_value("fold_col"), Ok(Value::Null));
    assert!(params.set_value("k", &Value::Null).is_err());
    assert!(params.set_value("reg_param", &Value::Null).is_err());
    assert_eq!(params.get(Everything::K), Some(&2));
}

#[test]
fn values_are_in_declaration_order() {
    let names: Vec<_> = Everything::new().values().into_iter().map(|(name, _)| name).collect();
    let declared: Vec<_> = Everything::param_infos().iter().map(|info| info.name).collect();
    let without_k: Vec<_> = declared.iter().copied().filter(|name| *name != "k").collect();
    assert_eq!(declared.first(), Some(&"reg_param"));
    assert_eq!(declared.last(), Some(&"type"));
    assert_eq!(declared.len(), 21);
    assert_eq!(names, without_k, "an unset required parameter has no value");
    let names: Vec<_> = Everything::new().k(1).values().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, declared);
}

#[test]
fn infos_tell_all_there_is_to_know() {
    let info = |name: &str| Everything::param_infos().iter().find(|info| info.name == name).unwrap();

    assert_eq!(Everything::doc(), "Everything.");
    assert_eq!(info("mixing").doc, "Share of the L1 penalty.\n\nZero is ridge, one is lasso.");
    assert_eq!(info("mixing").summary(), "Share of the L1 penalty");
    assert_eq!(info("train_ratio").summary(), "Share of rows for training");

    let ranges: Vec<_> = Everything::param_infos().iter().filter_map(|i| Some((i.name, i.range?))).collect();
    assert_eq!(
        ranges,
        [
            ("reg_param", ">= 0"),
            ("mixing", "[0, 1]"),
            ("train_ratio", "(0, 1)"),
            ("epsilon", "> 1"),
            ("fraction", "[0, 1)"),
            ("depth", "<= MAX_DEPTH"),
            ("offset", "[-10, 10)"),
            ("tol", "> 0"),
            ("k", ">= 1"),
            ("splits", ">= 0"),
            ("layers", ">= 1"),
        ]
    );

    let types: Vec<_> =
        ["mixing", "k", "seed", "offset", "centre", "weight_col", "input_cols", "matrix", "solver"]
            .map(|name| (info(name).type_name)())
            .to_vec();
    assert_eq!(
        types,
        [
            "number",
            "non-negative integer",
            "non-negative integer",
            "integer",
            "boolean",
            "string",
            "list<string>",
            "list<list<number>>",
            "Solver",
        ]
    );
    assert_eq!((info("solver").choices)(), ["auto", "normal", "l_bfgs", "qr-householder"]);
    assert!((info("mixing").choices)().is_empty());

    let required: Vec<_> = Everything::param_infos().iter().filter(|i| i.required).map(|i| i.name).collect();
    let optional: Vec<_> = Everything::param_infos().iter().filter(|i| i.optional).map(|i| i.name).collect();
    assert_eq!(required, ["k"]);
    assert_eq!(optional, ["weight_col", "fold_col", "tol"]);
    assert_eq!(info("k").default_value(), None);
    assert_eq!(info("weight_col").default_value(), None);
    assert_eq!(info("fold_col").default_value(), Some(Value::from("fold")));
    assert_eq!(info("input_cols").default_value(), Some(Value::from(["a", "b"])));
    assert_eq!(info("solver").default_value(), Some(Value::from("auto")));
}

#[test]
fn an_owner_without_parameters() {
    let mut nothing = Nothing::new();
    assert!(Nothing::param_infos().is_empty());
    assert_eq!(nothing.validate(), Ok(()));
    assert_eq!(nothing.explain_params(), "");
    assert_eq!(
        nothing.set_value("k", &Value::Int(1)).unwrap_err().to_string(),
        "`Nothing` has no parameter `k`; its parameters are none at all"
    );
    assert_eq!(serde_json::to_string(&nothing).unwrap(), "{}");
}

#[test]
fn required_alone() {
    let mut required: Required<usize> = Required::default();
    assert!(!required.is_set());
    assert!(required.get().is_err());
    required.set(3);
    assert!(required.is_set());
    assert_eq!(required.get(), Ok(&3));
    required.clear();
    assert_eq!(required.as_option(), None);
}

#[test]
fn enums_by_name() {
    assert_eq!(Solver::LBfgs.as_str(), "l_bfgs");
    assert_eq!(Solver::Qr.to_string(), "qr-householder");
    assert_eq!(format!("{:>6}", Solver::Auto), "  auto");
    assert_eq!("l_bfgs".parse(), Ok(Solver::LBfgs));
    assert_eq!(Value::from(Solver::Normal), Value::from("normal"));
    for name in Solver::choices() {
        let solver: Solver = name.parse().unwrap();
        assert_eq!(solver.as_str(), *name);
        assert_eq!(Solver::from_value(&solver.to_value()), Ok(solver));
        let json = serde_json::to_string(&solver).unwrap();
        assert_eq!(json, format!("{name:?}"));
        assert_eq!(serde_json::from_str::<Solver>(&json).unwrap(), solver);
    }
}

/// What comes and goes with an owner.
#[derive(Debug, Clone, Default, PartialEq)]
struct Connection(Option<u32>);

/// An owner with state.
#[derive(Debug, Clone, PartialEq, Params)]
struct Connected {
    /// How often to try.
    #[param(default = 2, range = 1..)]
    tries: u32,
    #[param(skip)]
    connection: Connection,
}

#[test]
fn a_skipped_field_is_no_parameter() {
    let mut owner = Connected::new().tries(3);
    assert_eq!(owner.connection, Connection::default());
    owner.connection = Connection(Some(7));
    owner.set_value("tries", &Value::Int(5)).unwrap();
    assert_eq!(owner.connection, Connection(Some(7)), "it is left as it is");
    assert_eq!(owner.clone().tries(6).connection, Connection(Some(7)));
    assert_eq!(Params::values(&owner), [("tries", Value::Int(5))]);
    assert_eq!(Connected::param_infos().len(), 1);
    let unknown = owner.set_value("connection", &Value::Int(1)).unwrap_err().to_string();
    assert!(unknown.contains("no parameter `connection`") && unknown.contains("are tries"), "{unknown}");
    let saved = serde_json::to_string(&owner).unwrap();
    assert_eq!(saved, r#"{"tries":5}"#);
    let loaded: Connected = serde_json::from_str(&saved).unwrap();
    assert_eq!(loaded, Connected::new().tries(5));
}
