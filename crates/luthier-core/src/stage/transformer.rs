//! Transformers, which map rows to rows.

use std::fmt::Debug;

use luthier_frame::{DataFrame, Field, Schema};

use super::{Children, FittedChild};
use crate::affine::Affine;
use crate::describe::{Description, Note};
use crate::params::Params;
use crate::rows::{Outputs, Signature, Tile, through_frame};

/// Appends columns computed row by row: a fitted model, or a stage that needs no fitting.
///
/// A transformer declares the columns that it reads ([`inputs`](Self::inputs)) and appends ([`outputs`](Self::outputs)), and
/// computes some rows at a time ([`apply`](Self::apply)). The framework does the rest: it finds and appends columns,
/// reads files batch by batch, rejects nulls, numbers rows, and uses the same code for single rows.
///
/// # Contract
/// - A row of the output depends only on that row of the input, so the same rows in other batches or partitions give
///   the same values.
/// - `outputs` fails for every schema that `apply` could not use.
/// - An [`affine`](Self::affine) map equals `apply` up to rounding.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame, Field, Schema};
/// use luthier_core::{Outputs, Params, PureTransformer, Tile, Transformer};
///
/// /// The square of a number.
/// #[derive(Debug, Clone, Params)]
/// struct Square {
///     /// The numeric column to square.
///     #[param(default = "x")]
///     input_col: String,
/// }
///
/// impl Transformer for Square {
///     fn inputs(&self) -> Vec<String> {
///         vec![self.input_col.clone()]
///     }
///
///     fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
///         schema.require_number(&self.input_col)?;
///         Ok(vec![Field::number("square")])
///     }
///
///     fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
///         out.numbers(rows.numbers(&self.input_col)?.iter().map(|x| x * x).collect());
///         Ok(())
///     }
/// }
///
/// impl PureTransformer for Square {
///     const NAME: &'static str = "acme.square";
/// }
///
/// let frame = DataFrame::from_columns(vec![("x", Column::f64(vec![2.0, 3.0]))])?;
/// assert_eq!(Square::new().transform(&frame)?.column_f64("square")?, [4.0, 9.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transformer",
    note = "implement `Transformer` (`inputs`, `outputs` and `apply`) for it"
)]
pub trait Transformer: Debug + Send + Sync + 'static {
    /// The columns that `apply` reads. No other columns are read from a file or computed by earlier stages.
    fn inputs(&self) -> Vec<String>;

    /// The columns that `apply` appends to rows with this schema, in order.
    ///
    /// # Errors
    /// If a column is missing or has the wrong type or width.
    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>>;

    /// Computes the appended columns of some rows. The inputs contain no nulls, unless
    /// [`takes_nulls`](Self::takes_nulls) returns true.
    ///
    /// # Errors
    /// A value that cannot be used: [`Tile::bad_value`] names its column and row.
    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()>;

    /// The transformation as an affine map, if it is one. Summaries can then be carried through this stage without reading
    /// rows.
    fn affine(&self) -> Option<Affine> {
        None
    }

    /// Whether `apply` handles nulls; otherwise a null in an input is an error that names column and row.
    fn takes_nulls(&self) -> bool {
        false
    }

    /// Whether `apply` may drop rows ([`Outputs::keep`]), such as those with an invalid category. The other rows keep their
    /// number and fold.
    fn drops_rows(&self) -> bool {
        false
    }

    /// A description of a model: what it learned, how well it fits, and notes on the fit. The default is empty.
    fn describe(&self) -> Description {
        Description::new()
    }

    /// The notes on the fit, which are part of the [description](Self::describe). A model that takes long to describe may give
    /// its notes alone, because a search asks every model for them. The default describes the model.
    fn notes(&self) -> Vec<Note> {
        self.describe().notes().to_vec()
    }

    /// The fitted stages that the model is made of; none by default.
    fn children(&self) -> Children<'_, FittedChild> {
        Children::none()
    }

    /// Checks that the fitted state is consistent, so that no later call needs to check it again. It is called when a model
    /// is loaded from a file, which may be damaged. The default accepts everything.
    ///
    /// # Errors
    /// An inconsistency, such as 3 means but 2 standard deviations.
    fn check_state(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// The frame with the appended columns. Provided: it calls `apply` on each batch.
    ///
    /// # Errors
    /// If a column is missing, has another type or width than expected, or contains a value that cannot be used; a column
    /// with the name of an output.
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let signature = Signature::of(self, data.schema())?;
        let schema = data.schema().with_fields(signature.outputs.iter().cloned())?;
        let reads = signature.inputs.names().map(|name| data.schema().require_index(name));
        let reads = reads.collect::<Result<Vec<_>, _>>()?;
        through_frame(data, schema, |batch| signature.apply(self, batch, &reads, &[], drop))
    }

    /// The schema that [`transform`](Self::transform) returns. Provided.
    ///
    /// # Errors
    /// Those of [`outputs`](Self::outputs); a column with the name of an output.
    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        Ok(schema.with_fields(self.outputs(schema)?)?)
    }
}

/// A transformer that needs no fitting. It is added to a pipeline with
/// [`Pipeline::add_transformer`](crate::Pipeline::add_transformer); [`Transformer`] has an example.
pub trait PureTransformer: Transformer + Params {
    /// The registered name, such as `"vector_assembler"`.
    const NAME: &'static str;
}
