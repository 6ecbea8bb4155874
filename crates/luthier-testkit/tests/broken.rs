//! Parts with one planted defect each: the kit finds it, and finds nothing in the part without.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{bail, ensure};
use luthier_core::frame::{ColumnType, DataFrame, Field, Schema};
use luthier_core::{
    Affine, Blocks, Dataset, Estimator, EvaluationPlan, Evaluator, FitContext, Moments, MomentsSpec, Outputs,
    ParamEnum, Params, PureTransformer, Result, Rows, StagePlan, Summary, Tile, Transformer,
};
use luthier_testkit::{
    Findings, Rule, check_estimator, check_evaluator, check_executor, check_splitter, check_strategy,
    check_summary, check_transformer, sample_frame,
};
use luthier_tune::executor::{Executor, Job, Sink, run_task};
use luthier_tune::strategy::{Seen, Strategy, Trial};
use luthier_tune::{ParamGrid, Split, Splitter};
use ndarray::{Array1, Axis};
use serde::{Deserialize, Serialize};

/// What is wrong with a [`Centre`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
enum Defect {
    None,
    CannotFit,
    WrongSchema,
    KnownWidth,
    GuessesWidth,
    DropsARow,
    WritesLess,
    WritesAnother,
    HidesDrops,
    SeesNeighbours,
    Counts,
    FirstPartition,
    SharesConfig,
    LosesOne,
    UndeclaredNeed,
    NeedlessNeed,
    Iterates,
    WrongMap,
    UndeclaredMap,
    SaysGrouped,
    ReadsMore,
    ForgetsFolds,
    WithoutSharing,
    LosesState,
    LateCheck,
    Panics,
    NamesNothing,
}

/// Takes the mean off, or does not.
#[derive(Debug, Clone, Params)]
struct Centre {
    /// What is wrong.
    #[param(default = Defect::None)]
    defect: Defect,
    /// The numbers.
    #[param(default = "features", column = input)]
    input_col: String,
    /// What is taken off besides.
    #[param(default = 0.0)]
    by: f64,
}

static FITS: AtomicU64 = AtomicU64::new(0);

impl Centre {
    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn spec(&self) -> MomentsSpec {
        MomentsSpec::new([&self.input_col])
    }
}

impl Estimator for Centre {
    const NAME: &'static str = "test.centre";
    type Model = Centred;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<Centred> {
        ensure!(!self.is(Defect::CannotFit), "cannot be fitted");
        if self.is(Defect::LateCheck) {
            data.schema().require("label")?;
        }
        let once = |spec: &MomentsSpec| data.aggregate::<Moments>(spec);
        let mut mean = match self.defect {
            Defect::Iterates | Defect::SaysGrouped => {
                once(&self.spec())?;
                once(&self.spec())?.mean().to_owned()
            }
            Defect::FirstPartition => {
                let mut first = None;
                data.for_each_tile(&[&self.input_col], |tile| {
                    first.get_or_insert(tile.vectors(&self.input_col)?.row(0).to_owned() * tile.len() as f64);
                    Ok(())
                })?;
                first.unwrap_or_default()
            }
            Defect::ForgetsFolds => {
                data.select(Rows::all()).summarize::<Moments>(&self.spec())?.mean().to_owned()
            }
            Defect::Panics => {
                let moments = data.summarize::<Moments>(&self.spec())?;
                assert!(moments.rows() > 1, "too few rows");
                moments.mean().to_owned()
            }
            Defect::NamesNothing => match data.summarize::<Moments>(&self.spec()) {
                Ok(moments) => moments.mean().to_owned(),
                Err(_) => bail!("something is wrong"),
            },
            _ => data.summarize::<Moments>(&self.spec())?.mean().to_owned(),
        };
        if self.is(Defect::UndeclaredNeed) {
            data.summarize::<Moments>(&MomentsSpec::new(["x"]))?;
        }
        if self.is(Defect::Counts) {
            mean += FITS.fetch_add(1, Ordering::SeqCst) as f64;
        }
        if self.is(Defect::WithoutSharing) && !data.is_sharing() {
            mean += 1.0;
        }
        let mean = (mean + self.by).to_vec();
        Ok(Centred { defect: self.defect, input_col: self.input_col.clone(), mean, forgotten: 1.0 })
    }

