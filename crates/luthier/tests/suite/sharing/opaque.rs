//! Stages that no summary can be lifted through: one with nothing to fit, one that is fitted.
//!
//! Both are odd about what they centre on, continuous, and as steep as a line: they neither see the sign of a
//! principal component nor magnify a rounding error.

use luthier::core::frame::{ColumnType, Field, Schema};
use luthier::core::{Dataset, FitContext, Moments, MomentsSpec, Outputs, PureTransformer, StagePlan, Tile};
use luthier::prelude::*;
use ndarray::{Array1, Zip};
use serde::{Deserialize, Serialize};

fn append_like(schema: &Schema, input: &str, output: &str) -> anyhow::Result<Vec<Field>> {
    let found = schema.require(input)?.column_type();
    anyhow::ensure!(matches!(found, ColumnType::Vector { .. }), "`{input}` is {found}");
    Ok(vec![Field::new(output, found)])
}

/// `x + x |x| / (1 + |x|)` of every feature.
#[derive(Debug, Clone, Params)]
pub(super) struct Bend {
    /// Vector column to bend.
    #[param(default = "features", column = input)]
    input_col: String,
    /// Column of the results.
    #[param(default = "bent", column = output)]
    output_col: String,
}

impl Transformer for Bend {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        append_like(schema, &self.input_col, &self.output_col)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        out.vectors(rows.vectors(&self.input_col)?.mapv(|x| x + x * x.abs() / (1.0 + x.abs())));
        Ok(())
    }
}

impl PureTransformer for Bend {
    const NAME: &'static str = "tests.bend";
}

/// Features beyond 1.5 deviations from their mean are moved there.
#[derive(Debug, Clone, Params)]
pub(super) struct Clip {
    /// Vector column to clip.
    #[param(default = "features", column = input)]
    input_col: String,
    /// Column of the results.
    #[param(default = "clipped", column = output)]
    output_col: String,
}

impl Clip {
    fn spec(&self) -> MomentsSpec {
        MomentsSpec::new([&self.input_col])
    }
}

impl Estimator for Clip {
    const NAME: &'static str = "tests.clip";
    type Model = ClipModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<ClipModel> {
        let moments = data.summarize::<Moments>(&self.spec())?;
        Ok(ClipModel {
            columns: self.clone().into(),
            mean: moments.mean().to_owned(),
            reach: moments.sample_variance().mapv(|variance| 1.5 * variance.sqrt()),
        })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        append_like(schema, &self.input_col, &self.output_col)
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        StagePlan::opaque().need::<Moments>(self.spec())
    }
}

/// The limits learned by a [`Clip`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ClipModel {
    /// Input and output.
    columns: (String, String),
    mean: Array1<f64>,
    reach: Array1<f64>,
}

impl From<Clip> for (String, String) {
    fn from(clip: Clip) -> Self {
        (clip.input_col, clip.output_col)
    }
}

impl Transformer for ClipModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.columns.0.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        append_like(schema, &self.columns.0, &self.columns.1)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let mut features = rows.vectors(&self.columns.0)?.into_owned();
        for row in features.rows_mut() {
            let clip = |x: &mut f64, m: &f64, r: &f64| *x = m + (*x - m).clamp(-*r, *r);
            Zip::from(row).and(&self.mean).and(&self.reach).for_each(clip);
        }
        out.vectors(features);
        Ok(())
    }
}
