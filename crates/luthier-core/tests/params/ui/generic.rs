use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model<T> {
    /// Strength.
    #[param(default)]
    strength: T,
}

fn main() {}
