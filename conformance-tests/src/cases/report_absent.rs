//! REPORT ABSENT and GET ANCESTOR. Section 7.5.

use super::prelude::*;
use crate::model::Plan;

/// Reports in one authorisation.
const MOST_REPORTS: usize = 4;
/// More than a card that counts to a bound would give.
const AUTHORISATIONS: u8 = 20;

cases! {
    "TC-ABS-01" version 1 on Own D3 for [ABS_1 ABS_2 PAY_2 TX_1] runs reports:
        "Four offered coins in one authorisation may be reported absent, each followed by a \
         PREVIEW of the same request that offers others; the fifth report is refused with 9415, \
         outpoints that aren't offered with 9414, reports without authorisation 6982 and without \
         an offer 6985; another request after a report is refused as ever."
        catches "A till that learns every coin of the card, one report at a time.";
    "TC-ABS-02" version 1 on Own D3 for [ABS_2 TX_1 IMG_1 LIM_2] runs doubtful:
        "A doubtful coin is no candidate in the authorisation of its report, and stands behind \
         those that aren't doubtful, however small, in later ones, over power cycles; it stays in \
         the card, is spent when the others don't suffice, and the image says that it is doubtful. \
         A report without a payment changes no more."
        catches "A terminal that makes coins vanish by calling them absent.";
    "TC-ANC-01" version 2 on Own D3 for [ANC_1 ANC_2 PAY_2 LOG_1] runs ancestors:
        "A till kept a chain of four payments back. The next till, offered their last change, is \
         given each of the four transactions, the same to the txid and with valid signatures, once in an \
         authorisation; another payment, a funding transaction, and an unknown one are refused \
         with 6A88; the offer stands, and PAY succeeds. Authority and offer are asked for; \
         acknowledged payments are given no more."
        catches "A card stranded by a till that never broadcast; payments told to a stranger.";
    "TC-ANC-03" version 1 on Own D3 for [ANC_1] runs far_ancestors:
        "Offered two coins, of which the second is the change of a payment of another payment's \
         change, a till is given both of these payments."
        catches "A card that tells of the first coin's parents only: it stays stranded.";
    "TC-ANC-02" version 2 on Own D3 for [ANC_2 LOG_1 NVM_1] runs each_authorisation:
        "One transaction is given once in each authorisation, counted in the log and over power \
         cycles, however often it was given before."
        catches "A till that uses up an ancestor, so that no later till can broadcast it.";
}

/// PREVIEW without another VERIFY must offer what the model says.
pub(super) fn offered_again(ctx: &mut CaseContext, request: &Request) -> Step<Plan> {
    let data = ctx
        .preview_answer(request)?
        .want(Sw::OK, "PREVIEW after a report")?;
    let plan = ctx.plan(request)?;
    ctx.judge_preview(&data, request, &plan)?;
    Ok(plan)
}

