//! The engine: scores candidates on rounds, as often as it is asked, and keeps what it can use again.

mod asked_cells;
mod behind;
mod categories;
mod cells;
mod entries;
mod missing_classes;
mod out_of_fold;
mod recall;
mod reuse;
mod run;
mod summaries;
mod table;
mod unit;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use luthier_core::frame::DataFrame;
use luthier_core::{
    CancelToken, Dataset, DynEstimator, DynEvaluator, DynModel, FitContext, Need, Round, Rows, WorkCounter,
};

use self::asked_cells::AskedCells;
use self::cells::{Cell, Cells};
pub(crate) use self::entries::Entries;
use self::missing_classes::MissingClasses;
use self::recall::Recorder;
use self::unit::{Fitted, root_context};
use crate::events::{Clock, Event, EventKind};
use crate::failure::Failure;
use crate::journal::Sole;
use crate::notes::{EvaluationNotes, FitNotes};
use crate::observer::{Observers, SearchEvent};
use crate::plan::{Asked, CostEstimate, Forecast, Tree};
use crate::result::FoldResult;
use crate::search::{Search, Sharing};
use crate::spans::{About, Spans};
use crate::splitter::Split;
use crate::strategy::{Candidate, Scores, Trial};
use crate::watch::Watched;
use crate::{Error, Result};

/// Summaries that are kept for some rounds: the frame and the views behind transformers only, with the answers for the rows
/// of these rounds.
#[derive(Debug)]
struct Wave {
    base: Dataset,
    /// By node.
    common: Vec<(usize, Dataset)>,
}

/// A search that is asked again and again: it scores candidates on rounds and keeps summaries and fitted stages, so that nothing is
/// computed twice as long as memory suffices.
///
/// [`Search::fit`](crate::Search::fit) runs a strategy over a session. Use one directly to decide between proposals yourself.
///
/// ```
#[doc = include_str!("../example_parts.txt")]
/// use std::sync::Arc;
/// use luthier_tune::strategy::Trial;
/// use luthier_tune::{KFold, ParamGrid, Search};
///
/// let grid = ParamGrid::new().add_by_name("reg_param", [0.01, 0.1, 1.0]);
/// let search = Search::new(Box::new(Ridge::new()), grid, Box::new(Error::new()), Arc::new(KFold::new()));
/// let mut session = search.session(&data)?;
/// let first = session.evaluate(&(0..3).map(|c| Trial::candidate(c).on([0])).collect::<Vec<_>>())?;
/// let all = session.evaluate(&[Trial::candidate(first[0].candidate)])?;
/// assert_eq!(all[0].rounds.len(), 3);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug)]
pub struct Session {
    search: Search,
    frame: DataFrame,
    split: Split,
    /// The number of rounds that count for the candidates; those after them are of nested cross-validation, or have fewer
    /// training rows.
    plain: usize,
    tree: Tree,
    entries: Entries,
    asked: AskedCells,
    evaluators: Arc<[Box<dyn DynEvaluator>]>,
    /// The names of the metrics.
    metrics: Vec<String>,
    base: Dataset,
    whole: Option<Dataset>,
    waves: HashMap<u32, Arc<Wave>>,
    /// Whether more will be asked later, so that what is computed is worth keeping.
    asks_again: bool,
    /// The requests that the waves answer.
    answered: usize,
    forecast: Forecast,
    work: Arc<WorkCounter>,
    clock: Arc<Clock>,
    ctx: FitContext,
    observers: Observers,
    spans: Spans,
    cancel: CancelToken,
    watched: Watched,
    /// The number of pairs of a round and a candidate that failed.
    failures: AtomicU64,
    events: Vec<Event>,
    cells: Cells,
    /// Fitted stages by round and node.
    nodes: HashMap<(u32, usize), Fitted>,
    /// Fitted candidates by round, if each was fitted alone.
    fitted_alone: HashMap<(u32, usize), Fitted>,
    /// The frame as seen behind a node, with what was computed there, by round.
    views: HashMap<(u32, usize), Result<Dataset, Failure>>,
    /// The classes missing from the training rows of rounds, once they are asked for.
    classes: OnceLock<Vec<MissingClasses>>,
    /// The notes of models on their fits.
    notes: FitNotes,
    /// The notes of evaluators on metrics.
    evaluation_notes: EvaluationNotes,
    /// What else a reader of the results should know.
    remarks: Vec<String>,
    /// Why the strategy was not asked any more, although it was not done.
    limited: Option<String>,
    /// What is shown of it, if not all.
    shown: Option<Shown>,
    /// The journal, if there is one.
    recorder: Option<Recorder>,
    /// Stages that have been asked for, by the first round with the same training rows, if more may be asked later.
    fitted: HashSet<(u32, usize)>,
    /// The number of finished units, and of those that are known.
    progress: (usize, usize),
    /// Rounds with a share of the training rows: the round and the number of blocks.
    shares: HashMap<(u32, u32), u32>,
}

