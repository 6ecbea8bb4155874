use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model {
    /// Strength.
    #[param(default = 1.0, range = 2.0)]
    strength: f64,
    /// Ratio.
    #[param(default = 1.0, range = ..)]
    ratio: f64,
    /// Share.
    #[param(default = 1.0, range = 0.0.., greater_than = 1.0)]
    share: f64,
}

fn main() {}
