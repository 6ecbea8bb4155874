//! Conformance of evaluators.

use std::sync::Arc;

use luthier_core::frame::{Column, DataFrame, Field, Schema};
use luthier_core::{
    Dataset, DynEvaluator, Error, Evaluator, IntoStage, Outputs, Params, PureStage, PureTransformer, Tile,
    Transformer, WorkCounter,
};

use crate::findings::{Findings, Law, Rule, run_laws};
use crate::hostile::{hostile, replaced};

/// Checks the whole contract of an evaluator on a frame that it can score, such as
/// [`sample_frame`](crate::sample_frame).
///
/// # Errors
/// The list of broken rules with details.
pub fn check_evaluator<E: Evaluator>(evaluator: &E, predictions: &DataFrame) -> Result<(), Findings> {
    let check = Check { evaluator, frame: predictions.clone() };
    let laws: Vec<(Rule, Law<'_>)> = vec![
        (Rule::Works, Box::new(|| check.works())),
        (Rule::Deterministic, Box::new(|| check.deterministic())),
        (Rule::Partitions, Box::new(|| check.partitions())),
        (Rule::OneByOne, Box::new(|| check.one_by_one())),
        (Rule::Needs, Box::new(|| check.needs())),
        (Rule::Sharing, Box::new(|| check.sharing())),
        (Rule::ChecksFirst, Box::new(|| check.checks_first())),
        (Rule::NoPanic, Box::new(|| check.survives(Rule::NoPanic))),
        (Rule::NamesColumn, Box::new(|| check.survives(Rule::NamesColumn))),
    ];
    let mut laws = laws.into_iter();
    let mut findings = run_laws(laws.next());
    if findings.is_empty() {
        findings = run_laws(laws);
    }
    Findings::check(E::NAME, findings)
}

/// How much metrics may differ, relative to 1 or to themselves, if only the order of sums differs.
const TOLERANCE: f64 = 1e-9;

struct Check<'a> {
    evaluator: &'a dyn DynEvaluator,
    frame: DataFrame,
}

type Outcome = Result<(), String>;

