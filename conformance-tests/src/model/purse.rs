//! The coins and payments of a card, and what it must make of a request: sections 6 to 8.

use super::coin::{Coin, Place, Plan};
use super::logged::Logged;
use super::payment::{Limits, MAX_AMOUNT, Request, dust_threshold, fee, is_printable};
use super::spend::Spend;
use crate::status::Sw;
use bitcoin::ScriptBuf;
use std::collections::BTreeSet;

/// Most inputs of a payment.
const MOST_INPUTS: usize = 16;
/// Indexes of each chain.
const INDEXES: u32 = 4096;
/// The smallest change in sat.
const TAPROOT_DUST: u64 = 330;

/// What bounds a payment besides the coins.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The owner's limits.
    pub limits: Limits,
    /// Payments that the log can hold.
    pub log: usize,
    /// Coins that the card can hold.
    pub coins: usize,
    /// Unrooted ones among them.
    pub unrooted: usize,
    /// Scripts of the card's own that no payment may go to, whatever its inputs.
    pub own: Vec<ScriptBuf>,
    /// Whether the payment is made without PIN, where the owner allows it (`[NOP-1]`).
    pub without_pin: bool,
}

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

    /// The rooted candidates in the order of choice.
    #[must_use]
    pub fn candidates(&self) -> Vec<Coin> {
        self.candidates_of(false)
    }

    /// The candidates of one source in the order of choice.
    #[must_use]
    pub fn candidates_of(&self, unrooted: bool) -> Vec<Coin> {
        let mut coins: Vec<Coin> = self
            .coins
            .iter()
            .filter(|coin| coin.spent.is_none() && coin.unrooted == unrooted)
            .filter(|coin| !self.retired.contains(&(coin.chain, coin.index)))
            .filter(|coin| !(unrooted && self.has_rooted_at(coin.chain, coin.index)))
            .filter(|coin| !self.reported.contains(&(coin.txid, coin.vout)))
            .cloned()
            .collect();
        coins.sort_by(|a, b| {
            (a.doubtful.cmp(&b.doubtful))
                .then_with(|| b.amount.cmp(&a.amount))
                .then_with(|| (a.txid, a.vout).cmp(&(b.txid, b.vout)))
        });
        coins
    }

    /// The kept payment of this identity.
    #[must_use]
    pub fn kept(&self, identity: &[u8; 16]) -> Option<&Logged> {
        self.log
            .iter()
            .find(|logged| logged.request.identity == *identity)
    }

    /// What the card must answer to a PREVIEW, or to a PAY that isn't one given again: refusals
    /// in the order of `[PAY-4]`.
    ///
    /// # Errors
    /// The status word of the refusal.
    pub fn plan(&self, request: &Request, rules: &Rules) -> Result<Plan, Sw> {
        let limits = &rules.limits;
        if self.kept(&request.identity).is_some() {
            return Err(Sw::IDENTITY);
        }
        if !is_printable(&request.merchant) {
            return Err(Sw::WRONG_DATA);
        }
        if !(limits.least_rate..=limits.highest_rate).contains(&request.rate) {
            return Err(Sw::FEE_RATE);
        }
        let dust = dust_threshold(request.payee.as_bytes()).ok_or(Sw::PAYEE)?;
        if !(dust..=MAX_AMOUNT).contains(&request.amount) {
            return Err(Sw::AMOUNT);
        }
        if request.amount > limits.per_payment {
            return Err(Sw::OVER_PAYMENT_LIMIT);
        }
        if self.payments >= limits.payments {
            return Err(Sw::COUNT);
        }
        let leaving = self.leaving(rules)?;
        let plan = self.choose(request)?;
        if plan.fee > limits.fee_cap {
            return Err(Sw::FEE_CAP);
        }
        if rules.without_pin && request.amount + plan.fee > limits.without_pin {
            return Err(Sw::SECURITY);
        }
        if self.spent + request.amount + plan.fee > limits.cumulative {
            return Err(Sw::OVER_CUMULATIVE_LIMIT);
        }
        if plan.change > 0 {
            let kept = |coin: &&Coin| coin.spent.is_none() || coin.spent != leaving;
            let unrooted =
                |coin: &&Coin| coin.unrooted && coin.spent.is_none() && !plan.inputs.contains(coin);
            let full = self.coins.iter().filter(kept).count() >= rules.coins
                || (request.unrooted
                    && self.coins.iter().filter(unrooted).count() >= rules.unrooted)
                || self.next_change() >= INDEXES;
            if full {
                return Err(Sw::NO_ROOM);
            }
        }
        if rules.own.contains(&request.payee) {
            return Err(Sw::PAYEE);
        }
        Ok(plan)
    }

    /// The payment that makes room for the next one, when the log is full.
    fn leaving(&self, rules: &Rules) -> Result<Option<u32>, Sw> {
        if self.log.len() < rules.log {
            return Ok(None);
        }
        match self.log.first() {
            Some(oldest) if oldest.sequence < self.first_unseen => Ok(Some(oldest.sequence)),
            _ => Err(Sw::LOG_FULL),
        }
    }

    fn choose(&self, request: &Request) -> Result<Plan, Sw> {
        let candidates = self.candidates_of(request.unrooted);
        let payee = request.payee.len() as u64;
        let needed =
            |inputs: usize| request.amount + fee(inputs as u64, payee, false, request.rate);
        let mut sum = 0;
        for (inputs, coin) in (1..=MOST_INPUTS).zip(&candidates) {
            sum += coin.amount;
            if sum < needed(inputs) {
                continue;
            }
            let with_change = fee(inputs as u64, payee, true, request.rate);
            let rest = sum
                .checked_sub(request.amount + with_change)
                .filter(|rest| *rest >= TAPROOT_DUST);
            return Ok(Plan {
                inputs: candidates[..inputs].to_vec(),
                fee: rest.map_or(sum - request.amount, |_| with_change),
                change: rest.unwrap_or(0),
                change_index: self.next_change(),
            });
        }
        let all: u64 = candidates.iter().map(|coin| coin.amount).sum();
        if candidates.len() > MOST_INPUTS && all >= needed(MOST_INPUTS) {
            return Err(Sw::FRAGMENTED);
        }
        Err(Sw::INSUFFICIENT)
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

#[cfg(test)]
mod tests {
    use super::{Coin, Purse, Rules};
    use crate::model::{Limits, Request, fee, payee};
    use crate::status::Sw;

    fn purse(amounts: &[u64]) -> Purse {
        let mut purse = Purse::default();
        for (index, amount) in (0..).zip(amounts) {
            purse.enter(Coin {
                txid: [1; 32],
                vout: index,
                amount: *amount,
                chain: 0,
                index,
                doubtful: false,
                unrooted: false,
                spent: None,
            });
        }
        purse
    }

    fn request(amount: u64) -> Request {
        Request {
            amount,
            rate: 1000,
            payee: payee::p2wpkh([2; 20]),
            unrooted: false,
            identity: [3; 16],
            merchant: Vec::new(),
            invoice: Vec::new(),
        }
    }

    fn rules() -> Rules {
        Rules {
            limits: Limits::WIDE,
            log: 64,
            coins: 100,
            unrooted: 8,
            own: Vec::new(),
            without_pin: false,
        }
    }

    #[test]
    fn the_smallest_number_of_the_largest_coins() {
        let purse = purse(&[1000, 50_000, 2000, 30_000]);
        let plan = purse.plan(&request(60_000), &rules()).unwrap();
        let chosen: Vec<u64> = plan.inputs.iter().map(|coin| coin.amount).collect();
        assert_eq!(chosen, [50_000, 30_000]);
        assert_eq!(plan.fee, fee(2, 22, true, 1000));
        assert_eq!(plan.change, 20_000 - plan.fee);
    }

    #[test]
    fn change_below_dust_goes_to_the_fee() {
        let amount = 50_000 - fee(1, 22, true, 1000);
        let purse = purse(&[50_000]);
        let with = purse.plan(&request(amount - 330), &rules()).unwrap();
        assert_eq!(with.change, 330);
        let without = purse.plan(&request(amount - 329), &rules()).unwrap();
        assert_eq!((without.change, without.fee), (0, 50_000 - amount + 329));
    }

    #[test]
    fn fragmented_and_insufficient_are_told_apart() {
        let seventeen = purse(&[10_000; 17]);
        let most = 170_000 - fee(16, 22, false, 1000);
        let refusal = |amount| seventeen.plan(&request(amount), &rules()).unwrap_err();
        assert_eq!(refusal(most), Sw::FRAGMENTED);
        assert_eq!(refusal(most + 1), Sw::INSUFFICIENT);
        let sixteen = purse(&[10_000; 16]);
        assert_eq!(
            sixteen.plan(&request(160_000), &rules()).unwrap_err(),
            Sw::INSUFFICIENT
        );
    }
}
