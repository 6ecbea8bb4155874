//! The report of a search: its numbers are those of the results, and nothing in it is markup but the page's own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const HOSTILE: &str = "</script><script>alert(1)</script>";

struct Scene(TempDir);

impl Scene {
    fn new(config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mut data = format!("a,b,\"{HOSTILE}\",id,y\n");
        for i in 0u32..60 {
            let c = if i % 9 == 0 { String::new() } else { (i * i % 11).to_string() };
            data.push_str(&format!("{},{c},{},{i},{}\n", i % 7, i % 5, i % 7 + 2 * (i * i % 11) + i % 3));
        }
        std::fs::write(folder.path().join("d.csv"), data).unwrap();
        std::fs::write(folder.path().join("c.toml"), config).unwrap();
        Self(folder)
    }

    fn run(&self, args: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_luthier"));
        let output = command.current_dir(self.0.path()).args(args).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.success(), out, err)
    }

    fn succeed(&self, args: &[&str]) -> String {
        let (done, out, err) = self.run(args);
        assert!(done, "{args:?}: {out}{err}");
        out
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_str(&self.text(file)).unwrap()
    }

    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.path().join(file)).unwrap()
    }

    /// The document of a page.
    fn document(&self, file: &str) -> Value {
        let page = self.text(file);
        let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
    }
}

fn config() -> String {
    format!(
        "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = [\"a\", '{HOSTILE}']\n\
         [[stage]]\nname = \"scaler\"\ntype = \"standard_scaler\"\noutput_col = \"scaled\"\n\
         [[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\nfeatures_col = \"scaled\"\n\
         [grid]\n\"lr.reg_param\" = [0.0, 0.1, 1.0]\n[search]\nmethod = \"cross_validator\"\nnum_folds = 4\n\
         [[evaluator]]\ntype = \"regression\"\nmetric = \"rmse\"\n[[evaluator]]\ntype = \"regression\"\nmetric = \"r2\"\n"
    )
}

#[test]
fn every_number_of_the_page_is_that_of_the_results() {
    let scene = Scene::new(&config());
    let out = scene.succeed(&["tune", "c.toml", "--out", "out", "--out-of-fold", "held.csv"]);
    assert!(out.ends_with("report: out/report.html\n"), "{out}");
    let (page, results) = (scene.document("out/report.html"), scene.json("out/results.json"));
    let (search, candidates, cells) = (&page["search"], &page["candidates"], &page["cells"]);
    for key in [
        "metric",
        "best",
        "seed",
        "overlap",
        "search_seconds",
        "work",
        "planned",
        "procedure",
        "also",
        "strategy",
    ] {
        assert_eq!(search[key], results[key], "{key}");
    }
    let all = results["candidates"].as_array().unwrap();
    assert_eq!(candidates["count"], all.len());
    for (i, candidate) in all.iter().enumerate() {
        for key in ["rank", "mean", "std", "std_error", "probability_best", "scored_folds"] {
            assert_eq!(candidates[key][i], candidate[key], "{key} of candidate {i}");
        }
        assert_eq!(candidates["params"][0]["values"][i], candidate["params"]["lr.reg_param"]);
        assert_eq!(candidates["also"][0]["mean"][i], candidate["also"][0]["mean"]);
        for (j, fold) in candidate["folds"].as_array().unwrap().iter().enumerate() {
            for key in ["metric", "fit_seconds", "score_seconds", "reused_fits"] {
                assert_eq!(cells[key][i][j], fold[key], "{key} of candidate {i} on fold {j}");
            }
            assert_eq!(cells["also"][0][i][j], fold["also"][0]["metric"]);
        }
    }
    let events = scene.json("out/events.json");
    let count = events.as_array().unwrap().len();
    assert_eq!(page["events"]["start"].as_array().unwrap().len(), count);
    let model = page["model"]["stages"][1]["tables"][0].clone();
    assert_eq!(model["names"], serde_json::json!(["a", HOSTILE, "intercept"]));
    assert_eq!(page["predictions"]["rows"], 60);
    assert_eq!(search["default"], 0);
}

#[test]
fn hostile_names_are_text_and_columns_are_described() {
    let scene = Scene::new(&config());
    scene.succeed(&["tune", "c.toml", "--out", "out"]);
    let page = scene.text("out/report.html");
    assert!(!page.contains(HOSTILE));
    let document = scene.document("out/report.html");
    let columns = document["data"]["columns"].as_array().unwrap();
    let names: Vec<&str> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", HOSTILE, "id", "y"]);
    let of = |name: &str| columns.iter().find(|column| column["name"] == name).unwrap();
    assert_eq!((of("b")["missing"].as_u64(), of("y")["role"].as_str()), (Some(7), Some("label")));
    assert!(of("id")["suspect"].as_str().unwrap().contains("identifier"), "{}", of("id"));
    assert_eq!(of("a")["quantiles"]["0.5"], 3.0);
    let counts = of("a")["histogram"]["counts"].as_array().unwrap();
    assert_eq!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 60);
}

