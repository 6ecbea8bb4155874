//! The service over a real socket.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use luthier::core::PipelineModel;
use luthier::prelude::*;
use ndarray::Array2;
use serde_json::{Value as Json, json};

fn model() -> PipelineModel {
    let wave = |i: usize, a: f64| (a * (i as f64 + 0.5)).sin();
    let features = Array2::from_shape_fn((300, 6), |(i, j)| wave(i, 0.3 + 0.4 * j as f64));
    let label = (0..300).map(|i| 2.0 * wave(i, 0.3) - wave(i, 1.1)).collect();
    let mut pipeline = Pipeline::new();
    pipeline.add("scale", StandardScaler::new().with_mean(true));
    pipeline.add("pca", Pca::new().input_col("scaled_features").k(4));
    pipeline.add("lr", LinearRegression::new().features_col("pca_features"));
    pipeline.fit_frame(&DataFrame::from_ndarray(features, label).unwrap()).unwrap()
}

fn start(model: &PipelineModel) -> SocketAddr {
    let service = luthier_cli::service::service(model).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            luthier_cli::service::serve(listener, service).await.unwrap();
        });
    });
    told.recv().unwrap()
}

/// A connection that is kept.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).unwrap()))
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> (u16, Json) {
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let line = line.trim().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(rest) = line.strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap();
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Json::Null))
    }
}

#[test]
fn rows_become_predictions_and_bad_ones_are_told_why() {
    let model = model();
    let mut client = Client::new(start(&model));
    let (status, about) = client.send("GET", "/model", "");
    assert_eq!(status, 200);
    assert_eq!(about["inputs"], json!([{"name": "features", "type": "vector(6)"}]));
    assert_eq!(about["outputs"], json!([{"name": "prediction", "type": "f64"}]));

    let row = json!({"features": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]});
    let (status, one) = client.send("POST", "/predict", &row.to_string());
    assert_eq!(status, 200);
    let frame = Array2::from_shape_fn((1, 6), |(_, j)| 0.1 * (j + 1) as f64);
    let expected = model.transform(&DataFrame::from_ndarray(frame, vec![0.0]).unwrap()).unwrap();
    let expected = expected.column_f64("prediction").unwrap()[0];
    assert!((one["prediction"].as_f64().unwrap() - expected).abs() < 1e-12);
    let (status, two) = client.send("POST", "/predict", &json!([row, row]).to_string());
    assert_eq!((status, two), (200, json!([one, one])));

    for (body, status, reason) in [
        ("{\"features\": [1", 400, "not JSON"),
        ("{}", 422, "no value for column `features`"),
        ("{\"features\": [1, 2]}", 422, "column `features`"),
        ("{\"feature\": 1}", 422, "did you mean `features`"),
        ("[{\"features\": [1,2,3,4,5,6]}, 7]", 422, "row 1"),
        ("7", 422, "object"),
    ] {
        let (found, answer) = client.send("POST", "/predict", body);
        assert_eq!(found, status, "{body}");
        assert!(answer["error"].as_str().unwrap().contains(reason), "{body}: {answer}");
    }
    assert_eq!(client.send("GET", "/", "").0, 404);
    assert_eq!(client.send("GET", "/predict", "").0, 405);
}

/// Megabytes that the process holds.
#[cfg(target_os = "linux")]
fn resident() -> f64 {
    let pages: f64 =
        std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0 / 1e6
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_requests_cost_no_memory() {
    let mut client = Client::new(start(&model()));
    let mut ask = |i: usize| {
        let row: Vec<f64> = (0..6).map(|j| (i * j) as f64 * 1e-3).collect();
        assert_eq!(client.send("POST", "/predict", &json!({"features": row}).to_string()).0, 200);
    };
    (0..1_000).for_each(&mut ask);
    let before = resident();
    (0..10_000).for_each(&mut ask);
    let grown = resident() - before;
    assert!(grown < 2.0, "{grown} MB more after 10,000 requests");
}

/// `luthier serve` with a model of a configuration that selects features by name; few file descriptors are left to it.
#[cfg(target_os = "linux")]
#[test]
fn the_program_serves_columns_by_name_and_outlives_a_lack_of_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let rows: String =
        (0..40).map(|i| format!("{i},{},{}\n", (i * 7) % 11, 3 * i + 2 * ((i * 7) % 11) + 1)).collect();
    write("d.csv", &format!("a,b,y\n{rows}"));
    write(
        "c.toml",
        "[data]\npath = \"d.csv\"\nlabel = \"y\"\nfeatures = [\"a\", \"b\"]\n[[stage]]\nname = \"lr\"\ntype = \"linear_regression\"\n",
    );
    let program = env!("CARGO_BIN_EXE_luthier");
    let fitted = std::process::Command::new(program)
        .current_dir(folder.path())
        .args(["fit", "c.toml", "--model", "m.json"])
        .output()
        .unwrap();
    assert!(fitted.status.success(), "{}", String::from_utf8_lossy(&fitted.stderr));

    let mut service = std::process::Command::new("sh")
        .current_dir(folder.path())
        .args(["-c", &format!("ulimit -n 40; exec {program} serve m.json --address 127.0.0.1:0")])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address: SocketAddr = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();

    let mut early = Client::new(address);
    assert_eq!(early.send("GET", "/health", ""), (200, json!({"status": "ok"})));
    let idle: Vec<_> = (0..60).map(|_| TcpStream::connect(address).unwrap()).collect();
    std::thread::sleep(std::time::Duration::from_millis(300));
    // What has a connection is served, and others once there are descriptors again.
    let (status, answer) = early.send("POST", "/predict", r#"{"a": 100, "b": 5}"#);
    assert_eq!(status, 200, "{answer}");
    assert!((answer["prediction"].as_f64().unwrap() - 311.0).abs() < 1e-8, "{answer}");
    drop(idle);
    let mut late = Client::new(address);
    let (status, answer) = late.send("POST", "/predict", r#"[{"a": 1, "b": 0}, {"b": 1, "a": 0}]"#);
    assert_eq!(status, 200, "{answer}");
    assert!((answer[1]["prediction"].as_f64().unwrap() - 3.0).abs() < 1e-8, "{answer}");
    assert!(service.try_wait().unwrap().is_none(), "the service is gone");
    service.kill().unwrap();
    service.wait().unwrap();
}
