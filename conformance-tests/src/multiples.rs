//! The points of all 32 bytes in a row of a string, each taken for a secret key.
//!
//! From one 32 bytes to the next, one byte further on, it is `w' = 256·w + entering - leaving·2²⁵⁶`:
//! eight doublings and two additions of a table's points, in the place of a multiplication.

use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::{CurveArithmetic, CurveGroup, FieldBytes, Group};

/// Bytes of a secret key.
pub const SECRET: usize = 32;

/// A curve's generator `G`, multiplied by what a step adds and takes away.
pub struct Multiples<C: CurveArithmetic> {
    /// `b·G` for each byte `b`.
    entering: Vec<C::AffinePoint>,
    /// `-b·2²⁵⁶·G` for each byte `b`.
    leaving: Vec<C::AffinePoint>,
}

impl<C: CurveArithmetic> Multiples<C>
where
    FieldBytes<C>: Into<[u8; SECRET]>,
{
    /// Computes the tables.
    #[must_use]
    pub fn new() -> Self {
        let generator = C::ProjectivePoint::generator();
        let far = (0..8 * SECRET).fold(generator, |point, _| point.double());
        Self {
            entering: table::<C>(generator),
            leaving: table::<C>(-far),
        }
    }

    /// The x coordinate of `w·G` for each 32 bytes `w` in a row of `data`, in order; both are
    /// big-endian.
    #[must_use]
    pub fn x_coordinates(&self, data: &[u8]) -> Vec<[u8; SECRET]> {
        let mut points = Vec::with_capacity(data.len());
        let mut point = C::ProjectivePoint::identity();
        for (at, entering) in data.iter().enumerate() {
            for _ in 0..8 {
                point = point.double();
            }
            point += self.entering[usize::from(*entering)];
            if let Some(before) = at.checked_sub(SECRET) {
                point += self.leaving[usize::from(data[before])];
            }
            if at + 1 >= SECRET {
                points.push(point);
            }
        }
        let mut affine = vec![C::AffinePoint::default(); points.len()];
        C::ProjectivePoint::batch_normalize(&points, &mut affine);
        affine.iter().map(|point| point.x().into()).collect()
    }
}

/// The multiples of a point by all bytes.
fn table<C: CurveArithmetic>(base: C::ProjectivePoint) -> Vec<C::AffinePoint> {
    (0..=u8::MAX)
        .scan(C::ProjectivePoint::identity(), |next, _| {
            let this = *next;
            *next += base;
            Some(this.to_affine())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Multiples, SECRET};
    use crate::keys::{ORDER, keypair, p256_public};
    use crate::values::Values;
    use k256::Secp256k1;
    use p256::NistP256;

    #[test]
    fn each_point_is_that_of_a_multiplication() {
        let mut stream = Values::new(1, "multiples").stream("data");
        // Zeros are no secret key, and what the order makes of one is another's.
        let data = [
            stream.vec(100),
            vec![0; 40],
            stream.vec(50),
            ORDER.to_vec(),
            vec![0xFF; 40],
        ]
        .concat();
        let ours = Multiples::<Secp256k1>::new().x_coordinates(&data);
        let theirs = Multiples::<NistP256>::new().x_coordinates(&data);
        assert_eq!(ours.len(), data.len() + 1 - SECRET);
        for ((window, ours), theirs) in data.windows(SECRET).zip(ours).zip(theirs) {
            let window = window.try_into().unwrap();
            if let Ok(pair) = keypair(window) {
                assert_eq!(pair.x_only_public_key().0.serialize(), ours);
            }
            if let Some(key) = p256_public(window) {
                assert_eq!(key[1..], theirs);
            }
        }
        assert!(
            Multiples::<NistP256>::new()
                .x_coordinates(&[1; 31])
                .is_empty()
        );
    }
}
