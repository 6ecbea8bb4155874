//! The plan of a search.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use luthier_core::frame::Schema;
use luthier_core::{
    Declarations, DynEstimator, DynEvaluator, LabelGuard, Landings, LineageStep, Need, ParamMap,
    PlannedStage, Value,
};

use super::stage_order::StageOrder;
use crate::failure::Failure;
use crate::grid::ParamGrid;
use crate::strategy::Candidate;
use crate::unit_key::Fingerprint;
use crate::{Error, Result};

/// Candidates as a tree by stage: candidates that differ only in later stages share the nodes of the earlier stages. It grows
/// with the candidates of a search.
#[derive(Debug)]
pub(crate) struct Tree {
    schema: Schema,
    guard: LabelGuard,
    pub(crate) nodes: Vec<Node>,
    /// For each candidate its nodes in order; none for a candidate that cannot be fitted.
    pub(crate) paths: Vec<Vec<usize>>,
    base: BaseNeeds,
    /// For each candidate, how often its evaluators read the rows of a fold.
    pub(crate) scoring_passes: Vec<u64>,
    /// The largest number of bytes that evaluators hold of each row of a candidate.
    pub(crate) scored_row_bytes: u64,
    /// The candidates that cannot be fitted on any rows, and why.
    pub(crate) invalid: BTreeMap<usize, Failure>,
    by_hash: HashMap<Fingerprint, Vec<usize>>,
    /// What the first stages of candidates have declared.
    declared: Vec<Arc<Declared>>,
    landings: Landings,
}

/// The requests of the evaluators on the predictions of a candidate.
#[derive(Debug, Default)]
pub(crate) struct AskedToScore {
    /// Requests that may save the ranking evaluator from reading the rows.
    needs: Vec<Need>,
    /// The same for the other evaluators.
    also: Vec<Need>,
    /// How often they read the rows.
    passes: u64,
    /// About how many bytes they hold of each row that they read.
    row_bytes: u64,
}

impl AskedToScore {
    /// Errs if the schema does not fit one of them.
    pub(crate) fn of(evaluators: &[Box<dyn DynEvaluator>], schema: &Schema) -> Result<Self> {
        let (mut asked, mut reads_together) = (Self::default(), false);
        for (place, evaluator) in evaluators.iter().enumerate() {
            evaluator.check_schema(schema)?;
            let plan = evaluator.plan(schema);
            reads_together |= !plan.scanned().is_empty();
            asked.row_bytes += plan.scanned().iter().map(|need| row_bytes(need, schema)).sum::<u64>();
            // An evaluator that declares nothing needs its own pass.
            asked.passes += u64::from(plan.is_opaque());
            let whose = if place == 0 { &mut asked.needs } else { &mut asked.also };
            whose.extend_from_slice(plan.derived());
        }
        asked.passes += u64::from(reads_together);
        Ok(asked)
    }
}

/// By how many bytes a summary grows with each row.
fn row_bytes(need: &Need, schema: &Schema) -> u64 {
    const MANY: u64 = 1 << 20;
    let of_rows = |rows: u64| need.bytes(schema, rows).unwrap_or(0) as u64;
    of_rows(MANY).saturating_sub(of_rows(0)) / MANY
}

/// What siblings share that declare the same: most candidates of a search differ only in parameters that change neither columns
/// nor requests.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) parent: Option<usize>,
    /// The names of the stages up to this one.
    pub(crate) place: String,
    pub(crate) planned: PlannedStage,
    /// Where the requests of the stage are answered, once a candidate passes through it.
    landed: OnceLock<Vec<Landed>>,
    /// The same of the evaluators, where they follow, how often they read the rows, and how many bytes they hold of each.
    scored: OnceLock<(Vec<Landed>, u64, u64)>,
}

/// Where a request is answered.
#[derive(Debug)]
enum Landed {
    /// On the frame: the number of the request.
    Frame(usize),
    /// Behind a stage, by its position in the path of the candidate.
    Behind(usize, Need),
}

/// Stages whose declarations are new are compared with those of this number of siblings.
const COMPARED: usize = 8;

