//! Credits: coins that a shop, or somebody, gives. Section 6.3.

use super::prelude::*;
use crate::model::Place;

cases! {
    "TC-CRE-01" version 3 on Own D3 for [CRE_1 ENT_2 ENT_4 ENT_5] runs authority:
        "A credit needs the holder's authorisation (6982, whatever is announced) and ends it once \
         it was found, taken or refused: place not given out or on the change chain, retired there \
         or not, 9410, index retired 940F, coin known 6A89, and, at the end, another txid, script, amount, or a \
         coinbase."
        catches "Coins pressed on a card without its PIN; a PIN that pays after it was used.";
    "TC-CRE-02" version 2 on Own D3 for [CRE_2 TX_1 TX_5 IMG_1] runs never_mixed:
        "A credit, invented or not, is never spent by a request for rooted coins, nor with them: \
         neither makes up for what the other lacks. Change of credits is unrooted, change of \
         rooted coins rooted; the image says which is which."
        catches "A payment poisoned: an invented coin among its inputs makes it worthless to the \
                 shop that waits for it.";
    "TC-CRE-03" version 3 on Own D3 for [ENT_2 CRE_1 INF_2 PAY_4] runs flood:
        "As many credits enter as the card declares, then 6A84, over power cycles; rooted coins \
         still enter and pay. Spent credits make room: a payment from them pays, with and without \
         change, and then as many enter as are unspent no more."
        catches "A terminal that fills the card with invented coins until the owner's own find no \
                 room.";
    "TC-CRE-04" version 2 on Own D3 for [CRE_3 LIM_2] runs no_limit:
        "Credits change no limit and no counter: at the cumulative limit, at the number of \
         payments, and between."
        catches "A refund that gives a thief back what he may spend.";
    "TC-CRE-05" version 2 on Own D3 for [CRE_4 ENT_2 TX_6] runs beside_rooted:
        "A credit is refused with 9410 at the place of an unspent rooted coin, be it doubtful, \
         entered late, or one that was a credit itself, with 940F when that coin was spent; and it \
         is taken where only credits stand."
        catches "An invented coin whose spending retires the index of a real one, and strands it.";
    "TC-CRE-06" version 1 on Own D3 for [CRE_4 TX_1 TX_2 TX_6] runs before_rooted:
        "A credit, and change of credits, at whose place a rooted coin enters afterwards, doubtful \
         or not, is spent by no payment, while credits elsewhere are; the rooted coin pays, also \
         after a power cycle, and the credit is rooted by its owner's entering it."
        catches "An invented coin that waits where a top-up will come, and takes its index out of \
                 use.";
    "TC-CRE-07" version 1 on Own D3 for [CRE_5 ENT_2 RCV_1 IMG_1] runs no_index:
        "A credit is refused with 9410 one to nine indexes above the next receive index, and taken \
         at it, again and again; it moves no index, a rooted coin enters up to nine above as ever. \
         Spending credits at the next receive index moves it by one for each payment, past what is \
         retired."
        catches "Invented coins that use up the receive indexes, ten with each payment.";
}

fn needed(ctx: &mut CaseContext, limits: Limits) -> Outcome {
    ctx.prepare_limited(limits, &[])?;
    ctx.needs(Capability::Credits)
}