    fn fit_many(configs: &[Self], data: &Dataset, ctx: &FitContext) -> Vec<anyhow::Result<Centred>> {
        match configs {
            [first, ..] if first.is(Defect::SharesConfig) => {
                configs.iter().enumerate().map(|(i, c)| c.clone().by(i as f64).fit(data, ctx)).collect()
            }
            [first, rest @ ..] if first.is(Defect::LosesOne) && !rest.is_empty() => {
                let last = std::iter::once(Err(anyhow::anyhow!("lost")));
                rest.iter().map(|config| config.fit(data, ctx)).chain(last).collect()
            }
            _ => configs.iter().map(|config| config.fit(data, ctx)).collect(),
        }
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let input = schema.require(&self.input_col)?;
        match self.defect {
            Defect::WrongSchema => appended(schema, &self.input_col, "other"),
            Defect::KnownWidth | Defect::GuessesWidth if input.column_type() == ColumnType::AnyVector => {
                ensure!(self.is(Defect::GuessesWidth), "column `{}` is no vector", self.input_col);
                Ok(vec![Field::new("centred", ColumnType::Vector { width: 1 })])
            }
            _ => appended(schema, &self.input_col, "centred"),
        }
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        let plan = match self.defect {
            Defect::Iterates | Defect::SaysGrouped | Defect::FirstPartition => StagePlan::opaque(),
            Defect::NeedlessNeed => StagePlan::opaque().need::<Count>(0),
            _ => StagePlan::opaque().need::<Moments>(self.spec()),
        };
        let plan = match self.defect {
            Defect::NeedlessNeed => plan.need::<Moments>(MomentsSpec::new(["x"])),
            Defect::SaysGrouped => plan.grouped().iterates(),
            _ => plan,
        };
        if self.is(Defect::UndeclaredMap) { plan } else { plan.affine([&self.input_col], "centred") }
    }
}

fn appended(schema: &Schema, input: &str, name: &str) -> anyhow::Result<Vec<Field>> {
    let column_type = schema.require(input)?.column_type();
    ensure!(column_type.is_vector(), "column `{input}` is {column_type}, expected a vector");
    Ok(vec![Field::new(name, column_type)])
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Centred {
    defect: Defect,
    input_col: String,
    mean: Vec<f64>,
    #[serde(skip)]
    forgotten: f64,
}

impl Transformer for Centred {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let name = if self.defect == Defect::WritesAnother { "other" } else { "centred" };
        appended(schema, &self.input_col, name)
    }

    fn apply(&self, tile: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let input = tile.vectors(&self.input_col)?;
        ensure!(input.ncols() == self.mean.len(), "column `{}` has another width", self.input_col);
        let mut rows = &input - &Array1::from(self.mean.clone()).insert_axis(Axis(0));
        match self.defect {
            Defect::SeesNeighbours => {
                let of_all = rows.sum_axis(Axis(0)) * 1e-3;
                rows += &of_all.insert_axis(Axis(0));
            }
            Defect::WrongMap => rows *= 1.5,
            Defect::LosesState => rows *= self.forgotten,
            Defect::ReadsMore => {
                let x = tile.numbers("x")?.into_owned();
                rows += &(Array1::from(x).insert_axis(Axis(1)) * 0.0);
            }
            Defect::DropsARow => out.keep((0..tile.len()).map(|i| i != 3).collect()),
            Defect::WritesLess => rows = rows.slice_move(ndarray::s![1.., ..]),
            _ => {}
        }
        out.vectors(rows);
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        let ones = Array1::ones(self.mean.len());
        Some(Affine::diagonal(&self.input_col, "centred", ones, -Array1::from(self.mean.clone())))
    }

    fn drops_rows(&self) -> bool {
        self.defect == Defect::HidesDrops
    }
}

/// Rows, and a defect: 1 counts the merged ones twice, 2 changes nothing when nothing was there.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Count {
    rows: u64,
    defect: u8,
}

impl Summary for Count {
    type Spec = u8;
    const NAME: &'static str = "count";

    fn columns(_spec: &u8) -> Vec<String> {
        vec!["x".to_owned()]
    }

    fn empty(spec: &u8, _schema: &Schema) -> Result<Self> {
        Ok(Self { rows: u64::from(*spec == 2), defect: *spec })
    }

