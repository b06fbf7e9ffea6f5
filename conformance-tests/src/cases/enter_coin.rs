//! ENTER COIN: what enters, and what stays. Section 6.2.

use super::prelude::*;
use crate::model::{MAX_AMOUNT, Place, fee};
use crate::tx::{funding, preimage, txid};
use bitcoin::{Sequence, Transaction};

cases! {
    "TC-ENT-01" version 1 on Own D3 for [ENT_1 NVM_1 NVM_3] runs enters:
        "Coins of 330 sat, of 21·10¹⁴ sat and between enter, at the first, a middle and the last \
         output, several of one transaction too; each is in the card after a power cut right after \
         the answer, and a payment spends it."
        catches "An answer before the coin is stored; an amount cut to 32 bits; vout ignored.";
    "TC-ENT-02" version 1 on Own D3 for [ENT_1 FRM_2] runs pieces:
        "Coins enter whatever the pieces: 1, 2, 3, 31 to 33, 64, 100, 254 and 255 bytes, and \
         random cuts."
        catches "A field that must not be cut in two; a lost byte at a piece's border.";
    "TC-ENT-03" version 1 on Own D3 for [ENT_1 ENT_3 ENT_4] runs shapes:
        "Coins enter from transactions of all shapes: 300 inputs, 600 outputs, scripts of none to \
         10 000 bytes, any version, lock time and sequence, an outpoint with a zero txid or the \
         highest vout alone."
        catches "A buffer that bounds the transaction; counts above 252 misread; a coin refused \
                 for what its transaction looks like.";
    "TC-ENT-09" version 3 on Own D3 for [ENT_2 INF_2 ACK_1 PAY_4 IMG_1] runs room:
        "The card takes exactly as many coins as it declares, then refuses with 6A84, still pays \
         where no change needs a place (else 6A84), and takes coins again when the owner \
         acknowledged a payment. When its log is full too, and the oldest payment makes room, its \
         coin's place is free for the change."
        catches "A full card that overwrites a coin, or can no longer pay; a false declaration.";
    "TC-ENT-10" version 2 on Own D3 for [ENT_6 ENT_2 TX_6] runs never_again:
        "A coin that a payment spent never enters again: neither announced as before, nor at \
         another index, nor after power cycles, further payments and their acknowledgement; and so \
         for change that was spent."
        catches "A revived coin: the card signs a second payment with it, which the shop can't \
                 tell from a good one.";
}

fn enters(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    let amounts = [330, 40_000, 5_000_000_000, 2_000_000_000_000_000];
    let mut outputs = Vec::new();
    for (index, amount) in (0..).zip(amounts) {
        outputs.push((amount, ctx.host()?.account.script(0, index)?));
        outputs.push((1_000, payee::p2wpkh(stream.bytes())));
    }
    let transaction = funding(&mut stream, 2, &outputs);
    let bytes = preimage(&transaction);
    for (index, amount) in (0..).zip(amounts) {
        let entry = Entry {
            txid: txid(&transaction),
            vout: 2 * index,
            place: index,
        };
        ctx.enter(&entry, &bytes, amount)?;
        ctx.power_cycle()?;
        ctx.begin_entry(&entry)?.want_bare(
            Sw::COIN_KNOWN,
            "ENTER COIN of a coin that entered before the power cut",
        )?;
    }
    // A payment of all but its fee takes all four, the smallest too.
    let plan = ctx.preview_checked(&request_of(amounts.iter().sum::<u64>() - 300))?;
    put!(
        plan.is_ok_and(|plan| plan.inputs.len() == 4),
        "the case needs all four coins"
    );
    let (entry, bytes) = ctx.coin_at(&mut stream, MAX_AMOUNT, 4)?;
    ctx.enter(&entry, &bytes, MAX_AMOUNT)?;
    ctx.power_cycle()?;
    ctx.pay_checked(&request_of(MAX_AMOUNT - 1_000)).map(drop)
}

fn pieces(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    for size in [1, 2, 3, 31, 32, 33, 64, 100, 254, 255] {
        let index = ctx.host()?.purse.next_receive();
        let (entry, bytes) = wide_coin(ctx, &mut stream, index)?;
        ctx.begun_entry(&entry)?;
        let answer = ctx.stream(&bytes, size)?;
        ctx.entered(&entry, 25_000, answer)
            .at(|| format!("pieces of {size} bytes"))?;
    }
    for round in 0..10 {
        let index = ctx.host()?.purse.next_receive();
        let (entry, bytes) = wide_coin(ctx, &mut stream, index)?;
        ctx.begun_entry(&entry)?;
        let mut rest = bytes.as_slice();
        loop {
            let size = (1 + stream.below(120) as usize).min(rest.len());
            let (piece, after) = rest.split_at(size);
            rest = after;
            let answer = ctx.piece(piece)?;
            if rest.is_empty() {
                ctx.entered(&entry, 25_000, answer)
                    .at(|| format!("random cuts, round {round}"))?;
                break;
            }
            answer.want_bare(Sw::OK, "ENTER COIN, a piece")?;
        }
    }
    Ok(())
}

