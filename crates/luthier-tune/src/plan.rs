//! What a search will do, before it does anything.

use luthier_core::frame::Schema;
use luthier_core::{DynEstimator, DynEvaluator, LineageStep, Need, ParamMap, Pipeline, PlannedStage, Value};

use crate::{Error, Result};

/// Candidates as a tree by stage: one that differs only in later stages shares the nodes of the earlier ones.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// For each candidate its node at every stage.
    pub(crate) paths: Vec<Vec<usize>>,
    pub(crate) levels: Vec<Level>,
    /// For each candidate, how often its evaluators read the rows of a fold.
    pub(crate) scoring_passes: Vec<u64>,
}

/// What the evaluators ask of a candidate's predictions.
#[derive(Debug, Default)]
pub(crate) struct AskedToScore {
    /// Requests that may spare the one that decides the rows.
    needs: Vec<Need>,
    /// The same of the others.
    also: Vec<Need>,
    /// How often they read the rows.
    passes: u64,
}

impl AskedToScore {
    /// Errs if the schema does not fit one of them.
    pub(crate) fn of(evaluators: &[Box<dyn DynEvaluator>], schema: &Schema) -> Result<Self> {
        let (mut asked, mut reads_together) = (Self::default(), false);
        for (place, evaluator) in evaluators.iter().enumerate() {
            evaluator.check_schema(schema)?;
            let plan = evaluator.plan(schema);
            reads_together |= !plan.scanned().is_empty();
            // One that declares nothing has a pass of its own.
            asked.passes += u64::from(plan.is_opaque());
            let whose = if place == 0 { &mut asked.needs } else { &mut asked.also };
            whose.extend_from_slice(plan.derived());
        }
        asked.passes += u64::from(reads_together);
        Ok(asked)
    }
}

/// A configured stage behind configured earlier ones.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) stage: Box<dyn DynEstimator>,
    /// Its parameters, in the order of its type.
    values: Vec<Value>,
    pub(crate) planned: PlannedStage,
    pub(crate) parent: Option<usize>,
    /// The candidates that pass through it.
    pub(crate) candidates: Vec<usize>,
    /// Requests of this and later stages, and of the evaluator, that are answered from the rows as they are seen
    /// behind this node.
    pub(crate) needs: Vec<Need>,
}

/// The nodes of one stage, grouped as they are fitted.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) stage: usize,
    pub(crate) name: String,
    /// Nodes that are fitted together: siblings where the stage gains from it, else one by one. A transformer is
    /// not fitted; its groups are empty.
    pub(crate) groups: Vec<Vec<usize>>,
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

/// The leaves of an estimator that may be a pipeline.
pub(crate) fn leaves(root: &dyn DynEstimator) -> Vec<(String, &dyn DynEstimator)> {
    match root.as_any().downcast_ref::<Pipeline>() {
        Some(pipeline) => pipeline.leaves(),
        None => vec![(root.type_name().to_owned(), root)],
    }
}

/// A copy of the estimator with a candidate's parameters.
pub(crate) fn configure(root: &dyn DynEstimator, params: &ParamMap) -> Result<Box<dyn DynEstimator>> {
    let mut copy = root.clone_box();
    for (name, value) in params.iter() {
        copy.set_value(name, value)?;
    }
    copy.validate()?;
    Ok(copy)
}

impl Tree {
    /// Checks every candidate against the schema and builds the tree.
    pub(crate) fn new(
        configured: &[Box<dyn DynEstimator>],
        params: &[ParamMap],
        schema: &Schema,
        asked_to_score: impl Fn(&Schema) -> Result<AskedToScore>,
    ) -> Result<(Self, Vec<BaseNeed>)> {
        let mut tree =
            Self { nodes: Vec::new(), paths: Vec::new(), levels: Vec::new(), scoring_passes: Vec::new() };
        for (index, (root, params)) in configured.iter().zip(params).enumerate() {
            let path = tree
                .add_candidate(index, root.as_ref(), schema)
                .map_err(|e| Error::candidate(index, params, e))?;
            tree.paths.push(path);
        }
        let mut base: Vec<BaseNeed> = Vec::new();
        for (index, params) in params.iter().enumerate() {
            tree.place_needs(index, schema, &asked_to_score, &mut base)
                .map_err(|e| Error::candidate(index, params, e))?;
        }
        tree.levels = tree.group();
        Ok((tree, base))
    }

