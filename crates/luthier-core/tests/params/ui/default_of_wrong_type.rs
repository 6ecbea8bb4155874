use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model {
    /// Strength.
    #[param(default = "strong")]
    strength: f64,
    /// Number.
    #[param(default = 1.5)]
    number: usize,
}

fn main() {}
