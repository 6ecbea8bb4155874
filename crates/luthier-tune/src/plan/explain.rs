//! Describes what a search will do.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use luthier_core::frame::DataFrame;
use luthier_core::memory::in_words;

use super::forecast::Forecast;
use super::tree::{Level, Tree};
use crate::executor::Executor;
use crate::memory_budget::MemoryBudget;
use crate::named::name_of;
use crate::parallelism::Parallelism;
use crate::search::Sharing;
use crate::splitter::Split;

pub(crate) struct Explanation<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) candidates: usize,
    /// The number of candidates of each pipeline, if several compete.
    pub(crate) pipelines: Vec<(String, usize)>,
    pub(crate) split: &'a Split,
    /// The number of rounds of the splitter; those after them are of nested cross-validation.
    pub(crate) plain: usize,
    pub(crate) nested: bool,
    /// The name of a strategy that depends on scores, and the largest number of pairs of a candidate and a round that it asks for.
    pub(crate) strategy: Option<(String, u64)>,
    pub(crate) frame: &'a DataFrame,
    pub(crate) metrics: Vec<String>,
    pub(crate) sharing: Sharing,
    pub(crate) executor: &'a dyn Executor,
    pub(crate) limit: usize,
    pub(crate) parallelism: &'a Parallelism,
    pub(crate) memory_budget: MemoryBudget,
    pub(crate) forecast: Forecast,
    pub(crate) executor_note: Option<String>,
}

impl Display for Explanation<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let folds = self.split.rounds().len();
        writeln!(
            f,
            "{} x {} scored by {}, {} rows in {}",
            plural(self.candidates, "candidate"),
            plural(self.plain, "fold"),
            self.metrics.join(", also by "),
            self.frame.num_rows(),
            plural(self.frame.num_partitions(), "partition"),
        )?;
        self.windows(f)?;
        if let Some((name, most)) = &self.strategy {
            let all = self.candidates * self.plain;
            writeln!(
                f,
                "strategy   {name}: scores at most {most} pairs of a candidate and a fold, of {all}"
            )?;
        }
        match (self.nested, folds - self.plain) {
            (false, _) => {}
            (true, 0) => {
                writeln!(f, "nested     the folds within the training rows of each fold score the procedure")?
            }
            (true, more) => writeln!(
                f,
                "nested     {more} more rounds score the procedure: of each fold's training rows, each other fold is left out"
            )?,
        }
        if !self.pipelines.is_empty() {
            let told = |(name, n): &(String, usize)| format!("{name} with {}", plural(*n, "candidate"));
            writeln!(f, "pipelines  {}", self.pipelines.iter().map(told).collect::<Vec<_>>().join(", "))?;
        }
        if let Some((first, error)) = self.tree.invalid.first_key_value() {
            let invalid = self.tree.invalid.len();
            writeln!(
                f,
                "not fitted {}, of which the first is candidate {first}: {error}",
                plural(invalid, "candidate")
            )?;
        }
        writeln!(
            f,
            "executor   {}, parallelism {}: at most {} in flight",
            name_of(self.executor),
            self.parallelism,
            plural(self.limit, "unit")
        )?;
        if let Some(note) = &self.executor_note {
            writeln!(f, "           {note}")?;
        }
        if self.sharing == Sharing::Off {
            writeln!(
                f,
                "units      {}: each candidate is fitted and scored alone, nothing is shared",
                self.candidates * folds
            )?;
            return self.sums(f);
        }
        self.rows(f)?;
        let valid: Vec<usize> = self.tree.valid().collect();
        for level in &self.tree.levels(&valid) {
            self.level(f, level, folds)?;
        }
        writeln!(f, "refit      the best candidate on all rows")?;
        self.memory(f, folds)?;
        self.sums(f)
    }
}

