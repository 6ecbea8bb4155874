//! Summaries merge, metrics do not depend on partitions, and siblings are evaluated as each by itself.

use luthier_core::frame::{Column, DataFrame, Field, Schema};
use luthier_core::{
    Blocks, Dataset, DynEstimator, Estimator, FitContext, Outputs, Params, Rows, Tile, Transformer,
};
use luthier_stages::{
    BinaryClassificationEvaluator, BinaryCurve, BinaryMetric, BinaryScoresSpec, CalibrationCurve,
    CalibrationSpec, MulticlassClassificationEvaluator, MulticlassMetric, MultilabelClassificationEvaluator,
    RankingEvaluator,
};
use ndarray::Array2;
use proptest::prelude::*;

use crate::brute_force::binary_rows;
use crate::frames::*;

/// Scores, probabilities, classes and lists that follow from one number a row and a shift.
#[derive(Debug, Clone, Params)]
struct Shifted {
    /// Moves the scores.
    #[param(default = 0.0)]
    shift: f64,
    /// The row whose score is NaN.
    #[param(default = -1)]
    bad_row: i64,
}

impl Estimator for Shifted {
    const NAME: &'static str = "test.shifted";
    type Model = Shifted;

    fn fit(&self, _data: &Dataset, _ctx: &FitContext) -> anyhow::Result<Shifted> {
        Ok(self.clone())
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Transformer::outputs(self, schema)
    }
}

impl Transformer for Shifted {
    fn inputs(&self) -> Vec<String> {
        vec!["x".to_owned()]
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        use luthier_core::frame::ColumnType as T;
        Ok(vec![
            Field::number("raw_prediction"),
            Field::new("probability", T::Vector { width: 2 }),
            Field::number("prediction"),
            Field::new("items", T::List),
        ])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let x = rows.numbers("x")?;
        let mut scores: Vec<f64> = x.iter().map(|x| (x * 3.0 + self.shift).sin()).collect();
        if let Some(bad) = x.iter().position(|x| *x == self.bad_row as f64) {
            scores[bad] = f64::NAN;
        }
        let p = |i: usize| (scores[i] + 1.0) / 2.0;
        let probability =
            Array2::from_shape_fn((x.len(), 2), |(i, j)| if j == 1 { p(i) } else { 1.0 - p(i) });
        let class = scores.iter().map(|s| f64::from(u8::from(*s > 0.0))).collect();
        let lists: Vec<Vec<i64>> = scores.iter().map(|s| (0..(s * 4.0) as i64).collect()).collect();
        out.numbers(scores);
        out.vectors(probability);
        out.numbers(class);
        out.column(Column::lists(lists));
        Ok(())
    }
}

fn evaluators() -> Vec<Box<dyn luthier_core::DynEvaluator>> {
    let binary = BinaryClassificationEvaluator::new().weight_col("weight");
    let classes = MulticlassClassificationEvaluator::new().weight_col("weight");
    let lists = MultilabelClassificationEvaluator::new().label_col("truth").prediction_col("items");
    let ranking = RankingEvaluator::new().label_col("truth").prediction_col("items");
    vec![
        Box::new(binary.clone()),
        Box::new(BinaryClassificationEvaluator::new().metric(BinaryMetric::AreaUnderPr)),
        Box::new(binary.clone().metric(BinaryMetric::AveragePrecision)),
        Box::new(binary.clone().metric(BinaryMetric::LogLoss)),
        Box::new(binary.metric(BinaryMetric::BrierScore)),
        Box::new(classes.clone()),
        Box::new(classes.metric(MulticlassMetric::LogLoss)),
        Box::new(lists),
        Box::new(ranking),
    ]
}

fn frame(rows: usize, partitions: usize) -> DataFrame {
    let numbers = |f: fn(usize) -> f64| Column::f64((0..rows).map(f).collect());
    DataFrame::from_columns(vec![
        ("x", numbers(|i| (i % 97) as f64)),
        ("label", numbers(|i| f64::from(u8::from((i * 7) % 11 < 5)))),
        ("weight", numbers(|i| 0.1 + (i % 5) as f64)),
        ("truth", Column::lists((0..rows).map(|i| (0..(i % 4) as i64).collect::<Vec<_>>()))),
    ])
    .and_then(|frame| frame.repartition(partitions))
    .unwrap()
}

fn siblings(data: &Dataset, bad_row: i64) -> Vec<Dataset> {
    let model = |i: u8| {
        let shifted = Shifted::new().shift(f64::from(i));
        let shifted = if i == 1 { shifted.bad_row(bad_row) } else { shifted };
        DynEstimator::fit(&shifted, data, &FitContext::new(0, Default::default())).unwrap()
    };
    (0..3).map(|i| data.through(model(i)).unwrap()).collect()
}

fn folded(rows: usize, partitions: usize) -> Dataset {
    let folds = Blocks::new((0..rows).map(|i| (i % 3) as u32).collect(), 3).unwrap();
    Dataset::with_blocks(frame(rows, partitions), folds).unwrap().select(Rows::only(1))
}

