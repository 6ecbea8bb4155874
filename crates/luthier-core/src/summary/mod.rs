//! Summaries: mergeable statistics of rows.

mod centre;
mod moments;
mod need;
mod qr_factor;

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

/// A commutative monoid over rows: what Spark calls an aggregator and a query engine an aggregate function.
///
/// # Contract
/// - `update` with rows in tiles of any size, then `merge` of parts in any grouping, gives the summary of all
///   rows up to rounding; the same tiles and merges in the same order give the same bits.
/// - `empty` is neutral: merging it changes nothing.
/// - Nothing is ever subtracted, so a part with few rows is as accurate as a large one.
/// - The state can be serialised: a distributed engine computes parts elsewhere.
///
/// The last four methods are short cuts. Their defaults are right for every summary; override them to let
/// several requests share one pass ([`union`](Self::union), [`project`](Self::project)) and to let a request go
/// through affine stages without rows ([`pull_back`](Self::pull_back), [`lift`](Self::lift)).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a summary",
    note = "implement `Summary`: a state that is `Serialize + DeserializeOwned`, updated by tiles and merged"
)]
pub trait Summary: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What is summarised: columns and options. Equal specs are interchangeable.
    type Spec: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// Name for plans and errors.
    const NAME: &'static str;

    /// The columns that `update` reads.
    fn columns(spec: &Self::Spec) -> Vec<String>;

    /// The summary of no rows, for a view with this schema.
    ///
    /// # Errors
    /// If a column is missing or has a type that cannot be summarised.
    fn empty(spec: &Self::Spec, schema: &Schema) -> Result<Self>;

    /// Takes in the rows of a tile.
    ///
    /// # Errors
    /// A value that cannot be summarised, as [`Error::BadValue`](crate::Error::BadValue) (see [`Tile::bad_value`]).
    fn update(&mut self, spec: &Self::Spec, tile: &Tile<'_>) -> Result<()>;

    /// Takes in the summary of other rows.
    ///
    /// # Errors
    /// If the other one was made with another spec.
    fn merge(&mut self, other: &Self) -> Result<()>;

    /// About how much memory it takes, however many rows there are: plans weigh it.
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    /// One spec that answers both, if there is one.
    fn union(a: &Self::Spec, b: &Self::Spec) -> Option<Self::Spec> {
        (a == b).then(|| a.clone())
    }

    /// The answer to `to` from a summary made with `from`, bit for bit as if it had been asked alone or up to
    /// rounding; `None` if it is not in there.
    fn project(&self, from: &Self::Spec, to: &Self::Spec) -> Option<Self> {
        (from == to).then(|| self.clone())
    }

    /// The request before an affine stage whose answer can be [lifted](Self::lift) to `spec` behind it.
    fn pull_back(_spec: &Self::Spec, _columns: &AffineColumns) -> Option<Self::Spec> {
        None
    }

    /// The summary behind an affine stage from `self`, made with the pulled-back spec before it. `None` when
    /// too few digits would be left: the rows are then read instead.
    ///
    /// # Errors
    /// If the map does not fit the summary.
    fn lift(&self, _to: &Self::Spec, _map: &Affine) -> Result<Option<Self>> {
        Ok(None)
    }
}
