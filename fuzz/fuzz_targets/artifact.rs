#![no_main]
//! Fuzzes `grammarc_fuzz::targets::artifact`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| grammarc_fuzz::targets::artifact(data));
