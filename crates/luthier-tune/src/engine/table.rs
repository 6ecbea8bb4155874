//! The table of a session: what is known of every candidate.

use std::collections::BTreeMap;
use std::sync::Arc;

use luthier_core::frame::Schema;
use luthier_core::{CancelReason, Dataset, DynEvaluator, DynModel, PipelineModel, evaluate_all};

use super::{Session, Shown};
use crate::failure::Failure;
use crate::notes::{SearchNote, failed, missing_metrics, numbered, reasons_by_fold};
use crate::observer::SearchEvent;
use crate::result::{
    CandidateResult, FoldMetric, FoldResult, Outcome, SearchResult, SecondaryMetric, TestScore,
    probabilities_best, rank, std_error_of,
};
use crate::search::{ProcedureScore, SubModels};
use crate::{Error, Result};

impl Session {
    /// Some candidates with their metrics on some rounds, ranked.
    pub(crate) fn table(
        &self,
        candidates: impl Iterator<Item = usize>,
        rounds: &[u32],
    ) -> Vec<CandidateResult> {
        let row = |index: usize| {
            let candidate = self.candidates().get(index)?;
            let entry = self.entries.of(index)?;
            let folds = rounds.iter().map(|&round| self.fold_result(round, entry)).collect();
            Some(CandidateResult::new(index, candidate.pipeline, candidate.params.clone(), folds))
        };
        let mut candidates: Vec<CandidateResult> = candidates.filter_map(row).collect();
        rank(&mut candidates, self.search.is_larger_better());
        candidates
    }

    /// The numbers of the rounds that count for the candidates.
    pub(crate) fn plain_rounds(&self) -> Vec<u32> {
        (0..self.plain as u32).collect()
    }

    /// The position of the candidate in the table that the search's rule of selection chooses.
    pub(crate) fn choose(&self, table: &[CandidateResult]) -> Option<usize> {
        let simpler = |a: usize, b: usize| self.is_simpler(a, b);
        self.search.selection.choose(table, self.search.is_larger_better(), self.overlap(), simpler)
    }

    /// Whether a candidate is simpler than another one of the same pipeline.
    fn is_simpler(&self, a: usize, b: usize) -> bool {
        let entry = |candidate: usize| self.entries.get(self.entries.of(candidate)?);
        let pipeline = |candidate: usize| self.candidates().get(candidate).map(|one| one.pipeline);
        let (Some(one), Some(other)) = (entry(a), entry(b)) else { return false };
        pipeline(a) == pipeline(b)
            && crate::search::is_simpler(one.estimator.as_ref(), other.estimator.as_ref())
    }

    /// What is known so far, as the result of a search: all candidates on the rounds that count for them.
    pub fn result(&self) -> SearchResult {
        let evaluators = &self.evaluators;
        let larger_is_better = self.search.is_larger_better();
        let mut metrics = self.metrics.iter().cloned();
        let metric = metrics.next().unwrap_or_default();
        let others = metrics.zip(evaluators.iter().skip(1));
        let also = others
            .map(|(name, other)| SecondaryMetric { name, larger_is_better: other.is_larger_better() })
            .collect();
        let shown = self.shown.as_ref().map_or(self.candidates().len(), |shown| shown.candidates);
        let mut candidates = self.table(0..shown, &self.plain_rounds());
        if let Some(shown) = &self.shown {
            self.hide_later(&mut candidates, shown);
        }
        let overlap = self.overlap();
        let probabilities = probabilities_best(&candidates, overlap, larger_is_better);
        for (candidate, probability) in candidates.iter_mut().zip(probabilities) {
            candidate.std_error = std_error_of(candidate, overlap);
            candidate.probability_best = probability;
        }
        let ended_early = self.ended_early(&candidates);
        SearchResult {
            metric,
            larger_is_better,
            also,
            best: self.choose(&candidates).unwrap_or(0),
            selection: self.search.selection,
            strategy: self.search.strategy_name(),
            seed: self.search.seed,
            pipelines: self.search.pipeline_names(),
            candidates,
            notes: Vec::new(),
            ended_early,
            procedure: None,
            test: None,
            overlap,
            executor_note: self.search.executor_note(),
            search_seconds: self.clock.seconds(),
            work: self.work.snapshot(),
            recorded_work: None,
            forecast: self.forecast,
            events: self.events.clone(),
        }
    }

