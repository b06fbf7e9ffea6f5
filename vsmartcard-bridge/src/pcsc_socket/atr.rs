//! The transmission protocols that a card offers in its answer to reset.

use super::codes::protocol;

/// The protocols that the answer to reset names (ISO/IEC 7816-3 §8.2.3), T=0 where it names none.
pub(super) fn protocols(atr: &[u8]) -> u32 {
    let mut offered = protocol::NONE;
    // T0, then each TD, tells in its high half which of the next four interface bytes follow.
    let mut follows = atr.get(1).map_or(0, |t0| t0 >> 4);
    let mut at = 2;
    while follows & 0b1000 != 0 {
        at += (follows & 0b111).count_ones() as usize;
        let Some(td) = atr.get(at) else { break };
        offered |= match td & 0x0F {
            0 => protocol::T0,
            1 => protocol::T1,
            _ => protocol::NONE,
        };
        follows = td >> 4;
        at += 1;
    }
    match offered {
        protocol::NONE => protocol::T0,
        offered => offered,
    }
}

/// The protocol to be used: of those that the card offers and the client takes, T=1 before T=0.
pub(super) fn chosen(atr: &[u8], wanted: u32) -> Option<u32> {
    let common = protocols(atr) & wanted;
    [protocol::T1, protocol::T0]
        .into_iter()
        .find(|&protocol| common & protocol != 0)
        .or((wanted & protocol::RAW != 0).then_some(protocol::RAW))
}

#[cfg(test)]
mod tests {
    use super::{chosen, protocols};

    #[test]
    fn protocols_are_read_from_the_answer_to_reset() {
        // Historical bytes only.
        assert_eq!(protocols(&[0x3B, 0x02, 0x14, 0x50]), 1);
        // TD1 names T=1.
        assert_eq!(protocols(&[0x3B, 0x80, 0x01, 0x00]), 2);
        // TA1, TD1 with T=0, TD2 with T=1.
        assert_eq!(protocols(&[0x3B, 0x90, 0x11, 0x80, 0x01, 0x10]), 3);
        // T=15 is no protocol.
        assert_eq!(protocols(&[0x3B, 0x80, 0x8F, 0x01]), 2);
        for cut in 0..3 {
            assert_eq!(protocols(&[0x3B, 0x90, 0x11][..cut]), 1);
        }
    }

    #[test]
    fn t1_comes_before_t0() {
        let both = [0x3B, 0x90, 0x11, 0x80, 0x01, 0x10];
        assert_eq!(chosen(&both, 3), Some(2));
        assert_eq!(chosen(&both, 1), Some(1));
        assert_eq!(chosen(&[0x3B, 0x80, 0x01, 0x00], 1), None);
        assert_eq!(chosen(&[0x3B, 0x80, 0x01, 0x00], 4), Some(4));
    }
}
