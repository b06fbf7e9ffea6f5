//! Sources that no request has. Section 7.2.

use super::prelude::*;
use crate::card::{PAY, PREVIEW};

pub(crate) const CASES: &[Case] = &[Case {
    id: "TC-PAY-20",
    version: 1,
    purpose: "A request whose source isn't 00 or 01 can't be decoded: PREVIEW and PAY are refused \
              with 6A80 on a factory card, without authority, and with it, which they leave as it \
              was.",
    requirements: &[req::FRM_8, req::PAY_1, req::PAY_3],
    start: Start::Own,
    level: Level::D3,
    defect: "A source of 02 taken for 00: coins that the till didn't ask for.",
    run: unknown_source,
}];

/// The data object of the source, with what stands after it.
const SOURCE: [u8; 5] = [0x83, 0x01, 0x00, 0x84, 0x10];

fn refused(b: &mut Bench, when: &str) -> Outcome {
    let data = request(10_000).encode();
    let at = data
        .windows(SOURCE.len())
        .position(|window| window == SOURCE)
        .ok_or_else(|| Stop::Error("the case's request has no source".to_owned()))?;
    for source in [0x02, 0x7F, 0x80, 0xFF] {
        let mut data = data.clone();
        data[at + 2] = source;
        for (name, header) in [("PREVIEW", PREVIEW), ("PAY", PAY)] {
            b.card
                .once(&Command::new(header).data(data.clone()).le(LE_SHORT))?
                .want_bare(Sw::WRONG_DATA, name)
                .at(|| format!("{when}, source {source:02X}"))?;
        }
    }
    Ok(())
}

fn unknown_source(b: &mut Bench) -> Outcome {
    b.card.select()?;
    refused(b, "on a factory card")?;
    b.issue_and_fund(&[60_000])?;
    refused(b, "without a PIN")?;
    b.card.authorise()?;
    refused(b, "after the PIN")?;
    b.card
        .expect_authorised(true, "after requests that can't be decoded")?;
    b.card.expect_books("after requests that can't be decoded")
}
