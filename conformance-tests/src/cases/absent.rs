//! REPORT ABSENT and GET ANCESTOR. Section 7.5.

use super::prelude::*;
use crate::model::Plan;

/// Reports in one authorisation.
const MOST_REPORTS: usize = 4;
/// How often one payment's transaction is given.
const MOST_GIVEN: u8 = 16;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-ABS-01",
        version: 1,
        purpose: "Four offered coins in one authorisation may be reported absent, each followed \
                  by a PREVIEW of the same request that offers others; the fifth report is \
                  refused with 9415, outpoints that aren't offered with 9414, reports without \
                  authorisation 6982 and without an offer 6985; another request after a report \
                  is refused as ever.",
        requirements: &[req::ABS_1, req::ABS_2, req::PAY_2, req::TX_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A till that learns every coin of the card, one report at a time.",
        run: reports,
    },
    Case {
        id: "TC-ABS-02",
        version: 1,
        purpose: "A doubtful coin is no candidate in the authorisation of its report, and stands \
                  behind those that aren't doubtful, however small, in later ones, over power \
                  cycles; it stays in the card, is spent when the others don't suffice, and the \
                  image says that it is doubtful. A report without a payment changes no more.",
        requirements: &[req::ABS_2, req::TX_1, req::IMG_1, req::LIM_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A terminal that makes coins vanish by calling them absent.",
        run: doubtful,
    },
    Case {
        id: "TC-ANC-01",
        version: 1,
        purpose: "A till kept three payments back. The next till, offered their last change, is \
                  given each of the three transactions, the same to the txid and with valid \
                  signatures, once in an authorisation; another payment, a funding transaction, \
                  and an unknown one are refused with 6A88; the offer stands, and PAY succeeds. \
                  Authority and offer are asked for; acknowledged payments are given no more.",
        requirements: &[req::ANC_1, req::ANC_2, req::PAY_2, req::LOG_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A card stranded by a till that never broadcast; payments told to a stranger.",
        run: ancestors,
    },
    Case {
        id: "TC-ANC-02",
        version: 1,
        purpose: "One transaction is given 16 times in all, once in an authorisation, counted in \
                  the log and over power cycles; then 9413, for good.",
        requirements: &[req::ANC_2, req::LOG_1, req::NVM_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Signatures of one message without end, for whoever measures them.",
        run: sixteen_times,
    },
];

/// The coins that a PREVIEW after the PIN offers, which must be the model's.
pub(super) fn offered(b: &mut Bench, request: &Request) -> Step<Plan> {
    b.card
        .preview_checked(request)?
        .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))
}

/// PREVIEW without another VERIFY must offer what the model says.
pub(super) fn offered_again(b: &mut Bench, request: &Request) -> Step<Plan> {
    let data = b
        .card
        .preview_answer(request)?
        .want(Sw::OK, "PREVIEW after a report")?;
    let plan = b.card.plan(request)?;
    b.card.judge_preview(&data, request, &plan)?;
    Ok(plan)
}

