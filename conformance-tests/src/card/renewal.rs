//! A card that is used again: FACTORY RESET of whatever a case left.

use super::{Card, FACTORY_RESET, Form, PLAIN_SESSION, Status};
use crate::apdu::Command;
use crate::card_under_test::Reset;
use crate::keys::{keypair, sign, tagged_hash};
use crate::outcome::Step;
use crate::status::Sw;
use bitcoin::secp256k1::Keypair;

/// Who can reset an account.
#[derive(Clone, Copy)]
pub struct Owner {
    /// The account's card id.
    pub card_id: [u8; 16],
    /// The owner key.
    pub key: Keypair,
}

impl Owner {
    /// As a line of a file: the card id and the secret key of the owner, in hexadecimal.
    pub(crate) fn line(&self) -> String {
        let secret = self.key.secret_bytes();
        format!("{} {}", hex::encode(self.card_id), hex::encode(secret))
    }

    /// What such a line says.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (card_id, secret) = line.split_once(' ')?;
        let array = |text: &str| hex::decode(text).ok();
        Some(Self {
            card_id: array(card_id)?.try_into().ok()?,
            key: keypair(&array(secret)?.try_into().ok()?).ok()?,
        })
    }
}

impl Card {
    /// Remembers who owns the card, as the suite issued it or changed its owner.
    pub(super) fn owned_by(&mut self, owner: Owner) {
        self.recorder.borrow_mut().owned_by(&owner);
        self.owners.push(owner);
    }

    /// Whether the suite never saw this card issued.
    pub(crate) const fn was_never_issued(&self) -> bool {
        self.owners.is_empty()
    }

    /// In which state the card is, as far as the suite knows.
    pub(crate) fn left(&self) -> &'static str {
        match (&self.host, self.owners.is_empty()) {
            (Some(_), _) => "the card was left issued; the file owners holds its owner's key",
            (None, true) => "the card was left as it came, or nobody knows how: it wasn't issued",
            (None, false) => "the card was left in a state that nobody knows; it was issued",
        }
    }

    /// Brings the card to the factory state, power on and nothing selected, whatever case had it
    /// before. Says whether it is there: not when it is terminated, when nobody knows its owner, or
    /// when something was done to it that no reader can.
    ///
    /// # Errors
    /// When the card doesn't answer as it must.
    pub(crate) fn renew(&mut self) -> Step<bool> {
        if self.tampered {
            return Ok(false);
        }
        self.form = Form::Short;
        self.power_cycle()?;
        if let Status::Issued { network, .. } = self.status()? {
            let known = self.host.as_ref().map(|host| Owner {
                card_id: host.account.card_id(),
                key: host.profile.owner,
            });
            let owners: Vec<Owner> = known
                .into_iter()
                .chain(self.owners.iter().rev().copied())
                .collect();
            for owner in owners {
                if self.reset_by(&owner, network)? {
                    self.resets += 1;
                    break;
                }
            }
        }
        self.host = None;
        self.power_cycle()?;
        if self.status()? != Status::Factory {
            return Ok(false);
        }
        self.recorder.borrow_mut().renew_card();
        self.reset(Reset::Cold)?;
        Ok(true)
    }

    fn reset_by(&mut self, owner: &Owner, network: u8) -> Step<bool> {
        let challenge = self.challenge()?;
        let message = tagged_hash(
            "Tillcard/owner",
            &[
                &[network],
                &owner.card_id,
                &PLAIN_SESSION,
                &challenge,
                &FACTORY_RESET,
            ],
        );
        let field = Self::signed(&[], &sign(&owner.key, &message));
        let answer = self.once(&Command::new(FACTORY_RESET).data(field))?;
        Ok(answer.sw == Sw::OK)
    }
}
