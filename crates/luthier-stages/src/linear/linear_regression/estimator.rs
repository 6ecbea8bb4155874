//! The estimator: parameters, needs, and which solver gets which summary.

use std::cell::OnceCell;
use std::sync::Arc;

use luthier_core::frame::{Field, Schema};
use luthier_core::params::{ParamEnum, Params};
use luthier_core::{Dataset, Estimator, FitContext, Moments, MomentsSpec, QrFactor, StagePlan};

use super::fit::Fit;
use super::huber::{HuberFit, HuberOptions, HuberProblem, HuberStart};
use super::huber_summary::{HuberSpec, HuberSummary};
use super::model::LinearRegressionModel;
use super::moments::{Factor, NormalEquations};
use super::options::{FitOptions, Solver};
use super::residuals::{ResidualSpec, ResidualSums};
use super::solve::{Outcome, fit_factor, fit_normal_equations, fit_sparse_rows};
use super::sparse_rows::{Columns, SparseRows};
use super::statistics::{Estimate, Goodness};
use crate::columns;
use crate::together::{fit_in_groups, only};

/// Sparse vectors of more features are fitted without the products of all pairs.
const MULTIPLIED_FEATURES: usize = 256;

/// The loss function of the residuals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum Loss {
    /// Squared residuals.
    SquaredError,
    /// Huber loss: squared residuals up to `epsilon` times the scale, absolute residuals beyond; robust to
    /// outliers.
    Huber,
}

