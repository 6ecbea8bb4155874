//! Selects features by their variance.

use luthier_core::frame::{ColumnType, Field, Schema};
use luthier_core::{
    Affine, Dataset, Description, Error, Estimator, FitContext, Outputs, Params, StagePlan, Tile, Transformer,
};
use serde::{Deserialize, Serialize};

use crate::columns;
use crate::columns::some_of;
use crate::summaries::{FeatureSpec, FeatureSummary, Spread};

/// Keeps the features whose sample variance `Σ(x − mean)² / (n − 1)` is greater than a threshold, in their order.
///
/// By default it removes constant features. NaN is ignored when fitting and passed on when transforming; null and infinity
/// are errors when fitting. The variance of fewer than two values is 0. It is an error if no feature is left.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::VarianceThresholdSelector;
///
/// let rows = ndarray::array![[1.0, 7.0, 2.0], [2.0, 7.0, 5.0]];
/// let data = DataFrame::from_columns(vec![("features", Column::vector(rows))])?;
/// let model = VarianceThresholdSelector::new().fit_frame(&data)?;
/// assert_eq!(model.selected_features(), [0, 2]);
/// assert_eq!(model.transform(&data)?.vectors("selected_features")?.row(0).to_vec(), [1.0, 2.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct VarianceThresholdSelector {
    /// The vector column to select from.
    #[param(default = "features", column = input)]
    features_col: String,
    /// The vector column to append.
    #[param(default = "selected_features", column = output)]
    output_col: String,
    /// Threshold that the variance of a feature must exceed.
    #[param(default = 0.0, range = 0.0.., simpler = larger)]
    variance_threshold: f64,
}

impl VarianceThresholdSelector {
    fn spec(&self) -> FeatureSpec<()> {
        FeatureSpec::new([&self.features_col], ())
    }
}

impl Estimator for VarianceThresholdSelector {
    const NAME: &'static str = "variance_threshold_selector";
    type Model = VarianceThresholdSelectorModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<VarianceThresholdSelectorModel> {
        let summary = data.summarize::<FeatureSummary<Spread>>(&self.spec())?;
        let features = summary.require(&self.features_col)?;
        let varies = |(i, feature): (usize, &Spread)| {
            (feature.sample_variance() > self.variance_threshold).then_some(i)
        };
        let selected: Vec<usize> = features.iter().enumerate().filter_map(varies).collect();
        if selected.is_empty() {
            return Err(Error::invalid(format!(
                "no feature of column `{}` has a variance above {}: lower `variance_threshold`",
                self.features_col, self.variance_threshold
            ))
            .into());
        }
        Ok(VarianceThresholdSelectorModel {
            features_col: self.features_col.clone(),
            output_col: self.output_col.clone(),
            features: features.len(),
            selected,
        })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::planned_width(schema, &self.features_col)?;
        let sparse = columns::is_sparse(schema, &self.features_col);
        Ok(vec![Field::new(&self.output_col, ColumnType::AnyVector).with_sparse(sparse)])
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque()
            .need::<FeatureSummary<Spread>>(self.spec())
            .affine([&self.features_col], &self.output_col)
            .grouped()
    }
}

/// Features chosen by a [`VarianceThresholdSelector`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct VarianceThresholdSelectorModel {
    features_col: String,
    output_col: String,
    /// The number of features of the input.
    features: usize,
    selected: Vec<usize>,
}

/// The contents of a file.
#[derive(Debug, Deserialize)]
struct Unchecked {
    features_col: String,
    output_col: String,
    features: usize,
    selected: Vec<usize>,
}

impl TryFrom<Unchecked> for VarianceThresholdSelectorModel {
    type Error = String;

    fn try_from(
        Unchecked { features_col, output_col, features, selected }: Unchecked,
    ) -> Result<Self, String> {
        match selected.iter().find(|&&i| i >= features) {
            Some(i) => Err(format!("`selected` names feature {i} of {features}")),
            None => Ok(Self { features_col, output_col, features, selected }),
        }
    }
}

impl VarianceThresholdSelectorModel {
    /// The positions of the features that are kept, in ascending order.
    pub fn selected_features(&self) -> &[usize] {
        &self.selected
    }
}

impl Transformer for VarianceThresholdSelectorModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.features_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::require_width(schema, &self.features_col, self.features)?;
        Ok(vec![columns::selected_field(schema, &self.features_col, &self.output_col, &self.selected)?])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        Ok(columns::write_selected(rows, &self.features_col, &self.selected, out)?)
    }

    fn affine(&self) -> Option<Affine> {
        let (input, output) = (self.features_col.clone(), self.output_col.clone());
        Some(Affine::selection(input, output, self.selected.clone()))
    }

    fn describe(&self) -> Description {
        let selected: Vec<String> = self.selected.iter().map(usize::to_string).collect();
        Description::new()
            .fact("features", self.features)
            .fact("selected", self.selected.len())
            .fact("positions selected", some_of(&selected))
    }
}

luthier_core::register_estimator!(
    VarianceThresholdSelector: "Keeps the features whose variance exceeds a threshold."
);
