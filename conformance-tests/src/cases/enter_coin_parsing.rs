//! ENTER COIN: transactions that are none. Section 6.2.

use super::prelude::*;
use crate::model::MAX_AMOUNT;
use crate::tx::{raw, txid_of_bytes};

cases! {
    "TC-ENT-06" version 1 on Issued D1 for [ENT_3 ENT_5] runs impossible:
        "What makes a transaction impossible (no inputs or outputs, more than 100 000 of them, \
         CompactSizes that aren't the shortest, scripts over 10 000 bytes, amounts and sums above \
         21·10¹⁴ sat, the witness serialisation) is refused with 6A80, byte by byte no later than \
         with the last byte of the impossible part, and ends the entry; the values just inside the \
         bounds are not refused."
        catches "A second encoding of the same transaction; overflowing sums; a parser that reads \
                 on.";
    "TC-ENT-12" version 1 on Issued D1 for [ENT_3 ENT_5] runs trailing_bytes:
        "Bytes after the end of a transaction that is right in every way are refused with 6A80, in \
         the last piece whatever its size, and the coin doesn't enter."
        catches "Trailing bytes ignored: two byte strings, one txid.";
    "TC-ENT-13" version 1 on Issued D1 for [ENT_1 ENT_4] runs every_size:
        "One transaction in pieces of every size from 1 to 255 bytes comes to the same end: its \
         txid is right and its script another's (940C)."
        catches "A hash or a parser that loses bytes at some piece's border.";
}

/// A transaction up to a part, and that part; what is asked of the part.
struct Part {
    name: &'static str,
    before: Vec<u8>,
    part: Vec<u8>,
    impossible: bool,
}

