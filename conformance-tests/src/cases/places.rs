//! ENTER COIN on the change chain, of doubtful coins, and the owner's least coin. Section 6.2.

use super::prelude::*;
use crate::model::Place;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-ENT-14",
        version: 1,
        purpose: "The owner enters coins at change places that were given out, and no others: at \
                  and above the next change index 9410, at a retired one 940F; the receive index \
                  stays, the script is the change chain's, and payments spend such coins.",
        requirements: &[req::ENT_1, req::ENT_2, req::RCV_1, req::KEY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "The chain bit dropped: a coin at the same index of the other chain.",
        run: change_places,
    },
    Case {
        id: "TC-ENT-15",
        version: 1,
        purpose: "A doubtful or unrooted coin that the owner enters again is one coin, rooted, no \
                  longer doubtful, and stands in its place among the rooted candidates; with a \
                  wrong transaction its marks stay. One without marks, and any coin of the card \
                  that is announced as a credit, is refused.",
        requirements: &[req::ENT_7, req::ENT_2, req::ABS_2, req::CRE_2, req::IMG_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A coin counted twice; a mark that a till can take off.",
        run: doubtful,
    },
    Case {
        id: "TC-ENT-16",
        version: 1,
        purpose: "A coin of the owner's least amount enters, one sat less is refused with 940D, \
                  for the owner and for credits, with the limits of ISSUE and those of SET LIMITS.",
        requirements: &[req::ENT_4, req::LIM_3, req::ISS_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A card filled with dust whose spending costs more than it is worth.",
        run: least_coin,
    },
];

fn change_places(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[90_000, 80_000])?;
    for amount in [5_000, 5_000] {
        b.card.pay_checked(&request(amount))?;
    }
    // Next change index 2; index 0 was spent by the second payment only if its change was the
    // largest coin: the model knows.
    let mut stream = b.values.stream("coins");
    let (next, next_receive) = {
        let purse = &b.card.host()?.purse;
        (purse.next_change, purse.next_receive)
    };
    let announced = |place: Place| Entry {
        txid: [0x6D; 32],
        vout: 0,
        place: place.0,
    };
    for index in [next, next + 1, 100, 4095, 4096, 0x7FFF_FFFE] {
        b.card
            .begin_entry(&announced(Place::change(index)))?
            .want_bare(Sw::INDEX, "ENTER COIN at a change place not given out")
            .at(|| format!("index {index}"))?;
    }
    let mut entered = 0;
    for index in 0..next {
        let place = Place::change(index);
        if b.card.host()?.purse.retired.contains(&(1, index)) {
            b.card
                .begin_entry(&announced(place))?
                .want_bare(Sw::RETIRED, "ENTER COIN at a retired change place")?;
            continue;
        }
        let (entry, bytes) = b.card.coin_at(&mut stream, 70_000, place.0)?;
        b.card
            .enter(&entry, &bytes, 70_000)
            .at(|| format!("change index {index}"))?;
        let other = Entry {
            txid: entry.txid,
            vout: 0,
            place: index,
        };
        b.card.begin_entry(&other)?.want_bare(
            if (b.card.host()?.purse.retired).contains(&(0, index)) {
                Sw::RETIRED
            } else {
                Sw::COIN_KNOWN
            },
            "ENTER COIN of the same coin at the receive place",
        )?;
        entered += 1;
    }
    require!(entered > 0, "the case needs a change place to enter at");
    // A coin on the receive chain, announced at the change place of the same index.
    let (receive, bytes) = b.card.coin_at(&mut stream, 60_000, next - 1)?;
    let wrong = Entry {
        place: Place::change(next - 1).0,
        ..receive
    };
    b.card.enter_answer(&wrong, &bytes)?.want_bare(
        Sw::OTHER_SCRIPT,
        "ENTER COIN at the place of the other chain",
    )?;
    b.card.authorise()?;
    b.card.expect_receive_script(next_receive)?;
    b.card.power_cycle()?;
    b.card.expect_books("with coins at change places")?;
    let all: u64 = (b.card.host()?.purse.candidates().iter())
        .map(|coin| coin.amount)
        .sum();
    b.card.pay_checked(&request(all - 2_000)).map(drop)
}

