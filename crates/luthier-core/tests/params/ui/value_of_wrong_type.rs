use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model {
    /// Strength.
    #[param(default = 1.0)]
    strength: f64,
}

fn main() {
    let mut model = Model::new().strength("strong");
    let _ = model.set(Model::STRENGTH, true);
}
