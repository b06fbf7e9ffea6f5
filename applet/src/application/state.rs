//! In which state, and by whose authority, each command is done: the one table of states
//! (`docs/protocol.md`, section 10).
//!
//! A handler takes a proof of what it needs. Proofs are made here and nowhere else, so that no
//! handler can be reached without the question whether it may be.

use super::Tillcard;
use crate::key;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{
    CHALLENGE_LENGTH, Command, EnterCoin, OwnerCommand, PinEntry, ReadCoins, ResetRetryCounter,
    Sign, Signed,
};
use tillcard_protocol::owner;
use tillcard_protocol::status::{self, Status};

/// The card is in the factory state: never issued, or set back.
pub(super) struct Factory(());

/// The card is in the factory state and the manufacturer hasn't ended its personalisation.
pub(super) struct Personalising(());

/// The card is issued.
pub(super) struct Issued(());

/// The card is issued, and its owner allows PIN and payments in this session.
pub(super) struct ShopSession(());

/// The card is issued, and its account may be told in this session.
pub(super) struct AccountSession(());

/// The card is issued, and its owner signed the command.
pub(super) struct OwnerAuthorised(());

/// The card is issued, and its owner signed the command with this challenge, which is used up.
pub(super) struct SignedChallenge([u8; CHALLENGE_LENGTH]);

