use ndarray::{Array1, ArrayView1};

/// What a deviation is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deviation {
    /// `Σw`, as Spark's normal-equation solver does.
    Population,
    /// `Σw − Σw²/Σw`, as Spark's iterative solvers do.
    Sample,
}

impl Deviation {
    /// Factor from the population variance to this one; 1 where a sample variance is undefined.
    fn variance_factor(self, weight_sum: f64, weight_sq_sum: f64) -> f64 {
        let reduced = weight_sum - weight_sq_sum / weight_sum;
        match self {
            Self::Population => 1.0,
            Self::Sample if reduced > 0.0 => weight_sum / reduced,
            Self::Sample => 1.0,
        }
    }
}

/// What columns are taken about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Their means: the model has an intercept.
    Mean,
    /// Zero, leaving out constant features, whose scale in the penalty would be zero.
    Zero,
    /// Zero; a constant feature is one like any other.
    ZeroWithConstants,
}

/// The centred spread of the data, the one thing every scale is derived from.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    weight_sum: f64,
    weight_sq_sum: f64,
    /// Population variances of the features; exactly 0 where a feature is constant.
    x_variance: Array1<f64>,
    /// Features whose mean is not zero.
    is_offset: Vec<bool>,
    /// Population variance of the label; exactly 0 where it is constant.
    y_variance: f64,
}

/// A column whose deviation is no larger than the rounding of its mean is constant.
fn variance(sum_sq: f64, weight_sum: f64, mean: f64) -> f64 {
    let variance = sum_sq / weight_sum;
    let rounding = 8.0 * f64::EPSILON * mean;
    if variance <= rounding * rounding { 0.0 } else { variance }
}

impl Spread {
    /// From centred sums of squares and means of the features and of the label.
    pub(super) fn new(
        weights: (f64, f64),
        x: (ArrayView1<'_, f64>, ArrayView1<'_, f64>),
        y: (f64, f64),
    ) -> Self {
        let (weight_sum, weight_sq_sum) = weights;
        let x_variance = x.0.iter().zip(x.1).map(|(&ss, &mean)| variance(ss, weight_sum, mean)).collect();
        let is_offset = x.1.iter().map(|mean| *mean != 0.0).collect();
        Self { weight_sum, weight_sq_sum, x_variance, is_offset, y_variance: variance(y.0, weight_sum, y.1) }
    }

    fn varies(&self, j: usize) -> bool {
        self.x_variance[j] > 0.0
    }

    /// Indices of the features that get coefficients: those that vary and, about zero, a constant that is not zero.
    pub(super) fn active(&self, about: About) -> Vec<usize> {
        let is_active =
            |&j: &usize| self.varies(j) || (about == About::ZeroWithConstants && self.is_offset[j]);
        (0..self.x_variance.len()).filter(is_active).collect()
    }

    /// Standard deviation of the label.
    pub(super) fn label(&self, deviation: Deviation) -> f64 {
        let factor = deviation.variance_factor(self.weight_sum, self.weight_sq_sum);
        (self.y_variance * factor).sqrt()
    }

    /// The scales `s_j` in the penalty `α Σ s_j|β_j| + …`, one for every feature; 1 without standardization.
    pub(super) fn penalty(&self, deviation: Deviation, standardization: bool) -> Array1<f64> {
        let factor = deviation.variance_factor(self.weight_sum, self.weight_sq_sum);
        self.x_variance.mapv(|v| if standardization { (v * factor).sqrt() } else { 1.0 })
    }
}

/// The penalty in unit coordinates `t`: `½ l2 Σ (p_j t_j)² + l1 Σ p_j |t_j|`.
#[derive(Debug, Clone)]
pub(super) struct Penalty {
    pub(super) l1: f64,
    pub(super) l2: f64,
    /// `p_j`: penalty scale over unit, one entry a varying feature.
    pub(super) scale: Array1<f64>,
}

impl Penalty {
    /// The `p` shared by all coordinates, where there is one: then the penalty is isotropic.
    pub(super) fn uniform(&self) -> Option<f64> {
        let first = *self.scale.first()?;
        let close = |p: &f64| (p - first).abs() <= 4.0 * f64::EPSILON * first;
        self.scale.iter().all(close).then_some(first)
    }

    /// What the quadratic part adds to the diagonal of the Gram matrix.
    pub(super) fn diagonal(&self) -> Array1<f64> {
        self.scale.mapv(|p| self.l2 * p * p)
    }
}
