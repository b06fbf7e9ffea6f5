//! What the owner does to PIN and owner key, and what he reads: RESET RETRY COUNTER, CHANGE OWNER
//! KEY, READ LIMITS, READ ACCOUNT.

use super::{Card, Host, IssueRecord, Owner, secrets};
use crate::apdu::{Answer, Command};
use crate::channel::Ephemeral;
use crate::keys::{sign, tagged_hash};
use crate::model::Pin;
use crate::outcome::{At, Step, Stop, require};
use crate::status::Sw;
use crate::tlv::{self, Reader};
use bitcoin::secp256k1::Keypair;

/// CLA INS P1 P2, with a new PIN.
pub const NEW_PIN: [u8; 4] = [0x00, 0x2C, 0x02, 0x80];
/// CLA INS P1 P2, the PIN staying as it is.
pub const SAME_PIN: [u8; 4] = [0x00, 0x2C, 0x03, 0x80];
/// CLA INS P1 P2.
pub const CHANGE_OWNER_KEY: [u8; 4] = [0x80, 0x4C, 0x00, 0x00];
/// CLA INS P1 P2.
pub const READ_LIMITS: [u8; 4] = [0x80, 0x4E, 0x00, 0x00];
/// CLA INS P1 P2.
pub const READ_ACCOUNT: [u8; 4] = [0x80, 0x50, 0x00, 0x00];
/// CLA INS P1 P2.
pub const SET_POLICY: [u8; 4] = [0x80, 0x52, 0x00, 0x00];
/// CLA INS P1 P2.
pub const FACTORY_RESET: [u8; 4] = [0x80, 0x56, 0x00, 0x00];
/// CLA INS P1 P2 of TERMINATE CARD USAGE.
pub const TERMINATE: [u8; 4] = [0x00, 0xFE, 0x00, 0x00];

/// The suite's ephemeral secret of channels in which nothing but READ ACCOUNT is asked.
const READING: [u8; 32] = [0x5E; 32];

/// The body of RESET RETRY COUNTER with a new PIN.
#[must_use]
pub fn new_pin_body(block: &[u8; 8]) -> Vec<u8> {
    tlv::object(0x84, block)
}

/// The body of CHANGE OWNER KEY.
#[must_use]
pub fn new_owner_body(key: &[u8; 32], proof: &[u8; 64]) -> Vec<u8> {
    [tlv::object(0x80, key), tlv::object(0x81, proof)].concat()
}

impl Card {
    /// RESET RETRY COUNTER, with this PIN block for a new PIN, without one for the same.
    pub fn reset_tries_answer(&mut self, block: Option<&[u8; 8]>) -> Step<Answer> {
        let command = match block {
            Some(block) => {
                self.recorder.borrow_mut().hide(block);
                self.owner_command(NEW_PIN, &new_pin_body(block))?
            }
            None => self.owner_command(SAME_PIN, &[])?,
        };
        self.once(&command)
    }

    /// RESET RETRY COUNTER must be taken.
    pub fn reset_tries(&mut self, pin: Option<&Pin>) -> Step<()> {
        let block = pin.map(Pin::block);
        self.reset_tries_answer(block.as_ref())?
            .want_bare(Sw::OK, "RESET RETRY COUNTER")?;
        self.authorisation_ended();
        if let Some(pin) = pin {
            let of_pin = secrets::of_pin(pin);
            self.recorder.borrow_mut().leaks.guard_too(&of_pin);
            self.host_mut()?.profile.pin = pin.clone();
        }
        Ok(())
    }

    /// The message by whose signature a new owner key proves that somebody has it.
    pub fn proof_message(&self, challenge: &[u8; 16], key: &[u8; 32]) -> Step<[u8; 32]> {
        let host = self.host()?;
        Ok(tagged_hash(
            "Tillcard/owner-key",
            &[
                &[host.profile.network],
                &host.account.card_id(),
                &self.session(),
                challenge,
                key,
            ],
        ))
    }

    /// CHANGE OWNER KEY, with its proof over a fresh challenge.
    pub fn change_owner_command(&mut self, new: &Keypair) -> Step<Command> {
        let key = new.x_only_public_key().0.serialize();
        let challenge = self.challenge()?;
        let proof = sign(new, &self.proof_message(&challenge, &key)?);
        let body = new_owner_body(&key, &proof);
        let signature = self.owner_signature(&challenge, CHANGE_OWNER_KEY, &body)?;
        Ok(Command::new(CHANGE_OWNER_KEY).data(Self::signed(&body, &signature)))
    }