#[test]
fn a_report_is_made_anew_and_beside_another() {
    let scene = Scene::new(&config());
    scene.succeed(&["tune", "c.toml", "--out", "a"]);
    scene.succeed(&["tune", "c.toml", "--out", "b", "--parallelism", "1"]);
    let before = scene.text("a/report.html");
    assert_eq!(scene.succeed(&["report", "a"]), "wrote a/report.html\n");
    assert_eq!(scene.text("a/report.html"), before);
    assert_eq!(scene.succeed(&["report", "a", "--compare", "b"]), "wrote a/compare.html\n");
    let both = scene.document("a/compare.html");
    assert_eq!(both["compare"], scene.document("b/report.html"));
    // Without the page, from the results.
    std::fs::remove_file(scene.0.path().join("a/report.html")).unwrap();
    scene.succeed(&["report", "a", "--out", "again.html"]);
    let again = scene.document("again.html");
    assert_eq!(again["candidates"], both["candidates"]);
    assert_eq!(again["events"], both["events"]);
    let (done, _, err) = scene.run(&["report", "."]);
    assert!(!done && err.contains("expected a folder that `luthier tune --out` has written"), "{err}");
}

#[test]
fn numbers_of_events_that_no_search_has_make_no_larger_report() {
    let scene = Scene::new(&config());
    scene.succeed(&["tune", "c.toml", "--out", "out"]);
    let path = |name: &str| scene.0.path().join("out").join(name);
    let mut events = scene.json("out/events.json");
    events[0]["worker"] = serde_json::json!(u64::MAX);
    events[1]["candidates"] = serde_json::json!([u64::MAX - 1, u64::MAX]);
    std::fs::write(path("events.json"), events.to_string()).unwrap();
    let before = std::fs::metadata(path("report.html")).unwrap().len();
    std::fs::remove_file(path("report.html")).unwrap();
    scene.succeed(&["report", "out"]);
    let page = std::fs::read_to_string(path("report.html")).unwrap();
    assert!(page.contains(&format!("worker {}", u64::MAX)));
    assert!(page.len() as u64 <= before, "{} {before}", page.len());
}

#[test]
fn a_trace_holds_all_events_and_its_phases_add_up() {
    let scene = Scene::new(&config());
    scene.succeed(&["tune", "c.toml", "--out", "out"]);
    let trace = scene.json("out/trace.json");
    let events: Vec<&Value> =
        trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X").collect();
    let of = |category: &str| {
        let of = events.iter().filter(|event| event["cat"] == category);
        of.map(|event| event["dur"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let results = scene.json("out/results.json");
    let seconds = results["search_seconds"].as_f64().unwrap();
    let whole = of("search")[0];
    assert!((whole as f64 - 1e6 * seconds).abs() <= 1.0);
    assert_eq!(of("phase").iter().sum::<u64>(), whole);
    assert_eq!(events.len() - 1 - of("phase").len(), scene.json("out/events.json").as_array().unwrap().len());
}

#[test]
fn lines_of_json_are_events_and_then_the_result() {
    let scene = Scene::new(&config());
    let out = scene.succeed(&["tune", "c.toml", "--json", "--out", "out"]);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"planned"));
    assert_eq!(kinds.last(), Some(&"result"));
    assert_eq!(kinds.iter().filter(|kind| **kind == "finished").count(), 1);
    let finished = lines.iter().rfind(|line| line["event"] == "unit_finished").unwrap();
    assert_eq!(finished["done"], finished["total"]);
    assert_eq!(lines.last().unwrap()["candidates"], scene.json("out/results.json")["candidates"]);
    let (_, out, err) = scene.run(&["tune", "c.toml", "--quiet"]);
    assert!(out.starts_with("rank") && err.is_empty(), "{err}");
}

#[test]
fn each_plot_is_a_picture_and_the_same_each_time() {
    let scene = Scene::new(&config());
    scene.succeed(&["tune", "c.toml", "--out", "out", "--out-of-fold", "held.csv"]);
    let said = scene.succeed(&["report", "out", "--plots", "plots"]);
    let mut names: Vec<String> = std::fs::read_dir(scene.0.path().join("plots"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(said, format!("wrote {} plots to plots\n", names.len()));
    for wanted in ["timeline.svg", "score-by-lr.reg_param.svg", "predicted.svg", "correlations.svg"] {
        assert!(names.iter().any(|name| name == wanted), "{names:?}");
    }
    scene.succeed(&["report", "out", "--plots", "again"]);
    for name in names {
        let svg = scene.text(&format!("plots/{name}"));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>") && svg.contains("<desc>"), "{name}");
        assert!(!svg.contains("<script") && !svg.contains("NaN") && !svg.contains("undefined"), "{name}");
        assert_eq!(svg, scene.text(&format!("again/{name}")), "{name}");
    }
}
