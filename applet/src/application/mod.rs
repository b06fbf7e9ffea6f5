//! The application: what each command does. One file a group of commands.
//!
//! What does a command is never inlined: each command would else take the stack of the
//! one that needs most (`docs/reports/size.md`).

mod again;
mod channel;
mod coins;
mod data;
mod ending;
mod issuing;
mod limits;
mod log;
mod own_keys;
mod owner_key;
mod parts;
mod paying;
mod payment_state;
mod pin;
mod reading;
mod rules;
mod signing;
mod statement;

pub use reading::Reading;
pub use signing::Signing;

use crate::capacities::SELECTED;
use crate::configuration::Configuration;
use crate::key;
use crate::messaging::{self, Plain, Refused};
use crate::persistent::{Identity, Persistent};
use crate::volatile::{Stream, Volatile};
use apdu_app::{App, CommandView, Interface, VecView};
use embedded_storage::nor_flash::NorFlash;
use iso7816::Aid;
use rand_core::{TryCryptoRng, TryRng};
use tillcard_protocol::command::{
    AID, CHALLENGE_LENGTH, Command, Header, OpenChannel, OwnerCommand, Place, SALT_LENGTH, Signed,
    TaprootScript,
};
use tillcard_protocol::owner;
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
        // These go on with what is under way, or end it themselves.
        if !matches!(
            command,
            Ok(Command::EnterCoin(_) | Command::Sign(_) | Command::ReadCoins(_))
        ) {
            self.volatile.stream = Stream::None;
        }
        let done = command.and_then(|command| self.execute(command, reply));
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

    fn execute(&mut self, command: Command<'_>, reply: &mut VecView<u8>) -> Result<(), Status> {
        match command {
            Command::GetData(object) => self.get_data(object, reply),
            Command::OpenChannel(open) => self.open_channel(&open, reply),
            Command::ProveGenuine(prove) => self.prove_genuine(&prove, reply),
            Command::GenerateCardKeys => self.generate_own_keys(reply),
            Command::PutData(put) => self.put_data(&put),
            Command::GenerateKey => self.generate_key(reply),
            Command::Issue(issue) => self.issue(&issue, reply),
            Command::Verify(entry) => self.verify(entry),
            Command::GetChallenge => self.get_challenge(reply),
            Command::ReceiveScript => self.receive_script(reply),
            Command::ResetRetryCounter(reset) => self.reset_retry_counter(&reset),
            Command::ChangeOwnerKey(change) => self.change_owner_key(&change),
            Command::EnterCoin(enter) => self.enter_coin(enter, reply),
            Command::ReadCoins(read) => self.read_coins(read, reply),
            Command::Preview(request) => self.preview(&request, reply),
            Command::Pay(request) => self.pay(&request, reply),
            Command::PayAgain(request) => self.pay_again(&request, reply),
            Command::PaymentState(ask) => self.payment_state(ask, reply),
            Command::ReportAbsent(report) => self.report_absent(report.0),
            Command::GetAncestor(ancestor) => self.get_ancestor(&ancestor.0, reply),
            Command::ReadLog(read) => self.read_log(&read, reply),
            Command::AcknowledgeLog(acknowledge) => self.acknowledge_log(&acknowledge),
            Command::SetLimits(set) => self.set_limits(&set),
            Command::ReadLimits(read) => self.read_limits(&read, reply),
            Command::ReadAccount(read) => self.read_account(&read, reply),
            Command::Sign(sign) => self.sign(sign, reply),
            Command::Resolve(resolve) => self.resolve(&resolve),
            Command::SetPolicy(set) => self.set_policy(&set),
            Command::Statement(ask) => self.statement(&ask, reply),
            Command::FactoryReset(reset) => self.factory_reset(&reset),
            Command::Terminate(terminate) => self.terminate(&terminate),
        }
    }

    /// `6985` unless the card is issued; `6982` unless the owner signed this with
    /// the challenge outstanding, which is used up.
    fn require_owner<C: OwnerCommand>(&mut self, signed: &Signed<'_, C>) -> Result<(), Status> {
        self.authorise(signed).map(|_| ())
    }

    /// [`Self::require_owner`], for a command that needs what it looked at: the
    /// card's identity and the challenge.
    ///
    /// - `[OWN-2]`: no challenge, or no valid signature, is no authority.
    /// - `[OWN-3]`: the challenge is used up, whatever comes of it.
    /// - `[OWN-6]`: the signature names the session.
    fn authorise<C: OwnerCommand>(
        &mut self,
        signed: &Signed<'_, C>,
    ) -> Result<(Identity, [u8; CHALLENGE_LENGTH]), Status> {
        self.require_issued()?;
        let challenge = self.volatile.challenge.take();
        let challenge = challenge.ok_or(status::SECURITY_STATUS)?;
        let identity = self.persistent.identity()?;
        let card_id = if C::NAMES_CARD {
            identity.account.card_id()
        } else {
            owner::ANY_CARD
        };
        let message = owner::message(
            identity.network,
            &card_id,
            &self.volatile.session(),
            &challenge,
            &signed.header,
            signed.body,
        );
        if key::verify(&identity.owner_key, &message, signed.signature) {
            Ok((identity, challenge))
        } else {
            Err(status::SECURITY_STATUS)
        }
    }

    /// `6985` unless the card is issued.
    ///
    /// `[STA-1]`: what the table of states asks of most commands.
    fn require_issued(&self) -> Result<(), Status> {
        if self.persistent.is_issued()? {
            Ok(())
        } else {
            Err(status::CONDITIONS)
        }
    }

    /// `6985` unless the card is issued; `6982` in a plain session in which its owner
    /// allows neither PIN nor payments (`[POL-1]`).
    fn require_shop_session(&mut self) -> Result<(), Status> {
        self.require_issued()?;
        if self.volatile.channel.is_some() || self.persistent.policy()?.plain_sessions {
            Ok(())
        } else {
            Err(status::SECURITY_STATUS)
        }
    }

    /// `6985` unless the card is as the manufacturer made it.
    fn require_factory(&self) -> Result<(), Status> {
        if self.persistent.is_issued()? || self.persistent.is_terminated()? {
            Err(status::CONDITIONS)
        } else {
            Ok(())
        }
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
    let key = identity
        .account
        .chain(place.chain)?
        .key(place.index, &identity.merkle_root())?;
    Ok(key.script())
}