fn authority(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needed(ctx, Limits::WIDE)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[50_000])?;
    // The second spends the change of the first.
    for _ in 0..2 {
        ctx.pay_checked(&request_of(10_000))?;
    }
    // A coin ahead of the others: the places below it are given out.
    let (ahead, bytes) = ctx.coin_at(&mut stream, 15_000, 3)?;
    ctx.enter(&ahead, &bytes, 15_000)?;
    let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, 4)?;
    let far = entry.place(4096);
    for when in ["before VERIFY", "after a wrong PIN", "after a power cycle"] {
        for announced in [entry, far] {
            ctx.begin_credit(&announced)?
                .want_bare(Sw::SECURITY, "ENTER COIN of a credit")
                .at(when)?;
        }
        ctx.piece(&bytes)?
            .want_bare(Sw::CONDITIONS, "a piece after a refused credit")?;
        if when == "before VERIFY" {
            ctx.verify_wrong(2)?;
        } else {
            ctx.authorise()?;
            ctx.power_cycle()?;
        }
    }
    let at = |place| entry.place(place);
    for (what, announced, sw) in [
        ("an index not given out", at(5), Sw::INDEX),
        ("index 4096", at(4096), Sw::INDEX),
        (
            "a change place that was spent from",
            at(Place::change(0).0),
            Sw::INDEX,
        ),
        (
            "a change place where change stands",
            at(Place::change(1).0),
            Sw::INDEX,
        ),
        (
            "a change place not given out",
            at(Place::change(2).0),
            Sw::INDEX,
        ),
        ("a retired index", at(0), Sw::RETIRED),
    ] {
        ctx.authorise()?;
        ctx.begin_credit(&announced)?
            .want_bare(sw, "ENTER COIN of a credit")
            .at(what)?;
        ctx.expect_authorised(false, &format!("after a credit at {what}"))?;
    }
    let mut other = entry;
    other.txid[0] ^= 1;
    let (dust, dust_bytes) = ctx.coin_at(&mut stream, 329, 4)?;
    let elsewhere = entry.place(2);
    for (what, announced, bytes, sw) in [
        ("another txid", other, &bytes, Sw::OTHER_TXID),
        ("another script", elsewhere, &bytes, Sw::OTHER_SCRIPT),
        ("no such output", entry.vout(1), &bytes, Sw::NO_OUTPUT),
        ("dust", dust, &dust_bytes, Sw::COIN_DUST),
    ] {
        ctx.authorise()?;
        ctx.begin_credit(&announced)?
            .want_bare(Sw::OK, "ENTER COIN of a credit")?;
        ctx.stream(bytes, 40)?
            .want_bare(sw, "ENTER COIN of a credit, last piece")
            .at(what)?;
        ctx.expect_authorised(false, &format!("after a credit of {what}"))?;
    }
    ctx.expect_ledger("after refused credits")?;
    ctx.credit(&entry, &bytes, 20_000)?;
    ctx.expect_authorised(false, "after a credit")?;
    ctx.authorise()?;
    ctx.begin_credit(&entry)?
        .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a credit in the card")?;
    ctx.power_cycle()?;
    ctx.expect_ledger("after a credit and a power cycle")
}

fn never_mixed(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needed(ctx, Limits::WIDE)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[50_000])?;
    let (ahead, bytes) = ctx.coin_at(&mut stream, 30_000, 4)?;
    ctx.enter(&ahead, &bytes, 30_000)?;
    for (amount, place) in [(100_000, 2), (40_000, 3), (60_000, 5), (500, 5)] {
        let (entry, bytes) = ctx.coin_at(&mut stream, amount, place)?;
        ctx.credit(&entry, &bytes, amount)?;
    }
    ctx.expect_ledger("with credits")?;
    let unrooted = |amount| request_of(amount).unrooted(true);
    let refused = |ctx: &mut CaseContext, request: &Request| -> Outcome {
        let amount = request.amount;
        for pay in [false, true] {
            ctx.authorise()?;
            let answer = if pay {
                ctx.pay_answer(request)?
            } else {
                ctx.preview_answer(request)?
            };
            answer
                .want_bare(Sw::INSUFFICIENT, "PREVIEW and PAY")
                .at(|| format!("{amount} sat, unrooted: {}", request.unrooted))?;
        }
        Ok(())
    };
    refused(ctx, &request_of(79_900))?;
    refused(ctx, &request_of(90_000))?;
    refused(ctx, &unrooted(200_400))?;
    for request in [
        request_of(79_000),
        request_of(20_000),
        unrooted(20_000),
        unrooted(150_000),
        unrooted(198_000),
    ] {
        ctx.offered(&request)?;
    }
    ctx.expect_ledger("after previews")?;
    ctx.pay_checked(&unrooted(70_000))?;
    ctx.pay_checked(&request_of(45_000))?;
    ctx.expect_ledger("after a payment of each kind")?;
    ctx.power_cycle()?;
    ctx.pay_checked(&unrooted(60_000))?;
    ctx.pay_checked(&unrooted(20_000))?;
    ctx.pay_checked(&request_of(20_000))?;
    ctx.expect_ledger("after payments from change of each kind")?;
    for request in [unrooted(1_000_000), request_of(1_000_000)] {
        refused(ctx, &request)?;
    }
    Ok(())
}