fn reports(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 80_000, 70_000, 60_000, 50_000, 40_000])?;
    let request = request_of(30_000);
    let first = ctx.host()?.purse.candidates()[0].clone();
    ctx.report_answer(&first.txid, first.vout)?
        .want_bare(Sw::SECURITY, "REPORT ABSENT without authorisation")?;
    ctx.authorise()?;
    ctx.report_answer(&first.txid, first.vout)?
        .want_bare(Sw::CONDITIONS, "REPORT ABSENT without an offer")?;
    let mut plan = ctx.offered(&request)?;
    let unoffered = ctx.host()?.purse.candidates()[3].clone();
    for (what, txid, vout) in [
        ("a coin that isn't offered", unoffered.txid, unoffered.vout),
        ("another output", first.txid, first.vout + 1),
        ("no coin of the card", [7; 32], 0),
    ] {
        ctx.report_answer(&txid, vout)?
            .want_bare(Sw::NOT_OFFERED, "REPORT ABSENT")
            .at(what)?;
    }
    for report in 1..=MOST_REPORTS {
        let coin = plan.inputs[0].clone();
        ctx.report(&coin).at(|| format!("report {report}"))?;
        plan = offered_again(ctx, &request).at(|| format!("after report {report}"))?;
        require!(
            !plan.inputs.contains(&coin),
            "the case's model offers a reported coin"
        );
    }
    let fifth = plan.inputs[0].clone();
    ctx.report_answer(&fifth.txid, fifth.vout)?
        .want_bare(Sw::REPORTS, "a fifth REPORT ABSENT")?;
    let answer = ctx.pay_answer(&request)?;
    ctx.paid(&request, answer)?;
    ctx.report_answer(&fifth.txid, fifth.vout)?
        .want_bare(Sw::SECURITY, "REPORT ABSENT after PAY")?;
    ctx.expect_ledger("after four reports and a payment")?;

    // Another request after a report.
    for pay in [false, true] {
        let request = request_of(20_000);
        let plan = ctx.offered(&request)?;
        ctx.report(&plan.inputs[0])?;
        let other = request.clone().amount(20_001);
        let answer = if pay {
            ctx.pay_answer(&other)?
        } else {
            ctx.preview_answer(&other)?
        };
        answer.want_bare(Sw::SECURITY, "another request after a report")?;
        ctx.expect_authorised(false, "after another request")?;
        ctx.preview_answer(&request)?
            .want_bare(Sw::SECURITY, "the first request after another one")?;
    }
    // Without a report no second PREVIEW, and one report is good for one.
    let request = request_of(10_000);
    let plan = ctx.offered(&request)?;
    ctx.report(&plan.inputs[0])?;
    offered_again(ctx, &request)?;
    ctx.preview_answer(&request)?
        .want_bare(Sw::SECURITY, "a PREVIEW without another report")?;
    ctx.expect_ledger("after all reports")
}

fn doubtful(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 20_000, 15_000])?;
    let plan = ctx.offered(&request_of(10_000))?;
    put!(
        plan.inputs[0].amount == 90_000,
        "the case needs its largest coin offered"
    );
    ctx.report(&plan.inputs[0])?;
    ctx.expect_ledger("after a report")?;
    ctx.power_cycle()?;
    ctx.expect_ledger("after a report and a power cycle")?;
    for _ in 0..2 {
        let plan = ctx.offered(&request_of(10_000))?;
        require!(
            plan.inputs[0].amount == 20_000,
            "the case's model takes a doubtful coin first"
        );
        let plan = ctx.offered(&request_of(100_000))?;
        require!(
            plan.inputs.last().is_some_and(|coin| coin.amount == 90_000),
            "the case's model doesn't take a doubtful coin last"
        );
        ctx.power_cycle()?;
    }
    // In the authorisation of the report it isn't there at all.
    let request = request_of(40_000);
    let plan = ctx.offered(&request)?;
    ctx.report(&plan.inputs[0])?;
    let left = ctx.expectation(&request)?;
    let data = ctx.preview_answer(&request)?;
    match left {
        Ok(plan) => {
            let data = data.want(Sw::OK, "PREVIEW after a report")?;
            ctx.judge_preview(&data, &request, &plan)?;
        }
        Err(sw) => data.want_bare(sw, "PREVIEW after a report")?,
    }
    ctx.power_cycle()?;
    ctx.pay_checked(&request_of(110_000))?;
    ctx.expect_ledger("after a payment with doubtful coins")
}

fn far_ancestors(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000])?;
    let chain = [request_of(5_000), request_of(5_000)];
    for payment in &chain {
        ctx.pay_checked(payment).preamble()?;
    }
    let mut stream = ctx.values.stream("a larger coin");
    ctx.fund(&mut stream, &[70_000])?;
    let plan = ctx.offered(&request_of(100_000))?;
    put!(
        plan.inputs.len() == 2 && plan.inputs[1].txid == ctx.logged(&chain[1])?.txid,
        "the case needs an offer whose second coin is change"
    );
    for payment in &chain {
        ctx.ancestor(payment)?;
    }
    ctx.expect_ledger("after both ancestors")
}

