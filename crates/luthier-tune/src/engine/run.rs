//! Runs what is asked: summaries, then units, some rounds at a time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use luthier_core::{Dataset, FailedNeed, Need, Rounds, TrainingSets};

use super::behind::{Behind, Place, View};
use super::recall::pairs_of;
use super::unit::{Fitted, Input, Metric, Record, Scored, SomeUnits, Unit, Units};
use super::{Cell, Request, Session, Wave};
use crate::events::{Event, EventKind};
use crate::executor::{Job, TaskResult, verify};
use crate::failure::Failure;
use crate::journal::Sole;
use crate::named::name_of;
use crate::notes::FitPlace;
use crate::observer::{BestSoFar, SearchEvent, UnitScore};
use crate::plan::{Asked, AskedPart, Level};
use crate::result::Outcome;
use crate::search::Sharing;
use crate::spans::About;
use crate::unit_key::Fingerprint;
use crate::{Error, Result};

impl Session {
    /// Scores what is asked, none of which has been scored.
    pub(crate) fn run(&mut self, asked: &Asked) -> Result<()> {
        if asked.parts.is_empty() {
            return Ok(());
        }
        self.count_reused(asked);
        if self.recorder.is_none() {
            return self.run_known(asked);
        }
        let rest = self.recall(asked);
        match self.search.sole {
            Sole::Alone if rest.len() as u64 == asked.len() => self.run_known(asked),
            Sole::Alone => self.run_known(&pairs_of(rest)),
            Sole::Joined | Sole::Watched => self.run_joined(rest),
        }
    }

    /// Scores what is asked, none of which is known.
    pub(super) fn run_known(&mut self, asked: &Asked) -> Result<()> {
        if asked.parts.is_empty() {
            return Ok(());
        }
        let units = asked.parts.iter().map(|part| self.units_of(part)).sum::<usize>();
        self.progress.1 += units;
        let candidates = asked.candidates();
        self.observers.tell(|| SearchEvent::Proposed { candidates: candidates.len(), units });
        if self.search.sharing == Sharing::Off {
            let base = self.base.clone();
            return asked
                .parts
                .iter()
                .try_for_each(|part| self.run_alone(&base, &part.rounds, &part.candidates));
        }
        let rounds = asked.rounds();
        let is_kept = |round: &u32| self.waves.contains_key(round);
        match self.answered == self.requests() && rounds.iter().all(is_kept) {
            true => self.run_kept(asked, &rounds)?,
            false => self.run_reading(asked, &rounds, &candidates)?,
        }
        let bytes = (self.views.len() as u64).saturating_mul(self.forecast.unit_bytes);
        if bytes > self.forecast.budget / 2 && !self.search.collect_sub_models {
            self.views.clear();
            self.nodes.clear();
        }
        Ok(())
    }

    /// Over summaries that are there.
    fn run_kept(&mut self, asked: &Asked, rounds: &[u32]) -> Result<()> {
        let mut waves: Vec<(Arc<Wave>, Vec<u32>)> = Vec::new();
        for round in rounds {
            let Some(wave) = self.waves.get(round) else { continue };
            match waves.iter_mut().find(|(known, _)| Arc::ptr_eq(known, wave)) {
                Some((_, rounds)) => rounds.push(*round),
                None => waves.push((Arc::clone(wave), vec![*round])),
            }
        }
        waves.into_iter().try_for_each(|(wave, rounds)| self.run_wave(&wave, asked, &rounds))
    }

