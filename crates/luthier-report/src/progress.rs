//! What a running search is doing, on standard error.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};
use luthier_tune::{BestSoFar, Observer, SearchEvent};

/// How often bars are drawn anew.
const FRAME: Duration = Duration::from_millis(100);

/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// The number of running units that are shown.
const RUNNING: usize = 8;

/// Shows a search while it runs, on standard error: on a terminal the units, the rows, the time left, the best score so far and the units in
/// flight; elsewhere a line every five seconds.
///
/// ```no_run
/// # fn f(search: luthier_tune::Search, frame: luthier_tune::core::frame::DataFrame) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use luthier_report::Progress;
///
/// let metric = search.metric();
/// let tuned = search.observe(Arc::new(Progress::new(metric))).fit(&frame)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Progress {
    metric: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bars: Option<Bars>,
    start: Instant,
    drawn: Instant,
    /// The number of finished units, and of those that are known.
    units: (usize, usize),
    /// The number of rows read, and of those that are expected to be.
    rows: (u64, u64),
    best: Option<BestSoFar>,
    /// The running unit of each worker.
    running: BTreeMap<usize, (String, u32, Instant)>,
}

#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    units: ProgressBar,
    rows: ProgressBar,
    best: ProgressBar,
    running: Vec<ProgressBar>,
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::new();
        let bar = |template: &str| {
            let bar = all.add(ProgressBar::new(0));
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
            }
            bar
        };
        let units = bar("units {bar:32} {human_pos}/{human_len}  {elapsed}{msg}");
        let rows = bar("rows  {bar:32} {human_pos}/{human_len}{msg}");
        let best = bar("best  {wide_msg}");
        units.enable_steady_tick(Duration::from_millis(250));
        Self { all, units, rows, best, running: Vec::new() }
    }
}

impl Progress {
    /// For a search that is ranked by this metric: bars on a terminal, otherwise lines.
    #[must_use]
    pub fn new(metric: impl Into<String>) -> Self {
        let now = Instant::now();
        let state = State {
            bars: std::io::stderr().is_terminal().then(Bars::new),
            start: now,
            drawn: now,
            units: (0, 0),
            rows: (0, 0),
            best: None,
            running: BTreeMap::new(),
        };
        Self { metric: metric.into(), state: Mutex::new(state) }
    }

    /// Clears what is shown. The end of the search does so as well.
    pub fn clear(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bars) = state.bars.take() {
            bars.units.disable_steady_tick();
            // Nothing can be done about a terminal that does not take it.
            let _ = bars.all.clear();
        }
    }

    fn best(&self, best: Option<BestSoFar>) -> String {
        match best {
            Some(BestSoFar { candidate, mean, rounds, .. }) => {
                let over = if rounds == 1 { "1 fold".to_owned() } else { format!("{rounds} folds") };
                format!("{} = {mean:.6} (candidate {candidate}, mean over {over})", self.metric)
            }
            None => String::new(),
        }
    }
}

impl Observer for Progress {
    fn on_event(&self, event: &SearchEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            SearchEvent::Planned { forecast, .. } => state.rows.1 = forecast.work.rows_read,
            // How many rows the rest takes is not known.
            SearchEvent::Recalled { .. } => state.rows.1 = 0,
            SearchEvent::Proposed { units, .. } => state.units.1 += units,
            SearchEvent::Rows { read } => state.rows.0 = *read,
            SearchEvent::UnitStarted { key, worker, .. } => {
                state.running.insert(*worker, (key.stage.clone(), key.round, Instant::now()));
            }
            SearchEvent::UnitFinished { unit, done, total, best, .. } => {
                state.running.remove(&unit.worker);
                (state.units, state.best) = ((*done, *total), *best);
            }
            SearchEvent::Finished { .. } => {
                drop(state);
                return self.clear();
            }
            _ => {}
        }
        let frame = if state.bars.is_some() { FRAME } else { LINE };
        if state.drawn.elapsed() < frame {
            return;
        }
        state.drawn = Instant::now();
        let best = self.best(state.best);
        match state.bars.is_some() {
            true => state.draw(best),
            false if best.is_empty() => eprintln!("{}", state.line()),
            false => eprintln!("{}, best {best}", state.line()),
        }
    }
}

impl State {
    fn draw(&mut self, best: String) {
        let Some(bars) = &mut self.bars else { return };
        bars.units.set_length(self.units.1 as u64);
        bars.units.set_position(self.units.0 as u64);
        let seconds = self.start.elapsed().as_secs_f64();
        if self.units.0 > 0 && seconds > 0.0 {
            let rate = self.units.0 as f64 / seconds;
            let left =
                Duration::try_from_secs_f64((self.units.1 - self.units.0.min(self.units.1)) as f64 / rate);
            let left = left.map(|left| format!(", {} left", HumanDuration(left))).unwrap_or_default();
            bars.units.set_message(format!(", {rate:.1}/s{left}"));
        }
        if self.rows.0 > 0 && seconds > 0.0 {
            bars.rows.set_message(format!("  {}/s", HumanCount((self.rows.0 as f64 / seconds) as u64)));
        }
        bars.best.set_message(best);
        bars.rows.set_length(self.rows.1.max(self.rows.0));
        bars.rows.set_position(self.rows.0);
        let shown: Vec<String> = self
            .running
            .iter()
            .take(RUNNING)
            .map(|(worker, (stage, round, since))| {
                format!(
                    "      worker {worker}: {stage}, fold {round}, {:.1} s",
                    since.elapsed().as_secs_f64()
                )
            })
            .collect();
        while bars.running.len() < shown.len() {
            let line = bars.all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
                line.set_style(style);
            }
            bars.running.push(line);
        }
        for (place, line) in bars.running.iter().enumerate() {
            line.set_message(shown.get(place).cloned().unwrap_or_default());
        }
    }

    fn line(&self) -> String {
        let ((done, total), elapsed) = (self.units, self.start.elapsed());
        let left = match done {
            0 => String::new(),
            done => {
                let left = elapsed.mul_f64(total.saturating_sub(done) as f64 / done as f64);
                format!(", about {} left", HumanDuration(left))
            }
        };
        let rows = match self.rows {
            (read, 0) => format!("{} rows", HumanCount(read)),
            (read, planned) => format!("{} of {} rows", HumanCount(read), HumanCount(planned.max(read))),
        };
        format!("{done} of {total} units, {rows}, {}{left}", HumanDuration(elapsed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_units_rows_and_what_is_left() {
        let progress = Progress::new("rmse");
        progress.on_event(&SearchEvent::Rows { read: 1200 });
        let mut state = progress.state.lock().unwrap();
        state.units = (3, 12);
        state.rows.1 = 5000;
        state.start = Instant::now() - Duration::from_secs(10);
        assert_eq!(state.line(), "3 of 12 units, 1,200 of 5,000 rows, 10 seconds, about 30 seconds left");
    }
}
