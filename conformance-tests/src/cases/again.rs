//! The same payment again. Section 7.7.

use super::prelude::*;
use super::terminal::changed;

/// How often PAY gives a payment's transaction again.
const MOST_GIVEN: u8 = 16;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-REC-01",
        version: 1,
        purpose: "A till that lost the answer, or part of it, to a power cut sends PAY again: it \
                  gets the same transaction (same txid, valid signatures) without PIN, in a later \
                  session, after other payments, with the PIN blocked, beside another till's PIN, \
                  which it ends; nothing is debited twice, nothing changes but the count.",
        requirements: &[
            req::REC_1,
            req::REC_3,
            req::PAY_2,
            req::PAY_7,
            req::NVM_3,
            req::STA_1,
        ],
        start: Start::Own,
        level: Level::D3,
        defect: "A customer charged twice, or a payment lost with the answer.",
        run: recovered,
    },
    Case {
        id: "TC-REC-02",
        version: 1,
        purpose: "PAY again with another amount, fee rate, payee, source, merchant or invoice \
                  gets nothing: 6982 without PIN, 9412 with it, and changes nothing; so does one \
                  of the right request when the payment is kept no longer.",
        requirements: &[req::REC_1, req::PAY_1, req::PAY_4, req::ACK_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A recovery that pays somebody else.",
        run: changed_requests,
    },
    Case {
        id: "TC-REC-03",
        version: 1,
        purpose: "A payment is given again 16 times, counted in the log and over power cycles, \
                  then refused with 9413 for good; another payment has a count of its own.",
        requirements: &[req::REC_2, req::LOG_1, req::NVM_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Signatures of one message without end; a count that a power cut sets back.",
        run: sixteen_times,
    },
];

fn again(b: &mut Bench, request: &Request, when: &str) -> Outcome {
    let answer = b.card.pay_answer(request)?;
    b.card.paid_again(request, answer).at(|| when.to_owned())?;
    b.card.expect_books(when)
}

fn recovered(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000, 40_000])?;
    // The answer is lost to a power cut.
    let lost = Request {
        invoice: vec![0x1F; 32],
        ..request(55_000)
    };
    let plan = b.card.plan(&lost)?;
    b.card.authorise()?;
    let first = b
        .card
        .once(&Command::new([0x80, 0x30, 0, 0]).data(lost.encode()))?;
    require!(
        first.sw.more().is_some(),
        "PAY without Le answered {}",
        first.sw
    );
    b.card.power_cycle()?;
    let (txid, change) = crate::tx::expected_txid(&b.card.host()?.account, &lost, &plan)?;
    b.card.made(&lost, &plan, txid, change, false)?;
    again(b, &lost, "after a power cut")?;
    again(b, &lost, "in the same session")?;
    b.card.power_cycle()?;
    again(b, &lost, "in another session")?;
    // Beside a PIN: the authorisation ends.
    b.card.authorise()?;
    again(b, &lost, "for an authorised holder")?;
    b.card
        .expect_authorised(false, "after a payment was given again")?;
    // And beside an offer of another payment.
    let second = request(5_000);
    b.card.preview_checked(&second)?.ok();
    again(b, &lost, "after a PREVIEW of another payment")?;
    b.card
        .expect_authorised(false, "after a payment was given again")?;
    b.card.pay_checked(&second)?;
    again(b, &lost, "after another payment")?;
    again(b, &second, "the other payment")?;
    b.card.acknowledge(2, 0)?;
    again(b, &lost, "after the owner read it")?;
    b.card.set_limits(Limits {
        per_payment: 1,
        payments: 0,
        ..Limits::WIDE
    })?;
    again(b, &lost, "after the owner lowered the limits")?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left)?;
    }
    again(b, &lost, "with the PIN blocked")
}

fn changed_requests(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000, 40_000])?;
    let kept = Request {
        invoice: vec![0x1F; 32],
        ..request(20_000)
    };
    b.card.pay_checked(&kept)?;
    let mut others = changed(&kept);
    others.push((
        "identity",
        Request {
            identity: [0x42; 16],
            ..kept.clone()
        },
    ));
    for (what, other) in &others {
        let place = || format!("another {what}");
        b.card
            .pay_answer(other)?
            .want_bare(Sw::SECURITY, "PAY again, without PIN")
            .at(place)?;
        if *what == "identity" {
            continue;
        }
        b.card.authorise()?;
        b.card
            .pay_answer(other)?
            .want_bare(Sw::IDENTITY, "PAY again, with the PIN")
            .at(place)?;
        b.card.expect_authorised(false, "after a refused PAY")?;
    }
    b.card.expect_books("after changed requests")?;
    again(b, &kept, "the right request")?;
    b.card.acknowledge(1, 1)?;
    b.card
        .pay_answer(&kept)?
        .want_bare(Sw::SECURITY, "PAY of a payment kept no longer")?;
    b.card.expect_books("after it was settled")
}

fn sixteen_times(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000])?;
    let kept = request(20_000);
    b.card.pay_checked(&kept)?;
    for time in 1..=MOST_GIVEN {
        let answer = b.card.pay_answer(&kept)?;
        b.card
            .paid_again(&kept, answer)
            .at(|| format!("time {time}"))?;
        if time % 5 == 0 {
            b.card.power_cycle()?;
            b.card.expect_books("while a payment is given again")?;
        }
    }
    let refused = |b: &mut Bench, when: &str| -> Outcome {
        b.card
            .pay_answer(&kept)?
            .want_bare(Sw::GIVEN, "PAY for the seventeenth time")
            .at(|| when.to_owned())?;
        b.card.expect_books(when)
    };
    refused(b, "at once")?;
    b.card.power_cycle()?;
    refused(b, "after a power cycle")?;
    b.card.authorise()?;
    refused(b, "with the PIN")?;
    let other = request(20_000);
    b.card.pay_checked(&other)?;
    again(b, &other, "another payment")?;
    refused(b, "after another payment")
}
