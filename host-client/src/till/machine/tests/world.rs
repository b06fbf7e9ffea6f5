//! Cards and a wire that cheats, as far as the machine meets them.

use bitcoin::{Amount, Transaction};

use super::choices::Choices;
use super::papers::{PAPERS, Paper};
use crate::chain::{Reach, SourceProgress};
use crate::till::Decline;
use crate::till::machine::{CardSaid, CardTask};
use tillcard_client::card::{AgreementKey, CardError, CardKeys, IdentityKey, PaymentState};
use tillcard_client::transport::TransportError;

/// A source that has heard of more blocks than it has.
pub(super) const BEHIND: SourceProgress = SourceProgress {
    blocks: 90,
    headers: 100,
    is_loading: false,
    tip_time: None,
};

/// A promise that the world breaks, and on which the machine builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// A card says under MAC that it doesn't know what it keeps.
    CardForgets,
    /// A card says under MAC that it keeps what it doesn't know.
    CardInvents,
    /// Both cards have the same keys.
    KeysAreCopied,
    /// A PIN that no card has seen is said to be right.
    PinIsUnseen,
    /// The chain tells of a block that it doesn't have, with the payment in it.
    BlockIsInvented,
    /// The same, with what conflicts.
    ConflictIsInvented,
}

/// What is at the other end: a card, and what the wire did in this session.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    card: usize,
    is_channel: bool,
    has_pin: bool,
    /// The wire kept a protected command back: the channel's counters differ, and no proof comes any
    /// more.
    is_torn: bool,
}

/// Two cards, a wire, a chain, as far as one payment meets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct World {
    lie: Option<Lie>,
    /// Whether the cards have certificates; otherwise all sessions are plain.
    pub(super) is_certified: bool,
    /// Whether the wire cheats, and the chain can't be asked at times.
    pub(super) is_honest: bool,
    session: Option<Session>,
    /// The card that committed to the payment, if one did.
    pub(super) committed: [bool; 2],
    /// The owner has cancelled it.
    is_cancelled: bool,
    /// A PAY went over a wire that may deliver it at any later time.
    pub(super) plain_pay: bool,
    pub(super) reports: usize,
    /// How far the source had come that the machine heard last.
    pub(super) reach: Reach,
    /// Whether it stays behind.
    pub(super) stays_behind: bool,
    /// Whether the card's owner had it forget the payment, which is in a block.
    is_forgotten: bool,
    /// Blocks that bury the payment, or what conflicts with it.
    pub(super) depth: Option<u32>,
    pub(super) conflict_depth: Option<u32>,
    /// Whether blocks were replaced since the payment had ended.
    pub(super) is_reorganised: bool,
}

fn refused(status: u16) -> CardSaid {
    let command = "PAY";
    CardSaid::Failed(CardError::Refused { command, status })
}

fn gone() -> CardSaid {
    CardSaid::Failed(TransportError::CardRemoved.into())
}

pub(super) fn keys_of(card: usize) -> CardKeys {
    let key = [u8::try_from(card).unwrap() + 2; 33];
    CardKeys {
        identity: IdentityKey(key),
        agreement: AgreementKey(key),
    }
}

impl World {
    pub(super) fn new(is_certified: bool, lie: Option<Lie>) -> Self {
        Self {
            lie,
            is_certified,
            is_honest: false,
            session: None,
            committed: [false; 2],
            is_cancelled: false,
            plain_pay: false,
            reports: 0,
            reach: Reach::Complete,
            stays_behind: false,
            is_forgotten: false,
            depth: None,
            conflict_depth: None,
            is_reorganised: false,
        }
    }

    /// The keys of the card at hand, if it proved them.
    pub(super) fn keys_at_hand(&self) -> Option<CardKeys> {
        let session = self.session.as_ref()?;
        session.is_channel.then(|| self.keys_of(session.card))
    }

    fn keys_of(&self, card: usize) -> CardKeys {
        match self.tells(Lie::KeysAreCopied) {
            true => keys_of(0),
            false => keys_of(card),
        }
    }

