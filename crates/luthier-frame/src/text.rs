//! Values of any type as text, and dates and times in text.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, ArrowPrimitiveType, PrimitiveArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, TimeUnit};
use chrono::{
    DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike,
    Utc,
};

use crate::{Error, Result};

/// 1970-01-01, in days of the common era.
pub(crate) const EPOCH: i32 = 719_163;

/// The values of an array as text, `None` for null.
///
/// Dates and times are in ISO 8601 format: `2024-02-29`, `2024-02-29T12:30:00`, or `2024-02-29T12:30:00.250+01:00` with
/// a time zone (`Z` for UTC). Integers and decimals have all their digits; bytes are hexadecimal.
///
/// # Errors
/// An unknown time zone.
pub fn texts(array: &dyn Array) -> Result<Vec<Option<String>>> {
    if let DataType::Timestamp(_, Some(zone)) = array.data_type() {
        let (instants, zone) = (instants(array), Zone::parse(zone)?);
        return Ok(instants.into_iter().map(|instant| Some(zoned_text(instant?, &zone))).collect());
    }
    if matches!(array.data_type(), DataType::Date32) {
        let days = array.as_primitive::<Date32Type>().iter();
        return Ok(days.map(|day| Some(date_of(day?)?.to_string())).collect());
    }
    if matches!(array.data_type(), DataType::Timestamp(..)) {
        return Ok(instants(array).into_iter().map(|instant| Some(local_text(instant?))).collect());
    }
    let formatter = ArrayFormatter::try_new(array, &FormatOptions::new())?;
    let text = |row| match array.is_null(row) {
        true => Ok(None),
        false => Ok(Some(formatter.value(row).try_to_string()?)),
    };
    (0..array.len()).map(text).collect()
}

/// The values of an array of dates or timestamps as local times in its time zone, or in UTC without one.
/// `None` for null. A date is taken at midnight.
///
/// # Errors
/// [`Error::UnsupportedType`] for another array; an unknown time zone.
pub fn date_times(array: &dyn Array) -> Result<Vec<Option<NaiveDateTime>>> {
    Ok(match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().iter();
            days.map(|day| Some(date_of(day?)?.and_time(NaiveTime::MIN))).collect()
        }
        DataType::Timestamp(_, None) => instants(array),
        DataType::Timestamp(_, Some(zone)) => {
            let zone = Zone::parse(zone)?;
            let local = |instant: NaiveDateTime| instant.checked_add_offset(zone.offset(instant));
            instants(array).into_iter().map(|instant| local(instant?)).collect()
        }
        other => {
            let (column, found) = ("values".to_owned(), other.to_string());
            return Err(Error::UnsupportedType { column, found });
        }
    })
}

fn date_of(day: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(day.checked_add(EPOCH)?)
}

/// The instants of a timestamp array, in UTC.
pub(crate) fn instants(array: &dyn Array) -> Vec<Option<NaiveDateTime>> {
    fn each<T: ArrowPrimitiveType<Native = i64>>(
        array: &PrimitiveArray<T>,
        of: impl Fn(i64) -> Option<DateTime<Utc>>,
    ) -> Vec<Option<NaiveDateTime>> {
        array.iter().map(|value| Some(of(value?)?.naive_utc())).collect()
    }
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            each(array.as_primitive::<TimestampSecondType>(), |value| DateTime::from_timestamp(value, 0))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            each(array.as_primitive::<TimestampMillisecondType>(), DateTime::from_timestamp_millis)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            each(array.as_primitive::<TimestampMicrosecondType>(), DateTime::from_timestamp_micros)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let of = |value| Some(DateTime::from_timestamp_nanos(value));
            each(array.as_primitive::<TimestampNanosecondType>(), of)
        }
        _ => Vec::new(),
    }
}

/// A time zone by name or as a fixed offset.
#[derive(Debug, Clone, Copy)]
enum Zone {
    Fixed(FixedOffset),
    Named(chrono_tz::Tz),
}

impl Zone {
    fn parse(text: &str) -> Result<Self> {
        let fixed = || parse_offset(text).filter(|_| text.starts_with(['+', '-'])).map(Self::Fixed);
        fixed().or_else(|| text.parse().ok().map(Self::Named)).ok_or_else(|| Error::Argument {
            argument: "the time zone",
            found: format!("`{text}`"),
            expected: "an offset such as +02:00, or a name such as UTC or Europe/Berlin",
        })
    }

    fn offset(self, instant: NaiveDateTime) -> FixedOffset {
        match self {
            Self::Fixed(offset) => offset,
            Self::Named(zone) => zone.offset_from_utc_datetime(&instant).fix(),
        }
    }
}

fn local_text(time: NaiveDateTime) -> String {
    let mut text = time.format("%Y-%m-%dT%H:%M:%S").to_string();
    // Writing to a string does not fail.
    let _ = match time.nanosecond() {
        0 => Ok(()),
        nanos if nanos % 1_000_000 == 0 => write!(text, ".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => write!(text, ".{:06}", nanos / 1_000),
        nanos => write!(text, ".{nanos:09}"),
    };
    text
}

fn zoned_text(instant: NaiveDateTime, zone: &Zone) -> String {
    let offset = zone.offset(instant);
    match (zone, offset.local_minus_utc()) {
        (Zone::Named(chrono_tz::UTC), _) => format!("{}Z", local_text(instant)),
        _ => match instant.checked_add_offset(offset) {
            Some(local) => format!("{}{offset}", local_text(local)),
            None => format!("{}Z", local_text(instant)),
        },
    }
}

/// Parses a date in ISO 8601 format: `2024-02-29`.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else { return None };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)
}