    /// Computes the summaries that all rounds and candidates request of the frame itself and behind stages that are not
    /// fitted, in one pass each; then runs the units, some rounds at a time. If memory suffices, the summaries of all rounds
    /// are kept.
    fn run_reading(&mut self, asked: &Asked, rounds: &[u32], candidates: &[usize]) -> Result<()> {
        let (nodes, views): (Vec<Option<usize>>, Vec<Request>) = self.common_views().into_iter().unzip();
        let keeps = self.keeps_waves();
        let all: Vec<u32> = (0..self.split.rounds().len() as u32).collect();
        // The order in which blocks are merged depends on the rounds, and so does the last bit of a sum: a search that is resumed
        // merges what it would have merged without an interruption.
        let read: &[u32] = if keeps || self.recorder.is_some() { &all } else { rounds };
        let merges = match read.len() == all.len() {
            true => self.split.merges().clone(),
            false => {
                let some = read.iter().map(|&round| self.round(round));
                Rounds::new(some, self.split.blocks().count())
            }
        };
        let budget = self.forecast.budget;
        let reads = || TrainingSets::read(views, &merges, budget);
        let (sets, failed) = self.timed_pass(None, rounds, candidates, reads)?;
        self.refuse_if_hopeless(failed.into_iter().next().unwrap_or_default(), candidates)?;
        self.views.clear();
        self.waves.clear();
        let base = self.base.clone();
        sets.for_each_wave(|range, views| {
            let wave_rounds = read.get(range).unwrap_or_default();
            let mut views = nodes.iter().zip(views);
            let base = views.next().map_or_else(|| base.clone(), |(_, view)| view);
            let common = views.filter_map(|(node, view)| Some(((*node)?, view))).collect();
            let wave = Arc::new(Wave { base, common });
            if keeps {
                self.waves.extend(wave_rounds.iter().map(|&round| (round, Arc::clone(&wave))));
            }
            let wave_rounds: Vec<u32> =
                wave_rounds.iter().copied().filter(|round| rounds.binary_search(round).is_ok()).collect();
            self.run_wave(&wave, asked, &wave_rounds)?;
            if !keeps {
                self.views.clear();
                if !self.search.collect_sub_models {
                    self.nodes.clear();
                }
            }
            Ok::<(), Error>(())
        })?;
        self.whole = sets.whole().into_iter().next();
        self.answered = self.requests();
        Ok(())
    }

    /// Whether the summaries of all rounds may be kept between proposals.
    fn keeps_waves(&self) -> bool {
        let rounds = self.split.rounds().len() as u64;
        self.asks_again
            && self.forecast.times_read <= 1
            && rounds.saturating_mul(2 * self.forecast.unit_bytes) <= self.forecast.budget / 2
    }

    fn run_wave(&mut self, wave: &Wave, asked: &Asked, rounds: &[u32]) -> Result<()> {
        for (node, view) in &wave.common {
            self.views.extend(rounds.iter().map(|&round| ((round, *node), Ok(view.clone()))));
        }
        for part in asked.on(rounds) {
            self.run_levels(&wave.base, &part)?;
            let alone = self.alone(&part.candidates);
            self.run_alone(&wave.base, &part.rounds, &alone)?;
        }
        Ok(())
    }

    /// The candidates that are fitted by themselves: all of them if nothing is shared, otherwise those without a fitted
    /// stage.
    fn alone(&self, candidates: &[usize]) -> Vec<usize> {
        let is_alone = |candidate: &usize| {
            self.search.sharing == Sharing::Off || self.tree.last_fitted(*candidate).is_none()
        };
        candidates.iter().copied().filter(is_alone).collect()
    }

    /// The number of units for a part of what is asked.
    pub(crate) fn units_of(&self, part: &AskedPart) -> usize {
        let alone = self.alone(&part.candidates).len() * part.rounds.len();
        if self.search.sharing == Sharing::Off {
            return alone;
        }
        let levels = self.tree.levels(&part.candidates);
        let groups = levels.iter().flat_map(|level| &level.groups);
        let together = self.together(&part.rounds);
        let wanted = |group: &Vec<usize>| {
            let rounds = together.iter().filter_map(|rounds| rounds.first());
            rounds
                .filter(|&&round| group.iter().any(|&node| self.is_wanted(round, node, &part.candidates)))
                .count()
        };
        alone + groups.map(wanted).sum::<usize>()
    }

    /// Divides rounds into those that have the same training rows and no stage that was fitted before: what is fitted for one
    /// of them serves all.
    fn together(&self, rounds: &[u32]) -> Vec<Vec<u32>> {
        let known: HashSet<u32> = self.nodes.keys().map(|(round, _)| *round).collect();
        self.alike(rounds, |round| known.contains(&round))
    }

