//! Chains of stages that are each fitted behind the last.

use std::sync::atomic::{AtomicUsize, Ordering};

use luthier_core::frame::{Field, Schema};
use luthier_core::{
    Dataset, Estimator, EstimatorExt, FitContext, Moments, MomentsSpec, Outputs, Params, Pipeline, Tile,
    Transformer,
};
use serde::{Deserialize, Serialize};

use crate::parts::frame;

static APPLIED: AtomicUsize = AtomicUsize::new(0);

/// Takes the mean off, and does not tell that it is an affine map.
#[derive(Debug, Clone, Params)]
struct Centre {
    /// The numbers.
    #[param(default = "a")]
    input_col: String,
    /// The new column.
    #[param(default = "centred")]
    output_col: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Centred {
    input_col: String,
    output_col: String,
    mean: f64,
}

impl Estimator for Centre {
    const NAME: &'static str = "test.centre_opaquely";
    type Model = Centred;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<Centred> {
        let mean = data.summarize::<Moments>(&MomentsSpec::new([&self.input_col]))?.mean()[0];
        Ok(Centred { input_col: self.input_col.clone(), output_col: self.output_col.clone(), mean })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        schema.require(&self.input_col)?;
        Ok(vec![Field::number(&self.output_col)])
    }
}

impl Transformer for Centred {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        schema.require(&self.input_col)?;
        Ok(vec![Field::number(&self.output_col)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        APPLIED.fetch_add(rows.len(), Ordering::SeqCst);
        out.numbers(rows.numbers(&self.input_col)?.iter().map(|x| x - self.mean + 1.0).collect());
        Ok(())
    }
}

fn chain(stages: usize) -> Pipeline {
    let mut pipeline = Pipeline::new();
    let name = |i: usize| if i == 0 { "a".to_owned() } else { format!("c{i}") };
    for i in 0..stages {
        pipeline.add(format!("s{i}"), Centre::new().input_col(name(i)).output_col(name(i + 1)));
    }
    pipeline
}

#[test]
fn rows_pass_through_a_chain_as_often_as_it_is_long() {
    let data = frame(100, 3, 1);
    let applied = |stages: usize| {
        let before = APPLIED.load(Ordering::SeqCst);
        let model = chain(stages).fit_frame(&data).unwrap();
        let applied = APPLIED.load(Ordering::SeqCst) - before;
        // Every stage is fitted to what the stages in front make of the rows.
        let out = model.transform(&data).unwrap().column_f64(&format!("c{stages}")).unwrap();
        assert!((out.iter().sum::<f64>() / 100.0 - 1.0).abs() < 1e-9);
        applied
    };
    let (short, long) = (applied(64), applied(128));
    assert!(long <= 2 * short + 16 * 16 * 100, "{short} rows through 64 stages, {long} through 128");
}
