//! What a check found.

use std::fmt;

/// A part of the contract that a part of a pipeline has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// It works on the frame that was given.
    Works,
    /// Parameters that name columns have the role of what is done with these.
    Roles,
    /// Columns come out as `outputs` says, of the estimator and of the model.
    Schema,
    /// Vectors of a width that only fitting will tell are planned with as those of a known one are.
    UnknownWidth,
    /// The plan and the model agree on whether rows may be left out.
    KeepsRows,
    /// A row of the output depends on that row alone.
    RowByRow,
    /// The same call gives the same result, and equal parameters are interchangeable.
    Deterministic,
    /// How the rows are cut into partitions does not matter.
    Partitions,
    /// `fit_many` (or `evaluate_many`) gives what one by one gives, in order.
    OneByOne,
    /// Declared needs are those that are asked for; rows are passed over several times only where that is declared.
    Needs,
    /// The declared affine map is that of the model, and the model's is what `apply` does.
    Affine,
    /// Together is cheaper than one by one, where that is declared.
    Groups,
    /// Short cuts give what the rows give.
    Sharing,
    /// The rows of a fold are as good as a frame of them.
    Folds,
    /// What is saved and loaded is the same to the last bit.
    Persistence,
    /// The stages that it is made of can be changed, and those in a row give its model.
    Children,
    /// A frame that cannot be used is refused before any fit.
    ChecksFirst,
    /// Bad input is an error, never a panic.
    NoPanic,
    /// Errors say which column is at fault.
    NamesColumn,
    /// Merging the empty summary changes nothing, and parts merge to the whole.
    Merges,
    /// Every fold has rows, and every row a fold.
    Covers,
    /// Every task is reported exactly once, with its own result.
    Reports,
    /// A task that fails or panics is reported as failed, and stops no other task.
    Failures,
    /// No more tasks run at once than the limit allows.
    Limit,
    /// As many tasks run at once as the limit and the capacity allow.
    UsesLimit,
    /// Several jobs may run at once, each with a limit of its own.
    Overlaps,
    /// Tasks may use rayon, on a pool of any size, also the pool that the executor is called from.
    NestedRayon,
}

/// One rule that is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What was done and what came out.
    pub what: String,
}

/// All rules that are broken; there is at least one. `Debug` is the same text as `Display`, so that a failed `unwrap` in a
/// test shows a rule per line.
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

    /// The rules that are broken, and how.
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

/// Runs laws, each of which returns what is wrong; a panic inside is one more finding.
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
