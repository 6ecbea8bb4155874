//! What stages remark on values that were not seen when fitting.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{EstimatorExt, Pipeline, Remark, Remarks};
use luthier_stages::{DateParts, HandleInvalid, OneHotEncoder, StringIndexer, UnseenIndex};

/// All columns of these rows behind the stages, read `times` times; what the stages remark.
fn remarks(stages: Pipeline, fitted: &DataFrame, rows: &DataFrame, times: usize) -> Vec<Remark> {
    let model = stages.fit_frame(fitted).unwrap();
    let found = Remarks::default();
    let view = model.stream_with(rows, &found).unwrap();
    assert_eq!(found.all(), []);
    let names: Vec<String> = view.schema().names().map(str::to_owned).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for _ in 0..times {
        view.for_each_tile(&names, |_| Ok(())).unwrap();
    }
    found.all()
}

fn of_texts(values: &[Option<&str>]) -> DataFrame {
    DataFrame::from_columns(vec![("c", Column::utf8_nullable(values.iter().copied()))]).unwrap()
}

#[test]
fn unseen_categories_count_once_in_any_partitions() {
    let fitted = of_texts(&[Some("a"), Some("b"), None]);
    // Of 20,000 rows, every third has another category, and every seventh none.
    let cells: Vec<Option<String>> = (0..20_000)
        .map(|i| match (i % 7, i % 3) {
            (0, _) => None,
            (_, 0) => Some(format!("new{i}")),
            _ => Some("a".to_owned()),
        })
        .collect();
    let expected = (0..20_000).filter(|i| i % 3 == 0 && i % 7 != 0).count();
    let rows = DataFrame::from_columns(vec![("c", Column::utf8_nullable(cells))]).unwrap();
    for (times, partitions) in [(1, 1), (3, 1), (2, 7)] {
        let rows = rows.repartition(partitions).unwrap();
        for (how, outcome) in [
            (HandleInvalid::Keep, "counted as the category `__unknown`"),
            (HandleInvalid::Skip, "left out, with the row"),
        ] {
            let mut stages = Pipeline::new();
            let index = StringIndexer::new().input_cols(["c"]).output_cols(["i"]).handle_invalid(how);
            stages.add("index", index);
            let found = remarks(stages, &fitted, &rows, times);
            assert_eq!(found.len(), 1);
            let Remark { cells, row, example, .. } = &found[0];
            assert_eq!((*cells, *row, example.as_str()), (expected, 3, "new3"));
            assert_eq!(
                found[0].to_string(),
                format!(
                    "stage `index`: {expected} cells of column `c` have a category that was not seen when fitting, the first of \
                     them `new3`: {outcome}"
                )
            );
        }
    }
}

#[test]
fn unseen_indices_and_texts_that_are_no_dates() {
    let numbers = |values: &[f64]| super::of_numbers("x", values);
    for (drop_last, outcome) in [(true, "encoded as zeros"), (false, "counted as the category `__unknown`")] {
        let mut stages = Pipeline::new();
        let encoder = OneHotEncoder::new().input_cols(["x"]).output_cols(["v"]).drop_last(drop_last);
        stages.add("encode", encoder.handle_invalid(UnseenIndex::Keep));
        let found = remarks(stages, &numbers(&[0.0, 1.0]), &numbers(&[1.0, f64::NAN, 2.5]), 1);
        let message =
            "stage `encode`: 1 cell of column `x` has an index that was not seen when fitting, `2.5`: ";
        assert_eq!(found.iter().map(Remark::to_string).collect::<Vec<_>>(), [format!("{message}{outcome}")]);
    }
    let mut stages = Pipeline::new();
    stages.add_transformer("day", DateParts::new().input_cols(["c"]).handle_invalid(HandleInvalid::Keep));
    let rows = of_texts(&[Some("2024-02-29"), None, Some("soon"), Some("2024-02-30")]);
    let found = remarks(stages, &rows, &rows, 1);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].to_string(),
        "stage `day`: 2 cells of column `c` have text that is not a date, the first of them `soon`: all parts are NaN"
    );
    assert_eq!(found[0].row, 2);
}

#[test]
fn the_baseline_is_named() {
    let described = |drop_last, how| {
        let encoder = OneHotEncoder::new().input_cols(["x"]).output_cols(["v"]);
        let model = encoder
            .drop_last(drop_last)
            .handle_invalid(how)
            .fit_frame(&super::of_numbers("x", &[0.0, 2.0]))
            .unwrap();
        luthier_core::Transformer::describe(&model)
            .facts()
            .iter()
            .find(|(name, _)| name == "baseline of `x`")
            .map(|(_, value)| value.to_string())
    };
    assert_eq!(described(true, UnseenIndex::Error).unwrap(), "2, which has no indicator");
    assert_eq!(described(true, UnseenIndex::Keep).unwrap(), "__unknown, which has no indicator");
    assert_eq!(described(false, UnseenIndex::Error), None);
}
