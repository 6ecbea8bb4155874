//! The candidates of a session, and what is run for them.

use std::collections::HashMap;
use std::sync::Arc;

use luthier_core::{DynEstimator, ParamMap};

use crate::search::Search;
use crate::strategy::{Candidate, Trial, Wanted};
use crate::{Error, Result};

/// A candidate as the engine runs it. Where a trial sets other values for parameters, it is run as another one.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) estimator: Arc<dyn DynEstimator>,
    /// The candidate that it is or stands for.
    pub(super) candidate: usize,
}

#[derive(Debug)]
pub(crate) struct Entries {
    candidates: Vec<Candidate>,
    all: Vec<Entry>,
    /// The entry of each candidate.
    of_candidate: Vec<usize>,
    /// Entries by what tells them apart, once trials name parameters.
    known: Option<HashMap<String, usize>>,
}

/// What some trials add: nothing of it counts before it is committed.
#[derive(Debug, Default)]
pub(super) struct Added {
    /// What is run for each new entry.
    pub(super) run: Vec<Candidate>,
    pub(super) estimators: Vec<Arc<dyn DynEstimator>>,
    /// The candidate that each new entry is or stands for.
    candidate_of: Vec<usize>,
    /// New candidates, with their entries.
    candidates: Vec<(Candidate, usize)>,
    known: HashMap<String, usize>,
}

impl Entries {
    pub(crate) fn new(candidates: Vec<Candidate>, estimators: Vec<Arc<dyn DynEstimator>>) -> Self {
        let entry = |(candidate, estimator)| Entry { estimator, candidate };
        Self {
            of_candidate: (0..candidates.len()).collect(),
            all: (0..).zip(estimators).map(entry).collect(),
            candidates,
            known: None,
        }
    }

    pub(super) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    pub(super) fn get(&self, entry: usize) -> Option<&Entry> {
        self.all.get(entry)
    }

    /// The entry of a candidate.
    pub(super) fn of(&self, candidate: usize) -> Option<usize> {
        self.of_candidate.get(candidate).copied()
    }

    /// The entries of all candidates.
    pub(super) fn of_all(&self) -> &[usize] {
        &self.of_candidate
    }

    /// The candidates that entries are or stand for.
    pub(super) fn numbers(&self, entries: &[usize]) -> Vec<usize> {
        let number = |&entry: &usize| self.all.get(entry).map_or(entry, |entry| entry.candidate);
        entries.iter().map(number).collect()
    }

    /// The entries of trials, and what they add.
    ///
    /// # Errors
    /// A candidate or a pipeline that does not exist; parameters with a wrong name, type or range.
    pub(super) fn place(&mut self, search: &Search, trials: &[Trial]) -> Result<(Vec<usize>, Added)> {
        let is_known = |trial: &Trial| trial.known_candidate().is_some() && trial.instead.is_empty();
        if !trials.iter().all(is_known) && self.known.is_none() {
            let entries = self.of_candidate.iter().zip(&self.candidates);
            // Of equal candidates the first is meant.
            self.known = Some(entries.rev().map(|(&entry, one)| (key_of(one), entry)).collect());
        }
        let mut added = Added::default();
        let entries = trials.iter().map(|trial| self.place_one(search, trial, &mut added));
        let entries = entries.collect::<Result<_>>()?;
        Ok((entries, added))
    }

    pub(super) fn commit(&mut self, added: Added) {
        let entries = added.estimators.into_iter().zip(added.candidate_of);
        self.all.extend(entries.map(|(estimator, candidate)| Entry { estimator, candidate }));
        for (candidate, entry) in added.candidates {
            self.candidates.push(candidate);
            self.of_candidate.push(entry);
        }
        if let Some(known) = &mut self.known {
            known.extend(added.known);
        }
    }

    fn place_one(&self, search: &Search, trial: &Trial, added: &mut Added) -> Result<usize> {
        let (own, number) = match &trial.what {
            Wanted::Known(number) => {
                let count = self.candidates.len();
                let unknown = || {
                    Error::invalid(format!(
                        "there is no candidate {number}: there are {count}, numbered from 0"
                    ))
                };
                let own = self.candidates.get(*number).ok_or_else(unknown)?;
                match self.of(*number) {
                    Some(entry) if trial.instead.is_empty() => return Ok(entry),
                    _ => (own.clone(), *number),
                }
            }
            Wanted::Params(pipeline, params) => {
                let next = self.candidates.len() + added.candidates.len();
                let params = search.relevant(*pipeline, params, next)?;
                let own = Candidate { pipeline: *pipeline, params };
                let number = match self.find(&key_of(&own), added) {
                    Some(entry) => self.candidate_of(entry, added),
                    None => {
                        let entry = self.add(search, key_of(&own), own.clone(), next, added)?;
                        added.candidates.push((own.clone(), entry));
                        next
                    }
                };
                (own, number)
            }
        };
        if trial.instead.is_empty() {
            let new = || added.candidates.get(number - self.of_candidate.len()).map(|(_, entry)| *entry);
            return Ok(self.of(number).or_else(new).unwrap_or_default());
        }
        let set =
            |params: ParamMap, (path, value): (&str, &luthier_core::Value)| params.with(path, value.clone());
        let run = Candidate { params: trial.instead.iter().fold(own.params, set), ..own };
        // What stands for a candidate must not be taken for a candidate of its own.
        let key = format!("{number} {}", key_of(&run));
        match self.find(&key, added) {
            Some(entry) => Ok(entry),
            None => self.add(search, key, run, number, added),
        }
    }

    fn find(&self, key: &str, added: &Added) -> Option<usize> {
        let known = self.known.as_ref().and_then(|known| known.get(key));
        known.or_else(|| added.known.get(key)).copied()
    }

    fn candidate_of(&self, entry: usize, added: &Added) -> usize {
        match self.all.get(entry) {
            Some(known) => known.candidate,
            None => added.candidate_of.get(entry - self.all.len()).copied().unwrap_or_default(),
        }
    }

    fn add(
        &self,
        search: &Search,
        key: String,
        run: Candidate,
        candidate: usize,
        added: &mut Added,
    ) -> Result<usize> {
        let entry = self.all.len() + added.run.len();
        added.estimators.push(search.configured(run.pipeline, &run.params, candidate)?);
        added.run.push(run);
        added.candidate_of.push(candidate);
        added.known.insert(key, entry);
        Ok(entry)
    }
}

/// What tells a candidate from others.
fn key_of(candidate: &Candidate) -> String {
    format!("{} {:?}", candidate.pipeline, candidate.params)
}
