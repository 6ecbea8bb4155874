//! Small stages as a third party would write them.

use std::sync::Arc;

use anyhow::{bail, ensure};
use luthier_core::frame::{Column, ColumnType, DataFrame, Field, Schema};
use luthier_core::{
    Affine, AxisLabels, Blocks, Dataset, Description, DynModel, Estimator, FailedNeed, FitContext, Moments,
    MomentsSpec, Need, Note, NoteKind, Outputs, Params, PureTransformer, Round, Rounds, StagePlan, Summary,
    Tile, TrainingSets, Transformer, Work, WorkCounter, linalg, persist,
};
use ndarray::{Array1, Array2, Axis, array, concatenate};
use serde::{Deserialize, Serialize};

/// Columns side by side, `f64` columns as one feature.
fn side_by_side(rows: &Tile<'_>, columns: &[String]) -> anyhow::Result<Array2<f64>> {
    let blocks =
        columns.iter().map(|column| rows.vectors(column)).collect::<luthier_core::Result<Vec<_>>>()?;
    let views: Vec<_> = blocks.iter().map(|block| block.view()).collect();
    Ok(concatenate(Axis(1), &views)?)
}

pub(crate) fn width(schema: &Schema, column: &str) -> anyhow::Result<usize> {
    match schema.require(column)?.column_type() {
        ColumnType::Vector { width } => Ok(width),
        found if found.is_numeric() => Ok(1),
        found => bail!("column `{column}` is {found}"),
    }
}

fn apply(map: &Affine, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
    out.vectors(map.apply(side_by_side(rows, &map.columns.inputs)?.view()));
    Ok(())
}

fn append(schema: &Schema, map: &Affine) -> anyhow::Result<Vec<Field>> {
    let inputs: usize = map.columns.inputs.iter().map(|c| width(schema, c)).sum::<anyhow::Result<_>>()?;
    ensure!(map.accepts(inputs), "{inputs} features do not fit");
    let width = map.output_width(inputs);
    Ok(vec![Field::new(&map.columns.output, ColumnType::Vector { width })])
}

/// Zero mean and unit variance.
#[derive(Debug, Clone, Params)]
pub(crate) struct Scale {
    /// Column to scale.
    #[param(default = "features", column = input)]
    input_col: String,
    /// Scaled column.
    #[param(default = "scaled", column = output)]
    output_col: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScaleModel {
    pub(crate) input_col: String,
    pub(crate) output_col: String,
    pub(crate) mean: Vec<f64>,
    pub(crate) std: Vec<f64>,
}

impl ScaleModel {
    fn map(&self) -> Affine {
        let scale: Array1<f64> = self.std.iter().map(|s| if *s > 0.0 { 1.0 / s } else { 0.0 }).collect();
        let offset = -(&scale * &Array1::from(self.mean.clone()));
        Affine::diagonal(&self.input_col, &self.output_col, scale, offset)
    }
}

impl Transformer for ScaleModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        append(schema, &self.map())
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        apply(&self.map(), rows, out)
    }

    fn affine(&self) -> Option<Affine> {
        Some(self.map())
    }
}

impl Estimator for Scale {
    const NAME: &'static str = "acme.scale";
    type Model = ScaleModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<ScaleModel> {
        let moments = data.summarize::<Moments>(&MomentsSpec::new([&self.input_col]))?;
        Ok(ScaleModel {
            input_col: self.input_col.clone(),
            output_col: self.output_col.clone(),
            mean: moments.mean().to_vec(),
            std: moments.sample_variance().mapv(f64::sqrt).to_vec(),
        })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let width = width(schema, &self.input_col)?;
        Ok(vec![Field::new(&self.output_col, ColumnType::Vector { width })])
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<Moments>(MomentsSpec::new([&self.input_col]))
            .affine([&self.input_col], &self.output_col)
    }
}

