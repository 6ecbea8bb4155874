//! Which of two configurations is simpler.

use std::cmp::Ordering;

use crate::exchange::leave_out;
use crate::params::{ParamInfo, Value};
use crate::stage::{DynEstimator, PipelineStage};

impl dyn DynEstimator + '_ {
    /// Compares the complexity of two configurations: `Less` means that this one is simpler.
    ///
    /// This is a partial order: a difference that cannot be judged is never weighed against one that can. The rules are:
    ///
    /// - Stages are compared by name. The declared order of a parameter, `#[param(simpler = larger)]`
    ///   ([`Simpler`](crate::params::Simpler)), decides which value is simpler. All differences must point the same way; if one
    ///   stage is simpler here and another one there, the result is `None`.
    /// - If a parameter without a declared order differs, the result is `None`: a penalty of 0.1 that is applied to standardised
    ///   features cannot be compared with a penalty of 0.2 that is not.
    /// - `None`, no value, is not comparable with a number, nor is NaN.
    /// - A configuration that leaves out stages of the other is simpler, provided that the other one becomes comparable when they
    ///   are left out there (what reads their outputs then reads their inputs). A stage that itself declares an order, such as
    ///   one that reduces the number of features, is an exception: its parameters do not tell whether using it at all makes the
    ///   model simpler, so the result is `None`.
    /// - Stages of different types or in a different order are not comparable.
    ///
    /// ```
    /// use std::cmp::Ordering::{Equal, Less};
    /// # use luthier_core::{Estimator, FitContext, Dataset, Params, PipelineModel};
    /// # use luthier_core::frame::{Field, Schema};
    /// use luthier_core::{DynEstimator, Pipeline};
    ///
    /// /// Linear regression.
    /// #[derive(Debug, Clone, Params)]
    /// struct Ridge {
    ///     /// Strength of the penalty.
    ///     #[param(default = 1.0, range = 0.0.., simpler = larger)]
    ///     penalty: f64,
    ///     /// Maximum number of iterations.
    ///     #[param(default = 100)]
    ///     max_iter: usize,
    /// }
    /// # impl Estimator for Ridge {
    /// #     const NAME: &'static str = "acme.ridge";
    /// #     type Model = PipelineModel;
    /// #     fn fit(&self, _: &Dataset, _: &FitContext) -> anyhow::Result<PipelineModel> {
    /// #         Ok(PipelineModel::new(Vec::new()))
    /// #     }
    /// #     fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> {
    /// #         Ok(Vec::new())
    /// #     }
    /// # }
    ///
    /// let of = |ridge: Ridge| Box::new(Pipeline::new().stage("lr", ridge)) as Box<dyn DynEstimator>;
    /// let default = of(Ridge::new());
    /// assert_eq!(of(Ridge::new().penalty(10.0)).compare_complexity(&*default), Some(Less));
    /// assert_eq!(of(Ridge::new()).compare_complexity(&*default), Some(Equal));
    /// assert_eq!(of(Ridge::new().penalty(10.0).max_iter(5)).compare_complexity(&*default), None);
    /// ```
    #[must_use]
    pub fn compare_complexity(&self, other: &dyn DynEstimator) -> Option<Ordering> {
        let (only_here, only_there) = (missing_in(other, self, ""), missing_in(self, other, ""));
        match (only_here.is_empty(), only_there.is_empty()) {
            (true, true) => compare(self, other),
            (false, true) => with_more(self, &only_here, other),
            (true, false) => with_more(other, &only_there, self).map(Ordering::reverse),
            (false, false) => None,
        }
    }
}

/// The dotted names of stages of `whole` that `part` does not have; not those inside such a stage.
fn missing_in(part: &dyn DynEstimator, whole: &dyn DynEstimator, outer: &str) -> Vec<String> {
    let of_child = |child: &PipelineStage| {
        let name = format!("{outer}{}", child.name());
        match part.stage_at(child.name()) {
            Some(there) => missing_in(there, child.stage(), &format!("{name}.")),
            None => vec![name],
        }
    };
    whole.children().all().iter().flat_map(of_child).collect()
}

/// Compares a configuration that has more stages with another one.
fn with_more(larger: &dyn DynEstimator, more: &[String], other: &dyn DynEstimator) -> Option<Ordering> {
    let mut reduced = larger.clone_box();
    for path in more {
        if declares_order(reduced.stage_at(path)?) {
            return None;
        }
        leave_out(reduced.as_mut(), path, &Value::Bool(false)).ok()?;
    }
    both(Ordering::Greater, compare(reduced.as_ref(), other)?)
}

fn declares_order(stage: &dyn DynEstimator) -> bool {
    let children = stage.children().all();
    stage.param_infos().iter().any(|info| info.simpler.is_some())
        || children.iter().any(|child| declares_order(child.stage()))
}

/// Compares configurations of the same stages.
fn compare(a: &dyn DynEstimator, b: &dyn DynEstimator) -> Option<Ordering> {
    let (inside_a, inside_b) = (a.children().all(), b.children().all());
    if a.type_name() != b.type_name() || inside_a.len() != inside_b.len() {
        return None;
    }
    let params = a.param_infos().iter().map(|info| {
        let value = |stage: &dyn DynEstimator| stage.get_value(info.name).unwrap_or(Value::Null);
        compare_values(info, &value(a), &value(b))
    });
    let children = inside_a.iter().zip(inside_b).map(|(a, b)| match a.name() == b.name() {
        true => compare(a.stage(), b.stage()),
        false => None,
    });
    params.chain(children).try_fold(Ordering::Equal, |order, next| both(order, next?))
}

fn compare_values(info: &ParamInfo, a: &Value, b: &Value) -> Option<Ordering> {
    match info.simpler {
        _ if a.same(b) => Some(Ordering::Equal),
        Some(simpler) => simpler.compare(a, b),
        None => None,
    }
}

/// The order of two differences, if they do not contradict each other.
fn both(a: Ordering, b: Ordering) -> Option<Ordering> {
    match (a, b) {
        (Ordering::Equal, order) | (order, Ordering::Equal) => Some(order),
        (a, b) => (a == b).then_some(a),
    }
}
