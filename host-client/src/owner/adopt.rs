//! Taking up a card that is the owner's and of which the folder doesn't know enough: its answer was
//! lost when it was issued, or the folder was.
//!
//! What the card then says of itself decides where money goes, so it is believed as when a card is
//! issued: in a channel to a key that a trusted root vouches for, or that the folder knows. That
//! somebody answers "no certificates" proves nothing; such a card is asked in a plain session only
//! when the owner says so, and never one that the folder knows by its keys or its certificates.

use super::owner_keys::NOT_AUTHORISED;
use super::restore::NUMBER_GAP;
use super::{
    Authority, CardRecord, CardView, Limits, OWNER_KEYS, Owner, OwnerError, OwnerKey, OwnerKeys,
    Progress,
};
use crate::chain::Chain;
use tillcard_client::account::IssuedCard;
use tillcard_client::card::{AgreementKey, CardError, CardKeys, Issued, Session, UNKNOWN_CARD};
use tillcard_client::transport::Transport;
use tillcard_client::vetting::Trust;

/// How a card is adopted.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdoptTerms {
    /// Whether a card is taken that shows no certificates: it then is what it says of itself, or
    /// what somebody between card and reader says.
    pub uncertified: bool,
    /// The card's number; without it, all are tried that it may have.
    pub number: Option<u32>,
    /// Height of the chain from which on the coins are looked for of a card that the folder knew
    /// nothing of.
    pub since: u32,
}

/// A card that the one in the reader may be.
struct Claim {
    number: u32,
    /// How often its owner key may have been changed.
    changes: u32,
    /// What the folder knows of it.
    record: Option<CardRecord>,
}

impl Claim {
    /// Whether the card at the channel's other end, or that of a plain session, may be this one. A
    /// card that the folder knows by its keys, or by its certificates, isn't in a plain session.
    fn may_be(&self, channel: Option<&AgreementKey>) -> bool {
        let Some(record) = &self.record else {
            return true;
        };
        match (channel, &record.agreement_key) {
            (Some(open), Some(known)) => open == known,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => !record.certified,
        }
    }

    /// Whether the folder can tell a false card of this number: it knows the key by which the card
    /// signs what it says of itself.
    fn is_verifiable(&self) -> bool {
        let record = self.record.as_ref();
        record.is_some_and(|record| record.identity_key.is_some())
    }
}

