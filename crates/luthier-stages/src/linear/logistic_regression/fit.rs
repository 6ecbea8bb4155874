//! The models of several configurations of the same rows.

use luthier_core::FitContext;

use super::coordinates::Coordinates;
use super::decision::Decision;
use super::descent::{Problem, Solution};
use super::estimator::LogisticRegression;
use super::hessian::hessian;
use super::loss::{Part, Shape};
use super::minimise::{has_hessian, minimise};
use super::model::LogisticRegressionModel;
use super::rows::Rows;
use super::statistics::Inference;
use super::summary::LogisticTrainingSummary;
use crate::linear::together::only;

/// The model of each configuration; those with the same shape pass over the rows together.
pub(super) fn fit_rows(
    configs: &[&LogisticRegression],
    rows: &Rows,
    ctx: &FitContext,
) -> Vec<anyhow::Result<LogisticRegressionModel>> {
    let mut models: Vec<Option<anyhow::Result<LogisticRegressionModel>>> = Vec::new();
    let mut waiting: [Vec<(usize, Problem)>; 2] = [Vec::new(), Vec::new()];
    for (i, config) in configs.iter().enumerate() {
        let multinomial = match config.is_multinomial(rows.classes, rows.units.features) {
            Ok(multinomial) => multinomial,
            Err(error) => {
                models.push(Some(Err(error.into())));
                continue;
            }
        };
        if config.is_centred() && rows.class_weights.iter().filter(|w| **w > 0.0).count() == 1 {
            models.push(Some(Ok(constant_label(config, rows, multinomial))));
            continue;
        }
        models.push(None);
        let coordinates = Coordinates { rows, shape: shape(rows, multinomial) };
        waiting[usize::from(multinomial)].push((i, problem(config, coordinates, multinomial)));
    }
    for (multinomial, waiting) in [false, true].into_iter().zip(waiting) {
        if waiting.is_empty() {
            continue;
        }
        let coordinates = Coordinates { rows, shape: shape(rows, multinomial) };
        let (places, problems): (Vec<usize>, Vec<Problem>) = waiting.into_iter().unzip();
        let solutions = minimise(rows, coordinates.shape, &problems);
        for ((i, problem), solution) in places.into_iter().zip(&problems).zip(&solutions) {
            models[i] = Some(model(configs[i], coordinates, multinomial, problem, solution, ctx));
        }
    }
    models.into_iter().map(only).collect()
}

fn shape(rows: &Rows, multinomial: bool) -> Shape {
    Shape { sets: if multinomial { rows.present.len() } else { 1 }, width: rows.width() }
}

fn problem(config: &LogisticRegression, coordinates: Coordinates<'_>, multinomial: bool) -> Problem {
    let (l2, region) = coordinates.penalty_and_region(
        &config.penalty(),
        config.lower_bounds(),
        config.upper_bounds(),
        config.has_intercept(),
    );
    let zeros;
    let start = match config.initial() {
        Some((coefficients, intercepts)) => {
            zeros = vec![0.0; coefficients.len()];
            coordinates.point(coefficients, intercepts.unwrap_or(&zeros))
        }
        None => coordinates.null_point(config.has_intercept()),
    };
    let bounds = region.lower.iter().zip(&region.upper);
    let start = start.iter().zip(bounds).map(|(t, (low, high))| t.max(*low).min(*high)).collect();
    let (threshold, thresholds) = config.rule();
    let offsets = Decision::new(multinomial, threshold, thresholds).offsets(&coordinates.rows.present);
    let (tol, max_iter) = config.stopping();
    Problem { l2, region, start, offsets, tol, max_iter }
}