    /// Takes out what was asked after the candidates were scored, and ranks them by the rest.
    fn hide_later(&self, candidates: &mut [CandidateResult], shown: &Shown) {
        let mut is_changed = false;
        for candidate in candidates.iter_mut() {
            let Some(entry) = self.entries.of(candidate.index) else { continue };
            for fold in &mut candidate.folds {
                let is_later =
                    !shown.asked.contains(fold.fold, entry) && self.asked.contains(fold.fold, entry);
                if is_later && !self.tree.invalid.contains_key(&entry) {
                    *fold = self.without_score(fold.fold, Outcome::Pruned);
                    is_changed = true;
                }
            }
        }
        if is_changed {
            rank(candidates, self.search.is_larger_better());
        }
    }

    /// A pair that was not scored.
    fn without_score(&self, round: u32, outcome: Outcome) -> FoldResult {
        FoldResult {
            fold: round,
            outcome,
            also: vec![FoldMetric::default(); self.evaluators.len() - 1],
            ..FoldResult::default()
        }
    }

    /// Ends the session: chooses the best candidate, fits it on all rows, and collects notes.
    pub(crate) fn finish(mut self, procedure: Option<ProcedureScore>) -> Result<crate::Tuned> {
        let sub_models = self.search.collect_sub_models.then(|| self.sub_models(self.base.schema()));
        let mut result = self.result();
        result.procedure = procedure;
        let defined_for: Vec<_> = self.evaluators.iter().map(|e| e.defined_for()).collect();
        result.notes = self.classes().iter().flat_map(|classes| classes.notes(self.plain)).collect();
        result.notes.extend(std::mem::take(&mut self.evaluation_notes).finish(self.plain));
        result.notes.extend(missing_metrics(&result, &defined_for));
        let mut said = std::mem::take(&mut self.notes);
        let best = result.best;
        let refitted = match result.best_candidate() {
            Some(_) => {
                let refitted = self.refit(best);
                if let Ok(model) = &refitted {
                    said.add_model(PipelineModel::from(Arc::clone(model)).notes());
                }
                Some(refitted)
            }
            None => None,
        };
        result.notes.extend(said.finish());
        result.search_seconds = self.clock.seconds();
        result.work = self.work.snapshot();
        if let Some(recorder) = &self.recorder {
            result.recorded_work = recorder.work(result.work);
        }
        result.events = std::mem::take(&mut self.events);
        let wanted = self.plain <= self.search.out_of_fold && result.best_candidate().is_some();
        let out_of_fold = match wanted.then(|| self.out_of_fold(best)) {
            Some(Err(error)) => {
                // The scores and the model are worth more.
                self.remark(format!("there are no predictions for held-out rows: {error}"));
                None
            }
            predicted => predicted.transpose()?,
        };
        result.notes.extend(self.note_on_end(&result));
        let remarks = std::mem::take(&mut self.remarks).into_iter();
        result.notes.extend(remarks.map(|text| SearchNote::new(luthier_core::NoteKind::Other, text)));
        let seconds = result.search_seconds;
        self.tell(|| SearchEvent::Finished { seconds });
        let complaints = self.observers.complaints().into_iter();
        let complaints: Vec<SearchNote> =
            complaints.map(|text| SearchNote::new(luthier_core::NoteKind::Other, text)).collect();
        match refitted {
            Some(Ok(model)) => {
                result.test = self.test_score(&model)?;
                result.notes.extend(failed(&result));
                result.notes.extend(complaints);
                Ok(crate::Tuned { model, result, sub_models, out_of_fold })
            }
            Some(Err(source)) => Err(Error::Refit { result: Box::new(result), source: Box::new(source) }),
            None => Err(self.without_best(result, defined_for.into_iter().next().flatten())),
        }
    }