/// A configured stage behind configured earlier ones: what never changes of a node.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) stage: Box<dyn DynEstimator>,
    /// All that tells it from other stages of its type.
    values: Vec<Value>,
    declared: Arc<Declared>,
    /// Of its configuration and those of the stages before it.
    pub(crate) hash: Fingerprint,
}

impl Deref for Step {
    type Target = Declared;

    fn deref(&self) -> &Declared {
        &self.declared
    }
}

/// A stage and the candidates that pass through it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) step: Arc<Step>,
    /// The nodes behind it.
    pub(crate) children: Vec<usize>,
    /// What they have declared.
    declared: Vec<Arc<Declared>>,
    /// The candidates that pass through it.
    pub(crate) candidates: Vec<usize>,
    /// Requests of this and later stages, and of the evaluator, that are answered from the rows as they are seen
    /// behind this node.
    pub(crate) needs: Vec<Need>,
    /// Requests behind many later stages that are answered from rows before this node.
    pub(crate) passing: Vec<Need>,
}

impl Deref for Node {
    type Target = Step;

    fn deref(&self) -> &Step {
        &self.step
    }
}

/// The nodes of some candidates that are the same number of stages behind the frame, grouped as they are fitted.
#[derive(Debug)]
pub(crate) struct Level {
    /// Number of stages before it.
    pub(crate) depth: usize,
    /// The names of its stages: more than one where candidates have different stages here.
    pub(crate) name: String,
    pub(crate) nodes: Vec<usize>,
    /// Nodes that are fitted together: siblings where the stage gains from it, else one by one. A transformer is
    /// not fitted; its groups are empty.
    pub(crate) groups: Vec<Vec<usize>>,
}

/// The candidates among some that pass through a node: both in ascending order.
fn among(node: &Node, candidates: &[usize]) -> Vec<usize> {
    if candidates.len() < node.candidates.len() {
        let passes = |candidate: &&usize| node.candidates.binary_search(candidate).is_ok();
        return candidates.iter().filter(passes).copied().collect();
    }
    let asked = |candidate: &&usize| candidates.binary_search(candidate).is_ok();
    node.candidates.iter().filter(asked).copied().collect()
}

/// Who asks for what is not needed to decide.
const OTHER_EVALUATORS: &str = "other evaluators";

/// A request on the frame itself, and the candidates it is for.
#[derive(Debug, Clone)]
pub(crate) struct BaseNeed {
    pub(crate) need: Need,
    pub(crate) stage: String,
    pub(crate) candidates: Vec<usize>,
}

impl BaseNeed {
    /// Whether a candidate is lost without an answer.
    pub(crate) fn is_vital(&self) -> bool {
        self.stage != OTHER_EVALUATORS
    }
}

/// The requests on the frame, found by what they ask.
#[derive(Debug, Default)]
struct BaseNeeds {
    needs: Vec<BaseNeed>,
    by_key: HashMap<String, Vec<usize>>,
}

impl BaseNeeds {
    /// The number of a request.
    fn place(&mut self, need: Need, stage: &str) -> usize {
        let places = self.by_key.entry(format!("{stage} {} {:?}", need.name(), need.columns())).or_default();
        let known = places.iter().copied().find(|&place| self.needs[place].need.same(&need));
        known.unwrap_or_else(|| {
            let place = self.needs.len();
            places.push(place);
            self.needs.push(BaseNeed { need, stage: stage.to_owned(), candidates: Vec::new() });
            place
        })
    }

    fn add(&mut self, place: usize, candidate: usize) {
        let Some(known) = self.needs.get_mut(place) else { return };
        if known.candidates.last() != Some(&candidate) {
            known.candidates.push(candidate);
        }
    }
}

