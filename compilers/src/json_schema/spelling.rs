//! How a character is written inside a JSON string.

use grammar_ir::regular::{Spelling, Utf8};
use grammar_ir::{ByteSet, CharSet, ExprId, GrammarBuilder};

/// The inside of a JSON string (RFC 8259 §7): a character is written as itself unless it is `"`, `\` or a control
/// character, by its short escape if it has one, or as `\uXXXX` with hexadecimal digits of either case, outside the
/// basic plane as two of them. Lone surrogates stand for no character and have no spelling.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonString;

/// Characters with a two-character escape, and its second character.
pub(super) const SHORT_ESCAPES: [(char, u8); 8] = [
    ('"', b'"'),
    ('\\', b'\\'),
    ('/', b'/'),
    ('\u{8}', b'b'),
    ('\u{c}', b'f'),
    ('\n', b'n'),
    ('\r', b'r'),
    ('\t', b't'),
];

/// What a byte of an escape may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// This byte.
    Byte(u8),
    /// The hexadecimal digits of this range of values, in either case.
    Digits(u32, u32),
}

impl Place {
    fn bytes(self) -> ByteSet {
        match self {
            Self::Byte(byte) => ByteSet::range(byte, byte),
            Self::Digits(first, last) => {
                let mut digits = ByteSet::EMPTY;
                if first <= 9 {
                    digits.insert_range(b'0' + first as u8, b'0' + last.min(9) as u8);
                }
                if last >= 10 {
                    for letter in [b'A', b'a'] {
                        digits.insert_range(letter + (first.max(10) - 10) as u8, letter + (last - 10) as u8);
                    }
                }
                digits
            }
        }
    }
}

impl Spelling for JsonString {
    fn sequences(&self, set: &CharSet) -> Vec<Vec<ByteSet>> {
        let mut sequences = Utf8.sequences(&set.difference(&must_escape()));
        sequences.extend(escapes(set).into_iter().map(|escape| escape.into_iter().map(Place::bytes).collect()));
        sequences
    }

    fn class(&self, builder: &mut GrammarBuilder, set: &CharSet) -> ExprId {
        let mut arms = vec![builder.class(set.difference(&must_escape()))];
        for escape in escapes(set) {
            let places: Vec<ExprId> = escape
                .into_iter()
                .map(|place| match place {
                    Place::Byte(byte) => builder.bytes(&[byte]),
                    Place::Digits(..) => builder.byte_set(place.bytes()),
                })
                .collect();
            arms.push(builder.sequence(places));
        }
        builder.choice(arms)
    }
}

/// The characters that never stand for themselves.
fn must_escape() -> CharSet {
    CharSet::from_ranges([('\0', '\u{1f}'), ('"', '"'), ('\\', '\\')])
}

/// The escapes of the characters of `set`.
fn escapes(set: &CharSet) -> Vec<Vec<Place>> {
    let mut escapes = Vec::new();
    for (character, letter) in SHORT_ESCAPES {
        if set.contains(character) {
            escapes.push(vec![Place::Byte(b'\\'), Place::Byte(letter)]);
        }
    }
    for &(low, high) in set.ranges() {
        let (low, high) = (low as u32, high as u32);
        for unit in units(low, high.min(0xd7ff)).chain(units(low.max(0xe000), high.min(0xffff))) {
            escapes.push(unit.to_vec());
        }
        pairs(low.max(0x1_0000), high, &mut escapes);
    }
    escapes
}

/// The escapes of the 16-bit numbers in `low..=high`.
fn units(low: u32, high: u32) -> impl Iterator<Item = [Place; 6]> {
    let blocks = if low <= high { digit_blocks(low, high) } else { Vec::new() };
    blocks.into_iter().map(|block| {
        let [first, second, third, fourth] = block.map(|(first, last)| Place::Digits(first, last));
        [Place::Byte(b'\\'), Place::Byte(b'u'), first, second, third, fourth]
    })
}

/// The surrogate pairs of the characters in `low..=high` (outside the basic plane).
fn pairs(low: u32, high: u32, escapes: &mut Vec<Vec<Place>>) {
    if low > high {
        return;
    }
    let (low, high) = (low - 0x1_0000, high - 0x1_0000);
    let mut push = |leads: (u32, u32), trails: (u32, u32)| {
        for lead in units(0xd800 + leads.0, 0xd800 + leads.1) {
            escapes.extend(units(0xdc00 + trails.0, 0xdc00 + trails.1).map(|trail| [lead, trail].concat()));
        }
    };
    let (mut first, mut last) = (low >> 10, high >> 10);
    let (first_trail, last_trail) = (low & 0x3ff, high & 0x3ff);
    if first == last {
        return push((first, first), (first_trail, last_trail));
    }
    if first_trail != 0 {
        push((first, first), (first_trail, 0x3ff));
        first += 1;
    }
    if last_trail != 0x3ff {
        push((last, last), (0, last_trail));
        last -= 1;
    }
    if first <= last {
        push((first, last), (0, 0x3ff));
    }
}

