//! Everything that takes bytes apart.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    tillcard_applet_fuzz::parsers::run(input);
});
