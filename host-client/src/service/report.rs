//! The shop's books: payments as CSV, and what a day brought.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::moment::Moment;
use super::payment::{Payment, State};
use super::rate::Hundredths;
use super::refund::Refund;

/// What payments of a time came to. Fees are the customers', and no part of it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Close {
    /// Payments that were asked for at this time or later.
    pub(crate) since: Moment,
    /// And before this time.
    pub(crate) until: Moment,
    /// By the state that they are in now.
    pub(crate) totals: Vec<Total>,
    /// What came from wallets and isn't the shop's to keep: too much, late, twice or too little, in sat.
    /// What was refunded of it since stands in `/v1/refunds`.
    pub(crate) to_refund_sat: u64,
}

/// What payments in one state come to.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Total {
    /// The state.
    pub(crate) state: State,
    /// How many.
    pub(crate) payments: u64,
    /// Their amounts, in sat.
    pub(crate) amount_sat: u64,
    /// Those with a price, by currency, as decimal numbers.
    pub(crate) prices: BTreeMap<String, String>,
}

/// Sums payments up.
pub(crate) fn close(since: Moment, until: Moment, payments: &[Payment]) -> Close {
    #[derive(Default)]
    struct Sum {
        payments: u64,
        amount_sat: u64,
        prices: BTreeMap<String, u64>,
    }
    let mut sums: BTreeMap<&str, (State, Sum)> = BTreeMap::new();
    let mut to_refund_sat = 0;
    for payment in payments {
        let entry = sums.entry(payment.state.name());
        let (_, sum) = entry.or_insert_with(|| (payment.state, Sum::default()));
        sum.payments += 1;
        sum.amount_sat += payment.amount_sat;
        if let Some(price) = &payment.price
            && let Ok(Hundredths(amount)) = price.amount.parse()
        {
            *sum.prices.entry(price.currency.clone()).or_default() += amount;
        }
        to_refund_sat += payment.to_refund_sat();
    }
    let totals = sums.into_values().map(|(state, sum)| Total {
        state,
        payments: sum.payments,
        amount_sat: sum.amount_sat,
        prices: (sum.prices.into_iter())
            .map(|(currency, amount)| (currency, Hundredths(amount).to_string()))
            .collect(),
    });
    Close {
        since,
        until,
        totals: totals.collect(),
        to_refund_sat,
    }
}

const COLUMNS: &str = "id,created_at,state,amount_sat,currency,price,rate,paid_by,from_wallets_sat,\
                       to_refund_sat,to,txid,reference\r\n";

/// Payments as a table (RFC 4180), one a row.
pub(crate) fn csv(payments: &[Payment]) -> String {
    let mut table = COLUMNS.to_owned();
    for payment in payments {
        let price = payment.price.as_ref();
        let by_address = payment.by_address.as_ref();
        let paid_by = match (&payment.txid, payment.state_by_address()) {
            (Some(_), _) => "card",
            (None, Some(_)) => "wallet",
            (None, None) => "",
        };
        let row = [
            payment.id.clone(),
            payment.created_at.text(),
            payment.state.name().to_owned(),
            payment.amount_sat.to_string(),
            price.map_or_else(String::new, |price| price.currency.clone()),
            price.map_or_else(String::new, |price| price.amount.clone()),
            price.map_or_else(String::new, |price| price.rate.clone()),
            paid_by.to_owned(),
            by_address.map_or(0, |it| it.received_sat).to_string(),
            payment.to_refund_sat().to_string(),
            payment.to.clone(),
            payment.txid.clone().unwrap_or_default(),
            payment.reference.clone().unwrap_or_default(),
        ];
        add_row(&mut table, row);
    }
    table
}

const REFUND_COLUMNS: &str = "id,created_at,state,payment,amount_sat,fee_sat,to,txid,reference\r\n";

/// Refunds as a table (RFC 4180), one a row.
pub(crate) fn refunds_csv(refunds: &[Refund]) -> String {
    let mut table = REFUND_COLUMNS.to_owned();
    for refund in refunds {
        let row = [
            refund.id.clone(),
            refund.created_at.text(),
            refund.state.name().to_owned(),
            refund.payment.clone(),
            refund.amount_sat.to_string(),
            refund.fee_sat.to_string(),
            refund.to.clone(),
            refund.txid.clone(),
            refund.reference.clone().unwrap_or_default(),
        ];
        add_row(&mut table, row);
    }
    table
}

fn add_row<const N: usize>(table: &mut String, row: [String; N]) {
    *table += &row.map(|field| quoted(&field)).join(",");
    *table += "\r\n";
}

/// A field that a spreadsheet takes as text: one that begins like a formula isn't one.
fn quoted(field: &str) -> String {
    let guard = match field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => "'",
        false => "",
    };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::rate::Price;
    use tillcard_client::card::PaymentOrder;

    const NOW: Moment = Moment(1_796_000_000_000);

    fn payment(amount: u64, state: State, price: Option<&str>) -> Payment {
        let amount = bitcoin::Amount::from_sat(amount);
        let rate = tillcard::chain::FeeRate::FALLBACK;
        let order = PaymentOrder::new(amount, rate, Default::default()).unwrap();
        let record = tillcard::till::PaymentRecord::new("milk".into(), "bcrt1q".into(), 1, order);
        let patience = std::time::Duration::from_secs(60);
        let mut payment = Payment::new(&record, None, "Counter".into(), patience, NOW);
        payment.state = state;
        payment.price = price.map(|amount| Price {
            currency: "EUR".to_owned(),
            amount: amount.to_owned(),
            rate: "50000.00".to_owned(),
            rate_at: NOW,
        });
        payment
    }

    #[test]
    fn a_day_is_summed_up_by_state() {
        let payments = [
            payment(21_000, State::Settled, Some("10.50")),
            payment(1_000, State::Settled, Some("0.50")),
            payment(5_000, State::Settled, None),
            payment(7_000, State::Declined, None),
        ];
        let closed = close(NOW, NOW, &payments);
        let [declined, settled] = &closed.totals[..] else {
            panic!("{closed:?}");
        };
        assert_eq!((declined.payments, declined.amount_sat), (1, 7_000));
        assert_eq!((settled.payments, settled.amount_sat), (3, 27_000));
        assert_eq!(settled.prices["EUR"], "11.00");
    }

    #[test]
    fn no_field_is_a_formula_or_breaks_the_table() {
        let mut bad = payment(21_000, State::Settled, Some("10.50"));
        bad.reference = Some("=HYPERLINK(\"http://x\"),\r\nbread".to_owned());
        let table = csv(&[bad]);
        let (columns, row) = table.split_once("\r\n").unwrap();
        assert_eq!(columns.split(',').count(), 13);
        assert!(
            row.ends_with("\"'=HYPERLINK(\"\"http://x\"\"),\r\nbread\"\r\n"),
            "{row}"
        );
        assert!(row.starts_with(
            "\"milk\",\"2026-11-30T00:53:20.000Z\",\"settled\",\"21000\",\"EUR\",\"10.50\""
        ));
    }
}
