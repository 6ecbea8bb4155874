//! Fitting models.

use luthier_frame::{Field, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Children, FitContext, FittedChild, PipelineStage, StagePlan, Transformer};
use crate::dataset::Dataset;
use crate::params::Params;

/// A fitted stage: a transformer that can be saved and loaded.
///
/// Implemented for every [`Transformer`] that is `Serialize + DeserializeOwned`. Saving preserves floats that are not finite,
/// and all floats are read back with the same bits.
pub trait Model: Transformer + Serialize + DeserializeOwned {}

impl<T: Transformer + Serialize + DeserializeOwned> Model for T {}

/// Learns a [`Model`] from rows. The parameters are the fields of the type, by `#[derive(Params)]`.
///
/// # Contract
/// - `fit` is a pure function of the parameters, the rows and [`FitContext::seed`]: it keeps no state, uses
///   no global random generator, and equal parameters are interchangeable.
/// - `fit_many` returns what `fit` returns for each configuration, in the same order; a configuration that fails does not
///   affect the others.
/// - `outputs` fails for every configuration and schema that `fit` could not use, so that a search can be
///   checked before it starts. Parameter ranges have already been checked.
/// - `plan` declares what `fit` will request; see [`StagePlan`].
/// - It accesses rows only through [`Dataset`], and may request the same summary repeatedly.
/// - It ends soon after it was cancelled: passes over rows do by themselves, other loops call [`FitContext::check_cancelled`].
///
/// ```
/// use luthier_core::frame::{Column, DataFrame, Field, Schema};
/// use luthier_core::{
///     Dataset, Estimator, EstimatorExt, FitContext, Moments, MomentsSpec, Outputs, Params, StagePlan, Tile, Transformer,
/// };
/// use serde::{Deserialize, Serialize};
///
/// /// Predicts the mean of the labels.
/// #[derive(Debug, Clone, Params)]
/// struct Mean {
///     /// Numeric column to predict.
///     #[param(default = "label", column = label)]
///     label_col: String,
/// }
///
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// struct MeanModel(f64);
///
/// impl Transformer for MeanModel {
///     fn inputs(&self) -> Vec<String> {
///         Vec::new()
///     }
///
///     fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
///         Ok(vec![Field::number("prediction")])
///     }
///
///     fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
///         out.numbers(vec![self.0; rows.len()]);
///         Ok(())
///     }
/// }
///
/// impl Estimator for Mean {
///     const NAME: &'static str = "acme.mean";
///     type Model = MeanModel;
///
///     fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<MeanModel> {
///         let moments = data.summarize::<Moments>(&MomentsSpec::new([&self.label_col]))?;
///         Ok(MeanModel(moments.mean_of(&self.label_col)?[0]))
///     }
///
///     fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
///         schema.require(&self.label_col)?;
///         Ok(vec![Field::number("prediction")])
///     }
///
///     fn plan(&self, _schema: &Schema) -> StagePlan {
///         StagePlan::opaque().need::<Moments>(MomentsSpec::new([&self.label_col]))
///     }
/// }
///
/// let data = DataFrame::from_columns(vec![("label", Column::f64(vec![1.0, 2.0, 6.0]))])?;
/// assert_eq!(Mean::new().fit_frame(&data)?.0, 3.0);
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an estimator",
    note = "derive `Params` for it and implement `Estimator`; a stage that is not fitted is a `PureTransformer` \
            and enters a pipeline by `add_transformer`"
)]
pub trait Estimator: Params {
    /// The registered name: `"crate.stage"` for crates outside Luthier.
    const NAME: &'static str;

    /// The model that `fit` returns.
    type Model: Model;

    /// Learns from the rows of `data`.
    ///
    /// # Errors
    /// Any reason why the rows cannot be used; the caller adds the name of the stage.
    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<Self::Model>;

    /// Learns one model per configuration from the same rows. If configurations can share work, override it and declare this
    /// with [`StagePlan::grouped`].
    fn fit_many(configs: &[Self], data: &Dataset, ctx: &FitContext) -> Vec<anyhow::Result<Self::Model>> {
        configs.iter().map(|config| config.fit(data, ctx)).collect()
    }

    /// The columns that the fitted stage appends to rows with this schema, in order. The width of vectors may only be known
    /// after fitting ([`ColumnType::AnyVector`](luthier_frame::ColumnType::AnyVector)).
    ///
    /// # Errors
    /// If a column is missing or has the wrong type, or a parameter does not fit the columns.
    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>>;

    /// The schema behind the fitted stage. Provided.
    ///
    /// # Errors
    /// Those of [`outputs`](Self::outputs); a column with the name of an output.
    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        Ok(schema.with_fields(self.outputs(schema)?)?)
    }

    /// The stages that this one is made of; none by default. See [`Children`] for what follows from them.
    fn children(&self) -> Children<'_, PipelineStage> {
        Children::none()
    }

    /// The same stages, so that their parameters can be set, and they can be exchanged, left out and loaded.
    fn children_mut(&mut self) -> Option<&mut Vec<PipelineStage>> {
        None
    }

    /// The model of a stage whose children are [in a row](Children::in_a_row), from what they were fitted to. `columns` are
    /// those of the frame, where they are known.
    ///
    /// # Errors
    /// By default, that the children are not in a row.
    fn assemble(
        &self,
        _children: Vec<FittedChild>,
        _columns: Option<&Schema>,
    ) -> anyhow::Result<Self::Model> {
        anyhow::bail!("`{}` is not made of stages in a row: implement `assemble` if it is", Self::NAME)
    }

    /// Declares what `fit` will need and what the model will be, for a schema that was accepted.
    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
    }
}
