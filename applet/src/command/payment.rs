//! PREVIEW and PAY (`docs/protocol.md`, sections 7.1 and 7.2).

use super::{Apdu, Header, Txid, expect_length, expect_parameters};
use crate::status::Status;
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// What a terminal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRequest<'a> {
    /// Amount to the payee, in sat.
    pub amount: u64,
    /// Fee rate, in sat/kvB.
    pub fee_rate: u32,
    /// The payee's scriptPubKey.
    pub payee_script: &'a [u8],
}

/// Length of the data field without the script: two objects and a header.
const FIXED_LENGTH: usize = 10 + 6 + 2;
const SCRIPT_LENGTHS: core::ops::RangeInclusive<usize> = 22..=42;

impl<'a> PaymentRequest<'a> {
    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        expect_parameters(parameters, [0, 0])?;
        expect_length(
            data,
            FIXED_LENGTH + SCRIPT_LENGTHS.start()..=FIXED_LENGTH + SCRIPT_LENGTHS.end(),
        )?;
        let mut objects = Objects::new(data);
        let request = Self {
            amount: objects.u64(0x80)?,
            fee_rate: objects.u32(0x81)?,
            payee_script: objects.next(0x82)?,
        };
        objects.end()?;
        Ok(request)
    }

    fn to_apdu(self, header: Header) -> Result<Apdu, Overflow> {
        Apdu::build(header, true, |out| {
            tlv::put(out, 0x80, &self.amount.to_be_bytes())?;
            tlv::put(out, 0x81, &self.fee_rate.to_be_bytes())?;
            tlv::put(out, 0x82, self.payee_script)
        })
    }
}

/// PREVIEW: what would PAY pay?
pub struct Preview;

impl Preview {
    pub(super) const CODE: [u8; 2] = [0x80, 0x32];

    /// The command in bytes.
    ///
    /// # Errors
    /// [`Overflow`] when the script is too long for any command.
    pub fn to_apdu(request: PaymentRequest<'_>) -> Result<Apdu, Overflow> {
        let [cla, ins] = Self::CODE;
        request.to_apdu([cla, ins, 0, 0])
    }
}

/// PAY: have the card write and sign the payment.
pub struct Pay;

impl Pay {
    pub(super) const CODE: [u8; 2] = [0x80, 0x30];

    /// The command in bytes.
    ///
    /// # Errors
    /// [`Overflow`] when the script is too long for any command.
    pub fn to_apdu(request: PaymentRequest<'_>) -> Result<Apdu, Overflow> {
        let [cla, ins] = Self::CODE;
        request.to_apdu([cla, ins, 0, 0])
    }
}

/// The answer to PREVIEW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Previewed<'a> {
    /// Amount to the payee, in sat.
    pub amount: u64,
    /// Fee, in sat.
    pub fee: u64,
    /// Change, in sat; 0 when there is none.
    pub change: u64,
    outpoints: &'a [u8],
}

/// txid ‖ vout
const OUTPOINT_LENGTH: usize = 36;

impl<'a> Previewed<'a> {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let previewed = Self {
            amount: objects.u64(0x80)?,
            fee: objects.u64(0x81)?,
            change: objects.u64(0x82)?,
            outpoints: objects.next(0x83)?,
        };
        objects.end()?;
        if previewed.outpoints.is_empty()
            || !previewed.outpoints.len().is_multiple_of(OUTPOINT_LENGTH)
        {
            return Err(Malformed);
        }
        Ok(previewed)
    }

    /// The coins that the payment would spend, in the order of its inputs.
    pub fn outpoints(&self) -> impl Iterator<Item = (Txid, u32)> + 'a {
        self.outpoints.chunks_exact(OUTPOINT_LENGTH).map(|bytes| {
            let mut txid = [0; 32];
            let mut vout = [0; 4];
            txid.copy_from_slice(&bytes[..32]);
            vout.copy_from_slice(&bytes[32..]);
            (txid, u32::from_be_bytes(vout))
        })
    }

    /// Appends the answer.
    pub(crate) fn write(
        out: &mut VecView<u8>,
        amount: u64,
        fee: u64,
        change: u64,
        outpoints: impl ExactSizeIterator<Item = (Txid, u32)>,
    ) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &amount.to_be_bytes())?;
        tlv::put(out, 0x81, &fee.to_be_bytes())?;
        tlv::put(out, 0x82, &change.to_be_bytes())?;
        tlv::open(out, 0x83, outpoints.len() * OUTPOINT_LENGTH)?;
        for (txid, vout) in outpoints {
            tlv::append(out, &txid)?;
            tlv::append(out, &vout.to_be_bytes())?;
        }
        Ok(())
    }
}
