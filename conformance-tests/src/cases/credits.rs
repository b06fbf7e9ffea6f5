//! Credits: coins that a shop, or somebody, gives. Section 6.3.

use super::prelude::*;
use crate::model::Place;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-CRE-01",
        version: 1,
        purpose: "A credit needs the holder's authorisation (6982, whatever is announced) and \
                  ends it once it was found, taken or refused: place not given out or on the \
                  change chain 9410, index retired 940F, coin known 6A89, and, at the end, \
                  another txid, script, amount, or a coinbase.",
        requirements: &[req::CRE_1, req::ENT_2, req::ENT_4, req::ENT_5],
        start: Start::Own,
        level: Level::D3,
        defect: "Coins pressed on a card without its PIN; a PIN that pays after it was used.",
        run: authority,
    },
    Case {
        id: "TC-CRE-02",
        version: 1,
        purpose: "A credit, invented or not, is never spent by a request for rooted coins, nor \
                  with them: neither makes up for what the other lacks. Change of credits is \
                  unrooted, change of rooted coins rooted; the image says which is which.",
        requirements: &[req::CRE_2, req::TX_1, req::TX_5, req::IMG_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A payment poisoned: an invented coin among its inputs makes it worthless to the \
                 shop that waits for it.",
        run: never_mixed,
    },
    Case {
        id: "TC-CRE-03",
        version: 1,
        purpose: "As many credits enter as the card declares, then 6A84, over power cycles; rooted \
                  coins still enter and pay. Spent credits make room: a payment from them pays, \
                  with and without change, and then as many enter as are unspent no more.",
        requirements: &[req::ENT_2, req::CRE_1, req::INF_2, req::PAY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A terminal that fills the card with invented coins until the owner's own find \
                 no room.",
        run: flood,
    },
    Case {
        id: "TC-CRE-04",
        version: 1,
        purpose: "Credits change no limit and no counter: at the cumulative limit, at the number \
                  of payments, and between.",
        requirements: &[req::CRE_3, req::LIM_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A refund that gives a thief back what he may spend.",
        run: no_limit,
    },
    Case {
        id: "TC-CRE-05",
        version: 1,
        purpose: "A credit is refused with 9410 at the place of an unspent rooted coin, be it \
                  doubtful, entered late, or one that was a credit itself, with 940F when that \
                  coin was spent; and it is taken where only credits stand.",
        requirements: &[req::CRE_4, req::ENT_2, req::TX_6],
        start: Start::Own,
        level: Level::D3,
        defect: "An invented coin whose spending retires the index of a real one, and strands it.",
        run: beside_rooted,
    },
];

fn needed(b: &mut Bench, limits: Limits) -> Outcome {
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    b.card.host()?.capabilities.needs(Capability::Credits)
}

fn authority(b: &mut Bench) -> Outcome {
    needed(b, Limits::WIDE)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[50_000])?;
    b.card.pay_checked(&request(10_000))?;
    let (entry, bytes) = b.card.coin_at(&mut stream, 20_000, 4)?;
    let far = Entry {
        place: 4096,
        ..entry
    };
    for when in ["before VERIFY", "after a wrong PIN", "after a power cycle"] {
        for announced in [entry, far] {
            b.card
                .begin_credit(&announced)?
                .want_bare(Sw::SECURITY, "ENTER COIN of a credit")
                .at(|| when.to_owned())?;
        }
        b.card
            .piece(&bytes)?
            .want_bare(Sw::CONDITIONS, "a piece after a refused credit")?;
        if when == "before VERIFY" {
            b.card.verify_wrong(2)?;
        } else {
            b.card.authorise()?;
            b.card.power_cycle()?;
        }
    }
    let at = |place| Entry { place, ..entry };
    for (what, announced, sw) in [
        ("an index not given out", at(11), Sw::INDEX),
        ("index 4096", at(4096), Sw::INDEX),
        (
            "a change place given out",
            at(Place::change(0).0),
            Sw::INDEX,
        ),
        (
            "a change place not given out",
            at(Place::change(1).0),
            Sw::INDEX,
        ),
        ("a retired index", at(0), Sw::RETIRED),
    ] {
        b.card.authorise()?;
        b.card
            .begin_credit(&announced)?
            .want_bare(sw, "ENTER COIN of a credit")
            .at(|| what.to_owned())?;
        b.card
            .expect_authorised(false, &format!("after a credit at {what}"))?;
    }
    let mut other = entry;
    other.txid[0] ^= 1;
    let (dust, dust_bytes) = b.card.coin_at(&mut stream, 329, 4)?;
    let elsewhere = Entry { place: 5, ..entry };
    for (what, announced, bytes, sw) in [
        ("another txid", other, &bytes, Sw::OTHER_TXID),
        ("another script", elsewhere, &bytes, Sw::OTHER_SCRIPT),
        (
            "no such output",
            Entry { vout: 1, ..entry },
            &bytes,
            Sw::NO_OUTPUT,
        ),
        ("dust", dust, &dust_bytes, Sw::COIN_DUST),
    ] {
        b.card.authorise()?;
        b.card
            .begin_credit(&announced)?
            .want_bare(Sw::OK, "ENTER COIN of a credit")?;
        b.card
            .stream(bytes, 40)?
            .want_bare(sw, "ENTER COIN of a credit, last piece")
            .at(|| what.to_owned())?;
        b.card
            .expect_authorised(false, &format!("after a credit of {what}"))?;
    }
    b.card.expect_books("after refused credits")?;
    b.card.credit(&entry, &bytes, 20_000)?;
    b.card.expect_authorised(false, "after a credit")?;
    b.card.authorise()?;
    b.card
        .begin_credit(&entry)?
        .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a credit in the card")?;
    b.card.power_cycle()?;
    b.card.expect_books("after a credit and a power cycle")
}

fn never_mixed(b: &mut Bench) -> Outcome {
    needed(b, Limits::WIDE)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[50_000, 30_000])?;
    for (amount, place) in [(100_000, 2), (40_000, 3), (60_000, 4), (500, 4)] {
        let (entry, bytes) = b.card.coin_at(&mut stream, amount, place)?;
        b.card.credit(&entry, &bytes, amount)?;
    }
    b.card.expect_books("with credits")?;
    let unrooted = |amount| Request {
        unrooted: true,
        ..request(amount)
    };
    let refused = |b: &mut Bench, request: &Request| -> Outcome {
        let amount = request.amount;
        for pay in [false, true] {
            b.card.authorise()?;
            let answer = if pay {
                b.card.pay_answer(request)?
            } else {
                b.card.preview_answer(request)?
            };
            answer
                .want_bare(Sw::INSUFFICIENT, "PREVIEW and PAY")
                .at(|| format!("{amount} sat, unrooted: {}", request.unrooted))?;
        }
        Ok(())
    };
    refused(b, &request(79_900))?;
    refused(b, &request(90_000))?;
    refused(b, &unrooted(200_400))?;
    for request in [
        request(79_000),
        request(20_000),
        unrooted(20_000),
        unrooted(150_000),
        unrooted(198_000),
    ] {
        b.card
            .preview_checked(&request)?
            .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))?;
    }
    b.card.expect_books("after previews")?;
    b.card.pay_checked(&unrooted(70_000))?;
    b.card.pay_checked(&request(45_000))?;
    b.card.expect_books("after a payment of each kind")?;
    b.card.power_cycle()?;
    b.card.pay_checked(&unrooted(60_000))?;
    b.card.pay_checked(&unrooted(20_000))?;
    b.card.pay_checked(&request(20_000))?;
    b.card
        .expect_books("after payments from change of each kind")?;
    for request in [unrooted(1_000_000), request(1_000_000)] {
        refused(b, &request)?;
    }
    Ok(())
}

