//! Fields that are compared whole: one that differs in its first or in its last byte is another.
//! Sections 6.2, 7.5, 7.7 to 7.9 and 8.4.

use super::prelude::*;
use super::sign::unknown;
use super::statement::issue;
use crate::model::{Place, Spend};
use crate::tx::{funding, preimage, txid};
use bitcoin::ScriptBuf;

cases! {
    "TC-ENT-18" version 1 on Own D3 for [ENT_4] runs entries:
        "A transaction whose txid differs from the announced one in its first or its last byte is \
         refused with 940A, and an output whose script differs from the card's in one byte of its \
         key, early or late, with 940C."
        catches "A txid, or a script, that is compared in part.";
    "TC-REC-06" version 1 on Own D3 for [REC_1 PST_1 PAY_4 STM_2 ANC_1] runs payments:
        "Of a payment that was made, a request that differs in the first or the last byte of payee \
         or invoice hash is refused with 9412; a payment identity that differs so is unknown; and \
         a txid that differs so has no statement and no ancestor (6A88)."
        catches "A request that is known again by half of it: another gets its transaction.";
    "TC-SGN-12" version 1 on Own D3 for [SGN_2] runs digests:
        "A stream whose digest differs from the announced one in its first or its last byte is \
         refused with 940A."
        catches "A digest that is compared in part.";
}

/// The bytes with the first, and with the last, changed.
fn changed(bytes: &[u8]) -> [Vec<u8>; 2] {
    [0, bytes.len() - 1].map(|at| {
        let mut other = bytes.to_vec();
        other[at] ^= 0x01;
        other
    })
}

fn array<const N: usize>(bytes: Vec<u8>) -> Step<[u8; N]> {
    bytes
        .try_into()
        .map_err(|_| Stop::Error("the case's field has another length".to_owned()))
}

fn entries(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    let (entry, bytes) = ctx.coin_at(&mut stream, 30_000, 0)?;
    for other in changed(&entry.txid) {
        ctx.enter_answer(&entry.txid(array(other)?), &bytes)?
            .want_bare(Sw::OTHER_TXID, "ENTER COIN with another txid")?;
    }
    let own = ctx.host()?.account.script(0, 0)?.to_bytes();
    for key in changed(&own[2..]) {
        let script = ScriptBuf::from_bytes([&own[..2], &key].concat());
        let transaction = funding(&mut stream, 1, &[(30_000, script)]);
        let other = entry.txid(txid(&transaction));
        ctx.enter_answer(&other, &preimage(&transaction))?
            .want_bare(Sw::OTHER_SCRIPT, "ENTER COIN with another script")?;
    }
    ctx.enter(&entry, &bytes, 30_000)
}

fn payments(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[90_000])?;
    let request = request_of(10_000)
        .payee(payee::p2tr([7; 32]))
        .invoice(vec![9; 32]);
    ctx.pay_checked(&request).preamble()?;
    let paid = ctx.logged(&request)?.txid;
    let nonce = ctx.values.bytes("nonce");
    for other in changed(&paid) {
        ctx.statement_answer(&nonce, &array(other)?)?
            .want_bare(Sw::NOT_FOUND, "STATEMENT on another txid")?;
    }
    for key in changed(&[7; 32]) {
        let other = request.clone().payee(payee::p2tr(array(key)?));
        ctx.pay_answer(&other)?
            .want_bare(Sw::SECURITY, "PAY of another payee without authority")?;
        ctx.authorise()?;
        ctx.pay_answer(&other)?
            .want_bare(Sw::IDENTITY, "PAY of a kept identity with another payee")?;
    }
    for invoice in changed(&[9; 32]) {
        ctx.authorise()?;
        ctx.pay_answer(&request.clone().invoice(invoice))?
            .want_bare(Sw::IDENTITY, "PAY of a kept identity with another invoice")?;
    }
    for other in changed(&request.identity) {
        ctx.expect_payment_state(&array(other)?, "of another identity")?;
    }
    ctx.offered(&request_of(5_000))?;
    for other in changed(&paid) {
        ctx.ancestor_answer(&array(other)?)?
            .want_bare(Sw::NOT_FOUND, "GET ANCESTOR of another txid")?;
    }
    ctx.ancestor(&request)
}

fn digests(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    ctx.needs(Capability::Signing)?;
    let mut stream = ctx.values.stream("unknown coins");
    let spend = Spend::elsewhere(vec![unknown(&mut stream, 30_000, Place::receive(9))], 900);
    let body = spend.body();
    // The digest ends the body.
    let (front, digest) = body.split_at(body.len() - 32);
    for other in changed(digest) {
        ctx.begin_sign(&[front, &other].concat())?
            .want_bare(Sw::OK, "SIGN, first command")?;
        ctx.sign_piece(&spend.stream())?
            .want_bare(Sw::OTHER_TXID, "SIGN of another digest")?;
    }
    ctx.streamed(&spend, 255)
}