impl Session {
    /// A session over a split, all rounds of which count for the candidates, with these candidates to begin with.
    pub(crate) fn new(
        search: &Search,
        data: &DataFrame,
        split: Split,
        tree: Tree,
        entries: Entries,
        watched: &Watched,
    ) -> Result<Self> {
        let work = Arc::new(WorkCounter::default());
        let cancel = search.cancel.child();
        let base = match &search.joined {
            Some(joined) => joined.base.clone(),
            None => Dataset::with_blocks(data.clone(), split.blocks().clone())?,
        };
        let base = base.counted_by(Arc::clone(&work));
        let base = base.cancelled_by(cancel.clone());
        let base = if search.sharing == Sharing::Off { base.without_sharing() } else { base };
        let (clock, observers) = (Arc::new(Clock::start()), search.observers.afresh(watched));
        tell_rows(&work, &clock, &observers);
        Ok(Self {
            frame: data.clone(),
            plain: split.rounds().len(),
            split,
            tree,
            entries,
            asked: AskedCells::default(),
            evaluators: search.evaluators.clone().into(),
            metrics: search.metrics(),
            base,
            whole: None,
            waves: HashMap::new(),
            asks_again: search.strategy.is_adaptive() || search.sole != Sole::Alone,
            answered: 0,
            forecast: Forecast::default(),
            ctx: FitContext::new(search.seed, Arc::clone(&work)),
            work,
            clock,
            observers,
            spans: Spans::of(search),
            cancel,
            watched: watched.clone(),
            failures: AtomicU64::new(0),
            events: Vec::new(),
            cells: Cells::default(),
            nodes: HashMap::new(),
            fitted_alone: HashMap::new(),
            views: HashMap::new(),
            classes: OnceLock::new(),
            notes: FitNotes::default(),
            evaluation_notes: EvaluationNotes::default(),
            remarks: Vec::new(),
            limited: None,
            shown: None,
            recorder: None,
            fitted: HashSet::new(),
            progress: (0, 0),
            shares: HashMap::new(),
            search: search.clone(),
        })
    }

    /// Keeps what is scored in the journal of the search, if it has one, and looks there first.
    ///
    /// # Errors
    /// A folder that cannot be read or written; another process that writes to it; data that cannot be read.
    pub(crate) fn open_journal(&mut self) -> Result<()> {
        let Some(folder) = self.search.journal.clone() else { return Ok(()) };
        let recorder = Recorder::open(&folder, &self.search, &self.frame, &self.split)?;
        let remarks = recorder.remarks().to_vec();
        if !remarks.is_empty() {
            self.observers.tell(|| SearchEvent::Journal { remarks });
        }
        self.recorder = Some(recorder);
        Ok(())
    }

    /// The candidates: those of the grids, then those that were proposed.
    pub fn candidates(&self) -> &[Candidate] {
        self.entries.candidates()
    }

    /// The rounds that count for the candidates.
    pub fn rounds(&self) -> &[Round] {
        self.split.rounds().get(..self.plain).unwrap_or_default()
    }

    /// The number of blocks of training rows in the one of these rounds that has fewest.
    pub(crate) fn training_blocks(&self, rounds: &[u32]) -> usize {
        let (all, known) = (self.split.blocks().count(), self.split.rounds());
        let rounds = rounds.iter().filter_map(|&round| known.get(round as usize));
        rounds.map(|round| round.train.ranges_within(all).map(|range| range.len()).sum()).min().unwrap_or(0)
    }

    /// Validation rows per training row, on average over the rounds.
    pub(crate) fn overlap(&self) -> f64 {
        self.split.overlap(self.plain)
    }

