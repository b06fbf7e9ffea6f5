//! Protected commands that aren't the client's next one: `[MSG-2]`, `[MSG-4]`.

use super::channel_opening::{needs_channel, no_channel};
use super::prelude::*;
use crate::channel::{Channel, MAC, Shape, pad};

const VERIFY: [u8; 4] = [0x00, 0x20, 0x00, 0x80];

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-MSG-06",
        version: 1,
        purpose: "A protected VERIFY (with the right PIN and with a wrong one) whose MAC has its \
                  first 0 to 7 bytes right and the others wrong, one byte wrong, is cut to 0 to 7 \
                  bytes, or longer, is refused with 6982, uses no try and authorises nobody, and \
                  closes the channel. (That the comparison takes the same time isn't looked at.)",
        requirements: &[req::MSG_4, req::MSG_2, req::PIN_5],
        start: Start::Issued,
        level: Level::D1,
        defect: "A MAC compared by its first bytes, or as far as it goes: guessed in 256 tries.",
        run: macs,
    },
    Case {
        id: "TC-MSG-07",
        version: 1,
        purpose: "The same for a command whose class, instruction, P1, P2 or data were changed, \
                  whose Lc was brought from short into extended form or back, whose data field is \
                  shorter than a MAC, or whose encrypted data, under a right MAC, aren't whole \
                  blocks or have a wrong padding.",
        requirements: &[req::MSG_2, req::MSG_4, req::PIN_5],
        start: Start::Issued,
        level: Level::D1,
        defect: "A header or a length that no MAC covers; a padding that tells what it decrypts.",
        run: changed,
    },
    Case {
        id: "TC-MSG-08",
        version: 1,
        purpose: "A recorded protected VERIFY sent again, at once, after other commands, in a \
                  channel opened after it, and in a plain session, is refused with 6982; so is a \
                  command that comes before the one sent before it, one whose forerunner was left \
                  out, and any of another channel. None is done, and each closes the channel.",
        requirements: &[req::MSG_2, req::SES_1, req::PIN_5],
        start: Start::Issued,
        level: Level::D1,
        defect: "Replay: the PIN used again by whoever recorded it.",
        run: replayed,
    },
    Case {
        id: "TC-MSG-09",
        version: 1,
        purpose: "The power fails between a protected VERIFY with a wrong PIN and the fetching of \
                  its answer, which is asked for without Le or not at all: the try is used up, \
                  and the right PIN in the next channel sets the tries back. (Cuts inside the \
                  command are for targets whose power is in reach: there at every byte written \
                  the tries are one fewer or as before, and never more.)",
        requirements: &[req::PIN_5, req::NVM_1, req::SES_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Free guesses behind a channel: a try counted once its answer is protected.",
        run: power,
    },
];

/// A new channel, in which the holder isn't authorised.
fn fresh(b: &mut Bench) -> Outcome {
    b.card.select()?;
    b.open_channel()
}

/// Sends the APDU in place of the channel's next command: it must be refused, not be done, and
/// close the channel.
fn refused(b: &mut Bench, apdu: &[u8], what: &str) -> Outcome {
    b.card
        .raw(apdu)?
        .want_bare(Sw::SECURITY, "a protected command")
        .at(|| what.to_owned())?;
    b.card.expect_no_channel(what)?;
    b.card.expect_tries(3, what)?;
    b.card.expect_authorised(false, what)
}

/// Protects VERIFY in a new channel, and sends what is made of it.
fn spoilt(
    b: &mut Bench,
    what: &str,
    spoil: impl Fn(&mut Channel, &Command) -> Step<Vec<u8>>,
) -> Outcome {
    for block in [b.card.wrong_block()?, b.card.right_block()?] {
        fresh(b)?;
        let command = Command::new(VERIFY).data(block);
        let apdu = spoil(b.card.channel()?, &command)?;
        refused(b, &apdu, what)?;
    }
    Ok(())
}

/// Where the MAC begins in VERIFY's short APDU: header, Lc, one block.
const MAC_AT: usize = 5 + 16;

