//! Stages that consist of other stages.

use std::collections::HashSet;
use std::sync::Arc;

use super::{DynEstimator, DynModel};
use crate::{Error, Result};

/// A stage and its name among its siblings.
#[derive(Debug, Clone)]
pub struct PipelineStage {
    name: String,
    stage: Box<dyn DynEstimator>,
}

impl PipelineStage {
    /// A stage with a name.
    pub fn new(name: impl Into<String>, stage: Box<dyn DynEstimator>) -> Self {
        Self { name: name.into(), stage }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stage.
    pub fn stage(&self) -> &dyn DynEstimator {
        self.stage.as_ref()
    }

    pub(crate) fn stage_mut(&mut self) -> &mut dyn DynEstimator {
        self.stage.as_mut()
    }

    pub(crate) fn put(&mut self, stage: Box<dyn DynEstimator>) {
        self.stage = stage;
    }
}

/// A fitted stage and its name among its siblings.
pub type FittedChild = (String, Arc<dyn DynModel>);

/// The stages inside a stage: [`PipelineStage`]s of an estimator, or [`FittedChild`]ren of a model.
///
/// The children of a stage of any type are addressed as `"stage.child.parameter"`. A grid can exchange or omit them; they are
/// checked, saved and loaded; and their columns, notes and descriptions are known.
///
/// ```
/// use luthier_core::frame::{Field, Schema};
/// use luthier_core::{
///     Children, Dataset, Estimator, FitContext, FittedChild, Params, Pipeline, PipelineModel, PipelineStage,
/// };
///
/// /// Several stages as one.
/// #[derive(Debug, Clone, Params)]
/// struct Prepare {
///     #[param(skip)]
///     stages: Pipeline,
/// }
///
/// impl Estimator for Prepare {
///     const NAME: &'static str = "acme.prepare";
///     type Model = PipelineModel;
///
///     fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<PipelineModel> {
///         self.stages.fit(data, ctx)
///     }
///
///     fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
///         self.stages.outputs(schema)
///     }
///
///     // A sequence, as in a pipeline, so a search takes the stages one by one.
///     fn children(&self) -> Children<'_, PipelineStage> {
///         self.stages.children()
///     }
///
///     fn children_mut(&mut self) -> Option<&mut Vec<PipelineStage>> {
///         self.stages.children_mut()
///     }
///
///     fn assemble(&self, children: Vec<FittedChild>, columns: Option<&Schema>) -> anyhow::Result<PipelineModel> {
///         self.stages.assemble(children, columns)
///     }
/// }
///
/// let prepare = Prepare { stages: Pipeline::new().stage("inner", Pipeline::new()) };
/// assert_eq!(prepare.children().all()[0].name(), "inner");
/// ```
#[derive(Debug)]
pub struct Children<'a, C> {
    all: &'a [C],
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Parts,
    InARow,
}

impl<'a, C> Children<'a, C> {
    /// No children.
    pub fn none() -> Self {
        Self { all: &[], kind: Kind::None }
    }

    /// Children that the stage fits and applies in its own way, for example one classifier per class.
    pub fn parts(all: &'a [C]) -> Self {
        Self { all, kind: Kind::Parts }
    }

    /// A sequence of stages: each is fitted on the output of the stages before it, and nothing else happens. A caller may
    /// therefore fit or apply them one by one, which lets a search share common stages.
    pub fn in_a_row(all: &'a [C]) -> Self {
        Self { all, kind: Kind::InARow }
    }

    /// All of them, in order.
    pub fn all(&self) -> &'a [C] {
        self.all
    }

    /// The stages, if they are a sequence.
    pub fn row(&self) -> Option<&'a [C]> {
        (self.kind == Kind::InARow).then_some(self.all)
    }

    /// The stages, unless they are a sequence.
    pub(crate) fn own_parts(&self) -> &'a [C] {
        if self.kind == Kind::Parts { self.all } else { &[] }
    }

    /// Whether the stage can have children, even if it currently has none.
    pub fn are_possible(&self) -> bool {
        self.kind != Kind::None
    }
}

/// Checks that the names are usable and unique, and that the parameters of all children are valid.
pub(super) fn check_children(children: &[PipelineStage]) -> Result<()> {
    let mut names = HashSet::with_capacity(children.len());
    for child in children {
        let name = child.name();
        if name.is_empty() || name.contains('.') {
            return Err(Error::invalid(format!(
                "`{name}` cannot be the name of a stage: use a name without dots"
            )));
        }
        if !names.insert(name) {
            return Err(Error::invalid(format!(
                "two stages are named `{name}`: the names must differ, because they address parameters"
            )));
        }
        child.stage().validate().map_err(|e| e.within(name))?;
    }
    Ok(())
}
