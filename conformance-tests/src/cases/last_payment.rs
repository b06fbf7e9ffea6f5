//! Which PAY is the last one, for STATEMENT: `[STM-2]`.

use super::prelude::*;
use super::statements::issue;
use crate::card::PAY;
use crate::model::{PLAIN, STATEMENTS};

pub(crate) const CASES: &[Case] = &[Case {
    id: "TC-STM-08",
    version: 1,
    purpose: "A PAY that is refused by the policy, for its length or for its encoding isn't the \
              last PAY: a statement on the one before it is given still. One that is refused for \
              want of a PIN is the last, and the statement is refused with 6A88.",
    requirements: &[req::STM_2, req::POL_1, req::FRM_8],
    start: Start::Own,
    level: Level::D3,
    defect: "A shop that loses its statement to a command that never counted.",
    run: last,
}];

fn last(b: &mut Bench) -> Outcome {
    issue(b, Limits::WIDE, &[90_000, 80_000])?;
    let payment = request(20_000);
    b.card.pay_checked(&payment).preamble()?;
    let stated = |b: &mut Bench, when: &str| -> Outcome {
        let nonce = b.values.bytes(when);
        b.card
            .statement(&payment, &nonce)
            .map(drop)
            .at(|| when.to_owned())
    };
    b.card.set_policy(STATEMENTS)?;
    b.card
        .pay_answer(&request(1_000))?
        .want_bare(Sw::SECURITY, "PAY in a plain session, against the policy")?;
    stated(b, "after a PAY that the policy refuses")?;
    b.card.set_policy(PLAIN | STATEMENTS)?;
    let mut spoilt = request(1_000).encode();
    spoilt[0] = 0x8F;
    for (name, data, sw) in [
        ("too short", vec![0; 64], Sw::WRONG_LENGTH),
        ("not decodable", spoilt, Sw::WRONG_DATA),
    ] {
        b.card
            .once(&Command::new(PAY).data(data))?
            .want_bare(sw, "PAY")?;
        stated(b, &format!("after a PAY that is {name}"))?;
    }
    b.card
        .pay_answer(&request(1_000))?
        .want_bare(Sw::SECURITY, "PAY without a PIN")?;
    let txid = b.card.logged(&payment)?.txid;
    b.card
        .statement_answer(&[9; 32], &txid)?
        .want_bare(Sw::NOT_FOUND, "STATEMENT after a PAY that was refused")
}