    fn add_candidate(
        &mut self,
        index: usize,
        root: &dyn DynEstimator,
        schema: &Schema,
    ) -> Result<Vec<usize>> {
        let mut path = Vec::new();
        for (name, leaf) in leaves(root) {
            let parent = path.last().copied();
            let values: Vec<Value> = leaf.values().into_iter().map(|(_, value)| value).collect();
            let node = match self.find(parent, &name, leaf.type_name(), &values) {
                Some(node) => node,
                None => {
                    let before = parent.map_or(schema, |parent: usize| &self.nodes[parent].planned.schema);
                    let planned = PlannedStage::new(leaf, before)
                        .map_err(|e| e.in_stage_of(&name, leaf.type_name()))?;
                    let stage = leaf.clone_box();
                    let (candidates, needs) = (Vec::new(), Vec::new());
                    self.nodes.push(Node { name, stage, values, planned, parent, candidates, needs });
                    self.nodes.len() - 1
                }
            };
            self.nodes[node].candidates.push(index);
            path.push(node);
        }
        Ok(path)
    }

    /// The node of an equal stage behind the same parent.
    fn find(&self, parent: Option<usize>, name: &str, type_name: &str, values: &[Value]) -> Option<usize> {
        self.nodes.iter().position(|node| {
            node.parent == parent
                && node.name == name
                && node.stage.type_name() == type_name
                && node.values.len() == values.len()
                && node.values.iter().zip(values).all(|(a, b)| a.same(b))
        })
    }

    /// Takes the needs of a candidate's stages and of the evaluator back to where rows are read for them.
    fn place_needs(
        &mut self,
        candidate: usize,
        schema: &Schema,
        asked_to_score: &impl Fn(&Schema) -> Result<AskedToScore>,
        base: &mut Vec<BaseNeed>,
    ) -> Result<()> {
        let path = self.paths[candidate].clone();
        let steps: Vec<LineageStep> =
            path.iter().map(|&node| self.nodes[node].planned.step.clone()).collect();
        let last = path.last().map_or(schema, |&node| &self.nodes[node].planned.schema);
        let AskedToScore { needs: deciding, also, passes } = asked_to_score(last)?;
        self.scoring_passes.push(passes);
        let asked = path
            .iter()
            .enumerate()
            .map(|(depth, &node)| {
                (depth, self.nodes[node].name.clone(), self.nodes[node].planned.plan.needs().to_vec())
            })
            .chain([(path.len(), "the evaluator".to_owned(), deciding)])
            .chain([(path.len(), OTHER_EVALUATORS.to_owned(), also)]);
        for (depth, stage, needs) in asked.collect::<Vec<_>>() {
            for need in needs {
                let (landed, need) = LineageStep::pull_back_all(&steps[..depth], &need);
                match landed.checked_sub(1) {
                    Some(position) => {
                        let have = &mut self.nodes[path[position]].needs;
                        if !have.iter().any(|other| other.same(&need)) {
                            have.push(need);
                        }
                    }
                    None => match base.iter_mut().find(|b| b.stage == stage && b.need.same(&need)) {
                        Some(same) if same.candidates.contains(&candidate) => {}
                        Some(same) => same.candidates.push(candidate),
                        None => {
                            base.push(BaseNeed { need, stage: stage.clone(), candidates: vec![candidate] })
                        }
                    },
                }
            }
        }
        Ok(())
    }

    fn group(&self) -> Vec<Level> {
        let depth = self.paths.first().map_or(0, Vec::len);
        (0..depth)
            .map(|stage| {
                let mut members: Vec<usize> = self.paths.iter().map(|path| path[stage]).collect();
                members.sort_unstable();
                members.dedup();
                let mut groups: Vec<Vec<usize>> = Vec::new();
                for node in members {
                    if self.nodes[node].stage.as_model().is_some() {
                        continue;
                    }
                    let joins = |group: &&mut Vec<usize>| {
                        group.first().is_some_and(|&first| self.fitted_together(first, node))
                    };
                    match groups.iter_mut().find(joins) {
                        Some(group) => group.push(node),
                        None => groups.push(vec![node]),
                    }
                }
                let name =
                    self.paths.first().map_or_else(String::new, |path| self.nodes[path[stage]].name.clone());
                Level { stage, name, groups }
            })
            .collect()
    }

    fn fitted_together(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.nodes[a], &self.nodes[b]);
        a.parent == b.parent
            && a.stage.type_name() == b.stage.type_name()
            && a.planned.plan.is_grouped()
            && b.planned.plan.is_grouped()
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

    /// The last stage that is fitted, if any is: its units evaluate as well.
    pub(crate) fn last_fitted(&self) -> Option<usize> {
        self.levels.iter().rev().find(|level| !level.groups.is_empty()).map(|level| level.stage)
    }
}
