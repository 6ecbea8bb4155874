use luthier_core::frame::{Field, Schema};
use luthier_core::linalg::{Eigen, symmetric_eigen};
use luthier_core::{
    Affine, Dataset, Estimator, FitContext, Moments, MomentsSpec, Outputs, Params, StagePlan, Tile,
    Transformer,
};
use ndarray::{Array1, Axis, Zip};
use serde::{Deserialize, Serialize};

/// Linear regression with an L2 penalty: minimises `‖y − X·w − b‖² / 2n + λ‖w‖² / 2`.
///
/// With `C = V diag(d) Vᵀ` the covariance of the features and `c` theirs with the label, both divided by `n`,
/// the solution is `w = V diag(1 / (d + λ)) Vᵀ c`: once `C` is decomposed, every further λ is two products.
/// Directions in which the features do not vary have weight 0.
#[derive(Debug, Clone, Params)]
pub struct Ridge {
    /// Strength λ of the penalty.
    #[param(default = 1.0, range = 0.0.., simpler = larger)]
    reg_param: f64,
    /// Vector column of features.
    #[param(default = "features", column = input)]
    features_col: String,
    /// Numeric column to predict.
    #[param(default = "label", column = label)]
    label_col: String,
    /// Column the predictions are written to.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
}

impl Ridge {
    fn moments(&self) -> MomentsSpec {
        MomentsSpec::new([&self.features_col, &self.label_col])
    }
}

impl Estimator for Ridge {
    const NAME: &'static str = "acme.ridge";
    type Model = RidgeModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<RidgeModel> {
        Ok(System::new(self, data, ctx)?.solve(self))
    }

    /// Configurations of the same columns share a system, whatever their `reg_param`.
    fn fit_many(configs: &[Self], data: &Dataset, ctx: &FitContext) -> Vec<anyhow::Result<RidgeModel>> {
        let mut systems: Vec<(MomentsSpec, System)> = Vec::new();
        let fit = |config: &Self| {
            let columns = config.moments();
            if let Some((_, system)) = systems.iter().find(|(known, _)| *known == columns) {
                return Ok(system.solve(config));
            }
            let system = System::new(config, data, ctx)?;
            let model = system.solve(config);
            systems.push((columns, system));
            Ok(model)
        };
        configs.iter().map(fit).collect()
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        schema.require_vectors(&self.features_col)?;
        schema.require_number(&self.label_col)?;
        Ok(vec![Field::number(&self.prediction_col)])
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<Moments>(self.moments())
            .affine([&self.features_col], &self.prediction_col)
            .grouped()
    }
}

luthier_core::register_estimator!(Ridge: "Linear regression with an L2 penalty.");

/// The normal equations of centred data, decomposed: everything but λ.
struct System {
    eigen: Eigen,
    /// `Vᵀ c`.
    projected: Array1<f64>,
    feature_means: Array1<f64>,
    label_mean: f64,
}

impl System {
    fn new(config: &Ridge, data: &Dataset, ctx: &FitContext) -> anyhow::Result<Self> {
        let (features, label) = (&config.features_col, &config.label_col);
        let moments = data.summarize::<Moments>(&config.moments())?;
        let n = moments.weight_sum();
        anyhow::ensure!(n > 0.0, "no rows to fit: at least one row is needed");
        let covariance = moments.scatter_between(features, features)? / n;
        let with_label = moments.scatter_between(features, label)? / n;
        let eigen = symmetric_eigen(covariance.view())?;
        ctx.count_factorisations(1);
        Ok(Self {
            projected: eigen.vectors.t().dot(&with_label.index_axis(Axis(1), 0)),
            feature_means: moments.mean_of(features)?,
            label_mean: moments.mean_of(label)?[0],
            eigen,
        })
    }

    fn solve(&self, config: &Ridge) -> RidgeModel {
        let values = &self.eigen.values;
        let noise = f64::EPSILON * values.len() as f64 * values.first().copied().unwrap_or(0.0);
        let divide = |&c: &f64, &d: &f64| if d > noise { c / (d + config.reg_param) } else { 0.0 };
        let weights = Zip::from(&self.projected).and(values).map_collect(divide);
        let coefficients = self.eigen.vectors.dot(&weights);
        RidgeModel {
            intercept: self.label_mean - coefficients.dot(&self.feature_means),
            coefficients,
            features_col: config.features_col.clone(),
            prediction_col: config.prediction_col.clone(),
        }
    }
}

/// A fitted [`Ridge`]: `X·w + b`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RidgeModel {
    coefficients: Array1<f64>,
    intercept: f64,
    features_col: String,
    prediction_col: String,
}

impl RidgeModel {
    /// The weights `w`, one per feature.
    pub fn coefficients(&self) -> &Array1<f64> {
        &self.coefficients
    }

    /// The intercept `b`.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }
}

impl Transformer for RidgeModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.features_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        schema.require_width(&self.features_col, self.coefficients.len())?;
        Ok(vec![Field::number(&self.prediction_col)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let predict = |row: ndarray::ArrayView1<'_, f64>| row.dot(&self.coefficients) + self.intercept;
        out.numbers(rows.vectors(&self.features_col)?.outer_iter().map(predict).collect());
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        let matrix = self.coefficients.clone().insert_axis(Axis(1));
        let offset = Array1::from_elem(1, self.intercept);
        Some(Affine::dense(&self.features_col, &self.prediction_col, matrix, offset))
    }
}
