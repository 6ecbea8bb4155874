//! Strategies: which candidates are scored on which rounds, in view of the scores so far.

mod bayesian;
mod entry;
mod grid;
mod halving;
mod racing;
mod random;
mod trial;

use std::any::Any;
use std::fmt::Debug;

use luthier_core::ParamMap;
use luthier_core::params::Params;

pub use self::bayesian::Bayesian;
pub use self::entry::StrategyEntry;
pub use self::grid::Grid;
pub use self::halving::{Halving, Resource};
pub use self::racing::Racing;
pub use self::random::Random;
pub use self::trial::{Scores, Trial, Wanted};
use crate::Error;
pub use crate::grid::Axis;
use crate::grid::ParamGrid;

/// A candidate of a search.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The position of its pipeline among the competing pipelines, from 0.
    pub pipeline: usize,
    /// The parameters that it sets.
    pub params: ParamMap,
}

impl Candidate {
    /// A candidate of a pipeline.
    pub fn new(pipeline: usize, params: ParamMap) -> Self {
        Self { pipeline, params }
    }
}

/// What a strategy knows when it proposes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// The candidates: first those of the grids, then those that were proposed. A grid with ranges has none before they are
    /// proposed, unless it is to be drawn from. In nested cross-validation, some may have been proposed for other rounds: what
    /// has been scored here is in `trials`.
    pub candidates: &'a [Candidate],
    /// The grids of the competing pipelines.
    pub grids: &'a [ParamGrid],
    /// The trials so far with their scores, in the order in which they were proposed.
    pub trials: &'a [Scores],
    /// The number of rounds, numbered from 0.
    pub rounds: usize,
    /// The number of blocks that the training rows of a round consist of, in the round that has fewest: what
    /// [`Trial::training_share`](method@Trial::training_share) takes a share of.
    pub training_blocks: usize,
    /// Validation rows per training row, on average: what the standard error of a mean over rounds depends on (Nadeau and
    /// Bengio 2003).
    pub overlap: f64,
    /// Whether larger metrics are better.
    pub larger_is_better: bool,
    /// The seed of the search.
    pub seed: u64,
    /// The number of pairs of a candidate and a round that may still be scored, if that is limited. The search ends without
    /// scoring a proposal that asks for more.
    pub fits_left: Option<u64>,
}

/// Proposes which candidates to score on which rounds, until it has seen enough.
///
/// The search calls `propose`, scores the trials, and calls it again with the scores, until it proposes nothing.
///
/// # Contract
/// - The proposals depend only on what is seen. So they are the same on every executor and at every parallelism, and
///   a search that was interrupted goes on as if it had not been.
/// - It ends: after finitely many proposals there are none. A search stops a strategy that proposes nothing but what has
///   been scored, and one that exceeds the limits of the search.
/// - At least one candidate is scored on all rounds, with all training rows and its own parameters, unless all fail.
///
/// `luthier_testkit::check_strategy` tests the whole contract.
///
/// ```
/// use luthier_tune::strategy::{Seen, Strategy, Trial};
///
/// /// Scores every candidate on the first round, and the better half of them on all.
/// #[derive(Debug)]
/// struct BetterHalf;
///
/// impl Strategy for BetterHalf {
///     fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
///         let all = 0..seen.candidates.len();
///         Ok(match seen.trials.len() {
///             0 => all.map(|candidate| Trial::candidate(candidate).on([0])).collect(),
///             n if n == all.len() && seen.rounds > 1 => {
///                 let ranked = seen.ranked(seen.trials);
///                 ranked.into_iter().take(n.div_ceil(2)).map(Trial::candidate).collect()
///             }
///             _ => Vec::new(),
///         })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy",
    note = "implement `luthier_tune::Strategy` (`propose`) for it"
)]
pub trait Strategy: Any + Debug + Send + Sync {
    /// The next trials; none to end the search.
    ///
    /// # Errors
    /// If the strategy cannot be used for this search.
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>>;

