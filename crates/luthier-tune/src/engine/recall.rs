//! What was scored before is not scored again: cells of the journal.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use luthier_core::frame::{ContentHash, ContentHasher, DataFrame};
use luthier_core::persist::estimator_to_json;
use luthier_core::{DynEstimator, Work};

use super::unit::{Record, Score, Unit};
use super::{Cell, Session};
use crate::failure::Failure;
use crate::journal::{self, CellLine, Claim, FitLine, Header, Journal, bits};
use crate::observer::SearchEvent;
use crate::plan::Asked;
use crate::result::{FoldMetric, Outcome};
use crate::search::Search;
use crate::splitter::Split;
use crate::{Error, Result};

/// How often a process looks whether others have computed what it waits for.
const PAUSE: Duration = Duration::from_millis(20);

/// The journal of a session, and what is needed to name its cells.
#[derive(Debug)]
pub(super) struct Recorder {
    journal: Journal,
    /// A hash of all that the scores of every cell depend on.
    common: String,
    /// Hashes of the configurations, by entry.
    entries: HashMap<usize, ContentHash>,
    /// Hashes of the training and validation rows, by round.
    rounds: HashMap<u32, ContentHash>,
    /// The models that were fitted, by the first round with the same training rows and the node.
    fits: Mutex<HashMap<(u32, usize), FitLine>>,
    /// The keys of all cells that were asked for, in order.
    asked: ContentHasher,
    /// Whether all of them were known.
    knows_all: bool,
    /// Why a cell could not be written.
    failed: Mutex<Option<Error>>,
}

/// A pair of a round and an entry, with the key of its cell.
pub(super) type Keyed = (String, (u32, usize));

/// What is asked by pairs with keys.
pub(super) fn pairs_of(keyed: Vec<Keyed>) -> Asked {
    Asked::from_pairs(keyed.into_iter().map(|(_, pair)| pair))
}

/// A hash of something as it is displayed.
fn hash_of(text: &str) -> String {
    ContentHash::of(text.as_bytes()).to_string()
}

/// The configuration of an estimator as a text.
fn configuration(estimator: &dyn DynEstimator) -> String {
    match estimator_to_json(estimator) {
        Ok(document) => document.to_string(),
        // One that cannot be saved has values all the same.
        Err(_) => format!("{} {:?}", estimator.type_name(), estimator.values()),
    }
}

/// What a search over these rows is about.
fn header(search: &Search, frame: &DataFrame, split: &Split) -> Result<Header> {
    let data = match &search.data_fingerprint {
        Some(fingerprint) => fingerprint.clone(),
        None => frame.content_hash().map_err(luthier_core::Error::from)?.to_string(),
    };
    let mut evaluators = String::new();
    for evaluator in &search.evaluators {
        // Nothing that is written to a text fails.
        let _ = writeln!(evaluators, "{} {:?}", evaluator.type_name(), evaluator.values());
    }
    let pipelines = search.pipelines.iter().map(|one| configuration(one.estimator()));
    let space = search.pipelines.iter().map(|one| format!("{:?}", one.grid()));
    Ok(Header {
        program: journal::program().to_owned(),
        data,
        split: split.hash_of_blocks(),
        seed: search.seed,
        evaluators: hash_of(&evaluators),
        sharing: format!("{:?}", search.sharing).to_lowercase(),
        pipelines: hash_of(&pipelines.collect::<Vec<_>>().join("\n")),
        space: hash_of(&space.collect::<Vec<_>>().join("\n")),
        ..Header::default()
    })
}

impl Recorder {
    /// Opens the journal in a folder for a search.
    ///
    /// # Errors
    /// Those of [`Journal::open`]; data that cannot be read.
    pub(super) fn open(folder: &Path, search: &Search, frame: &DataFrame, split: &Split) -> Result<Self> {
        let header = header(search, frame, split)?;
        let Header { program, data, split, seed, evaluators, sharing, .. } = &header;
        Ok(Self {
            common: format!("{program}\n{data}\n{split}\n{seed}\n{evaluators}\n{sharing}"),
            journal: Journal::open(folder, &header, search.sole, search.worker.clone())?,
            entries: HashMap::new(),
            rounds: HashMap::new(),
            fits: Mutex::default(),
            asked: ContentHash::new(),
            knows_all: true,
            failed: Mutex::default(),
        })
    }

