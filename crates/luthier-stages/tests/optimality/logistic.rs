//! Logistic regression.

use luthier_core::EstimatorExt;
use luthier_stages::{Family, LogisticRegression, LogisticRegressionModel};
use ndarray::{Array1, Array2};

use crate::draw::Draw;
use crate::rows::{Rows, half_decrement, violation};
use crate::{Tally, problems};

#[derive(Debug, Clone)]
struct Problem {
    rows: Rows,
    classes: usize,
    family: Family,
    reg_param: f64,
    alpha: f64,
    standardization: bool,
    fit_intercept: bool,
    bound: Option<f64>,
    tol: f64,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { classes, family, reg_param, alpha, standardization, fit_intercept, bound, tol, .. } = self;
        let (n, d) = self.rows.x.dim();
        write!(
            f,
            "{n} x {d}, {classes} classes, {family:?}, {reg_param} {alpha} {standardization} {fit_intercept} {bound:?} {tol}"
        )
    }
}

impl Problem {
    fn draw(seed: u64) -> Self {
        let mut draw = Draw(seed);
        let mut rows = Rows::draw(&mut draw);
        let (n, d) = rows.x.dim();
        let classes = draw.pick(&[2, 2, 2, 3, 4]);
        let (mean, deviation) = rows.spread(false);
        let strength = draw.pick(&[0.0, 0.5, 2.0, 8.0]);
        let share = draw.pick(&[0.0, 0.0, 1.0, 3.0]);
        let beta = Array2::from_shape_fn((classes, d), |_| strength * draw.normal());
        rows.y = (0..n)
            .map(|i| {
                if i < classes {
                    return i as f64;
                }
                let score = |k: usize| -> f64 {
                    let of = |j: usize| {
                        if deviation[j] > 0.0 { (rows.x[[i, j]] - mean[j]) / deviation[j] } else { 0.0 }
                    };
                    (0..d).map(|j| beta[[k, j]] * of(j)).sum::<f64>() / (d as f64).sqrt()
                };
                let mut noisy =
                    |k: usize| score(k) - draw.uniform().ln().abs().ln() + if k == 0 { share } else { 0.0 };
                let scores: Vec<f64> = (0..classes).map(&mut noisy).collect();
                (0..classes).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap() as f64
            })
            .collect();
        (0..classes).for_each(|i| rows.w[i] = 1.0);
        let reg_param = draw.pick(&[0.0, 0.0, 1e-10, 1e-5, 0.01, 0.3, 10.0]);
        let bound = if draw.chance(0.15) { Some(draw.pick(&[0.05, 0.5])) } else { None };
        Self {
            rows,
            classes,
            family: if draw.chance(0.2) { Family::Multinomial } else { Family::Auto },
            reg_param,
            alpha: if bound.is_some() { 0.0 } else { draw.pick(&[0.0, 0.0, 0.4, 1.0]) },
            standardization: draw.chance(0.7),
            fit_intercept: draw.chance(0.8),
            bound,
            tol: draw.pick(&[1e-4, 1e-6, 1e-6, 1e-8]),
        }
    }

    fn sets(&self) -> usize {
        if self.classes == 2 && self.family == Family::Auto { 1 } else { self.classes }
    }

    fn fit(&self) -> LogisticRegressionModel {
        let mut e = LogisticRegression::new()
            .weight_col("weight")
            .family(self.family)
            .reg_param(self.reg_param)
            .elastic_net_param(self.alpha)
            .standardization(self.standardization)
            .fit_intercept(self.fit_intercept)
            .tol(self.tol);
        if let Some(bound) = self.bound {
            let all = |value: f64| vec![vec![value; self.rows.x.ncols()]; self.sets()];
            e = e.lower_bounds_on_coefficients(all(-bound)).upper_bounds_on_coefficients(all(2.0 * bound));
        }
        e.fit_frame(&self.rows.frame()).unwrap()
    }

