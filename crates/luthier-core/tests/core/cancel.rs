//! Cancelled passes and fits: they end within a chunk, leave nothing behind, and are told from failures.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use luthier_core::frame::{Column, DataFrame, Field, Schema};
use luthier_core::{
    Blocks, CancelReason, CancelToken, Dataset, Error, Estimator, FitContext, Moments, MomentsSpec, Need,
    Outputs, Params, Pipeline, Result, Round, Rounds, Summary, Tile, TrainingSets, Transformer, WorkCounter,
};
use serde::{Deserialize, Serialize};

use crate::parts::counted;

const ROWS: usize = 200_000;
const BLOCKS: u32 = 5;

/// The most rows that a thread reads at once: two tiles of one column.
const CHUNK: usize = 2 * 8192;

/// Cancels a token from another thread as soon as it sees rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Canceller;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct CancellerSpec {
    #[serde(skip, default = "CancelToken::new")]
    token: CancelToken,
}

impl PartialEq for CancellerSpec {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

fn cancel_elsewhere(token: &CancelToken) {
    thread::scope(|scope| {
        scope.spawn(|| token.cancel());
    });
}

impl Summary for Canceller {
    type Spec = CancellerSpec;
    const NAME: &'static str = "acme.canceller";

    fn columns(_: &CancellerSpec) -> Vec<String> {
        vec!["x".to_owned()]
    }

    fn empty(_: &CancellerSpec, _: &Schema) -> Result<Self> {
        Ok(Self)
    }

    fn update(&mut self, spec: &CancellerSpec, _: &Tile<'_>) -> Result<()> {
        cancel_elsewhere(&spec.token);
        Ok(())
    }

    fn merge(&mut self, _: &Self) -> Result<()> {
        Ok(())
    }
}

fn data(partitions: usize) -> Dataset {
    let x = (0..ROWS).map(|i| ((i * 37) % 1009) as f64).collect();
    let frame = DataFrame::from_columns(vec![("x", Column::f64(x))]).unwrap();
    let blocks = Blocks::new((0..ROWS as u32).map(|i| i % BLOCKS).collect(), BLOCKS).unwrap();
    Dataset::with_blocks(frame.repartition(partitions).unwrap(), blocks).unwrap()
}

fn spec() -> MomentsSpec {
    MomentsSpec::new(["x"])
}

/// A way to read rows; it cancels the token when it sees the first of them.
type Pass = fn(&Dataset, &CancelToken) -> Result<()>;

fn training_sets(data: &Dataset, need: Need) -> Result<Vec<Dataset>> {
    let rounds = Rounds::new((0..BLOCKS).map(Round::hold_out), BLOCKS);
    let (sets, failed) = TrainingSets::read(vec![(data.clone(), vec![need])], &rounds, u64::MAX)?;
    assert!(failed.iter().all(Vec::is_empty), "a request that is cancelled has not failed");
    let mut waves = Vec::new();
    sets.for_each_wave(|_, views| {
        waves.extend(views);
        Ok::<(), Error>(())
    })?;
    Ok(waves)
}

const PASSES: [(&str, Pass); 7] = [
    ("summarize", |data, token| {
        data.summarize::<Canceller>(&CancellerSpec { token: token.clone() }).map(|_| ())
    }),
    ("aggregate", |data, token| {
        data.aggregate::<Canceller>(&CancellerSpec { token: token.clone() }).map(|_| ())
    }),
    ("aggregate_many", |data, token| {
        let views = [data.clone(), data.clone()];
        Dataset::aggregate_many::<Canceller>(&views, &CancellerSpec { token: token.clone() }).map(|_| ())
    }),
    ("prepare", |data, token| {
        data.prepare(&[Need::summary::<Canceller>(CancellerSpec { token: token.clone() })]).map(|_| ())
    }),
    ("for_each_tile", |data, token| {
        data.for_each_tile(&["x"], |_| {
            cancel_elsewhere(token);
            Ok(())
        })
    }),
    ("gather", |data, token| {
        let add = |_: &mut (), _: &Tile<'_>| {
            cancel_elsewhere(token);
            Ok(())
        };
        data.gather(&["x"], |_| (), add).map(|_| ())
    }),
    ("training sets", |data, token| {
        training_sets(data, Need::summary::<Canceller>(CancellerSpec { token: token.clone() })).map(|_| ())
    }),
];

#[test]
fn every_pass_ends_within_the_chunk_in_hand() {
    for partitions in [1, 3] {
        for (name, pass) in PASSES {
            let token = CancelToken::new();
            let (data, work) = counted(data(partitions));
            let error = pass(&data.cancelled_by(token.clone()), &token).unwrap_err();
            assert!(error.is_cancelled(), "{name}: {error}");
            // Each thread may have a chunk in hand; in one with blocks there are two tiles of each.
            let most = rayon::current_num_threads() * CHUNK;
            let read = work().rows_read as usize;
            assert!(read > 0 && read <= most.min(ROWS / 2), "{name}, {partitions} partitions: {read} rows");
        }
    }
}

#[test]
fn a_token_that_is_cancelled_before_reads_nothing() {
    for (name, pass) in PASSES {
        let token = CancelToken::new();
        let (data, work) = counted(data(2));
        token.cancel();
        assert!(pass(&data.cancelled_by(token.clone()), &token).unwrap_err().is_cancelled(), "{name}");
        assert_eq!(work().rows_read, 0, "{name}");
    }
}

