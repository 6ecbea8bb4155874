use luthier_core::params::{Params, Required};

#[derive(Debug, Clone, Params)]
struct Model {
    /// Strength.
    strength: f64,
    /// Number.
    #[param(default = 1)]
    number: Required<usize>,
}

fn main() {}
