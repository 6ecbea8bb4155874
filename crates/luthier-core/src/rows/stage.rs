//! A fitted stage with a known input schema.

use std::sync::Arc;

use luthier_frame::{Field, Schema};

use super::tile::{Picked, View};
use super::{Batch, OddCells, Outputs};
use crate::Result;
use crate::params::ColumnRole;
use crate::stage::{DynModel, Transformer, catch_panic};

/// The columns that a stage reads and appends for a known schema.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) inputs: Schema,
    pub(crate) outputs: Vec<Field>,
    pub(crate) drops_rows: bool,
    takes_nulls: bool,
}

impl Signature {
    pub(crate) fn of<T: Transformer + ?Sized>(stage: &T, before: &Schema) -> anyhow::Result<Self> {
        let outputs = stage.outputs(before)?;
        let mut inputs: Vec<&Field> =
            stage.inputs().iter().map(|name| before.require(name)).collect::<Result<_, _>>()?;
        inputs.sort_by_key(|field| field.name());
        inputs.dedup_by_key(|field| field.name());
        Ok(Self {
            inputs: Schema::new(inputs.into_iter().cloned().collect())?,
            outputs,
            drops_rows: stage.drops_rows(),
            takes_nulls: stage.takes_nulls(),
        })
    }

    /// The rows with the columns that the stage appends; `None` if it drops all rows. `reads` are the positions of
    /// the inputs; `remark` receives what the stage remarks, also on those of the `predictions` that are not finite.
    pub(crate) fn apply<T: Transformer + ?Sized>(
        &self,
        stage: &T,
        batch: Batch,
        reads: &[usize],
        predictions: &[String],
        remark: impl FnMut(OddCells),
    ) -> anyhow::Result<Option<Batch>> {
        let view = View::new(&self.inputs, &batch, reads);
        let tile = view.tile(Picked::Range(0..batch.rows));
        if !self.takes_nulls {
            tile.refuse_nulls()?;
        }
        let mut out = Outputs::default();
        stage.apply(&tile, &mut out)?;
        let odd = predictions.iter().filter_map(|column| out.not_finite(column, &tile, &self.outputs));
        let odd: Vec<OddCells> = odd.collect();
        odd.into_iter().for_each(|odd| out.remark(odd));
        std::mem::take(&mut out.remarks).into_iter().for_each(remark);
        Ok(out.append_to(batch, &self.outputs, self.drops_rows)?)
    }
}

/// A fitted stage of a pipeline with a known input schema.
#[derive(Debug, Clone)]
pub(crate) struct BoundStage {
    pub(crate) model: Arc<dyn DynModel>,
    pub(crate) signature: Arc<Signature>,
    /// Its name in the pipeline, for errors.
    name: Arc<str>,
    /// Its predictions, if somebody reads what it remarks.
    predictions: Arc<[String]>,
}

impl BoundStage {
    /// # Errors
    /// If the stage does not fit the schema.
    pub(crate) fn new(model: Arc<dyn DynModel>, name: &str, before: &Schema) -> Result<Self> {
        let type_name = model.type_name();
        let signature = catch_panic(type_name, || Signature::of(model.transformer(), before));
        let signature = signature.map_err(|e| e.in_stage_of(name, type_name))?;
        let watched = model.is_watched().then(|| model.columns_of(ColumnRole::Prediction));
        let predictions = watched.unwrap_or_default().into();
        Ok(Self { model, signature: Arc::new(signature), name: name.into(), predictions })
    }

    pub(super) fn apply(&self, batch: Batch, reads: &[usize]) -> Result<Option<Batch>> {
        let type_name = self.model.type_name();
        let remark = |odd| self.model.remark(&self.name, odd);
        let stage = self.model.transformer();
        catch_panic(type_name, || self.signature.apply(stage, batch, reads, &self.predictions, remark))
            .map_err(|e| e.in_stage_of(&self.name, type_name))
    }
}
