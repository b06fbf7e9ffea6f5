//! SIGN: what is signed, and what it leaves behind. Section 8.4.

use super::prelude::*;
use crate::model::{Place, Spend, SpendInput, SpendOutput};
use crate::values::Stream;

cases! {
    "TC-SGN-01" version 1 on Own D3 for [SGN_1 KEY_5 INF_2] runs shapes:
        "Transactions of 1 × 1, 2 × 3, 16 × 2, and the most inputs and outputs declared, versions \
         1 to 3, any lock time and sequence, places on both chains, coins that the card knows and \
         doesn't, scripts of 1 to 252 bytes: the sums are right, and every signature, in any order \
         and as often as asked, is valid BIP340 under the output key of its place, for \
         rust-bitcoin's BIP341 hash of that transaction."
        catches "A valid signature over another transaction: a sequence, a lock time or an output \
                 left out.";
    "TC-SGN-03" version 1 on Own D3 for [SGN_3 ENT_6 TX_6 TX_4 NVM_1 NVM_3] runs after_effects:
        "After the first signature, and a power cut right then, the inputs' indexes are retired, \
         their coins gone unless spent before, other coins at those indexes no candidates, and the \
         next change index above all change places of the outputs; the coins never enter again; \
         own outputs don't enter by themselves, and do when their transaction is streamed."
        catches "A coin signed away by its owner that a shop is then paid with.";
    "TC-SGN-04" version 1 on Own D3 for [SGN_4 LIM_2 LOG_1 SGN_1] runs no_limits:
        "The owner's signing isn't bounded by the limits per payment, in sum and in number, by the \
         least rate or the PIN (blocked), and moves no counter; payments that spend the same coins \
         stay in the log with their debit, and their cancellation by a higher fee is signed."
        catches "An owner who can't rescue his coins; a debit that signing takes back.";
    "TC-SGN-06" version 1 on Own D3 for [SGN_1 FRM_2] runs pieces:
        "One stream in pieces of 1, 7, 51, 52, 53, 100 and 255 bytes, and random ones, gives the \
         same sums and valid signatures; pieces before the last are answered without data."
        catches "A field that must not be cut in two.";
}

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

fn issue(ctx: &mut CaseContext, limits: Limits, amounts: &[u64]) -> Outcome {
    ctx.prepare_limited(limits, &[])?;
    ctx.needs(Capability::Signing)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, amounts)
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
            let sequence = sequences[stream.below(7) as usize];
            let vout = [0, 1, 255, 256, u32::MAX][stream.below(5) as usize];
            unknown(stream, amount, place).sequence(sequence).vout(vout)
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

fn shapes(ctx: &mut CaseContext) -> Outcome {
    issue(ctx, Limits::WIDE, &[90_000])?;
    let capabilities = ctx.host()?.capabilities;
    let most = (
        usize::from(capabilities.sign_inputs),
        usize::from(capabilities.sign_outputs),
    );
    let mut stream = ctx.values.stream("shapes");
    for (round, (inputs, outputs)) in (0..).zip([(1, 1), (2, 3), (16, 2), (1, 3), most]) {
        let place = || format!("{inputs} inputs, {outputs} outputs");
        let spend = some_shape(&mut stream, inputs, outputs, round);
        ctx.streamed(&spend, 255).at(place)?;
        ctx.signed_all(&spend).at(place)?;
        // Again, from the last to the first.
        for input in (0..inputs).rev().step_by(5) {
            ctx.signature_answer(input as u8)?
                .want(Sw::OK, "SIGN, a signature again")
                .at(place)?;
        }
    }
    // The card's own coin.
    let coin = ctx.host()?.purse.candidates()[0].clone();
    let spend = Spend::elsewhere(vec![SpendInput::of(&coin)], 500);
    ctx.streamed(&spend, 255)?;
    ctx.signed_all(&spend)?;
    ctx.expect_ledger("after all shapes")
}

