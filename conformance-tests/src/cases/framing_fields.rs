//! Length fields, lengths and encodings of data fields.

use super::prelude::*;
use super::samples;
use crate::card::{
    ACKNOWLEDGE_LOG, CHANGE_OWNER_KEY, FACTORY_RESET, GET_ANCESTOR, NEW_PIN, PAY_AGAIN,
    PAYMENT_STATE, READ_ACCOUNT, READ_LIMITS, READ_LOG, REPORT_ABSENT, RESOLVE, SAME_PIN,
    SET_LIMITS, SET_POLICY, STATEMENT, TERMINATE,
};
use crate::model::{Profile, Spend};
use crate::tlv;

cases! {
    "TC-FRM-12" version 2 on Issued D1 for [FRM_4 FRM_6 FRM_8] runs length_fields:
        "APDUs whose length fields don't agree with their length, short and extended, are refused \
         with 6700, whatever their class and before any application is selected (class FF: 6E00, \
         but 6700 below four bytes); \
         a VERIFY of that kind uses no try and ends no authorisation, and none ends a coin entry, \
         but each discards what GET RESPONSE had left. (A virtual reader can't carry APDUs of less \
         than two bytes.)"
        catches "A read beyond the command's end; a truncated PIN taken, or counted.";
    "TC-FRM-13" version 1 on Issued D1 for [FRM_8] runs field_lengths:
        "Every command with every data length from 0 to 255 that no valid command has is refused \
         with 6700 and without effect. (VERIFY takes them all: TC-PIN-03.)"
        catches "Data ignored where none belongs; trailing bytes ignored; a short field read \
                 beyond its end.";
    "TC-FRM-14" version 1 on Issued D1 for [FRM_8] runs encodings:
        "Data objects with another tag, another length, a longer length encoding, in another \
         order, or twice, are refused with 6A80 although the field's length is right, and without \
         effect."
        catches "Tags not checked; positions taken for granted.";
}

fn length_fields(ctx: &mut CaseContext) -> Outcome {
    let right = ctx.right_block()?;
    let wrong = ctx.wrong_block()?;
    let verify = |length: &[u8], field: &[u8]| [&[0x00, 0x20, 0x00, 0x80], length, field].concat();
    let mut bad: Vec<Vec<u8>> = vec![
        verify(&[0x08], &wrong[..7]),
        verify(&[0x08], &[&right[..], &[0, 0]].concat()),
        verify(&[0x09], &right),
        verify(&[0xFF], &wrong),
        verify(&[0x00], &wrong),
        verify(&[0x00, 0x00, 0x08], &wrong[..7]),
        verify(&[0x00, 0x00, 0x08], &[&right[..], &[0]].concat()),
        verify(&[0x00, 0x00, 0x08], &[&right[..], &[0, 0, 0]].concat()),
        verify(&[0x00, 0x08, 0x00], &wrong),
        verify(&[0x00, 0xFF, 0xFF], &wrong),
    ];
    for text in [
        "00CA",
        "00CA01",
        "FFCA",
        "FFCA01",
        "00CA01000000",
        "00CA01000000000001",
        "00CA0100000005FF",
        "00A404000A F0544944",
        "80300000FF8008",
        "B0CA",
        "10CA01",
        "90200080 08 11",
        "A0CA01000000",
    ] {
        let bytes =
            hex::decode(text.replace(' ', "")).map_err(|e| Stop::Error(format!("{text}: {e}")))?;
        bad.push(bytes);
    }
    ctx.authorise()?;
    for apdu in &bad {
        ctx.raw(apdu)?.want_bare(
            Sw::WRONG_LENGTH,
            &format!("an APDU of {} bytes", apdu.len()),
        )?;
    }
    ctx.expect_authorised(true, "after APDUs with wrong length fields")?;
    ctx.expect_tries(3, "after APDUs with wrong length fields")?;
    ctx.reset(Reset::Cold)?;
    for apdu in &bad {
        ctx.raw(apdu)?
            .want_bare(Sw::WRONG_LENGTH, "an APDU before SELECT")?;
    }
    ctx.select()?;
    ctx.expect_tries(3, "after APDUs with wrong length fields before SELECT")?;

    for apdu in [
        &[0xFF, 0xCA, 0x01, 0x00, 0x05, 0x00][..],
        &[0xFF, 0xCA, 0x01, 0x00],
    ] {
        ctx.raw(apdu)?
            .want_bare(Sw::NO_CLASS, "an APDU of class FF")?;
    }
    for apdu in &bad {
        let first = ctx.raw(&[0x00, 0xCA, 0x01, 0x01])?;
        require!(
            first.sw.more().is_some(),
            "GET DATA without Le answered {}",
            first.sw
        );
        ctx.raw(apdu)?;
        ctx.get_response(256)?.want_bare(
            Sw::CONDITIONS,
            "GET RESPONSE after an APDU with wrong length fields",
        )?;
    }
    let mut stream = ctx.values.stream("coin");
    let transaction = crate::tx::funding(&mut stream, 1, &[(1_000, payee::p2tr([0x11; 32]))]);
    let entry = Entry {
        txid: crate::tx::txid(&transaction),
        vout: 0,
        place: 0,
    };
    let bytes = crate::tx::preimage(&transaction);
    ctx.begun_entry(&entry)?;
    for (piece, apdu) in bytes.chunks(10).zip(&bad) {
        ctx.raw(apdu)?
            .want_bare(Sw::WRONG_LENGTH, "an APDU between two pieces")?;
        let answer = ctx.piece(piece)?;
        let last = piece.as_ptr_range().end == bytes.as_ptr_range().end;
        let expected = if last { Sw::OTHER_SCRIPT } else { Sw::OK };
        answer.want_bare(
            expected,
            "ENTER COIN, a piece after an APDU with wrong length fields",
        )?;
    }
    Ok(())
}

