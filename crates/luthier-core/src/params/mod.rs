//! Parameters: one declaration gives the builder, typed handle, name, documentation, default, range check and serialised form.
//!
//! ```
//! use luthier_core::params::{ParamEnum, Params, Required};
//!
//! /// The algorithm.
//! #[derive(Debug, Clone, PartialEq, ParamEnum)]
//! pub enum Solver {
//!     Auto,
//!     LBfgs,
//! }
//!
//! /// A model with a penalty.
//! #[derive(Debug, Clone, Params)]
//! pub struct Ridge {
//!     /// Strength of the L2 penalty.
//!     #[param(default = 1.0, range = 0.0..)]
//!     reg_param: f64,
//!     /// Number of components.
//!     #[param(range = 1..)]
//!     k: Required<usize>,
//!     /// Column of row weights.
//!     #[param(column = weight)]
//!     weight_col: Option<String>,
//!     /// The solver.
//!     #[param(default = Solver::Auto)]
//!     solver: Solver,
//! }
//!
//! let mut ridge = Ridge::new().reg_param(0.5).k(3).weight_col("w").solver(Solver::LBfgs);
//! assert!(ridge.validate().is_ok());
//! assert_eq!(ridge.get(Ridge::REG_PARAM), Some(&0.5));
//! assert!(ridge.set(Ridge::REG_PARAM, -1.0).is_err());
//! assert!(ridge.set_value("solver", &"auto".into()).is_ok());
//! ```

mod error;
mod info;
mod map;
mod param;
mod param_type;
#[doc(hidden)]
pub mod private;
mod role;
mod simpler;
mod traits;
mod value;

pub use error::{ParamError, closest};
pub use info::ParamInfo;
pub use luthier_derive::{ParamEnum, Params};
pub use map::{Address, IntoAddress, ParamMap, ParamOf, StageHandle};
pub use param::{Param, Required};
pub use param_type::{IntoParam, ParamType};
pub use role::ColumnRole;
pub use simpler::Simpler;
pub use traits::Params;
pub use value::Value;
