//! Features brought to a common scale.

use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{
    Affine, Dataset, Error, Estimator, FitContext, Moments, MomentsSpec, Params, RowFunction, StagePlan,
    Transformer,
};
use ndarray::{Array1, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use crate::columns;

/// Scales each feature to unit sample deviation and, if asked, shifts it to zero mean:
/// `out = (x − mean) · factor` with `factor = 1 / std`, `std² = Σ(x − mean)² / (n − 1)`.
///
/// A constant feature has the factor 0, so it becomes 0, as in Spark; so does every feature of a single row.
/// Rows need finite features to be fitted; a fitted model passes NaN on. Sparse vectors stay sparse unless the mean is
/// subtracted.
#[derive(Debug, Clone, PartialEq, Params)]
pub struct StandardScaler {
    /// The numeric or vector column to scale.
    #[param(default = "features")]
    input_col: String,
    /// The vector column to append.
    #[param(default = "scaled_features")]
    output_col: String,
    /// Whether to subtract the mean.
    #[param(default = false)]
    with_mean: bool,
    /// Whether to divide by the sample standard deviation.
    #[param(default = true)]
    with_std: bool,
}

impl Estimator for StandardScaler {
    const NAME: &'static str = "standard_scaler";
    type Model = StandardScalerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<StandardScalerModel> {
        let moments = data.summarize::<Moments>(&MomentsSpec::new([&self.input_col]))?;
        let std = match moments.rows() {
            0 => return Err(Error::invalid("there are no rows to learn means and deviations from").into()),
            1 => Array1::zeros(moments.mean().len()),
            _ => moments.sample_variance().mapv(f64::sqrt),
        };
        Ok(StandardScalerModel {
            input_col: self.input_col.clone(),
            output_col: self.output_col.clone(),
            with_mean: self.with_mean,
            with_std: self.with_std,
            mean: moments.mean().to_vec(),
            std: std.to_vec(),
        })
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        let sparse = !self.with_mean && columns::is_sparse(schema, &self.input_col);
        let field = columns::vector_like(schema, &self.input_col, &self.output_col)?;
        Ok(schema.with_field(field.with_sparse(sparse))?)
    }

    // Grouped although `fit_many` is the default: the moments are kept with the view, the rest is nothing.
    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<Moments>(MomentsSpec::new([&self.input_col]))
            .affine([&self.input_col], &self.output_col)
            .grouped()
    }
}

/// Means and deviations learned by a [`StandardScaler`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandardScalerModel {
    input_col: String,
    output_col: String,
    with_mean: bool,
    with_std: bool,
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl StandardScalerModel {
    /// Mean of each feature, also where it is not subtracted.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.as_slice().into()
    }

    /// Sample standard deviation of each feature, also where it is not divided by; 0 for a constant one.
    pub fn std(&self) -> ArrayView1<'_, f64> {
        self.std.as_slice().into()
    }

    fn factors(&self) -> Array1<f64> {
        let factor = |std: f64| if std == 0.0 { 0.0 } else { 1.0 / std };
        if self.with_std { self.std().mapv(factor) } else { Array1::ones(self.std.len()) }
    }

    fn shift(&self) -> Array1<f64> {
        if self.with_mean { self.mean().to_owned() } else { Array1::zeros(self.mean.len()) }
    }
}

impl Transformer for StandardScalerModel {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        columns::require_width(data.schema(), &self.input_col, self.mean.len())?;
        let field = columns::vector_like(data.schema(), &self.input_col, &self.output_col)?;
        if !self.with_mean {
            let scaled = columns::scale(&data, &self.input_col, self.factors().view())?;
            return Ok(data.with_field(field, scaled)?);
        }
        let (shift, factors) = (self.shift().insert_axis(Axis(0)), self.factors().insert_axis(Axis(0)));
        let rows = columns::compute(&data, &[&self.input_col], self.mean.len(), |rows, mut out| {
            // Not x·factor + offset: the difference comes first, so that a large mean costs no digits.
            out.assign(&rows);
            out -= &shift;
            out *= &factors;
        })?;
        Ok(data.with_field(field, Column::vector(rows))?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        columns::require_width(schema, &self.input_col, self.mean.len())?;
        let sparse = !self.with_mean && columns::is_sparse(schema, &self.input_col);
        let field = columns::vector_like(schema, &self.input_col, &self.output_col)?;
        Ok(schema.with_field(field.with_sparse(sparse))?)
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        Some(vec![self.input_col.clone()])
    }

    // As `transform`: the difference first.
    fn row_function(&self) -> Option<RowFunction> {
        let (shift, factors) = (self.shift(), self.factors());
        Some(RowFunction::new([&self.input_col], [&self.output_col], move |row, out| {
            out.iter_mut().zip(row).zip(&shift).zip(&factors).for_each(|(((out, x), shift), factor)| {
                *out = (x - shift) * factor;
            });
        }))
    }

    fn affine(&self) -> Option<Affine> {
        let factors = self.factors();
        let offset = -(self.shift() * &factors);
        Some(Affine::diagonal(self.input_col.clone(), self.output_col.clone(), factors, offset))
    }
}

luthier_core::register_estimator!(
    StandardScaler: "Scales features to unit deviation and, if asked, to zero mean."
);
