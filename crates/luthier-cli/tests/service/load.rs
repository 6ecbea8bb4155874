//! Many clients at once, some of them slow or silent, with few descriptors.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{Client, LONG, Program, metric, request, until};

/// 3 a + 2 b + 1 of these, within an answer.
fn is_right(a: usize, b: usize, body: &str) -> bool {
    let value: serde_json::Value = serde_json::from_str(body).unwrap();
    let expected = (3 * a + 2 * b + 1) as f64;
    value["prediction"].as_f64().is_some_and(|found| (found - expected).abs() < 1e-6 * expected)
}

fn row(a: usize, b: usize) -> String {
    format!("{{\"a\": {a}, \"b\": {b}}}")
}

/// Asks one request after the other; whether all answers are right.
fn fast_client(address: SocketAddr, number: usize, requests: usize) {
    let mut client = Client::new(address);
    for i in 0..requests {
        let body = row(number, i);
        // As HTTP clients do: a kept connection may be closed before it is used again.
        let answer = loop {
            let sent = client.0.get_mut().write_all(request("POST", "/predict", &body).as_bytes());
            if let (Ok(()), Some(answer)) = (sent, client.answer()) {
                break answer;
            }
            client = Client::new(address);
        };
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(is_right(number, i, &answer.body), "{number}, {i}: {answer:?}");
    }
}

/// A client that sends a request a byte at a time.
struct Slow {
    number: usize,
    stream: TcpStream,
    request: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
}

impl Slow {
    fn new(address: SocketAddr, number: usize) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nonblocking(true).unwrap();
        let body = row(number, 7);
        let head =
            format!("POST /predict HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        Self { number, stream, request: (head + &body).into_bytes(), sent: 0, received: Vec::new() }
    }

    /// Goes on by a byte; whether there was a whole answer, which must be right.
    fn step(&mut self) -> bool {
        if let Some(byte) = self.request.get(self.sent) {
            if let Err(error) = self.stream.write_all(&[*byte]) {
                let _ = self.stream.read_to_end(&mut self.received);
                panic!("{error} after {} bytes: {}", self.sent, String::from_utf8_lossy(&self.received));
            }
            self.sent += 1;
            return false;
        }
        match self.stream.read_to_end(&mut self.received) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            read => read.unwrap(),
        };
        let text = String::from_utf8_lossy(&self.received);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text}"));
        assert!(head.starts_with("HTTP/1.1 200"), "{text}");
        assert!(is_right(self.number, 7, body), "{text}");
        true
    }
}

/// Keeps so many slow clients at work until it is told to finish; the number of their answers.
fn slow_clients(address: SocketAddr, count: usize, finish: &AtomicBool) -> usize {
    let mut clients: Vec<_> = (0..count).map(|number| Slow::new(address, number)).collect();
    let (begun, mut answers) = (Instant::now(), 0);
    while !clients.is_empty() {
        let goes_on = !finish.load(Ordering::Relaxed);
        clients.retain_mut(|client| {
            let done = client.step();
            if done {
                answers += 1;
                if goes_on {
                    *client = Slow::new(address, client.number);
                }
            }
            !done || goes_on
        });
        std::thread::sleep(Duration::from_millis(10));
        assert!(begun.elapsed() < 5 * LONG, "slow clients are never answered");
    }
    answers
}

/// 64 clients with 50 requests each, or as many as the environment variable says, beside 400 slow ones.
#[test]
fn slow_clients_and_fast_ones_are_all_answered() {
    const SLOW: usize = 400;
    const FAST: usize = 64;
    let requests = std::env::var("LUTHIER_TEST_REQUESTS").map_or(50, |number| number.parse().unwrap());
    let program = Program::start("", Some(256));
    let address = program.address;
    assert_eq!(Client::new(address).ask("POST", "/predict", &row(1, 1)).status, 200);
    until("the first connection is gone", || metric(address, "luthier_connections_open") == 1.0);
    let (descriptors, threads) = (program.count("fd"), program.count("task"));

    let begun = Instant::now();
    let finish = AtomicBool::new(false);
    let slow_answers = std::thread::scope(|scope| {
        let slow = scope.spawn(|| slow_clients(address, SLOW, &finish));
        let fast: Vec<_> =
            (0..FAST).map(|number| scope.spawn(move || fast_client(address, number, requests))).collect();
        let fast: Vec<_> = fast.into_iter().map(|client| client.join()).collect();
        println!("{FAST} × {requests} requests in {:?}", begun.elapsed());
        finish.store(true, Ordering::Relaxed);
        let slow = slow.join().unwrap();
        fast.into_iter().for_each(|client| client.unwrap());
        slow
    });
    println!("{slow_answers} slow requests as well in {:?}", begun.elapsed());
    assert!(slow_answers >= SLOW, "{slow_answers}");

    // Each was answered once, and nothing is left of them.
    let answers = metric(address, "luthier_requests_total{path=\"/predict\",status=\"200\"}");
    let sent = 1 + FAST * requests + slow_answers;
    assert_eq!(answers, sent as f64);
    assert_eq!(metric(address, "luthier_rows_predicted_total"), sent as f64);
    assert_eq!(metric(address, "luthier_prediction_seconds_count"), sent as f64);
    assert_eq!(metric(address, "luthier_prediction_seconds_bucket{le=\"+Inf\"}"), sent as f64);
    until("all connections are closed", || metric(address, "luthier_connections_open") == 1.0);
    until("all descriptors are closed", || program.count("fd") <= descriptors);
    until("all threads have ended", || program.count("task") <= threads);
}

/// Fills the service with connections that say nothing and never end; what else is asked is answered.
fn hold_idle(flags: &str, descriptors: usize, count: usize) {
    let program = Program::start(flags, Some(descriptors));
    let address = program.address;
    let idle: Vec<_> = (0..count).map(|_| TcpStream::connect(address).unwrap()).collect();
    for i in 0..3 {
        let answer = Client::new(address).ask("POST", "/predict", &row(i, 2));
        assert!(answer.status == 200 && is_right(i, 2, &answer.body), "{answer:?}");
    }
    let open = metric(address, "luthier_connections_open");
    let made_room = metric(address, "luthier_connections_cut_total{reason=\"made_room\"}");
    assert!(made_room >= count as f64 - open, "{made_room} of {count}, {open} are open");
    assert!(made_room > 0.0 && open < descriptors as f64, "{made_room} of {count}, {open} are open");
    // Those that were first are closed.
    assert!(matches!((&idle[0]).read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn idle_connections_make_room_for_others() {
    // As many as the test may open, beside those of the other tests.
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let soft: usize = soft.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX);
    hold_idle("", 256, soft.saturating_sub(700).clamp(300, 1030));
    // Where descriptors run out before connections do.
    hold_idle("--max-connections 1000", 40, 150);
}
