//! The line of the configuration that an error is about.

use luthier::core::params::ParamError;
use luthier::{core, tune};

use super::{Config, Key, Place, StageConfig};

impl Config {
    /// Adds to an error of a search the places that it is about: the row of the data file and the line of the
    /// configuration.
    pub(crate) fn located(&self, error: tune::Error) -> anyhow::Error {
        let place = self.place_of(&error).cloned();
        self.at(place, error.into())
    }

    /// As [`located`](Self::located), for an error of a pipeline; the default place is the first stage.
    pub(crate) fn located_core(&self, error: core::Error) -> anyhow::Error {
        let place = self.place_of_core(&error).unwrap_or(self.stages_place()).clone();
        self.at(Some(place), error.into())
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
            tune::Error::Core(source) => self.place_of_core(source),
            tune::Error::Candidate { source, .. } => {
                self.place_of_core(source).or_else(|| self.grids.first().map(|grid| &grid.place))
            }
            tune::Error::AllFailed { reasons, .. } => {
                self.place_of_part(reasons.first()?.failure.part.as_deref()?)
            }
            tune::Error::Refit { source, .. } => self.place_of_core(source),
            tune::Error::EmptyGrid { .. } | tune::Error::GridTooLarge { .. } => {
                self.grids.first().map(|grid| &grid.place)
            }
            tune::Error::Split { .. } => search.map(|search| &search.place),
            tune::Error::Executor { .. } => {
                search.map(|search| search.executor.as_ref().map_or(&search.place, |key| &key.place))
            }
            _ => None,
        }
    }

    /// The line of the axis, stage or evaluator that an error names.
    fn place_of_core(&self, error: &core::Error) -> Option<&Place> {
        let of_param = || {
            let param = error.param()?;
            let mut axes = self.grids.iter().flat_map(|grid| &grid.axes);
            let axis = axes.find(|(key, _)| key.name == param).map(|(key, _)| &key.place);
            axis.or_else(|| self.place_of_part(param.rsplit_once('.')?.0))
        };
        of_param().or_else(|| self.place_of_part(error.part()?))
    }

    /// The line of a stage by its dotted name, or of an evaluator by its type.
    fn place_of_part(&self, name: &str) -> Option<&Place> {
        let evaluator = || self.evaluators.iter().find(|part| part.type_name.name == name);
        stage_place(&self.stages, name).or_else(|| Some(&evaluator()?.type_name.place))
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