fn flood(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needed(ctx, Limits::WIDE)?;
    let declared = ctx.host()?.capabilities.unrooted;
    let mut stream = ctx.values.stream("coins");
    let (ahead, bytes) = ctx.coin_at(&mut stream, 90_000, 9)?;
    ctx.enter(&ahead, &bytes, 90_000)?;
    for credit in 0..declared {
        let amount = 10_000 + u64::from(credit);
        let (entry, bytes) = ctx.coin_at(&mut stream, amount, u32::from(credit % 9))?;
        ctx.credit(&entry, &bytes, amount)
            .at(|| format!("credit {} of {declared} declared", credit + 1))?;
    }
    let full = |ctx: &mut CaseContext, when: &str| -> Outcome {
        let entry = Entry {
            txid: ctx.values.bytes("one more"),
            vout: 0,
            place: ctx.host()?.purse.next_receive(),
        };
        for _ in 0..2 {
            ctx.authorise()?;
            ctx.begin_credit(&entry)?
                .want_bare(Sw::NO_ROOM, "ENTER COIN of one credit more")
                .at(when)?;
            ctx.power_cycle()?;
        }
        Ok(())
    };
    full(ctx, "at first")?;
    let next = ctx.host()?.purse.next_receive();
    let (rooted, bytes) = ctx.coin_at(&mut stream, 80_000, next)?;
    ctx.enter(&rooted, &bytes, 80_000)
        .at("a rooted coin beside all the credits")?;
    ctx.pay_checked(&request_of(100_000))?;
    full(ctx, "after a rooted payment")?;
    let unrooted = |amount| request_of(amount).unrooted(true);
    // With change one goes and one comes; without, one goes.
    ctx.pay_checked(&unrooted(2_000))?;
    full(ctx, "after a payment from credits with change")?;
    let largest = ctx.host()?.purse.candidates_of(true)[0].amount;
    let fee = crate::model::fee(1, 22, false, 1_000);
    ctx.pay_checked(&unrooted(largest - fee))?;
    let next = ctx.host()?.purse.next_receive();
    let (entry, bytes) = ctx.coin_at(&mut stream, 12_000, next)?;
    ctx.credit(&entry, &bytes, 12_000)
        .at("after a payment from credits without change")?;
    full(ctx, "again")?;
    ctx.expect_ledger("after the flood")?;
    ctx.note(format!("{declared} credits"));
    Ok(())
}

fn no_limit(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needed(ctx, Limits::WIDE.cumulative(60_000).payments(2))?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[50_000, 50_000, 50_000])?;
    let mut credit = |ctx: &mut CaseContext| -> Outcome {
        let next = ctx.host()?.purse.next_receive();
        let (entry, bytes) = ctx.coin_at(&mut stream, 40_000, next)?;
        ctx.credit(&entry, &bytes, 40_000)?;
        ctx.expect_ledger("after a credit")
    };
    credit(ctx)?;
    ctx.pay_checked(&request_of(40_000))?;
    credit(ctx)?;
    for (amount, unrooted) in [(30_000, false), (30_000, true)] {
        let over = ctx.preview_checked(&request_of(amount).unrooted(unrooted))?;
        put!(
            over == Err(Sw::OVER_CUMULATIVE_LIMIT),
            "the case expects 9404, its model {over:?}"
        );
    }
    // Payments from credits count as all do.
    ctx.pay_checked(&request_of(5_000).unrooted(true))?;
    credit(ctx)?;
    let third = ctx.preview_checked(&request_of(300))?;
    put!(
        third == Err(Sw::COUNT),
        "the case expects 9411, its model {third:?}"
    );
    Ok(())
}

