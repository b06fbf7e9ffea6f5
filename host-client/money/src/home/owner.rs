//! The owner's commands, each as his program does it: the folder is opened, and closed at the end.

use std::cell::RefCell;
use std::path::PathBuf;

use bitcoin::{Amount, Network as Coin};
use tillcard::chain::{Chain, FeeRate, OutputState};
use tillcard::owner::{
    AdoptTerms, CardRecord, IssueTerms, LeafTerms, Limits, Owner, OwnerError, TopUp,
};
use tillcard_client::account::CardAccount;
use tillcard_client::card::{self, CardError, PinBlock, Policy};
use tillcard_client::genuine::Checker;
use tillcard_client::vetting::{Vetting, VettingError};

use super::facts::PIN;
use crate::chain::Node;
use crate::fuse::Fuse;
use crate::steps::Steps;
use crate::wire::{Contact, Contacts};

/// The fee rate that the owner pays.
const RATE: FeeRate = FeeRate::from_sat_per_kvb(2_000);

/// An owner's computer.
pub struct Computer {
    /// His folder.
    pub folder: PathBuf,
    /// His reader.
    pub reader: Contacts,
    /// His node.
    pub node: Node,
    /// Whom he trusts.
    pub checker: Checker,
    /// What a command dies by.
    pub fuse: Fuse,
    /// Where it is noted what commands say.
    pub steps: Steps,
    /// The cards that the last command left in the folder, unless it lost its power.
    pub known: RefCell<Option<Vec<CardRecord>>>,
}

/// What a command came to; nothing when it died.
pub type Ended<T> = Option<Result<T, OwnerError>>;

impl Computer {
    /// Runs a command on the folder.
    pub(super) fn run<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Owner) -> Result<T, OwnerError>,
    ) -> Ended<T> {
        self.run_with(name, || Owner::open(&self.folder), act)
    }

    /// Runs a command on the folder that is opened so.
    pub(super) fn run_with<T>(
        &self,
        name: &str,
        open: impl FnOnce() -> Result<Owner, OwnerError>,
        act: impl FnOnce(&mut Owner) -> Result<T, OwnerError>,
    ) -> Ended<T> {
        self.known.take();
        let ended = self.fuse.run(|| {
            let mut owner = open()?;
            let result = act(&mut owner);
            self.known.replace(owner.cards().ok());
            result
        });
        match &ended {
            None => self.steps.note(format_args!("  {name}: lost its power")),
            Some(Ok(_)) => self.steps.note(format_args!("  {name}: done")),
            Some(Err(error)) => {
                let code = tillcard_client::advice::Explain::advice(error).code;
                self.steps.note(format_args!("  {name}: {code}"));
            }
        }
        ended
    }

    /// The cards in the folder.
    pub fn cards(&self) -> Vec<CardRecord> {
        let mut known = self.known.borrow_mut();
        let read = || {
            let owner = Owner::open(&self.folder).expect("the owner's folder");
            owner.cards().expect("the owner's folder can be read")
        };
        known.get_or_insert_with(read).clone()
    }

    fn vetting(&self) -> Vetting {
        Vetting {
            checker: self.checker.clone(),
            unverified: false,
        }
    }

    pub(super) fn connect(&self) -> Result<Contact, OwnerError> {
        let gone = CardError::Transport(tillcard_client::transport::TransportError::CardRemoved);
        self.reader.connect().ok_or(OwnerError::Card(gone))
    }

    /// `owner issue`: the card's number.
    pub fn issue(&self) -> Ended<u32> {
        self.run("issue", |owner| {
            let mut session = card::open(self.connect()?)?.factory()?;
            let trust = self.vetting().vet(&mut session).map_err(vetted)?;
            let pin = PinBlock::from_digits(PIN.as_bytes()).expect("a PIN");
            let terms = IssueTerms {
                label: "card".into(),
                import: false,
                leaf: LeafTerms::CardKey { delay: 0 },
                backup_on_chain: true,
                limits: Limits::DEFAULT,
                policy: Policy {
                    plain_sessions: false,
                    statements: false,
                },
                pin: &pin,
            };
            if trust.keys().is_none() {
                // The command line refuses that too, unless it is told otherwise.
                return Err(OwnerError::Uncertified);
            }
            let (record, session) = owner.issue(session, &trust, terms, &self.node)?;
            session.close()?;
            Ok(record.number)
        })
    }

    /// `owner adopt`: the card's number.
    pub fn adopt(&self, uncertified: bool) -> Ended<u32> {
        self.run("adopt", |owner| {
            let mut session = card::open(self.connect()?)?.issued()?;
            let trust = self.vetting().vet(&mut session).map_err(vetted)?;
            let terms = AdoptTerms {
                uncertified,
                ..AdoptTerms::default()
            };
            let adopted = owner.adopt(session, &trust, terms, &self.node, &mut |_, _| ());
            let (record, session) = adopted?;
            session.close()?;
            Ok(record.number)
        })
    }

    /// `owner topup --amount`, up to where the transaction is sent.
    pub fn top_up(&self, number: u32, amount: Amount) -> Ended<()> {
        self.run("topup --amount", |owner| {
            owner.sync(&self.node, &mut |_, _| ())?;
            let mut visit = owner.visit(Some(number), self.connect()?)?;
            owner.top_up_at_hand(&mut visit, &self.node, amount, RATE)?;
            visit.close()
        })
    }

    /// `owner topup` without an amount: sends again, and tells the card what is in blocks.
    pub fn tell(&self, number: u32) -> Ended<usize> {
        self.run("topup", |owner| {
            owner.sync(&self.node, &mut |_, _| ())?;
            owner.resend_top_ups(&self.node, number)?;
            let record = owner.card(number)?;
            let mut confirmed: Vec<TopUp> = Vec::new();
            for top_up in record.pending_top_ups() {
                let output = self.node.output(&top_up.outpoint())?;
                if matches!(
                    output,
                    OutputState::Unspent {
                        confirmations: 1..,
                        ..
                    }
                ) {
                    confirmed.push(top_up.clone());
                }
            }
            let mut visit = owner.visit(Some(number), self.connect()?)?;
            let refused = owner.enter_top_ups(&mut visit, &confirmed, &mut |_, _| ())?;
            visit.close()?;
            Ok(refused.len())
        })
    }

    /// The account that the card in the reader says it has, in its channel, if it is the card of
    /// this number.
    pub fn read_account(&self, number: u32) -> Ended<CardAccount> {
        self.run("visit", |owner| {
            let owner_key = owner.owner_key(number)?.public();
            let mut visit = owner.visit(Some(number), self.connect()?)?;
            let issued = visit.card.read_account(Coin::Regtest, &owner_key)?;
            visit.close()?;
            Ok(issued.account)
        })
    }
}

/// As the command line has it: a card that isn't genuine isn't gone on with.
fn vetted(error: VettingError) -> OwnerError {
    match error {
        VettingError::Card(error) => error.into(),
        VettingError::NotGenuine(error) => error.into(),
        _ => OwnerError::Uncertified,
    }
}
