//! The two models of class probabilities.

use luthier_core::params::ParamEnum;

/// The model of the class probabilities; case is ignored in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ParamEnum)]
#[non_exhaustive]
pub enum Family {
    /// Binomial if there are at most two classes, otherwise multinomial.
    #[default]
    Auto,
    /// `P(1) = 1 / (1 + e⁻ᶻ)` with one score `z = x · β + c`.
    Binomial,
    /// `P(k) = eᶻₖ / Σ eᶻˡ` with one score per class.
    Multinomial,
}
