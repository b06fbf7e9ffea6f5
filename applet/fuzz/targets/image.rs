//! Sessions with a card whose memory was damaged.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    tillcard_applet_fuzz::image::run(input);
});
