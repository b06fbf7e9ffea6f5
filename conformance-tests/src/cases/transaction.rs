//! Choice of coins, fee, and the transaction itself. Section 7.3.

use super::prelude::*;
use crate::model::fee;
use crate::tx::{funding, preimage, txid};

/// Requests that TC-TX-01 previews besides those that need each number of coins.
const RANDOM_REQUESTS: usize = 300;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-TX-01",
        version: 1,
        purpose: "PREVIEW agrees with the suite's own reckoning (coins and their order, fee, \
                  change, or the refusal) for payments that need 1 to 16 coins, at the boundaries \
                  where another coin is needed or change appears, for all payee types and rates \
                  from 100 to 1 000 000 sat/kvB, and for 300 random requests.",
        requirements: &[req::TX_1, req::TX_2, req::PAY_5, req::INF_2],
        start: Start::Funded,
        level: Level::D1,
        defect: "Wrong size or rounding; too many coins; a coin of the wrong end first.",
        run: reckoning,
    },
    Case {
        id: "TC-TX-02",
        version: 1,
        purpose: "Payments with 1, 2, 3, 7 and 16 inputs, to all payee types, with and without \
                  change: every byte of each transaction is the one that the text determines, the \
                  signatures are valid, the size is the formula's, and it is what PREVIEW said.",
        requirements: &[req::TX_1, req::TX_3, req::PAY_2, req::KEY_5, req::PAY_5],
        start: Start::Own,
        level: Level::D3,
        defect: "A field with another value; a PAY that differs from its PREVIEW.",
        run: payments,
    },
    Case {
        id: "TC-TX-03",
        version: 1,
        purpose: "Coins of equal amounts are taken by txid, bytewise ascending as a transaction \
                  carries it, then by vout as a number, whatever the order of entry.",
        requirements: &[req::TX_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Order of entry, of the shown txid, or of vout's bytes.",
        run: equal_amounts,
    },
    Case {
        id: "TC-TX-04",
        version: 1,
        purpose: "Too fragmented (9402) and insufficient funds (9401) are told apart to the sat, \
                  for several fee rates and payee types; 9402 never with sixteen coins or fewer.",
        requirements: &[req::TX_2],
        start: Start::Funded,
        level: Level::D1,
        defect: "A till that asks for another card when the owner should consolidate, or the \
                 other way round.",
        run: fragmented,
    },
    Case {
        id: "TC-TX-05",
        version: 1,
        purpose: "The outputs are ordered by amount, then by script: payee below and above the \
                  change, and equal to it with a script that sorts before and after.",
        requirements: &[req::TX_3, req::TX_4],
        start: Start::Own,
        level: Level::D3,
        defect: "Change always last: whoever reads the chain tells payee from change.",
        run: output_order,
    },
];

