//! Indices of categories that mean the same in the predictions of every round.

use std::collections::BTreeMap;

use luthier_core::Result;
use luthier_core::frame::{Column, ColumnType, DataFrame, Field};
use ndarray::Array2;

/// The frames with common categories. A round whose training rows have other frequencies numbers categories in another way, and one
/// that lacks a category has fewer of them. The order is that of the first frame, followed by what only others have; a
/// category that a round does not know has probability 0 there.
pub(super) fn in_common_categories(frames: Vec<DataFrame>) -> Result<Vec<DataFrame>> {
    let mut common: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for field in frames.iter().flat_map(|frame| frame.schema().fields()) {
        let known = common.entry(field.name().to_owned()).or_default();
        for category in field.categories().unwrap_or_default() {
            if !known.contains(&category) {
                known.push(category);
            }
        }
    }
    frames.into_iter().map(|frame| recoded(frame, &common)).collect()
}

fn recoded(frame: DataFrame, common: &BTreeMap<String, Vec<String>>) -> Result<DataFrame> {
    let names: Vec<String> = frame.schema().names().map(str::to_owned).collect();
    let mut recoded = frame.clone();
    for field in frame.schema().fields() {
        let own = field.categories().unwrap_or_default();
        let Some(common) = common.get(field.name()).filter(|common| **common != own) else { continue };
        let place = |index: usize| common.iter().position(|category| Some(category) == own.get(index));
        let (changed, column) = match field.column_type() {
            ColumnType::Vector { .. } => {
                let values = frame.vectors(field.name())?;
                let mut wide = Array2::zeros((values.nrows(), common.len()));
                for (index, column) in values.columns().into_iter().enumerate() {
                    if let Some(place) = place(index) {
                        wide.column_mut(place).assign(&column);
                    }
                }
                (Field::new(field.name(), ColumnType::Vector { width: common.len() }), Column::vector(wide))
            }
            _ => {
                let renumbered = |x: f64| match place(x as usize).filter(|_| x >= 0.0 && x.fract() == 0.0) {
                    Some(place) => place as f64,
                    None => x,
                };
                let values = frame.optional_numbers(field.name())?;
                let values = values.into_iter().map(|value| value.map(renumbered)).collect();
                (Field::number(field.name()).with_nullable(field.nullable()), Column::f64_nullable(values))
            }
        };
        recoded = recoded.drop(&[field.name()])?.with_field(changed.with_categories(common), column)?;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(recoded.select(&names)?)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn of_round(categories: &[&str], classes: Vec<f64>, probabilities: Array2<f64>) -> DataFrame {
        let width = probabilities.ncols();
        DataFrame::from_fields(vec![
            (Field::number("class").with_categories(categories), Column::f64(classes)),
            (
                Field::new("probability", ColumnType::Vector { width }).with_categories(categories),
                Column::vector(probabilities),
            ),
            (Field::new("row", ColumnType::I64), Column::i64(vec![0, 1])),
        ])
        .unwrap()
    }

    #[test]
    fn an_index_means_the_same_in_all_rounds() {
        let first = of_round(&["a", "b"], vec![0.0, 1.0], array![[0.7, 0.3], [0.4, 0.6]]);
        let other = of_round(&["c", "b", "a"], vec![0.0, 2.0], array![[0.5, 0.2, 0.3], [0.1, 0.0, 0.9]]);
        let both = in_common_categories(vec![first.clone(), other]).unwrap();
        assert_eq!(both[0].column_f64("class").unwrap(), [0.0, 1.0]);
        assert_eq!(both[1].column_f64("class").unwrap(), [2.0, 0.0]);
        assert_eq!(both[0].vectors("probability").unwrap(), array![[0.7, 0.3, 0.0], [0.4, 0.6, 0.0]]);
        assert_eq!(both[1].vectors("probability").unwrap(), array![[0.3, 0.2, 0.5], [0.9, 0.0, 0.1]]);
        assert_eq!(both[0].schema(), both[1].schema());
        assert_eq!(both[1].schema().field("class").unwrap().categories().unwrap(), ["a", "b", "c"]);
        let same = in_common_categories(vec![first.clone()]).unwrap();
        assert_eq!(same[0].schema(), first.schema());
    }
}
