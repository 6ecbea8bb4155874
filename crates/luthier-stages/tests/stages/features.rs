//! Assembling, scaling and projecting.

use std::sync::Arc;

use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{Dataset, DynModel, Estimator, EstimatorExt, Moments, MomentsSpec, Pipeline, Transformer};
use luthier_stages::{Pca, PcaModel, StandardScaler, VectorAssembler};
use ndarray::{Array2, Axis, array};
use proptest::prelude::*;

use crate::data::{context, fit, problem, rounding};

fn same_bits(a: &Array2<f64>, b: &Array2<f64>) -> bool {
    a.dim() == b.dim() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

fn width(schema: &Schema, column: &str) -> String {
    schema.field(column).unwrap().column_type().to_string()
}

#[test]
fn assembler_keeps_the_order_and_passes_nan_on() {
    let frame = DataFrame::from_columns(vec![
        ("a", Column::f64(vec![1.0, f64::NAN])),
        ("v", Column::vector(array![[2.0, 3.0], [4.0, 5.0]])),
        ("n", Column::i64(vec![6, 7])),
    ])
    .unwrap();
    let stage = VectorAssembler::new().input_cols(["n", "v", "a", "n"]);
    let out = stage.transform(&frame).unwrap();
    assert_eq!(out.schema(), &stage.transform_schema(frame.schema()).unwrap());
    let features = out.vectors("features").unwrap();
    assert_eq!(features.row(0).to_vec(), [6.0, 2.0, 3.0, 1.0, 6.0]);
    assert!(features[[1, 3]].is_nan());
    assert_eq!(features[[1, 4]], 7.0);
}

#[test]
fn scaler_uses_the_sample_deviation_and_zero_for_constants() {
    let frame = DataFrame::from_ndarray(array![[1.0, 0.1], [2.0, 0.1], [6.0, 0.1]], vec![0.0; 3]).unwrap();
    let model = StandardScaler::new().with_mean(true).fit_frame(&frame).unwrap();
    assert_eq!(model.mean()[0], 3.0);
    assert_eq!(model.std().to_vec(), [7f64.sqrt(), 0.0]);
    let out = model.transform(&frame).unwrap().vectors("scaled_features").unwrap();
    assert_eq!(out.column(1).to_vec(), [0.0; 3]);
    assert!((out[[2, 0]] - 3.0 / 7f64.sqrt()).abs() < 1e-15);
    let plain = StandardScaler::new().fit_frame(&frame).unwrap().transform(&frame).unwrap();
    assert!((plain.vectors("scaled_features").unwrap()[[0, 0]] - 1.0 / 7f64.sqrt()).abs() < 1e-15);
    let none = StandardScaler::new().with_std(false).fit_frame(&frame).unwrap().transform(&frame).unwrap();
    assert_eq!(none.vectors("scaled_features").unwrap(), frame.vectors("features").unwrap());
    let one_row = StandardScaler::new().fit_frame(&frame.head(1)).unwrap();
    assert_eq!(one_row.std().to_vec(), [0.0, 0.0]);
}

#[test]
fn pca_of_a_line_and_of_nothing() {
    let line = array![[0.0, 5.0], [1.0, 3.0], [2.0, 1.0]];
    let frame = DataFrame::from_ndarray(line, vec![0.0; 3]).unwrap();
    let model = Pca::new().k(2).center(true).fit_frame(&frame).unwrap();
    let root = 5f64.sqrt();
    assert!((model.components()[[0, 0]] + 1.0 / root).abs() < 1e-15, "the larger entry is positive");
    assert!((model.components()[[1, 0]] - 2.0 / root).abs() < 1e-15);
    assert!((model.explained_variance()[0] - 1.0).abs() < 1e-15);
    let out = model.transform(&frame).unwrap().vectors("pca_features").unwrap();
    assert!((out[[0, 0]] - root).abs() < 1e-14 && out[[1, 0]].abs() < 1e-14);

    let constant = DataFrame::from_ndarray(Array2::from_elem((3, 2), 0.1), vec![0.0; 3]).unwrap();
    let model = Pca::new().k(1).fit_frame(&constant).unwrap();
    assert_eq!(model.explained_variance().to_vec(), [0.0]);
    assert!((model.components().column(0).dot(&model.components().column(0)) - 1.0).abs() < 1e-15);
}

#[test]
fn one_decomposition_serves_a_group() {
    let frame = DataFrame::from_ndarray(
        array![[1.0, 2.0, 0.5], [2.0, 1.0, 1.5], [4.0, 3.0, -1.0], [0.0, 7.0, 2.0]],
        vec![0.0; 4],
    )
    .unwrap();
    let configs: Vec<Pca> =
        (1..=3).flat_map(|k| [false, true].map(|center| Pca::new().k(k).center(center))).collect();
    let ctx = context();
    let models = Pca::fit_many(&configs, &Dataset::new(frame.clone()), &ctx);
    assert!(models.iter().all(Result::is_ok));
    assert_eq!(ctx.work().snapshot().factorisations, 1);

    let too_many = [Pca::new().k(4), Pca::new().k(1)];
    let models = Pca::fit_many(&too_many, &Dataset::new(frame), &ctx);
    assert!(models[0].is_err() && models[1].is_ok());
}

#[test]
fn a_saved_model_with_rows_of_several_lengths_is_refused() {
    let frame = DataFrame::from_ndarray(array![[1.0, 2.0], [2.0, 1.0]], vec![0.0; 2]).unwrap();
    let model = Pca::new().k(1).fit_frame(&frame).unwrap();
    let mut json = serde_json::to_value(&model).unwrap();
    assert_eq!(serde_json::from_value::<PcaModel>(json.clone()).unwrap(), model);
    json["components"][0] = serde_json::json!([1.0, 2.0]);
    assert!(serde_json::from_value::<PcaModel>(json).is_err());
}

/// Mean and scatter behind the stages, through the affine maps and from rows.
fn both_routes(frame: &DataFrame, models: &[Arc<dyn DynModel>], output: &str) -> [Moments; 2] {
    let spec = MomentsSpec::new([output, "label"]).weighted_by(Some("weight"));
    let start = Dataset::new(frame.clone());
    [start.clone(), start.without_sharing()].map(|start| {
        let view = models.iter().fold(start, |view, model| view.through(model.clone()).unwrap());
        Moments::clone(&view.summarize::<Moments>(&spec).unwrap())
    })
}

proptest! {
    #[test]
    fn summaries_go_through_the_stages_as_rows_do(
        problem in problem(100.0), k in 1usize..5, with_mean: bool, with_std: bool, center: bool,
    ) {
        let features = problem.frame.vectors("features").unwrap();
        let k = k.min(features.ncols());
        let stages: Vec<Box<dyn luthier_core::DynEstimator>> = vec![
            Box::new(StandardScaler::new().with_mean(with_mean).with_std(with_std)),
            Box::new(Pca::new().input_col("scaled_features").k(k).center(center)),
        ];
        let mut view = Dataset::new(problem.frame.clone());
        let models: Vec<_> = stages.iter().map(|stage| {
            let model = fit(stage.as_ref(), &view);
            view = view.through(model.clone()).unwrap();
            model
        }).collect();
        for (models, output) in [(&models[..1], "scaled_features"), (&models[..], "pca_features")] {
            let [short, long] = both_routes(&problem.frame, models, output);
            let mut rounding = rounding(models, &features).to_vec();
            rounding.push(0.0);
            let deviations = (long.scatter().diag().to_owned() / long.weight_sum()).mapv(f64::sqrt);
            let noise = short.mean_noise();
            for i in 0..deviations.len() {
                let error = (short.mean()[i] - long.mean()[i]).abs();
                prop_assert!(error <= 1e-13 * (noise[i] + deviations[i]) + rounding[i], "mean {i}: {error}");
                for j in 0..=i {
                    let error = (short.scatter()[[i, j]] - long.scatter()[[i, j]]).abs() / long.weight_sum();
                    let size = short.noise()[i] * short.noise()[j] / long.weight_sum();
                    let of_rows = rounding[i] * deviations[j] + rounding[j] * deviations[i] + rounding[i] * rounding[j];
                    prop_assert!(error <= 1e-12 * size + of_rows, "scatter {i} {j}: {error} of {size}");
                }
            }
        }
    }

    #[test]
    fn transform_does_not_depend_on_partitions(problem in problem(1e6), parts in 1usize..20, center: bool) {
        let frame = problem.frame.collect().unwrap().repartition(1).unwrap();
        let cut = frame.repartition(parts).unwrap();
        let features = frame.vectors("features").unwrap().ncols();
        let pca = Pca::new().k(features).center(center).fit_frame(&frame).unwrap();
        let [a, b] = [&frame, &cut].map(|f| pca.transform(f).unwrap().vectors("pca_features").unwrap());
        prop_assert!(same_bits(&a, &b));
        let scaler = StandardScaler::new().with_mean(center).fit_frame(&frame).unwrap();
        let [a, b] = [&frame, &cut].map(|f| scaler.transform(f).unwrap().vectors("scaled_features").unwrap());
        prop_assert!(same_bits(&a, &b));
    }

    #[test]
    fn affine_maps_are_the_transforms(problem in problem(10.0), with_mean: bool, with_std: bool, center: bool) {
        let rows = problem.frame.vectors("features").unwrap();
        let scaler = StandardScaler::new().with_mean(with_mean).with_std(with_std).fit_frame(&problem.frame).unwrap();
        let pca = Pca::new().k(rows.ncols()).center(center).fit_frame(&problem.frame).unwrap();
        let models: [(&dyn Transformer, &str); 2] = [(&scaler, "scaled_features"), (&pca, "pca_features")];
        for (model, output) in models {
            let out = model.transform(&problem.frame).unwrap();
            prop_assert_eq!(out.schema(), &model.transform_schema(problem.frame.schema()).unwrap());
            let out = out.vectors(output).unwrap();
            let mapped = model.affine().unwrap().apply(rows.view());
            let size = out.mapv(f64::abs).sum_axis(Axis(0)) + rows.mapv(f64::abs).sum();
            prop_assert!((&out - &mapped).outer_iter().all(|e| e.iter().zip(&size).all(|(e, s)| e.abs() <= 1e-12 * s)));
        }
    }

    #[test]
    fn a_candidate_alone_is_what_it_is_in_a_group(problem in problem(1e3), center: bool) {
        let features = problem.frame.vectors("features").unwrap().ncols();
        let configs: Vec<Pca> = (1..=features).map(|k| Pca::new().k(k).center(center)).collect();
        let together = Pca::fit_many(&configs, &Dataset::new(problem.frame.clone()), &context());
        for (config, model) in configs.iter().zip(together) {
            let alone = config.fit(&Dataset::new(problem.frame.clone()), &context()).unwrap();
            prop_assert_eq!(alone, model.unwrap());
        }
    }

    #[test]
    fn components_are_orthonormal_and_carry_the_variance(problem in problem(1e3)) {
        let features = problem.frame.vectors("features").unwrap();
        let model = Pca::new().k(features.ncols()).fit_frame(&problem.frame).unwrap();
        let gram = model.components().t().dot(&model.components());
        prop_assert!((gram - Array2::<f64>::eye(features.ncols())).iter().all(|x| x.abs() < 1e-13));
        prop_assert!((model.explained_variance().sum() - 1.0).abs() < 1e-12);
        for column in model.components().columns() {
            let largest = column.iter().fold(0.0, |a: f64, &b| if b.abs() > a.abs() { b } else { a });
            prop_assert!(largest > 0.0);
        }
    }
}

#[test]
fn a_pipeline_of_all_three_reads_rows_once() {
    let frame = DataFrame::from_columns(vec![
        ("a", Column::f64(vec![1.0, 2.0, 4.0, 7.0])),
        ("b", Column::f64(vec![0.0, -1.0, 3.0, 3.5])),
    ])
    .unwrap();
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("assemble", VectorAssembler::new().input_cols(["a", "b"]));
    pipeline.add("scale", StandardScaler::new().with_mean(true));
    let pca = pipeline.add("pca", Pca::new().input_col("scaled_features").k(1));
    assert_eq!(pca.at(Pca::K).to_string(), "pca.k");
    let data = Dataset::new(frame.clone());
    let model = pipeline.fit(&data, &context()).unwrap();
    assert_eq!(data.work().snapshot().passes, 1);
    let out = Transformer::transform(&model, &frame).unwrap();
    assert_eq!(width(out.schema(), "pca_features"), "vector(1)");
}
