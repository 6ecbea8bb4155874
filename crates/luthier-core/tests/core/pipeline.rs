//! Pipelines: addresses, checks, fitting, failures.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{
    Dataset, DynEstimator, Error, Estimator, EstimatorExt, FitContext, Moments, MomentsSpec, ParamMap,
    Params, Pipeline, PlannedStage, Transformer, Value,
};

use crate::parts::{
    Bomb, Concat, Log1p, Project, Ridge, RidgeModel, Scale, ScaleModel, Trouble, counted, frame,
};

fn scaled_ridge() -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("join", Concat::new().input_cols(["a", "features"]).output_col("joined"));
    pipeline.add("scale", Scale::new().input_col("joined"));
    pipeline.add("ridge", Ridge::new().features_col("scaled").reg_param(0.1));
    pipeline
}

fn fit(pipeline: &Pipeline, data: &Dataset) -> anyhow::Result<luthier_core::PipelineModel> {
    Estimator::fit(pipeline, data, &FitContext::new(0, data.work().clone()))
}

#[test]
fn an_affine_chain_is_fitted_with_one_pass() {
    let (data, work) = counted(Dataset::new(frame(200, 3, 1)));
    fit(&scaled_ridge(), &data).unwrap();
    let work = work();
    assert_eq!((work.rows_read, work.passes, work.fits, work.guarded), (200, 1, 2, 0));
}

#[test]
fn sharing_changes_nothing_but_the_cost() {
    let (data, work) = counted(Dataset::new(frame(200, 3, 1)));
    let fast = fit(&scaled_ridge(), &data).unwrap();
    let slow = fit(&scaled_ridge(), &data.without_sharing()).unwrap();
    assert_eq!(work().rows_read, 200 + 2 * 200);
    let prediction = |model: &luthier_core::PipelineModel| {
        model.transform(&frame(50, 1, 2)).unwrap().column_f64("prediction").unwrap()
    };
    for (a, b) in prediction(&fast).iter().zip(prediction(&slow)) {
        assert!((a - b).abs() < 1e-10);
    }
}

#[test]
fn a_nested_pipeline_is_fitted_like_a_flat_one() {
    let mut inner = Pipeline::new();
    inner.add_transformer("join", Concat::new().input_cols(["a", "features"]).output_col("joined"));
    let scale = inner.add("scale", Scale::new().input_col("joined"));
    let mut outer = Pipeline::new();
    let features = outer.add("features", inner);
    let ridge = outer.add("ridge", Ridge::new().features_col("scaled").reg_param(0.1));
    let names: Vec<String> = outer.leaves().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["features.join", "features.scale", "ridge"]);

    let (data, work) = counted(Dataset::new(frame(200, 3, 1)));
    let nested = fit(&outer, &data).unwrap();
    assert_eq!(work().rows_read, 200);
    let flat = fit(&scaled_ridge(), &data).unwrap();
    assert_eq!(
        nested.stage(&ridge).unwrap(),
        flat.stage_by_name("ridge").unwrap().downcast_ref::<RidgeModel>().unwrap()
    );
    let found: &ScaleModel = nested.stage(&scale.within(features.name())).unwrap();
    assert_eq!(found.std.len(), 4);
    assert_eq!(nested.stage(&features).unwrap().stage(&scale).unwrap(), found);
    let error = nested.stage_by_name("features.sclae").unwrap_err().to_string();
    assert!(error.contains("`sclae`") && error.contains("`scale`"), "{error}");
    assert!(nested.stage_by_name("ridge.deep").is_err());
    // A handle of the inner pipeline says how it is written outside.
    let error = nested.stage(&scale).unwrap_err().to_string();
    assert!(error.contains("it is in the pipeline `features`: write `features.scale`"), "{error}");
    let mut params = ParamMap::new();
    params.insert("scale.input_col", "joined");
    let error = outer.with_params(&params).unwrap_err().to_string();
    assert!(error.contains("did you mean `features.scale.input_col`?"), "{error}");
    let data = frame(20, 2, 3);
    let (a, b) = (nested.transform(&data).unwrap(), flat.transform(&data).unwrap());
    assert_eq!(a.column_f64("prediction").unwrap(), b.column_f64("prediction").unwrap());
    assert_eq!(a.schema(), &nested.transform_schema(data.schema()).unwrap());
    assert_eq!(a.schema(), &Estimator::transform_schema(&outer, data.schema()).unwrap());
}

#[test]
fn parameters_are_set_by_address() {
    let mut inner = Pipeline::new();
    let ridge = inner.add("ridge", Ridge::new());
    let mut outer = Pipeline::new();
    outer.add("model", inner);
    let address = ridge.within("model").at(Ridge::REG_PARAM);
    assert_eq!(address.name(), "model.ridge.reg_param");
    let mut params = ParamMap::new();
    params.set(address, 0.25);
    let set = outer.with_params(&params).unwrap();
    assert_eq!(Params::get_value(&set, "model.ridge.reg_param").unwrap(), Value::from(0.25));
    assert_eq!(Params::get_value(&outer, "model.ridge.reg_param").unwrap(), Value::from(1.0));
}

