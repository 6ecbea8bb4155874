//! Which rows are used, and that no output replaces an input.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use tempfile::TempDir;

use common::{luthier, read, write};

const STAGE: &str = "features = [\"x\"]\n[[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\n";

/// `y = 2 x + 1` in group `a`, some labels and features are missing; another line in group `b`.
fn scene() -> TempDir {
    let folder = TempDir::new().unwrap();
    write(&folder, "d.csv", "g,x,y\na,1,3\nb,1,9\na,2,\na,3,7\nb,2,8\na,,9\na,4,9\na,6,13\n");
    folder
}

fn slope(folder: &TempDir) -> f64 {
    let (_, json, _) = luthier(folder, "inspect m.json --json");
    let at = json.find("\"coefficients\"").unwrap();
    let number = json[at..].split(['[', ']', ',', '\n']).find_map(|text| text.trim().parse::<f64>().ok());
    number.unwrap()
}

#[test]
fn rows_are_selected_by_a_condition_and_without_gaps() {
    let folder = scene();
    let config = |rows: &str| {
        let head = "[data]\npath = \"d.csv\"\nlabel = \"y\"\n";
        write(&folder, "c.toml", &format!("{head}{rows}\n{STAGE}"));
        luthier(&folder, "fit c.toml --model m.json")
    };
    let (done, out, notes) = config("where = \"g = 'a'\"\ndrop_nulls = [\"x\"]\nmissing_label = \"drop\"");
    assert!(done, "{notes}");
    assert!(out.contains("fitted on 4 rows"), "{out}");
    for note in [
        "2 of 8 rows are left out because they do not satisfy `where = \"g = 'a'\"`",
        "1 of 6 rows are left out because they have no value in x",
        "1 of 5 rows are left out because they have no label `y`",
    ] {
        assert!(notes.contains(note), "{notes}");
    }
    assert!((slope(&folder) - 2.0).abs() < 1e-12);

    let refused = |rows: &str, expected: &str| {
        let (done, _, error) = config(rows);
        assert!(!done && error.contains(expected), "{error}");
    };
    refused(
        "",
        "d.csv:4: column `y` is missing, expected a value: fill it, or drop such rows with `missing_label = \"drop\"` under [data]",
    );
    refused("where = \"g = 'a'\"\nmissing_label = \"drop\"", "d.csv:7: column `x` is missing");
    refused(
        "where = \"g > 3\"",
        "c.toml:4: in the condition `g > 3`: column `g` is utf8 and cannot be compared with 3",
    );
    refused("where = \"h = 3\"", "c.toml:4: unknown column `h`");
    refused("where = \"x >\"", "c.toml:4: in the condition `x >`: found the end, expected a value");
    refused("drop_nulls = [\"z\"]", "c.toml:4: unknown column `z`");
    refused(
        "missing_label = \"skip\"",
        "c.toml:4: missing_label is \"skip\", expected \"error\" or \"drop\"",
    );
    refused("where = \"x > 100\"", "none of the 8 rows is left");
}

#[test]
fn no_output_replaces_an_input() {
    let folder = scene();
    write(&folder, "d.csv", "x,y\n1,3\n2,5\n3,7\n4,9\n5,11\n6,14\n");
    let grid = "[grid]\n\"lr.reg_param\" = [0.0, 0.1]\n[search]\nmethod = \"train_validation_split\"\n";
    let config = format!("[data]\npath = \"d.csv\"\nlabel = \"y\"\n{STAGE}");
    write(&folder, "fit.toml", &config);
    write(&folder, "tune.toml", &format!("{config}{grid}"));
    write(&folder, "sub/results.csv", "x,y\n1,3\n2,5\n3,7\n4,9\n5,11\n6,14\n");
    write(&folder, "in_sub.toml", &format!("{config}{grid}").replace("d.csv", "sub/results.csv"));
    #[cfg(unix)]
    std::os::unix::fs::symlink("d.csv", folder.path().join("link.csv")).unwrap();
    let (done, _, error) = luthier(&folder, "fit fit.toml --model m.csv");
    assert!(done, "{error}");
    let names = ["d.csv", "fit.toml", "tune.toml", "in_sub.toml", "sub/results.csv", "m.csv"];
    let before: Vec<String> = names.iter().map(|name| read(&folder, name)).collect();
    for (arguments, expected) in [
        ("fit fit.toml --model d.csv", "--model d.csv: this would overwrite the data"),
        ("fit fit.toml --model fit.toml", "this would overwrite the configuration"),
        ("fit fit.toml --model sub/../d.csv", "this would overwrite the data"),
        #[cfg(unix)]
        ("fit fit.toml --model link.csv", "this would overwrite the data"),
        ("tune in_sub.toml --out sub", "--out sub/results.csv: this would overwrite the data"),
        ("predict m.csv d.csv --out m.csv", "--out m.csv: this would overwrite the model"),
        ("predict m.csv d.csv --out ./d.csv", "--out ./d.csv: this would overwrite the data"),
    ] {
        let (done, _, error) = luthier(&folder, arguments);
        assert!(!done && error.contains(expected), "{arguments}: {error}");
    }
    for (name, before) in names.iter().zip(before) {
        assert_eq!(read(&folder, name), before, "{name}");
    }
}
