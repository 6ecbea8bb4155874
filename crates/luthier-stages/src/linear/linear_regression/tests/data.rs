//! Rows, and the summaries of them as an engine would make them.

use std::path::Path;

use luthier_core::linalg::triangular_factor;
use ndarray::{Array1, Array2, Axis, concatenate, s};

use crate::linear::linear_regression::huber::{HuberFit, HuberOptions, HuberProblem, HuberStart, HuberSums};
use crate::linear::linear_regression::moments::{Factor, NormalEquations};
use crate::linear::linear_regression::solve::{
    Fit, FitOptions, Outcome, Solver, fit_factor, fit_normal_equations,
};

#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) x: Array2<f64>,
    pub(super) y: Array1<f64>,
    pub(super) w: Array1<f64>,
}

impl Rows {
    pub(super) fn new(x: Array2<f64>, y: Array1<f64>) -> Self {
        let w = Array1::ones(y.len());
        Self { x, y, w }
    }

    /// A CSV file with columns `label`, perhaps `weight` and `fold`, and the features.
    pub(super) fn spark(name: &str, weighted: bool) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/spark-4.3.0");
        let (header, table) = read_csv(&Path::new(folder).join(name));
        let column = |name: &str| header.iter().position(|h| h == name);
        let features: Vec<usize> = (0..header.len()).filter(|&j| header[j].starts_with('x')).collect();
        let y = table.column(column("label").unwrap()).to_owned();
        let mut rows = Self::new(table.select(Axis(1), &features), y);
        if weighted {
            rows.w = table.column(column("weight").unwrap()).to_owned();
        }
        rows
    }

    /// Means in two passes, then sums about them.
    pub(super) fn mean(&self) -> (f64, Array1<f64>) {
        let z = self.z();
        let weight = self.w.sum();
        let first = self.w.dot(&z) / weight;
        let rest = self.w.dot(&(&z - &first)) / weight;
        (weight, first + rest)
    }

    fn z(&self) -> Array2<f64> {
        let y = self.y.view().insert_axis(Axis(1));
        concatenate(Axis(1), &[self.x.view(), y]).unwrap()
    }

    pub(super) fn moments(&self) -> NormalEquations {
        let (weight_sum, mean) = self.mean();
        let z = self.z() - &mean;
        let weighted = &z * &self.w.view().insert_axis(Axis(1));
        let all = z.t().dot(&weighted);
        let d = self.x.ncols();
        NormalEquations {
            rows: self.y.len() as u64,
            weight_sum,
            weight_sq_sum: self.w.dot(&self.w),
            x_mean: mean.slice(s![..d]).to_owned(),
            y_mean: mean[d],
            xx: all.slice(s![..d, ..d]).to_owned(),
            xy: all.slice(s![..d, d]).to_owned(),
            yy: all[[d, d]],
        }
    }

    fn block(&self) -> Factor {
        let (weight_sum, mean) = self.mean();
        let z = (self.z() - &mean) * &self.w.mapv(f64::sqrt).insert_axis(Axis(1));
        let weight_sq_sum = self.w.dot(&self.w);
        Factor { rows: self.y.len() as u64, weight_sum, weight_sq_sum, mean, r: triangular_factor(z.view()) }
    }

    /// The factor, merged from blocks of so many rows.
    pub(super) fn factor(&self, block: usize) -> Factor {
        let blocks: Vec<Factor> = (0..self.y.len())
            .step_by(block)
            .map(|start| {
                let at = s![start..(start + block).min(self.y.len())];
                let rows = Self {
                    x: self
                        .x
                        .slice_axis(
                            Axis(0),
                            ndarray::Slice::from(
                                start as isize..((start + block).min(self.y.len())) as isize,
                            ),
                        )
                        .to_owned(),
                    y: self.y.slice(at).to_owned(),
                    w: self.w.slice(at).to_owned(),
                };
                rows.block()
            })
            .collect();
        blocks.into_iter().reduce(merge).unwrap()
    }

    pub(super) fn fit(&self, options: &FitOptions) -> Fit {
        let options = std::slice::from_ref(options);
        let by_factor = || {
            let factor = self.factor(64);
            fit_factor(&factor, options).outcomes.remove(0).unwrap()
        };
        let outcome = match options[0].solver {
            Solver::Qr => by_factor(),
            _ => match fit_normal_equations(&self.moments(), options).outcomes.remove(0).unwrap() {
                Outcome::NeedsFactor { .. } => by_factor(),
                fitted => fitted,
            },
        };
        match outcome {
            Outcome::Fitted(fit) => fit,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn huber(&self, options: &HuberOptions) -> HuberFit {
        let moments = self.moments();
        let problem = match HuberProblem::start(&moments.totals(), moments.is_finite(), options).unwrap() {
            HuberStart::Fitted(fit) => return fit,
            HuberStart::Problem(problem) => problem,
        };
        let sums = |point: &_| -> anyhow::Result<_> {
            let mut sums = HuberSums::empty(self.x.ncols());
            let middle = self.y.len() / 2;
            sums.update(
                point,
                self.x.slice(s![..middle, ..]),
                self.y.slice(s![..middle]),
                self.w.slice(s![..middle]),
            );
            let mut rest = HuberSums::empty(self.x.ncols());
            rest.update(
                point,
                self.x.slice(s![middle.., ..]),
                self.y.slice(s![middle..]),
                self.w.slice(s![middle..]),
            );
            sums.merge(&rest);
            Ok(sums)
        };
        problem.minimise(&moments, sums).unwrap()
    }
}

/// Two factors of disjoint rows as one: the difference of the means enters as one more row.
fn merge(a: Factor, b: Factor) -> Factor {
    if a.weight_sum == 0.0 || b.weight_sum == 0.0 {
        let rows = a.rows + b.rows;
        return Factor { rows, ..if b.weight_sum == 0.0 { a } else { b } };
    }
    let weight_sum = a.weight_sum + b.weight_sum;
    let apart = &b.mean - &a.mean;
    let row = &apart * (a.weight_sum * b.weight_sum / weight_sum).sqrt();
    let mean = &a.mean + &(apart * (b.weight_sum / weight_sum));
    let row = row.insert_axis(Axis(0));
    let stacked = concatenate(Axis(0), &[a.r.view(), b.r.view(), row.view()]).unwrap();
    Factor {
        rows: a.rows + b.rows,
        weight_sum,
        weight_sq_sum: a.weight_sq_sum + b.weight_sq_sum,
        mean,
        r: triangular_factor(stacked.view()),
    }
}

/// Header and numbers of a CSV file.
pub(super) fn read_csv(path: &Path) -> (Vec<String>, Array2<f64>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
    let values: Vec<f64> = lines.flat_map(|l| l.split(',').map(|v| v.parse().unwrap())).collect();
    let rows = values.len() / header.len();
    let table = Array2::from_shape_vec((rows, header.len()), values).unwrap();
    (header, table)
}
