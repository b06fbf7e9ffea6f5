//! STATEMENT: what it says, and when it is refused. Section 7.8.

use super::prelude::*;
use crate::card::{STATEMENT, statement_field};
use crate::keys::keypair;
use crate::model::{Leaf, PLAIN, Profile, STATEMENTS};
use std::collections::HashSet;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-STM-01",
        version: 1,
        purpose: "Statements of cards of three networks, with a made and an imported key and each \
                  kind of leaf, on payments of one coin, of sixteen, of change, of credits, \
                  without change, without PIN, given again, and after the owner key changed: \
                  network, provenance, leaf, outpoints, output keys and signature are those of \
                  the payment, for the nonce given, and no salt comes twice, be the question the \
                  same or not.",
        requirements: &[req::STM_1, req::STM_2, req::FRM_5],
        start: Start::Own,
        level: Level::D3,
        defect: "A statement of other coins than those spent; one that says made of an imported \
                 key; one that was recorded before.",
        run: facts,
    },
    Case {
        id: "TC-STM-02",
        version: 1,
        purpose: "STATEMENT is refused with 6985 in the factory state, with 6982 while the policy \
                  doesn't allow it, whatever the txid, with 6A88 without a PAY in this session, \
                  after one that was refused, for another txid and for any payment but the last \
                  one's; other commands between, an earlier statement and a blocked PIN don't \
                  matter; other P1-P2, lengths and encodings as section 2.2 says. A refused one \
                  pledges nothing.",
        requirements: &[req::STM_2, req::STM_3, req::SES_1, req::FRM_8, req::STA_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A statement that the owner never allowed; one that anybody asks for later, to \
                 learn what a payment spent.",
        run: refusals,
    },
    Case {
        id: "TC-STM-03",
        version: 1,
        purpose: "In one session two payments, and a statement asked for the first of them again \
                  after the second: 6A88, until the first is given again. A statement on a payment \
                  of an earlier session is refused, and given once the payment is given again in \
                  this one.",
        requirements: &[req::STM_2, req::STM_1, req::REC_1, req::SES_1],
        start: Start::Own,
        level: Level::D3,
        defect: "One nonce, two payments: a shop that gets a statement on what somebody else was \
                 paid.",
        run: other_payments,
    },
];

/// Issues the card so that it makes statements, and enters coins of these amounts.
pub(super) fn issue(b: &mut Bench, limits: Limits, amounts: &[u64]) -> Outcome {
    b.card.select()?;
    b.card.capabilities()?.needs(Capability::Statements)?;
    let profile = b.profile()?.limits(limits).policy(PLAIN | STATEMENTS);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, amounts)
}

/// Profiles that differ in all that a statement says of a card.
fn profiles(b: &mut Bench) -> Step<Vec<Profile>> {
    b.card.select()?;
    let capabilities = b.card.capabilities()?;
    capabilities.needs(Capability::Statements)?;
    let limits = Limits {
        without_pin: 5_000,
        payments_without_pin: 2,
        ..Limits::WIDE
    };
    let standard = b.profile()?.limits(limits).policy(PLAIN | STATEMENTS);
    let primary = keypair(&b.values.bytes("primary"))?;
    let delayed = Profile {
        network: 1,
        leaf: Leaf::Older(primary, 0x1234),
        ..standard.clone()
    };
    let mut all = vec![standard.clone(), delayed];
    if capabilities.needs(Capability::Imported).is_ok() {
        let imported = standard.imported(b.values.bytes("key"), b.values.bytes("chain code"));
        all.push(Profile {
            network: 2,
            leaf: Leaf::None,
            ..imported
        });
    }
    Ok(all)
}

