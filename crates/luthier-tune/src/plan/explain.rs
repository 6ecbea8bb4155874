//! Describes what a search will do.

use std::fmt::{self, Display, Formatter};

use luthier_core::memory::in_words;

use super::description::{Plan, PlannedLevel, PlannedSummary};
use super::forecast::Forecast;

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plain = self.rounds.len();
        let folds = plain + self.nested_rounds.unwrap_or(0);
        writeln!(
            f,
            "{} x {} scored by {}, {} rows in {}",
            plural(self.candidates, "candidate"),
            plural(plain, "fold"),
            self.metrics.join(", also by "),
            self.rows,
            plural(self.partitions, "partition"),
        )?;
        self.windows(f)?;
        if let Some((name, most)) = &self.strategy {
            let all = self.candidates * plain;
            let of = if *most < all as u64 { format!(", of {all}") } else { String::new() };
            writeln!(
                f,
                "strategy   {name}: scores {most} pairs of a candidate and a fold{of}, if all scores are equal"
            )?;
        }
        match self.nested_rounds {
            None => {
                if let Some(price) = &self.nested_price {
                    writeln!(
                        f,
                        "nested     off; `nested = true` scores the procedure, which takes {} more fits and reads at least {} more rows",
                        price.fits, price.rows_read
                    )?;
                }
            }
            Some(0) => {
                writeln!(f, "nested     the folds within the training rows of each fold score the procedure")?
            }
            Some(more) => writeln!(
                f,
                "nested     {more} more rounds score the procedure: of each fold's training rows, each other fold is left out"
            )?,
        }
        if !self.pipelines.is_empty() {
            let told = |(name, n): &(String, usize)| format!("{name} with {}", plural(*n, "candidate"));
            writeln!(f, "pipelines  {}", self.pipelines.iter().map(told).collect::<Vec<_>>().join(", "))?;
        }
        if let Some((invalid, first, error)) = &self.not_fitted {
            writeln!(
                f,
                "not fitted {}, of which the first is candidate {first}: {error}",
                plural(*invalid, "candidate")
            )?;
        }
        writeln!(
            f,
            "executor   {}, parallelism {}: at most {} in flight",
            self.executor,
            self.parallelism,
            plural(self.units_in_flight, "unit")
        )?;
        if let Some(note) = &self.executor_note {
            writeln!(f, "           {note}")?;
        }
        if !self.is_sharing {
            writeln!(
                f,
                "units      {}: each candidate is fitted and scored alone, nothing is shared",
                self.candidates * folds
            )?;
            return self.sums(f);
        }
        self.passes(f)?;
        for level in &self.levels {
            self.level(f, level, folds)?;
        }
        writeln!(f, "refit      the best candidate on all rows")?;
        self.memory(f, folds)?;
        self.sums(f)
    }
}

impl Plan {
    /// The sizes of the first and the last fold, where a fold does not use all rows, as in the order of time.
    fn windows(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [first, .., last] = &self.rounds[..] else { return Ok(()) };
        if first.training_rows + first.validation_rows == self.rows {
            return Ok(());
        }
        writeln!(
            f,
            "rows used  the first fold trains on {} and validates on {}, the last trains on {} and validates on {}",
            first.training_rows, first.validation_rows, last.training_rows, last.validation_rows
        )
    }

    fn memory(&self, f: &mut Formatter<'_>, folds: usize) -> fmt::Result {
        let Forecast { summary_bytes, unit_bytes, budget, .. } = self.forecast;
        let limit = match self.is_budget_auto {
            true => format!("{} may be taken, a quarter of what is free", in_words(budget)),
            false => format!("{} may be taken", in_words(budget)),
        };
        if summary_bytes == 0 && unit_bytes > 0 {
            return writeln!(f, "memory     about {} for each unit in flight; {limit}", in_words(unit_bytes));
        }
        if summary_bytes == 0 {
            return writeln!(f, "memory     nothing is kept between units; {limit}");
        }
        writeln!(
            f,
            "memory     about {} for the summaries of {}, {} for each unit in flight; {limit}",
            in_words(summary_bytes),
            plural(folds, "fold"),
            in_words(unit_bytes),
        )
    }