    /// Whether a stage has to be fitted for some candidates: it has not been, or one of them is scored with it.
    fn is_wanted(&self, round: u32, node: usize, candidates: &[usize]) -> bool {
        !self.nodes.contains_key(&(round, node)) || !self.tree.ending_at(node, candidates).is_empty()
    }

    /// Rows that no candidate can use are an error of the search; others fail the candidates that use them.
    fn refuse_if_hopeless(&self, failed: Vec<FailedNeed>, candidates: &[usize]) -> Result<()> {
        let covers = |failed: &Need, need: &Need| failed.union(need).is_some_and(|union| union.same(failed));
        let needs = self.tree.base_needs();
        let hit = |candidate: usize| {
            needs.iter().any(|base| {
                base.is_vital()
                    && base.candidates.binary_search(&candidate).is_ok()
                    && failed.iter().any(|(need, _)| covers(need, &base.need))
            })
        };
        if failed.is_empty() || !candidates.iter().all(|&candidate| hit(candidate)) {
            return Ok(());
        }
        let stage_of = |failed: &Need| {
            let mut vital = needs.iter().filter(|base| base.is_vital());
            vital.find(|base| covers(failed, &base.need)).map(|base| base.stage.clone())
        };
        let named = |(need, error): FailedNeed| Some(error.in_stage(&stage_of(&need)?).into());
        failed.into_iter().find_map(named).map_or(Ok(()), Err)
    }

    /// Runs a pass over rows, records it, and divides its time between the cells that need it.
    pub(super) fn timed_pass<T>(
        &mut self,
        round: Option<u32>,
        rounds: &[u32],
        candidates: &[usize],
        pass: impl FnOnce() -> T,
    ) -> T {
        let start = self.clock.seconds();
        let numbers = self.entries.numbers(candidates);
        let about =
            About { kind: EventKind::Summarise, stage: "rows", unit: None, round, candidates: &numbers };
        let result = self.spans.within(about, pass);
        let event = self.record(EventKind::Summarise, "rows", round, candidates, start);
        self.share_pass(rounds, candidates, &event);
        self.observers.tell(|| SearchEvent::Pass(event));
        result
    }

    /// All units of a part of what is asked, in the order of their levels: a unit follows the one that fits the stage before it.
    fn run_levels(&mut self, base: &Dataset, part: &AskedPart) -> Result<()> {
        let levels = self.tree.levels(&part.candidates);
        let is_fitted = |level: &&Level| !level.groups.is_empty();
        let last = levels.iter().rfind(is_fitted).map(|level| level.depth);
        let mut job = Assembled::default();
        let together = self.together(&part.rounds);
        // The unit of this job that fits a node on a round, the first one of those that it is for.
        let mut fitted_by: HashMap<(u32, usize), usize> = HashMap::new();
        for level in levels.iter().filter(is_fitted) {
            let groups: Vec<(Vec<usize>, &Vec<usize>)> = level
                .groups
                .iter()
                .map(|group| (self.tree.through(group, &part.candidates), group))
                .collect();
            for rounds in &together {
                for (candidates, group) in &groups {
                    let Some(unit) =
                        self.unit(base, rounds, group, candidates, level, &part.candidates, &fitted_by)
                    else {
                        continue;
                    };
                    let (place, round) = (job.units.len(), unit.first_round());
                    fitted_by.extend(unit.group.iter().map(|(node, _)| ((round, *node), place)));
                    job.keeps.push(last != Some(level.depth));
                    job.levels.push(level.depth);
                    job.units.push(unit);
                }
            }
        }
        // What later units look at is found by the unit that fits the last stage before it.
        let wanted: BTreeSet<(u32, usize)> = job
            .units
            .iter()
            .filter_map(|unit| match unit.input {
                Input::Behind { node, .. } => Some((unit.first_round(), node)),
                Input::View(_) => None,
            })
            .collect();
        for unit in &mut job.units {
            let nodes: Vec<usize> = unit.group.iter().map(|(node, _)| *node).collect();
            let round = unit.first_round();
            unit.behind =
                nodes.into_iter().filter_map(|node| self.behind(round, node, &wanted, part)).collect();
        }
        self.run_units(job)
    }

