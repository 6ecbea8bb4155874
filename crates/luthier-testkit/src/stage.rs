//! Conformance of estimators and transformers.

use std::sync::Arc;

use luthier_core::frame::{Column, ColumnType, DataFrame, Field, Schema};
use luthier_core::{
    Blocks, Dataset, DynEstimator, DynModel, Error, Estimator, FitContext, IntoStage, PlannedStage,
    PureStage, PureTransformer, Rows, WorkCounter, catch_panic, json, persist,
};

use crate::children::check_children;
use crate::findings::{Findings, Law, Rule, run_laws};
use crate::hostile::{hostile, replaced};
use crate::roles::check_roles;
use crate::values::{Values, difference, values};

/// Checks the whole contract of an estimator on a frame that it can use, such as
/// [`sample_frame`](crate::sample_frame).
///
/// # Errors
/// Every rule that is broken, and how.
pub fn check_estimator<E: Estimator>(stage: &E, frame: &DataFrame) -> Result<(), Findings> {
    StageCheck::estimator(stage, frame).run()
}

/// Checks the whole contract of a transformer without fit on a frame that it can use.
///
/// # Errors
/// Every rule that is broken, and how.
pub fn check_transformer<T: PureTransformer>(stage: &T, frame: &DataFrame) -> Result<(), Findings> {
    StageCheck::transformer(stage, frame).run()
}

type Restore = Box<dyn Fn(&serde_json::Value) -> luthier_core::Result<Arc<dyn DynModel>>>;

/// A configurable check of one stage.
pub struct StageCheck {
    stage: Box<dyn DynEstimator>,
    siblings: Vec<Box<dyn DynEstimator>>,
    restore: Restore,
    frame: DataFrame,
    tolerance: f64,
}

impl std::fmt::Debug for StageCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StageCheck").field("stage", &self.stage).finish_non_exhaustive()
    }
}

type Outcome = Result<(), String>;

impl StageCheck {
    /// The check of an estimator.
    pub fn estimator<E: Estimator>(stage: &E, frame: &DataFrame) -> Self {
        let of = stage.clone();
        let restore: Restore =
            Box::new(move |state| Ok(persist::with_params(&of, json::from_value::<E::Model>(state)?)));
        Self::new(Box::new(stage.clone()), restore, frame)
    }

    /// The check of a transformer without fit.
    pub fn transformer<T: PureTransformer>(stage: &T, frame: &DataFrame) -> Self {
        let stage = IntoStage::<PureStage>::into_stage(stage.clone());
        let of = stage.clone();
        let restore: Restore =
            Box::new(move |_| of.as_model().ok_or_else(|| Error::invalid("a transformer is its own model")));
        Self::new(stage, restore, frame)
    }

    fn new(stage: Box<dyn DynEstimator>, restore: Restore, frame: &DataFrame) -> Self {
        Self { stage, siblings: Vec::new(), restore, frame: frame.clone(), tolerance: 1e-9 }
    }

    /// Adds another configuration, which is also passed to `fit_many`.
    pub fn sibling<E: Estimator>(mut self, stage: &E) -> Self {
        self.siblings.push(Box::new(stage.clone()));
        self
    }

    /// How much results may differ because of rounding or a solver's tolerance, relative to the largest number of a column.
    /// Default 1e-9.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Runs the check.
    ///
    /// # Errors
    /// The list of broken rules with details.
    pub fn run(&self) -> Result<(), Findings> {
        let laws: Vec<(Rule, Law<'_>)> = vec![
            (Rule::Works, Box::new(|| self.works())),
            (Rule::Schema, Box::new(|| self.schema())),
            (Rule::Roles, Box::new(|| self.roles())),
            (Rule::UnknownWidth, Box::new(|| self.unknown_width())),
            (Rule::KeepsRows, Box::new(|| self.keeps_rows())),
            (Rule::RowByRow, Box::new(|| self.row_by_row())),
            (Rule::Deterministic, Box::new(|| self.deterministic())),
            (Rule::Partitions, Box::new(|| self.partitions())),
            (Rule::OneByOne, Box::new(|| self.one_by_one())),
            (Rule::Needs, Box::new(|| self.needs())),
            (Rule::Affine, Box::new(|| self.affine())),
            (Rule::Groups, Box::new(|| self.groups())),
            (Rule::Sharing, Box::new(|| self.sharing())),
            (Rule::Folds, Box::new(|| self.folds())),
            (Rule::Persistence, Box::new(|| self.persistence())),
            (Rule::Children, Box::new(|| self.children())),
            (Rule::ChecksFirst, Box::new(|| self.checks_first())),
            (Rule::NoPanic, Box::new(|| self.survives(Rule::NoPanic))),
            (Rule::NamesColumn, Box::new(|| self.survives(Rule::NamesColumn))),
        ];
        let mut laws = laws.into_iter();
        let mut findings = run_laws(laws.next());
        // If it does not work at all, the other rules would only repeat this.
        if findings.is_empty() {
            findings = run_laws(laws);
        }
        Findings::check(self.stage.type_name(), findings)
    }