#[test]
fn unknown_addresses_suggest_the_nearest() {
    let pipeline = scaled_ridge();
    let error = |path: &str, value: Value| {
        let mut copy = pipeline.clone();
        Params::set_value(&mut copy, path, &value).unwrap_err().to_string()
    };
    let message = error("rigde.reg_param", 1.0.into());
    assert!(message.contains("`ridge`") && message.contains("did you mean"), "{message}");
    let message = error("ridge.reg_parm", 1.0.into());
    assert!(message.contains("ridge") && message.contains("reg_param"), "{message}");
    let message = error("ridge", 1.0.into());
    assert!(message.contains("`ridge`") && message.contains("stage.parameter"), "{message}");
    let message = error("ridge.reg_param", (-1.0).into());
    assert!(
        message.contains("ridge") && message.contains("reg_param") && message.contains("-1"),
        "{message}"
    );
    let mut outer = Pipeline::new();
    outer.add("inner", pipeline.clone());
    let message =
        Params::set_value(&mut outer, "inner.sclae.input_col", &"x".into()).unwrap_err().to_string();
    assert!(message.contains("inner") && message.contains("`scale`"), "{message}");
}

#[test]
fn names_must_be_usable_and_unique() {
    for (names, expected) in
        [(["a", "a"], "two stages are named `a`"), (["a", ""], "``"), (["a", "b.c"], "`b.c`")]
    {
        let mut pipeline = Pipeline::new();
        for name in names {
            pipeline.add(name, Trouble::new());
        }
        let error = pipeline.check().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let error = pipeline.fit_frame(&frame(10, 1, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn schema_errors_name_the_stage() {
    let mut inner = Pipeline::new();
    inner.add("missing", Scale::new().input_col("nowhere"));
    let mut pipeline = Pipeline::new();
    pipeline.add("first", Scale::new());
    pipeline.add("nested", inner);
    let schema = frame(10, 1, 1).schema().clone();
    let error = DynEstimator::transform_schema(&pipeline, &schema).unwrap_err();
    assert!(matches!(&error, Error::Stage { stage, .. } if stage == "nested.missing"), "{error:?}");
    assert!(error.to_string().contains("`nowhere`"), "{error}");
    let error = pipeline.fit_frame(&frame(10, 1, 1)).unwrap_err();
    assert!(matches!(&error, Error::Stage { stage, .. } if stage == "nested.missing"), "{error:?}");

    let model = scaled_ridge().fit_frame(&frame(30, 1, 1)).unwrap();
    let error = model.transform(&frame(10, 1, 1).drop(&["a"]).unwrap()).unwrap_err();
    assert!(matches!(&error, Error::Stage { stage, .. } if stage == "join"), "{error:?}");
    let error = model.transform_schema(frame(10, 1, 1).drop(&["a"]).unwrap().schema()).unwrap_err();
    assert!(matches!(&error, Error::Stage { stage, .. } if stage == "join"), "{error:?}");
}

/// A stage that cannot transform is never asked to when nothing is fitted behind it.
#[test]
fn stages_behind_the_last_estimator_do_not_transform() {
    let mut pipeline = scaled_ridge();
    pipeline.add("last", Trouble::new().at("transform"));
    let (data, work) = counted(Dataset::new(frame(60, 2, 1)));
    let model = fit(&pipeline, &data).unwrap();
    assert_eq!(work().rows_read, 60);
    let error = model.transform(&frame(5, 1, 1)).unwrap_err();
    assert!(matches!(&error, Error::Stage { stage, .. } if stage == "last"), "{error:?}");
}

#[test]
fn an_empty_pipeline_is_the_identity() {
    let data = frame(12, 2, 1);
    let model = Pipeline::new().fit_frame(&data).unwrap();
    let out = model.transform(&data).unwrap();
    assert_eq!(out.schema(), data.schema());
    assert_eq!(out.vectors("features").unwrap(), data.vectors("features").unwrap());
    assert_eq!(model.transform_schema(data.schema()).unwrap(), *data.schema());
}

#[test]
fn a_stage_that_fails_is_named() {
    for (at, expected) in [("fit", "trouble 0 in fit"), ("schema", "trouble 0 in schema")] {
        let mut pipeline = scaled_ridge();
        pipeline.add("broken", Trouble::new().at(at));
        let error = pipeline.fit_frame(&frame(60, 2, 1)).unwrap_err();
        assert!(matches!(&error, Error::Stage { stage, .. } if stage == "broken"), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
        // Outside of a pipeline the type is named.
        let error = Trouble::new().at(at).fit_frame(&frame(60, 2, 1)).unwrap_err();
        assert!(matches!(&error, Error::Stage { stage, .. } if stage == "acme.trouble"), "{error:?}");
    }
}

#[test]
fn a_bad_value_names_stage_column_and_row() {
    let mut label = frame(60, 1, 1).column_f64("label").unwrap();
    label[41] = f64::NAN;
    let data = frame(60, 1, 1).drop(&["label"]).unwrap().with_column("label", Column::f64(label)).unwrap();
    let data = data.repartition(2).unwrap();
    let errors = [
        (scaled_ridge().fit_frame(&data).unwrap_err(), "ridge"),
        (Ridge::new().fit_frame(&data).unwrap_err(), "acme.ridge"),
    ];
    for (error, expected) in errors {
        assert!(matches!(&error, Error::Stage { stage, .. } if stage == expected), "{error:?}");
        assert!(error.to_string().contains("column `label`, row 41"), "{error}");
    }
}

#[test]
fn panics_are_errors_that_name_the_part() {
    let data = frame(30, 2, 1);
    for at in ["fit panic", "schema panic", "plan panic"] {
        let trouble = Trouble::new().at(at).id(7);
        let error = trouble.fit_frame(&data).unwrap_err();
        assert!(matches!(&error, Error::Panicked { part, .. } if part == "acme.trouble"), "{at}: {error:?}");
        assert!(error.to_string().contains("boom 7"), "{error}");
        let mut inner = Pipeline::new();
        inner.add("broken", trouble);
        let mut pipeline = scaled_ridge();
        pipeline.add("inner", inner);
        let error = pipeline.fit_frame(&data).unwrap_err();
        let named = matches!(&error, Error::Panicked { part, type_name, .. }
            if part == "inner.broken" && type_name == "acme.trouble");
        assert!(named, "{at}: {error:?}");
        assert!(error.to_string().starts_with("`inner.broken (acme.trouble)` panicked"), "{error}");
        let planned = PlannedStage::new(&Trouble::new().at(at), data.schema());
        assert_eq!(planned.is_err(), at != "fit panic");
    }
    let mut pipeline = Pipeline::new();
    pipeline.add("broken", Trouble::new().at("transform panic"));
    let error = pipeline.fit_frame(&data).unwrap().transform(&data).unwrap_err();
    assert!(matches!(&error, Error::Panicked { part, .. } if part == "broken"), "{error:?}");
    // The same view serves on after a panic.
    let view = Dataset::new(data);
    let error = view.summarize::<Bomb>(&"a".to_owned()).unwrap_err();
    assert!(matches!(&error, Error::Panicked { part, .. } if part == "acme.bomb"), "{error:?}");
    assert_eq!(view.summarize::<Moments>(&MomentsSpec::new(["a"])).unwrap().rows(), 30);
    assert_eq!(view.summarize::<Moments>(&MomentsSpec::new(["a"])).unwrap().rows(), 30);
}

#[test]
fn one_that_panics_takes_no_sibling_down() {
    let (data, work) = counted(Dataset::new(frame(30, 2, 1)));
    let configs =
        [Trouble::new().id(1), Trouble::new().id(2).at("fit panic"), Trouble::new().id(3).at("fit")];
    let configs: Vec<&dyn DynEstimator> = configs.iter().map(|c| c as &dyn DynEstimator).collect();
    let ctx = FitContext::new(0, data.work().clone());
    let models = configs[0].fit_many(&configs, &data, &ctx);
    assert!(models[0].is_ok());
    assert!(matches!(&models[1], Err(Error::Panicked { message, .. }) if message.contains("boom 2")));
    assert!(matches!(&models[2], Err(Error::Stage { .. })));
    assert_eq!(work().fits, 3);
}

#[test]
fn stages_behind_one_that_is_not_affine_read_the_rows_again() {
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("log", Log1p::new().input_col("weight"));
    pipeline.add("scale", Scale::new().input_col("logged"));
    pipeline.add("ridge", Ridge::new().features_col("scaled"));
    let (data, work) = counted(Dataset::new(frame(60, 2, 1)));
    fit(&pipeline, &data).unwrap();
    // `scale` and `ridge` are asked behind `log`; nothing says that both could be answered together.
    assert!(work().rows_read <= 120, "{:?}", work());
    let direct = pipeline.fit_frame(&frame(60, 2, 1)).unwrap();
    let slow = fit(&pipeline, &data.without_sharing()).unwrap();
    let last = |model: &luthier_core::PipelineModel| {
        model.stage_by_name("ridge").unwrap().downcast_ref::<RidgeModel>().unwrap().clone()
    };
    assert!((last(&direct).intercept - last(&slow).intercept).abs() < 1e-10);
}

#[test]
fn the_handle_of_a_transformer_finds_it() {
    let mut pipeline = Pipeline::new();
    let handle = pipeline.add_transformer("project", Project::new().matrix([[1.0], [0.0], [2.0]]));
    let model = pipeline.fit_frame(&frame(10, 1, 1)).unwrap();
    let found = model.stage_by_name(handle.name()).unwrap().downcast_ref::<Project>().unwrap();
    assert!(found.affine().is_some());
    let data = DataFrame::empty(frame(1, 1, 1).schema().clone());
    assert_eq!(model.transform(&data).unwrap().num_rows(), 0);
}