    /// CHANGE OWNER KEY must be taken; the suite signs with the new key from here on.
    pub fn change_owner(&mut self, new: Keypair) -> Step<()> {
        let command = self.change_owner_command(&new)?;
        self.once(&command)?.want_bare(Sw::OK, "CHANGE OWNER KEY")?;
        let host = self.host_mut()?;
        host.profile.owner = new;
        let card_id = host.account.card_id();
        self.owned_by(Owner { card_id, key: new });
        Ok(())
    }

    /// SET POLICY.
    pub fn set_policy_answer(&mut self, policy: u8) -> Step<Answer> {
        let command = self.owner_command(SET_POLICY, &tlv::object(0x86, &[policy]))?;
        self.once(&command)
    }

    /// SET POLICY must be taken.
    pub fn set_policy(&mut self, policy: u8) -> Step<()> {
        self.set_policy_answer(policy)?
            .want_bare(Sw::OK, "SET POLICY")?;
        self.host_mut()?.profile.policy = policy;
        Ok(())
    }

    /// READ LIMITS must answer the limits that ISSUE or the last SET LIMITS set, and the policy in
    /// force.
    pub fn expect_limits(&mut self, when: &str) -> Step<()> {
        let profile = &self.host()?.profile;
        let expected = [
            tlv::object(0x85, &profile.limits.encode()),
            tlv::object(0x86, &[profile.policy]),
        ]
        .concat();
        let answer = self
            .command_by_owner(READ_LIMITS, &[])?
            .want(Sw::OK, "READ LIMITS")
            .at(|| when.to_owned())?;
        require!(
            answer == expected,
            "{when}: READ LIMITS answers {} instead of {}",
            hex::encode_upper(&answer),
            hex::encode_upper(&expected)
        );
        Ok(())
    }

    /// READ ACCOUNT; all of its answer, which may hold what no other may. A personalised card tells
    /// its account in a channel only (`[ACC-2]`): in a plain session one is opened for it, and a
    /// plain session begins after it.
    pub fn read_account_answer(&mut self) -> Step<Answer> {
        if self.channel.is_none() && self.certified_agreement_key()?.is_some() {
            self.open_channel_as(&Ephemeral::new(&READING)?)?;
            let answer = self.read_account_in_this_session()?;
            self.select()?;
            return Ok(answer);
        }
        self.read_account_in_this_session()
    }

    fn read_account_in_this_session(&mut self) -> Step<Answer> {
        let answer = self.command_by_owner(READ_ACCOUNT, &[])?;
        if answer.sw == Sw::OK {
            self.recorder.borrow_mut().leaks.for_the_owner();
        }
        Ok(answer)
    }

    /// READ ACCOUNT must answer the account as it was issued, the owner key of now, and a valid
    /// issue record.
    pub fn read_account(&mut self) -> Step<IssueRecord> {
        let data = self.read_account_answer()?.want(Sw::OK, "READ ACCOUNT")?;
        let host = self.host()?;
        let record = judge_account(&data, host)?;
        require!(
            record.identity_key == host.record.identity_key
                && record.agreement_key == host.record.agreement_key,
            "READ ACCOUNT: identity key and agreement key aren't those that ISSUE answered"
        );
        require!(
            record.salt != host.record.salt,
            "READ ACCOUNT: the salt is that of ISSUE's record"
        );
        Ok(record)
    }
}

/// Judges READ ACCOUNT's answer, save for which keys of the card's own it has.
///
/// # Errors
/// [`Stop::Fail`] unless it is a valid record of this account.
pub fn judge_account(data: &[u8], host: &Host) -> Step<IssueRecord> {
    let profile = &host.profile;
    let mut reader = Reader::new("READ ACCOUNT", data);
    let public_key: [u8; 33] = reader.array(0x80)?;
    let chain_code: [u8; 32] = reader.array(0x81)?;
    let record = IssueRecord::read(&mut reader)?;
    let network: [u8; 1] = reader.array(0x86)?;
    let provenance: [u8; 1] = reader.array(0x87)?;
    let owner: [u8; 32] = reader.array(0x88)?;
    let leaf: [u8; 35] = reader.array(0x89)?;
    reader.end()?;
    let facts = [
        ("public key", public_key == host.account.public_key()),
        ("chain code", chain_code == host.account.chain_code()),
        ("network", network == [profile.network]),
        ("provenance", provenance == [profile.provenance.number()]),
        (
            "owner key",
            owner == profile.owner.x_only_public_key().0.serialize(),
        ),
        ("leaf", leaf[..] == profile.leaf.encode()),
        ("signature", record.is_valid(profile, &host.account)),
    ];
    match facts.iter().find(|(_, holds)| !holds) {
        None => Ok(record),
        Some((name, _)) => Err(Stop::Fail(format!(
            "READ ACCOUNT: the {name} isn't right for the card's account"
        ))),
    }
}
