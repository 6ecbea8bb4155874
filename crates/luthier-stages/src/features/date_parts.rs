//! Computes numbers from dates and times.

use std::f64::consts::TAU;
use std::fmt::Write;

use luthier_core::frame::chrono::format::{Item, Parsed, StrftimeItems, parse};
use luthier_core::frame::chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Weekday};
use luthier_core::frame::{
    ColumnType, Field, Schema, arrow_array::Array, date_times, parse_date, parse_timestamp, texts,
};
use luthier_core::{
    Error, OddCells, Outputs, ParamEnum, Params, PureTransformer, Required, Tile, Transformer,
};
use ndarray::Array2;

use super::HandleInvalid;

/// Computes numbers from dates and times: the parts of each input column, concatenated into one vector.
///
/// Inputs are columns of dates, timestamps, or strings in ISO 8601 format (`2024-02-29`, `2024-02-29T12:30:00`) or another
/// one that `format` names. The parts of a timestamp with a time zone are those of the local time in that zone. A feature is
/// named after its column and its part, such as `admitted_month`.
///
/// | part | values | as in |
/// |---|---|---|
/// | `year` | the year | Spark `year`, pandas `dt.year` |
/// | `quarter` | 1 to 4 | Spark `quarter`, pandas `dt.quarter` |
/// | `month` | 1 to 12 | Spark `month`, pandas `dt.month` |
/// | `week` | 1 to 53, weeks of ISO 8601: the first has the year's first Thursday | Spark `weekofyear`, pandas `dt.isocalendar().week` |
/// | `day` | 1 to 31, the day of the month | Spark `dayofmonth`, pandas `dt.day` |
/// | `day_of_week` | 1 (Monday) to 7 (Sunday), as in ISO 8601 | Spark `weekday` + 1, pandas `dt.dayofweek` + 1 |
/// | `day_of_year` | 1 to 366 | Spark `dayofyear`, pandas `dt.dayofyear` |
/// | `hour`, `minute`, `second` | 0 to 23, 0 to 59, 0 to 59; 0 for a date | the parts of the same names in Spark and pandas |
/// | `is_weekend` | 1 on Saturday and Sunday, otherwise 0 | |
/// | `days_since` | days since `since`, including the fraction of the day; negative before it | Spark `datediff`, pandas `(t - since) / Timedelta(days=1)` |
///
/// With `cyclic`, each part that repeats (all but `year`, `is_weekend` and `days_since`) becomes two features, the sine and
/// the cosine of `2π (x − first) / period`, so that December is next to January: `admitted_month_sin` and
/// `admitted_month_cos`. The periods are 4 quarters, 12 months, 53 weeks, 31 days of a month, 7 days of a week, 366 days of
/// a year, 24 hours, and 60 minutes and seconds.
///
/// A missing value, or a string that is not a date, is an invalid value, see `handle_invalid`; with `keep`, all of its
/// features are NaN, which an imputer can fill.
///
/// ```
/// use luthier_core::Transformer;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::{DatePart, DateParts};
///
/// let frame = DataFrame::from_columns(vec![("day", Column::utf8(["2024-02-29", "2024-12-31"]))])?;
/// let stage = DateParts::new().input_cols(["day"]).parts([DatePart::Month, DatePart::DayOfWeek]);
/// let out = stage.transform(&frame)?;
/// assert_eq!(out.vectors("date_parts")?.row(0).to_vec(), [2.0, 4.0]);
/// let names = out.schema().require("date_parts")?.feature_names().unwrap_or_default();
/// assert_eq!(names, ["day_month", "day_day_of_week"]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct DateParts {
    /// The columns of dates, timestamps or strings; at least one.
    #[param(column = input)]
    input_cols: Required<Vec<String>>,
    /// The vector column to append.
    #[param(default = "date_parts", column = output)]
    output_col: String,
    /// The parts to compute for each column, in this order; `day_of_week` is 1 on Monday and 7 on Sunday.
    #[param(default = vec![DatePart::Year, DatePart::Month, DatePart::Day, DatePart::DayOfWeek])]
    parts: Vec<DatePart>,
    /// Whether to encode parts that repeat as a sine and a cosine.
    #[param(default = false)]
    cyclic: bool,
    /// The day from which `days_since` counts, in ISO 8601 format.
    #[param(default = "1970-01-01")]
    since: String,
    /// How strings are read, where it is not ISO 8601: a strftime pattern such as `%d.%m.%Y` or `%m/%d/%Y %H:%M`.
    format: Option<String>,
    /// How missing values and strings that are not dates are handled.
    #[param(default = HandleInvalid::Error)]
    handle_invalid: HandleInvalid,
}

