use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::{ColumnType, Error, Result};

/// Marks columns of sparse vectors.
const SPARSE: &str = "luthier.sparse";
/// Marks columns of unparsed cells of a CSV file.
const SPELT: &str = "luthier.spelt";
/// The metadata key with the name of the column whose original cells a column contains.
const SPELLING_OF: &str = "luthier.spelling_of";

/// Name, type and annotations of one column. Cheap to clone.
///
/// ```
/// # use luthier_frame::{ColumnType, Field, Schema};
/// let schema = Schema::new(vec![
///     Field::new("features", ColumnType::Vector { width: 3 }),
///     Field::number("label").with_nullable(true),
/// ])?;
/// assert_eq!(schema.to_string(), "features: vector(3), label: f64");
/// # Ok::<(), luthier_frame::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: Arc<str>,
    column_type: ColumnType,
    nullable: bool,
    metadata: Arc<BTreeMap<String, String>>,
}

impl Field {
    /// A column without nulls and without metadata.
    pub fn new(name: impl Into<String>, column_type: ColumnType) -> Self {
        Self { name: name.into().into(), column_type, nullable: false, metadata: Arc::default() }
    }

    /// A column of floating-point numbers.
    pub fn number(name: impl Into<String>) -> Self {
        Self::new(name, ColumnType::F64)
    }

    /// The same field with another name.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into().into();
        self
    }

    /// The same field with another type.
    pub(crate) fn with_type(mut self, column_type: ColumnType) -> Self {
        self.column_type = column_type;
        self
    }

    /// The same field, where `nullable` says whether nulls may occur.
    pub fn with_nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    /// The same field with this metadata instead of its own.
    pub fn with_metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.metadata = Arc::new(metadata);
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

    /// Annotations, such as the names of a vector's features; kept in Arrow and Parquet.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The same field, where `sparse` says whether vectors are stored sparse, so that only numbers that are not zero take
    /// memory.
    pub fn with_sparse(mut self, sparse: bool) -> Self {
        if sparse != self.is_sparse() {
            let metadata = Arc::make_mut(&mut self.metadata);
            match sparse {
                true => metadata.insert(SPARSE.to_owned(), "true".to_owned()),
                false => metadata.remove(SPARSE),
            };
        }
        self
    }

    /// Whether vectors are stored sparse.
    pub fn is_sparse(&self) -> bool {
        self.metadata.contains_key(SPARSE)
    }

    /// The same field, where `spelt` says whether the strings are unparsed cells of a CSV file, with their quotes.
    pub(crate) fn with_spelling(mut self, spelt: bool) -> Self {
        if spelt {
            Arc::make_mut(&mut self.metadata).insert(SPELT.to_owned(), "true".to_owned());
        } else {
            Arc::make_mut(&mut self.metadata).remove(SPELT);
        }
        self
    }

    /// Whether the strings are unparsed cells of a CSV file, with their quotes (see
    /// [`CsvOptions::as_spelt_except`](crate::CsvOptions::as_spelt_except)).
    pub fn is_spelt(&self) -> bool {
        self.metadata.contains_key(SPELT)
    }

    /// The same field, marked as containing the original cells of another column.
    pub(crate) fn with_spelling_of(mut self, column: &str) -> Self {
        Arc::make_mut(&mut self.metadata).insert(SPELLING_OF.to_owned(), column.to_owned());
        self.with_spelling(true)
    }

    /// The column whose original cells this column contains, if it is such a column (see
    /// [`CsvOptions::keep_spelling`](crate::CsvOptions::keep_spelling)).
    pub fn spelling_of(&self) -> Option<&str> {
        self.metadata.get(SPELLING_OF).map(String::as_str)
    }

    /// The Arrow field for an array of `data_type` in this column.
    pub(crate) fn to_arrow(&self, data_type: arrow_schema::DataType) -> arrow_schema::Field {
        let metadata = self.metadata.iter().map(|(key, value)| (key.clone(), value.clone()));
        arrow_schema::Field::new(&*self.name, data_type, self.nullable).with_metadata(metadata.collect())
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.column_type)
    }
}

/// The columns of a frame, in order. Cheap to clone and to extend by a few columns, because the earlier columns are
/// shared.
#[derive(Clone, Default)]
pub struct Schema {
    last: Option<Arc<Segment>>,
}

/// Some columns that follow others. Each segment is more than twice as long as the next, so there are few.
struct Segment {
    before: Option<Arc<Segment>>,
    start: usize,
    fields: Vec<Field>,
    positions: HashMap<Arc<str>, usize>,
    /// All columns up to the last of this segment as one list, once it has been requested.
    all: OnceLock<Vec<Field>>,
}

impl Segment {
    fn end(&self) -> usize {
        self.start + self.fields.len()
    }
}

impl Schema {
    /// A schema of these columns.
    ///
    /// # Errors
    /// [`Error::DuplicateColumn`] if two have the same name.
    pub fn new(fields: Vec<Field>) -> Result<Self> {
        Self::default().with_fields(fields)
    }