impl Owner {
    /// Takes up the card in the session, which was vetted with this result, if its owner is this
    /// one: it obeys one of the owner keys that the words give. What it signs of itself is checked
    /// as when it is issued. The session goes on in a secure channel.
    ///
    /// # Errors
    /// [`OwnerError::Uncertified`] when nothing proves which card it is and the owner doesn't take
    /// such; [`OwnerError::NotOurs`], [`OwnerError::Card`] when a check fails, and those of chain
    /// and files.
    pub fn adopt<T: Transport>(
        &mut self,
        mut session: Session<T, Issued>,
        trust: &Trust,
        terms: AdoptTerms,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<(CardRecord, Session<T, Issued>), OwnerError> {
        session.expect_network(self.network)?;
        let mut claims = self.claims(terms.number)?;
        match trust.keys() {
            Some(keys) => expect_channel(&session, &keys.agreement)?,
            None => open_known(&mut session, &claims)?,
        }
        let channel = session.channel_key().copied();
        claims.retain(|claim| claim.may_be(channel.as_ref()));
        if channel.is_none() && !terms.uncertified {
            claims.retain(Claim::is_verifiable);
            if claims.is_empty() {
                return Err(OwnerError::Uncertified);
            }
        }
        let master = self.master()?;
        for claim in claims {
            let key = master.owner_key(claim.number, claim.changes)?;
            let read;
            (read, session) = self.ask_account(key, session)?;
            let Some(issued) = read else {
                continue;
            };
            let keys = named_keys(&issued)?;
            trust.expect(&issued)?;
            let mut record = match claim.record {
                Some(record) => {
                    record.expect(&issued)?;
                    record
                }
                None => self.record_of(claim.number, &issued, terms.since, chain, progress)?,
            };
            settle_channel(&mut session, &keys.agreement)?;
            let authority = Authority {
                key: master.owner_key(claim.number, claim.changes)?,
                card_id: issued.account.card_id(),
            };
            let mut card = session.as_owner(&authority);
            let (limits, _) = card.read_limits()?;
            record.owner_keys = OwnerKeys::after(claim.changes);
            record.limits = Some(Limits::from(&limits));
            record.certified |= trust.keys().is_some();
            record.unmet = false;
            let record = self.confirm_card(record, Some(keys))?;
            tracing::info!(card = record.number, "adopted");
            return Ok((record, card.leave()));
        }
        Err(OwnerError::NotOurs)
    }

    /// The cards that one in the reader may be: those that the folder knows, then others to which
    /// the words give a key, as many beyond the highest known as a restore looks for; or the one of
    /// this number.
    fn claims(&self, number: Option<u32>) -> Result<Vec<Claim>, OwnerError> {
        let mut claims = Vec::new();
        let known = [self.store.expected()?, self.cards()?].concat();
        let numbers: Vec<u32> = known.iter().map(|record| record.number).collect();
        for record in known {
            claims.extend(record.owner_keys.changes().map(|changes| Claim {
                number: record.number,
                changes,
                record: Some(record.clone()),
            }));
        }
        let beyond = numbers.iter().max().map_or(0, |highest| highest + 1);
        let candidates = match number {
            Some(number) => number..number + 1,
            None => 0..beyond + NUMBER_GAP,
        };
        // Few cards have had their key changed: those that haven't come first.
        for changes in 0..OWNER_KEYS {
            let others = candidates.clone().filter(|other| !numbers.contains(other));
            claims.extend(others.map(|number| Claim {
                number,
                changes,
                record: None,
            }));
        }
        claims.retain(|claim| number.is_none_or(|number| claim.number == number));
        Ok(claims)
    }

    /// What the card signs of itself, if it obeys this key.
    fn ask_account<T: Transport>(
        &self,
        key: OwnerKey,
        session: Session<T, Issued>,
    ) -> Result<(Option<IssuedCard>, Session<T, Issued>), OwnerError> {
        let owner_key = key.public();
        let authority = Authority {
            key,
            card_id: UNKNOWN_CARD,
        };
        let mut card = session.as_owner(&authority);
        let read = card.read_account(self.network, &owner_key);
        let session = card.leave();
        match read {
            Ok(issued) => Ok((Some(issued), session)),
            Err(error) if error.status() == Some(NOT_AUTHORISED) => Ok((None, session)),
            Err(error) => Err(error.into()),
        }
    }

    /// What there is to know of a card that only the words know.
    fn record_of(
        &self,
        number: u32,
        issued: &IssuedCard,
        since: u32,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<CardRecord, OwnerError> {
        if !self.is_own(number, issued)? {
            return Err(CardError::IssueRecord("its leaf or its key isn't this owner's").into());
        }
        let view = CardView::scan(&issued.account, chain, since, progress)?;
        let label = format!("card {number} (adopted)");
        let mut record = CardRecord::new(number, label.into(), issued.clone(), since);
        record.next_receive_index = view.next_receive_index;
        Ok(record)
    }
}

impl CardRecord {
    /// Makes sure that a card which the owner's key opens is the one that was issued.
    ///
    /// # Errors
    /// [`CardError::IssueRecord`].
    fn expect(&self, issued: &IssuedCard) -> Result<(), CardError> {
        let same_account = self.account == issued.account && self.provenance == issued.provenance;
        let identity = issued.card_keys.map(|keys| keys.identity);
        if same_account && (self.identity_key.is_none() || self.identity_key == identity) {
            Ok(())
        } else {
            Err(CardError::IssueRecord(
                "it isn't what the card was told when it was issued",
            ))
        }
    }
}

/// The keys that a card names as its own.
fn named_keys(issued: &IssuedCard) -> Result<CardKeys, CardError> {
    let none = CardError::IssueRecord("it names no keys of the card's own");
    issued.card_keys.ok_or(none)
}

/// Makes sure that the session is in a channel to this key.
fn expect_channel<T: Transport>(
    session: &Session<T, Issued>,
    key: &AgreementKey,
) -> Result<(), CardError> {
    match session.channel_key() {
        Some(open) if open == key => Ok(()),
        _ => Err(CardError::IssueRecord(
            "the channel's key is another than the one that it names",
        )),
    }
}

/// Makes sure that the channel is one with this key, or opens one.
fn settle_channel<T: Transport>(
    session: &mut Session<T, Issued>,
    key: &AgreementKey,
) -> Result<(), CardError> {
    match session.channel_key() {
        None => session.open_channel(key),
        Some(_) => expect_channel(session, key),
    }
}

/// Opens a channel to the first of these cards that has the key which the folder knows; the session
/// is plain when there is none.
fn open_known<T: Transport>(
    session: &mut Session<T, Issued>,
    claims: &[Claim],
) -> Result<(), CardError> {
    let records = claims.iter().filter_map(|claim| claim.record.as_ref());
    let mut keys: Vec<AgreementKey> = records.filter_map(|record| record.agreement_key).collect();
    keys.dedup();
    for key in &keys {
        match session.open_channel(key) {
            Ok(()) => return Ok(()),
            Err(CardError::NotThisCard | CardError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    match keys.is_empty() {
        true => Ok(()),
        false => session.close_channel(),
    }
}
