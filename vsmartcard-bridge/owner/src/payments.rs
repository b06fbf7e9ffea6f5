//! A payment in a shop (`docs/protocol.md`, section 7).

use bitcoin::{Transaction, consensus};
use tillcard_protocol::command::{IDENTITY_LENGTH, Pay, PaymentRequest, Source, Verify};
use tillcard_protocol::pin::PinBlock;

use crate::{Contact, Owner, OwnerError};

/// A P2WPKH output of a shop that nobody has the key of.
pub const SHOP_SCRIPT: [u8; 22] = *b"\x00\x14the-shop's-key-hash!";

const PAY: &str = "PAY";
const VERIFY: &str = "VERIFY";

/// What a shop asks for.
#[derive(Clone, Copy, Debug)]
pub struct ShopRequest {
    /// In sat.
    pub amount: u64,
    /// In sat/kvB.
    pub fee_rate: u32,
    /// Which coins the card may take.
    pub source: Source,
}

impl ShopRequest {
    /// A request as it goes to the card, with an identity of its own.
    #[must_use]
    pub fn with_identity(self, identity: [u8; IDENTITY_LENGTH]) -> PaymentRequest<'static> {
        PaymentRequest {
            amount: self.amount,
            fee_rate: self.fee_rate,
            payee_script: &SHOP_SCRIPT,
            source: self.source,
            identity,
            merchant: b"The shop",
            invoice: None,
        }
    }
}

impl Owner {
    /// Has the holder type his PIN, and the card pay the shop: a transaction that nobody has sent
    /// anywhere. The card allows plain sessions.
    ///
    /// # Errors
    /// [`OwnerError`]
    pub fn pay(
        &mut self,
        card: &mut dyn Contact,
        request: ShopRequest,
    ) -> Result<Transaction, OwnerError> {
        card.ask(VERIFY, &Verify::to_apdu(&self.pin))?;
        self.payments += 1;
        let number = self.number(&format!("payment {}", self.payments));
        let (identity, _) = number.split_first_chunk().expect("16 of 32 bytes");
        let command = Pay::to_apdu(request.with_identity(*identity));
        let answer = card.ask(PAY, &command.map_err(|_| OwnerError::TooLong(PAY))?)?;
        consensus::deserialize(&answer).map_err(|_| OwnerError::Malformed(PAY))
    }

    /// Has somebody type a wrong PIN; the tries that are left.
    ///
    /// # Errors
    /// [`OwnerError::Refused`] when the card answers anything but a number of tries, or a block.
    pub fn guess_pin(&self, card: &mut dyn Contact) -> Result<u8, OwnerError> {
        let wrong = [b"0000", b"1111"].map(|digits| PinBlock::from_digits(digits));
        let wrong = wrong.into_iter().flatten();
        let mut wrong = wrong.filter(|block| block.as_bytes() != self.pin.as_bytes());
        let wrong = wrong.next().expect("one of two is another PIN");
        match card.answer(VERIFY, &Verify::to_apdu(&wrong))?.1 {
            0x6983 => Ok(0),
            status @ 0x63C0..=0x63CF => Ok(status.to_be_bytes()[1] & 0x0F),
            status => Err(OwnerError::Refused {
                command: VERIFY,
                status,
            }),
        }
    }
}
