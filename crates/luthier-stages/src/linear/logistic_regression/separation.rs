//! Whether the best coefficients are finite.
//!
//! Of a model without penalty they are infinite if and only if some direction `d` raises no row's loss and lowers some
//! row's: with `m_ik(d) = z_y(d) − z_k(d)`, the margin of row `i` with label `y` over class `k ≠ y`, all `m_ik(d) ≥ 0` and
//! not all are 0. By Stiemke's lemma there is no such `d` if and only if there are numbers `u_ik > 0` with
//! `Σ u_ik ∇m_ik = 0`. Both are used:
//!
//! - Near a finite optimum `u_ik = w_i p_ik` almost do it, and a Newton step puts them right without a change of sign if its
//!   decrement is below all `w_i p_ik / W`. Then there is nothing to look for.
//! - Elsewhere a direction is looked for, and believed only after all its margins have been computed.
//!
//! Sources: Albert & Anderson (1984), Santner & Duffy (1986), Konis (2007).

use luthier_core::CancelToken;
use luthier_core::linalg;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::blocks::Block;
use super::coordinates::Coordinates;
use super::descent::{Problem, Solution};
use super::hessian::{Triangle, fill, scores};
use super::loss::Shape;
use super::minimise::has_hessian;
use super::rows::Rows;
use super::univariate;
use crate::optim::Curvature;

/// Rows with a smaller margin stay on both sides of a boundary, if there is one.
const NEAR: f64 = 12.0;

/// Margins up to this part of a direction's size are zero.
const ZERO: f64 = 1e-9;

/// Singular values up to this part of the largest are zero.
const NULL: f64 = 1e-10;

/// Times that rows which no direction separates are put among those on the boundary.
const ROUNDS: usize = 6;

/// Newton steps towards a direction.
const STEPS: usize = 40;

/// Numbers that are held to look for a direction.
const MOST_NUMBERS: usize = 1 << 24;

/// What separates the classes, so that the best coefficients are infinite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Separation {
    /// Whether all rows are separated; otherwise only some are (quasi-separation), and the others lie on the boundary.
    pub complete: bool,
    /// Features whose coefficients are infinite: single features that separate the classes, or the features of a
    /// combination that does. Empty if they are not known.
    pub features: Vec<usize>,
    /// Classes of which all or some rows are separated.
    pub classes: Vec<usize>,
}

/// Where unknowns may go without end.
#[derive(Debug)]
pub(super) struct Cone {
    pub(super) up: Vec<bool>,
    pub(super) down: Vec<bool>,
}

impl Cone {
    fn of(problem: &Problem) -> Self {
        let region = &problem.region;
        let free = |j: usize| problem.l2[j] == 0.0 && region.l1[j] == 0.0;
        let n = problem.l2.len();
        Self {
            up: (0..n).map(|j| free(j) && region.upper[j] == f64::INFINITY).collect(),
            down: (0..n).map(|j| free(j) && region.lower[j] == f64::NEG_INFINITY).collect(),
        }
    }

    fn is_open(&self, j: usize) -> bool {
        self.up[j] || self.down[j]
    }

