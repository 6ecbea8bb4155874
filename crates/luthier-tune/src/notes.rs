//! The notes of a search, in addition to its numbers.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use luthier_core::{Note, NoteKind};
use serde::{Deserialize, Serialize};

use crate::result::{CandidateResult, Outcome, SearchResult};

/// Something that a reader of the results should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchNote {
    /// The note. If notes of models differ only in their messages, this is one of them.
    #[serde(flatten)]
    pub note: Note,
    /// For a note of a model: the fits that gave it.
    #[serde(default)]
    pub fits: Option<NotedFits>,
    /// For a note of an evaluator: the folds that it is about, unless it is about all.
    #[serde(default)]
    pub folds: Vec<u32>,
}

/// The fits that gave a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotedFits {
    /// The number of fits of the stage on training rows of folds that gave the note.
    pub said: usize,
    /// The number of those fits in all.
    pub of: usize,
    /// Whether the model that was fitted on all rows gave it as well.
    pub in_model: bool,
}

impl SearchNote {
    /// A note about the search as a whole.
    pub(crate) fn new(kind: NoteKind, message: impl Into<String>) -> Self {
        Self { note: Note::new(kind, message), fits: None, folds: Vec::new() }
    }
}

/// ``stage `lr`: the fit stopped early (in 5 of 9 fits, and in the model)``
impl fmt::Display for SearchNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)?;
        match self.fits {
            Some(NotedFits { said: 0, .. }) => write!(f, " (in the model)"),
            Some(NotedFits { said, of, in_model }) => {
                let model = if in_model { ", and in the model" } else { "" };
                let noun = if of == 1 { "fit" } else { "fits" };
                write!(f, " (in {said} of {of} {noun}{model})")
            }
            None if self.folds.is_empty() => Ok(()),
            None => write!(f, " (on {})", numbered("fold", &as_places(&self.folds))),
        }
    }
}

fn as_places(folds: &[u32]) -> Vec<usize> {
    folds.iter().map(|&fold| fold as usize).collect()
}

/// The notes of evaluators on defined metrics, with the folds.
#[derive(Debug, Default)]
pub(crate) struct EvaluationNotes(Vec<Told>);

/// A note with its folds, and the first fold, evaluator and position at which it was made.
#[derive(Debug)]
struct Told {
    first: (u32, usize, usize),
    note: Note,
    folds: BTreeSet<u32>,
}

impl EvaluationNotes {
    /// Adds notes of an evaluator on the rows of a fold, except reasons for undefined metrics, which are part of the results.
    pub(crate) fn add(&mut self, fold: u32, evaluator: usize, notes: impl IntoIterator<Item = Note>) {
        let notes = notes.into_iter().filter(|note| note.kind != NoteKind::UndefinedMetric);
        for (place, note) in notes.enumerate() {
            let first = (fold, evaluator, place);
            match self.0.iter_mut().find(|known| known.note == note) {
                Some(known) => {
                    known.folds.insert(fold);
                    known.first = known.first.min(first);
                }
                None => self.0.push(Told { first, note, folds: BTreeSet::from([fold]) }),
            }
        }
    }

    /// The notes by the folds at which they begin, so that they do not depend on what ended first.
    pub(crate) fn finish(mut self, folds: usize) -> impl Iterator<Item = SearchNote> {
        self.0.sort_by_key(|told| told.first);
        self.0.into_iter().map(move |Told { note, folds: on, .. }| {
            let on = if on.len() == folds { Vec::new() } else { on.into_iter().collect() };
            SearchNote { note, fits: None, folds: on }
        })
    }
}

/// Which fit gave notes: the number of stages before it, the first round with its training rows, and its place in the tree. That of the
/// model on all rows comes last.
pub(crate) type FitPlace = (usize, u32, usize);

/// The notes of models, counted by subject.
#[derive(Debug, Default)]
pub(crate) struct FitNotes {
    /// Each with the first fit that gave it, and its position there.
    notes: Vec<((FitPlace, usize), SearchNote)>,
    places: HashMap<(Option<String>, NoteKind, Vec<String>, String), usize>,
    fits: HashMap<String, usize>,
    seen: HashSet<FitPlace>,
}

