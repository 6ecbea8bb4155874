//! The built-in executors keep the contract, and an executor that does not is found out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{CancelToken, Dataset, Moments, MomentsSpec, Value, registry};
use luthier_testkit::executor::{ClosureJob, check_executor, check_executor_within, overhead_per_task};
use luthier_testkit::{Findings, Rule};
use luthier_tune::executor::{
    Executor, ExecutorEntry, Job, Rayon, Serial, Sink, ThreadPool, run_task, verify,
};

fn limit(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

fn built_in() -> [Arc<dyn Executor>; 3] {
    [Arc::new(Serial::new()), Arc::new(Rayon::new()), Arc::new(ThreadPool::new())]
}

#[test]
fn built_in_executors_keep_the_contract() {
    check_executor("serial", Serial::new()).unwrap();
    check_executor("rayon", Rayon::new()).unwrap();
    check_executor("thread_pool", ThreadPool::new()).unwrap();
}

#[test]
fn an_empty_task_costs_less_than_50_microseconds() {
    for executor in built_in() {
        let cost = overhead_per_task(&executor, 10_000, 2).unwrap();
        println!("{executor:?}: {cost:?} for an empty task");
        assert!(cost < Duration::from_micros(50), "{executor:?}: {cost:?}");
    }
}

#[test]
fn all_are_registered_and_created_by_name() {
    let names: Vec<&str> = registry::entries::<ExecutorEntry>().unwrap().into_keys().collect();
    assert_eq!(names, ["rayon", "serial", "thread_pool"]);
    let executor = registry::find::<ExecutorEntry>("thread_pool").unwrap().create(&[]).unwrap();
    assert_eq!(format!("{executor:?}"), "ThreadPool");
    let unknown = registry::find::<ExecutorEntry>("ryon").unwrap_err().to_string();
    assert!(unknown.contains("did you mean `rayon`?"), "{unknown}");
    let serial = registry::find::<ExecutorEntry>("serial").unwrap();
    let wrong = serial.create(&[("threads".to_owned(), Value::Int(3))]).unwrap_err().to_string();
    assert!(wrong.starts_with("executor `serial`: ") && wrong.contains("`threads`"), "{wrong}");
}

#[test]
fn serial_runs_in_order_on_the_calling_thread() {
    let caller = std::thread::current().id();
    let order = Arc::new(AtomicUsize::new(0));
    let job = ClosureJob::new(20, move |task| {
        assert_eq!(std::thread::current().id(), caller);
        assert_eq!(order.fetch_add(1, Ordering::Relaxed), task);
        Ok(Vec::new())
    });
    let results = verify::run(&Serial::new(), Arc::new(job), limit(5)).unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[test]
fn worker_threads_are_named() {
    let name = |_| Ok(std::thread::current().name().unwrap_or("?").as_bytes().to_vec());
    let results = verify::run(&ThreadPool::new(), Arc::new(ClosureJob::new(9, name)), limit(2)).unwrap();
    for result in results {
        let name = String::from_utf8(result.unwrap()).unwrap();
        assert!(["luthier-worker-0", "luthier-worker-1"].contains(&name.as_str()), "{name}");
    }
}

#[test]
fn rayon_stays_in_the_pool_of_its_caller() {
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(3).thread_name(|i| format!("mine-{i}")).build().unwrap();
    let name = |_| Ok(std::thread::current().name().unwrap_or("?").as_bytes().to_vec());
    let results =
        pool.install(|| verify::run(&Rayon::new(), Arc::new(ClosureJob::new(30, name)), limit(8)).unwrap());
    assert!(results.into_iter().all(|name| name.unwrap().starts_with(b"mine-")));
    assert_eq!(pool.install(|| Rayon::new().capacity()), limit(3));
}

/// Breaks the contract in one way.
#[derive(Debug)]
enum Broken {
    Forgets,
    Repeats,
    RunsTwice,
    Invents,
    Fails,
    Panics,
    IgnoresTheLimit,
}

impl Executor for Broken {
    fn execute(&self, job: Arc<dyn Job>, _limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        let run = |task| sink.report(task, run_task(&*job, task));
        match self {
            Self::Forgets => (0..job.len()).filter(|task| ![3, 5].contains(task)).for_each(run),
            Self::Repeats => (0..job.len()).chain(0..job.len().min(1)).for_each(run),
            Self::RunsTwice => {
                let _ = job.run(2);
                (0..job.len()).for_each(run);
            }
            Self::Invents => {
                (0..job.len()).for_each(run);
                sink.report(job.len(), Ok(Vec::new()));
            }
            Self::Fails => anyhow::bail!("the cluster is away"),
            Self::Panics => panic!("the cluster is on fire"),
            Self::IgnoresTheLimit => return ThreadPool::new().execute(job, NonZeroUsize::MAX, sink),
        }
        Ok(())
    }
}

#[test]
fn a_broken_contract_is_an_error_that_names_the_executor() {
    for (executor, expected) in [
        (
            Broken::Forgets,
            "executor `Forgets`: 2 of 8 tasks were never reported, the first of them is task 3",
        ),
        (Broken::Repeats, "executor `Repeats`: task 0 was reported twice"),
        (Broken::RunsTwice, "executor `RunsTwice`: task 2 was run twice"),
        (Broken::Invents, "executor `Invents`: task 8 was reported, but there are only 8 tasks"),
        (Broken::Fails, "executor `Fails`: the cluster is away"),
        (Broken::Panics, "executor `Panics`: it panicked: the cluster is on fire"),
    ] {
        let job = Arc::new(ClosureJob::new(8, |_| Ok(Vec::new())));
        let message = verify::run(&executor, job, limit(2)).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_conformance_checks_find_broken_executors() {
    let check = |executor| check_executor("acme.broken", executor).unwrap_err();
    let told = |findings: Findings| format!("{findings:?}");
    let forgets = check(Broken::Forgets);
    assert!(forgets.breaks(Rule::Reports));
    assert!(told(forgets).contains("never reported"));
    assert!(told(check(Broken::Repeats)).contains("twice"));
    let ignores = check(Broken::IgnoresTheLimit);
    assert!(ignores.breaks(Rule::Limit) && !ignores.breaks(Rule::Reports));
    let text = told(ignores);
    assert!(text.starts_with("`acme.broken` does not keep its contract:\n- Limit: limit 1: "), "{text}");
}

/// Never comes back from a job of several tasks.
#[derive(Debug)]
struct Hangs;

impl Executor for Hangs {
    fn execute(&self, job: Arc<dyn Job>, limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        if job.len() > 1 {
            loop {
                std::thread::park();
            }
        }
        Serial::new().execute(job, limit, sink)
    }
}

#[test]
fn an_executor_that_hangs_is_a_finding() {
    let findings = check_executor_within(Duration::from_millis(300), "acme.hangs", Hangs).unwrap_err();
    assert!(findings.breaks(Rule::Reports), "{findings}");
    assert!(findings.to_string().contains("not finished after 300ms: it hangs"), "{findings}");
}

/// Tasks that give their number. The one that is started as number `after` cancels the job, and later ones wait until that is done.
fn cancels_itself(tasks: usize, after: usize) -> (Arc<dyn Job>, Arc<AtomicUsize>) {
    let (token, started) = (CancelToken::new(), Arc::new(AtomicUsize::new(0)));
    let (cancel, count) = (token.clone(), Arc::clone(&started));
    let job = ClosureJob::new(tasks, move |task| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        if number == after {
            cancel.cancel();
        }
        while number > after && !cancel.is_cancelled() {
            std::thread::yield_now();
        }
        Ok(task.to_le_bytes().into())
    });
    (Arc::new(job.cancelled_by(token)), started)
}

#[test]
fn a_cancelled_job_starts_no_more_tasks_and_keeps_what_is_done() {
    for executor in built_in() {
        for at_once in [1, 3] {
            let (job, started) = cancels_itself(200, 10);
            let results = verify::run_observed(executor.as_ref(), job, limit(at_once), &|_, _| ()).unwrap();
            let started = started.load(Ordering::SeqCst);
            assert!((10..10 + at_once).contains(&started), "{executor:?}: {started} tasks at {at_once}");
            assert_eq!(results.len(), 200);
            let done: Vec<_> = results.into_iter().enumerate().filter_map(|(i, r)| Some((i, r?))).collect();
            assert_eq!(done.len(), started, "{executor:?}");
            assert!(done.into_iter().all(|(task, result)| result == Ok(task.to_le_bytes().to_vec())));
        }
    }
}

#[test]
fn a_job_that_is_cancelled_before_it_starts_runs_nothing() {
    let cancelled = CancelToken::new();
    cancelled.cancel();
    for token in [cancelled, CancelToken::never().with_deadline(Duration::ZERO)] {
        for executor in built_in() {
            for at_once in [1, 3] {
                let job = ClosureJob::new(50, |_| panic!("a task of a cancelled job"));
                let job = Arc::new(job.cancelled_by(token.clone()));
                let results =
                    verify::run_observed(executor.as_ref(), job, limit(at_once), &|_, _| ()).unwrap();
                assert_eq!(results, vec![None; 50], "{executor:?}");
            }
        }
    }
}

/// Fits by passes over the rows: five of them, or without end from task `finite` on, which tells so before it begins.
fn fits(token: &CancelToken, finite: usize, endless: Sender<()>, started: Arc<AtomicUsize>) -> Arc<dyn Job> {
    let x = Column::f64((0..50_000).map(|i| f64::from(i % 1009)).collect());
    let data = Dataset::new(DataFrame::from_columns(vec![("x", x)]).unwrap().repartition(4).unwrap());
    let data = data.without_sharing().cancelled_by(token.clone());
    let job = ClosureJob::new(30, move |task| {
        started.fetch_add(1, Ordering::SeqCst);
        if task >= finite {
            let _ = endless.send(());
        }
        let mut passes = (0..).take_while(|pass| *pass < 5 || task >= finite);
        let mean = passes.try_fold(0.0, |_, _| {
            let moments = data.aggregate::<Moments>(&MomentsSpec::new(["x"]));
            moments.map(|moments| moments.mean()[0]).map_err(|error| error.to_string())
        });
        mean.map(|mean| mean.to_bits().to_le_bytes().into())
    });
    Arc::new(job.cancelled_by(token.clone()))
}

#[test]
fn fits_that_never_end_are_cancelled_from_another_thread_and_those_before_them_are_kept() {
    const FINITE: usize = 6;
    let alone = fits(&CancelToken::never(), 30, channel().0, Arc::default());
    let whole = verify::run(&Serial::new(), alone, limit(1)).unwrap();
    for executor in built_in() {
        for at_once in [1, 3] {
            let token = CancelToken::new();
            let ((endless, wait), started) = (channel(), Arc::default());
            let canceller = token.clone();
            let other = std::thread::spawn(move || {
                wait.recv().unwrap();
                canceller.cancel();
            });
            let job = fits(&token, FINITE, endless, Arc::clone(&started));
            let results = verify::run_observed(executor.as_ref(), job, limit(at_once), &|_, _| ()).unwrap();
            other.join().unwrap();
            let (mut kept, mut stopped) = (0, 0);
            for (task, result) in results.iter().enumerate() {
                match result {
                    Some(Ok(_)) => {
                        assert!(task < FINITE && result.as_ref() == Some(&whole[task]), "task {task}");
                        kept += 1;
                    }
                    Some(Err(error)) => {
                        assert_eq!(error, "cancelled on request");
                        stopped += 1;
                    }
                    None => {}
                }
            }
            assert!((1..=at_once).contains(&stopped), "{executor:?} at {at_once}: {stopped} were running");
            assert_eq!(kept + stopped, started.load(Ordering::SeqCst), "{executor:?} at {at_once}");
            assert!(at_once > 1 || kept == FINITE, "{executor:?}: {kept} kept");
        }
    }
}

#[test]
fn a_deadline_ends_a_job() {
    for executor in built_in() {
        let token = CancelToken::never().with_deadline(Duration::from_millis(30));
        let until = token.clone();
        let waits = move |_| {
            while !until.is_cancelled() {
                std::thread::yield_now();
            }
            Ok(Vec::new())
        };
        let job = Arc::new(ClosureJob::new(100, waits).cancelled_by(token));
        let results = verify::run_observed(executor.as_ref(), job, limit(3), &|_, _| ()).unwrap();
        assert!((1..=3).contains(&results.iter().flatten().count()), "{executor:?}");
    }
}

/// Other tests of this process end their threads too.
#[test]
#[cfg(target_os = "linux")]
fn a_cancelled_job_leaves_no_thread_behind() {
    let workers = || {
        let threads = std::fs::read_dir("/proc/self/task").unwrap();
        let name = |thread: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap_or_default()
        };
        threads.map(name).filter(|name| name.starts_with("luthier-worker")).count()
    };
    for after in [1, 5] {
        let (job, _) = cancels_itself(100, after);
        let busy = AtomicUsize::new(0);
        let observe = |_: usize, _: &Result<Vec<u8>, String>| {
            busy.fetch_max(workers(), Ordering::SeqCst);
        };
        verify::run_observed(&ThreadPool::new(), job, limit(3), &observe).unwrap();
        assert!(busy.load(Ordering::SeqCst) > 0, "the threads have another name");
    }
    for _ in 0..6000 {
        if workers() == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} workers are left", workers());
}

#[test]
fn a_task_that_is_missing_is_a_fault_unless_the_job_is_cancelled() {
    let job = |token: &CancelToken| {
        Arc::new(ClosureJob::new(8, |task| Ok(vec![task as u8])).cancelled_by(token.clone()))
    };
    let token = CancelToken::new();
    let run = |executor: Broken| verify::run_observed(&executor, job(&token), limit(2), &|_, _| ());
    assert!(run(Broken::Forgets).unwrap_err().to_string().contains("never reported"));
    token.cancel();
    let results = run(Broken::Forgets).unwrap();
    assert_eq!(results.iter().filter(|result| result.is_none()).count(), 2);
    let error = verify::run(&Broken::Forgets, job(&token), limit(2)).unwrap_err();
    assert!(matches!(error, luthier_tune::Error::Core(error) if error.is_cancelled()));
    for (executor, expected) in [
        (Broken::Repeats, "reported twice"),
        (Broken::Invents, "only 8 tasks"),
        (Broken::Fails, "the cluster is away"),
        (Broken::Panics, "it panicked"),
    ] {
        let message = run(executor).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn each_first_result_is_observed_once() {
    let seen = (0..50).map(|_| AtomicUsize::new(0)).collect::<Vec<_>>();
    let observe = |task: usize, result: &Result<Vec<u8>, String>| {
        assert_eq!(result, &Ok(vec![task as u8]));
        seen[task].fetch_add(1, Ordering::Relaxed);
    };
    let job = Arc::new(ClosureJob::new(50, |task| Ok(vec![task as u8])));
    verify::run_observed(&ThreadPool::new(), job, limit(4), &observe).unwrap();
    assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
}