/// The distinct candidates of a grid, without parameters that do not matter for stages that they exchange or omit.
///
/// # Errors
/// A grid that is too large; a type of a stage that is not registered; a parameter that matters for no candidate.
pub(crate) fn candidates(root: &dyn DynEstimator, grid: &ParamGrid, seed: u64) -> Result<Vec<ParamMap>> {
    let all = grid.build_with(seed)?;
    let changes = |map: &ParamMap| map.iter().any(|(path, _)| root.changes_stages(path));
    if !all.iter().any(changes) {
        return Ok(all);
    }
    let (mut seen, mut used) = (HashSet::new(), HashSet::new());
    let mut candidates = Vec::new();
    for (index, map) in all.iter().enumerate() {
        let relevant = root.relevant(map).map_err(|e| Error::candidate(index, map, e))?;
        used.extend(relevant.iter().map(|(path, _)| path.to_owned()));
        if seen.insert(format!("{relevant:?}")) {
            candidates.push(relevant);
        }
    }
    let unused = |path: &&str| !used.contains(*path);
    match all.iter().flat_map(|map| map.iter().map(|(path, _)| path)).find(unused) {
        Some(path) => Err(Error::invalid(format!(
            "`{path}` matters for no candidate: either none of the types that the grid chooses for its stage has such a \
             parameter, or the stage is always left out"
        ))),
        None => Ok(candidates),
    }
}

impl Tree {
    /// A tree without candidates over columns.
    pub(crate) fn new(schema: &Schema) -> Self {
        Self {
            schema: schema.clone(),
            guard: LabelGuard::of(schema),
            nodes: Vec::new(),
            paths: Vec::new(),
            base: BaseNeeds::default(),
            scoring_passes: Vec::new(),
            scored_row_bytes: 0,
            invalid: BTreeMap::new(),
            by_hash: HashMap::new(),
            declared: Vec::new(),
            landings: Landings::default(),
        }
    }

    /// The number of stages before a node.
    pub(crate) fn depth(&self, node: usize) -> usize {
        let parent = |&node: &usize| self.nodes.get(node)?.parent;
        std::iter::successors(Some(node), parent).count() - 1
    }

    /// The requests on the frame itself.
    pub(crate) fn base_needs(&self) -> &[BaseNeed] {
        &self.base.needs
    }

    /// Checks more candidates against the schema and adds them. A candidate whose parameters contradict each other is
    /// marked as invalid. So is one with stages that do not suit the columns if it `may_not_fit`, because it exchanges or
    /// omits stages.
    ///
    /// # Errors
    /// Any other candidate does not suit the columns, or all candidates of the tree are invalid. Then none is added.
    pub(crate) fn add(
        &mut self,
        configured: &[Arc<dyn DynEstimator>],
        candidates: &[Candidate],
        may_not_fit: impl Fn(usize) -> bool,
        asked_to_score: impl Fn(&Schema) -> Result<AskedToScore>,
    ) -> Result<()> {
        let known = self.paths.len();
        let added = self.add_all(configured, candidates, may_not_fit, asked_to_score);
        if added.is_err() {
            self.truncate(known);
        }
        added
    }

    /// Takes the candidates from this number on out of the tree.
    fn truncate(&mut self, candidates: usize) {
        let is_left = |&candidate: &usize| candidate < candidates;
        self.nodes.iter_mut().for_each(|node| node.candidates.retain(is_left));
        self.base.needs.iter_mut().for_each(|base| base.candidates.retain(is_left));
        self.paths.truncate(candidates);
        self.scoring_passes.truncate(candidates);
        self.invalid.retain(|candidate, _| is_left(candidate));
    }

    fn add_all(
        &mut self,
        configured: &[Arc<dyn DynEstimator>],
        candidates: &[Candidate],
        may_not_fit: impl Fn(usize) -> bool,
        asked_to_score: impl Fn(&Schema) -> Result<AskedToScore>,
    ) -> Result<()> {
        let mut first_error = None;
        let order = StageOrder::new(configured);
        let known = self.nodes.len();
        for (place, (root, Candidate { params, .. })) in configured.iter().zip(candidates).enumerate() {
            let index = self.paths.len();
            let planned = match root.validate() {
                Ok(()) => self
                    .guard
                    .check(root.as_ref())
                    .map_err(Error::from)
                    .and_then(|()| self.plan(index, root.as_ref(), &order, &asked_to_score)),
                Err(error) => Err(error.into()),
            };
            match planned {
                Ok((path, asked)) => {
                    self.place_needs(index, &path, asked);
                    self.paths.push(path);
                }
                Err(Error::Core(error)) if may_not_fit(place) || root.validate().is_err() => {
                    self.remove_candidate(index);
                    self.paths.push(Vec::new());
                    self.scoring_passes.push(0);
                    self.invalid.insert(index, Failure::from(&error));
                    first_error.get_or_insert_with(|| Error::candidate(index, params, error));
                }
                Err(error) => return Err(Error::candidate(index, params, error)),
            }
        }
        match first_error {
            Some(error) if self.invalid.len() == self.paths.len() => return Err(error),
            _ => {}
        }
        let mut passing: BTreeSet<usize> = (known..self.nodes.len()).collect();
        passing.extend(self.paths.iter().rev().take(configured.len()).flatten());
        for place in passing {
            let needs = self.landings.passing(place);
            if let Some(node) = self.nodes.get_mut(place) {
                node.passing = needs;
            }
        }
        Ok(())
    }

