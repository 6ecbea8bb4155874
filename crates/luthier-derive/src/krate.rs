use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

/// The path of the `params` module as seen from the crate that uses the macro, which depends on `luthier-core` or on the
/// facade `luthier`.
pub(crate) fn params_path() -> TokenStream {
    let found = |name: &str| match crate_name(name).ok()? {
        FoundCrate::Itself => Some(name.replace('-', "_")),
        FoundCrate::Name(name) => Some(name),
    };
    let ident = |name: String| Ident::new(&name, Span::call_site());
    if let Some(core) = found("luthier-core").map(ident) {
        quote!(::#core::params)
    } else if let Some(facade) = found("luthier").map(ident) {
        quote!(::#facade::core::params)
    } else {
        quote!(::luthier_core::params)
    }
}
