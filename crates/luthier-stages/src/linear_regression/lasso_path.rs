//! The lasso's solutions for a falling penalty: straight from knot to knot.

use ndarray::{Array1, Array2};

use super::growing_factor::GrowingFactor;
use super::unit::UnitSystem;

/// A feature of which less than this is new to the active set cannot be told from it: the path ends there.
const LEAST_PIVOT: f64 = 1e-8;

/// Knots between two computations of all correlations anew.
const REFRESHED_AFTER: usize = 32;

/// Knots at most, a feature: data have been made up on which paths have exponentially many.
const KNOTS: usize = 8;

/// Walks along `t(l1) = argmin ½ tᵀGt − bᵀt + l1 Σ p|t|` from the penalty at which it leaves zero downwards
/// (Osborne, Presnell and Turlach 2000; Efron, Hastie, Johnstone and Tibshirani 2004).
///
/// Between two knots the active set and its signs stay, and the solution is linear in `l1`. The knots follow from
/// the data alone.
#[derive(Debug)]
pub(super) struct LassoPath {
    /// `p`.
    scale: Array1<f64>,
    /// The penalty at the knot last reached.
    l1: f64,
    /// The solution there.
    t: Array1<f64>,
    /// `b − G t` there.
    g: Array1<f64>,
    /// Active features in the order in which they came.
    active: Vec<usize>,
    /// Their signs times their scales.
    pull: Vec<f64>,
    factor: GrowingFactor,
    /// Growth of the active coefficients for each unit that the penalty falls.
    growth: Vec<f64>,
    /// Fall of all correlations with it.
    fall: Array1<f64>,
    next: Option<Knot>,
    knots: usize,
}

/// What ends a segment.
#[derive(Debug, Clone, Copy)]
struct Knot {
    /// How far the penalty has fallen by then.
    fallen: f64,
    event: Event,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    /// A feature becomes as correlated as the penalty.
    Joins { feature: usize, sign: f64 },
    /// The coefficient at this place of the active set reaches zero.
    Leaves { place: usize },
    /// The penalty is zero.
    Ends,
}

impl LassoPath {
    pub(super) fn new(system: &UnitSystem, scale: &Array1<f64>) -> Self {
        let size = scale.len();
        let ratio = |j: usize| system.rhs[j].abs() / scale[j];
        let first = (0..size).fold(0, |best, j| if ratio(j) > ratio(best) { j } else { best });
        let mut path = Self {
            scale: scale.clone(),
            l1: if size > 0 { ratio(first) } else { 0.0 },
            t: Array1::zeros(size),
            g: system.rhs.clone(),
            active: Vec::new(),
            pull: Vec::new(),
            factor: GrowingFactor::default(),
            growth: Vec::new(),
            fall: Array1::zeros(size),
            next: None,
            knots: 0,
        };
        if size > 0 && path.join(system, first, system.rhs[first].signum()) {
            path.look_ahead(system, None);
        }
        path
    }

    /// The solution at a penalty, unless the path is lost before. Ask for falling penalties: it walks down only.
    pub(super) fn at(&mut self, system: &UnitSystem, l1: f64) -> Option<Array1<f64>> {
        if l1 > self.l1 {
            if self.knots > 0 {
                *self = Self::new(system, &self.scale);
            }
            if l1 > self.l1 {
                return Some(Array1::zeros(self.t.len()));
            }
        }
        loop {
            let knot = self.next?;
            let fall = self.l1 - l1;
            if fall <= knot.fallen {
                let mut t = self.t.clone();
                self.active.iter().zip(&self.growth).for_each(|(&j, d)| t[j] += fall * d);
                return Some(t);
            }
            self.pass(system, knot);
        }
    }

    /// One step of iterative refinement of the solution at a penalty, from its correlations `g = b − G t`.
    pub(super) fn refine(&self, t: &mut Array1<f64>, g: &Array1<f64>, l1: f64) {
        let mut step: Vec<f64> = self.active.iter().zip(&self.pull).map(|(&j, p)| g[j] - l1 * p).collect();
        self.factor.solve(&mut step);
        for (&j, d) in self.active.iter().zip(step) {
            // A coefficient that is only just there keeps its sign.
            if t[j] * (t[j] + d) > 0.0 {
                t[j] += d;
            }
        }
    }

    /// The smallest pivot of the active set's Gram matrix.
    pub(super) fn smallest_pivot(&self) -> f64 {
        self.factor.smallest_pivot().min(1.0)
    }