    fn update(&mut self, _spec: &u8, tile: &Tile<'_>) -> Result<()> {
        self.rows += tile.len() as u64;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.rows += if self.defect == 1 { 2 * other.rows } else { other.rows };
        Ok(())
    }
}

/// A state that only a format which describes itself can hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sparing {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    never: Option<u64>,
    rows: u64,
}

impl Summary for Sparing {
    type Spec = u8;
    const NAME: &'static str = "sparing";

    fn columns(_spec: &u8) -> Vec<String> {
        vec!["x".to_owned()]
    }

    fn empty(_spec: &u8, _schema: &Schema) -> Result<Self> {
        Ok(Self { never: None, rows: 0 })
    }

    fn update(&mut self, _spec: &u8, tile: &Tile<'_>) -> Result<()> {
        self.rows += tile.len() as u64;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.rows += other.rows;
        Ok(())
    }
}

fn rules(result: std::result::Result<(), Findings>) -> Vec<Rule> {
    let mut rules: Vec<Rule> =
        result.err().iter().flat_map(|f| f.iter().map(|finding| finding.rule)).collect();
    rules.sort();
    rules
}

#[test]
fn a_part_without_defect_passes() {
    check_estimator(&Centre::new(), &sample_frame()).unwrap();
}

/// Names its columns by parameters of which one has no role, or a wrong one.
macro_rules! misnamed {
    ($name:ident, $input:meta, $output:meta) => {
        /// Copies its input.
        #[derive(Debug, Clone, Params)]
        struct $name {
            /// The numbers.
            #[$input]
            from: String,
            /// The copy.
            #[$output]
            to: String,
        }

        impl Transformer for $name {
            fn inputs(&self) -> Vec<String> {
                vec![self.from.clone()]
            }

            fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
                appended(schema, &self.from, "copy")
            }

            fn apply(&self, tile: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
                out.vectors(tile.vectors(&self.from)?.to_owned());
                Ok(())
            }
        }

        impl PureTransformer for $name {
            const NAME: &'static str = "test.misnamed";
        }
    };
}
misnamed!(Rightly, param(default = "features", column = input), param(default = "copy", column = output));
misnamed!(NoInput, param(default = "features"), param(default = "copy", column = output));
misnamed!(NoOutput, param(default = "features", column = input), param(default = "copy"));
misnamed!(NotThere, param(default = "features", column = input), param(default = "other", column = output));
misnamed!(ReadsLabel, param(default = "features", column = label), param(default = "copy", column = output));
misnamed!(
    ReadsOutput,
    param(default = "features", column = output),
    param(default = "copy", column = output)
);

#[test]
fn wrong_roles_are_found() {
    check_transformer(&Rightly::new(), &sample_frame()).unwrap();
    for (found, what) in [
        (
            check_transformer(&NoInput::new(), &sample_frame()),
            "`from` names the column `features` but has no role",
        ),
        (check_transformer(&NoOutput::new(), &sample_frame()), "`to` names the column `copy` to append"),
        (check_transformer(&NotThere::new(), &sample_frame()), "`other` is not appended"),
        (check_transformer(&ReadsLabel::new(), &sample_frame()), "the model reads `features` to predict"),
        (check_transformer(&ReadsOutput::new(), &sample_frame()), "`features` is not appended"),
    ] {
        let findings = found.expect_err("a wrong role");
        assert!(findings.breaks(Rule::Roles) && findings.to_string().contains(what), "{findings}");
    }
}

