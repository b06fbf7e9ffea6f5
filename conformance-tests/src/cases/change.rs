//! Change and retired indexes. Sections 7.3 and 7.4.

use super::prelude::*;
use crate::model::fee;

/// Length of a P2WPKH script.
const P2WPKH: u64 = 22;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-TX-06",
        version: 1,
        purpose: "Change of 330 sat is an output, change of 329 goes to the fee, and so does all \
                  below it; neither output nor fee appears twice.",
        requirements: &[req::TX_1, req::TX_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A dust output that no node relays; leftover that is nowhere.",
        run: boundary,
    },
    Case {
        id: "TC-TX-07",
        version: 1,
        purpose: "The change index starts at 0 and rises by one with each change output, not with \
                  previews, refused payments, payments without change, or power cycles.",
        requirements: &[req::TX_4, req::KEY_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A change index reused, or one left out, where the owner stops looking.",
        run: change_index,
    },
    Case {
        id: "TC-TX-08",
        version: 1,
        purpose: "Change is a coin at once, and after a power cycle: twelve payments in a row, \
                  each of the change of the one before, and then one of received coins and change \
                  together.",
        requirements: &[req::TX_5, req::PAY_7, req::NVM_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Change forgotten, or held with a wrong txid, vout, amount or index.",
        run: change_is_a_coin,
    },
    Case {
        id: "TC-TX-09",
        version: 1,
        purpose: "A payment retires the indexes that it spends from: other coins there stay in \
                  the card and are no candidates, none can enter there, on the receive chain only \
                  what was spent there; two coins of one index can be spent together. It lasts \
                  over power cycles.",
        requirements: &[req::TX_6, req::TX_1, req::ENT_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A retired index that comes back, one that retires the same index of the other \
                 chain, or its coins spent all the same.",
        run: retired,
    },
];

fn boundary(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[100_000, 90_000, 80_000, 70_000])?;
    let with = fee(1, P2WPKH, true, 1_000);
    for (coin, rest, change) in [
        (100_000, 330, 330),
        (90_000, 329, 0),
        (80_000, 0, 0),
        (70_000, 331, 331),
    ] {
        let request = request(coin - with - rest);
        let plan = b.card.plan(&request)?;
        require!(
            plan.change == change && plan.inputs.len() == 1,
            "the case needs change of {change} sat, its model has {}",
            plan.change
        );
        b.card
            .preview_checked(&request)
            .at(|| format!("rest of {rest} sat"))?
            .ok();
        let answer = b.card.pay_answer(&request)?;
        let paid = b
            .card
            .paid(&request, answer)
            .at(|| format!("rest of {rest} sat"))?;
        require!(
            paid.transaction.output.len() == 1 + usize::from(change > 0),
            "rest of {rest} sat: {} outputs",
            paid.transaction.output.len()
        );
    }
    Ok(())
}

fn change_index(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[100_000, 90_000, 80_000, 70_000, 60_000])?;
    let without = |coin: u64| request(coin - fee(1, P2WPKH, false, 1_000));
    for (what, request, next) in [
        ("with change", request(10_000), 1),
        ("with change", request(5_000), 2),
        ("without change", without(100_000 - 10_000 - 142), 2),
        ("with change", request(5_000), 3),
        ("without change", without(80_000), 3),
    ] {
        b.card
            .preview_checked(&request)
            .at(|| what.to_owned())?
            .ok();
        b.card.power_cycle()?;
        b.card.authorise()?;
        b.card
            .pay_answer(&Request {
                amount: 100_000_000,
                ..request.clone()
            })?
            .want_bare(Sw::INSUFFICIENT, "PAY")?;
        // The transaction is checked to pay to the next change index of the model.
        b.card
            .pay_checked(&request)
            .at(|| format!("payment {what}, next index {next}"))?;
        let reached = b.card.host()?.purse.next_change;
        require!(
            reached == next,
            "the case needs change index {next}, its model has {reached}"
        );
        b.card.power_cycle()?;
    }
    Ok(())
}

fn change_is_a_coin(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[100_000])?;
    for payment in 0..12 {
        if payment % 3 == 2 {
            b.card.power_cycle()?;
        }
        let paid = b
            .card
            .pay_checked(&request(3_000))
            .at(|| format!("payment {payment}"))?;
        require!(paid.change_vout.is_some(), "the case needs change");
    }
    let mut stream = b.values.stream("more coins");
    b.card.fund(&mut stream, &[50_000, 20_000])?;
    let all: u64 = b
        .card
        .host()?
        .purse
        .candidates()
        .iter()
        .map(|coin| coin.amount)
        .sum();
    b.card
        .pay_checked(&request(all - 1_000))
        .at(|| "received coins and change together".to_owned())?;
    Ok(())
}

fn retired(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    for (amount, index) in [
        (90_000, 0),
        (20_000, 0),
        (50_000, 1),
        (49_000, 1),
        (30_000, 2),
    ] {
        let (entry, bytes) = b.card.coin_at(&mut stream, amount, index)?;
        b.card.enter(&entry, &bytes, amount).preamble()?;
    }
    let closed = |b: &mut Bench, index: u32| -> Outcome {
        let entry = Entry {
            txid: b.values.bytes("late coin"),
            vout: 0,
            place: index,
        };
        b.card
            .begin_entry(&entry)?
            .want_bare(Sw::RETIRED, "ENTER COIN at a retired index")
            .at(|| format!("index {index}"))
    };
    let open = |b: &mut Bench, index: u32| -> Outcome {
        let entry = Entry {
            txid: b.values.bytes("late coin"),
            vout: 0,
            place: index,
        };
        b.card
            .begin_entry(&entry)?
            .want_bare(Sw::OK, "ENTER COIN")
            .at(|| format!("index {index}"))
    };
    let everything = |b: &Bench| -> Step<u64> {
        Ok(b.card
            .host()?
            .purse
            .candidates()
            .iter()
            .map(|coin| coin.amount)
            .sum())
    };
    // Spends 90 000 at index 0; 20 000 stay there, no candidate.
    b.card.pay_checked(&request(60_000))?;
    for _ in 0..2 {
        closed(b, 0)?;
        open(b, 1)?;
        open(b, 2)?;
        let all = everything(b)?;
        let more = b.card.preview_checked(&request(all))?;
        require!(
            more == Err(Sw::INSUFFICIENT),
            "the case needs more than all candidates"
        );
        b.card.preview_checked(&request(all - 1_000))?.ok();
        b.card.power_cycle()?;
    }
    // The change is at index 0 of the other chain: it is a candidate, and its spending retires
    // nothing of the receive chain. Both coins of index 1 go together.
    b.card.pay_checked(&request(98_000))?;
    closed(b, 1)?;
    open(b, 2)?;
    let all = everything(b)?;
    b.card.pay_checked(&request(all - 1_000))?;
    b.card.power_cycle()?;
    for index in [0, 1, 2] {
        closed(b, index)?;
    }
    open(b, 3)?;
    // What is left is the coin at the retired index: known, and not to be spent.
    let left = b.card.preview_checked(&request(1_000))?;
    require!(
        left == Err(Sw::INSUFFICIENT),
        "the case must have spent all candidates"
    );
    b.card.verify_right()?;
    b.card.expect_receive_script(3)
}