/// Parses a date with a time in ISO 8601 format, and its offset from UTC if there is one.
///
/// They are separated by a `T` or a space; seconds and a fraction of up to nine digits are optional: `2024-02-29T12:30`,
/// `2024-02-29 12:30:00.250`, `2024-02-29T12:30:00Z`, `2024-02-29T12:30:00+01:00`.
pub fn parse_timestamp(text: &str) -> Option<(NaiveDateTime, Option<FixedOffset>)> {
    let date = parse_date(text.get(..10)?)?;
    let rest = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (&rest[..at], Some(parse_offset(&rest[at..])?)),
        None => (rest, None),
    };
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) if clock.len() == 8 => (clock, fraction),
        Some(_) => return None,
        None => (clock, "0"),
    };
    let (hour, minute, second) = match *clock.as_bytes() {
        [h1, h2, b':', m1, m2] => (number(&[h1, h2])?, number(&[m1, m2])?, 0),
        [h1, h2, b':', m1, m2, b':', s1, s2] => (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?),
        _ => return None,
    };
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let nanos = number(fraction.as_bytes())? * 10_u32.pow(9 - fraction.len() as u32);
    Some((date.and_time(NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?), offset))
}

/// The value of a date in an array: days since 1970.
pub(crate) fn date_value(text: &str) -> Option<i32> {
    parse_date(text.trim())?.num_days_from_ce().checked_sub(EPOCH)
}

/// The value of a timestamp in an array of microseconds; a date is taken at midnight, and a time with an offset is
/// converted to UTC.
pub(crate) fn timestamp_value(text: &str) -> Option<i64> {
    let midnight = || Some((parse_date(text.trim())?.and_time(NaiveTime::MIN), None));
    let (time, offset) = parse_timestamp(text.trim()).or_else(midnight)?;
    let utc = match offset {
        Some(offset) => time.checked_sub_offset(offset)?,
        None => time,
    };
    Some(utc.and_utc().timestamp_micros())
}

/// `Z`, `+01:00`, `+0100` or `+01`.
fn parse_offset(text: &str) -> Option<FixedOffset> {
    let (sign, digits) = match text.as_bytes() {
        [b'Z' | b'z'] => return FixedOffset::east_opt(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match *digits {
        [h1, h2] => (number(&[h1, h2])?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (number(&[h1, h2])?, number(&[m1, m2])?),
        _ => return None,
    };
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok().filter(|_| minutes < 60)?;
    FixedOffset::east_opt(sign * seconds)
}

/// Up to nine digits.
fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| 10 * number + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use arrow_array::{Date32Array, Decimal128Array, TimestampMillisecondArray, UInt64Array};

    use super::*;

    #[test]
    fn dates_and_times_are_read_as_written() {
        let at = |text: &str| parse_timestamp(text).map(|(time, offset)| (time.to_string(), offset));
        let plain = |text: &str| Some((text.to_owned(), None));
        assert_eq!(at("2024-02-29T12:30"), plain("2024-02-29 12:30:00"));
        assert_eq!(at("2024-02-29 12:30:05.25"), plain("2024-02-29 12:30:05.250"));
        let (_, offset) = at("2024-02-29T12:30:05-05:30").unwrap();
        assert_eq!(offset, FixedOffset::west_opt(19_800));
        assert_eq!(at("2024-02-29T12:30:05Z").unwrap().1, FixedOffset::east_opt(0));
        for wrong in [
            "2023-02-29T00:00",
            "2024-02-29",
            "2024-02-29T24:00",
            "2024-02-29T12",
            "2024-2-9T12:30",
            "2024-02-29T12:30.5",
            "2024-02-29T12:30:00.",
            "2024-02-29T12:30:00+25:00",
            "2024-02-29T12:30:00 UTC",
            "２０２４-02-29T12:30",
            "",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
        assert_eq!(parse_date("2024-02-29").map(|date| date.to_string()), Some("2024-02-29".to_owned()));
        assert_eq!((parse_date("29.02.2024"), parse_date("2024-13-01")), (None, None));
    }

    #[test]
    fn values_of_any_type_have_a_text() {
        let one = |array: &dyn Array| texts(array).unwrap().remove(0).unwrap();
        assert_eq!(one(&Date32Array::from(vec![19_782])), "2024-02-29");
        assert_eq!(one(&Date32Array::from(vec![-1])), "1969-12-31");
        assert_eq!(one(&UInt64Array::from(vec![u64::MAX])), "18446744073709551615");
        let decimals = Decimal128Array::from(vec![150]).with_precision_and_scale(9, 2).unwrap();
        assert_eq!(one(&decimals), "1.50");
        let times = || TimestampMillisecondArray::from(vec![1_709_210_096_789]);
        assert_eq!(one(&times()), "2024-02-29T12:34:56.789");
        assert_eq!(one(&times().with_timezone("UTC")), "2024-02-29T12:34:56.789Z");
        assert_eq!(one(&times().with_timezone("Asia/Kolkata")), "2024-02-29T18:04:56.789+05:30");
        assert!(texts(&times().with_timezone("Mars/Olympus")).is_err());
    }

    #[test]
    fn clocks_are_those_of_the_time_zone() {
        // 30 minutes before and after clocks in Berlin went from 2 to 3.
        let times = TimestampMillisecondArray::from(vec![
            1_711_846_800_000 - 1_800_000,
            1_711_846_800_000 + 1_800_000,
        ]);
        let hours = |array: &dyn Array| -> Vec<u32> {
            date_times(array).unwrap().into_iter().flatten().map(|time| time.hour()).collect()
        };
        assert_eq!(hours(&times.clone().with_timezone("Europe/Berlin")), [1, 3]);
        assert_eq!(hours(&times.with_timezone("-02:00")), [22, 23]);
    }
}
