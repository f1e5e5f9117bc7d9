//! The table of GPT-2 that writes each byte as a printable character.
//!
//! The 188 bytes that are printable in Latin-1 are written as themselves; the other 68, in ascending order, as the
//! characters from U+0100 on. Source: `bytes_to_unicode` of the GPT-2 release; `tokenizers` calls it `ByteLevel`.

/// One more than the last character in the table, U+0143.
const END: usize = 0x100 + 68;
const NONE: u16 = u16::MAX;
const BYTES: [u16; END] = table();

const fn table() -> [u16; END] {
    let mut table = [NONE; END];
    let mut substitute = 0x100;
    let mut byte = 0;
    while byte < 256 {
        if matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF) {
            table[byte] = byte as u16;
        } else {
            table[substitute] = byte as u16;
            substitute += 1;
        }
        byte += 1;
    }
    table
}

fn byte_of(character: char) -> Option<u8> {
    BYTES.get(character as usize).and_then(|&byte| u8::try_from(byte).ok())
}

/// Appends the bytes that `piece` stands for. A piece with a character outside the table stands for its own text.
pub(super) fn decode(piece: &str, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    for character in piece.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => {
                bytes.truncate(start);
                bytes.extend_from_slice(piece.as_bytes());
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_written_once() {
        let mut written: Vec<u8> = (0..0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        written.sort_unstable();
        assert_eq!(written, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn known_characters() {
        let mut bytes = Vec::new();
        decode("ĠParisĊâĢĻ", &mut bytes);
        assert_eq!(bytes, " Paris\n’".as_bytes());
    }

    #[test]
    fn a_piece_outside_the_table_is_literal_as_a_whole() {
        let mut bytes = b"before ".to_vec();
        decode("Ġ<｜User｜>", &mut bytes);
        assert_eq!(bytes, "before Ġ<｜User｜>".as_bytes());
    }
}