    /// Whether this promise is broken.
    pub(super) fn tells(&self, lie: Lie) -> bool {
        self.lie == Some(lie)
    }

    /// Whether the card at hand, if there is one, has seen the PIN.
    pub(super) fn has_pin(&self) -> bool {
        self.session.as_ref().is_none_or(|session| session.has_pin)
    }

    /// The card in the reader.
    pub(super) fn card_at_hand(&self) -> Option<usize> {
        self.session.as_ref().map(|session| session.card)
    }

    /// Nobody is at the other end any more.
    pub(super) fn loses_card(&mut self) {
        self.session = None;
        self.stays_behind = false;
    }

    /// Whether somebody has paid, or a wire can still have a card pay.
    pub(super) fn may_be_paid(&self) -> bool {
        self.plain_pay || self.committed != [false; 2]
    }

    /// What the wire makes of an answer that bears no MAC.
    fn replaced(&mut self, choices: &mut Choices) -> Option<CardSaid> {
        if self.is_honest {
            return None;
        }
        let said = match choices.choose(6) {
            0 => return None,
            1 => refused(0x6982),
            2 => refused(0x9401),
            3 => refused(0x6A88),
            4 => gone(),
            _ => CardSaid::Failed(CardError::NotProven { command: "PAY" }),
        };
        Some(said)
    }

    /// What it makes of an answer that is a payment: in a plain session, another one too.
    fn replaced_payment(&mut self, choices: &mut Choices) -> Option<CardSaid> {
        let is_plain = self.session.as_ref().is_some_and(|it| !it.is_channel);
        if is_plain && !self.is_honest && choices.happens() {
            return Some(paid(&PAPERS.foreign));
        }
        self.replaced(choices)
    }

    pub(super) fn card(&mut self, task: &CardTask, choices: &mut Choices) -> Option<CardSaid> {
        Some(match task {
            CardTask::Meet => self.meet(choices),
            CardTask::AskState(_) => self.state(choices),
            CardTask::AskPin => self.pin(choices),
            CardTask::Preview(_) => self.preview(choices),
            CardTask::LookUp => self.look_up(choices),
            CardTask::Report(absent) => {
                self.reports += absent.len();
                self.preview(choices)
            }
            CardTask::Pay => self.pay(true, choices),
            CardTask::PayWithoutPin(_) => self.pay(false, choices),
            CardTask::PayAgain(_) => self.pay_again(choices),
            CardTask::Release | CardTask::Forget => {
                self.session = None;
                return None;
            }
            CardTask::AskStatement(_) | CardTask::WeighStatement(_) => return None,
        })
    }

    fn meet(&mut self, choices: &mut Choices) -> CardSaid {
        self.session = None;
        self.reports = 0;
        let card = match self.is_honest {
            // Whoever committed comes back.
            true => usize::from(self.committed[1]),
            false => match choices.choose(4) {
                0 => 0,
                1 => 1,
                2 => return gone(),
                _ => return CardSaid::NotTaken(Decline::Uncertified),
            },
        };
        // At home the owner, who may know that the chain conflicts with the payment, cancels it.
        if self.conflict_depth.is_some() && self.committed[card] && choices.happens() {
            self.is_cancelled = true;
        }
        // Another till may have sent it as an ancestor, and then the owner may have the card forget it.
        if self.committed[card] && self.conflict_depth.is_none() && choices.happens() {
            self.depth = Some(self.depth.unwrap_or(1));
            self.is_forgotten |= choices.happens();
        }
        let is_channel = self.is_certified;
        self.session = Some(Session {
            card,
            is_channel,
            has_pin: false,
            is_torn: false,
        });
        let keys = is_channel.then(|| self.keys_of(card));
        CardSaid::Met { keys }
    }

