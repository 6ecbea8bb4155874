//! The lasso's solutions for a falling penalty: straight from knot to knot.

use ndarray::{Array1, Array2, ArrayView1, s};

use super::unit::UnitSystem;
use crate::optim::GrowingFactor;

/// A feature of which less than this is new to the active set cannot be told from it: the path ends there.
const LEAST_PIVOT: f64 = 1e-8;

/// Knots between two computations of all correlations anew.
const REFRESHED_AFTER: usize = 64;

/// Knots at most, a feature: data have been made up on which paths have exponentially many.
const KNOTS: usize = 8;

/// Walks along `t(l1) = argmin ½ tᵀGt − bᵀt + l1 Σ p|t|` from the penalty at which it leaves zero downwards
/// (Osborne, Presnell and Turlach 2000; Efron, Hastie, Johnstone and Tibshirani 2004).
///
/// Between two knots the active set and its signs stay, and the solution is linear in `l1`. The knots follow from
/// the data alone. Features are kept in an order of their own, the active ones first.
#[derive(Debug)]
pub(super) struct LassoPath {
    /// The feature at each place.
    features: Vec<usize>,
    /// The places of active features in the order of the factor.
    active: Vec<usize>,
    gram: Array2<f64>,
    rhs: Vec<f64>,
    /// `p`.
    scale: Vec<f64>,
    /// The penalty at the knot last reached.
    l1: f64,
    /// The solution there; 0 at places that are not active.
    t: Vec<f64>,
    /// `b − G t` there, at places that are not active; elsewhere it is `l1` times the pull.
    g: Vec<f64>,
    /// Signs times scales of the active features.
    pull: Vec<f64>,
    factor: GrowingFactor,
    /// The pull behind the lower triangle of the factor.
    half: Vec<f64>,
    /// Growth of the active coefficients for each unit that the penalty falls.
    growth: Vec<f64>,
    /// Fall of the other correlations with it.
    fall: Vec<f64>,
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
    /// The feature at a place becomes as correlated as the penalty.
    Joins { place: usize, sign: f64 },
    /// The active coefficient with this number reaches zero.
    Leaves { number: usize },
    /// The penalty is zero.
    Ends,
}

impl LassoPath {
    pub(super) fn new(system: &UnitSystem, scale: &Array1<f64>) -> Self {
        let size = scale.len();
        let ratio = |j: usize| system.rhs[j].abs() / scale[j];
        let first = (0..size).fold(0, |best, j| if ratio(j) > ratio(best) { j } else { best });
        let mut path = Self {
            features: (0..size).collect(),
            active: Vec::new(),
            gram: system.gram.clone(),
            rhs: system.rhs.to_vec(),
            scale: scale.to_vec(),
            l1: if size > 0 { ratio(first) } else { 0.0 },
            t: vec![0.0; size],
            g: system.rhs.to_vec(),
            pull: Vec::new(),
            factor: GrowingFactor::default(),
            half: Vec::new(),
            growth: Vec::new(),
            fall: vec![0.0; size],
            next: None,
            knots: 0,
        };
        if size > 0 && path.join(first, system.rhs[first].signum()) {
            path.look_ahead(None);
        }
        path
    }

    /// The solution at a penalty, unless the path is lost before. Penalties must not rise from call to call.
    pub(super) fn at(&mut self, l1: f64) -> Option<Array1<f64>> {
        if l1 > self.l1 {
            return (self.knots == 0).then(|| Array1::zeros(self.t.len()));
        }
        loop {
            let knot = self.next?;
            let fall = self.l1 - l1;
            if fall <= knot.fallen {
                let mut t = Array1::zeros(self.t.len());
                for (&place, d) in self.active.iter().zip(&self.growth) {
                    t[self.features[place]] = self.t[place] + fall * d;
                }
                return Some(t);
            }
            self.pass(knot);
        }
    }

