//! Conformance of executors that run tasks in this process.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use luthier_tune::core::CancelToken;
use luthier_tune::executor::{Executor, Job, TaskResult, verify};
use rayon::prelude::*;

use crate::findings::{Finding, Findings, Rule};

/// The longest time that a check may take before the executor is considered to hang.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One part of the contract.
type Check = fn(&Arc<dyn Executor>) -> Result<(), String>;

/// Checks the whole contract of [`Executor`]; takes some seconds. A check that does not finish within [`PATIENCE`] is a
/// finding; its threads are abandoned.
///
/// ```
/// use luthier_testkit::check_executor;
/// use luthier_tune::ThreadPool;
///
/// check_executor("thread_pool", ThreadPool::new())?;
/// # Ok::<(), luthier_testkit::Findings>(())
/// ```
///
/// # Errors
/// Every rule that is broken, and how.
pub fn check_executor(name: &str, executor: impl Executor) -> Result<(), Findings> {
    check_executor_within(PATIENCE, name, executor)
}

/// As [`check_executor`], where each check must finish within `patience`.
///
/// # Errors
/// As [`check_executor`].
pub fn check_executor_within(
    patience: Duration,
    name: &str,
    executor: impl Executor,
) -> Result<(), Findings> {
    let executor: Arc<dyn Executor> = Arc::new(executor);
    let checks: [(Rule, Check); 7] = [
        (Rule::Reports, reports_every_task_exactly_once),
        (Rule::Failures, reports_failures_and_panics),
        (Rule::Limit, keeps_the_limit),
        (Rule::UsesLimit, uses_the_limit),
        (Rule::Overlaps, runs_overlapping_jobs),
        (Rule::Cancels, reports_what_was_started_when_cancelled),
        (Rule::NestedRayon, survives_nested_rayon),
    ];
    let mut findings = Vec::new();
    for (rule, check) in checks {
        let executor = Arc::clone(&executor);
        match within(patience, move || check(&executor)) {
            Ok(Ok(())) => {}
            Ok(Err(what)) => findings.push(Finding { rule, what }),
            Err(what) => {
                findings.push(Finding { rule, what });
                // Tasks that are still running would disturb the following checks.
                break;
            }
        }
    }
    Findings::check(name, findings)
}

/// Every task is reported, for jobs of many sizes, including the empty one, and limits from 1 to far above the number of tasks.
///
/// # Errors
/// If a task is missing, reported twice, or has the result of another task.
pub fn reports_every_task_exactly_once(executor: &Arc<dyn Executor>) -> Result<(), String> {
    for tasks in [0, 1, 2, 3, 7, 64, 1000] {
        for limit in [1, 2, 3, 8, 2000] {
            let law = format!("{tasks} tasks with limit {limit}");
            let results = run(executor, ClosureJob::new(tasks, |task| Ok(task.to_le_bytes().into())), limit)
                .map_err(|error| format!("{law}: {error}"))?;
            let expected: Vec<TaskResult> = (0..tasks).map(|task| Ok(task.to_le_bytes().into())).collect();
            if results != expected {
                return Err(format!("{law}: results do not match their tasks"));
            }
        }
    }
    Ok(())
}

/// A task that fails or panics is reported as `Err`; the others are not affected.
///
/// # Errors
/// If a failure is lost, or makes another task fail.
pub fn reports_failures_and_panics(executor: &Arc<dyn Executor>) -> Result<(), String> {
    for limit in [1, 2, 5] {
        let job = ClosureJob::new(24, |task| match task % 4 {
            1 => Err(format!("task {task} failed")),
            // Unwinds like a panic, without the message of the hook on stderr.
            2 => std::panic::resume_unwind(Box::new(format!("task {task} panicked"))),
            _ => Ok(vec![1]),
        });
        let results = run(executor, job, limit)?;
        for (task, result) in results.iter().enumerate() {
            let right = match (task % 4, result) {
                (1, Err(message)) => *message == format!("task {task} failed"),
                (2, Err(message)) => message.contains(&format!("task {task} panicked")),
                (0 | 3, Ok(bytes)) => *bytes == [1],
                _ => false,
            };
            if !right {
                return Err(format!("limit {limit}: task {task} of a job with failures gave {result:?}"));
            }
        }
    }
    Ok(())
}

/// Never more than `limit` tasks at once.
///
/// # Errors
/// If there were more.
pub fn keeps_the_limit(executor: &Arc<dyn Executor>) -> Result<(), String> {
    for limit in [1, 2, 3, 5] {
        let in_flight = Arc::new(InFlight::default());
        let counter = Arc::clone(&in_flight);
        let job = ClosureJob::new(40, move |_| {
            counter.during(|| thread::sleep(Duration::from_millis(1)));
            Ok(Vec::new())
        });
        run(executor, job, limit)?;
        let most = in_flight.most();
        if most > limit {
            return Err(format!("limit {limit}: {most} tasks ran at once"));
        }
    }
    Ok(())
}

