//! Whatever uses the type has no errors of its own.

use luthier_core::params::{Params, Required};

/// A model.
#[derive(Debug, Clone, Params)]
struct Model {
    /// Strength.
    strength: f64,
    /// Number of components.
    #[param(range = 1..)]
    k: Required<usize>,
    /// The columns.
    #[param(column = inptu)]
    input_cols: Vec<String>,
    /// The label.
    #[param(default = 1, column = label)]
    label_col: usize,
}

fn main() {
    let mut model = Model::new().strength(1.5).k(3).input_cols(["a", "b"]).label_col(1);
    let _ = model.set(Model::STRENGTH, 2.0);
    let _ = (model.validate(), model.get(Model::K), Model::default(), model.explain_params());
}
