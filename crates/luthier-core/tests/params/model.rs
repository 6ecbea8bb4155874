//! A struct with every kind of parameter.

use luthier_core::params::{ParamEnum, Params, Required};

/// How to solve.
#[derive(Debug, Clone, Copy, PartialEq, ParamEnum)]
pub(crate) enum Solver {
    Auto,
    Normal,
    LBfgs,
    #[param(rename = "qr-householder")]
    Qr,
}

const MAX_DEPTH: usize = 30;

/// Everything.
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub(crate) struct Everything {
    /// Strength of the penalty.
    #[param(default = 0.0, range = 0.0.., simpler = larger)]
    pub(crate) reg_param: f64,
    /// Share of the L1 penalty.
    ///
    /// Zero is ridge, one is lasso.
    #[param(default = 0.5, range = 0.0..=1.0)]
    mixing: f64,
    /// Share of rows for
    /// training.
    #[param(default = 0.75, greater_than = 0, less_than = 1)]
    train_ratio: f64,
    /// Shape of the loss.
    #[param(default = 1.35, greater_than = 1.0)]
    epsilon: f64,
    /// Fraction, open above.
    #[param(default = 0.0, range = 0.0..1.0)]
    fraction: f64,
    /// Any number.
    #[param(default = -1)]
    free: f64,
    /// Depth.
    #[param(default = 5, range = ..=MAX_DEPTH, simpler = smaller)]
    depth: usize,
    /// Offset.
    #[param(default = -3, range = -10..10)]
    offset: i32,
    /// Seed.
    #[param(default = 7)]
    seed: u64,
    /// Column of features.
    #[param(default = "features", column = input)]
    features_col: String,
    /// Column of weights.
    #[param(column = weight)]
    weight_col: Option<String>,
    /// Column of folds
    #[param(default = "fold", column = fold)]
    fold_col: Option<String>,
    /// Tolerance, if any.
    #[param(default, greater_than = 0.0, simpler = larger)]
    tol: Option<f64>,
    /// Number of components.
    #[param(range = 1.., simpler = smaller)]
    k: Required<usize>,
    /// Columns to take.
    #[param(default = ["a", "b"], column = input)]
    input_cols: Vec<String>,
    /// Split points.
    #[param(default, range = 0.0..)]
    splits: Vec<f64>,
    /// Layers.
    #[param(default = [4, 3], range = 1..)]
    layers: Vec<usize>,
    /// Bounds by row.
    #[param(default = [[0, 1], []])]
    matrix: Vec<Vec<f64>>,
    /// Whether to centre.
    #[param(default)]
    centre: bool,
    /// The solver.
    #[param(default = Solver::Auto)]
    solver: Solver,
    /// The kind.
    #[param(default = "plain")]
    r#type: String,
}

impl Everything {
    fn check(&self) -> Result<(), String> {
        if self.centre && self.solver == Solver::Normal {
            return Err(
                "`solver` = normal cannot centre: choose another solver or set `centre` = false".to_owned()
            );
        }
        Ok(())
    }
}

/// Nothing to choose.
#[derive(Debug, Clone, Params)]
pub(crate) struct Nothing {}
