//! The formats of the standard as regular expressions over the whole string.

/// The ECMA-262 pattern of the texts that `format` allows, if it is implemented.
pub(super) fn pattern(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => DATE,
        "time" => TIME,
        "date-time" => DATE_TIME,
        "duration" => DURATION,
        "email" => EMAIL,
        "ipv4" => IPV4,
        "ipv6" => IPV6,
        "uri" => URI,
        "uri-reference" => URI_REFERENCE,
        "uuid" => "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
        "json-pointer" => "(/([^~/]|~[01])*)*",
        "relative-json-pointer" => "(0|[1-9][0-9]*)(#|(/([^~/]|~[01])*)*)",
        _ => return None,
    })
}

macro_rules! date {
    () => {
        concat!(
            "([0-9]{4}-(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))",
            "|(02-(0[1-9]|1[0-9]|2[0-8])))",
            // 29 February: years that 4 divides and 100 does not, and years that 400 divides.
            "|([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
        )
    };
}

macro_rules! time {
    () => {
        concat!(
            "(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
            // A leap second is the last second of a day in UTC. At another offset that is another time of day, and to
            // tell which would take a state for each minute of the day: left out, as a narrowing.
            "|23:59:60(\\.[0-9]+)?([Zz]|[+-]00:00))"
        )
    };
}

macro_rules! clock_duration {
    () => {
        "T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S)"
    };
}