    /// How to look behind a node, if later units look behind it or behind transformers that follow it.
    fn behind(
        &self,
        round: u32,
        node: usize,
        wanted: &BTreeSet<(u32, usize)>,
        part: &AskedPart,
    ) -> Option<Behind> {
        let this = self.tree.nodes.get(node)?;
        let following = this.children.iter().filter(|&&child| !self.tree.is_fitted(child));
        let then: Vec<Behind> =
            following.filter_map(|&child| self.behind(round, child, wanted, part)).collect();
        (wanted.contains(&(round, node)) || !then.is_empty()).then(|| {
            let candidates = self.tree.through(&[node], &part.candidates);
            Behind {
                node,
                step: Arc::clone(&this.step),
                needs: this.needs.clone(),
                passing: this.passing.clone(),
                numbers: self.entries.numbers(&candidates),
                candidates: candidates.into(),
                then,
            }
        })
    }

    /// The unit that fits a group of stages on rounds with the same training rows; `None` if they have been fitted, or cannot be.
    #[allow(clippy::too_many_arguments, reason = "all of it is known to the caller alone")]
    fn unit(
        &mut self,
        base: &Dataset,
        rounds: &[u32],
        group: &[usize],
        candidates: &[usize],
        level: &Level,
        asked: &[usize],
        fitted_by: &HashMap<(u32, usize), usize>,
    ) -> Option<Unit> {
        let round = *rounds.first()?;
        let wanted: Vec<usize> =
            group.iter().copied().filter(|&node| self.is_wanted(round, node, asked)).collect();
        let parent = group.first().and_then(|&node| self.tree.nodes[node].parent);
        let all_candidates: Vec<usize> = match wanted.len() == group.len() {
            true => candidates.to_vec(),
            false => self.tree.through(&wanted, asked),
        };
        if wanted.is_empty() {
            return None;
        }
        let before = parent.and_then(|parent| self.tree.last_fitted_from(parent));
        let input = match before.and_then(|fitted| fitted_by.get(&(round, fitted))).zip(parent) {
            Some((&unit, node)) => Ok(Input::Behind { unit, node }),
            None => self.view(base, round, parent).map(Input::View),
        };
        match input {
            Ok(input) => {
                let steps: Vec<_> =
                    wanted.iter().map(|&node| (node, Arc::clone(&self.tree.nodes[node].step))).collect();
                Some(Unit {
                    rounds: rounds.iter().map(|&round| (round, self.round(round))).collect(),
                    seeded_by: self.split.first_alike(round),
                    key: Unit::key(round, &steps, ("", Fingerprint::default())),
                    scored: self.scored(&wanted, asked),
                    group: steps,
                    alone: None,
                    candidates: all_candidates,
                    stage: level.name.clone(),
                    input,
                    behind: Vec::new(),
                })
            }
            Err(error) => {
                self.fail_all(rounds.iter().copied(), &all_candidates, &error);
                self.progress.0 += 1;
                None
            }
        }
    }

    /// The candidates that are scored with the models of some nodes.
    fn scored(&self, group: &[usize], asked: &[usize]) -> Vec<Scored> {
        let of_node = |(place, &node): (usize, &usize)| {
            self.tree.ending_at(node, asked).into_iter().map(move |candidate| (candidate, place, node))
        };
        let mut scored: Vec<(usize, usize, usize)> = group.iter().enumerate().flat_map(of_node).collect();
        scored.sort_unstable();
        let with_rest = |(candidate, place, node): (usize, usize, usize)| {
            let path = self.tree.paths.get(candidate).map_or(&[][..], Vec::as_slice);
            let behind = path.iter().skip_while(|other| **other != node).skip(1);
            let rest = behind.map(|&node| Arc::clone(&self.tree.nodes[node].step)).collect();
            Scored { candidate, place, rest }
        };
        scored.into_iter().map(with_rest).collect()
    }