fn macs(b: &mut Bench) -> Outcome {
    needs_channel(b)?;
    for right in 0..MAC {
        spoilt(
            b,
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
            b,
            &format!("bit in byte {right} wrong"),
            |channel, command| {
                let mut apdu = channel.protect(command, Form::Short)?;
                apdu[MAC_AT + right] ^= 1 << right;
                Ok(apdu)
            },
        )?;
        // Made for the shorter field, so that nothing else is wrong with it.
        spoilt(b, &format!("cut to {right} bytes"), |channel, command| {
            let shape = Shape {
                mac: right,
                ..Shape::of(Form::Short)
            };
            channel.protect_as(command, shape)
        })?;
        spoilt(
            b,
            &format!("{} bytes long", right + 9),
            |channel, command| {
                let shape = Shape {
                    mac: (right + 9).min(16),
                    ..Shape::of(Form::Short)
                };
                channel.protect_as(command, shape)
            },
        )?;
    }
    spoilt(b, "the MAC's last bytes", |channel, command| {
        let mut apdu = channel.protect(command, Form::Short)?;
        let last = channel.chaining[MAC..].to_vec();
        apdu.splice(MAC_AT..MAC_AT + MAC, last);
        Ok(apdu)
    })?;
    spoilt(b, "zeros", |channel, command| {
        let mut apdu = channel.protect(command, Form::Short)?;
        apdu[MAC_AT..MAC_AT + MAC].fill(0);
        Ok(apdu)
    })
}

fn changed(b: &mut Bench) -> Outcome {
    needs_channel(b)?;
    for (at, name) in [(0, "class"), (1, "instruction"), (2, "P1"), (3, "P2")] {
        spoilt(b, &format!("another {name}"), |channel, command| {
            let mut apdu = channel.protect(command, Form::Short)?;
            apdu[at] ^= if at == 0 { 0x80 } else { 0x02 };
            Ok(apdu)
        })?;
        // The other way round: protected under another header, sent as VERIFY.
        spoilt(
            b,
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
            spoilt(b, &format!("bit {bit} of the data"), |channel, command| {
                let mut apdu = channel.protect(command, Form::Short)?;
                apdu[5 + bit / 8] ^= 0x80 >> (bit % 8);
                Ok(apdu)
            })?;
        }
    }
    if b.card.host()?.capabilities.extended_length() {
        spoilt(b, "extended made short", |channel, command| {
            let apdu = channel.protect(command, Form::Extended)?;
            let field = &apdu[7..apdu.len() - 2];
            Ok([&apdu[..4], &[field.len() as u8], field, &[0]].concat())
        })?;
        spoilt(b, "short made extended", |channel, command| {
            let apdu = channel.protect(command, Form::Short)?;
            let field = &apdu[5..apdu.len() - 1];
            Ok([&apdu[..4], &[0, 0, field.len() as u8], field, &[0, 0]].concat())
        })?;
    }
    for length in 0..MAC {
        spoilt(
            b,
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
            b,
            &format!("{length} encrypted bytes"),
            |channel, command| channel.authenticate(command, vec![0x5A; length], shape),
        )?;
    }
    let block = b.card.right_block()?;
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
        spoilt(b, &format!("padding: {name}"), |channel, command| {
            channel.protect_padded(command, padded.clone(), shape)
        })?;
    }
    Ok(())
}

