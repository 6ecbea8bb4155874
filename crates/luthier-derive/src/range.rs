use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, Lit, UnOp};

/// A bound, and whether it belongs to the range.
pub(crate) struct Bound {
    pub(crate) value: Expr,
    pub(crate) inclusive: bool,
}

/// The range of a parameter.
#[derive(Default)]
pub(crate) struct Range {
    pub(crate) lower: Option<Bound>,
    pub(crate) upper: Option<Bound>,
}

impl Range {
    pub(crate) fn is_empty(&self) -> bool {
        self.lower.is_none() && self.upper.is_none()
    }

    /// `[0, 1)`, `> 0`; as shown to users.
    pub(crate) fn text(&self) -> String {
        match (&self.lower, &self.upper) {
            (Some(lower), Some(upper)) => {
                let open = if lower.inclusive { '[' } else { '(' };
                let close = if upper.inclusive { ']' } else { ')' };
                format!("{open}{}, {}{close}", expr_text(&lower.value), expr_text(&upper.value))
            }
            (Some(Bound { value, inclusive: true }), None) => format!(">= {}", expr_text(value)),
            (Some(Bound { value, inclusive: false }), None) => format!("> {}", expr_text(value)),
            (None, Some(Bound { value, inclusive: true })) => format!("<= {}", expr_text(value)),
            (None, Some(Bound { value, inclusive: false })) => format!("< {}", expr_text(value)),
            (None, None) => String::new(),
        }
    }

    /// The pair of `std::ops::Bound`s; `float` if the bounds are of type f64.
    pub(crate) fn bounds(&self, float: bool) -> TokenStream {
        let bound = |bound: &Option<Bound>| match bound {
            Some(Bound { value, inclusive }) => {
                let value = number(value, float);
                match inclusive {
                    true => quote!(::std::ops::Bound::Included(#value)),
                    false => quote!(::std::ops::Bound::Excluded(#value)),
                }
            }
            None => quote!(::std::ops::Bound::Unbounded),
        };
        let (lower, upper) = (bound(&self.lower), bound(&self.upper));
        quote!((#lower, #upper))
    }
}

/// The expression; an integer literal where a float is wanted becomes one.
pub(crate) fn number(value: &Expr, float: bool) -> TokenStream {
    match value {
        Expr::Lit(expr) if float => match &expr.lit {
            Lit::Int(int) if int.suffix().is_empty() => {
                let float = syn::LitFloat::new(&format!("{}.0", int.base10_digits()), int.span());
                quote!(#float)
            }
            _ => quote!(#value),
        },
        Expr::Unary(expr) if float && matches!(expr.op, UnOp::Neg(_)) => {
            let inner = number(&expr.expr, float);
            quote!(-#inner)
        }
        _ => quote!(#value),
    }
}

/// Numbers without needless zeros (`0.0` as `0`), other expressions as written.
pub(crate) fn expr_text(value: &Expr) -> String {
    match value {
        Expr::Lit(expr) => match &expr.lit {
            Lit::Int(int) => int.base10_digits().to_owned(),
            Lit::Float(float) => match float.base10_parse::<f64>() {
                Ok(v) if v != 0.0 && !(1e-5..1e16).contains(&v) => format!("{v:e}"),
                Ok(v) => v.to_string(),
                Err(_) => float.base10_digits().to_owned(),
            },
            _ => quote!(#value).to_string(),
        },
        Expr::Unary(expr) if matches!(expr.op, UnOp::Neg(_)) => format!("-{}", expr_text(&expr.expr)),
        Expr::Array(array) => {
            format!("[{}]", array.elems.iter().map(expr_text).collect::<Vec<_>>().join(", "))
        }
        Expr::Path(_) => quote!(#value).to_string().replace(' ', ""),
        _ => quote!(#value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Range, expr_text};

    #[test]
    fn expressions_as_users_read_them() {
        for (code, text) in [
            ("0.0", "0"),
            ("1e-10", "1e-10"),
            ("0.001", "0.001"),
            ("-1_000", "-1000"),
            ("2usize", "2"),
            ("f64 :: EPSILON", "f64::EPSILON"),
            ("[\"a b\", \"c\"]", "[\"a b\", \"c\"]"),
            ("\"a - b\"", "\"a - b\""),
        ] {
            assert_eq!(syn::parse_str(code).map(|expr| expr_text(&expr)).ok().as_deref(), Some(text));
        }
    }

    #[test]
    fn ranges_as_users_read_them() {
        let bound = |inclusive| Some(Bound { value: syn::parse_quote!(1.5), inclusive });
        for (lower, upper, text) in [
            (bound(true), bound(true), "[1.5, 1.5]"),
            (bound(false), bound(true), "(1.5, 1.5]"),
            (bound(true), bound(false), "[1.5, 1.5)"),
            (bound(false), bound(false), "(1.5, 1.5)"),
            (bound(true), None, ">= 1.5"),
            (bound(false), None, "> 1.5"),
            (None, bound(true), "<= 1.5"),
            (None, bound(false), "< 1.5"),
        ] {
            assert_eq!(Range { lower, upper }.text(), text);
        }
    }
}
