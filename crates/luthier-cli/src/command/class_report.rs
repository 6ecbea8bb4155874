//! How each class was predicted.

use luthier::core::{ColumnRole, Dataset, DynEvaluator};
use luthier::frame::Field;
use luthier::report::{Align, table};
use luthier::stages::{Confusion, ConfusionSpec};

use super::evaluate::column;

/// The largest number of classes for which the matrix is shown.
const MOST_CLASSES: usize = 20;

/// The confusion matrix and precision, recall and F-measure of every class, by name; `None` where classes cannot be
/// counted, which the metrics report.
pub(super) fn of(evaluator: &dyn DynEvaluator, data: &Dataset) -> Option<String> {
    let weight_col = column(evaluator, ColumnRole::Weight);
    let weight = if weight_col.is_some() { "weight" } else { "rows" };
    let (label_col, prediction_col) =
        (column(evaluator, ColumnRole::Label)?, column(evaluator, ColumnRole::Prediction)?);
    let categories = |column: &str| data.schema().field(column).and_then(Field::categories);
    let names = categories(&label_col).or_else(|| categories(&prediction_col));
    let spec = ConfusionSpec { label_col, prediction_col, weight_col };
    let confusion = data.summarize::<Confusion>(&spec).ok()?;
    let name = |class: f64| {
        let index = (class >= 0.0).then_some(class as usize);
        index.and_then(|i| names.as_ref()?.get(i).cloned()).unwrap_or_else(|| class.to_string())
    };
    let classes = confusion.classes_seen();
    let mut text = String::from("\n");
    if classes.len() <= MOST_CLASSES {
        let header: Vec<String> = classes.iter().map(|class| name(*class)).collect();
        let mut columns = vec![("true class \\ predicted", Align::Left)];
        columns.extend(header.iter().map(|name| (name.as_str(), Align::Right)));
        let row = |label: &f64| {
            let cells = classes.iter().map(|class| number(confusion.weight(*label, *class)));
            [name(*label)].into_iter().chain(cells).collect()
        };
        text.push_str(&table(&columns, &classes.iter().map(row).collect::<Vec<_>>()));
        text.push('\n');
    }
    let columns = ["precision", "recall", "f1", weight].map(|name| (name, Align::Right));
    let columns: Vec<_> = [("class", Align::Left)].into_iter().chain(columns).collect();
    let row = |label: &f64| {
        let share =
            |value: luthier::core::Result<f64>| value.map_or_else(|_| String::new(), |x| format!("{x:.4}"));
        let labelled: f64 = classes.iter().map(|class| confusion.weight(*label, *class)).sum();
        vec![
            name(*label),
            share(confusion.precision(*label)),
            share(confusion.recall(*label)),
            share(confusion.f_measure(*label, 1.0)),
            number(labelled),
        ]
    };
    text.push_str(&table(&columns, &classes.iter().map(row).collect::<Vec<_>>()));
    Some(text)
}

/// Counts are integers; sums of weights need not be.
fn number(x: f64) -> String {
    if x.fract() == 0.0 { x.to_string() } else { format!("{x:.4}") }
}
