//! Laws of the grid, and the cases of Spark's ParamGridBuilderSuite.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use luthier_core::{ParamMap, Params, Required, StageHandle, Value};
use luthier_tune::{Error, ParamGrid, ParamRange};
use proptest::prelude::*;

/// A stage.
#[derive(Debug, Clone, Params)]
struct Stage {
    /// Number of iterations.
    #[param(default = 100, range = 0..)]
    max_iter: u32,
    /// Strength of the penalty.
    #[param(default = 0.0)]
    reg_param: f64,
    /// Input column.
    #[param(column = input)]
    input_col: Required<String>,
    /// Column of weights.
    #[param(default, column = weight)]
    weight_col: Option<String>,
}

fn texts(grid: &ParamGrid) -> Vec<String> {
    grid.build().unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn spark_base_on_and_add() {
    let base = ParamMap::new().with("max_iter", 10);
    let grid = ParamGrid::new().base_on(base).add(Stage::INPUT_COL, ["input0", "input1"]);
    assert_eq!(texts(&grid), ["max_iter = 10, input_col = input0", "max_iter = 10, input_col = input1"]);
}

#[test]
fn spark_add_overwrites_base_on() {
    let base = ParamMap::new().with("max_iter", 5).with("input_col", "input");
    let grid = ParamGrid::new()
        .base_on(base)
        .add(Stage::MAX_ITER, [10, 20])
        .add(Stage::INPUT_COL, ["input0", "input1"]);
    assert_eq!(
        texts(&grid),
        [
            "max_iter = 10, input_col = input0",
            "max_iter = 10, input_col = input1",
            "max_iter = 20, input_col = input0",
            "max_iter = 20, input_col = input1",
        ]
    );
}

#[test]
fn nothing_added_is_one_empty_candidate() {
    assert_eq!(ParamGrid::new().build().unwrap(), [ParamMap::new()]);
    assert_eq!(ParamGrid::default(), ParamGrid::new());
}

#[test]
fn typed_and_named_addresses_are_the_same() {
    let stage = StageHandle::<Stage>::new("lr");
    let typed =
        ParamGrid::new().add(stage.at(Stage::MAX_ITER), [1, 2]).add(stage.at(Stage::REG_PARAM), [0, 1]);
    let named = ParamGrid::new().add_by_name("lr.max_iter", [1, 2]).add_by_name("lr.reg_param", [0.0, 1.0]);
    assert_eq!(typed, named);
    let overwritten = named.add(stage.at(Stage::MAX_ITER), vec![7]);
    assert_eq!(
        texts(&overwritten),
        ["lr.max_iter = 7, lr.reg_param = 0.0", "lr.max_iter = 7, lr.reg_param = 1.0"]
    );
}

#[test]
fn values_keep_their_types() {
    let mixed = [Value::Null, Value::Str("w".to_owned())];
    let grid = ParamGrid::new().add_by_name("weight_col", mixed.clone()).add(Stage::REG_PARAM, [f64::NAN]);
    for (candidate, expected) in grid.build().unwrap().iter().zip(mixed) {
        assert_eq!(candidate.get("weight_col"), Some(&expected));
        assert!(candidate.get("reg_param").is_some_and(|value| value.same(&Value::Float(f64::NAN))));
    }
}

#[test]
fn an_address_without_values_is_an_error() {
    let grid = ParamGrid::new().add_by_name("a", [1]).add(Stage::REG_PARAM, Vec::<f64>::new());
    let error = grid.build().unwrap_err();
    assert!(matches!(&error, Error::EmptyGrid { address } if address == "reg_param"), "{error}");
    assert!(grid.clone().union(ParamGrid::new()).build().is_err());
    assert_eq!(grid.add(Stage::REG_PARAM, [0.5]).build().unwrap().len(), 1);
}

#[test]
fn a_grid_beyond_all_bounds_is_an_error_at_once() {
    let axis = |grid: ParamGrid, i: i32| grid.add_by_name(format!("p{i}"), 0..100);
    let million = (0..3).fold(ParamGrid::new(), axis);
    assert_eq!(million.build().unwrap().len(), 1_000_000);
    assert!(matches!(
        million.union(ParamGrid::new()).build(),
        Err(Error::GridTooLarge { found: 1_000_001, .. })
    ));
    let huge = (0..40).fold(ParamGrid::new(), axis);
    assert!(matches!(huge.build(), Err(Error::GridTooLarge { found: usize::MAX, .. })));
}

#[test]
fn a_union_is_both_in_order_and_takes_additions_in_both() {
    let union = ParamGrid::new().add_by_name("a", [1, 2]).union(ParamGrid::new().add_by_name("b", [3]));
    assert_eq!(texts(&union), ["a = 1", "a = 2", "b = 3"]);
    assert_eq!(texts(&union.add_by_name("b", [4])), ["a = 1, b = 4", "a = 2, b = 4", "b = 4"]);
}

fn grids() -> impl Strategy<Value = ParamGrid> {
    prop::collection::vec(("[a-d]", prop::collection::vec(0i64..9, 1..4)), 0..5).prop_map(|axes| {
        axes.into_iter().fold(ParamGrid::new(), |grid, (path, values)| grid.add_by_name(path, values))
    })
}

proptest! {
    /// Mixed radix: candidate `i` takes digit `i / (sizes behind) % size` of each axis.
    #[test]
    fn the_last_address_varies_fastest(sizes in prop::collection::vec(1usize..5, 0..5)) {
        let grid = sizes.iter().enumerate().fold(ParamGrid::new(), |grid, (axis, &size)| {
            grid.add_by_name(format!("p{axis}"), 0..size as i64)
        });
        let candidates = grid.build().unwrap();
        prop_assert_eq!(candidates.len(), sizes.iter().product::<usize>());
        for (i, candidate) in candidates.iter().enumerate() {
            prop_assert_eq!(candidate.len(), sizes.len());
            for axis in 0..sizes.len() {
                let behind: usize = sizes[axis + 1..].iter().product();
                let digit = (i / behind % sizes[axis]) as i64;
                prop_assert_eq!(candidate.get(&format!("p{axis}")), Some(&Value::Int(digit)));
            }
        }
    }

    #[test]
    fn union_concatenates(a in grids(), b in grids(), c in grids()) {
        let both: Vec<ParamMap> = a.build().unwrap().into_iter().chain(b.build().unwrap()).collect();
        prop_assert_eq!(a.clone().union(b.clone()).build().unwrap(), both);
        prop_assert_eq!(a.clone().union(b.clone()).union(c.clone()), a.union(b.union(c)));
    }

    #[test]
    fn base_on_is_a_grid_of_single_values(grid in grids(), value in 0i64..9) {
        let base = ParamMap::new().with("a", value);
        let fixed = grid.clone().base_on(base);
        prop_assert_eq!(&fixed, &grid.add_by_name("a", [value]));
        prop_assert!(fixed.build().unwrap().iter().all(|map| map.get("a") == Some(&Value::Int(value))));
    }
}

#[test]
fn a_random_search_draws_from_ranges_and_lists() {
    let grid = ParamGrid::new()
        .range_by_name("lr.reg_param", ParamRange::log(1e-4, 10.0).unwrap())
        .range_by_name("pca.k", ParamRange::integers(2, 5).unwrap())
        .add_by_name("lr.solver", ["normal", "qr"]);
    let drawn = grid.clone().draw(400).build_with(7).unwrap();
    assert_eq!(drawn.len(), 400);
    let of = |path: &str| drawn.iter().map(|map| map.get(path).unwrap().clone()).collect::<Vec<_>>();
    let penalties: Vec<f64> = of("lr.reg_param")
        .into_iter()
        .map(|value| match value {
            Value::Float(x) => x,
            other => panic!("{other}"),
        })
        .collect();
    assert!(penalties.iter().all(|x| (1e-4..=10.0).contains(x)));
    // Each of five decades has about a fifth: 80 expected, standard deviation 8.
    for decade in -4..1 {
        let low = 10f64.powi(decade);
        let count = penalties.iter().filter(|x| (low..10.0 * low).contains(*x)).count();
        assert!((45..=115).contains(&count), "{count} from {low}");
    }
    for k in 2..=5i64 {
        let count = of("pca.k").iter().filter(|value| **value == Value::Int(k)).count();
        assert!((60..=140).contains(&count), "{count} times {k}");
    }
    let qr = of("lr.solver").iter().filter(|value| **value == Value::from("qr")).count();
    assert!((150..=250).contains(&qr), "{qr}");
    // More candidates keep the first, another address changes none, and another seed changes all.
    assert_eq!(grid.clone().draw(30).build_with(7).unwrap(), drawn[..30]);
    let more = grid.clone().add_by_name("lr.fit_intercept", [true, false]).draw(30).build_with(7).unwrap();
    assert!(more.iter().zip(&drawn).all(|(a, b)| a.get("lr.reg_param") == b.get("lr.reg_param")));
    assert_ne!(grid.draw(30).build_with(8).unwrap()[0], drawn[0]);
}

#[test]
fn a_draw_from_lists_is_without_repetition() {
    let grid = ParamGrid::new().add_by_name("a", [1, 2, 3, 4]).add_by_name("b", [1, 2, 3]);
    let some = grid.clone().draw(11).build_with(3).unwrap();
    let distinct: std::collections::BTreeSet<String> = some.iter().map(ToString::to_string).collect();
    assert_eq!((some.len(), distinct.len()), (11, 11));
    assert_eq!(grid.clone().draw(12).build_with(3).unwrap(), grid.build().unwrap());
    assert_eq!(grid.clone().draw(100).build().unwrap().len(), 12);
    // Few whole numbers: all that there are.
    let few = ParamGrid::new().range_by_name("k", ParamRange::integers(1, 3).unwrap()).draw(50);
    assert_eq!(few.build().unwrap().len(), 3);
}

#[test]
fn a_range_needs_a_number_of_candidates() {
    let grid = ParamGrid::new().range_by_name("k", ParamRange::uniform(0.0, 1.0).unwrap());
    let message = grid.build().unwrap_err().to_string();
    assert!(
        message.contains("`k` has a range (0.0 to 1.0)") && message.contains("max_candidates"),
        "{message}"
    );
    for wrong in [
        ParamRange::uniform(1.0, 1.0),
        ParamRange::uniform(f64::NAN, 1.0),
        ParamRange::uniform(f64::MIN, f64::MAX),
        ParamRange::log(-1.0, 1.0),
        ParamRange::integers(4, 2),
        ParamRange::log_integers(0, 2),
    ] {
        assert!(wrong.is_err(), "{wrong:?}");
    }
    let extreme = ParamRange::integers(i64::MIN, i64::MAX).unwrap();
    assert_eq!(ParamGrid::new().range_by_name("k", extreme).draw(5).build().unwrap().len(), 5);
}
