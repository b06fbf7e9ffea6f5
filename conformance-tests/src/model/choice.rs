//! What the card must make of a request: limits, and the choice of coins. Sections 7.1, 7.3 and 7.4.

use super::coin::{Coin, Plan};
use super::payment::{Limits, MAX_AMOUNT, Request, dust_threshold, fee, is_printable};
use super::purse::{INDEXES, Purse};
use crate::status::Sw;
use bitcoin::ScriptBuf;

/// Most inputs of a payment.
const MOST_INPUTS: usize = 16;
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

impl Purse {
    /// The rooted candidates in the order of choice.
    #[must_use]
    pub fn candidates(&self) -> Vec<Coin> {
        self.candidates_of(false)
    }

    /// The sum of the rooted candidates, in sat.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.candidates().iter().map(|coin| coin.amount).sum()
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
