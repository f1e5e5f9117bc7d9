//! Checksums: they find damage, not forgery.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The checksum of `bytes` (XXH3, 64 bits).
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// A key by which equal contents are looked for; what is found is compared.
pub(super) fn content_key(bytes: &[u8]) -> u128 {
    xxh3_128(bytes)
}
