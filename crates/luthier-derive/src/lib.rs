//! The derive macros of luthier-core: `Params` and `ParamEnum`. Use them through `luthier_core::params` or `luthier`.

mod attributes;
mod krate;
mod names;
mod param_enum;
mod params;
mod range;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes the parameters of a struct with named fields.
///
/// Each field is a parameter, and its doc comment the parameter's documentation (required). The field is
///
/// - `T` with a default: `#[param(default = 0.0)]`, or `#[param(default)]` for `T::default()`;
/// - `Option<T>`, an optional parameter: no value unless there is a default, `#[param(default = "w")]`;
/// - `Required<T>`: without default; `validate` fails until it is set.
///
/// A field with `#[param(skip)]` is no parameter, and needs no documentation: state of its owner, such as a connection.
/// It begins as `Default::default()`, setting parameters leaves it as it is, and it is not saved.
///
/// A parameter that names a column, or several, says what these are for by `#[param(column = input)]`; its type is `String`
/// or `Vec<String>`. The roles are
///
/// - `input`: a column that the part computes from, such as features;
/// - `output`: a column that it appends;
/// - `label`, `weight`, `fold`: columns that are read to fit, to score or to split, and are no features. The `label`,
///   `weight` and `fold` of a configuration's `[data]` are their defaults;
/// - `auxiliary`: any other column that is read to fit or to score and is no feature;
/// - `prediction`, `raw_prediction`, `probability`: a stage appends them, an evaluator reads them.
///
/// `ColumnRole` says what follows from a role. A parameter without a role names no column, whatever it is called.
///
/// A range applies to the inner value, for a `Vec` to each element: `range = 0.0..` (at least 0), `range = 0.0..=1.0`,
/// `range = 0.0..1.0`, `range = ..10`, and the exclusive bounds `greater_than = 1.0` and `less_than = 2.0`. NaN lies in no
/// range. `#[params(check = "Self::check")]` on the struct names a check over all parameters,
/// `fn check(&self) -> Result<(), String>`.
///
/// Made are `new()` and `Default`, a builder method and a handle (`Self::REG_PARAM`) per parameter, the impl of the trait
/// `Params`, and serde's `Serialize` and `Deserialize` as a map from names to values.
#[proc_macro_derive(Params, attributes(param, params))]
pub fn derive_params(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    params::expand(&input).into()
}

/// Makes an enum of unit variants a parameter type; the variant `LBfgs` has the name `"l_bfgs"`.
///
/// `#[param(rename = "l-bfgs")]` gives a variant another name. Made are the impl of `ParamType`, `as_str()`, `Display`,
/// `FromStr`, `From<…> for Value`, and serde's `Serialize` and `Deserialize` as the name.
#[proc_macro_derive(ParamEnum, attributes(param))]
pub fn derive_param_enum(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    param_enum::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