    /// These candidates, each by itself on every round.
    fn run_alone(&mut self, base: &Dataset, rounds: &[u32], candidates: &[usize]) -> Result<()> {
        if candidates.is_empty() {
            return Ok(());
        }
        self.cancel.check()?;
        let stage = self.search.estimator_name();
        let unit = |(round, candidate): (u32, usize)| {
            let entry = self.entries.get(candidate)?;
            let alone = Arc::clone(&entry.estimator);
            let hash = Fingerprint::default().with(&format!("{:?}", alone.values()));
            let hash = self
                .tree
                .paths
                .get(candidate)
                .and_then(|path| path.last())
                .map_or(hash, |&node| self.tree.nodes.get(node).map_or(hash, |node| node.hash));
            Some(Unit {
                rounds: vec![(round, self.round(round))],
                seeded_by: self.split.first_alike(round),
                key: Unit::key(round, &[], (stage, hash)),
                group: Vec::new(),
                alone: Some(alone),
                scored: vec![Scored { candidate, place: 0, rest: Vec::new() }],
                candidates: vec![candidate],
                stage: stage.to_owned(),
                input: Input::View(base.clone()),
                behind: Vec::new(),
            })
        };
        let cells = rounds.iter().flat_map(|&round| candidates.iter().map(move |&c| (round, c)));
        let units: Vec<Unit> = cells.filter_map(unit).collect();
        let (keeps, levels) = (vec![false; units.len()], vec![0; units.len()]);
        self.run_units(Assembled { units, keeps, levels })
    }

    /// The frame as seen behind a node on one round, with the requests of later stages on it.
    fn view(&mut self, base: &Dataset, round: u32, node: Option<usize>) -> View {
        let Some(node) = node else { return Ok(base.clone()) };
        if let Some(view) = self.views.get(&(round, node)) {
            return view.clone();
        }
        let view = self.make_view(base, round, node);
        self.views.insert((round, node), view.clone());
        view
    }

    /// The view behind a node that was fitted before.
    fn make_view(&mut self, base: &Dataset, round: u32, node: usize) -> View {
        let Some(this) = self.tree.nodes.get(node) else { return Err("a stage is missing".into()) };
        let behind = Behind {
            node,
            step: Arc::clone(&this.step),
            needs: this.needs.clone(),
            passing: this.passing.clone(),
            numbers: Vec::new(),
            candidates: this.candidates.as_slice().into(),
            then: Vec::new(),
        };
        let before = self.view(base, round, behind.step.parent)?;
        let (rounds, blocks) = ([self.round(round)], self.split.blocks().count());
        let place = Place {
            rounds: &rounds,
            first: round,
            blocks,
            budget: self.forecast.budget,
            clock: &self.clock,
            spans: &self.spans,
        };
        let (mut found, mut passes) = (Vec::new(), Vec::new());
        behind.look(&before, &self.model_of(round, node), &place, &mut found, &mut passes);
        for pass in passes {
            let event =
                self.record(EventKind::Summarise, "rows", Some(round), &behind.candidates, pass.start);
            self.share_pass(&[round], &behind.candidates, &event);
            self.observers.tell(|| SearchEvent::Pass(event));
        }
        found.pop().map_or_else(|| Err("a stage is missing".into()), |(_, view)| view)
    }

    /// Divides the time of a pass between rounds and candidates.
    fn share_pass(&mut self, rounds: &[u32], candidates: &[usize], event: &Event) {
        let share = (event.end - event.start) / (rounds.len() * candidates.len()).max(1) as f64;
        for (round, one) in rounds.iter().flat_map(|&r| candidates.iter().map(move |&one| (r, one))) {
            self.cells.at(round, one).fit_seconds += share;
        }
    }

    pub(super) fn model_of(&self, round: u32, node: usize) -> Fitted {
        match self.tree.nodes.get(node).and_then(|node| node.stage.as_model()) {
            Some(model) => Ok(model),
            None => match self.nodes.get(&(round, node)) {
                Some(fitted) => fitted.clone(),
                None => Err("an earlier stage was not fitted".into()),
            },
        }
    }

