//! Fitting models.

use luthier_frame::{Field, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Children, FitContext, FittedChild, PipelineStage, StagePlan, Transformer};
use crate::dataset::Dataset;
use crate::params::Params;

/// A fitted stage: a transformer that can be saved and loaded.
///
/// Implemented for every [`Transformer`] that is `Serialize + DeserializeOwned`. Floats that are not finite
/// survive saving, and all floats come back with the same bits.
pub trait Model: Transformer + Serialize + DeserializeOwned {}

impl<T: Transformer + Serialize + DeserializeOwned> Model for T {}

/// Learns a [`Model`] from rows. The parameters are the fields of the type, by `#[derive(Params)]`.
///
/// # Contract
/// - `fit` is a pure function of the parameters, the rows and [`FitContext::seed`]: it keeps no state, draws from
///   no global generator, and equal parameters are interchangeable.
/// - `fit_many` gives what `fit` gives for each configuration, in the same order; one that fails takes no other
///   down.
/// - `outputs` fails for every configuration and schema that `fit` could not use, so that a search is
///   checked before it starts. Parameter ranges are checked already.
/// - `plan` declares what `fit` will ask for; see [`StagePlan`].
/// - It depends on rows through [`Dataset`] alone, and may ask for the same summary as often as it likes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an estimator",
    note = "derive `Params` for it and implement `Estimator`; a stage that is not fitted is a `PureTransformer` \
            and enters a pipeline by `add_transformer`"
)]
pub trait Estimator: Params {
    /// The name it is registered by: `"crate.stage"` in crates outside of Luthier.
    const NAME: &'static str;

    /// What `fit` returns.
    type Model: Model;

    /// Learns from the rows of `data`.
    ///
    /// # Errors
    /// Whatever makes these rows unusable; the stage's name is added by the caller.
    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<Self::Model>;

    /// Learns one model per configuration from the same rows. Override it, and say so by
    /// [`StagePlan::grouped`], where configurations share work.
    fn fit_many(configs: &[Self], data: &Dataset, ctx: &FitContext) -> Vec<anyhow::Result<Self::Model>> {
        configs.iter().map(|config| config.fit(data, ctx)).collect()
    }

    /// The columns that the fitted stage appends to rows with this schema, in order. The width of vectors may be one that
    /// only fitting will tell ([`ColumnType::AnyVector`](luthier_frame::ColumnType::AnyVector)).
    ///
    /// # Errors
    /// If a column is missing or has the wrong type, or a parameter does not fit the columns.
    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>>;

    /// The schema behind the fitted stage. Provided.
    ///
    /// # Errors
    /// Those of [`outputs`](Self::outputs); a column of an output's name.
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

    /// What `fit` will need and what the model will be, for a schema that was accepted.
    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
    }
}
