//! Strategies: what they ask for, what they find, and what happens to those that lie.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use luthier::core::{ParamMap, Value};
use luthier::prelude::*;
use luthier::tune::strategy::{Bayesian, Grid, Halving, Racing, Random, Resource, Seen, Trial};
use luthier::tune::{Error, KFold, Nested, Observer, Outcome, Search, SearchEvent, SearchResult, Strategy};

use crate::data::{metric, pca_and_regression, scene};

fn search(folds: u32) -> CrossValidator<Pipeline> {
    let (pipeline, grid) = pca_and_regression(&[1, 2, 4, 6, 8, 9], &[0.0, 0.1, 1.0, 10.0, 100.0]);
    CrossValidator::new(pipeline, grid, metric(RegressionMetric::Rmse)).num_folds(folds).seed(3)
}

/// The bits of every metric that was scored, and the candidate that was chosen.
fn bits(result: &SearchResult) -> (usize, Vec<Vec<(Outcome, u64)>>) {
    let folds = |candidate: &luthier::tune::CandidateResult| {
        candidate.folds.iter().map(|fold| (fold.outcome, fold.metric.to_bits())).collect()
    };
    (result.best, result.candidates.iter().map(folds).collect())
}

#[test]
fn halving_asks_for_what_it_says_and_finds_the_best() {
    let data = scene(300, 10, 2);
    let all = search(9).fit(&data).unwrap();
    let few = search(9).strategy(Halving::new()).fit(&data).unwrap();
    // 30 candidates on 1 fold, 10 on 3, 4 on 9.
    let evaluations = 30 + 10 * 2 + 4 * 6;
    assert_eq!(few.result().work.evaluations, evaluations);
    assert_eq!(few.result().forecast.work.evaluations, evaluations);
    // How many of the candidates that go on share their first stage depends on the scores.
    assert!(few.result().forecast.is_approximate);
    assert_eq!(few.result().work.rows_read, 300, "the summaries of all folds are kept");
    let explained = search(9).strategy(Halving::new()).explain(&data).unwrap();
    assert!(explained.contains("halving") && explained.contains("scores 74 pairs"), "{explained}");
    assert_eq!(few.result().best, all.result().best);
    for (a, b) in few.result().candidates.iter().zip(&all.result().candidates) {
        for (a, b) in a.folds.iter().zip(&b.folds) {
            match a.outcome {
                Outcome::Scored => assert_eq!(a.metric.to_bits(), b.metric.to_bits()),
                outcome => assert_eq!(outcome, Outcome::Pruned),
            }
        }
    }
}

#[test]
fn halving_by_rows_and_by_a_parameter_rank_only_what_has_all_resources() {
    let data = scene(300, 10, 2);
    let rows = search(9).strategy(Halving::new().resource(Resource::Rows)).fit(&data).unwrap();
    let complete = |result: &SearchResult| result.candidates.iter().filter(|c| c.scored_folds == 9).count();
    // 30 candidates on 3 of the 8 blocks of training rows, 10 on all: a ninth of 8 blocks is less than one.
    assert_eq!((complete(rows.result()), rows.result().work.evaluations), (10, (30 + 10) * 9));
    let (pipeline, grid) = pca_and_regression(&[4], &[0.1, 1.0, 10.0, 100.0]);
    let by_param = CrossValidator::new(pipeline, grid, metric(RegressionMetric::Rmse)).strategy(
        Halving::new().factor(2.0).resource(Resource::Param).param("lr.max_iter".to_owned()).max_value(100),
    );
    let tuned = by_param.fit(&data).unwrap();
    // 4 candidates with 25 iterations, 2 with 50, 1 with all.
    assert_eq!((complete_of(tuned.result(), 3), tuned.result().candidates.len()), (1, 4));
    assert_eq!(tuned.result().work.evaluations, (4 + 2 + 1) * 3);
    assert!(tuned.result().candidates[tuned.result().best].params.get("lr.max_iter").is_none());
}