    /// Scores trials; returns their scores in the same order. What was scored before is not scored again.
    ///
    /// A candidate that fails has the outcome [`Outcome::Failed`](crate::Outcome::Failed), with its error.
    ///
    /// # Errors
    /// A candidate or a round that does not exist; parameters with a wrong name, type or range; rows that no candidate can
    /// use; an executor that violates its contract.
    pub fn evaluate(&mut self, trials: &[Trial]) -> Result<Vec<Scores>> {
        let (entries, rounds) = self.score(trials)?;
        let scores = trials.iter().zip(entries).zip(rounds).map(|((trial, entry), rounds)| {
            let numbers = trial.rounds.clone().unwrap_or_else(|| (0..self.plain).collect());
            let of = |(round, number): (u32, usize)| FoldResult {
                fold: number as u32,
                ..self.fold_result(round, entry)
            };
            let rounds = rounds.into_iter().zip(numbers).map(of).collect();
            let candidate = self.entries.get(entry).map_or(0, |entry| entry.candidate);
            Scores { trial: trial.clone(), candidate, rounds }
        });
        Ok(scores.collect())
    }

    /// Scores trials; returns the entry and the rounds of each.
    pub(crate) fn score(&mut self, trials: &[Trial]) -> Result<(Vec<usize>, Vec<Vec<u32>>)> {
        let (entries, rounds) = self.places_of(trials)?;
        let asked = self.asked.add(&entries, &rounds, &self.tree);
        if self.cancel.is_cancelled() {
            // What is known counts all the same.
            if self.recorder.is_some() && !asked.parts.is_empty() {
                self.count_reused(&asked);
                self.recall(&asked);
            }
            return Ok((entries, rounds));
        }
        match self.run(&asked) {
            Err(error) if error.is_cancelled() && self.cancel.is_cancelled() => {}
            other => other?,
        }
        Ok((entries, rounds))
    }

    /// What has been asked so far.
    pub(crate) fn shown(&self) -> Shown {
        Shown { candidates: self.candidates().len(), asked: self.asked.clone() }
    }

    /// Shows nothing that was asked later.
    pub(crate) fn show_only(&mut self, shown: Shown) {
        self.shown = Some(shown);
    }

    /// Adds a note to the results.
    pub(crate) fn remark(&mut self, message: String) {
        if !self.remarks.contains(&message) {
            self.remarks.push(message);
        }
    }

    /// Says why the strategy is not asked any more, although it is not done.
    pub(crate) fn end_early(&mut self, reason: String) {
        self.limited.get_or_insert(reason);
    }

    /// Keeps what may be used again.
    pub(crate) fn asked_again(self) -> Self {
        Self { asks_again: true, ..self }
    }

