//! The commands of the application, typed: the card parses them, a host encodes
//! them, a trace decodes them. One file a section of `docs/protocol.md`.
//!
//! Parsing is total and separate: it knows the text of the protocol and no
//! state. What comes out of it is well formed, or a status word.

mod apdu;
mod bare;
mod card_keys;
mod change_owner_key;
pub mod coin_image;
mod commitment;
mod ending;
mod enter_coin;
mod genuine;
mod get_data;
mod issue;
mod leaf;
mod limits;
mod log;
pub mod merchant;
mod names;
mod network;
mod offer;
mod open_channel;
mod payment_state;
mod place;
mod policy;
mod read_account;
mod read_coins;
mod receive_script;
mod request;
mod reset_retry_counter;
mod select;
mod sign;
mod signed;
mod statement;
mod types;
mod verify;

pub use apdu::{Apdu, Header};
pub use bare::{Bare, CHALLENGE_LENGTH, GenerateKey, GetChallenge, ReceiveScript};
pub use card_keys::{CardKey, CardKeys, Certificate, GenerateCardKeys, PutData};
pub use change_owner_key::ChangeOwnerKey;
pub use commitment::Commitment;
pub use ending::{FactoryReset, Terminate};
pub use enter_coin::{Announced, CoinEntered, EnterCoin, PIECE_MAX};
pub use genuine::{GenuineProof, NONCE_LENGTH, ProveGenuine};
pub use get_data::{Capabilities, GetData, State, StatusObject};
pub use issue::{Issue, Issued, KeySource, Provenance, SALT_LENGTH};
pub use leaf::Leaf;
pub use limits::{Limits, LimitsAnswer, MAX_MONEY, MIN_COIN, MIN_FEE_RATE, ReadLimits, SetLimits};
pub use log::{AcknowledgeLog, Authority, LoggedPayment, PaymentState, ReadLog, Resolve};
pub use names::{is_name, name};
pub use network::Network;
pub use offer::{GetAncestor, ReportAbsent};
pub use open_channel::{ChannelOpened, OpenChannel, RECEIPT_LENGTH, UncompressedPoint};
pub use payment_state::{AskPaymentState, KnownPayment};
pub use place::{Outpoint, Outpoints, Place};
pub use policy::{Policy, SetPolicy};
pub use read_account::{AccountRecord, ReadAccount};
pub use read_coins::{BeginReading, ReadCoins};
pub use receive_script::ReceiveScriptAnswer;
pub use request::{
    IDENTITY_LENGTH, MERCHANT_MAX, Pay, PayAgain, PaymentRequest, Preview, Previewed, Source,
};
pub use reset_retry_counter::{NewPin, ResetRetryCounter, SamePin};
pub use select::{AID, Select, Selected};

pub use sign::{
    FOREIGN_SCRIPT, InputSignature, OutputPayee, SIGNING_INPUTS_MAX, SIGNING_OUTPUT_MAX,
    SIGNING_OUTPUTS_MAX, SIGNING_SCRIPT_MAX, Sign, SigningInput, SigningOutput, SigningSummary,
    Unsigned,
};
pub use signed::{Body, OwnerCommand, SIGNATURE_LENGTH, Signed};
pub use statement::{AskStatement, Statement};
pub use types::{Point, TaprootScript, Txid, XOnlyKey};
pub use verify::{PinEntry, Verify};

use crate::status::{self, Status};
use types::expect_length;

/// Class byte of the standards' commands.
const CLA_ISO: u8 = 0x00;
/// Class byte of the protocol's own commands.
const CLA_OWN: u8 = 0x80;