/// Least squares with an L2 penalty.
#[derive(Debug, Clone, Params)]
pub(crate) struct Ridge {
    /// Strength of the penalty.
    #[param(default = 1.0, range = 0.0..)]
    reg_param: f64,
    /// Column of features.
    #[param(default = "features", column = input)]
    features_col: String,
    /// Column of labels.
    #[param(default = "label", column = label)]
    label_col: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RidgeModel {
    pub(crate) features_col: String,
    pub(crate) coefficients: Vec<f64>,
    pub(crate) intercept: f64,
}

impl RidgeModel {
    fn map(&self) -> Affine {
        let matrix = Array1::from(self.coefficients.clone()).insert_axis(Axis(1));
        Affine::dense(&self.features_col, "prediction", matrix, array![self.intercept])
    }
}

impl Transformer for RidgeModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.features_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        ensure!(width(schema, &self.features_col)? == self.coefficients.len());
        Ok(vec![Field::number("prediction")])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let mapped = self.map().apply(rows.vectors(&self.features_col)?.view());
        out.numbers(mapped.column(0).to_vec());
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        Some(self.map())
    }

    fn describe(&self) -> Description {
        let description = Description::new().vector(
            "coefficient",
            AxisLabels::FeaturesAndIntercept(self.features_col.clone()),
            self.coefficients.iter().copied().chain([self.intercept]),
        );
        match self.intercept.is_nan() {
            true => description.note(Note::new(NoteKind::Other, "the intercept is NaN").about(["intercept"])),
            false => description,
        }
    }

    fn check_state(&self) -> anyhow::Result<()> {
        ensure!(self.coefficients.len() < 1000, "`coefficients` has {} numbers", self.coefficients.len());
        Ok(())
    }
}

impl Estimator for Ridge {
    const NAME: &'static str = "acme.ridge";
    type Model = RidgeModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<RidgeModel> {
        let spec = MomentsSpec::new([&self.features_col, &self.label_col]);
        let moments = data.summarize::<Moments>(&spec)?;
        let mut gram = moments.scatter_between(&self.features_col, &self.features_col)?;
        gram.diag_mut().mapv_inplace(|x| x + self.reg_param * moments.weight_sum());
        let cross = moments.scatter_between(&self.features_col, &self.label_col)?;
        ctx.count_factorisations(1);
        let eigen = linalg::symmetric_eigen(gram.view())?;
        let rotated = eigen.vectors.t().dot(&cross.column(0)) / &eigen.values;
        let coefficients = eigen.vectors.dot(&rotated);
        let intercept =
            moments.mean_of(&self.label_col)?[0] - moments.mean_of(&self.features_col)?.dot(&coefficients);
        Ok(RidgeModel {
            features_col: self.features_col.clone(),
            coefficients: coefficients.to_vec(),
            intercept,
        })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        width(schema, &self.features_col)?;
        width(schema, &self.label_col)?;
        Ok(vec![Field::number("prediction")])
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<Moments>(MomentsSpec::new([&self.features_col, &self.label_col]))
            .affine([&self.features_col], "prediction")
    }
}

/// Columns side by side in one vector.
#[derive(Debug, Clone, Params)]
pub(crate) struct Concat {
    /// Columns to join.
    #[param(default = ["a", "b"], column = input)]
    input_cols: Vec<String>,
    /// Joined column.
    #[param(default = "features", column = output)]
    output_col: String,
}

impl Transformer for Concat {
    fn inputs(&self) -> Vec<String> {
        self.input_cols.clone()
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        append(schema, &self.affine().expect("affine"))
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        apply(&self.affine().expect("affine"), rows, out)
    }

    fn affine(&self) -> Option<Affine> {
        Some(Affine::concatenation(self.input_cols.clone(), &self.output_col))
    }
}

impl PureTransformer for Concat {
    const NAME: &'static str = "acme.concat";
}

/// A fixed matrix.
#[derive(Debug, Clone, Params)]
pub(crate) struct Project {
    /// Column to project.
    #[param(default = "features", column = input)]
    input_col: String,
    /// Projected column.
    #[param(default = "projected", column = output)]
    output_col: String,
    /// One row per input feature.
    #[param(default)]
    matrix: Vec<Vec<f64>>,
    /// One number per output feature.
    #[param(default)]
    offset: Vec<f64>,
}

impl Transformer for Project {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        append(schema, &self.affine().expect("affine"))
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        apply(&self.affine().expect("affine"), rows, out)
    }

    fn affine(&self) -> Option<Affine> {
        let shape = (self.matrix.len(), self.matrix.first().map_or(0, Vec::len));
        let matrix = Array2::from_shape_vec(shape, self.matrix.concat()).expect("a matrix");
        Some(Affine::dense(&self.input_col, &self.output_col, matrix, Array1::from(self.offset.clone())))
    }
}

impl PureTransformer for Project {
    const NAME: &'static str = "acme.project";
}

/// `ln(1 + x)`, which is not affine.
#[derive(Debug, Clone, Params)]
pub(crate) struct Log1p {
    /// Column to transform.
    #[param(default = "features", column = input)]
    input_col: String,
    /// Transformed column.
    #[param(default = "logged", column = output)]
    output_col: String,
}

