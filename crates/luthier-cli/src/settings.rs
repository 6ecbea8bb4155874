//! How a file is read, in messages: as a configuration writes it, or as the flags of a command that takes these.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use toml::{Table, Value};

/// Whether the command takes flags.
static FLAGS: AtomicBool = AtomicBool::new(false);

/// From now on, settings in messages are shown as flags.
pub(crate) fn are_flags() {
    FLAGS.store(true, Ordering::Relaxed);
}

/// A message for the user of this command. Messages about files write settings as in `[data]`: `` `decimal = ","` ``.
pub(crate) fn shown(message: &str) -> Cow<'_, str> {
    if FLAGS.load(Ordering::Relaxed) { as_flags(message) } else { Cow::Borrowed(message) }
}

fn as_flags(message: &str) -> Cow<'_, str> {
    let parts = message.split('`').enumerate();
    let flag = |(at, part): (usize, &str)| if at % 2 == 1 { flags(part) } else { None };
    if parts.clone().all(|part| flag(part).is_none()) {
        return Cow::Borrowed(message);
    }
    let parts = parts.map(|(at, part)| flag((at, part)).unwrap_or_else(|| part.to_owned()));
    Cow::Owned(parts.collect::<Vec<_>>().join("`"))
}

/// The flags for a setting, if the text is one.
fn flags(text: &str) -> Option<String> {
    if !text.contains('=') {
        return None;
    }
    let table: Table = text.parse().ok()?;
    let mut entries = table.iter();
    let (Some((key, value)), None) = (entries.next(), entries.next()) else { return None };
    let flags = match (key.as_str(), value) {
        ("format" | "delimiter" | "decimal" | "thousands" | "comment" | "encoding", Value::String(text)) => {
            vec![format!("--{key} {}", quoted(text))]
        }
        ("skip_lines" | "max_bytes", Value::Integer(number)) => {
            vec![format!("--{} {number}", key.replace('_', "-"))]
        }
        ("header", Value::Boolean(header)) => {
            vec![if *header { "--header" } else { "--no-header" }.to_owned()]
        }
        // The empty cell is always one of them.
        ("null_values", Value::Array(values)) => {
            let values = values.iter().filter_map(Value::as_str).filter(|text| !text.is_empty());
            values.map(|text| format!("--null-value {}", quoted(text))).collect()
        }
        ("types", Value::Table(types)) => {
            let declared = |(column, of): (&String, &Value)| {
                Some(format!("--type {}", quoted(&format!("{column}={}", of.as_str()?))))
            };
            types.iter().filter_map(declared).collect()
        }
        _ => return None,
    };
    (!flags.is_empty()).then(|| flags.join(" "))
}

/// A text as a shell takes it.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-=.,:/+%@".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::as_flags;

    #[test]
    fn settings_become_the_flags_of_the_command() {
        let told = "if it stands for a missing value, write `null_values = [\"\", \"NA\", \"?\", \"it's\"]`, or `types = { \"a b\" = \"number\" }`";
        assert_eq!(
            as_flags(told),
            "if it stands for a missing value, write `--null-value NA --null-value '?' --null-value 'it'\\''s'`, or `--type 'a b=number'`"
        );
        assert_eq!(
            as_flags("write `decimal = \",\"` and `header = false`"),
            "write `--decimal ,` and `--no-header`"
        );
        assert_eq!(as_flags("raise `max_bytes = 7`"), "raise `--max-bytes 7`");
        // Columns, and settings without a flag.
        for other in ["column `decimal` is text", "set `label = \"y\"`", "the column `a=b`", "`"] {
            assert_eq!(as_flags(other), other);
        }
    }
}
