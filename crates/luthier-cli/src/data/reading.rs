//! How a file is read, as set by a configuration, the command line or a saved model.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use luthier::frame::{ColumnType, CsvOptions, Field, Schema};
use serde::{Deserialize, Serialize};

use super::Format;

/// How a file is read. Options that are not given are detected or have the defaults of [`CsvOptions`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reading {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delimiter: Option<char>,
    /// Whether the first line has the names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) header: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) skip_lines: Option<u64>,
    /// Cells that mean a missing value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) null_values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decimal: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thousands: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,
    /// The time zone of timestamps without an offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
    /// The columns whose types are declared.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) types: BTreeMap<String, DeclaredType>,
    /// The largest number of bytes of text to read: a limit of one run, which is not saved with a model.
    #[serde(skip)]
    pub(crate) max_bytes: Option<u64>,
}

/// A column type by the name that a user gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct DeclaredType(pub(crate) ColumnType);

impl From<DeclaredType> for String {
    fn from(declared: DeclaredType) -> Self {
        declared.0.to_string()
    }
}

impl TryFrom<String> for DeclaredType {
    type Error = anyhow::Error;

    /// Accepts everyday names in addition to those of [`ColumnType`].
    fn try_from(name: String) -> Result<Self> {
        Ok(Self(match name.as_str() {
            "text" | "string" => ColumnType::Utf8,
            "number" | "float" => ColumnType::F64,
            "integer" | "int" => ColumnType::I64,
            "boolean" => ColumnType::Bool,
            other => match other.parse::<ColumnType>() {
                Ok(column_type) if !column_type.is_vector() => column_type,
                _ => bail!("unknown type {other:?}, expected \"text\", \"number\", \"integer\" or \"bool\""),
            },
        }))
    }
}

impl Reading {
    /// The options of this, and those of the other where this has none.
    pub(crate) fn or(self, other: &Self) -> Self {
        let Self {
            format,
            delimiter,
            header,
            skip_lines,
            null_values,
            decimal,
            thousands,
            comment,
            encoding,
            time_zone,
            types,
            max_bytes,
        } = other.clone();
        Self {
            format: self.format.or(format),
            delimiter: self.delimiter.or(delimiter),
            header: self.header.or(header),
            skip_lines: self.skip_lines.or(skip_lines),
            null_values: self.null_values.or(null_values),
            decimal: self.decimal.or(decimal),
            thousands: self.thousands.or(thousands),
            comment: self.comment.or(comment),
            encoding: self.encoding.or(encoding),
            time_zone: self.time_zone.or(time_zone),
            types: types.into_iter().chain(self.types).collect(),
            max_bytes: self.max_bytes.or(max_bytes),
        }
    }

    /// What is given, as a configuration writes it.
    pub(crate) fn settings(&self) -> Result<Vec<String>> {
        let document = serde_json::to_value(self)?;
        let settings = document.as_object().into_iter().flatten();
        Ok(settings.map(|(key, value)| format!("{key} = {value}")).collect())
    }

    /// The options for a CSV file.
    pub(crate) fn csv_options(&self) -> CsvOptions {
        let mut options = CsvOptions::new();
        if let Some(delimiter) = self.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok()) {
            options = options.delimiter(delimiter);
        }
        if let Some(header) = self.header {
            options = options.has_header(header);
        }
        if let Some(lines) = self.skip_lines {
            options = options.skip_lines(lines);
        }
        if let Some(null_values) = &self.null_values {
            options = options.null_values(null_values.iter().cloned());
        }
        if let Some(decimal) = self.decimal {
            options = options.decimal(decimal);
        }
        if let Some(thousands) = self.thousands {
            options = options.thousands(thousands);
        }
        if let Some(comment) = self.comment {
            options = options.comment(comment);
        }
        if let Some(encoding) = &self.encoding {
            options = options.encoding(encoding);
        }
        if let Some(max_bytes) = self.max_bytes {
            options = options.max_bytes(max_bytes);
        }
        self.types.iter().fold(options, |options, (column, declared)| options.column_type(column, declared.0))
    }
}

