//! The principal axes of some rows, from as few decompositions as the digits allow.

use std::cell::OnceCell;
use std::sync::Arc;

use luthier_core::{Dataset, Error, FitContext, Moments, MomentsSpec, QrFactor, Result, linalg};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

/// An eigenvalue of a covariance has an error of about `ε` times the largest eigenvalue: one that is smaller than
/// this share of it has lost half its digits.
const SMALLEST_SHARE: f64 = 1e-7;

/// Axes of decreasing variance.
#[derive(Debug)]
pub(super) struct Axes {
    pub(super) mean: Array1<f64>,
    /// Orthonormal columns, one row a feature.
    components: Array2<f64>,
    /// Sample variances along them; behind the last one there is none.
    variances: Array1<f64>,
    total: f64,
}

impl Axes {
    /// The first `k` axes; where nothing varies along them any of the orthonormal ones.
    pub(super) fn components(&self, k: usize) -> Array2<f64> {
        match k <= self.components.ncols() {
            true => self.components.slice(s![.., ..k]).to_owned(),
            false => with_signs(completed(&self.components, k)),
        }
    }

    /// The share of the total variance along each of the first `k`; all 0 if nothing varies.
    pub(super) fn shares(&self, k: usize) -> Array1<f64> {
        let share = |i| match self.variances.get(i) {
            Some(variance) if self.total > 0.0 => variance / self.total,
            _ => 0.0,
        };
        (0..k).map(share).collect()
    }
}

type Shared<T> = OnceCell<std::result::Result<T, String>>;

/// The axes of some rows, found when they are first asked for.
#[derive(Debug)]
pub(super) struct PrincipalAxes<'a> {
    data: &'a Dataset,
    spec: MomentsSpec,
    moments: Shared<Arc<Moments>>,
    of_moments: Shared<Axes>,
    of_factor: Shared<Axes>,
}

/// What was found, or the message of the error.
fn known<T>(cell: &Shared<T>, find: impl FnOnce() -> Result<T>) -> Result<&T> {
    cell.get_or_init(|| find().map_err(|e| e.to_string())).as_ref().map_err(|e| Error::invalid(e.clone()))
}

impl<'a> PrincipalAxes<'a> {
    pub(super) fn of(data: &'a Dataset, spec: MomentsSpec) -> Self {
        let (moments, of_moments, of_factor) = Default::default();
        Self { data, spec, moments, of_moments, of_factor }
    }

    pub(super) fn spec(&self) -> &MomentsSpec {
        &self.spec
    }

    pub(super) fn features(&self) -> Result<usize> {
        Ok(self.moments()?.mean().len())
    }

    /// Axes of which the first `k` are right, from the covariance or, where that would leave too few digits of them, from the
    /// triangular factor. Which one depends on the rows and `k` alone.
    pub(super) fn leading(&self, k: usize, ctx: &FitContext) -> Result<&Axes> {
        let moments = self.moments()?;
        let axes = known(&self.of_moments, || of_moments(moments, ctx))?;
        if moments.centred_rows().is_some() {
            return Ok(axes);
        }
        // What does not vary is known to do so.
        let varying = moments.sums_of_squares().iter().filter(|square| **square > 0.0).count();
        let there = k.min(varying).min((moments.rows() - 1) as usize);
        let smallest = there.checked_sub(1).map_or(f64::INFINITY, |last| axes.variances[last]);
        if smallest >= SMALLEST_SHARE * axes.variances.first().copied().unwrap_or(0.0) {
            return Ok(axes);
        }
        known(&self.of_factor, || {
            self.data.work().guarded(1);
            let factor = self.data.summarize::<QrFactor>(&self.spec)?;
            ctx.count_factorisations(1);
            of_rows(factor.r(), factor.mean(), factor.rows())
        })
    }

    fn moments(&self) -> Result<&Arc<Moments>> {
        known(&self.moments, || {
            let moments = self.data.summarize::<Moments>(&self.spec)?;
            if moments.rows() < 2 {
                return Err(Error::invalid(format!(
                    "principal components need the covariance of at least 2 rows, found {}",
                    moments.rows()
                )));
            }
            let columns: Vec<&str> = self.spec.columns.iter().map(String::as_str).collect();
            moments.require_visible(&columns)?;
            Ok(moments)
        })
    }
}

fn of_moments(moments: &Moments, ctx: &FitContext) -> Result<Axes> {
    ctx.count_factorisations(1);
    let rows = moments.rows();
    if let Some(centred) = moments.centred_rows() {
        return of_rows(centred.view(), moments.mean(), rows);
    }
    let covariance = moments.scatter() / (rows - 1) as f64;
    let eigen = linalg::symmetric_eigen(covariance.view())?;
    // Rounding may leave a variance of zero slightly negative.
    let variances = eigen.values.mapv(|x| x.max(0.0));
    Ok(Axes {
        mean: moments.mean().to_owned(),
        components: with_signs(eigen.vectors),
        total: variances.sum(),
        variances,
    })
}

/// The axes of rows about their mean, or of their triangular factor: not more than there are of these.
fn of_rows(centred: ArrayView2<'_, f64>, mean: ArrayView1<'_, f64>, rows: u64) -> Result<Axes> {
    let svd = linalg::thin_svd(centred)?;
    let variances = svd.values.mapv(|s| s * s / (rows - 1) as f64);
    let total = variances.sum();
    Ok(Axes { mean: mean.to_owned(), components: with_signs(svd.v), variances, total })
}

/// Turns each axis so that its entry of largest magnitude, the first of equals, is positive.
fn with_signs(mut components: Array2<f64>) -> Array2<f64> {
    components.columns_mut().into_iter().for_each(|mut column| {
        let largest = column.iter().fold(0.0_f64, |a, &b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 {
            column.mapv_inplace(|x| -x);
        }
    });
    components
}

/// Orthonormal columns with more of them, up to `k`: each is what a unit vector adds to those before, and the unit
/// vector that adds most.
fn completed(columns: &Array2<f64>, k: usize) -> Array2<f64> {
    // By rows, where a column is a slice.
    let mut axes = columns.t().as_standard_layout().into_owned();
    let mut left = columns.map_axis(Axis(1), |row| 1.0 - row.dot(&row));
    while axes.nrows() < k {
        let first = left.iter().enumerate().fold(0, |best, (j, x)| if *x > left[best] { j } else { best });
        let mut axis = Array1::zeros(left.len());
        axis[first] = 1.0;
        // Once more for what rounding has left.
        for _ in 0..2 {
            let along = axes.dot(&axis);
            axis -= &along.dot(&axes);
        }
        axis /= axis.dot(&axis).sqrt();
        left.zip_mut_with(&axis, |left, x| *left -= x * x);
        if axes.push(Axis(0), axis.view()).is_err() {
            break;
        }
    }
    axes.reversed_axes().as_standard_layout().into_owned()
}
