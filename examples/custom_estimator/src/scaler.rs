use luthier_core::frame::{Field, Schema};
use luthier_core::{
    Affine, Dataset, Estimator, FitContext, Moments, MomentsSpec, Outputs, Params, StagePlan, Tile,
    Transformer,
};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

/// Shifts every feature to mean 0 and scales it to standard deviation 1: `(x − μ) / s`.
///
/// `s` is the sample standard deviation (divisor `n − 1`). A constant feature is not scaled.
#[derive(Debug, Clone, Params)]
pub struct Scaler {
    /// Whether to subtract the mean.
    #[param(default = true)]
    with_mean: bool,
    /// Whether to divide by the standard deviation.
    #[param(default = true)]
    with_std: bool,
    /// Vector column to scale.
    #[param(default = "features", column = input)]
    input_col: String,
    /// Column the results are written to.
    #[param(default = "scaled", column = output)]
    output_col: String,
}

impl Scaler {
    fn moments(&self) -> MomentsSpec {
        MomentsSpec::new([&self.input_col])
    }
}

impl Estimator for Scaler {
    const NAME: &'static str = "acme.scaler";
    type Model = ScalerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<ScalerModel> {
        let moments = data.summarize::<Moments>(&self.moments())?;
        let inverse = |variance: f64| if variance > 0.0 { variance.sqrt().recip() } else { 1.0 };
        let scale = match self.with_std {
            true => moments.sample_variance().mapv(inverse),
            false => Array1::ones(moments.mean().len()),
        };
        let offset = match self.with_mean {
            true => -(&moments.mean() * &scale),
            false => Array1::zeros(scale.len()),
        };
        let (input_col, output_col) = (self.input_col.clone(), self.output_col.clone());
        Ok(ScalerModel { input_col, output_col, scale, offset })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let vectors = schema.require_vectors(&self.input_col)?;
        Ok(vec![Field::new(&self.output_col, vectors.column_type())])
    }

    /// All configurations on the same rows make one unit: a few divisions each are not worth units of their own.
    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<Moments>(self.moments())
            .affine([&self.input_col], &self.output_col)
            .grouped()
    }
}

luthier_core::register_estimator!(Scaler: "Shifts every feature to mean 0 and scales it to standard deviation 1.");

/// A fitted [`Scaler`]: `x ∘ scale + offset`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScalerModel {
    input_col: String,
    output_col: String,
    scale: Array1<f64>,
    offset: Array1<f64>,
}

impl ScalerModel {
    fn map(&self) -> Affine {
        Affine::diagonal(&self.input_col, &self.output_col, self.scale.clone(), self.offset.clone())
    }
}

impl Transformer for ScalerModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let vectors = schema.require_width(&self.input_col, self.scale.len())?;
        Ok(vec![Field::new(&self.output_col, vectors.column_type())])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.vectors(self.map().apply(rows.vectors(&self.input_col)?.view()));
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        Some(self.map())
    }
}