impl Check<'_> {
    fn metric(&self, data: &Dataset) -> Result<f64, String> {
        self.evaluator.evaluate(data).map_err(|error| error.to_string())
    }

    fn works(&self) -> Outcome {
        self.evaluator.check_schema(self.frame.schema()).map_err(|error| error.to_string())?;
        match self.metric(&Dataset::new(self.frame.clone()))? {
            metric if metric.is_nan() => Err("the metric is NaN on a frame that it can score".to_owned()),
            _ => Ok(()),
        }
    }

    fn deterministic(&self) -> Outcome {
        let metrics = [0; 2].map(|_| self.metric(&Dataset::new(self.frame.clone())).map(f64::to_bits));
        if metrics[0] == metrics[1] {
            Ok(())
        } else {
            Err(format!("two metrics of the same rows: {metrics:?}"))
        }
    }

    fn partitions(&self) -> Outcome {
        let whole = self.metric(&Dataset::new(self.frame.clone()))?;
        for parts in [1, 2, 7] {
            let cut = self.frame.repartition(parts).map_err(|error| error.to_string())?;
            let metric = self.metric(&Dataset::new(cut))?;
            if !close(metric, whole) {
                return Err(format!("the metric is {metric} in {parts} partitions, but {whole} otherwise"));
            }
        }
        Ok(())
    }

    /// Siblings: the same rows behind models that return the values of other rows.
    fn one_by_one(&self) -> Outcome {
        let text = |error: luthier_core::frame::Error| error.to_string();
        let names: Vec<&str> = self.frame.schema().names().collect();
        let mut hidden = self.frame.clone();
        for name in &names {
            hidden = hidden.rename(name, &Give::hidden(name, 0)).map_err(text)?;
        }
        let all = self.frame.collect().and_then(|frame| frame.repartition(1)).map_err(text)?;
        let rows = all.num_rows();
        let half = rows.div_ceil(2);
        for (turn, start) in [(1, 0), (2, rows - half)] {
            // Combinations of values that occur in the frame, but in other rows.
            let turned = [all.slice(start, half), all.slice(start, rows - half)]
                .into_iter()
                .collect::<Result<Vec<_>, _>>();
            let turned = turned.and_then(|parts| DataFrame::concat(&parts)).map_err(text)?;
            for field in self.frame.schema().fields() {
                let column = crate::values::column(&turned, field.name())?;
                let field = field.clone().with_name(Give::hidden(field.name(), turn));
                hidden = hidden.with_field(field, column).map_err(text)?;
            }
        }
        let data = Dataset::new(hidden);
        let views = [0, 1, 2, 0].map(|turn| {
            let columns = names.iter().map(|name| (*name).to_owned());
            data.through(pure(Give::new().columns(columns).turn(turn))).map_err(|error| error.to_string())
        });
        let views = views.into_iter().collect::<Result<Vec<_>, _>>()?;
        let together = self.evaluator.evaluate_many(&views);
        for (i, (view, together)) in views.iter().zip(together).enumerate() {
            let (alone, together) = (self.metric(view).ok(), together.ok());
            if alone.map(f64::to_bits) != together.map(f64::to_bits) {
                return Err(format!("sibling {i} has {together:?} together, but {alone:?} alone"));
            }
        }
        Ok(())
    }

    fn needs(&self) -> Outcome {
        let plan = self.evaluator.plan(self.frame.schema());
        if plan.derived().is_empty() {
            return Ok(());
        }
        let work = Arc::new(WorkCounter::default());
        let data = Dataset::new(self.frame.clone()).counted_by(Arc::clone(&work));
        let data = data.prepare(plan.derived()).map_err(|error| error.to_string())?;
        let before = work.snapshot();
        self.metric(&data)?;
        let after = work.snapshot();
        match after.rows_read - before.rows_read {
            0 => Ok(()),
            _ if after.guarded > before.guarded => Ok(()),
            rows => Err(format!("`evaluate` reads {rows} rows for a summary that `plan` does not declare")),
        }
    }

    fn sharing(&self) -> Outcome {
        let data = Dataset::new(self.frame.clone());
        let prepared = data
            .prepare(self.evaluator.plan(self.frame.schema()).derived())
            .map_err(|error| error.to_string())?;
        let (with, without) = (self.metric(&prepared)?, self.metric(&data.without_sharing())?);
        if close(with, without) { Ok(()) } else { Err(format!("{with} with sharing, but {without} without")) }
    }

    fn checks_first(&self) -> Outcome {
        for field in self.frame.schema().fields() {
            let name = field.name();
            let without = self.frame.drop(&[name]).map_err(|error| error.to_string())?;
            let texts = (0..self.frame.num_rows()).map(|i| format!("text {i}"));
            let texts =
                replaced(&self.frame, field, Column::utf8(texts)).map_err(|error| error.to_string())?;
            for (frame, problem) in [(without, "is missing"), (texts, "is text")] {
                match self.evaluator.check_schema(frame.schema()) {
                    Err(error) if error.to_string().contains(name) => {}
                    Err(error) => {
                        return Err(format!("if `{name}` {problem}, the error does not name it: {error}"));
                    }
                    Ok(()) => self
                        .metric(&Dataset::new(frame))
                        .map(|_| ())
                        .map_err(|e| format!("if `{name}` {problem}, only `evaluate` reports it: {e}"))?,
                }
            }
        }
        Ok(())
    }

    fn survives(&self, rule: Rule) -> Outcome {
        for bad in hostile(&self.frame) {
            if self.evaluator.check_schema(bad.frame.schema()).is_err() {
                continue;
            }
            let Err(error) = self.evaluator.evaluate(&Dataset::new(bad.frame.clone())) else { continue };
            let panicked = matches!(error, Error::Panicked { .. });
            let named = bad.column.as_ref().is_none_or(|column| error.to_string().contains(column.as_str()));
            match rule {
                Rule::NoPanic if panicked => return Err(format!("{}: {error}", bad.what)),
                Rule::NamesColumn if !panicked && !named => {
                    return Err(format!("{}: the error does not name the column: {error}", bad.what));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0)
}

/// Returns columns that are hidden under other names.
#[derive(Debug, Clone, Params)]
struct Give {
    /// The names of the returned columns.
    #[param(default, column = output)]
    columns: Vec<String>,
    /// The number of the hidden columns.
    #[param(default = 0)]
    turn: i64,
}

impl Give {
    fn hidden(name: &str, turn: i64) -> String {
        format!("{name} of turn {turn}")
    }
}

impl Transformer for Give {
    fn inputs(&self) -> Vec<String> {
        self.columns.iter().map(|name| Self::hidden(name, self.turn)).collect()
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let field =
            |name: &String| Ok(schema.require(&Self::hidden(name, self.turn))?.clone().with_name(name));
        self.columns.iter().map(field).collect()
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        for hidden in self.inputs() {
            out.column(rows.column(&hidden)?);
        }
        Ok(())
    }

    fn takes_nulls(&self) -> bool {
        true
    }
}

impl PureTransformer for Give {
    const NAME: &'static str = "testkit.give";
}

fn pure<T: PureTransformer>(stage: T) -> Arc<dyn luthier_core::DynModel> {
    match IntoStage::<PureStage>::into_stage(stage).as_model() {
        Some(model) => model,
        None => unreachable!("a transformer is its own model"),
    }
}
