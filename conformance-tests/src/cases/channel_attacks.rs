//! Protected commands that aren't the client's next one: `[MSG-2]`, `[MSG-4]`.

use super::channel_opening::{needs_channel, no_channel};
use super::prelude::*;
use crate::channel::{Channel, MAC, Shape, pad};

const VERIFY: [u8; 4] = [0x00, 0x20, 0x00, 0x80];

cases! {
    "TC-MSG-06" version 1 on Issued D1 for [MSG_4 MSG_2 PIN_5] runs macs:
        "A protected VERIFY (with the right PIN and with a wrong one) whose MAC has its first 0 to \
         7 bytes right and the others wrong, one byte wrong, is cut to 0 to 7 bytes, or longer, is \
         refused with 6982, uses no try and authorises nobody, and closes the channel. (That the \
         comparison takes the same time isn't looked at.)"
        catches "A MAC compared by its first bytes, or as far as it goes: guessed in 256 tries.";
    "TC-MSG-07" version 1 on Issued D1 for [MSG_2 MSG_4 PIN_5] runs changed:
        "The same for a command whose class, instruction, P1, P2 or data were changed, whose Lc \
         was brought from short into extended form or back, whose data field is shorter than a \
         MAC, or whose encrypted data, under a right MAC, aren't whole blocks or have a wrong \
         padding."
        catches "A header or a length that no MAC covers; a padding that tells what it decrypts.";
    "TC-MSG-08" version 1 on Issued D1 for [MSG_2 SES_1 PIN_5] runs replayed:
        "A recorded protected VERIFY sent again, at once, after other commands, in a channel \
         opened after it, and in a plain session, is refused with 6982; so is a command that comes \
         before the one sent before it, one whose forerunner was left out, and any of another \
         channel. None is done, and each closes the channel."
        catches "Replay: the PIN used again by whoever recorded it.";
    "TC-MSG-09" version 1 on Own D3 for [PIN_5 NVM_1 SES_1] runs power:
        "The power fails between a protected VERIFY with a wrong PIN and the fetching of its \
         answer, which is asked for without Le or not at all: the try is used up, and the right \
         PIN in the next channel sets the tries back. (Cuts inside the command are for targets \
         whose power is in reach: there at every byte written the tries are one fewer or as \
         before, and never more.)"
        catches "Free guesses behind a channel: a try counted once its answer is protected.";
}

/// A new channel, in which the holder isn't authorised.
fn fresh(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    ctx.open_channel()
}

/// Sends the APDU in place of the channel's next command: it must be refused, not be done, and
/// close the channel.
fn refused(ctx: &mut CaseContext, apdu: &[u8], what: &str) -> Outcome {
    ctx.raw(apdu)?
        .want_bare(Sw::SECURITY, "a protected command")
        .at(what)?;
    ctx.expect_no_channel(what)?;
    ctx.expect_tries(3, what)?;
    ctx.expect_authorised(false, what)
}

/// Protects VERIFY in a new channel, and sends what is made of it.
fn spoilt(
    ctx: &mut CaseContext,
    what: &str,
    spoil: impl Fn(&mut Channel, &Command) -> Step<Vec<u8>>,
) -> Outcome {
    for block in [ctx.wrong_block()?, ctx.right_block()?] {
        fresh(ctx)?;
        let command = Command::new(VERIFY).data(block);
        let apdu = spoil(ctx.channel()?, &command)?;
        refused(ctx, &apdu, what)?;
    }
    Ok(())
}

/// Where the MAC begins in VERIFY's short APDU: header, Lc, one block.
const MAC_AT: usize = 5 + 16;

fn macs(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    for right in 0..MAC {
        spoilt(
            ctx,
            &format!("only the first {right} bytes right"),
            |channel, command| {
                let mut apdu = channel.protect(command, Form::Short)?;
                for byte in &mut apdu[MAC_AT + right..MAC_AT + MAC] {
                    *byte ^= 0xFF;
                }
                Ok(apdu)
            },
        )?;
        spoilt(
            ctx,
            &format!("bit in byte {right} wrong"),
            |channel, command| {
                let mut apdu = channel.protect(command, Form::Short)?;
                apdu[MAC_AT + right] ^= 1 << right;
                Ok(apdu)
            },
        )?;
        // Made for the shorter field, so that nothing else is wrong with it.
        spoilt(ctx, &format!("cut to {right} bytes"), |channel, command| {
            let shape = Shape::of(Form::Short).mac(right);
            channel.protect_as(command, shape)
        })?;
        spoilt(
            ctx,
            &format!("{} bytes long", right + 9),
            |channel, command| {
                let shape = Shape::of(Form::Short).mac((right + 9).min(16));
                channel.protect_as(command, shape)
            },
        )?;
    }
    spoilt(ctx, "the MAC's last bytes", |channel, command| {
        let mut apdu = channel.protect(command, Form::Short)?;
        let last = channel.chaining[MAC..].to_vec();
        apdu.splice(MAC_AT..MAC_AT + MAC, last);
        Ok(apdu)
    })?;
    spoilt(ctx, "zeros", |channel, command| {
        let mut apdu = channel.protect(command, Form::Short)?;
        apdu[MAC_AT..MAC_AT + MAC].fill(0);
        Ok(apdu)
    })
}

