//! What `predict` and `evaluate` say of rows that are unlike those that the model was fitted on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{done, luthier, read, write};
use tempfile::TempDir;

const CONFIG: &str = r#"
[data]
path = "train.csv"
label = "churned"
exclude = ["id"]
features = []

[[stage]]
name = "labels"
type = "string_indexer"
input_cols = ["churned"]
output_cols = ["y"]

[[stage]]
name = "prepare"
type = "column_transformer"

[[stage.part]]
name = "numbers"
columns = ["tenure"]

[[stage.part.stage]]
type = "standard_scaler"

[[stage.part]]
name = "dates"
columns = ["seen"]

[[stage.part.stage]]
type = "date_parts"
parts = ["hour", "month"]

[[stage.part]]
name = "text"
columns = ["plan"]

[[stage.part.stage]]
type = "string_indexer"
handle_invalid = "keep"

[[stage.part.stage]]
type = "one_hot_encoder"

[[stage]]
name = "lr"
type = "logistic_regression"
label_col = "y"
reg_param = 0.1
"#;

/// A folder with the model `m.json` of a configuration.
fn fitted(config: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let row = |i: u32| {
        let (plan, churned) =
            (["month", "year", "two"][i as usize % 3], ["yes", "no"][(i * i % 7) as usize % 2]);
        format!("{i},{},{plan},2024-0{}-11T1{}:30,{churned}\n", i * 5 % 17, 1 + i % 9, i % 10)
    };
    let rows: String = (0..40).map(row).collect();
    write(&folder, "train.csv", &format!("id,tenure,plan,seen,churned\n{rows}"));
    write(&folder, "c.toml", config);
    done(&folder, "fit c.toml --model m.json");
    folder
}

/// Standard output and the notes of a run that must succeed.
#[track_caller]
fn told(folder: &TempDir, arguments: &str) -> (String, String) {
    let (success, out, err) = luthier(folder, arguments);
    assert!(success, "{arguments}: {err}");
    (out, err)
}

#[track_caller]
fn refused(folder: &TempDir, arguments: &str) -> String {
    let (success, _, err) = luthier(folder, arguments);
    assert!(!success, "{arguments}");
    err
}

const NEW: &str = "id,tenure,plan,seen\n1,5,month,2024-02-03T10:30\n2,6,decade,2024-02-03T10:30\n3,7,,2024-03-03T10:30\n4,8,\
                   century,2024-02-03T10:30\n";

const UNSEEN: &str = "note: new.csv:3: stage `prepare.text.string_indexer`: 2 cells of column `plan` have a category that was not \
                      seen when fitting, the first of them `decade`: counted as the category `__unknown`\n";

#[test]
fn unseen_categories_are_counted() {
    let folder = fitted(CONFIG);
    write(&folder, "new.csv", NEW);
    let (out, err) = told(&folder, "predict m.json new.csv");
    assert_eq!(err, UNSEEN);
    assert!(out.starts_with("id,tenure,plan,seen,") && out.lines().count() == 5, "{out}");
    // Parquet has row numbers, and a file is as good as standard output.
    assert!(told(&folder, "predict m.json new.csv --out new.parquet").1.contains(UNSEEN));
    assert!(
        told(&folder, "predict m.json new.parquet --columns id,prediction")
            .1
            .contains("new.parquet, row group 0, row 1: ")
    );
    // `evaluate` reads the rows several times and counts each once.
    write(
        &folder,
        "test.csv",
        &NEW.replace('\n', ",yes\n").replacen(",yes", ",churned", 1).replacen("3T10:30,yes", "3T10:30,no", 1),
    );
    assert!(told(&folder, "evaluate m.json test.csv").1.contains(&UNSEEN.replace("new.csv", "test.csv")));
    // The categories of the training rows are known.
    assert_eq!(told(&folder, "predict m.json train.csv --out p.csv").1, "");
}

#[test]
fn rows_left_out_for_unseen_categories_are_told_of() {
    let folder = fitted(&CONFIG.replace("\"keep\"", "\"skip\""));
    write(&folder, "new.csv", NEW);
    let (out, err) = told(&folder, "predict m.json new.csv");
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(err.contains("2 cells of column `plan` have a category that was not seen when fitting"), "{err}");
    assert!(err.contains("the first of them `decade`: left out, with the row\n"), "{err}");
    assert!(err.contains("note: wrote 1 rows (3 of 4 rows are left out"), "{err}");
}

