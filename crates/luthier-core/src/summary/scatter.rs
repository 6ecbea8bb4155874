//! A centred scatter: stored as the products of all pairs of features, or as the rows from which it is computed.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, linalg};

/// With more features than this, rows are stored until there are as many rows as features.
pub(super) const WIDE: usize = 512;

/// `Σ w (x−μ)(x−μ)ᵀ`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Scatter {
    /// Only the lower triangle is valid.
    Products(Array2<f64>),
    /// Fewer rows than features.
    Rows(HeldRows),
}

/// Rows of many features, which take less memory than the products of all pairs of features.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct HeldRows {
    /// `√w (x − origin)`.
    rows: Array2<f64>,
    /// `√w` of each row.
    roots: Vec<f64>,
    origin: Array1<f64>,
}

impl Scatter {
    /// Whether it is one of this number of features.
    pub(super) fn fits(&self, width: usize) -> bool {
        match self {
            Self::Products(products) => products.dim() == (width, width),
            Self::Rows(HeldRows { rows, roots, origin }) => {
                rows.dim() == (roots.len(), width) && origin.len() == width
            }
        }
    }

    pub(super) fn empty(width: usize) -> Self {
        match width > WIDE {
            true => Self::Rows(HeldRows::empty(width)),
            false => Self::Products(Array2::zeros((width, width))),
        }
    }

    /// The scatter of rows about their mean; as products if there are not fewer rows than features, or only few features.
    pub(super) fn of_rows(held: HeldRows, mean: &Array1<f64>) -> Self {
        match held.is_smaller_than_products() {
            true => Self::Rows(held),
            false => Self::Products(held.products(mean)),
        }
    }

    /// The sum of squares of each feature.
    pub(super) fn diagonal(&self, mean: &Array1<f64>) -> Array1<f64> {
        match self {
            Self::Products(products) => products.diag().to_owned(),
            Self::Rows(held) => held.centred(mean).map_axis(Axis(0), |column| column.dot(&column)),
        }
    }

    /// The products; stored rows are multiplied out and replaced.
    pub(super) fn products_mut(&mut self, mean: &Array1<f64>) -> &mut Array2<f64> {
        if let Self::Rows(held) = self {
            *self = Self::Products(held.products(mean));
        }
        match self {
            Self::Products(products) => products,
            // Not reached, because the rows have just been multiplied out.
            Self::Rows(held) => &mut held.rows,
        }
    }

    /// The number of stored values.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Products(products) => products.len(),
            Self::Rows(held) => held.rows.len(),
        }
    }
}

impl HeldRows {
    pub(super) fn empty(width: usize) -> Self {
        Self { rows: Array2::zeros((0, width)), roots: Vec::new(), origin: Array1::zeros(width) }
    }

    fn is_smaller_than_products(&self) -> bool {
        let (rows, width) = self.rows.dim();
        width > WIDE && rows < width
    }

    pub(super) fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    pub(super) fn origin(&self) -> &Array1<f64> {
        &self.origin
    }

    /// `√w (x − μ)`.
    pub(super) fn centred(&self, mean: &Array1<f64>) -> Array2<f64> {
        self.about(mean).rows
    }

    /// The same rows about another origin.
    pub(super) fn about(&self, origin: &Array1<f64>) -> Self {
        let step = origin - &self.origin;
        let mut rows = self.rows.clone();
        for (mut row, root) in rows.outer_iter_mut().zip(&self.roots) {
            row.scaled_add(-root, &step);
        }
        Self { rows, roots: self.roots.clone(), origin: origin.clone() }
    }

    pub(super) fn products(&self, mean: &Array1<f64>) -> Array2<f64> {
        let mut products = Array2::zeros((self.rows.ncols(), self.rows.ncols()));
        linalg::add_gram_lower(&mut products, self.centred(mean).view());
        products
    }

    /// Adds rows `√w (x − origin)`; the first ones bring their origin.
    pub(super) fn push(
        &mut self,
        rows: ArrayView2<'_, f64>,
        weights: Option<&[f64]>,
        origin: &Array1<f64>,
    ) -> Result<()> {
        if self.is_empty() {
            self.origin.assign(origin);
        }
        for (i, row) in rows.outer_iter().enumerate() {
            let root = weights.map_or(1.0, |weights| weights[i].sqrt());
            if root > 0.0 {
                self.rows.push_row(row).map_err(|e| Error::invalid(e.to_string()))?;
                self.roots.push(root);
            }
        }
        Ok(())
    }

    pub(super) fn append(&mut self, other: &Self) -> Result<()> {
        if self.is_empty() {
            self.origin.assign(&other.origin);
        }
        let other = other.about(&self.origin);
        self.rows.append(Axis(0), other.rows.view()).map_err(|e| Error::invalid(e.to_string()))?;
        self.roots.extend(&other.roots);
        Ok(())
    }

    pub(super) fn select(&self, indices: &[usize]) -> Self {
        Self {
            rows: self.rows.select(Axis(1), indices),
            roots: self.roots.clone(),
            origin: self.origin.select(Axis(0), indices),
        }
    }

    /// The same rows with other features, given relative to their mean.
    pub(super) fn with(&self, rows: Array2<f64>, mean: Array1<f64>) -> Self {
        Self { rows, roots: self.roots.clone(), origin: mean }
    }
}
