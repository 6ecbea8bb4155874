//! Fits that did not converge, and labels of one class, are told of once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// The standard output and error of a run that must succeed.
#[track_caller]
fn run(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_luthier")).current_dir(folder).args(arguments).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{err}");
    (out, err)
}

const SEARCH: &str =
    "[grid]\n\"lr.fit_intercept\" = [true, false]\n[search]\nmethod = \"cross_validator\"\n[evaluator]\n";

/// What `fit`, `tune` and `inspect` tell of a stage `lr` with these parameters.
fn told(stage: &str, evaluator: &str, label: impl Fn(u32) -> u32) -> [String; 3] {
    let folder = TempDir::new().unwrap();
    let rows = (0..30).map(|i| format!("{},{},{},{}\n", label(i), i % 7, i * i % 11, i % 3));
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("d.csv"), format!("label,a,b,c\n{}", rows.collect::<String>())).unwrap();
    let config = format!("[data]\npath = \"d.csv\"\nlabel = \"label\"\n[[stage]]\nname = \"lr\"\n{stage}\n");
    std::fs::write(path("fit.toml"), &config).unwrap();
    std::fs::write(path("tune.toml"), format!("{config}{SEARCH}type = \"{evaluator}\"\n")).unwrap();
    let (_, fit) = run(folder.path(), &["fit", "fit.toml", "--model", "m.json"]);
    let (_, tune) = run(folder.path(), &["tune", "tune.toml"]);
    let (inspect, _) = run(folder.path(), &["inspect", "m.json"]);
    [fit, tune, inspect]
}

#[track_caller]
fn check(told: [String; 3], remark: &str, fits: usize) {
    let [fit, tune, inspect] = told;
    assert_eq!(fit, format!("note: stage `lr`: {remark}\n"));
    assert_eq!(tune, format!("note: stage `lr`: {remark} (in {fits} of 6 fits, and in the model)\n"));
    assert!(inspect.contains(&format!("note: {remark}\n")), "{inspect}");
}

const STOPPED: &str = "before it converged: raise max_iter, or scale the features to similar sizes";

#[test]
fn a_fit_that_stopped_at_its_limit_is_told_of() {
    let classes = |i| u32::from(i % 7 + i % 3 > 4);
    let stage = "type = \"logistic_regression\"\nreg_param = 0.01";
    let few = told(&format!("{stage}\nmax_iter = 1"), "binary_classification", classes);
    check(few, &format!("the fit stopped after 1 iteration {STOPPED}"), 6);
    let [fit, tune, inspect] = told(stage, "binary_classification", classes);
    assert_eq!((fit.as_str(), tune.as_str()), ("", ""));
    assert!(!inspect.contains("note:"), "{inspect}");

    for (more, limit) in [("solver = \"l_bfgs\"", 1), ("elastic_net_param = 0.5", 0), ("loss = \"huber\"", 1)]
    {
        let stage = format!("type = \"linear_regression\"\nreg_param = 0.01\n{more}");
        let few = told(&format!("{stage}\nmax_iter = {limit}"), "regression", |i| i * i % 17);
        let s = if limit == 1 { "" } else { "s" };
        check(few, &format!("the fit stopped after {limit} iteration{s} {STOPPED}"), 6);
        assert_eq!(told(&stage, "regression", |i| i * i % 17)[0], "", "{more}");
    }
    // Direct solutions have no iterations.
    assert_eq!(told("type = \"linear_regression\"\nmax_iter = 1", "regression", |i| i)[0], "");
}

#[test]
fn labels_of_one_class_are_told_of() {
    let [fit, tune, inspect] = told("type = \"logistic_regression\"", "multiclass_classification", |_| 1);
    let remark = "all labels are of class `1`: the model always predicts this class";
    assert_eq!(fit, format!("note: stage `lr`: {remark}\n"));
    // Without an intercept there is something to fit.
    let counted = format!("note: stage `lr`: {remark} (in 3 of 6 fits, and in the model)\n");
    assert!(tune.contains(&counted), "{tune}");
    assert!(inspect.contains(&format!("note: {remark}\n")), "{inspect}");
}

