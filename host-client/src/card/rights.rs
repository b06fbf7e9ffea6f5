//! What keeps a card its owner's: the PIN, the owner key, the policy, the account as the card knows
//! it, and the end of all that (`docs/protocol.md`, sections 5.3 to 5.7 and 8.7).

use bitcoin::secp256k1::PublicKey;
use bitcoin::{Network, XOnlyPublicKey};
use tillcard_protocol::command::{
    AccountRecord, ChangeOwnerKey, FactoryReset, NewPin, Policy, ReadAccount, SamePin, SetPolicy,
    Terminate,
};
use tillcard_protocol::owner::key_proof_message;
use tillcard_protocol::pin::PinBlock;

use super::issuing::check_record;
use super::open::scrub_stack;
use super::owner::Owner;
use super::{CardError, Factory, Failed, OwnerAuthority, Session, to_card_network};
use crate::owner::{CardAccount, IssuedCard, Leaf, Provenance};
use crate::transport::Transport;

const RESET: &str = "RESET RETRY COUNTER";

/// The card's life has ended.
pub struct Terminated {
    _private: (),
}

impl<T: Transport, A: OwnerAuthority + ?Sized> Session<T, Owner<'_, A>> {
    /// Gives the card a new PIN, and all its tries (RESET RETRY COUNTER), whether the old PIN is
    /// blocked or not.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982` when the owner key or the card is another one, and in a plain
    /// session whose card demands a channel for a new PIN.
    pub fn set_pin(&mut self, pin: &PinBlock) -> Result<(), CardError> {
        let outcome = self.command(RESET, &NewPin::new(pin));
        scrub_stack();
        outcome?;
        self.state.card.tries_left = self.capabilities.tries;
        Ok(())
    }

    /// Gives the PIN that the card has all its tries back (RESET RETRY COUNTER).
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982` when the owner key or the card is another one.
    pub fn unblock_pin(&mut self) -> Result<(), CardError> {
        self.command(RESET, &SamePin)?;
        self.state.card.tries_left = self.capabilities.tries;
        Ok(())
    }

    /// Sets what is allowed in plain sessions, and whether the card gives statements (SET POLICY).
    ///
    /// # Errors
    /// As [`Self::unblock_pin`].
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), CardError> {
        self.command("SET POLICY", &SetPolicy::new(policy))?;
        self.state.card.policy = policy;
        Ok(())
    }

    /// Has the card obey `new_key` from now on, and no other (CHANGE OWNER KEY); `new` signs by it.
    /// This session's own authority then is none any more.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982`, and nothing has changed. After any other error it isn't
    /// known which of the two keys the card obeys.
    pub fn change_owner_key<B: OwnerAuthority + ?Sized>(
        &mut self,
        new_key: &XOnlyPublicKey,
        new: &B,
    ) -> Result<(), CardError> {
        let challenge = self.challenge()?;
        let new_key = new_key.serialize();
        let id = self.card_id();
        let proof = new.sign(&key_proof_message(
            self.state.card.network,
            &id,
            &self.link.session(),
            &challenge,
            &new_key,
        ))?;
        let command = ChangeOwnerKey { new_key, proof };
        self.command_under(&challenge, "CHANGE OWNER KEY", &command)
            .map(|_| ())
    }

    /// The card's account as it was issued, signed by the card anew (READ ACCOUNT). It is checked
    /// as when a card is issued: the card has signed that its owner is `owner_key` and its network
    /// `network`. Which card it is doesn't have to be known.
    ///
    /// # Errors
    /// [`CardError::IssueRecord`] when a check fails; [`CardError::Refused`]: `6982` when the owner
    /// key is another one.
    pub fn read_account(
        &mut self,
        network: Network,
        owner_key: &XOnlyPublicKey,
    ) -> Result<IssuedCard, CardError> {
        const NAME: &str = "READ ACCOUNT";
        let malformed = CardError::Malformed { command: NAME };
        let answer = self.command(NAME, &ReadAccount)?;
        let record = AccountRecord::parse(&answer).map_err(|_| malformed.clone())?;
        if record.network != to_card_network(network) || record.owner_key != owner_key.serialize() {
            return Err(CardError::IssueRecord("it names another owner or network"));
        }
        let account_key = PublicKey::from_slice(&record.issued.public_key);
        let account_key = account_key.map_err(|_| malformed.clone())?;
        let leaf = Leaf::from_card(&record.leaf).ok_or(malformed)?;
        let account = CardAccount::new(network, account_key, record.issued.chain_code, leaf);
        let provenance = Provenance::from_card(record.provenance);
        check_record(owner_key, account, provenance, &record.issued)
    }

    /// Has the card forget its owner: account, coins, log, PIN, limits and policy (FACTORY RESET).
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982` when the owner key or the card is another one, and nothing
    /// has changed. After any other error it isn't known whether it has.
    pub fn factory_reset(mut self) -> Result<Session<T, Factory>, Failed<Self>> {
        match self.command("FACTORY RESET", &FactoryReset) {
            Ok(_) => Ok(self.with(Factory { _private: () })),
            Err(error) => Err(Failed {
                error,
                session: self,
            }),
        }
    }

    /// Ends the card's life: it forgets its owner and its own keys, for good (TERMINATE CARD
    /// USAGE).
    ///
    /// # Errors
    /// As [`Self::factory_reset`].
    pub fn terminate(mut self) -> Result<Session<T, Terminated>, Failed<Self>> {
        match self.command("TERMINATE CARD USAGE", &Terminate) {
            Ok(_) => Ok(self.with(Terminated { _private: () })),
            Err(error) => Err(Failed {
                error,
                session: self,
            }),
        }
    }
}
