//! Chains of stages that are each fitted behind the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use luthier_core::frame::{Field, Schema};
use luthier_core::{
    AffineColumns, Dataset, Estimator, EstimatorExt, FitContext, Landings, LineageStep, Moments, MomentsSpec,
    Need, Outputs, Params, Pipeline, Tile, Transformer,
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
    // With more rows, the outputs of all stages would take too much memory: the earliest are given up.
    for rows in [100, 100_000] {
        let data = frame(rows, 3, 1);
        let applied = |stages: usize| {
            let before = APPLIED.load(Ordering::SeqCst);
            let model = chain(stages).fit_frame(&data).unwrap();
            let applied = APPLIED.load(Ordering::SeqCst) - before;
            // Every stage is fitted to what the stages in front make of the rows.
            let out = model.transform(&data).unwrap().column_f64(&format!("c{stages}")).unwrap();
            assert!((out.iter().sum::<f64>() / rows as f64 - 1.0).abs() < 1e-9);
            applied
        };
        let (short, long) = (applied(64), applied(128));
        assert!(long <= 2 * short + 16 * 16 * rows, "{short} rows through 64 stages, {long} through 128");
        // What was given up is computed again where it is read.
        let mut pipeline = chain(128);
        pipeline.add("again", Centre::new().input_col("c3").output_col("last"));
        let out = pipeline.fit_frame(&data).unwrap().transform(&data).unwrap().column_f64("last").unwrap();
        assert!((out.iter().sum::<f64>() / rows as f64 - 1.0).abs() < 1e-9);
    }
}

fn step(i: usize) -> Arc<LineageStep> {
    let output = if i.is_multiple_of(7) { format!("aside{i}") } else { format!("c{i}") };
    let input = if i % 7 == 1 && i > 1 { i - 2 } else { i - 1 };
    let columns = AffineColumns { inputs: vec![format!("c{input}")], output };
    let fields = [Field::number(&columns.output)];
    Arc::new(LineageStep::new(&fields, Some(columns).filter(|_| i != 50)))
}

#[test]
fn a_request_ends_where_it_would_without_memory() {
    let steps: Vec<Arc<LineageStep>> = (1..100).map(step).collect();
    let mut landings = Landings::default();
    for depth in 0..=steps.len() {
        let last = format!("{}{depth}", if depth > 0 && depth.is_multiple_of(7) { "aside" } else { "c" });
        let bypassing = if depth > 50 { "c51" } else { "c0" };
        for column in [last, "c0".to_owned(), bypassing.to_owned()] {
            let need = Need::summary::<Moments>(MomentsSpec::new([column]));
            let steps = &steps[..depth];
            let (expected_depth, expected) = LineageStep::pull_back_all(steps, &need);
            let (found_depth, found) = landings.pull_back(steps, |depth| depth, &need);
            assert_eq!(found_depth, expected_depth);
            assert!(found.same(&expected));
        }
    }
    // One of the chain before the stage that is no affine map, one behind it, and the one that all of them bypass.
    assert_eq!(landings.passing(32).len(), 2);
    assert_eq!(landings.passing(64).len(), 3);
    assert_eq!(landings.passing(33).len(), 0);
}