fn reports(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[90_000, 80_000, 70_000, 60_000, 50_000, 40_000])?;
    let request = request(30_000);
    let first = b.card.host()?.purse.candidates()[0].clone();
    b.card
        .report_answer(&first.txid, first.vout)?
        .want_bare(Sw::SECURITY, "REPORT ABSENT without authorisation")?;
    b.card.authorise()?;
    b.card
        .report_answer(&first.txid, first.vout)?
        .want_bare(Sw::CONDITIONS, "REPORT ABSENT without an offer")?;
    let mut plan = offered(b, &request)?;
    let unoffered = b.card.host()?.purse.candidates()[3].clone();
    for (what, txid, vout) in [
        ("a coin that isn't offered", unoffered.txid, unoffered.vout),
        ("another output", first.txid, first.vout + 1),
        ("no coin of the card", [7; 32], 0),
    ] {
        b.card
            .report_answer(&txid, vout)?
            .want_bare(Sw::NOT_OFFERED, "REPORT ABSENT")
            .at(|| what.to_owned())?;
    }
    for report in 1..=MOST_REPORTS {
        let coin = plan.inputs[0].clone();
        b.card.report(&coin).at(|| format!("report {report}"))?;
        plan = offered_again(b, &request).at(|| format!("after report {report}"))?;
        require!(
            !plan.inputs.contains(&coin),
            "the case's model offers a reported coin"
        );
    }
    let fifth = plan.inputs[0].clone();
    b.card
        .report_answer(&fifth.txid, fifth.vout)?
        .want_bare(Sw::REPORTS, "a fifth REPORT ABSENT")?;
    let answer = b.card.pay_answer(&request)?;
    b.card.paid(&request, answer)?;
    b.card
        .report_answer(&fifth.txid, fifth.vout)?
        .want_bare(Sw::SECURITY, "REPORT ABSENT after PAY")?;
    b.card.expect_books("after four reports and a payment")?;

    // Another request after a report.
    for pay in [false, true] {
        let request = self::request(20_000);
        let plan = offered(b, &request)?;
        b.card.report(&plan.inputs[0])?;
        let other = Request {
            amount: 20_001,
            ..request.clone()
        };
        let answer = if pay {
            b.card.pay_answer(&other)?
        } else {
            b.card.preview_answer(&other)?
        };
        answer.want_bare(Sw::SECURITY, "another request after a report")?;
        b.card.expect_authorised(false, "after another request")?;
        b.card
            .preview_answer(&request)?
            .want_bare(Sw::SECURITY, "the first request after another one")?;
    }
    // Without a report no second PREVIEW, and one report is good for one.
    let request = self::request(10_000);
    let plan = offered(b, &request)?;
    b.card.report(&plan.inputs[0])?;
    offered_again(b, &request)?;
    b.card
        .preview_answer(&request)?
        .want_bare(Sw::SECURITY, "a PREVIEW without another report")?;
    b.card.expect_books("after all reports")
}

fn doubtful(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[90_000, 20_000, 15_000])?;
    let plan = offered(b, &request(10_000))?;
    require!(
        plan.inputs[0].amount == 90_000,
        "the case needs its largest coin offered"
    );
    b.card.report(&plan.inputs[0])?;
    b.card.expect_books("after a report")?;
    b.card.power_cycle()?;
    b.card.expect_books("after a report and a power cycle")?;
    for _ in 0..2 {
        let plan = offered(b, &request(10_000))?;
        require!(
            plan.inputs[0].amount == 20_000,
            "the case's model takes a doubtful coin first"
        );
        let plan = offered(b, &request(100_000))?;
        require!(
            plan.inputs.last().is_some_and(|coin| coin.amount == 90_000),
            "the case's model doesn't take a doubtful coin last"
        );
        b.card.power_cycle()?;
    }
    // In the authorisation of the report it isn't there at all.
    let request = request(40_000);
    let plan = offered(b, &request)?;
    b.card.report(&plan.inputs[0])?;
    let left = b.card.expectation(&request)?;
    let data = b.card.preview_answer(&request)?;
    match left {
        Ok(plan) => {
            let data = data.want(Sw::OK, "PREVIEW after a report")?;
            b.card.judge_preview(&data, &request, &plan)?;
        }
        Err(sw) => data.want_bare(sw, "PREVIEW after a report")?,
    }
    b.card.power_cycle()?;
    b.card.pay_checked(&self::request(110_000))?;
    b.card.expect_books("after a payment with doubtful coins")
}

