//! Errors that depend on values, and so are found while fitting or scoring, tell the line of the data and of the stage.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::process::Command;

use tempfile::TempDir;

/// Line 1 has the names; row 5 has no `x`, and `late` has a category that other folds do not know.
const DATA: &str =
    "label,x,late,k\n0,1,a,0\n1,2,a,1\n2,3,b,2\n0,4,a,0\n1,5,b,1\n2,,a,2\n0,7,b,0\n1,8,c,1\n2,9,a,2\n";

/// Runs `luthier` on a configuration, which must fail; its error. `stages` begin in line 5.
#[track_caller]
fn error_of(command: &str, stages: &str, rest: &str) -> String {
    let folder = TempDir::new().unwrap();
    let data = "[data]\npath = \"d.csv\"\nlabel = \"label\"\nfeatures = []\n";
    std::fs::write(folder.path().join("d.csv"), DATA).unwrap();
    std::fs::write(folder.path().join("c.toml"), format!("{data}{stages}{rest}")).unwrap();
    let model = ["--model", "m.json"];
    let output = Command::new(env!("CARGO_BIN_EXE_luthier"))
        .current_dir(&folder)
        .args([command, "c.toml"])
        .args(&model[..if command == "fit" { 2 } else { 0 }])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

const SEARCH: &str = "[grid]\n\"lr.reg_param\" = [0.1, 1]\n[search]\nmethod = \"cross_validator\"\n\
                      [evaluator]\ntype = \"multiclass_classification\"\n";

/// The error of a search of which all candidates fail, and that of a fit.
#[track_caller]
fn check(stages: &str, parts: &[&str]) {
    for (command, rest) in [("tune", SEARCH), ("fit", "")] {
        let error = error_of(command, stages, rest);
        for part in parts {
            assert!(error.contains(part), "{command}: no {part:?} in {error}");
        }
    }
}

const LR: &str = "[[stage]]\nname = \"lr\"\ntype = \"logistic_regression\"\n";

#[test]
fn a_missing_value_has_its_line_and_that_of_the_stage() {
    let assemble =
        "[[stage]]\nname = \"assemble\"\ntype = \"vector_assembler\"\ninput_cols = [\"x\", \"k\"]\n";
    check(&format!("{assemble}{LR}"), &["error: d.csv:7: c.toml:6: ", "stage `assemble`", "column `x`"]);
}

#[test]
fn labels_that_a_model_is_not_for_have_the_line_of_the_stage() {
    let assemble = "[[stage]]\ntype = \"vector_assembler\"\ninput_cols = [\"k\"]\n";
    let stages = format!("{assemble}{LR}family = \"binomial\"\n");
    check(&stages, &["error: c.toml:9: ", "stage `lr`", "3 classes"]);
}

#[test]
fn a_column_that_is_text_for_one_cell_has_its_line() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("d.csv", "label,x\n0,1\n1,2\n0,n.a.\n1,4\n");
    let fit = |features: &str| {
        let stages =
            format!("[[stage]]\ntype = \"vector_assembler\"\ninput_cols = [\"x\"]\noutput_col = \"v\"\n{LR}");
        write(
            "c.toml",
            &format!("[data]\npath = \"d.csv\"\nlabel = \"label\"\nfeatures = [{features}]\n{stages}"),
        );
        common::luthier(&folder, "fit c.toml --model m.json").2
    };
    let why = "`n.a.` is not a number; if it stands for a missing value, write `null_values = [\"\", \"NA\", \"?\", \"n.a.\"]` \
               with all that stand for one: the list replaces the default, and applies to columns of text too";
    assert!(
        fit("").starts_with(&format!("error: d.csv:4: {why}: c.toml:6: stage `vector_assembler`: ")),
        "{}",
        fit("")
    );
    assert!(
        fit("\"x\"").starts_with(&format!("error: c.toml:4: d.csv:4: {why}: features: ")),
        "{}",
        fit("\"x\"")
    );
}

