//! Fits in processes of their own: one that ends its process costs its row and not the search.
//!
//! The program runs itself again, as many times as `parallelism` says, and these processes share the work by the journal. What they find is taken
//! from there. A process that dies is replaced; the cells that it was computing are tried alone, and are failures if processes die at them again.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use luthier::core::{CancelToken, memory};
use luthier::tune::{Error, Parallelism, Search, Shards, report_death};
use tempfile::TempDir;

use crate::journal;
use crate::output::note;

/// The name of a process that works for another one.
const NAME: &str = "LUTHIER_WORKER";

/// The folder of its journal.
const JOURNAL: &str = "LUTHIER_WORKER_JOURNAL";

/// How often processes are looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// How long processes have to end a search that was cancelled.
const GRACE: Duration = Duration::from_secs(10);

/// So many processes may die one after the other without a cell that is done.
const MOST_IN_VAIN: usize = 8;

/// The least memory that a process has.
const LEAST_MEMORY: u64 = 1 << 30;

/// This process, if it works for another one.
pub(crate) struct Worker {
    name: String,
    journal: PathBuf,
}

/// Whether this process works for another one, and under which name.
pub(crate) fn worker() -> Option<Worker> {
    let name = std::env::var(NAME).ok()?;
    Some(Worker { name, journal: PathBuf::from(std::env::var_os(JOURNAL)?) })
}

impl Worker {
    /// Scores what nobody else does, until everything is scored.
    pub(crate) fn work(self, search: Search, shards: &mut Shards) -> Result<()> {
        // The pipe is closed when whoever started this process ends, in whatever way.
        std::thread::Builder::new().name("luthier-parent".to_owned()).spawn(|| {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(1);
        })?;
        let done = done_file(&self.journal, &self.name);
        let search = search.journal(self.journal).worker(self.name).parallelism(Parallelism::default());
        match search.score_shards(shards) {
            // The thread of the fit is left behind, and with it the memory that it holds.
            Err(error @ Error::NotReturned { .. }) => Err(error.into()),
            Err(error) => {
                std::fs::write(done, error.to_string())?;
                Err(error.into())
            }
            Ok(()) => Ok(std::fs::write(done, "")?),
        }
    }
}

/// The file that says that a process has ended by itself.
fn done_file(journal: &Path, name: &str) -> PathBuf {
    journal.join(format!("{name}.done"))
}

/// The folder in which processes have worked together.
pub(crate) struct Shared {
    journal: PathBuf,
    /// Removed with its contents, if nobody wants to keep them.
    _temporary: Option<TempDir>,
}

impl Shared {
    pub(crate) fn journal(&self) -> &Path {
        &self.journal
    }
}

