//! Sends different columns through different stages.

use luthier_core::{ColumnRole, DynEstimator, Error, Pipeline, PipelineStage, Result, Value};

use crate::VectorAssembler;

/// Sends different columns through different stages and concatenates the results into one vector.
///
/// It builds a [`Pipeline`]: one inner pipeline for each group of columns, followed by an assembler. It sets the input and
/// output columns of all stages; their other parameters do not change. So it can be searched, shared among folds, saved
/// and loaded like any pipeline, and its stages are addressed by dotted names: `"prepare.numbers.impute.strategy"`.
///
/// Columns that are not listed, such as the label, are not part of the vector;
/// [`passthrough`](Self::passthrough) adds columns unchanged.
///
/// ```
/// use luthier_core::{Estimator, EstimatorExt, Pipeline};
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::{ColumnTransformer, Imputer, OneHotEncoder, StandardScaler, StringIndexer};
///
/// let mut numbers = Pipeline::new();
/// numbers.add("impute", Imputer::new());
/// numbers.add("scale", StandardScaler::new().with_mean(true));
/// let mut colors = Pipeline::new();
/// colors.add("index", StringIndexer::new());
/// colors.add("encode", OneHotEncoder::new().drop_last(false));
///
/// let mut pipeline = Pipeline::new();
/// let prepare = ColumnTransformer::new()
///     .columns("numbers", ["age", "income"], numbers)
///     .columns("colors", ["color"], colors)
///     .passthrough(["visits"]);
/// pipeline.add("prepare", prepare.build()?);
///
/// let frame = DataFrame::from_columns(vec![
///     ("age", Column::f64_nullable(vec![Some(30.0), None, Some(50.0)])),
///     ("income", Column::f64(vec![1.0, 2.0, 3.0])),
///     ("color", Column::utf8(["red", "blue", "red"])),
///     ("visits", Column::i64(vec![4, 5, 6])),
/// ])?;
/// let out = pipeline.fit_frame(&frame)?.transform(&frame)?;
/// assert_eq!(out.vectors("features")?.row(1).to_vec(), [0.0, 0.0, 0.0, 1.0, 5.0]);
/// let names = out.schema().require("features")?.feature_names().unwrap_or_default();
/// assert_eq!(names, ["age", "income", "color=red", "color=blue", "visits"]);
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ColumnTransformer {
    branches: Vec<(String, Vec<String>, Pipeline)>,
    passthrough: Vec<String>,
    output_col: String,
}

impl Default for ColumnTransformer {
    fn default() -> Self {
        Self::new()
    }
}

impl ColumnTransformer {
    /// A transformer without columns, whose output is named `features`.
    pub fn new() -> Self {
        Self { branches: Vec::new(), passthrough: Vec::new(), output_col: "features".to_owned() }
    }

    /// The vector column to append.
    pub fn output_col(self, name: impl Into<String>) -> Self {
        Self { output_col: name.into(), ..self }
    }

    /// Sends some columns through the stages of a pipeline. A stage with a single input column gets several columns as a vector.
    pub fn columns<S: Into<String>>(
        mut self,
        name: impl Into<String>,
        columns: impl IntoIterator<Item = S>,
        stages: Pipeline,
    ) -> Self {
        self.branches.push((name.into(), columns.into_iter().map(Into::into).collect(), stages));
        self
    }

    /// Adds columns to the end of the vector, unchanged.
    pub fn passthrough<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.passthrough.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Builds the pipeline: an inner pipeline for each group of columns, then the stage `assemble`.
    ///
    /// # Errors
    /// A group without columns; a stage whose columns cannot be set because it does not have exactly one parameter with the
    /// [role](ColumnRole) `input` and one with the role `output`; no columns at all; an invalid name of a stage.
    pub fn build(self) -> Result<Pipeline> {
        let mut pipeline = Pipeline::new();
        let mut assembled = Vec::new();
        for (name, columns, stages) in &self.branches {
            if columns.is_empty() {
                return Err(Error::invalid(format!("the group `{name}` has no columns: list at least one")));
            }
            let columns =
                columns.iter().map(|column| Part { name: column.clone(), of: column.clone() }).collect();
            let mut wiring = Wiring { columns, prefix: format!("{}.{name}", self.output_col) };
            let wired = wiring.row(stages.stages()).map_err(|e| e.within(name))?;
            pipeline.add_dyn(name, Box::new(wired));
            assembled.extend(wiring.columns.into_iter().map(|part| part.name));
        }
        assembled.extend(self.passthrough);
        if assembled.is_empty() {
            return Err(Error::invalid(
                "no columns are listed, so the vector would be empty: add `columns` or `passthrough`",
            ));
        }
        let assembler = VectorAssembler::new().input_cols(assembled).output_col(self.output_col);
        pipeline.add_transformer("assemble", assembler);
        pipeline.check()?;
        Ok(pipeline)
    }
}

