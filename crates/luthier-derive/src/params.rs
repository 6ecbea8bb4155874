use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Expr, Field, Fields, GenericArgument, Ident, Lit, Path, PathArguments,
    Type, Visibility,
};

use crate::attributes::{DefaultValue, ParamAttributes, struct_check};
use crate::krate::params_path;
use crate::names::{Errors, doc_text, snake_case};
use crate::range::{Range, expr_text, number};

/// Names that a builder method cannot have, because every owner has methods of these names.
const RESERVED: [&str; 9] =
    ["new", "default", "get", "set", "validate", "values", "get_value", "set_value", "explain_params"];

/// The types whose values have an order of complexity.
const NUMBERS: [&str; 6] = ["f64", "usize", "u64", "i64", "u32", "i32"];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Optional,
    Required,
}

struct Parameter<'a> {
    ident: &'a Ident,
    name: String,
    constant: Ident,
    docs: Vec<&'a Attribute>,
    doc: String,
    kind: Kind,
    /// The type without `Option` or `Required`.
    inner: &'a Type,
    default: DefaultValue,
    range: Range,
    /// The variant of `ColumnRole`, if it names columns.
    column: Option<Ident>,
    /// The variant of `Simpler`, if the order of complexity is declared.
    simpler: Option<Ident>,
}

impl<'a> Parameter<'a> {
    fn parse(field: &'a Field, attributes: ParamAttributes, errors: &mut Errors) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let name = ident.unraw().to_string();
        let (kind, inner) = match (argument_of(&field.ty, "Option"), argument_of(&field.ty, "Required")) {
            (Some(inner), _) => (Kind::Optional, inner),
            (_, Some(inner)) => (Kind::Required, inner),
            _ => (Kind::Plain, &field.ty),
        };
        let doc = doc_text(&field.attrs);
        if doc.is_empty() {
            errors.at(
                ident,
                format!("the parameter `{name}` has no documentation: write a doc comment (`///`) above it"),
            );
        }
        if RESERVED.contains(&name.as_str()) {
            errors.at(
                ident,
                format!("a parameter cannot be named `{name}`, because its owner has a method of this name"),
            );
        }
        match (kind, &attributes.default) {
            (Kind::Required, DefaultValue::Trait | DefaultValue::Expr(_)) => errors.push(syn::Error::new(
                attributes.default_span,
                format!("a required parameter cannot have a default: remove the default, or make `{name}` a plain field"),
            )),
            (Kind::Plain, DefaultValue::None) => errors.at(
                ident,
                format!(
                    "the parameter `{name}` has no default: write `#[param(default = …)]`, or give it the type `Required<…>` or `Option<…>`"
                ),
            ),
            _ => {}
        }
        if let Some(role) = &attributes.column
            && !is_named(argument_of(inner, "Vec").unwrap_or(inner), "String")
        {
            errors.push(syn::Error::new(
                role.span(),
                format!("`{name}` cannot name a column: write it as a `String`, or as a `Vec<String>` for several columns"),
            ));
        }
        if let Some(order) = &attributes.simpler
            && !NUMBERS.iter().any(|number| is_named(inner, number))
        {
            errors.push(syn::Error::new(
                order.span(),
                format!(
                    "`{name}` cannot have an order of complexity: only numbers can, which are {}, and `Option` and `Required` of them",
                    NUMBERS.join(", ")
                ),
            ));
        }
        let constant = Ident::new(&name.to_uppercase(), ident.span());
        let docs = field.attrs.iter().filter(|a| a.path().is_ident("doc")).collect();
        let ParamAttributes { default, range, column, simpler, .. } = attributes;
        Some(Self { ident, name, constant, docs, doc, kind, inner, default, range, column, simpler })
    }

