//! The formats of the standard as regular expressions over the whole string.

/// The ECMA-262 pattern of the texts that `format` allows, if it is implemented.
pub(super) fn pattern(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => DATE,
        "time" => TIME,
        "date-time" => DATE_TIME,
        "uuid" => "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
        "ipv4" => IPV4,
        "json-pointer" => "(/([^~/]|~[01])*)*",
        "relative-json-pointer" => "(0|[1-9][0-9]*)(#|(/([^~/]|~[01])*)*)",
        _ => return None,
    })
}

macro_rules! leap_years {
    () => {
        "([0-9][0-9](0[48]|[2468][048]|[13579][26])|(0[048]|[2468][048]|[13579][26])00)-02-29"
    };
}

macro_rules! date {
    () => {
        concat!(
            "([0-9]{4}-(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))",
            "|(02-(0[1-9]|1[0-9]|2[0-8])))|",
            leap_years!(),
            ")"
        )
    };
}

macro_rules! offset_minutes {
    () => {
        "[+-]([01][0-9]|2[0-3]):[0-5][0-9]"
    };
}

/// RFC 3339 full-date with the days of each month and leap years.
const DATE: &str = date!();
const TIME: &str = concat!("([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?([Zz]|", offset_minutes!(), ")");
const DATE_TIME: &str =
    concat!(date!(), "[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?([Zz]|", offset_minutes!(), ")");
/// RFC 2673 dotted-quad without leading zeros.
const IPV4: &str = "((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
