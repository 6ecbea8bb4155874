//! Numbers of bytes as messages tell them.

/// Formats a number of bytes: exactly if it is a whole number of units, otherwise with three digits.
pub fn in_words(bytes: u64) -> String {
    let units =
        [("GiB", 1u64 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000), ("kB", 1_000)];
    if let Some((unit, size)) = units.iter().find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size)) {
        return format!("{} {unit}", bytes / size);
    }
    match units.iter().filter(|(unit, _)| !unit.contains('i')).find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => {
            let value = bytes as f64 / *size as f64;
            let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
            format!("{value:.digits$} {unit}")
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(in_words(8_160_800), "8.16 MB");
        assert_eq!(in_words(81_608), "81.6 kB");
        assert_eq!(in_words(2 << 30), "2 GiB");
        assert_eq!(in_words(400_000_000), "400 MB");
    }
}
