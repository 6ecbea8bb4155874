use luthier_core::linalg::triangular_factor;
use ndarray::{Array1, Array2, Axis, concatenate, s};

/// Up to so many features a square matrix of them costs next to nothing.
const MOST_SQUARE: usize = 512;

/// Weighted second moments of features and label about their means: all that squared error needs of the rows.
#[derive(Debug, Clone)]
pub(crate) struct NormalEquations {
    /// Number of rows, whatever their weights.
    pub(crate) rows: u64,
    /// `W = Σ w`.
    pub(crate) weight_sum: f64,
    /// `Σ w²`.
    pub(crate) weight_sq_sum: f64,
    /// `μ = Σ w x / W`, one entry a feature.
    pub(crate) x_mean: Array1<f64>,
    /// `ȳ = Σ w y / W`.
    pub(crate) y_mean: f64,
    /// `Σ w (x−μ)(x−μ)ᵀ`, features × features, both triangles.
    pub(crate) xx: Array2<f64>,
    /// `Σ w (x−μ)(y−ȳ)`.
    pub(crate) xy: Array1<f64>,
    /// `Σ w (y−ȳ)²`.
    pub(crate) yy: f64,
}

/// What every column says by itself: enough for all scales.
#[derive(Debug, Clone)]
pub(crate) struct Totals {
    /// Number of rows, whatever their weights.
    pub(crate) rows: u64,
    /// `W = Σ w`.
    pub(crate) weight_sum: f64,
    /// `Σ w²`.
    pub(crate) weight_sq_sum: f64,
    /// `μ`.
    pub(crate) x_mean: Array1<f64>,
    /// `ȳ`.
    pub(crate) y_mean: f64,
    /// `Σ w (x−μ)²`.
    pub(crate) xx: Array1<f64>,
    /// `Σ w (y−ȳ)²`.
    pub(crate) yy: f64,
}

impl Totals {
    pub(super) fn is_finite(&self) -> bool {
        let all = self.x_mean.iter().chain(&self.xx).chain([&self.y_mean, &self.yy]);
        all.copied().all(f64::is_finite)
    }
}

/// The same information as rows that keep twice the digits, a triangular factor or fewer rows than features:
/// `RᵀR = Σ w (z−μ)(z−μ)ᵀ` for `z = [features, label]`.
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    /// Number of rows, whatever their weights.
    pub(crate) rows: u64,
    /// `W = Σ w`.
    pub(crate) weight_sum: f64,
    /// `Σ w²`.
    pub(crate) weight_sq_sum: f64,
    /// Means of the features, then of the label.
    pub(crate) mean: Array1<f64>,
    /// `R`, of exactly features + 1 columns.
    pub(crate) r: Array2<f64>,
}

impl NormalEquations {
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            rows: self.rows,
            weight_sum: self.weight_sum,
            weight_sq_sum: self.weight_sq_sum,
            x_mean: self.x_mean.clone(),
            y_mean: self.y_mean,
            xx: self.xx.diag().to_owned(),
            yy: self.yy,
        }
    }

    pub(super) fn is_finite(&self) -> bool {
        let rest = self.x_mean.iter().chain(&self.xy).chain([&self.y_mean, &self.yy]);
        self.xx.iter().all(|v| v.is_finite()) && rest.copied().all(f64::is_finite)
    }

    /// Second moments about zero instead of the means: what a fit without intercept works on.
    pub(super) fn about_zero(&self) -> (Array2<f64>, Array1<f64>, f64) {
        let (w, mu, y) = (self.weight_sum, &self.x_mean, self.y_mean);
        let xx = Array2::from_shape_fn(self.xx.dim(), |(i, j)| self.xx[[i, j]] + w * (mu[i] * mu[j]));
        let xy = Array1::from_shape_fn(mu.len(), |i| self.xy[i] + w * (mu[i] * y));
        (xx, xy, self.yy + w * (y * y))
    }
}

impl Factor {
    /// Number of features.
    pub(crate) fn features(&self) -> usize {
        self.mean.len().saturating_sub(1)
    }

    /// The factor of the second moments about zero: the mean enters as one more row `√W μᵀ`.
    pub(super) fn about_zero(&self) -> Array2<f64> {
        let row = (&self.mean * self.weight_sum.sqrt()).insert_axis(Axis(0));
        match concatenate(Axis(0), &[self.r.view(), row.view()]) {
            Ok(stacked) => triangular_factor(stacked.view()),
            Err(_) => self.r.clone(),
        }
    }

    /// Whether there are fewer rows than features, so that no square matrix of the features should be made.
    pub(super) fn is_wide(&self) -> bool {
        self.r.nrows() < self.features() && self.features() > MOST_SQUARE
    }

    pub(crate) fn totals(&self) -> Totals {
        let d = self.features();
        let square = |j: usize| self.r.column(j).dot(&self.r.column(j));
        Totals {
            rows: self.rows,
            weight_sum: self.weight_sum,
            weight_sq_sum: self.weight_sq_sum,
            x_mean: self.mean.slice(s![..d]).to_owned(),
            y_mean: self.mean[d],
            xx: (0..d).map(square).collect(),
            yy: square(d),
        }
    }
}