fn changed(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    for (at, name) in [(0, "class"), (1, "instruction"), (2, "P1"), (3, "P2")] {
        spoilt(ctx, &format!("another {name}"), |channel, command| {
            let mut apdu = channel.protect(command, Form::Short)?;
            apdu[at] ^= if at == 0 { 0x80 } else { 0x02 };
            Ok(apdu)
        })?;
        // The other way round: protected under another header, sent as VERIFY.
        spoilt(
            ctx,
            &format!("protected as another {name}"),
            |channel, command| {
                let mut other = command.clone();
                other.header[at] ^= if at == 0 { 0x80 } else { 0x02 };
                let mut apdu = channel.protect(&other, Form::Short)?;
                apdu[..4].copy_from_slice(&[0x04, VERIFY[1], VERIFY[2], VERIFY[3]]);
                Ok(apdu)
            },
        )?;
    }
    for bit in 0..128 {
        if bit % 9 == 0 {
            spoilt(
                ctx,
                &format!("bit {bit} of the data"),
                |channel, command| {
                    let mut apdu = channel.protect(command, Form::Short)?;
                    apdu[5 + bit / 8] ^= 0x80 >> (bit % 8);
                    Ok(apdu)
                },
            )?;
        }
    }
    if ctx.host()?.capabilities.extended_length() {
        spoilt(ctx, "extended made short", |channel, command| {
            let apdu = channel.protect(command, Form::Extended)?;
            let field = &apdu[7..apdu.len() - 2];
            Ok([&apdu[..4], &[field.len() as u8], field, &[0]].concat())
        })?;
        spoilt(ctx, "short made extended", |channel, command| {
            let apdu = channel.protect(command, Form::Short)?;
            let field = &apdu[5..apdu.len() - 1];
            Ok([&apdu[..4], &[0, 0, field.len() as u8], field, &[0, 0]].concat())
        })?;
    }
    for length in 0..MAC {
        spoilt(
            ctx,
            &format!("a field of {length} bytes"),
            |channel, command| {
                channel.protect(command, Form::Short)?;
                let field = &channel.chaining[..length];
                let short = Command::new([0x04, command.header[1], 0, 0x80]).data(field);
                short.le(LE_SHORT).short()
            },
        )?;
    }
    let shape = Shape::of(Form::Short);
    for length in [1, 8, 15, 17, 31] {
        spoilt(
            ctx,
            &format!("{length} encrypted bytes"),
            |channel, command| channel.authenticate(command, vec![0x5A; length], shape),
        )?;
    }
    let block = ctx.right_block()?;
    let marked = |end: &[u8]| [&block[..], end].concat();
    for (name, padded) in [
        ("no marker", marked(&[0; 8])),
        ("another marker", marked(&[0x40, 0, 0, 0, 0, 0, 0, 0])),
        (
            "a byte behind the marker",
            marked(&[0x80, 0, 0, 0, 0, 0, 0, 1]),
        ),
        ("ones", marked(&[0xFF; 8])),
        ("that of PKCS #7", marked(&[8; 8])),
        (
            "a block too many",
            marked(&[&[0x80][..], &[0; 23]].concat()),
        ),
    ] {
        spoilt(ctx, &format!("padding: {name}"), |channel, command| {
            channel.protect_padded(command, padded.clone(), shape)
        })?;
    }
    Ok(())
}

