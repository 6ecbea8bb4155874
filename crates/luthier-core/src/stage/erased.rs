//! Object-safe counterparts of estimators and models, as used by pipelines, grids and the registry.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use luthier_frame::{DataFrame, Field, Schema};

use super::children::check_children;
use super::{
    Children, Estimator, FitContext, FittedChild, Guarded, PipelineStage, PureTransformer, StagePlan,
    Transformer, catch_panic,
};
use crate::dataset::Dataset;
use crate::describe::{Description, Note, NoteKind};
use crate::params::{ColumnRole, ParamInfo, Params, Value};
use crate::rows::OddCells;
use crate::{Error, Result, json};

/// A stage of any type: the object-safe counterpart of [`Estimator`], and of [`PureTransformer`], which is its own model.
pub trait DynEstimator: Debug + Send + Sync {
    /// The name the stage is registered by.
    fn type_name(&self) -> &'static str;
    /// Its parameters, in order of declaration.
    fn param_infos(&self) -> &'static [ParamInfo];
    /// All parameters that have a value.
    fn values(&self) -> Vec<(&'static str, Value)>;
    /// Sets a parameter by name.
    ///
    /// # Errors
    /// An unknown name, a wrong type, a value out of range.
    fn set_value(&mut self, name: &str, value: &Value) -> Result<()>;
    /// The value of a parameter.
    ///
    /// # Errors
    /// An unknown name, or one that is not set.
    fn get_value(&self, name: &str) -> Result<Value>;
    /// Checks that all required parameters are set and all values are in range.
    ///
    /// # Errors
    /// The first parameter that is not set or out of range.
    fn validate(&self) -> Result<()>;
    /// See [`Estimator::outputs`].
    ///
    /// # Errors
    /// Those of the stage, and its panic.
    fn outputs(&self, schema: &Schema) -> Result<Vec<Field>>;
    /// The schema behind the fitted stage.
    ///
    /// # Errors
    /// Those of the stage, and its panic; a column with the name of an output.
    fn transform_schema(&self, schema: &Schema) -> Result<Schema> {
        let outputs = self.outputs(schema)?;
        schema.with_fields(outputs).map_err(|e| self.cannot_append(e).in_stage(self.type_name()))
    }
    /// The error for outputs that cannot be appended: it names the parameter whose column exists already.
    #[doc(hidden)]
    fn cannot_append(&self, error: luthier_frame::Error) -> Error {
        let luthier_frame::Error::DuplicateColumn { column } = &error else { return error.into() };
        let of_param = |info: &&'static ParamInfo| {
            let value = |name: &str| self.get_value(name).ok();
            ColumnRole::columns_of(std::slice::from_ref(*info), value, ColumnRole::is_appended)
                .contains(column)
        };
        match self.param_infos().iter().find(of_param) {
            Some(info) => Error::ColumnTaken { column: column.clone(), param: info.name },
            None => error.into(),
        }
    }
    /// See [`Estimator::plan`].
    ///
    /// # Errors
    /// The panic of the stage.
    fn plan(&self, schema: &Schema) -> Result<StagePlan>;
    /// See [`Estimator::fit`].
    ///
    /// # Errors
    /// Those of the stage, and its panic.
    fn fit(&self, data: &Dataset, ctx: &FitContext) -> Result<Arc<dyn DynModel>>;
    /// See [`Estimator::fit_many`]. All of `configs` must be of this stage's type; one of another type is an
    /// error in its place.
    fn fit_many(
        &self,
        configs: &[&dyn DynEstimator],
        data: &Dataset,
        ctx: &FitContext,
    ) -> Vec<Result<Arc<dyn DynModel>>>;
    /// See [`Estimator::children`].
    fn children(&self) -> Children<'_, PipelineStage> {
        Children::none()
    }
    /// See [`Estimator::children_mut`].
    fn children_mut(&mut self) -> Option<&mut Vec<PipelineStage>> {
        None
    }
    /// See [`Estimator::assemble`].
    ///
    /// # Errors
    /// Those of the stage, and its panic; a stage whose children are not in a row.
    fn assemble(&self, children: Vec<FittedChild>, columns: Option<&Schema>) -> Result<Arc<dyn DynModel>>;
    /// The stage itself as a model, if there is nothing to fit.
    fn as_model(&self) -> Option<Arc<dyn DynModel>>;
    /// A copy.
    fn clone_box(&self) -> Box<dyn DynEstimator>;
    /// For downcasting.
    fn as_any(&self) -> &dyn Any;
}

