//! The process in which damaged files are read.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::kind::{Case, Kind, Limits};
use crate::{memory, seeds};

/// What the parent says: kind, first case, number of cases.
pub(crate) const TASK: &str = "LUTHIER_HOSTILE_TASK";
/// The number of the case that runs, in the folder of the child.
pub(crate) const RUNNING: &str = "running";
/// What was found, a line each.
pub(crate) const FOUND: &str = "found";
/// The stack of the main thread of a program.
const STACK: usize = 8 << 20;

static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub(crate) fn run() {
    let Ok(task) = std::env::var(TASK) else { return };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || work(&task)).unwrap();
    thread.join().unwrap();
}

fn work(task: &str) {
    set_hook(Box::new(|info| {
        PANICS.lock().unwrap().push(info.to_string().replace('\n', " "));
    }));
    let mut words = task.split(' ');
    let kind: Kind = words.next().unwrap().parse().unwrap();
    let mut numbers = words.map(|word| word.parse::<u64>().unwrap());
    let (first, count) = (numbers.next().unwrap(), numbers.next().unwrap());
    let folder = PathBuf::from(".");
    if !seeds::are_there(&folder) {
        seeds::make(&folder);
        return;
    }
    let seeds = kind.seeds(&folder);
    let mut found = OpenOptions::new().create(true).append(true).open(folder.join(FOUND)).unwrap();
    // Good files first, so that what is made once is made, and they are good.
    let good = |_| {
        let told = seeds.iter().map(|seed| {
            let told = try_case(&kind.case(seed, None), &folder, usize::MAX / 2);
            assert!(told.failed.is_none(), "{}: {:?}", seed.name, told.failed);
            told.bytes
        });
        told.max().unwrap_or_default()
    };
    let good = [(); 2].map(good)[1];
    let (mut most_bytes, mut longest) = (good, Duration::ZERO);
    for number in first..first + count {
        let case = kind.case(&seeds[(number % seeds.len() as u64) as usize], Some(number));
        std::fs::write(folder.join(RUNNING), number.to_string()).unwrap();
        let told = try_case(&case, &folder, good);
        most_bytes = most_bytes.max(told.bytes);
        longest = longest.max(told.took);
        for what in told.found {
            writeln!(found, "{number} {what}").unwrap();
        }
    }
    writeln!(found, "most {most_bytes} {}", longest.as_millis()).unwrap();
}

struct Told {
    found: Vec<String>,
    failed: Option<String>,
    bytes: usize,
    took: Duration,
}

fn try_case(case: &Case, folder: &Path, good: usize) -> Told {
    case.write(folder);
    let mut told = Told { found: Vec::new(), failed: None, bytes: 0, took: Duration::ZERO };
    for (command, limits) in &case.commands {
        let words: Vec<&str> = std::iter::once("luthier").chain(command.split(' ')).collect();
        let before = memory::start();
        let (wall, cpu) = (Instant::now(), cpu_time());
        let ended = catch_unwind(AssertUnwindSafe(|| luthier_cli::run(words)));
        // Others use the machine too, so a command is slow only if it is by both clocks.
        let took = wall.elapsed().min(cpu_time().saturating_sub(cpu));
        let bytes = memory::most().saturating_sub(before);
        match ended {
            Ok(code) if format!("{code:?}") == format!("{:?}", std::process::ExitCode::SUCCESS) => {}
            Ok(_) => told.failed = Some(format!("`{command}` failed")),
            Err(_) => told.found.push(format!("`{command}` panics")),
        }
        told.found.extend(PANICS.lock().unwrap().drain(..).map(|panic| format!("`{command}`: {panic}")));
        if *limits == Limits::Reading {
            told.bytes = told.bytes.max(bytes);
            told.took = told.took.max(took);
            if bytes > Limits::bytes(case.size, good) {
                told.found.push(format!("`{command}` takes {bytes} bytes for a file of {}", case.size));
            }
            if took > Limits::TIME {
                told.found.push(format!("`{command}` takes {} ms", took.as_millis()));
            }
        }
    }
    told
}

/// The time that the threads of this process have run, in steps of a hundredth of a second.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace()).into_iter().flatten();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// An empty file to which a child may append.
pub(crate) fn log(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}
