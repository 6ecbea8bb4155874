//! Between a model's coefficients and the unknowns of the descent.

use super::loss::Shape;
use super::rows::{Rows, Units};
use crate::optim::Region;

/// `t = β · unit` for the features that vary, set by set, each followed by the intercept of the centred features.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coordinates<'a> {
    pub(super) rows: &'a Rows,
    pub(super) shape: Shape,
}

/// What the penalty of a fit asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Penalty {
    /// `λ`.
    pub(super) strength: f64,
    /// `α`.
    pub(super) l1_share: f64,
    pub(super) standardization: bool,
}

/// Bounds by set and feature, and by set; none where there is nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds<'a> {
    pub(super) coefficients: Option<&'a [Vec<f64>]>,
    pub(super) intercepts: Option<&'a [f64]>,
}

impl Coordinates<'_> {
    fn units(&self) -> &Units {
        &self.rows.units
    }

    /// The row of a matrix of coefficients that belongs to a set.
    pub(super) fn row_of(&self, set: usize) -> usize {
        match self.shape.sets {
            1 => 0,
            _ => self.rows.present.get(set).map_or(0, |class| *class as usize),
        }
    }

    /// The unknowns of a model.
    pub(super) fn point(&self, coefficients: &[Vec<f64>], intercepts: &[f64]) -> Vec<f64> {
        let units = self.units();
        let mut point = Vec::with_capacity(self.shape.unknowns());
        for set in 0..self.shape.sets {
            let beta = &coefficients[self.row_of(set)];
            let mut intercept = intercepts[self.row_of(set)];
            for (j, &feature) in units.active.iter().enumerate() {
                point.push(beta[feature] * units.unit[j]);
                intercept += beta[feature] * units.centre[j];
            }
            point.push(intercept);
        }
        point
    }

    /// Where all coefficients are 0 and the intercepts are best.
    pub(super) fn null_point(&self, fit_intercept: bool) -> Vec<f64> {
        let mut point = vec![0.0; self.shape.unknowns()];
        if !fit_intercept {
            return point;
        }
        // Of a class without weight the logarithm must stay finite.
        let log = |w: &f64| w.max(0.5 * self.rows.least_weight).ln();
        let logs: Vec<f64> = self.rows.class_weights.iter().map(log).collect();
        match self.shape.sets {
            1 => {
                point[self.shape.width] = logs.get(1).zip(logs.first()).map_or(0.0, |(one, zero)| one - zero)
            }
            sets => {
                let mean = logs.iter().sum::<f64>() / sets as f64;
                for (set, log) in logs.iter().enumerate() {
                    point[self.shape.intercept(set)] = log - mean;
                }
            }
        }
        point
    }

    /// `λ(1−α) (s/unit)²` and the region with `λα s/unit`; intercepts are free, or 0 without one.
    pub(super) fn penalty_and_region(
        &self,
        penalty: &Penalty,
        lower: Bounds<'_>,
        upper: Bounds<'_>,
        fit_intercept: bool,
    ) -> (Vec<f64>, Region) {
        let units = self.units();
        let n = self.shape.unknowns();
        let mut l2 = vec![0.0; n];
        let mut region = Region::new(vec![0.0; n], f64::NEG_INFINITY);
        for set in 0..self.shape.sets {
            let row = self.row_of(set);
            for (j, &feature) in units.active.iter().enumerate() {
                let at = set * (self.shape.width + 1) + j;
                let s = if penalty.standardization { units.deviation[j] } else { 1.0 };
                let scale = s / units.unit[j];
                l2[at] = penalty.strength * (1.0 - penalty.l1_share) * scale * scale;
                region.l1[at] = penalty.strength * penalty.l1_share * scale;
                if let Some(bounds) = lower.coefficients {
                    region.lower[at] = bounds[row][feature] * units.unit[j];
                }
                if let Some(bounds) = upper.coefficients {
                    region.upper[at] = bounds[row][feature] * units.unit[j];
                }
            }
            let at = self.shape.intercept(set);
            if !fit_intercept {
                (region.lower[at], region.upper[at]) = (0.0, 0.0);
                continue;
            }
            if let Some(bounds) = lower.intercepts {
                region.lower[at] = bounds[row];
            }
            if let Some(bounds) = upper.intercepts {
                region.upper[at] = bounds[row];
            }
        }
        (l2, region)
    }

    /// Coefficients and intercepts of the unknowns. Of the models that predict the same at the same cost it is the one
    /// with the smallest squares: coefficients without L2 penalty and intercepts are centred over the classes, as far as
    /// their bounds and the L1 penalty allow.
    pub(super) fn model(
        &self,
        point: &[f64],
        l2: &[f64],
        region: &Region,
        bounds: [Bounds<'_>; 2],
    ) -> (Vec<Vec<f64>>, Vec<f64>) {
        let units = self.units();
        let q = self.shape.width + 1;
        let mut point = point.to_vec();
        if self.shape.sets > 1 {
            (0..self.shape.width)
                .filter(|&j| l2[j] == 0.0)
                .for_each(|j| self.shape.centre(&mut point, region, j));
        }
        let rows = if self.shape.sets == 1 { 1 } else { self.rows.classes };
        // A class without rows is impossible if its intercept is free.
        let absent = if self.shape.sets == self.rows.classes { 0.0 } else { f64::NEG_INFINITY };
        let mut coefficients = vec![vec![0.0; units.features]; rows];
        let mut intercepts = vec![if self.shape.sets == 1 { 0.0 } else { absent }; rows];
        for (set, t) in point.chunks_exact(q).enumerate() {
            let row = self.row_of(set);
            let mut intercept = t[self.shape.width];
            for (j, &feature) in units.active.iter().enumerate() {
                let at = set * q + j;
                // At a bound it is the bound, to the bit.
                let bound = match t[j] {
                    t if t == region.lower[at] => bounds[0].coefficients,
                    t if t == region.upper[at] => bounds[1].coefficients,
                    _ => None,
                };
                let beta = bound.map_or(t[j] / units.unit[j], |bound| bound[row][feature]);
                coefficients[row][feature] = beta;
                intercept -= beta * units.centre[j];
            }
            intercepts[row] = intercept;
        }
        if self.shape.sets > 1 {
            let mut bare = vec![0.0; self.shape.unknowns()];
            for set in 0..self.shape.sets {
                bare[self.shape.intercept(set)] = intercepts[self.row_of(set)];
            }
            self.shape.centre(&mut bare, region, self.shape.width);
            for set in 0..self.shape.sets {
                intercepts[self.row_of(set)] = bare[self.shape.intercept(set)];
            }
        }
        (coefficients, intercepts)
    }
}

impl Shape {
    /// Shifts one unknown of all classes, which leaves the loss alone, to where its magnitudes are least, and there as near
    /// to a mean of zero as its bounds allow.
    pub(super) fn centre(self, point: &mut [f64], region: &Region, j: usize) {
        let places: Vec<usize> = (0..self.sets).map(|set| set * (self.width + 1) + j).collect();
        let mut least = f64::NEG_INFINITY;
        let mut most = f64::INFINITY;
        for &at in &places {
            least = least.max(region.lower[at] - point[at]);
            most = most.min(region.upper[at] - point[at]);
        }
        if region.l1[j] > 0.0 {
            // Magnitudes add up to the same as long as half of them lie on either side of zero.
            let mut sorted: Vec<f64> = places.iter().map(|&at| point[at]).collect();
            sorted.sort_by(f64::total_cmp);
            least = least.max(-sorted[sorted.len() / 2]);
            most = most.min(-sorted[(sorted.len() - 1) / 2]);
        }
        let mean = places.iter().map(|&at| point[at]).sum::<f64>() / places.len() as f64;
        if least <= most {
            let shift = (-mean).max(least).min(most);
            places.iter().for_each(|&at| point[at] += shift);
        }
    }
}
