//! SIGN: what is signed, and what it leaves behind. Section 8.4.

use super::prelude::*;
use crate::model::{Place, Spend, SpendInput, SpendOutput};
use crate::values::Stream;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-SGN-01",
        version: 1,
        purpose: "Transactions of 1 × 1, 2 × 3, 16 × 2, and the most inputs and outputs declared, \
                  versions 1 to 3, any lock time and sequence, places on both chains, coins that \
                  the card knows and doesn't, scripts of 1 to 252 bytes: the sums are right, and \
                  every signature, in any order and as often as asked, is valid BIP340 under the \
                  output key of its place, for rust-bitcoin's BIP341 hash of that transaction.",
        requirements: &[req::SGN_1, req::KEY_5, req::INF_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A valid signature over another transaction: a sequence, a lock time or an \
                 output left out.",
        run: shapes,
    },
    Case {
        id: "TC-SGN-03",
        version: 1,
        purpose: "After the first signature, and a power cut right then, the inputs' indexes are \
                  retired, their coins gone unless spent before, other coins at those indexes no \
                  candidates, and the next change index above all change places of the outputs; \
                  the coins never enter again; own outputs don't enter by themselves, and do when \
                  their transaction is streamed.",
        requirements: &[
            req::SGN_3,
            req::ENT_6,
            req::TX_6,
            req::TX_4,
            req::NVM_1,
            req::NVM_3,
        ],
        start: Start::Own,
        level: Level::D3,
        defect: "A coin signed away by its owner that a shop is then paid with.",
        run: after_effects,
    },
    Case {
        id: "TC-SGN-04",
        version: 1,
        purpose: "The owner's signing isn't bounded by the limits per payment, in sum and in \
                  number, by the least rate or the PIN (blocked), and moves no counter; payments \
                  that spend the same coins stay in the log with their debit, and their \
                  cancellation by a higher fee is signed.",
        requirements: &[req::SGN_4, req::LIM_2, req::LOG_1, req::SGN_1],
        start: Start::Own,
        level: Level::D3,
        defect: "An owner who can't rescue his coins; a debit that signing takes back.",
        run: no_limits,
    },
    Case {
        id: "TC-SGN-06",
        version: 1,
        purpose: "One stream in pieces of 1, 7, 51, 52, 53, 100 and 255 bytes, and random ones, \
                  gives the same sums and valid signatures; pieces before the last are answered \
                  without data.",
        requirements: &[req::SGN_1, req::FRM_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A field that must not be cut in two.",
        run: pieces,
    },
];

/// An input that spends a coin which the card never heard of.
pub(super) fn unknown(stream: &mut Stream, amount: u64, place: Place) -> SpendInput {
    SpendInput {
        txid: stream.bytes(),
        vout: stream.below(3) as u32,
        sequence: 0xFFFF_FFFD,
        amount,
        place,
    }
}

fn issue(b: &mut Bench, limits: Limits, amounts: &[u64]) -> Outcome {
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    b.card.host()?.capabilities.needs(Capability::Signing)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, amounts)
}

/// Places far from where payments are, so that shapes don't retire each other's coins.
fn some_shape(stream: &mut Stream, inputs: usize, outputs: usize, round: u32) -> Spend {
    let sequences = [0, 1, 144, 0x0040_0001, 0xFFFF_FFFD, 0xFFFF_FFFE, u32::MAX];
    let inputs: Vec<SpendInput> = (0..inputs)
        .map(|at| {
            let index = 20 + round * 200 + at as u32;
            let place = if at % 2 == 0 {
                Place::receive(index)
            } else {
                Place::change(index)
            };
            let amount = 50_000 + stream.below(1_000_000);
            SpendInput {
                sequence: sequences[stream.below(7) as usize],
                vout: [0, 1, 255, 256, u32::MAX][stream.below(5) as usize],
                ..unknown(stream, amount, place)
            }
        })
        .collect();
    let mut left = inputs.iter().map(|input| input.amount).sum::<u64>() - 20_000;
    let lengths = [1, 22, 34, 251, 252, 83];
    let outputs = (0..outputs)
        .map(|at| {
            let last = at + 1 == outputs;
            let amount = match at {
                _ if last => left,
                0 => 0,
                _ => stream.below(left / 2),
            };
            left -= amount;
            match at % 3 {
                0 => SpendOutput::Other(amount, stream.vec(lengths[at / 3 % 6])),
                1 => SpendOutput::Own(amount, Place::receive(at as u32 % 10)),
                _ => SpendOutput::Own(amount, Place::change(at as u32 % 20)),
            }
        })
        .collect();
    Spend {
        version: 1 + round % 3,
        lock_time: [0, 1, 499_999_999, 500_000_000, u32::MAX][round as usize % 5],
        inputs,
        outputs,
    }
}

