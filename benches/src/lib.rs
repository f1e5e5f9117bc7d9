//! Benchmarks of grammarc.
