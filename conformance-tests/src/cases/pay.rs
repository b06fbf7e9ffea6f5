//! PREVIEW and PAY: who may, how often, and what lasts. Section 7.2.

use super::prelude::*;

cases! {
    "TC-PAY-01" version 1 on Funded D1 for [PAY_1] runs without_authority:
        "PREVIEW and PAY are refused with 6982 before VERIFY, after a wrong PIN, and with nothing \
         but an owner's challenge; refusals tell nothing of funds or limits."
        catches "A payment without PIN; a balance told to whoever asks.";
    "TC-PAY-02" version 2 on Funded D1 for [PAY_2] runs after_preview:
        "After PREVIEW another PREVIEW (the same one too) and a PAY with another amount, fee rate, \
         payee, source, identity, merchant or invoice are refused with 6982 and end the \
         authorisation: the request of the PREVIEW is refused too then."
        catches "A holder shown one payment, and charged another; a balance found out by previews.";
    "TC-PAY-03" version 1 on Funded D1 for [PAY_3] runs after_refusals:
        "A refused PREVIEW and a refused PAY end the authorisation; commands refused for class, \
         P1-P2, length or encoding don't."
        catches "Limits and funds found out by trial on one PIN; a PIN asked again for a typing \
                 error of the till.";
    "TC-PAY-04" version 2 on Own D3 for [PAY_2 PAY_3 PAY_1 RCV_2] runs one_payment:
        "One PIN, one payment: a PAY after its PREVIEW, and one without, succeed and are what \
         PREVIEW said; a second PAY, a PREVIEW and RECEIVE SCRIPT after it are refused with 6982."
        catches "A second payment on one PIN; a PAY that differs from its PREVIEW.";
    "TC-PAY-05" version 2 on Own D3 for [PAY_7 NVM_1 NVM_3] runs committed_before_the_answer:
        "What PAY does is done by the time the first byte of its answer is out: with the power cut \
         while all of the answer, or its rest, is still to be fetched, the coins are gone, the \
         change is there, limit, indexes and log have moved; the lost transaction costs what it \
         would have cost. (Cuts inside PAY need a card whose memory can be watched.)"
        catches "A signature out before the debit is stored: cut the power, pay again.";
}

fn without_authority(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let refused = |ctx: &mut CaseContext, when: &str| -> Outcome {
        let requests = [
            request_of(10_000),
            request_of(10_000).merchant(vec![0xFF]),
            request_of(100_000_000),
            request_of(0),
            request_of(10_000).rate(1),
            request_of(10_000).payee(vec![0x6A; 22].into()),
        ];
        for request in requests {
            ctx.preview_answer(&request)?
                .want_bare(Sw::SECURITY, "PREVIEW")
                .at(when)?;
            ctx.pay_answer(&request)?
                .want_bare(Sw::SECURITY, "PAY")
                .at(when)?;
        }
        Ok(())
    };
    refused(ctx, "before VERIFY")?;
    ctx.verify(&[])?;
    refused(ctx, "after VERIFY without data")?;
    ctx.challenge()?;
    refused(ctx, "with a challenge")?;
    ctx.verify_wrong(2)?;
    refused(ctx, "after a wrong PIN")?;
    ctx.authorise()?;
    ctx.power_cycle()?;
    refused(ctx, "after a power cycle")?;
    ctx.verify_right()
}

fn after_preview(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let first = request_of(150_000);
    let previewed = |ctx: &mut CaseContext| -> Outcome {
        ctx.preview_checked(&first)?
            .map(drop)
            .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))
    };
    let mut others = vec![
        first.clone().amount(149_999),
        first.clone().amount(150_001),
        first.clone().rate(999),
        first.clone().rate(1001),
        first.clone().payee(payee::p2wpkh([0x5B; 20])),
        first.clone().payee(payee::p2sh([0x5A; 20])),
        first.clone().payee(payee::p2wsh([0x5A; 32])),
        first.clone().unrooted(true),
        first.clone().identity([0x77; 16]),
        first.clone().merchant(b"Milk & less".to_vec()),
        first.clone().merchant(Vec::new()),
        first.clone().invoice(vec![0; 32]),
    ];
    if !ctx.has(Capability::Credits)? {
        others.retain(|other| !other.unrooted);
    }
    let mut last_bit = first.payee.to_bytes();
    last_bit[21] ^= 1;
    others.push(first.clone().payee(last_bit.into()));
    for other in &others {
        previewed(ctx)?;
        ctx.pay_answer(other)?
            .want_bare(Sw::SECURITY, "PAY with another request")?;
        ctx.expect_authorised(false, "after PAY with another request")?;
        ctx.pay_answer(&first)?.want_bare(
            Sw::SECURITY,
            "PAY with the previewed request after another one",
        )?;
    }
    for second in [first.clone(), others[0].clone()] {
        previewed(ctx)?;
        ctx.preview_answer(&second)?
            .want_bare(Sw::SECURITY, "a second PREVIEW")?;
        ctx.expect_authorised(false, "after a second PREVIEW")?;
        ctx.pay_answer(&first)?
            .want_bare(Sw::SECURITY, "PAY after a second PREVIEW")?;
    }
    // A new PIN takes the preview back: any request again.
    previewed(ctx)?;
    ctx.authorise()?;
    ctx.preview_answer(&others[1])?
        .want(Sw::OK, "PREVIEW after a new PIN")
        .map(drop)
}

