//! Issuing a card, and what its owner may do afterwards (`docs/protocol.md`, sections 3, 5 and 8).

use bitcoin::key::{Keypair, Secp256k1};
use bitcoin::secp256k1::{All, Message, SecretKey};
use tillcard_protocol::command::{
    CHALLENGE_LENGTH, FactoryReset, GenerateKey, GetChallenge, Issue, Issued, KeySource, Leaf,
    Limits, Network, OwnerCommand, Policy, SIGNATURE_LENGTH, Select, SetLimits, SetPolicy,
    Terminate,
};
use tillcard_protocol::hash::tagged_hash;
use tillcard_protocol::owner;
use tillcard_protocol::pin::PinBlock;
use tillcard_protocol::session::Session;

use crate::{Account, Contact, OwnerError};

/// What a card is issued with.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The chain that it is for; never mainnet.
    pub network: Network,
    /// 4 to 12 digits.
    pub pin: String,
    /// What a shop may take.
    pub limits: Limits,
    /// What is allowed in sessions of others.
    pub policy: Policy,
}

/// The owner of one card.
#[derive(Clone)]
pub struct Owner {
    pub(crate) secp: Secp256k1<All>,
    pub(crate) account: Account,
    pub(crate) pin: PinBlock,
    key: Keypair,
    pub(crate) primary: Keypair,
    seed: [u8; 32],
    pub(crate) payments: u64,
}

impl Owner {
    /// Selects the application and issues a card that has left its factory. All keys of the owner
    /// follow from `seed`.
    ///
    /// # Errors
    /// [`OwnerError`]
    pub fn issue(
        card: &mut dyn Contact,
        terms: &Terms,
        seed: [u8; 32],
    ) -> Result<Self, OwnerError> {
        const ISSUE: &str = "ISSUE";
        if terms.network == Network::Mainnet {
            return Err(OwnerError::Mainnet);
        }
        let pin = PinBlock::from_digits(terms.pin.as_bytes()).ok_or(OwnerError::Pin)?;
        let secp = Secp256k1::new();
        let key = Keypair::from_secret_key(&secp, &secret("owner", &seed));
        let primary = Keypair::from_secret_key(&secp, &secret("primary", &seed));
        let leaf = primary.x_only_public_key().0;
        card.ask("SELECT", &Select::to_apdu())?;
        card.ask("GENERATE ASYMMETRIC KEY PAIR", &GenerateKey::to_apdu())?;
        let host_share = secret("host-share", &seed).secret_bytes();
        let owner_key = key.x_only_public_key().0.serialize();
        let command = Issue::new(
            terms.network,
            KeySource::Made(&host_share),
            &owner_key,
            Leaf::Key(leaf.serialize()),
            &pin,
            terms.limits,
            terms.policy,
        );
        let answer = card.ask(ISSUE, &command.to_apdu())?;
        let issued = Issued::parse(&answer).map_err(|_| OwnerError::Malformed(ISSUE))?;
        Ok(Self {
            account: Account::new(terms.network, &issued, leaf)?,
            secp,
            pin,
            key,
            primary,
            seed,
            payments: 0,
        })
    }

    /// The card's account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// A number of this owner's that nobody else uses: a place to begin for what a test needs.
    #[must_use]
    pub fn number(&self, of: &str) -> [u8; 32] {
        tagged_hash("Tillcard/test-owner/number", &[&self.seed, of.as_bytes()])
    }

    /// Has the card do what its owner alone may order (section 5.2), in a plain session.
    ///
    /// # Errors
    /// [`OwnerError`]
    pub fn command<C: OwnerCommand>(
        &self,
        card: &mut dyn Contact,
        name: &'static str,
        command: &C,
    ) -> Result<Vec<u8>, OwnerError> {
        let signature = self.authorise(card, command)?;
        card.ask(name, &command.to_apdu(&signature))
    }

    /// Asks for a challenge, and signs the command over it.
    pub(crate) fn authorise<C: OwnerCommand>(
        &self,
        card: &mut dyn Contact,
        command: &C,
    ) -> Result<[u8; SIGNATURE_LENGTH], OwnerError> {
        const CHALLENGE: &str = "GET CHALLENGE";
        let challenge = card.ask(CHALLENGE, &GetChallenge::to_apdu())?;
        let challenge = challenge.as_slice().try_into();
        let challenge = challenge.map_err(|_| OwnerError::Malformed(CHALLENGE))?;
        Ok(self.sign(challenge, command))
    }

    /// The signature that authorises a command in a plain session whose challenge this is.
    #[must_use]
    pub fn sign<C: OwnerCommand>(
        &self,
        challenge: &[u8; CHALLENGE_LENGTH],
        command: &C,
    ) -> [u8; SIGNATURE_LENGTH] {
        let message = owner::message(
            self.account.network(),
            self.account.card_id(),
            &Session::Plain,
            challenge,
            &C::HEADER,
            &command.body(),
        );
        let message = Message::from_digest(message);
        let signature = self.secp.sign_schnorr_no_aux_rand(&message, &self.key);
        signature.serialize()
    }

    /// Replaces the card's limits (section 8.3).
    ///
    /// # Errors
    /// [`OwnerError`]
    pub fn set_limits(&self, card: &mut dyn Contact, limits: Limits) -> Result<(), OwnerError> {
        self.command(card, "SET LIMITS", &SetLimits(limits))
            .map(drop)
    }

    /// Replaces the card's policy (section 5.5).
    ///
    /// # Errors
    /// [`OwnerError`]
    pub fn set_policy(&self, card: &mut dyn Contact, policy: Policy) -> Result<(), OwnerError> {
        self.command(card, "SET POLICY", &SetPolicy::new(policy))
            .map(drop)
    }

    /// Has the card forget this owner (section 5.6).
    ///
    /// # Errors
    /// [`OwnerError`]
    pub fn factory_reset(self, card: &mut dyn Contact) -> Result<(), OwnerError> {
        self.command(card, "FACTORY RESET", &FactoryReset).map(drop)
    }

    /// Ends the card (section 5.7).
    ///
    /// # Errors
    /// [`OwnerError`]
    pub fn terminate(&self, card: &mut dyn Contact) -> Result<(), OwnerError> {
        self.command(card, "TERMINATE CARD USAGE", &Terminate)
            .map(drop)
    }
}

/// A key that follows from a seed.
fn secret(of: &str, seed: &[u8; 32]) -> SecretKey {
    let bytes = tagged_hash("Tillcard/test-owner", &[seed, of.as_bytes()]);
    SecretKey::from_slice(&bytes).expect("a key, but for one seed of 2^127")
}
