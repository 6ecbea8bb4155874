//! The strategy keeps the contract, and finds what it says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use acme_strategy::OneAtATime;
use luthier_testkit::check_strategy;
use luthier_tune::core::{ParamMap, Params, Value, registry};
use luthier_tune::strategy::{Candidate, Scores, Seen, Wanted};
use luthier_tune::{FoldResult, ParamGrid, ParamRange, Strategy, StrategyEntry};

fn grid() -> ParamGrid {
    ParamGrid::new().add_by_name("a", 0..6).add_by_name("b", 0..5).add_by_name("c", 0..9)
}

#[test]
fn it_keeps_the_contract_of_strategies() {
    check_strategy("one at a time", &OneAtATime::new(), &grid()).unwrap();
    let space = ParamGrid::new()
        .range_by_name("lr.reg_param", ParamRange::log(1e-4, 1.0).unwrap())
        .range_by_name("pca.k", ParamRange::integers(2, 5).unwrap());
    check_strategy("ranges", &OneAtATime::new(), &space).unwrap();
    check_strategy("union", &OneAtATime::new().max_sweeps(1), &space.union(grid())).unwrap();
}

/// Runs it on metrics that are made up, of which smaller ones are better; returns the candidates with them.
fn run(strategy: &OneAtATime, grid: ParamGrid, metric: impl Fn(&[f64]) -> f64) -> Vec<(Vec<f64>, f64)> {
    let grids = [grid];
    let (mut candidates, mut scores): (Vec<Candidate>, Vec<Scores>) = Default::default();
    loop {
        let mut seen = Seen::new(&candidates, &grids, 1);
        seen.trials = &scores;
        let trials = strategy.propose(&seen).unwrap();
        if trials.is_empty() {
            break;
        }
        for trial in trials {
            let Wanted::Params(0, params) = &trial.what else { panic!("{trial:?}") };
            let round = FoldResult { metric: metric(&numbers(params)), ..FoldResult::default() };
            let candidate = candidates.len();
            candidates.push(Candidate::new(0, params.clone()));
            scores.push(Scores::new(trial, candidate, vec![round]));
        }
    }
    let of = |scores: &Scores| (numbers(&candidates[scores.candidate].params), scores.rounds[0].metric);
    scores.iter().map(of).collect()
}

fn numbers(params: &ParamMap) -> Vec<f64> {
    let number = |(_, value): (&str, &Value)| match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        other => panic!("{other:?}"),
    };
    params.iter().map(number).collect()
}

#[test]
fn it_finds_the_best_of_a_grid_with_few_candidates() {
    let metric = |at: &[f64]| {
        (at[0] - 4.0).powi(2) + (at[1] - 1.0).abs() + (at[2] - 7.0).powi(2) + 0.2 * at[0] * at[1]
    };
    let scored = run(&OneAtATime::new(), grid(), metric);
    let best = scored.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    // The best of all 270.
    let all = (0..6).flat_map(|a| (0..5).flat_map(move |b| (0..9).map(move |c| [a, b, c].map(f64::from))));
    let least = all.map(|at| metric(&at)).fold(f64::INFINITY, f64::min);
    assert_eq!(best.1, least);
    assert!(scored.len() <= 2 * (6 + 5 + 9), "{} candidates", scored.len());
}

#[test]
fn it_ends_where_nothing_gets_better() {
    // One sweep, in which the middle belongs to each of the three lists of values.
    assert_eq!(run(&OneAtATime::new(), grid(), |_| 0.5).len(), 6 + 5 + 9 - 2);
    assert_eq!(run(&OneAtATime::new(), ParamGrid::new(), |_| 0.5).len(), 1);
    // Failed candidates are worse than any other: here all but one.
    let only = |at: &[f64]| if at == [3.0, 2.0, 8.0] { 1.0 } else { f64::NAN };
    let scored = run(&OneAtATime::new(), grid(), only);
    assert!(scored.iter().any(|(at, metric)| at == &[3.0, 2.0, 8.0] && *metric == 1.0), "{scored:?}");
}

#[test]
fn a_range_stands_for_some_values() {
    let range = |range: ParamRange| ParamGrid::new().range_by_name("x", range);
    let values = |grid| run(&OneAtATime::new().steps(5), grid, |at| at[0]).into_iter().map(|one| one.0[0]);
    let found: Vec<f64> = values(range(ParamRange::log(0.01, 100.0).unwrap())).collect();
    for (found, expected) in found.iter().zip([0.01, 0.1, 1.0, 10.0, 100.0]) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} against {expected}");
    }
    let few: Vec<f64> = values(range(ParamRange::integers(2, 4).unwrap())).collect();
    assert_eq!(few, [2.0, 3.0, 4.0]);
}

#[test]
fn it_has_a_name_and_parameters() {
    let entry: StrategyEntry = registry::find("acme.one_at_a_time").unwrap();
    assert!(entry.create(&[("max_sweeps".to_owned(), 3.into())]).unwrap().is_adaptive());
    let message = entry.create(&[("max_sweeps".to_owned(), 0.into())]).err().unwrap().to_string();
    assert!(message.contains("acme.one_at_a_time") && message.contains("max_sweeps"), "{message}");
    assert!(OneAtATime::new().steps(1).validate().is_err());
}