    fn clip(&self, d: &mut [f64]) {
        for (j, d) in d.iter_mut().enumerate() {
            if (*d > 0.0 && !self.up[j]) || (*d < 0.0 && !self.down[j]) {
                *d = 0.0;
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.up.iter().chain(&self.down).all(|free| *free)
    }
}

/// What separates the classes, if anything does and it is not cancelled.
pub(super) fn find(
    coordinates: Coordinates<'_>,
    problem: &Problem,
    solution: &Solution,
    cancel: &CancelToken,
) -> Option<Separation> {
    let Coordinates { rows, shape } = coordinates;
    let cone = Cone::of(problem);
    let q = shape.width + 1;
    if !(0..shape.unknowns()).any(|j| j % q != shape.width && cone.is_open(j)) {
        return None;
    }
    let (least_margin, least_dual) = at_point(rows, shape, &solution.point);
    if solution.decrement < least_dual {
        return None;
    }
    let is_complete = least_margin > 0.0 && cone.is_whole();
    let single = univariate::find(rows, shape, &cone);
    if !single.features.is_empty() {
        return Some(Separation { complete: is_complete, ..single });
    }
    let by_direction =
        if has_hessian(shape) { direction(rows, shape, &cone, &solution.point, cancel) } else { None };
    by_direction.or_else(|| {
        let classes = (0..).zip(&rows.class_weights).filter(|(_, w)| **w > 0.0);
        let classes = classes.map(|(k, _): (usize, _)| rows.present[k] as usize).collect();
        is_complete.then_some(Separation { complete: true, features: Vec::new(), classes })
    })
}

/// Calls `f` with the weight and label of each row and its scores, a number for each class.
fn for_each_row(rows: &Rows, shape: Shape, point: &[f64], mut f: impl FnMut(f64, usize, &[f64])) {
    let classes = shape.sets.max(2);
    let mut of_row = vec![0.0; classes];
    for block in &rows.blocks {
        let n = block.len();
        let all = scores(block, shape, &rows.units.shift, point);
        for (i, (&class, &weight)) in block.classes.iter().zip(&block.weights).enumerate() {
            match shape.sets {
                1 => of_row[1] = all[i],
                sets => (0..sets).for_each(|k| of_row[k] = all[k * n + i]),
            }
            f(weight, class as usize, &of_row);
        }
    }
}

/// The least margin and the least `w p_ik / W`.
fn at_point(rows: &Rows, shape: Shape, point: &[f64]) -> (f64, f64) {
    let (mut margin, mut dual) = (f64::INFINITY, f64::INFINITY);
    for_each_row(rows, shape, point, |weight, class, z| {
        let largest = z.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let sum: f64 = z.iter().map(|z| (z - largest).exp()).sum();
        for other in (0..z.len()).filter(|k| *k != class) {
            margin = margin.min(z[class] - z[other]);
            dual = dual.min(weight * (z[other] - largest).exp() / sum);
        }
    });
    (margin, dual / rows.weight_sum)
}

/// A direction that separates: within the directions that leave the margins of rows near the boundary alone.
fn direction(
    rows: &Rows,
    shape: Shape,
    cone: &Cone,
    point: &[f64],
    cancel: &CancelToken,
) -> Option<Separation> {
    let open: Vec<usize> = (0..shape.unknowns()).filter(|&j| cone.is_open(j)).collect();
    let search = Search { rows, shape, cone, open, cancel };
    let start = Array1::from_iter(search.open.iter().map(|&j| point[j]));
    let mut on_boundary = search.margins(point, |margin, _| margin < NEAR);
    for _ in 0..ROUNDS {
        let basis = search.null_space(&on_boundary)?;
        if basis.ncols() == 0 {
            return None;
        }
        let along = basis.t().dot(&start);
        if let Some(found) = search.verify(basis.dot(&along).view()) {
            return Some(found);
        }
        let v = search.separate(&basis, along, &on_boundary)?;
        let d = basis.dot(&v);
        if let Some(found) = search.verify(d.view()) {
            return Some(found);
        }
        let wide = search.whole(d.view());
        let size: f64 = wide.iter().map(|d| d.abs()).sum();
        let beyond = search.margins(&wide, |margin, _| margin <= 1e-3 * size);
        let before = on_boundary.iter().filter(|is| **is).count();
        on_boundary.iter_mut().zip(beyond).for_each(|(is, beyond)| *is |= beyond);
        if on_boundary.iter().filter(|is| **is).count() == before {
            return None;
        }
    }
    None
}

struct Search<'a> {
    rows: &'a Rows,
    shape: Shape,
    cone: &'a Cone,
    /// Unknowns that may go somewhere without end.
    open: Vec<usize>,
    cancel: &'a CancelToken,
}

impl Search<'_> {
    /// A direction of the open unknowns among all.
    fn whole(&self, d: ArrayView1<'_, f64>) -> Vec<f64> {
        let mut whole = vec![0.0; self.shape.unknowns()];
        self.open.iter().zip(d).for_each(|(&j, d)| whole[j] = *d);
        whole
    }

    /// What `f` says of every margin, row by row, with the class over which it is.
    fn margins<T>(&self, point: &[f64], f: impl Fn(f64, usize) -> T) -> Vec<T> {
        let mut all = Vec::new();
        for_each_row(self.rows, self.shape, point, |_, class, z| {
            all.extend((0..z.len()).filter(|k| *k != class).map(|k| f(z[class] - z[k], k)));
        });
        all
    }

    /// Calls `f` with the gradients of the margins for which `wanted` is `is`, in the open unknowns, in pieces.
    fn for_gradients(&self, wanted: &[bool], is: bool, mut f: impl FnMut(Array2<f64>)) {
        let (q, classes) = (self.shape.width + 1, self.shape.sets.max(2));
        let mut flags = wanted.iter();
        for block in &self.rows.blocks {
            let mut tile = Array2::zeros((block.len(), q));
            fill(&mut tile, block, self.shape.width, &self.rows.units.shift, &vec![1.0; block.len()]);
            let picked = self.pairs(block, classes, &mut flags, is);
            let mut gradients = Array2::zeros((picked.len(), self.open.len()));
            for (mut target, (i, class, other)) in gradients.outer_iter_mut().zip(picked) {
                for (target, &j) in target.iter_mut().zip(&self.open) {
                    let sign = match (self.shape.sets, j / q) {
                        (1, _) => {
                            if class == 1 {
                                1.0
                            } else {
                                -1.0
                            }
                        }
                        (_, set) if set == class => 1.0,
                        (_, set) if set == other => -1.0,
                        _ => continue,
                    };
                    *target = sign * tile[[i, j % q]];
                }
            }
            if gradients.nrows() > 0 {
                f(gradients);
            }
        }
    }