/// A number that [`DateParts`] computes from a date or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum DatePart {
    /// The year.
    Year,
    /// The quarter, 1 to 4.
    Quarter,
    /// The month, 1 to 12.
    Month,
    /// The ISO 8601 week, 1 to 53.
    Week,
    /// The day of the month, 1 to 31.
    Day,
    /// The day of the week, 1 (Monday) to 7 (Sunday).
    DayOfWeek,
    /// The day of the year, 1 to 366.
    DayOfYear,
    /// The hour, 0 to 23.
    Hour,
    /// The minute, 0 to 59.
    Minute,
    /// The second, 0 to 59.
    Second,
    /// 1 on Saturday and Sunday, otherwise 0.
    IsWeekend,
    /// Days since the day `since`, with fractions.
    DaysSince,
}

impl DatePart {
    fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Quarter => "quarter",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::DayOfWeek => "day_of_week",
            Self::DayOfYear => "day_of_year",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::IsWeekend => "is_weekend",
            Self::DaysSince => "days_since",
        }
    }

    fn of(self, time: NaiveDateTime, since: NaiveDate) -> f64 {
        match self {
            Self::Year => f64::from(time.year()),
            Self::Quarter => f64::from(time.month0() / 3 + 1),
            Self::Month => f64::from(time.month()),
            Self::Week => f64::from(time.iso_week().week()),
            Self::Day => f64::from(time.day()),
            Self::DayOfWeek => f64::from(time.weekday().number_from_monday()),
            Self::DayOfYear => f64::from(time.ordinal()),
            Self::Hour => f64::from(time.hour()),
            Self::Minute => f64::from(time.minute()),
            Self::Second => f64::from(time.second()),
            Self::IsWeekend => f64::from(u8::from(matches!(time.weekday(), Weekday::Sat | Weekday::Sun))),
            Self::DaysSince => {
                let passed = f64::from(time.num_seconds_from_midnight()) + f64::from(time.nanosecond()) / 1e9;
                f64::from(time.num_days_from_ce() - since.num_days_from_ce()) + passed / 86_400.0
            }
        }
    }

    /// The first value of a part that repeats, and the number of its values.
    fn cycle(self) -> Option<(f64, f64)> {
        Some(match self {
            Self::Quarter => (1.0, 4.0),
            Self::Month => (1.0, 12.0),
            Self::Week => (1.0, 53.0),
            Self::Day => (1.0, 31.0),
            Self::DayOfWeek => (1.0, 7.0),
            Self::DayOfYear => (1.0, 366.0),
            Self::Hour => (0.0, 24.0),
            Self::Minute | Self::Second => (0.0, 60.0),
            Self::Year | Self::IsWeekend | Self::DaysSince => return None,
        })
    }
}

impl DateParts {
    fn check(&self) -> Result<(), String> {
        if self.input_cols.as_option().is_some_and(Vec::is_empty) {
            return Err("`input_cols` is empty: name at least one column of dates".to_owned());
        }
        if self.parts.is_empty() {
            return Err("`parts` is empty: name at least one, such as `year`".to_owned());
        }
        if let Some(format) = self.format.as_ref().filter(|format| !is_pattern(format)) {
            return Err(format!("`format` is {format:?}, expected a strftime pattern such as \"%d.%m.%Y\""));
        }
        self.origin().map(drop)
    }

    fn origin(&self) -> Result<NaiveDate, String> {
        parse_date(&self.since)
            .ok_or_else(|| format!("`since` is {:?}, expected a date such as \"2024-02-29\"", self.since))
    }

    /// The part's cycle, if it is to be a sine and a cosine.
    fn cycle_of(&self, part: DatePart) -> Option<(f64, f64)> {
        part.cycle().filter(|_| self.cyclic)
    }

    fn feature_names(&self, column: &str) -> Vec<String> {
        let names = self.parts.iter().flat_map(|&part| match self.cycle_of(part) {
            None => vec![format!("{column}_{}", part.name())],
            Some(_) => ["sin", "cos"].map(|wave| format!("{column}_{}_{wave}", part.name())).to_vec(),
        });
        names.collect()
    }

    /// The values of a column, `None` where a value is missing or not a date.
    fn times(&self, rows: &Tile<'_>, column: &str) -> anyhow::Result<Vec<Option<NaiveDateTime>>> {
        let array = rows.array(column)?;
        if rows.schema().require(column)?.column_type() != ColumnType::Utf8 {
            return Ok(date_times(array.as_ref())?);
        }
        let pattern: Option<Vec<Item<'_>>> =
            self.format.as_ref().map(|format| StrftimeItems::new(format).collect());
        let read = |text: &str| match &pattern {
            Some(pattern) => read_as(text.trim(), pattern),
            None => {
                let day = || Some(parse_date(text.trim())?.and_time(NaiveTime::MIN));
                parse_timestamp(text.trim()).map(|(time, _)| time).or_else(day)
            }
        };
        Ok(texts(array.as_ref())?.into_iter().map(|text| read(&text?)).collect())
    }
}