fn after_refusals(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let refusals = [
        (request_of(10_000).rate(99), Sw::FEE_RATE),
        (request_of(10_000_000), Sw::INSUFFICIENT),
        (request_of(1), Sw::AMOUNT),
    ];
    for (request, sw) in refusals {
        for pay in [false, true] {
            ctx.authorise()?;
            let answer = if pay {
                ctx.pay_answer(&request)?
            } else {
                ctx.preview_answer(&request)?
            };
            answer.want_bare(sw, if pay { "PAY" } else { "PREVIEW" })?;
            ctx.expect_authorised(false, "after a refused payment")?;
        }
    }
    let right = request_of(10_000).encode();
    let mut spoilt = right.clone();
    spoilt[0] = 0x00;
    let harmless = [
        (
            Command::new([0xA0, 0x30, 0, 0]).data(right.clone()),
            Sw::NO_CLASS,
        ),
        (
            Command::new([0x80, 0x30, 0, 1]).data(right.clone()),
            Sw::WRONG_P1P2,
        ),
        (
            Command::new([0x80, 0x30, 0, 0]).data(&right[..60]),
            Sw::WRONG_LENGTH,
        ),
        (Command::new([0x80, 0x30, 0, 0]), Sw::WRONG_LENGTH),
        (
            Command::new([0x80, 0x30, 0, 0]).data(spoilt.clone()),
            Sw::WRONG_DATA,
        ),
        (
            Command::new([0x80, 0x32, 0, 0]).data(spoilt),
            Sw::WRONG_DATA,
        ),
        (Command::new([0x80, 0x32, 1, 0]).data(right), Sw::WRONG_P1P2),
    ];
    ctx.authorise()?;
    for (command, sw) in harmless {
        ctx.once(&command)?.want_bare(sw, "a malformed payment")?;
        ctx.expect_authorised(true, "after a malformed payment")?;
    }
    Ok(())
}

fn one_payment(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[50_000, 40_000, 30_000])?;
    for with_preview in [true, false] {
        let request = request_of(20_000);
        if with_preview {
            ctx.offered(&request)?;
        } else {
            ctx.authorise()?;
        }
        let answer = ctx.pay_answer(&request)?;
        ctx.paid(&request, answer)?;
        // The same request again would be the same payment: TC-REC-01.
        let second = request_of(20_000);
        ctx.pay_answer(&second)?
            .want_bare(Sw::SECURITY, "a second PAY on one PIN")?;
        ctx.preview_answer(&second)?
            .want_bare(Sw::SECURITY, "PREVIEW after PAY")?;
        ctx.expect_authorised(false, "after PAY")?;
    }
    ctx.power_cycle()?;
    let plan = ctx.preview_checked(&request_of(50_000))?;
    put!(plan.is_ok(), "the case must have funds left");
    Ok(())
}

fn committed_before_the_answer(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000, 40_000, 30_000, 20_000, 10_000])?;
    let command = |request: &Request| Command::new([0x80, 0x30, 0, 0]).data(request.encode());

    // Nothing of the answer is fetched. Only the amount that is left then shows what happened.
    let lost = request_of(55_000);
    let plan = ctx.plan(&lost)?;
    ctx.authorise()?;
    let first = ctx.once(&command(&lost))?;
    require!(
        first.sw.more().is_some(),
        "PAY without Le answered {}",
        first.sw
    );
    ctx.reset(Reset::Cold)?;
    ctx.select()?;
    ctx.get_response(256)?
        .want_bare(Sw::CONDITIONS, "GET RESPONSE after the power cut")?;
    // Its txid isn't known, so neither is the change's outpoint; but every byte of the
    // transaction apart from the signatures is determined, and so is the txid.
    let expected = unsigned(ctx, &lost, &plan)?;
    ctx.made(&lost, &plan, expected.0, expected.1, false)?;
    same_as_model(ctx, "after a PAY of which nothing was fetched")?;

    // Part of the answer is fetched.
    let partly = request_of(70_000);
    let plan = ctx.plan(&partly)?;
    ctx.authorise()?;
    let first = ctx.once(&command(&partly).le(100))?;
    require!(
        first.data.len() == 100,
        "PAY with Le 100 gave {} bytes",
        first.data.len()
    );
    ctx.reset(Reset::Warm)?;
    ctx.select()?;
    let expected = unsigned(ctx, &partly, &plan)?;
    ctx.made(&partly, &plan, expected.0, expected.1, false)?;
    same_as_model(ctx, "after a PAY of which a part was fetched")
}

/// The txid of a payment, which signatures don't enter, and where its change is.
fn unsigned(
    ctx: &CaseContext,
    request: &Request,
    plan: &crate::model::Plan,
) -> Step<([u8; 32], Option<u32>)> {
    crate::tx::expected_txid(&ctx.host()?.account, request, plan)
}

/// The card holds what the model says: image and log agree, a preview of nearly everything shows all outpoints, the
/// coins' index is retired, and a payment shows signatures and the change index.
fn same_as_model(ctx: &mut CaseContext, when: &str) -> Outcome {
    let request_of = ctx.requests();
    ctx.power_cycle()?;
    ctx.expect_ledger(when)?;
    let all = ctx.host()?.purse.available();
    for amount in [5_000, all - 2_000] {
        ctx.preview_checked(&request_of(amount)).at(when)?.ok();
    }
    let spent_at = Entry {
        txid: ctx.values.bytes("another coin"),
        vout: 0,
        place: 0,
    };
    ctx.begin_entry(&spent_at)?
        .want_bare(
            Sw::RETIRED,
            "ENTER COIN at the index of a coin that was spent",
        )
        .at(when)?;
    ctx.pay_checked(&request_of(4_000)).at(when).map(drop)
}
