//! Runs a search: check, plan, propose, score, choose, refit.

use std::collections::BTreeSet;
use std::sync::Arc;

use luthier_core::frame::DataFrame;
use luthier_core::{DynEstimator, catch_panic, require_threads};

use super::procedure::{Nesting, nest};
use super::{Nested, ProcedureRound, ProcedureScore, Search, Tuned};
use crate::engine::{Entries, Session};
use crate::grid::ParamGrid;
use crate::named::name_of;
use crate::observer::{Observers, SearchEvent};
use crate::plan::{Asked, Facts, Forecast, NestedPrice, Plan, Tree, candidates};
use crate::result::{FoldResult, Outcome};
use crate::shards::Shards;
use crate::splitter::{KFold, OverShards, Split};
use crate::strategy::{Candidate, Scores, Seen, Trial};
use crate::watch::{self, Watched};
use crate::{Error, Result};

/// The largest number of pairs of a candidate and a round for which [`Nested::Auto`] scores the procedure.
const MOST_NESTED_CELLS: usize = 20_000;

/// A search that is checked and planned.
struct Begun {
    session: Session,
    /// A session with all that a strategy that depends on scores would ask for if they were equal. Nothing is scored there.
    simulated: Option<Session>,
    nesting: Option<Nesting>,
    /// The trials of a strategy that does not depend on scores.
    trials: Vec<Trial>,
    /// The number of pairs of a candidate and a round that the strategy asks for, if all scores are equal.
    most: u64,
}

impl Search {
    /// Checks every candidate against the schema and describes what the search will do, without doing it.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit) that come before any work.
    pub fn explain(&self, data: &DataFrame) -> Result<String> {
        Ok(self.plan(data)?.to_string())
    }

    /// Checks every candidate against the schema and returns the plan of the search as a value.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit) that come before any work.
    pub fn plan(&self, data: &DataFrame) -> Result<Plan> {
        let mut begun = self.begin(data, &Watched::default())?;
        let mut plan = self.plan_of(&begun, data);
        if self.nested == Nested::Auto && plan.nested_rounds.is_none() && !self.strategy.is_adaptive() {
            plan.nested_price = self.nested_price(&mut begun.session, begun.trials, &plan.forecast)?;
        }
        Ok(plan)
    }

    fn plan_of(&self, begun: &Begun, data: &DataFrame) -> Plan {
        let Begun { session, simulated, nesting, most, .. } = begun;
        // The candidates that a strategy makes itself are not known before.
        let known = simulated.as_ref().filter(|_| !self.strategy.lists_candidates()).unwrap_or(session);
        let forecast = session.forecast();
        let note = self.executor_note();
        Facts {
            tree: known.tree(),
            candidates: known.candidates().len(),
            pipelines: self.pipelines_in_words(known.candidates()),
            split: session.split(),
            plain: session.rounds().len(),
            is_nested: nesting.is_some(),
            strategy: self.strategy.is_adaptive().then(|| (self.strategy_name(), *most)),
            frame: data,
            metrics: self.metrics(),
            sharing: self.sharing,
            executor: name_of(self.executor.as_ref()),
            units_in_flight: if note.is_some() { 1 } else { self.limit(usize::MAX, &forecast).get() },
            parallelism: self.parallelism.to_string(),
            memory_budget: self.memory_budget,
            forecast,
            executor_note: note,
        }
        .into()
    }

    /// What scoring the procedure would take in addition; `None` if the split cannot be nested.
    fn nested_price(
        &self,
        session: &mut Session,
        trials: Vec<Trial>,
        without: &Forecast,
    ) -> Result<Option<NestedPrice>> {
        let Some((split, _)) = nest(session.split()) else { return Ok(None) };
        let (_, with) = on_all_rounds(session, split, trials)?;
        Ok(Some(NestedPrice {
            fits: with.work.fits.saturating_sub(without.work.fits),
            rows_read: with.work.rows_read.saturating_sub(without.work.rows_read),
        }))
    }

    /// Checks everything and starts a session, which scores candidates as it is asked.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit) that come before any work.
    pub fn session(&self, data: &DataFrame) -> Result<Session> {
        Ok(self.begin(data, &Watched::default())?.session.asked_again())
    }