    fn works(&self) -> Outcome {
        self.stage.validate().map_err(|e| e.to_string())?;
        let model = self.fit(&self.frame)?;
        let (notes, described) = (model.transformer().notes(), model.describe());
        if notes != described.notes() {
            return Err(format!("notes() gives {notes:?}, but describe() has {:?}", described.notes()));
        }
        model.transform(&self.frame).map(|_| ()).map_err(|e| e.to_string())
    }

    fn schema(&self) -> Outcome {
        let before = self.frame.schema();
        let planned = self.stage.transform_schema(before).map_err(|e| e.to_string())?;
        let model = self.fit(&self.frame)?;
        let fitted = model.transform_schema(before).map_err(|e| e.to_string())?;
        let out = transform(&model, &self.frame)?;
        let (planned, fitted, found) = (shown(&planned), shown(&fitted), shown(out.schema()));
        if fitted != found {
            return Err(format!("`apply` gives {found:?}, the model's `outputs` {fitted:?}"));
        }
        if !agree(&planned, &found) {
            return Err(format!("`apply` gives {found:?}, the estimator's `outputs` {planned:?}"));
        }
        Ok(())
    }

    fn roles(&self) -> Outcome {
        let before = self.frame.schema();
        let model = self.fit(&self.frame)?;
        let behind = model.transform_schema(before).map_err(|e| e.to_string())?;
        let names = |schema: &Schema| schema.names().map(str::to_owned).collect::<Vec<_>>();
        let appends: Vec<String> = names(&behind).split_off(before.len());
        let (infos, values) = (self.stage.param_infos(), self.stage.values());
        check_roles(infos, &values, &names(before), &model.transformer().inputs(), &appends)
    }

    fn unknown_width(&self) -> Outcome {
        let before = self.frame.schema();
        let Ok(known) = self.stage.transform_schema(before) else { return Ok(()) };
        let widthless = before.fields().iter().map(|field| match field.column_type() {
            ColumnType::Vector { .. } => Field::new(field.name(), ColumnType::AnyVector)
                .with_nullable(field.nullable())
                .with_sparse(field.is_sparse()),
            _ => field.clone(),
        });
        let widthless = Schema::new(widthless.collect()).map_err(|e| e.to_string())?;
        let planned = PlannedStage::new(&*self.stage, &widthless).map_err(|e| {
            format!("`ColumnType::AnyVector`, the type behind a one-hot encoder, is rejected: {e}")
        })?;
        let (planned, known) = (shown(&planned.schema), shown(&known));
        if !agree(&planned, &known) {
            return Err(format!("if widths are unknown, `outputs` returns {planned:?}, otherwise {known:?}"));
        }
        Ok(())
    }

    fn keeps_rows(&self) -> Outcome {
        let (planned, model) =
            (self.plan()?.may_drop_rows(), self.fit(&self.frame)?.transformer().drops_rows());
        if planned != model {
            return Err(format!("drops_rows is {planned} in the plan, but {model} in the model"));
        }
        Ok(())
    }

    fn row_by_row(&self) -> Outcome {
        let model = self.fit(&self.frame)?;
        let whole = self.new_values(&transform(&model, &self.frame)?)?;
        for parts in [1, 5] {
            let cut = self.frame.repartition(parts).map_err(|error| error.to_string())?;
            if let Some(what) = difference(&whole, &self.new_values(&transform(&model, &cut)?)?, 0.0) {
                return Err(format!("transformed in {parts} partitions: {what}"));
            }
        }
        let singles = (0..self.frame.num_rows()).map(|row| {
            let one = self.frame.slice(row, 1).map_err(|error| error.to_string())?;
            transform(&model, &one)
        });
        let singles = singles.collect::<Result<Vec<_>, _>>()?;
        let singles = DataFrame::concat(&singles).map_err(|error| error.to_string())?;
        match difference(&whole, &self.new_values(&singles)?, 0.0) {
            Some(what) => Err(format!("transformed one row at a time: {what}")),
            None => Ok(()),
        }
    }

