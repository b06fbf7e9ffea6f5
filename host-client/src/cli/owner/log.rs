//! `tillcard owner log`.

use bitcoin::hex::DisplayHex;
use bitcoin::{Address, Amount, Network};
use serde_json::{Value, json};

use super::visit::{Visit, Visited};
use crate::cli::Failure;
use crate::cli::chain::warn_if_behind;
use crate::cli::output::{line, with_progress};
use tillcard::chain::{Chain, Reach};
use tillcard::owner::PaymentStatus;
use tillcard::text::{counted, sat};
use tillcard_client::card::Logged;

/// Shows what the card paid: its own facts, and what the terminals claimed.
#[derive(clap::Args)]
pub(in crate::cli) struct Log {
    #[command(flatten)]
    visit: Visit,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Log {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            owner,
            chain,
            mut visit,
        } = self.visit.open()?;
        let reach = chain.reach()?;
        let log = with_progress(|progress| visit.log(&chain, progress))?;
        let number = visit.record.number;
        visit.close()?;
        let network = owner.network();
        if self.json {
            let payments: Vec<Value> = log
                .iter()
                .map(|(payment, status)| to_json(payment, status, network))
                .collect();
            let complete = reach == Reach::Complete;
            line(json!({"card": number, "chain_is_complete": complete, "payments": payments}));
            return Ok(());
        }
        warn_if_behind(reach);
        if log.history.payments.is_empty() {
            line("The card keeps no payments.");
        }
        for (payment, status) in log.iter() {
            show(payment, status, network);
        }
        let unread = log.history.contents.unread();
        if unread > 0 {
            line(format_args!(
                "New to the card's owner: {}. When you know them all: tillcard owner acknowledge",
                counted(unread, "payment")
            ));
        }
        Ok(())
    }
}

/// Shows a payment to a person.
pub(super) fn show(payment: &Logged, status: &PaymentStatus, network: Network) {
    line(format_args!(
        "Payment {}: {} to {}",
        payment.number,
        sat(payment.amount),
        payee(payment, network)
    ));
    let change = match payment.change {
        Amount::ZERO => "no change".to_owned(),
        change => format!("{} came back as change", sat(change)),
    };
    line(format_args!(
        "  fee {} ({}), {change}, {}",
        sat(payment.fee),
        payment.fee_rate,
        match payment.with_pin {
            true => "with PIN",
            false => "without PIN",
        }
    ));
    let state = match payment.cancelled {
        true => "cancelled".to_owned(),
        false => status.to_string(),
    };
    line(format_args!("  {state}: {}", payment.txid));
    let claims = match (payment.merchant.is_empty(), &payment.invoice) {
        (true, None) => "nothing".to_owned(),
        (false, None) => format!("to be {}", payment.merchant),
        (true, Some(hash)) => format!("invoice {}", hash.as_hex()),
        (false, Some(hash)) => format!("to be {}, invoice {}", payment.merchant, hash.as_hex()),
    };
    line(format_args!("  claimed by the terminal: {claims}"));
    if payment.given_again > 0 {
        line(format_args!(
            "  given again to a till that lost it ({}); debited once",
            counted(payment.given_again, "time")
        ));
    }
    if payment.given_as_ancestor > 0 {
        line(format_args!(
            "  given to later tills ({}), since the first hadn't sent it",
            counted(payment.given_as_ancestor, "time")
        ));
    }
}

fn payee(payment: &Logged, network: Network) -> String {
    match Address::from_script(&payment.payee, network) {
        Ok(address) => address.to_string(),
        Err(_) => format!("script {}", payment.payee.to_hex_string()),
    }
}

fn to_json(payment: &Logged, status: &PaymentStatus, network: Network) -> Value {
    let (chain, confirmations, by) = match status {
        PaymentStatus::Confirmed { confirmations } => ("confirmed", Some(confirmations), None),
        PaymentStatus::InMempool => ("in-mempool", None, None),
        PaymentStatus::Conflicted { by, confirmations } => {
            ("conflicted", Some(confirmations), Some(by))
        }
        PaymentStatus::Contested { by } => ("contested", None, Some(by)),
        PaymentStatus::NotSent => ("not-sent", None, None),
    };
    json!({
        "number": payment.number,
        "facts": {
            "state": if payment.cancelled { "cancelled" } else { "standing" },
            "txid": payment.txid,
            "payee": payee(payment, network),
            "amount_sat": payment.amount.to_sat(),
            "fee_sat": payment.fee.to_sat(),
            "change_sat": payment.change.to_sat(),
            "fee_rate_sat_per_kvb": payment.fee_rate.to_sat_per_kvb(),
            "with_pin": payment.with_pin,
            "outpoints": payment.outpoints,
            "given_again": payment.given_again,
            "given_as_ancestor": payment.given_as_ancestor,
        },
        "claimed_by_the_terminal": {
            "merchant": payment.merchant,
            "invoice": payment.invoice.map(|hash| hash.to_lower_hex_string()),
        },
        "chain": {
            "state": chain,
            "confirmations": confirmations,
            "by": by,
        },
    })
}
