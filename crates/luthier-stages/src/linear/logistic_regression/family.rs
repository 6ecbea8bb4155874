//! Which of the two models of class probabilities is fitted.

use luthier_core::params::ParamEnum;

/// The model of the class probabilities; its name may be written in upper or lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ParamEnum)]
#[non_exhaustive]
pub enum Family {
    /// Binomial where all labels are 0 or 1, else multinomial.
    #[default]
    Auto,
    /// `P(1) = 1 / (1 + e⁻ᶻ)` with one score `z = x · β + c`.
    Binomial,
    /// `P(k) = eᶻₖ / Σ eᶻˡ` with a score for each class.
    Multinomial,
}