fn complete_of(result: &SearchResult, folds: usize) -> usize {
    result.candidates.iter().filter(|candidate| candidate.scored_folds == folds).count()
}

#[test]
fn racing_drops_what_is_worse_and_keeps_within_its_limit() {
    let data = scene(400, 10, 2);
    let all = search(10).fit(&data).unwrap();
    let raced = search(10).strategy(Racing::new()).fit(&data).unwrap();
    assert!(raced.result().work.evaluations < all.result().work.evaluations * 3 / 4);
    assert_eq!(raced.result().best, all.result().best);
    let limited = search(10).strategy(Racing::new()).max_fits(75).fit(&data).unwrap();
    assert!(limited.result().work.evaluations <= 75, "{:?}", limited.result().work);
    assert!(complete_of(limited.result(), 10) >= 1);
}

#[test]
fn a_grid_that_exceeds_the_limit_is_refused_before_anything_is_fitted() {
    let error = search(10).max_fits(100).fit(&scene(100, 10, 2)).unwrap_err().to_string();
    assert!(error.contains("300 pairs") && error.contains("max_fits is 100"), "{error}");
}

fn space() -> CrossValidator<Pipeline> {
    let (pipeline, _) = pca_and_regression(&[4], &[0.1]);
    let grid = ParamGrid::new()
        .range_by_name("lr.reg_param", ParamRange::log(1e-6, 1e4).unwrap())
        .range_by_name("pca.k", ParamRange::integers(1, 9).unwrap())
        .add_by_name("lr.fit_intercept", [true, false]);
    CrossValidator::new(pipeline, grid, metric(RegressionMetric::Rmse)).seed(7)
}

#[test]
fn bayesian_and_random_search_stay_in_the_space_and_repeat() {
    let data = scene(200, 10, 2);
    for (name, result) in [
        ("bayesian", &|| {
            space().strategy(Bayesian::new().max_candidates(24)).fit(&data).unwrap() as TunedModel<_>
        }),
        ("random", &|| space().strategy(Random::new().max_candidates(24)).fit(&data).unwrap()),
    ] as [(&str, &dyn Fn() -> TunedModel<Pipeline>); 2]
    {
        let tuned = result();
        let result = tuned.result();
        assert_eq!(result.candidates.len(), 24, "{name}");
        assert!(result.strategy.starts_with(name), "{}", result.strategy);
        for candidate in &result.candidates {
            let Some(Value::Float(reg_param)) = candidate.params.get("lr.reg_param") else {
                panic!("{name}")
            };
            let Some(Value::Int(k)) = candidate.params.get("pca.k") else { panic!("{name}") };
            assert!((1e-6..=1e4).contains(reg_param) && (1..=9).contains(k));
            assert_eq!(candidate.scored_folds, 3);
        }
        assert_eq!(bits(result), bits(space_again(name, &data).result()), "{name}");
    }
}

fn space_again(name: &str, data: &DataFrame) -> TunedModel<Pipeline> {
    match name {
        "random" => {
            space().strategy(Random::new().max_candidates(24)).executor(Rayon::new()).fit(data).unwrap()
        }
        _ => space().strategy(Bayesian::new().max_candidates(24)).parallelism(3).unwrap().fit(data).unwrap(),
    }
}

