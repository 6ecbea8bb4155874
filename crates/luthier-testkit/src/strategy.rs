//! Conformance of strategies.

use std::collections::{BTreeMap, BTreeSet};

use luthier_core::{ParamMap, catch_panic, scramble};
use luthier_tune::strategy::{Candidate, Scores, Seen, Strategy, Trial, Wanted};
use luthier_tune::{FoldResult, Outcome, ParamGrid};

use crate::findings::{Finding, Findings, Rule};

/// A strategy that proposes more often than this, or more pairs of a candidate and a round, does not end.
const MOST_PROPOSALS: usize = 2_000;
const MOST_PAIRS: u64 = 200_000;

/// Checks the whole contract of a strategy on a grid for which it can be used, without fitting anything: metrics are made up, some
/// of them equal, undefined or infinite, and some candidates fail. The searches have one to nine rounds, one pipeline or two, one
/// candidate or all, and limits of fits.
///
/// An error in place of the first proposal is no finding, except on the given grid with five rounds: a strategy may need several
/// rounds or candidates, or a higher limit.
///
/// ```
/// use luthier_testkit::check_strategy;
/// use luthier_tune::ParamGrid;
/// use luthier_tune::strategy::Racing;
///
/// let grid = ParamGrid::new().add_by_name("lr.reg_param", [0.01, 0.1, 1.0]).add_by_name("pca.k", [2, 4, 8]);
/// check_strategy("racing", &Racing::new(), &grid)?;
/// # Ok::<(), luthier_testkit::Findings>(())
/// ```
///
/// # Errors
/// The list of broken rules with details.
pub fn check_strategy(name: &str, strategy: &dyn Strategy, grid: &ParamGrid) -> Result<(), Findings> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut push = |rule, what| {
        // One example of each broken rule says enough.
        if findings.iter().all(|known| known.rule != rule) {
            findings.push(Finding { rule, what });
        }
    };
    let base = Scene::new("", grid, 5, Surface::Equal);
    let in_all = match play(strategy, &base) {
        Ok(played) if played.refusal.is_some() => {
            let why = played.refusal.unwrap_or_default();
            push(Rule::Works, why);
            None
        }
        Ok(played) if played.scores.is_empty() => {
            push(Rule::Works, "it proposes nothing".to_owned());
            None
        }
        Ok(played) => Some(played.spent),
        Err(finding) => {
            push(finding.rule, finding.what);
            // Whatever does not end here takes its time everywhere.
            None
        }
    };
    for scene in in_all.into_iter().flat_map(|in_all| scenes(grid, in_all)) {
        if let Err(finding) = play(strategy, &scene) {
            let is_endless = finding.rule == Rule::Ends;
            push(finding.rule, format!("{}{}", scene.words, finding.what));
            if is_endless {
                break;
            }
        }
    }
    Findings::check(name, findings)
}

/// Metrics that are made up.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Surface {
    /// All are equal.
    Equal,
    /// They have nothing to do with each other.
    Random,
    /// Each candidate has its own, with some noise on each round.
    Noisy,
    /// The candidates that are known first have smaller ones, without noise.
    Ascending,
    /// Some are infinite, with either sign, so that some means are undefined.
    Infinite,
    /// Some candidates fail, a few of them on later rounds.
    SomeFail,
    /// All candidates fail.
    AllFail,
    /// Some are undefined.
    SomeUndefined,
    /// All are undefined.
    AllUndefined,
}

impl Surface {
    /// Whether every candidate has a mean on any rounds.
    fn is_complete(self) -> bool {
        matches!(self, Self::Equal | Self::Random | Self::Noisy | Self::Ascending)
    }

    fn score(self, candidate: usize, key: &str, round: usize) -> FoldResult {
        let of_candidate = key.bytes().fold(7, |state, byte| scramble(state ^ u64::from(byte)));
        let of_pair = scramble(of_candidate ^ scramble(round as u64));
        let share = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
        let scored = |metric: f64| (Outcome::Scored, metric);
        let (outcome, metric) = match self {
            Self::Equal => scored(0.5),
            Self::Random => scored(share(of_pair) - 0.5),
            Self::Noisy => scored(share(of_candidate) + 0.1 * share(of_pair)),
            Self::Ascending => scored(candidate as f64),
            Self::Infinite if of_pair.is_multiple_of(5) => scored(f64::INFINITY),
            Self::Infinite if of_pair.is_multiple_of(7) => scored(f64::NEG_INFINITY),
            Self::AllFail => (Outcome::Failed, f64::NAN),
            Self::SomeFail if of_candidate.is_multiple_of(3) || (round > 0 && of_pair.is_multiple_of(9)) => {
                (Outcome::Failed, f64::NAN)
            }
            Self::SomeUndefined if of_candidate.is_multiple_of(4) || of_pair.is_multiple_of(3) => {
                scored(f64::NAN)
            }
            Self::AllUndefined => scored(f64::NAN),
            _ => scored(share(of_candidate)),
        };
        FoldResult { fold: round as u32, outcome, metric, ..FoldResult::default() }
    }
}