#[test]
fn the_stage_may_be_nested() {
    let stages = format!(
        "[[stage]]\nname = \"outer\"\ntype = \"pipeline\"\n[[stage.stage]]\nname = \"assemble\"\n\
         type = \"vector_assembler\"\ninput_cols = [\"x\"]\n{LR}"
    );
    check(&stages, &["error: d.csv:7: c.toml:9: ", "stage `outer.assemble`"]);
}

#[test]
fn an_unseen_category_has_its_line() {
    let stages = format!(
        "[[stage]]\nname = \"index\"\ntype = \"string_indexer\"\ninput_cols = [\"late\"]\noutput_cols = [\"i\"]\n\
         [[stage]]\ntype = \"vector_assembler\"\ninput_cols = [\"i\"]\n{LR}"
    );
    // Fold 1 alone has the `c`.
    let search =
        SEARCH.replace("method = \"cross_validator\"", "method = \"cross_validator\"\nfold_col = \"k\"");
    let error = error_of("tune", &stages, &search);
    assert!(error.contains("error: d.csv:9: c.toml:6: ") && error.contains("found `c`"), "{error}");
}

#[test]
fn an_evaluator_is_called_so() {
    let stages = format!("[[stage]]\ntype = \"vector_assembler\"\ninput_cols = [\"k\"]\n{LR}");
    let by_label = format!("{SEARCH}metric = \"recall_by_label\"\nmetric_label = 7\n");
    let error = error_of("tune", &stages, &by_label);
    let part = "evaluator `multiclass_classification`: ";
    assert!(error.contains("c.toml:16: ") && error.contains(part) && !error.contains("stage"), "{error}");
    let search = SEARCH.replace("multiclass_classification", "binary_classification");
    let error = error_of("tune", &stages, &search);
    assert!(
        error.contains("c.toml:16: ") && error.contains("evaluator `binary_classification`: "),
        "{error}"
    );
}

#[test]
fn a_value_within_the_features_has_its_line_and_its_column() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("d.csv", "a,b,y\n1,2,4\n2,NaN,5\n3,1,6\n4,0,9\n5,7,1\n6,2,2\n");
    for model in ["linear_regression", "logistic_regression"] {
        let stage = format!("[[stage]]\nname = \"lr\"\ntype = \"{model}\"\n");
        write("fit.toml", &format!("[data]\npath = \"d.csv\"\nlabel = \"y\"\nnull_values = [\"\"]\n{stage}"));
        // The stage at fault is not the one that looks at the rows through it.
        let bucket = "[[stage]]\nname = \"q\"\ntype = \"bucketizer\"\ninput_col = \"b\"\noutput_col = \"bin\"\n\
                      splits = [-inf, 2.0, inf]\n";
        let taken = format!("{stage}features_col = \"bin\"\n");
        write(
            "through.toml",
            &format!(
                "[data]\npath = \"d.csv\"\nlabel = \"y\"\nnull_values = [\"\"]\nfeatures = []\n{bucket}{taken}"
            ),
        );
        let search = "[grid]\n\"lr.reg_param\" = [0.1, 1]\n[search]\nmethod = \"cross_validator\"\nnum_folds = 2\n\
                      [evaluator]\ntype = \"regression\"\n";
        for name in ["fit", "through"] {
            let text = std::fs::read_to_string(folder.path().join(format!("{name}.toml"))).unwrap();
            write(&format!("tune_{name}.toml"), &format!("{text}{search}"));
        }
        let told = |arguments: &str| common::luthier(&folder, arguments).2;
        for error in [told("fit fit.toml --model m.json"), told("tune tune_fit.toml")] {
            let at = error.contains("d.csv:3: ") && error.contains("fit.toml:6: ");
            assert!(
                at && error.contains("stage `lr`: feature `b` of column `features`: found NaN, expected"),
                "{error}"
            );
        }
        for error in [told("fit through.toml --model m.json"), told("tune tune_through.toml")] {
            let at = error.contains("d.csv:3: ") && error.contains("through.toml:7: ");
            assert!(
                at && error.contains("stage `q`: column `b`: found") && !error.contains("stage `lr`: "),
                "{error}"
            );
        }
    }
}
