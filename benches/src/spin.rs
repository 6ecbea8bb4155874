//! An estimator that Luthier knows nothing about and that keeps a core busy.

use std::hint;
use std::time::Duration;

use luthier::core::frame::{Field, Schema};
use luthier::core::{Dataset, Estimator, FitContext, Outputs, Params, Tile, Transformer};
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

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(prediction())
    }
}

/// A fitted [`Spin`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpinModel {
    shift: f64,
}

impl Transformer for SpinModel {
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(prediction())
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.numbers(vec![self.shift; rows.len()]);
        Ok(())
    }
}

fn prediction() -> Vec<Field> {
    vec![Field::number("prediction")]
}