fn facts(b: &mut Bench) -> Outcome {
    for (card, profile) in profiles(b)?.into_iter().enumerate() {
        let place = || format!("card {card}");
        if card > 0 {
            b.fresh_card()?;
        }
        b.issue(&profile)?;
        let mut stream = b.values.stream("coins");
        b.card.fund(&mut stream, &[20_000; 16])?;
        let mut salts = HashSet::new();
        let mut stated = |b: &mut Bench, request: &Request, what: &str| -> Outcome {
            let same: [u8; 32] = b.values.bytes("nonce");
            for nonce in [same, same, stream.bytes(), same, [0; 32]] {
                let statement = b.card.statement(request, &nonce).at(|| what.to_owned())?;
                require!(
                    salts.insert(statement.salt),
                    "{what}: a salt that came before comes again"
                );
            }
            Ok(())
        };
        let sixteen = request(310_000);
        b.card.pay_checked(&sixteen).preamble().at(place)?;
        require!(
            b.card.logged(&sixteen)?.plan.inputs.len() == 16,
            "the case needs a payment of sixteen coins"
        );
        stated(b, &sixteen, "sixteen coins").at(place)?;
        let of_change = request(3_000);
        b.card.pay_checked(&of_change).preamble().at(place)?;
        stated(b, &of_change, "change").at(place)?;
        let mut more = b.values.stream("more coins");
        b.card.fund(&mut more, &[30_000])?;
        if b.card
            .host()?
            .capabilities
            .needs(Capability::WithoutPin)
            .is_ok()
        {
            b.card.select()?;
            let small = request(4_000);
            let answer = b.card.pay_answer(&small)?;
            b.card.paid_as(&small, answer, true).preamble().at(place)?;
            stated(b, &small, "without PIN").at(place)?;
        }
        if b.card
            .host()?
            .capabilities
            .needs(Capability::Credits)
            .is_ok()
        {
            let index = b.card.host()?.purse.next_receive;
            let (entry, bytes) = b.card.coin_at(&mut more, 40_000, index)?;
            b.card.credit(&entry, &bytes, 40_000).preamble().at(place)?;
            let unrooted = Request {
                unrooted: true,
                ..request(39_700)
            };
            let paid = b.card.pay_checked(&unrooted).preamble().at(place)?;
            require!(
                paid.change_vout.is_none(),
                "the case needs a payment without change"
            );
            stated(b, &unrooted, "a credit, without change").at(place)?;
        }
        b.card.power_cycle()?;
        let answer = b.card.pay_answer(&sixteen)?;
        b.card.paid_again(&sixteen, answer).preamble().at(place)?;
        stated(b, &sixteen, "given again").at(place)?;
        b.card
            .change_owner(keypair(&b.values.bytes("new owner"))?)
            .preamble()?;
        stated(b, &sixteen, "after CHANGE OWNER KEY").at(place)?;
        if b.card.host()?.capabilities.extended_length() {
            b.card.form = Form::Extended;
            stated(b, &sixteen, "in extended form").at(place)?;
            b.card.form = Form::Short;
        }
        b.card.expect_books("after statements").at(place)?;
    }
    Ok(())
}

fn no_such_field(b: &mut Bench, right: &[u8]) -> Outcome {
    let long = [right, &[0; 187]].concat();
    for length in (0..=255).filter(|length| *length != right.len()) {
        b.card
            .once(&Command::new(STATEMENT).data(&long[..length]))?
            .want_bare(Sw::WRONG_LENGTH, "STATEMENT")
            .at(|| format!("{length} data bytes"))?;
    }
    for value in 1..=0xFF {
        for (p1, p2) in [(value, 0), (0, value)] {
            b.card
                .once(&Command::new([STATEMENT[0], STATEMENT[1], p1, p2]).data(right))?
                .want_bare(Sw::WRONG_P1P2, "STATEMENT")?;
        }
    }
    for position in [0, 1, 34, 35] {
        let mut field = right.to_vec();
        field[position] ^= 1;
        b.card
            .once(&Command::new(STATEMENT).data(field))?
            .want_bare(Sw::WRONG_DATA, "STATEMENT")
            .at(|| format!("byte {position} of the data"))?;
    }
    Ok(())
}

