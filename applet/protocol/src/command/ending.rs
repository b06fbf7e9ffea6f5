//! FACTORY RESET and TERMINATE CARD USAGE (`docs/protocol.md`, sections 5.6 and
//! 5.7).

use super::signed::empty_body;

empty_body!(
    /// FACTORY RESET: the card forgets its owner.
    FactoryReset = [0x80, 0x56, 0x00, 0x00],
    answered: false
);

empty_body!(
    /// TERMINATE CARD USAGE: the end of the card.
    Terminate = [0x00, 0xFE, 0x00, 0x00],
    answered: false
);

impl FactoryReset {
    pub(super) const CODE: [u8; 2] = [0x80, 0x56];
}

impl Terminate {
    pub(super) const CODE: [u8; 2] = [0x00, 0xFE];
}