/// A coin of 25 000 sat among other outputs, from a transaction of some 600 bytes.
fn wide_coin(
    ctx: &CaseContext,
    stream: &mut crate::values::Stream,
    index: u32,
) -> Step<(Entry, Vec<u8>)> {
    let script = ctx.host()?.account.script(0, index)?;
    let mut outputs = vec![(9_000, payee::p2pkh(stream.bytes())); 4];
    outputs.insert(2, (25_000, script));
    let mut transaction = funding(stream, 8, &outputs);
    for input in &mut transaction.input {
        let length = stream.below(40) as usize;
        input.script_sig = stream.vec(length).into();
    }
    let entry = Entry {
        txid: txid(&transaction),
        vout: 2,
        place: index,
    };
    Ok((entry, preimage(&transaction)))
}

fn shapes(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    type Change = fn(&mut Transaction);
    let all: [(&str, usize, usize, Change); 12] = [
        ("one input, one output", 1, 0, |_| {}),
        ("252 inputs", 252, 1, |_| {}),
        ("253 inputs", 253, 1, |_| {}),
        ("300 inputs", 300, 2, |_| {}),
        ("252 outputs", 1, 251, |_| {}),
        ("253 outputs", 1, 252, |_| {}),
        ("600 outputs", 2, 599, |_| {}),
        ("scripts of 252, 253 and 10 000 bytes", 3, 3, |tx| {
            for (input, length) in tx.input.iter_mut().zip([252, 253, 10_000]) {
                input.script_sig = vec![0x51; length].into();
            }
            for (output, length) in tx.output.iter_mut().zip([252, 253, 10_000]) {
                output.script_pubkey = vec![0x6A; length].into();
            }
        }),
        ("empty scripts", 2, 3, |tx| {
            tx.output[0].script_pubkey = Vec::new().into();
            tx.output[1].value = bitcoin::Amount::ZERO;
        }),
        (
            "version, lock time and sequence of another age",
            2,
            1,
            |tx| {
                tx.version = bitcoin::transaction::Version(-1);
                tx.lock_time = bitcoin::absolute::LockTime::from_consensus(u32::MAX);
                tx.input[0].sequence = Sequence::ZERO;
            },
        ),
        ("a zero txid with another vout", 2, 1, |tx| {
            tx.input[0].previous_output.txid =
                bitcoin::Txid::from_raw_hash(bitcoin::hashes::Hash::all_zeros());
        }),
        ("the highest vout with another txid", 2, 1, |tx| {
            tx.input[1].previous_output.vout = u32::MAX;
        }),
    ];
    for (name, inputs, others, change) in all {
        let index = ctx.host()?.purse.next_receive();
        let script = ctx.host()?.account.script(0, index)?;
        let mut outputs = vec![(700, payee::p2wsh(stream.bytes())); others];
        outputs.push((31_000, script));
        let mut transaction = funding(&mut stream, inputs, &outputs);
        change(&mut transaction);
        let entry = Entry {
            txid: txid(&transaction),
            vout: others as u32,
            place: index,
        };
        ctx.enter(&entry, &preimage(&transaction), 31_000)
            .at(name)?;
    }
    Ok(())
}

