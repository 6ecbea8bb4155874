//! What a process has needed.

use anyhow::Context;

/// The largest resident set of this process so far, in bytes (`VmHWM`).
///
/// # Errors
/// Where `/proc/self/status` does not tell, which is everywhere but on Linux.
pub fn peak_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")).context("no VmHWM in the status")?;
    Ok(kilobytes.trim().parse::<u64>()? * 1024)
}
