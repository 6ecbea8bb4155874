//! The results of a check.

use std::fmt;

/// A rule of the contract of a part of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// It works on the given frame.
    Works,
    /// Parameters that name columns have the role that matches their use.
    Roles,
    /// The appended columns are those of `outputs`, of the estimator and of the model.
    Schema,
    /// Planning works with vectors whose width is only known after fitting.
    UnknownWidth,
    /// The plan and the model agree on whether rows may be dropped.
    KeepsRows,
    /// A row of the output depends only on that row of the input.
    RowByRow,
    /// The same call gives the same result, and equal parameters are interchangeable.
    Deterministic,
    /// The result does not depend on the partitions.
    Partitions,
    /// `fit_many` (or `evaluate_many`) returns the results of single calls, in order.
    OneByOne,
    /// The declared needs are those that are requested; several passes over the rows are declared.
    Needs,
    /// The declared affine map is that of the model, and it equals `apply`.
    Affine,
    /// A group is cheaper than its members one by one, if that is declared.
    Groups,
    /// The results with and without sharing agree.
    Sharing,
    /// Fitting on a fold equals fitting on a frame of its rows.
    Folds,
    /// A model that is saved and loaded is the same to the last bit.
    Persistence,
    /// The stages that it is made of can be changed, and those in a row give its model.
    Children,
    /// A frame that cannot be used is rejected before any fit.
    ChecksFirst,
    /// Bad input is an error, never a panic.
    NoPanic,
    /// Errors name the column.
    NamesColumn,
    /// Merging the empty summary changes nothing, and parts merge to the whole.
    Merges,
    /// Every fold has rows, and every row has a fold.
    Covers,
    /// Every task is reported exactly once, with its own result.
    Reports,
    /// A task that fails or panics is reported as failed and does not stop other tasks.
    Failures,
    /// At most as many tasks run at once as the limit allows.
    Limit,
    /// As many tasks run at once as the limit and the capacity allow.
    UsesLimit,
    /// Several jobs may run at once, each with its own limit.
    Overlaps,
    /// Of a job that is cancelled, whatever was started is reported, once and with its own result.
    Cancels,
    /// What a strategy proposes exists: candidates, pipelines and rounds.
    Exists,
    /// A strategy ends: after finitely many proposals there are none, and none asks only for what has been scored.
    Ends,
    /// At least one candidate is scored on all rounds if none fails, also where fits are limited.
    Completes,
    /// A strategy whose proposals depend on scores says so.
    Adapts,
    /// Tasks may use rayon, on a pool of any size, including the pool from which the executor is called.
    NestedRayon,
}

/// A broken rule, with details.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What was done and what the result was.
    pub what: String,
}

/// The broken rules; there is at least one. `Debug` is the same text as `Display`, so that a failed `unwrap` in a
/// test shows one rule per line.
#[derive(Clone, PartialEq, Eq)]
pub struct Findings {
    part: String,
    findings: Vec<Finding>,
}

impl Findings {
    /// `Ok` without findings.
    pub(crate) fn check(part: &str, findings: Vec<Finding>) -> Result<(), Self> {
        if findings.is_empty() { Ok(()) } else { Err(Self { part: part.to_owned(), findings }) }
    }

    /// The broken rules with details.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter()
    }

    /// Whether this rule is broken.
    pub fn breaks(&self, rule: Rule) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` does not keep its contract:", self.part)?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n- {:?}: {}", finding.rule, finding.what))
    }
}

impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Findings {}

/// Runs laws, each of which returns what is wrong; a panic is another finding.
pub(crate) fn run_laws<'a>(laws: impl IntoIterator<Item = (Rule, Law<'a>)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (rule, law) in laws {
        match luthier_core::catch_panic("law", || Ok(law())) {
            Ok(Ok(())) => {}
            Ok(Err(what)) => findings.push(Finding { rule, what }),
            Err(panic) => findings.push(Finding { rule: Rule::NoPanic, what: format!("{rule:?}: {panic}") }),
        }
    }
    findings
}

pub(crate) type Law<'a> = Box<dyn Fn() -> Result<(), String> + 'a>;
