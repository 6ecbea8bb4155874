//! What estimators and evaluators see: rows, selected by fold, looked at through fitted stages.

mod folds;
mod gather;
mod link;
mod pass;
mod reader;
mod training_sets;

pub use folds::{Folds, Rows};
pub use training_sets::{Capacity, TrainingSets};

use std::sync::{Arc, Mutex, PoisonError};

use luthier_frame::{DataFrame, Schema};

use crate::affine::{Affine, Linear};
use crate::rows::Tile;
use crate::stage::{DynModel, LineageStep};
use crate::summary::{Answer, Need, Summary, fuse_needs as fuse};
use crate::work::WorkCounter;
use crate::{Error, Result};
use link::Link;
use pass::no_answer;
use reader::{Branch, Groups, Reader, Source};

/// Stages that rows go through before what they append is kept.
const STAGES_AHEAD: usize = 16;

/// Numbers that are kept of a view at most: 64 MB.
const NUMBERS_HELD: usize = 1 << 23;

/// A frame, the rows selected from it, and the fitted stages it is looked at through.
///
/// Nothing is copied or transformed until it is asked for. Estimators and evaluators ask for summaries; what was
/// declared by [`StagePlan`](crate::StagePlan) is there already, and a request behind affine stages is answered
/// from the summary in front of them. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Dataset {
    source: Arc<Source>,
    rows: Rows,
    links: Arc<[Link]>,
    /// Summaries that are there before any unit starts, by number of links in front of them.
    shelves: Vec<Arc<Vec<Prepared>>>,
    /// What these rows were asked for besides, by number of links; views further behind share it.
    own: Vec<Arc<Answers>>,
    sharing: bool,
    work: Arc<WorkCounter>,
}

type Answers = Mutex<Vec<(Need, Answer)>>;

#[derive(Debug, Clone)]
struct Prepared {
    need: Need,
    rows: Rows,
    answer: Answer,
}

/// A request that could not be answered while preparing, and why.
pub type FailedNeed = (Need, Error);

impl Dataset {
    /// All rows of a frame.
    pub fn new(frame: DataFrame) -> Self {
        Self::from_source(Source::new(frame))
    }

    /// All rows of a frame, to be selected by fold.
    ///
    /// # Errors
    /// If the folds were made for another number of rows.
    pub fn with_folds(frame: DataFrame, folds: Folds) -> Result<Self> {
        Ok(Self::from_source(Source::new(frame).with_folds(folds)?))
    }

    fn from_source(source: Source) -> Self {
        Self {
            source: Arc::new(source),
            rows: Rows::All,
            links: Arc::new([]),
            shelves: vec![Arc::default()],
            own: vec![Arc::default()],
            sharing: true,
            work: Arc::default(),
        }
    }

    /// The same view, counting its work elsewhere.
    pub fn counted_by(self, work: Arc<WorkCounter>) -> Self {
        Self { work, ..self }
    }

    /// The same view without short cuts: every request reads rows and passes them through every stage.
    pub fn without_sharing(self) -> Self {
        Self { sharing: false, own: self.no_answers(), ..self }
    }

    /// Whether short cuts are taken.
    pub fn is_sharing(&self) -> bool {
        self.sharing
    }

    /// The same view of other folds' rows. Without folds all rows are in fold 0.
    pub fn select(&self, rows: Rows) -> Self {
        Self { rows, own: self.no_answers(), ..self.clone() }
    }

    fn no_answers(&self) -> Vec<Arc<Answers>> {
        self.own.iter().map(|_| Arc::default()).collect()
    }

    /// The rows that are selected.
    pub fn rows(&self) -> Rows {
        self.rows
    }

    /// The folds of the frame, if it has any.
    pub fn folds(&self) -> Option<&Folds> {
        self.source.folds.as_ref()
    }

    /// Number of selected rows.
    pub fn num_rows(&self) -> usize {
        let all = [self.source.frame.num_rows()];
        let sizes = self.source.folds.as_ref().map_or(&all[..], Folds::sizes);
        (0..).zip(sizes).filter(|(fold, _)| self.rows.includes(*fold)).map(|(_, size)| size).sum()
    }