fn beside_rooted(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needed(ctx, Limits::WIDE)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    let refused = |ctx: &mut CaseContext, place: u32, sw: Sw, when: &str| -> Outcome {
        let entry = Entry {
            txid: ctx.values.bytes("invented"),
            vout: 0,
            place,
        };
        ctx.authorise()?;
        ctx.begin_credit(&entry)?
            .want_bare(sw, "ENTER COIN of a credit")
            .at(when)?;
        ctx.expect_authorised(false, when)
    };
    for place in 0..3 {
        refused(ctx, place, Sw::INDEX, "where a rooted coin stands")?;
    }
    let plan = ctx.offered(&request_of(10_000))?;
    ctx.report(&plan.inputs[0])?;
    refused(ctx, 0, Sw::INDEX, "where a doubtful one stands")?;
    ctx.pay_checked(&request_of(10_000))?;
    refused(ctx, 1, Sw::RETIRED, "where one was spent")?;
    // A credit, and another beside it; then the owner roots the first.
    let (ahead, bytes) = ctx.coin_at(&mut stream, 60_000, 5)?;
    ctx.enter(&ahead, &bytes, 60_000)?;
    let (first, bytes) = ctx.coin_at(&mut stream, 30_000, 4)?;
    ctx.credit(&first, &bytes, 30_000)?;
    let (second, second_bytes) = ctx.coin_at(&mut stream, 20_000, 4)?;
    ctx.credit(&second, &second_bytes, 20_000)
        .at("beside another credit")?;
    ctx.enter(&first, &bytes, 30_000)?;
    refused(ctx, 4, Sw::INDEX, "where the owner rooted a credit")?;
    let (late, bytes) = ctx.coin_at(&mut stream, 25_000, 3)?;
    ctx.enter(&late, &bytes, 25_000)?;
    refused(ctx, 3, Sw::INDEX, "where a coin entered late")?;
    ctx.power_cycle()?;
    refused(ctx, 2, Sw::INDEX, "after a power cycle")?;
    ctx.expect_ledger("after refused credits")
}