    fn run_units(&mut self, assembled: Assembled) -> Result<()> {
        let Assembled { mut units, keeps, levels } = assembled;
        if units.is_empty() {
            return Ok(());
        }
        let is_kept = |keep: bool| keep || self.search.collect_sub_models;
        let fitted = keeps.iter().map(|&keep| is_kept(keep).then(Mutex::default)).collect();
        let entries: Vec<Vec<usize>> = units
            .iter_mut()
            .map(|unit| {
                let numbers = self.entries.numbers(&unit.candidates);
                std::mem::replace(&mut unit.candidates, numbers)
            })
            .collect();
        let job = Arc::new(Units {
            units,
            evaluators: Arc::clone(&self.evaluators),
            ctx: self.ctx.clone(),
            clock: Arc::clone(&self.clock),
            observers: self.observers.clone(),
            spans: self.spans.clone(),
            cancel: self.cancel.clone(),
            limit: self.search.max_fit_time,
            watched: self.watched.clone(),
            notes: self.search.sharing == Sharing::On,
            plain: self.plain,
            budget: self.forecast.budget,
            blocks: self.split.blocks().count(),
            fitted,
            views: Mutex::default(),
            disorder: Mutex::default(),
        });
        let live = Live::new(self, &job, &entries);
        if self.search.executor.keeps_order() {
            self.execute(Arc::clone(&job) as Arc<dyn Job>, &|task| task, &live)?;
        } else {
            // A level at a time.
            let tasks =
                |depth: usize| (0..levels.len()).filter(|&task| levels[task] == depth).collect::<Vec<_>>();
            let depths: BTreeSet<usize> = levels.iter().copied().collect();
            for tasks in depths.into_iter().map(tasks) {
                let some = SomeUnits { all: Arc::clone(&job), tasks: tasks.clone() };
                let unit_of = |task: usize| tasks.get(task).copied().unwrap_or(task);
                self.execute(Arc::new(some), &unit_of, &live)?;
            }
        }
        let records = live.records();
        self.progress.0 += job.units.len();
        for (index, ((record, entries), keep)) in records.into_iter().zip(entries).zip(keeps).enumerate() {
            // A unit without a record was not started, because the search was cancelled.
            let Some(record) = record else { continue };
            self.take(&job, index, &entries, record, keep || self.search.collect_sub_models);
        }
        let views = std::mem::take(&mut *job.views.lock().unwrap_or_else(PoisonError::into_inner));
        self.views.extend(views);
        Ok(())
    }

    /// Hands a job to the executor; `unit_of` is the unit of a task.
    fn execute(
        &self,
        job: Arc<dyn Job>,
        unit_of: &(dyn Fn(usize) -> usize + Sync),
        live: &Live<'_>,
    ) -> Result<()> {
        let executor = self.search.executor.as_ref();
        let name = name_of(executor);
        let limit = self.search.limit(job.len(), &self.forecast);
        let observe = |task: usize, result: &TaskResult| live.finished(unit_of(task), result);
        let part = format_args!("the executor {name}").to_string();
        self.watched.calling(part, || verify::run_observed(executor, job, limit, &observe))?;
        let disorder = *live.job.disorder.lock().unwrap_or_else(PoisonError::into_inner);
        match disorder {
            None => Ok(()),
            Some((task, earlier)) => Err(Error::Executor {
                name,
                message: format!(
                    "task {task} was started before task {earlier}, which it follows, was reported; the executor says that it \
                     keeps the order, so this is a bug in the executor"
                ),
            }),
        }
    }