/// Linear regression with an L1 and L2 penalty (elastic net) or a robust loss: `prediction = x · β + c`.
///
/// For squared error it minimises, with `W = Σw`,
///
/// `1/(2W) Σ w (xβ + c − y)² + λ [(1−α)/(2 s_y) Σ (s_j β_j)² + α Σ s_j |β_j|]`
///
/// where `λ = reg_param`, `α = elastic_net_param`, `s_y` is the standard deviation of the label, `s_j` that of
/// feature `j`, or 1 without `standardization`. This is the objective of Spark, including the division by `s_y`. The
/// intercept `c` is not penalised. Standard deviations are those of the population for `auto`, `normal` and `qr`, and those
/// of the sample for `l_bfgs` and the Huber loss, as in Spark.
///
/// For the Huber loss it minimises, jointly over `β`, `c` and the scale `σ > 0`,
/// `1/(2W) Σ w (σ + H_ε((xβ + c − y)/σ) σ) + λ/2 Σ (s_j β_j)²`, with `H_ε(z) = z²` up to `ε` and `2ε|z| − ε²`
/// beyond (Owen 2007).
///
/// | rows | outcome |
/// |---|---|
/// | constant feature, with intercept | coefficient 0, and a note |
/// | constant feature, without intercept | a feature like any other; with `standardization` and `reg_param > 0` the penalty is not defined for it, so its coefficient is 0, as in Spark, and there is a note |
/// | constant label | with intercept: coefficients 0 and the label as intercept; without: an error if `reg_param > 0` |
/// | linearly dependent features, no penalty | the smallest of the solutions, `min Σ (s_j β_j)²`, and a note that names the features; no standard errors |
/// | several lasso solutions (dummies that add up to 1, copies of a column) | the smallest of them in the same norm, which is the limit of the elastic net as its L2 part goes to 0. Copies share the coefficient equally |
/// | values or weights whose squares overflow or underflow in `f64` | an error that says so; a [`StandardScaler`](crate::StandardScaler) before it accepts values of any size |
/// | null, NaN or infinite label or feature | an error naming column and row |
/// | negative, null, NaN or infinite weight | an error naming column and row |
/// | zero weight | the row is ignored, except in the degrees of freedom |
/// | all weights zero, or no rows | an error |
///
/// Squared error is fitted from moments, without reading the rows again, and the candidates of a grid share their work.
/// Ridge regressions share one eigendecomposition. Lassos of up to 256 features share one walk along the path of all
/// solutions, whose knots follow from the data. Other elastic nets share warm starts on a ladder of penalties, which are
/// halved from the largest useful one. The shared work depends only on the data and `elastic_net_param`, so
/// the coefficients of a candidate are the same, bit for bit, alone and in any grid. They satisfy the optimality conditions
/// to `1e-7 · tol`, at best 1e-13, in units of the label's standard deviation.
///
/// With more than 512 features and fewer rows than features, the rows are decomposed instead of the products of all pairs.
/// Sparse vectors of more than 256 features stay sparse: they are fitted by conjugate gradients, and by coordinate descent
/// with an L1 penalty. The rank and standard errors are not computed then, and the degrees of freedom count all features that
/// vary. `normal` and `qr` compute the products of all pairs.
///
/// `auto` reads the rows again if the moments have too few digits: for the triangular factor if the condition number
/// of the standardised features' Gram matrix is above 2e4, once more to refine the fit if it is above 1e6, and for the
/// residuals of a fit that is so close that the moments leave fewer than six digits of them. Each is counted as `guarded`.
///
/// The Huber loss takes one pass over the rows per Newton step. With a penalty and up to 512 rows, at most twice as many as
/// features, the scale may tend to zero, where the objective has kinks. There the dual is solved instead, a quadratic
/// programme with one unknown per row, and its gap to the objective proves that the minimum was reached.
///
/// Partitions change the rounding of sums: coefficients agree to as many digits as the condition number of the features
/// leaves. They agree to the last bit if the partitions are the same, for any number of threads. Which of several lasso
/// solutions is chosen does not depend on the partitions.
///
/// ```
/// use luthier_core::EstimatorExt;
/// use luthier_core::frame::DataFrame;
/// use luthier_stages::LinearRegression;
///
/// let x = ndarray::array![[1.0], [2.0], [4.0], [7.0]];
/// let data = DataFrame::from_ndarray(x, vec![3.0, 5.0, 9.0, 15.0])?;
/// let model = LinearRegression::new().fit_frame(&data)?;
/// assert!((model.coefficients()[0] - 2.0).abs() < 1e-12);
/// assert!((model.intercept() - 1.0).abs() < 1e-12);
///
/// // A penalty draws the coefficient towards zero.
/// let ridge = LinearRegression::new().reg_param(1.0).fit_frame(&data)?;
/// assert!(ridge.coefficients()[0] < model.coefficients()[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Params)]
#[params(check = "Self::check")]
pub struct LinearRegression {
    /// The numeric or vector column of features.
    #[param(default = "features", column = input)]
    features_col: String,
    /// The numeric column to predict.
    #[param(default = "label", column = label)]
    label_col: String,
    /// The column of predictions to append.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    #[param(column = weight)]
    weight_col: Option<String>,
    /// Strength of the penalty.
    #[param(default = 0.0, range = 0.0.., simpler = larger)]
    reg_param: f64,
    /// Mixture of the penalties: 0 is L2 only (ridge), 1 is L1 only (lasso).
    #[param(default = 0.0, range = 0.0..=1.0)]
    // It has no order of complexity: more of the L1 penalty is less of the L2 penalty.
    elastic_net_param: f64,
    /// Whether to fit an intercept.
    #[param(default = true)]
    fit_intercept: bool,
    /// Whether to penalise coefficients as if features had been scaled to unit standard deviation.
    #[param(default = true)]
    standardization: bool,
    /// The algorithm.
    #[param(default = Solver::Auto)]
    solver: Solver,
    /// The loss function.
    #[param(default = Loss::SquaredError)]
    loss: Loss,
    /// Residual, in units of the scale, at which the Huber loss switches from squared to absolute error.
    #[param(default = 1.35, greater_than = 1.0)]
    epsilon: f64,
    /// Largest number of iterations of the iterative solvers; 0 returns the starting point. Direct solutions ignore it.
    #[param(default = 100)]
    max_iter: usize,
    /// Tolerance of the iterative solvers.
    #[param(default = 1e-6, range = 0.0..)]
    tol: f64,
}

luthier_core::register_estimator!(
    LinearRegression: "Linear regression with an L1 and L2 penalty, or with the robust Huber loss."
);

impl LinearRegression {
    fn check(&self) -> Result<(), String> {
        if self.loss == Loss::Huber && self.elastic_net_param > 0.0 {
            return Err("the Huber loss supports an L2 penalty only: set elastic_net_param to 0".to_owned());
        }
        if self.loss == Loss::Huber && matches!(self.solver, Solver::Normal | Solver::Qr) {
            return Err("the Huber loss is minimised iteratively: set solver to auto or l_bfgs".to_owned());
        }
        Ok(())
    }