impl SignedChallenge {
    /// The challenge, for a command that is proven by two keys.
    pub(super) fn as_bytes(&self) -> &[u8; CHALLENGE_LENGTH] {
        &self.0
    }
}

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// Does a command for which the card is in the right state, and its sender has authority.
    ///
    /// # Errors
    /// Those of the proofs, then those of the command.
    pub(super) fn execute(
        &mut self,
        command: &Command<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        match command {
            Command::GetData(object) => self.get_data(*object, reply),
            Command::OpenChannel(open) => self.open_channel(open, reply),
            Command::ProveGenuine(prove) => self.prove_genuine(prove, reply),
            Command::GenerateCardKeys => {
                let personalising = self.personalising()?;
                self.generate_card_keys(personalising, reply)
            }
            Command::PutData(put) => {
                let personalising = self.personalising()?;
                self.put_data(personalising, put)
            }
            Command::GenerateKey => {
                let factory = self.factory()?;
                self.generate_key(factory, reply)
            }
            Command::Issue(issue) => {
                let factory = self.factory()?;
                self.issue(factory, issue, reply)
            }
            Command::Verify(entry) => {
                let presented = match entry {
                    PinEntry::Query => {
                        let issued = self.issued()?;
                        return self.tell_tries(issued);
                    }
                    PinEntry::Block(block) => Some(block),
                    PinEntry::Malformed => None,
                };
                let shop = self.shop_session()?;
                self.verify(shop, presented)
            }
            Command::GetChallenge => {
                let issued = self.issued()?;
                self.get_challenge(issued, reply)
            }
            Command::ReceiveScript => {
                let shop = self.shop_session()?;
                self.receive_script(shop, reply)
            }
            Command::ResetRetryCounter(ResetRetryCounter::New(signed)) => {
                let shop = self.shop_session()?;
                let owner = self.owner(signed)?;
                self.set_pin(shop, owner, &signed.command)
            }
            Command::ResetRetryCounter(ResetRetryCounter::Same(signed)) => {
                let owner = self.owner(signed)?;
                self.unblock_pin(owner)
            }
            Command::ChangeOwnerKey(signed) => {
                let owner = self.signed_challenge(signed)?;
                self.change_owner_key(owner, &signed.command)
            }
            Command::EnterCoin(EnterCoin::Begin(signed)) => {
                let owner = self.owner(signed)?;
                self.begin_coin(owner, signed.command)
            }
            Command::EnterCoin(EnterCoin::Credit(announced)) => {
                let shop = self.shop_session()?;
                self.begin_credit(shop, *announced)
            }
            Command::EnterCoin(EnterCoin::Piece(bytes)) => {
                let issued = self.issued()?;
                self.take_coin_piece(issued, bytes, reply)
            }
            Command::ReadCoins(ReadCoins::Begin(signed)) => {
                let owner = self.owner(signed)?;
                self.begin_reading(owner, reply)
            }
            Command::ReadCoins(ReadCoins::Next) => {
                let issued = self.issued()?;
                self.continue_reading(issued, reply)
            }
            Command::Preview(request) => {
                let shop = self.shop_session()?;
                self.preview(shop, request, reply)
            }
            Command::Pay(request) => {
                let shop = self.shop_session()?;
                self.pay(shop, request, reply)
            }
            Command::PayAgain(request) => {
                let shop = self.shop_session()?;
                self.pay_again(shop, request, reply)
            }
            Command::PaymentState(ask) => {
                let shop = self.shop_session()?;
                self.payment_state(shop, *ask, reply)
            }
            Command::ReportAbsent(report) => {
                let shop = self.shop_session()?;
                self.report_absent(shop, report.0)
            }
            Command::GetAncestor(ancestor) => {
                let shop = self.shop_session()?;
                self.get_ancestor(shop, &ancestor.0, reply)
            }
            Command::ReadLog(signed) => {
                let owner = self.owner(signed)?;
                self.read_log(owner, signed.command, reply)
            }
            Command::AcknowledgeLog(signed) => {
                let owner = self.owner(signed)?;
                self.acknowledge_log(owner, signed.command)
            }
            Command::SetLimits(signed) => {
                let owner = self.owner(signed)?;
                self.set_limits(owner, &signed.command)
            }
            Command::ReadLimits(signed) => {
                let owner = self.owner(signed)?;
                self.read_limits(owner, reply)
            }
            Command::ReadAccount(signed) => {
                let session = self.account_session()?;
                let owner = self.owner(signed)?;
                self.read_account(session, owner, reply)
            }
            Command::Sign(Sign::Begin(signed)) => {
                let owner = self.owner(signed)?;
                self.begin_signing(owner, signed.command)
            }
            Command::Sign(Sign::Piece(bytes)) => {
                let issued = self.issued()?;
                self.take_signing_piece(issued, bytes, reply)
            }
            Command::Sign(Sign::Input(input)) => {
                let issued = self.issued()?;
                self.sign_input(issued, *input, reply)
            }
            Command::Resolve(signed) => {
                let owner = self.owner(signed)?;
                self.resolve(owner, signed.command)
            }
            Command::SetPolicy(signed) => {
                let owner = self.owner(signed)?;
                self.set_policy(owner, &signed.command)
            }
            Command::Statement(ask) => {
                let issued = self.issued()?;
                self.statement(issued, ask, reply)
            }
            Command::FactoryReset(signed) => {
                let owner = self.owner(signed)?;
                self.factory_reset(owner)
            }
            Command::Terminate(signed) => {
                let owner = self.owner(signed)?;
                self.terminate(owner)
            }
        }
    }

    /// `6985` unless the card is in the factory state.
    #[inline(never)]
    fn factory(&self) -> Result<Factory, Status> {
        if self.persistent.is_issued()? || self.persistent.is_terminated()? {
            Err(status::CONDITIONS)
        } else {
            Ok(Factory(()))
        }
    }

    /// `6985` unless the manufacturer still has the card.
    ///
    /// `[PER-4]`: refused after the end, and in every other state.
    #[inline(never)]
    fn personalising(&self) -> Result<Personalising, Status> {
        self.factory()?;
        if self.persistent.is_personalised()? {
            Err(status::CONDITIONS)
        } else {
            Ok(Personalising(()))
        }
    }

    /// `6985` unless the card is issued.
    ///
    /// `[STA-1]`: what the table of states asks of most commands.
    fn issued(&self) -> Result<Issued, Status> {
        if self.persistent.is_issued()? {
            Ok(Issued(()))
        } else {
            Err(status::CONDITIONS)
        }
    }

    /// `6985` unless the card is issued; `6982` in a plain session in which its owner
    /// allows neither PIN nor payments (`[POL-1]`).
    #[inline(never)]
    fn shop_session(&mut self) -> Result<ShopSession, Status> {
        self.issued()?;
        if self.volatile.channel.is_some() || self.persistent.policy()?.plain_sessions {
            Ok(ShopSession(()))
        } else {
            Err(status::SECURITY_STATUS)
        }
    }

    /// `6985` unless the card is issued; `6982` in a plain session of a card that could open a
    /// channel which is vouched for.
    ///
    /// `[ACC-2]`: a personalised card tells its account in a channel only.
    #[inline(never)]
    fn account_session(&self) -> Result<AccountSession, Status> {
        self.issued()?;
        if self.volatile.channel.is_some() || !self.persistent.is_personalised()? {
            Ok(AccountSession(()))
        } else {
            Err(status::SECURITY_STATUS)
        }
    }

    /// [`Self::signed_challenge`], for a command that doesn't need the challenge.
    #[inline(never)]
    fn owner<C: OwnerCommand>(
        &mut self,
        signed: &Signed<'_, C>,
    ) -> Result<OwnerAuthorised, Status> {
        self.signed_challenge(signed).map(|_| OwnerAuthorised(()))
    }

    /// `6985` unless the card is issued; `6982` unless the owner signed this with
    /// the challenge outstanding, which is used up.
    ///
    /// - `[OWN-2]`: no challenge, or no valid signature, is no authority.
    /// - `[OWN-3]`: the challenge is used up, whatever comes of it.
    /// - `[OWN-6]`: the signature names the session.
    #[inline(never)]
    fn signed_challenge<C: OwnerCommand>(
        &mut self,
        signed: &Signed<'_, C>,
    ) -> Result<SignedChallenge, Status> {
        self.issued()?;
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
            Ok(SignedChallenge(challenge))
        } else {
            Err(status::SECURITY_STATUS)
        }
    }
}
