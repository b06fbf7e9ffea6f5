//! Issuing: GENERATE ASYMMETRIC KEY PAIR and ISSUE.

use super::{Capabilities, Card, Owner, VERSION, secrets};
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::keys::{Account, p256_verifies, tagged_hash};
use crate::model::{Profile, Provenance, Purse};
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
    /// What the card signed when it was issued.
    pub record: IssueRecord,
    /// What the card should hold.
    pub purse: Purse,
}

/// The card's own part of the issue record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueRecord {
    /// A P-256 point, compressed.
    pub identity_key: [u8; 33],
    /// A P-256 point, compressed: with it channels are opened.
    pub agreement_key: [u8; 33],
    /// Random.
    pub salt: [u8; 16],
    /// ECDSA, `r ‖ s`.
    pub signature: [u8; 64],
}

impl Card {
    /// GENERATE ASYMMETRIC KEY PAIR.
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

    /// ISSUE of a card whose key is made, with this data field.
    pub fn issue_answer(&mut self, field: &[u8]) -> Step<Answer> {
        self.send(&Command::new([0x80, 0x10, 0, 0]).data(field).le(LE_SHORT))
    }

    /// ISSUE with an imported key, with this data field.
    pub fn import_answer(&mut self, field: &[u8]) -> Step<Answer> {
        self.send(&Command::new([0x80, 0x10, 1, 0]).data(field).le(LE_SHORT))
    }

    /// Issues the card, checks that it took the host's share or key, and remembers what it should
    /// hold.
    ///
    /// # Errors
    /// [`Stop::Fail`] when an answer isn't what section 3 says.
    pub fn issue(&mut self, profile: &Profile) -> Step<()> {
        self.select_fci()?;
        self.recorder.borrow_mut().hide(&profile.pin.block());
        match profile.provenance {
            Provenance::Made(_) => {
                let commitment = self.generate()?;
                let answer = self.issue_answer(&profile.encode())?;
                self.issued(profile, &commitment, answer)
            }
            Provenance::Imported { key, chain_code } => {
                let answer = self.import_answer(&profile.encode())?;
                let account = Account::imported(&key, &chain_code, profile.leaf)?;
                self.issued_with(profile, account, None, answer)
            }
        }
    }

    /// Judges the answer to ISSUE with a made key, and remembers what the card should hold from
    /// here on.
    ///
    /// # Errors
    /// [`Stop::Fail`] unless it is `P = C + h·G`, the chain code of both shares, and a signed
    /// issue record.
    pub fn issued(
        &mut self,
        profile: &Profile,
        commitment: &PublicKey,
        answer: Answer,
    ) -> Step<()> {
        let Provenance::Made(share) = profile.provenance else {
            return Err(Stop::Error(
                "the case judges an imported key as made".into(),
            ));
        };
        let account = Account::made(commitment, &share, profile.leaf)?;
        self.issued_with(profile, account, Some(*commitment), answer)
    }

    fn issued_with(
        &mut self,
        profile: &Profile,
        account: Account,
        commitment: Option<PublicKey>,
        answer: Answer,
    ) -> Step<()> {
        let data = answer.want(Sw::OK, "ISSUE")?;
        let mut reader = Reader::new("ISSUE", &data);
        let public_key: [u8; 33] = reader.array(0x80)?;
        let chain_code: [u8; 32] = reader.array(0x81)?;
        let record = IssueRecord::read(&mut reader)?;
        reader.end()?;
        require!(
            public_key == account.public_key(),
            "ISSUE: the account's public key isn't the one of the host's share or key"
        );
        require!(
            chain_code == account.chain_code(),
            "ISSUE: the chain code isn't the one of the host's share or key"
        );
        require!(
            record.is_valid(profile, &account),
            "ISSUE: the issue record's signature isn't valid for what was sent and answered"
        );
        let own_keys = [record.identity_key, record.agreement_key];
        let mut kept = secrets::of_account(&account)
            .and(secrets::of_pin(&profile.pin))
            .and(secrets::of_own_keys(&own_keys));
        if let Some(commitment) = &commitment {
            kept = kept.and(secrets::of_commitment(commitment));
        }
        if let Provenance::Imported { key, .. } = &profile.provenance {
            kept = kept.and(secrets::of_import(key));
        }
        self.recorder.borrow_mut().leaks.guard(&kept);
        self.owned_by(Owner {
            card_id: account.card_id(),
            key: profile.owner,
        });
        let capabilities = self.capabilities()?;
        self.host = Some(Host {
            profile: profile.clone(),
            account,
            capabilities,
            record,
            purse: Purse::default(),
        });
        Ok(())
    }
}

impl IssueRecord {
    /// The data objects `82` to `85` of ISSUE's and READ ACCOUNT's answer.
    ///
    /// # Errors
    /// [`Stop::Fail`] when they aren't there.
    pub fn read(reader: &mut Reader<'_>) -> Step<Self> {
        Ok(Self {
            identity_key: reader.array(0x82)?,
            agreement_key: reader.array(0x83)?,
            salt: reader.array(0x84)?,
            signature: reader.array(0x85)?,
        })
    }

    /// What the signature is of, but for the salt.
    #[must_use]
    pub fn preimage(&self, profile: &Profile, account: &Account) -> Vec<u8> {
        [
            &VERSION[..],
            &[profile.network, profile.provenance.number()],
            &account.public_key(),
            &account.chain_code(),
            &profile.owner.x_only_public_key().0.serialize(),
            &profile.leaf.encode(),
            &self.agreement_key,
        ]
        .concat()
    }

    /// Whether the signature is valid for this account and its owner key.
    #[must_use]
    pub fn is_valid(&self, profile: &Profile, account: &Account) -> bool {
        let digest = tagged_hash(
            "Tillcard/issue",
            &[&self.preimage(profile, account), &self.salt],
        );
        p256_verifies(&self.identity_key, &digest, &self.signature)
    }
}
