//! The built-in strategies keep the contract, and what they do where it matters.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use luthier_core::{ParamMap, Value};
use luthier_testkit::check_strategy;
use luthier_tune::strategy::{
    Bayesian, Candidate, Grid, Halving, Racing, Random, Resource, Scores, Seen, Strategy, Trial, Wanted,
};
use luthier_tune::{FoldResult, ParamGrid, ParamRange};

fn grid() -> ParamGrid {
    ParamGrid::new()
        .add_by_name("lr.reg_param", [0.0, 0.001, 0.01, 0.1, 1.0, 10.0])
        .add_by_name("lr.solver", ["auto", "l-bfgs"])
        .add_by_name("pca.k", [2, 4, 8])
}

fn space() -> ParamGrid {
    ParamGrid::new()
        .range_by_name("lr.reg_param", ParamRange::log(1e-6, 1e3).unwrap())
        .range_by_name("pca.k", ParamRange::integers(1, 9).unwrap())
        .add_by_name("lr.fit_intercept", [true, false])
}

#[test]
fn built_in_strategies_keep_the_contract() {
    check_strategy("grid", &Grid::new(), &grid()).unwrap();
    check_strategy("random", &Random::new().max_candidates(12), &grid()).unwrap();
    check_strategy("random, ranges", &Random::new().max_candidates(12), &space()).unwrap();
    check_strategy("racing", &Racing::new(), &grid()).unwrap();
    check_strategy("racing, strict", &Racing::new().alpha(0.4).min_rounds(3), &grid()).unwrap();
    for factor in [1.3, 2.0, 3.0, 10.0] {
        let halving = || Halving::new().factor(factor);
        check_strategy("halving", &halving(), &grid()).unwrap();
        check_strategy("halving, rows", &halving().resource(Resource::Rows), &grid()).unwrap();
        let by_param = halving().resource(Resource::Param).param("lr.max_iter".to_owned());
        check_strategy("halving, param", &by_param.clone().max_value(100), &grid()).unwrap();
        check_strategy("halving, few values", &by_param.max_value(3), &grid()).unwrap();
    }
    check_strategy("halving, share", &Halving::new().min_share(0.3), &grid()).unwrap();
}

#[test]
fn bayesian_search_keeps_the_contract() {
    check_strategy("bayesian", &Bayesian::new().max_candidates(20).initial(6), &space()).unwrap();
    check_strategy("bayesian, one at a time", &Bayesian::new().max_candidates(12).batch(1), &grid()).unwrap();
    // More candidates than combinations.
    let united =
        grid().union(ParamGrid::new().range_by_name("lr.reg_param", ParamRange::log(0.1, 9.0).unwrap()));
    check_strategy("bayesian, union", &Bayesian::new().max_candidates(15).initial(5), &united).unwrap();
    let few = ParamGrid::new().add_by_name("pca.k", [1, 2, 3, 4, 5]);
    check_strategy("bayesian, few", &Bayesian::new().initial(2).batch(9), &few).unwrap();
    let listed = ParamGrid::from_maps([1, 2, 3].map(|k| ParamMap::new().with("pca.k", k)));
    check_strategy("bayesian, list", &Bayesian::new().initial(1), &listed).unwrap();
}

/// Runs a strategy over candidates that it proposes; `reduced` says which of the parameters matter, as a search does.
fn run(
    strategy: &dyn Strategy,
    grids: &[ParamGrid],
    reduced: impl Fn(usize, &ParamMap) -> ParamMap,
    loss: impl Fn(&Candidate) -> f64,
) -> (Vec<Candidate>, Vec<Scores>) {
    let (mut candidates, mut scores): (Vec<Candidate>, Vec<Scores>) = Default::default();
    loop {
        let mut seen = Seen::new(&candidates, grids, 1);
        (seen.trials, seen.seed) = (&scores, 5);
        let trials: Vec<Trial> = strategy.propose(&seen).unwrap();
        if trials.is_empty() {
            return (candidates, scores);
        }
        let before = candidates.len();
        for trial in trials {
            let Wanted::Params(pipeline, params) = &trial.what else { panic!("{trial:?}") };
            let candidate = Candidate::new(*pipeline, reduced(*pipeline, params));
            let place = candidates.iter().position(|known| *known == candidate).unwrap_or_else(|| {
                candidates.push(candidate.clone());
                candidates.len() - 1
            });
            let metric = loss(&candidate);
            scores.push(Scores::new(trial, place, vec![FoldResult { metric, ..FoldResult::default() }]));
        }
        assert!(candidates.len() > before, "a proposal brings something new");
    }
}

