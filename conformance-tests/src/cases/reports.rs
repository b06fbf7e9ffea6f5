//! Which reports of absent coins count, and what they leave of an offer: `[ABS-1]`.

use super::absent::{offered, offered_again};
use super::prelude::*;
use crate::model::Coin;

pub(crate) const CASES: &[Case] = &[Case {
    id: "TC-ABS-03",
    version: 1,
    purpose: "A coin reported twice is refused with 9414 the second time; the other coins of the \
              offer stay offered. When all are reported there is an offer still: reports are \
              refused with 9414 and unknown ancestors with 6A88, not with 6985. Only reports that \
              were taken count: a refused one permits no PREVIEW, and after four taken ones an \
              outpoint that isn't offered is refused with 9414 and an offered coin with 9415. \
              Several reports permit one PREVIEW. PAY may follow a report without a PREVIEW.",
    requirements: &[req::ABS_1, req::ABS_2, req::PAY_2, req::TX_1],
    start: Start::Own,
    level: Level::D3,
    defect: "A till that marks five coins, or that is sent away because a coin was gone.",
    run: counted,
}];

/// REPORT ABSENT of a coin must be refused so.
fn refused(b: &mut Bench, coin: &Coin, sw: Sw, what: &str) -> Outcome {
    b.card
        .report_answer(&coin.txid, coin.vout)?
        .want_bare(sw, "REPORT ABSENT")
        .at(|| what.to_owned())
}

fn counted(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[20_000; 14])?;
    let five_coins = request(90_000);

    let plan = offered(b, &five_coins)?;
    b.card.report(&plan.inputs[0])?;
    refused(
        b,
        &plan.inputs[0],
        Sw::NOT_OFFERED,
        "a coin reported before",
    )?;
    b.card
        .report(&plan.inputs[1])
        .at(|| "another coin of the offer".to_owned())?;
    offered_again(b, &five_coins).at(|| "after two reports".to_owned())?;
    b.card
        .preview_answer(&five_coins)?
        .want_bare(Sw::SECURITY, "a second PREVIEW after two reports")?;

    let plan = offered(b, &five_coins)?;
    let stranger = Coin {
        txid: [7; 32],
        ..plan.inputs[0].clone()
    };
    refused(b, &stranger, Sw::NOT_OFFERED, "no coin of the card")?;
    b.card
        .preview_answer(&five_coins)?
        .want_bare(Sw::SECURITY, "a PREVIEW after a refused report")?;

    let plan = offered(b, &five_coins)?;
    for coin in &plan.inputs[..4] {
        b.card.report(coin)?;
    }
    refused(
        b,
        &stranger,
        Sw::NOT_OFFERED,
        "no coin of the card, after four reports",
    )?;
    refused(
        b,
        &plan.inputs[0],
        Sw::NOT_OFFERED,
        "a coin reported before, after four reports",
    )?;
    refused(b, &plan.inputs[4], Sw::REPORTS, "a fifth coin")?;
    b.card.expect_authorised(true, "after refused reports")?;
    let answer = b.card.pay_answer(&five_coins)?;
    b.card
        .paid(&five_coins, answer)
        .at(|| "PAY after reports, without a PREVIEW".to_owned())?;

    let one_coin = request(5_000);
    let plan = offered(b, &one_coin)?;
    require!(
        plan.inputs.len() == 1,
        "the case needs an offer of one coin"
    );
    b.card.report(&plan.inputs[0])?;
    refused(
        b,
        &plan.inputs[0],
        Sw::NOT_OFFERED,
        "the only coin of the offer, a second time",
    )?;
    b.card
        .ancestor_answer(&[7; 32])?
        .want_bare(Sw::NOT_FOUND, "GET ANCESTOR when all coins were reported")?;
    offered_again(b, &one_coin)?;
    let answer = b.card.pay_answer(&one_coin)?;
    b.card.paid(&one_coin, answer)?;
    b.card.expect_books("after all reports")
}
