//! Classes of labels that are missing from the training rows of a fold.

use std::collections::{BTreeMap, BTreeSet};

use luthier_core::frame::{ColumnType, DataFrame, texts};
use luthier_core::{ColumnRole, DynEstimator, Note, NoteKind, Rows};

use crate::failure::Failure;
use crate::notes::SearchNote;
use crate::splitter::Split;

/// The largest number of distinct labels that count as classes.
const MOST_CLASSES: usize = 1000;

/// The largest number of classes that a message names.
const MOST_NAMES: usize = 8;

/// Classes of validation rows that the training rows of the same round do not contain.
#[derive(Debug, Default)]
pub(crate) struct MissingClasses {
    /// The column of labels, then the columns from which it is derived.
    columns: Vec<String>,
    /// By fold.
    lacking: BTreeMap<u32, Vec<String>>,
}

impl MissingClasses {
    /// The missing classes of the column `label`. If a stage such as a `string_indexer` derives it from another column, the
    /// classes are those of that column.
    pub(crate) fn of(frame: &DataFrame, split: &Split, label: &str, stages: &dyn DynEstimator) -> Self {
        if frame.is_absent() {
            return Self::default();
        }
        let columns = origins(label, stages);
        let of_column = |column: &String| lacking(frame, split, column);
        let lacking = columns.iter().rev().find_map(of_column).unwrap_or_default();
        Self { columns, lacking }
    }

    /// A note for each of the first `folds` rounds.
    pub(crate) fn notes(&self, folds: usize) -> impl Iterator<Item = SearchNote> + '_ {
        self.lacking.iter().filter(move |(fold, _)| (**fold as usize) < folds).map(|(fold, classes)| {
            let message = format!(
                "the training rows of fold {fold} have no {}: use fewer folds, or `stratify` by the classes, which spreads the \
                 rows of a class over the folds",
                named(classes)
            );
            let note = Note::new(NoteKind::MissingClasses, message).about(classes.clone());
            SearchNote { note, fits: None, folds: Vec::new() }
        })
    }

    /// Why a metric that needs every class of this label is missing on a fold.
    pub(crate) fn on(&self, fold: u32, label: &str) -> Option<String> {
        let classes =
            self.lacking.get(&fold).filter(|_| self.columns.first().is_some_and(|of| of == label))?;
        Some(format!("the training rows have no {}", named(classes)))
    }

    /// Why a metric is undefined on a fold, if it failed there at a label of a class that the training rows do not contain.
    pub(crate) fn excuse(&self, fold: u32, failure: &Failure) -> Option<String> {
        let classes = self.lacking.get(&fold)?;
        let is_label = self.columns.contains(failure.column.as_ref()?);
        is_label.then(|| format!("the training rows have no {}", named(classes)))
    }
}

/// `class 2`, `classes 2, 3`.
fn named(classes: &[String]) -> String {
    let noun = if classes.len() == 1 { "class" } else { "classes" };
    let told = classes.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match classes.len().saturating_sub(MOST_NAMES) {
        0 => format!("{noun} {told}"),
        more => format!("{noun} {told} and {more} more"),
    }
}

/// A column and the chain of columns from which it is derived.
fn origins(column: &str, stages: &dyn DynEstimator) -> Vec<String> {
    let mut columns = vec![column.to_owned()];
    for (_, stage) in stages.leaves().into_iter().rev() {
        let inputs = stage.columns_of(ColumnRole::Input);
        let appended = ColumnRole::ALL.into_iter().filter(|role| role.is_appended());
        let outputs: Vec<String> = appended.flat_map(|role| stage.columns_of(role)).collect();
        let place = outputs.iter().position(|output| Some(output) == columns.last());
        if let Some(input) = place.filter(|_| inputs.len() == outputs.len()).and_then(|at| inputs.get(at)) {
            columns.push(input.clone());
        }
    }
    columns
}

