//! The line of the configuration that an error is about.

use anyhow::anyhow;
use luthier::core::params::ParamError;
use luthier::tune::FailureSummary;
use luthier::{core, frame, tune};

use super::{Config, Key, PipelineConfig, Place, StageConfig};
use crate::failure;

impl Config {
    /// Adds to an error of a search the places that it is about: the row of the data file and the line of the
    /// configuration.
    pub(crate) fn located(&self, error: tune::Error) -> anyhow::Error {
        let place = self.place_of(&error).cloned();
        let of_label = match &error {
            tune::Error::Core(source) => self.text_label(source),
            tune::Error::Candidate { source, .. } => self.text_label(source),
            _ => None,
        };
        match of_label.or_else(|| self.without_value(&error)) {
            Some(error) => self.at(place, error),
            None => self.at(place, self.with_places(error).into()),
        }
    }

    /// The error for a row without a value in the column by which the rows are split.
    fn without_value(&self, error: &tune::Error) -> Option<anyhow::Error> {
        let tune::Error::Split { source, .. } = error else { return None };
        let null = source.chain().find_map(|cause| match cause.downcast_ref()? {
            frame::Error::Null { column, row } => Some((column, *row)),
            _ => None,
        });
        let (column, row) = null?;
        let advice = format!("leave such rows out with `drop_nulls = [{column:?}]` under [data]");
        Some(failure::unusable(&self.data.source.place_of(row), column, None, &advice))
    }

    /// The error with the places of rows in their file, where it has several reasons; otherwise its one row is told first.
    fn with_places(&self, mut error: tune::Error) -> tune::Error {
        if let tune::Error::AllFailed { reasons, .. } = &mut error
            && reasons.len() > 1
        {
            for FailureSummary { failure, .. } in reasons {
                let Some(row) = failure.row.take() else { continue };
                let place = format!(" ({}): ", self.data.source.place_of(row));
                failure.message = failure.message.replace(&format!(", row {row}: "), &place);
            }
        }
        error
    }

    /// As [`located`](Self::located), for an error of a pipeline; the default place is the first stage.
    pub(crate) fn located_core(&self, error: core::Error) -> anyhow::Error {
        let place = self.place_of_core(None, &error).unwrap_or(self.stages_place()).clone();
        let of_label = self.text_label(&error);
        self.at(Some(place), of_label.unwrap_or_else(|| error.into()))
    }

    /// The error for a label of text, with all that has to be written.
    fn text_label(&self, error: &core::Error) -> Option<anyhow::Error> {
        let (label, stage) = (&self.data.label.as_ref()?.name, error.part()?);
        let is_it = error.column() == Some(label) && failure::is_text(error);
        is_it.then(|| {
            anyhow!(
                "stage `{stage}`: the label `{label}` is text: a stage `string_indexer` before it, with `input_cols = [{label:?}]` and \
                 `output_cols = [\"class\"]`, numbers the classes; then write `label_col = \"class\"` in the stage `{stage}` and in every \
                 evaluator, and a stage `index_to_string` behind it turns the predictions back into text"
            )
        })
    }

    fn at(&self, place: Option<Place>, error: anyhow::Error) -> anyhow::Error {
        match (self.data.source.row_place(&error), place) {
            (Some(row), Some(place)) => place.error(error).context(row),
            (Some(row), None) => error.context(row),
            (None, Some(place)) => place.error(error),
            (None, None) => error,
        }
    }

    /// The line that an error of a search is about, if it is about the configuration.
    fn place_of(&self, error: &tune::Error) -> Option<&Place> {
        let search = self.search.as_ref();
        match error {
            tune::Error::Core(source) => self.place_of_core(None, source),
            tune::Error::Candidate { source, pipeline, .. } => {
                let pipeline = pipeline.as_deref();
                self.place_of_core(pipeline, source).or_else(|| self.grid_place(pipeline))
            }
            tune::Error::AllFailed { result, reasons } => {
                let FailureSummary { failure, candidates, .. } = reasons.first()?;
                let pipeline =
                    result.candidates.get(*candidates.first()?).and_then(|c| result.pipeline_of(c));
                self.place_of_part(pipeline, failure.part.as_deref()?)
            }
            tune::Error::Refit { result, source } => {
                let best = result.candidates.get(result.best);
                self.place_of_core(best.and_then(|best| result.pipeline_of(best)), source)
            }
            tune::Error::EmptyGrid { .. } | tune::Error::GridTooLarge { .. } => self.grid_place(None),
            tune::Error::Split { .. } => search.map(|search| &search.place),
            tune::Error::Executor { .. } => {
                search.map(|search| search.executor.as_ref().map_or(&search.place, |key| &key.place))
            }
            _ => None,
        }
    }

    /// The pipeline of that name, or all.
    fn pipelines(&self, name: Option<&str>) -> impl Iterator<Item = &PipelineConfig> {
        let is_it = move |pipeline: &&PipelineConfig| match (name, &pipeline.name) {
            (Some(name), Some(key)) => key.name == name,
            _ => true,
        };
        self.pipelines.iter().filter(is_it)
    }

    fn grid_place(&self, pipeline: Option<&str>) -> Option<&Place> {
        self.pipelines(pipeline).find_map(|pipeline| Some(&pipeline.grids.first()?.place))
    }

    /// The line of the axis, stage or evaluator that an error names.
    fn place_of_core(&self, pipeline: Option<&str>, error: &core::Error) -> Option<&Place> {
        let of_param = || {
            let param = error.param()?;
            let mut axes = self.pipelines(pipeline).flat_map(|p| &p.grids).flat_map(|grid| &grid.axes);
            let axis = axes.find(|(key, _)| key.name == param).map(|(key, _)| &key.place);
            axis.or_else(|| self.place_of_part(pipeline, param.rsplit_once('.')?.0))
        };
        of_param().or_else(|| self.place_of_part(pipeline, error.part()?))
    }

    /// The line of a stage by its dotted name, or of an evaluator by its type.
    fn place_of_part(&self, pipeline: Option<&str>, name: &str) -> Option<&Place> {
        let evaluator = || self.evaluators.iter().find(|part| part.type_name.name == name);
        let stage = self.pipelines(pipeline).find_map(|pipeline| stage_place(&pipeline.stages, name));
        stage.or_else(|| Some(&evaluator()?.type_name.place))
    }
}

/// The line of a stage by its dotted name, or that of the stage that generated it.
pub(crate) fn stage_place<'a>(stages: &'a [StageConfig], name: &str) -> Option<&'a Place> {
    stages.iter().find_map(|one| match name.strip_prefix(&one.name.name)? {
        "" => Some(&one.name.place),
        rest => stage_place(&one.stages, rest.strip_prefix('.')?).or(Some(&one.name.place)),
    })
}

/// The line of the parameter that an error names, among those given to one part.
pub(crate) fn place_of_param<'a>(
    params: impl IntoIterator<Item = &'a Key>,
    error: &tune::Error,
) -> Option<&'a Place> {
    let tune::Error::Configuration { source, .. } = error else { return None };
    let (ParamError::WrongType { name, .. } | ParamError::OutOfRange { name, .. }) = source.as_ref() else {
        return None;
    };
    params.into_iter().find(|key| key.name == *name).map(|key| &key.place)
}
