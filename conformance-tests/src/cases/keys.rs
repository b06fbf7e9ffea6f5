//! Keys, scripts and signatures: sections 3.1 and 3.3.

use super::prelude::*;
use crate::model::payee;
use crate::purposes::distinct::Distinct;
use bitcoin::secp256k1::Parity;
use std::collections::HashSet;

/// Commitments that TC-KEY-01 draws: two equal ones among as many would show a generator of up
/// to about ten bits; a constant or a repeated one is certain to show.
const COMMITMENTS: usize = 64;

cases! {
    "TC-KEY-01" version 1 on Factory D0 for [KEY_1] runs fresh_commitments:
        "GENERATE ASYMMETRIC KEY PAIR answers a point of the curve, another one each time, over 64 \
         calls with resets and power cycles between; the card stays one that was never issued. \
         (That the generator is good can't be seen from outside at any sample size; that it \
         repeats can.)"
        catches "A constant or repeated secret; one that starts over at power-up.";
    "TC-KEY-02" version 1 on Own D3 for [KEY_1 ISS_1] runs last_commitment:
        "A later key generation replaces an earlier one: the public key that ISSUE answers is the \
         last commitment's, and no earlier one's."
        catches "The first commitment kept: the host checks another key than it gets.";
    "TC-KEY-03" version 1 on Own D3 for [KEY_4 RCV_1] runs scripts:
        "The scripts at all receive indexes from 0 to 40, and change scripts, are the \
         descriptor's, against the suite's own BIP32, BIP341 and BIP342; among the child keys and \
         output keys there are both parities."
        catches "Missing parity negation, tweak or leaf; a hardened step; an index off by one.";
    "TC-KEY-04" version 1 on Own D3 for [KEY_5 TX_3] runs signatures:
        "Every signature of a payment with sixteen inputs, and of one that spends its change, is \
         valid BIP340 under the output key of its coin, verified with libsecp256k1 over the \
         suite's own BIP341 hash; no two have the same nonce point; and the sixteen keys have both \
         parities. (That the card verifies before it answers shows only in what it answers.)"
        catches "A signature over the wrong hash, under the untweaked key, or with a reused nonce.";
}

fn fresh_commitments(ctx: &mut CaseContext) -> Outcome {
    let mut commitments = Distinct::new("a commitment came twice");
    for call in 0..COMMITMENTS {
        match call % 4 {
            0 => ctx.reset(Reset::Cold)?,
            2 => ctx.reset(Reset::Warm)?,
            _ => {}
        }
        if call % 2 == 0 {
            ctx.select()?;
        }
        let commitment = ctx.generate()?;
        commitments
            .add(&commitment.serialize())
            .at(|| format!("call {call}"))?;
    }
    ctx.power_cycle()?;
    ctx.expect_factory("key generation issued the card")?;
    Ok(())
}

fn last_commitment(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?;
    ctx.select()?;
    ctx.generate()?;
    ctx.generate()?;
    let last = ctx.generate()?;
    ctx.recorder.borrow_mut().hide(&profile.pin.block());
    let answer = ctx.issue_answer(&profile.encode())?;
    ctx.issued(&profile, &last, answer)
}

fn scripts(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    let mut parities = HashSet::new();
    for index in 0..=40 {
        ctx.authorise()?;
        ctx.expect_receive_script(index)?;
        let account = &ctx.host()?.account;
        parities.insert((0, account.key(0, index)?.x_only_public_key().1));
        // The script is the card's own: were it another one, the coin would be refused.
        let (entry, transaction) = ctx.coin_at(&mut stream, 30_000, index)?;
        ctx.enter(&entry, &transaction, 30_000)
            .at(|| format!("index {index}"))?;
    }
    for payment in 0..6 {
        let account = &ctx.host()?.account;
        parities.insert((1, account.key(1, payment)?.x_only_public_key().1));
        let paid = ctx
            .pay_checked(&request_of(10_000))
            .at(|| format!("change {payment}"))?;
        require!(paid.change_vout.is_some(), "the payment must have change");
    }
    require!(
        [Parity::Even, Parity::Odd]
            .iter()
            .all(|parity| parities.contains(&(0, *parity))),
        "all keys have one parity: take another seed"
    );
    Ok(())
}

fn signatures(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[20_000; 16])?;
    let account = ctx.host()?.account.clone();
    let mut parities = HashSet::new();
    for index in 0..16 {
        parities.insert(account.key(0, index)?.x_only_public_key().1);
    }
    let first = ctx.pay_checked(&request_of(302_000))?;
    let second = ctx
        .card
        .pay_checked(&request_of(2_000).payee(payee::p2tr(ctx.values.bytes("payee"))))?;
    let mut nonces =
        Distinct::new("two signatures have the same nonce point: the account key can be computed");
    for payment in [&first, &second] {
        for input in &payment.transaction.input {
            nonces.add(&input.witness[0][..32])?;
        }
    }
    put!(nonces.len() == 17, "the case must see seventeen signatures");
    ctx.note(format!(
        "{} signatures; parities of the sixteen keys: {}",
        nonces.len(),
        parities.len()
    ));
    Ok(())
}
