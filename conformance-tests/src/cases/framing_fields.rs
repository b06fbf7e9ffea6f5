//! Encodings of data fields.

use super::prelude::*;
use crate::card::{
    ACKNOWLEDGE_LOG, CHANGE_OWNER_KEY, FACTORY_RESET, GET_ANCESTOR, NEW_PIN, PAY_AGAIN,
    PAYMENT_STATE, READ_ACCOUNT, READ_LIMITS, READ_LOG, REPORT_ABSENT, RESOLVE, SAME_PIN,
    SET_LIMITS, SET_POLICY, STATEMENT, TERMINATE,
};
use crate::model::{Profile, Spend};
use crate::tlv;

cases! {
    "TC-FRM-14" version 1 on Issued D1 for [FRM_8] runs encodings:
        "Data objects with another tag, another length, a longer length encoding, in another \
         order, or twice, are refused with 6A80 although the field's length is right, and without \
         effect."
        catches "Tags not checked; positions taken for granted.";
}

/// Tags and values.
type Objects = [(u16, Vec<u8>)];
/// A command's name, its header, and the data objects of its field.
type Field<'a> = (&'a str, [u8; 4], Vec<(u16, Vec<u8>)>);

/// The same data objects, spoilt in ways that keep the field's length.
fn spoilt(objects: &Objects) -> Vec<(&'static str, Vec<u8>)> {
    let right = tlv::objects(objects);
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
        all.push(("another order", tlv::objects(&swapped)));
        let mut last_first = objects.to_vec();
        last_first.rotate_right(1);
        all.push(("the last one first", tlv::objects(&last_first)));
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
