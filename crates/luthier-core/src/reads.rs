//! What of a frame a fitted pipeline reads.

use std::sync::Arc;

use luthier_frame::{Field, Schema};

use crate::stage::DynModel;

/// What of a frame a fitted pipeline reads.
#[derive(Debug, Clone)]
pub(crate) struct Reads {
    /// The columns that predictions are computed from.
    pub(crate) inputs: Schema,
    /// Which stages only make what later ones are fitted on.
    for_fitting: Vec<bool>,
    /// Whether these are left out also where they could run.
    pub(crate) predicts_only: bool,
}

/// The columns of one stage.
struct Stage {
    reads: Option<Vec<String>>,
    makes: Vec<String>,
    /// Columns that its parameters name, those that it appends aside.
    names: Vec<String>,
}

impl Reads {
    /// What these stages read of a frame with these columns; `None` if they do not fit.
    ///
    /// A stage whose input is not among `columns` is taken for one that is needed for fitting only: so they were
    /// left out when the columns were saved.
    pub(crate) fn of(models: &[(String, &Arc<dyn DynModel>)], columns: &Schema) -> Option<Self> {
        let mut schema = columns.clone();
        let mut stages = Vec::with_capacity(models.len());
        let mut for_fitting = vec![false; models.len()];
        for ((_, model), absent) in models.iter().zip(&mut for_fitting) {
            let reads = inputs(model.as_ref());
            *absent = lacks(&schema, reads.as_deref());
            let mut makes = Vec::new();
            if !*absent {
                let behind = model.transform_schema(&schema).ok()?;
                makes.extend(behind.names().skip(schema.len()).map(str::to_owned));
                schema = behind;
            }
            stages.push(Stage { reads, makes, names: model.columns_where(|role| !role.is_appended()) });
        }
        for place in (0..stages.len()).rev() {
            let Some((stage, later)) = stages.get(place..).and_then(<[_]>::split_first) else { continue };
            let later = || later.iter().zip(&for_fitting[place + 1..]);
            let made = |columns: &Vec<String>| columns.iter().any(|name| stage.makes.contains(name));
            // One that does not tell what it reads is taken by its parameters.
            let is_read = |later: &Stage| made(later.reads.as_ref().unwrap_or(&later.names));
            let to_predict = later().any(|(later, for_fitting)| !for_fitting && is_read(later));
            let to_fit =
                later().any(|(later, for_fitting)| made(&later.names) || *for_fitting && is_read(later));
            for_fitting[place] |= stage.reads.is_some() && to_fit && !to_predict;
        }
        let of_kind = |kind: bool| stages.iter().zip(&for_fitting).filter(move |(_, is)| **is == kind);
        let reads = |stage: &Stage, name: &str| match &stage.reads {
            Some(reads) => reads.iter().any(|read| read == name),
            None => !of_kind(true).any(|(other, _)| other.reads.iter().flatten().any(|read| read == name)),
        };
        let is_input = |field: &&Field| of_kind(false).any(|(stage, _)| reads(stage, field.name()));
        let fields = columns.fields().iter().filter(is_input);
        let inputs = Schema::new(fields.cloned().collect()).ok()?;
        Some(Self { inputs, for_fitting, predicts_only: false })
    }

    /// Whether a stage is not needed and, unless it predicts only, cannot run on these columns.
    pub(crate) fn leaves_out(&self, place: usize, model: &dyn DynModel, schema: &Schema) -> bool {
        let cannot_run = || lacks(schema, inputs(model).as_deref());
        self.for_fitting.get(place) == Some(&true) && (self.predicts_only || cannot_run())
    }
}

/// The columns that a stage reads, if it tells.
fn inputs(model: &dyn DynModel) -> Option<Vec<String>> {
    model.input_columns().or_else(|| model.affine().map(|map| map.columns.inputs))
}

fn lacks(schema: &Schema, columns: Option<&[String]>) -> bool {
    columns.is_some_and(|columns| columns.iter().any(|name| schema.field(name).is_none()))
}
