//! Rows and parameters of problems, and how far a fit is from its optimality conditions.

use luthier_core::frame::DataFrame;
use luthier_core::{Dataset, Estimator, FitContext};
use luthier_stages::{LinearRegression, LinearRegressionModel, Loss, Solver};
use ndarray::{Array1, Array2};

use crate::frames::frame;

#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) x: Array2<f64>,
    pub(crate) y: Array1<f64>,
    pub(crate) w: Array1<f64>,
}

/// What a problem asks for.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) reg_param: f64,
    pub(crate) alpha: f64,
    pub(crate) fit_intercept: bool,
    pub(crate) standardization: bool,
    pub(crate) solver: Solver,
}

impl Default for Options {
    fn default() -> Self {
        Self { reg_param: 0.0, alpha: 0.0, fit_intercept: true, standardization: true, solver: Solver::Auto }
    }
}

impl Options {
    pub(crate) fn estimator(&self) -> LinearRegression {
        LinearRegression::new()
            .weight_col("weight")
            .reg_param(self.reg_param)
            .elastic_net_param(self.alpha)
            .fit_intercept(self.fit_intercept)
            .standardization(self.standardization)
            .solver(self.solver)
    }

    pub(crate) fn huber(&self) -> LinearRegression {
        self.estimator().loss(Loss::Huber).tol(1e-7)
    }
}

impl Rows {
    pub(crate) fn new(x: Array2<f64>, y: Array1<f64>) -> Self {
        let w = Array1::ones(y.len());
        Self { x, y, w }
    }

    pub(crate) fn frame(&self) -> DataFrame {
        frame(self.x.clone(), self.y.to_vec(), Some(self.w.to_vec()))
    }

    pub(crate) fn fit(&self, options: &Options) -> LinearRegressionModel {
        crate::frames::fit(&options.estimator(), &self.frame())
    }

    pub(crate) fn fit_many(&self, options: &[Options]) -> Vec<LinearRegressionModel> {
        let configs: Vec<LinearRegression> = options.iter().map(Options::estimator).collect();
        let context = FitContext::new(0, Default::default());
        let models = LinearRegression::fit_many(&configs, &Dataset::new(self.frame()), &context);
        models.into_iter().map(Result::unwrap).collect()
    }

    /// The sum of the weights, and the means of the features and the label, in two passes.
    pub(crate) fn mean(&self) -> (f64, Array1<f64>) {
        let weight = self.w.sum();
        let columns = self.x.columns().into_iter().map(|x| x.to_owned()).chain([self.y.clone()]);
        let mean = |x: Array1<f64>| {
            let first = self.w.dot(&x) / weight;
            first + self.w.dot(&(x - first)) / weight
        };
        (weight, columns.map(mean).collect())
    }

    /// The deviation of the label.
    pub(crate) fn label_scale(&self) -> f64 {
        let (weight, mean) = self.mean();
        let y = &self.y - mean[mean.len() - 1];
        ((&self.w * &y).dot(&y) / weight).sqrt()
    }
}

/// Coefficients, intercept and objectives, to the bit.
pub(crate) fn bits(model: &LinearRegressionModel) -> Vec<u64> {
    let numbers = model.coefficients().iter().chain(&model.summary().objective_history);
    numbers.copied().chain([model.intercept()]).map(f64::to_bits).collect()
}

/// The largest violation of the optimality conditions, recomputed from the rows in unit coordinates:
/// gradient `xᵀw(y − ŷ)/(W u v)` against the penalty's.
pub(crate) fn violation(rows: &Rows, options: &Options, model: &LinearRegressionModel) -> f64 {
    let (weight, mean) = rows.mean();
    let d = rows.x.ncols();
    let reduced = weight - rows.w.dot(&rows.w) / weight;
    let divisor = if options.solver == Solver::LBfgs { reduced } else { weight };
    let column = |j: usize, origin: f64| match j {
        j if j == d => &rows.y - origin,
        j => &rows.x.column(j) - origin,
    };
    let origin = |j: usize| if options.fit_intercept { mean[j] } else { 0.0 };
    let moved = |j: usize| column(j, origin(j));
    let square = |v: &Array1<f64>| (&rows.w * v).dot(v);
    let deviation = |j: usize| (square(&column(j, mean[j])) / divisor).sqrt();
    let unit = |j: usize| (square(&moved(j)) / weight).sqrt();
    let v = unit(d);
    let beta = model.coefficients();
    let fitted = (0..d).fold(Array1::<f64>::zeros(rows.y.len()), |f, j| f + moved(j) * beta[j]);
    let residual = moved(d) - fitted;
    let (lambda, alpha) = (options.reg_param, options.alpha);
    (0..d)
        .map(|j| {
            if deviation(j) <= 1e-15 * mean[j].abs() {
                return if beta[j] == 0.0 { 0.0 } else { f64::INFINITY };
            }
            let u = unit(j);
            let s = if options.standardization { deviation(j) } else { 1.0 };
            let gradient = (&rows.w * &moved(j)).dot(&residual) / (weight * u * v);
            let l2 = match lambda {
                0.0 => 0.0,
                _ => lambda * (1.0 - alpha) / deviation(d) * s * s * beta[j] / (u * v),
            };
            let l1 = lambda * alpha * s / (u * v);
            match beta[j] {
                0.0 => (gradient.abs() - l1).max(0.0),
                b => (gradient - l2 - l1.copysign(b)).abs(),
            }
        })
        .fold(0.0, f64::max)
}
