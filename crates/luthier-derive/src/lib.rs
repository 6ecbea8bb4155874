//! The derive macros of luthier-core: `Params` and `ParamEnum`. Use them through `luthier_core::params` or `luthier`.

mod attributes;
mod krate;
mod names;
mod param_enum;
mod params;
mod range;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Turns the fields of a struct into parameters.
///
/// Each field is a parameter, and its doc comment, which is required, is the documentation of the parameter. A field is
///
/// - `T` with a default: `#[param(default = 0.0)]`, or `#[param(default)]` for `T::default()`;
/// - `Option<T>`, an optional parameter, which has no value unless there is a default, `#[param(default = "w")]`;
/// - `Required<T>`, without a default; `validate` fails until it is set.
///
/// A field with `#[param(skip)]` is not a parameter and needs no documentation. It is state of its owner, such as a
/// connection. Its initial value is `Default::default()`, setting parameters does not change it, and it is not saved.
///
/// A parameter that names one or several columns declares their role with `#[param(column = input)]`; its type is `String`
/// or `Vec<String>`. The roles are
///
/// - `input`: a column from which the part computes, such as features;
/// - `output`: a column that it appends;
/// - `label`, `weight`, `fold`: columns that are read for fitting, scoring or splitting and are never features. Their
///   defaults are the `label`, `weight` and `fold` of a configuration's `[data]`;
/// - `auxiliary`: any other column that is read for fitting or scoring and is never a feature;
/// - `prediction`, `raw_prediction`, `probability`: a stage appends them, an evaluator reads them.
///
/// `ColumnRole` describes the effects of roles. A parameter without a role does not name a column, whatever its name.
///
/// A parameter that controls how closely the model can follow its training rows declares which of its values make the simpler
/// model: `#[param(simpler = larger)]` for the strength of a penalty, `#[param(simpler = smaller)]` for a number of components.
/// Its type is a number. A search that prefers simple models uses this order (`Simpler`). A parameter that controls how long
/// or how exactly something is computed, such as `max_iter`, has no such order.
///
/// A range applies to the inner value, or to each element of a `Vec`: `range = 0.0..` (at least 0), `range = 0.0..=1.0`,
/// `range = 0.0..1.0`, `range = ..10`, and the exclusive bounds `greater_than = 1.0` and `less_than = 2.0`. NaN is never in
/// range. `#[params(check = "Self::check")]` on the struct adds a check that involves several parameters,
/// `fn check(&self) -> Result<(), String>`.
///
/// The macro generates `new()` and `Default`, a builder method and a handle (`Self::REG_PARAM`) per parameter, the impl of the
/// trait `Params`, and serde's `Serialize` and `Deserialize` as a map from names to values.
#[proc_macro_derive(Params, attributes(param, params))]
pub fn derive_params(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    params::expand(&input).into()
}

/// Turns an enum of unit variants into a parameter type; the variant `LBfgs` has the name `"l_bfgs"`.
///
/// `#[param(rename = "l-bfgs")]` gives a variant another name. The macro generates the impl of `ParamType`, `as_str()`,
/// `Display`, `FromStr`, `From<…> for Value`, and serde's `Serialize` and `Deserialize` as the name.
#[proc_macro_derive(ParamEnum, attributes(param))]
pub fn derive_param_enum(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    param_enum::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
