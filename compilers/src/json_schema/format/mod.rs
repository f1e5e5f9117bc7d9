//! The formats of the standard as languages of whole strings.
//!
//! Some are not regular, or only with far too many states. Those are narrowed where the format must hold, which the
//! report says, and widened where it must not, so that no string is let in that should not be.

mod address;
mod hostname;
mod regular_expression;
mod time;

use grammar_ir::Budget;
use grammar_ir::regular::CharAutomaton;

use super::string;
use crate::regex;

pub(super) use regular_expression::{are_regexes, is_regex, lower_regex};

/// Which of two languages stands for a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Side {
    /// Only texts of the format.
    Inner,
    /// Every text of the format.
    Outer,
}

/// What the format leaves out of the texts that it allows, in words.
pub(super) fn narrowing(format: &str) -> Option<&'static str> {
    match format {
        "time" | "date-time" => {
            Some("time and date-time: leap seconds only at offsets that are multiples of 15 minutes")
        }
        "hostname" => {
            Some("hostname: no labels in Punycode (`xn--`), nor others with hyphens as third and fourth character")
        }
        "regex" => Some(
            "regex: no back-references, at most one named group, no `(?i:…)`; of `\\p{…}` one- and two-letter general \
             categories; ranges in a class between characters that are plainly in order",
        ),
        _ => None,
    }
}

/// The format of ECMA-262 regular expressions, which nest and are no regular language: on its own it is written as a
/// grammar.
pub(super) const REGEX: &str = "regex";

/// What `hostname` is until draft 6, which knows nothing of internationalised names: RFC 1034 and 1123 alone.
pub(super) const OLD_HOSTNAME: &str = "hostname (RFC 1123)";

/// How many characters the texts of `format` have at most, where [`language`] leaves that out: it would take a state for
/// each pair of a place in a label and a place in a name.
pub(super) fn longest(format: &str) -> Option<u32> {
    matches!(format, "hostname" | OLD_HOSTNAME).then_some(hostname::MAX_NAME)
}

/// The texts that `format` allows, if they are no longer than [`longest`], all but a few or a few more where it is not regular; or why there is no automaton.
pub(super) fn language(format: &str, side: Side, budget: &mut Budget<'_>) -> Result<CharAutomaton, String> {
    let pattern = match (format, side) {
        ("date", _) => time::DATE.to_owned(),
        ("time", Side::Inner) => time::time(),
        ("time", Side::Outer) => time::any_time(),
        ("date-time", Side::Inner) => time::date_time(&time::time()),
        ("date-time", Side::Outer) => time::date_time(&time::any_time()),
        ("duration", _) => time::duration(),
        ("email", _) => address::email(false),
        ("idn-email", _) => address::email(true),
        ("hostname", Side::Inner) => hostname::plain(true),
        (OLD_HOSTNAME, Side::Inner) => hostname::plain(false),
        ("hostname" | OLD_HOSTNAME, Side::Outer) => hostname::any(),
        ("ipv4", _) => address::ipv4(),
        ("ipv6", _) => address::ipv6(),
        ("uri", _) => address::uri(false),
        ("uri-reference", _) => address::uri_reference(false),
        ("iri", _) => address::uri(true),
        ("iri-reference", _) => address::uri_reference(true),
        ("uri-template", _) => address::uri_template(),
        ("uuid", _) => "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}".to_owned(),
        ("json-pointer", _) => "(/([^~/]|~[01])*)*".to_owned(),
        ("relative-json-pointer", _) => "(0|[1-9][0-9]*)(#|(/([^~/]|~[01])*)*)".to_owned(),
        ("idn-hostname", _) => {
            return Err("the length of an internationalised label is that of its Punycode form, which no automaton \
                        counts; use `hostname`, or a `pattern`"
                .to_owned());
        }
        (REGEX, _) => {
            return Err("regular expressions nest, so the format is enforced only where nothing else is said of the \
                        string"
                .to_owned());
        }
        _ => return Err(format!("the format `{format}` is not implemented")),
    };
    budget.check_time().map_err(|error| error.to_string())?;
    let limits = string::limits(budget);
    let options = regex::Options::new(regex::Syntax::Ecma262);
    let parsed = regex::parse(&pattern, &options, &limits).map_err(|error| error.to_string())?;
    regex::to_automaton(&parsed, regex::Anchoring::Whole, &mut grammar_ir::Budget::new(&limits))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::string::Patterns;
    use super::OLD_HOSTNAME;
    use super::Side;
    use grammar_ir::{Budget, Limits};

    #[test]
    fn formats_hold_and_fail() {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits);
        let mut patterns = Patterns::default();
        let (long_label, too_long_label) = ("a".repeat(63), "a".repeat(64));
        let long_name = "a.".repeat(126) + "a";
        for (format, valid, invalid) in [
            (
                "date",
                &["2024-02-29", "2000-02-29", "1999-12-31", "0000-02-29"][..],
                &["2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-1-01", "2024-00-10", "২024-01-01"][..],
            ),
            (
                "time",
                &[
                    "00:00:00Z",
                    "23:59:59.123+05:30",
                    "23:59:60Z",
                    "23:59:60.5-00:00",
                    "15:59:60-08:00",
                    "05:29:60+05:30",
                ],
                &["24:00:00Z", "12:60:00Z", "12:00:60Z", "23:59:60+01:00", "12:00:00", "12:00:00+24:00", "12:00:00.Z"],
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
            (
                "hostname",
                &["a", "www.example.com", "a-b.c", "1host", "a--b.com", &long_label, &long_name],
                &["", ".", "a.", ".a", "-a", "a-", "a_b", "ab--c", "xn--X", "a..b", &too_long_label],
            ),
            (
                "idn-email",
                &["실례@실례.테스트", "δοκιμή@example.com", "\"δοκιμή\"@a", "\u{85}@a", "𝕏@example.com"],
                &["2962", "user＠example.com", "é", "a b@c"],
            ),
            (
                "iri",
                &["http://ƒøø.ßår/?∂éœ=πîx#πîüx", "http://[V1.fe]", "http://ƒ/?q=\u{f0000}", "urn:a:b"],
                &["/abc", "âππ", "\\\\WINDOWS\\filëßåré", "http://ƒ/\u{f0000}", "http://a/\n"],
            ),
            ("iri-reference", &["âππ", "#ƒrägmênt", "//ƒ/?∂"], &["#ƒräg\\mênt", "é é"]),
            (
                "uri-template",
                &["", "http://a/{term:1}/{+b*,c}", "{?x,y}", "{%41}", "a'b", "{v:1000}", "a😀b"],
                &["{", "{}", "{a,,b}", "{v:0}", "{v:10000}", "foo}", "{a..b}", "a b", "{var=def}", "{,+var}"],
            ),
            (OLD_HOSTNAME, &["ab--c.d", "xn--4gbwdl.xn--wgbh1c"], &["-a", "a-", "a_b", "a..b", &too_long_label]),
            ("relative-json-pointer", &["0", "1/a", "10#", "0#"], &["", "/a", "01", "0##", "-1"]),
        ] {
            let language = patterns.format(format, Side::Inner, &mut budget).unwrap();
            valid.iter().for_each(|text| assert!(language.accepts(text), "{format}: {text}"));
            invalid.iter().for_each(|text| assert!(!language.accepts(text), "{format}: {text}"));
        }
    }
}