    /// The work of the process that computed the scores, if this one has found all of them. Otherwise its own work is kept for others.
    pub(super) fn work(&self, done: Work) -> Option<Work> {
        let key = self.asked.finish().to_string();
        if self.knows_all
            && let Some(work) = self.journal.work(&key)
        {
            return Some(work);
        }
        // Without it, another search would tell another number, and nothing else is lost.
        let _ = self.journal.append_work(key, done);
        None
    }

    pub(super) fn remarks(&self) -> &[String] {
        self.journal.remarks()
    }

    fn key(&self, round: u32, entry: usize) -> Option<String> {
        let (round, entry) = (self.rounds.get(&round)?, self.entries.get(&entry)?);
        Some(hash_of(&format!("{}\n{round}\n{entry}", self.common)))
    }

    pub(super) fn take_failure(&self) -> Option<Error> {
        lock(&self.failed).take()
    }

    pub(super) fn has_failed(&self) -> bool {
        lock(&self.failed).is_some()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Takes what the journal knows of what is asked; returns the rest.
    pub(super) fn recall(&mut self, asked: &Asked) -> Vec<Keyed> {
        let Some(mut recorder) = self.recorder.take() else { return Vec::new() };
        for round in asked.rounds() {
            recorder.rounds.entry(round).or_insert_with(|| self.hash_of_round(round));
        }
        for entry in asked.candidates() {
            let configured = || self.entries.get(entry).map(|entry| configuration(entry.estimator.as_ref()));
            recorder
                .entries
                .entry(entry)
                .or_insert_with(|| ContentHash::of(configured().unwrap_or_default().as_bytes()));
        }
        let keyed = |(round, entry)| (recorder.key(round, entry).unwrap_or_default(), (round, entry));
        let asked: Vec<Keyed> = asked.pairs().map(keyed).collect();
        asked.iter().for_each(|(key, _)| recorder.asked.write(key.as_bytes()));
        let all = asked.len();
        let rest = self.without_known(&recorder, asked);
        recorder.knows_all &= rest.is_empty();
        self.recorder = Some(recorder);
        if rest.len() < all {
            self.observers.tell(|| SearchEvent::Recalled { cells: all - rest.len() });
        }
        rest
    }

    /// Takes the cells that the journal has; returns the others.
    fn without_known(&mut self, recorder: &Recorder, asked: Vec<Keyed>) -> Vec<Keyed> {
        let is_left = |(key, (round, entry)): &Keyed| {
            let line = recorder.journal.get(key);
            !line.is_some_and(|line| self.take_line(*round, *entry, line))
        };
        asked.into_iter().filter(is_left).collect()
    }

    /// Scores what is asked together with other processes: each cell is scored by one of them, and those of a process that dies by
    /// another.
    pub(super) fn run_joined(&mut self, mut rest: Vec<Keyed>) -> Result<()> {
        while !rest.is_empty() {
            self.cancel.check()?;
            let Some(mut recorder) = self.recorder.take() else { return Ok(()) };
            let claimed = recorder.journal.claim(|journal| {
                let is_left = |key: &&String| !journal.get(key).is_some_and(|line| self.can_use(line));
                rest.iter().map(|(key, _)| key).filter(is_left).cloned().collect()
            });
            if let Ok(Claim::GiveUp { key, how }) = &claimed {
                let cell = rest.iter().find(|(other, _)| other == key).map(|(_, cell)| *cell);
                if let Some(line) = cell.and_then(|cell| self.given_up_line(&recorder, cell, how)) {
                    recorder.journal.append_known(line)?;
                }
            }
            rest = self.without_known(&recorder, rest);
            self.recorder = Some(recorder);
            match claimed? {
                Claim::Compute(claimed) => {
                    let claimed: HashSet<String> = claimed.into_iter().collect();
                    let (own, others) = rest.into_iter().partition(|(key, _)| claimed.contains(key));
                    rest = others;
                    self.run_known(&pairs_of(own))?;
                }
                Claim::Wait => thread::sleep(PAUSE),
                Claim::GiveUp { .. } => {}
            }
        }
        Ok(())
    }

    fn hash_of_round(&self, number: u32) -> ContentHash {
        let (round, blocks) = (self.round(number), self.split.blocks().count());
        let mut text = format!("{} {}\n", self.split.first_alike(number), self.is_plain(number));
        for rows in [&round.train, &round.validate] {
            for range in rows.ranges_within(blocks) {
                // Nothing that is written to a text fails.
                let _ = write!(text, "{}-{} ", range.start, range.end);
            }
            text.push('\n');
        }
        ContentHash::of(text.as_bytes())
    }

    /// Whether a line says all that is needed. A unit that took too long may have more time now.
    fn can_use(&self, line: &CellLine) -> bool {
        let limit = self.search.max_fit_time.map(|limit| limit.as_secs_f64());
        let has_more_time = line.limit.is_some_and(|exceeded| limit.is_none_or(|limit| limit > exceeded));
        !has_more_time && line.bits.len() == self.evaluators.len() && line.metrics().is_some()
    }

    /// Takes a line of the journal for a cell. Returns whether it can be used.
    fn take_line(&mut self, round: u32, entry: usize, line: &CellLine) -> bool {
        let Some(metrics) = line.metrics().filter(|_| self.can_use(line)) else { return false };
        let (first, others) = (metrics.first().copied(), metrics.iter().skip(1));
        let also = line.also.iter().zip(others);
        let filled = Cell {
            metric: first.filter(|_| line.error.is_none()),
            also: also.map(|(also, &metric)| FoldMetric { metric, ..also.clone() }).collect(),
            error: line.error.clone(),
            undefined: line.undefined.clone(),
            fit_seconds: line.fit_seconds,
            score_seconds: line.score_seconds,
            reused_fits: self.cells.at(round, entry).reused_fits,
        };
        self.count_failures(u64::from(line.error.is_some()));
        *self.cells.at(round, entry) = filled;
        if !self.is_plain(round) {
            return true;
        }
        let first = self.split.first_alike(round);
        let path = self.tree.paths.get(entry).cloned().unwrap_or_default();
        for fit in &line.fits {
            let node = fit.place.and_then(|place| path.get(place)).copied();
            let place = self.fit_place(first, node, entry);
            self.notes.add(place, &fit.stages, fit.notes.iter().cloned());
        }
        for (evaluator, note) in &line.notes {
            self.evaluation_notes.add(round, *evaluator, [note.clone()]);
        }
        true
    }

    /// Writes the cells of a unit that has ended to the journal. If that fails, the search ends.
    pub(super) fn keep(&self, unit: &Unit, entries: &[usize], record: &Result<Record, String>) {
        let Some(recorder) = &self.recorder else { return };
        if record.as_ref().is_ok_and(|record| record.is_cancelled) || recorder.has_failed() {
            return;
        }
        let lines = match record {
            Ok(record) => match &record.failed_before {
                Some(failure) => self.failed_lines(recorder, unit, failure),
                None => self.scored_lines(recorder, unit, entries, record),
            },
            Err(message) => self.failed_lines(recorder, unit, &Failure::from(message.as_str())),
        };
        if let Err(error) = recorder.journal.append(&lines) {
            lock(&recorder.failed).get_or_insert(error);
            self.cancel.cancel();
        }
    }

    fn scored_lines(
        &self,
        recorder: &Recorder,
        unit: &Unit,
        entries: &[usize],
        record: &Record,
    ) -> Vec<CellLine> {
        let first = self.split.first_alike(unit.first_round());
        let mut alone = None;
        for fit in &record.fits {
            let line = FitLine { place: None, stages: fit.stages.clone(), notes: fit.notes.clone() };
            match unit.group.get(fit.place) {
                Some((node, _)) => drop(lock(&recorder.fits).insert((first, *node), line)),
                None => alone = Some(line),
            }
        }
        // All candidates share what is said of the rows of a round.
        let mut notes: BTreeMap<u32, Vec<(usize, luthier_core::Note)>> = BTreeMap::new();
        for score in &record.scores {
            let of = score.metrics.iter().enumerate();
            notes.entry(score.round).or_default().extend(of.flat_map(|(evaluator, metric)| {
                metric.notes.iter().map(move |note| (evaluator, note.clone()))
            }));
        }
        let share = (unit.rounds.len() * entries.len()).max(1) as f64;
        let line = |score: &Score| {
            let (round, entry) = (score.round, score.candidate);
            let cell = self.cells.get(round, entry);
            let metrics: Vec<f64> = score.metrics.iter().map(|metric| metric.value()).collect();
            let deciding = score.metrics.first();
            let error = deciding.and_then(|metric| metric.error.clone());
            let fits = match &alone {
                Some(alone) => vec![alone.clone()],
                None if self.is_plain(round) => self.fits_of(recorder, first, entry),
                None => Vec::new(),
            };
            Some(CellLine {
                outcome: if error.is_some() { Outcome::Failed } else { Outcome::Scored },
                metric: metrics.first().copied().unwrap_or(f64::NAN),
                bits: metrics.iter().copied().map(bits).collect(),
                also: score.metrics.iter().skip(1).map(|metric| metric.clone().into_fold_metric()).collect(),
                undefined: deciding.and_then(super::unit::Metric::undefined),
                limit: self.exceeded(error.as_ref()),
                error,
                fit_seconds: cell.map_or(0.0, |cell| cell.fit_seconds) + record.fit_seconds / share,
                score_seconds: record.score_seconds / share,
                fits,
                notes: notes.get(&round).cloned().unwrap_or_default(),
                ..self.new_line(recorder, round, entry)?
            })
        };
        record.scores.iter().filter_map(line).collect()
    }

    /// The stages that were fitted for an entry on rounds with these training rows.
    fn fits_of(&self, recorder: &Recorder, first: u32, entry: usize) -> Vec<FitLine> {
        let fits = lock(&recorder.fits);
        let path = self.tree.paths.get(entry).map_or(&[][..], Vec::as_slice);
        let fit = |(place, node): (usize, &usize)| {
            Some(FitLine { place: Some(place), ..fits.get(&(first, *node))?.clone() })
        };
        path.iter().enumerate().filter_map(fit).collect()
    }

    /// The cells of a unit that could not be scored.
    fn failed_lines(&self, recorder: &Recorder, unit: &Unit, failure: &Failure) -> Vec<CellLine> {
        let first = self.split.first_alike(unit.first_round());
        let cells =
            unit.numbers().flat_map(|round| unit.scored.iter().map(move |scored| (round, scored.candidate)));
        let line = |(round, entry)| {
            let missing = FoldMetric { metric: f64::NAN, error: Some(failure.clone()), undefined: None };
            Some(CellLine {
                outcome: Outcome::Failed,
                bits: vec![bits(f64::NAN); self.evaluators.len()],
                also: vec![missing; self.evaluators.len().saturating_sub(1)],
                error: Some(failure.clone()),
                limit: self.exceeded(Some(failure)),
                fits: if self.is_plain(round) { self.fits_of(recorder, first, entry) } else { Vec::new() },
                ..self.new_line(recorder, round, entry)?
            })
        };
        cells.filter_map(line).collect()
    }

    /// The cell of a candidate at which processes have died.
    fn given_up_line(
        &self,
        recorder: &Recorder,
        (round, entry): (u32, usize),
        how: &str,
    ) -> Option<CellLine> {
        let message = format!("each process that tried it by itself died, the last one by {how}");
        let failure = Failure::from(message.as_str());
        let missing = FoldMetric { metric: f64::NAN, error: Some(failure.clone()), undefined: None };
        Some(CellLine {
            outcome: Outcome::Failed,
            bits: vec![bits(f64::NAN); self.evaluators.len()],
            also: vec![missing; self.evaluators.len().saturating_sub(1)],
            error: Some(failure),
            ..self.new_line(recorder, round, entry)?
        })
    }

    /// The limit that a failure is due to, in seconds.
    fn exceeded(&self, failure: Option<&Failure>) -> Option<f64> {
        let limit = self.search.max_fit_time.filter(|_| failure.is_some_and(Failure::is_over_time));
        limit.map(|limit| limit.as_secs_f64())
    }

    fn new_line(&self, recorder: &Recorder, round: u32, entry: usize) -> Option<CellLine> {
        let candidate = self.entries.get(entry)?.candidate;
        let params = self.candidates().get(candidate).map(|one| one.params.iter());
        let params = params.into_iter().flatten().map(|(name, value)| (name.to_owned(), value.to_json()));
        Some(CellLine::new(recorder.key(round, entry)?, round, candidate, params.collect()))
    }

    /// The error of a journal that could not be written, with the results so far.
    pub(crate) fn journal_failure(&mut self) -> Option<Error> {
        let error = self.recorder.as_ref()?.take_failure()?;
        Some(match error {
            Error::Journal { path, source, .. } => {
                Error::Journal { path, source, result: Some(Box::new(self.result())) }
            }
            other => other,
        })
    }
}
