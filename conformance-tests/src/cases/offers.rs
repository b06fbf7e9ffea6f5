//! What becomes of an offer when its coins leave the card: `[OFR-1]`.

use super::prelude::*;
use crate::model::{Coin, Plan, Spend, SpendInput};

pub(crate) const CASES: &[Case] = &[Case {
    id: "TC-OFR-01",
    version: 1,
    purpose: "A coin that SIGN spends, or that RESOLVE takes back as the change of a \
                  cancelled payment, after a PREVIEW offered it, can't be reported (9414), nor its \
                  ancestors be asked for (6A88), and the coin that takes its place in the card \
                  isn't offered in its stead; the other coins of the offer are offered still, and \
                  the same request is then paid from those that are there.",
    requirements: &[req::OFR_1, req::ABS_1, req::ANC_1, req::TX_1],
    start: Start::Own,
    level: Level::D3,
    defect: "An offer that remembers places in a table, in which another coin stands by now.",
    run: left,
}];

/// The coins that a preview of the request offers.
fn offered(b: &mut Bench, request: &Request) -> Step<Plan> {
    b.card
        .preview_checked(request)?
        .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))
}

fn not_offered(b: &mut Bench, coin: &Coin, what: &str) -> Outcome {
    b.card
        .report_answer(&coin.txid, coin.vout)?
        .want_bare(Sw::NOT_OFFERED, "REPORT ABSENT")
        .at(|| what.to_owned())
}

/// Has the owner spend it elsewhere.
fn sign_away(b: &mut Bench, coin: &Coin) -> Outcome {
    let spend = Spend::elsewhere(vec![SpendInput::of(coin)], 500);
    b.card.streamed(&spend, 200)?;
    b.card.signed_all(&spend)
}

fn left(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000, 40_000, 30_000])?;
    let mut stream = b.values.stream("later coins");
    if b.card
        .host()?
        .capabilities
        .needs(Capability::Signing)
        .is_ok()
    {
        let first = request(100_000);
        let plan = offered(b, &first)?;
        sign_away(b, &plan.inputs[0])?;
        not_offered(b, &plan.inputs[0], "a coin that SIGN spent")?;
        // A coin that may stand where the other stood.
        b.card.fund(&mut stream, &[60_000])?;
        let newest = b.card.host()?.purse.coins.last().cloned();
        let newest = newest.ok_or_else(|| Stop::Error("the model has no coin".to_owned()))?;
        not_offered(b, &newest, "a coin that came after the offer")?;
        b.card
            .report(&plan.inputs[1])
            .at(|| "a coin still offered".to_owned())?;
        b.card
            .preview_answer(&first)?
            .want(Sw::OK, "PREVIEW after a report")?;
        let answer = b.card.pay_answer(&first)?;
        b.card.paid(&first, answer)?;
        b.card.expect_books("after SIGN")?;
    }
    let payment = request(10_000);
    b.card.pay_checked(&payment)?;
    let kept = b.card.logged(&payment)?.clone();
    let all = request(50_000);
    let plan = offered(b, &all)?;
    let change = (plan.inputs.iter())
        .find(|coin| coin.txid == kept.txid)
        .cloned()
        .ok_or_else(|| Stop::Error("the case's change isn't offered".to_owned()))?;
    b.card
        .resolve(kept.sequence)?
        .map_err(|sw| Stop::Fail(format!("RESOLVE is refused with {sw}")))?;
    not_offered(b, &change, "the change of a cancelled payment")?;
    b.card
        .ancestor_answer(&kept.txid)?
        .want_bare(Sw::NOT_FOUND, "GET ANCESTOR of the cancelled payment")?;
    b.card.fund(&mut stream, &[70_000])?;
    let answer = b.card.pay_answer(&all)?;
    b.card.paid(&all, answer)?;
    b.card.expect_books("after RESOLVE")
}
