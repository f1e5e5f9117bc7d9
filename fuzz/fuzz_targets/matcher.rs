#![no_main]
//! Fuzzes `grammarc_fuzz::targets::matcher`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| grammarc_fuzz::targets::matcher(data));
