//! Datasets, which estimators and evaluators see: rows selected by fold and seen through fitted stages.

mod blocks;
mod gather;
mod link;
mod meter;
mod pass;
mod reader;
mod shards;
mod shelves;
mod training_sets;

pub use blocks::{Blocks, Round, Rows};
pub use shards::{BlockSummaries, Kept, Shard};
pub use training_sets::{Capacity, Rounds, TrainingSets};

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use luthier_frame::{DataFrame, Schema};

use crate::affine::{Affine, Linear};
use crate::cancel::CancelToken;
use crate::rows::Tile;
use crate::stage::{DynModel, LineageStep, STRIDE};
use crate::summary::{Answer, Need, Summary, fuse_needs as fuse};
use crate::work::WorkCounter;
use crate::{Error, Result};
use link::Link;
use meter::Meter;
use pass::no_answer;
use reader::{Branch, Groups, Reader, Source};
use shelves::{Prepared, Shelves};

/// The largest number of values that are kept for a view: 64 MB.
const NUMBERS_HELD: usize = 1 << 23;

/// A view of a frame: the rows selected from it, seen through fitted stages.
///
/// Nothing is copied or transformed until it is requested. Estimators and evaluators request summaries. Those that were
/// declared in a [`StagePlan`](crate::StagePlan) have already been computed, and a request behind affine stages is answered
/// from the summary before them. Cloning is cheap.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{Dataset, Blocks, Moments, MomentsSpec, Rows};
///
/// let frame = DataFrame::from_columns(vec![("x", Column::f64(vec![1.0, 2.0, 3.0, 10.0]))])?;
/// let data = Dataset::with_blocks(frame, Blocks::new(vec![0, 0, 0, 1], 2)?)?;
/// let training = data.select(Rows::except(1)); // the training rows of fold 1
/// assert_eq!(training.num_rows(), 3);
/// assert_eq!(training.summarize::<Moments>(&MomentsSpec::new(["x"]))?.mean()[0], 2.0);
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dataset {
    source: Arc<Source>,
    rows: Rows,
    links: Arc<[Arc<Link>]>,
    /// Summaries that are computed before any unit starts.
    prepared: Shelves,
    /// Other answers for these rows behind the last stages, by the number of stages behind them; shared with later views.
    cache: VecDeque<Arc<Answers>>,
    sharing: bool,
    meter: Meter,
}

type Answers = Mutex<Vec<(Need, Answer)>>;

/// A request that could not be answered while preparing, and why.
pub type FailedNeed = (Need, Error);

impl Dataset {
    /// All rows of a frame.
    pub fn new(frame: DataFrame) -> Self {
        Self::from_source(Source::new(frame))
    }

    /// All rows of a frame with blocks.
    ///
    /// # Errors
    /// If the blocks are for another number of rows.
    pub fn with_blocks(frame: DataFrame, blocks: Blocks) -> Result<Self> {
        Ok(Self::from_source(Source::new(frame).with_blocks(blocks)?))
    }

    fn from_source(source: Source) -> Self {
        Self {
            source: Arc::new(source),
            rows: Rows::all(),
            links: Arc::new([]),
            prepared: Shelves::default(),
            cache: VecDeque::from([Arc::default()]),
            sharing: true,
            meter: Meter::default(),
        }
    }

    /// The same view with other work counters.
    pub fn counted_by(self, work: Arc<WorkCounter>) -> Self {
        Self { meter: Meter { work, ..self.meter }, ..self }
    }