    /// Writes the results of a unit into its cells.
    fn take(
        &mut self,
        job: &Units,
        index: usize,
        entries: &[usize],
        record: Result<Record, String>,
        keep_models: bool,
    ) {
        let Some(unit) = job.units.get(index) else { return };
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                self.fail_all(unit.numbers(), entries, &Failure::from(error));
                return;
            }
        };
        if record.is_cancelled {
            self.events.push(record.event);
            return;
        }
        if let Some(error) = &record.failed_before {
            self.fail_all(unit.numbers(), entries, error);
            return;
        }
        let share = (unit.rounds.len() * entries.len()).max(1) as f64;
        for (round, one) in unit.numbers().flat_map(|r| entries.iter().map(move |&one| (r, one))) {
            let cell = self.cells.at(round, one);
            cell.fit_seconds += record.fit_seconds / share;
            cell.score_seconds += record.score_seconds / share;
        }
        for score in record.scores {
            if self.is_plain(score.round) {
                for (evaluator, metric) in score.metrics.iter().enumerate() {
                    self.evaluation_notes.add(score.round, evaluator, metric.notes.iter().cloned());
                }
            }
            let mut metrics = score.metrics.into_iter();
            let deciding = metrics.next();
            let cell = self.cells.at(score.round, score.candidate);
            cell.also = metrics.map(Metric::into_fold_metric).collect();
            match deciding {
                Some(Metric { error: Some(error), .. }) => self.fail(score.round, score.candidate, &error),
                deciding => {
                    cell.undefined = deciding.as_ref().and_then(Metric::undefined);
                    cell.metric = deciding.map(|metric| metric.value());
                }
            }
        }
        let first = self.split.first_alike(unit.first_round());
        for fit in record.fits {
            let node = unit.group.get(fit.place).map(|(node, _)| *node);
            let place = self.fit_place(first, node, entries.first().copied().unwrap_or_default());
            self.notes.add(place, &fit.stages, fit.notes);
        }
        self.events.push(record.event);
        for (node, event) in record.passes {
            let entries = unit.behind.iter().find_map(|behind| behind.find(node)).map(|one| &one.candidates);
            let rounds: Vec<u32> = unit.numbers().collect();
            entries.iter().for_each(|entries| self.share_pass(&rounds, entries, &event));
            self.events.push(event);
        }
        if keep_models {
            let models = job.take_models(index);
            for round in unit.numbers() {
                let models = models.iter().cloned();
                if unit.group.is_empty() {
                    let of_entry = entries.iter().zip(models).map(|(&one, model)| ((round, one), model));
                    self.fitted_alone.extend(of_entry);
                } else {
                    let of_node = unit.group.iter().zip(models).map(|((n, _), model)| ((round, *n), model));
                    self.nodes.extend(of_node);
                }
            }
        }
    }

    /// The place of a fit among all: of a node, or of an entry that is fitted as a whole.
    pub(super) fn fit_place(&self, first: u32, node: Option<usize>, entry: usize) -> FitPlace {
        match node {
            Some(node) => (self.tree.depth(node), first, node),
            None => (0, first, entry),
        }
    }

    fn fail_all(&mut self, rounds: impl Iterator<Item = u32>, candidates: &[usize], error: &Failure) {
        for round in rounds {
            candidates.iter().for_each(|&candidate| self.fail(round, candidate, error));
        }
    }

    /// Only the first error of a cell is kept.
    fn fail(&mut self, round: u32, candidate: usize, error: &Failure) {
        let cell: &mut Cell = self.cells.at(round, candidate);
        cell.error.get_or_insert_with(|| error.clone());
    }
}

/// Units that are run together, in the order of their levels.
#[derive(Default)]
struct Assembled {
    units: Vec<Unit>,
    /// Whether the models of a unit are kept.
    keeps: Vec<bool>,
    /// The number of stages before a unit.
    levels: Vec<usize>,
}

/// What is told of running units as they finish.
struct Live<'a> {
    session: &'a Session,
    job: &'a Units,
    /// The entries of each unit.
    entries: &'a [Vec<usize>],
    state: Mutex<LiveState>,
}

struct LiveState {
    records: Vec<Option<Result<Record, String>>>,
    done: usize,
    /// The sum of the metric and the number of rounds, by candidate.
    sums: HashMap<usize, (f64, usize)>,
    /// The best candidate.
    best: Option<usize>,
}

