//! What the till's tests share: the real card in process, a holder with a PIN, an owner with coins,
//! and a till that notes what it says.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test program uses its own part of this"
)]

pub(crate) mod cards;
pub(crate) mod home;
pub(crate) mod kinds;
pub(crate) mod proof;
pub(crate) mod reluctant;
pub(crate) mod stories;
pub(crate) mod trouble;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::in_process::InProcess;
use bitcoin::{Address, Amount, Network};
use tillcard::owner::{Authority, Limits, NewCard};
use tillcard::till::{
    CardRules, CardSource, Event, Outcome, PaymentRecord, PaymentStore, PaymentTerms, PinError,
    PinSource, Settlement, Till, TillError,
};
use tillcard_client::Untrusted;
use tillcard_client::account::{CardChain, Leaf};
use tillcard_client::card::{self, IssueOrder, Issued, Merchant, PinBlock, Policy, Session};
use tillcard_client::genuine::Checker;
use tillcard_client::transport::{Transport, TransportError};
use tillcard_client::vetting::Vetting;
use tillcard_emu::card::EmulatedCard;
use tillcard_emu::seed::Seed;
use tillcard_runtime::nvm::RamNvm;

use self::reluctant::{Mood, Reluctant};
use crate::chain_support::Payer;
use crate::owner_support::{RATE, Regtest, Someone};

pub(crate) const PIN: &str = "407112";
pub(crate) const LIMITS: Limits = Limits {
    per_payment: Amount::from_sat(100_000),
    cumulative: Amount::from_sat(400_000),
    fee_cap: Amount::from_sat(10_000),
    ..Limits::DEFAULT
};

/// A card that is put into the reader again and again, and may be pulled out or lie.
#[derive(Clone)]
pub(crate) struct Purse(Rc<RefCell<Held>>);

struct Held {
    card: InProcess<EmulatedCard<RamNvm>>,
    commands: Vec<[u8; 2]>,
    mischief: Option<Mischief>,
}

/// What goes wrong with a card, once.
pub(crate) enum Mischief {
    /// It is pulled out when this command comes.
    Removed([u8; 2]),
    /// It does what this command says, and its answer is lost with this error.
    Lost([u8; 2], TransportError),
    /// The last byte but one of a signature in the answer to PAY is another.
    Forged,
    /// It does what this command says, and its answer is replaced by a bare status word.
    Replaced([u8; 2], u16),
    /// This command never comes to it, and is answered by a bare status word.
    KeptBack([u8; 2], u16),
    /// As `Replaced`, of PAY and of all later questions about it, until something else is expected.
    Denied(u16),
}

pub(crate) const VERIFY: [u8; 2] = [0x00, 0x20];
pub(crate) const PREVIEW: [u8; 2] = [0x80, 0x32];
pub(crate) const PAY: [u8; 2] = [0x80, 0x30];
pub(crate) const REPORT_ABSENT: [u8; 2] = [0x80, 0x34];
pub(crate) const PAYMENT_STATE: [u8; 2] = [0x80, 0x38];
/// VERIFY without data: how many entries are left?
pub(crate) const QUERY_TRIES: [u8; 2] = [0xFF, 0x20];
pub(crate) const MERCHANT: &str = "Corner shop";
pub(crate) const INVOICE: [u8; 32] = [7; 32];

impl Purse {
    fn fresh(seed: u64, certified: bool) -> Self {
        let seed = Seed::Number(seed);
        let card = match certified {
            true => EmulatedCard::ephemeral(seed).expect("a personalised card"),
            false => EmulatedCard::ephemeral_blank(seed).expect("a seeded card"),
        };
        Self(Rc::new(RefCell::new(Held {
            card: InProcess::connect(card),
            commands: Vec::new(),
            mischief: None,
        })))
    }

