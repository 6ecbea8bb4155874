//! A search that dies is resumed where it was, and its result is the same as if it had never died.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

struct Scene {
    folder: TempDir,
    config: String,
}

impl Scene {
    fn new(example: &str) -> Self {
        let examples =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").canonicalize().unwrap();
        let text = std::fs::read_to_string(examples.join(example)).unwrap();
        let text = text.replace("path = \"data/", &format!("path = \"{}/data/", examples.display()));
        let scene = Self { folder: TempDir::new().unwrap(), config: text };
        scene.write(&scene.config);
        scene
    }

    fn write(&self, config: &str) {
        std::fs::write(self.path("c.toml"), config).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn command(&self, out: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_luthier"));
        command.args(["tune", &self.path("c.toml"), "--quiet", "--out", &self.path(out)]).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the search to its end; returns what it says.
    fn tune(&self, out: &str, more: &[&str]) -> String {
        let done = self.command(out, more).output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{said}");
        said
    }

    /// The results without times and the work that was done, and the model.
    fn found(&self, out: &str) -> (Value, String) {
        let results = std::fs::read_to_string(self.path(&format!("{out}/results.json"))).unwrap();
        let mut results: Value = serde_json::from_str(&results).unwrap();
        forget_times(&mut results);
        (results, std::fs::read_to_string(self.path(&format!("{out}/model.json"))).unwrap())
    }

    fn segments(&self, out: &str) -> Vec<PathBuf> {
        let journal = std::fs::read_dir(self.path(&format!("{out}/journal"))).unwrap();
        let mut paths: Vec<PathBuf> = journal.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        paths.sort();
        paths
    }

    fn lines(&self, out: &str) -> Vec<String> {
        let texts = self.segments(out).into_iter().map(|path| std::fs::read_to_string(path).unwrap());
        texts.flat_map(|text| text.lines().map(|line| format!("{line}\n")).collect::<Vec<_>>()).collect()
    }

    /// Replaces the journal by one segment.
    fn rewrite(&self, out: &str, bytes: &[u8]) {
        let _ = std::fs::remove_dir_all(self.path(out));
        std::fs::create_dir_all(self.path(&format!("{out}/journal"))).unwrap();
        std::fs::write(self.path(&format!("{out}/journal/cells-0001.jsonl")), bytes).unwrap();
    }
}

fn forget_times(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|name, _| !name.ends_with("seconds") && name != "work");
            entries.values_mut().for_each(forget_times);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_times),
        _ => {}
    }
}

#[test]
fn a_search_that_is_killed_again_and_again_ends_as_if_it_had_not_been() {
    let scene = Scene::new("breast_cancer.toml");
    scene.tune("reference", &[]);
    let cells = scene.lines("reference").iter().filter_map(|line| key(line)).count();
    let mut seen = 0;
    for attempt in 0..400u64 {
        let mut running = scene.command("out", &[]).spawn().unwrap();
        // Later attempts have more time, so that a slow machine gets on as well.
        sleep(Duration::from_millis(10 + attempt * 37 % 90 + 4 * attempt));
        if running.try_wait().unwrap().is_some_and(|status| status.success()) {
            break;
        }
        running.kill().unwrap();
        running.wait().unwrap();
        let known =
            if std::fs::exists(scene.path("out/journal")).unwrap() { scene.lines("out").len() } else { 0 };
        assert!(known >= seen, "{known} lines after {seen}");
        seen = known;
    }
    let said = scene.tune("out", &[]);
    assert!(said.contains("scores are known from the journal"), "{said}");
    assert_eq!(scene.found("out"), scene.found("reference"));
    // What was in flight at a kill may be computed twice, but nothing that was written.
    let lines = scene.lines("out");
    let mut keys: Vec<String> = lines.iter().filter_map(|line| key(line)).collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), all), (cells, cells));
}

/// The key of the cell of a line.
fn key(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line.get("kind")? != "cell" {
        return None;
    }
    Some(line.get("key")?.as_str()?.to_owned())
}

#[test]
fn any_part_of_the_cells_leads_to_the_same_result() {
    for example in ["diabetes.toml", "churn.toml", "competing.toml"] {
        let scene = Scene::new(example);
        scene.tune("reference", &[]);
        let (expected, lines) = (scene.found("reference"), scene.lines("reference"));
        for part in 2..5 {
            let kept = lines.iter().enumerate().filter(|(at, _)| *at == 0 || at * 7919 % part != 0);
            scene.rewrite("out", kept.map(|(_, line)| line.as_str()).collect::<String>().as_bytes());
            scene.tune("out", &[]);
            assert_eq!(scene.found("out"), expected, "{example}, {part}");
        }
    }
}

