//! Keys, scripts and signatures: sections 3.1 and 3.3.

use super::prelude::*;
use super::samples;
use crate::model::{Request, payee};
use bitcoin::secp256k1::Parity;
use std::collections::HashSet;

/// Commitments that TC-KEY-01 draws: two equal ones among as many would show a generator of up
/// to about ten bits; a constant or a repeated one is certain to show.
const COMMITMENTS: usize = 64;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-KEY-01",
        version: 1,
        purpose: "GENERATE ASYMMETRIC KEY PAIR answers a point of the curve, another one each \
                  time, over 64 calls with resets and power cycles between; the card stays one \
                  that was never issued. (That the generator is good can't be seen from outside \
                  at any sample size; that it repeats can.)",
        requirements: &[req::KEY_1],
        start: Start::Factory,
        level: Level::D0,
        defect: "A constant or repeated secret; one that starts over at power-up.",
        run: fresh_commitments,
    },
    Case {
        id: "TC-KEY-02",
        version: 1,
        purpose: "A later key generation replaces an earlier one: the public key that ISSUE \
                  answers is the last commitment's, and no earlier one's.",
        requirements: &[req::KEY_1, req::ISS_1],
        start: Start::Own,
        level: Level::D3,
        defect: "The first commitment kept: the host checks another key than it gets.",
        run: last_commitment,
    },
    Case {
        id: "TC-KEY-03",
        version: 1,
        purpose: "The scripts at all receive indexes from 0 to 40, and change scripts, are the \
                  descriptor's, against the suite's own BIP32, BIP341 and BIP342; among the child \
                  keys and output keys there are both parities.",
        requirements: &[req::KEY_4, req::RCV_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Missing parity negation, tweak or leaf; a hardened step; an index off by one.",
        run: scripts,
    },
    Case {
        id: "TC-KEY-04",
        version: 1,
        purpose: "Every signature of a payment with sixteen inputs, and of one that spends its \
                  change, is valid BIP340 under the output key of its coin, verified with \
                  libsecp256k1 over the suite's own BIP341 hash; no two have the same nonce \
                  point; and the sixteen keys have both parities. (That the card verifies before \
                  it answers shows only in what it answers.)",
        requirements: &[req::KEY_5, req::TX_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A signature over the wrong hash, under the untweaked key, or with a reused nonce.",
        run: signatures,
    },
    Case {
        id: "TC-KEY-05",
        version: 2,
        purpose: "Leak sweep over every answer that any card of this run gave after ISSUE: no \
                  eight bytes in a row of the PIN block, the PIN's digits, the account's public \
                  key or its chain code, in either byte order, and no 32 bytes that are the \
                  secret of the commitment, the account, a chain, any of the first 24 keys of each \
                  chain, the card's own keys or an ephemeral one; and of a channel's keys no \
                  eight bytes in a row, in answers as they came and without their protection. \
                  (Timing, and parts of a secret key, stay unseen.)",
        requirements: &[req::KEY_3],
        start: Start::AfterAll,
        level: Level::D3,
        defect: "A key exported, an xpub handed to a shop, a buffer with a PIN in it.",
        run: leaks,
    },
];

fn fresh_commitments(b: &mut Bench) -> Outcome {
    let mut seen = HashSet::new();
    for call in 0..COMMITMENTS {
        match call % 4 {
            0 => b.card.reset(Reset::Cold)?,
            2 => b.card.reset(Reset::Warm)?,
            _ => {}
        }
        if call % 2 == 0 {
            b.card.select()?;
        }
        let commitment = b.card.generate()?;
        require!(
            seen.insert(commitment.serialize()),
            "call {call} answered a commitment that an earlier call had answered"
        );
    }
    b.card.power_cycle()?;
    require!(
        b.card.status()? == Status::Factory,
        "key generation issued the card"
    );
    Ok(())
}

fn last_commitment(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.card.select()?;
    b.card.generate()?;
    b.card.generate()?;
    let last = b.card.generate()?;
    b.recorder.borrow_mut().hide(&profile.pin.block());
    let answer = b.card.issue_answer(&profile.encode())?;
    b.card.issued(&profile, &last, answer)
}

fn scripts(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    let mut parities = HashSet::new();
    for index in 0..=40 {
        b.card.authorise()?;
        b.card.expect_receive_script(index)?;
        let account = &b.card.host()?.account;
        parities.insert((0, account.key(0, index)?.x_only_public_key().1));
        // The script is the card's own: were it another one, the coin would be refused.
        let (entry, transaction) = b.card.coin_at(&mut stream, 30_000, index)?;
        b.card
            .enter(&entry, &transaction, 30_000)
            .at(|| format!("index {index}"))?;
    }
    for payment in 0..6 {
        let account = &b.card.host()?.account;
        parities.insert((1, account.key(1, payment)?.x_only_public_key().1));
        let paid = b
            .card
            .pay_checked(&request(10_000))
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

fn signatures(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[20_000; 16])?;
    let account = b.card.host()?.account.clone();
    let mut parities = HashSet::new();
    for index in 0..16 {
        parities.insert(account.key(0, index)?.x_only_public_key().1);
    }
    let first = b.card.pay_checked(&request(302_000))?;
    let second = b.card.pay_checked(&Request {
        payee: payee::p2tr(b.values.bytes("payee")),
        ..request(2_000)
    })?;
    let mut nonces = HashSet::new();
    for payment in [&first, &second] {
        for input in &payment.transaction.input {
            require!(
                nonces.insert(input.witness[0][..32].to_vec()),
                "two signatures have the same nonce point: the account key can be computed"
            );
        }
    }
    require!(nonces.len() == 17, "the case must see seventeen signatures");
    b.note(format!(
        "{} signatures; parities of the sixteen keys: {}",
        nonces.len(),
        parities.len()
    ));
    Ok(())
}

fn leaks(b: &mut Bench) -> Outcome {
    // A life of its own, so that the sweep has something to see when it runs alone.
    b.issue_and_fund(&[40_000, 30_000, 20_000])?;
    let samples = samples::all(b)?;
    for authorised in [false, true] {
        for sample in &samples {
            if authorised {
                b.card.authorise()?;
            }
            b.card.send(&sample.command)?;
        }
        b.card.authorise()?;
    }
    b.card.power_cycle()?;
    if b.card
        .host()?
        .capabilities
        .needs(Capability::Channel)
        .is_ok()
    {
        b.open_channel()?;
        for sample in samples::declared(b)? {
            b.card.send(&sample.command)?;
        }
        b.card.select()?;
    }
    b.card.authorise()?;
    b.card.receive_script_answer()?;
    b.card.generate_answer()?;
    b.card.select_fci()?;
    let recorder = b.recorder.borrow();
    let findings = recorder.leaks.sweep();
    let (answers, bytes) = (recorder.leaks.answers(), recorder.leaks.bytes());
    drop(recorder);
    if let Some(first) = findings.first() {
        return Err(Stop::Fail(format!(
            "{} answers hold what must never leave; the first in {}: {}",
            findings.len(),
            first.case,
            first.what
        )));
    }
    b.note(format!(
        "{answers} answers with {bytes} bytes were searched"
    ));
    Ok(())
}