impl Transformer for DateParts {
    fn inputs(&self) -> Vec<String> {
        self.input_cols.as_option().cloned().unwrap_or_default()
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let mut names = Vec::new();
        for column in self.input_cols.get()? {
            match schema.require(column)?.column_type() {
                ColumnType::Date | ColumnType::Timestamp | ColumnType::Utf8 => {}
                found => {
                    return Err(Error::ColumnType {
                        column: column.clone(),
                        found: found.to_string(),
                        expected: "a column of dates, timestamps, or strings such as 2024-02-29".to_owned(),
                    }
                    .into());
                }
            }
            names.extend(self.feature_names(column));
        }
        let column_type = ColumnType::Vector { width: names.len() };
        Ok(vec![Field::new(&self.output_col, column_type).with_feature_names(names)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let since = self.origin().map_err(anyhow::Error::msg)?;
        let columns = self.input_cols.get()?;
        let width: usize = columns.iter().map(|column| self.feature_names(column).len()).sum();
        let mut features = Array2::from_elem((rows.len(), width), f64::NAN);
        let mut valid = vec![true; rows.len()];
        let outcome = match self.handle_invalid {
            HandleInvalid::Skip => "left out, with the row",
            _ => "all parts are NaN",
        };
        let mut start = 0;
        for column in columns {
            let mut odd = OddCells::new(column, "text that is not a date", outcome);
            for (i, time) in self.times(rows, column)?.into_iter().enumerate() {
                let Some(time) = time else {
                    if self.handle_invalid == HandleInvalid::Error {
                        return Err(invalid(rows, column, i).into());
                    }
                    if let Some(text) = text_of(rows, column, i) {
                        odd.push(rows.row(i), || text);
                    }
                    valid[i] = false;
                    continue;
                };
                let mut at = start;
                for &part in &self.parts {
                    let value = part.of(time, since);
                    match self.cycle_of(part) {
                        None => features[[i, at]] = value,
                        Some((first, period)) => {
                            let (sin, cos) = (TAU * (value - first) / period).sin_cos();
                            (features[[i, at]], features[[i, at + 1]]) = (sin, cos);
                            at += 1;
                        }
                    }
                    at += 1;
                }
            }
            out.remark(odd);
            start += self.feature_names(column).len();
        }
        if self.handle_invalid == HandleInvalid::Skip {
            out.keep(valid);
        }
        out.vectors(features);
        Ok(())
    }

    fn takes_nulls(&self) -> bool {
        true
    }

    fn drops_rows(&self) -> bool {
        self.handle_invalid == HandleInvalid::Skip
    }
}

/// Whether every part of the pattern is known, and it tells the day.
fn is_pattern(format: &str) -> bool {
    let sample = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap_or_default().and_time(NaiveTime::MIN);
    let mut written = String::new();
    let pattern: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    !pattern.contains(&Item::Error)
        && write!(written, "{}", sample.format_with_items(pattern.iter())).is_ok()
        && read_as(&written, &pattern).is_some()
}

/// The time that a string tells by a pattern; midnight where the pattern has no time of day.
fn read_as(text: &str, pattern: &[Item<'_>]) -> Option<NaiveDateTime> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, pattern.iter()).ok()?;
    let day = || Some(parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN));
    parsed.to_naive_datetime_with_offset(0).ok().or_else(day)
}

/// The text of a cell, if it has one.
fn text_of(rows: &Tile<'_>, column: &str, i: usize) -> Option<String> {
    texts(rows.array(column).ok()?.slice(i, 1).as_ref()).ok()?.pop()?
}

fn invalid(rows: &Tile<'_>, column: &str, i: usize) -> Error {
    let (found, expected) = match text_of(rows, column, i) {
        Some(text) => (
            format!("`{text}`"),
            "a date such as 2024-02-29 or 2024-02-29T12:30:00: for another form write it as `format`, such as \"%d.%m.%Y\"; \
             with `handle_invalid` = `skip` such rows are left out, with `keep` their parts are NaN",
        ),
        None => (
            "null".to_owned(),
            "a date such as 2024-02-29: with `handle_invalid` = `skip` such rows are left out, with `keep` their parts are NaN, which an \
             `imputer` fills",
        ),
    };
    rows.bad_value_of(column, i, found, expected)
}

impl PureTransformer for DateParts {
    const NAME: &'static str = "date_parts";
}

luthier_core::register_transformer!(DateParts: "Computes numbers from dates and times: year, month, day of the week and others.");
