use crate::csv::text::Encoding;
use crate::{ColumnType, Error, Result, Schema};

/// The cells that mean a missing value in a column of numbers or booleans, unless
/// [`null_values`](CsvOptions::null_values) replaces them. In a column of text only the empty cell is missing.
pub const NULL_VALUES: [&str; 24] = [
    "", "NA", "N/A", "NaN", "null", "?", "-", "na", "n/a", "nan", "Null", "NULL", "None", "none", "NONE",
    "#N/A", "#NA", "<NA>", "-NaN", "-nan", "NAN", ".", "--", "\\N",
];

/// How a CSV file is read. The defaults suit most files.
///
/// ```
/// # use luthier_frame::{ColumnType, CsvOptions, DataFrame};
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("prices.csv");
/// std::fs::write(&path, "zip;price\n01067;1.234,50\n10115;\n")?;
/// let options = CsvOptions::new().delimiter(b';').decimal(',').thousands('.');
/// let frame = DataFrame::read_csv(&path, &options)?;
/// assert_eq!(frame.schema().to_string(), "zip: utf8, price: f64");
/// assert_eq!(frame.head(1).column_f64("price")?, [1234.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Types
/// The type of a column is inferred from all of its cells: `i64`, otherwise `f64`, otherwise `bool` (`true`, `false`,
/// `True`, …), otherwise `date` (`2024-02-29`) or `timestamp` ([ISO 8601](crate::parse_timestamp); all values with an offset
/// from UTC, which are converted to UTC, or all without), otherwise `utf8`. Codes are not changed, so these columns are text:
/// - a column in which a number begins with a zero, such as the postcode `01067`;
/// - a column of integers that do not fit into 64 bits (integers up to 2⁶⁴ − 1 are kept exactly);
/// - a column whose values are all quoted, such as `"7"`, unless the whole file is quoted: then quotes carry no information
///   and types are inferred as if there were none. Quotes that a cell needs, as in `"1,5"`, are ignored as well.
///
/// [`column_type`](Self::column_type) and [`schema`](Self::schema) override this, and
/// [`CsvFile::notes`](crate::CsvFile::notes) lists the columns that are text only because of a few cells.
///
/// # Missing values
/// In columns of numbers and booleans the cells of [`NULL_VALUES`](crate::NULL_VALUES) are missing values, with or without
/// quotes and surrounding spaces. In a column of text only an empty cell without quotes is missing; `""` is an empty string.
#[derive(Debug, Clone)]
pub struct CsvOptions {
    pub(crate) delimiter: Option<u8>,
    pub(crate) has_header: bool,
    pub(crate) skip_lines: u64,
    pub(crate) schema: Option<Schema>,
    pub(crate) types: Vec<(String, ColumnType)>,
    pub(crate) typed: Option<Vec<String>>,
    pub(crate) spelt: Vec<String>,
    pub(crate) null_values: Option<Vec<String>>,
    pub(crate) decimal: char,
    pub(crate) thousands: Option<char>,
    pub(crate) comment: Option<char>,
    pub(crate) encoding: Option<String>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) partitions: usize,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: None,
            has_header: true,
            skip_lines: 0,
            schema: None,
            types: Vec::new(),
            typed: None,
            spelt: Vec::new(),
            null_values: None,
            decimal: '.',
            thousands: None,
            comment: None,
            encoding: None,
            max_bytes: None,
            partitions: 1,
        }
    }
}

impl CsvOptions {
    /// The default of [`max_bytes`](Self::max_bytes) for a pipe or a device: 4 GiB.
    pub const MAX_PIPED_BYTES: u64 = 1 << 32;

    /// The defaults: a detected delimiter, a header, inferred types, one partition.
    pub fn new() -> Self {
        Self::default()
    }

    /// The character that separates cells: any ASCII character except a double quote or a line end.
    ///
    /// The default is a tab for files with the extension `.tsv` (also `.tsv.gz`, `.tsv.zst`), otherwise a comma. If the first
    /// lines have no comma, it is the semicolon, tab or `|` that cuts all of them into the same number of cells.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// Whether the first line holds the names of the columns. Default `true`. Without a header, the columns are named
    /// `column_0`, `column_1`, …, or as in the [`schema`](Self::schema).
    ///
    /// If the first line has one cell less than the next, as in files that R writes with row names, the name of the first
    /// column is empty ([`CsvNote::RowNames`](crate::CsvNote::RowNames)). If several names are empty, these columns are named
    /// `column_0` and so on by their position.
    /// Of several columns with the same name `x`, the second is renamed to `x_2`, the third to `x_3`, and so on
    /// ([`CsvNote::Renamed`](crate::CsvNote::Renamed)).
    pub fn has_header(mut self, has_header: bool) -> Self {
        self.has_header = has_header;
        self
    }

    /// The number of lines to skip before the header (or the first row). Default 0.
    pub fn skip_lines(mut self, skip_lines: u64) -> Self {
        self.skip_lines = skip_lines;
        self
    }

