//! Sums for each of two classes, whatever their labels.

use luthier_core::frame::{Field, Schema};
use luthier_core::{Error, Note, NoteKind, Result, Tile};
use serde::{Deserialize, Serialize};

/// The label of each class that a column of scores or probabilities tells apart, in its order, as far as the columns say
/// so; `None` in place of a class that no label stands for.
///
/// The scores carry the names of their classes where a classifier appended them. Labels that carry categories are
/// indices of these; others are the numbers that the names are.
pub(super) fn labels_of_classes(
    schema: &Schema,
    label_col: &str,
    score_col: &str,
) -> Option<Vec<Option<f64>>> {
    let categories = |column| schema.field(column).and_then(Field::categories);
    let labels = categories(label_col);
    let index = |i: usize| Some(i as f64);
    match (categories(score_col), labels) {
        (Some(classes), Some(labels)) => {
            let place = |class: &String| labels.iter().position(|label| label == class).and_then(index);
            Some(classes.iter().map(place).collect())
        }
        (Some(classes), None) => {
            let numbers: Option<Vec<f64>> = classes.iter().map(|class| class.parse().ok()).collect();
            Some(match numbers {
                Some(numbers) => numbers.into_iter().map(Some).collect(),
                None => (0..classes.len()).map(index).collect(),
            })
        }
        (None, Some(labels)) if labels.len() == 2 => Some(vec![Some(0.0), Some(1.0)]),
        _ => None,
    }
}

/// The name of the class that a label stands for, where the labels carry categories.
pub(super) fn class_name(schema: &Schema, label_col: &str) -> impl Fn(f64) -> String + use<> {
    let names = schema.field(label_col).and_then(Field::categories);
    move |label: f64| {
        let name = names.as_ref().filter(|_| label >= 0.0 && label.fract() == 0.0);
        name.and_then(|names| names.get(label as usize)).cloned().unwrap_or_else(|| label.to_string())
    }
}

/// A sum for each of two classes. Which of them is the positive one the columns say; else the larger label is, and 1
/// where it is alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TwoClasses<T> {
    /// The labels of the negative and the positive class, where the columns say so.
    known: Option<[Option<f64>; 2]>,
    /// By label, ascending: two at most.
    sums: Vec<(f64, T)>,
}

impl<T> Default for TwoClasses<T> {
    fn default() -> Self {
        Self { known: None, sums: Vec::new() }
    }
}

impl<T: Clone> TwoClasses<T> {
    /// Of the labels and scores of these columns.
    pub(super) fn of(schema: &Schema, label_col: &str, score_col: &str) -> Self {
        let known = labels_of_classes(schema, label_col, score_col);
        Self { known: known.and_then(|labels| labels.try_into().ok()), sums: Vec::new() }
    }

    /// The sum of a class; `None` for the label of a third one.
    pub(super) fn sum_of(&mut self, label: f64, zero: impl FnOnce() -> T) -> Option<&mut T> {
        // `-0.0` is `0.0`.
        let label = label + 0.0;
        let place = match self.sums.iter().position(|(other, _)| *other == label) {
            Some(place) => place,
            None => {
                let fits = match self.known {
                    Some(known) => known.contains(&Some(label)),
                    None => self.sums.len() < 2,
                };
                if !fits {
                    return None;
                }
                let place = self.sums.partition_point(|(other, _)| *other < label);
                self.sums.insert(place, (label, zero()));
                place
            }
        };
        self.sums.get_mut(place).map(|(_, sum)| sum)
    }