impl<'a> Live<'a> {
    fn new(session: &'a Session, job: &'a Units, entries: &'a [Vec<usize>]) -> Self {
        let records = job.units.iter().map(|_| None).collect();
        let mut sums = HashMap::new();
        if !session.observers.is_empty() {
            for (round, entry, cell) in session.cells.iter() {
                if let (true, Some(metric)) = (session.is_plain(round), cell.metric) {
                    add(&mut sums, entry, metric);
                }
            }
        }
        let mut state = LiveState { records, done: session.progress.0, sums, best: None };
        let known: Vec<usize> = state.sums.keys().copied().collect();
        known.into_iter().for_each(|entry| state.compare(entry, session.search.is_larger_better()));
        Self { session, job, entries, state: Mutex::new(state) }
    }

    fn finished(&self, task: usize, result: &TaskResult) {
        let record = match result {
            Ok(bytes) => serde_json::from_slice::<Record>(bytes)
                .map_err(|error| format!("the unit's record is damaged: {error}")),
            Err(error) => Err(error.clone()),
        };
        let (session, unit) = (self.session, self.job.units.get(task));
        let failed = match &record {
            Ok(record) if record.is_cancelled => 0,
            Ok(record) => {
                let first = record.scores.iter().filter_map(|score| score.metrics.first());
                first.filter(|metric| metric.error.is_some()).count()
            }
            Err(_) => unit.map_or(0, |unit| unit.rounds.len() * unit.candidates.len()),
        };
        session.count_failures(failed as u64);
        if let (Some(unit), Some(entries)) = (unit, self.entries.get(task)) {
            session.keep(unit, entries, &record);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        let event = match (&record, unit) {
            (Ok(record), Some(_)) if !session.observers.is_empty() => {
                let mut scores = Vec::with_capacity(record.scores.len());
                for score in &record.scores {
                    let Some(first) = score.metrics.first() else { continue };
                    let candidate = session.entries.get(score.candidate).map_or(0, |entry| entry.candidate);
                    let outcome = if first.error.is_some() { Outcome::Failed } else { Outcome::Scored };
                    if session.is_plain(score.round) {
                        add(&mut state.sums, score.candidate, first.value());
                        state.compare(score.candidate, session.search.is_larger_better());
                    }
                    scores.push(UnitScore { candidate, round: score.round, outcome, metric: first.value() });
                }
                let best = state.best.and_then(|entry| session.best_so_far(entry, state.sums.get(&entry)?));
                let (done, total) = (state.done, session.progress.1);
                Some(SearchEvent::UnitFinished { unit: record.event.clone(), scores, done, total, best })
            }
            _ => None,
        };
        if let Some(record_of) = state.records.get_mut(task) {
            *record_of = Some(record);
        }
        drop(state);
        if let Some(event) = event {
            session.observers.tell(|| event);
        }
    }

    fn records(self) -> Vec<Option<Result<Record, String>>> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).records
    }
}

fn add(sums: &mut HashMap<usize, (f64, usize)>, entry: usize, metric: f64) {
    if !metric.is_nan() {
        let (sum, rounds) = sums.entry(entry).or_default();
        *sum += metric;
        *rounds += 1;
    }
}

impl LiveState {
    /// Takes an entry for the best if it is scored on more rounds, or on as many with a better mean. Of equal ones, the first
    /// is the best.
    fn compare(&mut self, entry: usize, larger_is_better: bool) {
        let key = |entry: usize| {
            self.sums.get(&entry).map(|(sum, rounds)| {
                let mean = sum / *rounds as f64;
                (*rounds, if larger_is_better { mean } else { -mean }, entry)
            })
        };
        let is_better = match (key(entry), self.best.and_then(key)) {
            (Some(new), Some(old)) => {
                new.0.cmp(&old.0).then(new.1.total_cmp(&old.1)).then(old.2.cmp(&new.2)).is_gt()
            }
            (new, _) => new.is_some(),
        };
        if is_better {
            self.best = Some(entry);
        }
    }
}

impl Session {
    fn best_so_far(&self, entry: usize, (sum, rounds): &(f64, usize)) -> Option<BestSoFar> {
        let candidate = self.entries.get(entry)?.candidate;
        Some(BestSoFar { candidate, mean: sum / *rounds as f64, rounds: *rounds })
    }
}