/// A character for an option: a single character, or a tab written as `tab` or `\t`.
///
/// # Errors
/// Any other text.
pub(crate) fn character(option: &str, text: &str) -> Result<char> {
    let mut characters = text.chars();
    match (text, characters.next(), characters.next()) {
        ("\\t" | "tab", ..) => Ok('\t'),
        (_, Some(only), None) => Ok(only),
        _ => bail!("{option} is {text:?}, expected one character, such as \";\" or \"\\t\""),
    }
}

/// The delimiter, which must be an ASCII character.
pub(crate) fn delimiter(text: &str) -> Result<char> {
    match character("delimiter", text) {
        Ok(delimiter) if delimiter.is_ascii() => Ok(delimiter),
        _ => Err(anyhow!("delimiter is {text:?}, expected one ASCII character, such as \";\" or \"\\t\"")),
    }
}

/// How the data of a saved model were read, and the columns that they had.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedReading {
    #[serde(flatten)]
    pub(crate) reading: Reading,
    #[serde(default)]
    pub(crate) columns: Vec<SavedColumn>,
}

/// A column of the data that a model was fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedColumn {
    pub(crate) name: String,
    /// Its type, as [`ColumnType`] displays it.
    #[serde(rename = "type")]
    pub(crate) column_type: String,
    /// Whether values were missing.
    pub(crate) nullable: bool,
}

impl SavedReading {
    pub(crate) fn new(reading: &Reading, schema: &Schema) -> Self {
        let column = |field: &Field| SavedColumn {
            name: field.name().to_owned(),
            column_type: field.column_type().to_string(),
            nullable: field.nullable(),
        };
        Self { reading: reading.clone(), columns: schema.fields().iter().map(column).collect() }
    }

    /// How a file for the model is read: as `given`, otherwise like the data of the model. The columns that the model reads
    /// keep their types: text stays text even if all values look like numbers, and a cell that is not a number in a
    /// column of numbers is an error with its line.
    pub(crate) fn for_model(&self, given: Reading, is_read: impl Fn(&str) -> bool) -> Reading {
        let mut reading = given.or(&self.reading);
        for column in self.columns.iter().filter(|column| is_read(&column.name)) {
            let known = column.column_type.parse().ok();
            // Integers may come as numbers with a fraction.
            let kept = known.filter(|known| !matches!(known, ColumnType::I64 | ColumnType::Bool));
            if let Some(column_type) = kept.filter(|kept: &ColumnType| !kept.is_vector()) {
                reading.types.entry(column.name.clone()).or_insert(DeclaredType(column_type));
            }
        }
        reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_goes_before_what_was_saved() {
        let saved = Reading {
            delimiter: Some(';'),
            null_values: Some(vec!["-999".to_owned()]),
            types: [("zip".to_owned(), DeclaredType(ColumnType::Utf8))].into(),
            ..Reading::default()
        };
        let document =
            serde_json::to_value(SavedReading::new(&saved, &Schema::default())).unwrap_or_default();
        assert_eq!(document["types"]["zip"], "utf8");
        let read: SavedReading = serde_json::from_value(document).unwrap_or_default();
        let given = Reading { delimiter: Some(','), ..Reading::default() };
        let merged = read.for_model(given, |_| true);
        assert_eq!((merged.delimiter, &merged.null_values), (Some(','), &saved.null_values));
        assert_eq!(merged.types, saved.types);
        assert_eq!(serde_json::to_string(&Reading::default()).unwrap_or_default(), "{}");
    }

    #[test]
    fn a_tab_has_names() {
        assert_eq!([delimiter("\\t").ok(), delimiter("\t").ok(), delimiter("tab").ok()], [Some('\t'); 3]);
        assert!(delimiter("::").is_err() && delimiter("é").is_err() && character("decimal", "").is_err());
    }
}
