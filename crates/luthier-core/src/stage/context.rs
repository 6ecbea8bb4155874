//! The context of a fit.

use std::sync::Arc;

use crate::Result;
use crate::cancel::CancelToken;
use crate::work::WorkCounter;

/// Seed, place, counters and cancel token of one fit.
///
/// The seed is derived from the seed of the search or the pipeline, the fold and the stage's name, never from
/// the order in which fits run.
#[derive(Debug, Clone)]
pub struct FitContext {
    seed: u64,
    stage: String,
    work: Arc<WorkCounter>,
    cancel: CancelToken,
}

impl FitContext {
    /// A context outside any search; nothing cancels it.
    pub fn new(seed: u64, work: Arc<WorkCounter>) -> Self {
        Self { seed, stage: String::new(), work, cancel: CancelToken::never() }
    }

    /// The seed for any randomness in this fit.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Name of the stage in its pipeline; empty outside a pipeline.
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// The counters of the search or fit to which this fit belongs.
    pub fn work(&self) -> &Arc<WorkCounter> {
        &self.work
    }

    /// The same context, cancelled by this token. It does not concern the rows:
    /// [`Dataset::cancelled_by`](crate::Dataset::cancelled_by) does.
    #[must_use]
    pub fn with_cancel_token(self, cancel: CancelToken) -> Self {
        Self { cancel, ..self }
    }

    /// The token that cancels this fit.
    pub fn cancel_token(&self) -> &CancelToken {
        &self.cancel
    }

    /// An error if the fit was cancelled. Passes over rows check this by themselves; a stage that iterates without
    /// reading rows calls it once per iteration.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), to be passed on.
    pub fn check_cancelled(&self) -> Result<()> {
        self.cancel.check()
    }

    /// Counts matrix factorisations: call it for each factorisation.
    pub fn count_factorisations(&self, n: u64) {
        self.work.factorisations(n);
    }

    /// The context for a stage of the pipeline that is being fitted.
    pub fn for_stage(&self, name: &str) -> Self {
        let stage = match self.stage.as_str() {
            "" => name.to_owned(),
            outer => format!("{outer}.{name}"),
        };
        Self { seed: mix(self.seed, name.bytes().map(u64::from)), stage, ..self.clone() }
    }

    /// The context for one fold.
    pub fn for_fold(&self, fold: u32) -> Self {
        Self { seed: mix(self.seed, [u64::from(fold) + (1 << 32)]), ..self.clone() }
    }
}

/// Derives a seed from a seed and some words. The seed is scrambled before a word is added; otherwise fold 1 of seed 5
/// would be fold 0 of seed 6.
fn mix(seed: u64, words: impl IntoIterator<Item = u64>) -> u64 {
    words.into_iter().fold(seed, |state, word| scramble(scramble(state).wrapping_add(word)))
}

/// The output of SplitMix64 (Steele, Lea and Flood 2014) for a state; the next state is larger by
/// `0x9e37_79b9_7f4a_7c15`.
#[doc(hidden)]
pub fn scramble(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ_by_stage_and_fold_and_stay_the_same() {
        let root = FitContext::new(7, Arc::default());
        let seeds = [
            root.for_fold(0).for_stage("a").seed(),
            root.for_fold(1).for_stage("a").seed(),
            root.for_fold(0).for_stage("b").seed(),
            root.for_stage("a").seed(),
        ];
        for (i, a) in seeds.iter().enumerate() {
            assert!(seeds[..i].iter().all(|b| a != b));
        }
        assert_eq!(root.for_fold(0).for_stage("a").seed(), seeds[0]);
        assert_ne!(FitContext::new(8, Arc::default()).for_fold(0).seed(), root.for_fold(1).seed());
        assert_eq!(root.for_stage("outer").for_stage("inner").stage(), "outer.inner");
    }
}