fn replayed(b: &mut Bench) -> Outcome {
    needs_channel(b)?;
    let command = Command::new(VERIFY).data(b.card.right_block()?);
    let verify = |b: &mut Bench| -> Step<Vec<u8>> {
        let apdu = b.card.channel()?.protect(&command, Form::Short)?;
        b.card
            .exchange_protected(&apdu)?
            .want_bare(Sw::OK, "VERIFY")
            .preamble()?;
        Ok(apdu)
    };
    // At once, and after other commands.
    for others in [0, 1, 5] {
        fresh(b)?;
        let apdu = verify(b)?;
        for _ in 0..others {
            b.card.expect_channel("between")?;
        }
        refused(b, &apdu, &format!("again after {others} commands"))?;
    }
    // In another channel, as its first command and later, and in a plain session.
    fresh(b)?;
    let apdu = verify(b)?;
    fresh(b)?;
    refused(b, &apdu, "the first command of another channel")?;
    fresh(b)?;
    let other = verify(b)?;
    fresh(b)?;
    b.card.expect_channel("before it")?;
    refused(b, &other, "the second command of another channel")?;
    refused(b, &apdu, "in a plain session")?;
    b.card.power_cycle()?;
    refused(b, &apdu, "after a power cut")?;
    // With the client's key of that channel, sent by whoever recorded it.
    let own = b.ephemeral()?;
    b.card.open_channel(&own)?;
    let apdu = verify(b)?;
    b.card.power_cycle()?;
    b.card
        .open_channel_answer(&own.field())?
        .want(Sw::OK, "an opening recorded")?;
    refused(b, &apdu, "in a channel opened by a recorded opening")?;

    // Out of order, and with one left out.
    let status = Command::new([0x00, 0xCA, 0x01, 0x00]);
    for (first, second) in [(&status, &command), (&command, &status)] {
        fresh(b)?;
        b.card.channel()?.protect(first, Form::Short)?;
        let apdu = b.card.channel()?.protect(second, Form::Short)?;
        refused(b, &apdu, "before its forerunner")?;
    }
    // A command of the channel before, protected anew by its end.
    fresh(b)?;
    let before = b.card.swap_channel(None);
    fresh(b)?;
    b.card.swap_channel(before);
    let apdu = b.card.channel()?.protect(&command, Form::Short)?;
    refused(b, &apdu, "by the end of the channel before")?;
    // Data of one command under the MAC of another.
    fresh(b)?;
    let channel = b.card.channel()?;
    let mut other = channel.clone();
    let mut mixed = channel.protect(&command, Form::Short)?;
    let wrong = other.protect_padded(&command, pad(&[0; 8]), Shape::of(Form::Short))?;
    mixed[5..MAC_AT].copy_from_slice(&wrong[5..MAC_AT]);
    refused(b, &mixed, "with another command's data")?;
    no_channel(b, "at the end")
}

fn power(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    needs_channel(b)?;
    let wrong = b.card.wrong_block()?;
    for fetched in [false, true] {
        fresh(b)?;
        let command = Command::new(VERIFY).data(wrong);
        let mut apdu = b.card.channel()?.protect(&command, Form::Short)?;
        apdu.pop();
        let answer = b.card.raw(&apdu)?;
        if fetched && answer.sw.more().is_some() {
            b.card.get_response(1)?;
        }
        b.card.power_cycle()?;
        b.card.expect_tries(2, "after a cut behind VERIFY")?;
        b.open_channel()?;
        b.card.verify_right()?;
        b.card.expect_tries(3, "after the right PIN")?;
    }
    inside(b)
}

/// Cuts at every byte that a protected VERIFY with a wrong PIN writes.
fn inside(b: &mut Bench) -> Outcome {
    let wrong = b.card.wrong_block()?;
    let mut cuts = 0;
    for bytes in 1.. {
        fresh(b)?;
        let cut = b.card.cut_in(&Command::new(VERIFY).data(wrong), bytes);
        let answered = match cut {
            Ok(answered) => answered,
            // The card was cut off in the middle of its answer.
            Err(Stop::NotApplicable(why)) if bytes == 1 => {
                b.note(format!("no cuts inside the command: {why}"));
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let whole = answered.is_some();
        b.card.power_cycle()?;
        let tries = b.card.tries()?;
        require!(
            tries == 2 || (tries == 3 && !whole),
            "a cut after {bytes} bytes: {tries} tries are left"
        );
        b.open_channel()?;
        b.card.verify_right()?;
        if whole {
            break;
        }
        cuts += 1;
    }
    b.note(format!("the power was cut at {cuts} places inside VERIFY"));
    Ok(())
}