#[test]
fn dates_where_the_model_knows_times_are_told_of() {
    let folder = fitted(CONFIG);
    let new = NEW.replace("decade", "year").replace("century", "two");
    write(&folder, "new.csv", &new.replace("2024-03-03T10:30", "2024-03-03"));
    let (_, err) = told(&folder, "predict m.json new.csv");
    assert_eq!(
        err,
        "note: new.csv: column `seen` holds timestamps, but 1 cell has no time of day, and is read as midnight; the first is \
         `2024-03-03` in line 4\n"
    );
    write(&folder, "new.csv", &new.replace("03T10:30\n", "03T10:30Z\n").replacen("30Z", "30", 2));
    let (_, err) = told(&folder, "predict m.json new.csv");
    assert!(
        err.contains("but 2 cells have no offset from UTC, although others have one, and are read as UTC"),
        "{err}"
    );
    assert!(err.ends_with("the first is `2024-02-03T10:30` in line 2\n"), "{err}");
    // In Parquet, the column has the other type as a whole.
    write(&folder, "days.csv", &new.replace("T10:30", ""));
    done(&folder, "split days.csv --out-train days.parquet --out-test rest.parquet --test-ratio 0.3");
    let (_, err) = told(&folder, "predict m.json days.parquet --columns id,prediction");
    assert!(err.contains("column `seen` is date, but it was timestamp when the model was fitted"), "{err}");
}

#[test]
fn a_missing_value_is_answered_for_predictions() {
    let folder = fitted(CONFIG);
    let at = |cell: &str| format!("id,tenure,plan,seen\n1,5,month,2024-02-03T10:30\n{cell}\n");
    for (row, column, stage) in [
        ("2,6,year,", "seen", "prepare.dates.date_parts"),
        ("2,,year,2024-02-03T10:30", "tenure", "prepare.numbers.standard_scaler"),
    ] {
        write(&folder, "new.csv", &at(row));
        let err = refused(&folder, "predict m.json new.csv");
        let message = format!(
            "error: new.csv:3: column `{column}` is missing, but the stage `{stage}` of the model needs a value: fill it, or leave \
             the row out; a model takes such rows if it was fitted with a stage for them"
        );
        assert!(err.starts_with(&message), "{err}");
    }
    // When fitting, the place is told once.
    write(&folder, "train.csv", &read(&folder, "train.csv").replacen("\n5,8,", "\n5,,", 1));
    let err = refused(&folder, "fit c.toml --model m.json");
    assert!(
        err.contains(
            "train.csv:7: c.toml:23: stage `prepare.numbers.standard_scaler`: column `tenure`: found null"
        ),
        "{err}"
    );
}

#[test]
fn a_candidate_that_fails_names_the_line() {
    let folder = TempDir::new().unwrap();
    let row =
        |i: u32| format!("{},{}\n", if i == 7 { "rare" } else { ["a", "b"][i as usize % 2] }, i * i % 5);
    write(&folder, "d.csv", &format!("c,y\n{}", (0..18).map(row).collect::<String>()));
    let config = "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = []\n[[stage]]\nname = \"i\"\ntype = \"string_indexer\"\n\
                  input_cols = [\"c\"]\noutput_cols = [\"k\"]\n[[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\nfeatures_col = \
                  \"k\"\n[grid]\n\"i.handle_invalid\" = [\"keep\", \"error\"]\n[search]\nnum_folds = 3\n";
    write(&folder, "c.toml", config);
    let (out, err) = told(&folder, "tune c.toml --out out");
    for text in [&out, &err, &read(&folder, "out/results.json")] {
        assert!(text.contains("column `c` (d.csv:9): found `rare`"), "{text}");
        assert!(!text.contains("row 7"), "{text}");
    }
    // Without any score, the reasons stand alone; of several, each has its line.
    let config = config.replace("[\"keep\", \"error\"]", "[\"error\"]");
    write(&folder, "c.toml", &config.replace("num_folds = 3", "method = \"leave_one_out\""));
    write(&folder, "d.csv", &read(&folder, "d.csv").replacen("rare,4\na,", "rare,4\nodd,", 1));
    let (success, out, err) = luthier(&folder, "tune c.toml");
    assert!(!success && out.is_empty(), "{out}{err}");
    for reason in ["column `c` (d.csv:9): found `rare`", "column `c` (d.csv:10): found `odd`"] {
        assert!(err.contains(reason) && !err.contains("row 7"), "{err}");
    }
}