fn room(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let coins = ctx.host()?.capabilities.coins;
    let mut stream = ctx.values.stream("coins");
    let mut last = None;
    for coin in 0..coins {
        // An index each, so that payments retire none that another coin needs.
        let index = u32::from(coin);
        let (entry, bytes) = ctx.coin_at(&mut stream, 20_000 + u64::from(coin), index)?;
        ctx.enter(&entry, &bytes, 20_000 + u64::from(coin))
            .at(|| format!("coin {} of {coins} declared", coin + 1))?;
        last = Some(entry);
    }
    let (entry, _) = ctx.coin_at(&mut stream, 50_000, 0)?;
    let known = last.ok_or_else(|| Stop::Fail("the card declares no room for coins".to_owned()))?;
    ctx.begin_entry(&entry)?
        .want_bare(Sw::NO_ROOM, "ENTER COIN into a full card")?;
    ctx.begin_entry(&known)?
        .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a coin in a full card")?;
    ctx.begin_entry(&entry.place(4096))?
        .want_bare(Sw::INDEX, "ENTER COIN at index 4096 into a full card")?;
    ctx.power_cycle()?;
    ctx.begin_entry(&entry)?
        .want_bare(Sw::NO_ROOM, "ENTER COIN after a power cycle")?;
    // No place for change; without change the card pays, and keeps the coin that it spent until
    // the owner knows the payment to be final.
    ctx.preview_checked(&request_of(10_000))?.map_or_else(
        |sw| {
            put!(sw == Sw::NO_ROOM, "the case expects 6A84, its model {sw}");
            Ok(())
        },
        |_| Err(Stop::Error("the case needs a full card".to_owned())),
    )?;
    let largest = ctx.host()?.purse.candidates()[0].amount;
    ctx.pay_checked(&request_of(largest - fee(1, 22, false, 1_000)))
        .at("without change, from a full card")?;
    ctx.begin_entry(&entry)?.want_bare(
        Sw::NO_ROOM,
        "ENTER COIN into a card that keeps a spent coin",
    )?;
    ctx.acknowledge(1, 1)?;
    let index = ctx.host()?.purse.next_receive();
    let (entry, bytes) = ctx.coin_at(&mut stream, 50_000, index)?;
    ctx.enter(&entry, &bytes, 50_000)
        .at("after the owner acknowledged a payment")?;
    ctx.expect_ledger("full again")?;
    oldest_makes_room(ctx)?;
    ctx.note(format!("{coins} coins"));
    Ok(())
}

/// From a card full of coins: fills its log too, and pays with change.
fn oldest_makes_room(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    while ctx.host()?.purse.log.len() < usize::from(ctx.host()?.capabilities.log) {
        let candidates = ctx.host()?.purse.candidates();
        let largest = (candidates.first())
            .ok_or_else(|| Stop::Error("the case has no coin left".to_owned()))?
            .amount;
        ctx.pay_checked(&request_of(largest - fee(1, 22, false, 1_000)))
            .at("without change, while the log fills")?;
    }
    let first = ctx.host()?.purse.first_kept;
    ctx.acknowledge(first + 1, first)?;
    ctx.pay_checked(&request_of(5_000))
        .at("with change, the oldest payment making room")?;
    ctx.expect_ledger("after the oldest payment made room for change")
}

fn never_again(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    let (entry, bytes) = ctx.coin_at(&mut stream, 60_000, 3)?;
    ctx.enter(&entry, &bytes, 60_000)?;
    let first = ctx.pay_checked(&request_of(20_000))?;
    // While the card keeps the payment it knows the coin; later it forgets it, and the index
    // alone keeps it out.
    let refused = |ctx: &mut CaseContext, kept: bool, when: &str| -> Outcome {
        ctx.begin_entry(&entry)?
            .want_bare(Sw::RETIRED, "ENTER COIN of a coin that was spent")
            .at(when)?;
        for place in [0, 4, 12] {
            let other = entry.place(place);
            let sw = if kept {
                Sw::COIN_KNOWN
            } else {
                Sw::OTHER_SCRIPT
            };
            ctx.enter_answer(&other, &bytes)?
                .want_bare(sw, "ENTER COIN of a spent coin at another index")
                .at(when)?;
        }
        Ok(())
    };
    refused(ctx, true, "after the payment")?;
    ctx.power_cycle()?;
    refused(ctx, true, "after a power cycle")?;

    // The change of the first payment: in the card now, spent by the second.
    let change = Entry {
        txid: first.txid,
        vout: first
            .change_vout
            .ok_or_else(|| Stop::Error("no change".to_owned()))?,
        place: Place::change(0).0,
    };
    ctx.begin_entry(&change)?
        .want_bare(Sw::COIN_KNOWN, "ENTER COIN of the card's own change")?;
    ctx.pay_checked(&request_of(20_000))?;
    refused(ctx, true, "after another payment")?;
    let elsewhere = change.place(0);
    ctx.begin_entry(&change)?
        .want_bare(Sw::RETIRED, "ENTER COIN of change that was spent")?;
    ctx.begin_entry(&elsewhere)?.want_bare(
        Sw::COIN_KNOWN,
        "ENTER COIN of change that was spent, at another place",
    )?;
    ctx.acknowledge(2, 2)?;
    ctx.power_cycle()?;
    refused(ctx, false, "after the owner acknowledged both payments")?;
    ctx.begin_entry(&change)?
        .want_bare(Sw::RETIRED, "ENTER COIN of change that was spent")?;
    ctx.enter_answer(&elsewhere, &preimage(&first.transaction))?
        .want_bare(Sw::OTHER_SCRIPT, "ENTER COIN of change that was spent")?;
    ctx.expect_ledger("after refused entries")?;
    let plan = ctx.preview_checked(&request_of(30_000))?;
    put!(
        plan == Err(Sw::INSUFFICIENT),
        "the case must have spent its funds"
    );
    Ok(())
}
