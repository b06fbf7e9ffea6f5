//! GET DATA: state and capabilities.

use super::Card;
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::outcome::{Step, Stop, require};
use crate::status::Sw;
use crate::tlv::Reader;

/// What GET DATA answers about the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It has no owner: it was never issued, or was reset since.
    Factory,
    /// The memory is of another version.
    OtherVersion,
    /// The memory is damaged.
    Damaged,
    /// It has an owner and an account.
    Issued {
        /// 0 to 3.
        network: u8,
        /// PIN tries left.
        tries: u8,
        /// The policy in force.
        policy: u8,
    },
    /// At the end of its life.
    Terminated,
}

/// What GET DATA answers about the capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Major and minor.
    pub version: [u8; 2],
    /// Bit 0 extended length, 1 account key made on the card, 2 auxiliary randomness, 3 account
    /// key imported, 4 payments without PIN, 5 credits, 6 owner's signing, 7 secure channel and
    /// genuineness, 9 statements.
    pub bits: u32,
    /// Most inputs of a payment.
    pub inputs: u8,
    /// Coins that the card can hold.
    pub coins: u16,
    /// Wrong PINs in a row that block the card.
    pub tries: u8,
    /// Payments that the log can hold.
    pub log: u8,
    /// Unrooted coins that the card can hold.
    pub unrooted: u8,
    /// Most inputs of the owner's signing.
    pub sign_inputs: u8,
    /// Most outputs of the owner's signing.
    pub sign_outputs: u8,
}

impl Capabilities {
    /// Whether extended length is declared.
    #[must_use]
    pub const fn extended_length(&self) -> bool {
        self.bits & 1 != 0
    }

    /// Whether the card must know a command: one of a capability that it doesn't declare is none
    /// (section 2.3).
    #[must_use]
    pub const fn knows(&self, header: [u8; 4]) -> bool {
        let capability = match header {
            [0x80, 0x10, 0x01, _] => Capability::Imported,
            [0x80, 0x22, 0x02, _] => Capability::Credits,
            [0x80, 0x40, _, _] => Capability::Signing,
            [0x80, 0x54, _, _] => Capability::Statements,
            [0x00 | 0x80, 0x88, _, _]
            | [0x00, 0xDA, _, _]
            | [0x00, 0x46, _, 0x01]
            | [0x00, 0xCA, 0xBF, 0x21] => Capability::Channel,
            _ => return true,
        };
        self.declares(capability)
    }

    /// Whether a capability is declared.
    #[must_use]
    pub const fn declares(&self, capability: Capability) -> bool {
        self.bits & (1 << capability as u32) != 0
    }

    /// The case asks about a capability; a card without it isn't asked.
    ///
    /// # Errors
    /// [`Stop::NotApplicable`] when the card doesn't declare it.
    pub fn needs(&self, capability: Capability) -> Step<()> {
        if self.declares(capability) {
            return Ok(());
        }
        Err(Stop::NotApplicable(format!(
            "the card doesn't declare capability {} ({capability:?})",
            capability as u32
        )))
    }
}

/// What a card may declare and leave out, by its bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Account key made on the card.
    Made = 1,
    /// BIP340 nonces with auxiliary randomness.
    AuxiliaryRandomness = 2,
    /// Account key imported.
    Imported = 3,
    /// Payments without PIN.
    WithoutPin = 4,
    /// Credits.
    Credits = 5,
    /// Owner's signing.
    Signing = 6,
    /// Secure channel and genuineness.
    Channel = 7,
    /// Statements.
    Statements = 9,
}

impl Capabilities {
    /// What the data of the answer say.
    ///
    /// # Errors
    /// [`Stop::Fail`] when they aren't of the form that the text gives.
    pub fn read(data: &[u8]) -> Step<Self> {
        let mut reader = Reader::new("GET DATA, capabilities", data);
        let capabilities = Self {
            version: reader.array(0x80)?,
            bits: u32::from_be_bytes(reader.array(0x81)?),
            inputs: reader.array::<1>(0x82)?[0],
            coins: u16::from_be_bytes(reader.array(0x83)?),
            tries: reader.array::<1>(0x84)?[0],
            log: reader.array::<1>(0x85)?[0],
            unrooted: reader.array::<1>(0x86)?[0],
            sign_inputs: reader.array::<1>(0x87)?[0],
            sign_outputs: reader.array::<1>(0x88)?[0],
        };
        reader.end()?;
        Ok(capabilities)
    }
}

impl Card {
    /// GET DATA with these P1-P2.
    pub fn get_data(&mut self, p1: u8, p2: u8) -> Step<Answer> {
        self.send(&Command::new([0x00, 0xCA, p1, p2]).le(LE_SHORT))
    }

    /// The status.
    pub fn status(&mut self) -> Step<Status> {
        let data = self
            .get_data(0x01, 0x00)?
            .want(Sw::OK, "GET DATA, status")?;
        let mut reader = Reader::new("GET DATA, status", &data);
        let [state] = reader.array(0x80)?;
        let status = match state {
            0 => Status::Factory,
            1 => {
                let [network] = reader.array(0x81)?;
                let [tries] = reader.array(0x82)?;
                let [policy] = reader.array(0x83)?;
                Status::Issued {
                    network,
                    tries,
                    policy,
                }
            }
            2 => Status::Terminated,
            0x7E => Status::OtherVersion,
            0x7F => Status::Damaged,
            other => {
                return Err(Stop::Fail(format!(
                    "GET DATA, status: unknown state {other:02X}"
                )));
            }
        };
        reader.end()?;
        Ok(status)
    }

    /// The card must never have been issued.
    ///
    /// # Errors
    /// [`Stop::Fail`] with this reason otherwise.
    pub fn expect_factory(&mut self, reason: &str) -> Step<()> {
        let status = self.status()?;
        require!(
            status == Status::Factory,
            "{reason}: its status is {status:?}"
        );
        Ok(())
    }

    /// The capabilities.
    pub fn capabilities(&mut self) -> Step<Capabilities> {
        let data = self
            .get_data(0x01, 0x01)?
            .want(Sw::OK, "GET DATA, capabilities")?;
        Capabilities::read(&data)
    }
}
