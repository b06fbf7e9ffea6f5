//! What a channel does at its edges: leading zeros, long commands, and commands of a plain session
//! between. Sections 2.6 and 2.7.

use super::prelude::*;
use crate::channel::Ephemeral;
use crate::purposes::equal_times::{Kinds, require_equal_times};
use crate::tx::{funding, preimage, txid};
use p256::PublicKey;

/// Keys that are tried for one whose shared secret begins with a zero: one in 256 does.
const KEYS: usize = 20_000;
/// Lengths of plain pieces, up to the longest that every card with extended length takes.
const PIECES: [usize; 6] = [223, 224, 240, 511, 512, 1_024];
/// Where the MAC of a protected command without data stands, in a short APDU.
const MAC: std::ops::Range<usize> = 5..13;
/// Measurements of each kind, and the difference that they show (see `equal_times`).
const MACS: Kinds = Kinds {
    samples: 150,
    seen_from: 0.93,
};

cases! {
    "TC-SCP-05" version 1 on Own D3 for [SCP_1 MSG_1] runs leading_zero:
        "A channel is opened by a client whose key has, with the card's agreement key, an x \
         coordinate in common that begins with a zero byte, and works: all 32 bytes of it enter \
         the keys. (Of the two ephemeral keys one pair in 256 has such a coordinate; that shows \
         by chance only.)"
        catches "A leading zero that is left out of a shared secret: one channel in 128 fails.";
    "TC-MSG-11" version 1 on Own D3 for [MSG_1 MSG_4 FRM_3 ENT_1] runs long_fields:
        "In a channel a coin enters in protected pieces of 223 to 1 024 bytes in extended form, \
         whose Lc is below and above 255, and an authorised holder pays from it."
        catches "An Lc of which the MAC covers one byte.";
    "TC-MSG-12" version 1 on Own D3 for [MSG_4] runs mac_comparison:
        "A protected command is refused after the same time whether the first or the last byte of \
         its MAC is wrong: 150 measurements of each, in random order, compared by rank \
         (Mann-Whitney); FAIL needs |z| > 6 in two independent runs, which by chance happens less \
         than once in 10¹⁷ runs. The report says which difference would have been seen."
        catches "A MAC that is compared byte by byte, and guessed so.";
}

fn leading_zero(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    ctx.needs(Capability::Channel)?;
    let agreement = PublicKey::from_sec1_bytes(&ctx.host()?.record.agreement_key)
        .map_err(|_| Stop::Inconclusive("the agreement key isn't a point".to_owned()))?;
    let mut stream = ctx.values.stream("ephemeral keys");
    let mut begins_with_zero = (0..KEYS)
        .map(|_| Ephemeral::new(&stream.bytes()))
        .filter(|own| {
            own.as_ref()
                .map_or(true, |own| own.agree(&agreement)[0] == 0)
        });
    let own = begins_with_zero.next().ok_or_else(|| {
        Stop::Inconclusive(format!("none of {KEYS} keys has such a coordinate"))
    })??;
    for _ in 0..2 {
        ctx.open_channel_as(&own)?;
        ctx.expect_tries(3, "in the channel")?;
        ctx.verify_right()?;
    }
    Ok(())
}

fn long_fields(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    ctx.needs(Capability::Channel)?;
    if !ctx.host()?.capabilities.extended_length() {
        return Err(Stop::NotApplicable(
            "the card doesn't declare capability 0 (extended length)".to_owned(),
        ));
    }
    ctx.open_channel()?;
    ctx.form = Form::Extended;
    let entered = entered_in_long_pieces(ctx);
    let paid = entered.and_then(|()| ctx.pay_checked(&request_of(150_000)));
    ctx.form = Form::Short;
    paid?;
    ctx.expect_ledger("after long commands")
}

fn entered_in_long_pieces(ctx: &mut CaseContext) -> Outcome {
    let mut stream = ctx.values.stream("coins");
    for size in PIECES {
        let index = ctx.host()?.purse.next_receive();
        let script = ctx.host()?.account.script(0, index)?;
        let transaction = funding(&mut stream, 60, &[(40_000, script)]);
        let entry = Entry {
            txid: txid(&transaction),
            vout: 0,
            place: index,
        };
        let bytes = preimage(&transaction);
        put!(
            bytes.len() > 2 * size,
            "the case needs more than two pieces"
        );
        ctx.begun_entry(&entry)?;
        let answer = ctx.stream(&bytes, size)?;
        ctx.entered(&entry, 40_000, answer)
            .at(|| format!("pieces of {size} bytes"))?;
    }
    Ok(())
}

fn mac_comparison(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    ctx.needs(Capability::Channel)?;
    let wrong = [MAC.start, MAC.end - 1];
    let names = ["first byte wrong", "last byte wrong"];
    require_equal_times(ctx, "a MAC", names, MACS, &mut |ctx, kind| {
        ctx.open_channel()?;
        let command = Command::new([0x00, 0xCA, 0x01, 0x00]).le(LE_SHORT);
        let mut apdu = ctx.channel()?.protect(&command, Form::Short)?;
        apdu[wrong[kind]] ^= 0x80;
        ctx.raw(&apdu)?
            .want_bare(Sw::SECURITY, "a protected command with a wrong MAC")?;
        let took = ctx.took_ns;
        ctx.swap_channel(None);
        Ok(took)
    })
}