    /// Why something that the strategy asked for was not scored; `None` if all was.
    fn ended_early(&self, candidates: &[CandidateResult]) -> Option<String> {
        if let Some(limit) = self.search.max_failures.filter(|_| self.has_too_many_failures()) {
            return Some(format!("because more than {limit} fits failed (max_failures)"));
        }
        let mut folds = candidates.iter().flat_map(|candidate| &candidate.folds);
        let is_cut = folds.any(|fold| fold.outcome == Outcome::Cancelled);
        self.limited.clone().or_else(|| self.cancelled().filter(|_| is_cut))
    }

    /// Why the search was cancelled, in words.
    pub(crate) fn cancelled(&self) -> Option<String> {
        match self.cancel.reason()? {
            reason @ CancelReason::Deadline(_) => Some(format!("{reason} (max_seconds)")),
            reason => Some(reason.to_string()),
        }
    }

    /// What a search says that ended early.
    fn note_on_end(&self, result: &SearchResult) -> Option<SearchNote> {
        let reason = result.ended_early.as_ref()?;
        let (scored, all) = result.progress();
        let message = format!(
            "the search ended early {reason}: {scored} of {all} pairs of a candidate and a fold were scored, and the best of \
             the candidates with the most folds was taken"
        );
        Some(SearchNote::new(luthier_core::NoteKind::Other, message))
    }

    /// The error of a search that was cancelled, or that has too many failures; `None` if it goes on to choose a candidate.
    pub(crate) fn given_up(&mut self) -> Option<Error> {
        let reason = self.cancel.reason()?;
        let mut result = self.result();
        let is_time = matches!(reason, CancelReason::Deadline(_)) && !self.search.refit_token.is_cancelled();
        if is_time && result.best_candidate().is_some() {
            return None;
        }
        result.events = std::mem::take(&mut self.events);
        let result = Box::new(result);
        match self.search.max_failures.filter(|_| self.has_too_many_failures()) {
            Some(limit) => {
                let reasons = result.failures();
                Some(Error::TooManyFailures { result, reasons, limit })
            }
            None => Some(Error::Cancelled { result, reason }),
        }
    }

    /// The metrics of a model on the test rows, if there are any.
    fn test_score(&self, model: &Arc<dyn DynModel>) -> Result<Option<TestScore>> {
        let Some(test) = &self.search.test else { return Ok(None) };
        let predicted = Dataset::new(test.clone()).through(Arc::clone(model))?;
        let scores = evaluate_all(&self.evaluators, std::slice::from_ref(&predicted)).into_iter().flatten();
        let mut score =
            TestScore { rows: test.num_rows(), metrics: BTreeMap::new(), errors: BTreeMap::new() };
        for (name, metric) in self.metrics.iter().zip(scores) {
            match metric {
                Ok(metric) => drop(score.metrics.insert(name.clone(), metric)),
                Err(error) => drop(score.errors.insert(name.clone(), error.to_string())),
            }
        }
        Ok(Some(score))
    }

