//! Making a factory card somebody's (`docs/protocol.md`, section 3).

use bitcoin::{Network, XOnlyPublicKey};
use tillcard_protocol::command::{
    Commitment, GenerateKey, Issue, Issued as IssueAnswer, KeySource, Limits, Policy,
};
use tillcard_protocol::owner::IssueRecord;
use tillcard_protocol::pin::PinBlock;

use super::open::scrub_stack;
use super::{
    AgreementKey, CardError, CardKeys, Factory, Failed, IdentityKey, Issued, Session,
    to_card_network,
};
use crate::account::{self, AccountKey, CardAccount, IssuedCard, Leaf, Provenance, is_signed};
use crate::transport::Transport;

/// A card whose account is known, and that is still nobody's.
pub struct Prepared<'a> {
    order: &'a IssueOrder<'a>,
    account: CardAccount,
    source: Source<'a>,
}

/// What the account key is made of.
enum Source<'a> {
    Made {
        commitment: [u8; 33],
        host_share: [u8; 32],
    },
    Imported(&'a AccountKey),
}

/// What the owner decides when a card is issued.
pub struct IssueOrder<'a> {
    /// The chain that the card is for, for good.
    pub network: Network,
    /// The key that authorises owner commands.
    pub owner_key: XOnlyPublicKey,
    /// The primary wallet's way to the card's coins; none for imported keys only.
    pub leaf: Leaf,
    /// The account key; without it, card and host make one together.
    pub import: Option<&'a AccountKey>,
    /// The holder's PIN.
    pub pin: &'a PinBlock,
    /// What a shop may take.
    pub limits: Limits,
    /// What is allowed in plain sessions, and whether the card gives statements.
    pub policy: Policy,
}

/// A card that was just issued, and the session with it.
type IssuedNow<T> = (IssuedCard, Session<T, Issued>);

const ISSUE: &str = "ISSUE";

impl<T: Transport> Session<T, Factory> {
    /// [`Self::prepare`]s the card and issues it at once.
    ///
    /// # Errors
    /// As [`Session::<T, Prepared>::issue`].
    pub fn issue(
        self,
        order: &IssueOrder<'_>,
    ) -> Result<(IssuedCard, Session<T, Issued>), Failed<Self>> {
        self.prepare(order)?.issue()
    }

    /// Has card and host contribute to the account key, so that the account is known before it is
    /// the card's for good: whoever writes it down now loses nothing when the answer to ISSUE is
    /// lost.
    ///
    /// # Errors
    /// [`CardError::DishonestKey`] when the card contributes what is no key; [`CardError::Refused`].
    pub fn prepare<'a>(
        mut self,
        order: &'a IssueOrder<'a>,
    ) -> Result<Session<T, Prepared<'a>>, Failed<Self>> {
        let prepared = match order.import {
            None => self.prepare_made(order),
            Some(key) => Ok(Prepared {
                order,
                account: key.account(order.network, order.leaf),
                source: Source::Imported(key),
            }),
        };
        match prepared {
            Ok(prepared) => Ok(self.with(prepared)),
            Err(error) => Err(Failed {
                error,
                session: self,
            }),
        }
    }

    fn prepare_made<'a>(&mut self, order: &'a IssueOrder<'a>) -> Result<Prepared<'a>, CardError> {
        const KEY: &str = "GENERATE ASYMMETRIC KEY PAIR";
        let Commitment(commitment) =
            Commitment::parse(&self.link.ask(KEY, &GenerateKey::to_apdu())?)
                .map_err(|_| CardError::Malformed { command: KEY })?;
        // Drawn after the card has committed itself: it can't have chosen its share to fit.
        let host_share = CardAccount::new_host_share().map_err(|_| CardError::NoRandomness)?;
        let account = CardAccount::of_shares(order.network, &commitment, &host_share, order.leaf)
            .map_err(|_| CardError::DishonestKey)?;
        Ok(Prepared {
            order,
            account,
            source: Source::Made {
                commitment,
                host_share,
            },
        })
    }
}

