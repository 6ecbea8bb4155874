//! An estimator of the tests' own: it predicts a constant, counts its fits, and fails, panics or sleeps as told.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use luthier::core::frame::{Field, Schema};
use luthier::core::{Dataset, FitContext, Moments, MomentsSpec, Outputs, ParamEnum, StagePlan, Tile};
use luthier::prelude::*;
use serde::{Deserialize, Serialize};

thread_local! {
    static FITS: Cell<usize> = const { Cell::new(0) };
}

/// Fits on this thread so far: with a serial executor, those of this test.
pub(crate) fn fits() -> usize {
    FITS.get()
}

/// Fits that run at this moment, and the most that ever did; for one test only.
#[derive(Debug)]
pub(crate) struct InFlight {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl InFlight {
    const fn new() -> Self {
        Self { now: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    /// The most since the last call.
    pub(crate) fn take_most(&self) -> usize {
        self.most.swap(0, SeqCst)
    }
}

/// Tests with sleeping fits share one count of them.
pub(crate) static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// How many sleeping fits there were at once.
pub(crate) static SLEEPERS: InFlight = InFlight::new();

/// How a fit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
pub(crate) enum Mood {
    /// With a model.
    Fine,
    /// With an error.
    Fails,
    /// With a panic.
    Panics,
    /// With an error where fold 1 is held out.
    FailsOnFoldOne,
    /// With an error on all rows.
    FailsOnAllRows,
}

/// Predicts a constant.
#[derive(Debug, Clone, Params)]
pub(crate) struct Constant {
    /// What it predicts.
    #[param(default = 0.0)]
    value: f64,
    /// How a fit ends.
    #[param(default = Mood::Fine)]
    mood: Mood,
    /// How long a fit sleeps, in milliseconds.
    #[param(default = 0, range = 0..=1000)]
    millis: u64,
    /// The column whose values it asks for.
    #[param(default = "label", column = label)]
    label_col: String,
}

/// The constant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConstantModel {
    pub(crate) value: f64,
    /// The seed it was fitted with.
    pub(crate) seed: u64,
}

impl Constant {
    fn moments(&self) -> MomentsSpec {
        MomentsSpec::new([&self.label_col])
    }

    fn sleep(&self, data: &Dataset) -> anyhow::Result<()> {
        let now = SLEEPERS.now.fetch_add(1, SeqCst) + 1;
        SLEEPERS.most.fetch_max(now, SeqCst);
        std::thread::sleep(Duration::from_millis(self.millis));
        // Data parallelism inside of a unit, private to it.
        let rows = data.aggregate::<Moments>(&self.moments()).map(|moments| moments.rows());
        SLEEPERS.now.fetch_sub(1, SeqCst);
        anyhow::ensure!(rows? > 0, "no rows");
        Ok(())
    }
}

impl Estimator for Constant {
    const NAME: &'static str = "tests.constant";
    type Model = ConstantModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<ConstantModel> {
        FITS.set(FITS.get() + 1);
        if self.millis > 0 {
            self.sleep(data)?;
        }
        match self.mood {
            Mood::Fails => anyhow::bail!("it is in a bad mood"),
            Mood::Panics => std::panic::resume_unwind(Box::new("it is in a very bad mood")),
            Mood::FailsOnFoldOne if !data.rows().includes(1) => anyhow::bail!("not on fold 1"),
            Mood::FailsOnAllRows if data.rows().is_all() => anyhow::bail!("not on all rows"),
            _ => Ok(ConstantModel { value: self.value, seed: ctx.seed() }),
        }
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        schema.require(&self.label_col)?;
        Ok(vec![Field::number("prediction")])
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque().need::<Moments>(self.moments())
    }
}

impl Transformer for ConstantModel {
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number("prediction")])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.numbers(vec![self.value; rows.len()]);
        Ok(())
    }
}

luthier::core::register_estimator!(Constant: "Predicts a constant.");