    fn spec(&self) -> MomentsSpec {
        MomentsSpec::new([&self.features_col, &self.label_col]).weighted_by(self.weight_col.as_deref())
    }

    /// Whether the rows are fitted as they are: sparse vectors of so many features that their products would take more
    /// memory and time than they do. Solvers that work on products are taken at their word.
    fn reads_sparse_rows(&self, schema: &Schema) -> bool {
        let width = columns::planned_width(schema, &self.features_col).ok().flatten();
        self.loss == Loss::SquaredError
            && matches!(self.solver, Solver::Auto | Solver::LBfgs)
            && columns::is_sparse(schema, &self.features_col)
            && width.is_none_or(|width| width > MULTIPLIED_FEATURES)
    }

    fn options(&self, ctx: &FitContext) -> FitOptions {
        FitOptions {
            reg_param: self.reg_param,
            elastic_net_param: self.elastic_net_param,
            fit_intercept: self.fit_intercept,
            standardization: self.standardization,
            solver: self.solver,
            tol: self.tol,
            max_iter: self.max_iter,
            cancel: ctx.cancel_token().clone(),
        }
    }

    fn huber_options(&self, ctx: &FitContext) -> HuberOptions {
        HuberOptions {
            reg_param: self.reg_param,
            fit_intercept: self.fit_intercept,
            standardization: self.standardization,
            epsilon: self.epsilon,
            tol: self.tol,
            max_iter: self.max_iter,
            cancel: ctx.cancel_token().clone(),
        }
    }

    fn columns(&self) -> (String, String, String, Option<String>) {
        (
            self.features_col.clone(),
            self.label_col.clone(),
            self.prediction_col.clone(),
            self.weight_col.clone(),
        )
    }
}

/// The summaries of some rows, taken when they are first needed.
struct Summaries<'a> {
    data: &'a Dataset,
    ctx: &'a FitContext,
    spec: MomentsSpec,
    features_col: String,
    label_col: String,
    moments: OnceCell<luthier_core::Result<Arc<Moments>>>,
    equations: OnceCell<luthier_core::Result<NormalEquations>>,
    factor: OnceCell<luthier_core::Result<Factor>>,
    rows: OnceCell<luthier_core::Result<SparseRows>>,
}

/// What was taken, or why it could not be.
fn known<T>(
    cell: &OnceCell<luthier_core::Result<T>>,
    take: impl FnOnce() -> luthier_core::Result<T>,
) -> luthier_core::Result<&T> {
    cell.get_or_init(take).as_ref().map_err(Clone::clone)
}

impl<'a> Summaries<'a> {
    fn of(config: &LinearRegression, data: &'a Dataset, ctx: &'a FitContext) -> Self {
        Self {
            data,
            ctx,
            spec: config.spec(),
            features_col: config.features_col.clone(),
            label_col: config.label_col.clone(),
            moments: OnceCell::new(),
            equations: OnceCell::new(),
            factor: OnceCell::new(),
            rows: OnceCell::new(),
        }
    }

    fn fits(&self, config: &LinearRegression) -> bool {
        self.spec == config.spec() && self.label_col == config.label_col
    }

    fn moments(&self) -> luthier_core::Result<&Arc<Moments>> {
        known(&self.moments, || {
            let moments: Arc<Moments> = self.data.summarize(&self.spec)?;
            moments.require_visible(&[&self.features_col, &self.label_col])?;
            Ok(moments)
        })
    }

    fn equations(&self) -> luthier_core::Result<&NormalEquations> {
        let moments = self.moments()?;
        let (features, label) = (self.features_col.as_str(), self.label_col.as_str());
        known(&self.equations, || {
            Ok(NormalEquations {
                rows: moments.rows(),
                weight_sum: moments.weight_sum(),
                weight_sq_sum: moments.weight_sq_sum(),
                x_mean: moments.mean_of(features)?,
                y_mean: moments.mean_of(label)?[0],
                xx: moments.scatter_between(features, features)?,
                xy: moments.scatter_between(features, label)?.column(0).to_owned(),
                yy: moments.scatter_between(label, label)?[[0, 0]],
            })
        })
    }

