//! The scene that Luthier grew from: PCA and linear regression, a grid of 4 x 4, one unit at a time and then three.

use luthier::prelude::*;
use luthier::report::{Report, timeline};
use luthier::tune::{Event, EventKind, units_in_flight};

use crate::data::scene;

fn search(parallelism: usize) -> TunedModel<Pipeline> {
    let pca = Pca::new().input_col("features").output_col("components").k(4);
    let lr = LinearRegression::new().features_col("components");
    let pipeline = Pipeline::new().stage("pca", pca).stage("lr", lr);
    let grid = ParamGrid::new()
        .add_by_name("pca.k", [10i64, 20, 30, 40])
        .add_by_name("lr.reg_param", [0.001, 0.01, 0.1, 1.0]);
    TrainValidationSplit::new(pipeline, grid, RegressionEvaluator::new())
        .sharing(Sharing::Off)
        .parallelism(parallelism)
        .unwrap()
        .fit(&scene(10_000, 100, 2))
        .unwrap()
}

fn units(tuned: &TunedModel<Pipeline>) -> Vec<&Event> {
    tuned.result().events.iter().filter(|event| event.kind == EventKind::Unit).collect()
}

#[test]
fn one_unit_at_a_time_and_then_three() {
    let (one, three) = (search(1), search(3));
    assert_eq!((units(&one).len(), units(&three).len()), (16, 16));
    assert_eq!(units_in_flight(&one.result().events), 1);
    assert_eq!(units_in_flight(&three.result().events), 3);
    // One worker has one unit at a time.
    for worker in 0..4 {
        let own: Vec<_> = units(&three).into_iter().filter(|event| event.worker == worker).collect();
        assert!(own.windows(2).all(|pair| pair[0].end <= pair[1].start || pair[1].end <= pair[0].start));
    }
    for (one, three) in one.result().candidates.iter().zip(&three.result().candidates) {
        assert_eq!(one.mean.to_bits(), three.mean.to_bits());
    }
    let text = timeline(&three.result().events, 64);
    assert!(text.lines().filter(|line| line.contains('█')).count() >= 16, "{text}");
    let document = serde_json::to_value(Report::new(three.result())).unwrap();
    let lanes = document["events"]["workers"].as_array().unwrap().len();
    assert!(lanes >= 3, "{lanes} lanes");
}