    /// The nodes of a candidate, and the requests of the evaluators behind them, unless they are known.
    fn plan(
        &mut self,
        index: usize,
        root: &dyn DynEstimator,
        order: &StageOrder,
        asked_to_score: impl Fn(&Schema) -> Result<AskedToScore>,
    ) -> Result<(Vec<usize>, Option<AskedToScore>)> {
        let declared = root.leaves();
        let moved = order.moved(&declared, &self.schema).and_then(|moved| {
            let path = self.add_candidate(index, moved).ok();
            if path.is_none() {
                // A stage that reads more than it declares does not fit where it was moved to.
                self.remove_candidate(index);
            }
            path
        });
        let path = match moved {
            Some(path) => path,
            None => self.add_candidate(index, declared)?,
        };
        let asked = match path.last().map(|&node| &self.nodes[node].step.declared) {
            Some(last) if last.scored.get().is_some() => None,
            last => Some(asked_to_score(last.map_or(&self.schema, |last| &last.planned.schema))?),
        };
        Ok((path, asked))
    }

    fn add_candidate(
        &mut self,
        index: usize,
        stages: Vec<(String, &dyn DynEstimator)>,
    ) -> Result<Vec<usize>> {
        let mut path = Vec::new();
        for (name, leaf) in stages {
            let parent = path.last().copied();
            let before = parent.and_then(|parent: usize| self.nodes.get(parent));
            let values = leaf.configuration();
            let hash = Fingerprint::default()
                .with(before.map_or(&Fingerprint::default(), |before| &before.hash))
                .with(&format_args!("{name} {} {values:?}", leaf.type_name()));
            let node = match self.find(hash, parent, &values) {
                Some(node) => node,
                None => {
                    let declared = self.declared(parent, &name, leaf)?;
                    let step = Step { stage: leaf.clone_box(), values, declared, hash };
                    let next = self.nodes.len();
                    if let Some(before) = parent.and_then(|parent| self.nodes.get_mut(parent)) {
                        before.children.push(next);
                    }
                    self.nodes.push(Node {
                        step: Arc::new(step),
                        children: Vec::new(),
                        declared: Vec::new(),
                        candidates: Vec::new(),
                        needs: Vec::new(),
                        passing: Vec::new(),
                    });
                    self.by_hash.entry(hash).or_default().push(next);
                    next
                }
            };
            self.nodes[node].candidates.push(index);
            path.push(node);
        }
        Ok(path)
    }

    /// What a stage declares behind a node, as one of its siblings did or anew.
    fn declared(
        &mut self,
        parent: Option<usize>,
        name: &str,
        stage: &dyn DynEstimator,
    ) -> Result<Arc<Declared>> {
        let before = parent.and_then(|parent| self.nodes.get(parent));
        let schema = before.map_or(&self.schema, |before| &before.planned.schema);
        let named = |e: luthier_core::Error| e.in_stage_of(name, stage.type_name());
        let declares = Declarations::of(stage, schema).map_err(named)?;
        let siblings = before.map_or(&self.declared, |before| &before.declared);
        let same = |known: &&Arc<Declared>| known.name == name && known.planned.declares(&declares);
        if let Some(known) = siblings.iter().rev().take(COMPARED).find(same) {
            return Ok(Arc::clone(known));
        }
        let planned = PlannedStage::with(declares, stage, schema).map_err(named)?;
        let place = match before {
            Some(before) => format!("{}/{name}", before.place),
            None => name.to_owned(),
        };
        let (landed, scored) = Default::default();
        let declared = Arc::new(Declared { name: name.to_owned(), parent, place, planned, landed, scored });
        let siblings = match parent.and_then(|parent| self.nodes.get_mut(parent)) {
            Some(before) => &mut before.declared,
            None => &mut self.declared,
        };
        siblings.push(Arc::clone(&declared));
        Ok(declared)
    }

