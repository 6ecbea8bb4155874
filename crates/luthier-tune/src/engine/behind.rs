//! The frame as seen behind a fitted stage on one round: what later stages are fitted on.

use std::sync::Arc;

use luthier_core::{Dataset, DynModel, Need, Round, Rounds, Rows, TrainingSets};

use crate::events::{Clock, EventKind};
use crate::failure::Failure;
use crate::plan::Step;
use crate::spans::{About, Spans};

pub(crate) type View = Result<Dataset, Failure>;

/// How to look behind a stage: what has to be computed there, and the transformers that follow.
#[derive(Debug)]
pub(crate) struct Behind {
    pub(crate) node: usize,
    pub(crate) step: Arc<Step>,
    /// Requests of later stages that are answered there.
    pub(crate) needs: Vec<Need>,
    /// Requests behind many later stages that are answered from rows before it.
    pub(crate) passing: Vec<Need>,
    /// What it is for, as entries of the session and as candidates.
    pub(crate) candidates: Arc<[usize]>,
    pub(crate) numbers: Vec<usize>,
    /// Transformers behind it, to behind which later stages look as well.
    pub(crate) then: Vec<Behind>,
}

/// A pass over the rows for what later stages request behind a stage.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    pub(crate) node: usize,
    pub(crate) start: f64,
    pub(crate) end: f64,
}

/// What is the same for all views of a unit.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// Rounds with the same training rows.
    pub(crate) rounds: &'a [Round],
    pub(crate) blocks: u32,
    pub(crate) budget: u64,
    /// The number of the first of them.
    pub(crate) first: u32,
    pub(crate) clock: &'a Clock,
    pub(crate) spans: &'a Spans,
}

impl Place<'_> {
    /// The rounds with the rows to read for each: the training rows are read once.
    fn passes(&self) -> impl Iterator<Item = Round> + '_ {
        let (first, others) = (self.rounds.iter().take(1), self.rounds.iter().skip(1));
        let validation = others.map(|round| Round::new(Rows::blocks([]), round.validate.clone()));
        first.cloned().chain(validation)
    }
}

impl Behind {
    /// Looks behind the stage and the transformers that follow: the views by node, and the passes that they took.
    pub(crate) fn look(
        &self,
        before: &Dataset,
        model: &Result<Arc<dyn DynModel>, Failure>,
        place: &Place<'_>,
        found: &mut Vec<(usize, View)>,
        passes: &mut Vec<Pass>,
    ) {
        let view = model.clone().and_then(|model| self.view(before, model, place, passes));
        for next in &self.then {
            match (&view, next.step.stage.as_model()) {
                (Ok(view), Some(model)) => next.look(view, &Ok(model), place, found, passes),
                (Err(error), _) => next.fail(error, found),
                (_, None) => next.fail(&"a stage is missing".into(), found),
            }
        }
        found.push((self.node, view));
    }

    pub(crate) fn fail(&self, error: &Failure, found: &mut Vec<(usize, View)>) {
        self.then.iter().for_each(|next| next.fail(error, found));
        found.push((self.node, Err(error.clone())));
    }

    /// The part of it that looks behind a node.
    pub(crate) fn find(&self, node: usize) -> Option<&Self> {
        if self.node == node { Some(self) } else { self.then.iter().find_map(|next| next.find(node)) }
    }

    fn view(
        &self,
        before: &Dataset,
        model: Arc<dyn DynModel>,
        place: &Place<'_>,
        passes: &mut Vec<Pass>,
    ) -> View {
        let view = before.through_stage(&self.step.name, model)?.held();
        let validation = place.rounds.iter().map(|round| round.validate.clone());
        let training = place.rounds.iter().take(1).map(|round| round.train.clone());
        let view = view.carry(&self.passing, &training.chain(validation).collect::<Vec<_>>());
        if self.needs.is_empty() {
            return Ok(view);
        }
        let start = place.clock.seconds();
        let about = About {
            kind: EventKind::Summarise,
            stage: "rows",
            unit: None,
            round: Some(place.first),
            candidates: &self.numbers,
        };
        let read = || place.passes().try_fold(view, |view, round| self.read(view, round, place));
        let view = place.spans.within(about, read);
        passes.push(Pass { node: self.node, start, end: place.clock.seconds() });
        view.map_err(|error| error.in_stage(&self.step.name).into())
    }

    /// The view with the answers for the rows of a round.
    fn read(&self, view: Dataset, round: Round, place: &Place<'_>) -> luthier_core::Result<Dataset> {
        // A request that fails here fails the unit that makes it.
        let requests = vec![(view.clone(), self.needs.clone())];
        let rounds = Rounds::new([round], place.blocks).without_all_rows();
        let (sets, _failed) = TrainingSets::read(requests, &rounds, place.budget)?;
        let mut prepared = None;
        sets.for_each_wave::<luthier_core::Error>(|_, mut views| {
            prepared = views.pop();
            Ok(())
        })?;
        Ok(prepared.unwrap_or(view))
    }
}
