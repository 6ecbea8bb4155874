//! The built-in executors keep the contract, and an executor that does not is found out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use luthier_core::{Value, registry};
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