impl Explanation<'_> {
    /// The sizes of the first and the last fold, where a fold does not use all rows, as in the order of time.
    fn windows(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let size = |round| (self.split.num_training_rows(round), self.split.num_validation_rows(round));
        let (first, last) = (size(0), size(self.plain.saturating_sub(1)));
        if self.plain < 2 || first.0 + first.1 == self.frame.num_rows() {
            return Ok(());
        }
        writeln!(
            f,
            "rows used  the first fold trains on {} and validates on {}, the last trains on {} and validates on {}",
            first.0, first.1, last.0, last.1
        )
    }

    fn memory(&self, f: &mut Formatter<'_>, folds: usize) -> fmt::Result {
        let Forecast { summary_bytes, unit_bytes, budget, .. } = self.forecast;
        let limit = match self.memory_budget {
            MemoryBudget::Auto => format!("{} may be taken, a quarter of what is free", in_words(budget)),
            MemoryBudget::Bytes(_) => format!("{} may be taken", in_words(budget)),
        };
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
        let Forecast { work, is_approximate, .. } = self.forecast;
        writeln!(
            f,
            "in all     {}{} in {}, {} and {}",
            if is_approximate { "about " } else { "" },
            plural(work.rows_read as usize, "row read"),
            plural(work.passes as usize, "pass"),
            plural(work.fits as usize, "fit"),
            plural(work.evaluations as usize, "evaluation"),
        )?;
        if is_approximate {
            writeln!(
                f,
                "           one pass is counted for each fit that reads rows; it may take more, and fits may share one"
            )?;
        }
        if self.sharing == Sharing::On && self.candidates > 1 {
            writeln!(f, "           rows are read again where a short cut would leave less than 11 digits")?;
        }
        Ok(())
    }

    fn rows(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let needs = luthier_core::fuse_needs(self.tree.base_needs().iter().map(|base| base.need.clone()));
        if needs.is_empty() {
            return writeln!(f, "rows       nothing is asked of the frame itself before the units run");
        }
        let times = match self.forecast.times_read {
            0 | 1 => "once".to_owned(),
            n => format!("up to {n} times, some folds at a time, since memory is short"),
        };
        for need in &needs {
            let stages = self
                .tree
                .base_needs()
                .iter()
                .filter(|base| need.union(&base.need).is_some_and(|u| u.same(need)));
            let mut names: Vec<&str> = stages.map(|base| base.stage.as_str()).collect();
            names.dedup();
            names.sort_unstable();
            names.dedup();
            writeln!(
                f,
                "rows       read {times}: {} of {}, for {}",
                need.name(),
                need.columns().join(", "),
                names.join(", ")
            )?;
        }
        Ok(())
    }

    fn level(&self, f: &mut Formatter<'_>, level: &Level, folds: usize) -> fmt::Result {
        let nodes = || level.groups.iter().flatten().filter_map(|&node| self.tree.nodes.get(node));
        if level.groups.is_empty() {
            write!(f, "{:<10} a transformer: nothing to fit", level.name)?;
            return self.behind(f, level, folds);
        }
        let sizes: Vec<usize> = level.groups.iter().map(Vec::len).collect();
        let largest = sizes.iter().max().copied().unwrap_or(0);
        let together =
            if largest > 1 { format!("up to {largest} fitted together") } else { "one by one".to_owned() };
        let distinct = nodes().count();
        write!(
            f,
            "{:<10} {}: {} x {}, {together}",
            level.name,
            plural(level.groups.len() * folds, "unit"),
            plural(folds, if self.nested { "round" } else { "fold" }),
            plural(level.groups.len(), "group"),
        )?;
        let configurations: usize = nodes().map(|node| node.candidates.len()).sum();
        if distinct < configurations {
            write!(f, "; {distinct} of {configurations} configurations are distinct")?;
        }
        let plans = || nodes().map(|node| &node.planned.plan);
        if plans().any(|plan| plan.is_iterative()) {
            write!(f, "; passes over the rows several times, how often is not known before")?;
        } else if plans().all(|plan| plan.needs().is_empty()) {
            write!(f, "; how often it reads the rows is not known before")?;
        }
        self.behind(f, level, folds)
    }

    /// What later stages see behind this one.
    fn behind(&self, f: &mut Formatter<'_>, level: &Level, folds: usize) -> fmt::Result {
        let members: BTreeSet<usize> = level.nodes.iter().copied().collect();
        let nodes = || members.iter().filter_map(|&node| self.tree.nodes.get(node));
        let is_common = members.iter().all(|&node| self.tree.is_common(node));
        if nodes().any(|node| node.planned.plan.affine_columns().is_none()) {
            write!(f, "; not affine: no short cut leads through it")?;
            if !is_common {
                write!(f, ", and behind it nothing is shared between folds")?;
            }
        }
        let asked = nodes().filter(|node| !node.needs.is_empty()).count();
        match (asked, is_common) {
            (0, _) => {}
            (_, true) => write!(f, "; then {} over the rows for all folds", plural(asked, "pass"))?,
            (_, false) => write!(f, "; then {} over the rows", plural(asked * folds, "pass"))?,
        }
        writeln!(f)
    }
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