fn refusals(b: &mut Bench) -> Outcome {
    let nonce: [u8; 32] = b.values.bytes("nonce");
    let stranger: [u8; 32] = b.values.bytes("txid");
    b.card.select()?;
    b.card.capabilities()?.needs(Capability::Statements)?;
    b.card
        .statement_answer(&nonce, &stranger)?
        .want_bare(Sw::CONDITIONS, "STATEMENT in the factory state")?;
    let profile = b.profile()?.policy(PLAIN);
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    let refused = |b: &mut Bench, txid: &[u8; 32], sw: Sw, when: &str| -> Outcome {
        b.card
            .statement_answer(&nonce, txid)?
            .want_bare(sw, "STATEMENT")
            .at(|| when.to_owned())
    };
    refused(b, &stranger, Sw::SECURITY, "not allowed, no payment")?;
    let first = request(20_000);
    b.card.pay_checked(&first).preamble()?;
    let txid = b.card.logged(&first)?.txid;
    for txid in [&txid, &stranger] {
        refused(b, txid, Sw::SECURITY, "not allowed, after PAY")?;
    }
    b.card.set_policy(PLAIN | STATEMENTS).preamble()?;
    no_such_field(b, &statement_field(&nonce, &txid))?;
    let mut backwards = txid;
    backwards.reverse();
    for other in [&stranger, &backwards, &[0; 32]] {
        refused(b, other, Sw::NOT_FOUND, "another txid")?;
    }
    // None of these pledged anything, so that the owner may still sign.
    require!(
        b.card.host()?.purse.pledged.is_empty(),
        "the case's model pledges for a refused statement"
    );
    let free = super::pledges::against(&b.card.logged(&first)?.plan.inputs);
    if b.card
        .host()?
        .capabilities
        .needs(Capability::Signing)
        .is_ok()
    {
        b.card.streamed(&free, 255)?;
    }

    let second = request(20_000);
    b.card.pay_checked(&second).preamble()?;
    // Other commands between don't matter.
    b.card.verify_wrong(2)?;
    b.card.authorise()?;
    b.card
        .preview_answer(&request(1_000))?
        .want(Sw::OK, "PREVIEW")
        .preamble()?;
    b.card.challenge()?;
    b.card.status()?;
    b.card
        .statement(&second, &nonce)
        .at(|| "after other commands".to_owned())?;
    let txid = b.card.logged(&second)?.txid;
    b.card.authorise()?;
    b.card
        .pay_answer(&request(10_000_000))?
        .want_bare(Sw::INSUFFICIENT, "PAY of more than there is")
        .preamble()?;
    refused(b, &txid, Sw::NOT_FOUND, "after a refused PAY")?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left).preamble()?;
    }
    b.card
        .pay_answer(&request(1_000))?
        .want_bare(Sw::SECURITY, "PAY with the PIN blocked")
        .preamble()?;
    refused(b, &txid, Sw::NOT_FOUND, "after PAY with the PIN blocked")?;
    let answer = b.card.pay_answer(&second)?;
    b.card.paid_again(&second, answer).preamble()?;
    b.card
        .statement(&second, &nonce)
        .at(|| "with the PIN blocked".to_owned())?;
    b.card.set_policy(PLAIN).preamble()?;
    refused(b, &txid, Sw::SECURITY, "not allowed any more")?;
    b.card.set_policy(STATEMENTS | PLAIN).preamble()?;
    b.card.select()?;
    refused(b, &txid, Sw::NOT_FOUND, "after SELECT")?;
    b.card.expect_books("after refused statements")
}

fn other_payments(b: &mut Bench) -> Outcome {
    issue(b, Limits::WIDE, &[90_000, 80_000, 70_000])?;
    let nonce: [u8; 32] = b.values.bytes("nonce");
    let (first, second) = (request(85_000), request(75_000));
    b.card.pay_checked(&first).preamble()?;
    let first_txid = b.card.logged(&first)?.txid;
    b.card.statement(&first, &nonce)?;
    b.card.pay_checked(&second).preamble()?;
    let second_txid = b.card.logged(&second)?.txid;
    let refused = |b: &mut Bench, txid: &[u8; 32], when: &str| -> Outcome {
        b.card
            .statement_answer(&nonce, txid)?
            .want_bare(Sw::NOT_FOUND, "STATEMENT")
            .at(|| when.to_owned())
    };
    for _ in 0..2 {
        refused(b, &first_txid, "on the payment before the last")?;
        b.card.statement(&second, &nonce)?;
    }
    let answer = b.card.pay_answer(&first)?;
    b.card.paid_again(&first, answer).preamble()?;
    refused(b, &second_txid, "after the first was given again")?;
    b.card
        .statement(&first, &nonce)
        .at(|| "given again".to_owned())?;
    for (when, reset) in [
        ("after SELECT", None),
        ("after a power cut", Some(Reset::Cold)),
        ("after a warm reset", Some(Reset::Warm)),
    ] {
        if let Some(how) = reset {
            b.card.reset(how)?;
        }
        b.card.select()?;
        for txid in [&first_txid, &second_txid] {
            refused(b, txid, when)?;
        }
        let answer = b.card.pay_answer(&second)?;
        b.card.paid_again(&second, answer).preamble()?;
        refused(b, &first_txid, when)?;
        b.card.statement(&second, &nonce).at(|| when.to_owned())?;
    }
    b.card.expect_books("after statements")
}
