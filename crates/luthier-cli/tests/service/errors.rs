//! Requests that are not answered as they ask for, and clients that are too slow.

use std::net::SocketAddr;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use luthier::core::frame::{Field, Schema};
use luthier::core::{Dataset, Estimator, FitContext, Outputs, Params, Tile, Transformer};
use luthier::prelude::*;
use luthier_cli::service::{Limits, serve_until, service};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::harness::{Answer, Client, LONG, metric, model, request, start, start_with, until};

const ROW: &str = r#"{"features": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}"#;

/// A row in so many bytes.
fn row_of(bytes: usize) -> String {
    ROW.to_owned() + &" ".repeat(bytes - ROW.len())
}

/// The answer to these bytes, after which the connection is closed.
#[track_caller]
fn last_answer(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Answer {
    let mut client = Client::new(address);
    client.write(bytes);
    let answer = client.answer().unwrap();
    assert!(client.is_closed());
    answer
}

#[test]
fn every_error_is_json() {
    let address = start_with(&model(), Limits::default().max_body_bytes(100_000));
    let mut kept = Client::new(address);
    let error = kept.ask("GET", "/nothing", "").error(404);
    assert!(error.contains("POST /predict"), "{error}");
    assert_eq!(kept.ask("PUT", "/predict", "").error(405), error);
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    let error = kept.ask("POST", "/predict", &deep).error(400);
    assert!(error.contains("recursion limit"), "{error}");

    let not_http = last_answer(address, "WHAT IS THIS\r\n\r\n").error(400);
    assert!(not_http.contains("HTTP/1.1"), "{not_http}");
    last_answer(address, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").error(400);
    let bad_chunk = "POST /predict HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\nno number\r\n";
    last_answer(address, bad_chunk).error(400);
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(17_000));
    let error = last_answer(address, long).error(431);
    assert!(error.contains("16384"), "{error}");
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    last_answer(address, many).error(431);

    // What is too large is said so before all of it has come, whether its size is told or not, and arrives although the client sends on.
    let large = "1".repeat(100_001);
    let error = last_answer(address, request("POST", "/predict", &large)).error(413);
    assert!(error.contains("100000 bytes"), "{error}");
    let chunk = format!("4000\r\n{}\r\n", "1".repeat(0x4000));
    let head = "POST /predict HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n";
    last_answer(address, format!("{head}{}", chunk.repeat(7))).error(413);
    let head =
        "POST /predict HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 100001\r\n\r\n";
    last_answer(address, head).error(413);
    // The limit itself is no more than 100,000 bytes.
    assert_eq!(kept.ask("POST", "/predict", &row_of(100_000)).status, 200);

    for (status, count) in [(400, 2.0), (413, 3.0), (405, 1.0), (200, 1.0)] {
        let name = format!("luthier_requests_total{{path=\"/predict\",status=\"{status}\"}}");
        assert_eq!(metric(address, &name), count, "{name}");
    }
    for (status, count) in [(400, 2.0), (404, 1.0), (431, 2.0)] {
        let name = format!("luthier_requests_total{{path=\"other\",status=\"{status}\"}}");
        assert_eq!(metric(address, &name), count, "{name}");
    }
}

/// Sends bytes one at a time until there is an answer.
#[track_caller]
fn drip(address: SocketAddr, begin: &str) -> Answer {
    let mut client = Client::new(address);
    client.write(begin);
    let mut writer = client.0.get_ref().try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        let begun = Instant::now();
        // An error: the connection is closed.
        while begun.elapsed() < LONG && std::io::Write::write_all(&mut writer, b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        begun.elapsed()
    });
    let answer = client.answer().unwrap();
    assert!(client.is_closed());
    drop(client);
    assert!(sending.join().unwrap() < LONG, "the client was never cut off");
    answer
}

