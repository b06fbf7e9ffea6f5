//! Somebody sits between the owner's reader and his card: what he answers without proof decides
//! nothing about money and keys.

use std::cell::RefCell;
use std::rc::Rc;

use bitcoin::{Amount, Network, XOnlyPublicKey};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use tillcard::owner::{AdoptTerms, CardRecord, Owner, OwnerError};
use tillcard_client::account::{CardChain, Leaf};
use tillcard_client::card::{self, IssueOrder, Policy, to_card_network};
use tillcard_client::transport::{Transport, TransportError};
use tillcard_protocol::command::AccountRecord;
use tillcard_protocol::owner::IssueRecord;

use crate::card_support::{Between, LIMITS, Middle, TestCard, blank_card, pin};
use crate::embedded::Embedded;
use crate::owner_held::{MADE, Shared, adopt, adopt_with, issue, obeys};
use crate::owner_support::{RATE, Regtest, Someone};

const ISSUE: u8 = 0x10;
const READ_ACCOUNT: u8 = 0x50;
const READ_LIMITS: u8 = 0x4E;
const GET_DATA: u8 = 0xCA;
const GET_RESPONSE: u8 = 0xC0;

/// What somebody in the middle makes of a command to the card: his own answer, or none, and the card
/// gets it.
type Mischief = Box<dyn FnMut(&mut TestCard, &[u8]) -> Option<Vec<u8>>>;

/// Somebody who does mischief, and whom commands of these instructions came by.
struct Thief {
    mischief: Mischief,
    sent: Vec<u8>,
}

type Shim = Between<Thief>;

impl Middle for Thief {
    fn answer(&mut self, card: &mut TestCard, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.sent.push(command[1]);
        match (self.mischief)(card, command) {
            Some(answer) => Ok(answer),
            None => card.transmit(command),
        }
    }
}

impl Shim {
    fn with(
        card: &Shared,
        mischief: impl FnMut(&mut TestCard, &[u8]) -> Option<Vec<u8>> + 'static,
    ) -> Self {
        let mischief = Box::new(mischief);
        let sent = Vec::new();
        Self::before(&card.card, Thief { mischief, sent })
    }

    /// Whether a command of this instruction was sent.
    fn heard(&self, instruction: u8) -> bool {
        self.middle.borrow().sent.contains(&instruction)
    }
}

/// The card's whole answer to a command: what comes in parts, put together, without status word.
fn whole(card: &mut TestCard, command: &[u8]) -> Option<Vec<u8>> {
    let mut answer = card.transmit(command).ok()?;
    let mut data = Vec::new();
    loop {
        let status = answer.split_off(answer.len() - 2);
        data.append(&mut answer);
        match status[..] {
            [0x90, 0x00] => return Some(data),
            [0x61, left] => answer = card.transmit(&[0, GET_RESPONSE, 0, 0, left]).ok()?,
            _ => return None,
        }
    }
}

/// Where an issue record ends in the answer to READ ACCOUNT; network, provenance, owner key and leaf
/// follow.
const RECORD: usize = 35 + 34 + 35 + 35 + 18 + 66;

/// The answer of a thief's card that is issued, in this moment, to the owner of the card that gave
/// `account`: its own account and keys, signed by itself.
fn thief_s_account(thief: &Shared, account: &[u8]) -> Vec<u8> {
    let record = AccountRecord::parse(account).expect("a record");
    let leaf_key = XOnlyPublicKey::from_slice(&record.leaf.to_bytes()[3..]).expect("a key");
    let order = IssueOrder {
        network: Network::Regtest,
        owner_key: XOnlyPublicKey::from_slice(&record.owner_key).expect("a key"),
        leaf: Leaf::with_delay(leaf_key, 0),
        import: None,
        pin: &pin(b"666666"),
        limits: LIMITS,
        policy: Policy::default(),
    };
    let record = Rc::<RefCell<Vec<u8>>>::default();
    let overheard = Rc::clone(&record);
    let thief = Shim::with(thief, move |card, command| {
        let answer = card.transmit(command).ok()?;
        if command[1] == ISSUE {
            overheard.borrow_mut().clone_from(&answer);
        }
        Some(answer)
    });
    let fresh = card::open(thief).expect("a card").factory();
    fresh.expect("a fresh one").issue(&order).expect("issued");
    let issued = record.borrow();
    [&issued[..RECORD], &account[RECORD..]].concat()
}

