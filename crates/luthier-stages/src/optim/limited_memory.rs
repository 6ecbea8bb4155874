//! Quasi-Newton directions for many unknowns (L-BFGS), in orthants and boxes.

use std::collections::VecDeque;

/// Steps that are remembered, as in Spark.
const MEMORY: usize = 10;

/// What steps and gradients tell of the inverse Hessian, on top of a diagonal.
#[derive(Debug)]
pub(crate) struct LimitedMemory {
    /// Second derivatives near the start.
    diagonal: Vec<f64>,
    steps: VecDeque<Step>,
}

#[derive(Debug)]
struct Step {
    s: Vec<f64>,
    y: Vec<f64>,
    /// `1 / sᵀy`.
    rho: f64,
}

impl LimitedMemory {
    pub(crate) fn new(diagonal: Vec<f64>) -> Self {
        Self { diagonal, steps: VecDeque::new() }
    }

    /// Remembers a step and the change of the gradient along it.
    pub(crate) fn update(&mut self, s: Vec<f64>, y: Vec<f64>) {
        let along = dot(&s, &y);
        let curvature: f64 = s.iter().zip(&self.diagonal).map(|(s, d)| s * d * s).sum();
        if along > 1e-10 * curvature {
            self.steps.push_back(Step { s, y, rho: 1.0 / along });
            if self.steps.len() > MEMORY {
                self.steps.pop_front();
            }
        }
    }

    /// The direction for some derivatives, along those that are not zero and with none of them uphill.
    pub(crate) fn direction(&self, slope: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = slope.to_vec();
        let mut weights = Vec::with_capacity(self.steps.len());
        for step in self.steps.iter().rev() {
            let weight = step.rho * dot(&step.s, &q);
            q.iter_mut().zip(&step.y).for_each(|(q, y)| *q -= weight * y);
            weights.push(weight);
        }
        let scale = self.steps.back().map_or(1.0, |last| {
            let inverse: f64 = last.y.iter().zip(&self.diagonal).map(|(y, d)| y * y / d).sum();
            1.0 / (last.rho * inverse)
        });
        q.iter_mut().zip(&self.diagonal).for_each(|(q, d)| *q *= scale / d);
        for (step, weight) in self.steps.iter().zip(weights.into_iter().rev()) {
            let other = step.rho * dot(&step.y, &q);
            q.iter_mut().zip(&step.s).for_each(|(q, s)| *q += (weight - other) * s);
        }
        q.iter().zip(slope).map(|(q, g)| if q * g > 0.0 { -q } else { 0.0 }).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
