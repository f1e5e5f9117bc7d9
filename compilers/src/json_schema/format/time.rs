//! RFC 3339: dates, times, and durations.

/// `full-date`, with the days of each month and leap years.
pub(super) const DATE: &str = concat!(
    "([0-9]{4}-(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))",
    "|(02-(0[1-9]|1[0-9]|2[0-8])))",
    // 29 February: years that 4 divides and 100 does not, and years that 400 divides.
    "|([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
);

/// A time and an offset, leap seconds aside.
const ORDINARY: &str = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";

const MINUTES_A_DAY: u32 = 24 * 60;
/// Offsets from UTC that leap seconds are written at. Every offset in use since 1972, when there first was a leap
/// second, is a multiple of it; at any minute the automaton would be fifteen times as large.
const OFFSET_STEP: usize = 15;

/// `full-time`. A leap second is the last second of a day in UTC, which is another time of day at another offset.
pub(super) fn time() -> String {
    let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let leap = |offset: u32| {
        let (local, west) = ((MINUTES_A_DAY - 1 + offset) % MINUTES_A_DAY, (MINUTES_A_DAY - offset) % MINUTES_A_DAY);
        let utc = if offset == 0 { "[Zz]|" } else { "" };
        format!("{}:60(\\.[0-9]+)?({utc}\\+{}|-{})", clock(local), clock(offset), clock(west))
    };
    let leaps: Vec<String> = (0..MINUTES_A_DAY).step_by(OFFSET_STEP).map(leap).collect();
    format!("({ORDINARY}|{})", leaps.join("|"))
}

/// What [`time`] narrows: a leap second at any offset.
pub(super) fn any_time() -> String {
    format!("({ORDINARY}|([01][0-9]|2[0-3]):[0-5][0-9]:60(\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))")
}

/// `date-time`, with `time` for its second part.
pub(super) fn date_time(time: &str) -> String {
    format!("{DATE}[Tt]{time}")
}

const CLOCK: &str = "T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S)";

/// Appendix A.
pub(super) fn duration() -> String {
    format!("P([0-9]+W|([0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D)({CLOCK})?|{CLOCK})")
}
