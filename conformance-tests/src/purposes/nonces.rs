//! What is known of nonces, and of other random bytes: whether bits of them are fixed. Of any card.

use super::prelude::*;

/// Widths of the fields that are looked for, in bits, at every offset.
const WIDTHS: [usize; 3] = [2, 4, 8];
/// Bits of a nonce.
const BITS: usize = 256;

/// What a nonce may be: itself, or its negative. A signature tells which two, not which of them.
pub(crate) type Candidates = [[u8; 32]; 2];

/// No field of the nonces may have one value more often than chance gives it: by more than eight
/// standard deviations and six, which for 128 nonces chance does less than once in 10⁸ runs.
pub(crate) fn require_even(nonces: &[Candidates]) -> Outcome {
    let count = nonces.len() as f64;
    for width in WIDTHS {
        let chance = 1.0 - (1.0 - 0.5f64.powi(width as i32)).powi(2);
        let most = count * chance + 8.0 * (count * chance * (1.0 - chance)).sqrt() + 6.0;
        for offset in 0..=BITS - width {
            let mut times = vec![0u32; 1 << width];
            for [nonce, negative] in nonces {
                let values = [field(nonce, offset, width), field(negative, offset, width)];
                times[values[0]] += 1;
                times[values[1]] += u32::from(values[0] != values[1]);
            }
            if let Some(value) = times.iter().position(|times| f64::from(*times) > most) {
                return Err(Stop::Fail(format!(
                    "of {} nonces {} may have {value:#b} in the {width} bits from bit {}: the key \
                     can be computed",
                    nonces.len(),
                    times[value],
                    BITS - offset - width
                )));
            }
        }
    }
    Ok(())
}

/// So many bits from an offset, the most significant bit being the first.
fn field(bytes: &[u8; 32], offset: usize, width: usize) -> usize {
    (offset..offset + width).fold(0, |value, bit| {
        value << 1 | usize::from(bytes[bit / 8] >> (7 - bit % 8) & 1)
    })
}

/// No byte of the samples may always be the same, and no two always equal.
pub(crate) fn require_drawn(samples: &[Vec<u8>], what: &str) -> Outcome {
    let always = |holds: &dyn Fn(&Vec<u8>) -> bool| samples.iter().all(holds);
    let length = samples.first().map_or(0, Vec::len);
    for at in 0..length {
        require!(
            !always(&|sample| sample[at] == samples[0][at]),
            "byte {at} of {} {what} is always {:02X}",
            samples.len(),
            samples[0][at]
        );
        for other in 0..at {
            require!(
                !always(&|sample| sample[at] == sample[other]),
                "bytes {other} and {at} of {} {what} are always equal",
                samples.len()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many nonces as a case has, from a simple generator, changed by `spoil`; the negative is
    /// an unrelated number, as it is for these tests.
    fn nonces(spoil: impl Fn(&mut [u8; 32])) -> Vec<Candidates> {
        let mut state = 0x9E37_79B9_7F4A_7C15u64;
        let mut draw = || {
            std::array::from_fn(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
        };
        (0..128)
            .map(|at| {
                let (mut nonce, negative) = (draw(), draw());
                spoil(&mut nonce);
                if at % 2 == 0 {
                    [nonce, negative]
                } else {
                    [negative, nonce]
                }
            })
            .collect()
    }

    #[test]
    fn even_nonces_pass() {
        assert!(require_even(&nonces(|_| ())).is_ok());
    }

    #[test]
    fn two_fixed_bits_show_wherever_they_are() {
        for bit in [0, 1, 77, 128, 254] {
            let spoilt = nonces(|nonce| {
                for bit in [bit, bit + 1] {
                    nonce[bit / 8] &= !(0x80 >> (bit % 8));
                }
            });
            assert!(require_even(&spoilt).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn constant_and_repeated_bytes_show() {
        let drawn: Vec<Vec<u8>> = nonces(|_| ()).iter().map(|pair| pair[0].to_vec()).collect();
        assert!(require_drawn(&drawn, "samples").is_ok());
        let spoilt = |change: fn(&mut Vec<u8>)| {
            let mut samples = drawn.clone();
            samples.iter_mut().for_each(change);
            require_drawn(&samples, "samples").is_err()
        };
        assert!(spoilt(|sample| sample[31] = 7));
        assert!(spoilt(|sample| sample[3] = sample[20]));
    }
}