#[test]
fn a_column_of_the_file_with_the_name_of_a_prediction() {
    let folder = fitted(CONFIG);
    write(&folder, "new.csv", NEW);
    done(&folder, "predict m.json new.csv --out p.csv");
    let err = refused(&folder, "predict m.json p.csv");
    assert!(
        err.contains("p.csv: the file has a column `prediction`, which the model appends: name the columns to write with --columns"),
        "{err}"
    );
    let (out, err) = told(&folder, "predict m.json p.csv --columns id,prediction");
    assert!(
        err.contains(
            "note: p.csv: the column `prediction` of the file is not used: the model appends its own\n"
        ),
        "{err}"
    );
    assert_eq!(out, done(&folder, "predict m.json new.csv --columns id,prediction"));
    // A configuration has a parameter for it.
    write(&folder, "train.csv", &read(&folder, "train.csv").replacen("id,", "prediction,", 1));
    write(&folder, "c.toml", &CONFIG.replace("exclude = [\"id\"]", ""));
    let err = refused(&folder, "fit c.toml --model m.json");
    assert!(
        err.contains(
            "stage `lr`: column `prediction` already exists: give `prediction_col` another name, or rename the other column"
        ),
        "{err}"
    );
}

#[test]
fn a_file_without_labels_and_swapped_arguments() {
    let folder = fitted(CONFIG);
    write(&folder, "new.csv", NEW);
    let err = refused(&folder, "evaluate m.json new.csv");
    assert_eq!(
        err,
        "error: new.csv: the file has no column `churned`, the label that the model was fitted to: `luthier evaluate` needs the \
         label of every row, in this column or in another one that --label names; `luthier predict` needs none\n"
    );
    let err = refused(&folder, "evaluate m.json train.csv --label chruned");
    assert!(err.contains("no column `chruned` (did you mean `churned`?): "), "{err}");
    for command in ["predict new.csv m.json", "evaluate new.csv m.json"] {
        let err = refused(&folder, command);
        assert!(
            err.contains(
                "new.csv: this is not a saved model, such as model.json, but a file of rows: `predict`"
            ),
            "{err}"
        );
    }
    done(&folder, "predict m.json new.csv --out p.parquet");
    assert!(
        refused(&folder, "predict p.parquet m.json")
            .contains("p.parquet: this is not a saved model, such as model.json, but a file of rows")
    );
}

#[test]
fn a_command_names_its_own_flags() {
    let folder = fitted(
        "[data]\npath = \"train.csv\"\nlabel = \"tenure\"\nfeatures = [\"id\"]\n[[stage]]\ntype = \"linear_regression\"\n",
    );
    write(&folder, "new.csv", "id\n1\n2\nunknown\n");
    let err = refused(&folder, "predict m.json new.csv");
    assert!(
        err.contains("new.csv:4: `unknown` is not a number; ")
            && err.contains("write `--null-value NA --null-value '?' --null-value unknown`"),
        "{err}"
    );
    write(&folder, "new.csv", "id\n\"1,5\"\n2\n");
    let err = refused(&folder, "predict m.json new.csv");
    assert!(err.contains("write `--decimal ,`; if it separates thousands, `--thousands ,`"), "{err}");
    // Of a column that the model knows as numbers, too.
    write(&folder, "train.csv", "id,tenure\n1.5,1\n2,2\n3,3\n");
    done(&folder, "fit c.toml --model m.json");
    write(&folder, "new.csv", "id\nunknown\n2\n");
    let err = refused(&folder, "predict m.json new.csv");
    assert!(err.contains("new.csv:2: column `id`: \"unknown\" is not a number; if it stands for a missing value, write `--null-value NA"), "{err}");
    write(&folder, "train.csv", "id,tenure\n1,1\n2,2\nunknown,3\n");
    assert!(refused(&folder, "fit c.toml --model m.json").contains("write `null_values = ["));
}

/// A model of `y` by `x` and the month of `day`.
const DATES: &str = r#"
[data]
path = "d.csv"
label = "y"
features = []

[[stage]]
name = "prepare"
type = "column_transformer"

[[stage.part]]
name = "numbers"
columns = ["x"]

[[stage.part.stage]]
type = "imputer"

[[stage.part]]
name = "dates"
columns = ["day"]

[[stage.part.stage]]
type = "date_parts"
parts = ["month"]
handle_invalid = "keep"

[[stage]]
name = "lr"
type = "linear_regression"
"#;

fn of_dates(config: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let row = |i: u32| {
        format!("{},2024-0{}-11,{}\n", i * 5 % 17, 1 + i % 9, ["yes", "no"][(i * i % 7) as usize % 2])
    };
    let rows: String = (0..40).map(row).collect();
    let numbers =
        if config.contains("logistic") { rows } else { rows.replace("yes", "1.5").replace("no", "2") };
    write(&folder, "d.csv", &format!("x,day,y\n{numbers}"));
    write(&folder, "c.toml", config);
    done(&folder, "fit c.toml --model m.json");
    folder
}