    /// Whether a stage of the view may leave rows out.
    pub fn drops_rows(&self) -> bool {
        self.links.iter().any(|link| link.stage.signature.drops_rows)
    }

    /// Columns of the view: those of the frame and those that the stages append.
    pub fn schema(&self) -> &Schema {
        self.links.last().map_or(self.source.frame.schema(), |link| &link.schema)
    }

    /// The counters of this view.
    pub fn work(&self) -> &Arc<WorkCounter> {
        &self.work
    }

    /// The same rows seen through one more fitted stage, with its name in its pipeline: errors in its rows call it so.
    ///
    /// # Errors
    /// If the stage does not fit the schema.
    pub fn through_stage(&self, name: &str, model: Arc<dyn DynModel>) -> Result<Self> {
        Ok(self.behind(Link::new(model, name, self.schema())?))
    }

    /// As [`through_stage`](Self::through_stage), without short cuts through this stage: all that is asked for behind it
    /// is read from the rows.
    pub(crate) fn through_rows_of(&self, name: &str, model: Arc<dyn DynModel>) -> Result<Self> {
        Ok(self.behind(Link::new(model, name, self.schema())?.opaque()))
    }

    fn behind(&self, link: Link) -> Self {
        let links = self.links.iter().cloned().chain([link]).collect();
        let mut shelves = self.shelves.clone();
        shelves.push(Arc::default());
        let own = self.own.iter().cloned().chain([Arc::default()]).collect();
        Self { links, shelves, own, ..self.clone() }
    }

    /// The stages of this view as a planner sees them.
    pub fn lineage(&self) -> Vec<Arc<LineageStep>> {
        self.links.iter().map(|link| Arc::clone(&link.step)).collect()
    }

    /// The same view, with what its last stages append computed once and kept beside the columns of the frame, where
    /// there are many stages and little to keep: else every stage that is fitted behind them would have all rows pass
    /// through them again. What is seen is the same.
    pub fn held(self) -> Self {
        let held = self.links.iter().rposition(|link| link.is_held).map_or(0, |last| last + 1);
        let links = self.links.get(held..).unwrap_or_default();
        if links.len() < STAGES_AHEAD || !self.sharing || !self.source.frame.is_in_memory() {
            return self;
        }
        let numbers = |link: &Link| link.numbers();
        let all: usize = self.links.iter().map(numbers).sum();
        if all.saturating_mul(self.source.frame.num_rows()) > NUMBERS_HELD
            || links.iter().any(|link| link.stage.signature.drops_rows)
        {
            return self;
        }
        // Rows that cannot be transformed are an error of whoever needs them.
        match self.source.through(links) {
            Ok(source) => {
                let hold = |link: &Link| Link { is_held: true, ..link.clone() };
                Self { source: Arc::new(source), links: self.links.iter().map(hold).collect(), ..self }
            }
            Err(_) => self,
        }
    }

    /// A summary of the selected rows: computed once, kept with the view, or derived without rows from a summary
    /// in front of affine stages.
    ///
    /// # Errors
    /// If a column is missing or holds values that cannot be summarised.
    pub fn summarize<S: Summary>(&self, spec: &S::Spec) -> Result<Arc<S>> {
        let need = Need::summary::<S>(spec.clone());
        typed(self.resolve(&need, self.links.len(), true)?)
    }

    /// The summary if it is to be had without reading rows.
    ///
    /// # Errors
    /// If a stage's affine map does not fit.
    pub fn recall<S: Summary>(&self, spec: &S::Spec) -> Result<Option<Arc<S>>> {
        let need = Need::summary::<S>(spec.clone());
        self.resolve(&need, self.links.len(), false)?.map(|answer| typed(Some(answer))).transpose()
    }

