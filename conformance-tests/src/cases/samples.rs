//! One well-formed command for each instruction, for cases that go through all of them.

use super::prelude::*;
use crate::model::Profile;
use crate::tx::raw;

/// A command with its name.
pub(super) struct Sample {
    pub(super) name: &'static str,
    pub(super) command: Command,
}

/// Every command but SELECT and GET RESPONSE, each well-formed, none with authority. VERIFY has a
/// wrong PIN.
pub(super) fn all(b: &Bench) -> Step<Vec<Sample>> {
    let profile = Profile::new(&b.values, "samples")?;
    let entry = Entry {
        txid: b.values.bytes("sample txid"),
        vout: 0,
        index: 0,
    };
    let unsigned = Card::signed(&entry.body(), &b.values.bytes("no signature"));
    let request = request(10_000).encode();
    let sample = |name, command| Sample { name, command };
    Ok(vec![
        sample(
            "GET DATA, status",
            Command::new([0x00, 0xCA, 0x01, 0x00]).le(LE_SHORT),
        ),
        sample(
            "GET DATA, capabilities",
            Command::new([0x00, 0xCA, 0x01, 0x01]).le(LE_SHORT),
        ),
        sample("GENERATE", Command::new([0x00, 0x46, 0, 0]).le(LE_SHORT)),
        sample(
            "ISSUE",
            Command::new([0x80, 0x10, 0, 0])
                .data(profile.encode())
                .le(LE_SHORT),
        ),
        sample(
            "VERIFY",
            Command::new([0x00, 0x20, 0, 0x80]).data(profile.pin.block()),
        ),
        sample("VERIFY without data", Command::new([0x00, 0x20, 0, 0x80])),
        sample("GET CHALLENGE", Command::new([0x00, 0x84, 0, 0]).le(16)),
        sample(
            "RECEIVE SCRIPT",
            Command::new([0x80, 0x20, 0, 0]).le(LE_SHORT),
        ),
        sample(
            "ENTER COIN, first command",
            Command::new(Entry::BEGIN).data(unsigned),
        ),
        sample(
            "ENTER COIN, a piece",
            Command::new(Entry::PIECE).data(raw::VERSION),
        ),
        sample(
            "PREVIEW",
            Command::new([0x80, 0x32, 0, 0])
                .data(request.clone())
                .le(LE_SHORT),
        ),
        sample(
            "PAY",
            Command::new([0x80, 0x30, 0, 0]).data(request).le(LE_SHORT),
        ),
    ])
}
