//! What was measured, as text.

use std::fmt::Write;

use super::load::Observed;
use super::traffic::Kind;
use crate::maskbench::percentile::Distribution;

/// The resident size of the server at a time, in seconds and bytes.
pub(super) type Sample = (f64, u64);

/// The report on traffic without and with hostile requests.
pub(super) fn report(without: &Observed, with: &Observed, memory: &[Sample]) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "latency in ms, whole answers; each: without → with hostile requests");
    let _ = writeln!(text, "{:18} {:>15} {:>21} {:>21} {:>7}", "kind", "answers", "p50", "p99", "ratio");
    let mut line = |name: &str, before: Distribution, after: Distribution| {
        let pair =
            |quantile: f64| format!("{:.0} → {:.0}", before.quantile(quantile) * 1e3, after.quantile(quantile) * 1e3);
        let answers = format!("{} → {}", before.len(), after.len());
        let ratio = after.quantile(0.99) / before.quantile(0.99);
        let _ = writeln!(text, "{name:18} {answers:>15} {:>21} {:>21} {ratio:>7.2}", pair(0.5), pair(0.99));
    };
    let of = |observed: &Observed, kind: Kind| observed.latencies.get(&kind).into_iter().flatten().copied().collect();
    for kind in Kind::ORDINARY.into_iter().chain([Kind::Cancelled, Kind::Hostile]) {
        line(kind.name(), of(without, kind), of(with, kind));
    }
    line("all but the last 2", without.ordinary().collect(), with.ordinary().collect());
    let _ = writeln!(
        text,
        "cut off and said so: {}; hostile requests refused: {}; faults: {}",
        without.truncated + with.truncated,
        without.refused + with.refused,
        without.faults.len() + with.faults.len()
    );
    for fault in without.faults.iter().chain(&with.faults).take(10) {
        let _ = writeln!(text, "fault: {}", fault.chars().take(600).collect::<String>());
    }
    let _ = write!(text, "resident size of the server in MB:");
    for (time, bytes) in memory {
        let _ = write!(text, " {time:.0}s {:.0}", *bytes as f64 / 1e6);
    }
    text.push('\n');
    text
}