#[test]
fn separated_classes_are_told_of() {
    let rest = "the best coefficients are infinite, those of the model are where the fit stopped, and they have no \
                standard errors; set reg_param, or leave features out";
    let stage = "type = \"logistic_regression\"";
    let separated = |i: u32| u32::from(i % 7 > 3);
    // Where `c` is 2 all labels are 1, where it is 0 all are 0, elsewhere either may be.
    let group = |i: u32| u32::from(i % 3 == 2 || (i % 3 == 1 && (i % 7).is_multiple_of(2)));
    for (label, found) in [
        (&separated as &dyn Fn(u32) -> u32, "the classes are separated by feature `a`"),
        (&group, "some rows of classes `0` and `1` are separated by feature `c`"),
    ] {
        let [fit, tune, inspect] = told(stage, "binary_classification", label);
        assert_eq!(fit, format!("note: stage `lr`: {found}: {rest}\n"));
        assert!(tune.contains(&format!("{found}: {rest}")), "{tune}");
        assert!(inspect.contains(&format!("note: {found}: {rest}\n")), "{inspect}");
        assert!(!inspect.contains("standard_error"), "{inspect}");
    }
    assert_eq!(told(&format!("{stage}\nreg_param = 0.1"), "binary_classification", separated)[0], "");
}

#[test]
fn of_classes_with_names_the_positive_one_is_told() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let class = |i: u32| if i % 7 + i % 3 > 4 { "no" } else { "yes" };
    let rows = (0..30).map(|i| format!("{},{},{}\n", class(i), i % 7, i * i % 11));
    std::fs::write(path("d.csv"), format!("y,a,b\n{}", rows.collect::<String>())).unwrap();
    let config = "[data]\npath = \"d.csv\"\n[[stage]]\ntype = \"string_indexer\"\ninput_cols = [\"y\"]\n\
        output_cols = [\"class\"]\nstring_order_type = \"ORDER\"\n[[stage]]\nname = \"lr\"\n\
        type = \"logistic_regression\"\nlabel_col = \"class\"\nreg_param = 0.1\n\
        [evaluator]\ntype = \"binary_classification\"\n";
    for (order, positive) in [("alphabet_asc", "yes"), ("alphabet_desc", "no")] {
        std::fs::write(path("c.toml"), config.replace("ORDER", order)).unwrap();
        let (_, fit) = run(folder.path(), &["fit", "c.toml", "--model", "m.json"]);
        assert!(fit.contains("note: stage `lr`: the labels are "), "{fit}");
        assert!(fit.contains(&format!(": {positive} is the positive class\n")), "{fit}");
        let (_, tune) = run(folder.path(), &["tune", "c.toml"]);
        assert!(tune.contains("note: the labels in `class` are "), "{tune}");
        assert!(tune.contains(&format!(": {positive} is the positive class\n")), "{tune}");
    }
}

#[test]
fn a_stage_without_effect_is_told_of() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rows = (0..12).map(|i| format!("{},{},{}\n", i * i % 7, i, i * 3 % 5));
    std::fs::write(path("d.csv"), format!("y,a,b\n{}", rows.collect::<String>())).unwrap();
    let config = "[data]\npath = \"d.csv\"\nlabel = \"y\"\n[[stage]]\nname = \"scale\"\ntype = \"standard_scaler\"\n\
                  input_col = \"features\"\noutput_col = \"scaled\"\n[[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\n";
    std::fs::write(path("c.toml"), config).unwrap();
    let note = "note: stage `scale`: no later stage reads its output `scaled`, which has no effect on the predictions: name it as \
                an input of a later stage, or leave the stage out\n";
    let run = |arguments: &[&str]| run(folder.path(), arguments);
    assert_eq!(run(&["fit", "c.toml", "--model", "m.json"]).1, note);
    assert!(run(&["tune", "c.toml"]).1.ends_with(note));
    let units = "note: the coefficients of `a` and `b` are per standard deviation of the feature, as stage `scale` scales it, and not \
                 per unit of its column\n";
    let inspect = run(&["inspect", "m.json"]).0;
    assert!(!inspect.contains(units) && inspect.contains("  a  "), "{inspect}");

    std::fs::write(path("c.toml"), format!("{config}features_col = \"scaled\"\n")).unwrap();
    assert_eq!(run(&["fit", "c.toml", "--model", "m.json"]).1, "");
    assert!(run(&["inspect", "m.json"]).0.contains(units));
    assert!(run(&["inspect", "m.json", "--json"]).0.contains("are per standard deviation of the feature"));
}
