//! An estimator that Luthier knows nothing about and that keeps a core busy.

use std::hint;
use std::time::Duration;

use luthier::core::frame::{Column, ColumnType, DataFrame, Field, Schema};
use luthier::core::{Dataset, Estimator, FitContext, Params, Transformer};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Keeps the calling thread's core busy for `millis` of processor time: two of them on one core take twice as long.
pub fn spin(millis: u64) {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    let end = now() + Duration::from_millis(millis);
    while now() < end {
        (0..1000).for_each(|_| hint::spin_loop());
    }
}

/// Predicts `shift`, after `millis` of work. It declares nothing, so nothing is shared.
#[derive(Debug, Clone, Params)]
pub struct Spin {
    /// Milliseconds of processor time that a fit takes.
    #[param(default = 20)]
    millis: u64,
    /// What is predicted, so that candidates differ.
    #[param(default = 0.0)]
    shift: f64,
}

impl Estimator for Spin {
    const NAME: &'static str = "bench.spin";
    type Model = SpinModel;

    fn fit(&self, _data: &Dataset, _ctx: &FitContext) -> anyhow::Result<SpinModel> {
        spin(self.millis);
        Ok(SpinModel { shift: self.shift })
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        append_prediction(schema)
    }
}

/// A fitted [`Spin`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpinModel {
    shift: f64,
}

impl Transformer for SpinModel {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        Ok(data.with_column("prediction", Column::f64(vec![self.shift; data.num_rows()]))?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        append_prediction(schema)
    }
}

fn append_prediction(schema: &Schema) -> anyhow::Result<Schema> {
    Ok(schema.with_field(Field::new("prediction", ColumnType::F64))?)
}
