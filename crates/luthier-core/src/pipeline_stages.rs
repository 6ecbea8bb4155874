//! Building pipelines in one expression.

use crate::params::StageHandle;
use crate::pipeline::Pipeline;
use crate::stage::{DynEstimator, Estimator, PureTransformer, pure};

/// A stage of a pipeline: an estimator, or a transformer that is not fitted. `Kind` tells them apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stage of a pipeline",
    note = "a stage implements `Estimator`, or `PureTransformer` if nothing is fitted"
)]
pub trait IntoStage<Kind>: Sized {
    /// The stage as pipelines hold it.
    fn into_stage(self) -> Box<dyn DynEstimator>;
}

/// The kind of a stage that is fitted.
#[derive(Debug)]
pub struct FittedStage;

/// The kind of a stage that is a transformer from the start.
#[derive(Debug)]
pub struct PureStage;

impl<E: Estimator> IntoStage<FittedStage> for E {
    fn into_stage(self) -> Box<dyn DynEstimator> {
        Box::new(self)
    }
}

impl<T: PureTransformer> IntoStage<PureStage> for T {
    fn into_stage(self) -> Box<dyn DynEstimator> {
        pure(self)
    }
}

/// A sequence of named stages: a tuple of up to twelve pairs of a name and a stage. `Kinds` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of named stages",
    note = "write pairs of a name and a stage: `((\"scaler\", StandardScaler::new()), (\"lr\", LinearRegression::new()))`"
)]
pub trait NamedStages<Kinds> {
    /// The handles of the stages, in the same order.
    type Handles;

    /// Appends the stages to a pipeline.
    fn add_to(self, pipeline: &mut Pipeline) -> Self::Handles;
}

macro_rules! tuples {
    ($(($name:ident $stage:ident $kind:ident $place:tt))+) => {
        impl<$($name: Into<String>, $stage: IntoStage<$kind>, $kind),+> NamedStages<($($kind,)+)>
            for ($(($name, $stage),)+)
        {
            type Handles = ($(StageHandle<$stage>,)+);

            fn add_to(self, pipeline: &mut Pipeline) -> Self::Handles {
                ($({
                    let (name, stage) = self.$place;
                    let name: String = name.into();
                    pipeline.add_dyn(name.clone(), stage.into_stage());
                    StageHandle::new(name)
                },)+)
            }
        }
    };
}

tuples!((N0 S0 K0 0));
tuples!((N0 S0 K0 0)(N1 S1 K1 1));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2)(N3 S3 K3 3));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2)(N3 S3 K3 3)(N4 S4 K4 4));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2)(N3 S3 K3 3)(N4 S4 K4 4)(N5 S5 K5 5));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2)(N3 S3 K3 3)(N4 S4 K4 4)(N5 S5 K5 5)(N6 S6 K6 6));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2)(N3 S3 K3 3)(N4 S4 K4 4)(N5 S5 K5 5)(N6 S6 K6 6)(N7 S7 K7 7));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2)(N3 S3 K3 3)(N4 S4 K4 4)(N5 S5 K5 5)(N6 S6 K6 6)(N7 S7 K7 7)
    (N8 S8 K8 8));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2)(N3 S3 K3 3)(N4 S4 K4 4)(N5 S5 K5 5)(N6 S6 K6 6)(N7 S7 K7 7)
    (N8 S8 K8 8)(N9 S9 K9 9));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2)(N3 S3 K3 3)(N4 S4 K4 4)(N5 S5 K5 5)(N6 S6 K6 6)(N7 S7 K7 7)
    (N8 S8 K8 8)(N9 S9 K9 9)(N10 S10 K10 10));
tuples!((N0 S0 K0 0)(N1 S1 K1 1)(N2 S2 K2 2)(N3 S3 K3 3)(N4 S4 K4 4)(N5 S5 K5 5)(N6 S6 K6 6)(N7 S7 K7 7)
    (N8 S8 K8 8)(N9 S9 K9 9)(N10 S10 K10 10)(N11 S11 K11 11));

impl Pipeline {
    /// A pipeline of these stages, and their handles, which provide typed addresses and find the fitted models.
    ///
    /// ```
    /// # use luthier_core::{Estimator, FitContext, Dataset, Params, PipelineModel};
    /// # use luthier_core::frame::{Field, Schema};
    /// # macro_rules! stage { ($name:ident, $text:literal) => {
    /// # /// A stage.
    /// # #[derive(Debug, Clone, Params)]
    /// # struct $name {
    /// #     /// A number.
    /// #     #[param(default = 1)]
    /// #     k: usize,
    /// # }
    /// # impl Estimator for $name {
    /// #     const NAME: &'static str = $text;
    /// #     type Model = PipelineModel;
    /// #     fn fit(&self, _: &Dataset, _: &FitContext) -> anyhow::Result<PipelineModel> {
    /// #         Ok(PipelineModel::new(Vec::new()))
    /// #     }
    /// #     fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> {
    /// #         Ok(Vec::new())
    /// #     }
    /// # }
    /// # } }
    /// # stage!(Pca, "pca");
    /// # stage!(Ridge, "ridge");
    /// use luthier_core::Pipeline;
    ///
    /// let (pipeline, (pca, lr)) = Pipeline::of((("pca", Pca::new()), ("lr", Ridge::new())));
    /// assert_eq!(pca.at(Pca::K).name(), "pca.k");
    /// assert_eq!(pipeline.stages().len(), 2);
    /// # let _ = lr;
    /// ```
    pub fn of<Kinds, S: NamedStages<Kinds>>(stages: S) -> (Self, S::Handles) {
        let mut pipeline = Self::new();
        let handles = stages.add_to(&mut pipeline);
        (pipeline, handles)
    }

    /// The pipeline with an additional stage. If you need the handle of the stage, use [`of`](Self::of) or
    /// [`add`](Self::add), or create it with [`StageHandle::new`].
    #[must_use]
    pub fn stage<Kind>(mut self, name: impl Into<String>, stage: impl IntoStage<Kind>) -> Self {
        self.add_dyn(name, stage.into_stage());
        self
    }
}