    /// One step of iterative refinement of the solution at a penalty, from its correlations `g = b − G t`.
    pub(super) fn refine(&self, t: &mut Array1<f64>, g: ArrayView1<'_, f64>, l1: f64) {
        let features = || self.active.iter().map(|&place| self.features[place]);
        let mut step: Vec<f64> = features().zip(&self.pull).map(|(j, p)| g[j] - l1 * p).collect();
        self.factor.solve(&mut step);
        for (j, d) in features().zip(step) {
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
    fn pass(&mut self, knot: Knot) {
        self.next = None;
        self.knots += 1;
        self.l1 -= knot.fallen;
        self.active.iter().zip(&self.growth).for_each(|(&place, d)| self.t[place] += knot.fallen * d);
        self.g.iter_mut().zip(&self.fall).for_each(|(g, a)| *g -= knot.fallen * a);
        let mut left = None;
        match knot.event {
            Event::Joins { place, sign } => {
                if !self.join(place, sign) {
                    return;
                }
            }
            Event::Leaves { number } => left = Some(self.leave(number)),
            Event::Ends => return,
        }
        if self.knots.is_multiple_of(REFRESHED_AFTER) {
            self.refresh();
        }
        if self.knots < KNOTS * self.t.len().max(16) {
            self.look_ahead(left);
        }
    }

    fn join(&mut self, place: usize, sign: f64) -> bool {
        let row = self.gram.row(place);
        let column = self.active.iter().map(|&i| row[i]).chain([row[place]]).collect();
        let is_new = self.factor.push(column, LEAST_PIVOT);
        if is_new {
            let number = self.active.len();
            self.swap(place, number);
            self.active.push(number);
            self.pull.push(sign * self.scale[number]);
            self.half.push(sign * self.scale[number]);
            self.factor.solve_lower_from(number, &mut self.half);
        }
        is_new
    }

    /// The feature that left and its sign.
    fn leave(&mut self, number: usize) -> (usize, f64) {
        let (place, last) = (self.active.remove(number), self.active.len());
        let pull = self.pull.remove(number);
        self.factor.remove(number);
        self.half.truncate(number);
        self.half.extend_from_slice(&self.pull[number..]);
        self.factor.solve_lower_from(number, &mut self.half);
        self.active.iter_mut().filter(|at| **at == last).for_each(|at| *at = place);
        self.swap(place, last);
        (self.t[last], self.g[last]) = (0.0, self.l1 * pull);
        (self.features[last], pull.signum())
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.features.swap(a, b);
        [&mut self.rhs, &mut self.scale, &mut self.t, &mut self.g].into_iter().for_each(|v| v.swap(a, b));
        if a != b {
            let (first, second) = self.gram.multi_slice_mut((s![a, ..], s![b, ..]));
            ndarray::Zip::from(first).and(second).for_each(std::mem::swap);
            let (first, second) = self.gram.multi_slice_mut((s![.., a], s![.., b]));
            ndarray::Zip::from(first).and(second).for_each(std::mem::swap);
        }
    }

    /// Rids solution and correlations of what the steps have gathered.
    fn refresh(&mut self) {
        let weights: Vec<f64> = self.active.iter().map(|&place| -self.t[place]).collect();
        let mut g = self.rhs.clone();
        add_rows(&mut g, &self.gram, 0, &self.active, &weights);
        let mut step: Vec<f64> =
            self.active.iter().zip(&self.pull).map(|(&place, p)| g[place] - self.l1 * p).collect();
        self.factor.solve(&mut step);
        for (&place, d) in self.active.iter().zip(&mut step) {
            // One that has just come stays at zero.
            *d = if self.t[place] * (self.t[place] + *d) > 0.0 { *d } else { 0.0 };
            self.t[place] += *d;
            *d = -*d;
        }
        add_rows(&mut g, &self.gram, 0, &self.active, &step);
        self.g = g;
    }

    /// Finds the next knot: `left` has just gone out and cannot come back with the same sign.
    fn look_ahead(&mut self, left: Option<(usize, f64)>) {
        self.growth.clone_from(&self.half);
        self.factor.solve_upper(&mut self.growth);
        let others = self.active.len();
        self.fall.fill(0.0);
        add_rows(&mut self.fall[others..], &self.gram, others, &self.active, &self.growth);
        let mut next = Knot { fallen: self.l1, event: Event::Ends };
        let mut sooner = |fallen: f64, event: Event| {
            if fallen < next.fallen {
                next = Knot { fallen: fallen.max(0.0), event };
            }
        };
        for (number, (&place, &d)) in self.active.iter().zip(&self.growth).enumerate() {
            let t = self.t[place];
            if t == 0.0 && d * self.pull[number] <= 0.0 {
                // It would turn back at once: features that come together cannot be told apart.
                return;
            }
            if t * d < 0.0 {
                sooner(-t / d, Event::Leaves { number });
            }
        }
        for place in others..self.t.len() {
            let (p, g, a) = (self.scale[place], self.g[place], self.fall[place]);
            for sign in [1.0, -1.0] {
                let (room, closing) = (self.l1 * p - sign * g, p - sign * a);
                if closing > 0.0 && left != Some((self.features[place], sign)) {
                    sooner(room / closing, Event::Joins { place, sign });
                }
            }
        }
        self.next = Some(next);
    }
}

/// Adds `Σ weights_i · matrix_row(indices_i)` from column `start` on, four rows at a time.
pub(super) fn add_rows(
    out: &mut [f64],
    matrix: &Array2<f64>,
    start: usize,
    indices: &[usize],
    weights: &[f64],
) {
    let row = |j: usize| matrix.row(j).to_slice().and_then(|row| row.get(start..)).unwrap_or_default();
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