    /// The node of an equal stage behind the same parent. Equal values are written alike, but not only they are.
    fn find(&self, hash: Fingerprint, parent: Option<usize>, values: &[Value]) -> Option<usize> {
        let same = |&&node: &&usize| {
            let known = &self.nodes[node];
            let pairs = || known.values.iter().zip(values);
            known.parent == parent && known.values.len() == values.len() && pairs().all(|(a, b)| a.same(b))
        };
        self.by_hash.get(&hash)?.iter().find(same).copied()
    }

    /// Takes a candidate that was added last out of its nodes. Those that only it had are left without candidates.
    fn remove_candidate(&mut self, index: usize) {
        for node in &mut self.nodes {
            if node.candidates.last() == Some(&index) {
                node.candidates.pop();
            }
        }
    }

    /// Takes the needs of a candidate's stages and of the evaluators back to where rows are read for them.
    fn place_needs(&mut self, candidate: usize, path: &[usize], asked: Option<AskedToScore>) {
        for (depth, &node) in path.iter().enumerate() {
            let declared = Arc::clone(&self.nodes[node].step.declared);
            let needs = declared.planned.plan.needs();
            let landed = declared.landed.get_or_init(|| self.land(path, depth, &declared.name, needs));
            self.answer(candidate, path, landed);
        }
        let scored = |tree: &mut Self| {
            let AskedToScore { needs, also, passes, row_bytes } = asked.unwrap_or_default();
            let mut landed = tree.land(path, path.len(), "the evaluator", &needs);
            landed.extend(tree.land(path, path.len(), OTHER_EVALUATORS, &also));
            (landed, passes, row_bytes)
        };
        let last = path.last().map(|&node| Arc::clone(&self.nodes[node].step.declared));
        let (anew, known);
        let (landed, passes, row_bytes) = match &last {
            Some(last) => {
                known = last.scored.get_or_init(|| scored(self));
                known
            }
            None => {
                anew = scored(self);
                &anew
            }
        };
        self.answer(candidate, path, landed);
        self.scoring_passes.push(*passes);
        self.scored_row_bytes = self.scored_row_bytes.max(*row_bytes);
    }

    /// Where requests behind the first `depth` stages of a path are answered.
    fn land(&mut self, path: &[usize], depth: usize, stage: &str, needs: &[Need]) -> Vec<Landed> {
        let steps: Vec<&LineageStep> =
            path[..depth].iter().map(|&node| &self.nodes[node].planned.step).collect();
        let place = |depth: usize| path[depth - 1];
        let mut landed = Vec::with_capacity(needs.len());
        for need in needs {
            let (depth, need) = self.landings.pull_back(&steps, place, need);
            landed.push(match depth.checked_sub(1) {
                Some(position) => Landed::Behind(position, need),
                None => Landed::Frame(self.base.place(need, stage)),
            });
        }
        landed
    }

    /// Notes that a candidate needs answers.
    fn answer(&mut self, candidate: usize, path: &[usize], landed: &[Landed]) {
        for landed in landed {
            match landed {
                Landed::Frame(place) => self.base.add(*place, candidate),
                Landed::Behind(position, need) => {
                    let have = &mut self.nodes[path[*position]].needs;
                    if !have.iter().any(|other| other.same(need)) {
                        have.push(need.clone());
                    }
                }
            }
        }
    }

    /// The levels of some candidates, in ascending order.
    pub(crate) fn levels(&self, candidates: &[usize]) -> Vec<Level> {
        let paths = candidates.iter().filter_map(|&candidate| self.paths.get(candidate));
        let mut by_depth: Vec<Vec<usize>> = Vec::new();
        for path in paths {
            by_depth.resize_with(by_depth.len().max(path.len()), Vec::new);
            for (level, &node) in by_depth.iter_mut().zip(path) {
                level.push(node);
            }
        }
        let level = |(depth, mut nodes): (usize, Vec<usize>)| {
            nodes.sort_unstable();
            nodes.dedup();
            self.level(depth, nodes)
        };
        by_depth.into_iter().enumerate().map(level).collect()
    }