    /// Runs the search and fits the best candidate on all rows.
    ///
    /// A candidate is a row with its error if its parameters contradict each other, if it fails while it is fitted or
    /// scored, or if it exchanges or omits stages so that the others do not suit the columns.
    ///
    /// # Errors
    /// Before any fit: a wrong name, type, range or column of any other candidate; no candidate that can be
    /// fitted; a summary that does not fit into memory; an invalid split; rows that no candidate can use. After:
    /// [`Error::AllFailed`] or [`Error::NoMetric`] if no candidate has a mean metric, [`Error::Executor`] if the executor
    /// violated its contract, [`Error::Strategy`] if the strategy fails, [`Error::Refit`] if the best candidate cannot be fitted
    /// on all rows.
    pub fn fit(&self, data: &DataFrame) -> Result<Tuned> {
        // A search that ran out of time takes the time for its model.
        let (mut session, procedure) = self.score(data)?;
        if let Some(error) = session.journal_failure() {
            return Err(error);
        }
        if let Some(joined) = self.joined.as_ref().filter(|joined| !joined.absent.is_empty())
            && let Some(part) = session.lost_digits()
        {
            return Err(Error::NeedsRows { shards: joined.absent.clone(), parts: vec![part] });
        }
        if let Some(error) = session.given_up() {
            return Err(error);
        }
        watch::run(&self.refit_token, self.grace, move |_| session.finish(procedure))
    }

    /// Runs the search over shards and fits the best candidate on all rows. What is computed of the shards is kept with them.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit); shards that the splitter divides in different ways; [`Error::NeedsRows`] if rows are needed that
    /// are not here.
    pub fn fit_shards(&self, shards: &mut Shards) -> Result<Tuned> {
        let joined = self.over(shards)?;
        joined.0.fit(&joined.1)
    }

    /// Scores all candidates, for the [`journal`](Self::journal), and fits none on all rows.
    ///
    /// # Errors
    /// Those of [`fit_shards`](Self::fit_shards) that do not depend on the scores.
    pub fn score_shards(&self, shards: &mut Shards) -> Result<()> {
        let (search, data) = self.over(shards)?;
        let mut session = search.score(&data)?.0;
        session.journal_failure().map_or(Ok(()), Err)
    }

    /// The plan of the search over shards.
    ///
    /// # Errors
    /// Those of [`fit_shards`](Self::fit_shards) that come before any work.
    pub fn plan_shards(&self, shards: &mut Shards) -> Result<Plan> {
        let joined = self.over(shards)?;
        joined.0.plan(&joined.1)
    }

    /// Computes what the search needs to know of the shards, so that it can be run without their rows.
    ///
    /// # Errors
    /// Those of [`fit_shards`](Self::fit_shards) that come before any fit; [`Error::NeedsRows`] if summaries are not enough for the search.
    pub fn summarize(&self, shards: &mut Shards) -> Result<()> {
        // Whoever holds out shards takes any blocks of them.
        let search = match self.splitter.over_shards() {
            OverShards::HoldOutEach => self.clone().splitter(Arc::new(KFold::new().num_folds(2))),
            _ => self.clone(),
        };
        let (search, data) = search.over(shards)?;
        let mut begun = search.begin(&data, &Watched::default())?;
        let left = begun.session.needs_beside_summaries();
        if !left.is_empty() {
            return Err(Error::NeedsRows { shards: Vec::new(), parts: left });
        }
        begun.session.summarize_blocks()
    }

    /// The same search over shards, with all rows.
    fn over(&self, shards: &mut Shards) -> Result<(Self, DataFrame)> {
        let joined = self.join_shards(shards)?;
        let data_fingerprint = self.data_fingerprint.clone().or_else(|| joined.fingerprint.clone());
        let frame = joined.frame.clone();
        Ok((Self { joined: Some(Arc::new(joined)), data_fingerprint, ..self.clone() }, frame))
    }