    /// A summary of the selected rows that is not kept: one iteration's gradient, a robust loss.
    ///
    /// # Errors
    /// Those of [`summarize`](Self::summarize).
    pub fn aggregate<S: Summary>(&self, spec: &S::Spec) -> Result<S> {
        let need = Need::summary::<S>(spec.clone());
        owned(self.answer(&[need])?.into_iter().next())
    }

    /// The same summary of several views of the same rows, in one pass: stages that they share are applied once.
    /// Without sharing each view has a pass of its own.
    ///
    /// # Errors
    /// Those of [`aggregate`](Self::aggregate); if the views show different rows or frames.
    pub fn aggregate_many<S: Summary>(views: &[Self], spec: &S::Spec) -> Result<Vec<S>> {
        let views: Vec<&Self> = views.iter().collect();
        Self::require_siblings(&views)?;
        if views.iter().any(|view| !view.sharing) {
            return views.iter().map(|view| view.aggregate(spec)).collect();
        }
        let answers = Self::answer_many(&views, &[Need::summary::<S>(spec.clone())])?;
        answers.into_iter().map(|answers| owned(answers.into_iter().next())).collect()
    }

    /// [`summarize`](Self::summarize) of several views of the same rows; what is not there yet is read in one pass.
    /// A view that cannot be summarised is an error in its place and leaves the others alone.
    pub fn summarize_many<S: Summary>(views: &[Self], spec: &S::Spec) -> Vec<Result<Arc<S>>> {
        Self::read_together(views, &[Need::summary::<S>(spec.clone())]);
        views.iter().map(|view| view.summarize(spec)).collect()
    }

    /// Answers requests for several views of the same rows in one pass, and keeps the answers with the views. What
    /// cannot be read so is left to whoever asks for it.
    pub(crate) fn read_together(views: &[Self], needs: &[Need]) {
        let is_missing = |view: &&Self| needs.iter().any(|need| view.find(need, view.links.len()).is_none());
        let missing: Vec<&Self> = views.iter().filter(is_missing).collect();
        if views.iter().any(|view| !view.sharing) || missing.len() * needs.len() < 2 {
            return;
        }
        let Ok(answers) = Self::answer_many(&missing, needs) else { return };
        for (view, answers) in missing.into_iter().zip(answers) {
            needs.iter().zip(answers).for_each(|(need, answer)| view.keep(view.links.len(), need, &answer));
        }
    }

    fn require_siblings(views: &[&Self]) -> Result<()> {
        let same = |a: &Self, b: &Self| Arc::ptr_eq(&a.source, &b.source) && a.rows == b.rows;
        match views.windows(2).all(|pair| same(pair[0], pair[1])) {
            true => Ok(()),
            false => Err(Error::invalid("views of different rows cannot be aggregated in one pass")),
        }
    }

    /// The answers for each of several views of the same rows, in one pass.
    fn answer_many(views: &[&Self], needs: &[Need]) -> Result<Vec<Vec<Answer>>> {
        Self::require_siblings(views)?;
        let Some((first, others)) = views.split_first() else { return Ok(Vec::new()) };
        let shared = |i: usize| {
            let link = first.links.get(i);
            link.is_some_and(|link| {
                others.iter().all(|v| v.links.get(i).is_some_and(|other| other.is_same(link)))
            })
        };
        let prefix = (0..).take_while(|&i| shared(i)).count();
        let branches = views.iter().map(|view| view.links.get(prefix..).unwrap_or_default()).collect();
        let shared = first.links.get(..prefix).unwrap_or_default();
        pass::summarize_branches(&first.source, shared, branches, needs, first.one_group(), &first.work)
    }