/// Says that the card has no certificates, puts something else in the place of its account when its
/// owner asks for that, and has the thief's card speak from then on.
fn replaces_the_account(
    card: &Shared,
    thief: Shared,
    mut replaced: impl FnMut(&Shared, &[u8]) -> Vec<u8> + 'static,
) -> Shim {
    let mut rest: Option<Vec<u8>> = None;
    Shim::with(card, move |card, command| {
        if command[1..4] == [GET_DATA, 0xBF, 0x21] {
            return Some(vec![0x6A, 0x88]);
        }
        match (&mut rest, command[1]) {
            (None, READ_ACCOUNT) => {
                let forged = replaced(&thief, &whole(card, command)?);
                let (first, later) = forged.split_at(256);
                rest = Some(later.to_vec());
                Some([first, &[0x61, later.len() as u8]].concat())
            }
            (Some(rest), GET_RESPONSE) if !rest.is_empty() => {
                rest.extend([0x90, 0x00]);
                Some(std::mem::take(rest))
            }
            (Some(_), _) => thief.card.borrow_mut().transmit(command).ok(),
            (None, _) => None,
        }
    })
}

fn unpaid(owner: &Owner) -> bool {
    owner.cards().expect("cards").is_empty()
}

#[test]
fn nobody_s_account_is_adopted_in_the_place_of_the_card_s() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(21);
    let record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
    let (mut restored, _) = someone.restored(&regtest);

    let thief = Shared::of(blank_card(22));
    let shim = replaces_the_account(&card, thief, thief_s_account);
    let refused = adopt(&mut restored, &regtest, shim.clone());
    assert!(matches!(refused, Err(OwnerError::Uncertified)));
    assert!(!shim.heard(READ_ACCOUNT), "it was asked nothing");
    assert!(unpaid(&restored));

    // A card with certificates tells its account in a channel only, so that nothing can be put in
    // its place.
    let trusting = AdoptTerms {
        uncertified: true,
        ..AdoptTerms::default()
    };
    let refused = adopt_with(&mut restored, &regtest, shim, trusting);
    assert!(matches!(refused, Err(OwnerError::NotOurs)));
    assert!(unpaid(&restored));

    // At an honest reader, the card itself is adopted, and it gets the top-up.
    let adopted = adopt(&mut restored, &regtest, card).expect("ours");
    assert_eq!(
        (adopted.account, adopted.certified),
        (record.account.clone(), true)
    );
    restored
        .sync(regtest.chain(), &mut |_, _| ())
        .expect("a chain");
    let top_up = restored
        .top_up(regtest.chain(), 0, Amount::from_sat(50_000), RATE)
        .expect("a top-up");
    assert_eq!(
        top_up.transaction.output[top_up.vout as usize].script_pubkey,
        record
            .account
            .script(CardChain::Receive, top_up.index)
            .expect("a script")
    );
}

/// Whoever takes cards that nothing proves takes this one; that is what he is told.
#[test]
fn an_account_that_nothing_proves_is_taken_by_who_asks_for_that_only() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::of(blank_card(21));
    let record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
    let (mut restored, _) = someone.restored(&regtest);
    let shim = replaces_the_account(&card, Shared::of(blank_card(22)), thief_s_account);
    let refused = adopt(&mut restored, &regtest, shim.clone());
    assert!(matches!(refused, Err(OwnerError::Uncertified)));
    let trusting = AdoptTerms {
        uncertified: true,
        ..AdoptTerms::default()
    };
    let taken = adopt_with(&mut restored, &regtest, shim, trusting).expect("the thief's");
    assert!(taken.account != record.account && !taken.certified);
}