#[test]
fn strategies_give_the_same_bits_on_any_executor() {
    let data = scene(200, 10, 3);
    let strategies: [fn(CrossValidator<Pipeline>) -> CrossValidator<Pipeline>; 3] = [
        |search| search.strategy(Halving::new()),
        |search| search.strategy(Racing::new()),
        |search| search.strategy(Halving::new().resource(Resource::Rows)),
    ];
    for strategy in strategies {
        let base = || strategy(search(6));
        let expected = base().executor(Serial::new()).fit(&data).unwrap();
        let others = [
            base().executor(ThreadPool::new()).parallelism(3).unwrap(),
            base().executor(Rayon::new()).parallelism(2).unwrap(),
        ];
        for other in others {
            let tuned = other.fit(&data).unwrap();
            assert_eq!(bits(tuned.result()), bits(expected.result()));
            assert_eq!(tuned.result().work, expected.result().work);
        }
        // Without sharing every number is computed the long way.
        let alone = base().sharing(Sharing::Off).fit(&data).unwrap();
        for (a, b) in alone.result().candidates.iter().zip(&expected.result().candidates) {
            for (a, b) in a.folds.iter().zip(&b.folds) {
                assert_eq!(a.outcome, b.outcome);
                assert!(a.metric.is_nan() || (a.metric - b.metric).abs() <= 1e-9 * b.metric.abs());
            }
        }
    }
}