    /// The totals.
    fn sums(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Forecast { work, is_approximate, known_rows, times_read, .. } = self.forecast;
        let times_read = u64::from(times_read);
        // A pass is left where something is unknown.
        let times_known = if known_rows == self.rows as u64 { times_read } else { 0 };
        writeln!(
            f,
            "in all     {}{} in {}, {} and {}",
            if is_approximate { "about " } else { "" },
            plural(work.rows_read.saturating_sub(known_rows * times_read) as usize, "row read"),
            plural(work.passes.saturating_sub(times_known) as usize, "pass"),
            plural(work.fits as usize, "fit"),
            plural(work.evaluations as usize, "evaluation"),
        )?;
        if is_approximate {
            writeln!(
                f,
                "           one pass is counted for each fit that reads rows; it may take more, and fits may share one"
            )?;
        }
        if self.is_sharing && self.candidates > 1 {
            writeln!(f, "           rows are read again where a short cut would leave less than 11 digits")?;
        }
        Ok(())
    }

    fn passes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.summaries.is_empty() {
            return writeln!(f, "rows       nothing is asked of the frame itself before the units run");
        }
        let (known, all) = (self.forecast.known_rows, self.rows as u64);
        if known > 0 && known < all {
            writeln!(f, "known      the summaries of {known} rows, which are not read for them")?;
        }
        let times = match self.forecast.times_read {
            _ if known == all => "known, and not read".to_owned(),
            0 | 1 => "read once".to_owned(),
            n => format!("read up to {n} times, some folds at a time, since memory is short"),
        };
        for PlannedSummary { name, columns, stages } in &self.summaries {
            let (columns, stages) = (columns.join(", "), stages.join(", "));
            writeln!(f, "rows       {times}: {name} of {columns}, for {stages}")?;
        }
        Ok(())
    }

    fn level(&self, f: &mut Formatter<'_>, level: &PlannedLevel, folds: usize) -> fmt::Result {
        if level.groups == 0 {
            write!(f, "{:<10} a transformer: nothing to fit", level.name)?;
            return behind(f, level, folds);
        }
        let together = match level.largest_group {
            0 | 1 => "one by one".to_owned(),
            largest => format!("up to {largest} fitted together"),
        };
        write!(
            f,
            "{:<10} {}: {} x {}, {together}",
            level.name,
            plural(level.groups * folds, "unit"),
            plural(folds, if self.nested_rounds.is_some() { "round" } else { "fold" }),
            plural(level.groups, "group"),
        )?;
        if level.distinct < level.configurations {
            write!(f, "; {} of {} configurations are distinct", level.distinct, level.configurations)?;
        }
        if level.is_iterative {
            write!(f, "; passes over the rows several times, how often is not known before")?;
        } else if level.is_opaque {
            write!(f, "; how often it reads the rows is not known before")?;
        }
        behind(f, level, folds)
    }
}

/// What later stages see behind a level.
fn behind(f: &mut Formatter<'_>, level: &PlannedLevel, folds: usize) -> fmt::Result {
    if !level.is_affine {
        write!(f, "; not affine: no short cut leads through it")?;
        if !level.is_common {
            write!(f, ", and behind it nothing is shared between folds")?;
        }
    }
    match (level.passes_behind, level.is_common) {
        (0, _) => {}
        (passes, true) => write!(f, "; then {} over the rows for all folds", plural(passes, "pass"))?,
        (passes, false) => write!(f, "; then {} over the rows", plural(passes * folds, "pass"))?,
    }
    writeln!(f)
}

fn plural(n: usize, what: &str) -> String {
    // "rows read", not "row reads".
    let (noun, rest) =
        what.split_once(' ').map_or((what, String::new()), |(noun, rest)| (noun, format!(" {rest}")));
    let ending = match (n, noun.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{n} {noun}{ending}{rest}")
}
