//! ENTER COIN as a session: what comes between the pieces, and pieces without one. Section 6.2.

use super::prelude::*;
use super::samples::{self, Sample};

cases! {
    "TC-ENT-07" version 1 on Issued D1 for [ENT_5 FRM_8] runs interleaved:
        "Commands between the pieces (GET DATA, VERIFY, GET CHALLENGE, GENERATE, ISSUE, RECEIVE \
         SCRIPT, PREVIEW, PAY, and all others, a new first command too) end the entry, and so do \
         commands refused for instruction, P1-P2, length or encoding; GET RESPONSE and a refused \
         SELECT don't."
        catches "A stream whose pieces come from two sessions.";
    "TC-ENT-08" version 1 on Issued D1 for [ENT_5 NVM_1] runs nothing_before_the_last_piece:
        "Nothing of an entry lasts before its last piece: with the power cut after each piece but \
         the last, no coin is in the card and the receive index stays."
        catches "A coin entered on its announcement alone.";
    "TC-ENT-11" version 1 on Issued D1 for [ENT_5] runs pieces_alone:
        "A piece without an entry under way is refused with 6985: at first, after a refused first \
         command, after a refused piece, after the last piece, and for the authorised holder."
        catches "A transaction taken without the owner's signature.";
}

fn interleaved(ctx: &mut CaseContext) -> Outcome {
    let mut stream = ctx.values.stream("coin");
    // The card's own script, so that a stream put together of two parts would enter.
    let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, 0)?;
    let (first, second) = bytes.split_at(50);
    let sample = |name, command| Sample { name, command };
    let mut between = samples::declared(ctx)?;
    between.retain(|sample| sample.name != "ENTER COIN, a piece");
    between.extend([
        sample("an undefined instruction", Command::new([0x80, 0xFE, 0, 0])),
        sample(
            "a piece with another P2",
            Command::new([0x80, 0x22, 0x01, 0x01]).data(second),
        ),
        sample("a piece without data", Command::new(Entry::PIECE)),
        sample(
            "a first command cut short",
            Command::new(Entry::BEGIN).data(vec![0; 111]),
        ),
        sample(
            "a PAY that can't be decoded",
            Command::new([0x80, 0x30, 0, 0]).data(vec![0; 70]),
        ),
        sample(
            "another data object",
            Command::new([0x00, 0xCA, 0x77, 0x00]).le(LE_SHORT),
        ),
    ]);
    for sample in between {
        ctx.begun_entry(&entry)?;
        ctx.piece(first)?
            .want_bare(Sw::OK, "ENTER COIN, a piece")
            .preamble()?;
        ctx.send(&sample.command)?;
        ctx.piece(second)?
            .want_bare(Sw::CONDITIONS, "ENTER COIN, a piece after another command")
            .at(sample.name)?;
        ctx.verify_right()?;
    }
    ctx.expect_receive_script(0)?;

    // A stream that one of these interrupts goes on; it ends here in the refusal of its txid.
    let harmless: [(&str, &[u8], Sw); 4] = [
        ("GET RESPONSE", &[0x00, 0xC0, 0, 0, 0], Sw::CONDITIONS),
        (
            "SELECT of another application",
            &[0x00, 0xA4, 4, 0, 5, 1, 2, 3, 4, 5],
            Sw::NO_APPLICATION,
        ),
        (
            "SELECT of another occurrence",
            &[0x00, 0xA4, 4, 2, 5, 0xF0, 0x54, 0x49, 0x4C, 0x4C],
            Sw::WRONG_P1P2,
        ),
        (
            "SELECT by a short name",
            &[0x00, 0xA4, 4, 0, 2, 0xF0, 0x54],
            Sw::WRONG_LENGTH,
        ),
    ];
    for (name, command, sw) in harmless {
        let other = entry.txid(stream.bytes());
        ctx.begun_entry(&other)?;
        ctx.piece(first)?.want_bare(Sw::OK, "ENTER COIN, a piece")?;
        ctx.raw(command)?.want_bare(sw, name)?;
        ctx.piece(second)?.want_bare(
            Sw::OTHER_TXID,
            &format!("ENTER COIN, the last piece, after {name}"),
        )?;
    }
    Ok(())
}

fn nothing_before_the_last_piece(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let mut stream = ctx.values.stream("coin");
    let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, 4)?;
    let pieces: Vec<&[u8]> = bytes.chunks(12).collect();
    for sent in 0..pieces.len() {
        ctx.begun_entry(&entry)?;
        for piece in &pieces[..sent] {
            ctx.piece(piece)?
                .want_bare(Sw::OK, "ENTER COIN, a piece")
                .preamble()?;
        }
        ctx.power_cycle()?;
        ctx.verify_right()?;
        ctx.expect_receive_script(0)
            .at(|| format!("power cut after {sent} pieces"))?;
        ctx.preview_answer(&request_of(10_000))?
            .want_bare(Sw::INSUFFICIENT, "PREVIEW")
            .at(|| format!("power cut after {sent} pieces"))?;
        ctx.begun_entry(&entry)?;
        ctx.select()?;
    }
    Ok(())
}

fn pieces_alone(ctx: &mut CaseContext) -> Outcome {
    let mut stream = ctx.values.stream("coin");
    let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, 0)?;
    let alone = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.piece(&bytes)?
            .want_bare(
                Sw::CONDITIONS,
                "ENTER COIN, a piece without an entry under way",
            )
            .at(when)
    };
    alone(ctx, "at first")?;
    ctx.challenge()?;
    alone(ctx, "with a challenge outstanding")?;
    ctx.authorise()?;
    alone(ctx, "for the holder")?;
    ctx.begin_entry(&entry.place(10))?
        .want_bare(Sw::INDEX, "ENTER COIN at index 10")?;
    alone(ctx, "after a refused first command")?;
    ctx.begun_entry(&entry)?;
    ctx.piece(&[2, 0, 0, 0, 0])?
        .want_bare(Sw::WRONG_DATA, "no inputs")?;
    alone(ctx, "after a refused piece")?;
    let other = entry.txid(stream.bytes());
    ctx.enter_answer(&other, &bytes)?
        .want_bare(Sw::OTHER_TXID, "ENTER COIN with another txid")?;
    alone(ctx, "after a refused last piece")
}
