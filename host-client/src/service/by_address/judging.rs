//! What the coins at a payment's address amount to, and what the clerk does.

use super::{AddressCoin, AddressState, ByAddress};
use crate::service::moment::Moment;
use crate::service::payment::{Alarm, Payment, Reason, State};
use tillcard::text::sat;

impl Payment {
    /// Judges these coins, of which none is what the payment's card paid.
    pub(crate) fn judge(&mut self, coins: Vec<AddressCoin>, now: Moment) {
        let before = self.by_address.take();
        if coins.is_empty() && before.is_none() {
            return;
        }
        let received = total(&coins);
        let state = self.address_state(&coins);
        let by_address = ByAddress {
            state,
            received_sat: received,
            confirmations: coins.iter().map(|it| it.confirmations).min().unwrap_or(0),
            what_to_do: self.what_to_do(state, received),
            coins,
        };
        if let Some((code, detail)) = alarm(before.as_ref(), &by_address) {
            let code = code.to_owned();
            let reason = Reason { code, detail };
            self.alarms.push(Alarm { reason, at: now });
        }
        self.by_address = (received > 0).then_some(by_address);
    }

    /// Judges the coins anew, since the payment has changed.
    pub(crate) fn judge_again(&mut self, now: Moment) {
        if let Some(by_address) = self.by_address.clone() {
            let mut coins = by_address.coins;
            coins.retain(|coin| Some(&coin.txid) != self.txid.as_ref());
            self.judge(coins, now);
        }
    }

    fn address_state(&self, coins: &[AddressCoin]) -> AddressState {
        let (deadline, received) = (self.given_up_at(), total(coins));
        let in_time = coins.iter().filter(|coin| coin.seen_at <= deadline);
        let in_time: u64 = in_time.map(|coin| coin.amount_sat).sum();
        match self.amount_sat {
            _ if self.is_paid_by_card() => AddressState::Twice,
            amount if in_time >= amount && received == amount => AddressState::Paid,
            amount if in_time >= amount => AddressState::Overpaid,
            amount if received >= amount => AddressState::Late,
            _ => AddressState::Underpaid,
        }
    }

    /// When the payment was given up, or is.
    fn given_up_at(&self) -> Moment {
        let ends = self.history.iter().filter(|passed| {
            matches!(
                passed.state,
                State::Cancelled | State::Expired | State::Declined | State::Closed
            )
        });
        let end = ends.map(|passed| passed.at).min();
        end.unwrap_or(self.expires_at).min(self.expires_at)
    }

    fn is_paid_by_card(&self) -> bool {
        self.txid.is_some()
            && !matches!(
                self.state,
                State::Conflicted | State::Closed | State::Unknown
            )
    }

    /// Whether coins at its address pay it, in the place of a card.
    pub(crate) fn state_by_address(&self) -> Option<State> {
        let by_address = self.by_address.as_ref()?;
        match by_address.state {
            AddressState::Paid | AddressState::Overpaid => Some(match by_address.confirmations {
                depth if depth >= self.confirmations_required => State::Settled,
                0 => State::Broadcast,
                _ => State::Confirmed,
            }),
            AddressState::Underpaid | AddressState::Late | AddressState::Twice => None,
        }
    }

    /// What came from wallets and isn't the shop's to keep, in sat.
    pub(crate) fn to_refund_sat(&self) -> u64 {
        let Some(by_address) = &self.by_address else {
            return 0;
        };
        match by_address.state {
            AddressState::Paid => 0,
            AddressState::Overpaid => by_address.received_sat.saturating_sub(self.amount_sat),
            AddressState::Underpaid | AddressState::Late | AddressState::Twice => {
                by_address.received_sat
            }
        }
    }

    fn what_to_do(&self, state: AddressState, received: u64) -> String {
        let amount = |number: u64| sat(bitcoin::Amount::from_sat(number));
        let (got, wanted) = (amount(received), amount(self.amount_sat));
        match state {
            AddressState::Underpaid => format!(
                "only {got} of {wanted} came to the payment's address: ask for the other {} to the \
                 same address while it waits, or refund what came",
                amount(self.amount_sat.saturating_sub(received))
            ),
            AddressState::Paid if matches!(self.state, State::Signing | State::Unknown) => format!(
                "{got} came from a wallet, and the card that was asked may pay besides: wait until \
                 that is clear, and refund what is paid twice"
            ),
            AddressState::Paid => {
                "paid from a wallet: hand out the goods when it is settled".to_owned()
            }
            AddressState::Overpaid => format!(
                "paid from a wallet, {got} for {wanted}: refund {}",
                amount(received.saturating_sub(self.amount_sat))
            ),
            AddressState::Late => format!(
                "{got} came from a wallet after the payment was given up: hand out the goods if the \
                 customer is there and they weren't paid for otherwise, or refund it"
            ),
            AddressState::Twice => {
                format!("paid by card, and {got} came from a wallet besides: refund them")
            }
        }
    }
}

