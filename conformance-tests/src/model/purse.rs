//! The coins of a card, and which of them a payment takes: sections 6, 7.2, 7.3 and 7.4.

use super::payment::{Limits, MAX_AMOUNT, Request, dust_threshold, fee};
use crate::status::Sw;
use std::collections::BTreeSet;

/// Most inputs of a payment.
const MOST_INPUTS: usize = 16;
/// Lowest fee rate, in sat/kvB.
const LOWEST_RATE: u32 = 100;
/// The smallest change, and the smallest coin, in sat.
const TAPROOT_DUST: u64 = 330;

/// A coin of the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// As a transaction carries it.
    pub txid: [u8; 32],
    /// Which output.
    pub vout: u32,
    /// In sat.
    pub amount: u64,
    /// 0 received, 1 change.
    pub chain: u32,
    /// `CARD/chain/index`.
    pub index: u32,
}

/// What a payment will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the order of choice.
    pub inputs: Vec<Coin>,
    /// In sat.
    pub fee: u64,
    /// In sat; 0 means no change output.
    pub change: u64,
    /// The change index that the change output pays to.
    pub change_index: u32,
}

/// What the suite expects the card to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purse {
    /// Every coin in the card.
    pub coins: Vec<Coin>,
    /// Indexes spent from, with their chain.
    pub retired: BTreeSet<(u32, u32)>,
    /// What RECEIVE SCRIPT answers.
    pub next_receive: u32,
    /// Where the next change goes.
    pub next_change: u32,
    /// Amounts and fees of all payments.
    pub spent: u64,
    /// How many payments there were.
    pub payments: u32,
}

impl Purse {
    /// A coin entered.
    pub fn enter(&mut self, coin: Coin) {
        if coin.chain == 0 {
            self.next_receive = self.next_receive.max(coin.index + 1);
        }
        self.coins.push(coin);
    }

    /// The candidates in the order of choice.
    #[must_use]
    pub fn candidates(&self) -> Vec<Coin> {
        let mut coins: Vec<Coin> = self
            .coins
            .iter()
            .filter(|coin| !self.retired.contains(&(coin.chain, coin.index)))
            .cloned()
            .collect();
        coins.sort_by(|a, b| {
            (b.amount.cmp(&a.amount)).then_with(|| (a.txid, a.vout).cmp(&(b.txid, b.vout)))
        });
        coins
    }

    /// What the card must answer to a request, refusals in the order of `[PAY-4]`. `log` is how
    /// many payments its log can hold.
    ///
    /// # Errors
    /// The status word of the refusal.
    pub fn plan(&self, request: &Request, limits: &Limits, log: u32) -> Result<Plan, Sw> {
        if !(LOWEST_RATE..=limits.highest_rate).contains(&request.rate) {
            return Err(Sw::FEE_RATE);
        }
        let dust = dust_threshold(request.payee.as_bytes()).ok_or(Sw::PAYEE)?;
        if !(dust..=MAX_AMOUNT).contains(&request.amount) {
            return Err(Sw::AMOUNT);
        }
        if request.amount > limits.per_payment {
            return Err(Sw::OVER_PAYMENT_LIMIT);
        }
        if self.payments >= log {
            return Err(Sw::LOG_FULL);
        }
        let plan = self.choose(request)?;
        if plan.fee > limits.fee_cap {
            return Err(Sw::FEE_CAP);
        }
        if self.spent + request.amount + plan.fee > limits.cumulative {
            return Err(Sw::OVER_CUMULATIVE_LIMIT);
        }
        Ok(plan)
    }

    fn choose(&self, request: &Request) -> Result<Plan, Sw> {
        let candidates = self.candidates();
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
                change_index: self.next_change,
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
    ) {
        for coin in &plan.inputs {
            self.retired.insert((coin.chain, coin.index));
        }
        self.coins.retain(|coin| !plan.inputs.contains(coin));
        if let Some(vout) = change_vout {
            self.coins.push(Coin {
                txid,
                vout,
                amount: plan.change,
                chain: 1,
                index: plan.change_index,
            });
            self.next_change += 1;
        }
        self.spent += request.amount + plan.fee;
        self.payments += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Coin, Purse};
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
            });
        }
        purse
    }

    fn request(amount: u64) -> Request {
        Request {
            amount,
            rate: 1000,
            payee: payee::p2wpkh([2; 20]),
        }
    }

    #[test]
    fn the_smallest_number_of_the_largest_coins() {
        let purse = purse(&[1000, 50_000, 2000, 30_000]);
        let plan = purse.plan(&request(60_000), &Limits::WIDE, 64).unwrap();
        let chosen: Vec<u64> = plan.inputs.iter().map(|coin| coin.amount).collect();
        assert_eq!(chosen, [50_000, 30_000]);
        assert_eq!(plan.fee, fee(2, 22, true, 1000));
        assert_eq!(plan.change, 20_000 - plan.fee);
    }

    #[test]
    fn change_below_dust_goes_to_the_fee() {
        let amount = 50_000 - fee(1, 22, true, 1000);
        let purse = purse(&[50_000]);
        let with = purse
            .plan(&request(amount - 330), &Limits::WIDE, 64)
            .unwrap();
        assert_eq!(with.change, 330);
        let without = purse
            .plan(&request(amount - 329), &Limits::WIDE, 64)
            .unwrap();
        assert_eq!((without.change, without.fee), (0, 50_000 - amount + 329));
    }

    #[test]
    fn fragmented_and_insufficient_are_told_apart() {
        let seventeen = purse(&[10_000; 17]);
        let most = 170_000 - fee(16, 22, false, 1000);
        let refusal = |amount| {
            seventeen
                .plan(&request(amount), &Limits::WIDE, 64)
                .unwrap_err()
        };
        assert_eq!(refusal(most), Sw::FRAGMENTED);
        assert_eq!(refusal(most + 1), Sw::INSUFFICIENT);
        let sixteen = purse(&[10_000; 16]);
        assert_eq!(
            sixteen
                .plan(&request(160_000), &Limits::WIDE, 64)
                .unwrap_err(),
            Sw::INSUFFICIENT
        );
    }
}