fn flood(b: &mut Bench) -> Outcome {
    needed(b, Limits::WIDE)?;
    let declared = b.card.host()?.capabilities.unrooted;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000])?;
    for credit in 0..declared {
        let amount = 10_000 + u64::from(credit);
        let (entry, bytes) = b
            .card
            .coin_at(&mut stream, amount, 1 + u32::from(credit % 9))?;
        b.card
            .credit(&entry, &bytes, amount)
            .at(|| format!("credit {} of {declared} declared", credit + 1))?;
    }
    let full = |b: &mut Bench, when: &str| -> Outcome {
        let entry = Entry {
            txid: b.values.bytes("one more"),
            vout: 0,
            place: 12,
        };
        for _ in 0..2 {
            b.card.authorise()?;
            b.card
                .begin_credit(&entry)?
                .want_bare(Sw::NO_ROOM, "ENTER COIN of one credit more")
                .at(|| when.to_owned())?;
            b.card.power_cycle()?;
        }
        Ok(())
    };
    full(b, "at first")?;
    b.card.fund(&mut stream, &[80_000])?;
    b.card.pay_checked(&request(100_000))?;
    full(b, "after a rooted payment")?;
    let unrooted = |amount| Request {
        unrooted: true,
        ..request(amount)
    };
    // With change one goes and one comes; without, one goes.
    b.card.pay_checked(&unrooted(2_000))?;
    full(b, "after a payment from credits with change")?;
    let largest = b.card.host()?.purse.candidates_of(true)[0].amount;
    let fee = crate::model::fee(1, 22, false, 1_000);
    b.card.pay_checked(&unrooted(largest - fee))?;
    let (entry, bytes) = b.card.coin_at(&mut stream, 12_000, 11)?;
    b.card
        .credit(&entry, &bytes, 12_000)
        .at(|| "after a payment from credits without change".to_owned())?;
    full(b, "again")?;
    b.card.expect_books("after the flood")?;
    b.note(format!("{declared} credits"));
    Ok(())
}

