use luthier_core::params::{ParamMap, Params, StageHandle};

/// Principal components.
#[derive(Debug, Clone, Params)]
struct Pca {
    /// Number of components.
    #[param(default = 1)]
    k: usize,
}

/// A regression.
#[derive(Debug, Clone, Params)]
struct Ridge {
    /// Strength.
    #[param(default = 1.0)]
    reg_param: f64,
}

fn main() {
    let ridge = StageHandle::<Ridge>::new("ridge");
    let _ = ridge.at(Ridge::REG_PARAM);
    let _ = ridge.at(Pca::K);
    ParamMap::new().set("ridge.reg_param", 0.1);
}
