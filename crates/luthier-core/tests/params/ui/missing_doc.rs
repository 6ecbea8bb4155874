use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model {
    #[param(default = 1.0)]
    strength: f64,
    #[param(default = 2.0)]
    ratio: f64,
}

fn main() {}
