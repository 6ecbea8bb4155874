//! Every candidate on every round.

use luthier_core::Params;

use super::{NamedStrategy, Seen, Strategy, Trial};

/// Scores every candidate of the grids on every round: grid search, random search where the grid is drawn from
/// ([`ParamGrid::draw`](crate::ParamGrid::draw)), or a list of candidates.
///
/// This is the default, and the right choice where candidates share their work: all penalties of a linear regression
/// take about as long as one. Other strategies save fits, so they pay off where each fit iterates over the rows.
#[derive(Debug, Clone, Params)]
pub struct Grid {}

impl Strategy for Grid {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let is_first = seen.trials.is_empty();
        let all = (0..seen.candidates.len()).filter(|_| is_first);
        Ok(all.map(Trial::candidate).collect())
    }

    fn is_adaptive(&self) -> bool {
        false
    }
}

impl NamedStrategy for Grid {
    const NAME: &'static str = "grid";
}

crate::register_strategy!(Grid: "Scores every candidate on every round.");
