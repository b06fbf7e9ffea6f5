//! The application: what each command does. One file a group of commands.

mod coins;
mod data;
mod issuing;
mod paying;
mod pin;

use crate::command::{AID, Command, Selected};
use crate::persistent::Persistent;
use crate::status::{self, Status};
use crate::tlv::Overflow;
use crate::volatile::Volatile;
use apdu_app::{App, CommandView, Interface, VecView};
use embedded_storage::nor_flash::NorFlash;
use iso7816::Aid;
use rand_core::TryCryptoRng;

/// The application on a card.
pub struct Tillcard<N, R> {
    persistent: Persistent<N>,
    volatile: Volatile,
    rng: R,
}

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// The application with what its NVM remembers.
    pub fn new(nvm: N, rng: R) -> Self {
        Self {
            persistent: Persistent::open(nvm),
            volatile: Volatile::default(),
            rng,
        }
    }

    /// Forgets the session and looks at the NVM anew, as when the power comes
    /// back.
    pub fn reset(&mut self) {
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

    fn execute(&mut self, command: Command<'_>, reply: &mut VecView<u8>) -> Result<(), Status> {
        match command {
            Command::GetData(object) => self.get_data(object, reply),
            Command::GenerateKey => self.generate_key(reply),
            Command::Issue(issue) => self.issue(&issue, reply),
            Command::Verify(entry) => self.verify(entry),
            Command::GetChallenge => self.get_challenge(reply),
            Command::ReceiveScript => self.receive_script(reply),
            Command::EnterCoin(enter) => self.enter_coin(enter, reply),
            Command::Preview(request) => self.preview(&request, reply),
            Command::Pay(request) => self.pay(&request, reply),
        }
    }

    /// `6985` unless the card is issued.
    fn require_issued(&self) -> Result<(), Status> {
        if self.persistent.is_issued()? {
            Ok(())
        } else {
            Err(status::CONDITIONS)
        }
    }

    /// `6985` unless the card is as the manufacturer made it.
    fn require_factory(&self) -> Result<(), Status> {
        if self.persistent.is_issued()? {
            Err(status::CONDITIONS)
        } else {
            Ok(())
        }
    }
}

impl<N, R> iso7816::App for Tillcard<N, R> {
    fn aid(&self) -> Aid {
        Aid::new_truncatable(&AID, crate::MIN_PARTIAL_AID)
    }
}

impl<N: NorFlash, R: TryCryptoRng> App for Tillcard<N, R> {
    fn select(
        &mut self,
        _interface: Interface,
        _command: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> apdu_app::Result {
        self.volatile = Volatile::default();
        Ok(Selected::OWN.write(reply)?)
    }

    fn deselect(&mut self) {
        self.volatile = Volatile::default();
    }

    fn call(
        &mut self,
        _interface: Interface,
        command: CommandView<'_>,
        reply: &mut VecView<u8>,
    ) -> apdu_app::Result {
        let command = Command::try_from(command);
        if !matches!(command, Ok(Command::EnterCoin(_))) {
            self.volatile.entry = None;
        }
        let done = command.and_then(|command| self.execute(command, reply));
        if done == Err(status::MEMORY_FAILURE) {
            // Whether the last change happened can only be read from the NVM.
            self.reset();
        }
        done
    }
}

impl From<Overflow> for Status {
    fn from(_: Overflow) -> Self {
        status::EXECUTION_ERROR
    }
}