#[test]
fn defects_of_stages_are_found() {
    for (defect, rule) in [
        (Defect::CannotFit, Rule::Works),
        (Defect::WrongSchema, Rule::Schema),
        (Defect::KnownWidth, Rule::UnknownWidth),
        (Defect::GuessesWidth, Rule::UnknownWidth),
        (Defect::DropsARow, Rule::Works),
        (Defect::WritesLess, Rule::Works),
        (Defect::WritesAnother, Rule::Schema),
        (Defect::HidesDrops, Rule::KeepsRows),
        (Defect::SeesNeighbours, Rule::RowByRow),
        (Defect::Counts, Rule::Deterministic),
        (Defect::FirstPartition, Rule::Partitions),
        (Defect::SharesConfig, Rule::OneByOne),
        (Defect::LosesOne, Rule::OneByOne),
        (Defect::UndeclaredNeed, Rule::Needs),
        (Defect::NeedlessNeed, Rule::Needs),
        (Defect::Iterates, Rule::Needs),
        (Defect::WrongMap, Rule::Affine),
        (Defect::UndeclaredMap, Rule::Affine),
        (Defect::SaysGrouped, Rule::Groups),
        (Defect::ReadsMore, Rule::Works),
        (Defect::ForgetsFolds, Rule::Folds),
        (Defect::WithoutSharing, Rule::Sharing),
        (Defect::LosesState, Rule::Persistence),
        (Defect::LateCheck, Rule::ChecksFirst),
        (Defect::Panics, Rule::NoPanic),
        (Defect::NamesNothing, Rule::NamesColumn),
    ] {
        let found = check_estimator(&Centre::new().defect(defect), &sample_frame());
        let findings = found.expect_err("a defect");
        assert!(findings.breaks(rule), "{defect:?}: {findings}");
        assert!(findings.to_string().contains("test.centre"));
    }
}

/// The mean of `x`, or not.
#[derive(Debug, Clone, Params)]
struct Mean {
    /// What is wrong.
    #[param(default = "")]
    defect: String,
}

impl Evaluator for Mean {
    const NAME: &'static str = "test.mean";

    fn evaluate(&self, data: &Dataset) -> anyhow::Result<f64> {
        let moments = match (self.defect.as_str(), data.summarize::<Moments>(&MomentsSpec::new(["x"]))) {
            ("names nothing", Err(_)) => bail!("something is wrong"),
            (_, moments) => moments?,
        };
        match self.defect.as_str() {
            "counts" => Ok(FITS.fetch_add(1, Ordering::SeqCst) as f64),
            "is nan" => Ok(f64::NAN),
            "undeclared" => Ok(data.summarize::<Moments>(&MomentsSpec::new(["label"]))?.mean()[0]),
            "without sharing" if !data.is_sharing() => Ok(0.0),
            "tiles" => {
                let mut tiles = 0.0;
                data.for_each_tile(&["x"], |_| {
                    tiles += 1.0;
                    Ok(())
                })?;
                Ok(tiles)
            }
            "panics" => {
                assert!(moments.rows() > 0, "no rows");
                Ok(moments.mean()[0])
            }
            _ => Ok(moments.mean()[0]),
        }
    }

    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<anyhow::Result<f64>> {
        let of = |data: &Dataset| if self.defect == "first" { &predictions[0] } else { data }.clone();
        predictions.iter().map(|data| self.evaluate(&of(data))).collect()
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        if self.defect != "late" {
            let found = schema.require("x")?.column_type();
            ensure!(found == ColumnType::F64, "column `x` is {found}");
        }
        Ok(())
    }

    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        EvaluationPlan::opaque().derive::<Moments>(MomentsSpec::new(["x"]))
    }

    fn metric(&self) -> String {
        "mean".to_owned()
    }

    fn is_larger_better(&self) -> bool {
        true
    }
}

#[test]
fn defects_of_evaluators_are_found() {
    check_evaluator(&Mean::new(), &sample_frame()).unwrap();
    for (defect, rule) in [
        ("counts", Rule::Deterministic),
        ("is nan", Rule::Works),
        ("undeclared", Rule::Needs),
        ("without sharing", Rule::Sharing),
        ("tiles", Rule::Partitions),
        ("first", Rule::OneByOne),
        ("late", Rule::ChecksFirst),
        ("panics", Rule::NoPanic),
        ("names nothing", Rule::NamesColumn),
    ] {
        let found = rules(check_evaluator(&Mean::new().defect(defect), &sample_frame()));
        assert!(found.contains(&rule), "{defect}: {found:?}");
    }
}

#[test]
fn defects_of_summaries_are_found() {
    check_summary::<Count>(&0, &3, &sample_frame()).unwrap();
    assert!(rules(check_summary::<Count>(&1, &0, &sample_frame())).contains(&Rule::Merges));
    assert!(rules(check_summary::<Count>(&2, &0, &sample_frame())).contains(&Rule::Merges));
    assert_eq!(rules(check_summary::<Sparing>(&0, &0, &sample_frame())), [Rule::Persistence]);
}