#[test]
fn what_is_cut_or_damaged_is_said_and_computed_again() {
    let scene = Scene::new("diabetes.toml");
    scene.tune("reference", &[]);
    let (expected, bytes) = (scene.found("reference"), scene.lines("reference").concat().into_bytes());
    for cut in [1, 2, 100, 700] {
        scene.rewrite("out", &bytes[..bytes.len() - cut]);
        let said = scene.tune("out", &[]);
        assert!(said.contains("the line is cut off"), "{said}");
        assert_eq!(scene.found("out"), expected);
    }
    for at in (0..bytes.len()).step_by(bytes.len() / 12) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 7);
        scene.rewrite("out", &damaged);
        let said = scene.tune("out", &[]);
        assert!(said.contains("damaged") || said.contains("cut off"), "{at}: {said}");
        assert_eq!(scene.found("out"), expected, "{at}");
    }
}

#[test]
fn a_grid_that_grew_keeps_its_cells_and_other_data_do_not() {
    let scene = Scene::new("diabetes.toml");
    scene.tune("out", &[]);
    scene.write(&scene.config.replace("[0.001, 0.003, 0.01, 0.03]", "[0.0003, 0.001, 0.003, 0.01, 0.03]"));
    let said = scene.tune("out", &[]);
    assert!(said.contains("16 scores are known from the journal"), "{said}");
    scene.tune("reference", &[]);
    assert_eq!(scene.found("out"), scene.found("reference"));
    scene.write(&scene.config.replace("seed = 7", "seed = 8"));
    let said = scene.tune("out", &[]);
    assert!(
        said.contains("the 16 cells there are of another seed")
            || said.contains("another split, another seed"),
        "{said}"
    );
    assert!(!said.contains("are known"), "{said}");
    scene.write(&scene.config.replace("label = \"label\"", "label = \"label\"\nwhere = \"x0 > -1000\""));
    let said = scene.tune("out", &[]);
    assert!(said.contains("other data") && !said.contains("are known"), "{said}");
    scene.write(&scene.config);
    assert!(scene.tune("out", &[]).contains("16 scores are known"));
    assert!(!scene.tune("out", &["--fresh"]).contains("known"));
}

/// What a search of standard input says, into a folder.
fn tune_rows(scene: &Scene, rows: &str) -> String {
    let mut running = scene.command("out", &[]).stdin(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(rows.as_bytes()).unwrap();
    let done = running.wait_with_output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{said}");
    said
}

#[test]
fn rows_through_a_pipe_are_known_by_their_values() {
    let scene = Scene::new("diabetes.toml");
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/diabetes.csv");
    let text = std::fs::read_to_string(data.canonicalize().unwrap()).unwrap();
    let (before, _) = scene.config.split_once("path = ").unwrap();
    let (_, after) = scene.config.split_once("diabetes.csv\"").unwrap();
    scene.write(&format!("{before}path = \"-\"{after}"));
    tune_rows(&scene, &text);
    assert!(tune_rows(&scene, &text).contains("16 scores are known"));
    // As many rows, but others.
    let (header, rows) = text.split_once('\n').unwrap();
    let others: Vec<&str> = rows.lines().rev().collect();
    let said = tune_rows(&scene, &format!("{header}\n{}\n", others.join("\n")));
    assert!(said.contains("other data") && !said.contains("are known"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_pipe_with_a_name_is_not_read_again() {
    let scene = Scene::new("diabetes.toml");
    let pipe = scene.path("rows.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (before, _) = scene.config.split_once("path = ").unwrap();
    let (_, after) = scene.config.split_once("diabetes.csv\"").unwrap();
    scene.write(&format!("{before}path = \"{pipe}\"{after}"));
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/diabetes.csv");
    let writer = std::thread::spawn(move || std::fs::copy(data, pipe));
    let mut running = scene.command("out", &[]).spawn().unwrap();
    for _ in 0..600 {
        if let Some(status) = running.try_wait().unwrap() {
            assert!(status.success());
            writer.join().unwrap().unwrap();
            return;
        }
        sleep(Duration::from_millis(50));
    }
    running.kill().unwrap();
    panic!("the search waits for the pipe");
}
