//! Sessions with an issued and funded card in channels.

#![no_main]

mod mutate;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tillcard_applet_fuzz::sequence;

fuzz_target!(|input: &[u8]| {
    sequence::run_in_channel(input);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::in_place(data, size, max_size, seed)
});
