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
fn spend(ctx: &CaseContext) -> Spend {
    Spend::of_unknown(ctx.values.bytes("unknown coin"), Place::receive(40))
}

/// Begins it in the session of now; none where the card doesn't have it. The card is issued, has
/// coins, and allows statements if it gives them.
pub(super) fn begin(ctx: &mut CaseContext, what: Staged) -> Step<Option<Left>> {
    let request_of = ctx.requests();
    let capabilities = ctx.host()?.capabilities;
    let lacks = |capability| capabilities.needs(capability).is_err();
    let missing = match what {
        Staged::Payment => {
            lacks(Capability::Statements) || ctx.host()?.profile.policy & STATEMENTS == 0
        }
        Staged::Credit => lacks(Capability::Credits),
        Staged::Signing | Staged::Signed => lacks(Capability::Signing),
        _ => false,
    };
    if missing {
        return Ok(None);
    }
    // Another output each time: what one session staged is of no use to the next.
    let mut stream = ctx.values.stream("staged coin");
    let index = ctx.host()?.purse.next_receive();
    Ok(Some(match what {
        Staged::Authorisation => {
            ctx.authorise()?;
            Left::Nothing
        }
        Staged::Offer => {
            let plan = ctx.offered(&request_of(10_000))?;
            Left::Coin(plan.inputs[0].clone())
        }
        Staged::Payment => Left::Txid(ctx.pay_checked(&request_of(1_000))?.txid),
        Staged::Challenge => Left::Challenge(ctx.challenge()?),
        Staged::Entry | Staged::Credit => {
            let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, index)?;
            if what == Staged::Entry {
                ctx.begun_entry(&entry)?;
            } else {
                ctx.authorise()?;
                ctx.begin_credit(&entry)?.want_bare(Sw::OK, "a credit")?;
            }
            let (first, second) = bytes.split_at(20);
            ctx.piece(first)?.want_bare(Sw::OK, "a piece")?;
            Left::Piece(second.to_vec())
        }
        Staged::Signing => {
            let spend = spend(ctx);
            let bytes = spend.stream();
            ctx.begin_sign(&spend.body())?.want_bare(Sw::OK, "SIGN")?;
            let (first, second) = bytes.split_at(20);
            ctx.sign_piece(first)?.want_bare(Sw::OK, "SIGN, a piece")?;
            Left::Piece(second.to_vec())
        }
        Staged::Signed => {
            let spend = spend(ctx);
            ctx.streamed(&spend, 200)?;
            Left::Nothing
        }
        Staged::Reading => {
            ctx.command_by_owner(READ_COINS, &[])?
                .want(Sw::OK, "READ COINS")?;
            Left::Nothing
        }
    }))
}

/// In the session of now it must be gone.
pub(super) fn expect_gone(ctx: &mut CaseContext, what: Staged, left: &Left) -> Outcome {
    match (what, left) {
        (Staged::Offer, Left::Coin(coin)) => {
            ctx.report_answer(&coin.txid, coin.vout)?
                .want_bare(Sw::SECURITY, "REPORT ABSENT")?;
            ctx.authorise()?;
            ctx.report_answer(&coin.txid, coin.vout)?
                .want_bare(Sw::CONDITIONS, "REPORT ABSENT of an offer of before")
        }
        (_, Left::Txid(txid)) => ctx
            .statement_answer(&[9; 32], txid)?
            .want_bare(Sw::NOT_FOUND, "STATEMENT on a payment of before"),
        (_, Left::Challenge(challenge)) => {
            let header = crate::card::READ_LIMITS;
            let signature = ctx.owner_signature(challenge, header, &[])?;
            ctx.once(&Command::new(header).data(Card::signed(&[], &signature)))?
                .want_bare(Sw::SECURITY, "READ LIMITS with a challenge of before")
        }
        (Staged::Signing, Left::Piece(piece)) => ctx
            .sign_piece(piece)?
            .want_bare(Sw::CONDITIONS, "SIGN, a piece of before"),
        (Staged::Signed, _) => ctx
            .signature_answer(0)?
            .want_bare(Sw::CONDITIONS, "SIGN, a signature of before"),
        (Staged::Reading, _) => ctx
            .next_coins()?
            .want_bare(Sw::CONDITIONS, "READ COINS, a part of before"),
        (_, Left::Piece(piece)) => ctx
            .piece(piece)?
            .want_bare(Sw::CONDITIONS, "ENTER COIN, a piece of before"),
        _ => ctx.expect_authorised(false, "in the next session"),
    }
}