#[test]
fn what_was_cancelled_is_read_anew_with_the_same_bits() {
    let bits = |moments: &Moments| {
        (moments.mean()[0].to_bits(), moments.scatter()[[0, 0]].to_bits(), moments.rows())
    };
    let untouched = data(3).summarize::<Moments>(&spec()).unwrap();
    let data = data(3);
    let token = CancelToken::new();
    let view = data.clone().cancelled_by(token.clone());
    token.cancel();
    assert!(view.summarize::<Moments>(&spec()).unwrap_err().is_cancelled());
    // The views share what they have found: a cancelled pass must not have left an answer or a failure there.
    let again = view.cancelled_by(CancelToken::new()).summarize::<Moments>(&spec()).unwrap();
    assert_eq!(bits(&again), bits(&untouched));
    assert_eq!(bits(&data.summarize::<Moments>(&spec()).unwrap()), bits(&untouched));
    // What has been found before remains available.
    let known = data.cancelled_by(token);
    assert_eq!(bits(&known.summarize::<Moments>(&spec()).unwrap()), bits(&untouched));
}

#[test]
fn training_sets_after_a_cancelled_pass_are_those_of_untouched_rows() {
    let need = || Need::summary::<Moments>(spec());
    let of_first = |views: Vec<Dataset>| {
        let view = views[0].select(luthier_core::Rows::except(0).within(BLOCKS));
        view.summarize::<Moments>(&spec()).unwrap().scatter()[[0, 0]].to_bits()
    };
    let untouched = of_first(training_sets(&data(2), need()).unwrap());
    let data = data(2);
    let token = CancelToken::new();
    token.cancel();
    let error = training_sets(&data.clone().cancelled_by(token), need()).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(of_first(training_sets(&data, need()).unwrap()), untouched);
}

#[test]
fn a_token_follows_the_views_of_its_dataset() {
    let token = CancelToken::new();
    let data = data(1).cancelled_by(token.clone());
    let views = [
        data.select(luthier_core::Rows::only(2)),
        data.clone().without_sharing(),
        data.prepare(&[Need::summary::<Moments>(spec())]).unwrap(),
    ];
    token.cancel();
    assert!(views.iter().all(|view| view.cancel_token().is_cancelled()));
}

/// How a stage ends when it is cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, luthier_core::ParamEnum)]
pub(crate) enum Way {
    /// It passes the error on.
    #[default]
    Passes,
    /// It adds what it was doing.
    AddsContext,
    /// It loses the error's type.
    MakesText,
    /// It stops with a model that is not done.
    StopsEarly,
}

/// A stage that is cancelled while it is fitted.
#[derive(Debug, Clone, Params)]
struct Slow {
    /// How it ends.
    #[param(default = Way::Passes)]
    way: Way,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SlowModel;

impl Transformer for SlowModel {
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(Vec::new())
    }

    fn apply(&self, _: &Tile<'_>, _: &mut Outputs) -> anyhow::Result<()> {
        Ok(())
    }
}

impl Estimator for Slow {
    const NAME: &'static str = "acme.slow";
    type Model = SlowModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<SlowModel> {
        ctx.cancel_token().cancel();
        let stopped = data.aggregate::<Moments>(&spec());
        match self.way {
            Way::Passes => ctx.check_cancelled()?,
            Way::AddsContext => stopped.map(|_| ()).context("while reading").context("in the first step")?,
            Way::MakesText => stopped.map(|_| ()).map_err(|error| anyhow::anyhow!("it failed: {error}"))?,
            Way::StopsEarly => {}
        }
        Ok(SlowModel)
    }

    fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(Vec::new())
    }
}

luthier_core::register_estimator!(Slow: "Is cancelled.");

#[test]
fn a_cancelled_fit_is_told_from_a_failed_one_however_the_stage_ends() {
    for way in [Way::Passes, Way::AddsContext, Way::MakesText, Way::StopsEarly] {
        let mut pipeline = Pipeline::new();
        pipeline.add("slow", Slow::new().way(way));
        let token = CancelToken::new();
        let ctx = FitContext::new(0, Arc::default()).with_cancel_token(token.clone());
        let error = Estimator::fit(&pipeline, &data(1).cancelled_by(token), &ctx).unwrap_err();
        let error = error.downcast::<Error>().unwrap();
        assert_eq!(error.cancel_reason(), Some(CancelReason::Requested), "{way:?}: {error}");
    }
}

#[test]
fn a_cause_behind_a_stage_is_recognised() {
    let cancelled = Error::Cancelled { reason: CancelReason::Deadline(Duration::from_secs(5)) };
    let source = anyhow::Error::from(cancelled).context("in the third round");
    let error = Error::Stage { stage: "lr".to_owned(), source: luthier_core::Cause::new(source) };
    assert_eq!(error.cancel_reason(), Some(CancelReason::Deadline(Duration::from_secs(5))));
    assert!(!Error::invalid("cancelled on request").is_cancelled());
}

#[test]
fn a_fit_that_is_cancelled_before_it_starts_is_not_one() {
    let work = Arc::new(WorkCounter::default());
    let token = CancelToken::new();
    token.cancel();
    let ctx = FitContext::new(0, Arc::clone(&work)).with_cancel_token(token);
    let mut pipeline = Pipeline::new();
    pipeline.add("slow", Slow::new());
    let stage = pipeline.stages()[0].stage();
    assert!(stage.fit(&data(1), &ctx).unwrap_err().is_cancelled());
    assert_eq!(work.snapshot().fits, 0);
    assert!(ctx.for_stage("slow").for_fold(1).check_cancelled().is_err(), "the token goes down to stages");
}