    pub(crate) fn expect(&self, mischief: Mischief) {
        self.0.borrow_mut().mischief = Some(mischief);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn expect_nothing(&self) {
        self.0.borrow_mut().mischief = None;
    }

    /// How often a command was sent.
    pub(crate) fn count(&self, command: [u8; 2]) -> usize {
        let held = self.0.borrow();
        held.commands
            .iter()
            .filter(|sent| **sent == command)
            .count()
    }
}

impl Transport for Purse {
    fn atr(&self) -> &[u8] {
        &tillcard_applet::ATR
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut held = self.0.borrow_mut();
        // As the card reads it, in a channel or not.
        let mut name = [command[0] & !0x04, command[1]];
        // Without data, but for the MAC.
        if name == VERIFY && command.get(4).is_none_or(|lc| matches!(lc, 0 | 8)) {
            name = QUERY_TRIES;
        }
        held.commands.push(name);
        match held.mischief.take() {
            Some(Mischief::Removed(at)) if at == name => {
                held.card.reset()?;
                return Err(TransportError::CardRemoved);
            }
            Some(Mischief::Lost(at, error)) if at == name => {
                held.card.transmit(command)?;
                held.card.power_cut()?;
                return Err(error);
            }
            Some(Mischief::Forged) if name == PAY => {
                let mut answer = held.card.transmit(command)?;
                // Before SW1 SW2 and the lock time, the last witness ends.
                let at = answer.len() - 2 - 4 - 1;
                answer[at] ^= 1;
                return Ok(answer);
            }
            Some(Mischief::Replaced(at, status)) if at == name => {
                held.card.transmit(command)?;
                return Ok(status.to_be_bytes().to_vec());
            }
            Some(Mischief::KeptBack(at, status)) if at == name => {
                return Ok(status.to_be_bytes().to_vec());
            }
            Some(Mischief::Denied(status)) if [PAY, PAYMENT_STATE].contains(&name) => {
                held.card.transmit(command)?;
                held.mischief = Some(Mischief::Denied(status));
                return Ok(status.to_be_bytes().to_vec());
            }
            later => held.mischief = later,
        }
        held.card.transmit(command)
    }

    fn apdus(&self) -> u64 {
        self.0.borrow().commands.len() as u64
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.borrow_mut().card.reset()
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        self.0.borrow_mut().card.power_cut()
    }

    fn disconnect(mut self) -> Result<(), TransportError> {
        self.reset()
    }
}

/// Gives these cards one after another as the till waits for them, and the last again and again.
pub(crate) struct Hand(VecDeque<Purse>);

impl CardSource for Hand {
    type Card = Purse;

    fn wait(&mut self) -> Result<Purse, TransportError> {
        let next = self.0.pop_front().expect("a card");
        if self.0.is_empty() {
            self.0.push_back(next.clone());
        }
        Ok(next)
    }

    fn reader(_: &Purse) -> Untrusted {
        "test reader".into()
    }
}

/// Types what it is told, then gives up.
pub(crate) struct Fingers(VecDeque<&'static str>);

impl PinSource for Fingers {
    fn ask(&mut self, _: &str) -> Result<PinBlock, PinError> {
        let typed = self.0.pop_front().ok_or(PinError::None)?;
        PinBlock::from_digits(typed.as_bytes()).ok_or(PinError::NotAPin)
    }
}

/// How a card is issued.
pub(crate) struct Kind {
    pub(crate) limits: Limits,
    /// Whether its key comes from the words.
    pub(crate) import: bool,
    /// Blocks that its leaf asks for; without it, it has none.
    pub(crate) leaf_delay: Option<u16>,
    pub(crate) policy: Policy,
    /// Whether a manufacturer personalised it.
    pub(crate) certified: bool,
}

impl Kind {
    /// A card without certificates, whose owner allows plain sessions.
    pub(crate) fn plain() -> Self {
        Self {
            policy: Policy {
                plain_sessions: true,
                statements: false,
            },
            certified: false,
            ..Self::default()
        }
    }
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            limits: LIMITS,
            import: false,
            leaf_delay: Some(0),
            policy: Policy::default(),
            certified: true,
        }
    }
}

/// An owner at home, a card of his, a shop.
pub(crate) struct Scene<'a> {
    pub(crate) regtest: &'a dyn Regtest,
    pub(crate) someone: Someone,
    pub(crate) purse: Purse,
    pub(crate) number: u32,
    /// Cards that are put in after this one.
    pub(crate) others: Vec<Purse>,
    /// Whether the till asks for payments without PIN.
    pub(crate) without_pin: bool,
    /// Whether the till takes cards without certificates.
    pub(crate) plain: bool,
    /// Whether the till takes cards that nobody vouches for.
    pub(crate) unverified: bool,
    /// Whether the till asks for a statement.
    pub(crate) statement: bool,
    /// What the till's node doesn't do.
    pub(crate) node: Mood,
    folder: tempfile::TempDir,
}

/// What came of a payment.
pub(crate) struct Told {
    pub(crate) outcome: Result<Outcome, TillError>,
    pub(crate) events: Vec<Event>,
    pub(crate) records: Vec<PaymentRecord>,
}

impl<'a> Scene<'a> {
    /// A card with no coins.
    pub(crate) fn new(regtest: &'a dyn Regtest, card_network: Network) -> Self {
        Self::issued(regtest, card_network, Kind::default())
    }

    /// A card with no coins, of this kind.
    pub(crate) fn issued(regtest: &'a dyn Regtest, card_network: Network, kind: Kind) -> Self {
        Self::issued_with_seed(regtest, card_network, kind, 7)
    }