fn types(b: &Bench) -> [(&'static str, bitcoin::ScriptBuf); 5] {
    payee::all(b.values.bytes("payee"))
}

fn reckoning(b: &mut Bench) -> Outcome {
    let candidates = b.card.host()?.purse.candidates();
    let amounts: Vec<u64> = candidates.iter().map(|coin| coin.amount).collect();
    let rates = [100, 999, 1_000, 1_001, 12_345, 250_000];
    let mut previews = 0;
    for inputs in 1..=16 {
        let sum: u64 = amounts[..inputs].iter().sum();
        let (_, script) = &types(b)[inputs % 5];
        let length = script.len() as u64;
        let rate = rates[inputs % rates.len()];
        let without = fee(inputs as u64, length, false, rate);
        let with = fee(inputs as u64, length, true, rate);
        // The most that so many coins give; one sat more needs another coin; change of 330 and 329.
        for amount in [
            sum - without,
            sum - without + 1,
            sum - with - 330,
            sum - with - 329,
        ] {
            let request = Request {
                rate,
                payee: script.clone(),
                ..request(amount)
            };
            let place = || format!("{inputs} coins, {amount} sat, {rate} sat/kvB");
            b.card.preview_checked(&request).at(place)?.ok();
            previews += 1;
        }
    }
    for (name, payee) in types(b) {
        for rate in rates.into_iter().chain([1_000_000]) {
            for amount in [1_000, 199_000, 400_000] {
                let request = Request {
                    rate,
                    payee: payee.clone(),
                    ..request(amount)
                };
                let place = || format!("{name}, {amount} sat, {rate} sat/kvB");
                b.card.preview_checked(&request).at(place)?.ok();
                previews += 1;
            }
        }
    }
    let mut stream = b.values.stream("requests");
    let total: u64 = amounts.iter().sum();
    let mut refused = 0;
    for _ in 0..RANDOM_REQUESTS {
        let (name, payee) = types(b)[stream.below(5) as usize].clone();
        let rate = 100 + stream.below(20_000) as u32;
        let amount = 600 + stream.below(total);
        let place = || format!("{name}, {amount} sat, {rate} sat/kvB");
        let plan = b
            .card
            .preview_checked(&Request {
                rate,
                payee,
                ..request(amount)
            })
            .at(place)?;
        refused += usize::from(plan.is_err());
    }
    b.note(format!(
        "{} previews, {refused} of the random ones refused as they must be",
        previews + RANDOM_REQUESTS
    ));
    Ok(())
}

fn payments(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    for (round, inputs) in [16, 7, 3, 2, 1].into_iter().enumerate() {
        for change in [true, false] {
            let amounts: Vec<u64> = (0..inputs as u64).map(|coin| 40_000 - 500 * coin).collect();
            b.card.fund(&mut stream, &amounts)?;
            let candidates = b.card.host()?.purse.candidates();
            let sum: u64 = candidates[..inputs].iter().map(|coin| coin.amount).sum();
            let (name, payee) = types(b)[(2 * round + usize::from(change)) % 5].clone();
            let rate = [1_000, 100, 3_333, 9_999, 20_001][round];
            let length = payee.len() as u64;
            let spare = if change {
                fee(inputs as u64, length, true, rate) + 1_234
            } else {
                fee(inputs as u64, length, false, rate) + 7
            };
            let request = Request {
                rate,
                payee,
                ..request(sum - spare)
            };
            let place = || format!("{inputs} inputs, {name}, change: {change}");
            let plan =
                b.card.preview_checked(&request).at(place)?.map_err(|sw| {
                    Stop::Error(format!("the case's payment is refused with {sw}"))
                })?;
            require!(
                plan.inputs.len() == inputs && (plan.change > 0) == change,
                "the case needs {inputs} inputs and change: {change}"
            );
            let answer = b.card.pay_answer(&request)?;
            b.card.paid(&request, answer).at(place)?;
        }
    }
    Ok(())
}

fn equal_amounts(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let mut stream = b.values.stream("coins");
    let account = b.card.host()?.account.clone();
    // One transaction with outputs on both sides of vout 255, so that byte order shows.
    let mut outputs = vec![(1_000, payee::p2wsh(stream.bytes())); 259];
    for (vout, index) in [(258, 0), (1, 1), (256, 2)] {
        outputs[vout] = (20_000, account.script(0, index)?);
    }
    let wide = funding(&mut stream, 1, &outputs);
    for (vout, index) in [(258, 0), (1, 1), (256, 2)] {
        let entry = Entry {
            txid: txid(&wide),
            vout,
            place: index,
        };
        b.card.enter(&entry, &preimage(&wide), 20_000).preamble()?;
    }
    // And others whose txids sort one way as transactions carry them, the other way as shown.
    b.card.fund(&mut stream, &[20_000; 7])?;
    let order: Vec<[u8; 32]> = b
        .card
        .host()?
        .purse
        .candidates()
        .iter()
        .map(|coin| coin.txid)
        .collect();
    let mut shown = order.clone();
    shown.sort_by_key(|txid| txid.iter().rev().copied().collect::<Vec<u8>>());
    require!(
        shown != order,
        "both orders are the same: take another seed"
    );
    for inputs in 1..=10 {
        let request = request(20_000 * inputs - 2_000);
        let plan = b
            .card
            .preview_checked(&request)
            .at(|| format!("{inputs} coins"))?;
        require!(
            plan.is_ok_and(|plan| plan.inputs.len() == inputs as usize),
            "the case needs {inputs} inputs"
        );
    }
    b.card.pay_checked(&request(110_000))?;
    b.card.pay_checked(&request(60_000)).map(drop)
}

fn fragmented(b: &mut Bench) -> Outcome {
    let candidates = b.card.host()?.purse.candidates();
    let all: u64 = candidates.iter().map(|coin| coin.amount).sum();
    let sixteen: u64 = candidates[..16].iter().map(|coin| coin.amount).sum();
    for (name, payee) in types(b) {
        for rate in [100, 1_000, 5_555] {
            let fee = fee(16, payee.len() as u64, false, rate);
            let boundaries = [
                (sixteen - fee, None),
                (sixteen - fee + 1, Some(Sw::FRAGMENTED)),
                (all - fee, Some(Sw::FRAGMENTED)),
                (all - fee + 1, Some(Sw::INSUFFICIENT)),
                (all, Some(Sw::INSUFFICIENT)),
            ];
            for (amount, refusal) in boundaries {
                let request = Request {
                    rate,
                    payee: payee.clone(),
                    ..request(amount)
                };
                let place = || format!("{name}, {amount} sat, {rate} sat/kvB");
                let plan = b.card.preview_checked(&request).at(place)?;
                require!(
                    plan.as_ref().err().copied() == refusal,
                    "{}: the case expects {refusal:?}, its model {plan:?}",
                    place()
                );
            }
        }
    }
    Ok(())
}

fn output_order(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[100_000, 90_000, 80_000, 70_000])?;
    let first = b.card.pay_checked(&request(20_000))?;
    let second = b.card.pay_checked(&request(60_000))?;
    require!(
        first.change_vout == Some(1) && second.change_vout == Some(0),
        "the case needs the payee before and after the change"
    );
    // Payee and change alike: (amount − fee) / 2 each.
    for (what, payee, vout) in [
        ("payee's script first", payee::p2wpkh([0; 20]), 1),
        ("change script first", payee::p2pkh([0xFF; 20]), 0),
    ] {
        let sum = b.card.host()?.purse.candidates()[0].amount;
        let fee = fee(1, payee.len() as u64, true, 1_000);
        let even = fee + (sum - fee) % 2;
        let rate = if even == fee {
            1_000
        } else {
            next_rate(payee.len() as u64, even)?
        };
        let request = Request {
            rate,
            payee,
            ..request((sum - even) / 2)
        };
        let plan = b.card.plan(&request)?;
        require!(
            plan.change == request.amount,
            "{what}: the case needs equal outputs"
        );
        let paid = b.card.pay_checked(&request).at(|| what.to_owned())?;
        require!(
            paid.change_vout == Some(vout),
            "{what}: the case needs the change at {vout}"
        );
    }
    Ok(())
}

/// A fee rate at which a payment of one input with change costs so much.
fn next_rate(payee: u64, wanted: u64) -> Step<u32> {
    (1_000..1_100)
        .find(|rate| fee(1, payee, true, *rate) == wanted)
        .ok_or_else(|| Stop::Error("no fee rate fits".to_owned()))
}
