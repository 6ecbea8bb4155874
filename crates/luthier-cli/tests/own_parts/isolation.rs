//! A fit that ends its process costs its row, not the search.

use super::{SEARCH, Scene};
use serde_json::Value;

fn config(values: &str) -> String {
    SEARCH.replace("[2.0, 0.5, 1]", values)
}

fn folds(results: &Value) -> Vec<(Option<f64>, Option<String>)> {
    let candidates = results["candidates"].as_array().unwrap().iter();
    let folds = candidates.flat_map(|candidate| candidate["folds"].as_array().unwrap());
    folds
        .map(|fold| {
            let message = fold["error"]["message"].as_str().map(str::to_owned);
            (fold["metric"].as_f64(), message)
        })
        .collect()
}

#[test]
fn a_fit_that_ends_its_process_is_a_row() {
    let scene = Scene::new(&config("[2.0, 16, 0.5, 17, 18, 13, 19, 1]"));
    scene.succeed(&["tune", "search.toml", "--isolate", "--out", "out"]);
    let found = folds(&scene.json("out/results.json"));
    let sound = Scene::new(SEARCH);
    sound.succeed(&["tune", "search.toml", "--out", "out"]);
    let expected = folds(&sound.json("out/results.json"));
    let of = |candidate: usize| found[2 * candidate..2 * candidate + 2].to_vec();
    for (candidate, sound) in [(0, 0), (2, 1), (7, 2)] {
        assert_eq!(of(candidate), expected[2 * sound..2 * sound + 2], "{candidate}");
    }
    for (candidate, how) in
        [(1, "SIGABRT"), (3, "exit code 0"), (4, "stack overflow"), (6, "memory allocation")]
    {
        for (metric, message) in of(candidate) {
            let message = message.unwrap();
            assert!(metric.is_none() && message.contains(how), "{candidate}: {message}");
            assert!(message.starts_with("each process that tried it by itself died"), "{message}");
        }
    }
    // A panic ends no process.
    assert!(of(5).iter().all(|(_, message)| message.as_ref().unwrap().contains("thirteen is bad luck")));
    let left: Vec<String> = std::fs::read_dir(scene.path("out/journal"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("worker-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn isolated_results_are_those_of_one_process() {
    let scene = Scene::new(SEARCH);
    scene.succeed(&["tune", "search.toml", "--out", "plain"]);
    scene.write("search.toml", &SEARCH.replace("parallelism = 2", "parallelism = 3\nisolate = true"));
    scene.succeed(&["tune", "search.toml", "--out", "isolated"]);
    let bits = |name: &str| folds(&scene.json(&format!("{name}/results.json")));
    assert_eq!(bits("plain"), bits("isolated"));
    assert_eq!(scene.json("plain/model.json"), scene.json("isolated/model.json"));
    // Without a folder as well, and what is wrong is told as ever.
    assert!(scene.succeed(&["tune", "search.toml"]).contains("best: candidate 1"));
    scene.write("search.toml", &config("[14]"));
    let error = scene.fail(&["tune", "search.toml", "--isolate"]);
    assert!(error.contains("fourteen is too many"), "{error}");
}
