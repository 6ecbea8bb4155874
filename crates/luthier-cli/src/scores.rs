//! The metrics of a fitted pipeline on some rows.

use luthier::core::{Dataset, DynEvaluator, Error, Note, Result, evaluate_all};

/// One metric and the notes on it.
pub(crate) struct Score {
    pub(crate) metric: String,
    pub(crate) larger_is_better: bool,
    pub(crate) value: Result<f64>,
    pub(crate) notes: Vec<Note>,
}

/// The metric of each evaluator. One that fails does not affect the others.
pub(crate) fn score(evaluators: &[Box<dyn DynEvaluator>], data: &Dataset) -> Vec<Score> {
    let checks: Vec<_> = evaluators.iter().map(|evaluator| evaluator.check_schema(data.schema())).collect();
    let usable = evaluators.iter().zip(&checks).filter(|(_, check)| check.is_ok());
    let usable: Vec<_> = usable.map(|(evaluator, _)| evaluator.clone()).collect();
    let mut values = evaluate_all(&usable, std::slice::from_ref(data)).into_iter().flatten();
    let missing = || Err(Error::invalid("the evaluator returned no metric"));
    let one = |(evaluator, check): (&dyn DynEvaluator, Result<()>)| {
        let value = check.and_then(|()| values.next().unwrap_or_else(missing));
        Score {
            metric: evaluator.metric(),
            larger_is_better: evaluator.is_larger_better(),
            notes: value.as_ref().map_or_else(|_| Vec::new(), |value| evaluator.notes(data, *value)),
            value,
        }
    };
    evaluators.iter().map(AsRef::as_ref).zip(checks).map(one).collect()
}

/// How many rows the stages leave.
///
/// # Errors
/// Those of the stages.
pub(crate) fn left(predicted: &Dataset) -> Result<usize> {
    if !predicted.drops_rows() {
        return Ok(predicted.num_rows());
    }
    let mut rows = 0;
    predicted.for_each_tile(&[], |tile| {
        rows += tile.len();
        Ok(())
    })?;
    Ok(rows)
}