/// The card's account with another agreement key, signed by another identity key.
fn resigned(account: &[u8], thief_s: &CardRecord) -> Vec<u8> {
    let key = SigningKey::from_slice(&[0x66; 32]).expect("a key");
    let mut forged = account.to_vec();
    let identity = key.verifying_key().to_sec1_point(true);
    forged[71..104].copy_from_slice(identity.as_bytes());
    let agreement = thief_s.agreement_key.expect("known").0;
    forged[106..139].copy_from_slice(&agreement);
    let record = AccountRecord::parse(&forged).expect("a record");
    let digest = IssueRecord {
        network: to_card_network(Network::Regtest),
        provenance: record.provenance,
        public_key: &record.issued.public_key,
        chain_code: &record.issued.chain_code,
        owner_key: &record.owner_key,
        leaf: &record.leaf,
        agreement_key: &agreement,
        salt: &record.issued.salt,
    }
    .digest();
    let signature: Signature = key.sign_prehash(&digest).expect("a signature");
    forged[159..223].copy_from_slice(&signature.to_bytes());
    forged
}

#[test]
fn nobody_s_keys_are_learned_in_the_place_of_the_card_s() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(23);
    let record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
    let amount = Amount::from_sat(50_000);
    let top_up = someone.owner.top_up(regtest.chain(), 0, amount, RATE);
    top_up.expect("a top-up");
    regtest.confirm();
    let mut thief = Someone::with_funds(&regtest);
    let thief_s_card = Shared::of(blank_card(24));
    let thief_s = issue(&mut thief.owner, &regtest, thief_s_card.clone(), MADE).expect("issued");

    let (mut restored, _) = someone.restored(&regtest);
    let shim = replaces_the_account(&card, thief_s_card, move |_, account| {
        resigned(account, &thief_s)
    });
    let visited = restored.visit(Some(0), shim.clone()).err();
    assert!(matches!(visited, Some(OwnerError::KeysUnknown(0))));
    let refused = adopt(&mut restored, &regtest, shim.clone());
    assert!(matches!(refused, Err(OwnerError::Uncertified)));
    assert!(!shim.heard(READ_ACCOUNT), "it was asked nothing");
    let trusting = AdoptTerms {
        uncertified: true,
        ..AdoptTerms::default()
    };
    // He can't go on: he doesn't obey the owner, and the card isn't in his channel.
    adopt_with(&mut restored, &regtest, shim, trusting).expect_err("a shim");
    assert_eq!(restored.card(0).expect("found").agreement_key, None);

    // The true card isn't shut out.
    let adopted = adopt(&mut restored, &regtest, card.clone()).expect("ours");
    assert_eq!(adopted.agreement_key, record.agreement_key);
    assert!(obeys(&restored, 0, &card));
}

#[test]
fn a_refusal_of_issue_makes_nobody_forget_the_card() {
    let regtest = Embedded::start();
    for import in [false, true] {
        let mut someone = Someone::with_funds(&regtest);
        let card = Shared::fresh(25);
        let shim = Shim::with(&card, |card, command| {
            let answer = card.transmit(command).ok()?;
            match command[1] {
                ISSUE => Some(vec![0x6A, 0x80]),
                _ => Some(answer),
            }
        });
        let kind = crate::owner_held::Kind { import, ..MADE };
        let refused = issue(&mut someone.owner, &regtest, shim, kind).unwrap_err();
        assert!(
            matches!(refused, OwnerError::IssueUncertain(_)),
            "{refused}"
        );
        assert_eq!(someone.owner.next_card_number().expect("a number"), 1);
        let next = issue(&mut someone.owner, &regtest, Shared::fresh(26), kind);
        assert_eq!(next.expect("another card").number, 1);
        let adopted = adopt(&mut someone.owner, &regtest, card).expect("ours");
        assert_eq!(
            (adopted.number, adopted.label.as_given()),
            (0, "milk money")
        );
    }
}

/// Where things stand in the command ISSUE of a made key, header included.
const PIN_BLOCK: usize = 5 + 3 + 34 + 34 + 37 + 2;
const PER_PAYMENT: usize = PIN_BLOCK + 8 + 2;
const POLICY: usize = PER_PAYMENT + 48 + 2;