impl Clone for Box<dyn DynEstimator> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

impl dyn DynEstimator + '_ {
    /// The columns of a role that its parameters name, and those of its children; see [`Params::columns_of`].
    pub fn columns_of(&self, role: ColumnRole) -> Vec<String> {
        self.columns_where(&|other| other == role)
    }

    /// The columns of several roles.
    pub(crate) fn columns_where(&self, wanted: &dyn Fn(ColumnRole) -> bool) -> Vec<String> {
        let own = ColumnRole::columns_of(self.param_infos(), |name| self.get_value(name).ok(), wanted);
        let children = self.children().all().iter();
        own.into_iter().chain(children.flat_map(|child| child.stage().columns_where(wanted))).collect()
    }
}

/// A fitted stage of any type, together with the parameters with which it was fitted.
pub trait DynModel: Debug + Send + Sync {
    /// The name the stage is registered by.
    fn type_name(&self) -> &'static str;
    /// The stage as a transformer.
    fn transformer(&self) -> &dyn Transformer;
    /// See [`Transformer::transform`].
    ///
    /// # Errors
    /// Those of the stage, and its panic.
    fn transform(&self, data: &DataFrame) -> Result<DataFrame> {
        catch_panic(self.type_name(), || self.transformer().transform(data))
    }
    /// See [`Transformer::transform_schema`].
    ///
    /// # Errors
    /// Those of the stage, and its panic.
    fn transform_schema(&self, schema: &Schema) -> Result<Schema> {
        catch_panic(self.type_name(), || self.transformer().transform_schema(schema))
    }
    /// See [`Transformer::describe`]; a panic of the stage is a note.
    fn describe(&self) -> Description;
    /// See [`Transformer::children`].
    fn children(&self) -> Children<'_, FittedChild> {
        self.transformer().children()
    }
    /// See [`Transformer::check_state`].
    ///
    /// # Errors
    /// Those of the stage, and its panic.
    fn check_state(&self) -> Result<()>;
    /// Whether it was fitted on rows; a transformer that is its own model was not.
    fn is_fitted(&self) -> bool;
    /// The parameters of its estimator, in order of declaration.
    fn param_infos(&self) -> &'static [ParamInfo];
    /// The parameters that have a value.
    fn values(&self) -> Vec<(&'static str, Value)>;
    /// The fitted state, as it is saved.
    ///
    /// # Errors
    /// If the model cannot be serialised.
    fn state(&self) -> Result<serde_json::Value>;
    /// The typed model, for downcasting.
    fn as_any(&self) -> &dyn Any;
    /// Whether somebody reads what the stage remarks.
    #[doc(hidden)]
    fn is_watched(&self) -> bool {
        false
    }
    /// Receives what the stage, called `stage` in its pipeline, remarks on rows that pass through it. By default, nobody reads it.
    #[doc(hidden)]
    fn remark(&self, _stage: &str, _odd: OddCells) {}
}

impl dyn DynModel + '_ {
    /// The columns of a role that the parameters name, and those of its children; see [`Params::columns_of`].
    pub fn columns_of(&self, role: ColumnRole) -> Vec<String> {
        self.columns_where(&|other| other == role)
    }

    /// The columns of several roles.
    pub(crate) fn columns_where(&self, wanted: &dyn Fn(ColumnRole) -> bool) -> Vec<String> {
        let values = self.values();
        let value = |name: &str| Some(values.iter().find(|(other, _)| *other == name)?.1.clone());
        let own = ColumnRole::columns_of(self.param_infos(), value, wanted);
        let children = self.children().all().iter();
        own.into_iter().chain(children.flat_map(|(_, child)| child.columns_where(wanted))).collect()
    }

    /// What should be known of the fit, also of the parts that the model is made of.
    pub fn notes(&self) -> Vec<Note> {
        let below = |(name, child): &FittedChild| {
            child.notes().into_iter().map(|note| note.in_stage(name)).collect::<Vec<_>>()
        };
        let own = catch_panic(self.type_name(), || Ok(self.transformer().notes()));
        let own = own.unwrap_or_else(|e| vec![Note::new(NoteKind::Other, e.to_string())]);
        own.into_iter().chain(self.children().own_parts().iter().flat_map(below)).collect()
    }

    /// The typed model, if it is one.
    pub fn downcast_ref<M: Any>(&self) -> Option<&M> {
        self.as_any().downcast_ref()
    }
}