fn doubtful(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let credits = (b.card.host()?.capabilities.needs(Capability::Credits)).is_ok();
    let mut stream = b.values.stream("coins");
    let sources: &[bool] = if credits { &[false, true] } else { &[false] };
    for unrooted in sources {
        let unrooted = *unrooted;
        let index = b.card.host()?.purse.next_receive;
        let mut coins = Vec::new();
        for (place, amount) in (index..).zip([60_000, 50_000]) {
            let (entry, bytes) = b.card.coin_at(&mut stream, amount, place)?;
            if unrooted {
                b.card.credit(&entry, &bytes, amount)?;
            } else {
                b.card.enter(&entry, &bytes, amount)?;
            }
            coins.push((entry, bytes, amount));
        }
        let (entry, bytes, amount) = &coins[0];
        let (beside, beside_bytes, beside_amount) = &coins[1];
        let as_credit = |b: &mut Bench| -> Outcome {
            if !credits {
                return Ok(());
            }
            b.card.authorise()?;
            let rooted = (b.card.host()?.purse.coins.iter())
                .any(|coin| coin.txid == entry.txid && !coin.unrooted);
            b.card.begin_credit(entry)?.want_bare(
                // No credit enters where a rooted coin stands: TC-CRE-05.
                if rooted { Sw::INDEX } else { Sw::COIN_KNOWN },
                "ENTER COIN, as a credit, of a coin of the card",
            )
        };
        as_credit(b)?;
        if !unrooted {
            b.card
                .begin_entry(entry)?
                .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a coin without marks")?;
        }
        let request = |unrooted| Request {
            unrooted,
            ..request(20_000)
        };
        let plan = b
            .card
            .preview_checked(&request(unrooted))?
            .map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
        b.card.report(&plan.inputs[0])?;
        b.card.expect_books("with a doubtful coin")?;
        as_credit(b)?;
        // A wrong transaction leaves the marks.
        let mut spoilt = bytes.clone();
        spoilt[0] ^= 1;
        b.card
            .enter_answer(entry, &spoilt)?
            .want_bare(Sw::OTHER_TXID, "ENTER COIN of a doubtful coin")?;
        b.card.expect_books("after a wrong transaction")?;
        b.card.enter(entry, bytes, *amount)?;
        b.card.expect_books("without marks")?;
        b.card.power_cycle()?;
        b.card.expect_books("without marks, after a power cycle")?;
        b.card.preview_checked(&request(false))?.ok();
        for _ in 0..2 {
            b.card
                .begin_entry(entry)?
                .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a coin without marks")?;
            as_credit(b)?;
        }
        if unrooted {
            // A credit that nobody doubted is rooted by its owner's entering it, too.
            b.card.enter(beside, beside_bytes, *beside_amount)?;
            b.card.expect_books("with both credits rooted")?;
        }
        b.card.pay_checked(&request(false))?;
        b.card.expect_books("after a payment")?;
        // Spent, it isn't to be entered in any way.
        b.card.begin_entry(entry)?.want(
            if b.card.host()?.purse.retired.contains(&(0, entry.place)) {
                Sw::RETIRED
            } else {
                Sw::COIN_KNOWN
            },
            "ENTER COIN after a payment",
        )?;
    }
    Ok(())
}

fn least_coin(b: &mut Bench) -> Outcome {
    let at = |least_coin| Limits {
        least_coin,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(at(5_000));
    b.issue(&profile)?;
    let credits = (b.card.host()?.capabilities.needs(Capability::Credits)).is_ok();
    let mut stream = b.values.stream("coins");
    for (round, least) in [5_000, 330, 70_000].into_iter().enumerate() {
        let place = || format!("least coin {least}");
        if round > 0 {
            b.card.set_limits(at(least))?;
        }
        let least = u64::from(least);
        let index = b.card.host()?.purse.next_receive;
        let (low, low_bytes) = b.card.coin_at(&mut stream, least - 1, index)?;
        b.card
            .enter_answer(&low, &low_bytes)?
            .want_bare(Sw::COIN_DUST, "ENTER COIN")
            .at(place)?;
        let (right, bytes) = b.card.coin_at(&mut stream, least, index)?;
        b.card.enter(&right, &bytes, least).at(place)?;
        if credits {
            let (low, low_bytes) = b.card.coin_at(&mut stream, least - 1, index + 1)?;
            b.card.authorise()?;
            b.card.begin_credit(&low)?.want_bare(Sw::OK, "a credit")?;
            b.card
                .stream(&low_bytes, 255)?
                .want_bare(Sw::COIN_DUST, "ENTER COIN of a credit")
                .at(place)?;
            let (right, bytes) = b.card.coin_at(&mut stream, least, index + 1)?;
            b.card.credit(&right, &bytes, least).at(place)?;
        }
        b.card.power_cycle()?;
    }
    b.card.expect_books("after all")
}
