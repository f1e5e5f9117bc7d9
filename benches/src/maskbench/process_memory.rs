//! Peak memory of a process, on systems with Linux's `/proc`.

use std::fs;

/// The largest resident size of a process since it began or since [`reset_own_peak`], in bytes.
pub(super) fn peak(process: &str) -> Option<u64> {
    field(process, "VmHWM:")
}

/// The resident size of a process, in bytes.
pub(crate) fn resident(process: &str) -> Option<u64> {
    field(process, "VmRSS:")
}

/// Begins anew with the peak of this process.
pub(super) fn reset_own_peak() {
    // Where this does not work, peaks are those since the process began: larger, never smaller.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn field(process: &str, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}
