//! RFC 1123 host names.

/// Characters in a label at most (RFC 1034 §3.1).
const MAX_LABEL: u8 = 63;
/// Characters in a name at most: 255 octets on the wire, where each label has its length before it and the root's is 0.
pub(super) const MAX_NAME: u32 = 253;

/// A pattern of the names that conform if they have at most [`MAX_NAME`] characters: labels of letters, digits and inner
/// hyphens. Where IDNA `reserves` labels with hyphens in the third and fourth place, these are left out: they are A-labels,
/// which Punycode must decode.
pub(super) fn plain(reserves: bool) -> String {
    let reserved = if reserves { "(?!..--)" } else { "" };
    let label = format!("{reserved}{}", label());
    format!("{label}(\\.{label})*")
}

/// A pattern of every name that may conform, A-labels of any kind included.
pub(super) fn any() -> String {
    let label = label();
    format!("{label}(\\.{label})*")
}

fn label() -> String {
    format!("[A-Za-z0-9]([A-Za-z0-9-]{{0,{}}}[A-Za-z0-9])?", MAX_LABEL - 2)
}
