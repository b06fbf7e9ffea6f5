//! ENTER COIN as a session: what comes between the pieces, and pieces without one. Section 6.2.

use super::prelude::*;
use super::samples::{self, Sample};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-ENT-07",
        version: 1,
        purpose: "Commands between the pieces (GET DATA, VERIFY, GET CHALLENGE, GENERATE, ISSUE, \
                  RECEIVE SCRIPT, PREVIEW, PAY, and all others, a new first command too) end the entry, and so do \
                  commands refused for instruction, P1-P2, length or encoding; GET RESPONSE and \
                  a refused SELECT don't.",
        requirements: &[req::ENT_5, req::FRM_8],
        start: Start::Issued,
        level: Level::D1,
        defect: "A stream whose pieces come from two sessions.",
        run: interleaved,
    },
    Case {
        id: "TC-ENT-08",
        version: 1,
        purpose: "Nothing of an entry lasts before its last piece: with the power cut after each \
                  piece but the last, no coin is in the card and the receive index stays.",
        requirements: &[req::ENT_5, req::NVM_1],
        start: Start::Issued,
        level: Level::D1,
        defect: "A coin entered on its announcement alone.",
        run: nothing_before_the_last_piece,
    },
    Case {
        id: "TC-ENT-11",
        version: 1,
        purpose: "A piece without an entry under way is refused with 6985: at first, after a \
                  refused first command, after a refused piece, after the last piece, and for \
                  the authorised holder.",
        requirements: &[req::ENT_5],
        start: Start::Issued,
        level: Level::D1,
        defect: "A transaction taken without the owner's signature.",
        run: pieces_alone,
    },
];

fn interleaved(b: &mut Bench) -> Outcome {
    let mut stream = b.values.stream("coin");
    // The card's own script, so that a stream put together of two parts would enter.
    let (entry, bytes) = b.card.coin_at(&mut stream, 20_000, 0)?;
    let (first, second) = bytes.split_at(50);
    let sample = |name, command| Sample {
        name,
        command,
        needs: None,
    };
    let mut between = samples::declared(b)?;
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
        b.card.begun_entry(&entry)?;
        b.card
            .piece(first)?
            .want_bare(Sw::OK, "ENTER COIN, a piece")
            .preamble()?;
        b.card.send(&sample.command)?;
        b.card
            .piece(second)?
            .want_bare(Sw::CONDITIONS, "ENTER COIN, a piece after another command")
            .at(|| sample.name.to_owned())?;
        b.card.verify_right()?;
    }
    b.card.expect_receive_script(0)?;

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
        let other = Entry {
            txid: stream.bytes(),
            ..entry
        };
        b.card.begun_entry(&other)?;
        b.card
            .piece(first)?
            .want_bare(Sw::OK, "ENTER COIN, a piece")?;
        b.card.raw(command)?.want_bare(sw, name)?;
        b.card.piece(second)?.want_bare(
            Sw::OTHER_TXID,
            &format!("ENTER COIN, the last piece, after {name}"),
        )?;
    }
    Ok(())
}

fn nothing_before_the_last_piece(b: &mut Bench) -> Outcome {
    let mut stream = b.values.stream("coin");
    let (entry, bytes) = b.card.coin_at(&mut stream, 20_000, 4)?;
    let pieces: Vec<&[u8]> = bytes.chunks(12).collect();
    for sent in 0..pieces.len() {
        b.card.begun_entry(&entry)?;
        for piece in &pieces[..sent] {
            b.card
                .piece(piece)?
                .want_bare(Sw::OK, "ENTER COIN, a piece")
                .preamble()?;
        }
        b.card.power_cycle()?;
        b.card.verify_right()?;
        b.card
            .expect_receive_script(0)
            .at(|| format!("power cut after {sent} pieces"))?;
        b.card
            .preview_answer(&request(10_000))?
            .want_bare(Sw::INSUFFICIENT, "PREVIEW")
            .at(|| format!("power cut after {sent} pieces"))?;
        b.card.begun_entry(&entry)?;
        b.card.select()?;
    }
    Ok(())
}

fn pieces_alone(b: &mut Bench) -> Outcome {
    let mut stream = b.values.stream("coin");
    let (entry, bytes) = b.card.coin_at(&mut stream, 20_000, 0)?;
    let alone = |b: &mut Bench, when: &str| -> Outcome {
        b.card
            .piece(&bytes)?
            .want_bare(
                Sw::CONDITIONS,
                "ENTER COIN, a piece without an entry under way",
            )
            .at(|| when.to_owned())
    };
    alone(b, "at first")?;
    b.card.challenge()?;
    alone(b, "with a challenge outstanding")?;
    b.card.authorise()?;
    alone(b, "for the holder")?;
    b.card
        .begin_entry(&Entry { place: 10, ..entry })?
        .want_bare(Sw::INDEX, "ENTER COIN at index 10")?;
    alone(b, "after a refused first command")?;
    b.card.begun_entry(&entry)?;
    b.card
        .piece(&[2, 0, 0, 0, 0])?
        .want_bare(Sw::WRONG_DATA, "no inputs")?;
    alone(b, "after a refused piece")?;
    let other = Entry {
        txid: stream.bytes(),
        ..entry
    };
    b.card
        .enter_answer(&other, &bytes)?
        .want_bare(Sw::OTHER_TXID, "ENTER COIN with another txid")?;
    alone(b, "after a refused last piece")
}
