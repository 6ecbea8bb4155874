//! A service and its clients.
#![allow(dead_code, reason = "not every test program uses all of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use luthier::core::PipelineModel;
use luthier::prelude::*;
use luthier_cli::service::Limits;
use ndarray::Array2;
use serde_json::Value as Json;
use tempfile::TempDir;

/// How long a test waits for what has to happen.
pub(crate) const LONG: Duration = Duration::from_secs(120);

pub(crate) fn model() -> PipelineModel {
    let wave = |i: usize, a: f64| (a * (i as f64 + 0.5)).sin();
    let features = Array2::from_shape_fn((300, 6), |(i, j)| wave(i, 0.3 + 0.4 * j as f64));
    let label = (0..300).map(|i| 2.0 * wave(i, 0.3) - wave(i, 1.1)).collect();
    let mut pipeline = Pipeline::new();
    pipeline.add("scale", StandardScaler::new().with_mean(true));
    pipeline.add("pca", Pca::new().input_col("scaled_features").k(4));
    pipeline.add("lr", LinearRegression::new().features_col("pca_features"));
    pipeline.fit_frame(&DataFrame::from_ndarray(features, label).unwrap()).unwrap()
}

pub(crate) fn start(model: &PipelineModel) -> SocketAddr {
    start_with(model, Limits::default())
}

pub(crate) fn start_with(model: &PipelineModel, limits: Limits) -> SocketAddr {
    let service = luthier_cli::service::service(model).unwrap().limits(limits);
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

/// `luthier serve` with a model of a configuration that selects features by name: 3 a + 2 b + 1.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Program {
    /// With these flags, and with so few descriptors.
    pub(crate) fn start(flags: &str, descriptors: Option<usize>) -> Self {
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
        let fitted = Command::new(program)
            .current_dir(folder.path())
            .args(["fit", "c.toml", "--model", "m.json"])
            .output()
            .unwrap();
        assert!(fitted.status.success(), "{}", String::from_utf8_lossy(&fitted.stderr));

        let limit = descriptors.map(|n| format!("ulimit -n {n}; ")).unwrap_or_default();
        let mut child = Command::new("sh")
            .current_dir(folder.path())
            .args(["-c", &format!("{limit}exec {program} serve m.json --address 127.0.0.1:0 {flags}")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { child, address, _folder: folder }
    }

    /// The entries of a folder of the system about the process, such as `fd` or `task`.
    #[cfg(target_os = "linux")]
    pub(crate) fn count(&self, what: &str) -> usize {
        std::fs::read_dir(format!("/proc/{}/{what}", self.child.id())).unwrap().count()
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end of the process; its exit code.
    #[cfg(target_os = "linux")]
    pub(crate) fn end(&mut self) -> Option<i32> {
        until("the program ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "waiting in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn request(method: &str, path: &str, body: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or(Json::Null)
    }

    /// The reason, of an answer that is an error with this status.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.head.contains("content-type: application/json"), "{self:?}");
        self.json()["error"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}

/// A connection that is kept.
pub(crate) struct Client(pub(crate) BufReader<TcpStream>);

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// The next answer; `None` if the connection ends without one.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let (mut status, mut length, mut head) = (0, 0, String::new());
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(rest) = line.strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap();
            } else if line.is_empty() {
                break;
            }
            head.push_str(&line);
            head.push('\n');
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        Some(Answer { status, head, body: String::from_utf8(body).unwrap() })
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.write(request(method, path, body));
        self.answer().unwrap()
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: &str) -> (u16, Json) {
        let answer = self.ask(method, path, body);
        (answer.status, answer.json())
    }

    /// Whether the service has closed the connection, without a further word.
    pub(crate) fn is_closed(&mut self) -> bool {
        !matches!(self.0.read(&mut [0]), Ok(1..))
    }
}

/// The value of a metric, by its name and labels; 0 if it is not there.
pub(crate) fn metric(address: SocketAddr, name: &str) -> f64 {
    let answer = Client::new(address).ask("GET", "/metrics", "");
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{answer:?}");
    let line = answer.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}
