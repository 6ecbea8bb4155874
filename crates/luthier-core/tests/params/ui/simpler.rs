use luthier_core::params::Params;

#[derive(Debug, Clone, Params)]
struct Model {
    /// The solver.
    #[param(default = "auto", simpler = larger)]
    solver: String,
    /// Layers.
    #[param(default, simpler = smaller)]
    layers: Vec<usize>,
    /// Whether to centre.
    #[param(default, simpler = smaller)]
    centre: bool,
    /// Strength.
    #[param(default = 1.0, simpler = bigger)]
    strength: f64,
    /// Depth, if it is limited.
    #[param(simpler = smaller, simpler = smaller)]
    depth: Option<usize>,
}

fn main() {}