fn no_limit(b: &mut Bench) -> Outcome {
    needed(
        b,
        Limits {
            cumulative: 60_000,
            payments: 2,
            ..Limits::WIDE
        },
    )?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[50_000, 50_000, 50_000])?;
    let mut place = 3;
    let mut credit = |b: &mut Bench| -> Outcome {
        let (entry, bytes) = b.card.coin_at(&mut stream, 40_000, place)?;
        place += 1;
        b.card.credit(&entry, &bytes, 40_000)?;
        b.card.expect_books("after a credit")
    };
    credit(b)?;
    b.card.pay_checked(&request(40_000))?;
    credit(b)?;
    for (amount, unrooted) in [(30_000, false), (30_000, true)] {
        let over = b.card.preview_checked(&Request {
            unrooted,
            ..request(amount)
        })?;
        require!(
            over == Err(Sw::OVER_CUMULATIVE_LIMIT),
            "the case expects 9404, its model {over:?}"
        );
    }
    // Payments from credits count as all do.
    b.card.pay_checked(&Request {
        unrooted: true,
        ..request(5_000)
    })?;
    credit(b)?;
    let third = b.card.preview_checked(&request(300))?;
    require!(
        third == Err(Sw::COUNT),
        "the case expects 9411, its model {third:?}"
    );
    Ok(())
}

fn beside_rooted(b: &mut Bench) -> Outcome {
    needed(b, Limits::WIDE)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    let refused = |b: &mut Bench, place: u32, sw: Sw, when: &str| -> Outcome {
        let entry = Entry {
            txid: b.values.bytes("invented"),
            vout: 0,
            place,
        };
        b.card.authorise()?;
        b.card
            .begin_credit(&entry)?
            .want_bare(sw, "ENTER COIN of a credit")
            .at(|| when.to_owned())?;
        b.card.expect_authorised(false, when)
    };
    for place in 0..3 {
        refused(b, place, Sw::INDEX, "where a rooted coin stands")?;
    }
    let plan = b
        .card
        .preview_checked(&request(10_000))?
        .map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
    b.card.report(&plan.inputs[0])?;
    refused(b, 0, Sw::INDEX, "where a doubtful one stands")?;
    b.card.pay_checked(&request(10_000))?;
    refused(b, 1, Sw::RETIRED, "where one was spent")?;
    // A credit, and another beside it; then the owner roots the first.
    let (first, bytes) = b.card.coin_at(&mut stream, 30_000, 5)?;
    b.card.credit(&first, &bytes, 30_000)?;
    let (second, second_bytes) = b.card.coin_at(&mut stream, 20_000, 5)?;
    b.card
        .credit(&second, &second_bytes, 20_000)
        .at(|| "beside another credit".to_owned())?;
    b.card.enter(&first, &bytes, 30_000)?;
    refused(b, 5, Sw::INDEX, "where the owner rooted a credit")?;
    let (late, bytes) = b.card.coin_at(&mut stream, 25_000, 3)?;
    b.card.enter(&late, &bytes, 25_000)?;
    refused(b, 3, Sw::INDEX, "where a coin entered late")?;
    b.card.power_cycle()?;
    refused(b, 2, Sw::INDEX, "after a power cycle")?;
    b.card.expect_books("after refused credits")
}
