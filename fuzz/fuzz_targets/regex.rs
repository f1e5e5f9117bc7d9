#![no_main]
//! Fuzzes `grammarc_fuzz::targets::regex`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| grammarc_fuzz::targets::regex(data));
