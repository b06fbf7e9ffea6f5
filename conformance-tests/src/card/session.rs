//! The link and SELECT.

use super::{Capability, Host, Owner};
use crate::apdu::{Answer, Command, LE_EXTENDED, LE_SHORT};
use crate::card_under_test::{Fault, Link, Reset};
use crate::channel::Channel;
use crate::driver::MOST_PARTS;
use crate::failure::{Code, Failure};
use crate::outcome::{Step, Stop, require};
use crate::recorder::Recorder;
use crate::status::Sw;
use crate::trace::NO_POWER;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

/// The application identifier.
pub const AID: [u8; 9] = [0xF0, 0x54, 0x49, 0x4C, 0x4C, 0x43, 0x41, 0x52, 0x44];
/// The version of the protocol text, major and minor.
pub const VERSION: [u8; 2] = [0, 4];

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
