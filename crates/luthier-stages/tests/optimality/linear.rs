//! Linear regression.

use luthier_core::EstimatorExt;
use luthier_stages::{LinearRegression, LinearRegressionModel, Solver};

use crate::draw::Draw;
use crate::rows::{Rows, moments, violation};
use crate::{Tally, problems};

#[derive(Debug, Clone)]
struct Problem {
    rows: Rows,
    solver: Solver,
    reg_param: f64,
    alpha: f64,
    standardization: bool,
    fit_intercept: bool,
    tol: f64,
}

impl Problem {
    fn draw(seed: u64) -> Self {
        let mut draw = Draw(seed ^ 0x5eed);
        let mut rows = Rows::draw(&mut draw);
        let (n, d) = rows.x.dim();
        let (mean, deviation) = rows.spread(false);
        let beta: Vec<f64> = (0..d).map(|_| draw.normal()).collect();
        let (noise, unit) = (draw.pick(&[1e-6, 0.1, 1.0, 10.0]), draw.pick(&[1e-5, 1.0, 1.0, 1e5]));
        let origin = draw.pick(&[0.0, 3.0, 1e3]);
        rows.y = (0..n)
            .map(|i| {
                let of = |j: usize| {
                    if deviation[j] > 0.0 { (rows.x[[i, j]] - mean[j]) / deviation[j] } else { 0.0 }
                };
                let score: f64 = (0..d).map(|j| beta[j] * of(j)).sum();
                unit * (origin + score + noise * draw.normal())
            })
            .collect();
        let alpha = draw.pick(&[0.0, 0.0, 0.4, 1.0]);
        let solver = match alpha {
            0.0 => draw.pick(&[Solver::Auto, Solver::Auto, Solver::Qr, Solver::LBfgs]),
            _ => Solver::Auto,
        };
        Self {
            rows,
            solver,
            reg_param: unit * draw.pick(&[0.0, 1e-8, 1e-3, 0.1, 3.0]),
            alpha,
            standardization: draw.chance(0.7),
            fit_intercept: draw.chance(0.8),
            tol: draw.pick(&[1e-4, 1e-6, 1e-6, 1e-8]),
        }
    }

    fn fit(&self) -> LinearRegressionModel {
        let e = LinearRegression::new()
            .weight_col("weight")
            .solver(self.solver)
            .reg_param(self.reg_param)
            .elastic_net_param(self.alpha)
            .standardization(self.standardization)
            .fit_intercept(self.fit_intercept)
            .tol(self.tol);
        e.fit_frame(&self.rows.frame()).unwrap()
    }

    /// The largest distance from an optimality condition, in units of the features and the label, without what rounding
    /// of the coefficients makes of it.
    fn off(&self, model: &LinearRegressionModel) -> f64 {
        let rows = &self.rows;
        let (n, d) = rows.x.dim();
        let beta = model.coefficients();
        // With twice the digits before the label is taken off.
        let mut moved = rows.clone();
        moved.x = ndarray::concatenate![
            ndarray::Axis(1),
            rows.x,
            ndarray::Array2::from_shape_fn((n, 1), |(i, _)| rows.y[i])
        ];
        let with_label: Vec<f64> = beta.iter().copied().chain([-1.0]).collect();
        let residuals = moved.scores(&with_label, model.intercept());
        let of_sample = self.solver == Solver::LBfgs;
        let (mean, deviation) = rows.spread(of_sample);
        let total = rows.weight();
        let divisor =
            if of_sample { total - rows.w.iter().map(|w| w * w).sum::<f64>() / total } else { total };
        let (_, label) = moments(&rows.y, &rows.w, divisor);
        let size = |x: &[f64]| (x.iter().zip(&rows.w).map(|(x, w)| w * x * x).sum::<f64>() / total).sqrt();
        let label_unit = if self.fit_intercept { label } else { size(&rows.y) };
        let noise = (rows.rounding(beta, model.intercept()) + f64::EPSILON * size(&rows.y)) / label_unit;
        let mut worst = 0.0_f64;
        for j in (0..d).filter(|j| deviation[*j] > 0.0) {
            let (unit, centre) = if self.fit_intercept {
                (deviation[j], mean[j])
            } else {
                (size(&rows.x.column(j).to_vec()), 0.0)
            };
            let s = if self.standardization { deviation[j] } else { 1.0 };
            let l2 = self.reg_param * (1.0 - self.alpha) / label * s * s;
            let slope = rows.slope(&residuals, j, centre) + l2 * beta[j];
            let l1 = self.reg_param * self.alpha * s;
            let all = (f64::NEG_INFINITY, f64::INFINITY);
            worst = worst.max(violation(beta[j], slope, l1, all) / (unit * label_unit) - 4.0 * noise);
        }
        if self.fit_intercept {
            let mean = residuals.iter().zip(&rows.w).map(|(r, w)| r * w).sum::<f64>() / total;
            worst = worst.max(mean.abs() / label_unit - 4.0 * noise);
        }
        worst
    }
}

#[test]
fn converged_linear_regressions_are_optimal() {
    let mut tally = Tally::default();
    for seed in problems() {
        let problem = Problem::draw(seed);
        let model = tally.time(seed, || problem.fit());
        tally.add(seed, model.summary().converged, false, problem.off(&model) / problem.tol);
    }
    tally.finish("linear regression");
}
