//! What each failure of the owner's tool means for the money, and what to do.

use super::OwnerError;
use tillcard_client::advice::{Advice, Explain, NO_RANDOMNESS};

impl Explain for OwnerError {
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn advice(&self) -> Advice {
        const NOTHING: &str = "no coin was moved";
        const SAFE: &str = "the coins are where they were, and your words bring the wallet back";
        match self {
            Self::Words(_) => Advice::new(
                "words-invalid",
                NOTHING,
                "type the 12 or 24 words as they are on the paper, in their order",
            ),
            Self::NoRandomness => NO_RANDOMNESS,
            Self::FolderTaken(_) => Advice::new(
                "owner-folder-taken",
                NOTHING,
                "name another folder with --folder; nothing is ever overwritten",
            ),
            Self::NoOwner(_) => Advice::new(
                "owner-folder-empty",
                NOTHING,
                "make an owner with tillcard owner new, restore one with tillcard owner restore, or \
                 name the right folder with --folder",
            ),
            Self::InUse(_) => Advice::new(
                "owner-folder-in-use",
                NOTHING,
                "wait until the other program has ended",
            ),
            Self::WordsExposed(_) => Advice::new(
                "words-exposed",
                "whoever reads the words owns the coins",
                "make the file private (chmod 600 FILE); if somebody may have read it, move the \
                 coins to a new wallet",
            ),
            Self::Io { .. } => Advice::new(
                "owner-file-failed",
                "no coin was moved by this step",
                "check that the disk has room and that you may write there, then try again",
            ),
            Self::Damaged { .. } => Advice::new(
                "owner-file-damaged",
                SAFE,
                "restore the folder from a copy, or into a new folder with tillcard owner restore",
            ),
            Self::Chain(error) => error.advice(),
            Self::Card(error) => error.advice(),
            Self::NotGenuine(error) => error.advice(),
            Self::Account(error) => error.advice(),
            Self::AnotherCard(_) => Advice::new(
                "another-card",
                "nothing was asked of it",
                "put the right card in, or name the one in the reader with --card",
            ),
            Self::NotOurs => Advice::new(
                "card-of-another-owner",
                "nothing was asked of it",
                "use the folder from which it was issued, or restore the owner whose words it was \
                 issued with",
            ),
            Self::Uncertified => Advice::new(
                "card-unproven",
                "nothing was asked of it; coins sent to what it would name may be stolen",
                "try another reader; if nobody ever personalised the card, pass --unverified-cards \
                 at a reader of your own that nobody has tampered with",
            ),
            Self::CertificatesWithheld(_) => Advice::new(
                "certificates-withheld",
                NOTHING,
                "use another reader, one that nobody has tampered with",
            ),
            Self::KeysUnknown(_) => Advice::new(
                "card-keys-unknown",
                "nothing was asked of the card, and no coin was moved",
                "put the card in and run tillcard owner adopt, which checks its certificates",
            ),
            Self::OwnerKeyRefused(_) => Advice::new(
                "owner-key-refused",
                NOTHING,
                "use another reader; if it goes on there, take the card's coins back without it \
                 (tillcard owner block)",
            ),
            Self::OwnerKeysUsedUp(_) => Advice::new(
                "owner-keys-used-up",
                NOTHING,
                "move the coins to another card and issue that one",
            ),
            Self::Wallet(_) => Advice::new(
                "wallet-failed",
                SAFE,
                "try again; if it goes on, restore into a new folder with tillcard owner restore",
            ),
            Self::InsufficientFunds { .. } => Advice::new(
                "wallet-insufficient-funds",
                "nothing was sent",
                "name a smaller amount, or pay to the wallet first (tillcard owner address)",
            ),
            Self::FeeRateAboveCap(_) => Advice::new(
                "fee-rate-above-cap",
                "nothing was sent",
                "name a lower rate with --fee-rate",
            ),
            Self::ChainUnsteady => Advice::new("chain-unsteady", "nothing was sent", "try again"),
            Self::UnknownCard(_) => Advice::new(
                "card-number-unknown",
                NOTHING,
                "look the number up with tillcard owner status",
            ),
            Self::SeveralCards => Advice::new(
                "card-number-missing",
                NOTHING,
                "say which with --card (their numbers: tillcard owner status)",
            ),
            Self::NoCards => Advice::new(
                "no-card-yet",
                NOTHING,
                "issue one with tillcard owner issue",
            ),
            Self::CardExists(_) => Advice::new(
                "card-number-taken",
                NOTHING,
                "run the command again: the next free number is taken",
            ),
            Self::CardBlocked(_) => Advice::new(
                "card-blocked",
                "nothing was sent; coins sent to a blocked card may be stolen",
                "pay to another card",
            ),
            Self::LimitsImpossible(_) => {
                Advice::new("limits-impossible", NOTHING, "name other limits")
            }
            Self::UnreadPayments(_) => Advice::new(
                "payments-unread",
                "the limits are what they were",
                "read the card's log with tillcard owner acknowledge, then set the limits",
            ),
            Self::UnknownPayment(_) => Advice::new(
                "payment-unknown",
                NOTHING,
                "look the number up with tillcard owner log",
            ),
            Self::Psbt(_) => Advice::new(
                "psbt-not-signable",
                "nothing was signed",
                "have the other wallet build the transaction anew, of this card's coins alone",
            ),
            Self::NotCancelled { .. } => Advice::new(
                "payment-not-cancelled",
                "the payment stands as it did, and nothing was sent",
                "look at it with tillcard owner log",
            ),
            Self::NotResolved { .. } => Advice::new(
                "payment-not-resolved",
                "the card still counts the payment",
                "look at it with tillcard owner log; cancel it first with tillcard owner cancel",
            ),
            Self::ConflictTooYoung { .. } => Advice::new(
                "conflict-too-young",
                "the card still counts the payment, which may come back in a reorganisation",
                "wait for more blocks, or ask for fewer with --confirmations",
            ),
            Self::NothingToConsolidate(_) => Advice::new(
                "nothing-to-consolidate",
                "nothing was sent",
                "try again when the card has more coins in blocks, or at a lower --fee-rate",
            ),
            Self::TooManyPendingTopUps(_) => Advice::new(
                "top-ups-pending",
                "nothing was sent",
                "put the card in and tell it of them with tillcard owner topup, without --amount",
            ),
            Self::TopUpUntold(_) => Advice::new(
                "top-up-untold",
                "the coin is on its way to the card, which can't spend it before it knows it",
                "put the card in and run tillcard owner topup without --amount",
            ),
            Self::TopUpNotTaken(_) => Advice::new(
                "top-up-not-taken",
                "nothing was sent",
                "try another reader; if it goes on, look at the card with tillcard owner coins, and \
                 pay to another card",
            ),
            Self::TopUpsLeft(_) => Advice::new(
                "top-ups-left",
                "coins that the card doesn't take are yours all the same",
                "take them along with tillcard owner consolidate, or run tillcard owner topup without \
                 --amount at another reader",
            ),
            Self::BelowLeastCoin { .. } => Advice::new(
                "top-up-below-least-coin",
                "nothing was sent",
                "name a larger amount, or let the card take smaller coins (tillcard owner limits \
                 --least-coin)",
            ),
            Self::CardUnmet(_) => Advice::new(
                "card-unmet",
                "nothing was sent; coins sent to a blocked card may be stolen",
                "put the card in and run tillcard owner adopt; if it is lost, tillcard owner block",
            ),
            Self::TopUpUnsent { .. } => Advice::new(
                "top-up-unsent",
                "it is written down: the amount is in your wallet, or on its way to the card",
                "when the node answers, run tillcard owner topup without --amount, which sends it \
                 if it wasn't",
            ),
            Self::SweepUnsent { .. } => Advice::new(
                "sweep-unsent",
                "the coins are the card's still, or on their way to your wallet",
                "run tillcard owner block again at once, with another node if this one doesn't answer",
            ),
            Self::Unsent { .. } => Advice::new(
                "transaction-unsent",
                "its coins are where they were, or on their way",
                "when the node answers, run tillcard owner status; if they weren't moved, run the \
                 same command again, or tillcard owner topup without --amount after a consolidation",
            ),
            Self::SentUnnoted { .. } => Advice::new(
                "sent-unnoted",
                "the transaction is on its way, and the wallet finds it on the chain",
                "make room on the disk, then run tillcard owner status; a card is told of its coins \
                 with tillcard owner topup without --amount",
            ),
            Self::IssueUncertain(_) => Advice::new(
                "issue-uncertain",
                "no coin was sent to the card",
                "put the card in again: if it is issued, tillcard owner adopt takes it up; if not, \
                 issue it anew",
            ),
            Self::IssuedUnnoted(_) => Advice::new(
                "issue-unnoted",
                "no coin was sent to the card",
                "take the card up with tillcard owner adopt",
            ),
            Self::IssuedOtherwise(_) => Advice::new(
                "issued-otherwise",
                "no coin was sent to the card",
                "at another reader, take it up with tillcard owner adopt, have it forget you with \
                 tillcard owner reset, and issue it again with another PIN",
            ),
            Self::PinUncertain(_) => Advice::new(
                "pin-uncertain",
                NOTHING,
                "set the new PIN again (tillcard owner pin)",
            ),
            Self::OwnerKeyUncertain(_) => Advice::new(
                "owner-key-uncertain",
                "no coin was moved, and both keys come from your words",
                "run any command with the card, such as tillcard owner limits: it finds out",
            ),
            Self::ChangeUncertain(_) => Advice::new(
                "card-change-uncertain",
                NOTHING,
                "run the same command again, at another reader if it goes on",
            ),
            Self::SigningUncertain(_) => Advice::new(
                "signing-uncertain",
                "nothing was sent; the card may take the coins for spent from now on",
                "run the same command again: the card signs again for its owner; compare its coins \
                 with tillcard owner coins",
            ),
            Self::EndUncertain(_) => Advice::new(
                "card-end-uncertain",
                "your own key still takes the card's coins, if it has a leaf (tillcard owner block)",
                "do it again: if the card then says that it was never issued, or was terminated, it \
                 had done it",
            ),
        }
    }
}
