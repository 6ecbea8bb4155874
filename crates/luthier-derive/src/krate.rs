use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

/// The path of the `params` module as seen from the crate that uses the macro, which depends on `luthier-core`, on
/// `luthier-tune` or on the facade `luthier`.
pub(crate) fn params_path() -> TokenStream {
    let found = |name: &str| match crate_name(name).ok()? {
        FoundCrate::Itself => Some(name.replace('-', "_")),
        FoundCrate::Name(name) => Some(name),
    };
    let ident = |name: String| Ident::new(&name, Span::call_site());
    let through = ["luthier-tune", "luthier"].into_iter().find_map(found);
    match (found("luthier-core").map(ident), through.map(ident)) {
        (Some(core), _) => quote!(::#core::params),
        (None, Some(other)) => quote!(::#other::core::params),
        (None, None) => quote!(::luthier_core::params),
    }
}
