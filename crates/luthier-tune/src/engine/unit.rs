//! Units of work: one training set and one group of candidates.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use luthier_core::{
    CancelToken, Dataset, DynEstimator, DynEvaluator, DynModel, FitContext, Note, NoteKind, PipelineModel,
    Round, Rows, evaluate_all,
};
use serde::{Deserialize, Serialize};

use super::behind::{Behind, Pass, Place, View};
use crate::events::{Clock, Event, EventKind};
use crate::executor::{Job, TaskResult};
use crate::failure::Failure;
use crate::observer::{Observers, SearchEvent};
use crate::plan::Step;
use crate::result::FoldMetric;
use crate::spans::{About, Spans};
use crate::unit_key::{Fingerprint, UnitKey};
use crate::watch::Watched;

/// What a unit fits: stages of one level behind one parent, or whole candidates if nothing is shared.
#[derive(Debug)]
pub(crate) struct Unit {
    /// The rounds that it is for, at least one, all with the same training rows.
    pub(crate) rounds: Vec<(u32, Round)>,
    /// The first round of the split with these training rows, which decides on random numbers.
    pub(crate) seeded_by: u32,
    /// The nodes that are fitted, or none for a candidate alone.
    pub(crate) group: Vec<(usize, Arc<Step>)>,
    /// The candidate that is fitted as a whole, if there are no nodes.
    pub(crate) alone: Option<Arc<dyn DynEstimator>>,
    /// The candidates that are scored by this unit: none but at the last level.
    pub(crate) scored: Vec<Scored>,
    /// All candidates to which it contributes.
    pub(crate) candidates: Vec<usize>,
    /// The names of its stages, for messages.
    pub(crate) stage: String,
    pub(crate) key: UnitKey,
    pub(crate) input: Input,
    /// What later units of the same job look at.
    pub(crate) behind: Vec<Behind>,
}

/// The rows that a unit is fitted on.
#[derive(Debug)]
pub(crate) enum Input {
    /// This view of the frame.
    View(Dataset),
    /// The view behind a node that an earlier unit of the job finds.
    Behind { unit: usize, node: usize },
}

/// A candidate whose last fitted stage is in a unit.
#[derive(Debug)]
pub(crate) struct Scored {
    pub(crate) candidate: usize,
    /// The place of the model among those of the unit.
    pub(crate) place: usize,
    /// The transformers behind the fitted stage.
    pub(crate) rest: Vec<Arc<Step>>,
}

impl Unit {
    /// The number of its first round.
    pub(crate) fn first_round(&self) -> u32 {
        self.rounds.first().map_or(0, |(round, _)| *round)
    }

    /// The numbers of its rounds.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.rounds.iter().map(|(round, _)| *round)
    }

    fn train(&self) -> Rows {
        self.rounds.first().map_or_else(|| Rows::blocks([]), |(_, round)| round.train.clone())
    }

    /// The name of a unit that fits these nodes, or a candidate alone with this hash.
    pub(crate) fn key(fold: u32, group: &[(usize, Arc<Step>)], alone: (&str, Fingerprint)) -> UnitKey {
        match group {
            [] => UnitKey::new(fold, alone.0, alone.1),
            [(_, step)] => UnitKey::new(fold, &step.place, step.hash),
            [(_, first), ..] => {
                let hash = group.iter().fold(Fingerprint::default(), |hash, (_, step)| hash.with(&step.hash));
                UnitKey::new(fold, &first.place, hash)
            }
        }
    }
}

pub(crate) type Fitted = Result<Arc<dyn DynModel>, Failure>;

/// The report of a unit on its work: the bytes that its task returns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) scores: Vec<Score>,
    /// The models that were fitted, if the unit is for a round that counts for the candidates.
    pub(crate) fits: Vec<Fit>,
    pub(crate) fit_seconds: f64,
    pub(crate) score_seconds: f64,
    pub(crate) event: Event,
    /// Whether it was given up because the search was cancelled: nothing is known of its candidates.
    pub(crate) is_cancelled: bool,
    /// Why it could not start: an earlier stage failed.
    pub(crate) failed_before: Option<Failure>,
    /// The passes over the rows for later units, by the node behind which they were made.
    pub(crate) passes: Vec<(usize, Event)>,
}

