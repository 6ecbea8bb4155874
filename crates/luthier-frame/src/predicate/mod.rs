//! Conditions on rows, as `age >= 18 and state in ('CA', 'NY')`.

mod evaluate;
mod parse;

use std::fmt;

pub(crate) use evaluate::is_missing;

/// A condition on the values of a row.
///
/// - Comparisons of a column with a value: `=` (or `==`), `!=` (or `<>`), `<`, `<=`, `>`, `>=`, `in ('a', 'b')`,
///   `not in (1, 2)`, `is null`, `is not null`. A boolean column is a condition by itself.
/// - They are combined with `and`, `or`, `not` and parentheses.
/// - Strings are in quotes, `'CA'` or `"CA"`; a quote inside is doubled. Dates and times are strings in ISO 8601 format:
///   `day >= '2024-02-01'`. Names of columns with spaces or operators are in backquotes: `` `life exp` > 70 ``.
///
/// Where a value is missing (null, or NaN in a column of numbers) a comparison is neither true nor false, as in SQL, and
/// a row is kept only if the whole condition is true: `x != 1` does not keep rows without an `x`.
///
/// ```
/// # use luthier_frame::{Column, DataFrame, Predicate};
/// let frame = DataFrame::from_columns(vec![
///     ("age", Column::i64_nullable(vec![Some(34), None, Some(12), Some(70)])),
///     ("state", Column::utf8(["CA", "NY", "NY", "TX"])),
/// ])?;
/// let adults = frame.filter_where("age >= 18 and state in ('CA', 'NY')")?;
/// assert_eq!(adults.column_i64("age")?, [34]);
///
/// let known: Predicate = "age is not null".parse()?;
/// assert_eq!(known.columns(), ["age"]);
/// # Ok::<(), luthier_frame::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    text: String,
    condition: Condition,
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Compare { column: String, test: Test },
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
}

/// The test of one value.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Is(Operator, Literal),
    OneOf(Vec<Literal>),
    Null,
    True,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Debug, Clone, PartialEq)]
enum Literal {
    /// A number as it is written, so that integers keep all their digits.
    Number(String),
    Text(String),
    Bool(bool),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(digits) => f.write_str(digits),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Bool(truth) => write!(f, "{truth}"),
        }
    }
}

impl Predicate {
    /// The columns that the condition reads, each once.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.condition.columns(&mut columns);
        columns
    }
}

impl Condition {
    fn columns<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Compare { column, .. } if found.contains(&column.as_str()) => {}
            Self::Compare { column, .. } => found.push(column),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.columns(found)),
            Self::Not(part) => part.columns(found),
        }
    }
}

/// The condition as it was written.
impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
