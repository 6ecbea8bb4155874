//! The times of rows.

use anyhow::{Result, bail};
use luthier::frame::chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use luthier::frame::{ColumnType, DataFrame, date_times, numbers, parse_date, parse_timestamp, texts};

use super::missing;
use crate::args::SplitArgs;
use crate::data::DataSource;
use crate::settings::quoted;

/// A value that can be ordered; all values of a column are of one kind.
#[derive(Debug, PartialEq, PartialOrd)]
pub(super) enum Time {
    Number(f64),
    Moment(NaiveDateTime),
}

/// The values of a column of times: dates, timestamps or numbers, or text that tells a date. Text as such is never ordered:
/// `26.01.2020` would come before `27.01.2019`.
pub(super) fn of_rows(
    args: &SplitArgs,
    frame: &DataFrame,
    column: &str,
    source: &DataSource,
) -> Result<Vec<Time>> {
    let index = frame.schema().require_index(column)?;
    let column_type = frame.schema().require(column)?.column_type();
    let is_text = column_type == ColumnType::Utf8;
    if !(column_type.is_numeric() || column_type.is_temporal() || is_text) {
        bail!("--time: column `{column}` is {column_type}, expected dates, timestamps or numbers");
    }
    let format = args.time_format.as_deref();
    if format.is_some() && !is_text {
        bail!(
            "--time-format: column `{column}` is {column_type}, and only text is read by a pattern: leave the option out, or declare the column \
             with `--type {}`",
            quoted(&format!("{column}=text"))
        );
    }
    let mut times = Vec::with_capacity(frame.num_rows());
    for partition in frame.partitions() {
        for batch in partition.batches(Some(&[index]))? {
            let batch = batch?;
            let array = batch.column(0).as_ref();
            let found: Vec<Option<Time>> = if column_type.is_temporal() {
                date_times(array)?.into_iter().map(|time| time.map(Time::Moment)).collect()
            } else if is_text {
                let read = |(i, text): (usize, Option<String>)| {
                    let Some(text) = text else { return Ok(None) };
                    let time = moment(text.trim(), format);
                    let unread = || unread(column, &text, format, source, times.len() + i);
                    time.map(|time| Some(Time::Moment(time))).ok_or_else(unread)
                };
                texts(array)?.into_iter().enumerate().map(read).collect::<Result<_>>()?
            } else {
                let values = numbers(array).unwrap_or_default();
                values.iter().map(|value| (!value.is_nan()).then_some(Time::Number(*value))).collect()
            };
            for time in found {
                times.push(time.ok_or_else(|| missing(column, &source.place_of(times.len())))?);
            }
        }
    }
    Ok(times)
}

/// The time that a text tells, by a pattern or as ISO 8601 writes it; of a month, its first day.
fn moment(text: &str, format: Option<&str>) -> Option<NaiveDateTime> {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN);
    let Some(format) = format else {
        let in_utc = |(time, offset): (NaiveDateTime, Option<_>)| match offset {
            Some(offset) => time.checked_sub_offset(offset),
            None => Some(time),
        };
        let day = || parse_date(text).or_else(|| parse_date(&format!("{text}-01"))).map(midnight);
        return parse_timestamp(text).and_then(in_utc).or_else(day);
    };
    let day = || NaiveDate::parse_from_str(text, format).ok();
    let month = || NaiveDate::parse_from_str(&format!("1 {text}"), &format!("%d {format}")).ok();
    let time = NaiveDateTime::parse_from_str(text, format).ok();
    time.or_else(|| day().or_else(month).map(midnight))
}

/// The error for a text that does not tell a time, with what to write.
fn unread(column: &str, text: &str, format: Option<&str>, source: &DataSource, row: usize) -> anyhow::Error {
    let place = source.place_of(row);
    let error = match format {
        Some(format) => format!(
            "{place}: column `{column}`: `{text}` is not a date of the form `{format}`, which --time-format gives"
        ),
        None => format!(
            "{place}: column `{column}` is text, which is not sorted in the order of time, and `{text}` is not a date such as 2024-02-29: say \
             how the dates are written, as in `--time-format %d.%m.%Y`; if they are numbers, write `--type {}`",
            quoted(&format!("{column}=number"))
        ),
    };
    match source.text_among_numbers(column) {
        Some(why) if format.is_none() => anyhow::anyhow!("{error} ({why})"),
        _ => anyhow::anyhow!(error),
    }
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn texts_tell_times_by_a_pattern_or_as_iso_8601() {
        let told = |text, format| moment(text, format).map(|time| time.to_string());
        let day = |text| told(text, Some("%d.%m.%Y"));
        assert_eq!(day("26.01.2020").as_deref(), Some("2020-01-26 00:00:00"));
        assert!(day("27.01.2019") < day("26.01.2020"));
        assert_eq!(day("2020-01-26"), None);
        assert_eq!(told("3/2024", Some("%m/%Y")).as_deref(), Some("2024-03-01 00:00:00"));
        assert_eq!(told("26.01.2020 7:05", Some("%d.%m.%Y %H:%M")).as_deref(), Some("2020-01-26 07:05:00"));
        assert_eq!(told("2024-02", None).as_deref(), Some("2024-02-01 00:00:00"));
        assert_eq!(told("2024-02-29", None).as_deref(), Some("2024-02-29 00:00:00"));
        // Offsets from UTC count.
        assert_eq!(told("2024-02-29T12:30+02:00", None).as_deref(), Some("2024-02-29 10:30:00"));
        assert_eq!([told("26.01.2020", None), told("2024-13", None), told("", None)], [None, None, None]);
    }
}
