//! libFuzzer calls the target `line` of the library beside this.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tracing_audit_fuzz::line(data));
