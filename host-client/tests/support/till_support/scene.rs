//! An owner, a card, a shop: what they do together.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use bitcoin::{Address, Amount, Network};
use tillcard::chain::Chain;
use tillcard::owner::{Authority, NewCard};
use tillcard::till::{
    CardRules, Event, Outcome, PaymentRecord, PaymentStore, PaymentTerms, Settlement, Till,
};
use tillcard_client::account::{CardChain, Leaf};
use tillcard_client::card::{self, IssueOrder, Issued, Merchant, PinBlock, Session};
use tillcard_client::genuine::Checker;
use tillcard_client::vetting::Vetting;

use super::reluctant::{Mood, Reluctant};
use super::{Fingers, Hand, Kind, PIN, Purse, Told};
use crate::chain_support::Payer;
use crate::owner_support::{RATE, Regtest, Someone};

pub(crate) const MERCHANT: &str = "Corner shop";
pub(crate) const INVOICE: [u8; 32] = [7; 32];

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
    pub(super) folder: tempfile::TempDir,
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
        let (store, rules, chain) = (self.store(), self.rules(), self.chain());
        let (someone, regtest) = (&mut self.someone, self.regtest);
        let cards = std::iter::once(&self.purse).chain(&self.others);
        let outcome = Till {
            cards: Hand(cards.cloned().collect()),
            pins: Fingers(typed.iter().copied().collect()),
            rules,
            settlement: settlement(&chain, store, |event| {
                meanwhile(event, someone, regtest);
                events.push(event.clone());
            }),
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
        Told {
            outcome,
            events,
            records: self.records(),
        }
    }

    /// As [`Self::pay_while`], with the PIN, until the till loses its power.
    #[track_caller]
    pub(crate) fn pay_until_power_fails(&mut self, fails: impl Fn(&Event, &dyn Regtest) -> bool) {
        let lost = catch_unwind(AssertUnwindSafe(|| {
            self.pay_while(&[PIN], |event, _, regtest| {
                if fails(event, regtest) {
                    resume_unwind(Box::new("power failure"));
                }
            })
        }));
        assert!(lost.is_err(), "it never failed");
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
        let (chain, mut events) = (self.chain(), Vec::new());
        let mut till = Till {
            cards: Hand(VecDeque::from([purse.clone()])),
            pins: Fingers(typed.iter().copied().collect()),
            rules: self.rules(),
            settlement: settlement(&chain, self.store(), |event| {
                mine(event, self.regtest);
                events.push(event.clone());
            }),
        };
        let outcomes = till.ask_again().expect("a card and a chain");
        drop(till);
        (outcomes, events, self.records())
    }

    /// A till that lost its power has it again; a block is mined whenever it waits for one.
    pub(crate) fn resume(&mut self) -> (Vec<Outcome>, Vec<PaymentRecord>) {
        let regtest = self.regtest;
        let (outcomes, _) = self.resume_while(|event| mine(event, regtest));
        (outcomes, self.records())
    }

    /// A till goes on while `meanwhile` happens at each step; the steps.
    pub(crate) fn resume_while(
        &mut self,
        mut meanwhile: impl FnMut(&Event),
    ) -> (Vec<Outcome>, Vec<Event>) {
        let mut events = Vec::new();
        let mut settlement = settlement(self.regtest.chain(), self.store(), |event| {
            meanwhile(event);
            events.push(event.clone());
        });
        let outcomes = settlement.resume().expect("the chain answers");
        drop(settlement);
        (outcomes, events)
    }

    /// As [`Self::pay_while`], and a block is mined whenever the till waits for one.
    pub(crate) fn pay(&mut self, typed: &[&'static str]) -> Told {
        self.pay_while(typed, |event, _, regtest| mine(event, regtest))
    }

    /// The till's folder of payments.
    pub(super) fn store(&self) -> PaymentStore {
        PaymentStore::open(self.folder.path()).expect("a folder")
    }

    /// What the till keeps of its payments.
    pub(crate) fn records(&self) -> Vec<PaymentRecord> {
        self.store().read().expect("readable records")
    }

    /// The chain, as the till's node lets it see it.
    fn chain(&self) -> Reluctant<'a> {
        Reluctant {
            chain: self.regtest.chain(),
            mood: self.node.clone(),
        }
    }
}

/// What a till has of chain and payments, without a card.
pub(super) fn settlement<'a>(
    chain: &'a dyn Chain,
    store: PaymentStore,
    on_event: impl FnMut(&Event) + 'a,
) -> Settlement<'a> {
    Settlement {
        chain,
        store,
        poll_interval: Duration::from_millis(1),
        on_event: Box::new(on_event),
    }
}

/// A block is mined whenever the till waits for one.
fn mine(event: &Event, regtest: &dyn Regtest) {
    if let Event::Broadcast { .. } | Event::Confirmed { confirmations: 1 } = event {
        regtest.confirm();
    }
}