    /// The columns, in order.
    pub fn fields(&self) -> &[Field] {
        match &self.last {
            None => &[],
            Some(last) if last.before.is_none() => &last.fields,
            Some(last) => last.all.get_or_init(|| {
                let segments: Vec<&Segment> = self.segments().collect();
                segments.into_iter().rev().flat_map(|segment| segment.fields.iter().cloned()).collect()
            }),
        }
    }

    /// The segments, the last one first.
    fn segments(&self) -> impl Iterator<Item = &Segment> {
        std::iter::successors(self.last.as_deref(), |segment| segment.before.as_deref())
    }

    fn find(&self, name: &str) -> Option<(&Segment, usize)> {
        self.segments().find_map(|segment| Some((segment, *segment.positions.get(name)?)))
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.last.as_ref().map_or(0, |last| last.end())
    }

    /// Whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.fields().iter().map(Field::name)
    }

    /// The column of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.find(name).and_then(|(segment, at)| segment.fields.get(at))
    }

    /// The position of the column of this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.find(name).map(|(segment, at)| segment.start + at)
    }

    /// The column of this name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], which lists the known names and the most similar one.
    pub fn require(&self, name: &str) -> Result<&Field> {
        self.field(name).ok_or_else(|| self.unknown(name))
    }

    /// The column of this name, which holds numbers.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::ColumnType`] for another type.
    pub fn require_number(&self, name: &str) -> Result<&Field> {
        self.require_type(name, "a numeric column", |found| found.is_numeric())
    }

    /// The column of this name, which holds vectors. In a plan their width may be one that only a fit will tell.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::ColumnType`] for another type.
    pub fn require_vectors(&self, name: &str) -> Result<&Field> {
        self.require_type(name, "a vector column", |found| found.is_vector())
    }

    /// The column of this name, which holds vectors of this width, as a fitted model expects them.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::ColumnType`] for another type or width.
    pub fn require_width(&self, name: &str, width: usize) -> Result<&Field> {
        let expected = ColumnType::Vector { width };
        self.require_type(name, &expected.to_string(), |found| found == expected)
    }

    fn require_type(&self, name: &str, expected: &str, is: impl Fn(ColumnType) -> bool) -> Result<&Field> {
        let field = self.require(name)?;
        let found = field.column_type();
        match is(found) {
            true => Ok(field),
            false => Err(Error::ColumnType { column: name.to_owned(), expected: expected.to_owned(), found }),
        }
    }

    /// The position of the column of this name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], as [`require`](Self::require).
    pub fn require_index(&self, name: &str) -> Result<usize> {
        self.index_of(name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let own = self.fields().iter().filter(|field| field.spelling_of().is_none());
        Error::unknown_column(name, own.map(Field::name))
    }

    /// The column that contains the original cells of another column (see
    /// [`CsvOptions::keep_spelling`](crate::CsvOptions::keep_spelling)).
    pub fn spelling_of(&self, column: &str) -> Option<&Field> {
        self.field(&spelling_name(column)).filter(|field| field.spelling_of() == Some(column))
    }

    /// The same columns followed by another one.
    ///
    /// # Errors
    /// [`Error::DuplicateColumn`] if the name exists.
    pub fn with_field(&self, field: Field) -> Result<Self> {
        self.with_fields([field])
    }

    /// The same columns followed by others.
    ///
    /// # Errors
    /// [`Error::DuplicateColumn`] if a name exists.
    pub fn with_fields(&self, fields: impl IntoIterator<Item = Field>) -> Result<Self> {
        let mut fields: Vec<Field> = fields.into_iter().collect();
        if let Some(field) = fields.iter().find(|field| self.find(field.name()).is_some()) {
            return Err(Error::DuplicateColumn { column: field.name().to_owned() });
        }
        if fields.is_empty() {
            return Ok(self.clone());
        }
        let mut before = self.last.clone();
        while let Some(short) = before.as_ref().filter(|before| before.fields.len() <= 2 * fields.len()) {
            fields.splice(..0, short.fields.iter().cloned());
            before = short.before.clone();
        }
        let mut positions = HashMap::with_capacity(fields.len());
        for (at, field) in fields.iter().enumerate() {
            if positions.insert(Arc::clone(&field.name), at).is_some() {
                return Err(Error::DuplicateColumn { column: field.name().to_owned() });
            }
        }
        let start = before.as_ref().map_or(0, |before| before.end());
        let segment = Segment { before, start, fields, positions, all: OnceLock::new() };
        Ok(Self { last: Some(Arc::new(segment)) })
    }
}

/// The name of the column for the original cells of another. No column of a file has such a name.
pub(crate) fn spelling_name(column: &str) -> String {
    format!("\0{column}")
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &Arc<Segment>, b: &Arc<Segment>| Arc::ptr_eq(a, b);
        self.last.as_ref().zip(other.last.as_ref()).is_some_and(|(a, b)| same(a, b))
            || self.fields() == other.fields()
    }
}

impl Eq for Schema {}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("fields", &self.fields()).finish()
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.fields().iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{field}")?;
        }
        Ok(())
    }
}
