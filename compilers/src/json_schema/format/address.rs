//! Addresses: IP addresses, mailboxes, URIs and IRIs, URI templates.

/// The hexadecimal groups of an IPv6 address.
const GROUP: &str = "[0-9A-Fa-f]{1,4}";
const PERCENT_ENCODED: &str = "%[0-9A-Fa-f]{2}";

/// The characters beyond ASCII that RFC 3987 allows: `ucschar`.
const IRI_CHARACTERS: [(u32, u32); 17] = [
    (0xa0, 0xd7ff),
    (0xf900, 0xfdcf),
    (0xfdf0, 0xffef),
    (0x1_0000, 0x1_fffd),
    (0x2_0000, 0x2_fffd),
    (0x3_0000, 0x3_fffd),
    (0x4_0000, 0x4_fffd),
    (0x5_0000, 0x5_fffd),
    (0x6_0000, 0x6_fffd),
    (0x7_0000, 0x7_fffd),
    (0x8_0000, 0x8_fffd),
    (0x9_0000, 0x9_fffd),
    (0xa_0000, 0xa_fffd),
    (0xb_0000, 0xb_fffd),
    (0xc_0000, 0xc_fffd),
    (0xd_0000, 0xd_fffd),
    (0xe_1000, 0xe_fffd),
];
/// Those that it allows in a query only: `iprivate`.
const IRI_PRIVATE: [(u32, u32); 3] = [(0xe000, 0xf8ff), (0xf_0000, 0xf_fffd), (0x10_0000, 0x10_fffd)];

/// Ranges as the inside of a character class.
fn class(ranges: &[(u32, u32)]) -> String {
    let bounds = ranges.iter().filter_map(|&(low, high)| Some((char::from_u32(low)?, char::from_u32(high)?)));
    bounds.map(|(low, high)| format!("{low}-{high}")).collect()
}

/// RFC 2673 dotted-quad, without leading zeros.
pub(super) fn ipv4() -> String {
    const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    format!("(({OCTET}\\.){{3}}{OCTET})")
}

/// RFC 4291 §2.2 in the form of RFC 3986's `IPv6address`.
pub(super) fn ipv6() -> String {
    let last = format!("({GROUP}:{GROUP}|{})", ipv4());
    let mut forms = vec![format!("({GROUP}:){{6}}{last}"), format!("::({GROUP}:){{5}}{last}")];
    // Up to `before` groups and then `::`, where the last two groups may be an IPv4 address.
    for before in 1..=5 {
        let groups = format!("(({GROUP}:){{0,{}}}{GROUP})?::", before - 1);
        forms.push(format!("{groups}({GROUP}:){{{}}}{last}", 5 - before));
    }
    forms.push(format!("(({GROUP}:){{0,5}}{GROUP})?::{GROUP}"));
    forms.push(format!("(({GROUP}:){{0,6}}{GROUP})?::"));
    format!("({})", forms.join("|"))
}

/// RFC 5321 §4.1.2 `Mailbox`, or RFC 6531's when `international`, without their limits on length. Labels beyond ASCII
/// are any such characters: which of them IDNA allows is left to `idn-hostname`.
pub(super) fn email(international: bool) -> String {
    let other = if international { class(&[(0x80, 0x10_ffff)]) } else { String::new() };
    let atom = format!("[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{other}-]+");
    let letter = format!("[A-Za-z0-9{other}]");
    let label = format!("{letter}([A-Za-z0-9{other}-]*{letter})?");
    format!(
        "({atom}(\\.{atom})*|\"([ !#-\\[\\]-~{other}]|\\\\[ -~])*\")@({label}(\\.{label})*|\\[({}|[iI][pP][vV]6:{})\\])",
        ipv4(),
        ipv6()
    )
}

/// The parts of RFC 3986, or of RFC 3987 with its characters beyond ASCII.
struct Identifiers {
    /// Characters beyond ASCII, as the inside of a class.
    other: String,
    /// More of them, in a query.
    private: String,
}

impl Identifiers {
    fn new(international: bool) -> Self {
        if international {
            Self { other: class(&IRI_CHARACTERS), private: class(&IRI_PRIVATE) }
        } else {
            Self { other: String::new(), private: String::new() }
        }
    }

    /// One character: unreserved, a delimiter, `more`, or percent-encoded.
    fn character(&self, more: &str) -> String {
        format!("([A-Za-z0-9._~!$&'()*+,;={}{more}-]|{PERCENT_ENCODED})", self.other)
    }

    fn segments(&self) -> String {
        format!("(/{}*)*", self.character(":@"))
    }

    /// What may follow the scheme or stand alone: with an authority, or an absolute path that does not open with `//`.
    fn rooted(&self) -> String {
        let authority = format!(
            "({}*@)?(\\[({}|[vV][0-9A-Fa-f]+\\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\\]|{}*)(:[0-9]*)?",
            self.character(":"),
            ipv6(),
            self.character("")
        );
        format!("//{authority}{}|/({}+{})?", self.segments(), self.character(":@"), self.segments())
    }

    fn tail(&self) -> String {
        let query = self.character(&format!(":@/?{}", self.private));
        format!("(\\?{query}*)?(#{}*)?", self.character(":@/?"))
    }

    fn absolute(&self) -> String {
        let rootless = format!("{}+{}", self.character(":@"), self.segments());
        format!("[A-Za-z][A-Za-z0-9+.-]*:({}|{rootless})?{}", self.rooted(), self.tail())
    }
}

/// RFC 3986 `URI`, or RFC 3987 `IRI` when `international`.
pub(super) fn uri(international: bool) -> String {
    Identifiers::new(international).absolute()
}

/// RFC 3986 `URI-reference`, or RFC 3987 `IRI-reference` when `international`.
pub(super) fn uri_reference(international: bool) -> String {
    let parts = Identifiers::new(international);
    let relative = format!("{}|{}+{}", parts.rooted(), parts.character("@"), parts.segments());
    format!("({}|({relative})?{})", parts.absolute(), parts.tail())
}

/// RFC 6570 `URI-Template`, with the apostrophe that its erratum 6937 adds to literals.
pub(super) fn uri_template() -> String {
    let other = class(&IRI_CHARACTERS) + &class(&IRI_PRIVATE);
    let literal = format!("[!#$&'(-;=?-\\[\\]_a-z~{other}]|{PERCENT_ENCODED}");
    let character = format!("([A-Za-z0-9_]|{PERCENT_ENCODED})");
    let variable = format!("{character}(\\.?{character})*(:[1-9][0-9]{{0,3}}|\\*)?");
    format!("({literal}|\\{{[+#./;?&=,!@|]?{variable}(,{variable})*\\}})*")
}