/// A model and its estimator.
#[derive(Debug)]
struct Fitted<E: Estimator> {
    estimator: E,
    model: Guarded<E::Model>,
}

fn described(part: &str, model: &impl Transformer) -> Description {
    catch_panic(part, || Ok(model.describe()))
        .unwrap_or_else(|e| Description::new().note(Note::new(NoteKind::Other, e.to_string())))
}

/// Joins a loaded model with its parameters.
pub(crate) fn fitted<E: Estimator>(estimator: E, model: E::Model) -> Arc<dyn DynModel> {
    Arc::new(Fitted { estimator, model: Guarded::new(model) })
}

impl<E: Estimator> DynModel for Fitted<E> {
    fn type_name(&self) -> &'static str {
        E::NAME
    }

    fn transformer(&self) -> &dyn Transformer {
        &*self.model
    }

    fn describe(&self) -> Description {
        described(E::NAME, &*self.model)
    }

    fn check_state(&self) -> Result<()> {
        catch_panic(E::NAME, || self.model.check_state())
    }

    fn is_fitted(&self) -> bool {
        true
    }

    fn param_infos(&self) -> &'static [ParamInfo] {
        E::param_infos()
    }

    fn values(&self) -> Vec<(&'static str, Value)> {
        self.estimator.values()
    }

    fn state(&self) -> Result<serde_json::Value> {
        json::to_value(&*self.model)
    }

    fn as_any(&self) -> &dyn Any {
        &*self.model
    }
}

impl<E: Estimator> DynEstimator for E {
    fn type_name(&self) -> &'static str {
        E::NAME
    }

    fn param_infos(&self) -> &'static [ParamInfo] {
        E::param_infos()
    }

    fn values(&self) -> Vec<(&'static str, Value)> {
        Params::values(self)
    }

    fn set_value(&mut self, name: &str, value: &Value) -> Result<()> {
        Ok(Params::set_value(self, name, value)?)
    }

    fn get_value(&self, name: &str) -> Result<Value> {
        Ok(Params::get_value(self, name)?)
    }

    fn validate(&self) -> Result<()> {
        check_children(self.children().all())?;
        Ok(Params::validate(self)?)
    }

    fn outputs(&self, schema: &Schema) -> Result<Vec<Field>> {
        catch_panic(E::NAME, || Estimator::outputs(self, schema))
    }

    fn plan(&self, schema: &Schema) -> Result<StagePlan> {
        catch_panic(E::NAME, || Ok(Estimator::plan(self, schema)))
    }

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> Result<Arc<dyn DynModel>> {
        ctx.check_cancelled()?;
        // Stages in a row are counted themselves.
        ctx.work().fits(u64::from(self.children().row().is_none()));
        let model = catch_panic(E::NAME, || Estimator::fit(self, data, ctx));
        // The author's loops may have ended early, with a model or with an error of any kind.
        ctx.check_cancelled()?;
        model.map(|model| fitted(self.clone(), model))
    }

    fn fit_many(
        &self,
        configs: &[&dyn DynEstimator],
        data: &Dataset,
        ctx: &FitContext,
    ) -> Vec<Result<Arc<dyn DynModel>>> {
        let typed: Option<Vec<E>> =
            configs.iter().map(|config| config.as_any().downcast_ref::<E>().cloned()).collect();
        let alone = || one_by_one(configs, data, ctx);
        let Some(typed) = typed.filter(|typed| typed.len() > 1) else { return alone() };
        let models = catch_panic(E::NAME, || Ok(E::fit_many(&typed, data, ctx)));
        if let Err(cancelled) = ctx.check_cancelled() {
            return configs.iter().map(|_| Err(cancelled.clone())).collect();
        }
        match models {
            Ok(models) if models.len() == typed.len() => {
                ctx.work().fits(typed.len() as u64);
                let name = |e| Error::from_author(E::NAME, e);
                typed.into_iter().zip(models).map(|(e, m)| m.map(|m| fitted(e, m)).map_err(name)).collect()
            }
            // One that panics must not make its siblings fail.
            _ => alone(),
        }
    }

    fn children(&self) -> Children<'_, PipelineStage> {
        Estimator::children(self)
    }

    fn children_mut(&mut self) -> Option<&mut Vec<PipelineStage>> {
        Estimator::children_mut(self)
    }

    fn assemble(&self, children: Vec<FittedChild>, columns: Option<&Schema>) -> Result<Arc<dyn DynModel>> {
        let model = catch_panic(E::NAME, || Estimator::assemble(self, children, columns))?;
        Ok(fitted(self.clone(), model))
    }

    fn as_model(&self) -> Option<Arc<dyn DynModel>> {
        None
    }

    fn clone_box(&self) -> Box<dyn DynEstimator> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn one_by_one(
    configs: &[&dyn DynEstimator],
    data: &Dataset,
    ctx: &FitContext,
) -> Vec<Result<Arc<dyn DynModel>>> {
    configs.iter().map(|config| config.fit(data, ctx)).collect()
}