#[test]
fn a_session_gives_piece_by_piece_what_a_search_gives_at_once() {
    let data = scene(240, 10, 2);
    let all = search(5).fit(&data).unwrap();
    let mut session = search(5).session(&data).unwrap();
    let mut order: Vec<(usize, usize)> = (0..30).flat_map(|c| (0..5).map(move |round| (c, round))).collect();
    // Some order that is neither by candidate nor by round.
    order.sort_by_key(|(c, round)| (c * 31 + round * 17) % 23);
    for some in order.chunks(7) {
        let trials: Vec<Trial> = some.iter().map(|&(c, round)| Trial::candidate(c).on([round])).collect();
        for (scores, &(candidate, round)) in session.evaluate(&trials).unwrap().iter().zip(some) {
            assert_eq!((scores.candidate, scores.rounds[0].fold), (candidate, round as u32));
        }
    }
    let result = session.result();
    assert_eq!(bits(&result), bits(all.result()));
    assert_eq!(result.work.rows_read, 240);
    // The refit is the only fit that the session has not done; a stage that is shared was fitted once per fold.
    let refit = 2;
    assert_eq!(result.work.fits, all.result().work.fits - refit);
    let model = session.fit(result.best).unwrap();
    let predictions = |model: &dyn luthier::core::DynModel| {
        model
            .transform(&data)
            .unwrap()
            .column_f64("prediction")
            .unwrap()
            .iter()
            .map(|y| y.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(predictions(model.as_ref()), predictions(all.model().as_ref()));
}

#[test]
fn trials_may_bring_their_own_parameters() {
    let data = scene(120, 10, 2);
    let mut session = search(3).session(&data).unwrap();
    let mine = ParamMap::new().with("pca.k", 3).with("lr.reg_param", 0.5);
    let scores =
        session.evaluate(&[Trial::new(mine.clone()), Trial::new(mine.clone()), Trial::candidate(0)]).unwrap();
    assert_eq!(scores.iter().map(|scores| scores.candidate).collect::<Vec<_>>(), [30, 30, 0]);
    assert_eq!(session.candidates()[30].params, mine);
    let known = session.candidates()[7].params.clone();
    assert_eq!(session.evaluate(&[Trial::new(known)]).unwrap()[0].candidate, 7);
    for (trial, words) in [
        (Trial::candidate(99), "no candidate 99"),
        (Trial::candidate(0).on([3]), "round 3"),
        (Trial::of_pipeline(2, ParamMap::new()), "no pipeline 2"),
        (Trial::new(ParamMap::new().with("pca.q", 3)), "q"),
        (Trial::new(ParamMap::new().with("pca.k", -3)), "-3"),
    ] {
        let error = session.evaluate(&[trial]).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

type Propose = fn(&Seen<'_>) -> anyhow::Result<Vec<Trial>>;

/// Proposes what it is told to.
#[derive(Debug)]
struct Liar(Propose);

impl Strategy for Liar {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        (self.0)(seen)
    }
}

#[test]
fn a_strategy_that_lies_is_named() {
    let data = scene(60, 10, 1);
    let cases: [(Propose, &str); 6] = [
        (|_| panic!("no idea"), "no idea"),
        (|_| anyhow::bail!("out of ideas"), "out of ideas"),
        (|_| Ok(vec![Trial::candidate(0).on([77])]), "round 77"),
        (|_| Ok(vec![Trial::candidate(1000)]), "no candidate 1000"),
        (|_| Ok(vec![Trial::candidate(0)]), "never end"),
        (|_| Ok(vec![Trial::new(ParamMap::new().with("nowhere.k", 1))]), "nowhere"),
    ];
    for (propose, words) in cases {
        let error = search(3).strategy(Liar(propose)).fit(&data).unwrap_err();
        assert!(matches!(error, Error::Strategy { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains("`Liar`") && message.contains(words), "{message}");
    }
    // One that proposes nothing has no scores.
    let error = search(3).strategy(Liar(|_| Ok(Vec::new()))).fit(&data).unwrap_err();
    assert!(matches!(error, Error::NoMetric { .. }), "{error:?}");
}

#[derive(Debug, Default)]
struct Log {
    finished: AtomicUsize,
    scores: AtomicUsize,
    order: std::sync::Mutex<Vec<&'static str>>,
}

impl Observer for Log {
    fn on_event(&self, event: &SearchEvent) {
        let name = match event {
            SearchEvent::Planned { .. } => "planned",
            SearchEvent::Proposed { .. } => "proposed",
            SearchEvent::Pass(_) => "pass",
            SearchEvent::UnitStarted { .. } => "started",
            SearchEvent::UnitFinished { scores, done, total, .. } => {
                assert!(done <= total);
                self.finished.fetch_add(1, Ordering::Relaxed);
                self.scores.fetch_add(scores.len(), Ordering::Relaxed);
                "finished"
            }
            SearchEvent::Pruned { .. } => "pruned",
            SearchEvent::Refit(_) => "refit",
            SearchEvent::Finished { .. } => "end",
            _ => "other",
        };
        let mut order = self.order.lock().unwrap();
        if order.last() != Some(&name) && !(name == "started" && order.last() == Some(&"finished")) {
            order.push(name);
        }
    }
}

#[derive(Debug)]
struct Clumsy;

impl Observer for Clumsy {
    fn on_event(&self, _: &SearchEvent) {
        panic!("dropped the pencil");
    }
}

#[test]
fn observers_see_everything_and_change_nothing() {
    let data = scene(120, 10, 2);
    let (pipeline, grid) = pca_and_regression(&[2, 4], &[0.1, 1.0]);
    let log = Arc::new(Log::default());
    let search = Search::new(
        Box::new(pipeline),
        grid,
        Box::new(metric(RegressionMetric::Rmse)),
        Arc::new(KFold::new()),
    );
    let plain = search.fit(&data).unwrap();
    let seen = search.clone().observe(log.clone()).observe(Arc::new(Clumsy)).fit(&data).unwrap();
    assert_eq!(bits(&plain.result), bits(&seen.result));
    assert_eq!(plain.result.work, seen.result.work);
    let units = seen.result.events.iter().filter(|event| event.key.is_some()).count();
    assert_eq!((log.finished.load(Ordering::Relaxed), log.scores.load(Ordering::Relaxed)), (units, 4 * 3));
    let order = log.order.lock().unwrap().clone();
    assert_eq!(order.first(), Some(&"planned"));
    assert_eq!(order.get(1..3), Some(&["proposed", "pass"][..]));
    assert_eq!(order.get(order.len() - 2..), Some(&["refit", "end"][..]));
    let note = seen.result.notes.iter().find(|note| note.note.message.contains("`Clumsy`")).unwrap();
    assert!(note.note.message.contains("dropped the pencil"), "{note}");
    // Units are called the same in another run.
    let keys = |result: &SearchResult| {
        let mut keys: Vec<String> =
            result.events.iter().filter_map(|event| Some(event.key.as_ref()?.to_string())).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&plain.result), keys(&seen.result));
}

#[test]
fn a_result_is_read_back_and_is_a_table() {
    let data = scene(120, 10, 2);
    let tuned = search(3).strategy(Halving::new()).fit(&data).unwrap();
    let mut result = tuned.result().clone();
    let document = result.to_json().unwrap();
    assert_eq!(
        (document["format"].as_str(), document["version"].as_u64()),
        (Some("luthier.search_result"), Some(1))
    );
    let text = document.to_string();
    let back = SearchResult::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
    result.events.clear();
    result.forecast.budget = 0;
    // NaN is not equal to itself, but it is written alike.
    assert_eq!(format!("{back:?}"), format!("{result:?}"));
    let mut newer = document.clone();
    newer["version"] = 99.into();
    assert!(SearchResult::from_json(&newer).unwrap_err().to_string().contains("version 99"));
    assert!(SearchResult::from_json(&serde_json::json!({"a": 1})).is_err());

    let frame = result.to_frame().unwrap();
    assert_eq!(frame.num_rows(), 30 * 3);
    assert_eq!(frame.column_i64("pca.k").unwrap()[0], 1);
    let outcomes = frame.column_utf8("outcome").unwrap();
    let pruned = outcomes.iter().filter(|outcome| *outcome == "pruned").count();
    assert_eq!(pruned + result.work.evaluations as usize, 90);
}

#[test]
fn predictions_out_of_fold_are_those_of_the_folds() {
    let data = scene(90, 10, 2);
    let tuned = search(3).out_of_fold(true).collect_sub_models(true).fit(&data).unwrap();
    let rows = tuned.out_of_fold().unwrap();
    let mut numbers = rows.column_i64("row").unwrap();
    let (folds, predictions) = (rows.column_i64("fold").unwrap(), rows.column_f64("prediction").unwrap());
    let best = tuned.result().best;
    for (place, &row) in numbers.iter().enumerate() {
        let model = tuned.sub_model(folds[place] as usize, best).unwrap();
        let only: Vec<bool> = (0..90).map(|other| other == row).collect();
        let expected =
            model.transform(&data.filter(&only).unwrap()).unwrap().column_f64("prediction").unwrap()[0];
        assert!((predictions[place] - expected).abs() < 1e-9, "{} against {expected}", predictions[place]);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..90).collect::<Vec<i64>>());
    let labels = rows.column_f64("label").unwrap();
    let rmse = |fold: i64| {
        let own: Vec<f64> = (0..90)
            .filter(|&place| folds[place] == fold)
            .map(|place| (labels[place] - predictions[place]).powi(2))
            .collect();
        (own.iter().sum::<f64>() / own.len() as f64).sqrt()
    };
    for fold in &tuned.result().candidates[best].folds {
        assert!((rmse(i64::from(fold.fold)) - fold.metric).abs() < 1e-9);
    }
}

#[test]
fn a_simpler_candidate_within_reach_is_chosen() {
    let data = scene(200, 10, 2);
    let of = |selection| search(5).selection(selection).fit(&data).unwrap();
    let (best, simpler) = (of(Selection::Best), of(Selection::OneStandardError));
    let at = |tuned: &TunedModel<Pipeline>| tuned.result().candidates[tuned.result().best].clone();
    let (best, chosen) = (at(&best), at(&simpler));
    assert!((chosen.mean - best.mean).abs() <= best.std_error);
    let value = |one: &luthier::tune::CandidateResult, name: &str| match one.params.get(name) {
        Some(Value::Float(v)) => *v,
        Some(Value::Int(v)) => *v as f64,
        other => panic!("{other:?}"),
    };
    assert!(value(&chosen, "lr.reg_param") >= value(&best, "lr.reg_param"));
    assert!(value(&chosen, "pca.k") <= value(&best, "pca.k"));
    // No candidate within reach is simpler than the chosen one.
    for other in &simpler.result().candidates {
        let within = (other.mean - best.mean).abs() <= best.std_error;
        let is_simpler = value(other, "lr.reg_param") >= value(&chosen, "lr.reg_param")
            && value(other, "pca.k") <= value(&chosen, "pca.k")
            && other.index != chosen.index;
        assert!(!(within && is_simpler), "{} is simpler than {}", other.params, chosen.params);
    }
    assert_eq!(at(&of(Selection::Tolerance(0.0))).mean.to_bits(), best.mean.to_bits());
}

#[test]
fn probabilities_of_being_best_are_those_of_one_best() {
    let tuned = search(5).fit(&scene(200, 10, 2)).unwrap();
    let probabilities: Vec<f64> =
        tuned.result().candidates.iter().map(|candidate| candidate.probability_best.unwrap()).collect();
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    let most = (0..30).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b])).unwrap();
    assert_eq!(most, tuned.result().best);
}

#[test]
fn a_strategy_that_lists_everything_is_a_grid_search() {
    let data = scene(100, 10, 1);
    let (plain, named) = (search(3).fit(&data).unwrap(), search(3).strategy(Grid::new()).fit(&data).unwrap());
    assert_eq!(bits(plain.result()), bits(named.result()));
    assert_eq!(plain.result().work, named.result().work);
}

/// Scores a stage of another type with one value after the other of a parameter that it does not have, and a last candidate.
#[derive(Debug)]
struct Irrelevant;

impl Strategy for Irrelevant {
    fn propose(&self, seen: &Seen<'_>) -> anyhow::Result<Vec<Trial>> {
        let scaled = ParamMap::new().with("pca.type", "min_max_scaler");
        Ok(match seen.trials.len() {
            k @ 0..=2 => vec![Trial::new(scaled.with("pca.k", k as i64 + 1))],
            3 => vec![Trial::new(ParamMap::new().with("pca.k", 3))],
            _ => Vec::new(),
        })
    }

    fn lists_candidates(&self) -> bool {
        false
    }
}

#[test]
fn proposals_that_differ_where_it_does_not_matter_are_the_same_candidate() {
    let data = scene(90, 10, 1);
    let tuned = search(3).strategy(Irrelevant).fit(&data).unwrap();
    let result = tuned.result();
    assert_eq!((result.candidates.len(), result.work.evaluations), (2, 6));
    assert_eq!(result.forecast.work.evaluations, 6);
}

#[test]
fn halving_by_rows_has_as_many_rungs_as_the_blocks_allow() {
    let data = scene(120, 10, 2);
    let by_rows = |factor: f64| search(3).strategy(Halving::new().resource(Resource::Rows).factor(factor));
    // Two blocks of training rows: 30 candidates on one of them and 15 on both, each on 3 folds.
    let halved = by_rows(2.0).fit(&data).unwrap();
    assert_eq!(halved.result().work.evaluations, (30 + 15) * 3);
    assert_eq!(halved.result().forecast.work.evaluations, (30 + 15) * 3);
    // Half of the rows is more than a third, so there is one rung.
    assert_eq!(by_rows(3.0).fit(&data).unwrap().result().work.evaluations, 30 * 3);
    let error = search(2).strategy(Halving::new().resource(Resource::Rows)).fit(&data).unwrap_err();
    assert!(error.to_string().contains("with at least 3 folds"), "{error}");
}

#[test]
fn limits_leave_a_candidate_on_all_folds() {
    let data = scene(120, 10, 2);
    for limit in [38, 50, 60] {
        let tuned = search(9).strategy(Halving::new()).max_fits(limit).fit(&data).unwrap();
        assert!(tuned.result().work.evaluations <= limit, "{limit}: {:?}", tuned.result().work);
        assert!(complete_of(tuned.result(), 9) >= 1, "{limit}");
    }
    let tuned = space().num_folds(3).strategy(Bayesian::new()).max_fits(20).fit(&data).unwrap();
    assert_eq!(tuned.result().work.evaluations, 18);
    let error = search(9).strategy(Halving::new()).max_fits(37).fit(&data).unwrap_err().to_string();
    assert!(error.contains("at least 38 pairs"), "{error}");
}

#[test]
fn the_plan_knows_candidates_that_are_only_proposed() {
    let data = scene(120, 10, 2);
    let plan = space().strategy(Bayesian::new().max_candidates(24)).plan(&data).unwrap();
    assert_eq!((plan.candidates, plan.forecast.work.evaluations), (24, 72));
    assert!(plan.forecast.work.fits > 24 && plan.forecast.work.rows_read > 0, "{:?}", plan.forecast.work);
}

#[derive(Debug, Default)]
struct GivenUp(std::sync::Mutex<Vec<usize>>);

impl Observer for GivenUp {
    fn on_event(&self, event: &SearchEvent) {
        if let SearchEvent::Pruned { candidates } = event {
            self.0.lock().unwrap().extend(candidates);
        }
    }
}

#[test]
fn candidates_are_given_up_once_and_that_is_no_undefined_metric() {
    let data = scene(200, 10, 2);
    for strategy in [Arc::new(Halving::new()) as Arc<dyn Strategy>, Arc::new(Racing::new())] {
        let (pipeline, grid) = pca_and_regression(&[1, 2, 4, 6, 8, 9], &[0.0, 0.1, 1.0, 10.0, 100.0]);
        let evaluator = Box::new(metric(RegressionMetric::Rmse));
        let search = Search::new(Box::new(pipeline), grid, evaluator, Arc::new(KFold::new().num_folds(9)));
        let given_up = Arc::new(GivenUp::default());
        let tuned = search.strategy(strategy).observe(given_up.clone()).fit(&data).unwrap();
        let mut given_up = given_up.0.lock().unwrap().clone();
        given_up.sort_unstable();
        let partial = tuned.result.candidates.iter().filter(|one| one.scored_folds < 9);
        assert_eq!(given_up, partial.map(|one| one.index).collect::<Vec<_>>());
        assert!(!given_up.is_empty());
        let notes = tuned.result.notes.iter().map(ToString::to_string);
        assert!(notes.clone().all(|note| !note.contains("not defined")), "{:?}", notes.collect::<Vec<_>>());
    }
}

#[test]
fn scoring_the_procedure_changes_nothing_else() {
    let data = scene(200, 10, 2);
    let halving = |nested| search(5).strategy(Halving::new()).nested(nested).fit(&data).unwrap();
    let bayesian = |nested| {
        let strategy = Bayesian::new().max_candidates(12).initial(6);
        space().strategy(strategy).nested(nested).fit(&data).unwrap()
    };
    for fit in [&halving as &dyn Fn(Nested) -> TunedModel<Pipeline>, &bayesian] {
        let (without, with) = (fit(Nested::Off), fit(Nested::On));
        assert_eq!(bits(with.result()), bits(without.result()));
        let score = with.result().procedure.as_ref().unwrap();
        assert!(score.rounds.iter().all(|round| round.candidate.is_some() && round.metric.is_finite()));
        assert!(score.mean.is_finite() && without.result().procedure.is_none());
    }
    // One split has no rounds within its training rows, and a note says so.
    let (pipeline, grid) = pca_and_regression(&[2, 4], &[0.1]);
    let split = TrainValidationSplit::new(pipeline, grid, metric(RegressionMetric::Rmse)).nested(Nested::On);
    let tuned = split.fit(&data).unwrap();
    assert!(
        tuned.result().notes.iter().any(|note| note.note.message.contains("nested = true has no effect"))
    );
}
