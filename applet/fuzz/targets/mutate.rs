//! Mutations that leave steps whole, and put in steps that lead somewhere: the
//! fuzzer's own know nothing of either.

use libfuzzer_sys::fuzzer_mutate;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tillcard_applet_fuzz::bytes::Bytes;
use tillcard_applet_fuzz::step;

/// Another input in the place of the first `size` bytes: often another list of steps;
/// its size.
pub fn in_place(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    if seed.is_multiple_of(4) {
        return fuzzer_mutate(data, size, max_size);
    }
    let mutated = mutate(&data[..size], seed);
    let size = mutated.len().min(max_size);
    data[..size].copy_from_slice(&mutated[..size]);
    size
}

/// Another list of steps.
fn mutate(input: &[u8], seed: u32) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed.into());
    let mut below = |end: usize| (random.next_u32() as usize) % end.max(1);
    let mut steps = Vec::new();
    let mut bytes = Bytes::new(input);
    while !bytes.is_empty() {
        steps.push(bytes.step().rest().to_vec());
    }
    for _ in 0..=below(3) {
        let at = below(steps.len() + 1);
        let other = below(steps.len());
        match below(8) {
            0 if !steps.is_empty() => drop(steps.remove(other)),
            1 if !steps.is_empty() => steps.insert(at, steps[other].clone()),
            2 if at < steps.len() => steps.swap(at, other),
            3 | 4 if !steps.is_empty() => {
                let step = &mut steps[other];
                let at = below(step.len());
                if let Some(byte) = step.get_mut(at) {
                    // Numbers of things are small.
                    let end = [4, 16, 256][below(3)];
                    *byte = below(end) as u8;
                }
            }
            _ => drop(steps.splice(at..at, known(&mut below))),
        }
    }
    let mut output = Vec::new();
    for mut step in steps {
        step.truncate(255);
        output.push(step.len() as u8);
        output.extend(step);
    }
    output
}

/// Steps that go together.
fn known(below: &mut impl FnMut(usize) -> usize) -> Vec<Vec<u8>> {
    let amount = [below(200) as u8, below(256) as u8];
    let (place, number) = (below(12) as u8, below(4) as u8);
    let request = [
        amount[0],
        amount[1],
        below(2) as u8,
        0,
        below(5) as u8,
        below(4) as u8,
        (below(8) == 0).into(),
        below(6) as u8,
    ];
    let with = |step: u8, operands: &[u8]| [&[step], operands].concat();
    let small = |below: &mut dyn FnMut(usize) -> usize, steps: &[u8]| steps[below(steps.len())];
    match below(16) {
        0..3 => vec![
            vec![step::PIN],
            with(step::PREVIEW, &request),
            with(step::PAY, &request),
        ],
        3 => {
            let way = small(below, &[step::ENTER, step::CREDIT]);
            vec![with(way, &[place, amount[0], amount[1], 1, place, 0])]
        }
        4 | 5 => vec![with(step::OWNER, &[below(11) as u8, number, number])],
        6 => {
            let next = small(below, &[step::REPORT_ABSENT, step::GET_ANCESTOR]);
            vec![
                vec![step::PIN],
                with(step::PREVIEW, &request),
                with(next, &[number]),
            ]
        }
        7 => {
            let input = [place, number, 1, amount[0], amount[1], 0];
            let output = [amount[0], 0, 1];
            let version = 2;
            vec![[&[step::SIGN, 1, 1][..], &input, &output, &[version]].concat()]
        }
        8 => vec![
            vec![step::PIN],
            with(step::PAY, &request),
            with(step::STATEMENT, &[0, number]),
        ],
        9 => {
            // Of a coin that a payment perhaps spent.
            let input = [0, 0xF0 + number, 1, 0, 0, 0];
            let outputs = [0xEA, 0x60, 1, 0x94, 0x70, 1];
            vec![[&[step::SIGN, 1, 2][..], &input, &outputs, &[2]].concat()]
        }
        10 => vec![with(step::OWNER, &[11]), with(step::ISSUE, &[number])],
        11 | 12 => vec![with(step::OPEN, &[number, 0, 0])],
        13 => vec![with(step::FORM, &[number, 0])],
        14 => vec![with(step::BREAK, &[below(11) as u8, below(256) as u8])],
        _ => vec![vec![below(step::COUNT.into()) as u8]],
    }
}
