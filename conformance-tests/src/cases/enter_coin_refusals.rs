//! ENTER COIN: refusals of the first command and of complete transactions. Section 6.2.

use super::prelude::*;
use crate::tx::{preimage, raw, txid_of_bytes};

cases! {
    "TC-ENT-04" version 1 on Own D3 for [ENT_2 TX_6 OWN_2] runs first_command:
        "The first command is refused in the order of the text: authority, index not given out \
         (window of ten above the next one, and 4096), index retired, coin already in the card. \
         (Room: TC-ENT-09.)"
        catches "An index far ahead, where the owner's wallet will never look; a coin counted \
                 twice; state told to whoever has no authority.";
    "TC-ENT-05" version 2 on Issued D1 for [ENT_4 ENT_1] runs complete_transaction:
        "A complete transaction is refused for another txid, a coinbase input (in any place), a \
         missing output, another script, an amount below 330 sat, and where several apply in the \
         order of the text; nothing of it stays."
        catches "A coin believed on its announcement: another amount, another's script, an output \
                 that isn't there.";
}

fn first_command(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[])?;
    let mut stream = ctx.values.stream("coins");
    let mut announced = |index: u32| Entry {
        txid: stream.bytes(),
        vout: 0,
        place: index,
    };
    let highest = [
        10,
        11,
        100,
        4095,
        4096,
        4097,
        0x1_0000,
        0x7FFF_FFFF,
        0x8000_0000,
        u32::MAX,
    ];
    for index in highest {
        let entry = announced(index);
        ctx.begin_entry(&entry)?
            .want_bare(Sw::INDEX, "ENTER COIN")
            .at(|| format!("index {index}"))?;
    }
    for index in 0..=9 {
        let entry = announced(index);
        ctx.begin_entry(&entry)?
            .want_bare(Sw::OK, "ENTER COIN")
            .at(|| format!("index {index} of the window"))?;
    }
    let mut stream = ctx.values.stream("more coins");
    let (first, bytes) = ctx.coin_at(&mut stream, 90_000, 3)?;
    ctx.enter(&first, &bytes, 90_000)?;
    let (second, bytes) = ctx.coin_at(&mut stream, 20_000, 5)?;
    ctx.enter(&second, &bytes, 20_000)?;
    // Next is 6: the window reaches to 15.
    for (index, sw) in [(15, Sw::OK), (16, Sw::INDEX), (4096, Sw::INDEX)] {
        let entry = Entry {
            txid: stream.bytes(),
            vout: 0,
            place: index,
        };
        ctx.begin_entry(&entry)?
            .want_bare(sw, "ENTER COIN")
            .at(|| format!("index {index}, next 6"))?;
    }
    ctx.begin_entry(&first)?
        .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a coin in the card")?;
    for index in [0, 15] {
        ctx.begin_entry(&first.place(index))?.want_bare(
            Sw::COIN_KNOWN,
            "ENTER COIN of a coin in the card at another index",
        )?;
    }
    ctx.begin_entry(&first.place(16))?
        .want_bare(Sw::INDEX, "a coin in the card, at an index not given out")?;
    ctx.begin_entry(&first.vout(1))?.want_bare(
        Sw::OK,
        "another output of a transaction whose coin is in the card",
    )?;

    // Index 3 retires; the coin at 5 stays.
    ctx.pay_checked(&request_of(30_000))?;
    ctx.begin_entry(&second.place(3))?
        .want_bare(Sw::RETIRED, "a coin in the card, at a retired index")?;
    ctx.begin_entry(&Entry {
        txid: stream.bytes(),
        vout: 0,
        place: 3,
    })?
    .want_bare(Sw::RETIRED, "another coin at a retired index")?;
    ctx.begin_entry(&second)?
        .want_bare(Sw::COIN_KNOWN, "ENTER COIN of a coin in the card")?;

    // Without authority none of that is told.
    for entry in [first.place(4096), first, second] {
        ctx.challenge()?;
        ctx.once(&Command::new(Entry::BEGIN).data(Card::signed(&entry.body(), &[3; 64])))?
            .want_bare(Sw::SECURITY, "ENTER COIN with a wrong signature")?;
    }
    Ok(())
}

/// A transaction with one more input for each of these outpoints, and these outputs.
fn transaction(inputs: &[([u8; 32], u32)], outputs: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = raw::VERSION.to_vec();
    bytes.extend(raw::compact_size(inputs.len() as u64));
    for (txid, vout) in inputs {
        bytes.extend(raw::input(*txid, *vout, &[0x51]));
    }
    bytes.extend(raw::compact_size(outputs.len() as u64));
    for (amount, script) in outputs {
        bytes.extend(raw::output(*amount, script));
    }
    bytes.extend(raw::LOCK_TIME);
    bytes
}