/// A pure transformer as a stage of any type.
pub(crate) fn pure<T: PureTransformer>(stage: T) -> Box<dyn DynEstimator> {
    Box::new(Pure(stage))
}

/// A pure transformer as a stage and as its own model.
#[derive(Debug, Clone)]
struct Pure<T: PureTransformer>(T);

impl<T: PureTransformer> DynModel for Pure<T> {
    fn type_name(&self) -> &'static str {
        T::NAME
    }

    fn transformer(&self) -> &dyn Transformer {
        &self.0
    }

    fn describe(&self) -> Description {
        described(T::NAME, &self.0)
    }

    fn check_state(&self) -> Result<()> {
        catch_panic(T::NAME, || self.0.check_state())
    }

    fn is_fitted(&self) -> bool {
        false
    }

    fn param_infos(&self) -> &'static [ParamInfo] {
        T::param_infos()
    }

    fn values(&self) -> Vec<(&'static str, Value)> {
        Params::values(&self.0)
    }

    fn state(&self) -> Result<serde_json::Value> {
        Ok(serde_json::Value::Object(Default::default()))
    }

    fn as_any(&self) -> &dyn Any {
        &self.0
    }
}

impl<T: PureTransformer> DynEstimator for Pure<T> {
    fn type_name(&self) -> &'static str {
        T::NAME
    }

    fn param_infos(&self) -> &'static [ParamInfo] {
        T::param_infos()
    }

    fn values(&self) -> Vec<(&'static str, Value)> {
        Params::values(&self.0)
    }

    fn set_value(&mut self, name: &str, value: &Value) -> Result<()> {
        Ok(Params::set_value(&mut self.0, name, value)?)
    }

    fn get_value(&self, name: &str) -> Result<Value> {
        Ok(Params::get_value(&self.0, name)?)
    }

    fn validate(&self) -> Result<()> {
        Ok(Params::validate(&self.0)?)
    }

    fn outputs(&self, schema: &Schema) -> Result<Vec<Field>> {
        catch_panic(T::NAME, || self.0.outputs(schema))
    }

    fn plan(&self, _schema: &Schema) -> Result<StagePlan> {
        let (affine, drops_rows) = catch_panic(T::NAME, || Ok((self.0.affine(), self.0.drops_rows())))?;
        let plan = StagePlan::opaque().drops_rows(drops_rows);
        Ok(match affine {
            Some(map) => plan.affine(map.columns.inputs, map.columns.output),
            None => plan,
        })
    }

    fn fit(&self, _data: &Dataset, _ctx: &FitContext) -> Result<Arc<dyn DynModel>> {
        Ok(Arc::new(self.clone()))
    }

    fn fit_many(
        &self,
        configs: &[&dyn DynEstimator],
        data: &Dataset,
        ctx: &FitContext,
    ) -> Vec<Result<Arc<dyn DynModel>>> {
        one_by_one(configs, data, ctx)
    }

    fn assemble(&self, _children: Vec<FittedChild>, _columns: Option<&Schema>) -> Result<Arc<dyn DynModel>> {
        Ok(Arc::new(self.clone()))
    }

    fn as_model(&self) -> Option<Arc<dyn DynModel>> {
        Some(Arc::new(self.clone()))
    }

    fn clone_box(&self) -> Box<dyn DynEstimator> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