fn ancestors(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 20_000])?;
    // A chain of three from the larger coin, and one payment of the smaller one alone.
    let chain = [request_of(5_000), request_of(5_000), request_of(5_000)];
    for payment in &chain {
        ctx.pay_checked(payment)?;
    }
    let apart = request_of(85_000);
    ctx.pay_checked(&apart)?;
    let funding = ctx.logged(&chain[0])?.plan.inputs[0].txid;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[60_000, 8_000])?;
    let lone = request_of(58_000);
    ctx.pay_checked(&lone)?;

    let next = request_of(6_000);
    let first = ctx.logged(&chain[0])?.txid;
    ctx.ancestor_answer(&first)?
        .want_bare(Sw::SECURITY, "GET ANCESTOR without authorisation")?;
    ctx.authorise()?;
    ctx.ancestor_answer(&first)?
        .want_bare(Sw::CONDITIONS, "GET ANCESTOR without an offer")?;
    let plan = ctx.offered(&next)?;
    let offers = |ctx: &CaseContext, request: &Request| -> Step<bool> {
        let purse = &ctx.host()?.purse;
        let mut open: Vec<[u8; 32]> = plan.inputs.iter().map(|coin| coin.txid).collect();
        let wanted = ctx.logged(request)?.txid;
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
        if offers(ctx, payment)? {
            ctx.ancestor(payment)?;
            let txid = ctx.logged(payment)?.txid;
            ctx.ancestor_answer(&txid)?
                .want_bare(Sw::GIVEN, "GET ANCESTOR of one payment a second time")?;
            given += 1;
        } else {
            let txid = ctx.logged(payment)?.txid;
            ctx.ancestor_answer(&txid)?.want_bare(
                Sw::NOT_FOUND,
                "GET ANCESTOR of a payment that is no ancestor",
            )?;
            refused += 1;
        }
    }
    put!(
        (given, refused) == (4, 1),
        "the case needs four ancestors and another payment, and has {given} and {refused}"
    );
    let mut other = first;
    other[31] ^= 1;
    for (what, txid) in [
        ("the funding transaction", funding),
        ("an unknown one", other),
    ] {
        ctx.ancestor_answer(&txid)?
            .want_bare(Sw::NOT_FOUND, "GET ANCESTOR")
            .at(what)?;
    }
    let answer = ctx.pay_answer(&next)?;
    ctx.paid(&next, answer)?;
    ctx.ancestor_answer(&first)?
        .want_bare(Sw::SECURITY, "GET ANCESTOR after PAY")?;
    ctx.expect_ledger("after ancestors were given")?;
    let last = ctx.host()?.purse.next_sequence;
    ctx.acknowledge(last, last)?;
    ctx.offered(&request_of(300))?;
    ctx.ancestor_answer(&first)?
        .want_bare(Sw::NOT_FOUND, "GET ANCESTOR of a payment kept no longer")?;
    ctx.note(format!("{given} ancestors given, {refused} others refused"));
    Ok(())
}

fn each_authorisation(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000])?;
    let kept = request_of(5_000);
    ctx.pay_checked(&kept)?;
    let txid = ctx.logged(&kept)?.txid;
    for time in 1..=AUTHORISATIONS {
        ctx.offered(&request_of(6_000))?;
        ctx.ancestor(&kept).at(|| format!("time {time}"))?;
        if time % 5 == 0 {
            ctx.power_cycle()?;
            ctx.expect_ledger("while ancestors are given")?;
            continue;
        }
        ctx.ancestor_answer(&txid)?
            .want_bare(Sw::GIVEN, "GET ANCESTOR a second time in one authorisation")?;
    }
    ctx.expect_ledger("after the last time")?;
    // PAY again has a count of its own.
    let answer = ctx.pay_answer(&kept)?;
    ctx.paid_again(&kept, answer)?;
    ctx.expect_ledger("after PAY again")
}
