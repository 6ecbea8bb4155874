use std::fmt;
use std::str::FromStr;

/// The logical type of a column. It may cover several Arrow types; a column keeps the Arrow type in which it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// Floating-point numbers: Arrow `Float64`, `Float32`, `Float16` or a decimal of any width.
    F64,
    /// Integers: any signed or unsigned Arrow integer. Values beyond `i64` keep all their digits.
    I64,
    /// Booleans. Where numbers are needed, they are 0 and 1.
    Bool,
    /// Text.
    Utf8,
    /// Days of the calendar: Arrow `Date32`.
    Date,
    /// Points in time: an Arrow `Timestamp` of any unit, with a time zone or without.
    Timestamp,
    /// Lists of integers of any length, such as the labels of a document: Arrow lists of integers.
    List,
    /// Vectors of floating-point numbers, all of the same width.
    Vector {
        /// The number of elements of every vector.
        width: usize,
    },
    /// Vectors whose width is only known after fitting, such as those of a one-hot encoder. This type occurs in the
    /// schemas of stages that are not fitted yet, never in a frame.
    AnyVector,
    /// Values that no stage can use; they are copied from the input to the output.
    Opaque(Opaque),
}

/// The kind of values of a [`ColumnType::Opaque`] column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Opaque {
    /// Bytes.
    Binary,
    /// Times of day.
    Time,
    /// Lengths of time.
    Duration,
    /// Records of named values.
    Struct,
    /// Keys with values.
    Map,
    /// Lists of numbers that have different lengths and are therefore not vectors.
    UnequalLists,
    /// Lists of anything else, such as strings.
    Lists,
    /// Any other Arrow type.
    Other,
}

const NAMED: [(ColumnType, &str); 16] = [
    (ColumnType::F64, "f64"),
    (ColumnType::I64, "i64"),
    (ColumnType::Bool, "bool"),
    (ColumnType::Utf8, "utf8"),
    (ColumnType::Date, "date"),
    (ColumnType::Timestamp, "timestamp"),
    (ColumnType::List, "list"),
    (ColumnType::AnyVector, "vector(?)"),
    (ColumnType::Opaque(Opaque::Binary), "binary"),
    (ColumnType::Opaque(Opaque::Time), "time of day"),
    (ColumnType::Opaque(Opaque::Duration), "duration"),
    (ColumnType::Opaque(Opaque::Struct), "struct"),
    (ColumnType::Opaque(Opaque::Map), "map"),
    (ColumnType::Opaque(Opaque::UnequalLists), "lists of unequal lengths"),
    (ColumnType::Opaque(Opaque::Lists), "lists of other values"),
    (ColumnType::Opaque(Opaque::Other), "an unknown type"),
];

impl ColumnType {
    /// Whether the values can be used as single numbers: `F64`, `I64`, and `Bool` as 0 and 1.
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::F64 | Self::I64 | Self::Bool)
    }

    /// Whether the values are vectors.
    pub fn is_vector(self) -> bool {
        matches!(self, Self::Vector { .. } | Self::AnyVector)
    }

    /// Whether the values are days or points in time.
    pub fn is_temporal(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp)
    }

    /// Vectors of this width, or of a width that is not known yet.
    pub fn vector(width: Option<usize>) -> Self {
        width.map_or(Self::AnyVector, |width| Self::Vector { width })
    }
}

impl FromStr for ColumnType {
    type Err = String;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, String> {
        let vector =
            || Some(Self::Vector { width: text.strip_prefix("vector(")?.strip_suffix(')')?.parse().ok()? });
        let named = NAMED.iter().find(|(_, name)| *name == text).map(|(column_type, _)| *column_type);
        named.or_else(vector).ok_or_else(|| format!("`{text}` is not a column type"))
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, NAMED.iter().find(|(column_type, _)| column_type == self)) {
            (Self::Vector { width }, _) => f.pad(&format!("vector({width})")),
            (_, Some((_, name))) => f.pad(name),
            (_, None) => f.pad("an unknown type"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        let all = NAMED.iter().map(|(column_type, _)| *column_type).chain([ColumnType::Vector { width: 12 }]);
        for column_type in all {
            assert_eq!(column_type.to_string().parse(), Ok(column_type));
        }
        assert_eq!("vector(x)".parse::<ColumnType>(), Err("`vector(x)` is not a column type".to_owned()));
    }
}