impl<T: Transport> Session<T, Prepared<'_>> {
    /// What the card will be once it is issued; it may draw its own keys only then.
    pub fn expected(&self) -> IssuedCard {
        IssuedCard {
            account: self.state.account.clone(),
            provenance: match self.state.source {
                Source::Made { .. } => Provenance::Made,
                Source::Imported(_) => Provenance::Imported,
            },
            card_keys: None,
        }
    }

    /// Issues the card. What it then says of itself is checked: that the account holds our share,
    /// or is the one imported, and that the card signed just that, by the key that is its own from
    /// now on.
    ///
    /// # Errors
    /// [`CardError::DishonestKey`] and [`CardError::IssueRecord`] when a check fails, and the card
    /// is issued all the same. After any other error it isn't known whether the card is issued: a
    /// refusal comes without proof, in a channel too.
    pub fn issue(mut self) -> Result<IssuedNow<T>, Failed<Session<T, Factory>>> {
        match self.ask_issue().and_then(|answer| self.check(&answer)) {
            Ok(issued) => {
                let state = Issued {
                    network: to_card_network(self.state.order.network),
                    tries_left: self.capabilities.tries,
                    policy: self.state.order.policy,
                };
                Ok((issued, self.with(state)))
            }
            Err(error) => Err(Failed {
                error,
                session: self.with(Factory { _private: () }),
            }),
        }
    }

    fn ask_issue(&mut self) -> Result<IssueAnswer, CardError> {
        let Prepared { order, source, .. } = &self.state;
        let owner_key = order.owner_key.serialize();
        let command = |key: KeySource<'_>| {
            let network = to_card_network(order.network);
            let leaf = order.leaf.to_card();
            let (pin, limits, policy) = (order.pin, order.limits, order.policy);
            Issue::new(network, key, &owner_key, leaf, pin, limits, policy).to_apdu()
        };
        let issue = match source {
            Source::Made { host_share, .. } => command(KeySource::Made(host_share)),
            Source::Imported(key) => command(KeySource::Imported {
                secret: &key.secret(),
                chain_code: &key.chain_code(),
            }),
        };
        let answer = self.link.ask(ISSUE, &issue);
        drop(issue);
        scrub_stack();
        IssueAnswer::parse(&answer?).map_err(|_| CardError::Malformed { command: ISSUE })
    }

    fn check(&self, answer: &IssueAnswer) -> Result<IssuedCard, CardError> {
        let Prepared {
            order,
            account,
            source,
        } = &self.state;
        let provenance = match source {
            Source::Made {
                commitment,
                host_share,
            } => {
                CardAccount::from_issue(&account::Issue {
                    network: order.network,
                    commitment: *commitment,
                    host_share: *host_share,
                    account_key: answer.public_key,
                    chain_code: answer.chain_code,
                    leaf: order.leaf,
                })
                .map_err(|_| CardError::DishonestKey)?;
                Provenance::Made
            }
            Source::Imported(_) => {
                if answer.public_key != account.account_key().serialize()
                    || answer.chain_code != account.chain_code()
                {
                    return Err(CardError::IssueRecord(
                        "it has another key than was imported",
                    ));
                }
                Provenance::Imported
            }
        };
        check_record(&order.owner_key, account.clone(), provenance, answer)
    }
}

/// Makes sure that the card signed this account, with this owner.
pub(super) fn check_record(
    owner_key: &XOnlyPublicKey,
    account: CardAccount,
    provenance: Provenance,
    answer: &IssueAnswer,
) -> Result<IssuedCard, CardError> {
    let record = IssueRecord {
        network: to_card_network(account.network()),
        provenance: provenance.to_card(),
        public_key: &account.account_key().serialize(),
        chain_code: &account.chain_code(),
        owner_key: &owner_key.serialize(),
        leaf: &account.leaf().to_card(),
        agreement_key: &answer.agreement_key,
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
        card_keys: Some(CardKeys {
            identity: IdentityKey(answer.identity_key),
            agreement: AgreementKey(answer.agreement_key),
        }),
    })
}