impl Transformer for Log1p {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let width = width(schema, &self.input_col)?;
        Ok(vec![Field::new(&self.output_col, ColumnType::Vector { width })])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.vectors(rows.vectors(&self.input_col)?.mapv(f64::ln_1p));
        Ok(())
    }
}

impl PureTransformer for Log1p {
    const NAME: &'static str = "acme.log1p";
}

/// Appends an affine column and one that is not: sums and products of two columns.
#[derive(Debug, Clone, Params)]
pub(crate) struct SumAndProduct {}

impl Transformer for SumAndProduct {
    fn inputs(&self) -> Vec<String> {
        ["a", "b", "label"].map(str::to_owned).to_vec()
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number("sum"), Field::number("product")])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let (a, b) = (rows.numbers("a")?, rows.numbers("b")?);
        // The product reads a column that the affine map does not know of.
        let label = rows.numbers("label")?;
        out.numbers(a.iter().zip(b.iter()).map(|(a, b)| a + b).collect());
        out.numbers(a.iter().zip(label.iter()).map(|(a, l)| a * l).collect());
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        let mut map = Affine::dense("a", "sum", array![[1.0], [1.0]], array![]);
        map.columns.inputs.push("b".to_owned());
        Some(map)
    }
}

impl PureTransformer for SumAndProduct {
    const NAME: &'static str = "acme.sum_and_product";
}

/// Fails or panics where it is told to.
#[derive(Debug, Clone, Params)]
pub(crate) struct Trouble {
    /// `"fit panic"`, `"fit"`, `"schema panic"`, `"schema"`, `"plan panic"`, `"transform panic"`, `"transform"`.
    #[param(default = "")]
    at: String,
    /// Distinguishes configurations.
    #[param(default = 0)]
    id: i64,
}

impl Trouble {
    fn check(&self, place: &str) -> anyhow::Result<()> {
        if self.at == format!("{place} panic") {
            panic!("boom {} in {place}", self.id);
        }
        ensure!(self.at != place, "trouble {} in {place}", self.id);
        Ok(())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TroubleModel {
    pub(crate) at: String,
    pub(crate) id: i64,
}

impl Transformer for TroubleModel {
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number("trouble")])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        Trouble::new().at(&self.at).id(self.id).check("transform")?;
        out.numbers(vec![self.id as f64; rows.len()]);
        Ok(())
    }
}

impl Estimator for Trouble {
    const NAME: &'static str = "acme.trouble";
    type Model = TroubleModel;

    fn fit(&self, _data: &Dataset, _ctx: &FitContext) -> anyhow::Result<TroubleModel> {
        self.check("fit")?;
        Ok(TroubleModel { at: self.at.clone(), id: self.id })
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.check("schema")?;
        Ok(vec![Field::number("trouble")])
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        self.check("plan").expect("a plan does not fail");
        StagePlan::opaque()
    }
}

/// A summary that panics on rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bomb;

impl Summary for Bomb {
    type Spec = String;
    const NAME: &'static str = "acme.bomb";

    fn columns(spec: &String) -> Vec<String> {
        vec![spec.clone()]
    }

    fn empty(_spec: &String, _schema: &Schema) -> luthier_core::Result<Self> {
        Ok(Self)
    }

    fn update(&mut self, _spec: &String, tile: &Tile<'_>) -> luthier_core::Result<()> {
        panic!("{} rows", tile.len())
    }

    fn merge(&mut self, _other: &Self) -> luthier_core::Result<()> {
        Ok(())
    }
}

luthier_core::register_estimator!(Scale: "Zero mean and unit variance.");
luthier_core::register_estimator!(Ridge: "Least squares with an L2 penalty.");
luthier_core::register_estimator!(Trouble: "Fails.");
luthier_core::register_transformer!(Concat: "Columns side by side.");
luthier_core::register_transformer!(Log1p: "Logarithms.");

/// A pure transformer as a fitted stage.
pub(crate) fn pure<T: PureTransformer>(stage: T) -> Arc<dyn DynModel> {
    let mut pipeline = luthier_core::Pipeline::new();
    pipeline.add_transformer("stage", stage);
    pipeline.stages()[0].stage().as_model().expect("a transformer")
}

/// A fitted stage of some estimator.
pub(crate) fn model<E: Estimator>(estimator: &E, model: E::Model) -> Arc<dyn DynModel> {
    persist::with_params(estimator, model)
}

/// A small, well-behaved generator (SplitMix64), uniform on [-1, 1).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn next(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    pub(crate) fn matrix(&mut self, rows: usize, width: usize) -> Array2<f64> {
        Array2::from_shape_simple_fn((rows, width), || self.next())
    }
}

