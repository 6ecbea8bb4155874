//! Fitting on a whole frame.

use std::sync::Arc;

use luthier_frame::DataFrame;

use crate::Result;
use crate::dataset::Dataset;
use crate::leak::LabelGuard;
use crate::stage::{DynEstimator, Estimator, FitContext, catch_panic};
use crate::work::WorkCounter;

/// Fits an estimator on a frame; implemented for every [`Estimator`].
pub trait EstimatorExt: Estimator {
    /// Checks parameters and schema, then fits on all rows of a frame.
    ///
    /// # Errors
    /// Parameters out of range, columns that do not fit, a feature that is computed from a label, rows that cannot be used, or a panic of the stage.
    fn fit_frame(&self, data: &DataFrame) -> Result<Self::Model> {
        let work = Arc::new(WorkCounter::default());
        let ctx = FitContext::new(0, Arc::clone(&work));
        DynEstimator::validate(self)?;
        LabelGuard::of(data.schema()).check(self)?;
        catch_panic(Self::NAME, || Estimator::transform_schema(self, data.schema()))?;
        let data = Dataset::new(data.clone()).counted_by(work);
        let plan = catch_panic(Self::NAME, || Ok(self.plan(data.schema())))?;
        // A request that fails here fails again, with the name of the stage, where it is used.
        let data = data.prepare(plan.needs())?;
        catch_panic(Self::NAME, || self.fit(&data, &ctx))
    }
}

impl<E: Estimator> EstimatorExt for E {}
