//! Making a factory card somebody's (`docs/protocol.md`, section 3).

use bitcoin::{Network, XOnlyPublicKey};
use tillcard_applet::command::{Commitment, GenerateKey, Issue, Issued as IssueAnswer, Limits};
use tillcard_applet::pin::PinBlock;

use super::open::scrub_stack;
use super::{CardError, Factory, Failed, Issued, Session, to_card_network};
use crate::owner::{self, CardAccount};
use crate::transport::Transport;

/// What the owner decides when a card is issued.
pub struct IssueOrder<'a> {
    /// The chain that the card is for, for good.
    pub network: Network,
    /// The key that authorises owner commands.
    pub owner_key: XOnlyPublicKey,
    /// The primary wallet's leaf key, which sweeps the card's coins together with the account key.
    pub leaf_key: XOnlyPublicKey,
    /// The holder's PIN.
    pub pin: &'a PinBlock,
    /// What a shop may take.
    pub limits: Limits,
}

impl<T: Transport> Session<T, Factory> {
    /// Has the card make its account key with our share, and issues it. The account is checked: it
    /// holds our share, so the card alone didn't choose it.
    ///
    /// # Errors
    /// [`CardError::DishonestKey`] when the check fails, and the card is issued all the same;
    /// [`CardError::Refused`], and the card is as it was.
    pub fn issue(
        mut self,
        order: &IssueOrder<'_>,
    ) -> Result<(CardAccount, Session<T, Issued>), Failed<Self>> {
        match self.make_account(order) {
            Ok(account) => {
                let state = Issued {
                    network: to_card_network(order.network),
                    tries_left: self.capabilities.tries,
                };
                Ok((account, self.with(state)))
            }
            Err(error) => Err(Failed {
                error,
                session: self,
            }),
        }
    }

    fn make_account(&mut self, order: &IssueOrder<'_>) -> Result<CardAccount, CardError> {
        const KEY: &str = "GENERATE ASYMMETRIC KEY PAIR";
        const ISSUE: &str = "ISSUE";
        let commitment = Commitment::parse(&self.link.ask(KEY, &GenerateKey::to_apdu())?)
            .map_err(|_| CardError::Malformed { command: KEY })?;
        // Drawn after the card has committed itself: it can't have chosen its share to fit.
        let host_share = CardAccount::new_host_share().map_err(|_| CardError::NoRandomness)?;
        let issue = Issue::new(
            to_card_network(order.network),
            &host_share,
            &order.owner_key.serialize(),
            &order.leaf_key.serialize(),
            order.pin,
            order.limits,
        )
        .to_apdu();
        let answer = self.link.ask(ISSUE, &issue);
        drop(issue);
        scrub_stack();
        let answer =
            IssueAnswer::parse(&answer?).map_err(|_| CardError::Malformed { command: ISSUE })?;
        CardAccount::from_issue(&owner::Issue {
            network: order.network,
            commitment: commitment.0,
            host_share,
            account_key: answer.public_key,
            chain_code: answer.chain_code,
            leaf_key: order.leaf_key,
        })
        .map_err(|_| CardError::DishonestKey)
    }
}