/// A search.
#[derive(Debug, Clone)]
struct Scene {
    /// What it is, for findings.
    words: String,
    grids: Vec<ParamGrid>,
    rounds: usize,
    larger_is_better: bool,
    limit: Option<u64>,
    surface: Surface,
}

impl Scene {
    fn new(words: impl Into<String>, grid: &ParamGrid, rounds: usize, surface: Surface) -> Self {
        let grids = vec![grid.clone()];
        Self { words: words.into(), grids, rounds, larger_is_better: false, limit: None, surface }
    }
}

/// Searches of all kinds. `in_all` is the number of pairs that are scored in one without a limit.
fn scenes(grid: &ParamGrid, in_all: u64) -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (surface, words) in [
        (Surface::Equal, "with equal metrics"),
        (Surface::Random, "with random metrics"),
        (Surface::Noisy, "with metrics that vary between rounds"),
        (Surface::Ascending, "with ascending metrics"),
        (Surface::Infinite, "with infinite metrics"),
        (Surface::SomeFail, "where some candidates fail"),
        (Surface::AllFail, "where all candidates fail"),
        (Surface::SomeUndefined, "where some metrics are undefined"),
        (Surface::AllUndefined, "where all metrics are undefined"),
    ] {
        for larger_is_better in [false, true] {
            let better = if larger_is_better { "larger" } else { "smaller" };
            let words = format!("{words}, {better} is better: ");
            scenes.push(Scene { larger_is_better, ..Scene::new(words, grid, 5, surface) });
        }
    }
    for rounds in [1, 2, 9] {
        scenes.push(Scene::new(format!("with {rounds} rounds: "), grid, rounds, Surface::Noisy));
    }
    let two = vec![grid.clone(), grid.clone()];
    scenes.push(Scene { grids: two, ..Scene::new("with two pipelines: ", grid, 5, Surface::Noisy) });
    if let Some(one) = grid.clone().draw(1).build_with(SEED).ok().and_then(|drawn| drawn.into_iter().next()) {
        scenes.push(Scene::new("with one candidate: ", &ParamGrid::from_maps([one]), 5, Surface::Noisy));
    }
    let limits = (1..=4).map(|quarter| in_all * quarter / 4).chain([1, 4, 5, 6, in_all.saturating_sub(1)]);
    for limit in limits.collect::<BTreeSet<u64>>() {
        let words = format!("with a limit of {limit} pairs of a candidate and a round: ");
        scenes.push(Scene { limit: Some(limit), ..Scene::new(words, grid, 5, Surface::Noisy) });
    }
    scenes
}

const SEED: u64 = 11;

/// What a search has come to.
#[derive(Debug, Default)]
struct Played {
    /// The error in place of the first proposal.
    refusal: Option<String>,
    candidates: Vec<Candidate>,
    scores: Vec<Scores>,
    spent: u64,
}

/// What was known at a proposal, and what was proposed.
struct Asked {
    candidates: usize,
    scores: usize,
    left: Option<u64>,
    trials: Vec<Trial>,
}

fn finding(rule: Rule, what: impl Into<String>) -> Finding {
    Finding { rule, what: what.into() }
}

/// A proposal, or the error in place of one.
fn propose(
    strategy: &dyn Strategy,
    scene: &Scene,
    candidates: &[Candidate],
    scores: &[Scores],
    left: Option<u64>,
) -> Result<Result<Vec<Trial>, String>, Finding> {
    let mut seen = Seen::new(candidates, &scene.grids, scene.rounds);
    (seen.trials, seen.larger_is_better, seen.seed, seen.fits_left) =
        (scores, scene.larger_is_better, SEED, left);
    let proposed = catch_panic("strategy", || Ok(strategy.propose(&seen)));
    match proposed {
        Ok(proposed) => Ok(proposed.map_err(|error| format!("{error:#}"))),
        Err(panic) => Err(finding(Rule::NoPanic, panic.to_string())),
    }
}

