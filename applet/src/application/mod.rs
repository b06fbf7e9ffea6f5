//! The application: what each command does. One file a group of commands.
//!
//! Handlers are `inline(never)`: inlined, every command would reserve the largest handler's stack
//! frame (`docs/reports/size.md`).

mod card_keys;
mod channel;
mod coins;
mod data;
mod ending;
mod inputs_outputs;
mod issuing;
mod limits;
mod log;
mod owner_key;
mod pay_again;
mod paying;
mod payment_state;
mod pin;
mod reading;
mod rules;
mod signing;
mod state;
mod statement;

use crate::capacities::SELECTED;
use crate::configuration::Configuration;
use crate::messaging::{self, Plain, Refused};
use crate::persistent::{Identity, Persistent};
use crate::volatile::{Stream, Volatile};
use apdu_app::{App, CommandView, Interface, VecView};
use embedded_storage::nor_flash::NorFlash;
use iso7816::Aid;
use rand_core::{TryCryptoRng, TryRng};
use tillcard_protocol::command::{
    AID, Command, EnterCoin, Header, OpenChannel, Place, ReadCoins, SALT_LENGTH, Sign,
    TaprootScript,
};
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::{Application, ClassPolicy, Random};

/// Fewest bytes of an AID that select the application.
const MIN_PARTIAL_AID: usize = 5;

/// The application on a card.
pub struct Tillcard<N, R> {
    persistent: Persistent<N>,
    volatile: Volatile,
    rng: Random<R>,
    configuration: Configuration,
}

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// The application with what its NVM remembers.
    pub fn new(nvm: N, rng: R, configuration: Configuration) -> Self {
        Self {
            persistent: Persistent::open(nvm),
            volatile: Volatile::default(),
            rng: Random::new(rng),
            configuration,
        }
    }

    /// Permits other networks from now on; a card that was issued stays what it is.
    pub fn configure(&mut self, configuration: Configuration) {
        self.configuration = configuration;
    }

    /// Forgets the session and looks at the NVM anew.
    fn recover(&mut self) {
        self.volatile = Volatile::default();
        self.persistent.reopen();
    }

    /// The NVM.
    pub fn nvm(&self) -> &N {
        self.persistent.nvm()
    }

    /// The NVM.
    pub fn nvm_mut(&mut self) -> &mut N {
        self.persistent.nvm_mut()
    }

    /// Gives the NVM back.
    pub fn into_nvm(self) -> N {
        self.persistent.into_nvm()
    }

    /// Does a protected command, and protects the answer (section 2.7).
    ///
    /// - `[MSG-1]`: the plain form is done.
    /// - `[MSG-2]`: no channel, or a broken message, which closes it.
    /// - `[MSG-3]`: a refusal leaves the channel open.
    fn call_protected(
        &mut self,
        command: &CommandView<'_>,
        header: Header,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let channel = self.volatile.channel.as_mut();
        let channel = channel.ok_or(status::SECURITY_STATUS)?;
        let mut plain = Plain::default();
        let [class, ins, p1, p2] = header;
        let done = match channel.unprotect(&header, command, &mut plain) {
            Ok(()) => self.run([messaging::plain_class(class), ins, p1, p2], &plain, reply),
            Err(Refused::TooLong) => {
                // Refused as its plain form would be, which ends what is under way.
                self.volatile.stream = Stream::None;
                Err(status::WRONG_LENGTH)
            }
            Err(Refused::Broken) => {
                self.volatile = Volatile::default();
                Err(status::SECURITY_STATUS)
            }
        };
        match &self.volatile.channel {
            Some(channel) => channel.protect(done, reply),
            None => done,
        }
    }

    /// Does a plain command.
    ///
    /// `[SES-4]`: any other command ends what is under way, done or refused.
    fn run(&mut self, header: Header, data: &[u8], reply: &mut VecView<u8>) -> Result<(), Status> {
        let command = Command::parse(header, data);
        if !command.as_ref().is_ok_and(continues) {
            self.volatile.stream = Stream::None;
        }
        // By reference: a command that is moved takes its size in stack once more.
        let done = match &command {
            Ok(command) => self.execute(command, reply),
            Err(refusal) => Err(*refusal),
        };
        if done == Err(status::MEMORY_FAILURE) {
            // Whether the last change happened can only be read from the NVM.
            self.recover();
        }
        done
    }

    /// Random bytes of the card's, for a structure that it signs.
    fn salt(&mut self) -> Result<[u8; SALT_LENGTH], Status> {
        let mut salt = [0; SALT_LENGTH];
        self.rng
            .try_fill_bytes(&mut salt)
            .map_err(|_| status::EXECUTION_ERROR)?;
        Ok(salt)
    }
}

impl<N, R> iso7816::App for Tillcard<N, R> {
    fn aid(&self) -> Aid {
        Aid::new_truncatable(&AID, MIN_PARTIAL_AID)
    }
}

impl<N: NorFlash, R: TryCryptoRng> App for Tillcard<N, R> {
    /// Version 1 is for contact cards: over a contactless interface there is no such application.
    ///
    /// `[SEL-4]`: a new session begins, and the one before ends.
    ///
    /// # Errors
    /// `6A82`
    fn select(
        &mut self,
        interface: Interface,
        _command: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> apdu_app::Result {
        self.volatile = Volatile::default();
        if interface != Interface::Contact {
            return Err(status::APPLICATION_NOT_FOUND);
        }
        Ok(SELECTED.write(reply)?)
    }

    fn deselect(&mut self) {
        self.volatile = Volatile::default();
    }

    /// - `[SES-2]`: an opening ends the session before it, whatever its answer.
    /// - `[SES-3]`: a plain command closes a channel.
    fn call(
        &mut self,
        interface: Interface,
        command: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> apdu_app::Result {
        if interface != Interface::Contact {
            return Err(status::CONDITIONS);
        }
        let header = header(&command);
        if messaging::is_protected(header[0]) {
            return self.call_protected(&command, header, reply);
        }
        if header[..2] == OpenChannel::CODE {
            self.volatile = Volatile::default();
        } else if self.volatile.channel.is_some() {
            self.volatile = Volatile::default();
            return Err(status::SECURITY_STATUS);
        }
        self.run(header, command.data(), reply)
    }
}

impl<N: NorFlash, R: TryCryptoRng> Application for Tillcard<N, R> {
    fn classes(&self) -> ClassPolicy {
        messaging::CLASSES
    }

    /// Forgets the session, looks at the NVM anew and tests the random source.
    fn reset(&mut self) {
        self.recover();
        self.rng.power_up();
    }
}

/// Whether a command goes on with what is under way, if that is of its kind.
fn continues(command: &Command<'_>) -> bool {
    matches!(
        command,
        Command::EnterCoin(EnterCoin::Piece(_))
            | Command::Sign(Sign::Piece(_) | Sign::Input(_))
            | Command::ReadCoins(ReadCoins::Next)
    )
}

/// CLA INS P1 P2, as received.
fn header(command: &CommandView<'_>) -> Header {
    [
        command.class().into_inner(),
        command.instruction().into(),
        command.p1,
        command.p2,
    ]
}

/// The card's script at a place.
fn script_at(identity: &Identity, place: Place) -> Result<TaprootScript, Status> {
    Ok(identity.keys().key(place)?.script())
}