fn after_effects(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(ctx, Limits::WIDE, &[90_000, 80_000, 70_000])?;
    let mut stream = ctx.values.stream("more coins");
    // A second coin at index 1, where the owner spends the first.
    let (beside, bytes) = ctx.coin_at(&mut stream, 65_000, 1)?;
    ctx.enter(&beside, &bytes, 65_000)?;
    ctx.pay_checked(&request_of(10_000))?;
    let coins = ctx.host()?.purse.coins.clone();
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
    ctx.expect_ledger("before the signing")?;
    ctx.streamed(&spend, 200)?;
    // One signature, and the power fails.
    ctx.signature_answer(2)?.want(Sw::OK, "SIGN, a signature")?;
    ctx.host_mut()?.purse.sign(&spend);
    ctx.power_cycle()?;
    ctx.expect_ledger("after one signature and a power cut")?;
    for (what, coin) in [("spent before", spent), ("spent by the owner", unspent)] {
        let entry = Entry {
            txid: coin.txid,
            vout: coin.vout,
            place: coin.index,
        };
        ctx.begin_entry(&entry)?
            .want_bare(Sw::RETIRED, "ENTER COIN of an input")
            .at(what)?;
    }
    // The coin beside the one that was spent is no candidate.
    let candidates: Vec<u64> = (ctx.host()?.purse.candidates().iter())
        .map(|coin| coin.amount)
        .collect();
    require!(
        !candidates.contains(&65_000),
        "the case's model lets a coin at a retired index be a candidate"
    );
    let all: u64 = candidates.iter().sum();
    let more = ctx.preview_checked(&request_of(all))?;
    put!(
        more == Err(Sw::INSUFFICIENT),
        "the case needs more than all candidates"
    );
    // The same again: its coins are gone, and the signatures are the same transaction's.
    ctx.streamed(&spend, 255)?;
    ctx.signed_all(&spend)?;
    ctx.expect_ledger("after the same signing again")?;
    // Own outputs enter by their transaction.
    let account = ctx.host()?.account.clone();
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
        ctx.enter(&entry, &bytes, amount)
            .at(|| format!("own output {vout}"))?;
    }
    let paid = ctx.pay_checked(&request_of(120_000))?;
    put!(
        paid.change_vout.is_some(),
        "the case needs change at the index after the owner's"
    );
    ctx.expect_ledger("at the end")
}

fn no_limits(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    issue(
        ctx,
        Limits::WIDE
            .per_payment(10_000)
            .cumulative(15_000)
            .payments(1)
            .least_rate(1_000),
        &[90_000, 80_000],
    )?;
    let kept = request_of(10_000);
    ctx.pay_checked(&kept)?;
    let spent = ctx.logged(&kept)?.plan.inputs[0].clone();
    ctx.block_pin()?;
    let coins: Vec<crate::model::Coin> = ctx.host()?.purse.candidates();
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
    ctx.streamed(&sweep, 255)?;
    ctx.signed_all(&sweep)?;
    ctx.expect_ledger("after a sweep")?;
    // The payment's own input, to the owner, with a higher fee: a cancellation.
    let cancel = Spend {
        version: 2,
        lock_time: 0,
        inputs: vec![SpendInput::of(&spent)],
        outputs: vec![SpendOutput::Own(spent.amount - 5_000, Place::receive(3))],
    };
    ctx.streamed(&cancel, 255)?;
    ctx.signed_all(&cancel)?;
    ctx.expect_ledger("after a cancellation")?;
    let answer = ctx.pay_answer(&kept)?;
    ctx.paid_again(&kept, answer)?;
    ctx.resolve(0)?
        .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))?;
    ctx.power_cycle()?;
    ctx.expect_ledger("after the owner resolved it")
}

fn pieces(ctx: &mut CaseContext) -> Outcome {
    issue(ctx, Limits::WIDE, &[])?;
    let mut stream = ctx.values.stream("pieces");
    for (round, size) in (0..).zip([1, 7, 51, 52, 53, 100, 255]) {
        let spend = some_shape(&mut stream, 3, 5, round);
        let place = || format!("pieces of {size} bytes");
        ctx.streamed(&spend, size).at(place)?;
        ctx.signed_all(&spend).at(place)?;
    }
    for round in 7..12 {
        let spend = some_shape(&mut stream, 4, 4, round);
        ctx.begin_sign(&spend.body())?
            .want_bare(Sw::OK, "SIGN, first command")?;
        let bytes = spend.stream();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let size = (1 + stream.below(90) as usize).min(rest.len());
            let (piece, after) = rest.split_at(size);
            rest = after;
            let answer = ctx.sign_piece(piece)?;
            if rest.is_empty() {
                answer.want(Sw::OK, "SIGN, last piece")?;
            } else {
                answer.want_bare(Sw::OK, "SIGN, a piece")?;
            }
        }
        ctx.signed_all(&spend)
            .at(|| format!("random cuts, round {round}"))?;
    }
    ctx.expect_ledger("after all")
}
