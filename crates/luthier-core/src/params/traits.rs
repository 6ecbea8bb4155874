use std::fmt::Debug;

use super::{ColumnRole, IntoParam, Param, ParamError, ParamInfo, ParamType, Value};

/// A type with parameters; implemented by `#[derive(Params)]`.
///
/// The builder methods that the derive generates never fail; [`validate`](Params::validate) reports errors later.
/// [`set`](Params::set) and [`set_value`](Params::set_value) fail at once, and then change nothing.
///
/// ```
/// use luthier_core::Params;
///
/// /// Adds a number.
/// #[derive(Debug, Clone, Params)]
/// struct Add {
///     /// The number to add.
///     #[param(default = 1.0, range = 0.0..)]
///     amount: f64,
/// }
///
/// let mut add = Add::new().amount(2.5);
/// assert_eq!(add.get(Add::AMOUNT), Some(&2.5));
/// assert!(add.set_value("amount", &(-1.0).into()).is_err());
/// assert_eq!(add.explain_params(), "amount: The number to add (>= 0) (default: 1.0, current: 2.5)");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no parameters",
    note = "add `#[derive(Debug, Clone, Params)]` to the struct; it may have no field at all"
)]
pub trait Params: Debug + Clone + Send + Sync + 'static {
    /// The doc comment of the type; empty if there is none.
    fn doc() -> &'static str {
        ""
    }

    /// Information about each parameter, in declaration order.
    fn param_infos() -> &'static [ParamInfo];

    /// The value of a parameter; an optional one without a value is [`Value::Null`].
    ///
    /// # Errors
    ///
    /// The parameter does not exist, or it is required and not set.
    fn get_value(&self, name: &str) -> Result<Value, ParamError>;

    /// Sets a parameter; [`Value::Null`] removes the value of an optional one.
    ///
    /// # Errors
    ///
    /// The parameter does not exist, or the value is of the wrong type or out of range.
    fn set_value(&mut self, name: &str, value: &Value) -> Result<(), ParamError>;

    /// Checks that every required parameter is set and every value is in range, then the author's own check.
    ///
    /// # Errors
    ///
    /// The first error, in declaration order.
    fn validate(&self) -> Result<(), ParamError>;

    /// Sets a parameter by its typed handle.
    ///
    /// # Errors
    ///
    /// The value is out of range.
    fn set<T: ParamType>(
        &mut self,
        param: Param<Self, T>,
        value: impl IntoParam<T>,
    ) -> Result<(), ParamError> {
        param.set(self, value.into_param())
    }

    /// A parameter by its typed handle; `None` if it is required and not set, or optional and without a value.
    fn get<T: ParamType>(&self, param: Param<Self, T>) -> Option<&T> {
        param.get(self)
    }

    /// Name and value of each parameter in declaration order, including defaults. A required parameter that is not set is left
    /// out; an optional one without a value is [`Value::Null`].
    fn values(&self) -> Vec<(&'static str, Value)> {
        let names = Self::param_infos().iter().map(|info| info.name);
        names.filter_map(|name| Some((name, self.get_value(name).ok()?))).collect()
    }

    /// The columns of a role that the parameters name. Parameters without a value are ignored.
    fn columns_of(&self, role: ColumnRole) -> Vec<String> {
        ColumnRole::columns_of(Self::param_infos(), |name| self.get_value(name).ok(), |other| other == role)
    }

    /// One line per parameter, see [`ParamInfo::explain`].
    fn explain_params(&self) -> String {
        let lines =
            Self::param_infos().iter().map(|info| info.explain(self.get_value(info.name).ok().as_ref()));
        lines.collect::<Vec<_>>().join("\n")
    }
}
