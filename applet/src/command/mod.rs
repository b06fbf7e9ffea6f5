//! The commands of the application, typed: the card parses them, a host encodes
//! them, a trace decodes them. One file a section of `docs/protocol.md`.
//!
//! Parsing is total and separate: it knows the text of the protocol and no
//! state. What comes out of it is well formed, or a status word.

mod apdu;
mod enter_coin;
mod generate_key;
mod get_challenge;
mod get_data;
mod issue;
mod payment;
mod receive_script;
mod select;
mod verify;

pub use apdu::{Apdu, Header};
pub use enter_coin::{Announced, CoinEntered, EnterCoin, PIECE_MAX, SIGNATURE_LENGTH};
pub use generate_key::{Commitment, GenerateKey};
pub use get_challenge::{CHALLENGE_LENGTH, GetChallenge};
pub use get_data::{Capabilities, GetData, State, StatusObject};
pub use issue::{Issue, Issued, Limits, MAX_MONEY, MIN_FEE_RATE, Network};
pub use payment::{Pay, PaymentRequest, Preview, Previewed};
pub use receive_script::{ReceiveScript, ReceiveScriptAnswer};
pub use select::{AID, Select, Selected};
pub use verify::{PinEntry, Verify};

use crate::status::{self, Status};
use crate::tlv::Malformed;
use iso7816::command::CommandView;

/// A point of secp256k1, compressed (SEC 1).
pub type Point = [u8; 33];
/// A BIP340 public key.
pub type XOnlyKey = [u8; 32];
/// A txid, in the order in which transactions carry it.
pub type Txid = [u8; 32];
/// A taproot scriptPubKey.
pub type TaprootScript = [u8; 34];

/// Class byte of the standards' commands.
const CLA_ISO: u8 = 0x00;
/// Class byte of the protocol's own commands.
const CLA_OWN: u8 = 0x80;

/// A command that is well formed.
pub enum Command<'a> {
    /// GET DATA
    GetData(GetData),
    /// GENERATE ASYMMETRIC KEY PAIR
    GenerateKey,
    /// ISSUE
    Issue(Issue<'a>),
    /// VERIFY
    Verify(PinEntry),
    /// GET CHALLENGE
    GetChallenge,
    /// RECEIVE SCRIPT
    ReceiveScript,
    /// ENTER COIN
    EnterCoin(EnterCoin<'a>),
    /// PREVIEW
    Preview(PaymentRequest<'a>),
    /// PAY
    Pay(PaymentRequest<'a>),
}

impl<'a> TryFrom<CommandView<'a>> for Command<'a> {
    type Error = Status;

    /// # Errors
    /// `6E00`, `6D00`, `6A86`, `6700`, `6A80`, in this order (`[FRM-8]`);
    /// `6A88` for GET DATA of an unknown object.
    fn try_from(view: CommandView<'a>) -> Result<Self, Status> {
        let class = view.class().into_inner();
        if class != CLA_ISO && class != CLA_OWN {
            return Err(status::CLASS);
        }
        let parameters = [view.p1, view.p2];
        let data = view.data();
        match [class, view.instruction().into()] {
            GetData::CODE => GetData::parse(parameters, data).map(Self::GetData),
            GenerateKey::CODE => GenerateKey::parse(parameters, data).map(|_| Self::GenerateKey),
            Issue::CODE => Issue::parse(parameters, data).map(Self::Issue),
            Verify::CODE => PinEntry::parse(parameters, data).map(Self::Verify),
            GetChallenge::CODE => GetChallenge::parse(parameters, data).map(|_| Self::GetChallenge),
            ReceiveScript::CODE => {
                ReceiveScript::parse(parameters, data).map(|_| Self::ReceiveScript)
            }
            EnterCoin::CODE => EnterCoin::parse(parameters, data).map(Self::EnterCoin),
            Preview::CODE => PaymentRequest::parse(parameters, data).map(Self::Preview),
            Pay::CODE => PaymentRequest::parse(parameters, data).map(Self::Pay),
            _ => Err(status::INSTRUCTION),
        }
    }
}

impl From<Malformed> for Status {
    fn from(_: Malformed) -> Self {
        status::INCORRECT_DATA
    }
}

/// `6A86` unless P1-P2 are these.
fn expect_parameters(got: [u8; 2], expected: [u8; 2]) -> Result<(), Status> {
    if got == expected {
        Ok(())
    } else {
        Err(status::INCORRECT_P1_P2)
    }
}

/// `6700` unless the data field has one of these lengths.
fn expect_length(data: &[u8], lengths: core::ops::RangeInclusive<usize>) -> Result<(), Status> {
    if lengths.contains(&data.len()) {
        Ok(())
    } else {
        Err(status::WRONG_LENGTH)
    }
}

/// What a command without a data field and without options has.
fn expect_bare(parameters: [u8; 2], data: &[u8]) -> Result<(), Status> {
    expect_parameters(parameters, [0, 0])?;
    expect_length(data, 0..=0)
}
