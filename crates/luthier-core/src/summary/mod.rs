//! Summaries: mergeable statistics of rows.

mod centre;
mod moments;
mod need;
mod qr_factor;
mod scatter;

pub use centre::ColumnSpan;
pub use moments::{Moments, MomentsSpec};
pub(crate) use need::{Answer, DynState};
pub use need::{Need, fuse as fuse_needs};
pub use qr_factor::QrFactor;

use std::fmt::Debug;

use luthier_frame::Schema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Result;
use crate::affine::{Affine, AffineColumns};
use crate::rows::Tile;

/// A statistic of rows that can be merged: a commutative monoid over rows. Spark calls it an aggregator, and query engines
/// call it an aggregate function.
///
/// # Contract
/// - `update` with rows in tiles of any size, followed by `merge` of parts in any grouping, gives the summary of all
///   rows up to rounding; the same tiles and merges in the same order give the same bits.
/// - Merging the summary returned by `empty` changes nothing.
/// - Nothing is ever subtracted, so a part with few rows is as accurate as a large one.
/// - Spec and state can be serialised, also in formats that do not describe themselves (no `flatten`, no `untagged`, nothing skipped by its
///   value), and what is read again is the same, bit for bit: parts are kept on disk, and computed elsewhere.
///
/// The last four methods are optimisations. Their defaults are correct for every summary; override them to let
/// several requests share one pass ([`union`](Self::union), [`project`](Self::project)) and to carry a request
/// through affine stages without reading rows ([`pull_back`](Self::pull_back), [`lift`](Self::lift)).
///
/// ```
/// use luthier_core::frame::{Column, DataFrame, Schema};
/// use luthier_core::{Dataset, Result, Summary, Tile};
/// use serde::{Deserialize, Serialize};
///
/// /// The largest value of a column.
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// struct Max(f64);
///
/// impl Summary for Max {
///     type Spec = String; // the name of the column
///     const NAME: &'static str = "acme.max";
///
///     fn columns(column: &String) -> Vec<String> {
///         vec![column.clone()]
///     }
///
///     fn empty(_: &String, _: &Schema) -> Result<Self> {
///         Ok(Self(f64::NEG_INFINITY))
///     }
///
///     fn update(&mut self, column: &String, tile: &Tile<'_>) -> Result<()> {
///         self.0 = tile.numbers(column)?.iter().fold(self.0, |max, &x| max.max(x));
///         Ok(())
///     }
///
///     fn merge(&mut self, other: &Self) -> Result<()> {
///         self.0 = self.0.max(other.0);
///         Ok(())
///     }
/// }
///
/// let frame = DataFrame::from_columns(vec![("x", Column::f64(vec![1.0, 7.0, 3.0]))])?.repartition(2)?;
/// assert_eq!(Dataset::new(frame).summarize::<Max>(&"x".to_owned())?.0, 7.0);
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a summary",
    note = "implement `Summary`: a state that is `Serialize + DeserializeOwned`, updated by tiles and merged"
)]
pub trait Summary: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The columns and options of the summary. Equal specs are interchangeable.
    type Spec: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Name for plans and errors.
    const NAME: &'static str;

    /// The columns that `update` reads.
    fn columns(spec: &Self::Spec) -> Vec<String>;

    /// The summary of no rows, for a view with this schema.
    ///
    /// # Errors
    /// If a column is missing or has a type that cannot be summarised.
    fn empty(spec: &Self::Spec, schema: &Schema) -> Result<Self>;

    /// Adds the rows of a tile.
    ///
    /// # Errors
    /// A value that cannot be summarised, as [`Error::BadValue`](crate::Error::BadValue) (see [`Tile::bad_value`]).
    fn update(&mut self, spec: &Self::Spec, tile: &Tile<'_>) -> Result<()>;

    /// Adds the summary of other rows.
    ///
    /// # Errors
    /// If the other summary was made with another spec.
    fn merge(&mut self, other: &Self) -> Result<()>;

    /// About how many bytes of memory it takes, for any number of rows; used by plans.
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    /// About how many bytes of memory it takes for this number of rows: less than [`bytes`](Self::bytes) for a
    /// summary that stores the rows themselves while there are few.
    fn bytes_of_rows(&self, _rows: u64) -> usize {
        self.bytes()
    }

    /// Whether it contains rows instead of statistics of them, so that whoever sees it sees them.
    fn holds_rows(&self) -> bool {
        false
    }

    /// One spec that answers both, if there is one.
    fn union(a: &Self::Spec, b: &Self::Spec) -> Option<Self::Spec> {
        (a == b).then(|| a.clone())
    }

    /// The answer to `to` from a summary made with `from`, equal to the separate answer up to rounding; `None` if it is not
    /// contained.
    fn project(&self, from: &Self::Spec, to: &Self::Spec) -> Option<Self> {
        (from == to).then(|| self.clone())
    }

    /// The request before an affine stage whose answer can be [lifted](Self::lift) to `spec` behind it.
    fn pull_back(_spec: &Self::Spec, _columns: &AffineColumns) -> Option<Self::Spec> {
        None
    }

    /// The summary behind an affine stage, computed from `self`, which was made with the pulled-back spec before it. `None` if
    /// too few digits would be correct: the rows are then read instead.
    ///
    /// # Errors
    /// If the map does not fit the summary.
    fn lift(&self, _to: &Self::Spec, _map: &Affine) -> Result<Option<Self>> {
        Ok(None)
    }
}
