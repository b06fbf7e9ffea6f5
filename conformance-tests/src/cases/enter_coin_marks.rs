//! ENTER COIN on the change chain, of doubtful coins, and the owner's least coin. Section 6.2.

use super::prelude::*;
use crate::model::Place;

cases! {
    "TC-ENT-14" version 1 on Own D3 for [ENT_1 ENT_2 RCV_1 KEY_4] runs change_places:
        "The owner enters coins at change places that were given out, and no others: at and above \
         the next change index 9410, at a retired one 940F; the receive index stays, the script is \
         the change chain's, and payments spend such coins."
        catches "The chain bit dropped: a coin at the same index of the other chain.";
    "TC-ENT-15" version 2 on Own D3 for [ENT_7 ENT_2 ABS_2 CRE_2 IMG_1] runs doubtful:
        "A doubtful or unrooted coin that the owner enters again is one coin, rooted, no longer \
         doubtful, and stands in its place among the rooted candidates; with a wrong transaction \
         its marks stay. One without marks, and any coin of the card that is announced as a \
         credit, is refused."
        catches "A coin counted twice; a mark that a till can take off.";
    "TC-ENT-16" version 1 on Own D3 for [ENT_4 LIM_3 ISS_1] runs least_coin:
        "A coin of the owner's least amount enters, one sat less is refused with 940D, for the \
         owner and for credits, with the limits of ISSUE and those of SET LIMITS."
        catches "A card filled with dust whose spending costs more than it is worth.";
    "TC-ENT-17" version 1 on Own D3 for [ENT_2 TX_6 KEY_4 RCV_1] runs high_indexes:
        "A coin at index 300 enters, has that index's script, and is spent under that index's key; \
         index 300 is retired then, and 44, which is 300 in eight bits, isn't."
        catches "An index that is cut to a byte, in a script, a key or a mark.";
    "TC-RCV-04" version 1 on Own D3 for [RCV_1 ENT_1] runs change_above:
        "A coin at a change index above the next receive index enters, and the next receive index \
         stays."
        catches "Indexes of the two chains that are counted as one.";
}

/// An index above 255, and what eight bits keep of it.
const HIGH: u32 = 300;
const LOW: u32 = HIGH & 0xFF;

fn high_indexes(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    // Ten apart, as far as a card has to look ahead. The last is the largest, and paid with.
    for index in (9..HIGH).step_by(10).chain([HIGH]) {
        let amount = if index == HIGH { 90_000 } else { 1_000 };
        let (entry, bytes) = ctx.coin_at(&mut stream, amount, index)?;
        ctx.enter(&entry, &bytes, amount)
            .at(|| format!("index {index}"))?;
    }
    ctx.pay_checked(&request_of(50_000))?;
    let (high, _) = ctx.coin_at(&mut stream, 20_000, HIGH)?;
    ctx.begin_entry(&high)?.want_bare(
        Sw::RETIRED,
        "ENTER COIN at the index that the payment spent",
    )?;
    let (low, bytes) = ctx.coin_at(&mut stream, 20_000, LOW)?;
    ctx.enter(&low, &bytes, 20_000)
        .at(|| format!("index {LOW}, {HIGH} being retired"))?;
    ctx.expect_ledger("at the end")
}

fn change_above(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000])?;
    for _ in 0..4 {
        ctx.pay_checked(&request_of(1_000)).preamble()?;
    }
    let purse = &ctx.host()?.purse;
    let (next, change) = (purse.next_receive(), purse.next_change() - 1);
    put!(
        change >= next && !purse.retired.contains(&(1, change)),
        "the case needs a change index above the receive index"
    );
    let mut stream = ctx.values.stream("coins");
    let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, Place::change(change).0)?;
    ctx.enter(&entry, &bytes, 20_000)?;
    ctx.verify_right()?;
    ctx.expect_receive_script(next)?;
    ctx.expect_ledger("after the coin")
}

fn change_places(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 80_000])?;
    for amount in [5_000, 5_000] {
        ctx.pay_checked(&request_of(amount))?;
    }
    // Next change index 2; index 0 was spent by the second payment only if its change was the
    // largest coin: the model knows.
    let mut stream = ctx.values.stream("coins");
    let (next, next_receive) = {
        let purse = &ctx.host()?.purse;
        (purse.next_change(), purse.next_receive())
    };
    let announced = |place: Place| Entry {
        txid: [0x6D; 32],
        vout: 0,
        place: place.0,
    };
    for index in [next, next + 1, 100, 4095, 4096, 0x7FFF_FFFE] {
        ctx.begin_entry(&announced(Place::change(index)))?
            .want_bare(Sw::INDEX, "ENTER COIN at a change place not given out")
            .at(|| format!("index {index}"))?;
    }
    let mut entered = 0;
    for index in 0..next {
        let place = Place::change(index);
        if ctx.host()?.purse.retired.contains(&(1, index)) {
            ctx.begin_entry(&announced(place))?
                .want_bare(Sw::RETIRED, "ENTER COIN at a retired change place")?;
            continue;
        }
        let (entry, bytes) = ctx.coin_at(&mut stream, 70_000, place.0)?;
        ctx.enter(&entry, &bytes, 70_000)
            .at(|| format!("change index {index}"))?;
        let other = Entry {
            txid: entry.txid,
            vout: 0,
            place: index,
        };
        ctx.begin_entry(&other)?.want_bare(
            if (ctx.host()?.purse.retired).contains(&(0, index)) {
                Sw::RETIRED
            } else {
                Sw::COIN_KNOWN
            },
            "ENTER COIN of the same coin at the receive place",
        )?;
        entered += 1;
    }
    put!(entered > 0, "the case needs a change place to enter at");
    // A coin on the receive chain, announced at the change place of the same index.
    let (receive, bytes) = ctx.coin_at(&mut stream, 60_000, next - 1)?;
    let wrong = receive.place(Place::change(next - 1).0);
    ctx.enter_answer(&wrong, &bytes)?.want_bare(
        Sw::OTHER_SCRIPT,
        "ENTER COIN at the place of the other chain",
    )?;
    ctx.authorise()?;
    ctx.expect_receive_script(next_receive)?;
    ctx.power_cycle()?;
    ctx.expect_ledger("with coins at change places")?;
    let all = ctx.host()?.purse.available();
    ctx.pay_checked(&request_of(all - 2_000)).map(drop)
}