const NOT_FINITE: &str = "note: new.csv:3: stage `lr`: 2 cells of column `prediction` have a value that is not finite, the first of \
                          them `NaN` because `day_month` is NaN: correct or fill the cells";

#[test]
fn predictions_that_are_not_finite_are_told_of() {
    let folder = of_dates(DATES);
    write(&folder, "new.csv", "x,day,y\n1,2024-02-03,1\n2,,2\n3,2024-03-03,3\n4,,4\n");
    let (out, err) = told(&folder, "predict m.json new.csv");
    assert_eq!(out.lines().filter(|line| line.ends_with("NaN")).count(), 2, "{out}");
    assert!(err.starts_with(NOT_FINITE) && err.lines().count() == 1, "{err}");
    let (out, err) = told(&folder, "evaluate m.json new.csv");
    assert!(out.contains("NaN"), "{out}");
    assert!(err.contains(NOT_FINITE), "{err}");
    // What the advice says is enough.
    let filled = DATES.replace(
        "handle_invalid = \"keep\"\n",
        "handle_invalid = \"keep\"\n\n[[stage.part.stage]]\ntype = \"imputer\"\n",
    );
    let folder = of_dates(&filled);
    write(&folder, "new.csv", "x,day\n1,2024-02-03\n2,\n");
    let (out, err) = told(&folder, "predict m.json new.csv");
    assert!(!out.contains("NaN") && err.is_empty(), "{out}{err}");
    // Without either, the message names both.
    let folder = of_dates(&DATES.replace("handle_invalid = \"keep\"\n", ""));
    write(&folder, "new.csv", "x,day\n1,2024-02-03\n2,\n");
    let err = refused(&folder, "predict m.json new.csv");
    assert!(
        err.contains(
            "both of these for dates (`date_parts` keeps them, and an `imputer` behind it fills their parts)"
        ),
        "{err}"
    );
}

#[test]
fn names_of_a_class_that_is_not_finite() {
    let config = DATES
        .replace("[[stage]]\nname = \"prepare\"", "[[stage]]\nname = \"index\"\ntype = \"string_indexer\"\ninput_cols = [\"y\"]\noutput_cols = [\"class\"]\n\n[[stage]]\nname = \"prepare\"")
        .replace("\"linear_regression\"", "\"logistic_regression\"\nlabel_col = \"class\"\nreg_param = 0.1\n\n[[stage]]\nname = \"names\"\ntype = \"index_to_string\"\ninput_col = \"prediction\"\noutput_col = \"named\"");
    let folder = of_dates(&config);
    write(&folder, "new.csv", "x,day\n1,2024-02-03\n2,\n");
    let err = refused(&folder, "predict m.json new.csv");
    assert!(
        err.starts_with(
            "error: new.csv:3: the stage `names` of the model cannot use `prediction` of the stage `lr`, which is NaN because \
             `day_month` is NaN: correct or fill the cells"
        ),
        "{err}"
    );
}

#[test]
fn a_column_without_values_or_without_a_column() {
    let folder = of_dates(DATES);
    write(&folder, "new.csv", "x,day\n,2024-02-03\n,2024-03-03\n");
    let (_, err) = told(&folder, "predict m.json new.csv");
    assert_eq!(
        err,
        "note: new.csv: column `x` has no value in any of the 2 rows: the stage `prepare.numbers.imputer` fills all of them with what \
         it learned when it was fitted\n"
    );
    write(&folder, "new.csv", "x,day\n,2024-02-03\n2,2024-03-03\n");
    assert_eq!(told(&folder, "predict m.json new.csv").1, "");
    write(&folder, "new.csv", "x,days\n1,2024-02-03\n");
    let err = refused(&folder, "predict m.json new.csv");
    assert_eq!(
        err,
        "error: new.csv: the file lacks the column `day`, which the model needs; did you mean `days`?\n"
    );
}

#[test]
fn null_values_that_were_given_are_kept_in_the_advice() {
    let folder = of_dates(DATES);
    write(
        &folder,
        "new.csv",
        "x,day\n1,2024-02-03\n2,2024-02-03\nn.a.,2024-02-03\nNA,2024-02-03\n3,2024-02-03\n",
    );
    let err = refused(&folder, "predict m.json new.csv --null-value n.a.");
    assert!(err.contains("write `--null-value n.a. --null-value NA` with all that stand for one"), "{err}");
    done(&folder, "predict m.json new.csv --null-value n.a. --null-value NA");
}
