//! RECEIVE SCRIPT: section 6.1.

use super::prelude::*;

/// The last index that a coin can enter at.
const LAST_INDEX: u32 = 4095;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-RCV-01",
        version: 1,
        purpose: "The receive index is one above the highest at which a coin ever entered: it \
                  stays when asked again, over power cycles, when a coin enters below it, and \
                  when coins are spent.",
        requirements: &[req::RCV_1, req::KEY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "An index that asking uses up, that falls back, or that counts coins.",
        run: next_index,
    },
    Case {
        id: "TC-RCV-02",
        version: 1,
        purpose: "RECEIVE SCRIPT is refused with 6982 without the holder's authorisation: before \
                  VERIFY, after a wrong PIN, after a payment; and with it, it doesn't use it up: \
                  ten times, then PREVIEW, once more, then PAY.",
        requirements: &[req::RCV_2, req::RCV_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Scripts for whoever asks; an authorisation spent by asking.",
        run: authority,
    },
    Case {
        id: "TC-RCV-03",
        version: 1,
        purpose: "Coins enter at indexes up to 4095, ten apart; after one at 4095 RECEIVE SCRIPT \
                  is refused with 6A84, also after a power cycle, while coins still enter at \
                  indexes given out before.",
        requirements: &[req::RCV_1, req::ENT_2, req::KEY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A script handed out at which no coin can enter; indexes cut to a byte or so.",
        run: last_index,
    },
];

fn next_index(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    let same = |b: &mut Bench, index: u32, when: &str| -> Outcome {
        for _ in 0..2 {
            b.card.verify_right()?;
            for _ in 0..3 {
                b.card.expect_receive_script(index).at(|| when.to_owned())?;
            }
            b.card.power_cycle()?;
        }
        Ok(())
    };
    same(b, 0, "at first")?;
    for (index, next) in [(0, 1), (0, 1), (5, 6), (2, 6), (5, 6), (15, 16), (6, 16)] {
        let (entry, transaction) = b.card.coin_at(&mut stream, 20_000, index)?;
        b.card
            .enter(&entry, &transaction, 20_000)
            .at(|| format!("index {index}"))?;
        same(b, next, &format!("after a coin at index {index}"))?;
    }
    b.card.pay_checked(&request(130_000))?;
    same(b, 16, "after a payment with all coins")
}

fn authority(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[50_000])?;
    b.card.expect_authorised(false, "before VERIFY")?;
    b.card.verify_wrong(2)?;
    b.card.expect_authorised(false, "after a wrong PIN")?;
    b.card.verify_right()?;
    for _ in 0..10 {
        b.card.expect_receive_script(1)?;
    }
    let request = request(10_000);
    b.card.preview_answer(&request)?.want(Sw::OK, "PREVIEW")?;
    b.card.expect_receive_script(1)?;
    let answer = b.card.pay_answer(&request)?;
    b.card.paid(&request, answer)?;
    b.card.expect_authorised(false, "after a payment")
}

fn last_index(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let room = usize::from(b.card.host()?.capabilities.coins);
    let mut stream = b.values.stream("coins");
    for index in (9..LAST_INDEX).step_by(10).chain([LAST_INDEX]) {
        if b.card.host()?.purse.coins.len() + 1 >= room {
            // A card with little room: as many coins as one payment takes make way for one.
            let candidates = b.card.host()?.purse.candidates();
            let sum: u64 = candidates.iter().take(16).map(|coin| coin.amount).sum();
            b.card.pay_checked(&request(sum - 5_000)).preamble()?;
            let next = b.card.host()?.purse.next_sequence;
            b.card.acknowledge(next, next).preamble()?;
        }
        let (entry, transaction) = b.card.coin_at(&mut stream, 20_000, index)?;
        b.card
            .enter(&entry, &transaction, 20_000)
            .at(|| format!("index {index}"))?;
        if index % 1_000 == 999 {
            b.card.authorise()?;
            b.card.expect_receive_script(index + 1)?;
        }
    }
    for _ in 0..2 {
        b.card.authorise()?;
        b.card
            .receive_script_answer()?
            .want_bare(Sw::NO_ROOM, "RECEIVE SCRIPT after a coin at index 4095")?;
        b.card.power_cycle()?;
    }
    for (index, sw) in [
        (LAST_INDEX + 1, Sw::INDEX),
        (LAST_INDEX, Sw::OK),
        (8, Sw::OK),
    ] {
        let txid = stream.bytes();
        b.card
            .begin_entry(&Entry {
                txid,
                vout: 0,
                place: index,
            })?
            .want_bare(sw, "ENTER COIN")
            .at(|| format!("index {index}"))?;
    }
    Ok(())
}
