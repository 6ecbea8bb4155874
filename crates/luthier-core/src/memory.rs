//! Free memory, and checks against it.

pub use crate::byte_size::in_words;
use crate::{Error, Result};

/// Smaller requests are always accepted.
const SMALL: u64 = 1 << 26;

/// The number of free bytes, including swap: what Linux reports as available, limited by what is left of the process's own
/// limits. `None` if the system does not report it.
pub fn free() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let free = entry_of(&meminfo, "MemAvailable")?;
    let free = free.saturating_add(entry_of(&meminfo, "SwapFree").unwrap_or(0));
    Some([left_of_limit(), left_of_addresses()].into_iter().flatten().fold(free, u64::min))
}

/// The number of bytes of memory that the machine has, limited by what the process's control group may take. `None` if the
/// system does not report it.
pub fn total() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = entry_of(&meminfo, "MemTotal")?;
    Some(group("max").map_or(total, |limit| limit.min(total)))
}

/// An entry of `/proc/meminfo`, or of a file like it, in bytes.
fn entry_of(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// A number of the process's control group.
fn group(file: &str) -> Option<u64> {
    std::fs::read_to_string(format!("/sys/fs/cgroup/memory.{file}")).ok()?.trim().parse().ok()
}

/// What is left of the limit on the process's control group (cgroup v2), if there is one. Cached files count as free: the
/// system drops them when memory is needed.
fn left_of_limit() -> Option<u64> {
    let limit = group("max")?;
    let used = group("current").unwrap_or(0);
    let stat = std::fs::read_to_string("/sys/fs/cgroup/memory.stat").unwrap_or_default();
    let cached = |name: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse::<u64>().ok()
    };
    let cached = ["inactive_file", "active_file"].into_iter().filter_map(cached).sum();
    Some(limit.saturating_sub(used.saturating_sub(cached)))
}

/// What is left of the address space (`ulimit -v`), if it is limited.
fn left_of_addresses() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit = limit.split_whitespace().next()?.parse::<u64>().ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    Some(limit.saturating_sub(entry_of(&status, "VmSize").unwrap_or(0)))
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
}