fn model(
    config: &LogisticRegression,
    coordinates: Coordinates<'_>,
    multinomial: bool,
    problem: &Problem,
    solution: &Solution,
    ctx: &FitContext,
) -> anyhow::Result<LogisticRegressionModel> {
    let rows = coordinates.rows;
    let loss = solution.at.loss;
    if !loss.is_finite() {
        return Err(anyhow::anyhow!(
            "the loss is {loss} at the start: initial_coefficients are too large for these features"
        ));
    }
    let (coefficients, intercepts) = coordinates.model(
        &solution.point,
        &problem.l2,
        &problem.region,
        [config.lower_bounds(), config.upper_bounds()],
    );
    // A row that is not predicted with more than one half costs at least ln 2.
    let separated = loss * rows.weight_sum < rows.least_weight * std::f64::consts::LN_2;
    let inference = match (&coefficients[..], multinomial) {
        ([beta], false) if config.is_unpenalised() && !separated && has_hessian(coordinates.shape) => {
            ctx.count_factorisations(1);
            let information = hessian(rows, coordinates.shape, Part::All, &solution.point);
            let intercept = config.has_intercept().then(|| intercepts[0]);
            Inference::new(coordinates, &information, beta, intercept)
        }
        _ => None,
    };
    let summary = LogisticTrainingSummary {
        num_instances: rows.count,
        objective_history: solution.history.clone(),
        total_iterations: solution.history.len().saturating_sub(1),
        converged: solution.converged,
        separated,
        log_loss: loss,
        deviance: 2.0 * rows.weight_sum * loss,
        null_deviance: null_deviance(config, rows),
        accuracy: solution.at.accuracy,
        inference,
    };
    Ok(assemble(config, multinomial, coefficients, intercepts, summary))
}

fn null_deviance(config: &LogisticRegression, rows: &Rows) -> f64 {
    let terms = rows.class_weights.iter().filter(|w| **w > 0.0).map(|w| match config.has_intercept() {
        true => -w * (w / rows.weight_sum).ln(),
        false => w * (rows.classes.max(2) as f64).ln(),
    });
    2.0 * terms.sum::<f64>()
}

/// All labels are one class: it is certain.
fn constant_label(config: &LogisticRegression, rows: &Rows, multinomial: bool) -> LogisticRegressionModel {
    let features = rows.units.features;
    let certain = rows.present.iter().zip(&rows.class_weights).find(|(_, w)| **w > 0.0);
    let class = certain.map_or(0, |(class, _)| *class as usize);
    let (coefficients, intercepts) = match multinomial {
        true => {
            let mut intercepts = vec![0.0; rows.classes];
            intercepts[class] = f64::INFINITY;
            (vec![vec![0.0; features]; rows.classes], intercepts)
        }
        false => {
            let intercept = if class == 1 { f64::INFINITY } else { f64::NEG_INFINITY };
            (vec![vec![0.0; features]], vec![intercept])
        }
    };
    let (threshold, thresholds) = config.rule();
    let decision = Decision::new(multinomial, threshold, thresholds);
    let certain: Vec<f64> = (0..rows.classes).map(|k| f64::from(u8::from(k == class))).collect();
    let scores: Vec<f64> =
        certain.iter().map(|p| if *p > 0.0 { f64::INFINITY } else { f64::NEG_INFINITY }).collect();
    let right = decision.class(&scores, &certain) == class as f64;
    let summary = LogisticTrainingSummary {
        num_instances: rows.count,
        objective_history: vec![0.0],
        total_iterations: 0,
        converged: true,
        separated: true,
        log_loss: 0.0,
        deviance: 0.0,
        null_deviance: 0.0,
        accuracy: f64::from(u8::from(right)),
        inference: None,
    };
    assemble(config, multinomial, coefficients, intercepts, summary)
}

fn assemble(
    config: &LogisticRegression,
    multinomial: bool,
    coefficients: Vec<Vec<f64>>,
    intercepts: Vec<f64>,
    summary: LogisticTrainingSummary,
) -> LogisticRegressionModel {
    let (threshold, thresholds) = config.rule();
    LogisticRegressionModel {
        columns: config.model_columns(),
        multinomial,
        coefficients,
        intercepts,
        threshold,
        thresholds: thresholds.map(<[f64]>::to_vec),
        labels: None,
        class_labels: None,
        summary,
    }
}