fn total(coins: &[AddressCoin]) -> u64 {
    coins.iter().map(|coin| coin.amount_sat).sum()
}

/// What somebody must act on: money that went back, and money that isn't the shop's to keep.
fn alarm(before: Option<&ByAddress>, now: &ByAddress) -> Option<(&'static str, String)> {
    let was = |state| before.is_some_and(|before| before.state == state);
    let is_new = |state| now.state == state && !was(state);
    if before.is_some_and(|before| before.received_sat > now.received_sat) {
        let gone = "coins that had come to the payment's address from a wallet are gone: their block \
                    has left the chain, or they went another way. Keep the goods";
        Some(("payment-coins-gone", gone.to_owned()))
    } else if before.is_some_and(|before| {
        before.coins.len() == now.coins.len() && before.confirmations > now.confirmations
    }) {
        let back = "the chain was reorganised: the block with the coins at the payment's address has \
                    left it. Goods that are still here stay here until it is settled again";
        Some(("payment-reorganised", back.to_owned()))
    } else if is_new(AddressState::Late) {
        Some(("payment-paid-late", now.what_to_do.clone()))
    } else if is_new(AddressState::Twice) {
        Some(("payment-paid-twice", now.what_to_do.clone()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillcard_client::card::PaymentOrder;

    const NOW: Moment = Moment(1_000_000);

    fn payment() -> Payment {
        let amount = bitcoin::Amount::from_sat(21_000);
        let order = PaymentOrder::new(
            amount,
            tillcard::chain::FeeRate::FALLBACK,
            Default::default(),
        );
        let record =
            tillcard::till::PaymentRecord::new("milk".into(), "bcrt1q".into(), 1, order.unwrap());
        Payment::new(
            &record,
            None,
            "Counter".into(),
            std::time::Duration::from_secs(60),
            NOW,
        )
    }

    fn coin(number: u32, amount_sat: u64, seen_at: i64, confirmations: u32) -> AddressCoin {
        AddressCoin {
            txid: format!("{number}"),
            vout: 0,
            amount_sat,
            confirmations,
            seen_at: Moment(NOW.0 + seen_at),
            seen_at_height: 100,
        }
    }

    fn states(payment: &Payment) -> (AddressState, Option<State>) {
        let by_address = payment.by_address.as_ref().unwrap();
        (by_address.state, payment.state_by_address())
    }

    #[test]
    fn coins_are_compared_with_the_amount_and_the_time() {
        use AddressState::{Late, Overpaid, Paid, Underpaid};
        for (coins, expected) in [
            (vec![coin(1, 20_999, 0, 1)], (Underpaid, None)),
            (
                vec![coin(1, 21_000, 60_000, 0)],
                (Paid, Some(State::Broadcast)),
            ),
            (vec![coin(1, 21_000, 0, 1)], (Paid, Some(State::Settled))),
            (
                vec![coin(1, 10_000, 0, 3), coin(2, 11_000, 5, 0)],
                (Paid, Some(State::Broadcast)),
            ),
            (
                vec![coin(1, 21_001, 0, 1)],
                (Overpaid, Some(State::Settled)),
            ),
            (vec![coin(1, 21_000, 60_001, 1)], (Late, None)),
            (
                vec![coin(1, 10_000, 0, 1), coin(2, 11_000, 60_001, 1)],
                (Late, None),
            ),
        ] {
            let mut payment = payment();
            payment.judge(coins.clone(), NOW);
            assert_eq!(states(&payment), expected, "{coins:?}");
            let is_alarm = expected.0 == Late;
            assert_eq!(payment.alarms.len(), usize::from(is_alarm));
        }
    }

    #[test]
    fn what_is_paid_by_card_too_is_paid_twice() {
        let mut payment = payment();
        payment.judge(vec![coin(1, 21_000, 0, 1)], NOW);
        payment.txid = Some("2".into());
        payment.state = State::Broadcast;
        payment.judge_again(NOW);
        assert_eq!(states(&payment), (AddressState::Twice, None));
        assert_eq!(payment.alarms[0].reason.code, "payment-paid-twice");
        // What the card paid is no coin of somebody else's.
        payment.txid = Some("1".into());
        payment.judge_again(NOW);
        assert_eq!(payment.by_address, None);
    }

    #[test]
    fn coins_that_go_back_are_an_alarm() {
        let mut payment = payment();
        payment.judge(vec![coin(1, 21_000, 0, 1)], NOW);
        payment.judge(vec![coin(1, 21_000, 0, 0)], NOW);
        assert_eq!(payment.alarms[0].reason.code, "payment-reorganised");
        assert_eq!(payment.state_by_address(), Some(State::Broadcast));
        payment.judge(Vec::new(), NOW);
        assert_eq!(payment.alarms[1].reason.code, "payment-coins-gone");
        assert_eq!(payment.by_address, None);
    }
}