    /// Rows that keep all digits: those that the moments hold, or the triangular factor. The spec names the features
    /// first and the label second.
    fn factor(&self) -> luthier_core::Result<&Factor> {
        let moments = self.moments()?;
        known(&self.factor, || {
            if let Some(r) = moments.centred_rows() {
                return Ok(Factor {
                    rows: moments.rows(),
                    weight_sum: moments.weight_sum(),
                    weight_sq_sum: moments.weight_sq_sum(),
                    mean: moments.mean().to_owned(),
                    r,
                });
            }
            let factor: Arc<QrFactor> = self.data.summarize(&self.spec)?;
            Ok(Factor {
                rows: factor.rows(),
                weight_sum: factor.weight_sum(),
                weight_sq_sum: factor.weight_sq_sum(),
                mean: factor.mean().to_owned(),
                r: factor.r().to_owned(),
            })
        })
    }

    /// The models of all configurations on these rows.
    fn fit(&self, configs: &[&LinearRegression]) -> Vec<anyhow::Result<LinearRegressionModel>> {
        let (robust, squared): (Vec<usize>, Vec<usize>) =
            (0..configs.len()).partition(|&i| configs[i].loss == Loss::Huber);
        let mut models: Vec<_> = configs.iter().map(|_| None).collect();
        for i in robust {
            models[i] = Some(self.fit_robustly(configs[i]));
        }
        let is_sparse = |i: &usize| configs[*i].reads_sparse_rows(self.data.schema());
        let (sparse, squared): (Vec<usize>, Vec<usize>) = squared.into_iter().partition(is_sparse);
        for (i, result) in self.fit_sparse(configs, sparse) {
            models[i] = Some(result);
        }
        let mut fitted = Vec::new();
        for (i, result) in self.fit_squares(configs, squared) {
            match result {
                Ok(fit) => fitted.push((i, fit)),
                Err(error) => models[i] = Some(Err(error)),
            }
        }
        let refined = self.refine(configs, &mut fitted);
        for (i, Fitted { fit, goodness }) in fitted {
            let model = self.model(configs[i], fit, &goodness);
            models[i] = Some(refined.clone().map(|()| model).map_err(anyhow::Error::from));
        }
        models
            .into_iter()
            .map(|model| self.ctx.check_cancelled().map_err(Into::into).and(only(model)))
            .collect()
    }

    /// The chosen configurations by moments where they have enough digits and by the factor elsewhere.
    fn fit_squares(
        &self,
        configs: &[&LinearRegression],
        chosen: Vec<usize>,
    ) -> Vec<(usize, anyhow::Result<Fitted>)> {
        if chosen.is_empty() {
            return Vec::new();
        }
        let failed = |chosen: Vec<usize>, error: &luthier_core::Error| {
            chosen.into_iter().map(|i| (i, Err(error.clone().into()))).collect()
        };
        let holds_rows = match self.moments() {
            Ok(moments) => moments.centred_rows().is_some(),
            Err(error) => return failed(chosen, &error),
        };
        let (mut by_factor, by_moments): (Vec<usize>, Vec<usize>) =
            chosen.into_iter().partition(|&i| holds_rows || configs[i].solver == Solver::Qr);
        let mut results = Vec::new();
        if !by_moments.is_empty() {
            match self.equations() {
                Ok(moments) => self.fit_moments(configs, by_moments, moments, &mut by_factor, &mut results),
                Err(error) => return failed(by_moments.into_iter().chain(by_factor).collect(), &error),
            }
        }
        if by_factor.is_empty() {
            return results;
        }
        let factor = match self.factor() {
            Ok(factor) => factor,
            Err(error) => {
                results.extend(by_factor.into_iter().map(|i| (i, Err(error.clone().into()))));
                return results;
            }
        };
        let options: Vec<FitOptions> = by_factor.iter().map(|&i| configs[i].options(self.ctx)).collect();
        let batch = fit_factor(factor, &options);
        self.ctx.count_factorisations(batch.factorisations as u64);
        for (&i, outcome) in by_factor.iter().zip(batch.outcomes) {
            let result = match outcome {
                Ok(Outcome::Fitted(fit)) => {
                    let (beta, about) = (fit.coefficients.view(), (fit.rank, configs[i].fit_intercept));
                    let goodness = Goodness::from_factor(factor, beta, fit.intercept, about);
                    Ok(Fitted { fit, goodness })
                }
                Ok(Outcome::NeedsFactor { condition }) => {
                    Err(anyhow::anyhow!("the factor was refused at a condition of {condition:e}"))
                }
                Err(error) => Err(error.into()),
            };
            results.push((i, result));
        }
        results
    }

