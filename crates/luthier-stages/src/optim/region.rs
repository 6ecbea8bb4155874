//! A box with an L1 penalty, and what is optimal in it.

/// Where the unknowns may lie and what their magnitudes cost.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// `l1 |u|` of each.
    pub(crate) l1: Vec<f64>,
    pub(crate) lower: Vec<f64>,
    pub(crate) upper: Vec<f64>,
}

impl Region {
    /// With these penalties and no upper bounds.
    pub(crate) fn new(l1: Vec<f64>, lower: f64) -> Self {
        let n = l1.len();
        Self { l1, lower: vec![lower; n], upper: vec![f64::INFINITY; n] }
    }

    /// How far an unknown with this derivative of the smooth part is from its optimality condition.
    pub(crate) fn violation(&self, j: usize, value: f64, slope: f64) -> f64 {
        let (l1, low, high) = (self.l1[j], value <= self.lower[j], value >= self.upper[j]);
        // Derivatives towards smaller and larger values.
        let (left, right) = match value {
            0.0 => (slope - l1, slope + l1),
            v => (slope + l1.copysign(v), slope + l1.copysign(v)),
        };
        let down = if low { 0.0 } else { left.max(0.0) };
        let up = if high { 0.0 } else { (-right).max(0.0) };
        down.max(up)
    }

    pub(crate) fn clip(&self, j: usize, value: f64) -> f64 {
        value.max(self.lower[j]).min(self.upper[j])
    }

    /// Whether there are neither kinks nor walls, but for unknowns that are held fast.
    pub(super) fn is_smooth(&self) -> bool {
        let bounds = self.lower.iter().zip(&self.upper).zip(&self.l1);
        bounds.into_iter().all(|((lower, upper), l1)| {
            lower == upper || (*l1 == 0.0 && lower.is_infinite() && upper.is_infinite())
        })
    }

    /// Whether small moves both ways cost the same.
    pub(crate) fn is_free(&self, j: usize, value: f64) -> bool {
        (self.l1[j] == 0.0 || value != 0.0) && self.lower[j] < value && value < self.upper[j]
    }

    /// The value nearest to `to` on the way from `from` up to a kink or a wall.
    pub(crate) fn until_kink(&self, j: usize, from: f64, to: f64) -> f64 {
        let crossed = self.l1[j] > 0.0 && from * to < 0.0;
        if crossed { self.clip(j, 0.0) } else { self.clip(j, to) }
    }

    /// The derivative towards which the objective falls, 0 where it does not: the smooth part's with the L1 penalty's,
    /// and nothing through a wall.
    pub(crate) fn downhill_slope(&self, j: usize, value: f64, slope: f64) -> f64 {
        let l1 = self.l1[j];
        let whole = match value {
            0.0 if slope + l1 < 0.0 => slope + l1,
            0.0 if slope - l1 > 0.0 => slope - l1,
            0.0 => 0.0,
            v => slope + if l1 > 0.0 { l1.copysign(v) } else { 0.0 },
        };
        let blocked = (value <= self.lower[j] && whole > 0.0) || (value >= self.upper[j] && whole < 0.0);
        if blocked { 0.0 } else { whole }
    }
}