    fn deterministic(&self) -> Outcome {
        let mut equal = self.stage.clone();
        for (name, value) in self.stage.values() {
            equal.set_value(name, &value).map_err(|e| format!("set to its own value: {e}"))?;
        }
        // As they are shown, so that NaN is NaN.
        let shown = |stage: &dyn DynEstimator| format!("{:?}", stage.values());
        if shown(&*equal) != shown(&*self.stage) {
            return Err("parameters change when they are set to their own values".to_owned());
        }
        let states = [&self.stage, &self.stage, &equal].map(|stage| {
            fit(&**stage, &Dataset::new(self.frame.clone()))?.state().map_err(|e| e.to_string())
        });
        let [first, again, equal] = states;
        let first = first?;
        if first != again? {
            return Err("two fits give different models".to_owned());
        }
        if first != equal? {
            return Err("equal parameters give a different model".to_owned());
        }
        Ok(())
    }

    fn partitions(&self) -> Outcome {
        let whole = self.outputs(&self.fit(&self.frame)?)?;
        for parts in [1, 2, 7] {
            let cut = self.frame.repartition(parts).map_err(|error| error.to_string())?;
            if let Some(what) = difference(&whole, &self.outputs(&self.fit(&cut)?)?, self.tolerance) {
                return Err(format!("fitted on {parts} partitions: {what}"));
            }
        }
        Ok(())
    }

    fn one_by_one(&self) -> Outcome {
        let first = std::iter::once(&self.stage);
        let configs: Vec<&Box<dyn DynEstimator>> = first.clone().chain(&self.siblings).chain(first).collect();
        let refs: Vec<&dyn DynEstimator> = configs.iter().map(|config| &***config).collect();
        let data = self.prepared(&Dataset::new(self.frame.clone()))?;
        let together = self.stage.fit_many(&refs, &data, &context(&data));
        if together.len() != refs.len() {
            return Err(format!("{} models for {} configurations", together.len(), refs.len()));
        }
        for (i, (config, model)) in refs.iter().zip(together).enumerate() {
            let alone = fit(*config, &Dataset::new(self.frame.clone()));
            match (model, alone) {
                (Ok(model), Ok(alone)) => {
                    let (a, b) = (self.outputs(&model)?, self.outputs(&alone)?);
                    if let Some(what) = difference(&a, &b, self.tolerance) {
                        return Err(format!(
                            "configuration {i} of `fit_many` differs from its own fit: {what}"
                        ));
                    }
                }
                (Err(_), Err(_)) => {}
                (model, alone) => {
                    return Err(format!(
                        "configuration {i}: `fit_many` gives {}, but `fit` gives {}",
                        outcome(&model.map_err(|e| e.to_string())),
                        outcome(&alone)
                    ));
                }
            }
        }
        Ok(())
    }

    fn needs(&self) -> Outcome {
        let plan = self.plan()?;
        let work = Arc::new(WorkCounter::default());
        let data = || Dataset::new(self.frame.clone()).counted_by(Arc::clone(&work));
        let count = |data: &Dataset| -> Result<(u64, u64), String> {
            let before = work.snapshot();
            self.stage.fit(data, &FitContext::new(0, Arc::clone(&work))).map_err(|e| e.to_string())?;
            let after = work.snapshot();
            // Rows that are read because a derived summary had too few digits were declared.
            let guarded = after.guarded > before.guarded;
            Ok((after.passes - before.passes, if guarded { 0 } else { after.rows_read - before.rows_read }))
        };
        let (passes, _) = count(&data())?;
        if !plan.needs().is_empty() && passes == 0 {
            return Err("`plan` declares summaries that `fit` does not request".to_owned());
        }
        if passes > 1 && !plan.is_iterative() && plan.needs().is_empty() {
            return Err(format!("`fit` passes over the rows {passes} times: declare this with `iterates`"));
        }
        let (_, rows) = count(&data().prepare(plan.needs()).map_err(|e| e.to_string())?)?;
        if !plan.needs().is_empty() && !plan.is_iterative() && rows > 0 {
            return Err(format!("`fit` reads {rows} rows for a summary that its plan does not declare"));
        }
        Ok(())
    }

