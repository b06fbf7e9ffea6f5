//! The ATR, and short and extended APDUs: section 2.

use super::prelude::*;
use crate::apdu::LE_EXTENDED;

/// Coins that make a payment of 40 000 sat take seven of them: answers of more than 256 bytes.
const SEVEN_SMALL: [u64; 7] = [6_000; 7];
const SEVEN_INPUTS: u64 = 40_000;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-FRM-01",
        version: 1,
        purpose: "The ATR is the declared one, its check byte is right, and it is the same after \
                  cold and warm resets.",
        requirements: &[req::FRM_1],
        start: Start::Factory,
        level: Level::D0,
        defect: "Wrong historical bytes or check byte; an ATR that changes with the state.",
        run: atr,
    },
    Case {
        id: "TC-FRM-02",
        version: 1,
        purpose: "All cards of the run gave the same ATR and the same answer to SELECT, before \
                  and after they were issued. (Two cards of one maker; a serial number that only \
                  shows over batches stays unseen.)",
        requirements: &[req::FRM_1],
        start: Start::AfterAll,
        level: Level::D3,
        defect: "A serial number, or a key's hash, in the ATR or in the FCI.",
        run: cards_look_alike,
    },
    Case {
        id: "TC-FRM-03",
        version: 1,
        purpose: "A card's whole life, from key generation to a payment with seven inputs, on \
                  short APDUs alone and without command chaining.",
        requirements: &[req::FRM_2, req::FRM_5],
        start: Start::Own,
        level: Level::D3,
        defect: "A command that only works in extended form or by chaining.",
        run: short_life,
    },
    Case {
        id: "TC-FRM-04",
        version: 1,
        purpose: "The same life in extended APDUs, with the same effects: whole answers with \
                  9000, pieces of a transaction of 256 to 1024 bytes.",
        requirements: &[req::FRM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "Extended Lc read as one byte; extended Le cut to 256; 61xx although Le suffices.",
        run: extended_life,
    },
    Case {
        id: "TC-FRM-05",
        version: 1,
        purpose: "An extended Le below the answer's length gives the first Le bytes with 61xx, \
                  and the rest by GET RESPONSE; an Le of the exact length, or above, gives all.",
        requirements: &[req::FRM_3, req::FRM_5],
        start: Start::Funded,
        level: Level::D1,
        defect: "Extended Le ignored.",
        run: extended_le,
    },
];

fn atr(b: &mut Bench) -> Outcome {
    let atr = b.card.atr();
    require!(
        atr == b.settings.atr,
        "the ATR is {} instead of {}",
        hex::encode_upper(&atr),
        hex::encode_upper(&b.settings.atr)
    );
    require!(
        atr.iter().skip(1).fold(0, |sum, byte| sum ^ byte) == 0,
        "the check byte of the ATR isn't the exclusive-or of the bytes after the first"
    );
    for how in [Reset::Cold, Reset::Warm, Reset::Warm, Reset::Cold] {
        b.card.reset(how)?;
        require!(b.card.atr() == atr, "the ATR differs after a {how:?} reset");
    }
    Ok(())
}

fn cards_look_alike(b: &mut Bench) -> Outcome {
    // A second card, so that there are two even when this case runs alone.
    let profile = b.profile()?;
    b.issue(&profile)?;
    b.fresh_card()?;
    let profile = b.profile()?;
    b.issue(&profile)?;
    b.card.select_fci()?;
    let recorder = b.recorder.borrow();
    let differing = recorder.atrs.iter().find(|atr| **atr != recorder.atrs[0]);
    require!(
        differing.is_none(),
        "two cards gave different ATRs: {} and {}",
        hex::encode_upper(&recorder.atrs[0]),
        differing.map(hex::encode_upper).unwrap_or_default()
    );
    let mut fcis = recorder.fcis.iter();
    let first = fcis.next().map(|(_, fci)| fci.clone()).unwrap_or_default();
    for (card, fci) in fcis {
        require!(
            *fci == first,
            "card {card} answered SELECT with {} and another card with {}",
            hex::encode_upper(fci),
            hex::encode_upper(&first)
        );
    }
    let (cards, fcis) = (recorder.atrs.len(), recorder.fcis.len());
    drop(recorder);
    b.note(format!(
        "{cards} cards' ATRs and {fcis} cards' answers to SELECT are the same"
    ));
    Ok(())
}