    /// Whether proposals depend on scores. If not, the first proposal is all there is, and nested cross-validation needs
    /// no proposals of its own.
    fn is_adaptive(&self) -> bool {
        true
    }

    /// Whether the candidates are those of the grids. If not, grids may have ranges without a number of draws.
    fn lists_candidates(&self) -> bool {
        true
    }
}

/// A strategy that a configuration can name. Register it with [`register_strategy!`](crate::register_strategy).
///
/// ```
/// use luthier_tune::core::Params;
/// use luthier_tune::strategy::{NamedStrategy, Seen, Strategy, Trial};
///
/// /// The first few candidates.
/// #[derive(Debug, Clone, Params)]
/// struct First {
///     /// How many.
///     #[param(default = 10, range = 1..)]
///     count: usize,
/// }
///
/// impl Strategy for First {
///     fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
///         let first = 0..self.count.min(seen.candidates.len());
///         Ok(if seen.trials.is_empty() { first.map(Trial::candidate).collect() } else { Vec::new() })
///     }
/// }
///
/// impl NamedStrategy for First {
///     const NAME: &'static str = "acme.first";
/// }
///
/// luthier_tune::register_strategy!(First: "The first few candidates.");
/// ```
pub trait NamedStrategy: Strategy + Params + Default {
    /// The registered name, such as `"racing"`.
    const NAME: &'static str;
}

impl<'a> Seen<'a> {
    /// What is seen before anything has been scored, with seed 0, a metric of which smaller values are better, folds of equal size and
    /// no limit. The fields can be set: for tests of a strategy, and for those who call one themselves.
    ///
    /// ```
    /// use luthier_tune::ParamGrid;
    /// use luthier_tune::strategy::{Candidate, Grid, Seen, Strategy};
    ///
    /// let grid = ParamGrid::new().add_by_name("lr.reg_param", [0.1, 1.0]);
    /// let candidates: Vec<Candidate> = grid.build()?.into_iter().map(|params| Candidate::new(0, params)).collect();
    /// let grids = [grid];
    /// let mut seen = Seen::new(&candidates, &grids, 5);
    /// seen.larger_is_better = true;
    /// assert_eq!(Grid::new().propose(&seen)?.len(), 2);
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    pub fn new(candidates: &'a [Candidate], grids: &'a [ParamGrid], rounds: usize) -> Self {
        let training_blocks = rounds.saturating_sub(1).max(1);
        Self {
            candidates,
            grids,
            trials: &[],
            rounds,
            training_blocks,
            overlap: 1.0 / training_blocks as f64,
            larger_is_better: false,
            seed: 0,
            fits_left: None,
        }
    }

    /// An error if the limit does not allow for so many pairs of a candidate and a round, which are the least that a strategy needs.
    pub(crate) fn require_fits(&self, least: u64) -> crate::Result<()> {
        match self.fits_left {
            Some(left) if left < least => Err(Error::invalid(format!(
                "it scores at least {least} pairs of a candidate and a round, but max_fits allows for {left}: raise it, or give \
                 fewer candidates or rounds"
            ))),
            _ => Ok(()),
        }
    }

    /// The candidates of some trials from best to worst by their mean over the rounds of these trials. Those that failed or have
    /// no metric are left out; of equal means, the first candidate comes first.
    pub fn ranked(&self, trials: &[Scores]) -> Vec<usize> {
        let mut means: Vec<(usize, f64)> =
            trials.iter().filter_map(|trial| Some((trial.candidate, trial.mean()?))).collect();
        means.sort_by(|(a, x), (b, y)| {
            let by_mean = if self.larger_is_better { y.total_cmp(x) } else { x.total_cmp(y) };
            by_mean.then(a.cmp(b))
        });
        means.into_iter().map(|(candidate, _)| candidate).collect()
    }
}
