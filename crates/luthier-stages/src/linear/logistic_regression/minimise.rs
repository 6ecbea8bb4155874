//! The descents of several candidates that pass over the rows together.

use luthier_core::CancelToken;
use ndarray::Array2;
use rayon::prelude::*;

use super::descent::{Descent, Problem, Solution};
use super::hessian::{constant_hessian, factor, gram, hessian};
use super::loss::{Part, Query, Shape, losses};
use super::rows::Rows;

/// Multiplications for which the Hessian of all rows is taken in every iteration.
const CHEAP_HESSIAN: f64 = 3e7;

/// Beyond so many unknowns no Hessian is formed.
const MOST_UNKNOWNS: usize = 1000;

/// A relative decrease this small is the last with the Hessian of all rows: the next one would be its square.
const DECREASE: f64 = 1e-7;

/// Rows of a class without which a sample says nothing about it.
const FEW_ROWS: u32 = 20;

/// Minimises all problems. What one gets does not depend on the others, to the last bit. If it is cancelled, the solutions are
/// wherever it was.
///
/// The Hessian is that of all rows in every iteration where it is cheap. Elsewhere a first descent on a sample of the
/// rows leads near the minimum, and its Hessian, updated by the gradients (BFGS), serves on all rows. For very many
/// unknowns the last gradients must do (L-BFGS; with an L1 penalty in the orthants of OWL-QN).
pub(super) fn minimise(
    rows: &Rows,
    shape: Shape,
    problems: &[Problem],
    cancel: &CancelToken,
) -> Vec<Solution> {
    let unknowns = shape.unknowns() as f64;
    let n: usize = rows.blocks.iter().map(|b| b.len()).sum();
    if has_hessian(shape) && n as f64 * unknowns * unknowns <= CHEAP_HESSIAN {
        let mut descents: Vec<Descent<'_>> =
            problems.iter().map(|problem| Descent::new(shape, problem, None)).collect();
        descents.iter_mut().for_each(|descent| descent.enough = DECREASE * descent.problem.tol);
        return run(rows, shape, Part::All, descents, true, cancel);
    }
    if !has_hessian(shape) {
        let descents = problems.iter().map(|problem| Descent::limited(rows, shape, problem)).collect();
        return run(rows, shape, Part::All, descents, false, cancel);
    }
    let wanted = (n / 10).max(20 * shape.unknowns());
    let step = if every_class_is_in(rows, n / wanted) { n / wanted } else { 1 };
    let sample = if step > 1 { Part::Sample(step) } else { Part::All };
    let gram = gram(rows, shape.width, sample);
    let first: Vec<Option<Array2<f64>>> = problems.iter().map(|p| at_start(shape, p, &gram)).collect();
    let mut descents: Vec<Descent<'_>> =
        problems.iter().zip(first).map(|(problem, first)| Descent::new(shape, problem, first)).collect();
    if step > 1 {
        for descent in &mut descents {
            (descent.enough, descent.steepest) = (1e-4, f64::INFINITY);
        }
        let near = run(rows, shape, sample, descents, false, cancel);
        descents = problems
            .iter()
            .zip(near)
            .map(|(problem, near)| {
                let mut descent = Descent::new(shape, problem, None);
                if problem.max_iter > 0 && near.history.iter().all(|x| x.is_finite()) {
                    descent.point = near.point;
                }
                descent
            })
            .collect();
        descents
            .par_iter_mut()
            .filter(|_| !cancel.is_cancelled())
            .for_each(|descent| descent.set_hessian(hessian(rows, shape, sample, &descent.point)));
    }
    run(rows, shape, Part::All, descents, false, cancel)
}

/// Whether there is memory for a Hessian.
pub(super) fn has_hessian(shape: Shape) -> bool {
    shape.unknowns() <= MOST_UNKNOWNS
}

/// Whether a sample has some rows of every class.
fn every_class_is_in(rows: &Rows, step: usize) -> bool {
    let mut counts = vec![0_u32; rows.present.len()];
    let (blocks, _) = Part::Sample(step).of(&rows.blocks);
    blocks.iter().flat_map(|b| &b.classes).for_each(|class| counts[*class as usize] += 1);
    counts.iter().all(|count| *count >= FEW_ROWS)
}

/// The Hessian at a start where every row has the same probabilities.
fn at_start(shape: Shape, problem: &Problem, gram: &Array2<f64>) -> Option<Array2<f64>> {
    let q = shape.width + 1;
    if problem.start.iter().enumerate().any(|(j, x)| j % q != shape.width && *x != 0.0) {
        return None;
    }
    let scores: Vec<f64> = match shape.sets {
        1 => vec![0.0, problem.start[shape.width]],
        sets => (0..sets).map(|k| problem.start[shape.intercept(k)]).collect(),
    };
    let largest = scores.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    let e: Vec<f64> = scores.iter().map(|z| (z - largest).exp()).collect();
    let sum: f64 = e.iter().sum();
    let probabilities: Vec<f64> = e.iter().map(|e| e / sum).collect();
    Some(constant_hessian(shape, &probabilities, gram))
}

/// Passes over the rows until every descent is done.
fn run(
    rows: &Rows,
    shape: Shape,
    part: Part,
    mut descents: Vec<Descent<'_>>,
    newton: bool,
    cancel: &CancelToken,
) -> Vec<Solution> {
    let scale = null_loss(rows);
    loop {
        let mut waiting: Vec<&mut Descent<'_>> = descents.iter_mut().filter(|d| !d.done).collect();
        if waiting.is_empty() || cancel.is_cancelled() {
            break;
        }
        let queries: Vec<Query<'_>> = waiting
            .iter()
            .map(|d| Query { point: d.trial.as_deref().unwrap_or(&d.point), offsets: &d.problem.offsets })
            .collect();
        let answers = losses(rows, shape, part, &queries);
        drop(queries);
        waiting.par_iter_mut().zip(answers).for_each(|(descent, at)| {
            if !descent.receive(at) || cancel.is_cancelled() {
                return;
            }
            if descent.memory.is_none() {
                let hessian = |point: &[f64]| hessian(rows, shape, part, point);
                if newton || descent.wants_hessian() {
                    descent.set_hessian(hessian(&descent.point));
                }
                descent.bend(hessian, |point| factor(rows, shape, part, point), rows.units.offset());
            }
            descent.propose(scale);
        });
    }
    descents.into_iter().map(Descent::finish).collect()
}

/// The loss of a model with an intercept alone; of one class that without.
fn null_loss(rows: &Rows) -> f64 {
    let shares = rows.class_weights.iter().filter(|w| **w > 0.0).map(|w| w / rows.weight_sum);
    let loss: f64 = shares.map(|p| -p * p.ln()).sum();
    if loss > 0.0 { loss } else { std::f64::consts::LN_2 }
}