fn replayed(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    let command = Command::new(VERIFY).data(ctx.right_block()?);
    let verify = |ctx: &mut CaseContext| -> Step<Vec<u8>> {
        let apdu = ctx.channel()?.protect(&command, Form::Short)?;
        ctx.exchange_protected(&apdu)?
            .want_bare(Sw::OK, "VERIFY")
            .preamble()?;
        Ok(apdu)
    };
    // At once, and after other commands.
    for others in [0, 1, 5] {
        fresh(ctx)?;
        let apdu = verify(ctx)?;
        for _ in 0..others {
            ctx.expect_channel("between")?;
        }
        refused(ctx, &apdu, &format!("again after {others} commands"))?;
    }
    // In another channel, as its first command and later, and in a plain session.
    fresh(ctx)?;
    let apdu = verify(ctx)?;
    fresh(ctx)?;
    refused(ctx, &apdu, "the first command of another channel")?;
    fresh(ctx)?;
    let other = verify(ctx)?;
    fresh(ctx)?;
    ctx.expect_channel("before it")?;
    refused(ctx, &other, "the second command of another channel")?;
    refused(ctx, &apdu, "in a plain session")?;
    ctx.power_cycle()?;
    refused(ctx, &apdu, "after a power cut")?;
    // With the client's key of that channel, sent by whoever recorded it.
    let own = ctx.ephemeral()?;
    ctx.open_channel_as(&own)?;
    let apdu = verify(ctx)?;
    ctx.power_cycle()?;
    ctx.open_channel_answer(&own.field())?
        .want(Sw::OK, "an opening recorded")?;
    refused(ctx, &apdu, "in a channel opened by a recorded opening")?;

    // Out of order, and with one left out.
    let status = Command::new([0x00, 0xCA, 0x01, 0x00]);
    for (first, second) in [(&status, &command), (&command, &status)] {
        fresh(ctx)?;
        ctx.channel()?.protect(first, Form::Short)?;
        let apdu = ctx.channel()?.protect(second, Form::Short)?;
        refused(ctx, &apdu, "before its forerunner")?;
    }
    // A command of the channel before, protected anew by its end.
    fresh(ctx)?;
    let before = ctx.swap_channel(None);
    fresh(ctx)?;
    ctx.swap_channel(before);
    let apdu = ctx.channel()?.protect(&command, Form::Short)?;
    refused(ctx, &apdu, "by the end of the channel before")?;
    // Data of one command under the MAC of another.
    fresh(ctx)?;
    let channel = ctx.channel()?;
    let mut other = channel.clone();
    let mut mixed = channel.protect(&command, Form::Short)?;
    let wrong = other.protect_padded(&command, pad(&[0; 8]), Shape::of(Form::Short))?;
    mixed[5..MAC_AT].copy_from_slice(&wrong[5..MAC_AT]);
    refused(ctx, &mixed, "with another command's data")?;
    no_channel(ctx, "at the end")
}

fn power(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    needs_channel(ctx)?;
    let wrong = ctx.wrong_block()?;
    for fetched in [false, true] {
        fresh(ctx)?;
        let command = Command::new(VERIFY).data(wrong);
        let mut apdu = ctx.channel()?.protect(&command, Form::Short)?;
        apdu.pop();
        let answer = ctx.raw(&apdu)?;
        if fetched && answer.sw.more().is_some() {
            ctx.get_response(1)?;
        }
        ctx.power_cycle()?;
        ctx.expect_tries(2, "after a cut behind VERIFY")?;
        ctx.open_channel()?;
        ctx.verify_right()?;
        ctx.expect_tries(3, "after the right PIN")?;
    }
    inside(ctx)
}

/// Cuts at every byte that a protected VERIFY with a wrong PIN writes.
fn inside(ctx: &mut CaseContext) -> Outcome {
    let wrong = ctx.wrong_block()?;
    let mut cuts = 0;
    for bytes in 1.. {
        fresh(ctx)?;
        let cut = ctx.cut_in(&Command::new(VERIFY).data(wrong), bytes);
        let answered = match cut {
            Ok(answered) => answered,
            // The card was cut off in the middle of its answer.
            Err(Stop::NotApplicable(why)) if bytes == 1 => {
                ctx.note(format!("no cuts inside the command: {why}"));
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let whole = answered.is_some();
        ctx.power_cycle()?;
        let tries = ctx.tries()?;
        require!(
            tries == 2 || (tries == 3 && !whole),
            "a cut after {bytes} bytes: {tries} tries are left"
        );
        ctx.open_channel()?;
        ctx.verify_right()?;
        if whole {
            break;
        }
        cuts += 1;
    }
    ctx.note(format!("the power was cut at {cuts} places inside VERIFY"));
    Ok(())
}
