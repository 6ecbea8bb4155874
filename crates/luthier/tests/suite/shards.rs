//! Data that grow: what is known of a shard is not computed again, and changes no bit.

use std::sync::Arc;
use std::time::Duration;

use luthier::core::{Dataset, DynEstimator};
use luthier::prelude::*;
use luthier::tune::{
    Error, KFold, LeaveOneShardOut, Nested, RollingOrigin, Search, SearchResult, Shards, Splitter,
    TrainRatio, Tuned,
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::data::scene;

fn pipeline() -> Pipeline {
    let scale = StandardScaler::new().with_mean(true);
    let pca = Pca::new().input_col("scaled_features").output_col("components").k(2);
    let lr = LinearRegression::new().features_col("components");
    Pipeline::new().stage("scale", scale).stage("pca", pca).stage("lr", lr)
}

fn search(splitter: impl Splitter) -> Search {
    let grid =
        ParamGrid::new().add_by_name("pca.k", [1i64, 2, 3]).add_by_name("lr.reg_param", [0.01, 0.1, 1.0]);
    Search::new(Box::new(pipeline()), grid, Box::new(RegressionEvaluator::new()), Arc::new(splitter)).seed(5)
}

/// Rows of one table, in parts of these sizes.
fn parts(sizes: &[usize]) -> Vec<DataFrame> {
    let all = scene(sizes.iter().sum(), 4, 1);
    let starts = sizes.iter().scan(0, |next, size| {
        *next += size;
        Some(*next - size)
    });
    starts.zip(sizes).map(|(start, &size)| all.slice(start, size).unwrap().repartition(3).unwrap()).collect()
}

fn shards(parts: &[DataFrame]) -> Shards {
    let mut shards = Shards::new();
    for (number, rows) in parts.iter().enumerate() {
        shards.append(format!("part {number}"), rows).unwrap();
    }
    shards
}

/// The metrics and the scores of the procedure, and the predictions of the model, as bits.
fn bits(tuned: &Tuned, rows: &DataFrame) -> Vec<u64> {
    let folds = |result: &SearchResult| -> Vec<u64> {
        let folds = result.candidates.iter().flat_map(|candidate| &candidate.folds);
        folds.map(|fold| fold.metric.to_bits()).collect()
    };
    let procedure = tuned.result.procedure.iter().flat_map(|score| &score.rounds);
    let procedure = procedure.map(|round| round.metric.to_bits());
    let predicted = PipelineModel::from(Arc::clone(&tuned.model)).transform(rows).unwrap();
    let predicted = predicted.column_f64("prediction").unwrap();
    let predicted = predicted.iter().map(|x| x.to_bits());
    folds(&tuned.result).into_iter().chain(procedure).chain(predicted).collect()
}

/// What is left of shards that were written and read.
fn sent(shards: &Shards) -> Shards {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("site.lsum");
    shards.save(&path).unwrap();
    Shards::load(&path).unwrap()
}

#[test]
fn one_shard_is_the_whole_table() {
    let rows = &parts(&[60])[0];
    for search in [search(KFold::new().num_folds(4)), search(TrainRatio::new())] {
        let plain = search.fit(rows).unwrap();
        let mut one = shards(std::slice::from_ref(rows));
        assert_eq!(bits(&search.fit_shards(&mut one).unwrap(), rows), bits(&plain, rows));
        assert_eq!(bits(&search.fit_shards(&mut one).unwrap(), rows), bits(&plain, rows));
    }
}

#[test]
fn appended_rows_alone_are_read_and_the_bits_are_those_of_all() {
    let parts = parts(&[90, 40, 31]);
    for nested in [Nested::Off, Nested::On] {
        let search = search(KFold::new().num_folds(5)).nested(nested);
        let whole = search.fit_shards(&mut shards(&parts)).unwrap();
        assert_eq!(whole.result.work.rows_read, 161);
        let mut growing = Shards::new();
        for (number, rows) in parts.iter().enumerate() {
            growing = sent(&growing);
            growing.append(format!("part {number}"), rows).unwrap();
            let tuned = search.fit_shards(&mut growing).unwrap();
            assert_eq!(tuned.result.work.rows_read, rows.num_rows() as u64);
            if number == 2 {
                assert_eq!(bits(&tuned, &parts[0]), bits(&whole, &parts[0]));
            }
        }
        let again = search.fit_shards(&mut sent(&growing)).unwrap();
        assert_eq!(bits(&again, &parts[0]), bits(&whole, &parts[0]));
        assert_eq!((again.result.work.rows_read, again.result.work.passes), (0, 0));
    }
}

#[test]
fn sites_send_no_rows_and_get_the_answer_of_all() {
    let parts = parts(&[50, 40, 30]);
    let search = search(KFold::new().num_folds(3));
    let pooled = search.fit_shards(&mut shards(&parts)).unwrap();
    let mut all = Shards::new();
    for (number, rows) in parts.iter().enumerate() {
        let mut site = Shards::new();
        site.append(format!("part {number}"), rows).unwrap();
        search.summarize(&mut site).unwrap();
        assert_eq!(site.holding_rows(), None);
        all.append_all(sent(&site)).unwrap();
    }
    assert_eq!(all.absent().len(), 3);
    assert_eq!(bits(&search.fit_shards(&mut all).unwrap(), &parts[0]), bits(&pooled, &parts[0]));

    // A model for each site that has not seen it, from the same summaries.
    let by_site = search.clone().splitter(Arc::new(LeaveOneShardOut::new()));
    let found = by_site.fit_shards(&mut all).unwrap();
    let of_rows = by_site.fit_shards(&mut shards(&parts)).unwrap();
    for (a, b) in found.result.candidates.iter().zip(&of_rows.result.candidates) {
        assert_eq!(a.folds.len(), 3);
        for (a, b) in a.folds.iter().zip(&b.folds) {
            assert!((a.metric - b.metric).abs() <= 1e-12 * b.metric.abs(), "{} {}", a.metric, b.metric);
        }
    }
    // The same by hand: the model of the rows of two sites, on the third.
    let two = DataFrame::concat(&parts[1..]).unwrap();
    let grid = ParamGrid::new().add_by_name("pca.k", [1i64]).add_by_name("lr.reg_param", [0.01]);
    let metric = Box::new(RegressionEvaluator::new());
    let alone = Search::new(Box::new(pipeline()), grid, metric, Arc::new(KFold::new())).fit(&two).unwrap();
    let predicted = PipelineModel::from(alone.model).transform(&parts[0]).unwrap();
    let rmse = RegressionEvaluator::new().evaluate(&Dataset::new(predicted)).unwrap();
    assert!((found.result.candidates[0].folds[0].metric - rmse).abs() < 1e-10);
}

#[test]
fn a_wider_summary_answers_a_narrower_search() {
    let rows = &parts(&[60])[0];
    let wide = search(KFold::new());
    let mut site = shards(std::slice::from_ref(rows));
    wide.summarize(&mut site).unwrap();
    let lr = LinearRegression::new();
    let narrow = Search::new(
        Box::new(Pipeline::new().stage("lr", lr)),
        ParamGrid::new(),
        Box::new(RegressionEvaluator::new()),
        Arc::new(KFold::new()),
    )
    .seed(5);
    let tuned = narrow.fit_shards(&mut sent(&site)).unwrap();
    let expected = narrow.fit(rows).unwrap();
    let (found, expected) = (tuned.result.candidates[0].mean, expected.result.candidates[0].mean);
    assert!((found - expected).abs() < 1e-12 * expected);
}

#[test]
fn what_needs_rows_is_named_before_the_search() {
    let rows = &parts(&[60])[0];
    let mut site = shards(std::slice::from_ref(rows));
    search(KFold::new()).summarize(&mut site).unwrap();
    let site = sent(&site);
    let refused = |search: Search| {
        let error = search.fit_shards(&mut site.clone()).map(drop).unwrap_err();
        assert!(matches!(error, Error::NeedsRows { .. }), "{error}");
        assert!(error.to_string().contains("part 0"), "{error}");
        assert!(search.plan_shards(&mut site.clone()).is_err());
        assert!(search.summarize(&mut shards(std::slice::from_ref(rows))).is_err());
        error.to_string()
    };
    let of = |stage: Box<dyn DynEstimator>, metric: RegressionMetric| {
        let evaluator = RegressionEvaluator::new().metric(metric);
        Search::new(stage, ParamGrid::new(), Box::new(evaluator), Arc::new(KFold::new())).seed(5)
    };
    let mae = refused(of(Box::new(LinearRegression::new()), RegressionMetric::Mae));
    assert!(mae.contains("mae needs predicted rows"), "{mae}");
    let huber = LinearRegression::new().loss(luthier::stages::Loss::Huber);
    let huber = refused(of(Box::new(huber), RegressionMetric::Rmse));
    assert!(huber.contains("passes over the rows"), "{huber}");
    let off = search(KFold::new()).sharing(luthier::tune::Sharing::Off);
    assert!(refused(off).contains("nothing is shared"));
}

#[test]
fn shards_that_do_not_fit_together_are_refused() {
    let parts = parts(&[50, 40]);
    let mut one = shards(&parts[..1]);
    assert!(one.append("part 0", &parts[1]).unwrap_err().to_string().contains("two shards named `part 0`"));
    let other = parts[1].drop(&["label"]).unwrap();
    let error = one.append("other", &other).unwrap_err().to_string();
    assert!(error.contains("`other`") && error.contains("columns"), "{error}");

    search(KFold::new()).summarize(&mut one).unwrap();
    let mut sent = sent(&one);
    let error = search(KFold::new().num_folds(4)).fit_shards(&mut sent).map(drop).unwrap_err().to_string();
    assert!(error.contains("num_folds: 3") && error.contains("num_folds: 4"), "{error}");
    // With its rows it is split anew.
    search(KFold::new().num_folds(4)).fit_shards(&mut one).unwrap();

    let by_block = search(RollingOrigin::new());
    let error = by_block.fit_shards(&mut shards(&parts)).map(drop).unwrap_err().to_string();
    assert!(error.contains("rolling_origin") && error.contains("put together"), "{error}");
    by_block.fit_shards(&mut shards(&parts[..1])).unwrap();
    let alone = search(LeaveOneShardOut::new());
    assert!(alone.fit_shards(&mut shards(&parts[..1])).is_err());
    let error = alone.fit(&parts[0]).map(drop).unwrap_err().to_string();
    assert!(error.contains("not in shards"), "{error}");
    assert!(search(KFold::new()).fit_shards(&mut Shards::new()).is_err());
}

#[test]
fn a_damaged_file_is_refused_and_never_believed() {
    let rows = &parts(&[30])[0];
    let mut site = shards(std::slice::from_ref(rows));
    search(KFold::new()).summarize(&mut site).unwrap();
    let bytes = site.to_bytes().unwrap();
    assert!(Shards::from_bytes(&bytes).is_ok());
    for cut in (0..bytes.len()).step_by(7) {
        assert!(Shards::from_bytes(&bytes[..cut]).is_err(), "{cut}");
    }
    for bit in (0..8 * bytes.len()).step_by(37) {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Shards::from_bytes(&bytes).is_err(), "{bit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_shards_may_be_known(sizes in prop::collection::vec(12usize..40, 1..5), known in prop::collection::vec(any::<bool>(), 5)) {
        let parts = parts(&sizes);
        let search = search(KFold::new());
        let whole = search.fit_shards(&mut shards(&parts)).unwrap();
        let mut mixed = Shards::new();
        for (number, (rows, known)) in parts.iter().zip(known).enumerate() {
            let mut one = Shards::new();
            one.append(format!("part {number}"), rows).unwrap();
            if known {
                search.summarize(&mut one).unwrap();
                one = sent(&one);
            }
            mixed.append_all(one).unwrap();
        }
        let tuned = search.fit_shards(&mut mixed).unwrap();
        prop_assert_eq!(bits(&tuned, &parts[0]), bits(&whole, &parts[0]));
    }
}

#[test]
fn a_pass_that_was_interrupted_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("known.lsum");
    let rows = scene(2_000, 4, 40);
    let search = search(KFold::new().num_folds(4));
    let plain = search.fit(&rows).unwrap();
    let begin = || {
        let mut shards = Shards::new();
        shards.append("all", &rows).unwrap();
        shards.known_as("these rows").saved_while_read(&file, Duration::ZERO)
    };
    let token = CancelToken::new();
    let (seen, cancel) = (file.clone(), token.clone());
    let waiting = std::thread::spawn(move || {
        while !seen.exists() {
            std::thread::yield_now();
        }
        cancel.cancel();
    });
    // It may end before it is cancelled: what matters is what is left of a pass that was cut anywhere.
    let _ = search.clone().cancel_token(token).fit_shards(&mut begin());
    waiting.join().unwrap();
    let mut again = begin();
    again.recall(&Shards::load(&file).unwrap());
    let tuned = search.fit_shards(&mut again).unwrap();
    assert!(tuned.result.work.rows_read < 2_000, "{}", tuned.result.work.rows_read);
    assert_eq!(bits(&tuned, &rows), bits(&plain, &rows));
}
