//! Numbers and booleans as they are written in text.

use std::borrow::Cow;

use super::CsvOptions;

/// How numbers are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NumberFormat {
    decimal: char,
    thousands: Option<char>,
}

/// The size of a number without fraction and exponent, as far as it matters for storing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    I64,
    /// Beyond `i64`, within `u64`.
    U64,
    /// Beyond both.
    Large,
}

impl NumberFormat {
    pub(crate) fn new(options: &CsvOptions) -> Self {
        Self { decimal: options.decimal, thousands: options.thousands }
    }

    /// The number in Rust's notation; `None` if the text is not a number.
    pub(crate) fn plain(self, text: &str) -> Option<Cow<'_, str>> {
        let text = text.trim();
        if self.decimal == '.' && self.thousands.is_none() {
            return Some(Cow::Borrowed(text));
        }
        let mut parts = text.splitn(2, self.decimal);
        let (whole, fraction) = (parts.next()?, parts.next());
        let mut plain = self.without_groups(whole)?.into_owned();
        if self.decimal != '.' && plain.contains('.') {
            return None;
        }
        if let Some(fraction) = fraction {
            if fraction.contains(['.', self.decimal]) {
                return None;
            }
            plain.push('.');
            plain.push_str(fraction);
        }
        Some(Cow::Owned(plain))
    }

    /// Removes group separators, if they are in the right positions.
    fn without_groups(self, whole: &str) -> Option<Cow<'_, str>> {
        let separates = |c: char| match self.thousands {
            Some(' ') => matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
            thousands => thousands == Some(c),
        };
        if !whole.contains(separates) {
            return Some(Cow::Borrowed(whole));
        }
        let mut groups = whole.split(separates);
        let first = groups.next()?;
        let mut plain = first.to_owned();
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = first.strip_prefix(['+', '-']).unwrap_or(first);
        if !(1..=3).contains(&unsigned.len()) || !digits(unsigned) {
            return None;
        }
        let groups: Vec<&str> = groups.collect();
        for (at, group) in groups.iter().enumerate() {
            let is_last = at + 1 == groups.len();
            if !(digits(group) && (group.len() == 3 || group.len() == 2 && !is_last)) {
                return None;
            }
            plain.push_str(group);
        }
        Some(Cow::Owned(plain))
    }

    pub(crate) fn f64(self, text: &str) -> Option<f64> {
        self.plain(text)?.parse().ok()
    }

    pub(crate) fn i64(self, text: &str) -> Option<i64> {
        self.plain(text)?.parse().ok()
    }

    pub(crate) fn u64(self, text: &str) -> Option<u64> {
        self.plain(text)?.parse().ok()
    }
}

/// The size of an integer; `None` if the text is not one.
pub(crate) fn whole(plain: &str) -> Option<Whole> {
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(plain);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match () {
        () if digits.len() <= 18 || plain.parse::<i64>().is_ok() => Whole::I64,
        () if plain.parse::<u64>().is_ok() => Whole::U64,
        () => Whole::Large,
    })
}

/// Whether a number has a leading zero, as codes do: `007`, `001.1`, but not `0.5`.
pub(crate) fn has_leading_zero(plain: &str) -> bool {
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(plain).as_bytes();
    matches!(digits, [b'0', next, ..] if next.is_ascii_digit())
}

pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.trim() {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_other_countries() {
        let german = NumberFormat { decimal: ',', thousands: Some('.') };
        for (text, value) in [
            ("1,5", Some(1.5)),
            (" -1.234.567,25 ", Some(-1_234_567.25)),
            ("1e3", Some(1000.0)),
            ("1,5e-3", Some(0.0015)),
            ("12.345", Some(12345.0)),
            ("1.5", None),
            ("1234.567", None),
            ("1,234.5", None),
            ("1,2,3", None),
            (".123", None),
            ("", None),
        ] {
            assert_eq!(german.f64(text), value, "{text:?}");
        }
        let comma = NumberFormat { decimal: ',', thousands: None };
        assert_eq!((comma.f64("1.5"), comma.f64("1,5"), comma.i64("7")), (None, Some(1.5), Some(7)));
        let english = NumberFormat { decimal: '.', thousands: Some(',') };
        assert_eq!(
            (english.f64("1,234.5"), english.i64("12,34,567"), english.i64("1,23")),
            (Some(1234.5), Some(1_234_567), None)
        );
        let french = NumberFormat { decimal: ',', thousands: Some(' ') };
        assert_eq!(french.f64("1\u{202f}234\u{a0}567,5"), Some(1_234_567.5));
    }

    #[test]
    fn integers_of_any_size() {
        for (text, expected) in [
            ("-9223372036854775808", Some(Whole::I64)),
            ("9223372036854775808", Some(Whole::U64)),
            ("18446744073709551615", Some(Whole::U64)),
            ("18446744073709551616", Some(Whole::Large)),
            ("-9223372036854775809", Some(Whole::Large)),
            ("1.0", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(whole(text), expected, "{text}");
        }
        let zeros = ["007", "-01", "001.1", "00"].map(has_leading_zero);
        assert_eq!(zeros, [true; 4]);
        assert_eq!(["0", "0.5", "10", "0e5", "-0"].map(has_leading_zero), [false; 5]);
    }
}