fn field_lengths(ctx: &mut CaseContext) -> Outcome {
    ctx.authorise()?;
    let takes = |header: [u8; 4], length: usize| match (header[0], header[1], header[2]) {
        (0x00, 0x20, _) => true,
        (0x80, 0x10, _) => length == 171,
        (0x80, 0x22, 0) => length == 112,
        (0x80, 0x22, 2) => length == 46,
        (0x80, 0x22 | 0x40, 1) => length > 0,
        // Amount 10, fee rate 6, script 24 to 44, source 3, identity 18, merchant 2 to 34,
        // invoice hash 2 or 34.
        (0x80, 0x30 | 0x32, _) => (65..=149).contains(&length),
        (0x80, 0x34, _) => length == 38,
        (0x80, 0x36, _) => length == 34,
        (0x80, 0x38, _) => length == 18,
        (0x80, 0x40, 0) => length == 118,
        (0x80, 0x42 | 0x4A, _) => length == 72,
        (0x80, 0x44, _) => length == 78,
        (0x80, 0x46, _) => length == 116,
        (0x80, 0x48, 0) | (0x80, 0x4E | 0x50, _) | (0x00, 0x2C, 3) => length == 66,
        (0x00, 0x2C, _) => length == 76,
        (0x80, 0x4C, _) => length == 166,
        (0x80, 0x52, _) => length == 69,
        (0x80, 0x54, _) => length == 68,
        (0x80, 0x56, _) | (0x00, 0xFE, _) => length == 66,
        (0x00, 0x88, _) => length == 32,
        (0x00, 0xCA, 0xBF) => length == 6,
        (0x00, 0xDA, _) if header[3] != 0xFF => (1..=239).contains(&length),
        _ => length == 0,
    };
    for sample in samples::declared(ctx)? {
        let header = sample.command.header;
        let field = [sample.command.data.clone(), vec![0; 256]].concat();
        for length in (0..=255).filter(|length| !takes(header, *length)) {
            let mut command = sample.command.clone();
            command.data = field[..length].to_vec();
            ctx.once(&command)?
                .want_bare(Sw::WRONG_LENGTH, sample.name)
                .at(|| format!("{length} data bytes"))?;
        }
    }
    ctx.expect_authorised(true, "after fields of wrong lengths")?;
    ctx.expect_tries(3, "after fields of wrong lengths")
}

/// Tags and values.
type Objects = [(u16, Vec<u8>)];
/// A command's name, its header, and the data objects of its field.
type Field<'a> = (&'a str, [u8; 4], Vec<(u16, Vec<u8>)>);

/// The same data objects, spoilt in ways that keep the field's length.
fn spoilt(objects: &Objects) -> Vec<(&'static str, Vec<u8>)> {
    let encode = |objects: &Objects| -> Vec<u8> {
        objects
            .iter()
            .flat_map(|(tag, value)| tlv::object(*tag, value))
            .collect()
    };
    let right = encode(objects);
    let mut all = Vec::new();
    let mut at = 0;
    for (_, value) in objects {
        for tag in [0x00, right[at] ^ 0x01, right[at] | 0x20, 0xFF] {
            let mut field = right.clone();
            field[at] = tag;
            all.push(("another tag", field));
        }
        let shorter = value.len().checked_sub(1);
        for length in shorter.into_iter().chain([value.len() + 1, 0x80, 0xFF]) {
            let mut field = right.clone();
            field[at + 1] = length as u8;
            all.push(("another length", field));
        }
        if let Some(shorter) = shorter {
            // One byte of value less, its length in two bytes: not the shortest form.
            let mut field = right[..at].to_vec();
            field.extend_from_slice(&[right[at], 0x81, shorter as u8]);
            field.extend_from_slice(&value[..shorter]);
            field.extend_from_slice(&right[at + 2 + value.len()..]);
            all.push(("a length that isn't the shortest", field));
        }
        at += 2 + value.len();
    }
    if objects.len() > 1 {
        let mut swapped = objects.to_vec();
        swapped.swap(0, 1);
        all.push(("another order", encode(&swapped)));
        let mut last_first = objects.to_vec();
        last_first.rotate_right(1);
        all.push(("the last one first", encode(&last_first)));
    }
    all.push(("zeros", vec![0; right.len()]));
    all
}

