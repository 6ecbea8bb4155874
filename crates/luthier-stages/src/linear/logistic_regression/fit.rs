//! The models of several configurations of the same rows.

use luthier_core::{Error, FitContext};

use super::coordinates::Coordinates;
use super::descent::{Problem, Solution};
use super::estimator::LogisticRegression;
use super::hessian::curvature;
use super::loss::Shape;
use super::minimise::{has_hessian, minimise};
use super::model::LogisticRegressionModel;
use super::notes::{Names, of_fit};
use super::rows::Rows;
use super::separation::{self, Separation};
use super::statistics::Inference;
use super::summary::LogisticTrainingSummary;
use crate::classifier::Decision;
use crate::optim::Inverse;
use crate::together::only;

/// The model of each configuration; those with the same shape pass over the rows together.
pub(super) fn fit_rows(
    configs: &[&LogisticRegression],
    rows: &Rows,
    names: &Names,
    ctx: &FitContext,
) -> Vec<anyhow::Result<LogisticRegressionModel>> {
    let mut models: Vec<Option<anyhow::Result<LogisticRegressionModel>>> = Vec::new();
    let mut waiting: [Vec<(usize, Problem)>; 2] = [Vec::new(), Vec::new()];
    for (i, config) in configs.iter().enumerate() {
        let multinomial = match config.is_multinomial(rows) {
            Ok(multinomial) => multinomial,
            Err(error) => {
                models.push(Some(Err(error.into())));
                continue;
            }
        };
        if config.is_centred() && rows.class_weights.iter().filter(|w| **w > 0.0).count() == 1 {
            models.push(Some(Ok(constant_label(config, rows, multinomial, names))));
            continue;
        }
        let coordinates = Coordinates { rows, shape: shape(rows, multinomial) };
        let problem = match problem(config, coordinates, multinomial, names, ctx) {
            Ok(problem) => problem,
            Err(error) => {
                models.push(Some(Err(error.into())));
                continue;
            }
        };
        models.push(None);
        waiting[usize::from(multinomial)].push((i, problem));
    }
    for (multinomial, waiting) in [false, true].into_iter().zip(waiting) {
        if waiting.is_empty() {
            continue;
        }
        let coordinates = Coordinates { rows, shape: shape(rows, multinomial) };
        let (places, problems): (Vec<usize>, Vec<Problem>) = waiting.into_iter().unzip();
        let solutions = minimise(rows, coordinates.shape, &problems, ctx.cancel_token());
        for ((i, problem), solution) in places.into_iter().zip(&problems).zip(&solutions) {
            let fitted = ctx.check_cancelled().map_err(Into::into);
            let model = |()| model(configs[i], coordinates, multinomial, problem, solution, names, ctx);
            models[i] = Some(fitted.and_then(model));
        }
    }
    models.into_iter().map(only).collect()
}

fn shape(rows: &Rows, multinomial: bool) -> Shape {
    Shape { sets: if multinomial { rows.present.len() } else { 1 }, width: rows.width() }
}

fn problem(
    config: &LogisticRegression,
    coordinates: Coordinates<'_>,
    multinomial: bool,
    names: &Names,
    ctx: &FitContext,
) -> luthier_core::Result<Problem> {
    let (l2, region) = coordinates.penalty_and_region(
        &config.penalty(),
        config.lower_bounds(),
        config.upper_bounds(),
        config.has_intercept(),
    );
    let units = &coordinates.rows.units;
    let weighty = |j: &usize| !(l2[*j].is_finite() && region.l1[*j].is_finite());
    if let Some(j) = (0..l2.len()).find(weighty) {
        let feature = units.active[j % (coordinates.shape.width + 1)];
        return Err(Error::invalid(format!(
            "the penalty on {} cannot be computed with: its values are as small as {:e}; rescale it, or set \
             standardization to true",
            names.feature(feature),
            units.unit[j % (coordinates.shape.width + 1)]
        )));
    }
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
    Ok(Problem { l2, region, start, offsets, tol, max_iter, cancel: ctx.cancel_token().clone() })
}

