use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model {
    /// Strength.
    #[param(default = 1.0)]
    set: f64,
}

fn main() {}