#[test]
fn all_evaluators_read_all_siblings_in_one_pass_and_give_what_each_gives_alone() {
    let rows = 30_000;
    let data = folded(rows, 3);
    let all = luthier_core::evaluate_all(&evaluators(), &siblings(&data, -1));
    let work = data.work().snapshot();
    assert_eq!((work.passes, work.rows_read), (1, rows as u64 / 3));
    assert_eq!(work.evaluations, 27);
    for (evaluator, metrics) in evaluators().iter().zip(all) {
        for (sibling, metric) in siblings(&data, -1).iter().zip(metrics) {
            let alone = evaluator.evaluate(sibling).unwrap();
            assert_eq!(alone.to_bits(), metric.unwrap().to_bits(), "{}", evaluator.metric());
            let long = evaluator.evaluate(&sibling.clone().without_sharing()).unwrap();
            assert_eq!(alone.to_bits(), long.to_bits(), "{}", evaluator.metric());
        }
    }
}

#[test]
fn a_sibling_that_cannot_be_scored_leaves_the_others_alone() {
    let data = folded(3000, 2);
    let (good, bad) = (siblings(&data, -1), siblings(&data, 94));
    for (with, without) in luthier_core::evaluate_all(&evaluators(), &bad)
        .iter()
        .zip(luthier_core::evaluate_all(&evaluators(), &good))
        .take(3)
    {
        let error = with[1].as_ref().unwrap_err().to_string();
        assert!(error.contains("`raw_prediction`, row 94: found NaN"), "{error}");
        for i in [0, 2] {
            assert_eq!(with[i].as_ref().unwrap().to_bits(), without[i].as_ref().unwrap().to_bits());
        }
    }
}

#[test]
fn metrics_do_not_depend_on_partitions() {
    let metrics = |partitions| {
        let data = siblings(&folded(3001, partitions), -1);
        luthier_core::evaluate_all(&evaluators(), &data[..1])
            .into_iter()
            .map(|m| *m[0].as_ref().unwrap())
            .collect()
    };
    let one: Vec<f64> = metrics(1);
    for partitions in [2, 7, 100] {
        for ((a, b), evaluator) in one.iter().zip(metrics(partitions)).zip(evaluators()) {
            assert_close(*a, b, 1e-13, &evaluator.metric());
            if evaluator.metric().starts_with('a') {
                assert_eq!(a.to_bits(), b.to_bits(), "areas are of sorted scores");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn curves_are_the_same_of_any_parts(
        (label, score, weight) in binary_rows(), partitions in 1usize..8, weighted: bool,
    ) {
        let weight = weighted.then_some(weight);
        let spec = BinaryScoresSpec {
            label_col: "label".to_owned(),
            score_col: "raw_prediction".to_owned(),
            weight_col: weighted.then(|| "weight".to_owned()),
        };
        let whole = BinaryCurve::new(&score, &label, weight.as_deref()).unwrap();
        let frame = scored(&label, &score, weight.as_deref()).repartition(partitions).unwrap();
        prop_assert_eq!(&BinaryCurve::of(&Dataset::new(frame), &spec).unwrap(), &whole);
        // Rows in another order.
        let turned = |values: &[f64]| values.iter().rev().copied().collect::<Vec<f64>>();
        let weight = weight.as_deref().map(turned);
        let again = BinaryCurve::new(&turned(&score), &turned(&label), weight.as_deref()).unwrap();
        prop_assert_eq!(again, whole);
    }

    #[test]
    fn states_survive_being_sent((label, score, weight) in binary_rows()) {
        use luthier_stages::BinaryScores;
        let spec = BinaryScoresSpec {
            label_col: "label".to_owned(),
            score_col: "raw_prediction".to_owned(),
            weight_col: Some("weight".to_owned()),
        };
        let data = Dataset::new(scored(&label, &score, Some(&weight)));
        let scores = data.aggregate::<BinaryScores>(&spec).unwrap();
        let sent: BinaryScores = serde_json::from_slice(&serde_json::to_vec(&scores).unwrap()).unwrap();
        prop_assert_eq!(sent.curve(), scores.curve());
    }

    #[test]
    fn calibration_bins_are_those_of_a_search_through_the_edges(
        rows in proptest::collection::vec(
            (0u8..2, prop_oneof![0.0..=1.0f64, (0u8..=10).prop_map(|k| f64::from(k) / 10.0)], 0.1..2.0f64), 1..50,
        ),
        num_bins in 1usize..12, partitions in 1usize..5,
    ) {
        let label: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
        let p: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let weight: Vec<f64> = rows.iter().map(|row| row.2).collect();
        let frame = scored(&label, &p, Some(&weight)).repartition(partitions).unwrap();
        let spec = CalibrationSpec {
            label_col: "label".to_owned(),
            probability_col: "raw_prediction".to_owned(),
            weight_col: Some("weight".to_owned()),
            num_bins,
        };
        let curve = CalibrationCurve::of(&Dataset::new(frame), &spec).unwrap();
        let edges: Vec<f64> = (1..num_bins).map(|k| k as f64 / num_bins as f64).collect();
        let bin_of = |p: f64| edges.iter().filter(|edge| **edge < p).count();
        let mut expected = vec![(0.0, 0.0, 0.0); num_bins];
        for &(y, p, w) in &rows {
            let bin = &mut expected[bin_of(p)];
            *bin = (bin.0 + w * p, bin.1 + w * f64::from(y), bin.2 + w);
        }
        expected.retain(|bin| bin.2 > 0.0);
        prop_assert_eq!(curve.bins().len(), expected.len());
        for (found, (p, y, w)) in curve.bins().iter().zip(expected) {
            assert_close(found.mean_probability, p / w, 1e-12, "probability");
            assert_close(found.fraction_of_positives, y / w, 1e-12, "fraction");
            assert_close(found.weight, w, 1e-12, "weight");
        }
    }
}