    fn affine(&self) -> Outcome {
        let plan = self.plan()?;
        let model = self.fit(&self.frame)?;
        let map = match (plan.affine_columns(), model.transformer().affine()) {
            (None, None) => return Ok(()),
            (Some(declared), Some(map)) if *declared == map.columns => map,
            (declared, map) => {
                let found = map.map(|map| map.columns);
                return Err(format!("the plan declares {declared:?}, but the model has {found:?}"));
            }
        };
        if model.transformer().drops_rows() {
            return Err("a model that drops rows is not an affine map".to_owned());
        }
        let inputs: Vec<&str> = map.columns.inputs.iter().map(String::as_str).collect();
        let rows = self.frame.with_vector("inputs of the check", &inputs);
        let rows = rows.and_then(|f| f.vectors("inputs of the check")).map_err(|e| e.to_string())?;
        if !map.accepts(rows.ncols()) {
            return Err(format!("the map does not accept {} features", rows.ncols()));
        }
        let out = transform(&model, &self.frame)?;
        let output = [map.columns.output.clone()];
        let mapped = vec![Values::Numbers(map.apply(rows.view()).iter().copied().collect())];
        let tolerance = 1e-9;
        let what = difference(&values(&out, &output)?, &mapped, tolerance);
        what.map_or(Ok(()), |what| Err(format!("`apply` and the affine map give {what}")))
    }

    fn groups(&self) -> Outcome {
        if !self.plan()?.is_grouped() {
            return Ok(());
        }
        let rows_read = |configs: &[&dyn DynEstimator]| {
            let work = Arc::new(WorkCounter::default());
            let data = Dataset::new(self.frame.clone()).counted_by(Arc::clone(&work));
            self.stage.fit_many(configs, &data, &FitContext::new(0, Arc::clone(&work)));
            work.snapshot().rows_read
        };
        let stage = &*self.stage;
        let (one, three) = (rows_read(&[stage]), rows_read(&[stage, stage, stage]));
        match three {
            three if three >= 3 * one && one > 0 => Err(format!(
                "declared as grouped, but three configurations read {three} rows while one reads {one}"
            )),
            _ => Ok(()),
        }
    }

    fn sharing(&self) -> Outcome {
        let with = self.outputs(&self.fit(&self.frame)?)?;
        let data = Dataset::new(self.frame.clone()).without_sharing();
        let without = self.outputs(&fit(&*self.stage, &data)?)?;
        let what = difference(&with, &without, self.tolerance);
        what.map_or(Ok(()), |what| Err(format!("with and without sharing: {what}")))
    }

    fn folds(&self) -> Outcome {
        let of: Vec<u32> = (0..self.frame.num_rows()).map(|i| (i % 5 / 4) as u32).collect();
        let kept: Vec<bool> = of.iter().map(|&fold| fold == 0).collect();
        let folds = Blocks::new(of, 2).map_err(|e| e.to_string())?;
        let data = Dataset::with_blocks(self.frame.clone(), folds).map_err(|e| e.to_string())?;
        let fold = fit(&*self.stage, &self.prepared(&data.select(Rows::except(1)))?)?;
        let frame = self.fit(&self.frame.filter(&kept).map_err(|e| e.to_string())?)?;
        let what = difference(&self.outputs(&fold)?, &self.outputs(&frame)?, self.tolerance);
        what.map_or(Ok(()), |what| Err(format!("fitted on a fold and on a frame of its rows: {what}")))
    }

    fn persistence(&self) -> Outcome {
        let model = self.fit(&self.frame)?;
        let state = model.state().map_err(|e| e.to_string())?;
        let text = state.to_string();
        let read = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        let back = (self.restore)(&read).map_err(|e| format!("the saved model cannot be loaded: {e}"))?;
        if back.state().map_err(|e| e.to_string())? != state {
            return Err("the document changes when the model is saved, loaded and saved again".to_owned());
        }
        let what = difference(&self.outputs(&model)?, &self.outputs(&back)?, 0.0);
        what.map_or(Ok(()), |what| Err(format!("the loaded model predicts differently: {what}")))
    }

    fn children(&self) -> Outcome {
        let model = self.fit(&self.frame)?;
        let Some(assembled) = check_children(&*self.stage, &model, self.frame.schema())? else {
            return Ok(());
        };
        let what = difference(&self.outputs(&model)?, &self.outputs(&assembled)?, 0.0);
        what.map_or(Ok(()), |what| Err(format!("the model of its children predicts otherwise: {what}")))
    }

    fn checks_first(&self) -> Outcome {
        for field in self.frame.schema().fields() {
            let name = field.name();
            let without = self.frame.drop(&[name]).map_err(|e| e.to_string())?;
            self.refused_or_usable(&without, name, "is missing")?;
            let texts = (0..self.frame.num_rows()).map(|i| format!("text {i}"));
            let texts = replaced(&self.frame, field, Column::utf8(texts)).map_err(|e| e.to_string())?;
            if field.column_type() != ColumnType::Utf8 {
                self.refused_or_usable(&texts, name, "is text")?;
            }
        }
        Ok(())
    }

