use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model {
    /// Strength.
    #[param(default = 1.0, rnage = 0.0..)]
    strength: f64,
}

#[derive(Debug, Clone, Params)]
#[params(chek = "Self::check")]
struct Other {
    /// Strength.
    #[param(default = 1.0)]
    strength: f64,
}

fn main() {}