/// `low..=high` as blocks with one range per hexadecimal digit.
fn digit_blocks(mut low: u32, high: u32) -> Vec<[(u32, u32); 4]> {
    let mut blocks = Vec::new();
    while low <= high {
        // The largest aligned power-of-16 span that starts at `low`, and as many of them as fit.
        let mut shift = 0;
        while shift < 12 && low.is_multiple_of(1 << (shift + 4)) && low + (1 << (shift + 4)) - 1 <= high {
            shift += 4;
        }
        let digit = (low >> shift) & 0xf;
        let count = ((high - low + 1) >> shift).min(16 - digit);
        let mut block = [(0, 15); 4];
        for (index, entry) in block.iter_mut().enumerate() {
            let position = 12 - 4 * index as u32;
            if position > shift {
                *entry = ((low >> position) & 0xf, (low >> position) & 0xf);
            } else if position == shift {
                *entry = (digit, digit + count - 1);
            }
        }
        blocks.push(block);
        low += count << shift;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(sequences: &[Vec<ByteSet>], text: &[u8]) -> usize {
        let fits = |sequence: &&Vec<ByteSet>| {
            sequence.len() == text.len() && sequence.iter().zip(text).all(|(bytes, &byte)| bytes.contains(byte))
        };
        sequences.iter().filter(fits).count()
    }

    /// Every spelling that a JSON parser reads as `character`.
    fn spellings(character: char) -> Vec<String> {
        let mut texts = Vec::new();
        if character >= ' ' && character != '"' && character != '\\' {
            texts.push(character.to_string());
        }
        for (escaped, letter) in SHORT_ESCAPES {
            if escaped == character {
                texts.push(format!("\\{}", char::from(letter)));
            }
        }
        let mut units = [0; 2];
        let units = character.encode_utf16(&mut units);
        texts.push(units.iter().map(|unit| format!("\\u{unit:04x}")).collect());
        texts.push(units.iter().map(|unit| format!("\\u{unit:04X}")).collect());
        texts.sort();
        texts.dedup();
        texts
    }

    #[test]
    fn each_spelling_is_listed_once_and_only_for_members() {
        let sets = [
            CharSet::full(),
            CharSet::empty(),
            CharSet::single('/'),
            CharSet::from_ranges([('\0', '\u{1f}'), ('a', 'f'), ('\u{d7fe}', '\u{e001}')]),
            CharSet::range('\u{1234}', '\u{2a0b}'),
            CharSet::range('\u{ffff}', '\u{1_0400}'),
            CharSet::range('\u{1_03ff}', '\u{2_0001}'),
            CharSet::range('\u{1_0001}', '\u{10_fffe}'),
        ];
        let probes: Vec<char> = (0..0x11_0000u32)
            .step_by(977)
            .chain([0, 8, 9, 0x1f, 0x20, 0x22, 0x2f, 0x5c, 0x61, 0x66, 0x67, 0x7f, 0xd7fd, 0xd7fe, 0xd7ff, 0xe000])
            .chain([0xe001, 0xe002, 0x1233, 0x1234, 0x2a0b, 0x2a0c, 0xfffe, 0xffff, 0x1_0000, 0x1_0001, 0x1_0400])
            .chain([0x1_0401, 0x1_03fe, 0x1_03ff, 0x2_0001, 0x2_0002, 0x10_fffe, 0x10_ffff])
            .filter_map(char::from_u32)
            .collect();
        for set in sets {
            let sequences = JsonString.sequences(&set);
            for &probe in &probes {
                for text in spellings(probe) {
                    let read: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
                    assert_eq!(read, probe.to_string());
                    assert_eq!(matches(&sequences, text.as_bytes()), usize::from(set.contains(probe)), "{text}");
                }
            }
        }
        let all = JsonString.sequences(&CharSet::full());
        for text in ["\\ud800", "\\udfff", "\\ud800\\u0041", "\"", "\\", "\n", "\\x"] {
            assert_eq!(matches(&all, text.as_bytes()), 0, "{text}");
        }
        assert!(all.len() < 50);
    }

    #[test]
    fn expressions_and_sequences_agree() {
        let set = CharSet::from_ranges([('\t', '\t'), ('+', '?'), ('\u{ff}', '\u{1_0fff}')]);
        let mut builder = GrammarBuilder::new();
        let root = builder.declare("root");
        let body = JsonString.class(&mut builder, &set);
        builder.define(root, body);
        let grammar = builder.finish(root).unwrap();
        let probes = ['\t', '\n', '*', '+', '/', '?', '@', '\u{fe}', '\u{ff}', '\u{d7ff}', '\u{1_0fff}', '\u{1_1000}'];
        for text in probes.iter().flat_map(|&probe| spellings(probe)) {
            let listed = matches(&JsonString.sequences(&set), text.as_bytes()) > 0;
            assert_eq!(grammar_ir::interp::accepts(&grammar, text.as_bytes()), listed, "{text}");
        }
    }
}
