//! The fold of each row, and the folds that a dataset selects.

use std::sync::Arc;

use crate::{Error, Result};

/// A fold number for every row of a frame, by global row index.
///
/// It depends only on row indices, so it does not change when the frame is repartitioned, and no data are
/// copied to make training and validation sets.
#[derive(Debug, Clone)]
pub struct Folds {
    assignment: Arc<[u32]>,
    sizes: Arc<[usize]>,
}

impl Folds {
    /// Folds `0..count` from one number per row.
    ///
    /// # Errors
    /// A number out of range, or a fold without rows.
    pub fn new(assignment: Vec<u32>, count: u32) -> Result<Self> {
        let mut sizes = vec![0usize; count as usize];
        for (row, &fold) in assignment.iter().enumerate() {
            match sizes.get_mut(fold as usize) {
                Some(size) => *size += 1,
                None => {
                    return Err(Error::invalid(format!(
                        "row {row} is in fold {fold}, but folds are numbered from 0 to {}",
                        i64::from(count) - 1
                    )));
                }
            }
        }
        if let Some(empty) = sizes.iter().position(|&size| size == 0) {
            return Err(Error::invalid(format!(
                "fold {empty} of {count} has no rows (there are {} rows): use fewer folds or check the fold column",
                assignment.len()
            )));
        }
        Ok(Self { assignment: assignment.into(), sizes: sizes.into() })
    }

    /// Number of folds.
    pub fn count(&self) -> u32 {
        self.sizes.len() as u32
    }

    /// The number of rows in each fold.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The fold of every row.
    pub fn assignment(&self) -> &[u32] {
        &self.assignment
    }
}

/// The folds whose rows a dataset selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rows {
    /// All folds.
    All,
    /// All folds except one: the training rows of that fold.
    Except(u32),
    /// One fold: its validation rows.
    Only(u32),
}

impl Rows {
    /// Whether rows of this fold are selected.
    pub fn includes(self, fold: u32) -> bool {
        match self {
            Self::All => true,
            Self::Except(left_out) => fold != left_out,
            Self::Only(only) => fold == only,
        }
    }
}