    /// Scores everything, as long as there is time.
    fn score(&self, data: &DataFrame) -> Result<(Session, Option<ProcedureScore>)> {
        let cancel = match self.max_time {
            Some(limit) => self.cancel.with_deadline(limit),
            None => self.cancel.clone(),
        };
        let (search, rows) = (Self { cancel: cancel.clone(), ..self.clone() }, data.clone());
        watch::run(&cancel, self.grace, move |watched| search.scored(&rows, watched))
    }

    /// Scores everything.
    fn scored(&self, data: &DataFrame, watched: &Watched) -> Result<(Session, Option<ProcedureScore>)> {
        let begun = self.begin(data, watched)?;
        begun.session.tell(|| SearchEvent::Planned {
            candidates: begun.session.candidates().len(),
            rounds: begun.session.split().rounds().len(),
            forecast: begun.session.forecast(),
            plan: Arc::new(self.plan_of(&begun, data)),
        });
        let Begun { mut session, nesting, trials, .. } = begun;
        session.open_journal()?;
        let plain = session.plain_rounds();
        if self.strategy.is_adaptive() {
            self.run_strategy(&mut session, &plain, watched)?;
        } else {
            session.score(&trials)?;
        }
        if self.nested == Nested::On && nesting.is_none() {
            session.remark(
                "nested = true has no effect with this splitter: no round has other rounds within its training rows".to_owned(),
            );
        }
        // What is asked to score the procedure does not count for the candidates.
        let shown = session.shown();
        let procedure = match nesting.filter(|_| !session.has_ended()) {
            Some(nesting) => Some(self.score_procedure(&mut session, &nesting, watched)?),
            None => None,
        };
        session.show_only(shown);
        let procedure = procedure.filter(|_| !session.has_ended());
        Ok((session, procedure))
    }

    /// Checks and plans everything.
    fn begin(&self, data: &DataFrame, watched: &Watched) -> Result<Begun> {
        let mut session = self.checked(data, watched)?;
        let trials = match self.strategy.is_adaptive() {
            true => Vec::new(),
            false => self.propose(&session, &[], &session.plain_rounds(), self.max_fits, watched)?,
        };
        let (simulated, batches) = match self.strategy.is_adaptive() {
            true => self.simulate(data, watched).map(|(session, batches)| (Some(session), batches))?,
            false => (None, session.batches(&trials)?.into_iter().collect()),
        };
        let most = batches.iter().map(Asked::len).sum();
        if let Some(max_fits) =
            self.max_fits.filter(|max_fits| *max_fits < most && !self.strategy.is_adaptive())
        {
            return Err(Error::invalid(format!(
                "the search scores {most} pairs of a candidate and a round, but max_fits is {max_fits}: give fewer values, or \
                 use a strategy that stops there, such as `racing` or `halving`"
            )));
        }
        let mut forecast = simulated.as_ref().unwrap_or(&session).estimate(&batches)?;
        // Which stages the candidates that go on share depends on their scores.
        forecast.is_approximate |= self.strategy.is_adaptive();
        session.set_forecast(forecast);
        let absent = self.joined.as_ref().map_or(&[][..], |joined| &joined.absent);
        if !absent.is_empty() {
            let parts = simulated.as_ref().unwrap_or(&session).needs_beside_summaries();
            if !parts.is_empty() {
                return Err(Error::NeedsRows { shards: absent.to_vec(), parts });
            }
        }
        let nested = match self.nested {
            Nested::Off => None,
            Nested::On => nest(session.split()),
            Nested::Auto => {
                let from_summaries =
                    !forecast.is_approximate && forecast.work.rows_read <= data.num_rows() as u64;
                let candidates = session.candidates().len();
                nest(session.split()).filter(|(nested, _)| {
                    let cells = nested.rounds().len().saturating_mul(candidates);
                    from_summaries && !self.strategy.is_adaptive() && cells <= MOST_NESTED_CELLS
                })
            }
        };
        let Some((split, nesting)) = nested else {
            return Ok(Begun { session, simulated, nesting: None, trials, most });
        };
        if self.strategy.is_adaptive() {
            session.set_split(split);
            return Ok(Begun { session, simulated, nesting: Some(nesting), trials, most });
        }
        let (trials, forecast) = on_all_rounds(&mut session, split, trials)?;
        session.set_forecast(forecast);
        Ok(Begun { session, simulated, nesting: Some(nesting), trials, most })
    }