    /// The same view, whose passes over rows are cancelled by this token, as are those of views that are made of it: they check
    /// it for every chunk of some thousand rows. What was summarised before remains available, and whatever is cancelled
    /// leaves nothing behind: the same view with another token gives the same answers.
    ///
    /// ```
    /// use luthier_core::frame::{Column, DataFrame};
    /// use luthier_core::{CancelToken, Dataset, Moments, MomentsSpec};
    ///
    /// let frame = DataFrame::from_columns(vec![("x", Column::f64(vec![1.0, 2.0, 6.0]))])?;
    /// let data = Dataset::new(frame);
    /// let token = CancelToken::new();
    /// let unwanted = data.clone().cancelled_by(token.clone());
    /// token.cancel();
    /// let spec = MomentsSpec::new(["x"]);
    /// assert!(unwanted.summarize::<Moments>(&spec).is_err_and(|error| error.is_cancelled()));
    /// assert_eq!(data.summarize::<Moments>(&spec)?.mean()[0], 3.0);
    /// # Ok::<(), luthier_core::Error>(())
    /// ```
    pub fn cancelled_by(self, cancel: CancelToken) -> Self {
        Self { meter: Meter { cancel, ..self.meter }, ..self }
    }

    /// The token that cancels passes over the rows.
    pub fn cancel_token(&self) -> &CancelToken {
        &self.meter.cancel
    }

    /// The same view without sharing: every request reads rows and passes them through every stage.
    pub fn without_sharing(self) -> Self {
        Self { sharing: false, cache: self.no_answers(), ..self }
    }

    /// Whether sharing is on.
    pub fn is_sharing(&self) -> bool {
        self.sharing
    }

    /// The same view of the rows of other blocks. Without blocks, all rows are in block 0.
    pub fn select(&self, rows: impl Borrow<Rows>) -> Self {
        let rows = rows.borrow();
        let rows = if rows.is_all() { rows.clone() } else { rows.within(self.source.block_count()) };
        Self { rows, cache: self.no_answers(), ..self.clone() }
    }

    fn no_answers(&self) -> VecDeque<Arc<Answers>> {
        self.cache.iter().map(|_| Arc::default()).collect()
    }

    /// The rows that are selected.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The blocks of the frame, if it has any.
    pub fn blocks(&self) -> Option<&Blocks> {
        self.source.blocks.as_ref()
    }

    /// Number of selected rows.
    pub fn num_rows(&self) -> usize {
        match &self.source.blocks {
            Some(blocks) => blocks.num_rows(&self.rows),
            None if self.rows.includes(0) => self.source.frame.num_rows(),
            None => 0,
        }
    }

    /// Whether a stage of the view may drop rows.
    pub fn drops_rows(&self) -> bool {
        self.links.iter().any(|link| link.stage.signature.drops_rows)
    }

    /// The columns of the view: those of the frame and those that the stages append.
    pub fn schema(&self) -> &Schema {
        self.links.last().map_or(self.source.frame.schema(), |link| &link.schema)
    }

    /// The counters of this view.
    pub fn work(&self) -> &Arc<WorkCounter> {
        &self.meter.work
    }

    /// The same rows seen through one more fitted stage, with its name in its pipeline: errors in its rows call it so.
    ///
    /// # Errors
    /// If the stage does not fit the schema.
    pub fn through_stage(&self, name: &str, model: Arc<dyn DynModel>) -> Result<Self> {
        Ok(self.behind(Link::new(model, name, self.schema())?))
    }

    /// As [`through_stage`](Self::through_stage), but requests behind this stage are answered from the rows.
    pub(crate) fn through_rows_of(&self, name: &str, model: Arc<dyn DynModel>) -> Result<Self> {
        Ok(self.behind(Link::new(model, name, self.schema())?.opaque()))
    }

    fn behind(&self, link: Link) -> Self {
        let links = self.links.iter().cloned().chain([Arc::new(link)]).collect();
        let cache = [Arc::default()].into_iter().chain(self.cache.iter().take(STRIDE).cloned()).collect();
        Self { links, cache, ..self.clone() }
    }

    /// The stages of this view, as seen by a planner.
    pub fn lineage(&self) -> Vec<Arc<LineageStep>> {
        self.links.iter().map(|link| Arc::clone(&link.step)).collect()
    }