    /// Columns that the file must have, with their types; the types of other columns are inferred.
    ///
    /// A vector `v` of width k is assembled from the columns `v_0` to `v_{k-1}`. Without a header the schema must
    /// have all columns in the order of the file. Whether a column is nullable is determined by the file.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// The type of a column, if the file has that column. May be called for several columns; the schema has precedence.
    ///
    /// ```
    /// # use luthier_frame::{ColumnType, CsvOptions};
    /// let options = CsvOptions::new().column_type("ward", ColumnType::Utf8).column_type("dose", ColumnType::F64);
    /// ```
    pub fn column_type(mut self, column: impl Into<String>, column_type: ColumnType) -> Self {
        self.types.push((column.into(), column_type));
        self
    }

    /// Parses only these columns. The cells of the other columns are kept as in the file, including quotes, and
    /// [`DataFrame::write_csv`](crate::DataFrame::write_csv) writes them back byte for byte (with quotes if a comma makes them
    /// necessary). This is for columns that are only copied: `1.50` stays `1.50` and `00001` stays `00001`.
    pub fn as_spelt_except<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.typed = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps the cells of these columns as they are in the file, in additional columns beside the values
    /// ([`Schema::spelling_of`](crate::Schema::spelling_of)), so that [`DataFrame::as_spelt`](crate::DataFrame::as_spelt) can restore
    /// them. Columns that the file does not have are ignored.
    pub fn keep_spelling<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.spelt = columns.into_iter().map(Into::into).collect();
        self
    }

    /// The cells that mean a missing value, instead of [`NULL_VALUES`](crate::NULL_VALUES). In columns of numbers and booleans
    /// they may be quoted or padded; in columns of text they must be unquoted and match exactly.
    ///
    /// `NaN` is read as a number unless it is listed here.
    pub fn null_values<S: Into<String>>(mut self, null_values: impl IntoIterator<Item = S>) -> Self {
        self.null_values = Some(null_values.into_iter().map(Into::into).collect());
        self
    }

    /// The decimal separator of numbers. Default `.`; with `,` a number is written `1,5`, and `1.5` is not a number unless
    /// the full stop is the [`thousands`](Self::thousands) separator.
    pub fn decimal(mut self, decimal: char) -> Self {
        self.decimal = decimal;
        self
    }

    /// The separator of groups of digits, as in `1,234,567`. Groups after the first have three digits (or two, except for the
    /// last group). Default: none. A space includes the no-break spaces.
    pub fn thousands(mut self, thousands: char) -> Self {
        self.thousands = Some(thousands);
        self
    }

    /// Lines that begin with this character are skipped. Default: none.
    pub fn comment(mut self, comment: char) -> Self {
        self.comment = Some(comment);
        self
    }

    /// The encoding of the text by one of its usual names: `utf-8`, `latin1`, `windows-1252`, `utf-16le`, `shift_jis`, …
    /// ([all of them](https://encoding.spec.whatwg.org/#names-and-labels)).
    ///
    /// Default: UTF-8, or UTF-16 where the file begins with its byte order mark.
    pub fn encoding(mut self, encoding: impl Into<String>) -> Self {
        self.encoding = Some(encoding.into());
        self
    }

    /// The largest number of bytes of text to read, after decompression; more is an error. Default: no limit for a file, and
    /// [`MAX_PIPED_BYTES`](Self::MAX_PIPED_BYTES) for input that may be endless, such as a pipe.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// The number of partitions. Default 1.
    pub fn partitions(mut self, partitions: usize) -> Self {
        self.partitions = partitions;
        self
    }

    pub(crate) fn check(&self) -> Result<Option<Encoding>> {
        let refuse = |argument, found: String, expected| Err(Error::Argument { argument, found, expected });
        if let Some(delimiter) = self.delimiter
            && (!delimiter.is_ascii() || matches!(delimiter, b'"' | b'\n' | b'\r'))
        {
            let expected = "an ASCII character other than a double quote or a line end";
            return refuse("the CSV delimiter", format!("{:?}", char::from(delimiter)), expected);
        }
        let is_sign = |sign: char| !sign.is_alphanumeric() && !matches!(sign, '+' | '-' | '"' | '\n' | '\r');
        if !is_sign(self.decimal) {
            let expected = "a character such as a full stop or a comma";
            return refuse("the decimal separator", format!("{:?}", self.decimal), expected);
        }
        if let Some(thousands) = self.thousands
            && (!is_sign(thousands) || thousands == self.decimal)
        {
            let expected = "a character other than the decimal separator";
            return refuse("the thousands separator", format!("{thousands:?}"), expected);
        }
        match self.encoding.as_deref() {
            None => Ok(None),
            Some(name) => match Encoding::named(name) {
                Some(encoding) => Ok(Some(encoding)),
                None => refuse(
                    "the encoding",
                    format!("{name:?}"),
                    "the name of an encoding, such as utf-8, latin1, windows-1252 or utf-16le",
                ),
            },
        }
    }
}