fn model(
    config: &LogisticRegression,
    coordinates: Coordinates<'_>,
    multinomial: bool,
    problem: &Problem,
    solution: &Solution,
    names: &Names,
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
    let separation = separation::find(coordinates, problem, solution, ctx.cancel_token());
    ctx.check_cancelled()?;
    let likelihood = match config.is_unpenalised() && separation.is_none() && solution.converged {
        true => Likelihood::of(config, coordinates, multinomial, solution, ctx),
        false => None,
    };
    let inference = likelihood.as_ref().filter(|_| !multinomial).map(|likelihood| {
        let intercept = config.has_intercept().then(|| intercepts[0]);
        Inference::new(coordinates, &likelihood.inverse, &coefficients[0], intercept)
    });
    let deviance = 2.0 * rows.weight(rows.weight_sum) * loss;
    let parameters = likelihood.as_ref().map(|likelihood| likelihood.parameters);
    let criterion = |each: f64| parameters.map(|k| each * k as f64 + deviance);
    let summary = LogisticTrainingSummary {
        num_instances: rows.count,
        objective_history: solution.history.clone(),
        total_iterations: solution.history.len().saturating_sub(1),
        converged: solution.converged,
        gradient: solution.violation,
        remaining: 0.5 * solution.decrement,
        stopped_by_rounding: solution.at_rounding,
        separated: separation.is_some(),
        separation,
        log_loss: loss,
        deviance,
        null_deviance: null_deviance(config, rows),
        accuracy: solution.at.accuracy,
        degrees_of_freedom: parameters,
        aic: criterion(2.0),
        bic: criterion(rows.weight(rows.weight_sum).ln()),
        inference,
        notes: Vec::new(),
    };
    let dependent = likelihood.map(|likelihood| likelihood.dependent).unwrap_or_default();
    if let Some(beta) = coefficients.iter().flatten().find(|beta| !beta.is_finite()) {
        return Err(anyhow::anyhow!("a coefficient is {beta}: rescale the features"));
    }
    let summary = LogisticTrainingSummary {
        notes: of_fit(&summary, rows, (&dependent, config.has_intercept()), names),
        ..summary
    };
    Ok(assemble(config, multinomial, coefficients, intercepts, summary))
}

/// What the likelihood says of a model that is its maximum.
struct Likelihood {
    /// Of the information of a binomial model, of the features' products otherwise.
    inverse: Inverse,
    /// Independent parameters.
    parameters: usize,
    /// Features that depend linearly on others.
    dependent: Vec<usize>,
}

impl Likelihood {
    /// `None` where no Hessian is formed.
    fn of(
        config: &LogisticRegression,
        coordinates: Coordinates<'_>,
        multinomial: bool,
        solution: &Solution,
        ctx: &FitContext,
    ) -> Option<Self> {
        let Coordinates { rows, shape } = coordinates;
        if !has_hessian(shape) {
            return None;
        }
        ctx.count_factorisations(1);
        // The rank of the features is that of the information of any finite binomial model.
        let of_features = Shape { sets: 1, ..shape };
        let zeros;
        let point = match multinomial {
            true => {
                zeros = vec![0.0; of_features.unknowns()];
                &zeros
            }
            false => &solution.point,
        };
        let unknowns = shape.width + usize::from(config.has_intercept());
        let inverse = Inverse::new(&curvature(rows, of_features, point, |j| j >= unknowns), unknowns)?;
        let times = if multinomial { rows.class_weights.iter().filter(|w| **w > 0.0).count() - 1 } else { 1 };
        let dependent = inverse.dependent(unknowns).into_iter();
        Some(Self {
            parameters: inverse.rank() * times,
            dependent: dependent.filter_map(|j| rows.units.active.get(j).copied()).collect(),
            inverse,
        })
    }
}

fn null_deviance(config: &LogisticRegression, rows: &Rows) -> f64 {
    let terms = rows.class_weights.iter().filter(|w| **w > 0.0).map(|w| match config.has_intercept() {
        true => -w * (w / rows.weight_sum).ln(),
        false => w * (rows.classes.max(2) as f64).ln(),
    });
    2.0 * rows.weight(terms.sum::<f64>())
}

/// All labels are one class: it is certain.
fn constant_label(
    config: &LogisticRegression,
    rows: &Rows,
    multinomial: bool,
    names: &Names,
) -> LogisticRegressionModel {
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
    let right = decision.class_by_scores(&scores, &certain) == class as f64;
    let summary = LogisticTrainingSummary {
        num_instances: rows.count,
        objective_history: vec![0.0],
        total_iterations: 0,
        converged: true,
        gradient: 0.0,
        remaining: 0.0,
        stopped_by_rounding: false,
        separated: true,
        separation: Some(Separation { complete: true, features: Vec::new(), classes: vec![class] }),
        log_loss: 0.0,
        deviance: 0.0,
        null_deviance: 0.0,
        accuracy: f64::from(u8::from(right)),
        degrees_of_freedom: None,
        aic: None,
        bic: None,
        inference: None,
        notes: Vec::new(),
    };
    let summary = LogisticTrainingSummary {
        notes: of_fit(&summary, rows, (&[], config.has_intercept()), names),
        ..summary
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
