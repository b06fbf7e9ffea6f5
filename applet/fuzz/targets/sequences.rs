//! Sessions with an issued and funded card.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    tillcard_applet_fuzz::sequence::run(input);
});
