//! RESOLVE. Section 8.5.

use super::prelude::*;
use crate::model::Place;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-RES-01",
        version: 1,
        purpose: "A payment that its owner reports as never to be is cancelled in the log, its \
                  change is no coin, and what it cost is off the sum, so that as much may be paid \
                  again; its inputs stay spent, their indexes retired, its number counted, and it \
                  is given again to nobody (9413). All of it after a power cut right after the \
                  answer. One made before the limits were set leaves the sum alone.",
        requirements: &[req::RES_1, req::LIM_2, req::LOG_1, req::REC_1, req::NVM_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Change of a payment that never was, spent in another; a limit freed twice.",
        run: cancelled,
    },
    Case {
        id: "TC-RES-02",
        version: 1,
        purpose: "RESOLVE is refused with 6A88 for payments not made, kept no longer, or \
                  cancelled, and with 6985 while the change is spent by a payment that stands; \
                  the last of a chain first, all can be cancelled. Refusals change nothing.",
        requirements: &[req::RES_2, req::RES_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A payment left standing on change that is gone.",
        run: refused,
    },
];

fn expect(b: &mut Bench, sequence: u32, sw: Sw, when: &str) -> Outcome {
    let done = b.card.resolve(sequence).at(|| when.to_owned())?;
    let expected = done.err().unwrap_or(Sw::OK);
    require!(
        expected == sw,
        "{when}: the case expects {sw}, its model {expected}"
    );
    b.card.expect_books(when)
}

fn cancelled(b: &mut Bench) -> Outcome {
    let profile = b.profile()?.limits(Limits {
        cumulative: 60_000,
        ..Limits::WIDE
    });
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    b.card
        .fund(&mut stream, &[90_000, 80_000, 70_000, 60_000])?;
    let first = request(30_000);
    let paid = b.card.pay_checked(&first)?;
    b.card.pay_checked(&request(20_000))?;
    let over = request(20_000);
    let preview = b.card.preview_checked(&over)?;
    require!(
        preview == Err(Sw::OVER_CUMULATIVE_LIMIT),
        "the case expects 9404, its model {preview:?}"
    );
    let input = b.card.logged(&first)?.plan.inputs[0].clone();
    expect(b, 0, Sw::OK, "a payment cancelled")?;
    b.card.power_cycle()?;
    b.card.expect_books("after a power cut")?;
    b.card
        .pay_answer(&first)?
        .want_bare(Sw::GIVEN, "PAY again of a cancelled payment")?;
    b.card
        .begin_entry(&Entry {
            txid: input.txid,
            vout: input.vout,
            place: input.index,
        })?
        .want_bare(Sw::RETIRED, "ENTER COIN of an input of a cancelled payment")?;
    // Its change is no coin, and can't be offered.
    let all: u64 = (b.card.host()?.purse.candidates().iter())
        .map(|coin| coin.amount)
        .sum();
    let more = b.card.preview_checked(&request(all))?;
    require!(more.is_err(), "the case needs more than all coins");
    b.card.pay_checked(&over)?;
    b.card.expect_books("with the sum free again")?;
    drop(paid);

    // Made before the limits were set: the sum isn't its business.
    b.card.acknowledge(3, 0)?;
    b.card.set_limits(Limits::WIDE)?;
    b.card.pay_checked(&request(10_000))?;
    let standing = b.card.resolve(1)?;
    b.card
        .expect_books("an older payment, cancelled or refused")?;
    if standing.is_err() {
        // Its change was spent by a later one, which goes first.
        for sequence in [3, 2, 1] {
            b.card.resolve(sequence)?.ok();
            b.card.expect_books("from the last to the first")?;
        }
    }
    Ok(())
}

fn refused(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[90_000])?;
    expect(b, 0, Sw::NOT_FOUND, "no payment yet")?;
    let chain = [request(10_000), request(10_000), request(10_000)];
    for request in &chain {
        b.card.pay_checked(request)?;
    }
    for sequence in [3, 4, u32::MAX] {
        expect(b, sequence, Sw::NOT_FOUND, "a payment not made")?;
    }
    expect(b, 0, Sw::CONDITIONS, "its change is spent")?;
    expect(b, 1, Sw::CONDITIONS, "its change is spent")?;
    expect(b, 2, Sw::OK, "the last one")?;
    expect(b, 2, Sw::NOT_FOUND, "cancelled already")?;
    expect(b, 0, Sw::CONDITIONS, "two later ones, one cancelled")?;
    expect(
        b,
        1,
        Sw::OK,
        "the second, whose change the cancelled one spent",
    )?;
    // The next till is offered no change of a cancelled payment, nor its transaction.
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[40_000])?;
    let txid = b.card.logged(&chain[1])?.txid;
    b.card.preview_checked(&request(20_000))?.ok();
    let answer = b.card.ancestor_answer(&txid)?;
    require!(
        !answer.sw.is_success(),
        "GET ANCESTOR gives a cancelled payment"
    );
    expect(b, 0, Sw::OK, "the first")?;
    b.card.acknowledge(3, 2)?;
    expect(b, 1, Sw::NOT_FOUND, "kept no longer")?;
    b.card
        .begin_entry(&Entry {
            txid,
            vout: 0,
            place: Place::change(0).0,
        })?
        .want_bare(
            Sw::RETIRED,
            "ENTER COIN at the change place of a cancelled payment",
        )?;
    b.card.pay_checked(&request(20_000))?;
    b.card.expect_books("at the end")
}
