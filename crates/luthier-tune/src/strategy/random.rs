//! Random search.

use luthier_core::Params;

use super::{NamedStrategy, Seen, Strategy, Trial};

/// Random search: scores candidates that are drawn from the values and ranges of the grids on every round (Bergstra and Bengio
/// 2012). Competing pipelines have equally many.
///
/// It draws the candidates of [`ParamGrid::draw`](crate::ParamGrid::draw): the seed decides, larger numbers keep the candidates
/// of smaller ones, and where the grid has fewer combinations, all are tried.
///
/// Of 60 random candidates, one is among the best 5 % with a probability of 95 %, however many parameters there are. A grid is
/// better where candidates share their work, such as the penalties of a linear regression, since many values cost little more
/// than one.
#[derive(Debug, Clone, Params)]
pub struct Random {
    /// The number of candidates of each pipeline.
    #[param(default = 60, range = 1..)]
    max_candidates: usize,
}

impl Strategy for Random {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let mut trials = Vec::new();
        for (pipeline, grid) in seen.grids.iter().enumerate().filter(|_| seen.trials.is_empty()) {
            let drawn = grid.clone().draw(self.max_candidates).build_with(seen.seed)?;
            trials.extend(drawn.into_iter().map(|params| Trial::of_pipeline(pipeline, params)));
        }
        Ok(trials)
    }

    fn is_adaptive(&self) -> bool {
        false
    }

    fn lists_candidates(&self) -> bool {
        false
    }
}

impl NamedStrategy for Random {
    const NAME: &'static str = "random";
}

crate::register_strategy!(Random: "Scores candidates that are drawn at random from values and ranges.");