/// Runs a search as `luthier-tune` does, with metrics that are made up, and checks every proposal.
fn play(strategy: &dyn Strategy, scene: &Scene) -> Result<Played, Finding> {
    let mut played = Played { candidates: listed(strategy, scene)?, ..Played::default() };
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (place, candidate) in played.candidates.iter().enumerate() {
        known.entry(key_of(candidate)).or_insert(place);
    }
    let (mut asked, mut pairs): (Vec<Asked>, BTreeSet<String>) = Default::default();
    loop {
        let left = scene.limit.map(|limit| limit.saturating_sub(played.spent));
        let trials = match propose(strategy, scene, &played.candidates, &played.scores, left)? {
            Ok(trials) => trials,
            Err(refusal) if asked.is_empty() => {
                return Ok(Played { refusal: Some(refusal), ..Played::default() });
            }
            Err(error) => return Err(finding(Rule::Works, format!("after the first proposal: {error}"))),
        };
        let retold: Vec<Scores> = played.scores.iter().map(took_longer).collect();
        let again = propose(strategy, scene, &played.candidates.clone(), &retold, left)?;
        if !is_same(again.as_ref().ok(), &trials) {
            let what = "asked twice with the same scores, but other times, it proposes something else";
            return Err(finding(Rule::Deterministic, what));
        }
        check_existence(&trials, scene, played.candidates.len())?;
        let wanted: u64 = trials.iter().map(|trial| rounds_of(trial, scene).len() as u64).sum();
        let was_asked = !asked.is_empty();
        let (candidates, scores) = (played.candidates.len(), played.scores.len());
        asked.push(Asked { candidates, scores, left, trials: trials.clone() });
        if !strategy.is_adaptive() && was_asked && !trials.is_empty() {
            let what = "`is_adaptive` returns false, so it is asked once, but it has more to propose once it has seen scores";
            return Err(finding(Rule::Adapts, what));
        }
        let exceeds = left.is_some_and(|left| wanted > left);
        if trials.is_empty() || (exceeds && strategy.is_adaptive()) {
            break;
        }
        if exceeds {
            // The search refuses a strategy that is not adaptive before anything is fitted.
            return Ok(played);
        }
        let before = pairs.len();
        for trial in trials {
            let candidate = match &trial.what {
                Wanted::Known(candidate) => *candidate,
                Wanted::Params(pipeline, params) => {
                    let new = Candidate::new(*pipeline, params.clone());
                    let next = played.candidates.len();
                    let place = *known.entry(key_of(&new)).or_insert(next);
                    if place == next {
                        played.candidates.push(new);
                    }
                    place
                }
            };
            let what = played.candidates.get(candidate).map(key_of).unwrap_or_default();
            let key = format!("{what} {:?} {:?}", trial.instead, trial.training_share);
            let rounds = rounds_of(&trial, scene);
            pairs.extend(rounds.iter().map(|round| format!("{key} {round}")));
            let scored = rounds.into_iter().map(|round| scene.surface.score(candidate, &key, round));
            let scores = Scores::new(trial, candidate, scored.collect());
            played.spent += scores.rounds.len() as u64;
            played.scores.push(scores);
        }
        if pairs.len() == before {
            let what = "it proposes nothing but what has been scored, so it never ends";
            return Err(finding(Rule::Ends, what));
        }
        if asked.len() > MOST_PROPOSALS || played.spent > MOST_PAIRS {
            let what =
                format!("it still proposes after {} proposals of {} pairs in all", asked.len(), played.spent);
            return Err(finding(Rule::Ends, what));
        }
    }
    check_memory(strategy, scene, &played, &asked)?;
    if scene.surface.is_complete() && !is_complete(&played, scene.rounds) && !played.candidates.is_empty() {
        let what = format!(
            "no candidate is scored on all {} rounds with all training rows and its own parameters",
            scene.rounds
        );
        return Err(finding(Rule::Completes, what));
    }
    Ok(played)
}

/// The candidates that are known before anything is proposed.
fn listed(strategy: &dyn Strategy, scene: &Scene) -> Result<Vec<Candidate>, Finding> {
    let mut listed = Vec::new();
    for (pipeline, grid) in scene.grids.iter().enumerate().filter(|_| strategy.lists_candidates()) {
        let maps = grid.build_with(SEED).map_err(|error| finding(Rule::Works, error.to_string()))?;
        listed.extend(maps.into_iter().map(|params| Candidate::new(pipeline, params)));
    }
    Ok(listed)
}

