//! Making a factory card somebody's (`docs/protocol.md`, section 3).

use bitcoin::{Network, XOnlyPublicKey};
use tillcard_applet::command::{
    Commitment, GenerateKey, Issue, Issued as IssueAnswer, KeySource, Limits,
};
use tillcard_applet::owner::IssueRecord;
use tillcard_applet::pin::PinBlock;

use super::open::scrub_stack;
use super::{CardError, Factory, Failed, Issued, Session, to_card_network};
use crate::owner::{
    self, CardAccount, IdentityKey, ImportedKey, IssuedCard, Leaf, Provenance, is_signed,
};
use crate::transport::Transport;

/// What the owner decides when a card is issued.
pub struct IssueOrder<'a> {
    /// The chain that the card is for, for good.
    pub network: Network,
    /// The key that authorises owner commands.
    pub owner_key: XOnlyPublicKey,
    /// The primary wallet's way to the card's coins; none for imported keys only.
    pub leaf: Leaf,
    /// The account key; without it, card and host make one together.
    pub import: Option<&'a ImportedKey>,
    /// The holder's PIN.
    pub pin: &'a PinBlock,
    /// What a shop may take.
    pub limits: Limits,
}

const ISSUE: &str = "ISSUE";

impl<T: Transport> Session<T, Factory> {
    /// Issues the card: makes its account key with our share, or imports one. What the card then
    /// says of itself is checked: that the account holds our share, or is the one imported, and
    /// that the card signed just that, by the key that is its own from now on.
    ///
    /// # Errors
    /// [`CardError::DishonestKey`] and [`CardError::IssueRecord`] when a check fails, and the card
    /// is issued all the same; [`CardError::Refused`], and the card is as it was.
    pub fn issue(
        mut self,
        order: &IssueOrder<'_>,
    ) -> Result<(IssuedCard, Session<T, Issued>), Failed<Self>> {
        let outcome = match order.import {
            None => self.make_account(order),
            Some(key) => self.import_account(order, key),
        };
        match outcome {
            Ok(issued) => {
                let state = Issued {
                    network: to_card_network(order.network),
                    tries_left: self.capabilities.tries,
                };
                Ok((issued, self.with(state)))
            }
            Err(error) => Err(Failed {
                error,
                session: self,
            }),
        }
    }

    fn make_account(&mut self, order: &IssueOrder<'_>) -> Result<IssuedCard, CardError> {
        const KEY: &str = "GENERATE ASYMMETRIC KEY PAIR";
        let commitment = Commitment::parse(&self.link.ask(KEY, &GenerateKey::to_apdu())?)
            .map_err(|_| CardError::Malformed { command: KEY })?;
        // Drawn after the card has committed itself: it can't have chosen its share to fit.
        let host_share = CardAccount::new_host_share().map_err(|_| CardError::NoRandomness)?;
        let answer = self.ask_issue(order, KeySource::Made(&host_share))?;
        let account = CardAccount::from_issue(&owner::Issue {
            network: order.network,
            commitment: commitment.0,
            host_share,
            account_key: answer.public_key,
            chain_code: answer.chain_code,
            leaf: order.leaf,
        })
        .map_err(|_| CardError::DishonestKey)?;
        check_record(order, account, Provenance::Made, &answer)
    }

    fn import_account(
        &mut self,
        order: &IssueOrder<'_>,
        key: &ImportedKey,
    ) -> Result<IssuedCard, CardError> {
        let (secret, chain_code) = key.to_issue();
        let source = KeySource::Imported {
            secret: &secret,
            chain_code: &chain_code,
        };
        let answer = self.ask_issue(order, source)?;
        let account = key.account(order.network, order.leaf);
        if answer.public_key != account.account_key().serialize()
            || answer.chain_code != account.chain_code()
        {
            return Err(CardError::IssueRecord(
                "it has another key than was imported",
            ));
        }
        check_record(order, account, Provenance::Imported, &answer)
    }

    fn ask_issue(
        &mut self,
        order: &IssueOrder<'_>,
        key: KeySource<'_>,
    ) -> Result<IssueAnswer, CardError> {
        let issue = Issue::new(
            to_card_network(order.network),
            key,
            &order.owner_key.serialize(),
            order.leaf.to_card(),
            order.pin,
            order.limits,
        )
        .to_apdu();
        let answer = self.link.ask(ISSUE, &issue);
        drop(issue);
        scrub_stack();
        IssueAnswer::parse(&answer?).map_err(|_| CardError::Malformed { command: ISSUE })
    }
}

/// Makes sure that the card signed what it was sent and what it answered.
fn check_record(
    order: &IssueOrder<'_>,
    account: CardAccount,
    provenance: Provenance,
    answer: &IssueAnswer,
) -> Result<IssuedCard, CardError> {
    let record = IssueRecord {
        network: to_card_network(order.network),
        provenance: provenance.to_card(),
        public_key: &account.account_key().serialize(),
        chain_code: &account.chain_code(),
        owner_key: &order.owner_key.serialize(),
        leaf: &order.leaf.to_card(),
        salt: &answer.salt,
    };
    if !is_signed(&record, answer) {
        return Err(CardError::IssueRecord(
            "its signature isn't that of what the card was told",
        ));
    }
    Ok(IssuedCard {
        account,
        provenance,
        identity_key: Some(IdentityKey(answer.identity_key)),
    })
}
