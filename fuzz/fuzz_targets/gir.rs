#![no_main]
//! Fuzzes `grammarc_fuzz::targets::gir`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| grammarc_fuzz::targets::gir(data));
