//! The columns that a fitted pipeline reads.

use std::collections::HashSet;
use std::sync::Arc;

use luthier_frame::{Field, Schema};

use crate::stage::{DynModel, catch_panic};

/// The columns that a fitted pipeline reads.
#[derive(Debug, Clone)]
pub(crate) struct Reads {
    /// The columns from which predictions are computed.
    pub(crate) inputs: Schema,
    /// The stages whose outputs are only needed for fitting later ones.
    for_fitting: Vec<bool>,
    /// Whether these are skipped even if they could run.
    pub(crate) predicts_only: bool,
}

/// The columns of one stage.
struct Stage {
    reads: Vec<String>,
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
            let reads = model.transformer().inputs();
            *absent = lacks(&schema, &reads);
            let mut makes = Vec::new();
            if !*absent {
                let outputs = catch_panic(model.type_name(), || model.transformer().outputs(&schema)).ok()?;
                makes.extend(outputs.iter().map(|field| field.name().to_owned()));
                schema = schema.with_fields(outputs).ok()?;
            }
            stages.push(Stage { reads, makes, names: model.columns_where(&|role| !role.is_appended()) });
        }
        // What is read and named by the stages behind.
        let (mut to_predict, mut to_fit) = (HashSet::new(), HashSet::new());
        for (stage, for_fitting) in stages.iter().zip(&mut for_fitting).rev() {
            let any = |of: &HashSet<&str>| stage.makes.iter().any(|made| of.contains(made.as_str()));
            *for_fitting |= any(&to_fit) && !any(&to_predict);
            let reads = if *for_fitting { &mut to_fit } else { &mut to_predict };
            reads.extend(stage.reads.iter().map(String::as_str));
            to_fit.extend(stage.names.iter().map(String::as_str));
        }
        let predicting = stages.iter().zip(&for_fitting).filter(|(_, for_fitting)| !**for_fitting);
        let is_read: HashSet<&str> =
            predicting.flat_map(|(stage, _)| stage.reads.iter().map(String::as_str)).collect();
        let is_input = |field: &&Field| is_read.contains(field.name());
        let fields = columns.fields().iter().filter(is_input);
        let inputs = Schema::new(fields.cloned().collect()).ok()?;
        Some(Self { inputs, for_fitting, predicts_only: false })
    }

    /// Whether a stage is not needed and, unless it predicts only, cannot run on these columns.
    pub(crate) fn leaves_out(&self, place: usize, model: &dyn DynModel, schema: &Schema) -> bool {
        let cannot_run = || lacks(schema, &model.transformer().inputs());
        self.for_fitting.get(place) == Some(&true) && (self.predicts_only || cannot_run())
    }
}

fn lacks(schema: &Schema, columns: &[String]) -> bool {
    columns.iter().any(|name| schema.field(name).is_none())
}
