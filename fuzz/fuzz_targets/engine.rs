//! libFuzzer calls the target `engine` of the library beside this.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tracing_audit_fuzz::engine(data));