#[test]
fn what_a_card_is_issued_with_is_read_back() {
    let regtest = Embedded::start();
    for (at, mask, what) in [
        (PER_PAYMENT + 5, 0x01, "limits"),
        (POLICY, 0x01, "policy"),
        (PIN_BLOCK + 1, 0x01, "PIN"),
    ] {
        let mut someone = Someone::with_funds(&regtest);
        // Without certificates there is no channel for ISSUE.
        let card = Shared::of(blank_card(27));
        let shim = Shim::with(&card, move |card, command| {
            let mut changed = command.to_vec();
            if command[1] == ISSUE {
                changed[at] ^= mask;
            }
            card.transmit(&changed).ok()
        });
        let told = issue(&mut someone.owner, &regtest, shim, MADE).unwrap_err();
        assert!(
            matches!(told, OwnerError::IssuedOtherwise(changed) if changed == what),
            "{what}: {told}"
        );
        assert!(unpaid(&someone.owner), "it isn't paid");
        assert_eq!(someone.owner.next_card_number().expect("a number"), 1);
    }
}

#[test]
fn a_refused_owner_key_is_not_another_card() {
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(28);
    issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
    let shim = Shim::with(&card, |_, command| {
        (command[1] == READ_LIMITS).then(|| vec![0x69, 0x82])
    });
    let refused = someone.owner.visit(Some(0), shim).err();
    assert!(matches!(refused, Some(OwnerError::OwnerKeyRefused(0))));
}

/// Commands whose refusal is believed by nobody: the card has done them.
#[test]
fn a_change_that_is_refused_without_proof_is_uncertain() {
    const RESET_RETRY_COUNTER: u8 = 0x2C;
    const SET_POLICY: u8 = 0x52;
    const SET_LIMITS: u8 = 0x46;
    const FACTORY_RESET: u8 = 0x56;
    const CHANGE_OWNER_KEY: u8 = 0x4C;
    let regtest = Embedded::start();
    let mut someone = Someone::with_funds(&regtest);
    let card = Shared::fresh(29);
    let record = issue(&mut someone.owner, &regtest, card.clone(), MADE).expect("issued");
    let owner = &mut someone.owner;
    let refuses = |instruction: u8| {
        Shim::with(&card, move |card, command| {
            let answer = card.transmit(command).ok()?;
            Some(match command[1] == instruction {
                true => vec![0x69, 0x82],
                false => answer,
            })
        })
    };
    let mut visit = |instruction| {
        let visit = owner.visit(Some(0), refuses(instruction));
        visit.expect("this card")
    };
    let set = visit(RESET_RETRY_COUNTER).set_pin(&pin(b"1234"));
    assert!(matches!(set, Err(OwnerError::PinUncertain(_))));
    let unblocked = visit(RESET_RETRY_COUNTER).unblock_pin();
    assert!(matches!(unblocked, Err(OwnerError::ChangeUncertain(_))));
    let set = visit(SET_POLICY).set_policy(Policy::default());
    assert!(matches!(set, Err(OwnerError::ChangeUncertain(_))));
    let mut with_limits = visit(SET_LIMITS);
    let limits = record.limits.expect("known");
    let set = someone.owner.set_limits(&mut with_limits, limits);
    assert!(matches!(set, Err(OwnerError::ChangeUncertain(_))));
    let visit = someone.owner.visit(Some(0), refuses(CHANGE_OWNER_KEY));
    let changed = someone.owner.change_owner_key(visit.expect("this card"));
    assert!(matches!(changed, Err(OwnerError::OwnerKeyUncertain(_))));
    assert!(
        someone.owner.visit(Some(0), card.clone()).is_ok(),
        "it finds out"
    );
    let visit = someone.owner.visit(Some(0), refuses(FACTORY_RESET));
    let reset = visit.expect("this card").factory_reset();
    assert!(matches!(reset, Err(OwnerError::EndUncertain(_))));
    assert!(card::open(card).expect("a card").factory().is_ok());
}
