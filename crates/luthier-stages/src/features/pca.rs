//! Principal component analysis.

use luthier_core::frame::{ColumnType, Field, Schema};
use luthier_core::{
    Affine, AxisLabels, Dataset, Description, Error, Estimator, FitContext, Moments, MomentsSpec, Note,
    NoteKind, Outputs, Params, Required, StagePlan, Tile, Transformer, linalg, memory,
};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, CowArray};
use serde::{Deserialize, Serialize};

use super::principal_axes::PrincipalAxes;
use crate::columns;
use crate::together::fit_in_groups;

/// Projects features onto the `k` directions of largest variance: `out = x · components`, and
/// `(x − mean) · components` with `center`.
///
/// The components are the leading eigenvectors of the sample covariance (divisor `n − 1`). The sign of an
/// eigenvector is arbitrary; here the entry of largest magnitude (the first of several) is positive. As in Spark,
/// the rows are not centred unless `center` is set.
///
/// All values of `k` and `center` on the same rows share one decomposition: of the covariance, or of the rows
/// themselves if there are more than 512 features and fewer rows than features. The error of every eigenvalue of the
/// covariance is of the size of the rounding error of the largest one. If the `k`-th is below 1e-7 of the first, fewer than
/// eight of its digits would be correct, so the rows are read again for their triangular factor. Its singular values are the
/// square roots of the eigenvalues and keep twice as many digits; this is counted as `guarded`. If even these keep fewer than
/// eight digits, below 1e-16 of the first eigenvalue, the model has a note that names the components.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::EstimatorExt;
/// use luthier_stages::Pca;
///
/// let rows = ndarray::array![[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [4.0, 8.0]];
/// let data = DataFrame::from_columns(vec![("features", Column::vector(rows))])?;
/// let model = Pca::new().k(1).fit_frame(&data)?;
/// // All rows lie on a line through (1, 2).
/// let direction = model.components().column(0).to_owned();
/// assert!((direction[1] / direction[0] - 2.0).abs() < 1e-12);
/// assert!((model.explained_variance()[0] - 1.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct Pca {
    /// Number of components; at most the number of features.
    #[param(range = 1.., simpler = smaller)]
    k: Required<usize>,
    /// The numeric or vector column to project.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "pca_features", column = output)]
    output_col: String,
    /// Whether to subtract the mean before projecting.
    #[param(default = false)]
    center: bool,
}

impl Pca {
    fn spec(&self) -> MomentsSpec {
        MomentsSpec::new([&self.input_col])
    }

    /// `k`, checked against the number of features.
    fn components_of(&self, features: usize) -> anyhow::Result<usize> {
        let k = *self.k.get()?;
        if k > features {
            return Err(Error::invalid(format!(
                "k = {k}, but column `{}` has only {features} features: use a k of at most \
                 {features}",
                self.input_col
            ))
            .into());
        }
        Ok(k)
    }

    fn model(&self, axes: &PrincipalAxes<'_>, ctx: &FitContext) -> anyhow::Result<PcaModel> {
        let k = self.components_of(axes.features()?)?;
        let axes = axes.leading(k, ctx)?;
        Ok(PcaModel {
            input_col: self.input_col.clone(),
            output_col: self.output_col.clone(),
            center: self.center,
            mean: axes.mean.clone(),
            components: axes.components(k),
            explained_variance: axes.shares(k),
        })
    }
}

impl Estimator for Pca {
    const NAME: &'static str = "pca";
    type Model = PcaModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<PcaModel> {
        self.model(&PrincipalAxes::of(data, self.spec()), ctx)
    }

    fn fit_many(configs: &[Self], data: &Dataset, ctx: &FitContext) -> Vec<anyhow::Result<PcaModel>> {
        fit_in_groups(
            configs,
            |config| PrincipalAxes::of(data, config.spec()),
            |axes, config| axes.spec() == &config.spec(),
            |axes, group| group.iter().map(|config| config.model(axes, ctx)).collect(),
        )
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let k = match columns::planned_width(schema, &self.input_col)? {
            Some(features) => self.components_of(features)?,
            None => *self.k.get()?,
        };
        let bytes = (NAME_BYTES as u64).saturating_mul(k as u64);
        memory::require(bytes, || (format!("k = {k} components"), "use fewer".to_owned()))?;
        Ok(vec![components_field(&self.output_col, k)])
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque().need::<Moments>(self.spec()).affine([&self.input_col], &self.output_col).grouped()
    }
}

/// The memory that the name of a component takes.
const NAME_BYTES: usize = size_of::<String>() + 16;

/// The field of the components, which are named `pc1`, `pc2`, ….
fn components_field(name: &str, k: usize) -> Field {
    Field::new(name, ColumnType::Vector { width: k }).with_feature_names((1..=k).map(|i| format!("pc{i}")))
}