    /// The same view. If there are many stages and their outputs are small, these are computed once and kept with the columns
    /// of the frame. Otherwise, all rows would have to pass through them again for every later stage that is fitted.
    pub fn held(self) -> Self {
        let new = self.links.get(self.source.held..).unwrap_or_default();
        if new.len() < STRIDE || !self.sharing || !self.source.frame.is_in_memory() {
            return self;
        }
        let rows = self.source.frame.num_rows();
        let fit = |numbers: usize| numbers.saturating_mul(rows) <= NUMBERS_HELD;
        let mut numbers: usize = new.iter().map(|link| link.numbers()).sum();
        if !fit(numbers) || new.iter().any(|link| link.stage.signature.drops_rows) {
            return self;
        }
        // The oldest are the first to be given up: a later stage is most likely to read what was appended last.
        let earlier = self.links.iter().take(self.source.held).rev();
        let kept = earlier.take_while(|link| {
            numbers += link.numbers();
            fit(numbers)
        });
        let given_up = self.source.held - kept.count();
        // Rows that cannot be transformed are reported when they are needed.
        match self.source.through(&self.links, given_up, &self.meter.cancel) {
            Ok(source) => Self { source: Arc::new(source), ..self },
            Err(_) => self,
        }
    }

    /// A summary of the selected rows. It is computed once and kept with the view, or derived without reading rows from a
    /// summary before affine stages.
    ///
    /// # Errors
    /// If a column is missing or contains values that cannot be summarised.
    pub fn summarize<S: Summary>(&self, spec: &S::Spec) -> Result<Arc<S>> {
        let need = Need::summary::<S>(spec.clone());
        typed(self.resolve(&need, self.links.len(), true)?)
    }

    /// The summary, if it is available without reading rows.
    ///
    /// # Errors
    /// If a stage's affine map does not fit.
    pub fn recall<S: Summary>(&self, spec: &S::Spec) -> Result<Option<Arc<S>>> {
        let need = Need::summary::<S>(spec.clone());
        self.resolve(&need, self.links.len(), false)?.map(|answer| typed(Some(answer))).transpose()
    }

    /// A summary of the selected rows that is not kept, such as the gradient of one iteration.
    ///
    /// # Errors
    /// Those of [`summarize`](Self::summarize).
    pub fn aggregate<S: Summary>(&self, spec: &S::Spec) -> Result<S> {
        let need = Need::summary::<S>(spec.clone());
        owned(self.answer(&[need])?.into_iter().next())
    }

    /// The same summary of several views of the same rows, in one pass: stages that they share are applied once.
    /// Without sharing, each view has a separate pass.
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

    /// [`summarize`](Self::summarize) for several views of the same rows; missing summaries are computed in one pass.
    /// A view that cannot be summarised gives an error in its position and does not affect the others.
    pub fn summarize_many<S: Summary>(views: &[Self], spec: &S::Spec) -> Vec<Result<Arc<S>>> {
        Self::read_together(views, &[Need::summary::<S>(spec.clone())]);
        views.iter().map(|view| view.summarize(spec)).collect()
    }