#[derive(Debug)]
struct Halves(&'static str);

impl Splitter for Halves {
    fn split(&self, frame: &DataFrame, seed: u64) -> anyhow::Result<Split> {
        let rows = frame.num_rows();
        assert!(rows > 3 || self.0 != "panics", "too few rows");
        ensure!(rows > 3, "{rows} rows are too few");
        let fold = |i: usize| match self.0 {
            "random" => (FITS.fetch_add(1, Ordering::SeqCst) % 7 % 2) as u32,
            "partitions" => u32::from(i < frame.partitions()[0].num_rows() / 2),
            "empty" => 0,
            _ => u32::from((i as u64 + seed).is_multiple_of(2)),
        };
        let folds = Blocks::new((0..rows).map(fold).collect(), if self.0 == "empty" { 3 } else { 2 })?;
        Ok(Split::hold_out(folds, [1]))
    }

    fn num_rounds(&self) -> Option<usize> {
        Some(if self.0 == "announces" { 2 } else { 1 })
    }

    fn test_rows(&self, frame: &DataFrame, share: f64, _seed: u64) -> anyhow::Result<Vec<bool>> {
        let rows = frame.num_rows();
        let first = |rows: usize| (0..rows).map(move |row| row as f64 <= share * rows as f64);
        Ok(match self.0 {
            "all are test rows" => vec![true; rows],
            "test rows are missing" => first(rows.saturating_sub(1)).collect(),
            "test rows by partitions" => {
                frame.partitions().iter().flat_map(|partition| first(partition.num_rows())).collect()
            }
            "random test rows" => {
                let first = FITS.fetch_add(1, Ordering::SeqCst) as usize % 7;
                (0..rows).map(|row| row > first).collect()
            }
            _ => first(rows).collect(),
        })
    }
}

#[test]
fn defects_of_splitters_are_found() {
    check_splitter("halves", &Halves(""), &sample_frame()).unwrap();
    for (defect, rule) in [
        ("random", Rule::Deterministic),
        ("partitions", Rule::Partitions),
        ("empty", Rule::Covers),
        ("announces", Rule::Covers),
        ("panics", Rule::NoPanic),
        ("all are test rows", Rule::Covers),
        ("test rows are missing", Rule::Covers),
        ("test rows by partitions", Rule::Partitions),
        ("random test rows", Rule::Deterministic),
    ] {
        let found = rules(check_splitter("halves", &Halves(defect), &sample_frame()));
        assert!(found.contains(&rule), "{defect}: {found:?}");
    }
}

/// Scores all candidates on the first round, and the better half of them on all.
#[derive(Debug)]
struct BetterHalf(&'static str);

impl BetterHalf {
    /// All candidates on the first round, and one on the others as well.
    fn first(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let least = seen.candidates.len() + seen.rounds;
        let suffices = self.0 == "greedy" || seen.fits_left.is_none_or(|left| left >= least as u64);
        ensure!(suffices, "max_fits is too low");
        let shift = match self.0 {
            "counts" => FITS.fetch_add(1, Ordering::SeqCst) as usize,
            _ => 0,
        };
        let all = seen.candidates.len();
        let of = |place: usize| Trial::candidate((place + shift) % all).on([0]);
        Ok((0..all).map(of).collect())
    }
}

impl Strategy for BetterHalf {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let all = seen.candidates.len();
        match (self.0, seen.trials.len()) {
            ("cannot start", 0) => bail!("it cannot start"),
            ("stops at a failure", n) if n > 0 => {
                ensure!(seen.ranked(seen.trials).len() == all, "a candidate failed");
            }
            (_, 0) => return self.first(seen),
            ("endless", n) => return Ok(vec![Trial::new(luthier_core::ParamMap::new().with("k", n as i64))]),
            ("again", _) => return Ok(vec![Trial::candidate(0).on([0])]),
            ("another candidate", _) => return Ok(vec![Trial::candidate(all)]),
            ("another round", _) => return Ok(vec![Trial::candidate(0).on([seen.rounds])]),
            ("another pipeline", _) => return Ok(vec![Trial::of_pipeline(9, luthier_core::ParamMap::new())]),
            ("no round", _) => return Ok(vec![Trial::candidate(0).on([])]),
            ("partial", _) => return Ok(Vec::new()),
            ("part of the rows", n) if n == all => return Ok(vec![Trial::candidate(0).training_share(0.5)]),
            _ => {}
        }
        if seen.trials.is_empty() {
            return self.first(seen);
        }
        if seen.trials.len() != all || seen.rounds < 2 {
            return Ok(Vec::new());
        }
        let mut ranked = seen.ranked(seen.trials);
        let time = |candidate: &usize| seen.trials.get(*candidate).and_then(|trial| trial.rounds.first());
        match self.0 {
            "prefers the fast" => ranked.sort_by(|a, b| {
                let seconds = |candidate| time(candidate).map_or(0.0, |round| round.fit_seconds);
                seconds(a).total_cmp(&seconds(b))
            }),
            "unwraps" => {
                ranked.sort_by(|a, b| {
                    let metric = |candidate| time(candidate).map_or(0.0, |round| round.metric);
                    metric(a).partial_cmp(&metric(b)).unwrap()
                });
                assert_eq!(ranked.len(), all, "a candidate has no mean");
            }
            _ => {}
        }
        let affordable = match seen.fits_left {
            Some(left) if self.0 != "greedy" => (left / seen.rounds as u64) as usize,
            _ => all,
        };
        Ok(ranked.into_iter().take(all.div_ceil(2).min(affordable)).map(Trial::candidate).collect())
    }

    fn is_adaptive(&self) -> bool {
        self.0 != "hides that it adapts"
    }
}

/// Proposes values one after the other, and skips those that are known, wherever they come from.
#[derive(Debug)]
struct Skips;

impl Strategy for Skips {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let next = (0..6).map(|k| luthier_core::ParamMap::new().with("k", k));
        let new = next.filter(|params| seen.candidates.iter().all(|known| known.params != *params));
        Ok(new.take(2).map(Trial::new).collect())
    }

    fn lists_candidates(&self) -> bool {
        false
    }
}