/// Components learned by a [`Pca`].
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::Pca;
///
/// let rows = ndarray::array![[1.0, 2.0, 0.0], [2.0, 1.0, 1.0], [3.0, 5.0, 0.0], [4.0, 4.0, 2.0]];
/// let data = DataFrame::from_columns(vec![("features", Column::vector(rows))])?;
/// let model = Pca::new().k(2).center(true).fit_frame(&data)?;
/// assert_eq!(model.components().dim(), (3, 2));
/// assert_eq!(model.transform(&data)?.vectors("pca_features")?.dim(), (4, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PcaState", into = "PcaState")]
pub struct PcaModel {
    input_col: String,
    output_col: String,
    center: bool,
    mean: Array1<f64>,
    components: Array2<f64>,
    explained_variance: Array1<f64>,
}

impl PcaModel {
    /// Mean of each feature, even if it is not subtracted.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// The components as orthonormal columns, one row per feature.
    pub fn components(&self) -> ArrayView2<'_, f64> {
        self.components.view()
    }

    /// The fraction of the total variance along each component, in descending order; all zero if the rows do
    /// not vary at all.
    pub fn explained_variance(&self) -> ArrayView1<'_, f64> {
        self.explained_variance.view()
    }
}

/// An eigenvalue below this part of the first is the square of a singular value below `1e-8` of the first, and rounding of the
/// rows leaves less than eight digits of it and of its axis.
const FEW_DIGITS: f64 = 1e-16;

impl PcaModel {
    /// Which components are known to few digits only.
    fn few_digits(&self) -> Option<Note> {
        let least = FEW_DIGITS * self.explained_variance.first()?;
        let shares = self.explained_variance.iter().zip(1..);
        let weak: Vec<String> =
            shares.filter(|(share, _)| **share < least).map(|(_, i)| format!("pc{i}")).collect();
        let (first, last) = (weak.first()?, weak.last()?);
        let which = if first == last {
            format!("component {first}")
        } else {
            format!("components {first} to {last}")
        };
        let message = format!(
            "the variance along the {which} is less than 1e-16 of that along pc1, so that fewer than eight digits of the axes \
             and variances are right: bring the features to one scale, leave out rows that are far off, or lower k"
        );
        Some(Note::new(NoteKind::Other, message).about(weak))
    }
}

impl Transformer for PcaModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let (features, k) = self.components.dim();
        columns::require_width(schema, &self.input_col, features)?;
        Ok(vec![components_field(&self.output_col, k)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let values = rows.vectors(&self.input_col)?;
        // Centres first, so that a large mean costs no digits.
        let values = if self.center { CowArray::from(&values - &self.mean) } else { values };
        out.vectors(linalg::matmul(values.view(), self.components.view()));
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        let offset = if self.center { -self.mean.dot(&self.components) } else { Array1::zeros(0) };
        let (input, output) = (self.input_col.clone(), self.output_col.clone());
        Some(Affine::dense(input, output, self.components.clone(), offset))
    }

    fn describe(&self) -> Description {
        let axis = || AxisLabels::named("component", (1..=self.components.ncols()).map(|i| format!("pc{i}")));
        let features = || AxisLabels::Features(self.input_col.clone());
        Description::new()
            .vector("mean", features(), self.mean.iter().copied())
            .vector("explained_variance", axis(), self.explained_variance.iter().copied())
            .matrix("components", features(), axis(), self.components.clone())
            .with_notes(self.few_digits())
    }
}

/// How a [`PcaModel`] is saved.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PcaState {
    input_col: String,
    output_col: String,
    center: bool,
    mean: Vec<f64>,
    /// One row per feature.
    components: Vec<Vec<f64>>,
    explained_variance: Vec<f64>,
}

impl From<PcaModel> for PcaState {
    fn from(model: PcaModel) -> Self {
        Self {
            input_col: model.input_col,
            output_col: model.output_col,
            center: model.center,
            mean: model.mean.to_vec(),
            components: model.components.outer_iter().map(|row| row.to_vec()).collect(),
            explained_variance: model.explained_variance.to_vec(),
        }
    }
}

impl TryFrom<PcaState> for PcaModel {
    type Error = String;

    fn try_from(state: PcaState) -> Result<Self, String> {
        let shape = (state.mean.len(), state.explained_variance.len());
        if state.components.len() != shape.0 || state.components.iter().any(|row| row.len() != shape.1) {
            return Err(format!("`components` must have {} rows of {} numbers", shape.0, shape.1));
        }
        let components = state.components.concat();
        Ok(Self {
            input_col: state.input_col,
            output_col: state.output_col,
            center: state.center,
            mean: state.mean.into(),
            components: Array2::from_shape_vec(shape, components).map_err(|e| e.to_string())?,
            explained_variance: state.explained_variance.into(),
        })
    }
}

luthier_core::register_estimator!(Pca: "Projects features onto the directions of largest variance.");