/// As many tasks run at once as the limit and [`capacity`](Executor::capacity) allow, and this saves time:
/// with limit 2, 16 tasks that sleep 20 ms take at most 0.6 of the time with limit 1.
///
/// A busy machine can hide parallelism, but cannot simulate it, so the best of three attempts counts.
///
/// # Errors
/// If fewer tasks ran at once, or they took longer.
pub fn uses_the_limit(executor: &Arc<dyn Executor>) -> Result<(), String> {
    let attempt = || sleepers_run_together(executor);
    attempt().or_else(|_| attempt()).or_else(|_| attempt())
}

fn sleepers_run_together(executor: &Arc<dyn Executor>) -> Result<(), String> {
    let capacity = executor.capacity().get();
    let sleepers = |limit: usize| {
        let in_flight = Arc::new(InFlight::default());
        let counter = Arc::clone(&in_flight);
        let job = ClosureJob::new(16, move |_| {
            counter.during(|| thread::sleep(Duration::from_millis(20)));
            Ok(Vec::new())
        });
        let start = Instant::now();
        run(executor, job, limit)?;
        match in_flight.most() {
            most if most < limit.min(capacity) => {
                Err(format!("limit {limit}, capacity {capacity}: only {most} tasks ran at once"))
            }
            _ => Ok(start.elapsed()),
        }
    };
    let (one, two) = (sleepers(1)?, sleepers(2)?);
    sleepers(4)?;
    if capacity >= 2 && two > one.mul_f64(0.6) {
        return Err(format!("sixteen sleeps of 20 ms take {one:?} with limit 1 and {two:?} with limit 2"));
    }
    Ok(())
}

/// Several jobs at once, each with its own limit.
///
/// # Errors
/// If a job loses a task or exceeds its limit.
pub fn runs_overlapping_jobs(executor: &Arc<dyn Executor>) -> Result<(), String> {
    thread::scope(|scope| {
        let jobs = [1, 2, 3].map(|limit| {
            scope.spawn(move || {
                let in_flight = Arc::new(InFlight::default());
                let counter = Arc::clone(&in_flight);
                let job = ClosureJob::new(50, move |task| {
                    counter.during(|| thread::sleep(Duration::from_micros(200)));
                    Ok(vec![task as u8])
                });
                let results = run(executor, job, limit)?;
                match (0..50).all(|task| results[task] == Ok(vec![task as u8])) {
                    false => Err("overlapping jobs: results do not match their tasks".to_owned()),
                    true if in_flight.most() > limit => {
                        Err(format!("overlapping jobs: {} tasks at once, limit {limit}", in_flight.most()))
                    }
                    true => Ok(()),
                }
            })
        });
        jobs.into_iter().try_for_each(|job| job.join().map_err(|_| "a job panicked".to_owned())?)
    })
}

/// Jobs that are cancelled before they start, or while they run. An executor that stops is right, and so is one that runs all
/// tasks, but every task that was started is reported with its result, and no task twice.
///
/// # Errors
/// If a result is lost or belongs to another task, or the executor fails or panics.
pub fn reports_what_was_started_when_cancelled(executor: &Arc<dyn Executor>) -> Result<(), String> {
    const TASKS: usize = 40;
    for limit in [1, 2, 5] {
        for after in [0, 1, 7, TASKS] {
            let law =
                format!("{TASKS} tasks with limit {limit}, cancelled by the start of task number {after}");
            let token = CancelToken::new();
            if after == 0 {
                token.cancel();
            }
            let started: Arc<Vec<AtomicBool>> =
                Arc::new((0..TASKS).map(|_| AtomicBool::new(false)).collect());
            let (seen, count, cancel) = (Arc::clone(&started), AtomicUsize::new(0), token.clone());
            let job = ClosureJob::new(TASKS, move |task| {
                seen[task].store(true, Ordering::SeqCst);
                if count.fetch_add(1, Ordering::SeqCst) + 1 == after {
                    cancel.cancel();
                }
                Ok(task.to_le_bytes().into())
            });
            let results = verify::run_observed(
                &**executor,
                Arc::new(job.cancelled_by(token)),
                NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN),
                &|_, _| (),
            );
            let results = results.map_err(|error| format!("{law}: {error}"))?;
            for (task, result) in results.into_iter().enumerate() {
                match (started[task].load(Ordering::SeqCst), result) {
                    (true, Some(Ok(bytes))) if bytes == task.to_le_bytes() => {}
                    // One that was not started may be reported as such.
                    (false, None | Some(Err(_))) => {}
                    (true, None) => return Err(format!("{law}: task {task} was started and never reported")),
                    (_, Some(result)) => return Err(format!("{law}: task {task} gave {result:?}")),
                }
            }
        }
    }
    Ok(())
}

