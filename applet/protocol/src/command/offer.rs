//! What a till finds out about offered coins: REPORT ABSENT and GET ANCESTOR
//! (`docs/protocol.md`, section 7.5).

use super::apdu::Apdu;
use super::place::Outpoint;
use super::types::{Txid, expect_length, expect_parameters};
use crate::status::Status;
use crate::tlv::{self, Objects};

/// REPORT ABSENT: an offered coin isn't on the chain, or is spent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportAbsent(pub Outpoint);

impl ReportAbsent {
    pub(super) const CODE: [u8; 2] = [0x80, 0x34];

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<Self, Status> {
        one_object(parameters, data).map(|bytes| Self(Outpoint::from_bytes(bytes)))
    }

    /// The command in bytes.
    pub fn to_apdu(self) -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::build([cla, ins, 0, 0], false, |out| {
            tlv::put(out, TAG, &self.0.to_bytes())
        })
        .expect("38 bytes fit")
    }
}

/// GET ANCESTOR: the card's own payment that made an offered coin, or an
/// ancestor of that payment. Answered by the transaction with its signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetAncestor(pub Txid);

impl GetAncestor {
    pub(super) const CODE: [u8; 2] = [0x80, 0x36];

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<Self, Status> {
        one_object(parameters, data).map(|txid| Self(*txid))
    }

    /// The command in bytes.
    pub fn to_apdu(self) -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::build([cla, ins, 0, 0], true, |out| tlv::put(out, TAG, &self.0))
            .expect("34 bytes fit")
    }
}

const TAG: u8 = 0x80;

fn one_object<const N: usize>(parameters: [u8; 2], data: &[u8]) -> Result<&[u8; N], Status> {
    expect_parameters(parameters, [0, 0])?;
    expect_length(data, 2 + N..=2 + N)?;
    let mut objects = Objects::new(data);
    let value = objects.fixed(TAG)?;
    objects.end()?;
    Ok(value)
}