    fn refused_or_usable(&self, frame: &DataFrame, column: &str, problem: &str) -> Outcome {
        match self.stage.transform_schema(frame.schema()) {
            Err(error) if error.to_string().contains(column) => Ok(()),
            Err(error) => Err(format!("if column `{column}` {problem}, the error does not name it: {error}")),
            Ok(_) => self
                .fit(frame)
                .map(|_| ())
                .map_err(|e| format!("if column `{column}` {problem}, only `fit` reports it: {e}")),
        }
    }

    fn survives(&self, rule: Rule) -> Outcome {
        let good = self.fit(&self.frame)?;
        for bad in hostile(&self.frame) {
            let data = Dataset::new(bad.frame.clone());
            let fitted = catch_panic("plan", || Ok(self.prepared(&data)));
            let fitted = match fitted {
                Ok(Ok(data)) => self.stage.fit(&data, &context(&data)),
                Ok(Err(_)) => continue,
                Err(panic) => Err(panic),
            };
            let own = fitted.as_ref().map(|model| model.transform(&bad.frame).map(|_| ()));
            let others = good.transform(&bad.frame).map(|_| ());
            let errors = [
                fitted.as_ref().err(),
                own.as_ref().ok().and_then(|r| r.as_ref().err()),
                others.as_ref().err(),
            ];
            for (error, during) in errors.into_iter().zip(["fit", "transform", "transform of a good model"]) {
                let Some(error) = error else { continue };
                let panicked = matches!(error, Error::Panicked { .. });
                let named =
                    bad.column.as_ref().is_none_or(|column| error.to_string().contains(column.as_str()));
                match rule {
                    Rule::NoPanic if panicked => return Err(format!("{}, {during}: {error}", bad.what)),
                    Rule::NamesColumn if !panicked && !named => {
                        return Err(format!(
                            "{}, {during}: the error does not name the column: {error}",
                            bad.what
                        ));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn plan(&self) -> Result<luthier_core::StagePlan, String> {
        PlannedStage::new(&*self.stage, self.frame.schema()).map(|p| p.plan).map_err(|e| e.to_string())
    }

    fn prepared(&self, data: &Dataset) -> Result<Dataset, String> {
        let plan = self.stage.plan(data.schema()).map_err(|e| e.to_string())?;
        data.prepare(plan.needs()).map_err(|e| e.to_string())
    }

    fn fit(&self, frame: &DataFrame) -> Result<Arc<dyn DynModel>, String> {
        fit(&*self.stage, &self.prepared(&Dataset::new(frame.clone()))?)
    }

    /// The columns that a model appends to the frame of the check.
    fn outputs(&self, model: &Arc<dyn DynModel>) -> Result<Vec<Values>, String> {
        self.new_values(&transform(model, &self.frame)?)
    }

    /// The columns that were appended.
    fn new_values(&self, out: &DataFrame) -> Result<Vec<Values>, String> {
        let is_new = |name: &&str| self.frame.schema().field(name).is_none();
        let names: Vec<String> = out.schema().names().filter(is_new).map(str::to_owned).collect();
        values(out, &names)
    }
}

fn shown(schema: &Schema) -> Vec<(String, ColumnType)> {
    schema.fields().iter().map(|f| (f.name().to_owned(), f.column_type())).collect()
}

/// Whether the planned columns agree with the actual ones; the planned width of a vector may be unknown.
fn agree(planned: &[(String, ColumnType)], found: &[(String, ColumnType)]) -> bool {
    let agrees = |planned: ColumnType, found: ColumnType| {
        planned == found || (planned == ColumnType::AnyVector && found.is_vector())
    };
    planned.len() == found.len() && planned.iter().zip(found).all(|(a, b)| a.0 == b.0 && agrees(a.1, b.1))
}

fn context(data: &Dataset) -> FitContext {
    FitContext::new(0, Arc::clone(data.work()))
}

fn fit(stage: &dyn DynEstimator, data: &Dataset) -> Result<Arc<dyn DynModel>, String> {
    stage.fit(data, &context(data)).map_err(|error| error.to_string())
}

fn transform(model: &Arc<dyn DynModel>, frame: &DataFrame) -> Result<DataFrame, String> {
    model.transform(frame).map_err(|error| error.to_string())
}

fn outcome<T>(result: &Result<T, String>) -> String {
    result.as_ref().map_or_else(|error| format!("the error `{error}`"), |_| "a model".to_owned())
}