#[test]
fn a_bayesian_search_scores_all_of_few_combinations() {
    let grids = [ParamGrid::new().add_by_name("a", 0..6).add_by_name("b", 0..4)];
    let strategy = Bayesian::new().initial(3).max_candidates(60);
    let sum = |candidate: &Candidate| {
        candidate
            .params
            .iter()
            .map(|(_, value)| if let Value::Int(v) = value { *v as f64 } else { 0.0 })
            .sum()
    };
    let (candidates, scores) = run(&strategy, &grids, |_, params| params.clone(), sum);
    assert_eq!((candidates.len(), scores.len()), (24, 24));
}

#[test]
fn a_bayesian_search_does_not_propose_values_that_do_not_matter_again() {
    // `k` matters for one of two exchanged stages only.
    let grids = [ParamGrid::new()
        .add_by_name("stage.type", ["pca", "scaler"])
        .range_by_name("stage.k", ParamRange::integers(1, 1000).unwrap())];
    let is_pca = |params: &ParamMap| params.get("stage.type") == Some(&Value::from("pca"));
    let reduced = |_, params: &ParamMap| match is_pca(params) {
        true => params.clone(),
        false => ParamMap::new().with("stage.type", "scaler"),
    };
    let loss = |candidate: &Candidate| match candidate.params.get("stage.k") {
        Some(Value::Int(k)) => (*k as f64 - 700.0).abs(),
        _ => 0.0, // The scaler is best, so it is what would be asked for again and again.
    };
    let (candidates, scores) = run(&Bayesian::new().initial(4).max_candidates(30), &grids, reduced, loss);
    assert!(candidates.iter().any(|candidate| !is_pca(&candidate.params)));
    // Random candidates may repeat it, and those that are proposed at the same time.
    let scalers = scores.iter().filter(|scores| !is_pca(&candidates[scores.candidate].params)).count();
    assert!(scalers <= 4 && scores.len() == 30, "{scalers} of {}", scores.len());
}

#[test]
fn a_bayesian_search_learns_in_each_part_of_a_union_and_each_pipeline() {
    // The parts have addresses in common: a candidate of the second has one parameter, not two.
    let united = ParamGrid::new()
        .range_by_name("a", ParamRange::uniform(0.0, 1.0).unwrap())
        .range_by_name("b", ParamRange::uniform(0.0, 1.0).unwrap())
        .union(ParamGrid::new().range_by_name("a", ParamRange::uniform(0.0, 1.0).unwrap()));
    let grids = [united, ParamGrid::new().range_by_name("c", ParamRange::log(1e-4, 1e4).unwrap())];
    let of = |candidate: &Candidate, name: &str| match candidate.params.get(name) {
        Some(Value::Float(value)) => Some(*value),
        _ => None,
    };
    // The best is in the second part of the first pipeline.
    let loss = |candidate: &Candidate| match (of(candidate, "a"), of(candidate, "b"), of(candidate, "c")) {
        (Some(a), None, _) => (a - 0.3).abs(),
        (Some(a), Some(b), _) => 1.0 + a + b,
        (.., Some(c)) => 2.0 + c.ln().abs(),
        _ => panic!("{candidate:?}"),
    };
    let (candidates, _) = run(&Bayesian::new().max_candidates(60), &grids, |_, params| params.clone(), loss);
    let second = |candidate: &&Candidate| candidate.pipeline == 0 && candidate.params.len() == 1;
    let later = &candidates[15..];
    assert!(later.iter().filter(second).count() > later.len() / 2, "{candidates:?}");
    assert!(candidates.iter().map(loss).fold(f64::INFINITY, f64::min) < 0.02);
}

#[test]
fn limits_are_kept_with_something_to_choose_from() {
    let candidates: Vec<Candidate> =
        grid().build().unwrap().into_iter().map(|params| Candidate::new(0, params)).collect();
    let grids = [grid()];
    for strategy in [&Halving::new() as &dyn Strategy, &Racing::new()] {
        let mut seen = Seen::new(&candidates, &grids, 9);
        seen.fits_left = Some(43);
        let error = strategy.propose(&seen).unwrap_err().to_string();
        assert!(error.contains("at least 44 pairs") && error.contains("allows for 43"), "{error}");
        seen.fits_left = Some(44);
        assert_eq!(strategy.propose(&seen).unwrap().len(), 36);
    }
}