/// Requests of a possible length whose values aren't.
fn impossible_requests(request: &Request) -> Vec<(&'static str, Vec<u8>)> {
    let with = |tag: u16, value: Vec<u8>| -> Vec<u8> {
        (request.objects().iter())
            .flat_map(|(at, right)| tlv::object(*at, if *at == tag { &value } else { right }))
            .collect()
    };
    vec![
        ("an unknown source", with(0x83, vec![2])),
        ("an unknown source", with(0x83, vec![0xFF])),
        ("a merchant of 33 bytes", with(0x85, vec![b'a'; 33])),
        ("an invoice hash of 31 bytes", with(0x86, vec![1; 31])),
        ("an invoice hash of one byte", with(0x86, vec![1])),
        ("an invoice hash of 33 bytes", with(0x86, vec![1; 33])),
        ("a payee script of 21 bytes", with(0x82, vec![0x51; 21])),
        ("a payee script of 43 bytes", with(0x82, vec![0x51; 43])),
    ]
}

fn encodings(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let profile = Profile::new(&ctx.values, "encodings")?;
    let imported = profile.clone().imported([1; 32], [2; 32]);
    let request = request_of(10_000).invoice(vec![0x3C; 32]);
    let coin = [(0x80, vec![7; 32]), (0x81, vec![0; 4]), (0x82, vec![0; 4])];
    let signature = (0x9E, vec![9; 64]);
    let number = (0x80, vec![0; 4]);
    let signed = |body: &Objects| [body, std::slice::from_ref(&signature)].concat();
    let fields: [Field; 24] = [
        ("ISSUE", [0x80, 0x10, 0, 0], profile.objects().to_vec()),
        (
            "ISSUE, imported",
            [0x80, 0x10, 1, 0],
            imported.objects().to_vec(),
        ),
        ("ENTER COIN", Entry::BEGIN, signed(&coin)),
        ("ENTER COIN of a credit", Entry::CREDIT, coin.to_vec()),
        ("PREVIEW", [0x80, 0x32, 0, 0], request.objects().to_vec()),
        ("PAY", [0x80, 0x30, 0, 0], request.objects().to_vec()),
        ("PAY again only", PAY_AGAIN, request.objects().to_vec()),
        ("PAYMENT STATE", PAYMENT_STATE, vec![(0x80, vec![7; 16])]),
        ("REPORT ABSENT", REPORT_ABSENT, vec![(0x80, vec![7; 36])]),
        ("GET ANCESTOR", GET_ANCESTOR, vec![(0x80, vec![7; 32])]),
        ("READ LOG", READ_LOG, signed(std::slice::from_ref(&number))),
        (
            "ACKNOWLEDGE LOG",
            ACKNOWLEDGE_LOG,
            signed(&[number.clone(), (0x81, vec![0; 4])]),
        ),
        (
            "SET LIMITS",
            SET_LIMITS,
            signed(&[(0x85, Limits::WIDE.encode())]),
        ),
        ("RESOLVE", RESOLVE, signed(std::slice::from_ref(&number))),
        (
            "RESET RETRY COUNTER, a new PIN",
            NEW_PIN,
            signed(&[(0x84, profile.pin.block().to_vec())]),
        ),
        ("RESET RETRY COUNTER", SAME_PIN, signed(&[])),
        (
            "CHANGE OWNER KEY",
            CHANGE_OWNER_KEY,
            signed(&[(0x80, vec![7; 32]), (0x81, vec![8; 64])]),
        ),
        ("SET POLICY", SET_POLICY, signed(&[(0x86, vec![0])])),
        (
            "STATEMENT",
            STATEMENT,
            vec![(0x80, vec![7; 32]), (0x81, vec![8; 32])],
        ),
        ("FACTORY RESET", FACTORY_RESET, signed(&[])),
        ("TERMINATE CARD USAGE", TERMINATE, signed(&[])),
        ("READ LIMITS", READ_LIMITS, signed(&[])),
        ("READ ACCOUNT", READ_ACCOUNT, signed(&[])),
        (
            "SIGN",
            Spend::BEGIN,
            signed(&[
                (0x80, vec![0, 0, 0, 2]),
                (0x81, vec![0; 4]),
                (0x82, vec![1]),
                (0x83, vec![1]),
                (0x84, vec![7; 32]),
            ]),
        ),
    ];
    ctx.authorise()?;
    let card = ctx.host()?.capabilities;
    for (name, header, objects) in fields.iter().filter(|field| card.knows(field.1)) {
        for (how, field) in spoilt(objects) {
            ctx.once(&Command::new(*header).data(field))?
                .want_bare(Sw::WRONG_DATA, name)
                .at(how)?;
        }
    }
    for (how, request) in impossible_requests(&request) {
        for header in [[0x80, 0x32, 0, 0], [0x80, 0x30, 0, 0]] {
            ctx.once(&Command::new(header).data(request.clone()))?
                .want_bare(Sw::WRONG_DATA, "PREVIEW or PAY")
                .at(how)?;
        }
    }
    ctx.expect_authorised(true, "after fields that can't be decoded")
}