    /// Whether the moments hold the rows, which then need not be read again.
    fn holds_rows(&self) -> bool {
        matches!(self.moments.get(), Some(Ok(moments)) if moments.centred_rows().is_some())
    }

    /// A fit with the huber loss.
    fn fit_robustly(&self, config: &LinearRegression) -> anyhow::Result<LinearRegressionModel> {
        self.moments()?;
        // The products of all pairs of so many features are not made for few rows.
        let is_wide = self.holds_rows();
        let (totals, finite) = match is_wide {
            true => self.factor().map(|factor| (factor.totals(), factor.totals().is_finite()))?,
            false => self.equations().map(|equations| (equations.totals(), equations.is_finite()))?,
        };
        let fit = match HuberProblem::start(&totals, finite, &config.huber_options(self.ctx))? {
            HuberStart::Fitted(fit) => fit,
            HuberStart::Problem(problem) if problem.is_of_few_rows(totals.rows) => {
                let weight = config.weight_col.as_deref();
                problem.minimise_dual(self.data, (&config.features_col, &config.label_col, weight))?
            }
            HuberStart::Problem(problem) => {
                problem.minimise(self.equations()?, |point| -> anyhow::Result<_> {
                    let spec = HuberSpec {
                        features_col: config.features_col.clone(),
                        label_col: config.label_col.clone(),
                        weight_col: config.weight_col.clone(),
                        point: point.clone(),
                    };
                    Ok(self.data.aggregate::<HuberSummary>(&spec)?.sums)
                })?
            }
        };
        let HuberFit { fit, scale } = fit;
        let (beta, about) = (fit.coefficients.view(), (fit.rank, config.fit_intercept));
        let goodness = match is_wide {
            true => Goodness::from_factor(self.factor()?, beta, fit.intercept, about),
            false => Goodness::from_moments(self.equations()?, beta, fit.intercept, about),
        };
        let model = LinearRegressionModel::new(config.columns(), fit, &goodness, false).with_scale(scale);
        Ok(model.with_names_from(self.data.schema()))
    }

    /// Fits on sparse rows as they are.
    fn fit_sparse(
        &self,
        configs: &[&LinearRegression],
        chosen: Vec<usize>,
    ) -> Vec<(usize, anyhow::Result<LinearRegressionModel>)> {
        if chosen.is_empty() {
            return Vec::new();
        }
        let columns = Columns {
            features: &self.features_col,
            label: &self.label_col,
            weight: self.spec.weight_col.as_deref(),
        };
        let rows = match known(&self.rows, || SparseRows::read(self.data, columns)) {
            Ok(rows) => rows,
            Err(error) => {
                return chosen.into_iter().map(|i| (i, Err(error.clone().into()))).collect();
            }
        };
        let options: Vec<FitOptions> = chosen.iter().map(|&i| configs[i].options(self.ctx)).collect();
        let fits = chosen.into_iter().zip(fit_sparse_rows(rows, &options));
        let model = |i: usize, fit: Fit| {
            let (residual, explained) = rows.sums_of_squares(&fit.coefficients, fit.intercept);
            let about = (fit.rank, configs[i].fit_intercept);
            let goodness = Goodness::new(rows.totals(), Estimate::exact(residual), explained, about);
            self.model(configs[i], fit, &goodness).of_sparse_rows()
        };
        fits.map(|(i, fit)| (i, fit.map(|fit| model(i, fit)).map_err(Into::into))).collect()
    }

    /// The model, with names in its notes.
    fn model(&self, config: &LinearRegression, fit: Fit, goodness: &Goodness) -> LinearRegressionModel {
        // Of sparse rows it is not known which columns depend on each other.
        let is_plain = config.reg_param == 0.0 && !config.reads_sparse_rows(self.data.schema());
        LinearRegressionModel::new(config.columns(), fit, goodness, is_plain)
            .penalised(config.reg_param > 0.0)
            .with_names_from(self.data.schema())
    }