    /// Where views of the same rows differ by their last stage alone, and all of these are models with one number as
    /// output that are affine in the same columns: the view in front of them, and their maps. `None` without sharing.
    ///
    /// An evaluator that needs the rows can so have the predictions of all siblings by one product a tile.
    pub fn affine_siblings(views: &[Self]) -> Option<(Self, Vec<Arc<Affine>>)> {
        let first = views.first().filter(|first| first.sharing)?;
        let front = first.links.split_last()?.1;
        let map_of = |view: &Self| {
            let (last, before) = view.links.split_last()?;
            let same = Arc::ptr_eq(&view.source, &first.source)
                && view.rows == first.rows
                && view.sharing
                && before.len() == front.len()
                && before.iter().zip(front).all(|(a, b)| a.is_same(b));
            let map = last.affine.clone().filter(|_| same)?;
            matches!(&map.linear, Linear::Dense(matrix) if matrix.ncols() == 1).then_some(map)
        };
        let maps = views.iter().map(map_of).collect::<Option<Vec<_>>>()?;
        let columns = &maps.first()?.columns;
        if !maps.iter().all(|map| map.columns == *columns) {
            return None;
        }
        let depth = front.len() + 1;
        let front = Self {
            links: front.into(),
            shelves: first.shelves.get(..depth)?.to_vec(),
            own: first.own.get(..depth)?.to_vec(),
            ..first.clone()
        };
        Some((front, maps))
    }

    /// The selected rows, tile by tile in the order of the frame, for what no summary can answer.
    ///
    /// # Errors
    /// If a column is missing, rows cannot be read, or `f` fails.
    pub fn for_each_tile(&self, columns: &[&str], mut f: impl FnMut(&Tile<'_>) -> Result<()>) -> Result<()> {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        for column in &columns {
            self.schema().require(column)?;
        }
        let branch = Branch { links: &[], columns: &columns };
        let reader = Reader::new(&self.source, &self.links, vec![branch], self.one_group(), &self.work)?;
        self.work.passes(1);
        (0..self.source.frame.num_partitions()).try_for_each(|partition| {
            reader.for_each_chunk(partition, |chunk| chunk.for_each_tile(0, 0, &mut f))
        })
    }

    /// Computes declared summaries of the selected rows now, in one pass, so that they are there for every clone of
    /// this view. A request is first taken back through the stages; one that leaves this view is not computed here,
    /// and one that cannot be answered fails where it is made.
    ///
    /// # Errors
    /// If nothing can be read at all.
    pub fn prepare(&self, needs: &[Need]) -> Result<Self> {
        let depth = self.links.len();
        let needs = fuse(self.landing(needs).into_iter().filter(|need| self.find(need, depth).is_none()));
        if needs.is_empty() {
            return Ok(self.clone());
        }
        let answers =
            |needs: &[Need]| self.answer(needs).map(|answers| needs.iter().cloned().zip(answers).collect());
        let answered: Vec<(Need, Answer)> = match answers(&needs) {
            Ok(answered) => answered,
            // One bad column must not take the other requests down.
            Err(_) => {
                needs.iter().filter_map(|need| answers(std::slice::from_ref(need)).ok()).flatten().collect()
            }
        };
        let prepared = answered.into_iter().map(|(need, answer)| Prepared { need, rows: self.rows, answer });
        Ok(self.with_more(prepared.collect()))
    }

    /// Those of the requests, taken back through the stages, that land on this view.
    fn landing(&self, needs: &[Need]) -> Vec<Need> {
        if !self.sharing {
            return Vec::new();
        }
        let lineage = self.lineage();
        let back = needs.iter().map(|need| LineageStep::pull_back_all(&lineage, need));
        back.filter(|(depth, _)| *depth == lineage.len()).map(|(_, need)| need).collect()
    }

    /// The same view with more on its shelf.
    fn with_more(&self, more: Vec<Prepared>) -> Self {
        let mut prepared = self.clone();
        if let Some(last) = prepared.shelves.last_mut().filter(|_| !more.is_empty()) {
            *last = Arc::new(last.iter().cloned().chain(more).collect());
        }
        prepared
    }

    /// The states of some requests for groups of folds, from the rows.
    fn pass(&self, needs: &[Need], groups: Groups) -> Result<Vec<pass::States>> {
        pass::summarize(&self.source, &self.links, needs, groups, &self.work)
    }