    /// A session with the candidates of the grids, all checked.
    fn checked(&self, data: &DataFrame, watched: &Watched) -> Result<Session> {
        require_threads()?;
        self.splitter.check_schema(data.schema()).map_err(|e| Error::splitter(self.splitter.as_ref(), e))?;
        let names = self.pipeline_names();
        if let Some(twice) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
            return Err(Error::invalid(format!("two pipelines of the search are named `{}`", twice.1)));
        }
        let (mut listed, mut estimators): (Vec<Candidate>, Vec<Arc<dyn DynEstimator>>) = Default::default();
        for (pipeline, contender) in self.pipelines.iter().enumerate() {
            let grid = match self.strategy.lists_candidates() {
                true => contender.grid.clone(),
                false => contender.grid.ends(),
            };
            let maps = candidates(contender.estimator(), &grid, self.seed);
            for params in maps.map_err(|e| self.in_pipeline(e, pipeline))? {
                estimators.push(self.configured(pipeline, &params, listed.len())?);
                listed.push(Candidate { pipeline, params });
            }
        }
        let tree = self.tree_of(data.schema(), &listed, &estimators)?;
        let split = self.split(data, watched)?;
        match self.strategy.lists_candidates() {
            true => Session::new(self, data, split, tree, Entries::new(listed, estimators), watched),
            // The ends of the ranges were only to be checked.
            false => {
                let (tree, none) = (Tree::new(data.schema()), Entries::new(Vec::new(), Vec::new()));
                Session::new(self, data, split, tree, none, watched)
            }
        }
    }

    fn split(&self, data: &DataFrame, watched: &Watched) -> Result<Split> {
        if let Some(joined) = &self.joined {
            return Ok(joined.split.clone());
        }
        if data.num_rows() == 0 {
            return Err(Error::invalid("the frame has no rows"));
        }
        let named = |e| Error::splitter(self.splitter.as_ref(), e);
        let name = name_of(self.splitter.as_ref());
        let split = watched.calling(format_args!("the splitter {name}"), || {
            catch_panic(&name, || Ok(self.splitter.split(data, self.seed)))
        });
        let split = split.map_err(|e| named(e.into()))?.map_err(named)?;
        split.check(data.num_rows()).map_err(|e| named(e.into()))?;
        Ok(split)
    }

    /// Splits some of the rows by themselves.
    pub(crate) fn split_rows(&self, rows: &DataFrame) -> Result<Split> {
        self.split(rows, &Watched::default())
    }

    /// The name and the number of candidates of each pipeline, if there are several.
    fn pipelines_in_words(&self, candidates: &[Candidate]) -> Vec<(String, usize)> {
        let of = |(place, name)| (name, candidates.iter().filter(|one| one.pipeline == place).count());
        match self.pipelines.len() {
            1 => Vec::new(),
            _ => self.pipeline_names().into_iter().enumerate().map(of).collect(),
        }
    }

    /// The next trials of the strategy.
    fn propose(
        &self,
        session: &Session,
        seen: &[Scores],
        rounds: &[u32],
        fits_left: Option<u64>,
        watched: &Watched,
    ) -> Result<Vec<Trial>> {
        let grids: Vec<ParamGrid> = self.pipelines.iter().map(|one| one.grid.clone()).collect();
        let seen = Seen {
            candidates: session.candidates(),
            grids: &grids,
            trials: seen,
            rounds: rounds.len(),
            training_blocks: session.training_blocks(rounds),
            overlap: session.overlap(),
            larger_is_better: self.is_larger_better(),
            seed: self.seed,
            fits_left,
        };
        let name = name_of(self.strategy.as_ref());
        let proposed = watched.calling(format_args!("the strategy {name}"), || {
            catch_panic(&name, || Ok(self.strategy.propose(&seen)))
        });
        let failed = |source: anyhow::Error| Error::strategy(self.strategy.as_ref(), source);
        let trials = proposed.map_err(|e| failed(e.into()))?.map_err(failed)?;
        let wrong = trials
            .iter()
            .flat_map(|trial| trial.rounds.iter().flatten())
            .find(|round| **round >= rounds.len());
        match wrong {
            Some(round) => Err(failed(anyhow::anyhow!(
                "it asks for round {round}, but there are {} rounds, numbered from 0",
                rounds.len()
            ))),
            None => Ok(trials),
        }
    }

    /// Lets the strategy propose until it has seen enough, on these rounds of the session. Returns all trials.
    fn run_strategy(&self, session: &mut Session, rounds: &[u32], watched: &Watched) -> Result<Vec<Scores>> {
        self.converse(session, rounds, watched, |session, trials, is_seen| {
            let before = session.num_asked();
            let scores = session.evaluate(trials)?;
            match session.num_asked() == before && is_seen() {
                true => {
                    Err(Error::invalid("it proposes nothing but what has been scored, so it would never end"))
                }
                false => Ok(Some(scores)),
            }
        })
    }

    /// What the strategy would ask for if all scores were equal: for a strategy that drops candidates by their scores, the most
    /// that it can ask for.
    fn simulate(&self, data: &DataFrame, watched: &Watched) -> Result<(Session, Vec<Asked>)> {
        let unseen = Self { observers: Observers::default(), ..self.clone() };
        let mut session = unseen.checked(data, watched)?;
        let rounds = session.plain_rounds();
        let mut batches: Vec<Asked> = Vec::new();
        self.converse(&mut session, &rounds, watched, |session, trials, is_seen| {
            match session.batches(trials)? {
                None if is_seen() => return Ok(None),
                asked => batches.extend(asked),
            }
            let candidates = session.candidates_of(trials)?.into_iter().zip(trials);
            let equal = |(candidate, trial): (usize, &Trial)| {
                let score = FoldResult { metric: 0.0, ..FoldResult::default() };
                Scores::new(trial.clone(), candidate, vec![score; trial.len(rounds.len()) as usize])
            };
            Ok(Some(candidates.map(equal).collect()))
        })?;
        Ok((session, batches))
    }

    /// Lets the strategy propose on these rounds of the session until it proposes nothing, until `score` has no scores for it, or
    /// until a limit is reached. Returns all trials. `score` gets the trials, with the numbers that the rounds have in the
    /// session, and a function that tells whether all of them have been proposed before.
    fn converse(
        &self,
        session: &mut Session,
        rounds: &[u32],
        watched: &Watched,
        mut score: impl FnMut(&mut Session, &[Trial], &dyn Fn() -> bool) -> Result<Option<Vec<Scores>>>,
    ) -> Result<Vec<Scores>> {
        let failed = |source: Error| match source {
            Error::Executor { .. } => source,
            other => Error::strategy(self.strategy.as_ref(), other.into()),
        };
        let mut seen: Vec<Scores> = Vec::new();
        // Where the scores of the last proposal begin.
        let mut last = 0;
        let mut fits = 0;
        loop {
            let left = self.max_fits.map(|most| most.saturating_sub(fits));
            if let Some(reason) = session.cancelled() {
                session.end_early(reason);
                return Ok(seen);
            }
            let trials = self.propose(session, &seen, rounds, left, watched)?;
            let wanted: u64 = trials.iter().map(|trial| trial.len(rounds.len())).sum();
            tell_pruned(session, &seen[last..], &trials);
            if let Some(most) = self.max_fits.filter(|_| left.is_some_and(|left| wanted > left)) {
                session.end_early(format!(
                    "because it may score {most} pairs of a candidate and a fold (max_fits), and {wanted} more were wanted"
                ));
                return Ok(seen);
            }
            if trials.is_empty() {
                return Ok(seen);
            }
            fits += wanted;
            let global: Vec<Trial> = trials.iter().map(|trial| trial.clone().over(rounds)).collect();
            let scores = score(session, &global, &|| is_seen(&trials, &seen)).map_err(failed)?;
            let Some(scores) = scores else { return Ok(seen) };
            if session.candidates().len().max(seen.len() / rounds.len().max(1)) > ParamGrid::MAX_CANDIDATES {
                let limit = ParamGrid::MAX_CANDIDATES;
                return Err(failed(Error::invalid(format!("it has proposed more than {limit} candidates"))));
            }
            last = seen.len();
            for (trial, scores) in trials.into_iter().zip(scores) {
                let local = |(place, round): (usize, FoldResult)| {
                    let number = trial.rounds.as_ref().and_then(|rounds| rounds.get(place)).copied();
                    FoldResult { fold: number.unwrap_or(place) as u32, ..round }
                };
                let rounds = scores.rounds.into_iter().enumerate().map(local).collect();
                seen.push(Scores { trial, candidate: scores.candidate, rounds });
            }
        }
    }

    /// The score of the procedure: the best candidate is chosen anew by the rounds within the training rows of each round.
    fn score_procedure(
        &self,
        session: &mut Session,
        nesting: &Nesting,
        watched: &Watched,
    ) -> Result<ProcedureScore> {
        let mut rounds = Vec::new();
        for (round, within) in nesting.inner() {
            let inner: Vec<u32> = within.iter().map(|&round| round as u32).collect();
            let table = match self.strategy.is_adaptive() {
                true => {
                    let seen = self.run_strategy(session, &inner, watched)?;
                    let full = seen.iter().filter(|scores| scores.trial.is_full());
                    let tried: BTreeSet<usize> = full.map(|scores| scores.candidate).collect();
                    session.table(tried.into_iter(), &inner)
                }
                false => session.table(0..session.candidates().len(), &inner),
            };
            let chosen = session.choose(&table).and_then(|place| table.get(place)).map(|one| one.index);
            let metric = match chosen {
                Some(candidate) => {
                    let trial = Trial::candidate(candidate).on([round as usize]);
                    let scores = session.evaluate(&[trial])?;
                    let score = scores.first().and_then(|scores| scores.rounds.first());
                    score.map_or(f64::NAN, |score| score.metric)
                }
                None => f64::NAN,
            };
            rounds.push(ProcedureRound { fold: round, candidate: chosen, metric });
        }
        Ok(ProcedureScore::new(rounds, session.overlap()))
    }
}

