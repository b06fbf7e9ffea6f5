//! Making a factory card somebody's (`docs/protocol.md`, section 3).

use bitcoin::Network;
use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::secp256k1::{PublicKey, Scalar, Secp256k1, SecretKey};
use bitcoin::{XOnlyPublicKey, bip32::ChainCode};
use tillcard_applet::command::{Commitment, GenerateKey, Issue, Issued as IssueAnswer, Limits};
use tillcard_applet::owner::{CARD_ID_LENGTH, card_id};
use tillcard_applet::pin::PinBlock;
use zeroize::Zeroizing;

use super::open::scrub_stack;
use super::{CardError, Factory, Failed, Issued, Session, to_card_network};
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

/// The account that card and host made together. The card never tells it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// `P = C + h·G`: stands where BIP32 has the master public key.
    pub public_key: PublicKey,
    /// Its chain code.
    pub chain_code: ChainCode,
}

impl Account {
    /// The id that binds owner commands to this card (section 3.2).
    pub fn card_id(&self) -> [u8; CARD_ID_LENGTH] {
        card_id(&self.public_key.serialize(), self.chain_code.as_bytes())
    }
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
    ) -> Result<(Account, Session<T, Issued>), Failed<Self>> {
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

    fn make_account(&mut self, order: &IssueOrder<'_>) -> Result<Account, CardError> {
        const KEY: &str = "GENERATE ASYMMETRIC KEY PAIR";
        const ISSUE: &str = "ISSUE";
        let commitment = Commitment::parse(&self.link.ask(KEY, &GenerateKey::to_apdu())?)
            .map_err(|_| CardError::Malformed { command: KEY })?;
        // Drawn after the card has committed itself: it can't have chosen its share to fit.
        let share = draw_share()?;
        let share_bytes = Zeroizing::new(share.secret_bytes());
        let issue = Issue::new(
            to_card_network(order.network),
            &share_bytes,
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
        check_account(&commitment, &share, &answer)
    }
}

fn draw_share() -> Result<SecretKey, CardError> {
    loop {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|_| CardError::NoRandomness)?;
        // Fails once in 2^128 draws, for numbers not below the curve's order.
        if let Ok(share) = SecretKey::from_slice(&*bytes) {
            return Ok(share);
        }
    }
}

fn check_account(
    Commitment(commitment): &Commitment,
    share: &SecretKey,
    answer: &IssueAnswer,
) -> Result<Account, CardError> {
    let promised = PublicKey::from_slice(commitment)
        .and_then(|point| {
            point.add_exp_tweak(&Secp256k1::verification_only(), &Scalar::from(*share))
        })
        .map_err(|_| CardError::DishonestKey)?;
    let chain_code = chain_code(commitment, share);
    if answer.public_key != promised.serialize() || answer.chain_code != chain_code {
        return Err(CardError::DishonestKey);
    }
    Ok(Account {
        public_key: promised,
        chain_code: ChainCode::from(chain_code),
    })
}

/// `TH("Tillcard/chaincode", C ‖ h)`, by rust-bitcoin's hash rather than the card's own code.
fn chain_code(commitment: &[u8; 33], share: &SecretKey) -> [u8; 32] {
    let tag = sha256::Hash::hash(b"Tillcard/chaincode");
    let mut engine = sha256::Hash::engine();
    for part in [
        tag.as_byte_array().as_slice(),
        tag.as_byte_array().as_slice(),
        commitment,
        &share.secret_bytes(),
    ] {
        engine.input(part);
    }
    sha256::Hash::from_engine(engine).to_byte_array()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn honest() -> (Commitment, SecretKey, IssueAnswer) {
        let card = SecretKey::from_slice(&[7; 32]).unwrap();
        let share = SecretKey::from_slice(&[9; 32]).unwrap();
        let secp = Secp256k1::new();
        let commitment = card.public_key(&secp).serialize();
        let account = card.add_tweak(&Scalar::from(share)).unwrap();
        let answer = IssueAnswer {
            public_key: account.public_key(&secp).serialize(),
            chain_code: chain_code(&commitment, &share),
        };
        (Commitment(commitment), share, answer)
    }

    #[test]
    fn honest_account_is_taken() {
        let (commitment, share, answer) = honest();
        let account = check_account(&commitment, &share, &answer).unwrap();
        assert_eq!(account.public_key.serialize(), answer.public_key);
    }

    #[test]
    fn account_without_our_share_is_refused() {
        let (commitment, share, answer) = honest();
        let own_key = IssueAnswer {
            public_key: commitment.0,
            ..answer
        };
        let own_chain_code = IssueAnswer {
            chain_code: [1; 32],
            ..answer
        };
        for dishonest in [own_key, own_chain_code] {
            assert_eq!(
                check_account(&commitment, &share, &dishonest),
                Err(CardError::DishonestKey)
            );
        }
        let no_point = Commitment([0; 33]);
        assert_eq!(
            check_account(&no_point, &share, &answer),
            Err(CardError::DishonestKey)
        );
    }
}