    /// Adds the sums of other rows.
    ///
    /// # Errors
    /// A third label; what `add` returns.
    pub(super) fn merge(
        &mut self,
        other: &Self,
        column: &str,
        mut add: impl FnMut(&mut T, &T) -> Result<()>,
    ) -> Result<()> {
        for (label, theirs) in &other.sums {
            match self.sums.iter_mut().find(|(mine, _)| mine == label) {
                Some((_, mine)) => add(mine, theirs)?,
                None => {
                    let told = self.told();
                    match self.sum_of(*label, || theirs.clone()) {
                        Some(_) => {}
                        None => {
                            return Err(Error::invalid(format!(
                                "{column} has labels of more than two classes: {told} and {label}; for more classes \
                                use the evaluator `multiclass_classification`"
                            )));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The error about a third label in a row of a tile.
    pub(super) fn third(&self, tile: &Tile<'_>, column: &str, i: usize, label: f64) -> Error {
        self.third_of(column, tile.row(i), label)
    }

    /// As [`third`](Self::third), for a row of this number.
    pub(super) fn third_of(&self, column: &str, row: usize, label: f64) -> Error {
        let (found, expected) = match self.known {
            Some(_) => (
                format!("{label}, while the classes are {}", self.told()),
                "the label of one of the two classes that the scores are for",
            ),
            None => (
                format!("{label}, beside the labels {}", self.told()),
                "labels of two classes; for more, use the evaluator `multiclass_classification`",
            ),
        };
        Error::bad_value(column, row, found, expected)
    }

    /// The labels as a message tells them.
    fn told(&self) -> String {
        let [negative, positive] =
            self.known.unwrap_or([0, 1].map(|i| self.sums.get(i).map(|(label, _)| *label)));
        [negative, positive]
            .into_iter()
            .flatten()
            .map(|label| label.to_string())
            .collect::<Vec<_>>()
            .join(" and ")
    }

    /// The labels of the negative and the positive class; `None` where there are none, or there is one alone and nothing
    /// says which it is.
    pub(super) fn labels(&self) -> Option<[Option<f64>; 2]> {
        if self.known.is_some() {
            return self.known;
        }
        match self.sums[..] {
            [(negative, _), (positive, _)] => Some([Some(negative), Some(positive)]),
            [(label, _)] if label == 0.0 || label == 1.0 => Some([Some(0.0), Some(1.0)]),
            _ => None,
        }
    }

    /// The sums of the negative and the positive class. Of a label that is alone, where nothing says which class it is,
    /// one above 0.5 is positive, as in Spark.
    pub(super) fn sums(&self) -> [Option<&T>; 2] {
        let of = |label: Option<f64>| {
            self.sums.iter().find(|(other, _)| Some(*other) == label).map(|(_, sum)| sum)
        };
        match (self.labels(), self.sums.first()) {
            (Some(labels), _) => labels.map(of),
            (None, Some((label, sum))) if *label > 0.5 => [None, Some(sum)],
            (None, first) => [first.map(|(_, sum)| sum), None],
        }
    }

    /// Whether there is one label alone and nothing says which class it is.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.labels().is_none() && !self.sums.is_empty()
    }

    /// A note on which label is the positive class, where that is not 1 beside 0, and one on why `undefined` is not
    /// defined. `schema` tells the names of the classes.
    pub(super) fn notes(&self, schema: &Schema, label_col: &str, undefined: Option<&str>) -> Vec<Note> {
        let named = schema.field(label_col).and_then(Field::categories).is_some();
        let name = class_name(schema, label_col);
        let mut notes = Vec::new();
        if let Some([Some(negative), Some(positive)]) = self.labels()
            && (named || [negative, positive] != [0.0, 1.0])
        {
            let [negative, positive] = [negative, positive].map(&name);
            let message = format!(
                "the labels in `{label_col}` are {negative} and {positive}: {positive} is the positive class"
            );
            notes.push(Note::new(NoteKind::Labels, message).about([positive]));
        }
        let Some(metric) = undefined else { return notes };
        let note =
            |why: String| Note::new(NoteKind::UndefinedMetric, format!("{metric} is not defined: {why}"));
        notes.push(match (self.labels(), self.sums.first()) {
            (_, None) => note("there are no rows with a positive weight".to_owned()),
            (Some(labels), _) => {
                let is_there =
                    |label: &Option<f64>| self.sums.iter().any(|(other, _)| Some(*other) == *label);
                let missing = labels.iter().find(|label| !is_there(label)).copied().flatten().map(name);
                match missing {
                    Some(missing) => {
                        note(format!("no row in `{label_col}` is of the class {missing}")).about([missing])
                    }
                    None => note(format!("`{label_col}` has labels of only one class")),
                }
            }
            (None, Some((label, _))) => note(format!(
                "all labels in `{label_col}` are {label}, and it is unknown which class that is"
            )),
        });
        notes
    }
}