fn shapes(b: &mut Bench) -> Outcome {
    issue(b, Limits::WIDE, &[90_000])?;
    let capabilities = b.card.host()?.capabilities;
    let most = (
        usize::from(capabilities.sign_inputs),
        usize::from(capabilities.sign_outputs),
    );
    let mut stream = b.values.stream("shapes");
    for (round, (inputs, outputs)) in (0..).zip([(1, 1), (2, 3), (16, 2), (1, 3), most]) {
        let place = || format!("{inputs} inputs, {outputs} outputs");
        let spend = some_shape(&mut stream, inputs, outputs, round);
        b.card.streamed(&spend, 255).at(place)?;
        b.card.signed_all(&spend).at(place)?;
        // Again, from the last to the first.
        for input in (0..inputs).rev().step_by(5) {
            b.card
                .signature_answer(input as u8)?
                .want(Sw::OK, "SIGN, a signature again")
                .at(place)?;
        }
    }
    // The card's own coin.
    let coin = b.card.host()?.purse.candidates()[0].clone();
    let spend = Spend::elsewhere(vec![SpendInput::of(&coin)], 500);
    b.card.streamed(&spend, 255)?;
    b.card.signed_all(&spend)?;
    b.card.expect_books("after all shapes")
}

fn after_effects(b: &mut Bench) -> Outcome {
    issue(b, Limits::WIDE, &[90_000, 80_000, 70_000])?;
    let mut stream = b.values.stream("more coins");
    // A second coin at index 1, where the owner spends the first.
    let (beside, bytes) = b.card.coin_at(&mut stream, 65_000, 1)?;
    b.card.enter(&beside, &bytes, 65_000)?;
    b.card.pay_checked(&request(10_000))?;
    let coins = b.card.host()?.purse.coins.clone();
    let coin = |amount: u64| {
        (coins.iter().find(|coin| coin.amount == amount))
            .ok_or_else(|| Stop::Error("the case lost a coin".to_owned()))
    };
    let (spent, unspent) = (coin(90_000)?, coin(80_000)?);
    let spend = Spend {
        version: 2,
        lock_time: 0,
        inputs: vec![
            SpendInput::of(spent),
            SpendInput::of(unspent),
            unknown(&mut stream, 40_000, Place::receive(30)),
        ],
        outputs: vec![
            SpendOutput::Own(100_000, Place::change(9)),
            SpendOutput::Own(50_000, Place::change(4)),
            SpendOutput::Own(30_000, Place::receive(12)),
            SpendOutput::Other(20_000, payee::p2tr([7; 32]).to_bytes()),
        ],
    };
    b.card.expect_books("before the signing")?;
    b.card.streamed(&spend, 200)?;
    // One signature, and the power fails.
    b.card
        .signature_answer(2)?
        .want(Sw::OK, "SIGN, a signature")?;
    b.card.host_mut()?.purse.sign(&spend);
    b.card.power_cycle()?;
    b.card.expect_books("after one signature and a power cut")?;
    for (what, coin) in [("spent before", spent), ("spent by the owner", unspent)] {
        let entry = Entry {
            txid: coin.txid,
            vout: coin.vout,
            place: coin.index,
        };
        b.card
            .begin_entry(&entry)?
            .want_bare(Sw::RETIRED, "ENTER COIN of an input")
            .at(|| what.to_owned())?;
    }
    // The coin beside the one that was spent is no candidate.
    let candidates: Vec<u64> = (b.card.host()?.purse.candidates().iter())
        .map(|coin| coin.amount)
        .collect();
    require!(
        !candidates.contains(&65_000),
        "the case's model lets a coin at a retired index be a candidate"
    );
    let all: u64 = candidates.iter().sum();
    let more = b.card.preview_checked(&request(all))?;
    require!(
        more == Err(Sw::INSUFFICIENT),
        "the case needs more than all candidates"
    );
    // The same again: its coins are gone, and the signatures are the same transaction's.
    b.card.streamed(&spend, 255)?;
    b.card.signed_all(&spend)?;
    b.card.expect_books("after the same signing again")?;
    // Own outputs enter by their transaction.
    let account = b.card.host()?.account.clone();
    let transaction = spend.transaction(&account)?;
    let bytes = crate::tx::preimage(&transaction);
    for (vout, place, amount) in [
        (0, Place::change(9), 100_000),
        (1, Place::change(4), 50_000),
        (2, Place::receive(12), 30_000),
    ] {
        let entry = Entry {
            txid: crate::tx::txid(&transaction),
            vout,
            place: place.0,
        };
        b.card
            .enter(&entry, &bytes, amount)
            .at(|| format!("own output {vout}"))?;
    }
    let paid = b.card.pay_checked(&request(120_000))?;
    require!(
        paid.change_vout.is_some(),
        "the case needs change at the index after the owner's"
    );
    b.card.expect_books("at the end")
}

