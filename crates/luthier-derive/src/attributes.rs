use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprRange, Field, Ident, Lit, Path, RangeLimits, Token};

use crate::names::Errors;
use crate::range::{Bound, Range};

/// The default of a parameter.
pub(crate) enum DefaultValue {
    /// No default.
    None,
    /// `default`
    Trait,
    /// `default = expr`
    Expr(Box<Expr>),
}

/// The `#[param(...)]` of a field.
pub(crate) struct ParamAttributes {
    pub(crate) default: DefaultValue,
    pub(crate) default_span: Span,
    pub(crate) range: Range,
    /// The variant of `ColumnRole`, if the parameter names columns.
    pub(crate) column: Option<Ident>,
    /// The variant of `Simpler`, if the order of complexity is declared.
    pub(crate) simpler: Option<Ident>,
    /// Whether the field is not a parameter.
    pub(crate) skip: bool,
}

impl ParamAttributes {
    pub(crate) fn parse(field: &Field, errors: &mut Errors) -> Self {
        let mut this = Self {
            default: DefaultValue::None,
            default_span: field.span(),
            range: Range::default(),
            column: None,
            simpler: None,
            skip: false,
        };
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("param")) {
            errors.keep(attribute.parse_nested_meta(|meta| this.key(&meta)));
        }
        if this.skip
            && !(matches!(this.default, DefaultValue::None)
                && this.range.is_empty()
                && this.column.is_none()
                && this.simpler.is_none())
        {
            errors.at(
                &field.ident,
                "`skip` cannot be combined with other keys: the field is not a parameter, its value is `Default::default()`",
            );
        }
        this
    }

    fn key(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("default") {
            if !matches!(self.default, DefaultValue::None) {
                return Err(meta.error("duplicate key `default`"));
            }
            self.default_span = meta.path.span();
            self.default = if meta.input.peek(Token![=]) {
                DefaultValue::Expr(Box::new(meta.value()?.parse()?))
            } else {
                DefaultValue::Trait
            };
            Ok(())
        } else if meta.path.is_ident("skip") {
            self.skip = true;
            Ok(())
        } else if meta.path.is_ident("column") {
            if self.column.is_some() {
                return Err(meta.error("duplicate key `column`"));
            }
            let role: Ident = meta.value()?.parse()?;
            self.column = Some(role_variant(&role)?);
            Ok(())
        } else if meta.path.is_ident("simpler") {
            if self.simpler.is_some() {
                return Err(meta.error("duplicate key `simpler`"));
            }
            let order: Ident = meta.value()?.parse()?;
            self.simpler = Some(simpler_variant(&order)?);
            Ok(())
        } else if meta.path.is_ident("range") {
            let value: Expr = meta.value()?.parse()?;
            let Expr::Range(range) = value else {
                return Err(syn::Error::new(
                    value.span(),
                    "expected a range like `0.0..`, `0.0..=1.0` or `..10`; for an exclusive bound use `greater_than = …` or `less_than = …`",
                ));
            };
            self.range(range)
        } else if meta.path.is_ident("greater_than") {
            let value = meta.value()?.parse()?;
            self.lower(Bound { value, inclusive: false })
        } else if meta.path.is_ident("less_than") {
            let value = meta.value()?.parse()?;
            self.upper(Bound { value, inclusive: false })
        } else {
            Err(meta.error(
                "unknown key; the keys of `#[param(...)]` are `default`, `default = …`, `range = …`, `greater_than = …`, `less_than = …`, `column = …`, `simpler = …`, `skip`",
            ))
        }
    }

    fn range(&mut self, range: ExprRange) -> syn::Result<()> {
        if range.start.is_none() && range.end.is_none() {
            return Err(syn::Error::new(range.span(), "the range has no bounds; leave out `range`"));
        }
        if let Some(start) = range.start {
            self.lower(Bound { value: *start, inclusive: true })?;
        }
        if let Some(end) = range.end {
            let inclusive = matches!(range.limits, RangeLimits::Closed(_));
            self.upper(Bound { value: *end, inclusive })?;
        }
        Ok(())
    }

    fn lower(&mut self, bound: Bound) -> syn::Result<()> {
        if self.range.lower.is_some() {
            return Err(syn::Error::new(bound.value.span(), "duplicate lower bound"));
        }
        self.range.lower = Some(bound);
        Ok(())
    }

    fn upper(&mut self, bound: Bound) -> syn::Result<()> {
        if self.range.upper.is_some() {
            return Err(syn::Error::new(bound.value.span(), "duplicate upper bound"));
        }
        self.range.upper = Some(bound);
        Ok(())
    }
}

/// The roles of columns, and the variants of `ColumnRole` that stand for them.
const ROLES: [(&str, &str); 9] = [
    ("input", "Input"),
    ("output", "Output"),
    ("label", "Label"),
    ("weight", "Weight"),
    ("fold", "Fold"),
    ("prediction", "Prediction"),
    ("raw_prediction", "RawPrediction"),
    ("probability", "Probability"),
    ("auxiliary", "Auxiliary"),
];

fn role_variant(role: &Ident) -> syn::Result<Ident> {
    match ROLES.iter().find(|(name, _)| role == name) {
        Some((_, variant)) => Ok(Ident::new(variant, role.span())),
        None => Err(syn::Error::new(
            role.span(),
            format!(
                "unknown role `{role}` of a column; the roles are {}",
                ROLES.map(|(name, _)| name).join(", ")
            ),
        )),
    }
}

fn simpler_variant(order: &Ident) -> syn::Result<Ident> {
    let variant = match order.to_string().as_str() {
        "larger" => "Larger",
        "smaller" => "Smaller",
        other => {
            return Err(syn::Error::new(
                order.span(),
                format!("unknown order `{other}`: write `simpler = larger` or `simpler = smaller`"),
            ));
        }
    };
    Ok(Ident::new(variant, order.span()))
}

/// The `check` of a struct's `#[params(check = "Self::check")]`.
pub(crate) fn struct_check(attributes: &[Attribute], errors: &mut Errors) -> Option<Path> {
    let mut check = None;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("params")) {
        errors.keep(attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("check") {
                return Err(
                    meta.error("unknown key; the only key of `#[params(...)]` is `check = \"Self::check\"`")
                );
            }
            let value: Expr = meta.value()?.parse()?;
            let path = match &value {
                Expr::Lit(expr) => match &expr.lit {
                    Lit::Str(text) => text.parse().ok(),
                    _ => None,
                },
                Expr::Path(expr) => Some(expr.path.clone()),
                _ => None,
            };
            let error =
                || syn::Error::new(value.span(), "expected the path of a function, `\"Self::check\"`");
            check = Some(path.ok_or_else(error)?);
            Ok(())
        }));
    }
    check
}
