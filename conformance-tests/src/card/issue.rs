//! Issuing: GENERATE ASYMMETRIC KEY PAIR and ISSUE.

use super::{Capabilities, Card};
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::keys::Account;
use crate::leak::Secrets;
use crate::model::{Profile, Purse};
use crate::outcome::{Step, Stop, require};
use crate::status::Sw;
use crate::tlv::Reader;
use bitcoin::secp256k1::PublicKey;

/// What the suite knows of a card that it issued.
pub struct Host {
    /// What it gave the card.
    pub profile: Profile,
    /// The account that came of it.
    pub account: Account,
    /// What the card said of itself.
    pub capabilities: Capabilities,
    /// What the card should hold.
    pub purse: Purse,
}

impl Card {
    /// GENERATE ASYMMETRIC KEY PAIR.
    ///
    /// # Errors
    /// When the link fails.
    pub fn generate_answer(&mut self) -> Step<Answer> {
        self.send(&Command::new([0x00, 0x46, 0, 0]).le(LE_SHORT))
    }

    /// GENERATE ASYMMETRIC KEY PAIR, and the commitment that it must answer.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it answers no point.
    pub fn generate(&mut self) -> Step<PublicKey> {
        let what = "GENERATE ASYMMETRIC KEY PAIR";
        let data = self.generate_answer()?.want(Sw::OK, what)?;
        let mut outer = Reader::new(what, &data);
        let template = outer.next(0x7F49)?;
        outer.end()?;
        let mut inner = Reader::new(what, template);
        let point: [u8; 33] = inner.array(0x86)?;
        inner.end()?;
        PublicKey::from_slice(&point)
            .map_err(|_| Stop::Fail(format!("{what}: the commitment isn't a point of the curve")))
    }

    /// ISSUE with this data field.
    ///
    /// # Errors
    /// When the link fails.
    pub fn issue_answer(&mut self, field: &[u8]) -> Step<Answer> {
        self.send(&Command::new([0x80, 0x10, 0, 0]).data(field).le(LE_SHORT))
    }

    /// Issues the card, checks that it took the host's share, and remembers what it should hold.
    ///
    /// # Errors
    /// [`Stop::Fail`] when an answer isn't what section 3 says.
    pub fn issue(&mut self, profile: &Profile) -> Step<()> {
        self.select_fci()?;
        let commitment = self.generate()?;
        self.recorder.borrow_mut().hide(&profile.pin.block());
        let answer = self.issue_answer(&profile.encode())?;
        self.issued(profile, &commitment, answer)
    }

    /// Judges the answer to ISSUE, and remembers what the card should hold from here on.
    ///
    /// # Errors
    /// [`Stop::Fail`] unless it is `P = C + h·G` and the chain code of both shares.
    pub fn issued(
        &mut self,
        profile: &Profile,
        commitment: &PublicKey,
        answer: Answer,
    ) -> Step<()> {
        let data = answer.want(Sw::OK, "ISSUE")?;
        let leaf = profile.leaf.x_only_public_key().0;
        let account = Account::expected(commitment, &profile.share, leaf)?;
        let mut reader = Reader::new("ISSUE", &data);
        let public_key: [u8; 33] = reader.array(0x80)?;
        let chain_code: [u8; 32] = reader.array(0x81)?;
        reader.end()?;
        require!(
            public_key == account.public_key(),
            "ISSUE: the account's public key isn't C + h·G: the card didn't take the host's share"
        );
        require!(
            chain_code == account.chain_code(),
            "ISSUE: the chain code isn't the hash of C and h"
        );
        self.recorder.borrow_mut().leaks.guard(Secrets {
            account: account.clone(),
            commitment: *commitment,
            pin_block: profile.pin.block(),
            pin_digits: profile.pin.ascii(),
        });
        let capabilities = self.capabilities()?;
        self.host = Some(Host {
            profile: profile.clone(),
            account,
            capabilities,
            purse: Purse::default(),
        });
        Ok(())
    }
}