fn no_limits(b: &mut Bench) -> Outcome {
    issue(
        b,
        Limits {
            per_payment: 10_000,
            cumulative: 15_000,
            payments: 1,
            least_rate: 1_000,
            ..Limits::WIDE
        },
        &[90_000, 80_000],
    )?;
    let kept = request(10_000);
    b.card.pay_checked(&kept)?;
    let spent = b.card.logged(&kept)?.plan.inputs[0].clone();
    for left in [2, 1, 0] {
        b.card.verify_wrong(left)?;
    }
    let coins: Vec<crate::model::Coin> = b.card.host()?.purse.candidates();
    // Everything that is left, far below the least rate.
    let sum: u64 = coins.iter().map(|coin| coin.amount).sum();
    let sweep = Spend {
        version: 2,
        lock_time: 0,
        inputs: coins.iter().map(SpendInput::of).collect(),
        outputs: vec![SpendOutput::Other(
            sum - 30,
            payee::p2wsh([8; 32]).to_bytes(),
        )],
    };
    b.card.streamed(&sweep, 255)?;
    b.card.signed_all(&sweep)?;
    b.card.expect_books("after a sweep")?;
    // The payment's own input, to the owner, with a higher fee: a cancellation.
    let cancel = Spend {
        version: 2,
        lock_time: 0,
        inputs: vec![SpendInput::of(&spent)],
        outputs: vec![SpendOutput::Own(spent.amount - 5_000, Place::receive(3))],
    };
    b.card.streamed(&cancel, 255)?;
    b.card.signed_all(&cancel)?;
    b.card.expect_books("after a cancellation")?;
    let answer = b.card.pay_answer(&kept)?;
    b.card.paid_again(&kept, answer)?;
    b.card
        .resolve(0)?
        .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))?;
    b.card.power_cycle()?;
    b.card.expect_books("after the owner resolved it")
}

fn pieces(b: &mut Bench) -> Outcome {
    issue(b, Limits::WIDE, &[])?;
    let mut stream = b.values.stream("pieces");
    for (round, size) in (0..).zip([1, 7, 51, 52, 53, 100, 255]) {
        let spend = some_shape(&mut stream, 3, 5, round);
        let place = || format!("pieces of {size} bytes");
        b.card.streamed(&spend, size).at(place)?;
        b.card.signed_all(&spend).at(place)?;
    }
    for round in 7..12 {
        let spend = some_shape(&mut stream, 4, 4, round);
        b.card
            .begin_sign(&spend.body())?
            .want_bare(Sw::OK, "SIGN, first command")?;
        let bytes = spend.stream();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let size = (1 + stream.below(90) as usize).min(rest.len());
            let (piece, after) = rest.split_at(size);
            rest = after;
            let answer = b.card.sign_piece(piece)?;
            if rest.is_empty() {
                answer.want(Sw::OK, "SIGN, last piece")?;
            } else {
                answer.want_bare(Sw::OK, "SIGN, a piece")?;
            }
        }
        b.card
            .signed_all(&spend)
            .at(|| format!("random cuts, round {round}"))?;
    }
    b.card.expect_books("after all")
}