/// A command that is well formed.
pub enum Command<'a> {
    /// GET DATA
    GetData(GetData),
    /// INTERNAL AUTHENTICATE that opens a channel
    OpenChannel(OpenChannel<'a>),
    /// INTERNAL AUTHENTICATE that proves genuineness
    ProveGenuine(ProveGenuine<'a>),
    /// GENERATE ASYMMETRIC KEY PAIR of the card keys
    GenerateCardKeys,
    /// PUT DATA
    PutData(PutData<'a>),
    /// GENERATE ASYMMETRIC KEY PAIR of the account
    GenerateKey,
    /// ISSUE
    Issue(Issue<'a>),
    /// VERIFY
    Verify(PinEntry),
    /// GET CHALLENGE
    GetChallenge,
    /// RECEIVE SCRIPT
    ReceiveScript,
    /// RESET RETRY COUNTER
    ResetRetryCounter(ResetRetryCounter<'a>),
    /// CHANGE OWNER KEY
    ChangeOwnerKey(Signed<'a, ChangeOwnerKey>),
    /// ENTER COIN
    EnterCoin(EnterCoin<'a>),
    /// READ COINS
    ReadCoins(ReadCoins<'a>),
    /// PREVIEW
    Preview(PaymentRequest<'a>),
    /// PAY
    Pay(PaymentRequest<'a>),
    /// PAY, again only
    PayAgain(PaymentRequest<'a>),
    /// PAYMENT STATE
    PaymentState(AskPaymentState),
    /// REPORT ABSENT
    ReportAbsent(ReportAbsent),
    /// GET ANCESTOR
    GetAncestor(GetAncestor),
    /// READ LOG
    ReadLog(Signed<'a, ReadLog>),
    /// ACKNOWLEDGE LOG
    AcknowledgeLog(Signed<'a, AcknowledgeLog>),
    /// SET LIMITS
    SetLimits(Signed<'a, SetLimits>),
    /// READ LIMITS
    ReadLimits(Signed<'a, ReadLimits>),
    /// READ ACCOUNT
    ReadAccount(Signed<'a, ReadAccount>),
    /// SIGN
    Sign(Sign<'a>),
    /// RESOLVE
    Resolve(Signed<'a, Resolve>),
    /// SET POLICY
    SetPolicy(Signed<'a, SetPolicy>),
    /// STATEMENT
    Statement(AskStatement),
    /// FACTORY RESET
    FactoryReset(Signed<'a, FactoryReset>),
    /// TERMINATE CARD USAGE
    Terminate(Signed<'a, Terminate>),
}

impl<'a> Command<'a> {
    /// Reads a plain command.
    ///
    /// # Errors
    /// `6E00`, `6D00`, `6A86`, `6700`, `6A80`, in this order (`[FRM-8]`);
    /// `6A88` for a data object or a key that isn't known.
    pub fn parse([class, ins, p1, p2]: Header, data: &'a [u8]) -> Result<Self, Status> {
        if class != CLA_ISO && class != CLA_OWN {
            return Err(status::CLASS);
        }
        let parameters = [p1, p2];
        match [class, ins] {
            GetData::CODE => GetData::parse(parameters, data).map(Self::GetData),
            OpenChannel::CODE => OpenChannel::parse(parameters, data).map(Self::OpenChannel),
            ProveGenuine::CODE => ProveGenuine::parse(parameters, data).map(Self::ProveGenuine),
            GenerateKey::CODE if parameters == GenerateCardKeys::PARAMETERS => {
                expect_length(data, 0..=0).map(|()| Self::GenerateCardKeys)
            }
            GenerateKey::CODE => GenerateKey::parse(parameters, data).map(|()| Self::GenerateKey),
            PutData::CODE => PutData::parse(parameters, data).map(Self::PutData),
            Issue::CODE => Issue::parse(parameters, data).map(Self::Issue),
            Verify::CODE => PinEntry::parse(parameters, data).map(Self::Verify),
            GetChallenge::CODE => {
                GetChallenge::parse(parameters, data).map(|()| Self::GetChallenge)
            }
            ReceiveScript::CODE => {
                ReceiveScript::parse(parameters, data).map(|()| Self::ReceiveScript)
            }
            ResetRetryCounter::CODE => {
                ResetRetryCounter::parse(parameters, data).map(Self::ResetRetryCounter)
            }
            ChangeOwnerKey::CODE => Signed::parse_plain(parameters, data).map(Self::ChangeOwnerKey),
            EnterCoin::CODE => EnterCoin::parse(parameters, data).map(Self::EnterCoin),
            ReadCoins::CODE => ReadCoins::parse(parameters, data).map(Self::ReadCoins),
            Preview::CODE => Preview::parse(parameters, data).map(Self::Preview),
            Pay::CODE if parameters == PayAgain::PARAMETERS => {
                PaymentRequest::parse(data).map(Self::PayAgain)
            }
            Pay::CODE => Pay::parse(parameters, data).map(Self::Pay),
            AskPaymentState::CODE => {
                AskPaymentState::parse(parameters, data).map(Self::PaymentState)
            }
            ReportAbsent::CODE => ReportAbsent::parse(parameters, data).map(Self::ReportAbsent),
            GetAncestor::CODE => GetAncestor::parse(parameters, data).map(Self::GetAncestor),
            ReadLog::CODE => Signed::parse_plain(parameters, data).map(Self::ReadLog),
            AcknowledgeLog::CODE => Signed::parse_plain(parameters, data).map(Self::AcknowledgeLog),
            SetLimits::CODE => Signed::parse_plain(parameters, data).map(Self::SetLimits),
            ReadLimits::CODE => Signed::parse_plain(parameters, data).map(Self::ReadLimits),
            ReadAccount::CODE => Signed::parse_plain(parameters, data).map(Self::ReadAccount),
            Sign::CODE => Sign::parse(parameters, data).map(Self::Sign),
            Resolve::CODE => Signed::parse_plain(parameters, data).map(Self::Resolve),
            SetPolicy::CODE => Signed::parse_plain(parameters, data).map(Self::SetPolicy),
            AskStatement::CODE => AskStatement::parse(parameters, data).map(Self::Statement),
            FactoryReset::CODE => Signed::parse_plain(parameters, data).map(Self::FactoryReset),
            Terminate::CODE => Signed::parse_plain(parameters, data).map(Self::Terminate),
            _ => Err(status::INSTRUCTION),
        }
    }
}
