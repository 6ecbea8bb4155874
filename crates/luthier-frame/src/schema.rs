use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use crate::{ColumnType, Error, Result};

/// Marks columns of sparse vectors.
const SPARSE: &str = "luthier.sparse";
/// Marks columns of text that is spelt as in a CSV file.
const SPELT: &str = "luthier.spelt";

/// Name, type and annotations of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    column_type: ColumnType,
    nullable: bool,
    metadata: BTreeMap<String, String>,
}

impl Field {
    /// A column without nulls and without metadata.
    pub fn new(name: impl Into<String>, column_type: ColumnType) -> Self {
        Self { name: name.into(), column_type, nullable: false, metadata: BTreeMap::new() }
    }

    /// The same with another name.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same with another type.
    pub(crate) fn with_type(mut self, column_type: ColumnType) -> Self {
        self.column_type = column_type;
        self
    }

    /// The same, saying whether nulls may occur.
    pub fn with_nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    /// The same with this metadata in place of what was there.
    pub fn with_metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.metadata = metadata;
        self
    }

    /// The name of the column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the column.
    pub fn column_type(&self) -> ColumnType {
        self.column_type
    }

    /// Whether nulls may occur. `true` does not mean that there is one.
    pub fn nullable(&self) -> bool {
        self.nullable
    }

    /// Annotations, such as the names of a vector's parts; kept through Arrow and Parquet.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The same, saying whether vectors are held sparse: then only numbers that are not zero take memory.
    pub fn with_sparse(mut self, sparse: bool) -> Self {
        if sparse {
            self.metadata.insert(SPARSE.to_owned(), "true".to_owned());
        } else {
            self.metadata.remove(SPARSE);
        }
        self
    }

    /// Whether vectors are held sparse.
    pub fn is_sparse(&self) -> bool {
        self.metadata.contains_key(SPARSE)
    }

    /// The same, saying whether texts are cells as they are spelt in a CSV file, with their quotes.
    pub(crate) fn with_spelling(mut self, spelt: bool) -> Self {
        if spelt {
            self.metadata.insert(SPELT.to_owned(), "true".to_owned());
        } else {
            self.metadata.remove(SPELT);
        }
        self
    }

    /// Whether texts are cells as they are spelt in a CSV file, with their quotes (see
    /// [`CsvOptions::as_spelt_except`](crate::CsvOptions::as_spelt_except)).
    pub fn is_spelt(&self) -> bool {
        self.metadata.contains_key(SPELT)
    }

    /// The Arrow field for an array of `data_type` in this column.
    pub(crate) fn to_arrow(&self, data_type: arrow_schema::DataType) -> arrow_schema::Field {
        let metadata: HashMap<String, String> = self.metadata.clone().into_iter().collect();
        arrow_schema::Field::new(&self.name, data_type, self.nullable).with_metadata(metadata)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.column_type)
    }
}

/// The columns of a frame, in order. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    fields: Arc<[Field]>,
}

impl Schema {
    /// A schema of these columns.
    ///
    /// # Errors
    /// [`Error::DuplicateColumn`] if two have the same name.
    pub fn new(fields: Vec<Field>) -> Result<Self> {
        let mut seen = std::collections::HashSet::new();
        for field in &fields {
            if !seen.insert(field.name()) {
                return Err(Error::DuplicateColumn { column: field.name().to_owned() });
            }
        }
        Ok(Self { fields: fields.into() })
    }

    /// The columns, in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.fields.iter().map(Field::name)
    }

    /// The column of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name() == name)
    }

    /// The position of the column of this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name() == name)
    }

    /// The column of this name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], which lists the known names and the nearest of them.
    pub fn require(&self, name: &str) -> Result<&Field> {
        self.field(name).ok_or_else(|| Error::unknown_column(name, self.names()))
    }

    /// The position of the column of this name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], as [`require`](Self::require).
    pub fn require_index(&self, name: &str) -> Result<usize> {
        self.index_of(name).ok_or_else(|| Error::unknown_column(name, self.names()))
    }

    /// The same columns and one more at the end.
    ///
    /// # Errors
    /// [`Error::DuplicateColumn`] if the name exists.
    pub fn with_field(&self, field: Field) -> Result<Self> {
        if self.field(field.name()).is_some() {
            return Err(Error::DuplicateColumn { column: field.name().to_owned() });
        }
        Ok(Self { fields: self.fields.iter().cloned().chain([field]).collect() })
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.fields.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{field}")?;
        }
        Ok(())
    }
}