    /// Row, label and other class of the margins of a block whose flag is `is`.
    fn pairs<'f>(
        &self,
        block: &Block,
        classes: usize,
        flags: &mut impl Iterator<Item = &'f bool>,
        is: bool,
    ) -> Vec<(usize, usize, usize)> {
        let mut picked = Vec::new();
        for (i, &class) in block.classes.iter().enumerate() {
            for other in (0..classes).filter(|k| *k != class as usize) {
                if flags.next() == Some(&is) {
                    picked.push((i, class as usize, other));
                }
            }
        }
        picked
    }

    /// The directions, as columns, that leave these margins alone.
    fn null_space(&self, on_boundary: &[bool]) -> Option<Array2<f64>> {
        let n = self.open.len();
        let mut triangle = Triangle::new(n);
        self.for_gradients(on_boundary, true, |rows| triangle.push(rows.view()));
        let r = triangle.finish();
        // Square, so that there are as many directions as unknowns.
        let mut square = Array2::zeros((n, n));
        square.slice_mut(ndarray::s![..r.nrows(), ..]).assign(&r);
        let svd = linalg::thin_svd(square.view()).ok()?;
        let cutoff = NULL * svd.values.first().copied().unwrap_or(0.0);
        let null: Vec<usize> = (0..n).filter(|&i| svd.values[i] <= cutoff).collect();
        Some(svd.v.select(Axis(1), &null))
    }

    /// Logistic regression of all other margins on the directions of a basis, by Newton's method: it comes to positive
    /// margins if there is a direction that makes them so. `None` where that would take too much memory.
    fn separate(&self, basis: &Array2<f64>, start: Array1<f64>, on_boundary: &[bool]) -> Option<Array1<f64>> {
        let others = on_boundary.iter().filter(|is| !**is).count();
        if others == 0 || others.saturating_mul(basis.ncols()) > MOST_NUMBERS {
            return None;
        }
        let mut pieces = Vec::new();
        self.for_gradients(on_boundary, false, |rows| pieces.push(rows.dot(basis)));
        let views: Vec<_> = pieces.iter().map(|piece| piece.view()).collect();
        let mut gradients = ndarray::concatenate(Axis(0), &views).ok()?;
        for mut row in gradients.outer_iter_mut() {
            let norm = row.dot(&row).sqrt();
            row.mapv_inplace(|x| if norm > ZERO { x / norm } else { 0.0 });
        }
        let all: Vec<usize> = (0..basis.ncols()).collect();
        let largest = start.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        let mut v = if largest > 0.0 { start / largest } else { start };
        for _ in 0..STEPS {
            self.cancel.check().ok()?;
            let margins = gradients.dot(&v);
            if margins.iter().all(|margin| *margin > 0.0) {
                break;
            }
            let p = margins.mapv(|m| 1.0 / (1.0 + m.exp()));
            let slope = gradients.t().dot(&p);
            let mut weighted = gradients.clone();
            weighted.outer_iter_mut().zip(&p).for_each(|(mut row, p)| row *= p * (1.0 - p));
            let hessian = gradients.t().dot(&weighted);
            let step = Curvature::from_matrix(hessian).solve(&all, &slope)?;
            let reach = gradients.dot(&step).iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            // Far steps would leave what is known of the function.
            v.scaled_add((4.0 / reach).min(1.0), &step);
        }
        Some(v)
    }

    /// What a direction separates, if it raises no row's loss and lowers some.
    fn verify(&self, d: ArrayView1<'_, f64>) -> Option<Separation> {
        let mut d = self.whole(d);
        self.cone.clip(&mut d);
        let size: f64 = d.iter().map(|d| d.abs()).sum();
        if !(size > 0.0 && size.is_finite()) {
            return None;
        }
        let (mut least, mut separated) = (f64::INFINITY, vec![false; self.shape.sets.max(2)]);
        for_each_row(self.rows, self.shape, &d, |_, class, z| {
            for other in (0..z.len()).filter(|k| *k != class) {
                let margin = z[class] - z[other];
                least = if margin.is_nan() { f64::NAN } else { least.min(margin) };
                separated[class] |= margin > ZERO * size;
            }
        });
        if !(least >= -ZERO * size && separated.contains(&true)) {
            return None;
        }
        let classes = (0..separated.len()).filter(|k| separated[*k]);
        Some(Separation {
            complete: least > ZERO * size,
            features: self.features(&d),
            classes: classes.map(|k| self.rows.present.get(k).map_or(k, |class| *class as usize)).collect(),
        })
    }

    /// The features in which a direction tells classes apart.
    fn features(&self, d: &[f64]) -> Vec<usize> {
        let q = self.shape.width + 1;
        let spread = |j: usize| {
            let of_sets = || (0..self.shape.sets).map(|set| d[set * q + j]);
            let zero = if self.shape.sets == 1 { Some(0.0) } else { None };
            let most = of_sets().chain(zero).fold(f64::NEG_INFINITY, f64::max);
            most - of_sets().chain(zero).fold(f64::INFINITY, f64::min)
        };
        let largest = (0..self.shape.width).map(spread).fold(0.0, f64::max);
        let counts = (0..self.shape.width).filter(|&j| largest > 0.0 && spread(j) > 1e-3 * largest);
        counts.map(|j| self.rows.units.active[j]).collect()
    }
}