fn short_life(b: &mut Bench) -> Outcome {
    life(b).map(drop)
}

fn life(b: &mut Bench) -> Step<usize> {
    let profile = b.profile()?;
    b.card.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    for amount in SEVEN_SMALL {
        let index = b.card.host()?.purse.next_receive;
        let (entry, transaction) = b.card.coin_at(&mut stream, amount, index)?;
        b.card.enter(&entry, &transaction, amount)?;
    }
    b.card.verify_wrong(2)?;
    b.card.verify_right()?;
    b.card.expect_receive_script(SEVEN_SMALL.len() as u32)?;
    let request = request(SEVEN_INPUTS);
    let plan = b.card.preview_checked(&request)?;
    require!(
        plan.is_ok_and(|plan| plan.inputs.len() == 7),
        "seven coins are needed"
    );
    let answer = b.card.pay_answer(&request)?;
    let length = answer.data.len();
    b.card.paid(&request, answer)?;
    Ok(length)
}

fn extended_life(b: &mut Bench) -> Outcome {
    b.card.select()?;
    needs_extended_length(b)?;
    b.card.form = Form::Extended;
    let length = life(b)?;
    require!(
        length > 256,
        "the answer to PAY is too short for this case: {length} bytes"
    );

    // A piece longer than a short command can carry.
    let mut stream = b.values.stream("long");
    let index = b.card.host()?.purse.next_receive;
    let script = b.card.host()?.account.script(0, index)?;
    let outputs = vec![(7_000, script); 50];
    let transaction = crate::tx::funding(&mut stream, 3, &outputs);
    let bytes = crate::tx::preimage(&transaction);
    let entry = Entry {
        txid: crate::tx::txid(&transaction),
        vout: 49,
        place: index,
    };
    b.card.begun_entry(&entry)?;
    let (first, rest) = bytes.split_at(1024);
    let (second, last) = rest.split_at(256);
    for piece in [first, second] {
        b.card.piece(piece)?.want_bare(
            Sw::OK,
            &format!("ENTER COIN, a piece of {} bytes", piece.len()),
        )?;
    }
    let answer = b.card.piece(last)?;
    b.card.entered(&entry, 7_000, answer)
}

fn needs_extended_length(b: &mut Bench) -> Outcome {
    if b.card.capabilities().preamble()?.extended_length() {
        return Ok(());
    }
    Err(Stop::NotApplicable(
        "the card doesn't declare extended length".to_owned(),
    ))
}

fn extended_le(b: &mut Bench) -> Outcome {
    needs_extended_length(b)?;
    let request = request(1_200_000);
    let command = Command::new([0x80, 0x32, 0, 0]).data(request.encode());
    b.card
        .preview_checked(&request)?
        .map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
    b.card.authorise()?;
    let whole = b
        .card
        .send(&command.clone().le(LE_SHORT))?
        .want(Sw::OK, "PREVIEW")?;
    let length = whole.len() as u32;
    require!(
        length > 257,
        "the answer is too short for this case: {length} bytes"
    );
    for le in [1, 255, 256, 257, length - 1] {
        b.card.authorise()?;
        let first = b.card.raw(&command.clone().le(le).extended()?)?;
        let left = length - le;
        let expected = Sw(0x6100 | if left >= 256 { 0 } else { left as u16 });
        let mut data = first
            .want(expected, "PREVIEW with a small extended Le")
            .at(|| format!("Le {le}"))?;
        require!(
            data.len() == le as usize,
            "Le {le} gave {} bytes",
            data.len()
        );
        while data.len() < whole.len() {
            data.extend(b.card.get_response(256)?.data);
        }
        require!(
            data == whole,
            "Le {le}: the parts don't make the whole answer"
        );
    }
    for le in [length, length + 1, LE_EXTENDED - 1, LE_EXTENDED] {
        b.card.authorise()?;
        let data = b
            .card
            .raw(&command.clone().le(le).extended()?)?
            .want(Sw::OK, "PREVIEW with an extended Le that suffices")
            .at(|| format!("Le {le}"))?;
        require!(data == whole, "Le {le}: not the whole answer");
    }
    Ok(())
}