    /// Answers requests on the selected rows from the rows.
    fn answer(&self, needs: &[Need]) -> Result<Vec<Answer>> {
        let states = self.pass(needs, self.one_group())?;
        Ok(states.into_iter().flatten().map(|state| state.finish()).collect())
    }

    /// The answer behind the first `depth` links, from the rows.
    fn answer_at(&self, need: &Need, depth: usize) -> Result<Answer> {
        let links = self.links.get(..depth).unwrap_or_default();
        let need = std::slice::from_ref(need);
        let states = pass::summarize(&self.source, links, need, self.one_group(), &self.work)?;
        states.into_iter().flatten().next().map(|state| state.finish()).ok_or_else(no_answer)
    }

    fn one_group(&self) -> Groups {
        let folds = 0..self.source.fold_count();
        Groups { of_fold: folds.map(|fold| self.rows.includes(fold).then_some(0)).collect(), count: 1 }
    }

    /// The answer behind the first `depth` links: from what is there, from in front of an affine stage, or, if
    /// that is allowed, from rows.
    fn resolve(&self, need: &Need, depth: usize, read_rows: bool) -> Result<Option<Answer>> {
        if let Some(answer) = self.find(need, depth) {
            return Ok(Some(answer));
        }
        if let Some(answer) = self.derive(need, depth, read_rows)? {
            self.keep(depth, need, &answer);
            return Ok(Some(answer));
        }
        if !read_rows {
            return Ok(None);
        }
        let answer = self.answer_at(need, depth)?;
        self.keep(depth, need, &answer);
        Ok(Some(answer))
    }

    fn derive(&self, need: &Need, depth: usize, read_rows: bool) -> Result<Option<Answer>> {
        let Some(link) = depth.checked_sub(1).and_then(|last| self.links.get(last)).filter(|_| self.sharing)
        else {
            return Ok(None);
        };
        let Some(earlier) = link.step.pull_back(need) else { return Ok(None) };
        let upstream = match self.resolve(&earlier, depth - 1, read_rows) {
            Ok(Some(upstream)) => upstream,
            Ok(None) => return Ok(None),
            // Inputs too large to be squared may lead to outputs that are not: the rows decide.
            Err(error) if read_rows && !earlier.same(need) => {
                return self.answer_at(need, depth).map(Some).map_err(|_| error);
            }
            Err(error) => return Err(error),
        };
        match &link.affine {
            Some(map) if !earlier.same(need) => {
                let lifted = need.lift(&upstream, map)?;
                match lifted {
                    Some(_) => self.work.lifted(1),
                    None => self.work.guarded(1),
                }
                Ok(lifted)
            }
            _ => Ok(Some(upstream)),
        }
    }

    fn find(&self, need: &Need, depth: usize) -> Option<Answer> {
        if !self.sharing {
            return None;
        }
        let mut prepared = self.shelves.get(depth)?.iter().filter(|p| p.rows == self.rows);
        if let Some(same) = prepared.clone().find(|p| p.need.same(need)) {
            return Some(Arc::clone(&same.answer));
        }
        let own = self.own.get(depth)?.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answer)) = own.iter().find(|(have, _)| have.same(need)) {
            return Some(Arc::clone(answer));
        }
        drop(own);
        let projected = prepared.find_map(|p| p.need.project(&p.answer, need))?;
        self.keep(depth, need, &projected);
        Some(projected)
    }

    fn keep(&self, depth: usize, need: &Need, answer: &Answer) {
        if let Some(own) = self.own.get(depth).filter(|_| self.sharing) {
            own.lock().unwrap_or_else(PoisonError::into_inner).push((need.clone(), Arc::clone(answer)));
        }
    }
}

fn typed<S: Summary>(answer: Option<Answer>) -> Result<Arc<S>> {
    answer.and_then(|answer| answer.downcast::<S>().ok()).ok_or_else(no_answer)
}

fn owned<S: Summary>(answer: Option<Answer>) -> Result<S> {
    typed::<S>(answer).map(Arc::unwrap_or_clone)
}
