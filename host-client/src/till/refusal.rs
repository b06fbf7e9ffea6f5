//! What a card's refusal means to a clerk, and what to tell the holder.

use tillcard_client::advice::{Advice, Explain};
use tillcard_client::card::CardError;

const UNPAID: &str = "the shop isn't paid, and nothing was debited";

/// What happened, in words for a clerk.
pub(super) fn what_happened(error: &CardError) -> String {
    match error.status().and_then(for_clerk) {
        Some((words, _)) => words.to_owned(),
        None => error.to_string(),
    }
}

/// What it means, and what to do.
pub(super) fn advice(error: &CardError) -> Advice {
    match (error, error.status().and_then(for_clerk)) {
        (_, Some((_, advice))) => advice,
        (
            CardError::NotProven { .. } | CardError::Malformed { .. } | CardError::ChannelEnded,
            _,
        ) => Advice::new(
            "card-answer-unusable",
            UNPAID,
            "try again, at another reader if you can",
        ),
        (error, None) => error.advice(),
    }
}

/// The status words that a clerk can do something about (`docs/protocol.md`, section 9).
fn for_clerk(status: u16) -> Option<(&'static str, Advice)> {
    Some(match status {
        0x6400 => (
            "the card found itself faulty",
            Advice::new(
                "card-self-check-failed",
                UNPAID,
                "its owner looks at it at home; take another card",
            ),
        ),
        0x6A84 => (
            "the card has no room for another payment",
            Advice::new(
                "card-full",
                UNPAID,
                "its owner makes room at home (tillcard owner acknowledge)",
            ),
        ),
        0x9401 => (
            "there isn't enough money on the card",
            Advice::new(
                "card-insufficient-funds",
                UNPAID,
                "ask for a smaller amount, or for another card",
            ),
        ),
        0x9402 => (
            "the money on the card is in too many small coins for this amount",
            Advice::new(
                "too-many-small-coins",
                UNPAID,
                "ask for another card; its owner merges the coins at home (tillcard owner consolidate)",
            ),
        ),
        0x9403 => (
            "the amount is over what the card's owner allows for one payment",
            Advice::new(
                "amount-over-limit",
                UNPAID,
                "ask for another card; its owner allows more at home (tillcard owner limits)",
            ),
        ),
        0x9404 => (
            "the payment is over what the card's owner allows in all",
            Advice::new(
                "total-over-limit",
                UNPAID,
                "ask for another card; its owner reads the card's log and sets the limits anew at home (tillcard owner acknowledge, then limits)",
            ),
        ),
        0x9405 => (
            "the fee rate is outside what the card's owner allows",
            Advice::new(
                "fee-rate-outside-limits",
                UNPAID,
                "wait until the network is quieter, or name another rate with --fee-rate",
            ),
        ),
        0x9406 => (
            "the fee would be higher than the card's owner allows",
            Advice::new(
                "fee-over-limit",
                UNPAID,
                "name a lower rate with --fee-rate",
            ),
        ),
        0x9407 => (
            "the amount is too small, or more than there is",
            Advice::new("amount-impossible", UNPAID, "ask for another amount"),
        ),
        0x9408 => (
            "the card doesn't pay to an address of this kind",
            Advice::new(
                "address-kind-unsupported",
                UNPAID,
                "use another of the shop's addresses",
            ),
        ),
        0x9409 => (
            "the card's log is full",
            Advice::new(
                "card-log-full",
                UNPAID,
                "its owner reads it at home (tillcard owner acknowledge); ask for another card",
            ),
        ),
        0x9411 => (
            "the card has made as many payments as its owner allows",
            Advice::new(
                "payments-over-limit",
                UNPAID,
                "ask for another card; its owner reads the card's log and sets the limits anew at home (tillcard owner acknowledge, then limits)",
            ),
        ),
        0x9412 => (
            "the card knows another payment of the same identity",
            Advice::new("payment-identity-taken", UNPAID, "begin the payment anew"),
        ),
        0x9414 | 0x9415 => (
            "too many of the card's coins aren't on the chain",
            Advice::new(
                "coins-absent",
                UNPAID,
                "ask for another card; its owner looks at it at home (tillcard owner coins)",
            ),
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clerk_reads_no_numbers_of_commands() {
        for status in [
            0x9401, 0x9402, 0x9403, 0x9404, 0x9405, 0x9406, 0x9407, 0x9408, 0x9409,
        ]
        .into_iter()
        .chain([0x9411, 0x9412, 0x9414, 0x9415])
        {
            let refused = CardError::Refused {
                command: "PAY",
                status,
            };
            let words = what_happened(&refused);
            assert!(!words.contains("PAY") && words.len() > 20, "{status:04X}");
        }
    }

    #[test]
    fn what_no_clerk_can_know_is_told_as_it_is() {
        let refused = CardError::Refused {
            command: "PAY",
            status: 0x6A80,
        };
        assert_eq!(what_happened(&refused), refused.to_string());
        assert_eq!(advice(&refused), refused.advice());
        assert_eq!(
            what_happened(&CardError::PinBlocked),
            CardError::PinBlocked.to_string()
        );
    }
}
