//! The link, SELECT and GET DATA.

use super::{Host, Owner};
use crate::apdu::{Answer, Command, LE_EXTENDED, LE_SHORT};
use crate::card_under_test::{Fault, Link, Reset};
use crate::channel::Channel;
use crate::driver::MOST_PARTS;
use crate::failure::{Code, Failure};
use crate::outcome::{Step, Stop, require};
use crate::recorder::Recorder;
use crate::status::Sw;
use crate::tlv::Reader;
use crate::trace::NO_POWER;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

/// The application identifier.
pub const AID: [u8; 9] = [0xF0, 0x54, 0x49, 0x4C, 0x4C, 0x43, 0x41, 0x52, 0x44];
/// The version of the protocol text, major and minor.
pub const VERSION: [u8; 2] = [0, 4];

/// What GET DATA answers about the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Never issued.
    Factory,
    /// The memory is of another version.
    OtherVersion,
    /// The memory is damaged.
    Damaged,
    /// Issued.
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
    /// PIN tries.
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

/// How commands are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Short APDUs; the rest of an answer is fetched with GET RESPONSE.
    Short,
    /// Extended APDUs; answers come whole.
    Extended,
}

/// A card in the suite's hands.
pub struct Card {
    /// How [`Card::once`] and [`Card::send`] encode commands.
    pub form: Form,
    link: Box<dyn Link>,
    pub(super) recorder: Rc<RefCell<Recorder>>,
    pub(super) host: Option<Host>,
    pub(super) channel: Option<Channel>,
    /// Who owned this card since it was put in, the last one last.
    pub(crate) owners: Vec<Owner>,
    /// Whether something was done to it that no reader can.
    pub(super) tampered: bool,
    /// How often FACTORY RESET made it fresh again for another case.
    pub(crate) resets: u32,
    /// How long the last exchange took, in nanoseconds.
    pub took_ns: u64,
}

impl Card {
    /// Takes a card just put in. Nothing is sent yet.
    #[must_use]
    pub fn new(link: Box<dyn Link>, recorder: Rc<RefCell<Recorder>>) -> Self {
        recorder.borrow_mut().enter_card(&link.atr());
        Self {
            form: Form::Short,
            link,
            recorder,
            host: None,
            channel: None,
            owners: Vec::new(),
            tampered: false,
            resets: 0,
            took_ns: 0,
        }
    }

    /// No card yet.
    #[must_use]
    pub fn absent(recorder: Rc<RefCell<Recorder>>) -> Self {
        Self {
            form: Form::Short,
            link: Box::new(NoCard),
            recorder,
            host: None,
            channel: None,
            owners: Vec::new(),
            tampered: false,
            resets: 0,
            took_ns: 0,
        }
    }

    /// Takes the card out.
    pub fn take_out(&mut self) {
        self.link = Box::new(NoCard);
        self.host = None;
        self.channel = None;
    }

    /// The answer to the last reset.
    #[must_use]
    pub fn atr(&self) -> Vec<u8> {
        self.link.atr()
    }

    /// What the suite knows of the card since it issued it.
    ///
    /// # Errors
    /// [`Stop::Error`] when it hasn't: a fault of the case.
    pub fn host(&self) -> Step<&Host> {
        self.host.as_ref().ok_or_else(not_issued)
    }

    /// The same, to be changed.
    pub fn host_mut(&mut self) -> Step<&mut Host> {
        self.host.as_mut().ok_or_else(not_issued)
    }

    /// The case asks about a capability; an issued card without it isn't asked.
    ///
    /// # Errors
    /// [`Stop::NotApplicable`] when the card doesn't declare it.
    pub fn needs(&self, capability: Capability) -> Step<()> {
        self.host()?.capabilities.needs(capability)
    }