    /// The error of a search in which no candidate has a mean.
    fn without_best(&self, result: SearchResult, defined_for: Option<String>) -> Error {
        let reasons = result.failures();
        if !reasons.is_empty() {
            return Error::AllFailed { result: Box::new(result), reasons };
        }
        let sizes = || (0..self.plain).map(|round| self.split.num_validation_rows(round));
        let rows = match (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0)) {
            (1, 1) => "1 row each".to_owned(),
            (least, most) if least == most => format!("{least} rows each"),
            (least, most) => format!("{least} to {most} rows each"),
        };
        let folds = match self.plain {
            1 => format!("the fold ({rows})"),
            n => format!("any of the {n} folds ({rows})"),
        };
        let needs = defined_for.map(|needed| format!(": it needs {needed}")).unwrap_or_default();
        let mut reason = format!("{} is not defined (NaN) on {folds}{needs}", result.metric);
        for (message, folds) in reasons_by_fold(&result, 0, &(0..self.plain).collect::<Vec<_>>()) {
            reason.push_str(&format!("\n- {}: {message}", numbered("fold", &folds)));
        }
        Error::NoMetric { result: Box::new(result), reason }
    }

    fn failure(&self, round: u32, entry: usize) -> Option<Failure> {
        if let Some(invalid) = self.tree.invalid.get(&entry) {
            return Some(invalid.clone());
        }
        let missing = || "the candidate was not scored on this fold".into();
        match self.cells.get(round, entry) {
            Some(cell) => cell.error.clone().or_else(|| cell.metric.is_none().then(missing)),
            None => Some(missing()),
        }
    }

    pub(super) fn fold_result(&self, round: u32, entry: usize) -> FoldResult {
        let is_invalid = self.tree.invalid.contains_key(&entry);
        if !is_invalid && !self.asked.contains(round, entry) {
            return self.without_score(round, Outcome::Pruned);
        }
        let cell = self.cells.get(round, entry).cloned().unwrap_or_default();
        if self.has_ended() && !is_invalid && cell.metric.is_none() && cell.error.is_none() {
            return self.without_score(round, Outcome::Cancelled);
        }
        let failed = self.failure(round, entry);
        let deciding = FoldMetric {
            metric: cell.metric.filter(|_| failed.is_none()).unwrap_or(f64::NAN),
            error: failed.clone(),
            undefined: cell.undefined,
        };
        let missing = FoldMetric { metric: f64::NAN, error: failed, undefined: None };
        let others = cell.also.into_iter().chain(std::iter::repeat(missing));
        let all = std::iter::once(deciding).chain(others).zip(self.evaluators.iter()).zip(&self.metrics);
        let mut all = all.map(|((metric, evaluator), name)| {
            match self.lacking_class(round, &metric, evaluator.as_ref()) {
                Some(why) => FoldMetric {
                    undefined: Some(format!("{name} is not defined: {why}")),
                    ..FoldMetric::default()
                },
                None => metric,
            }
        });
        let FoldMetric { metric, error, undefined } = all.next().unwrap_or_default();
        FoldResult {
            fold: round,
            outcome: if error.is_some() { Outcome::Failed } else { Outcome::Scored },
            metric,
            fit_seconds: cell.fit_seconds,
            score_seconds: cell.score_seconds,
            reused_fits: cell.reused_fits,
            error,
            undefined,
            also: all.collect(),
        }
    }

    /// Why a metric is missing, if the reason is that the training rows of the round lack a class.
    fn lacking_class(&self, round: u32, metric: &FoldMetric, evaluator: &dyn DynEvaluator) -> Option<String> {
        let label = evaluator.class_col().filter(|_| evaluator.needs_every_class());
        let needed =
            || label.and_then(|label| self.classes().iter().find_map(|classes| classes.on(round, &label)));
        match &metric.error {
            None => needed(),
            // For example, probabilities of classes that differ from those of the labels.
            Some(failure) if failure.part.as_deref() == Some(evaluator.type_name()) => needed(),
            Some(failure) => self.classes().iter().find_map(|classes| classes.excuse(round, failure)),
        }
    }

    fn sub_models(&self, columns: &Schema) -> SubModels {
        let model = |round: u32, entry: usize| match self.fitted_alone.get(&(round, entry)) {
            Some(fitted) => fitted.clone().ok(),
            None => {
                let path = self.tree.paths.get(entry)?;
                let root = &self.entries.get(entry)?.estimator;
                // In the order of declaration, which need not be that of the path.
                let node_of =
                    |name: &str| path.iter().copied().find(|&node| self.tree.nodes[node].name == name);
                let models = root
                    .leaves()
                    .into_iter()
                    .map(|(name, _)| node_of(&name).and_then(|node| self.model_of(round, node).ok()));
                let models = models.collect::<Option<Vec<_>>>()?;
                root.assemble_leaves(&mut models.into_iter(), Some(columns)).ok()
            }
        };
        let of_round = |round: u32| self.entries.of_all().iter().map(|&entry| model(round, entry)).collect();
        self.plain_rounds().into_iter().map(of_round).collect()
    }
}