    fn level(&self, depth: usize, nodes: Vec<usize>) -> Level {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut grouped: HashMap<(Option<usize>, &str), usize> = HashMap::new();
        // Siblings follow each other.
        let mut last: Option<((Option<usize>, &str), usize)> = None;
        let mut names: Vec<&str> = Vec::new();
        for &place in &nodes {
            let node = &self.nodes[place];
            if !names.contains(&node.name.as_str()) {
                names.push(&node.name);
            }
            if node.stage.as_model().is_some() {
                continue;
            }
            if !node.planned.plan.is_grouped() {
                groups.push(vec![place]);
                continue;
            }
            let key = (node.parent, node.stage.type_name());
            let group = match last {
                Some((known, group)) if known == key => group,
                _ => *grouped.entry(key).or_insert(groups.len()),
            };
            last = Some((key, group));
            match groups.get_mut(group) {
                Some(group) => group.push(place),
                None => groups.push(vec![place]),
            }
        }
        Level { depth, name: names.join(" | "), nodes, groups }
    }

    /// The last fitted stage of a candidate, if any is: its unit evaluates as well.
    pub(crate) fn last_fitted(&self, candidate: usize) -> Option<usize> {
        self.paths.get(candidate)?.iter().rev().copied().find(|&node| self.is_fitted(node))
    }

    /// The node itself if it is fitted, or the last fitted one before it.
    pub(crate) fn last_fitted_from(&self, node: usize) -> Option<usize> {
        match self.is_fitted(node) {
            true => Some(node),
            false => self.last_fitted_from(self.nodes.get(node)?.parent?),
        }
    }

    /// The candidates that can be fitted.
    pub(crate) fn valid(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.paths.len()).filter(|candidate| !self.invalid.contains_key(candidate))
    }

    /// The candidates among some that pass through a group.
    pub(crate) fn through(&self, group: &[usize], candidates: &[usize]) -> Vec<usize> {
        let nodes = group.iter().filter_map(|&node| self.nodes.get(node));
        let mut through: Vec<usize> = nodes.flat_map(|node| among(node, candidates)).collect();
        through.sort_unstable();
        through
    }

    /// The candidates among some that have no fitted stage behind a node.
    pub(crate) fn ending_at(&self, node: usize, candidates: &[usize]) -> Vec<usize> {
        let mut through = self.nodes.get(node).map(|node| among(node, candidates)).unwrap_or_default();
        through.retain(|&candidate| self.last_fitted(candidate) == Some(node));
        through
    }

    /// The candidates among some of a group that have no fitted stage behind it.
    pub(crate) fn scored_by(&self, group: &[usize], candidates: &[usize]) -> Vec<usize> {
        let mut scored: Vec<usize> =
            group.iter().flat_map(|&node| self.ending_at(node, candidates)).collect();
        scored.sort_unstable();
        scored
    }

    /// The fits of some candidates on a level that are needless on one fold because an equal stage is fitted for another
    /// candidate, and all of their fits there.
    pub(crate) fn fits_of(&self, level: &Level, candidates: &[usize]) -> (usize, usize) {
        let nodes = level.groups.iter().flatten().filter_map(|&node| self.nodes.get(node));
        nodes.fold((0, 0), |(needless, all), node| {
            let fits = among(node, candidates).len();
            (needless + fits.saturating_sub(1), all + fits)
        })
    }

    /// Whether a node is fitted rather than a transformer.
    pub(crate) fn is_fitted(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| node.stage.as_model().is_none())
    }

    /// Whether rows look the same behind a node for all folds: nothing was fitted on the way.
    pub(crate) fn is_common(&self, node: usize) -> bool {
        let parent = self.nodes.get(node).and_then(|node| node.parent);
        !self.is_fitted(node) && parent.is_none_or(|parent| self.is_common(parent))
    }
}