fn before_rooted(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needed(ctx, Limits::WIDE)?;
    let unrooted = |amount| request_of(amount).unrooted(true);
    let insufficient = |ctx: &mut CaseContext, request: &Request, when: &str| -> Outcome {
        let refused = ctx.preview_checked(request).at(when)?;
        put!(
            refused == Err(Sw::INSUFFICIENT),
            "the case expects 9401 {when}, its model {refused:?}"
        );
        ctx.expect_refused(request, Sw::INSUFFICIENT).at(when)
    };
    let mut stream = ctx.values.stream("coins");
    let (invented, invented_bytes) = ctx.coin_at(&mut stream, 90_000, 0)?;
    ctx.credit(&invented, &invented_bytes, 90_000)?;
    ctx.offered(&unrooted(20_000))?;
    let (own, own_bytes) = ctx.coin_at(&mut stream, 70_000, 0)?;
    ctx.enter(&own, &own_bytes, 70_000)
        .at("where a credit stands")?;
    insufficient(ctx, &unrooted(20_000), "beside a rooted coin")?;
    // A credit elsewhere is spent, and alone.
    let (other, bytes) = ctx.coin_at(&mut stream, 60_000, 1)?;
    ctx.credit(&other, &bytes, 60_000)?;
    insufficient(ctx, &unrooted(70_000), "with a smaller credit elsewhere")?;
    ctx.pay_checked(&unrooted(20_000))?;
    ctx.expect_ledger("after a payment from the credit elsewhere")?;
    // Its change may be spent, though a rooted coin stands at that index of the other chain, until
    // the owner has a coin there too.
    ctx.offered(&unrooted(1_000))?;
    let change = Place::change(0).0;
    let (beside, bytes) = ctx.coin_at(&mut stream, 50_000, change)?;
    ctx.enter(&beside, &bytes, 50_000)
        .at("where change of credits stands")?;
    insufficient(ctx, &unrooted(1_000), "with change beside a rooted coin")?;
    // Doubt doesn't make the owner's coin another's.
    let plan = ctx.offered(&request_of(10_000))?;
    ctx.report(&plan.inputs[0])?;
    insufficient(ctx, &unrooted(1_000), "beside a doubtful rooted coin")?;
    ctx.power_cycle()?;
    insufficient(ctx, &unrooted(1_000), "after a power cycle")?;
    ctx.enter(&own, &own_bytes, 70_000)?;
    ctx.enter(&invented, &invented_bytes, 90_000)
        .at("a credit that its owner has seen")?;
    ctx.expect_ledger("with all coins")?;
    ctx.pay_checked(&request_of(200_000))?;
    ctx.expect_ledger("after a payment from all rooted coins")
}

fn no_index(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needed(ctx, Limits::WIDE)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[50_000, 40_000])?;
    let refused = |ctx: &mut CaseContext, place: u32, sw: Sw| -> Outcome {
        let entry = Entry {
            txid: ctx.values.bytes("invented"),
            vout: 0,
            place,
        };
        ctx.authorise()?;
        ctx.begin_credit(&entry)?
            .want_bare(sw, "ENTER COIN of a credit")
            .at(|| format!("index {place}"))
    };
    let stands = |ctx: &mut CaseContext, next: u32, when: &str| -> Outcome {
        ctx.authorise()?;
        ctx.expect_receive_script(next).at(when)?;
        ctx.expect_ledger(when)?;
        for ahead in [1, 2, 9, 10] {
            refused(ctx, next + ahead, Sw::INDEX).at(when)?;
        }
        Ok(())
    };
    stands(ctx, 2, "at first")?;
    for amount in [30_000, 20_000] {
        let (entry, bytes) = ctx.coin_at(&mut stream, amount, 2)?;
        ctx.credit(&entry, &bytes, amount)?;
        stands(ctx, 2, "after a credit")?;
    }
    ctx.power_cycle()?;
    stands(ctx, 2, "after a power cycle")?;
    let ahead = Entry {
        txid: stream.bytes(),
        vout: 0,
        place: 11,
    };
    ctx.begin_entry(&ahead)?
        .want_bare(Sw::OK, "ENTER COIN nine indexes above the next one")?;
    ctx.begin_entry(&ahead.place(12))?
        .want_bare(Sw::INDEX, "ENTER COIN ten indexes above the next one")?;
    for next in [3, 4] {
        ctx.pay_checked(&request_of(5_000).unrooted(true))?;
        stands(ctx, next, "after a payment from credits")?;
        refused(ctx, next - 1, Sw::RETIRED)?;
        // Larger than change and all before, so that it is the next one spent.
        let (entry, bytes) = ctx.coin_at(&mut stream, 80_000, next)?;
        ctx.credit(&entry, &bytes, 80_000)?;
        stands(ctx, next, "after one more credit")?;
    }
    let (entry, bytes) = ctx.coin_at(&mut stream, 60_000, 4)?;
    ctx.enter(&entry, &bytes, 60_000)
        .at("a rooted coin where a credit stands")?;
    stands(ctx, 5, "after a rooted coin")?;
    ctx.power_cycle()?;
    stands(ctx, 5, "at the end")
}