/// Gives a session more rounds. Returns the trials on all of them, and what they are expected to take.
fn on_all_rounds(session: &mut Session, split: Split, trials: Vec<Trial>) -> Result<(Vec<Trial>, Forecast)> {
    session.set_split(split);
    let all = 0..session.split().rounds().len();
    let trials: Vec<Trial> = trials.into_iter().map(|trial| trial.on(all.clone())).collect();
    let batches: Vec<Asked> = session.batches(&trials)?.into_iter().collect();
    let forecast = session.estimate(&batches)?;
    Ok((trials, forecast))
}

/// Whether all trials have been proposed before. One that has not may still be of a candidate that is known: parameters that do not
/// matter for it are left out.
fn is_seen(trials: &[Trial], seen: &[Scores]) -> bool {
    trials.iter().all(|trial| seen.iter().any(|scores| scores.trial == *trial))
}

/// Tells which candidates of the last proposal are given up: those that are not complete and not proposed again.
fn tell_pruned(session: &Session, last: &[Scores], next: &[Trial]) {
    let rounds = session.rounds().len();
    session.tell_if(|| {
        let proposed: BTreeSet<usize> = next.iter().filter_map(Trial::known_candidate).collect();
        let partial = last.iter().filter(|scores| scores.rounds.len() < rounds || !scores.trial.is_full());
        let dropped: BTreeSet<usize> = partial.map(|scores| scores.candidate).collect();
        let ended = last.iter().filter(|scores| scores.rounds.iter().any(|r| r.outcome == Outcome::Failed));
        let ended: BTreeSet<usize> = ended.map(|scores| scores.candidate).collect();
        let dropped = dropped.difference(&proposed).filter(|candidate| !ended.contains(candidate));
        let candidates: Vec<usize> = dropped.copied().collect();
        (!candidates.is_empty() && !proposed.is_empty()).then_some(SearchEvent::Pruned { candidates })
    });
}
