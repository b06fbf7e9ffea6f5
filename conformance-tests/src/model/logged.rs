//! A payment as the card's log must tell it: section 8.1.

use super::coin::Plan;
use super::payment::Request;
use crate::tlv;

/// A payment that the card keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Counted from 0 over the card's life.
    pub sequence: u32,
    /// What the till asked for, and claimed.
    pub request: Request,
    /// What the card made of it.
    pub plan: Plan,
    /// As transactions carry it.
    pub txid: [u8; 32],
    /// Which output is the change.
    pub change_vout: Option<u32>,
    /// Whether it was made without PIN.
    pub without_pin: bool,
    /// Whether the owner reported that it never will be.
    pub cancelled: bool,
    /// How often PAY gave its transaction again.
    pub given_again: u8,
    /// How often GET ANCESTOR gave it.
    pub given_as_ancestor: u8,
}

impl Logged {
    /// What READ LOG must answer.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let outpoints: Vec<u8> = (self.plan.inputs.iter())
            .flat_map(super::Coin::outpoint)
            .collect();
        [
            tlv::object(0x80, &self.sequence.to_be_bytes()),
            tlv::object(0x81, &[u8::from(self.cancelled)]),
            tlv::object(0x82, &self.txid),
            tlv::object(0x83, self.request.payee.as_bytes()),
            tlv::object(0x84, &self.request.amount.to_be_bytes()),
            tlv::object(0x85, &self.plan.fee.to_be_bytes()),
            tlv::object(0x86, &self.plan.change.to_be_bytes()),
            tlv::object(0x87, &self.request.rate.to_be_bytes()),
            tlv::object(0x88, &[u8::from(self.without_pin)]),
            tlv::object(0x89, &self.request.identity),
            tlv::object(0x8A, &self.request.merchant),
            tlv::object(0x8B, &self.request.invoice),
            tlv::object(0x8C, &outpoints),
            tlv::object(0x8D, &[self.given_again, self.given_as_ancestor]),
        ]
        .concat()
    }
}