/// A column at some stage, and the column from which it was computed.
#[derive(Debug, Clone)]
struct Part {
    name: String,
    of: String,
}

/// Sets the columns of one stage after the other.
#[derive(Debug)]
struct Wiring {
    columns: Vec<Part>,
    prefix: String,
}

impl Wiring {
    fn row(&mut self, stages: &[PipelineStage]) -> Result<Pipeline> {
        let mut wired = Pipeline::new();
        for stage in stages {
            let output = format!("{}.{}", self.prefix, stage.name());
            if let Some(inner) = stage.stage().children().row() {
                let outer = std::mem::replace(&mut self.prefix, output);
                let inner = self.row(inner).map_err(|e| e.within(stage.name()))?;
                wired.add_dyn(stage.name(), Box::new(inner));
                self.prefix = outer;
                continue;
            }
            let mut stage_to_set = stage.stage().clone_box();
            self.stage(&mut wired, stage.name(), stage_to_set.as_mut(), &output)
                .map_err(|e| e.in_stage(stage.name()))?;
            wired.add_dyn(stage.name(), stage_to_set);
        }
        Ok(wired)
    }

    fn stage(
        &mut self,
        before: &mut Pipeline,
        name: &str,
        stage: &mut dyn DynEstimator,
        output: &str,
    ) -> Result<()> {
        let infos = stage.param_infos();
        let of_role = |role| infos.iter().filter(move |info| info.column == Some(role));
        let inputs: Vec<_> = of_role(ColumnRole::Input).collect();
        let outputs: Vec<_> = of_role(ColumnRole::Output).collect();
        let ([input], [output_param, more @ ..]) = (inputs.as_slice(), outputs.as_slice()) else {
            return Err(unknown_columns(stage.type_name()));
        };
        let names =
            |parts: &[Part]| Value::List(parts.iter().map(|part| part.name.as_str().into()).collect());
        if output_param.is_list() {
            let made = |what: &str| -> Vec<Part> {
                let part =
                    |part: &Part| Part { name: format!("{output}.{what}{}", part.of), of: part.of.clone() };
                self.columns.iter().map(part).collect()
            };
            let mut outputs = made("");
            stage.set_value(input.name, &names(&self.columns))?;
            stage.set_value(output_param.name, &names(&outputs))?;
            // Further outputs, such as indicators, are used if the stage names some.
            for info in more {
                if info.is_list() && stage.get_value(info.name)? != Value::List(Vec::new()) {
                    let more = made(&format!("{}.", info.name));
                    stage.set_value(info.name, &names(&more))?;
                    outputs.extend(more);
                }
            }
            self.columns = outputs;
            return Ok(());
        }
        if input.is_list() {
            stage.set_value(input.name, &names(&self.columns))?;
        } else {
            let input_col = match self.columns.as_slice() {
                [one] => one.name.clone(),
                several => {
                    let vector = format!("{output}.input");
                    let inputs = several.iter().map(|part| part.name.clone());
                    let assembler = VectorAssembler::new().input_cols(inputs).output_col(&vector);
                    before.add_transformer(format!("assemble_for_{name}"), assembler);
                    vector
                }
            };
            stage.set_value(input.name, &input_col.as_str().into())?;
        }
        stage.set_value(output_param.name, &output.into())?;
        self.columns = vec![Part { name: output.to_owned(), of: name.to_owned() }];
        Ok(())
    }
}

fn unknown_columns(type_name: &str) -> Error {
    Error::invalid(format!(
        "a `{type_name}` cannot be part of a column transformer, which sets the columns of its stages: it needs one parameter \
         with the role `input` and one with the role `output`"
    ))
}
