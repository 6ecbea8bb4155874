//! Stages made of stages with one planted defect each.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use luthier_core::frame::{Field, Schema};
use luthier_core::{
    Children, Dataset, Estimator, FitContext, FittedChild, Outputs, ParamEnum, Params, Pipeline,
    PipelineModel, PipelineStage, PureTransformer, Tile, Transformer,
};
use luthier_testkit::{Rule, check_estimator, sample_frame};

/// Adds one to every feature.
#[derive(Debug, Clone, Params)]
struct AddOne {
    /// The features.
    #[param(default = "features", column = input)]
    input_col: String,
    /// What they become.
    #[param(default = "more", column = output)]
    output_col: String,
}

impl Transformer for AddOne {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let vectors = schema.require_vectors(&self.input_col)?;
        Ok(vec![Field::new(&self.output_col, vectors.column_type())])
    }

    fn apply(&self, tile: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.vectors(tile.vectors(&self.input_col)?.mapv(|x| x + 1.0));
        Ok(())
    }
}

impl PureTransformer for AddOne {
    const NAME: &'static str = "test.add_one";
}

luthier_core::register_transformer!(AddOne: "Adds one to every feature.");

/// What is wrong with [`Both`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
enum Defect {
    None,
    CannotChange,
    ChangesOthers,
    Forgets,
    CannotAssemble,
    AssemblesLess,
}

/// Two stages in a row.
#[derive(Debug, Clone, Params)]
struct Both {
    /// What is wrong.
    #[param(default = Defect::None)]
    defect: Defect,
    #[param(skip)]
    stages: Two,
    #[param(skip)]
    others: Two,
}

#[derive(Debug, Clone)]
struct Two(Pipeline);

impl Default for Two {
    fn default() -> Self {
        let mut stages = Pipeline::new();
        stages.add_transformer("one", AddOne::new());
        stages.add_transformer("two", AddOne::new().input_col("more").output_col("most"));
        Self(stages)
    }
}

impl Estimator for Both {
    const NAME: &'static str = "test.both";
    type Model = PipelineModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<PipelineModel> {
        self.stages.0.fit(data, ctx)
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.stages.0.outputs(schema)
    }

    fn children(&self) -> Children<'_, PipelineStage> {
        self.stages.0.children()
    }

    fn children_mut(&mut self) -> Option<&mut Vec<PipelineStage>> {
        match self.defect {
            Defect::CannotChange => None,
            Defect::ChangesOthers => {
                self.others.0 = Pipeline::new();
                self.others.0.children_mut()
            }
            Defect::Forgets => self.others.0.children_mut(),
            _ => self.stages.0.children_mut(),
        }
    }

    fn assemble(
        &self,
        mut children: Vec<FittedChild>,
        columns: Option<&Schema>,
    ) -> anyhow::Result<PipelineModel> {
        match self.defect {
            Defect::CannotAssemble => anyhow::bail!("not done"),
            Defect::AssemblesLess => children.truncate(1),
            _ => {}
        }
        self.stages.0.assemble(children, columns)
    }
}

#[test]
fn defects_of_stages_made_of_stages_are_found() {
    check_estimator(&Both::new(), &sample_frame()).unwrap();
    for defect in [
        Defect::CannotChange,
        Defect::ChangesOthers,
        Defect::Forgets,
        Defect::CannotAssemble,
        Defect::AssemblesLess,
    ] {
        let found = check_estimator(&Both::new().defect(defect), &sample_frame());
        let findings = found.expect_err("a defect");
        assert!(findings.breaks(Rule::Children), "{defect:?}: {findings}");
    }
}
