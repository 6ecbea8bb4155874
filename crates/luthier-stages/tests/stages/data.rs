//! Frames, a linear model with given coefficients, and random problems.

use std::sync::Arc;

use luthier_core::frame::{Column, DataFrame, Field, Schema};
use luthier_core::{
    Affine, Dataset, DynModel, Estimator, FitContext, Linear, Outputs, Params, StagePlan, Tile, Transformer,
};
use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;

/// A linear model whose coefficients are parameters.
#[derive(Debug, Clone, Params)]
pub(crate) struct Line {
    /// The features.
    #[param(default = "features", column = input)]
    pub(crate) input_col: String,
    /// One per feature.
    #[param(default)]
    pub(crate) coefficients: Vec<f64>,
    /// The value at the origin.
    #[param(default = 0.0)]
    pub(crate) intercept: f64,
}

impl Estimator for Line {
    const NAME: &'static str = "test.line";
    type Model = Line;

    fn fit(&self, _data: &Dataset, _ctx: &FitContext) -> anyhow::Result<Line> {
        Ok(self.clone())
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number("prediction")])
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque().affine([&self.input_col], "prediction")
    }
}

impl Transformer for Line {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Estimator::outputs(self, schema)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let predict = |row: ndarray::ArrayView1<'_, f64>| {
            row.iter().zip(&self.coefficients).fold(self.intercept, |sum, (x, b)| sum + x * b)
        };
        out.numbers(rows.vectors(&self.input_col)?.outer_iter().map(predict).collect());
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        let matrix = Array1::from(self.coefficients.clone()).insert_axis(Axis(1));
        Some(Affine::dense(self.input_col.clone(), "prediction", matrix, Array1::from(vec![self.intercept])))
    }
}

pub(crate) fn context() -> FitContext {
    FitContext::new(0, Arc::default())
}

pub(crate) fn fit(stage: &dyn luthier_core::DynEstimator, data: &Dataset) -> Arc<dyn DynModel> {
    stage.fit(data, &context()).unwrap()
}

/// The numeric columns of a file in `tests/data`, `x0`… of which become `features`.
pub(crate) fn read_csv(name: &str) -> DataFrame {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<f64>> =
        lines.map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    let is_feature = |name: &str| name.starts_with('x');
    let column = |j: usize| rows.iter().map(|row| row[j]).collect::<Vec<_>>();
    let mut columns: Vec<_> = (0..header.len())
        .filter(|&j| !is_feature(header[j]))
        .map(|j| (header[j], Column::f64(column(j))))
        .collect();
    let features: Vec<usize> = (0..header.len()).filter(|&j| is_feature(header[j])).collect();
    if !features.is_empty() {
        let matrix = Array2::from_shape_fn((rows.len(), features.len()), |(i, j)| rows[i][features[j]]);
        columns.push(("features", Column::vector(matrix)));
    }
    DataFrame::from_columns(columns).unwrap()
}

/// Rows with offsets and scales of their own, and a line that nearly fits them.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) frame: DataFrame,
    pub(crate) line: Line,
}

pub(crate) fn problem(max_offset: f64) -> impl Strategy<Value = Problem> {
    (2usize..60, 1usize..5, 1usize..4).prop_flat_map(move |(n, d, partitions)| {
        let unit = -1.0..1.0f64;
        (
            proptest::collection::vec(unit.clone(), n * d),
            proptest::collection::vec(unit.clone(), n),
            proptest::collection::vec(0.0..2.0f64, n),
            proptest::collection::vec((-max_offset..max_offset, -3.0..3.0f64, unit), d),
            (-3.0..0.5f64, -2.0..2.0f64),
        )
            .prop_map(move |(x, noise, weight, shape, (noise_size, intercept))| {
                let scale = |j: usize| 10f64.powf(shape[j].1);
                let features = Array2::from_shape_fn((n, d), |(i, j)| (x[i * d + j] + shape[j].0) * scale(j));
                let coefficients: Vec<f64> = (0..d).map(|j| shape[j].2 / scale(j)).collect();
                let line = Line::new().coefficients(coefficients).intercept(intercept);
                let label = features.outer_iter().zip(&noise).map(|(row, e)| {
                    let fitted: f64 = row.iter().zip(&line.coefficients).map(|(x, b)| x * b).sum();
                    fitted + intercept + e * 10f64.powf(noise_size)
                });
                let label = label.collect();
                let frame = DataFrame::from_ndarray(features, label)
                    .and_then(|frame| frame.with_column("weight", Column::f64(weight)))
                    .and_then(|frame| frame.repartition(partitions))
                    .unwrap();
                Problem { frame, line }
            })
    })
}

pub(crate) fn assert_close(a: f64, b: f64, tolerance: f64) {
    let same = a == b || (a.is_nan() && b.is_nan());
    assert!(same || (a - b).abs() <= tolerance * a.abs().max(b.abs()), "{a} differs from {b}");
}

/// How far rows may be rounded on their way through affine models: four units of the terms that are added.
pub(crate) fn rounding(models: &[Arc<dyn DynModel>], features: &Array2<f64>) -> Array1<f64> {
    let mut terms = features.fold_axis(Axis(0), 0.0f64, |largest, x| largest.max(x.abs()));
    for model in models {
        let mut map = model.transformer().affine().unwrap();
        match &mut map.linear {
            Linear::Diagonal(scale) => scale.mapv_inplace(f64::abs),
            Linear::Dense(matrix) => matrix.mapv_inplace(f64::abs),
            _ => {}
        }
        map.offset.mapv_inplace(f64::abs);
        terms = map.apply(terms.view().insert_axis(Axis(0))).row(0).to_owned();
    }
    4.0 * f64::EPSILON * terms
}