impl FitNotes {
    /// Adds the notes of one fit, with its stages and how many models of each, unless it is known.
    pub(crate) fn add<'a>(
        &mut self,
        fit: FitPlace,
        stages: impl IntoIterator<Item = (&'a String, &'a usize)>,
        notes: impl IntoIterator<Item = Note>,
    ) {
        if !self.seen.insert(fit) {
            return;
        }
        for (stage, models) in stages {
            let fits = self.fits.entry(stage.clone()).or_default();
            // A journal may claim any number.
            *fits = fits.saturating_add(*models);
        }
        for (place, note) in notes.into_iter().enumerate() {
            self.change((fit, place), note, |fits| fits.said += 1);
        }
    }

    /// Adds the notes of the model that was fitted on all rows.
    pub(crate) fn add_model(&mut self, notes: impl IntoIterator<Item = Note>) {
        let last = (usize::MAX, u32::MAX, usize::MAX);
        for (place, note) in notes.into_iter().enumerate() {
            self.change((last, place), note, |fits| fits.in_model = true);
        }
    }

    fn change(&mut self, from: (FitPlace, usize), note: Note, change: impl FnOnce(&mut NotedFits)) {
        // Messages hold numbers that differ from fit to fit; only what is of no kind is told apart by them.
        let message = if note.kind == NoteKind::Other { note.message.clone() } else { String::new() };
        // The order of categories, and so of the features made of them, may differ too.
        let mut subjects = note.subjects.clone();
        subjects.sort_unstable();
        let key = (note.stage.clone(), note.kind, subjects, message);
        let place = *self.places.entry(key).or_insert(self.notes.len());
        if place == self.notes.len() {
            self.notes.push((from, SearchNote { note, fits: None, folds: Vec::new() }));
        } else if let Some((first, known)) = self.notes.get_mut(place).filter(|(first, _)| from < *first) {
            (*first, known.note) = (from, note);
        }
        if let Some((_, known)) = self.notes.get_mut(place) {
            change(known.fits.get_or_insert_default());
        }
    }

    /// The notes in the order of the fits that gave them.
    pub(crate) fn finish(mut self) -> Vec<SearchNote> {
        self.notes.sort_by_key(|(first, _)| *first);
        for (_, SearchNote { note, fits, .. }) in &mut self.notes {
            let of = note.stage.as_ref().and_then(|stage| self.fits.get(stage));
            if let (Some(fits), Some(&of)) = (fits, of) {
                fits.of = of;
            }
        }
        self.notes.into_iter().map(|(_, note)| note).collect()
    }
}

/// `fold 2`, or `folds 0-3, 7`.
pub(crate) fn numbered(noun: &str, numbers: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let run = |&(first, last): &(usize, usize)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    };
    let ending = if numbers.len() == 1 { "" } else { "s" };
    format!("{noun}{ending} {}", runs.iter().map(run).collect::<Vec<_>>().join(", "))
}

/// The largest number of reasons that are listed one by one.
pub(crate) const MOST_REASONS: usize = 10;

/// What is missing in the table, and why. For each metric, starting with the one that ranks, `defined_for` describes the
/// rows that it needs.
pub(crate) fn missing_metrics(result: &SearchResult, defined_for: &[Option<String>]) -> Vec<SearchNote> {
    let names = std::iter::once(&result.metric).chain(result.also.iter().map(|also| &also.name));
    let mut notes: Vec<SearchNote> = names
        .enumerate()
        .filter_map(|(metric, name)| undefined(result, metric, name, defined_for.get(metric)?.as_deref()))
        .collect();
    let scored = |candidate: &&CandidateResult| candidate.has_mean();
    let most = result.candidates.iter().filter(scored).map(|candidate| candidate.scored_folds).max();
    // Folds on which a strategy gave a candidate up are not undefined.
    let is_undefined = |candidate: &&CandidateResult| {
        candidate.folds.iter().any(|fold| fold.outcome == Outcome::Scored && fold.metric.is_nan())
    };
    let fewer = result.candidates.iter().filter(scored).filter(|c| Some(c.scored_folds) != most);
    let fewer = fewer.filter(is_undefined);
    let fewer: Vec<usize> = fewer.map(|candidate| candidate.index).collect();
    if !fewer.is_empty() {
        let message = format!(
            "{}: {} is not defined (NaN) on some folds where other candidates have it, so the mean is over fewer folds \
             and ranks behind",
            numbered("candidate", &fewer),
            result.metric
        );
        notes.push(SearchNote::new(NoteKind::UndefinedMetric, message));
    }
    notes
}

