//! What a card's refusal means to a clerk, and what to tell the holder.

use crate::card::CardError;

/// A refusal in words for a clerk.
pub(super) fn refusal(error: &CardError) -> String {
    match error.status().and_then(for_clerk) {
        Some(words) => words.to_owned(),
        None => error.to_string(),
    }
}

fn for_clerk(status: u16) -> Option<&'static str> {
    Some(match status {
        0x6400 => "the card found itself faulty. Its owner should look at it at home",
        0x6A84 => "the card has no room for another payment: its owner makes room at home",
        0x9401 => "there isn't enough money on the card",
        0x9402 => {
            "the money on the card is in too many small coins for this amount: its owner merges \
             them at home"
        }
        0x9403 => "the amount is over what the card's owner allows for one payment",
        0x9404 => {
            "the payment is over what the card's owner allows in all: he allows more at home, \
             after he has read the card's log"
        }
        0x9405 => {
            "the network's fee rate is now outside what the card's owner allows: wait, or name \
             another with --fee-rate"
        }
        0x9406 => "the fee would be higher than the card's owner allows",
        0x9407 => "the amount is too small, or more than there is",
        0x9408 => "the card doesn't pay to an address of this kind: use another of the shop's",
        0x9409 => "the card's log is full: its owner reads it at home",
        0x9411 => {
            "the card has made as many payments as its owner allows: he allows more at home, after \
             he has read the card's log"
        }
        0x9412 => "the card knows another payment of the same identity: begin the payment anew",
        0x9413 => {
            "the card was asked for this payment too often, or its owner has cancelled it: ask the \
             holder to settle it at home"
        }
        0x9414 | 0x9415 => {
            "too many of the card's coins aren't on the chain: its owner looks at it at home"
        }
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
        .chain(0x9411..=0x9415)
        {
            let refused = CardError::Refused {
                command: "PAY",
                status,
            };
            let words = refusal(&refused);
            assert!(!words.contains("PAY") && words.len() > 20, "{status:04X}");
        }
    }

    #[test]
    fn what_no_clerk_can_know_is_told_as_it_is() {
        let refused = CardError::Refused {
            command: "PAY",
            status: 0x6A80,
        };
        assert_eq!(refusal(&refused), refused.to_string());
        assert_eq!(
            refusal(&CardError::PinBlocked),
            CardError::PinBlocked.to_string()
        );
    }
}
