use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model {
    #[param(skip, default = 1.0)]
    state: f64,
}

fn main() {}
