//! The coins and payments of a card: sections 6 to 8.

use super::coin::{Coin, Place, Plan};
use super::logged::Logged;
use super::payment::Request;
use super::spend::Spend;
use crate::status::Sw;
use std::collections::BTreeSet;

/// Indexes of each chain.
pub(super) const INDEXES: u32 = 4096;

/// What the suite expects the card to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purse {
    /// Every coin in the card, spent ones included.
    pub coins: Vec<Coin>,
    /// Indexes spent from, with their chain.
    pub retired: BTreeSet<(u32, u32)>,
    /// Above every receive index of a coin that the owner entered.
    pub receive_from: u32,
    /// Above every change index of an output.
    pub change_from: u32,
    /// Amounts and fees of all payments since the limits were set.
    pub spent: u64,
    /// How many payments there were since then.
    pub payments: u16,
    /// How many of them without PIN.
    pub payments_without_pin: u16,
    /// The payments that the card keeps, oldest first.
    pub log: Vec<Logged>,
    /// The sequence number from which on payments are kept.
    pub first_kept: u32,
    /// The sequence number from which on they aren't acknowledged.
    pub first_unseen: u32,
    /// The sequence number of the next payment.
    pub next_sequence: u32,
    /// The first payment since the limits were set.
    pub limits_since: u32,
    /// Places of which the card stated that it signs nothing else for them.
    pub pledged: BTreeSet<(u32, u32)>,
    /// Outpoints reported as absent in this authorisation.
    pub reported: Vec<([u8; 32], u32)>,
}

impl Purse {
    /// What RECEIVE SCRIPT answers.
    #[must_use]
    pub fn next_receive(&self) -> u32 {
        self.unretired(0, self.receive_from)
    }

    /// Where the next change goes.
    #[must_use]
    pub fn next_change(&self) -> u32 {
        self.unretired(1, self.change_from)
    }

    fn unretired(&self, chain: u32, from: u32) -> u32 {
        let mut indexes = from..INDEXES;
        (indexes.find(|index| !self.retired.contains(&(chain, *index)))).unwrap_or(INDEXES)
    }

    /// Whether an unspent coin of the owner's stands there.
    #[must_use]
    pub fn has_rooted_at(&self, chain: u32, index: u32) -> bool {
        let there = |coin: &&Coin| (coin.chain, coin.index) == (chain, index);
        (self.coins.iter().filter(there)).any(|coin| !coin.unrooted && coin.spent.is_none())
    }

    /// A coin entered, or lost its marks by the owner's entering it again.
    pub fn enter(&mut self, coin: Coin) {
        if coin.chain == 0 && !coin.unrooted {
            self.receive_from = self.receive_from.max(coin.index + 1);
        }
        match (self.coins.iter_mut()).find(|known| known.is(&coin.txid, coin.vout)) {
            Some(known) => {
                known.doubtful = false;
                known.unrooted = coin.unrooted;
            }
            None => self.coins.push(coin),
        }
    }

    /// A till reported a coin.
    pub fn report(&mut self, txid: [u8; 32], vout: u32) {
        for coin in self.coins.iter_mut().filter(|coin| coin.is(&txid, vout)) {
            coin.doubtful = true;
        }
        self.reported.push((txid, vout));
    }

    /// The kept payment of this identity.
    #[must_use]
    pub fn kept(&self, identity: &[u8; 16]) -> Option<&Logged> {
        self.log
            .iter()
            .find(|logged| logged.request.identity == *identity)
    }

    /// A payment was made by the transaction `txid`, whose change is output `change_vout`.
    pub fn pay(
        &mut self,
        request: &Request,
        plan: &Plan,
        txid: [u8; 32],
        change_vout: Option<u32>,
        without_pin: bool,
        log: usize,
    ) {
        if self.log.len() >= log {
            self.forget_below(self.first_kept + 1);
        }
        let sequence = self.next_sequence;
        for input in &plan.inputs {
            self.retired.insert((input.chain, input.index));
            for coin in &mut self.coins {
                if coin.is(&input.txid, input.vout) {
                    coin.spent = Some(sequence);
                }
            }
        }
        if let Some(vout) = change_vout {
            self.coins.push(Coin {
                txid,
                vout,
                amount: plan.change,
                chain: 1,
                index: plan.change_index,
                doubtful: false,
                unrooted: request.unrooted,
                spent: None,
            });
            self.change_from = plan.change_index + 1;
        }
        self.spent += request.amount + plan.fee;
        self.payments += 1;
        self.payments_without_pin += u16::from(without_pin);
        self.log.push(Logged {
            sequence,
            request: request.clone(),
            plan: plan.clone(),
            txid,
            change_vout,
            without_pin,
            cancelled: false,
            given_again: 0,
            given_as_ancestor: 0,
        });
        self.next_sequence += 1;
        self.reported.clear();
    }

    fn forget_below(&mut self, sequence: u32) {
        self.log.retain(|logged| logged.sequence >= sequence);
        self.coins
            .retain(|coin| coin.spent.is_none_or(|spent| spent >= sequence));
        self.first_kept = self.first_kept.max(sequence);
    }

    /// The owner acknowledged the log.
    pub fn acknowledge(&mut self, seen: u32, settled: u32) {
        self.first_unseen = seen;
        self.forget_below(settled);
    }

    /// The owner set limits.
    pub fn renew(&mut self) {
        self.spent = 0;
        self.payments = 0;
        self.payments_without_pin = 0;
        self.limits_since = self.next_sequence;
    }

    /// The owner reported that a payment never will be.
    ///
    /// # Errors
    /// The status word of the refusal.
    pub fn resolve(&mut self, sequence: u32) -> Result<(), Sw> {
        let position = (self.log.iter())
            .position(|logged| logged.sequence == sequence && !logged.cancelled)
            .ok_or(Sw::NOT_FOUND)?;
        let logged = self.log[position].clone();
        let change = |coin: &Coin| {
            logged
                .change_vout
                .is_some_and(|vout| coin.is(&logged.txid, vout))
        };
        let spender = self
            .coins
            .iter()
            .find(|coin| change(coin))
            .and_then(|c| c.spent);
        let stands = |sequence: u32| {
            (self.log.iter()).any(|logged| logged.sequence == sequence && !logged.cancelled)
        };
        if spender.is_some_and(stands) {
            return Err(Sw::CONDITIONS);
        }
        // Spent change is an input of a payment that is cancelled too, and stays spent.
        self.coins
            .retain(|coin| !change(coin) || coin.spent.is_some());
        if sequence >= self.limits_since {
            self.spent -= logged.request.amount + logged.plan.fee;
        }
        self.log[position].cancelled = true;
        Ok(())
    }

    /// The card gave a statement on a payment.
    pub fn pledge(&mut self, payment: &Logged) {
        let places = payment.plan.inputs.iter();
        self.pledged
            .extend(places.map(|coin| (coin.chain, coin.index)));
    }

    /// The owner had a transaction signed.
    pub fn sign(&mut self, spend: &Spend) {
        for input in &spend.inputs {
            self.retired
                .insert((input.place.chain(), input.place.index()));
            self.coins
                .retain(|coin| coin.spent.is_some() || !coin.is(&input.txid, input.vout));
        }
        let highest = spend
            .outputs
            .iter()
            .filter_map(|output| output.place())
            .filter(|place| place.chain() == 1)
            .map(Place::index)
            .max();
        if let Some(highest) = highest {
            self.change_from = self.change_from.max(highest + 1);
        }
    }
}