    /// Answers requests for several views of the same rows in one pass, and keeps the answers with the views. Requests that
    /// cannot be answered fail later, where they are made.
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
        pass::summarize_branches(&first.source, shared, branches, needs, first.one_group(), &first.meter)
    }

    /// If views of the same rows differ only in their last stage, and all of these stages are affine in the same columns with a
    /// single number as output: the view before them, and their maps. `None` otherwise, and without sharing.
    ///
    /// An evaluator that needs the rows can compute the predictions of all siblings with one matrix product per tile.
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
        let front = Self {
            links: front.into(),
            prepared: first.prepared.up_to(front.len()),
            cache: first.cache.iter().skip(1).cloned().collect(),
            ..first.clone()
        };
        Some((front, maps))
    }

    /// Calls `f` for the selected rows, tile by tile in the order of the frame, for computations that no summary can express.
    ///
    /// # Errors
    /// If a column is missing, rows cannot be read, or `f` fails.
    pub fn for_each_tile(&self, columns: &[&str], mut f: impl FnMut(&Tile<'_>) -> Result<()>) -> Result<()> {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        for column in &columns {
            self.schema().require(column)?;
        }
        let branch = Branch { links: &[], columns: &columns };
        let reader = Reader::new(&self.source, &self.links, vec![branch], self.one_group(), &self.meter)?;
        self.meter.work.passes(1);
        (0..self.source.frame.num_partitions()).try_for_each(|partition| {
            reader.for_each_chunk(partition, |chunk| chunk.for_each_tile(0, 0, &mut f))
        })
    }

    /// Computes declared summaries of the selected rows now, in one pass, so that they are available in every clone of
    /// this view. A request is first pulled back through the stages; if it can be answered before this view, it is not
    /// computed here. A request that cannot be answered fails later, where it is made.
    ///
    /// # Errors
    /// If no rows can be read at all, or the pass is cancelled.
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
            Err(cancelled) if cancelled.is_cancelled() => return Err(cancelled),
            // One bad column must not make the other requests fail.
            Err(_) => {
                needs.iter().filter_map(|need| answers(std::slice::from_ref(need)).ok()).flatten().collect()
            }
        };
        let prepared =
            answered.into_iter().map(|(need, answer)| Prepared { need, rows: self.rows.clone(), answer });
        Ok(self.with_more(prepared.collect()))
    }

    /// The same view with the answers for each of these sets of rows that are available without reading rows. Requests behind
    /// later stages then need not be pulled back any further.
    pub fn carry(&self, needs: &[Need], rows: &[Rows]) -> Self {
        let depth = self.links.len();
        let carried = rows.iter().flat_map(|rows| {
            let selected = self.select(rows);
            needs.iter().filter_map(move |need| {
                // A request that fails here fails again where it is made.
                let answer = selected.resolve(need, depth, false).ok().flatten()?;
                Some(Prepared { need: need.clone(), rows: rows.clone(), answer })
            })
        });
        self.with_more(carried.collect())
    }

    /// The requests that, pulled back through the stages, have to be answered in this view.
    fn landing(&self, needs: &[Need]) -> Vec<Need> {
        if !self.sharing || needs.is_empty() {
            return Vec::new();
        }
        let lineage = self.lineage();
        let back = needs.iter().map(|need| LineageStep::pull_back_all(&lineage, need));
        back.filter(|(depth, _)| *depth == lineage.len()).map(|(_, need)| need).collect()
    }

    /// The same view with more prepared summaries.
    fn with_more(&self, more: Vec<Prepared>) -> Self {
        Self { prepared: self.prepared.with(self.links.len(), more), ..self.clone() }
    }

    /// The states of some requests for groups of folds, from the rows.
    fn pass(&self, needs: &[Need], groups: Groups) -> Result<Vec<pass::States>> {
        pass::summarize(&self.source, &self.links, needs, groups, &self.meter, None)
    }

    /// Answers requests on the selected rows from the rows.
    fn answer(&self, needs: &[Need]) -> Result<Vec<Answer>> {
        let states = self.pass(needs, self.one_group())?;
        Ok(states.into_iter().flatten().map(|state| state.finish()).collect())
    }

    /// The answer behind the first `depth` stages, from the rows.
    fn answer_at(&self, need: &Need, depth: usize) -> Result<Answer> {
        let links = self.links.get(..depth).unwrap_or_default();
        let need = std::slice::from_ref(need);
        let states = pass::summarize(&self.source, links, need, self.one_group(), &self.meter, None)?;
        states.into_iter().flatten().next().map(|state| state.finish()).ok_or_else(no_answer)
    }

    fn one_group(&self) -> Groups {
        self.source.one_group(&self.rows)
    }

    /// The answer behind the first `depth` stages: an existing one, one lifted through affine stages, or, if allowed, one from
    /// the rows.
    fn resolve(&self, need: &Need, depth: usize, read_rows: bool) -> Result<Option<Answer>> {
        let (mut answer, mut behind) = (self.find(need, depth), vec![(depth, need.clone())]);
        while answer.is_none()
            && let Some((depth, need)) = behind.last().and_then(|(depth, need)| self.earlier(need, *depth))
        {
            answer = self.find(&need, depth);
            behind.push((depth, need));
        }
        let Some((depth, mut earlier)) = behind.pop() else { return Ok(None) };
        let mut answer = match answer {
            Some(answer) => Ok(answer),
            None if read_rows => self.answer_and_keep(&earlier, depth),
            None => return Ok(None),
        };
        while let Some((depth, need)) = behind.pop() {
            let is_mapped = !earlier.same(&need);
            answer = match answer {
                Ok(upstream) if is_mapped => match self.lift(&need, depth, &upstream) {
                    Ok(None) if !read_rows => return Ok(None),
                    Ok(None) => self.answer_at(&need, depth),
                    Ok(Some(lifted)) => Ok(lifted),
                    Err(error) => Err(error),
                },
                // If inputs are too large to be squared, outputs may not be: the rows decide.
                Err(error) if read_rows && is_mapped => self.answer_at(&need, depth).map_err(|_| error),
                as_before => as_before,
            };
            if let Ok(answer) = &answer {
                self.keep(depth, &need, answer);
            }
            earlier = need;
        }
        answer.map(Some)
    }

    /// The request before the last of `depth` stages, if its answer can be lifted from there.
    fn earlier(&self, need: &Need, depth: usize) -> Option<(usize, Need)> {
        let before = depth.checked_sub(1).filter(|_| self.sharing)?;
        Some((before, self.links.get(before)?.step.pull_back(need)?))
    }

    /// The answer behind the last of `depth` stages from the one before it; `None` if digits would be lost.
    fn lift(&self, need: &Need, depth: usize, upstream: &Answer) -> Result<Option<Answer>> {
        let link = depth.checked_sub(1).and_then(|last| self.links.get(last));
        let Some(map) = link.and_then(|link| link.affine.as_ref()) else { return Ok(None) };
        let lifted = need.lift(upstream, map)?;
        match lifted {
            Some(_) => self.meter.work.lifted(1),
            None => self.meter.work.guarded(1),
        }
        Ok(lifted)
    }

    fn answer_and_keep(&self, need: &Need, depth: usize) -> Result<Answer> {
        let answer = self.answer_at(need, depth)?;
        self.keep(depth, need, &answer);
        Ok(answer)
    }

    fn find(&self, need: &Need, depth: usize) -> Option<Answer> {
        if !self.sharing {
            return None;
        }
        let mut prepared = self.prepared.at(depth).iter().filter(|p| p.rows == self.rows);
        if let Some(same) = prepared.clone().find(|p| p.need.same(need)) {
            return Some(Arc::clone(&same.answer));
        }
        if let Some(cache) = self.cache_of(depth) {
            let cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, answer)) = cache.iter().find(|(have, _)| have.same(need)) {
                return Some(Arc::clone(answer));
            }
        }
        let projected = prepared.find_map(|p| p.need.project(&p.answer, need))?;
        self.keep(depth, need, &projected);
        Some(projected)
    }

    fn cache_of(&self, depth: usize) -> Option<&Answers> {
        let behind = self.links.len().checked_sub(depth)?;
        self.cache.get(behind).map(|cache| &**cache)
    }

    /// Keeps an answer for later requests on the same rows, unless it belongs far before the last stage.
    fn keep(&self, depth: usize, need: &Need, answer: &Answer) {
        if let Some(cache) = self.cache_of(depth).filter(|_| self.sharing) {
            cache.lock().unwrap_or_else(PoisonError::into_inner).push((need.clone(), Arc::clone(answer)));
        }
    }
}

fn typed<S: Summary>(answer: Option<Answer>) -> Result<Arc<S>> {
    answer.and_then(|answer| answer.downcast::<S>().ok()).ok_or_else(no_answer)
}

fn owned<S: Summary>(answer: Option<Answer>) -> Result<S> {
    typed::<S>(answer).map(Arc::unwrap_or_clone)
}