/// The folds on which no candidate has a metric although none failed there.
fn undefined(
    result: &SearchResult,
    metric: usize,
    name: &str,
    defined_for: Option<&str>,
) -> Option<SearchNote> {
    let folds = result.candidates.first()?.folds.len();
    let missing = |candidate: &CandidateResult, fold: usize| {
        let fold = candidate.folds.get(fold).filter(|fold| fold.outcome == Outcome::Scored)?;
        match metric.checked_sub(1) {
            None => Some(fold.metric.is_nan()).filter(|_| fold.error.is_none()),
            Some(also) => fold.also.get(also).filter(|m| m.error.is_none()).map(|m| m.metric.is_nan()),
        }
    };
    let on_none = |&fold: &usize| {
        let mut told = result.candidates.iter().filter_map(|candidate| missing(candidate, fold)).peekable();
        told.peek().is_some() && told.all(|missing| missing)
    };
    let without: Vec<usize> = (0..folds).filter(on_none).collect();
    if without.is_empty() {
        return None;
    }
    let number = |place: &usize| Some(result.candidates.first()?.folds.get(*place)?.fold as usize);
    let numbers: Vec<usize> = without.iter().filter_map(number).collect();
    let reasons = reasons_by_fold(result, metric, &without);
    let mut message = match reasons.is_empty() {
        true => {
            let folds =
                if without.len() == folds { "any fold".to_owned() } else { numbered("fold", &numbers) };
            let needs = defined_for.map(|needed| format!(": it needs {needed}")).unwrap_or_default();
            format!("{name} is not defined (NaN) on {folds}{needs}")
        }
        false => {
            let told =
                reasons.iter().map(|(message, folds)| format!("{}: {message}", numbered("fold", folds)));
            told.collect::<Vec<_>>().join("; ")
        }
    };
    match folds - without.len() {
        0 => {}
        1 => message.push_str("; the means are over the other fold"),
        over => message.push_str(&format!("; the means are over the other {over} folds")),
    }
    Some(SearchNote::new(NoteKind::UndefinedMetric, message))
}

/// The reasons that evaluators give for an undefined metric, with the numbers of the folds at these positions. `metric` is 0
/// for the one that ranks.
pub(crate) fn reasons_by_fold(
    result: &SearchResult,
    metric: usize,
    places: &[usize],
) -> Vec<(String, Vec<usize>)> {
    let mut reasons: Vec<(String, Vec<usize>)> = Vec::new();
    for place in places {
        let fold = |candidate: &CandidateResult| {
            let fold = candidate.folds.get(*place)?;
            let why = match metric.checked_sub(1) {
                None => fold.undefined.clone(),
                Some(also) => fold.also.get(also)?.undefined.clone(),
            };
            Some((why?, fold.fold as usize))
        };
        let Some((why, fold)) = result.candidates.iter().find_map(fold) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, folds)) => folds.push(fold),
            None => reasons.push((why, vec![fold])),
        }
    }
    reasons
}

/// The reasons why candidates of a search with a best one failed.
pub(crate) fn failed(result: &SearchResult) -> Vec<SearchNote> {
    let failures = result.failures();
    let told = failures.iter().take(MOST_REASONS).map(ToString::to_string);
    let left = failures.len().saturating_sub(MOST_REASONS);
    let more = (left > 0).then(|| format!("candidates failed for {left} more reasons"));
    told.chain(more).map(|message| SearchNote::new(NoteKind::Other, message)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn notes_of_fits_are_told_once_with_how_often() {
        let stopped = |n: usize| {
            Note::new(NoteKind::NotConverged, format!("stopped after {n} iterations")).in_stage("lr")
        };
        let mut notes = FitNotes::default();
        let three = BTreeMap::from([("lr".to_owned(), 3)]);
        let none = BTreeMap::<String, usize>::new();
        // In the order of the fits, whichever ended first, and each once.
        notes.add((0, 1, 0), &none, [stopped(7), Note::new(NoteKind::Other, "odd").in_stage("lr")]);
        (0..2).for_each(|_| notes.add((0, 0, 0), &three, [stopped(5)]));
        let dependent = |names: [&str; 2]| {
            let message = format!("{} depend on each other", names.join(" and "));
            Note::new(NoteKind::RankDeficient, message).in_stage("lr").about(names.map(str::to_owned))
        };
        notes.add((0, 2, 0), &none, [dependent(["a", "b"])]);
        notes.add((0, 3, 0), &none, [dependent(["b", "a"]), dependent(["a", "c"])]);
        notes.add_model([stopped(9), Note::new(NoteKind::Separated, "apart").in_stage("lr")]);
        let told: Vec<String> = notes.finish().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "stage `lr`: stopped after 5 iterations (in 2 of 3 fits, and in the model)",
                "stage `lr`: odd (in 1 of 3 fits)",
                "stage `lr`: a and b depend on each other (in 2 of 3 fits)",
                "stage `lr`: a and c depend on each other (in 1 of 3 fits)",
                "stage `lr`: apart (in the model)",
            ]
        );
    }

    #[test]
    fn a_journal_may_claim_any_number_of_fits() {
        let most = BTreeMap::from([("lr".to_owned(), usize::MAX)]);
        let mut notes = FitNotes::default();
        let note = || Note::new(NoteKind::Other, "odd").in_stage("lr");
        (0..2).for_each(|round| notes.add((0, round, 0), &most, [note()]));
        let told = notes.finish();
        assert_eq!(told[0].fits.map(|fits| (fits.said, fits.of)), Some((2, usize::MAX)));
    }

    #[test]
    fn numbers_are_told_as_ranges() {
        assert_eq!(numbered("fold", &[3]), "fold 3");
        assert_eq!(numbered("fold", &[0, 1, 3, 5, 6, 7]), "folds 0, 1, 3, 5-7");
    }
}
