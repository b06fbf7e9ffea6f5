//! READ COINS. Section 6.4.

use super::prelude::*;
use crate::card::{READ_COINS, READ_COINS_ON};
use crate::values::Stream;
use bitcoin::ScriptBuf;

cases! {
    "TC-IMG-01" version 2 on Own D3 for [IMG_1 IMG_3] runs whole:
        "The coin image of an empty card, of one with coins at indexes far apart and in any order, \
         of amounts from 330 sat to 21·10¹⁴, vouts to above 65535, spent, doubtful and \
         unrooted ones on both chains, holds each once, and the counters; two readings are the \
         same, and nothing changes by them."
        catches "A coin left out, or told with another's marks: the owner's wallet loses it.";
    "TC-IMG-02" version 1 on Funded D1 for [IMG_2 OWN_2 IMG_3] runs sessions:
        "The next part without a reading under way is refused with 6985; any other command ends \
         the reading, GET RESPONSE and a refused SELECT don't; a second beginning begins from the \
         first byte; without the owner there is no image, and the holder is no owner."
        catches "Coins told to the next terminal because the owner didn't read to the end.";
}

fn whole(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    ctx.expect_ledger("an empty card")?;
    let mut stream = ctx.values.stream("coins");
    // Vouts of one, two and three bytes in base 128, the last one of more than 16 bits.
    for (vout, index) in [(127, 9), (128, 2), (65_538, 9)] {
        far_output(ctx, &mut stream, vout, index)?;
    }
    for (index, amount) in [(19, 330), (29, 2_000_000_000_000_000), (11, 127), (12, 128)] {
        let amount = amount.max(330);
        let (entry, bytes) = ctx.coin_at(&mut stream, amount, index)?;
        ctx.enter(&entry, &bytes, amount)?;
    }
    ctx.expect_ledger("coins far apart")?;
    if ctx.has(Capability::Credits)? {
        let (entry, bytes) = ctx.coin_at(&mut stream, 70_000, 30)?;
        ctx.credit(&entry, &bytes, 70_000)?;
        ctx.pay_checked(&request_of(20_000).unrooted(true))?;
    }
    ctx.pay_checked(&request_of(1_999_999_999_000_000))?;
    ctx.pay_checked(&request_of(60_000))?;
    let plan = ctx.offered(&request_of(20_000))?;
    ctx.report(&plan.inputs[0])?;
    for when in ["all kinds of coins", "a second time"] {
        ctx.expect_ledger(when)?;
    }
    ctx.power_cycle()?;
    ctx.expect_ledger("after a power cycle")
}

/// Enters a coin that is the last of so many outputs, the others as short as they can be.
fn far_output(ctx: &mut CaseContext, stream: &mut Stream, vout: u32, index: u32) -> Outcome {
    let amount = 30_000 + u64::from(vout);
    let mut outputs = vec![(1_000, ScriptBuf::new()); vout as usize];
    outputs.push((amount, ctx.host()?.account.script(0, index)?));
    let transaction = crate::tx::funding(stream, 1, &outputs);
    let entry = Entry {
        txid: crate::tx::txid(&transaction),
        vout,
        place: index,
    };
    let size = if ctx.host()?.capabilities.extended_length() {
        ctx.form = Form::Extended;
        1024
    } else {
        255
    };
    ctx.begun_entry(&entry)?;
    let answer = ctx.stream(&crate::tx::preimage(&transaction), size)?;
    ctx.form = Form::Short;
    ctx.entered(&entry, amount, answer)
}

fn sessions(ctx: &mut CaseContext) -> Outcome {
    let next_refused = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.next_coins()?
            .want_bare(Sw::CONDITIONS, "READ COINS, the next part")
            .at(when)
    };
    next_refused(ctx, "at first")?;
    ctx.authorise()?;
    next_refused(ctx, "for the holder")?;
    ctx.send(
        &Command::new(READ_COINS)
            .data(Card::signed(&[], &[5; 64]))
            .le(LE_SHORT),
    )?
    .want_bare(Sw::SECURITY, "READ COINS by the holder")?;
    next_refused(ctx, "after a refused beginning")?;

    let begin = |ctx: &mut CaseContext| -> Step<Vec<u8>> {
        ctx.command_by_owner(READ_COINS, &[])?
            .want(Sw::OK, "READ COINS")
    };
    let first = begin(ctx)?;
    let second = ctx.next_coins()?.want(Sw::OK, "READ COINS")?;
    require!(
        begin(ctx)? == first,
        "READ COINS begun again doesn't begin from the first byte"
    );
    for (name, command, sw) in [
        ("GET RESPONSE", &[0x00, 0xC0, 0, 0, 0][..], Sw::CONDITIONS),
        (
            "SELECT of another application",
            &[0x00, 0xA4, 4, 0, 5, 1, 2, 3, 4, 5],
            Sw::NO_APPLICATION,
        ),
    ] {
        begin(ctx)?;
        ctx.raw(command)?.want_bare(sw, name)?;
        let part = ctx
            .next_coins()?
            .want(Sw::OK, "READ COINS, the next part")?;
        require!(part == second, "after {name} READ COINS goes on elsewhere");
    }
    for (name, command) in [
        ("GET DATA", Command::new([0x00, 0xCA, 1, 0]).le(LE_SHORT)),
        ("GET CHALLENGE", Command::new([0x00, 0x84, 0, 0]).le(16)),
        ("VERIFY without data", Command::new([0x00, 0x20, 0, 0x80])),
        (
            "RECEIVE SCRIPT",
            Command::new([0x80, 0x20, 0, 0]).le(LE_SHORT),
        ),
        ("an undefined instruction", Command::new([0x80, 0xFE, 0, 0])),
        (
            "the next part with data",
            Command::new(READ_COINS_ON).data([0]),
        ),
        ("another P1", Command::new([0x80, 0x48, 2, 0])),
    ] {
        begin(ctx)?;
        ctx.send(&command)?;
        next_refused(ctx, &format!("after {name}"))?;
    }
    ctx.expect_ledger("after readings given up")
}