/// Columns `a`, `b`, `features` (width 3), `label`, `weight` (integers from 0).
pub(crate) fn frame(rows: usize, partitions: usize, seed: u64) -> DataFrame {
    let mut random = Random(seed);
    let features = random.matrix(rows, 3);
    let column = |random: &mut Random| (0..rows).map(|_| random.next()).collect::<Vec<_>>();
    let (a, b) = (column(&mut random), column(&mut random));
    let noise = column(&mut random);
    let label = (0..rows).map(|i| 2.0 * features[[i, 0]] - features[[i, 2]] + 0.1 * noise[i] + 3.0);
    let label = label.collect();
    let weight = (0..rows).map(|_| random.below(4) as f64).collect();
    let columns = vec![
        ("a", Column::f64(a)),
        ("b", Column::f64(b)),
        ("features", Column::vector(features)),
        ("label", Column::f64(label)),
        ("weight", Column::f64(weight)),
    ];
    DataFrame::from_columns(columns).unwrap().repartition(partitions).unwrap()
}

/// A view with counters of its own.
/// A view with the answers for `k` folds, which fit into one wave.
pub(crate) fn in_one_wave(data: &Dataset, needs: &[Need], k: u32) -> (Dataset, Vec<FailedNeed>) {
    let rounds = Rounds::new((0..k).map(Round::hold_out), data.blocks().map_or(1, Blocks::count));
    let (sets, mut failed) =
        TrainingSets::read(vec![(data.clone(), needs.to_vec())], &rounds, u64::MAX).unwrap();
    let mut waves = Vec::new();
    sets.for_each_wave(|_, views| {
        waves.extend(views);
        Ok::<(), luthier_core::Error>(())
    })
    .unwrap();
    assert!(waves.len() < 2);
    (waves.pop().unwrap_or_else(|| sets.whole().remove(0)), failed.remove(0))
}

pub(crate) fn counted(data: Dataset) -> (Dataset, impl Fn() -> Work) {
    let work = Arc::new(WorkCounter::default());
    let counter = Arc::clone(&work);
    (data.counted_by(work), move || counter.snapshot())
}

/// Largest difference of two matrices, in units of the scales of row and column.
pub(crate) fn scatter_gap(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    let scale = |i: usize| b[[i, i]].sqrt();
    let mut gap: f64 = 0.0;
    for ((i, j), x) in a.indexed_iter() {
        let unit = scale(i) * scale(j);
        let difference = (x - b[[i, j]]).abs();
        gap = gap.max(if difference == 0.0 { 0.0 } else { difference / unit });
    }
    gap
}

/// All rows of some columns side by side, read row by row.
pub(crate) fn rows_of(data: &Dataset, columns: &[&str]) -> Array2<f64> {
    let collected = data.collect(columns).unwrap();
    let joined = collected.with_vector("joined", columns).unwrap();
    joined.vectors("joined").unwrap()
}

/// Means and centred scatter by two passes with compensated sums.
pub(crate) fn two_pass(rows: &Array2<f64>, weights: Option<&[f64]>) -> (Array1<f64>, Array2<f64>) {
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let total = (0..rows.nrows()).map(weight).sum::<f64>();
    let width = rows.ncols();
    // A row without weight may be far away: taking it as the origin would cost the mean its last digits.
    let counted = (0..rows.nrows()).find(|&i| weight(i) > 0.0).unwrap_or(0);
    let mean = Array1::from_shape_fn(width, |j| {
        // In two steps, so that the mean of values with a large offset is exact to the last digit.
        let rough = rows[[counted, j]];
        rough + neumaier((0..rows.nrows()).map(|i| weight(i) * (rows[[i, j]] - rough))) / total
    });
    let scatter = Array2::from_shape_fn((width, width), |(a, b)| {
        let centred = |i: usize, j: usize| rows[[i, j]] - mean[j];
        let products = neumaier((0..rows.nrows()).map(|i| weight(i) * centred(i, a) * centred(i, b)));
        let (rest_a, rest_b) = (
            neumaier((0..rows.nrows()).map(|i| weight(i) * centred(i, a))),
            neumaier((0..rows.nrows()).map(|i| weight(i) * centred(i, b))),
        );
        products - rest_a * rest_b / total
    });
    (mean, scatter)
}

fn neumaier(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut rest) = (0.0f64, 0.0f64);
    for x in values {
        let next = sum + x;
        rest += if sum.abs() >= x.abs() { (sum - next) + x } else { (x - next) + sum };
        sum = next;
    }
    sum + rest
}