    /// Whether the card that the suite issued declares a capability.
    pub fn has(&self, capability: Capability) -> Step<bool> {
        Ok(self.host()?.capabilities.declares(capability))
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// [`Stop::Error`] when the link fails.
    pub fn raw(&mut self, apdu: &[u8]) -> Step<Answer> {
        let before = Instant::now();
        let response = self.link.transmit(apdu);
        let took = u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let response = response.map_err(|failure| self.failed(&failure))?;
        self.took_ns = self.link.took_ns().unwrap_or(took);
        self.recorder
            .borrow_mut()
            .exchange(apdu, &response, self.took_ns);
        let mut header = [0; 4];
        for (to, from) in header.iter_mut().zip(apdu) {
            *to = *from;
        }
        Answer::split(header, response)
    }

    /// Sends a command and gives back the first answer, even if there is more of it. In a channel
    /// the answer is the whole one, without its protection.
    ///
    /// # Errors
    /// As for [`Card::raw`]; [`Stop::Fail`] when an answer in a channel isn't protected as it must
    /// be.
    pub fn once(&mut self, command: &Command) -> Step<Answer> {
        if self.channel.is_some() {
            return self.once_protected(command);
        }
        self.plain(command)
    }

    /// The APDU of a plain command.
    pub(super) fn encode(&self, command: &Command) -> Step<Vec<u8>> {
        match self.form {
            Form::Short => command.short(),
            Form::Extended => {
                let mut command = command.clone();
                if command.le == Some(LE_SHORT) {
                    command.le = Some(LE_EXTENDED);
                }
                command.extended()
            }
        }
    }

    /// Sends a command and fetches the rest of its answer with GET RESPONSE.
    ///
    /// # Errors
    /// As for [`Card::raw`]; [`Stop::Fail`] when the parts never end.
    pub fn send(&mut self, command: &Command) -> Step<Answer> {
        let first = self.once(command)?;
        self.rest(first)
    }

    /// Fetches the rest of an answer.
    pub fn rest(&mut self, first: Answer) -> Step<Answer> {
        let mut whole = first;
        for _ in 0..MOST_PARTS {
            let Some(left) = whole.sw.more() else {
                return Ok(whole);
            };
            let part = self.get_response(left)?;
            require!(
                !part.data.is_empty(),
                "GET RESPONSE after 61xx gave no data, status {}",
                part.sw
            );
            whole.data.extend_from_slice(&part.data);
            whole.sw = part.sw;
        }
        Err(Stop::Fail(
            "the answer never ended: 61xx followed each GET RESPONSE".to_owned(),
        ))
    }

    /// GET RESPONSE for so many bytes, 1 to 256.
    pub fn get_response(&mut self, le: u32) -> Step<Answer> {
        self.raw(&Command::new([0x00, 0xC0, 0, 0]).le(le).short()?)
    }

    /// Resets the card.
    pub fn reset(&mut self, how: Reset) -> Step<()> {
        let done = self.link.reset(how);
        done.map_err(|failure| self.failed(&failure))?;
        self.channel = None;
        self.authorisation_ended();
        self.recorder.borrow_mut().was_reset(how, &self.link.atr());
        Ok(())
    }

    /// The link failed.
    fn failed(&self, failure: &Failure) -> Stop {
        // Where there is no card, nothing was said to one.
        if failure.code != Code::NoCard {
            self.recorder.borrow_mut().failed(failure);
        }
        Stop::Error(failure.to_string())
    }

    /// Takes the power away, gives it back, and selects the application.
    pub fn power_cycle(&mut self) -> Step<()> {
        self.reset(Reset::Cold)?;
        self.select()
    }

    /// Reports of absent coins end with the authorisation in which they were made.
    pub(super) fn authorisation_ended(&mut self) {
        if let Some(host) = &mut self.host {
            host.purse.reported.clear();
        }
    }

    /// Does to the card what only some targets can.
    ///
    /// # Errors
    /// [`Stop::NotApplicable`] when this one can't.
    pub fn inject(&mut self, fault: &Fault) -> Step<()> {
        let done = self.link.inject(fault);
        if done.map_err(|failure| self.failed(&failure))? {
            self.tampered = true;
            self.recorder.borrow_mut().event(fault.name());
            return Ok(());
        }
        Err(Stop::NotApplicable(format!(
            "{}: {}",
            crate::outcome::BEYOND_TARGET,
            fault.name()
        )))
    }

    /// Whether the power is on.
    pub(super) fn has_power(&mut self) -> bool {
        let on = self.link.has_power();
        if !on {
            self.recorder.borrow_mut().event(NO_POWER);
        }
        on
    }

    /// All of the card's memory, on targets where it is in reach.
    ///
    /// # Errors
    /// [`Stop::NotApplicable`] where it isn't.
    pub fn memory(&mut self) -> Step<Vec<u8>> {
        let memory = self.link.memory();
        let memory = memory.map_err(|failure| self.failed(&failure))?;
        let memory = memory.ok_or_else(|| {
            Stop::NotApplicable(format!(
                "{}: reading the memory",
                crate::outcome::BEYOND_TARGET
            ))
        })?;
        self.recorder.borrow_mut().memory(&memory);
        Ok(memory)
    }

    /// SELECT by the full AID, without asking for the FCI.
    pub fn select(&mut self) -> Step<()> {
        self.channel = None;
        self.authorisation_ended();
        self.once(&Command::new([0x00, 0xA4, 0x04, 0x0C]).data(AID))?
            .want_bare(Sw::OK, "SELECT")
    }

    /// SELECT by the full AID; the answer is the FCI template.
    pub fn select_fci(&mut self) -> Step<Vec<u8>> {
        self.channel = None;
        let fci = self
            .send(
                &Command::new([0x00, 0xA4, 0x04, 0x00])
                    .data(AID)
                    .le(LE_SHORT),
            )?
            .want(Sw::OK, "SELECT")?;
        self.recorder.borrow_mut().selected(&fci);
        Ok(fci)
    }

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

fn not_issued() -> Stop {
    Stop::Error("the case uses an issued card that it never issued".to_owned())
}

/// The link to a card that isn't there.
struct NoCard;

impl NoCard {
    fn error() -> Failure {
        Code::NoCard.because("no card has been put in")
    }
}

impl Link for NoCard {
    fn atr(&self) -> Vec<u8> {
        Vec::new()
    }

    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, Failure> {
        Err(Self::error())
    }

    fn reset(&mut self, _: Reset) -> Result<(), Failure> {
        Err(Self::error())
    }
}