/// Lets processes score everything; what they find is in the journal of the folder that is returned.
///
/// # Errors
/// Processes that cannot be started, or that die before they have done anything.
pub(crate) fn run(out: Option<&Path>, parallelism: Parallelism, cancel: &CancelToken) -> Result<Shared> {
    let shared = match out {
        Some(out) => Shared { journal: out.join(journal::FOLDER), _temporary: None },
        None => {
            let temporary = tempfile::tempdir().context("cannot make a folder for the journal")?;
            Shared { journal: temporary.path().join(journal::FOLDER), _temporary: Some(temporary) }
        }
    };
    std::fs::create_dir_all(&shared.journal)?;
    remove_leftovers(&shared.journal);
    let wanted = match parallelism {
        Parallelism::Fixed(workers) => workers.get(),
        Parallelism::Auto => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let mut crew = Crew::new(&shared.journal, wanted)?;
    let watched = crew.watch(cancel);
    crew.end();
    drop(crew);
    watched.map(|()| shared)
}

/// Removes what a program that was killed has left of its processes. Their names have its number.
fn remove_leftovers(journal: &Path) {
    for entry in std::fs::read_dir(journal).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let parent = name.strip_prefix("worker-").and_then(|rest| rest.split('-').next());
        let is_left = parent.is_some_and(|number| !Path::new("/proc").join(number).exists());
        if is_left {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The processes that work.
struct Crew<'a> {
    journal: &'a Path,
    wanted: usize,
    /// The bytes that each may take.
    memory: Option<u64>,
    running: Vec<Running>,
    started: usize,
    /// The number of processes that have died since a cell was done.
    in_vain: usize,
    /// The bytes of the journal when a process died last.
    bytes: u64,
}

struct Running {
    name: String,
    child: Child,
}

impl<'a> Crew<'a> {
    fn new(journal: &'a Path, wanted: usize) -> Result<Self> {
        let memory = memory::free().map(|free| (free / 10 * 8 / wanted.max(1) as u64).max(LEAST_MEMORY));
        let mut crew =
            Self { journal, wanted, memory, running: Vec::new(), started: 0, in_vain: 0, bytes: 0 };
        for _ in 0..crew.wanted {
            crew.start()?;
        }
        Ok(crew)
    }

    fn start(&mut self) -> Result<()> {
        self.started += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("worker-{}-{}-{}", std::process::id(), now.as_nanos(), self.started);
        let log = File::create(self.log(&name))?;
        let mut command = itself(self.memory)?;
        command.env(NAME, &name).env(JOURNAL, self.journal);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().context("cannot start a process for fits")?;
        self.running.push(Running { name, child });
        Ok(())
    }

    fn log(&self, name: &str) -> PathBuf {
        self.journal.join(format!("{name}.log"))
    }

    /// Waits until everything is scored, and replaces processes that die.
    fn watch(&mut self, cancel: &CancelToken) -> Result<()> {
        while !self.running.is_empty() && !cancel.is_cancelled() {
            std::thread::sleep(PAUSE);
            let mut ended = Vec::new();
            for (place, running) in self.running.iter_mut().enumerate() {
                if let Some(status) = running.child.try_wait()? {
                    ended.push((place, status));
                }
            }
            for (place, status) in ended.into_iter().rev() {
                let running = self.running.swap_remove(place);
                let done = done_file(self.journal, &running.name);
                if done.exists() {
                    // An error of the search is one for this process as well, which comes to it by itself.
                    let _ = std::fs::remove_file(done);
                    let _ = std::fs::remove_file(self.log(&running.name));
                    continue;
                }
                self.replace(&running.name, status)?;
            }
        }
        Ok(())
    }

    fn replace(&mut self, name: &str, status: ExitStatus) -> Result<()> {
        let said = std::fs::read_to_string(self.log(name)).unwrap_or_default();
        let _ = std::fs::remove_file(self.log(name));
        let how = how(status, &said);
        report_death(self.journal, name, &how)?;
        note(&format!("a process for fits has ended by {how}; another one takes its place"));
        let bytes = size_of_cells(self.journal);
        self.in_vain = if bytes > self.bytes { 0 } else { self.in_vain + 1 };
        self.bytes = bytes;
        if self.in_vain > MOST_IN_VAIN {
            bail!("processes for fits end before they have done anything, the last one by {how}");
        }
        self.start()
    }

    /// Ends what still runs. What is scored is written; of a search that was cancelled the rest does not count.
    fn end(&mut self) {
        self.running.iter_mut().for_each(|running| drop(running.child.stdin.take()));
        let mut left = GRACE;
        while left > Duration::ZERO
            && self.running.iter_mut().any(|one| matches!(one.child.try_wait(), Ok(None)))
        {
            std::thread::sleep(PAUSE);
            left = left.saturating_sub(PAUSE);
        }
        for running in &mut self.running {
            let _ = running.child.kill();
            let _ = running.child.wait();
            let _ = std::fs::remove_file(done_file(self.journal, &running.name));
        }
        for running in &self.running {
            let _ = std::fs::remove_file(self.log(&running.name));
        }
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        for running in &mut self.running {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

/// The program as it was called, with a limit on its memory where the system has one.
fn itself(memory: Option<u64>) -> Result<Command> {
    let program = std::env::current_exe().context("cannot find the program itself")?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let shell = Path::new("/bin/sh");
    let command = match memory.filter(|_| cfg!(target_os = "linux") && shell.exists()) {
        Some(bytes) => {
            let mut command = Command::new(shell);
            let limited = format!("ulimit -v {} 2>/dev/null; exec \"$0\" \"$@\"", bytes / 1024);
            command.arg("-c").arg(limited).arg(program).args(arguments);
            command
        }
        None => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
    };
    Ok(command)
}

/// How a process has ended, and the last line that it has said.
fn how(status: ExitStatus, said: &str) -> String {
    let ended = match (signal(status), status.code()) {
        (Some((number, name)), _) => format!("signal {number}{name}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    };
    match cause(said) {
        Some(last) => format!("{ended} ({})", last.chars().take(200).collect::<String>()),
        None => ended,
    }
}

/// The line that says why a process has ended, or else the last one that is no note and no part of a backtrace.
fn cause(said: &str) -> Option<&str> {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let says_why = |line: &&str| {
        ["fatal runtime error", "memory allocation", "error:"].iter().any(|start| line.starts_with(start))
    };
    let says_nothing = |line: &str| {
        ["note:", "stack backtrace", "at "].iter().any(|start| line.starts_with(start))
            || line.starts_with(|first: char| first.is_ascii_digit())
    };
    lines().rfind(says_why).or_else(|| lines().rfind(|line| !says_nothing(line)))
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<(i32, &'static str)> {
    use std::os::unix::process::ExitStatusExt;
    let number = status.signal()?;
    let name = match number {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    };
    Some((number, name))
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<(i32, &'static str)> {
    None
}

/// The bytes of all segments.
fn size_of_cells(journal: &Path) -> u64 {
    let entries = std::fs::read_dir(journal).into_iter().flatten().flatten();
    let cells = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".jsonl"));
    cells.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}
