//! All that belongs to a session: how it is begun, and what shows that it is gone.

use super::prelude::*;
use crate::card::READ_COINS;
use crate::model::{Coin, Place, STATEMENTS, Spend};

/// One thing that belongs to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Staged {
    Authorisation,
    Offer,
    Payment,
    Challenge,
    Entry,
    Credit,
    Signing,
    Signed,
    Reading,
}

pub(super) const ALL: [Staged; 9] = [
    Staged::Authorisation,
    Staged::Offer,
    Staged::Payment,
    Staged::Challenge,
    Staged::Entry,
    Staged::Credit,
    Staged::Signing,
    Staged::Signed,
    Staged::Reading,
];

/// What is needed to go on with it.
pub(super) enum Left {
    Nothing,
    Coin(Coin),
    Txid([u8; 32]),
    Challenge([u8; 16]),
    Piece(Vec<u8>),
}

/// A transaction for SIGN of a coin that the card doesn't know.
fn spend(b: &Bench) -> Spend {
    Spend::of_unknown(b.values.bytes("unknown coin"), Place::receive(40))
}

/// Begins it in the session of now; none where the card doesn't have it. The card is issued, has
/// coins, and allows statements if it gives them.
pub(super) fn begin(b: &mut Bench, what: Staged) -> Step<Option<Left>> {
    let capabilities = b.card.host()?.capabilities;
    let lacks = |capability| capabilities.needs(capability).is_err();
    let missing = match what {
        Staged::Payment => {
            lacks(Capability::Statements) || b.card.host()?.profile.policy & STATEMENTS == 0
        }
        Staged::Credit => lacks(Capability::Credits),
        Staged::Signing | Staged::Signed => lacks(Capability::Signing),
        _ => false,
    };
    if missing {
        return Ok(None);
    }
    // Another output each time: what one session staged is of no use to the next.
    let mut stream = b.values.stream("staged coin");
    let index = b.card.host()?.purse.next_receive;
    Ok(Some(match what {
        Staged::Authorisation => {
            b.card.authorise()?;
            Left::Nothing
        }
        Staged::Offer => {
            let plan = b
                .card
                .preview_checked(&request(10_000))?
                .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))?;
            Left::Coin(plan.inputs[0].clone())
        }
        Staged::Payment => Left::Txid(b.card.pay_checked(&request(1_000))?.txid),
        Staged::Challenge => Left::Challenge(b.card.challenge()?),
        Staged::Entry | Staged::Credit => {
            let (entry, bytes) = b.card.coin_at(&mut stream, 20_000, index)?;
            if what == Staged::Entry {
                b.card.begun_entry(&entry)?;
            } else {
                b.card.authorise()?;
                b.card.begin_credit(&entry)?.want_bare(Sw::OK, "a credit")?;
            }
            let (first, second) = bytes.split_at(20);
            b.card.piece(first)?.want_bare(Sw::OK, "a piece")?;
            Left::Piece(second.to_vec())
        }
        Staged::Signing => {
            let spend = spend(b);
            let bytes = spend.stream();
            b.card
                .begin_sign(&spend.body())?
                .want_bare(Sw::OK, "SIGN")?;
            let (first, second) = bytes.split_at(20);
            b.card
                .sign_piece(first)?
                .want_bare(Sw::OK, "SIGN, a piece")?;
            Left::Piece(second.to_vec())
        }
        Staged::Signed => {
            let spend = spend(b);
            b.card.streamed(&spend, 200)?;
            Left::Nothing
        }
        Staged::Reading => {
            b.card
                .command_by_owner(READ_COINS, &[])?
                .want(Sw::OK, "READ COINS")?;
            Left::Nothing
        }
    }))
}

/// In the session of now it must be gone.
pub(super) fn expect_gone(b: &mut Bench, what: Staged, left: &Left) -> Outcome {
    match (what, left) {
        (Staged::Offer, Left::Coin(coin)) => {
            b.card
                .report_answer(&coin.txid, coin.vout)?
                .want_bare(Sw::SECURITY, "REPORT ABSENT")?;
            b.card.authorise()?;
            b.card
                .report_answer(&coin.txid, coin.vout)?
                .want_bare(Sw::CONDITIONS, "REPORT ABSENT of an offer of before")
        }
        (_, Left::Txid(txid)) => b
            .card
            .statement_answer(&[9; 32], txid)?
            .want_bare(Sw::NOT_FOUND, "STATEMENT on a payment of before"),
        (_, Left::Challenge(challenge)) => {
            let header = crate::card::READ_LIMITS;
            let signature = b.card.owner_signature(challenge, header, &[])?;
            b.card
                .once(&Command::new(header).data(Card::signed(&[], &signature)))?
                .want_bare(Sw::SECURITY, "READ LIMITS with a challenge of before")
        }
        (Staged::Signing, Left::Piece(piece)) => b
            .card
            .sign_piece(piece)?
            .want_bare(Sw::CONDITIONS, "SIGN, a piece of before"),
        (Staged::Signed, _) => b
            .card
            .signature_answer(0)?
            .want_bare(Sw::CONDITIONS, "SIGN, a signature of before"),
        (Staged::Reading, _) => b
            .card
            .next_coins()?
            .want_bare(Sw::CONDITIONS, "READ COINS, a part of before"),
        (_, Left::Piece(piece)) => b
            .card
            .piece(piece)?
            .want_bare(Sw::CONDITIONS, "ENTER COIN, a piece of before"),
        _ => b.card.expect_authorised(false, "in the next session"),
    }
}