fn complete_transaction(ctx: &mut CaseContext) -> Outcome {
    let account = ctx.host()?.account.clone();
    let ours = account.script(0, 0)?.to_bytes();
    let at_one = account.script(0, 1)?.to_bytes();
    let change = account.script(1, 0)?.to_bytes();
    let untweaked = {
        let key = account.key(0, 0)?.x_only_public_key().0.serialize();
        [&[0x51, 0x20][..], &key].concat()
    };
    let longer = [&ours[..], &[0x00]].concat();
    let normal = (ctx.values.bytes("input"), 1);
    let null = ([0; 32], u32::MAX);
    let mut stream = ctx.values.stream("inputs");
    let others: Vec<([u8; 32], u32)> = (0..5).map(|at| (stream.bytes(), at)).collect();
    let with_null_last = [&others[..], &[null]].concat();
    let with_null_first = [&[null], &others[..]].concat();

    type Parts<'a> = (&'a str, Vec<([u8; 32], u32)>, Vec<(u64, Vec<u8>)>, u32, Sw);
    let mut cases: Vec<Parts<'_>> = vec![
        (
            "coinbase",
            vec![null],
            vec![(20_000, ours.clone())],
            0,
            Sw::COINBASE,
        ),
        (
            "coinbase input last",
            with_null_last,
            vec![(20_000, ours.clone())],
            0,
            Sw::COINBASE,
        ),
        (
            "coinbase input first",
            with_null_first,
            vec![(20_000, ours.clone())],
            0,
            Sw::COINBASE,
        ),
        (
            "no such output",
            vec![normal],
            vec![(20_000, ours.clone())],
            1,
            Sw::NO_OUTPUT,
        ),
        (
            "no such output",
            vec![normal],
            vec![(20_000, ours.clone())],
            u32::MAX,
            Sw::NO_OUTPUT,
        ),
        (
            "vout modulo 2^16",
            vec![normal],
            vec![(20_000, ours.clone())],
            0x1_0000,
            Sw::NO_OUTPUT,
        ),
        (
            "vout modulo 2^8",
            vec![normal],
            vec![(20_000, ours.clone())],
            0x100,
            Sw::NO_OUTPUT,
        ),
        (
            "amount 329",
            vec![normal],
            vec![(329, ours.clone())],
            0,
            Sw::COIN_DUST,
        ),
        (
            "amount 0",
            vec![normal],
            vec![(0, ours.clone())],
            0,
            Sw::COIN_DUST,
        ),
        (
            "coinbase, no such output",
            vec![null],
            vec![(9, at_one.clone())],
            7,
            Sw::COINBASE,
        ),
        (
            "another script, dust",
            vec![normal],
            vec![(9, at_one.clone())],
            0,
            Sw::OTHER_SCRIPT,
        ),
        (
            "our script in another output",
            vec![normal],
            vec![
                (20_000, ours.clone()),
                (20_000, payee::p2wpkh([1; 20]).to_bytes()),
            ],
            1,
            Sw::OTHER_SCRIPT,
        ),
    ];
    for (name, script) in [
        ("the script of index 1", at_one),
        ("the change script", change),
        ("the untweaked key", untweaked),
        ("our script and more", longer),
        ("our script less a byte", ours[..33].to_vec()),
        ("no script", Vec::new()),
    ] {
        cases.push((
            name,
            vec![normal],
            vec![(20_000, script)],
            0,
            Sw::OTHER_SCRIPT,
        ));
    }
    for (name, inputs, outputs, vout, sw) in &cases {
        let bytes = transaction(inputs, outputs);
        let entry = Entry {
            txid: txid_of_bytes(&bytes),
            vout: *vout,
            place: 0,
        };
        let refused = |ctx: &mut CaseContext, entry: &Entry, sw: Sw| -> Outcome {
            ctx.begun_entry(entry)?;
            ctx.stream(&bytes, 255)?
                .want_bare(sw, "ENTER COIN, last piece")
                .at(*name)
        };
        refused(ctx, &entry, *sw)?;
        // Another txid comes before all else.
        let mut other = entry;
        other.txid[31] ^= 0x01;
        refused(ctx, &other, Sw::OTHER_TXID)?;
        let mut backwards = entry;
        backwards.txid.reverse();
        refused(ctx, &backwards, Sw::OTHER_TXID)?;
    }
    // A coin that is right but for a flipped bit in what was announced.
    let mut stream = ctx.values.stream("coin");
    let script = account.script(0, 0)?;
    let right = preimage(&crate::tx::funding(&mut stream, 1, &[(20_000, script)]));
    let entry = Entry {
        txid: txid_of_bytes(&right),
        vout: 0,
        place: 0,
    };
    // Version, outpoint, sequence, amount, script, lock time.
    for at in [0, 5, 37, 42, 47, 58, right.len() - 1] {
        let mut spoilt = right.clone();
        spoilt[at] ^= 0x01;
        ctx.begun_entry(&entry)?;
        ctx.stream(&spoilt, 255)?
            .want_bare(
                Sw::OTHER_TXID,
                "ENTER COIN of a transaction with a bit flipped",
            )
            .at(|| format!("byte {at}"))?;
    }
    ctx.power_cycle()?;
    ctx.verify_right()?;
    ctx.expect_receive_script(0)
}
