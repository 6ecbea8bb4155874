//! Starts children, sees how they end, and goes on behind the case that ended one.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::child;
use crate::kind::Kind;

/// The cases that a child works on, so that what leaks does not add up.
const BATCH: u64 = 500;
/// The address space of a child in kilobytes: threads, the program, and what it may allocate.
const ADDRESS_SPACE: u64 = 4 << 20;
/// A case that takes longer is ended.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tries as many changes as the environment says, or a few.
pub(crate) fn run(kind: Kind, few: u64) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let few = number("LUTHIER_MUTATIONS").unwrap_or(few);
    let from = number("LUTHIER_MUTATIONS_FROM").unwrap_or(0);
    let folder = TempDir::new().unwrap();
    let status = start(kind, 0, 0, folder.path());
    assert!(matches!(status, Ended::By(status) if status.success()), "seeds: {}", log(folder.path()));
    let mut found = Vec::new();
    let (mut next, end, mut stopped) = (from, from + few, 0);
    while next < end {
        let count = BATCH.min(end - next);
        let ended = start(kind, next, count, folder.path());
        let running = std::fs::read_to_string(folder.path().join(child::RUNNING));
        let running = running.ok().and_then(|text| text.parse::<u64>().ok());
        match (ended, running) {
            (Ended::By(status), _) if status.success() => next += count,
            (ended, Some(at)) if at >= next => {
                match ended {
                    Ended::By(status) => {
                        found.push(format!("{at} ends the process: {status}: {}", log(folder.path())))
                    }
                    Ended::Never if kind.may_take_long() => stopped += 1,
                    Ended::Never => found.push(format!("{at} does not end")),
                }
                next = at + 1;
            }
            (Ended::By(status), _) => panic!("{status}: {}", log(folder.path())),
            (Ended::Never, _) => panic!("the good files take too long"),
        }
    }
    let lines = std::fs::read_to_string(folder.path().join(child::FOUND)).unwrap_or_default();
    let (mut bytes, mut millis) = (0u64, 0u64);
    for line in lines.lines() {
        match line.strip_prefix("most ").and_then(|most| most.split_once(' ')) {
            Some((b, m)) => (bytes, millis) = (bytes.max(b.parse().unwrap()), millis.max(m.parse().unwrap())),
            None => found.push(line.to_owned()),
        }
    }
    println!(
        "{kind:?}: {few} changed files from {from}, {} findings, at most {} kB and {millis} ms, {stopped} stopped",
        found.len(),
        bytes / 1024
    );
    if !found.is_empty() {
        let kept = keep(kind, &found, folder.path());
        panic!(
            "{kind:?}: {} findings in {few} files, kept in {}:\n{}",
            found.len(),
            kept.display(),
            found.join("\n")
        );
    }
}

enum Ended {
    By(ExitStatus),
    Never,
}

fn start(kind: Kind, first: u64, count: u64, folder: &Path) -> Ended {
    let _ = std::fs::remove_file(folder.join(child::RUNNING));
    let _ = std::fs::remove_file(folder.join("log"));
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {ADDRESS_SPACE}; ulimit -c 0; exec \"$@\""), "sh"])
        .arg(program)
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(child::TASK, format!("{kind:?} {first} {count}"))
        .env("RAYON_NUM_THREADS", "2")
        .env("RUST_BACKTRACE", "0")
        // The arenas of the system's allocator would take the address space.
        .env("MALLOC_ARENA_MAX", "2")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(child::log(&folder.join("log")))
        .spawn()
        .unwrap();
    let running = || std::fs::read_to_string(folder.join(child::RUNNING)).unwrap_or_default();
    let (mut last, mut since) = (running(), Instant::now());
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Ended::By(status);
        }
        let now = running();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if since.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return Ended::Never;
        }
        sleep(Duration::from_millis(20));
    }
}

/// The end of what a child said.
fn log(folder: &Path) -> String {
    let text = std::fs::read(folder.join("log")).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(600)..]).replace('\n', " ")
}

/// Keeps the files of the first findings.
fn keep(kind: Kind, found: &[String], folder: &Path) -> PathBuf {
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hostile").join(format!("{kind:?}"));
    let _ = std::fs::remove_dir_all(&kept);
    let seeds = kind.seeds(folder);
    let mut numbers: Vec<u64> =
        found.iter().filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).collect();
    numbers.dedup();
    for number in numbers.into_iter().take(200) {
        let place = kept.join(number.to_string());
        std::fs::create_dir_all(&place).unwrap();
        kind.case(&seeds[(number % seeds.len() as u64) as usize], Some(number)).write(&place);
    }
    kept
}
