use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, LitStr, Variant};

use crate::krate::params_path;
use crate::names::{Errors, snake_case};

/// Generates the code of `#[derive(ParamEnum)]`.
pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(syn::Error::new(
            input.ident.span(),
            "`#[derive(ParamEnum)]` is for enums; the parameters of a struct come from `#[derive(Params)]`",
        ));
    };
    let mut errors = Errors::default();
    if !input.generics.params.is_empty() {
        errors.at(&input.generics, "`#[derive(ParamEnum)]` does not support generic enums");
    }
    if data.variants.is_empty() {
        errors.at(&input.ident, "`#[derive(ParamEnum)]` needs at least one variant");
    }
    let mut names: Vec<String> = Vec::new();
    for variant in &data.variants {
        let name = variant_name(variant, &mut errors);
        if names.contains(&name) {
            errors.at(variant, format!("two variants have the name `{name}`"));
        }
        names.push(name);
    }
    errors.finish()?;

    let (type_, vis, krate) = (&input.ident, &input.vis, &params_path());
    let type_name = type_.unraw().to_string();
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let serde_path = quote!(#krate::private::serde);
    Ok(quote! {
        #[allow(dead_code)]
        impl #type_ {
            /// The name by which parameters, files and messages know this value.
            #[must_use]
            #vis const fn as_str(&self) -> &'static str {
                match self {
                    #(Self::#variants => #names,)*
                }
            }
        }

        #[automatically_derived]
        impl #krate::ParamType for #type_ {
            fn type_name() -> ::std::string::String {
                ::std::string::String::from(#type_name)
            }

            fn to_value(&self) -> #krate::Value {
                #krate::Value::from(self.as_str())
            }

            fn from_value(value: &#krate::Value) -> ::core::result::Result<Self, ::std::string::String> {
                let all = [#(Self::#variants),*];
                let position = #krate::private::choice(value, <Self as #krate::ParamType>::choices())?;
                all.into_iter().nth(position).ok_or_else(::std::string::String::new)
            }

            fn choices() -> &'static [&'static str] {
                &[#(#names),*]
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Display for #type_ {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        #[automatically_derived]
        impl ::core::str::FromStr for #type_ {
            type Err = #krate::ParamError;

            fn from_str(name: &str) -> ::core::result::Result<Self, #krate::ParamError> {
                <Self as #krate::ParamType>::from_value(&#krate::Value::from(name))
                    .map_err(|message| #krate::ParamError::Invalid { message })
            }
        }

        #[automatically_derived]
        impl ::core::convert::From<#type_> for #krate::Value {
            fn from(value: #type_) -> Self {
                #krate::ParamType::to_value(&value)
            }
        }

        #[automatically_derived]
        impl #serde_path::Serialize for #type_ {
            fn serialize<S: #serde_path::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #[automatically_derived]
        impl<'de> #serde_path::Deserialize<'de> for #type_ {
            fn deserialize<D: #serde_path::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                #krate::private::deserialize_enum(deserializer)
            }
        }
    })
}

/// The name from the variant, or from `#[param(rename = "...")]`.
fn variant_name(variant: &Variant, errors: &mut Errors) -> String {
    if !matches!(variant.fields, Fields::Unit) {
        errors.at(
            variant,
            "a variant with fields cannot be chosen by name: a parameter must be an enum of unit variants",
        );
    }
    let mut name = snake_case(&variant.ident.unraw().to_string());
    for attribute in variant.attrs.iter().filter(|a| a.path().is_ident("param")) {
        errors.keep(attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("rename") {
                return Err(meta.error(
                    "unknown key; the only key of `#[param(...)]` on a variant is `rename = \"...\"`",
                ));
            }
            name = meta.value()?.parse::<LitStr>()?.value();
            Ok(())
        }));
    }
    name
}
