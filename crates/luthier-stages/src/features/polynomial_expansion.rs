//! Products of features.

use luthier_core::frame::{ColumnType, Field, Schema};
use luthier_core::{Error, Outputs, Params, PureTransformer, Tile, Transformer, memory};
use ndarray::Array2;

use crate::columns;

/// Expands features into all products of up to `degree` of them, without the constant: `n` features become
/// `(n + degree)! / (n! · degree!) − 1`.
///
/// The order is that of Spark: `(x, y)` with degree 2 becomes `x, x², y, x·y, y²`. NaN is passed on to the products that
/// contain it; a null is an error that names column and row.
///
/// ```
/// use luthier_core::Transformer;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::PolynomialExpansion;
///
/// let data = DataFrame::from_columns(vec![("features", Column::vector(ndarray::array![[2.0, 3.0]]))])?;
/// let out = PolynomialExpansion::new().degree(2).transform(&data)?;
/// assert_eq!(out.vectors("poly_features")?.row(0).to_vec(), [2.0, 4.0, 3.0, 6.0, 9.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct PolynomialExpansion {
    /// The vector column to expand.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "poly_features", column = output)]
    output_col: String,
    /// Largest number of factors in a product.
    #[param(default = 2, range = 1.., simpler = smaller)]
    degree: usize,
}

/// A feature times an earlier product, or by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Term {
    feature: usize,
    times: Option<usize>,
}

/// Number of terms; `None` if there are more than a vector can hold.
fn count(features: usize, degree: usize) -> Option<usize> {
    let few = features.min(degree);
    let ways = (1..=few).try_fold(1u64, |ways, i| {
        let next = (features as u64).checked_add(degree as u64)?.checked_sub((few - i) as u64)?;
        // Divided after multiplying, so that it comes out even.
        ways.checked_mul(next).map(|ways| ways / i as u64).filter(|ways| *ways <= i32::MAX as u64)
    })?;
    Some(ways as usize - 1)
}

/// The terms in Spark's order: those of the features before, then powers of the last feature, each by itself and times the
/// terms of the features before it.
fn terms(features: usize, degree: usize) -> Vec<Term> {
    // `so_far` is the place of the term that is multiplied, `None` for the constant. Each step inwards takes a feature and a
    // degree, so the steps are few where the terms can be counted.
    fn expand(terms: &mut Vec<Term>, features: usize, degree: usize, so_far: Option<usize>) {
        for feature in 0..features {
            let mut power = so_far;
            for left in (0..degree).rev() {
                terms.push(Term { feature, times: power });
                power = Some(terms.len() - 1);
                if left > 0 {
                    expand(terms, feature, left, power);
                }
            }
        }
    }
    let mut terms = Vec::new();
    expand(&mut terms, features, degree, None);
    terms
}

impl PolynomialExpansion {
    fn width(&self, features: usize) -> luthier_core::Result<usize> {
        let width = count(features, self.degree).ok_or_else(|| {
            Error::invalid(format!(
                "column `{}` has {features} features, and their products of up to {} factors do not fit into a vector: \
                 lower `degree` or select features first",
                self.input_col, self.degree
            ))
        })?;
        self.require_memory(features, width, size_of::<Term>() + 2 * size_of::<String>())?;
        Ok(width)
    }

    /// Checks that the memory for this number of bytes per term is free.
    fn require_memory(&self, features: usize, terms: usize, bytes: usize) -> luthier_core::Result<()> {
        memory::require((terms as u64).saturating_mul(bytes as u64), || {
            let what = format!(
                "the {terms} products of up to {} of the {features} features in `{}`",
                self.degree, self.input_col
            );
            (what, "lower `degree`, or select features first".to_owned())
        })
    }
}