#[test]
fn slow_clients_are_cut_off_however_steadily_they_send() {
    let limits = Limits::default()
        .max_request_time(Duration::from_millis(700))
        .max_idle_time(Duration::from_millis(300));
    let address = start_with(&model(), limits);
    let error = drip(address, "GET /health HTTP/1.1\r\nx: ").error(408);
    assert!(error.contains("head") && error.contains("0.7 s"), "{error}");
    let body = "POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\n";
    let error = drip(address, body).error(408);
    assert!(error.contains("body") && error.contains("0.7 s"), "{error}");
    // Without a word, those who say nothing: from the beginning, and after a request.
    assert!(Client::new(address).is_closed());
    let mut kept = Client::new(address);
    assert_eq!(kept.ask("GET", "/health", "").status, 200);
    assert!(kept.is_closed());

    for (reason, count) in [("slow_request", 1.0), ("idle", 2.0)] {
        let name = format!("luthier_connections_cut_total{{reason=\"{reason}\"}}");
        assert_eq!(metric(address, &name), count, "{name}");
    }
    // The connection that asks.
    until("only one connection is open", || metric(address, "luthier_connections_open") == 1.0);
}

#[test]
fn clients_that_do_not_read_are_cut_off() {
    let limits = Limits::default().max_request_time(Duration::from_secs(3)).max_body_bytes(20 << 20);
    let address = start_with(&model(), limits);
    // With an answer of more bytes than sockets hold.
    let rows = vec![json!({"features": [1, 2, 3, 4, 5, 6]}); 400_000];
    let bytes = request("POST", "/predict", &json!(rows).to_string());
    let mut deaf = Client::new(address);
    deaf.write(bytes);
    until("it is cut off", || {
        metric(address, "luthier_connections_cut_total{reason=\"slow_reader\"}") == 1.0
    });
    assert_eq!(metric(address, "luthier_rows_predicted_total"), 400_000.0);
    assert!(deaf.answer().is_none());
}

/// A stage that does not predict while the gate is closed.
#[derive(Debug, Clone, Params)]
struct Gate {
    /// Column of predictions.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct GateModel {
    prediction_col: String,
}

static IS_CLOSED: Mutex<bool> = Mutex::new(true);
static OPENED: Condvar = Condvar::new();

fn set_gate(closed: bool) {
    *IS_CLOSED.lock().unwrap() = closed;
    OPENED.notify_all();
}

impl Estimator for Gate {
    const NAME: &'static str = "test.gate";
    type Model = GateModel;

    fn fit(&self, _data: &Dataset, _ctx: &FitContext) -> anyhow::Result<GateModel> {
        Ok(GateModel { prediction_col: self.prediction_col.clone() })
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number(&self.prediction_col)])
    }
}

impl Transformer for GateModel {
    fn inputs(&self) -> Vec<String> {
        vec!["features".to_owned()]
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number(&self.prediction_col)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        drop(OPENED.wait_while(IS_CLOSED.lock().unwrap(), |closed| *closed).unwrap());
        out.numbers(vec![1.0; rows.len()]);
        Ok(())
    }
}

fn gate() -> luthier::core::PipelineModel {
    let mut pipeline = Pipeline::new();
    pipeline.add("gate", Gate::default());
    pipeline.fit_frame(&DataFrame::from_ndarray(Array2::zeros((3, 2)), vec![0.0; 3]).unwrap()).unwrap()
}