    /// The largest distance from an optimality condition, in units of the features, and the decrease of the objective that
    /// Newton's method promises as a part of it, where there are no kinks and walls; both without what rounding of the
    /// coefficients makes of them.
    fn off(&self, model: &LogisticRegressionModel) -> (f64, f64) {
        let (rows, sets) = (&self.rows, self.sets());
        let (n, d) = rows.x.dim();
        let beta = model.coefficient_matrix();
        let mut z: Vec<Vec<f64>> =
            (0..sets).map(|k| rows.scores(&beta.row(k).to_vec(), model.intercepts()[k])).collect();
        if sets == 1 {
            z.insert(0, vec![0.0; n]);
        }
        let (mut p, mut loss) = (Array2::zeros((n, self.classes)), 0.0);
        for i in 0..n {
            let most = z.iter().map(|z| z[i]).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = z.iter().map(|z| (z[i] - most).exp()).sum();
            (0..self.classes).for_each(|k| p[[i, k]] = (z[k][i] - most).exp() / sum);
            loss += rows.w[i] * (most - z[rows.y[i] as usize][i] + sum.ln()) / rows.weight();
        }
        let (mean, deviation) = rows.spread(true);
        // Constant features have no say beside an intercept.
        let size = |j: usize| rows.rounding(&unit_vector(d, j), 0.0) / f64::EPSILON;
        let unit = |j: usize| match self.fit_intercept {
            true => Some((deviation[j], mean[j])).filter(|_| deviation[j] > 0.0),
            false => Some((size(j), 0.0)).filter(|_| size(j) > 0.0),
        };
        let s = |j: usize| if self.standardization { deviation[j] } else { 1.0 };
        let (low, high) = self.bound.map_or((f64::NEG_INFINITY, f64::INFINITY), |b| (-b, 2.0 * b));
        let (mut worst, mut slopes) = (0.0_f64, Vec::new());
        for k in 0..sets {
            let class = if sets == 1 { 1 } else { k };
            let own = |i: usize| rows.y[i] == class as f64;
            // 1 − p without cancellation.
            let rest = |i: usize| (0..self.classes).filter(|l| *l != class).map(|l| p[[i, l]]).sum::<f64>();
            let residuals: Vec<f64> = (0..n).map(|i| if own(i) { -rest(i) } else { p[[i, class]] }).collect();
            let noise = rows.rounding(&beta.row(k).to_vec(), model.intercepts()[k]);
            for j in 0..d {
                let Some((unit, centre)) = unit(j) else { continue };
                let b = beta[[k, j]];
                let l2 = self.reg_param * (1.0 - self.alpha) * s(j) * s(j);
                let slope = rows.slope(&residuals, j, centre) + l2 * b;
                let l1 = self.reg_param * self.alpha * s(j);
                worst = worst.max(violation(b, slope, l1, (low, high)) / unit - noise);
                slopes.push(slope / unit);
            }
            if self.fit_intercept {
                let total = residuals.iter().zip(&rows.w).map(|(r, w)| r * w).sum::<f64>() / rows.weight();
                worst = worst.max(total.abs() - noise);
                slopes.push(total);
            }
        }
        let penalty = |j: usize| {
            beta.column(j).iter().map(|b| (s(j) * b).powi(2)).sum::<f64>()
                * self.reg_param
                * (1.0 - self.alpha)
                / 2.0
        };
        let objective = loss + (0..d).map(penalty).sum::<f64>();
        if sets > 1 || self.bound.is_some() || (self.alpha > 0.0 && self.reg_param > 0.0) {
            return (worst, 0.0);
        }
        let kept: Vec<usize> = (0..d).filter(|j| unit(*j).is_some()).collect();
        let q = slopes.len();
        let design =
            Array2::from_shape_fn((n + kept.len(), q), |(i, at)| match (i.checked_sub(n), kept.get(at)) {
                (None, Some(&j)) => {
                    let (unit, centre) = unit(j).unwrap();
                    (rows.w[i] * p[[i, 0]] * p[[i, 1]] / rows.weight()).sqrt()
                        * ((rows.x[[i, j]] - centre) / unit)
                }
                (None, None) => (rows.w[i] * p[[i, 0]] * p[[i, 1]] / rows.weight()).sqrt(),
                (Some(row), Some(&j)) if row == at => {
                    (self.reg_param * (1.0 - self.alpha)).sqrt() * s(j) / unit(j).unwrap().0
                }
                _ => 0.0,
            });
        let noise = rows.rounding(&beta.row(0).to_vec(), model.intercepts()[0]);
        let promised = half_decrement(&design, &Array1::from(slopes)) - 10.0 * noise * noise;
        (worst, promised / objective)
    }
}

fn unit_vector(d: usize, j: usize) -> Vec<f64> {
    (0..d).map(|i| f64::from(u8::from(i == j))).collect()
}

#[test]
fn converged_logistic_regressions_are_optimal() {
    let mut tally = Tally::default();
    let mut worst_promise = (0.0, 0);
    for seed in problems() {
        let problem = Problem::draw(seed);
        let model = tally.time(seed, || problem.fit());
        let summary = model.summary();
        let (off, promised) = problem.off(&model);
        let finite = model.intercepts().iter().all(|c| c.is_finite());
        assert!(finite, "{seed}: {model:?}");
        tally.add(seed, summary.converged, summary.separated, off / problem.tol);
        if summary.converged && !summary.separated && promised > worst_promise.0 {
            worst_promise = (promised, seed);
            if promised > 1e-8 {
                println!("{seed}: {promised} {summary:?} {problem}");
            }
        }
        if !summary.converged {
            assert!(!summary.notes.is_empty(), "{seed}: {summary:?}");
            println!("{seed}: {summary:?} {problem}");
        }
    }
    println!("largest decrease still promised, as a part of the objective: {worst_promise:?}");
    assert!(worst_promise.0 <= 1e-8, "{worst_promise:?}");
    tally.finish("logistic regression");
}
