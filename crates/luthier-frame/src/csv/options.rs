use crate::{Error, Result, Schema};

/// How a CSV file is to be read.
///
/// ```
/// # use luthier_frame::CsvOptions;
/// let options = CsvOptions::new().delimiter(b';').null_values(["", "NA"]).partitions(4);
/// ```
#[derive(Debug, Clone)]
pub struct CsvOptions {
    pub(crate) delimiter: u8,
    pub(crate) has_header: bool,
    pub(crate) schema: Option<Schema>,
    pub(crate) null_values: Vec<String>,
    pub(crate) partitions: usize,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: b',',
            has_header: true,
            schema: None,
            null_values: vec![String::new()],
            partitions: 1,
        }
    }
}

impl CsvOptions {
    /// Commas, a header, types found from the values, empty cells are null, one partition.
    pub fn new() -> Self {
        Self::default()
    }

    /// What separates two cells: any ASCII character but a quote or the end of a line. Default `,`.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Whether the first line has the names. Default `true`. Without, the columns are called `column_0`,
    /// `column_1`, …, or as the [`schema`](Self::schema) says.
    pub fn has_header(mut self, has_header: bool) -> Self {
        self.has_header = has_header;
        self
    }

    /// Types that are known; columns it does not name are inferred.
    ///
    /// A vector `v` of width k is made from the columns `v_0` to `v_{k-1}`. Without a header the schema must
    /// have all columns in the order of the file. Whether a column is nullable is found from the file.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// The same where these columns have these types, in place of what the schema says of them.
    pub(crate) fn with_types(mut self, types: &Schema) -> Self {
        let known = self.schema.take().unwrap_or_default();
        let others = known.fields().iter().filter(|field| types.field(field.name()).is_none());
        // Names are different in each, and now in both.
        self.schema = Schema::new(others.chain(types.fields()).cloned().collect()).ok();
        self
    }

    /// Unquoted cells that stand for a missing value, in any column. Default: the empty cell only. `NaN` is
    /// a number, not a missing value, unless it is given here.
    pub fn null_values<S: Into<String>>(mut self, null_values: impl IntoIterator<Item = S>) -> Self {
        self.null_values = null_values.into_iter().map(Into::into).collect();
        self
    }

    /// Into how many partitions the rows are cut. Default 1.
    pub fn partitions(mut self, partitions: usize) -> Self {
        self.partitions = partitions;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if !self.delimiter.is_ascii() || matches!(self.delimiter, b'"' | b'\n' | b'\r') {
            return Err(Error::Argument {
                argument: "the CSV delimiter",
                found: format!("{:?}", char::from(self.delimiter)),
                expected: "an ASCII character other than a double quote or the end of a line",
            });
        }
        Ok(())
    }
}
