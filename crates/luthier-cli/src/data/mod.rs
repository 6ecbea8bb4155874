//! From a file to a frame with the vector column `features`.

mod inputs;
pub(crate) mod reading;
mod source;
mod write;

pub(crate) use inputs::{FEATURES, Inputs, is_usable};
pub(crate) use reading::{DeclaredType, Reading, SavedReading};
pub(crate) use source::{DataSource, Format};
pub(crate) use write::{is_broken_pipe, writable, write, writer};

use anyhow::{Result, bail};
use luthier::frame::arrow_array::Array;
use luthier::frame::{DataFrame, numbers};

use crate::config::Config;
use crate::output::note;
use crate::roles::Roles;
use crate::{build, expand};

/// The rows that a configuration names, ready for its stages.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) frame: DataFrame,
    pub(crate) inputs: Inputs,
}

/// Checks the roles of the columns, puts the selected ones side by side, and names the columns that the stages of the
/// configuration take: it says it by globs and by `categories`.
pub(crate) fn prepare(config: &mut Config, frame: &DataFrame) -> Result<Prepared> {
    let roles = Roles::new(config, frame.schema())?;
    expand::categories(config, &roles, frame.schema())?;
    let selected = Inputs::select(&config.data, &roles, frame.schema());
    let (inputs, passed_over) = selected.inspect_err(|error| {
        let (told, source) = (format!("{error:#}"), &config.data.source);
        let is_news =
            |column: &str| source.text_among_numbers(column).is_some_and(|why| !told.contains(&why));
        source.note_texts(|column| roles.of(column).is_none() && is_news(column));
    })?;
    expand::stages(config, &roles, frame.schema(), &inputs)?;
    let pipeline = build::pipeline(config)?;
    pipeline.check_features(roles.all()).map_err(|e| config.located_core(e))?;
    let config = &config.data;
    if !passed_over.is_empty() {
        note(&format!(
            "columns that are neither numbers nor vectors are no features: {}",
            passed_over.join(", ")
        ));
        let is_passed =
            |name: &str| passed_over.iter().any(|of| of.rsplit_once(": ").is_some_and(|(of, _)| of == name));
        config.source.note_texts(is_passed);
    }
    if frame.num_rows() == 0 {
        bail!("{}: the file has no rows", config.source.path.display());
    }
    for column in [&config.label, &config.weight, &config.fold].into_iter().flatten() {
        check_values(&config.source, frame, &column.name)?;
    }
    Ok(Prepared { frame: inputs.assemble(frame, &config.source)?, inputs })
}

/// Refuses the first value of a column that is missing or not finite.
fn check_values(source: &DataSource, frame: &DataFrame, column: &str) -> Result<()> {
    let index = frame.schema().require_index(column)?;
    let mut row = 0;
    for partition in frame.partitions() {
        for batch in partition.batches(Some(&[index]))? {
            let batch = batch?;
            let array = batch.column(0);
            let found = match (0..array.len()).find(|&at| array.is_null(at)) {
                Some(at) => Some((at, "missing".to_owned())),
                None => numbers(array.as_ref()).and_then(|values| {
                    let at = values.iter().position(|value| !value.is_finite())?;
                    Some((at, values[at].to_string()))
                }),
            };
            if let Some((at, found)) = found {
                bail!(
                    "{}: column `{column}` is {found}, expected a finite number: drop the row or fill the value",
                    source.place_of(row + at)
                );
            }
            row += array.len();
        }
    }
    Ok(())
}