fn key_of(candidate: &Candidate) -> String {
    format!("{} {:?}", candidate.pipeline, candidate.params)
}

fn rounds_of(trial: &Trial, scene: &Scene) -> Vec<usize> {
    trial.rounds.clone().unwrap_or_else(|| (0..scene.rounds).collect())
}

/// NaN is not equal to itself, but it is written alike.
fn is_same(found: Option<&Vec<Trial>>, expected: &Vec<Trial>) -> bool {
    found.is_some_and(|found| found == expected || format!("{found:?}") == format!("{expected:?}"))
}

/// The same scores from a busier machine.
fn took_longer(scores: &Scores) -> Scores {
    let slower = |round: &FoldResult| FoldResult {
        fit_seconds: 1e3 / (1.0 + scores.candidate as f64),
        score_seconds: 7.0,
        reused_fits: 3,
        ..round.clone()
    };
    let rounds = scores.rounds.iter().map(slower).collect();
    Scores::new(scores.trial.clone(), scores.candidate, rounds)
}

fn check_existence(trials: &[Trial], scene: &Scene, candidates: usize) -> Result<(), Finding> {
    for trial in trials {
        let rounds = scene.rounds;
        let what = match &trial.what {
            Wanted::Known(candidate) if *candidate >= candidates => {
                format!("it proposes candidate {candidate}, but there are {candidates}, numbered from 0")
            }
            Wanted::Params(pipeline, _) if *pipeline >= scene.grids.len() => {
                format!(
                    "it proposes pipeline {pipeline}, but there are {}, numbered from 0",
                    scene.grids.len()
                )
            }
            _ => match rounds_of(trial, scene).into_iter().find(|round| *round >= rounds) {
                Some(round) => {
                    format!("it asks for round {round}, but there are {rounds}, numbered from 0")
                }
                None if rounds_of(trial, scene).is_empty() => "it proposes a trial on no round".to_owned(),
                None => continue,
            },
        };
        return Err(finding(Rule::Exists, what));
    }
    Ok(())
}

/// What a trial asks for, whether its candidate was known or not.
fn meaning(trial: &Trial, candidates: &[Candidate]) -> String {
    let of = match &trial.what {
        Wanted::Known(candidate) => candidates.get(*candidate).map(key_of).unwrap_or_default(),
        Wanted::Params(pipeline, params) => format!("{pipeline} {params:?}"),
    };
    let instead: &ParamMap = &trial.instead;
    format!("{of} {:?} {:?} {instead:?}", trial.rounds, trial.training_share)
}

/// Asks everything again, from the end to the beginning: a strategy that remembers what it proposed cannot be resumed.
fn check_memory(
    strategy: &dyn Strategy,
    scene: &Scene,
    played: &Played,
    asked: &[Asked],
) -> Result<(), Finding> {
    for Asked { candidates, scores, left, trials } in asked.iter().rev() {
        let (scores, all) = (&played.scores[..*scores], &played.candidates[..]);
        let now = propose(strategy, scene, &all[..*candidates], scores, *left)?;
        if !is_same(now.as_ref().ok(), trials) {
            let what = "asked again with the scores of an earlier proposal, it proposes something else: it remembers, or counts";
            return Err(finding(Rule::Deterministic, what));
        }
        // The rounds of nested cross-validation have the candidates in common, but not the scores.
        let nested = propose(strategy, scene, all, scores, *left)?;
        let meant = |trials: &[Trial]| trials.iter().map(|trial| meaning(trial, all)).collect::<Vec<_>>();
        if nested.as_ref().ok().map(|trials| meant(trials)) != Some(meant(trials)) {
            let what = "candidates that were proposed for other rounds, as in nested cross-validation, change what it proposes";
            return Err(finding(Rule::Deterministic, what));
        }
    }
    Ok(())
}

/// Whether a candidate was scored on all rounds, as itself.
fn is_complete(played: &Played, rounds: usize) -> bool {
    let mut scored: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
    for scores in played.scores.iter().filter(|scores| scores.trial.is_full()) {
        scored.entry(scores.candidate).or_default().extend(scores.rounds.iter().map(|round| round.fold));
    }
    scored.values().any(|scored| scored.len() == rounds)
}