fn parts(script: &[u8]) -> Vec<Part> {
    let one_input = [&raw::VERSION[..], &[1], &raw::input([7; 32], 0, &[])].concat();
    let prevout = [&raw::VERSION[..], &[1], &[7; 32], &[0; 4]].concat();
    let output_at = [&one_input[..], &[2]].concat();
    let second_output = |amount: u64| [&output_at[..], &raw::output(amount, script)].concat();
    let script_at = [&output_at[..], &1_000_u64.to_le_bytes()].concat();

    // (encoding, whether it is impossible as a count of inputs or outputs)
    let counts: [(&'static str, &[u8], bool); 13] = [
        ("a count of 0", &[0], true),
        ("0 in three bytes", &[0xFD, 0, 0], true),
        ("1 in three bytes", &[0xFD, 1, 0], true),
        ("252 in three bytes", &[0xFD, 0xFC, 0], true),
        ("253 in three bytes", &[0xFD, 0xFD, 0], false),
        ("1 in five bytes", &[0xFE, 1, 0, 0, 0], true),
        ("65 535 in five bytes", &[0xFE, 0xFF, 0xFF, 0, 0], true),
        ("100 000", &[0xFE, 0xA0, 0x86, 1, 0], false),
        ("100 001", &[0xFE, 0xA1, 0x86, 1, 0], true),
        ("2^32 - 1", &[0xFE, 0xFF, 0xFF, 0xFF, 0xFF], true),
        ("1 in nine bytes", &[0xFF, 1, 0, 0, 0, 0, 0, 0, 0], true),
        ("2^32 + 1", &[0xFF, 1, 0, 0, 0, 1, 0, 0, 0], true),
        ("2^64 - 1", &[0xFF; 9], true),
    ];
    // The same for lengths of scripts.
    let lengths: [(&'static str, &[u8], bool); 9] = [
        ("no bytes", &[0], false),
        ("0 in three bytes", &[0xFD, 0, 0], true),
        ("252 in three bytes", &[0xFD, 0xFC, 0], true),
        ("10 000 bytes", &[0xFD, 0x10, 0x27], false),
        ("10 001 bytes", &[0xFD, 0x11, 0x27], true),
        ("65 535 bytes", &[0xFD, 0xFF, 0xFF], true),
        ("5 in five bytes", &[0xFE, 5, 0, 0, 0], true),
        ("5 in nine bytes", &[0xFF, 5, 0, 0, 0, 0, 0, 0, 0], true),
        ("2^64 - 1 bytes", &[0xFF; 9], true),
    ];
    let mut all = Vec::new();
    let mut push = |before: &[u8], part: &[u8], name: &'static str, impossible: bool| {
        all.push(Part {
            name,
            before: before.to_vec(),
            part: part.to_vec(),
            impossible,
        });
    };
    for (name, part, impossible) in counts {
        push(&raw::VERSION, part, name, impossible);
        push(&one_input, part, name, impossible);
    }
    for (name, part, impossible) in lengths {
        push(&prevout, part, name, impossible);
        push(&script_at, part, name, impossible);
    }
    for (name, amount, impossible) in [
        ("an amount of 0", 0, false),
        ("an amount of 21·10¹⁴", MAX_AMOUNT, false),
        ("an amount of 21·10¹⁴ + 1", MAX_AMOUNT + 1, true),
        ("an amount of 2^63", 1 << 63, true),
        ("an amount of 2^64 - 1", u64::MAX, true),
    ] {
        push(&output_at, &u64::to_le_bytes(amount), name, impossible);
    }
    for (name, first, second, impossible) in [
        ("a sum of 21·10¹⁴", 1_000, MAX_AMOUNT - 1_000, false),
        ("a sum of 21·10¹⁴ + 1", 1_000, MAX_AMOUNT - 999, true),
        ("a sum of 42·10¹⁴", MAX_AMOUNT, MAX_AMOUNT, true),
    ] {
        push(
            &second_output(first),
            &u64::to_le_bytes(second),
            name,
            impossible,
        );
    }
    all
}

fn impossible(ctx: &mut CaseContext) -> Outcome {
    let script = ctx.host()?.account.script(0, 0)?.to_bytes();
    let entry = Entry {
        txid: ctx.values.bytes("txid"),
        vout: 0,
        place: 0,
    };
    for Part {
        name,
        before,
        part,
        impossible,
    } in parts(&script)
    {
        for bytewise in [false, true] {
            let place = || format!("{name} after {} bytes", before.len());
            ctx.begun_entry(&entry)?;
            ctx.stream(&before, 255)?
                .want_bare(Sw::OK, "ENTER COIN, what comes before")
                .at(place)?;
            let answer = if bytewise {
                ctx.stream(&part, 1)?
            } else {
                ctx.piece(&part)?
            };
            let expected = if impossible { Sw::WRONG_DATA } else { Sw::OK };
            answer
                .want_bare(expected, "ENTER COIN, a piece")
                .at(place)?;
            if impossible {
                ctx.piece(&[0])?
                    .want_bare(Sw::CONDITIONS, "a piece after the entry was refused")
                    .at(place)?;
            }
        }
    }
    // The witness serialisation, complete: marker 00 is a count of no inputs.
    let with_witness = [
        &raw::VERSION[..],
        &[0, 1, 1],
        &raw::input([7; 32], 0, &[]),
        &[1],
        &raw::output(20_000, &script),
        &[1, 1, 0xAA],
        &raw::LOCK_TIME,
    ]
    .concat();
    ctx.begun_entry(&entry.txid(txid_of_bytes(&with_witness)))?;
    ctx.piece(&with_witness)?
        .want_bare(Sw::WRONG_DATA, "a transaction serialised with its witness")?;
    ctx.verify_right()?;
    ctx.expect_receive_script(0)
}

fn trailing_bytes(ctx: &mut CaseContext) -> Outcome {
    let mut stream = ctx.values.stream("coin");
    let (entry, right) = ctx.coin_at(&mut stream, 20_000, 0)?;
    for more in [&[0][..], &[0xFF], &[0; 4], &[2, 0, 0, 0, 1]] {
        let long = [&right[..], more].concat();
        let last = right.len() - 1;
        let cuts: [&[&[u8]]; 3] = [
            &[&long],
            &[&long[..last], &long[last..]],
            &[&long[..20], &long[20..60], &long[60..]],
        ];
        for pieces in cuts {
            ctx.begun_entry(&entry)?;
            for piece in &pieces[..pieces.len() - 1] {
                ctx.piece(piece)?.want_bare(Sw::OK, "ENTER COIN, a piece")?;
            }
            ctx.piece(pieces[pieces.len() - 1])?
                .want_bare(Sw::WRONG_DATA, "ENTER COIN with bytes after the end")?;
            ctx.piece(&[0])?
                .want_bare(Sw::CONDITIONS, "a piece after the entry was refused")?;
        }
    }
    // The same txid over all bytes, as if they belonged to it.
    let long = [&right[..], &[0]].concat();
    ctx.begun_entry(&entry.txid(txid_of_bytes(&long)))?;
    ctx.piece(&long)?
        .want_bare(Sw::WRONG_DATA, "ENTER COIN with bytes after the end")?;
    ctx.verify_right()?;
    ctx.expect_receive_script(0)
}

fn every_size(ctx: &mut CaseContext) -> Outcome {
    let mut stream = ctx.values.stream("transaction");
    let outputs = [
        (30_000, payee::p2wsh(stream.bytes())),
        (20_000, payee::p2tr(stream.bytes())),
        (10_000, payee::p2pkh(stream.bytes())),
    ];
    let mut transaction = crate::tx::funding(&mut stream, 6, &outputs);
    for input in &mut transaction.input {
        input.script_sig = stream.vec(23).into();
    }
    let bytes = crate::tx::preimage(&transaction);
    let entry = Entry {
        txid: crate::tx::txid(&transaction),
        vout: 1,
        place: 9,
    };
    for size in 1..=255 {
        ctx.begun_entry(&entry)?;
        ctx.stream(&bytes, size)?
            .want_bare(Sw::OTHER_SCRIPT, "ENTER COIN, last piece")
            .at(|| format!("pieces of {size} bytes"))?;
    }
    Ok(())
}
