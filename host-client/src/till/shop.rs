//! A till with a reader and a keyboard: one payment after another.

use bitcoin::{Address, Amount};

use super::counter::Counter;
use super::driver;
use super::machine::{ClerkSaid, Input, Machine, Outcome, Wishes};
use super::{CardRules, CardSource, Event, PaymentRecord, PinSource, Settlement, TillError};
use crate::chain::FeeRate;
use tillcard_client::card::{Merchant, PaymentOrder};

/// What the shop wants.
#[derive(Clone, Debug)]
pub struct PaymentTerms {
    /// Amount to the shop.
    pub amount: Amount,
    /// Where to; a fresh address for each payment.
    pub to: Address,
    /// Fee rate that the card pays.
    pub fee_rate: FeeRate,
    /// Blocks that must bury the payment before it is settled; with 0 the network's taking it is
    /// enough.
    pub confirmations: u32,
    /// The shop's name, for the holder's log; empty to give none.
    pub merchant: Merchant,
    /// A hash of what is paid for, for the holder's log.
    pub invoice: Option<[u8; 32]>,
    /// Whether the card is asked first whether it pays without a PIN.
    pub without_pin: bool,
    /// Whether the card is asked for a statement on the payment.
    pub statement: bool,
}

impl PaymentTerms {
    /// A new payment on these terms, which no card was asked for.
    ///
    /// # Errors
    /// [`TillError::NoRandomness`].
    pub fn record(&self) -> Result<PaymentRecord, TillError> {
        let payee = self.to.script_pubkey();
        let mut order = PaymentOrder::new(self.amount, self.fee_rate, payee)
            .map_err(|_| TillError::NoRandomness)?;
        order.merchant = self.merchant.clone();
        order.invoice = self.invoice;
        let to = self.to.to_string();
        Ok(PaymentRecord::new(
            payment_id()?,
            to,
            self.confirmations,
            order,
        ))
    }

    /// What the shop wants beside the money.
    pub fn wishes(&self) -> Wishes {
        Wishes {
            without_pin: self.without_pin,
            statement: self.statement,
        }
    }
}

/// A till: cards, a way to ask for the PIN, and the back office.
pub struct Till<'a, S, P> {
    /// Where cards come from.
    pub cards: S,
    /// Who asks for the PIN.
    pub pins: P,
    /// Which cards it takes.
    pub rules: CardRules,
    /// The chain, the stored payments, and somebody to tell.
    pub settlement: Settlement<'a>,
}

impl<S: CardSource, P: PinSource> Till<'_, S, P> {
    /// Has a card pay `terms`, and waits until the payment is settled.
    ///
    /// # Errors
    /// [`TillError`] when reader, chain or disk fail. A payment that doesn't take place, or whose
    /// outcome is open, is no error, but an [`Outcome`].
    pub fn pay(&mut self, terms: &PaymentTerms) -> Result<Outcome, TillError> {
        let network = self.settlement.chain.network()?;
        let record = terms.record()?;
        let id = record.id.clone();

        // Nobody else knows the name, so the claim is there to be had.
        let claim = self.settlement.store.claim(&id)?;
        self.settlement.store.write(&record)?;
        self.settlement.tell(Event::Created {
            id: id.clone(),
            amount: terms.amount,
            to: terms.to.to_string(),
        });
        let mut machine = Machine::default();
        machine.add(record, terms.wishes());
        let begun = Input::Clerk(ClerkSaid::Begin);
        let Self {
            cards,
            pins,
            rules,
            settlement,
        } = self;
        let mut counter = Counter::new(cards, pins, rules, network);
        let outcome = driver::run(&mut machine, &id, begun, &mut counter, settlement)?;
        if let Some(claim) = claim {
            claim.end(&outcome);
        }
        Ok(outcome)
    }

    /// Asks for the payments whose outcome is open: each card that was asked to pay, in a channel,
    /// what it knows of them. One that keeps a payment gives it again; none is asked for a new one,
    /// and a card that wasn't asked before is asked for nothing.
    ///
    /// # Errors
    /// As [`Self::pay`].
    pub fn ask_again(&mut self) -> Result<Vec<Outcome>, TillError> {
        let network = self.settlement.chain.network()?;
        let asked = self.settlement.asked()?;
        let Self {
            cards,
            pins,
            rules,
            settlement,
        } = self;
        let mut outcomes = Vec::with_capacity(asked.len());
        for record in asked {
            let mut counter = Counter::new(cards, pins, rules, network);
            outcomes.extend(settlement.resume_one(&record.id, &mut counter)?);
        }
        Ok(outcomes)
    }
}

/// 8 random bytes in hex.
fn payment_id() -> Result<String, TillError> {
    let mut id = [0; 8];
    getrandom::fill(&mut id).map_err(|_| TillError::NoRandomness)?;
    Ok(hex::encode(id))
}