fn doubtful(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let credits = ctx.has(Capability::Credits)?;
    let mut stream = ctx.values.stream("coins");
    let sources: &[bool] = if credits { &[false, true] } else { &[false] };
    for unrooted in sources {
        let unrooted = *unrooted;
        let index = ctx.host()?.purse.next_receive();
        let mut coins = Vec::new();
        // No credit enters above the next receive index.
        let places = [index, if unrooted { index } else { index + 1 }];
        for (place, amount) in places.into_iter().zip([60_000, 50_000]) {
            let (entry, bytes) = ctx.coin_at(&mut stream, amount, place)?;
            if unrooted {
                ctx.credit(&entry, &bytes, amount)?;
            } else {
                ctx.enter(&entry, &bytes, amount)?;
            }
            coins.push((entry, bytes, amount));
        }
        let (entry, bytes, amount) = &coins[0];
        let (beside, beside_bytes, beside_amount) = &coins[1];
        let as_credit = |ctx: &mut CaseContext| -> Outcome {
            if !credits {
                return Ok(());
            }
            ctx.authorise()?;
            let rooted = (ctx.host()?.purse.coins.iter())
                .any(|coin| coin.txid == entry.txid && !coin.unrooted);
            ctx.begin_credit(entry)?.want_bare(
                // No credit enters where a rooted coin stands: TC-CRE-05.
                if rooted { Sw::INDEX } else { Sw::COIN_KNOWN },
                "ENTER COIN, as a credit, of a coin of the card",
            )
        };
        as_credit(ctx)?;
        if !unrooted {
            ctx.begin_entry(entry)?
                .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a coin without marks")?;
        }
        let from = |unrooted| request_of(20_000).unrooted(unrooted);
        let plan = ctx.offered(&from(unrooted))?;
        ctx.report(&plan.inputs[0])?;
        ctx.expect_ledger("with a doubtful coin")?;
        as_credit(ctx)?;
        // A wrong transaction leaves the marks.
        let mut spoilt = bytes.clone();
        spoilt[0] ^= 1;
        ctx.enter_answer(entry, &spoilt)?
            .want_bare(Sw::OTHER_TXID, "ENTER COIN of a doubtful coin")?;
        ctx.expect_ledger("after a wrong transaction")?;
        ctx.enter(entry, bytes, *amount)?;
        ctx.expect_ledger("without marks")?;
        ctx.power_cycle()?;
        ctx.expect_ledger("without marks, after a power cycle")?;
        ctx.preview_checked(&from(false))?.ok();
        for _ in 0..2 {
            ctx.begin_entry(entry)?
                .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a coin without marks")?;
            as_credit(ctx)?;
        }
        if unrooted {
            // A credit that nobody doubted is rooted by its owner's entering it, too.
            ctx.enter(beside, beside_bytes, *beside_amount)?;
            ctx.expect_ledger("with both credits rooted")?;
        }
        ctx.pay_checked(&from(false))?;
        ctx.expect_ledger("after a payment")?;
        // Spent, it isn't to be entered in any way.
        ctx.begin_entry(entry)?.want(
            if ctx.host()?.purse.retired.contains(&(0, entry.place)) {
                Sw::RETIRED
            } else {
                Sw::COIN_KNOWN
            },
            "ENTER COIN after a payment",
        )?;
    }
    Ok(())
}

fn least_coin(ctx: &mut CaseContext) -> Outcome {
    let at = |least_coin| Limits::WIDE.least_coin(least_coin);
    let profile = ctx.profile()?.limits(at(5_000));
    ctx.prepare(&profile)?;
    let credits = ctx.has(Capability::Credits)?;
    let mut stream = ctx.values.stream("coins");
    for (round, least) in [5_000, 330, 70_000].into_iter().enumerate() {
        let place = || format!("least coin {least}");
        if round > 0 {
            ctx.set_limits(at(least))?;
        }
        let least = u64::from(least);
        let index = ctx.host()?.purse.next_receive();
        let (low, low_bytes) = ctx.coin_at(&mut stream, least - 1, index)?;
        ctx.enter_answer(&low, &low_bytes)?
            .want_bare(Sw::COIN_DUST, "ENTER COIN")
            .at(place)?;
        let (right, bytes) = ctx.coin_at(&mut stream, least, index)?;
        ctx.enter(&right, &bytes, least).at(place)?;
        if credits {
            let (low, low_bytes) = ctx.coin_at(&mut stream, least - 1, index + 1)?;
            ctx.authorise()?;
            ctx.begin_credit(&low)?.want_bare(Sw::OK, "a credit")?;
            ctx.stream(&low_bytes, 255)?
                .want_bare(Sw::COIN_DUST, "ENTER COIN of a credit")
                .at(place)?;
            let (right, bytes) = ctx.coin_at(&mut stream, least, index + 1)?;
            ctx.credit(&right, &bytes, least).at(place)?;
        }
        ctx.power_cycle()?;
    }
    ctx.expect_ledger("after all")
}