    /// As [`Self::issued`], another card for each seed.
    pub(crate) fn issued_with_seed(
        regtest: &'a dyn Regtest,
        card_network: Network,
        kind: Kind,
        seed: u64,
    ) -> Self {
        let limits = kind.limits;
        let mut someone = Someone::with_funds(regtest);
        let purse = Purse::fresh(seed, kind.certified);
        let number = someone.owner.next_card_number().expect("a number");
        let leaf_key = someone.owner.leaf_key(number).expect("a key");
        let imported = someone
            .owner
            .imported_key(number)
            .expect("a key")
            .account_key();
        let order = IssueOrder {
            network: card_network,
            owner_key: someone.owner.owner_key(number).expect("a key").public(),
            leaf: match kind.leaf_delay {
                Some(delay) => Leaf::with_delay(leaf_key, delay),
                None => Leaf::None,
            },
            import: kind.import.then_some(&imported),
            pin: &PinBlock::from_digits(PIN.as_bytes()).expect("a PIN"),
            limits: card::Limits::from(&limits),
            policy: kind.policy,
        };
        let session = card::open(purse.clone()).expect("a card");
        let session = session.factory().expect("a fresh card");
        let (issued, _) = session.issue(&order).expect("issued");
        if card_network == Network::Regtest {
            let new_card = NewCard {
                number,
                label: "milk money".into(),
                issued,
                limits,
                backup_on_chain: true,
            };
            let added = someone.owner.add_card(new_card, regtest.chain());
            added.expect("a new card");
        }
        Self {
            regtest,
            someone,
            purse,
            number,
            others: Vec::new(),
            without_pin: false,
            plain: false,
            unverified: false,
            statement: false,
            node: Mood::default(),
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// A card with a coin of `amount` sat in a block.
    pub(crate) fn with_coin(regtest: &'a dyn Regtest, amount: u64) -> Self {
        let mut scene = Self::new(regtest, Network::Regtest);
        scene.top_up(amount);
        scene
    }

    /// The card gets another coin in a block.
    pub(crate) fn top_up(&mut self, amount: u64) {
        let (regtest, number) = (self.regtest, self.number);
        let owner = &mut self.someone.owner;
        let amount = Amount::from_sat(amount);
        let top_up = owner.top_up(regtest.chain(), number, amount, RATE);
        let top_up = top_up.expect("a top-up");
        regtest.confirm();
        let noted = owner.mark_entered(number, &top_up.txid());
        noted.expect("noted");
        let place = CardChain::Receive;
        self.as_owner(|card| {
            let entered = card.enter_coin(&top_up.transaction, top_up.vout, place, top_up.index);
            assert_eq!(entered, Ok(amount));
        });
    }

    /// The card's owner does something with it.
    pub(crate) fn as_owner<R>(
        &self,
        act: impl FnOnce(&mut Session<Purse, card::Owner<Authority>>) -> R,
    ) -> R {
        let owner = &self.someone.owner;
        let record = owner.card(self.number).expect("the card");
        let authority = owner.authority(&record).expect("a key");
        act(&mut self.session().as_owner(authority))
    }

    /// The card, put in anew, in a channel.
    pub(crate) fn session(&self) -> Session<Purse, Issued> {
        let opened = card::open(self.purse.clone()).expect("a card");
        let mut session = opened.issued().expect("issued");
        let record = self.someone.owner.card(self.number).expect("the card");
        let key = record.agreement_key.expect("known since it was issued");
        session.open_channel(&key).expect("this card");
        session
    }

    /// Which cards the till takes.
    fn rules(&self) -> CardRules {
        CardRules {
            vetting: Vetting {
                checker: Checker::new(Network::Regtest).expect("the test root"),
                unverified: self.unverified,
            },
            plain: self.plain,
        }
    }

    pub(crate) fn shop() -> Address {
        Payer::new(0x51).address()
    }

    /// Has the card pay 21,000 sat while `typed` is typed and `meanwhile` happens at each step.
    pub(crate) fn pay_while(
        &mut self,
        typed: &[&'static str],
        mut meanwhile: impl FnMut(&Event, &mut Someone, &dyn Regtest),
    ) -> Told {
        let mut events = Vec::new();
        let store = PaymentStore::open(self.folder.path()).expect("a folder");
        let rules = self.rules();
        let (someone, regtest) = (&mut self.someone, self.regtest);
        let cards = std::iter::once(&self.purse).chain(&self.others);
        let chain = Reluctant {
            chain: regtest.chain(),
            mood: self.node.clone(),
        };
        let outcome = Till {
            cards: Hand(cards.cloned().collect()),
            pins: Fingers(typed.iter().copied().collect()),
            rules,
            settlement: Settlement {
                chain: &chain,
                store,
                poll_interval: Duration::from_millis(1),
                on_event: Box::new(|event| {
                    meanwhile(event, someone, regtest);
                    events.push(event.clone());
                }),
            },
        }
        .pay(&PaymentTerms {
            amount: Amount::from_sat(21_000),
            to: Self::shop(),
            fee_rate: RATE,
            confirmations: 2,
            merchant: Merchant::try_from(MERCHANT.to_owned()).expect("a name"),
            invoice: Some(INVOICE),
            without_pin: self.without_pin,
            statement: self.statement,
        });
        let store = PaymentStore::open(self.folder.path()).expect("a folder");
        Told {
            outcome,
            events,
            records: store.read().expect("readable records"),
        }
    }

    /// A till that lost its power, or the card, asks again.
    pub(crate) fn ask_again(&mut self) -> (Vec<Outcome>, Vec<Event>, Vec<PaymentRecord>) {
        let purse = self.purse.clone();
        self.ask_again_of(&purse, &[])
    }

    /// As [`Self::ask_again`], with this card in the reader, while `typed` is typed.
    pub(crate) fn ask_again_of(
        &mut self,
        purse: &Purse,
        typed: &[&'static str],
    ) -> (Vec<Outcome>, Vec<Event>, Vec<PaymentRecord>) {
        let (regtest, mut events) = (self.regtest, Vec::new());
        let chain = Reluctant {
            chain: regtest.chain(),
            mood: self.node.clone(),
        };
        let mut till = Till {
            cards: Hand(VecDeque::from([purse.clone()])),
            pins: Fingers(typed.iter().copied().collect()),
            rules: self.rules(),
            settlement: Settlement {
                chain: &chain,
                store: PaymentStore::open(self.folder.path()).expect("a folder"),
                poll_interval: Duration::from_millis(1),
                on_event: Box::new(|event| {
                    if matches!(
                        event,
                        Event::Broadcast { .. } | Event::Confirmed { confirmations: 1 }
                    ) {
                        regtest.confirm();
                    }
                    events.push(event.clone());
                }),
            },
        };
        let outcomes = till.ask_again().expect("a card and a chain");
        let records = till.settlement.store.read().expect("readable records");
        drop(till);
        (outcomes, events, records)
    }

    /// A till that lost its power has it again; a block is mined whenever it waits for one.
    pub(crate) fn resume(&mut self) -> (Vec<Outcome>, Vec<PaymentRecord>) {
        let regtest = self.regtest;
        let mut settlement = Settlement {
            chain: regtest.chain(),
            store: PaymentStore::open(self.folder.path()).expect("a folder"),
            poll_interval: Duration::from_millis(1),
            on_event: Box::new(|event| {
                if matches!(
                    event,
                    Event::Broadcast { .. } | Event::Confirmed { confirmations: 1 }
                ) {
                    regtest.confirm();
                }
            }),
        };
        let outcomes = settlement.resume().expect("the chain answers");
        (outcomes, settlement.store.read().expect("readable records"))
    }

    /// As [`Self::pay_while`], and a block is mined whenever the till waits for one.
    pub(crate) fn pay(&mut self, typed: &[&'static str]) -> Told {
        self.pay_while(typed, |event, _, regtest| {
            if matches!(
                event,
                Event::Broadcast { .. } | Event::Confirmed { confirmations: 1 }
            ) {
                regtest.confirm();
            }
        })
    }
}

impl Told {
    /// The names of the steps, as programs see them.
    pub(crate) fn states(&self) -> Vec<String> {
        let name = |event: &Event| -> Option<String> {
            let json = serde_json::to_value(event).ok()?;
            Some(json.get("state")?.as_str()?.to_owned())
        };
        self.events.iter().filter_map(name).collect()
    }

    /// The transaction of a payment that must have been settled.
    #[track_caller]
    pub(crate) fn settled(&self) -> &bitcoin::Transaction {
        match &self.outcome {
            Ok(Outcome::Settled(transaction)) => transaction,
            other => panic!("not settled: {other:?}"),
        }
    }

    /// Why the outcome of a payment must have stayed open, as the shop hears it.
    #[track_caller]
    pub(crate) fn open(&self) -> &tillcard::till::Open {
        let Ok(Outcome::Open(why)) = &self.outcome else {
            panic!("not open: {:?}", self.outcome);
        };
        assert_eq!(self.events.last(), Some(&why.event()));
        let Event::Open { reason, .. } = why.event() else {
            panic!("{why}");
        };
        assert!(reason.contains("till resume"), "{reason}");
        why
    }

    /// The reason of a payment that must have been declined, as the shop hears it.
    #[track_caller]
    pub(crate) fn declined(&self) -> &tillcard::till::Decline {
        let Ok(Outcome::Declined(decline)) = &self.outcome else {
            panic!("not declined: {:?}", self.outcome);
        };
        assert_eq!(self.events.last(), Some(&decline.event()));
        decline
    }
}
