use crate::csv::text::Encoding;
use crate::{ColumnType, Error, Result, Schema};

/// What stands for a missing value in a column of numbers or truth values unless
/// [`null_values`](CsvOptions::null_values) says otherwise. In a column of text only the empty cell is missing.
pub const NULL_VALUES: [&str; 24] = [
    "", "NA", "N/A", "NaN", "null", "?", "-", "na", "n/a", "nan", "Null", "NULL", "None", "none", "NONE",
    "#N/A", "#NA", "<NA>", "-NaN", "-nan", "NAN", ".", "--", "\\N",
];

/// How a CSV file is to be read. The defaults suit most files.
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
/// The type of a column is found from all of its cells: `i64`, else `f64`, else `bool` (`true`, `false`, `True`, …),
/// else `date` (`2024-02-29`) or `timestamp` ([by ISO 8601](crate::parse_timestamp), all with or all without an offset; those
/// with one are kept in UTC), else `utf8`. Codes stay what they are, so these columns are text:
/// - one with an integer that begins with a zero, such as the postcode `01067`;
/// - one of integers that do not fit into 64 bits (those up to 2⁶⁴ − 1 are kept whole);
/// - one whose values are all quoted, such as `"7"`, unless the whole file is written in quotes: then they tell nothing
///   and types are found as if they were not there. Quotes that a cell needs, as in `"1,5"`, do not count.
///
/// [`column_type`](Self::column_type) and [`schema`](Self::schema) decide otherwise, and
/// [`CsvFile::notes`](crate::CsvFile::notes) tells which columns are text only because of a few cells.
///
/// # Missing values
/// In columns of numbers and truth values the texts of [`NULL_VALUES`](crate::NULL_VALUES) are missing values, quoted or not, with
/// spaces around them or not. In a column of text only an empty cell without quotes is missing; `""` is an empty text.
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
    /// The most text that is read from a pipe or a device unless [`max_bytes`](Self::max_bytes) says otherwise: 4 GiB.
    pub const MAX_PIPED_BYTES: u64 = 1 << 32;

    /// The defaults: a comma or what the first lines show, a header, types found from the values, one partition.
    pub fn new() -> Self {
        Self::default()
    }

    /// What separates two cells: any ASCII character but a quote or the end of a line.
    ///
    /// Without it a tab in files that end in `.tsv` (also `.tsv.gz`, `.tsv.zst`), else a comma; where the first lines
    /// have no comma, the semicolon, tab or `|` that cuts all of them into equally many cells.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// Whether the first line has the names. Default `true`. Without, the columns are called `column_0`,
    /// `column_1`, …, or as the [`schema`](Self::schema) says.
    ///
    /// Where the first line has one cell less than the next, as when R writes row names, the first column has the empty
    /// name ([`CsvNote::RowNames`](crate::CsvNote::RowNames)). If several names are empty, these columns are called `column_0` and so on by their position.
    /// Of several columns with the same name `x`, the second is called `x_2`, the third `x_3`, and so on
    /// ([`CsvNote::Renamed`](crate::CsvNote::Renamed)).
    pub fn has_header(mut self, has_header: bool) -> Self {
        self.has_header = has_header;
        self
    }

    /// How many lines in front of the header (or the first row) are passed over. Default 0.
    pub fn skip_lines(mut self, skip_lines: u64) -> Self {
        self.skip_lines = skip_lines;
        self
    }

    /// Columns that the file must have, with their types; columns it does not name are inferred.
    ///
    /// A vector `v` of width k is made from the columns `v_0` to `v_{k-1}`. Without a header the schema must
    /// have all columns in the order of the file. Whether a column is nullable is found from the file.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// The type of a column, if the file has it. May be called for several columns; the schema goes first.
    ///
    /// ```
    /// # use luthier_frame::{ColumnType, CsvOptions};
    /// let options = CsvOptions::new().column_type("ward", ColumnType::Utf8).column_type("dose", ColumnType::F64);
    /// ```
    pub fn column_type(mut self, column: impl Into<String>, column_type: ColumnType) -> Self {
        self.types.push((column.into(), column_type));
        self
    }

    /// Reads only these columns as what they are, and each other as text that is spelt as in the file, with its
    /// quotes: [`DataFrame::write_csv`](crate::DataFrame::write_csv) writes such cells back byte for byte (in quotes where a comma inside demands it).
    /// This is for columns that are only passed on: `1.50` stays `1.50` and `00001` stays `00001`.
    pub fn as_spelt_except<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.typed = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps the cells of these columns as they are spelt, in columns of their own beside the values
    /// ([`Schema::spelling_of`](crate::Schema::spelling_of)), so that [`DataFrame::as_spelt`](crate::DataFrame::as_spelt) can write them back.
    /// Columns that the file lacks are passed over.
    pub fn keep_spelling<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.spelt = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Cells that stand for a missing value, in place of [`NULL_VALUES`](crate::NULL_VALUES): in columns of numbers and truth values
    /// also quoted or padded, in columns of text only unquoted and spelt exactly so.
    ///
    /// `NaN` is a number where it is not given here.
    pub fn null_values<S: Into<String>>(mut self, null_values: impl IntoIterator<Item = S>) -> Self {
        self.null_values = Some(null_values.into_iter().map(Into::into).collect());
        self
    }

    /// The decimal sign of numbers. Default `.`; with `,` a number is written `1,5`, and `1.5` is not a number unless
    /// the full stop is the [`thousands`](Self::thousands) separator.
    pub fn decimal(mut self, decimal: char) -> Self {
        self.decimal = decimal;
        self
    }

    /// What separates groups of digits, as in `1,234,567`: groups of three (or, but for the last, two) digits behind
    /// the first. Default: nothing does. A space stands for the no-break spaces as well.
    pub fn thousands(mut self, thousands: char) -> Self {
        self.thousands = Some(thousands);
        self
    }

    /// Lines that begin with this character are passed over. Default: none are.
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

    /// The most bytes of text that are read, after decompression; more is an error. Default: no limit for a file, and
    /// [`MAX_PIPED_BYTES`](Self::MAX_PIPED_BYTES) for what may have no end, such as a pipe.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// Into how many partitions the rows are cut. Default 1.
    pub fn partitions(mut self, partitions: usize) -> Self {
        self.partitions = partitions;
        self
    }

    pub(crate) fn check(&self) -> Result<Option<Encoding>> {
        let refuse = |argument, found: String, expected| Err(Error::Argument { argument, found, expected });
        if let Some(delimiter) = self.delimiter
            && (!delimiter.is_ascii() || matches!(delimiter, b'"' | b'\n' | b'\r'))
        {
            let expected = "an ASCII character other than a double quote or the end of a line";
            return refuse("the CSV delimiter", format!("{:?}", char::from(delimiter)), expected);
        }
        let is_sign = |sign: char| !sign.is_alphanumeric() && !matches!(sign, '+' | '-' | '"' | '\n' | '\r');
        if !is_sign(self.decimal) {
            let expected = "a sign such as a full stop or a comma";
            return refuse("the decimal sign", format!("{:?}", self.decimal), expected);
        }
        if let Some(thousands) = self.thousands
            && (!is_sign(thousands) || thousands == self.decimal)
        {
            let expected = "a sign other than the decimal sign";
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