    /// Fits by moments; those that need the factor are added to `by_factor`.
    fn fit_moments(
        &self,
        configs: &[&LinearRegression],
        chosen: Vec<usize>,
        moments: &NormalEquations,
        by_factor: &mut Vec<usize>,
        results: &mut Vec<(usize, anyhow::Result<Fitted>)>,
    ) {
        let options: Vec<FitOptions> = chosen.iter().map(|&i| configs[i].options(self.ctx)).collect();
        let batch = fit_normal_equations(moments, &options);
        self.ctx.count_factorisations(batch.factorisations as u64);
        for (&i, outcome) in chosen.iter().zip(batch.outcomes) {
            match outcome {
                Ok(Outcome::NeedsFactor { .. }) => {
                    self.data.work().guarded(1);
                    by_factor.push(i);
                }
                Ok(Outcome::Fitted(fit)) => {
                    let (beta, about) = (fit.coefficients.view(), (fit.rank, configs[i].fit_intercept));
                    let goodness = Goodness::from_moments(moments, beta, fit.intercept, about);
                    results.push((i, Ok(Fitted { fit, goodness })));
                }
                Err(error) => results.push((i, Err(error.into()))),
            }
        }
    }

    /// Takes the residuals of the fits that need it from the rows, all in one pass: ill-conditioned fits are
    /// corrected by them, and of nearly perfect fits they are all that moments cannot tell.
    fn refine(
        &self,
        configs: &[&LinearRegression],
        fitted: &mut [(usize, Fitted)],
    ) -> luthier_core::Result<()> {
        let holds_rows = self.holds_rows();
        let needs_rows = |(i, fitted): &(usize, Fitted)| {
            !holds_rows
                && configs[*i].solver != Solver::Normal
                && (fitted.fit.seminormal.is_some() || fitted.goodness.is_noise())
        };
        let doubtful: Vec<&mut Fitted> =
            fitted.iter_mut().filter(|entry| needs_rows(entry)).map(|(_, fitted)| fitted).collect();
        if doubtful.is_empty() {
            return Ok(());
        }
        self.data.work().guarded(doubtful.len() as u64);
        let sums: ResidualSums = self.data.aggregate(&ResidualSpec {
            features_col: self.features_col.clone(),
            label_col: self.label_col.clone(),
            weight_col: self.spec.weight_col.clone(),
            models: doubtful.iter().map(|f| (f.fit.coefficients.clone(), f.fit.intercept)).collect(),
        })?;
        for (Fitted { fit, goodness }, residuals) in doubtful.into_iter().zip(&sums.models) {
            let square = match fit.seminormal.take() {
                Some(system) => system.refine(&mut fit.coefficients, &mut fit.intercept, residuals),
                None => residuals.square,
            };
            *goodness = goodness.clone().with_residual(square);
        }
        Ok(())
    }
}

/// A fit by squared error, and how good it is.
struct Fitted {
    fit: Fit,
    goodness: Goodness,
}

impl Estimator for LinearRegression {
    const NAME: &'static str = "linear_regression";
    type Model = LinearRegressionModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<LinearRegressionModel> {
        only(Summaries::of(self, data, ctx).fit(&[self]).into_iter().next())
    }

    fn fit_many(
        configs: &[Self],
        data: &Dataset,
        ctx: &FitContext,
    ) -> Vec<anyhow::Result<LinearRegressionModel>> {
        // Configurations of other columns see other rows.
        fit_in_groups(
            configs,
            |config| Summaries::of(config, data, ctx),
            |summaries, config| summaries.fits(config),
            |summaries, group| summaries.fit(group),
        )
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::planned_width(schema, &self.features_col)?;
        columns::require_numeric(schema, &self.label_col)?;
        if let Some(weight_col) = &self.weight_col {
            columns::require_numeric(schema, weight_col)?;
        }
        Ok(vec![Field::number(&self.prediction_col)])
    }

    fn plan(&self, schema: &Schema) -> StagePlan {
        if self.reads_sparse_rows(schema) {
            let columns = [&self.features_col, &self.label_col].into_iter().chain(&self.weight_col);
            return StagePlan::opaque().grouped().iterates().holds(columns);
        }
        let plan = StagePlan::opaque()
            .need::<Moments>(self.spec())
            .affine([&self.features_col], &self.prediction_col);
        match self.loss {
            Loss::SquaredError => plan.grouped(),
            Loss::Huber => plan.iterates(),
        }
    }
}
