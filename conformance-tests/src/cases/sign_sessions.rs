//! SIGN: what begins, goes on with and ends a signing. Section 8.4.

use super::prelude::*;
use super::sign_refusals::normal;
use crate::model::Spend;

cases! {
    "TC-SGN-05" version 2 on Own D3 for [SGN_5 OWN_2 FRM_8] runs sessions:
        "Pieces and signatures without a signing under way, signatures before the stream is \
         complete, pieces after it, and everything after another command or a refusal, is refused \
         with 6985, an input beyond the last with 6A86; GET RESPONSE and a refused SELECT leave it \
         standing; the owner's signature is asked for."
        catches "A stream put together of two; a signature for whoever comes next.";
}

fn sessions(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[50_000])?;
    ctx.needs(Capability::Signing)?;
    let spend = normal(ctx);
    let bytes = spend.stream();
    let closed = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.sign_piece(&bytes)?
            .want_bare(Sw::CONDITIONS, "SIGN, a piece")
            .at(when)?;
        ctx.signature_answer(0)?
            .want_bare(Sw::CONDITIONS, "SIGN, a signature")
            .at(when)
    };
    closed(ctx, "at first")?;
    ctx.authorise()?;
    closed(ctx, "for the holder")?;
    ctx.once(&Command::new(Spend::BEGIN).data(Card::signed(&spend.body(), &[9; 64])))?
        .want_bare(Sw::SECURITY, "SIGN by the holder")?;
    closed(ctx, "after a refused first command")?;

    let begin = |ctx: &mut CaseContext| -> Outcome {
        ctx.begin_sign(&spend.body())?
            .want_bare(Sw::OK, "SIGN")
            .preamble()
    };
    begin(ctx)?;
    ctx.signature_answer(0)?
        .want_bare(Sw::CONDITIONS, "SIGN, a signature before the stream")?;
    closed(ctx, "after a signature asked for too early")?;
    begin(ctx)?;
    ctx.sign_piece(&bytes[..60])?
        .want_bare(Sw::OK, "SIGN, a piece")?;
    ctx.signature_answer(0)?.want_bare(
        Sw::CONDITIONS,
        "SIGN, a signature in the middle of the stream",
    )?;
    closed(ctx, "after a signature asked for in the middle")?;
    ctx.streamed(&spend, 255)?;
    ctx.sign_piece(&[0])?
        .want_bare(Sw::CONDITIONS, "SIGN, a piece after the stream")?;
    closed(ctx, "after a piece too many")?;

    let between: [(&str, Command); 7] = [
        ("GET DATA", Command::new([0x00, 0xCA, 1, 0]).le(LE_SHORT)),
        ("GET CHALLENGE", Command::new([0x00, 0x84, 0, 0]).le(16)),
        ("VERIFY without data", Command::new([0x00, 0x20, 0, 0x80])),
        ("an undefined instruction", Command::new([0x80, 0xFE, 0, 0])),
        ("SIGN with another P1", Command::new([0x80, 0x40, 3, 0])),
        (
            "a piece with P2 01",
            Command::new([0x80, 0x40, 1, 1]).data([0]),
        ),
        ("a coin's piece", Command::new(Entry::PIECE).data([0])),
    ];
    for (name, command) in between {
        begin(ctx)?;
        ctx.sign_piece(&bytes[..60])?
            .want_bare(Sw::OK, "SIGN, a piece")?;
        ctx.send(&command)?;
        ctx.sign_piece(&bytes[60..])?
            .want_bare(Sw::CONDITIONS, "SIGN, a piece")
            .at(|| format!("after {name}"))?;
        ctx.streamed(&spend, 255)?;
        ctx.send(&command)?;
        ctx.signature_answer(0)?
            .want_bare(Sw::CONDITIONS, "SIGN, a signature")
            .at(|| format!("after {name}"))?;
    }
    ctx.expect_ledger("before any signature")?;
    for (name, command, sw) in [
        ("GET RESPONSE", &[0x00, 0xC0, 0, 0, 0][..], Sw::CONDITIONS),
        (
            "SELECT of another application",
            &[0x00, 0xA4, 4, 0, 5, 1, 2, 3, 4, 5],
            Sw::NO_APPLICATION,
        ),
    ] {
        begin(ctx)?;
        ctx.sign_piece(&bytes[..60])?
            .want_bare(Sw::OK, "SIGN, a piece")?;
        ctx.raw(command)?.want_bare(sw, name)?;
        ctx.sign_piece(&bytes[60..])?
            .want(Sw::OK, "SIGN, the last piece")
            .at(|| format!("after {name}"))?;
        ctx.raw(command)?.want_bare(sw, name)?;
        ctx.signed_all(&spend).at(|| format!("after {name}"))?;
    }
    for input in [2, 3, 127, 128, 255] {
        ctx.streamed(&spend, 255)?;
        ctx.signature_answer(input)?
            .want_bare(Sw::WRONG_P1P2, "SIGN, a signature of no input")
            .at(|| format!("input {input}"))?;
        ctx.signature_answer(0)?
            .want_bare(Sw::CONDITIONS, "SIGN, a signature after one of no input")?;
    }
    ctx.expect_ledger("at the end")
}