/// The classes in a column of the frame that occur in the validation rows of a round and not in its training rows, by round; `None` if the column does not exist or does
/// not contain classes.
fn lacking(frame: &DataFrame, split: &Split, column: &str) -> Option<BTreeMap<u32, Vec<String>>> {
    match frame.schema().field(column)?.column_type() {
        ColumnType::Utf8 | ColumnType::Bool => {
            let index = frame.schema().require_index(column).ok()?;
            let mut labels = Vec::with_capacity(frame.num_rows());
            for partition in frame.partitions() {
                for batch in partition.batches(Some(&[index])).ok()? {
                    labels.extend(texts(batch.ok()?.column(0).as_ref()).ok()?);
                }
            }
            not_in_training(labels, split, |class| class)
        }
        _ => {
            // The order of the numbers, whatever their sign.
            let ordered = |bits: u64| if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
            let number = |key: u64| f64::from_bits(if key >> 63 == 1 { key ^ (1 << 63) } else { !key });
            let labels =
                frame.column_f64(column).ok().filter(|labels| labels.iter().all(|y| y.fract() == 0.0))?;
            // Adding 0 makes 0 of -0.
            let keys = labels.into_iter().map(|label| Some(ordered((label + 0.0).to_bits())));
            not_in_training(keys, split, |key| number(key).to_string())
        }
    }
}

fn not_in_training<K: Ord>(
    labels: impl IntoIterator<Item = Option<K>>,
    split: &Split,
    name: impl Fn(K) -> String,
) -> Option<BTreeMap<u32, Vec<String>>> {
    let mut blocks_of: BTreeMap<K, BTreeSet<u32>> = BTreeMap::new();
    for (label, &block) in labels.into_iter().zip(split.blocks().assignment()) {
        let Some(label) = label else { continue };
        blocks_of.entry(label).or_default().insert(block);
        if blocks_of.len() > MOST_CLASSES {
            return None;
        }
    }
    let count = split.blocks().count();
    let mut lacking: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (class, blocks) in blocks_of {
        let is_in = |rows: &Rows| rows.ranges_within(count).any(|range| blocks.range(range).next().is_some());
        let rounds = (0..).zip(split.rounds());
        let without = rounds.filter(|(_, round)| !is_in(&round.train) && is_in(&round.validate));
        let rounds: Vec<u32> = without.map(|(round, _)| round).collect();
        if !rounds.is_empty() {
            let name = name(class);
            rounds.into_iter().for_each(|round| lacking.entry(round).or_default().push(name.clone()));
        }
    }
    Some(lacking)
}

#[cfg(test)]
mod tests {
    use luthier_core::frame::Column;
    use luthier_core::{Blocks, Pipeline};

    use super::*;

    fn notes(label: Column) -> Vec<String> {
        let frame = DataFrame::from_columns(vec![("y", label)]).unwrap();
        let folds = Blocks::new(vec![0, 1, 0, 0, 1, 0, 2, 2], 3).unwrap();
        let split = Split::hold_out_each(folds);
        let missing = MissingClasses::of(&frame, &split, "y", &Pipeline::new());
        assert_eq!(MissingClasses::of(&frame, &split, "z", &Pipeline::new()).notes(3).count(), 0);
        missing.notes(3).map(|note| note.to_string()).collect()
    }

    #[test]
    fn a_class_of_one_fold_is_missing_from_its_training_rows() {
        let found = notes(Column::i64(vec![0, 1, 2, 2, 0, 1, -1, 0]));
        assert_eq!(found.len(), 2);
        assert!(
            found[0].starts_with("the training rows of fold 0 have no class 2: use fewer folds"),
            "{found:?}"
        );
        assert!(found[1].starts_with("the training rows of fold 2 have no class -1"), "{found:?}");
        let texts = ["a", "b", "c", "c", "a", "b", "d", "a"].map(str::to_owned).to_vec();
        let found = notes(Column::utf8(texts));
        assert!(
            found[0].starts_with("the training rows of fold 0 have no class c: use fewer folds"),
            "{found:?}"
        );
        assert!(found[1].starts_with("the training rows of fold 2 have no class d"), "{found:?}");
        // -0 is the class 0.
        let found = notes(Column::f64(vec![-0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("the training rows of fold 0 have no class 1"), "{found:?}");
        // Numbers that are not whole are no classes.
        assert!(notes(Column::f64((0..8).map(|i| f64::from(i) / 2.0).collect())).is_empty());
    }
}
