//! Rows, and the summaries of them as an engine would make them.

use std::path::Path;

use ndarray::{Array1, Array2, Axis, concatenate, s};

use crate::linear_regression::dense::triangularise;
use crate::linear_regression::{
    Factor, Fit, FitOptions, HuberFit, HuberOptions, HuberSums, NormalEquations, Outcome, Solver, fit_factor,
    fit_huber, fit_normal_equations,
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
        Factor { rows: self.y.len() as u64, weight_sum, weight_sq_sum, mean, r: triangularise(z.view()) }
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
        let outcome = match options.solver {
            Solver::Qr => fit_factor(&self.factor(64), std::slice::from_ref(options)).outcomes.pop(),
            _ => fit_normal_equations(&self.moments(), std::slice::from_ref(options)).outcomes.pop(),
        };
        match outcome.unwrap().unwrap() {
            Outcome::Fitted(fit) => fit,
            Outcome::NeedsFactor { .. } => self.fit(&FitOptions { solver: Solver::Qr, ..options.clone() }),
        }
    }

    pub(super) fn huber(&self, options: &HuberOptions) -> HuberFit {
        fit_huber::<anyhow::Error>(&self.moments(), options, |point| {
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
        })
        .unwrap()
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
        r: triangularise(stacked.view()),
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

/// A file of expected numbers.
pub(super) fn read_json(name: &str) -> serde_json::Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/spark-4.3.0");
    serde_json::from_str(&std::fs::read_to_string(Path::new(folder).join(name)).unwrap()).unwrap()
}
