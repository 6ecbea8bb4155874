//! What a fit is asked for.

use luthier_core::CancelToken;
use luthier_core::params::ParamEnum;

use super::scaling::{About, Deviation};

/// Above this number of features `auto` iterates instead of factorising, as Spark does.
const DIRECT_FEATURES: usize = 4096;

/// The algorithm that minimises the squared error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ParamEnum)]
pub enum Solver {
    /// Normal equations, or the triangular factor if they would lose too many digits; as `l_bfgs` above 4096 features;
    /// coordinate descent with an L1 penalty.
    #[default]
    Auto,
    /// Normal equations; coordinate descent on them with an L1 penalty. Population standard deviations.
    Normal,
    /// The triangular factor; coordinate descent on its rows with an L1 penalty. Population standard deviations.
    Qr,
    /// Iterations that need products only, or coordinate descent with an L1 penalty, on the normal equations or the factor as
    /// for `auto`. On a quadratic function L-BFGS with an exact line search takes the steps of conjugate gradients, so these
    /// are used. Sample standard deviations.
    LBfgs,
}

/// The parameters of one fit by squared error.
#[derive(Debug, Clone)]
pub(crate) struct FitOptions {
    /// `λ ≥ 0`.
    pub(crate) reg_param: f64,
    /// `α` in 0..=1: the share of the L1 penalty.
    pub(crate) elastic_net_param: f64,
    /// Whether an intercept is fitted; it is never penalised.
    pub(crate) fit_intercept: bool,
    /// Whether the penalty counts a coefficient in standard deviations of its feature.
    pub(crate) standardization: bool,
    /// How to solve.
    pub(crate) solver: Solver,
    /// Tolerance of the iterative solvers.
    pub(crate) tol: f64,
    /// Limit of their iterations; 0 answers with the start. Direct solutions ignore it.
    pub(crate) max_iter: usize,
    /// Ends iterations early; the fit is then of no use.
    pub(crate) cancel: CancelToken,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            reg_param: 0.0,
            elastic_net_param: 0.0,
            fit_intercept: true,
            standardization: true,
            solver: Solver::Auto,
            tol: 1e-6,
            max_iter: 100,
            cancel: CancelToken::never(),
        }
    }
}

impl FitOptions {
    pub(super) fn has_l1(&self) -> bool {
        self.reg_param > 0.0 && self.elastic_net_param > 0.0
    }

    /// What the columns are taken about.
    pub(super) fn about(&self) -> About {
        match self.fit_intercept {
            true => About::Mean,
            false if self.reg_param > 0.0 && self.standardization => About::Zero,
            false => About::ZeroWithConstants,
        }
    }

    /// Whether an iterative solver makes this fit.
    pub(super) fn iterates(&self, features: usize) -> bool {
        self.has_l1() || self.solver_for(features) == Solver::LBfgs
    }

    pub(super) fn deviation(&self, features: usize) -> Deviation {
        match self.solver_for(features) {
            Solver::LBfgs => Deviation::Sample,
            _ => Deviation::Population,
        }
    }

    pub(super) fn solver_for(&self, features: usize) -> Solver {
        match self.solver {
            Solver::Auto if features > DIRECT_FEATURES => Solver::LBfgs,
            solver => solver,
        }
    }
}