/// Tasks use rayon themselves, on pools of 1 to 4 threads that also run the executor: it does not hang and keeps the limit,
/// although a thread that waits for nested work may start another task.
///
/// # Errors
/// If a run hangs, exceeds the limit, or gives a wrong result.
pub fn survives_nested_rayon(executor: &Arc<dyn Executor>) -> Result<(), String> {
    for threads in 1..=4 {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| format!("cannot build a pool of {threads} threads: {error}"))?;
        let pool = Arc::new(pool);
        for round in 0..30 {
            let limit = [1, 2, 3, 8][round % 4];
            let (pool, executor) = (Arc::clone(&pool), Arc::clone(executor));
            let law = format!("nested rayon, pool of {threads}, limit {limit}");
            within(PATIENCE, move || pool.install(|| nested_round(&executor, limit)))
                .and_then(|result| result)
                .map_err(|error| format!("{law}: {error}"))?;
        }
    }
    Ok(())
}

fn nested_round(executor: &Arc<dyn Executor>, limit: usize) -> Result<(), String> {
    const TASKS: usize = 64;
    let in_flight = Arc::new(InFlight::default());
    let counter = Arc::clone(&in_flight);
    let term = |i: u32, task: usize| u64::from(i) * u64::from(i) % (task as u64 + 7);
    let sum = move |task: usize| (0..200).map(|i| term(i, task)).sum::<u64>();
    let job = ClosureJob::new(TASKS, move |task| {
        let sum = counter
            .during(|| (0..200u32).into_par_iter().with_max_len(4).map(|i| term(i, task)).sum::<u64>());
        Ok(sum.to_le_bytes().into())
    });
    let results = run(executor, job, limit)?;
    if let Some(task) = (0..TASKS).find(|&task| results[task] != Ok(sum(task).to_le_bytes().into())) {
        return Err(format!("task {task} gave {:?}", results[task]));
    }
    match in_flight.most() {
        most if most > limit => Err(format!("{most} tasks were in flight")),
        _ => Ok(()),
    }
}

/// The average time per empty task, over `tasks` tasks.
///
/// # Errors
/// If the executor breaks its contract.
pub fn overhead_per_task(
    executor: &Arc<dyn Executor>,
    tasks: usize,
    limit: usize,
) -> Result<Duration, String> {
    let job = ClosureJob::new(tasks, |_| Ok(Vec::new()));
    let start = Instant::now();
    run(executor, job, limit)?;
    Ok(start.elapsed().div_f64(tasks.max(1) as f64))
}

/// A job that calls a closure.
pub struct ClosureJob<F> {
    tasks: usize,
    run: F,
    cancel: CancelToken,
}

impl<F: Fn(usize) -> TaskResult + Send + Sync + 'static> ClosureJob<F> {
    /// `tasks` tasks, each of which calls `run` with its number.
    pub fn new(tasks: usize, run: F) -> Self {
        Self { tasks, run, cancel: CancelToken::never() }
    }

    /// The same job with a token that cancels it.
    #[must_use]
    pub fn cancelled_by(self, cancel: CancelToken) -> Self {
        Self { cancel, ..self }
    }
}

impl<F> std::fmt::Debug for ClosureJob<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClosureJob").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

impl<F: Fn(usize) -> TaskResult + Send + Sync + 'static> Job for ClosureJob<F> {
    fn len(&self) -> usize {
        self.tasks
    }

    fn run(&self, task: usize) -> TaskResult {
        (self.run)(task)
    }

    fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }
}

fn run(executor: &Arc<dyn Executor>, job: impl Job, limit: usize) -> Result<Vec<TaskResult>, String> {
    let limit = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
    verify::run(&**executor, Arc::new(job), limit).map_err(|error| error.to_string())
}

/// Runs `f` on a separate thread and waits for it; a thread that hangs is abandoned.
fn within<T: Send + 'static>(
    patience: Duration,
    f: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (done, wait) = mpsc::channel();
    thread::spawn(move || done.send(f()));
    wait.recv_timeout(patience).map_err(|_| format!("not finished after {patience:?}: it hangs, or panicked"))
}

/// Counts running tasks.
#[derive(Debug, Default)]
struct InFlight {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl InFlight {
    fn during<T>(&self, f: impl FnOnce() -> T) -> T {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let result = f();
        self.now.fetch_sub(1, Ordering::SeqCst);
        result
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}