#[test]
fn too_many_predictions_and_long_ones_are_refused() {
    set_gate(true);
    let limits = Limits::default().max_predictions(1).max_waiting(1);
    let address = start_with(&gate(), limits.clone());
    let row = r#"{"features": [1, 2]}"#;
    let load = || ["running", "waiting"].map(|what| metric(address, &format!("luthier_predictions_{what}")));
    let mut clients: Vec<_> = (0..2).map(|_| Client::new(address)).collect();
    for (client, expected) in clients.iter_mut().zip([[1.0, 0.0], [1.0, 1.0]]) {
        client.write(request("POST", "/predict", row));
        until("the prediction runs or waits", || load() == expected);
    }
    let mut third = Client::new(address);
    let refused = third.ask("POST", "/predict", row);
    assert!(refused.error(503).contains("1 predictions are waiting"), "{refused:?}");
    assert!(refused.head.contains("retry-after: 1"), "{refused:?}");
    // One that goes away while it waits leaves its place.
    drop(clients.pop());
    until("one place is free", || load() == [1.0, 0.0]);
    third.write(request("POST", "/predict", row));
    until("it waits", || load() == [1.0, 1.0]);
    set_gate(false);
    for client in clients.iter_mut().chain([&mut third]) {
        let answer = client.answer().unwrap();
        assert_eq!((answer.status, answer.json()), (200, json!({"prediction": 1.0})));
    }
    assert_eq!(metric(address, "luthier_rows_predicted_total"), 2.0);
    assert_eq!(metric(address, "luthier_prediction_seconds_count"), 2.0);

    set_gate(true);
    let address = start_with(&gate(), limits.max_predict_time(Duration::from_secs(1)));
    let mut client = Client::new(address);
    let error = client.ask("POST", "/predict", row).error(503);
    assert!(error.contains("within 1 s"), "{error}");
    // It keeps its core until it is done.
    assert_eq!(metric(address, "luthier_predictions_running"), 1.0);
    set_gate(false);
    until("it is done", || metric(address, "luthier_predictions_running") == 0.0);
    assert_eq!(client.ask("POST", "/predict", row).status, 200);
    assert_eq!(metric(address, "luthier_rows_predicted_total"), 2.0);

    // A long list is given up when nobody waits for it any more.
    set_gate(true);
    let rows = vec![row; 3000].join(",");
    assert!(client.ask("POST", "/predict", &format!("[{rows}]")).error(503).contains("within 1 s"));
    set_gate(false);
    until("it is given up", || metric(address, "luthier_predictions_running") == 0.0);
    assert_eq!(metric(address, "luthier_rows_predicted_total"), 2.0);
    assert_eq!(metric(address, "luthier_prediction_seconds_count"), 3.0);
}

#[test]
fn large_bodies_share_memory_and_leave_small_ones_theirs() {
    let address = start_with(&model(), Limits::default().max_body_bytes(200_000));
    // 64 × 200,000 bytes is the memory; each of these takes 134,463 of it: 95 fit.
    let head = "POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 200000\r\n\r\n";
    let bytes = head.to_owned() + &row_of(199_999);
    let mut clients: Vec<_> = (0..100).map(|_| Client::new(address)).collect();
    clients.iter_mut().for_each(|client| client.write(&bytes));
    let name = "luthier_requests_total{path=\"/predict\",status=\"503\"}";
    until("some are refused", || metric(address, name) >= 5.0);
    assert_eq!(Client::new(address).ask("POST", "/predict", ROW).status, 200);
    // The last byte of those that were not refused; a client that was may not be able to send it.
    for client in &mut clients {
        let _ = std::io::Write::write_all(client.0.get_mut(), b" ");
    }
    let answers: Vec<_> = clients.iter_mut().map(|client| client.answer().unwrap()).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    refused.iter().for_each(|answer| assert!(answer.error(503).contains("large bodies"), "{answer:?}"));
    assert!(refused.len() < 100);
    // All of it is there again.
    assert_eq!(Client::new(address).ask("POST", "/predict", &row_of(200_000)).status, 200);
}

#[test]
fn routes_can_be_added_and_a_program_can_stop_its_service() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let more = axum::Router::new().route("/more", axum::routing::get(async || "{\"more\": 1}"));
    let service = service(&model()).unwrap().routes(more);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let serving = runtime.spawn(serve_until(listener, service, async { stopped.await.unwrap() }));
    let mut client = Client::new(address);
    assert_eq!(client.send("GET", "/more", ""), (200, json!({"more": 1})));
    assert_eq!(client.send("POST", "/predict", ROW).0, 200);
    stop.send(()).unwrap();
    runtime.block_on(serving).unwrap();
    assert!(client.is_closed());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn what_a_client_sends_after_its_answer_is_a_request_of_its_own() {
    let mut client = Client::new(start(&model()));
    let both = request("GET", "/health", "") + &request("POST", "/predict", ROW) + "NONSENSE\r\n\r\n";
    client.write(both);
    assert_eq!([200, 200, 400], [(); 3].map(|()| client.answer().unwrap().status));
    assert!(client.is_closed());
}
