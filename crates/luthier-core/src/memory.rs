//! Free memory, and checks against it.

use crate::{Error, Result};

/// Smaller requests are always accepted.
const SMALL: u64 = 1 << 26;

/// The number of free bytes, including swap: what Linux reports as available, limited by what is left of the process's own
/// limit. `None` if the system does not report it.
pub fn free() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let entry = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    let free = entry("MemAvailable")?.saturating_add(entry("SwapFree").unwrap_or(0));
    let number = |file: &str| std::fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max")
        .map(|limit| limit.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)));
    Some(limit.map_or(free, |limit| limit.min(free)))
}

/// Rejects a request for more memory than is free, before it is allocated. `what` returns what needs the memory and what to
/// do instead, for example `("10000000000 splits", "lower `num_buckets`")`.
///
/// # Errors
/// [`Error::Memory`] with both sizes.
pub fn require(bytes: u64, what: impl FnOnce() -> (String, String)) -> Result<()> {
    if bytes <= SMALL {
        return Ok(());
    }
    match free() {
        Some(free) if bytes > free => {
            let (what, advice) = what();
            Err(Error::Memory { what, bytes, free, advice })
        }
        _ => Ok(()),
    }
}

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
    fn what_does_not_fit_is_refused_with_both_sizes() {
        let what = || ("10 splits".to_owned(), "lower it".to_owned());
        assert!(require(1000, what).is_ok());
        let message = require(u64::MAX, what).unwrap_err().to_string();
        assert!(
            message.starts_with("10 splits would take about 18446744074 GB of memory, but only "),
            "{message}"
        );
        assert!(message.ends_with(" are free: lower it"), "{message}");
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(in_words(8_160_800), "8.16 MB");
        assert_eq!(in_words(81_608), "81.6 kB");
        assert_eq!(in_words(2 << 30), "2 GiB");
        assert_eq!(in_words(400_000_000), "400 MB");
    }
}