#[test]
fn defects_of_strategies_are_found() {
    let grid = ParamGrid::new().add_by_name("k", [1, 2, 3, 4, 5, 6, 7, 8]);
    check_strategy("better half", &BetterHalf(""), &grid).unwrap();
    for (defect, rule) in [
        ("cannot start", Rule::Works),
        ("stops at a failure", Rule::Works),
        ("counts", Rule::Deterministic),
        ("prefers the fast", Rule::Deterministic),
        ("endless", Rule::Ends),
        ("again", Rule::Ends),
        ("another candidate", Rule::Exists),
        ("another round", Rule::Exists),
        ("another pipeline", Rule::Exists),
        ("no round", Rule::Exists),
        ("partial", Rule::Completes),
        ("part of the rows", Rule::Completes),
        ("greedy", Rule::Completes),
        ("hides that it adapts", Rule::Adapts),
        ("unwraps", Rule::NoPanic),
    ] {
        assert_eq!(rules(check_strategy("better half", &BetterHalf(defect), &grid)), [rule], "{defect}");
    }
    assert_eq!(rules(check_strategy("skips", &Skips, &grid)), [Rule::Deterministic]);
}

/// Runs tasks one after the other, and loses the third.
#[derive(Debug)]
struct Forgetful;

impl Executor for Forgetful {
    fn execute(&self, job: Arc<dyn Job>, _limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        (0..job.len()).filter(|task| *task != 2).for_each(|task| sink.report(task, job.run(task)));
        Ok(())
    }
}

/// Runs tasks one after the other, and drops the result of the one during which the job is cancelled.
#[derive(Debug)]
struct Hasty;

impl Executor for Hasty {
    fn execute(&self, job: Arc<dyn Job>, _limit: NonZeroUsize, sink: &dyn Sink) -> anyhow::Result<()> {
        for task in 0..job.len() {
            let result = run_task(&*job, task);
            job.cancel_token().check()?;
            sink.report(task, result);
        }
        Ok(())
    }

    fn capacity(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }
}

#[test]
fn defects_of_executors_are_found() {
    assert_eq!(rules(check_executor("hasty", Hasty)), [Rule::Cancels]);
    let found = rules(check_executor("forgetful", Forgetful));
    assert!(found.contains(&Rule::Reports), "{found:?}");
}
