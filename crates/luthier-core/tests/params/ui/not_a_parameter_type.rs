use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model {
    /// Strength.
    #[param(default)]
    strength: f32,
}

fn main() {}