    /// Whether nothing more is scored: the search was cancelled, or too many fits failed.
    pub(crate) fn has_ended(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Whether more fits failed than the search allows.
    pub(crate) fn has_too_many_failures(&self) -> bool {
        self.search.max_failures.is_some_and(|most| self.failures.load(Relaxed) > most)
    }

    /// Counts failed pairs, and ends the session if there are too many.
    fn count_failures(&self, failures: u64) {
        self.failures.fetch_add(failures, Relaxed);
        if self.has_too_many_failures() {
            self.cancel.cancel();
        }
    }

    /// What trials ask for that has not been asked for, without scoring it: only for a plan. `None` if there is nothing.
    pub(crate) fn batches(&mut self, trials: &[Trial]) -> Result<Option<Asked>> {
        let (entries, rounds) = self.places_of(trials)?;
        let asked = match self.search.strategy.is_adaptive() {
            true => self.asked.add(&entries, &rounds, &self.tree),
            false => AskedCells::default().add(&entries, &rounds, &self.tree),
        };
        Ok(Some(asked).filter(|asked| !asked.parts.is_empty()))
    }

    /// The candidates that trials are about.
    pub(crate) fn candidates_of(&mut self, trials: &[Trial]) -> Result<Vec<usize>> {
        let entries = self.entries_of(trials)?;
        Ok(self.entries.numbers(&entries))
    }

    /// The number of pairs of a round and a candidate that have been asked for.
    pub(crate) fn num_asked(&self) -> usize {
        self.asked.count
    }

    fn places_of(&mut self, trials: &[Trial]) -> Result<(Vec<usize>, Vec<Vec<u32>>)> {
        let entries = self.entries_of(trials)?;
        let rounds = trials.iter().map(|trial| self.rounds_of(trial)).collect::<Result<Vec<_>>>()?;
        Ok((entries, rounds))
    }

    /// Fits a candidate on all rows.
    ///
    /// # Errors
    /// Those of its stages; a candidate that does not exist.
    pub fn fit(&mut self, candidate: usize) -> Result<Arc<dyn DynModel>> {
        Ok(self.refit(candidate)?)
    }

    /// Adds candidates to the tree.
    fn grow(&mut self, candidates: &[Candidate], estimators: &[Arc<dyn DynEstimator>]) -> Result<()> {
        if candidates.is_empty() {
            return Ok(());
        }
        let needs = self.tree.nodes.iter().map(|node| node.needs.len());
        let needs: Vec<usize> = if self.views.is_empty() { Vec::new() } else { needs.collect() };
        self.search.add_to(&mut self.tree, candidates, estimators)?;
        // A view that lacks answers for new requests is made again.
        let nodes = &self.tree.nodes;
        let is_current =
            |node: usize| nodes.get(node).map(|node| node.needs.len()) == needs.get(node).copied();
        self.views.retain(|(_, node), _| is_current(*node));
        Ok(())
    }

    /// The entries of trials; new candidates are added.
    fn entries_of(&mut self, trials: &[Trial]) -> Result<Vec<usize>> {
        let (entries, added) = self.entries.place(&self.search, trials)?;
        self.grow(&added.run, &added.estimators)?;
        self.entries.commit(added);
        Ok(entries)
    }

    /// The numbers of the rounds of a trial.
    fn rounds_of(&mut self, trial: &Trial) -> Result<Vec<u32>> {
        let rounds: Vec<u32> = match &trial.rounds {
            None => (0..self.plain as u32).collect(),
            Some(rounds) => {
                if let Some(wrong) = rounds.iter().find(|&&round| round >= self.split.rounds().len()) {
                    return Err(Error::invalid(format!(
                        "a trial asks for round {wrong}, but there are {} rounds, numbered from 0",
                        self.plain
                    )));
                }
                rounds.iter().map(|&round| round as u32).collect()
            }
        };
        match trial.training_share {
            None => Ok(rounds),
            Some(share) => rounds.into_iter().map(|round| self.with_share(round, share)).collect(),
        }
    }

    /// The round with a share of the blocks of the training rows of another, at least one.
    fn with_share(&mut self, round: u32, share: f64) -> Result<u32> {
        let Round { train, validate, .. } = self.round(round);
        let mut blocks: Vec<u32> = train.blocks_within(self.split.blocks().count()).collect();
        let count = ((share * blocks.len() as f64).round() as usize).clamp(1, blocks.len().max(1));
        if blocks.len() < 2 {
            return Err(Error::invalid(
                "a share of the training rows is asked for, but they are one block: use a splitter with several, such as \
                 `k_fold`",
            ));
        }
        if count == blocks.len() {
            return Ok(round);
        }
        let key = (round, count as u32);
        if let Some(known) = self.shares.get(&key) {
            return Ok(*known);
        }
        // The blocks that follow the validation rows, so that each round has others.
        let behind =
            validate.highest().map_or(0, |highest| blocks.partition_point(|&block| block <= highest));
        blocks.rotate_left(behind);
        blocks.truncate(count);
        let mut rounds = self.split.rounds().to_vec();
        rounds.push(Round::new(Rows::blocks(blocks), validate));
        let number = (rounds.len() - 1) as u32;
        self.set_split(self.split.with_rounds(rounds));
        self.shares.insert(key, number);
        Ok(number)
    }

    /// The training and validation rows of a round.
    fn round(&self, round: u32) -> Round {
        let nothing = || Round::new(Rows::blocks([]), Rows::blocks([]));
        self.split.rounds().get(round as usize).cloned().unwrap_or_else(nothing)
    }

    /// Whether a round counts for the candidates.
    fn is_plain(&self, round: u32) -> bool {
        (round as usize) < self.plain
    }

    /// What batches of pairs of rounds and candidates are expected to take.
    ///
    /// # Errors
    /// A summary that does not fit into memory.
    pub(crate) fn estimate(&self, batches: &[Asked]) -> Result<Forecast> {
        let estimate = CostEstimate {
            tree: &self.tree,
            batches,
            split: &self.split,
            frame: &self.frame,
            evaluators: self.evaluators.len(),
            sharing: self.search.sharing,
            memory_budget: self.search.memory_budget,
            base: &self.base,
        };
        estimate.require_memory()?;
        Ok(estimate.forecast())
    }

    pub(crate) fn set_forecast(&mut self, forecast: Forecast) {
        self.forecast = forecast;
    }

    pub(crate) fn forecast(&self) -> Forecast {
        self.forecast
    }

    pub(crate) fn split(&self) -> &Split {
        &self.split
    }

    /// Adds rounds behind those that count for the candidates.
    pub(crate) fn set_split(&mut self, split: Split) {
        self.split = split;
        self.classes = OnceLock::new();
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn tell(&self, event: impl FnOnce() -> SearchEvent) {
        self.observers.tell(event);
    }

    /// Tells an event if there is one.
    pub(crate) fn tell_if(&self, event: impl FnOnce() -> Option<SearchEvent>) {
        if self.observers.is_empty() {
            return;
        }
        if let Some(event) = event() {
            self.observers.tell(|| event);
        }
    }

    /// The classes missing from the training rows of rounds, for each column of class labels.
    fn classes(&self) -> &[MissingClasses] {
        self.classes.get_or_init(|| {
            let mut labels: Vec<String> = self.evaluators.iter().filter_map(|e| e.class_col()).collect();
            labels.sort_unstable();
            labels.dedup();
            // All pipelines derive a label in the same way; otherwise it would not be the same label.
            let Some(stages) = self.search.pipelines.first() else { return Vec::new() };
            let stages = stages.estimator();
            labels.iter().map(|label| MissingClasses::of(&self.frame, &self.split, label, stages)).collect()
        })
    }

    /// The requests of all candidates on the frame and behind transformers, in number: it grows when some are added.
    fn requests(&self) -> usize {
        let behind = self.tree.nodes.iter().enumerate().filter(|(node, _)| self.tree.is_common(*node));
        self.tree.base_needs().len() + behind.map(|(_, node)| node.needs.len()).sum::<usize>()
    }

    /// Records what this thread did since `start`.
    fn record(
        &mut self,
        kind: EventKind,
        stage: &str,
        fold: Option<u32>,
        candidates: &[usize],
        start: f64,
    ) -> Event {
        let event = Event {
            kind,
            stage: stage.to_owned(),
            unit: None,
            key: None,
            fold,
            candidates: self.entries.numbers(candidates),
            worker: self.clock.worker(),
            start,
            end: self.clock.seconds(),
        };
        self.events.push(event.clone());
        event
    }

    pub(crate) fn refit(&mut self, candidate: usize) -> Result<Arc<dyn DynModel>, luthier_core::Error> {
        let no_best = || luthier_core::Error::invalid(format!("there is no candidate {candidate} to fit"));
        let entry = self.entries.of(candidate).ok_or_else(no_best)?;
        let root = self.entries.get(entry).map(|entry| Arc::clone(&entry.estimator)).ok_or_else(no_best)?;
        if self.recorder.is_some() {
            self.read_whole()?;
        }
        let start = self.clock.seconds();
        // A search that ran out of time still has a model, unless somebody cancels that too.
        let token = &self.search.refit_token;
        let whole = self.whole.as_ref().unwrap_or(&self.base).clone().cancelled_by(token.clone());
        let ctx = self.ctx.clone().with_cancel_token(token.clone());
        let (stage, candidates) = (self.search.estimator_name(), self.entries.numbers(&[entry]));
        let about = About { kind: EventKind::Refit, stage, unit: None, round: None, candidates: &candidates };
        let fit = || root.fit(&whole.select(Rows::all()), &root_context(root.as_ref(), &ctx));
        let model = self.spans.within(about, fit);
        let event = self.record(EventKind::Refit, stage, None, &[entry], start);
        self.observers.tell(|| SearchEvent::Refit(event));
        model
    }
}

/// Tells observers of rows while they are read.
fn tell_rows(work: &WorkCounter, clock: &Arc<Clock>, observers: &Observers) {
    if observers.is_empty() {
        return;
    }
    let (clock, observers, last) = (Arc::clone(clock), observers.clone(), AtomicU64::new(0));
    work.on_rows(move |read| {
        let (now, before) = ((10.0 * clock.seconds()) as u64, last.load(Relaxed));
        if now > before && last.compare_exchange(before, now, Relaxed, Relaxed).is_ok() {
            observers.tell(|| SearchEvent::Rows { read });
        }
    });
}

/// The candidates and pairs that a result shows.
#[derive(Debug)]
pub(crate) struct Shown {
    candidates: usize,
    asked: AskedCells,
}

/// A view and the requests on it.
type Request = (Dataset, Vec<Need>);
