#![no_main]
//! Fuzzes `grammarc_fuzz::targets::json_schema`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| grammarc_fuzz::targets::json_schema(data));
