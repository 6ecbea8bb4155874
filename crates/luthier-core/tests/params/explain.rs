//! The form of Spark's `Params.explainParam`: `name: doc (default: x, current: y)`, `name: doc (current: y)`,
//! `name: doc (undefined)`.

use luthier_core::params::{ParamInfo, Params, Value};

use crate::model::{Everything, Solver};

#[test]
fn form_of_spark() {
    // `new LogisticRegression().setMaxIter(5).explainParam(maxIter)` and its neighbours in Spark 4, with our names.
    let max_iter = ParamInfo {
        name: "max_iter",
        doc: "maximum number of iterations",
        type_name: || "non-negative integer".to_owned(),
        default: Some(|| Value::Int(10)),
        range: Some(">= 0"),
        column: None,
        simpler: None,
        required: false,
        optional: false,
        choices: || &[],
    };
    assert_eq!(max_iter.explain(None), "max_iter: maximum number of iterations (>= 0) (default: 10)");
    assert_eq!(
        max_iter.explain(Some(&Value::Int(5))),
        "max_iter: maximum number of iterations (>= 0) (default: 10, current: 5)"
    );
    let k = ParamInfo { name: "k", doc: "the number of principal components", default: None, ..max_iter };
    let k = ParamInfo { range: Some("> 0"), required: true, ..k };
    assert_eq!(k.explain(None), "k: the number of principal components (> 0) (undefined)");
    assert_eq!(k.explain(Some(&Value::Int(3))), "k: the number of principal components (> 0) (current: 3)");
}

#[test]
fn a_whole_owner() {
    let params = Everything::new()
        .mixing(0.25)
        .train_ratio(0.8)
        .k(3)
        .solver(Solver::LBfgs)
        .input_cols(Vec::<String>::new())
        .offset(-3);
    let lines = [
        "reg_param: Strength of the penalty (>= 0) (default: 0.0)",
        "mixing: Share of the L1 penalty (in [0, 1]) (default: 0.5, current: 0.25)",
        "train_ratio: Share of rows for training (in (0, 1)) (default: 0.75, current: 0.8)",
        "epsilon: Shape of the loss (> 1) (default: 1.35)",
        "fraction: Fraction, open above (in [0, 1)) (default: 0.0)",
        "free: Any number (default: -1.0)",
        "depth: Depth (<= MAX_DEPTH) (default: 5)",
        "offset: Offset (in [-10, 10)) (default: -3)",
        "seed: Seed (default: 7)",
        "features_col: Column of features (default: features)",
        "weight_col: Column of weights (undefined)",
        "fold_col: Column of folds (default: fold)",
        "tol: Tolerance, if any (> 0) (undefined)",
        "k: Number of components (>= 1) (current: 3)",
        "input_cols: Columns to take (default: [a, b], current: [])",
        "splits: Split points (>= 0) (default: [])",
        "layers: Layers (>= 1) (default: [4, 3])",
        "matrix: Bounds by row (default: [[0.0, 1.0], []])",
        "centre: Whether to centre (default: false)",
        "solver: The solver (auto | normal | l_bfgs | qr-householder) (default: auto, current: l_bfgs)",
        "type: The kind (default: plain)",
    ];
    assert_eq!(params.explain_params(), lines.join("\n"));
}

#[test]
fn an_optional_value_taken_away_is_shown() {
    let mut params = Everything::new();
    params.set_value("fold_col", &Value::Null).unwrap();
    assert!(params.explain_params().contains("fold_col: Column of folds (default: fold, current: null)"));
}