    /// Goes to the next knot and finds the segment behind it; without one the path is lost.
    fn pass(&mut self, system: &UnitSystem, knot: Knot) {
        self.next = None;
        self.knots += 1;
        self.l1 -= knot.fallen;
        self.active.iter().zip(&self.growth).for_each(|(&j, d)| self.t[j] += knot.fallen * d);
        self.g.scaled_add(-knot.fallen, &self.fall);
        let mut left = None;
        match knot.event {
            Event::Joins { feature, sign } => {
                if !self.join(system, feature, sign) {
                    return;
                }
            }
            Event::Leaves { place } => {
                let feature = self.active.remove(place);
                left = Some((feature, self.pull.remove(place).signum()));
                self.factor.remove(place);
                self.t[feature] = 0.0;
            }
            Event::Ends => return,
        }
        if self.knots.is_multiple_of(REFRESHED_AFTER) {
            self.refresh(system);
        }
        if self.knots < KNOTS * self.t.len().max(16) {
            self.look_ahead(system, left);
        }
    }

    fn join(&mut self, system: &UnitSystem, feature: usize, sign: f64) -> bool {
        let row = system.gram.row(feature);
        let column = self.active.iter().map(|&i| row[i]).chain([row[feature]]).collect();
        let is_new = self.factor.push(column, LEAST_PIVOT);
        if is_new {
            self.active.push(feature);
            self.pull.push(sign * self.scale[feature]);
        }
        is_new
    }

    /// Rids solution and correlations of what the steps have gathered.
    fn refresh(&mut self, system: &UnitSystem) {
        for _ in 0..2 {
            let weights: Vec<f64> = self.active.iter().map(|&j| -self.t[j]).collect();
            self.g.assign(&system.rhs);
            add_rows(&mut self.g, &system.gram, &self.active, &weights);
            let mut t = std::mem::take(&mut self.t);
            self.refine(&mut t, &self.g, self.l1);
            self.t = t;
        }
    }

    /// Finds the next knot: `left` has just gone out and cannot come back with the same sign.
    fn look_ahead(&mut self, system: &UnitSystem, left: Option<(usize, f64)>) {
        self.growth.clone_from(&self.pull);
        self.factor.solve(&mut self.growth);
        self.fall.fill(0.0);
        add_rows(&mut self.fall, &system.gram, &self.active, &self.growth);
        let mut next = Knot { fallen: self.l1, event: Event::Ends };
        let mut sooner = |fallen: f64, event: Event| {
            if fallen < next.fallen {
                next = Knot { fallen: fallen.max(0.0), event };
            }
        };
        for (place, (&j, &d)) in self.active.iter().zip(&self.growth).enumerate() {
            let t = self.t[j];
            if t == 0.0 && d * self.pull[place] <= 0.0 {
                // It would turn back at once: features that come together cannot be told apart.
                return;
            }
            if t * d < 0.0 {
                sooner(-t / d, Event::Leaves { place });
            }
        }
        let mut active = vec![false; self.t.len()];
        self.active.iter().for_each(|&j| active[j] = true);
        for feature in (0..active.len()).filter(|&j| !active[j]) {
            let (p, g, a) = (self.scale[feature], self.g[feature], self.fall[feature]);
            for sign in [1.0, -1.0] {
                let (room, closing) = (self.l1 * p - sign * g, p - sign * a);
                if closing > 0.0 && left != Some((feature, sign)) {
                    sooner(room / closing, Event::Joins { feature, sign });
                }
            }
        }
        self.next = Some(next);
    }
}

/// Adds `Σ weights_i · matrix_row(indices_i)`, four rows at a time.
pub(super) fn add_rows(out: &mut Array1<f64>, matrix: &Array2<f64>, indices: &[usize], weights: &[f64]) {
    let row = |j: usize| matrix.row(j).to_slice().unwrap_or_default();
    let Some(out) = out.as_slice_mut() else { return };
    let mut groups = indices.chunks_exact(4).zip(weights.chunks_exact(4));
    for (j, w) in &mut groups {
        let rows = row(j[0]).iter().zip(row(j[1])).zip(row(j[2])).zip(row(j[3]));
        for (out, (((a, b), c), d)) in out.iter_mut().zip(rows) {
            *out += (w[0] * a + w[1] * b) + (w[2] * c + w[3] * d);
        }
    }
    let whole = indices.len() / 4 * 4;
    for (&j, w) in indices.iter().zip(weights).skip(whole) {
        out.iter_mut().zip(row(j)).for_each(|(out, a)| *out += w * a);
    }
}