/// A model that was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fit {
    /// Its place in the group of the unit.
    pub(crate) place: usize,
    /// The fitted stages by name, and how many models of each: one, unless it is a candidate that was fitted as a whole.
    pub(crate) stages: BTreeMap<String, usize>,
    /// The notes of the model on its fit.
    pub(crate) notes: Vec<Note>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Score {
    pub(crate) round: u32,
    pub(crate) candidate: usize,
    /// One of each evaluator.
    pub(crate) metrics: Vec<Metric>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Metric {
    #[serde(with = "luthier_core::json::float")]
    value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failure>,
    /// The notes of the evaluator on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<Note>,
}

impl Metric {
    fn new(metric: Result<f64, Failure>) -> Self {
        let (metric, error) = metric.map_or_else(|e| (f64::NAN, Some(e)), |metric| (metric, None));
        Self { value: metric, error, notes: Vec::new() }
    }

    pub(crate) fn into_fold_metric(self) -> FoldMetric {
        FoldMetric { metric: self.value(), undefined: self.undefined(), error: self.error }
    }

    /// Why it is undefined, if the evaluator gives a reason.
    pub(crate) fn undefined(&self) -> Option<String> {
        let notes = self.notes.iter().filter(|note| note.kind == NoteKind::UndefinedMetric);
        let message = notes.map(|note| note.message.clone()).next();
        message.filter(|_| self.error.is_none() && self.value().is_nan())
    }

    pub(crate) fn value(&self) -> f64 {
        self.value
    }
}

/// Units that run together. One may follow another.
#[derive(Debug)]
pub(crate) struct Units {
    pub(crate) units: Vec<Unit>,
    pub(crate) evaluators: Arc<[Box<dyn DynEvaluator>]>,
    pub(crate) ctx: FitContext,
    pub(crate) clock: Arc<Clock>,
    pub(crate) observers: Observers,
    pub(crate) spans: Spans,
    pub(crate) cancel: CancelToken,
    /// The longest time that a unit may take.
    pub(crate) limit: Option<Duration>,
    pub(crate) watched: Watched,
    /// Whether evaluators are asked for notes on defined metrics, from what they have already summarised.
    pub(crate) notes: bool,
    /// The number of rounds that count for the candidates; notes on others are not kept.
    pub(crate) plain: usize,
    /// The number of bytes that summaries may take.
    pub(crate) budget: u64,
    pub(crate) blocks: u32,
    /// Models that are kept stay in this process, by unit.
    pub(crate) fitted: Vec<Option<Mutex<Vec<Fitted>>>>,
    /// What units have found for later ones, by round and node.
    pub(crate) views: Mutex<HashMap<(u32, usize), View>>,
    /// A unit that was started before the one that it follows.
    pub(crate) disorder: Mutex<Option<(usize, usize)>>,
}

impl Units {
    /// The models of a unit that has run, in the order of its group (or its one candidate).
    pub(crate) fn take_models(&self, unit: usize) -> Vec<Fitted> {
        match self.fitted.get(unit) {
            Some(Some(slot)) => std::mem::take(&mut *lock(slot)),
            _ => Vec::new(),
        }
    }

    fn is_plain(&self, round: u32) -> bool {
        (round as usize) < self.plain
    }

    fn fit(&self, unit: &Unit, view: &Dataset, token: &CancelToken) -> Vec<Fitted> {
        let ctx = self.ctx.for_fold(unit.seeded_by).with_cancel_token(token.clone());
        let train = view.select(unit.train()).cancelled_by(token.clone());
        let failure = |error: luthier_core::Error| self.failure(error);
        let Some((_, lead)) = unit.group.first() else {
            let fit = |root: &dyn DynEstimator| root.fit(&train, &root_context(root, &ctx)).map_err(failure);
            return unit.alone.iter().map(|root| fit(root.as_ref())).collect();
        };
        let configs: Vec<&dyn DynEstimator> =
            unit.group.iter().map(|(_, step)| step.stage.as_ref()).collect();
        let named = |e: luthier_core::Error| failure(e.in_stage_of(&lead.name, lead.stage.type_name()));
        let models = lead.stage.fit_many(&configs, &train, &ctx.for_stage(&lead.name));
        models.into_iter().map(|model| model.map_err(named)).collect()
    }

    /// Why a candidate failed. A unit that ran out of time says so, whatever its stages make of it.
    fn failure(&self, error: luthier_core::Error) -> Failure {
        match self.limit.filter(|_| error.is_cancelled() && !self.cancel.is_cancelled()) {
            Some(limit) => Failure::from(error).over_time(limit),
            None => error.into(),
        }
    }

    /// The predictions of a candidate: its fitted stage in this unit, then whatever transformers follow.
    fn predictions(&self, unit: &Unit, validation: &Dataset, models: &[Fitted], scored: &Scored) -> View {
        let no_model = || Failure::from("the unit fitted no model for this candidate");
        let model = models.get(scored.place).ok_or_else(no_model)?.clone()?;
        let mut view = match unit.group.get(scored.place) {
            Some((_, step)) => validation.through_stage(&step.name, model),
            None => validation.through(model),
        }?;
        for step in &scored.rest {
            let model = step.stage.as_model().ok_or_else(no_model)?;
            view = view.through_stage(&step.name, model)?;
        }
        Ok(view)
    }

    fn score(
        &self,
        unit: &Unit,
        (number, round): &(u32, Round),
        view: &Dataset,
        models: &[Fitted],
        token: &CancelToken,
    ) -> Vec<Score> {
        let validation = view.select(&round.validate).cancelled_by(token.clone());
        let views: Vec<_> =
            unit.scored.iter().map(|scored| self.predictions(unit, &validation, models, scored)).collect();
        let there: Vec<Dataset> = views.iter().filter_map(|view| view.as_ref().ok().cloned()).collect();
        let all = evaluate_all(&self.evaluators, &there);
        let mut all: Vec<_> = all.into_iter().map(Vec::into_iter).collect();
        let score = |(place, (scored, view)): (usize, (&Scored, Result<Dataset, Failure>))| {
            let metric = |metrics: &mut std::vec::IntoIter<luthier_core::Result<f64>>| match &view {
                Ok(_) => match metrics.next() {
                    Some(metric) => metric.map_err(|error| self.failure(error)),
                    None => Err("the evaluator returned too few metrics".into()),
                },
                Err(error) => Err(error.clone()),
            };
            let mut metrics: Vec<Metric> =
                all.iter_mut().map(|metrics| Metric::new(metric(metrics))).collect();
            if let Ok(view) = &view {
                for (metric, evaluator) in metrics.iter_mut().zip(self.evaluators.iter()) {
                    // The notes on a defined metric are about the rows and are therefore the same for all candidates.
                    let is_first = self.notes && place == 0 && self.is_plain(*number);
                    if metric.error.is_none() && (is_first || metric.value().is_nan()) {
                        metric.notes = evaluator.notes(view, metric.value());
                    }
                }
            }
            Score { round: *number, candidate: scored.candidate, metrics }
        };
        unit.scored.iter().zip(views).enumerate().map(score).collect()
    }

    /// The fitted stages with the notes of their models.
    fn fits(&self, unit: &Unit, models: &[Fitted]) -> Vec<Fit> {
        if !unit.numbers().any(|round| self.is_plain(round)) {
            return Vec::new();
        }
        let fit = |(place, model): (usize, &Fitted)| {
            let model = model.as_ref().ok()?;
            let mut stages = BTreeMap::<String, usize>::new();
            let notes = match unit.group.get(place) {
                Some((_, step)) => {
                    stages.insert(step.name.clone(), 1);
                    model.notes().into_iter().map(|note| note.in_stage(&step.name)).collect()
                }
                None => {
                    let pipeline = PipelineModel::from(Arc::clone(model));
                    for (name, _) in pipeline.leaves().into_iter().filter(|(_, leaf)| leaf.is_fitted()) {
                        *stages.entry(name).or_default() += 1;
                    }
                    pipeline.notes()
                }
            };
            Some(Fit { place, stages, notes })
        };
        models.iter().enumerate().filter_map(fit).collect()
    }

    /// The view that a unit is fitted on.
    fn input(&self, index: usize, unit: &Unit) -> View {
        match &unit.input {
            Input::View(view) => Ok(view.clone()),
            Input::Behind { unit: earlier, node } => {
                let found = lock(&self.views).get(&(unit.first_round(), *node)).cloned();
                found.unwrap_or_else(|| {
                    lock(&self.disorder).get_or_insert((index, *earlier));
                    Err("the unit was started before an earlier stage was fitted".into())
                })
            }
        }
    }

    fn run_unit(&self, index: usize, unit: &Unit) -> Record {
        let about = About {
            kind: EventKind::Unit,
            stage: &unit.stage,
            unit: Some(&unit.key),
            round: Some(unit.first_round()),
            candidates: &unit.candidates,
        };
        self.spans.within(about, || self.run_unit_in_span(index, unit))
    }

    fn run_unit_in_span(&self, index: usize, unit: &Unit) -> Record {
        let start = self.clock.seconds();
        let worker = self.clock.worker();
        let event = |end: f64| Event {
            kind: EventKind::Unit,
            stage: unit.stage.clone(),
            unit: Some(index),
            key: Some(unit.key.clone()),
            fold: Some(unit.first_round()),
            candidates: unit.candidates.clone(),
            worker,
            start,
            end,
        };
        let view = match self.input(index, unit) {
            Ok(view) => view,
            Err(error) => return self.not_started(unit, error, event(start)),
        };
        self.observers.tell(|| SearchEvent::UnitStarted { key: unit.key.clone(), worker, start });
        let token = match self.limit {
            Some(limit) => self.cancel.with_deadline(limit),
            None => self.cancel.clone(),
        };
        let models =
            self.watched.calling(format_args!("the fit of {}", unit.stage), || self.fit(unit, &view, &token));
        let fitted = self.clock.seconds();
        let scores = match unit.scored.is_empty() {
            true => Vec::new(),
            false => self.watched.calling("an evaluator", || {
                let of = |round| self.score(unit, round, &view, &models, &token);
                unit.rounds.iter().flat_map(of).collect()
            }),
        };
        let failed = models.iter().any(Result::is_err)
            || scores.iter().flat_map(|score| &score.metrics).any(|metric| metric.error.is_some());
        let is_cancelled = failed && self.cancel.is_cancelled();
        let fits = self.fits(unit, &models);
        let end = self.clock.seconds();
        let passes = self.look_behind(unit, &view, &models, worker);
        if let Some(Some(slot)) = self.fitted.get(index) {
            *lock(slot) = models;
        }
        Record {
            scores,
            fits,
            fit_seconds: fitted - start,
            score_seconds: end - fitted,
            event: event(end),
            is_cancelled,
            failed_before: None,
            passes,
        }
    }

    /// A unit behind a stage that failed.
    fn not_started(&self, unit: &Unit, error: Failure, event: Event) -> Record {
        let mut found = Vec::new();
        unit.behind.iter().for_each(|behind| behind.fail(&error, &mut found));
        self.hold(unit, found);
        Record {
            scores: Vec::new(),
            fits: Vec::new(),
            fit_seconds: 0.0,
            score_seconds: 0.0,
            event,
            is_cancelled: self.cancel.is_cancelled(),
            failed_before: Some(error),
            passes: Vec::new(),
        }
    }

    /// Holds views behind nodes for all rounds of a unit.
    fn hold(&self, unit: &Unit, found: Vec<(usize, View)>) {
        let mut views = lock(&self.views);
        for (node, view) in found {
            views.extend(unit.numbers().map(|round| ((round, node), view.clone())));
        }
    }

    /// Finds what later units look at; returns the passes that it took.
    fn look_behind(
        &self,
        unit: &Unit,
        view: &Dataset,
        models: &[Fitted],
        worker: usize,
    ) -> Vec<(usize, Event)> {
        if unit.behind.is_empty() {
            return Vec::new();
        }
        let Self { blocks, budget, .. } = *self;
        let rounds: Vec<Round> = unit.rounds.iter().map(|(_, round)| round.clone()).collect();
        let place = Place {
            rounds: &rounds,
            first: unit.first_round(),
            blocks,
            budget,
            clock: &self.clock,
            spans: &self.spans,
        };
        let (mut found, mut passes) = (Vec::new(), Vec::new());
        for behind in &unit.behind {
            let model =
                unit.group.iter().position(|(node, _)| *node == behind.node).and_then(|at| models.get(at));
            let missing = || Err(Failure::from("an earlier stage was not fitted"));
            let model = model.cloned().unwrap_or_else(missing);
            behind.look(view, &model, &place, &mut found, &mut passes);
        }
        self.hold(unit, found);
        let event = |pass: Pass| {
            let behind = unit.behind.iter().find_map(|one| one.find(pass.node));
            let event = Event {
                kind: EventKind::Summarise,
                stage: "rows".to_owned(),
                unit: None,
                key: None,
                fold: Some(unit.first_round()),
                candidates: behind.map(|one| one.numbers.clone()).unwrap_or_default(),
                worker,
                start: pass.start,
                end: pass.end,
            };
            self.observers.tell(|| SearchEvent::Pass(event.clone()));
            (pass.node, event)
        };
        passes.into_iter().map(event).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Job for Units {
    fn len(&self) -> usize {
        self.units.len()
    }

    fn follows(&self, task: usize) -> Option<usize> {
        match self.units.get(task)?.input {
            Input::Behind { unit, .. } => Some(unit),
            Input::View(_) => None,
        }
    }

    fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    fn run(&self, task: usize) -> TaskResult {
        let unit = self.units.get(task).ok_or_else(|| format!("there is no task {task}"))?;
        serde_json::to_vec(&self.run_unit(task, unit)).map_err(|e| e.to_string())
    }
}

/// Some of the units, for executors that do not keep the order in which units follow each other.
#[derive(Debug)]
pub(crate) struct SomeUnits {
    pub(crate) all: Arc<Units>,
    pub(crate) tasks: Vec<usize>,
}

impl Job for SomeUnits {
    fn len(&self) -> usize {
        self.tasks.len()
    }

    fn cancel_token(&self) -> CancelToken {
        self.all.cancel_token()
    }

    fn run(&self, task: usize) -> TaskResult {
        let unit = self.tasks.get(task).ok_or_else(|| format!("there is no task {task}"))?;
        self.all.run(*unit)
    }
}

/// The context of a whole estimator: stages in a row are named by whoever fits them.
pub(crate) fn root_context(root: &dyn DynEstimator, ctx: &FitContext) -> FitContext {
    if root.children().row().is_some() { ctx.clone() } else { ctx.for_stage(root.type_name()) }
}