    fn state(&mut self, choices: &mut Choices) -> CardSaid {
        if let Some(said) = self.replaced(choices) {
            return said;
        }
        let Some(session) = &self.session else {
            return gone();
        };
        if session.is_torn {
            return refused(0x6982);
        }
        let txid = PAPERS.of[session.card].payment.compute_txid();
        let is_kept = self.committed[session.card] && !self.is_forgotten;
        let truth = match (is_kept, self.is_cancelled) {
            (false, _) if self.tells(Lie::CardInvents) => PaymentState::Kept(txid),
            (true, _) if self.tells(Lie::CardForgets) => PaymentState::Unknown,
            (false, _) => PaymentState::Unknown,
            (true, false) => PaymentState::Kept(txid),
            (true, true) => PaymentState::Cancelled(txid),
        };
        if session.is_channel || self.is_honest {
            return CardSaid::State(truth);
        }
        CardSaid::State(match choices.choose(4) {
            0 => truth,
            1 => PaymentState::Unknown,
            2 => PaymentState::Kept(txid),
            _ => PaymentState::Cancelled(txid),
        })
    }

    fn pin(&mut self, choices: &mut Choices) -> CardSaid {
        if let Some(session) = &mut self.session {
            session.has_pin = self.lie != Some(Lie::PinIsUnseen);
        }
        match choices.choose(6) {
            0 => CardSaid::Verified,
            1 => CardSaid::WrongPin { tries_left: 2 },
            2 => CardSaid::NotAPin,
            3 => CardSaid::NoPin,
            4 => gone(),
            _ => CardSaid::Failed(CardError::PinBlocked),
        }
    }

    fn preview(&mut self, choices: &mut Choices) -> CardSaid {
        let Some(session) = &self.session else {
            return gone();
        };
        let mut preview = PAPERS.of[session.card].preview.clone();
        match choices.choose(4) {
            0 => CardSaid::Previewed(preview),
            1 => refused(0x9401),
            2 => gone(),
            _ => {
                preview.fee += Amount::from_sat(2_000);
                CardSaid::Previewed(preview)
            }
        }
    }

    fn look_up(&mut self, choices: &mut Choices) -> CardSaid {
        let reach = self.come_or_stay(choices);
        let Some(session) = &self.session else {
            return gone();
        };
        let Paper { preview, coin, .. } = &PAPERS.of[session.card];
        let (coins, absent) = match choices.choose(4) {
            // One that is behind doesn't know coins that are there.
            _ if reach != Reach::Complete => (Vec::new(), preview.outpoints.clone()),
            1 => (Vec::new(), preview.outpoints.clone()),
            2 => return refused(0x6985),
            _ => (vec![coin.clone()], Vec::new()),
        };
        CardSaid::LookedUp {
            coins,
            absent,
            is_crowded: choices.happens(),
            reach,
        }
    }

    fn pay(&mut self, with_pin: bool, choices: &mut Choices) -> CardSaid {
        let Some(session) = &mut self.session else {
            return gone();
        };
        self.plain_pay |= !session.is_channel;
        // The wire may keep it back, and the card may refuse by itself.
        let is_delivered = self.is_honest || !choices.happens();
        if !is_delivered {
            session.is_torn = session.is_channel;
        }
        let is_refused = choices.happens();
        let card = session.card;
        self.committed[card] |= is_delivered && !is_refused;
        if let Some(said) = self.replaced_payment(choices) {
            return said;
        }
        match (is_delivered, is_refused) {
            (true, false) => self.paper_of(card),
            (true, true) if !with_pin => refused(0x6982),
            (true, true) => refused(0x9404),
            (false, _) => gone(),
        }
    }

    fn pay_again(&mut self, choices: &mut Choices) -> CardSaid {
        if let Some(said) = self.replaced_payment(choices) {
            return said;
        }
        let Some(session) = &self.session else {
            return gone();
        };
        let is_kept = self.committed[session.card] && !self.is_forgotten;
        // Asked too often without the PIN.
        if !self.is_honest && is_kept && !session.has_pin && choices.happens() {
            return refused(0x9413);
        }
        match (is_kept, session.is_torn) {
            (_, true) => refused(0x6982),
            (true, false) => self.paper_of(session.card),
            (false, false) => refused(0x6A88),
        }
    }

    fn paper_of(&self, card: usize) -> CardSaid {
        paid(&PAPERS.of[card].payment)
    }
}

fn paid(payment: &Transaction) -> CardSaid {
    CardSaid::Paid(bitcoin::consensus::serialize(payment))
}