    /// The default of the field's type.
    fn default_value(&self, krate: &TokenStream) -> TokenStream {
        let Self { name, inner, .. } = self;
        match (self.kind, &self.default) {
            (Kind::Required, _) => quote!(#krate::Required::unset(#name)),
            (Kind::Optional, DefaultValue::Expr(expr)) => {
                let value = convert(expr, inner);
                quote!(::core::option::Option::Some(#value))
            }
            (_, DefaultValue::Expr(expr)) => convert(expr, inner),
            (Kind::Optional, _) => quote!(::core::option::Option::None),
            (Kind::Plain, _) => quote_spanned!(inner.span()=> ::core::default::Default::default()),
        }
    }

    /// One line for the documentation of the builder method and the handle.
    fn facts(&self) -> String {
        let default = match (self.kind, &self.default) {
            (Kind::Required, _) => "Required".to_owned(),
            (_, DefaultValue::Expr(expr)) => {
                format!("Default: `{}`", expr_text(expr))
            }
            (Kind::Optional, _) => "Optional".to_owned(),
            _ => "Default: the type's".to_owned(),
        };
        let range = match self.range.is_empty() {
            true => String::new(),
            false => format!("; range: `{}`", self.range.text()),
        };
        let column = match &self.column {
            Some(role) => format!("; role of the column: `{}`", snake_case(&role.to_string())),
            None => String::new(),
        };
        let simpler = match &self.simpler {
            Some(order) => format!("; {} is simpler", snake_case(&order.to_string())),
            None => String::new(),
        };
        format!("{default}{range}{column}{simpler}.")
    }

    fn constant_item(&self, vis: &Visibility, krate: &TokenStream) -> TokenStream {
        let Self { ident, name, constant, inner, .. } = self;
        let (get, set) = match self.kind {
            Kind::Plain => {
                (quote!(::core::option::Option::Some(&owner.#ident)), quote!(owner.#ident = value))
            }
            Kind::Optional => {
                (quote!(owner.#ident.as_ref()), quote!(owner.#ident = ::core::option::Option::Some(value)))
            }
            Kind::Required => (quote!(owner.#ident.as_option()), quote!(owner.#ident.set(value))),
        };
        let check = self.check_closure(krate).map(|check| quote!(.checked(#check)));
        let doc =
            format!("Handle of the parameter `{name}`: {}", self.doc.lines().next().unwrap_or_default());
        let facts = self.facts();
        quote! {
            #[doc = #doc]
            #[doc = ""]
            #[doc = #facts]
            #vis const #constant: #krate::Param<Self, #inner> =
                #krate::Param::<Self, #inner>::new(#name, |owner| #get, |owner, value| #set)#check;
        }
    }

    fn check_closure(&self, krate: &TokenStream) -> Option<TokenStream> {
        if self.range.is_empty() {
            return None;
        }
        let (name, text) = (&self.name, self.range.text());
        let element = argument_of(self.inner, "Vec");
        let bounds = self.range.bounds(is_named(element.unwrap_or(self.inner), "f64"));
        let check = quote!(#krate::private::check_range(#name, value, #bounds, #text));
        Some(match element {
            Some(_) => quote!(|values| values.iter().try_for_each(|value| #check)),
            None => quote!(|value| #check),
        })
    }

    fn builder_method(&self, vis: &Visibility, krate: &TokenStream) -> TokenStream {
        let Self { ident, docs, inner, .. } = self;
        let facts = self.facts();
        let (argument, value) = match argument_of(inner, "Vec") {
            Some(element) => (
                quote!(impl ::core::iter::IntoIterator<Item = impl #krate::IntoParam<#element>>),
                quote!(value.into_iter().map(#krate::IntoParam::into_param).collect::<#inner>()),
            ),
            None => (
                quote!(impl #krate::IntoParam<#inner>),
                quote!(#krate::IntoParam::<#inner>::into_param(value)),
            ),
        };
        let assign = match self.kind {
            Kind::Plain => quote!(self.#ident = #value),
            Kind::Optional => quote!(self.#ident = ::core::option::Option::Some(#value)),
            Kind::Required => quote!(self.#ident.set(#value)),
        };
        quote! {
            #(#docs)*
            #[doc = ""]
            #[doc = #facts]
            #[must_use]
            #vis fn #ident(mut self, value: #argument) -> Self {
                #assign;
                self
            }
        }
    }

    fn info(&self, owner: &Ident, krate: &TokenStream) -> TokenStream {
        let Self { ident, name, doc, inner, .. } = self;
        let (required, optional) = (self.kind == Kind::Required, self.kind == Kind::Optional);
        let default = match self.kind {
            Kind::Required => quote!(::core::option::Option::None),
            _ => {
                let code = quote!(#krate::ParamType::to_value(
                    &<#owner as ::core::default::Default>::default().#ident
                ));
                let value = at(inner, code);
                quote!(::core::option::Option::Some(|| #value))
            }
        };
        let column = match &self.column {
            Some(role) => quote!(::core::option::Option::Some(#krate::ColumnRole::#role)),
            None => quote!(::core::option::Option::None),
        };
        let simpler = match &self.simpler {
            Some(order) => quote!(::core::option::Option::Some(#krate::Simpler::#order)),
            None => quote!(::core::option::Option::None),
        };
        let range = match self.range.is_empty() {
            true => quote!(::core::option::Option::None),
            false => {
                let text = self.range.text();
                quote!(::core::option::Option::Some(#text))
            }
        };
        quote! {
            #krate::ParamInfo {
                name: #name,
                doc: #doc,
                type_name: <#inner as #krate::ParamType>::type_name,
                default: #default,
                range: #range,
                column: #column,
                simpler: #simpler,
                required: #required,
                optional: #optional,
                choices: <#inner as #krate::ParamType>::choices,
            }
        }
    }

    fn get_arm(&self, krate: &TokenStream) -> TokenStream {
        let Self { ident, name, inner, .. } = self;
        let value = at(
            inner,
            match self.kind {
                Kind::Required => quote!(self.#ident.get().map(#krate::ParamType::to_value)),
                _ => quote!(::core::result::Result::Ok(#krate::ParamType::to_value(&self.#ident))),
            },
        );
        quote!(#name => #value)
    }

    fn set_arm(&self, krate: &TokenStream) -> TokenStream {
        let Self { ident, name, constant, inner, .. } = self;
        let read = at(inner, quote!(<#inner as #krate::ParamType>::from_value(value)));
        let type_name = at(inner, quote!(<#inner as #krate::ParamType>::type_name));
        let null = (self.kind == Kind::Optional).then(|| {
            quote! {
                #name if value.is_null() => {
                    self.#ident = ::core::option::Option::None;
                    ::core::result::Result::Ok(())
                }
            }
        });
        quote! {
            #null
            #name => #krate::private::set_read(self, Self::#constant, value, #read, #type_name)
        }
    }

    fn validation(&self, krate: &TokenStream) -> TokenStream {
        let Self { ident, constant, .. } = self;
        let set = (self.kind == Kind::Required).then(|| quote!(self.#ident.get()?;));
        let range = (!self.range.is_empty()).then(|| quote!(#krate::private::check(self, Self::#constant)?;));
        quote!(#set #range)
    }
}

/// Generates the code of `#[derive(Params)]`.
///
/// After an error, the code is still generated, without defaults and ranges, so that uses of the type do not cause further
/// errors, which would hide the one that matters.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let fields = errors.keep(named_fields(input)).unwrap_or_default();
    let check = struct_check(&input.attrs, &mut errors);
    let (mut parameters, mut skipped) = (Vec::new(), Vec::new());
    for field in fields {
        let attributes = ParamAttributes::parse(field, &mut errors);
        if attributes.skip {
            skipped.extend(&field.ident);
        } else {
            parameters.extend(Parameter::parse(field, attributes, &mut errors));
        }
    }
    if !input.generics.params.is_empty() {
        errors.at(
            &input.generics,
            "`#[derive(Params)]` does not support generic structs: name the types in the fields",
        );
        return errors.finish().map_or_else(syn::Error::into_compile_error, |()| TokenStream::new());
    }
    match errors.finish() {
        Ok(()) => {
            let krate = &params_path();
            let idents = parameters.iter().map(|p| p.ident);
            let defaults = parameters.iter().map(|p| p.default_value(krate));
            let default = quote! {
                Self { #(#idents: #defaults,)* #(#skipped: ::core::default::Default::default(),)* }
            };
            code(input, &parameters, check, &default)
        }
        Err(error) => {
            parameters.retain(|p| !RESERVED.contains(&p.name.as_str()));
            parameters.iter_mut().for_each(|p| p.range = Range::default());
            let code = code(input, &parameters, None, &quote!(::core::unreachable!()));
            let error = error.into_compile_error();
            quote!(#error #code)
        }
    }
}

fn code(
    input: &DeriveInput,
    parameters: &[Parameter<'_>],
    check: Option<Path>,
    default: &TokenStream,
) -> TokenStream {
    let (owner, vis, krate) = (&input.ident, &input.vis, &params_path());
    let owner_name = owner.unraw().to_string();
    let owner_doc = doc_text(&input.attrs);
    let new_doc = format!("`{owner_name}` with the default parameters.");
    let constants = parameters.iter().map(|p| p.constant_item(vis, krate));
    let builders = parameters.iter().map(|p| p.builder_method(vis, krate));
    let infos = parameters.iter().map(|p| p.info(owner, krate));
    let gets = parameters.iter().map(|p| p.get_arm(krate));
    let sets = parameters.iter().map(|p| p.set_arm(krate));
    let validations = parameters.iter().map(|p| p.validation(krate));
    let check = match check {
        Some(path) => quote! {
            ::core::result::Result::map_err(#path(self), |message| #krate::ParamError::Invalid { message })
        },
        None => quote!(::core::result::Result::Ok(())),
    };
    let serde_path = quote!(#krate::private::serde);

    quote! {
        #[allow(dead_code)]
        impl #owner {
            #(#constants)*

            #[doc = #new_doc]
            #[must_use]
            #vis fn new() -> Self {
                <Self as ::core::default::Default>::default()
            }

            #(#builders)*
        }

        #[automatically_derived]
        impl ::core::default::Default for #owner {
            fn default() -> Self {
                #default
            }
        }

        #[automatically_derived]
        impl #krate::Params for #owner {
            fn doc() -> &'static str {
                #owner_doc
            }

            fn param_infos() -> &'static [#krate::ParamInfo] {
                const INFOS: &[#krate::ParamInfo] = &[#(#infos),*];
                INFOS
            }

            fn get_value(&self, name: &str) -> ::core::result::Result<#krate::Value, #krate::ParamError> {
                match name {
                    #(#gets,)*
                    _ => ::core::result::Result::Err(#krate::private::unknown::<Self>(#owner_name, name)),
                }
            }

            fn set_value(
                &mut self,
                name: &str,
                value: &#krate::Value,
            ) -> ::core::result::Result<(), #krate::ParamError> {
                match name {
                    #(#sets,)*
                    _ => ::core::result::Result::Err(#krate::private::unknown::<Self>(#owner_name, name)),
                }
            }

            fn validate(&self) -> ::core::result::Result<(), #krate::ParamError> {
                #(#validations)*
                #check
            }
        }

        #[automatically_derived]
        impl #serde_path::Serialize for #owner {
            fn serialize<S: #serde_path::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                #krate::private::serialize(self, serializer)
            }
        }

        #[automatically_derived]
        impl<'de> #serde_path::Deserialize<'de> for #owner {
            fn deserialize<D: #serde_path::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                #krate::private::deserialize(deserializer)
            }
        }
    }
}

fn named_fields(input: &DeriveInput) -> syn::Result<Vec<&Field>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Ok(fields.named.iter().collect()),
            Fields::Unit => {
                return Err(syn::Error::new(
                    input.ident.span(),
                    "`#[derive(Params)]` needs named fields: write `struct Name {}` for an owner without parameters",
                ));
            }
            Fields::Unnamed(_) => {}
        },
        Data::Enum(_) => {
            return Err(syn::Error::new(
                input.ident.span(),
                "`#[derive(Params)]` is for structs; an enum becomes a parameter type by `#[derive(ParamEnum)]`",
            ));
        }
        Data::Union(_) => {}
    }
    Err(syn::Error::new(
        input.ident.span(),
        "`#[derive(Params)]` needs a struct with named fields, because parameters are addressed by name",
    ))
}

/// Code at the place of a type, so that a type that cannot be a parameter's is one error and not several.
fn at(type_: &Type, code: TokenStream) -> TokenStream {
    let moved = code.into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), at(type_, group.stream())).into();
        }
        token.set_span(type_.span());
        token
    });
    moved.collect()
}

/// The `T` of `wrapper<T>`, by the last segment of the path.
fn argument_of<'a>(type_: &'a Type, wrapper: &str) -> Option<&'a Type> {
    let Type::Path(path) = type_ else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == wrapper)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) if arguments.args.len() == 1 => Some(inner),
        _ => None,
    }
}

fn is_named(type_: &Type, name: &str) -> bool {
    matches!(type_, Type::Path(path) if path.path.is_ident(name))
}

/// The default's expression as a value of the type: text literals become `String`s, array literals `Vec`s.
fn convert(expr: &Expr, type_: &Type) -> TokenStream {
    match expr {
        Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) && is_named(type_, "String") => {
            quote_spanned!(expr.span()=> ::std::string::String::from(#expr))
        }
        Expr::Array(array) => match argument_of(type_, "Vec") {
            Some(element) => {
                let elements = array.elems.iter().map(|e| convert(e, element));
                quote_spanned!(expr.span()=> ::std::vec::Vec::from([#(#elements),*]))
            }
            None => quote!(#expr),
        },
        _ => number(expr, is_named(type_, "f64")),
    }
}
