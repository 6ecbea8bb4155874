//! Appending columns to a frame.

use std::fmt::Debug;

use luthier_frame::{DataFrame, Schema};

use super::RowFunction;
use crate::affine::Affine;
use crate::describe::Description;
use crate::params::Params;

/// Appends columns computed row by row: a fitted model, or a stage that needs no fitting.
///
/// # Contract
/// - A row of the output depends on that row of the input alone, so the same rows in other batches or
///   partitions give the same values.
/// - Existing columns stay as they are, in their order; new ones come behind them. Rows keep their order and their
///   number, unless [`drops_rows`](Self::drops_rows) says otherwise.
/// - `transform_schema` says what `transform` will append, without rows, and fails where it would fail.
/// - An [`affine`](Self::affine) map equals `transform` up to rounding.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transformer",
    note = "implement `Transformer` (`transform` and `transform_schema`) for it"
)]
pub trait Transformer: Debug + Send + Sync + 'static {
    /// The frame with the new columns.
    ///
    /// # Errors
    /// If a column is missing, has another type or width than expected, or holds a value that cannot be used.
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame>;

    /// The schema that [`transform`](Self::transform) gives.
    ///
    /// # Errors
    /// If a column is missing or has the wrong type, or an output column exists already.
    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema>;

    /// The transformation as one affine map, if it is one. Summaries then go through this stage without rows.
    fn affine(&self) -> Option<Affine> {
        None
    }

    /// The columns that `transform` reads. Others need then not be read from a file, nor computed by the stages in
    /// front; `None`, the default, stands for all.
    fn input_columns(&self) -> Option<Vec<String>> {
        None
    }

    /// The transformation of one row of numbers, if it is one; that of the affine map, unless another is given. A
    /// pipeline of such models predicts single rows without a frame.
    fn row_function(&self) -> Option<RowFunction> {
        self.affine().map(RowFunction::affine)
    }

    /// Whether `transform` may leave rows out, as those of an invalid category. The others keep their place and fold.
    fn drops_rows(&self) -> bool {
        false
    }

    /// What a model has to say about itself: what it learned, how well it fits, and what should be known of the fit.
    /// The default says nothing.
    fn describe(&self) -> Description {
        Description::new()
    }

    /// Whether what was learned fits together, so that no later call needs to check it again: called when a model is
    /// loaded from a file, which may be damaged. The default accepts everything.
    ///
    /// # Errors
    /// What does not fit, such as 3 means beside 2 deviations.
    fn check_state(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// A transformer that is configured, not fitted: it enters a pipeline by
/// [`Pipeline::add_transformer`](crate::Pipeline::add_transformer).
pub trait PureTransformer: Transformer + Params {
    /// The name it is registered by, such as `"vector_assembler"`.
    const NAME: &'static str;
}