impl PolynomialExpansion {
    /// The field of the terms, which are named `x`, `x^2`, `x*y` if the features have names.
    fn field(&self, schema: &Schema, width: Option<usize>) -> luthier_core::Result<Field> {
        let input = schema.require(&self.input_col)?;
        let field = Field::new(&self.output_col, ColumnType::vector(width));
        let Some(features) = input.feature_names().filter(|_| input.has_feature_names()) else {
            return Ok(field);
        };
        // A term's factors come in runs of one feature; the last run may go on.
        let mut names: Vec<(String, usize)> = Vec::new();
        let terms = terms(features.len(), self.degree);
        for term in &terms {
            let earlier = term.times.and_then(|i| Some((terms.get(i)?.feature, names.get(i)?)));
            let feature = &features[term.feature];
            names.push(match earlier {
                None => (feature.clone(), 1),
                Some((last, (name, power))) if last == term.feature => {
                    let base = name.strip_suffix(&format!("^{power}")).unwrap_or(name);
                    (format!("{base}^{}", power + 1), power + 1)
                }
                Some((_, (name, _))) => (format!("{name}*{feature}"), 1),
            });
        }
        Ok(field.with_feature_names(names.into_iter().map(|(name, _)| name)))
    }
}

impl Transformer for PolynomialExpansion {
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let features = columns::planned_width(schema, &self.input_col)?;
        let width = features.map(|features| self.width(features)).transpose()?;
        Ok(vec![self.field(schema, width)?])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let values = rows.vectors(&self.input_col)?;
        let terms = terms(values.ncols(), self.degree);
        self.require_memory(values.ncols(), terms.len(), size_of::<f64>().saturating_mul(rows.len()))?;
        let mut expanded = Array2::zeros((rows.len(), terms.len()));
        for (row, mut out) in values.outer_iter().zip(expanded.outer_iter_mut()) {
            for (i, term) in terms.iter().enumerate() {
                out[i] = row[term.feature] * term.times.map_or(1.0, |earlier| out[earlier]);
            }
        }
        out.vectors(expanded);
        Ok(())
    }
}

impl PureTransformer for PolynomialExpansion {
    const NAME: &'static str = "polynomial_expansion";
}

luthier_core::register_transformer!(
    PolynomialExpansion: "Expands features into their products up to a degree."
);

#[cfg(test)]
mod tests {
    use super::*;

    /// Exponents of each feature in a term.
    fn exponents(terms: &[Term], features: usize, i: usize) -> Vec<usize> {
        let mut of = terms[i].times.map_or(vec![0; features], |j| exponents(terms, features, j));
        of[terms[i].feature] += 1;
        of
    }

    #[test]
    fn the_order_is_that_of_spark() {
        let found = |features, degree| -> Vec<Vec<usize>> {
            let terms = terms(features, degree);
            (0..terms.len()).map(|i| exponents(&terms, features, i)).collect()
        };
        assert_eq!(found(2, 2), [[1, 0], [2, 0], [0, 1], [1, 1], [0, 2]]);
        let cubic = [[1, 0], [2, 0], [3, 0], [0, 1], [1, 1], [2, 1], [0, 2], [1, 2], [0, 3]];
        assert_eq!(found(2, 3), cubic);
        assert_eq!(found(3, 1), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
    }

    #[test]
    fn all_products_are_there_once_and_counted() {
        for features in 0..6 {
            for degree in 1..6 {
                let terms = terms(features, degree);
                assert_eq!(Some(terms.len()), count(features, degree), "{features} {degree}");
                let mut all: Vec<_> = (0..terms.len()).map(|i| exponents(&terms, features, i)).collect();
                assert!(all.iter().all(|of| (1..=degree).contains(&of.iter().sum::<usize>())));
                all.sort();
                all.dedup();
                assert_eq!(all.len(), terms.len());
            }
        }
        assert_eq!(count(100_000, 3), None);
        assert_eq!(count(1, usize::MAX - 1), None);
    }

    #[test]
    fn wide_vectors_and_high_degrees_take_neither_stack_nor_time() {
        assert_eq!(terms(300_000, 1).len(), 300_000);
        assert_eq!(terms(1, 300_000).len(), 300_000);
        assert_eq!(Some(terms(1500, 2).len()), count(1500, 2));
    }
}