macro_rules! ipv4 {
    () => {
        concat!("((", ipv4!(octet), "\\.){3}", ipv4!(octet), ")")
    };
    (octet) => {
        "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    };
}

macro_rules! group {
    () => {
        "[0-9A-Fa-f]{1,4}"
    };
}

/// Up to `$count` groups before the one just before `::`, or none at all.
macro_rules! groups_before {
    ($count:literal) => {
        concat!("((", group!(), ":){0,", $count, "}", group!(), ")?::")
    };
}

macro_rules! last_groups {
    () => {
        concat!("(", group!(), ":", group!(), "|", ipv4!(), ")")
    };
}

macro_rules! ipv6 {
    () => {
        concat!(
            "((",
            group!(),
            ":){6}",
            last_groups!(),
            "|::(",
            group!(),
            ":){5}",
            last_groups!(),
            "|(",
            group!(),
            ")?::(",
            group!(),
            ":){4}",
            last_groups!(),
            "|",
            groups_before!(1),
            "(",
            group!(),
            ":){3}",
            last_groups!(),
            "|",
            groups_before!(2),
            "(",
            group!(),
            ":){2}",
            last_groups!(),
            "|",
            groups_before!(3),
            group!(),
            ":",
            last_groups!(),
            "|",
            groups_before!(4),
            last_groups!(),
            "|",
            groups_before!(5),
            group!(),
            "|",
            groups_before!(6),
            ")"
        )
    };
}

macro_rules! authority {
    () => {
        concat!(
            "(([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?",
            "(\\[(",
            ipv6!(),
            "|[vV][0-9A-Fa-f]+\\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)",
            "(:[0-9]*)?"
        )
    };
}

macro_rules! path_character {
    () => {
        "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
    };
}

macro_rules! uri_tail {
    () => {
        "(\\?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?(#([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
    };
}

macro_rules! segments {
    () => {
        concat!("(/", path_character!(), "*)*")
    };
}

/// What may follow the scheme or stand alone: with an authority, or an absolute path that does not open with `//`.
macro_rules! rooted {
    () => {
        concat!("//", authority!(), segments!(), "|/(", path_character!(), "+", segments!(), ")?")
    };
}

macro_rules! uri {
    () => {
        concat!("[A-Za-z][A-Za-z0-9+.-]*:(", rooted!(), "|", path_character!(), "+", segments!(), ")?", uri_tail!())
    };
}

/// RFC 3339 full-date, with the days of each month and leap years.
const DATE: &str = date!();
/// RFC 3339 full-time.
const TIME: &str = time!();
/// RFC 3339 date-time.
const DATE_TIME: &str = concat!(date!(), "[Tt]", time!());
/// RFC 3339 appendix A.
const DURATION: &str = concat!(
    "P([0-9]+W|([0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D)(",
    clock_duration!(),
    ")?|",
    clock_duration!(),
    ")"
);
/// RFC 2673 dotted-quad, without leading zeros.
const IPV4: &str = ipv4!();
/// RFC 4291 §2.2 in the form of RFC 3986's `IPv6address`.
const IPV6: &str = ipv6!();
/// RFC 3986 `URI`.
const URI: &str = uri!();
/// RFC 3986 `URI-reference`.
const URI_REFERENCE: &str = concat!(
    "(",
    uri!(),
    "|(",
    rooted!(),
    "|([A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})+",
    segments!(),
    ")?",
    uri_tail!(),
    ")"
);
/// RFC 5321 §4.1.2 `Mailbox`, without its limits on length.
const EMAIL: &str = concat!(
    "([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|\"([ !#-\\[\\]-~]|\\\\[ -~])*\")@",
    "([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*",
    "|\\[(",
    ipv4!(),
    "|[iI][pP][vV]6:",
    ipv6!(),
    ")\\])"
);

#[cfg(test)]
mod tests {
    use super::super::string::Patterns;
    use grammar_ir::{Budget, Limits};

    #[test]
    fn formats_hold_and_fail() {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        let mut patterns = Patterns::default();
        for (format, valid, invalid) in [
            (
                "date",
                &["2024-02-29", "2000-02-29", "1999-12-31", "0000-02-29"][..],
                &["2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-1-01", "2024-00-10", "২024-01-01"][..],
            ),
            (
                "time",
                &["00:00:00Z", "23:59:59.123+05:30", "23:59:60Z", "23:59:60.5-00:00"],
                &["24:00:00Z", "12:60:00Z", "12:00:60Z", "12:00:00", "12:00:00+24:00", "12:00:00.Z"],
            ),
            (
                "date-time",
                &["2024-02-29T12:00:00Z", "1963-06-19t08:30:06.283185z"],
                &["2024-02-29 12:00:00Z", "2024-02-30T12:00:00Z", "2024-02-29T12:00:00"],
            ),
            (
                "duration",
                &["P1Y2M3DT4H5M6S", "P4W", "PT36H", "P1DT12H", "P2Y"],
                &["P", "PT", "P1Y3D", "P2D1Y", "1D", "P1W2D", "PT1H3S", "P1.5D"],
            ),
            (
                "email",
                &[
                    "a@b",
                    "joe.bloggs@example.com",
                    "\"joe bloggs\"@example.com",
                    "te~st@x.y",
                    "a@[127.0.0.1]",
                    "a@[IPv6:::1]",
                ],
                &["a", "@b", "a@", ".a@b", "a.@b", "a..b@c", "a@-b", "a@b-", "a@[127.0.0.300]", "a b@c"],
            ),
            (
                "ipv4",
                &["0.0.0.0", "255.255.255.255", "87.10.0.1"],
                &["256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "1.2.3.4 "],
            ),
            (
                "ipv6",
                &[
                    "::",
                    "::1",
                    "1::",
                    "1:2:3:4:5:6:7:8",
                    "::ffff:192.168.0.1",
                    "1:2::7:8",
                    "1:2:3:4:5:6:7::",
                    "::2:3:4:5:6:7:8",
                ],
                &[
                    "",
                    "1:2:3:4:5:6:7",
                    "1:2:3:4:5:6:7:8:9",
                    "1::2::3",
                    "12345::",
                    "::1%eth0",
                    ":1",
                    "1:2:3:4:5:6:7:8::",
                    "::1.2.3",
                ],
            ),
            (
                "uri",
                &[
                    "http://a/b?c#d",
                    "urn:x",
                    "mailto:a@b",
                    "file:///etc",
                    "http://[::1]:80/",
                    "a:",
                    "http://u:p@h:/%20",
                ],
                &["//a/b", "a", "", "http://a b", "1a:b", "http://[::1", "a:%2", "http://a\\b", "http://ä", "a:#b#c"],
            ),
            (
                "uri-reference",
                &["", "//a/b", "a/b", "/x", "?q", "#f", "./a:b", "http://a"],
                &[":b", "a b", "\\\\x", "#a#b"],
            ),
            (
                "uuid",
                &["2EB8AA08-aa98-11ea-b4aa-73b441d16380"],
                &["2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08aa9811eab4aa73b441d16380"],
            ),
            ("json-pointer", &["", "/", "/a~0b/~1", "/\n"], &["a", "/~", "/~2"]),
            ("relative-json-pointer", &["0", "1/a", "10#", "0#"], &["", "/a", "01", "0##", "-1"]),
        ] {
            let language = patterns.format(format, &mut budget).unwrap();
            valid.iter().for_each(|text| assert!(language.accepts(text), "{format}: {text}"));
            invalid.iter().for_each(|text| assert!(!language.accepts(text), "{format}: {text}"));
        }
    }
}