fn ancestors(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[90_000, 20_000])?;
    // A chain of three from the larger coin, and one payment of the smaller one alone.
    let chain = [request(5_000), request(5_000), request(5_000)];
    for payment in &chain {
        b.card.pay_checked(payment)?;
    }
    let apart = request(85_000);
    b.card.pay_checked(&apart)?;
    let funding = b.card.logged(&chain[0])?.plan.inputs[0].txid;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[60_000, 8_000])?;
    let lone = request(50_000);
    b.card.pay_checked(&lone)?;

    let next = request(6_000);
    let first = b.card.logged(&chain[0])?.txid;
    b.card
        .ancestor_answer(&first)?
        .want_bare(Sw::SECURITY, "GET ANCESTOR without authorisation")?;
    b.card.authorise()?;
    b.card
        .ancestor_answer(&first)?
        .want_bare(Sw::CONDITIONS, "GET ANCESTOR without an offer")?;
    let plan = offered(b, &next)?;
    let offers = |b: &Bench, request: &Request| -> Step<bool> {
        let purse = &b.card.host()?.purse;
        let mut open: Vec<[u8; 32]> = plan.inputs.iter().map(|coin| coin.txid).collect();
        let wanted = b.card.logged(request)?.txid;
        while let Some(txid) = open.pop() {
            if txid == wanted {
                return Ok(true);
            }
            if let Some(parent) = purse.log.iter().find(|logged| logged.txid == txid) {
                open.extend(parent.plan.inputs.iter().map(|coin| coin.txid));
            }
        }
        Ok(false)
    };
    let (mut given, mut refused) = (0, 0);
    for payment in chain.iter().chain([&apart, &lone]) {
        if offers(b, payment)? {
            b.card.ancestor(payment)?;
            let txid = b.card.logged(payment)?.txid;
            b.card
                .ancestor_answer(&txid)?
                .want_bare(Sw::GIVEN, "GET ANCESTOR of one payment a second time")?;
            given += 1;
        } else {
            let txid = b.card.logged(payment)?.txid;
            b.card.ancestor_answer(&txid)?.want_bare(
                Sw::NOT_FOUND,
                "GET ANCESTOR of a payment that is no ancestor",
            )?;
            refused += 1;
        }
    }
    require!(
        given > 0 && refused > 0,
        "the case needs ancestors and others: {given} and {refused}"
    );
    let mut other = first;
    other[31] ^= 1;
    for (what, txid) in [
        ("the funding transaction", funding),
        ("an unknown one", other),
    ] {
        b.card
            .ancestor_answer(&txid)?
            .want_bare(Sw::NOT_FOUND, "GET ANCESTOR")
            .at(|| what.to_owned())?;
    }
    let answer = b.card.pay_answer(&next)?;
    b.card.paid(&next, answer)?;
    b.card
        .ancestor_answer(&first)?
        .want_bare(Sw::SECURITY, "GET ANCESTOR after PAY")?;
    b.card.expect_books("after ancestors were given")?;
    let last = b.card.host()?.purse.next_sequence;
    b.card.acknowledge(last, last)?;
    offered(b, &request(300))?;
    b.card
        .ancestor_answer(&first)?
        .want_bare(Sw::NOT_FOUND, "GET ANCESTOR of a payment kept no longer")?;
    b.note(format!("{given} ancestors given, {refused} others refused"));
    Ok(())
}

fn sixteen_times(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[90_000])?;
    let kept = request(5_000);
    b.card.pay_checked(&kept)?;
    let txid = b.card.logged(&kept)?.txid;
    for time in 1..=MOST_GIVEN {
        offered(b, &request(6_000))?;
        b.card.ancestor(&kept).at(|| format!("time {time}"))?;
        if time % 5 == 0 {
            b.card.power_cycle()?;
            b.card.expect_books("while ancestors are given")?;
            continue;
        }
        b.card
            .ancestor_answer(&txid)?
            .want_bare(Sw::GIVEN, "GET ANCESTOR a second time in one authorisation")?;
    }
    for _ in 0..3 {
        offered(b, &request(6_000))?;
        b.card
            .ancestor_answer(&txid)?
            .want_bare(Sw::GIVEN, "GET ANCESTOR for the seventeenth time")?;
        b.card.power_cycle()?;
    }
    b.card.expect_books("after sixteen times")?;
    // PAY again has a count of its own.
    let answer = b.card.pay_answer(&kept)?;
    b.card.paid_again(&kept, answer)?;
    b.card.expect_books("after PAY again")
}
