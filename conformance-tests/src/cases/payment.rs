//! PREVIEW and PAY: who may, how often, and what lasts. Section 7.2.

use super::prelude::*;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-PAY-01",
        version: 1,
        purpose: "PREVIEW and PAY are refused with 6982 before VERIFY, after a wrong PIN, and \
                  with nothing but an owner's challenge; refusals tell nothing of funds or limits.",
        requirements: &[req::PAY_1],
        start: Start::Funded,
        level: Level::D1,
        defect: "A payment without PIN; a balance told to whoever asks.",
        run: without_authority,
    },
    Case {
        id: "TC-PAY-02",
        version: 2,
        purpose: "After PREVIEW another PREVIEW (the same one too) and a PAY with another amount, \
                  fee rate, payee, source, identity, merchant or invoice are refused with 6982 and end the authorisation: the request \
                  of the PREVIEW is refused too then.",
        requirements: &[req::PAY_2],
        start: Start::Funded,
        level: Level::D1,
        defect: "A holder shown one payment, and charged another; a balance found out by \
                 previews.",
        run: after_preview,
    },
    Case {
        id: "TC-PAY-03",
        version: 1,
        purpose: "A refused PREVIEW and a refused PAY end the authorisation; commands refused \
                  for class, P1-P2, length or encoding don't.",
        requirements: &[req::PAY_3],
        start: Start::Funded,
        level: Level::D1,
        defect: "Limits and funds found out by trial on one PIN; a PIN asked again for a typing \
                 error of the till.",
        run: after_refusals,
    },
    Case {
        id: "TC-PAY-04",
        version: 2,
        purpose: "One PIN, one payment: a PAY after its PREVIEW, and one without, succeed and are \
                  what PREVIEW said; a second PAY, a PREVIEW and RECEIVE SCRIPT after it are \
                  refused with 6982.",
        requirements: &[req::PAY_2, req::PAY_3, req::PAY_1, req::RCV_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A second payment on one PIN; a PAY that differs from its PREVIEW.",
        run: one_payment,
    },
    Case {
        id: "TC-PAY-05",
        version: 2,
        purpose: "What PAY does is done by the time the first byte of its answer is out: with the \
                  power cut while all of the answer, or its rest, is still to be fetched, the \
                  coins are gone, the change is there, limit, indexes and log have moved; the \
                  lost transaction costs what it would have cost. (Cuts inside PAY need a card \
                  whose memory can be watched.)",
        requirements: &[req::PAY_7, req::NVM_1, req::NVM_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A signature out before the debit is stored: cut the power, pay again.",
        run: committed_before_the_answer,
    },
];

fn without_authority(b: &mut Bench) -> Outcome {
    let refused = |b: &mut Bench, when: &str| -> Outcome {
        let requests = [
            request(10_000),
            Request {
                merchant: vec![0xFF],
                ..request(10_000)
            },
            request(100_000_000),
            request(0),
            Request {
                rate: 1,
                ..request(10_000)
            },
            Request {
                payee: vec![0x6A; 22].into(),
                ..request(10_000)
            },
        ];
        for request in requests {
            b.card
                .preview_answer(&request)?
                .want_bare(Sw::SECURITY, "PREVIEW")
                .at(|| when.to_owned())?;
            b.card
                .pay_answer(&request)?
                .want_bare(Sw::SECURITY, "PAY")
                .at(|| when.to_owned())?;
        }
        Ok(())
    };
    refused(b, "before VERIFY")?;
    b.card.verify(&[])?;
    refused(b, "after VERIFY without data")?;
    b.card.challenge()?;
    refused(b, "with a challenge")?;
    b.card.verify_wrong(2)?;
    refused(b, "after a wrong PIN")?;
    b.card.authorise()?;
    b.card.power_cycle()?;
    refused(b, "after a power cycle")?;
    b.card.verify_right()
}

fn after_preview(b: &mut Bench) -> Outcome {
    let first = request(150_000);
    let previewed = |b: &mut Bench| -> Outcome {
        b.card
            .preview_checked(&first)?
            .map(drop)
            .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))
    };
    let mut others = vec![
        Request {
            amount: 149_999,
            ..first.clone()
        },
        Request {
            amount: 150_001,
            ..first.clone()
        },
        Request {
            rate: 999,
            ..first.clone()
        },
        Request {
            rate: 1001,
            ..first.clone()
        },
        Request {
            payee: payee::p2wpkh([0x5B; 20]),
            ..first.clone()
        },
        Request {
            payee: payee::p2sh([0x5A; 20]),
            ..first.clone()
        },
        Request {
            payee: payee::p2wsh([0x5A; 32]),
            ..first.clone()
        },
        Request {
            unrooted: true,
            ..first.clone()
        },
        Request {
            identity: [0x77; 16],
            ..first.clone()
        },
        Request {
            merchant: b"Milk & less".to_vec(),
            ..first.clone()
        },
        Request {
            merchant: Vec::new(),
            ..first.clone()
        },
        Request {
            invoice: vec![0; 32],
            ..first.clone()
        },
    ];
    let mut last_bit = first.payee.to_bytes();
    last_bit[21] ^= 1;
    others.push(Request {
        payee: last_bit.into(),
        ..first.clone()
    });
    for other in &others {
        previewed(b)?;
        b.card
            .pay_answer(other)?
            .want_bare(Sw::SECURITY, "PAY with another request")?;
        b.card
            .expect_authorised(false, "after PAY with another request")?;
        b.card.pay_answer(&first)?.want_bare(
            Sw::SECURITY,
            "PAY with the previewed request after another one",
        )?;
    }
    for second in [first.clone(), others[0].clone()] {
        previewed(b)?;
        b.card
            .preview_answer(&second)?
            .want_bare(Sw::SECURITY, "a second PREVIEW")?;
        b.card.expect_authorised(false, "after a second PREVIEW")?;
        b.card
            .pay_answer(&first)?
            .want_bare(Sw::SECURITY, "PAY after a second PREVIEW")?;
    }
    // A new PIN takes the preview back: any request again.
    previewed(b)?;
    b.card.authorise()?;
    b.card
        .preview_answer(&others[1])?
        .want(Sw::OK, "PREVIEW after a new PIN")
        .map(drop)
}

fn after_refusals(b: &mut Bench) -> Outcome {
    let refusals = [
        (
            Request {
                rate: 99,
                ..request(10_000)
            },
            Sw::FEE_RATE,
        ),
        (request(10_000_000), Sw::INSUFFICIENT),
        (request(1), Sw::AMOUNT),
    ];
    for (request, sw) in refusals {
        for pay in [false, true] {
            b.card.authorise()?;
            let answer = if pay {
                b.card.pay_answer(&request)?
            } else {
                b.card.preview_answer(&request)?
            };
            answer.want_bare(sw, if pay { "PAY" } else { "PREVIEW" })?;
            b.card.expect_authorised(false, "after a refused payment")?;
        }
    }
    let right = request(10_000).encode();
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
    b.card.authorise()?;
    for (command, sw) in harmless {
        b.card
            .once(&command)?
            .want_bare(sw, "a malformed payment")?;
        b.card
            .expect_authorised(true, "after a malformed payment")?;
    }
    Ok(())
}

fn one_payment(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[50_000, 40_000, 30_000])?;
    for with_preview in [true, false] {
        let request = request(20_000);
        if with_preview {
            b.card
                .preview_checked(&request)?
                .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))?;
        } else {
            b.card.authorise()?;
        }
        let answer = b.card.pay_answer(&request)?;
        b.card.paid(&request, answer)?;
        // The same request again would be the same payment: TC-REC-01.
        let second = self::request(20_000);
        b.card
            .pay_answer(&second)?
            .want_bare(Sw::SECURITY, "a second PAY on one PIN")?;
        b.card
            .preview_answer(&second)?
            .want_bare(Sw::SECURITY, "PREVIEW after PAY")?;
        b.card.expect_authorised(false, "after PAY")?;
    }
    b.card.power_cycle()?;
    let plan = b.card.preview_checked(&request(50_000))?;
    require!(plan.is_ok(), "the case must have funds left");
    Ok(())
}

fn committed_before_the_answer(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000, 40_000, 30_000, 20_000, 10_000])?;
    let command = |request: &Request| Command::new([0x80, 0x30, 0, 0]).data(request.encode());

    // Nothing of the answer is fetched. Only the amount that is left then shows what happened.
    let lost = request(55_000);
    let plan = b.card.plan(&lost)?;
    b.card.authorise()?;
    let first = b.card.once(&command(&lost))?;
    require!(
        first.sw.more().is_some(),
        "PAY without Le answered {}",
        first.sw
    );
    b.card.reset(Reset::Cold)?;
    b.card.select()?;
    b.card
        .get_response(256)?
        .want_bare(Sw::CONDITIONS, "GET RESPONSE after the power cut")?;
    // Its txid isn't known, so neither is the change's outpoint; but every byte of the
    // transaction apart from the signatures is determined, and so is the txid.
    let expected = unsigned(b, &lost, &plan)?;
    b.card.made(&lost, &plan, expected.0, expected.1, false)?;
    same_as_model(b, "after a PAY of which nothing was fetched")?;

    // Part of the answer is fetched.
    let partly = request(70_000);
    let plan = b.card.plan(&partly)?;
    b.card.authorise()?;
    let first = b.card.once(&command(&partly).le(100))?;
    require!(
        first.data.len() == 100,
        "PAY with Le 100 gave {} bytes",
        first.data.len()
    );
    b.card.reset(Reset::Warm)?;
    b.card.select()?;
    let expected = unsigned(b, &partly, &plan)?;
    b.card.made(&partly, &plan, expected.0, expected.1, false)?;
    same_as_model(b, "after a PAY of which a part was fetched")
}

/// The txid of a payment, which signatures don't enter, and where its change is.
fn unsigned(
    b: &Bench,
    request: &Request,
    plan: &crate::model::Plan,
) -> Step<([u8; 32], Option<u32>)> {
    crate::tx::expected_txid(&b.card.host()?.account, request, plan)
}

/// The card holds what the model says: image and log agree, a preview of nearly everything shows all outpoints, the
/// coins' index is retired, and a payment shows signatures and the change index.
fn same_as_model(b: &mut Bench, when: &str) -> Outcome {
    b.card.power_cycle()?;
    b.card.expect_books(when)?;
    let all: u64 = b
        .card
        .host()?
        .purse
        .candidates()
        .iter()
        .map(|coin| coin.amount)
        .sum();
    for amount in [5_000, all - 2_000] {
        b.card
            .preview_checked(&request(amount))
            .at(|| when.to_owned())?
            .ok();
    }
    let spent_at = Entry {
        txid: b.values.bytes("another coin"),
        vout: 0,
        place: 0,
    };
    b.card
        .begin_entry(&spent_at)?
        .want_bare(
            Sw::RETIRED,
            "ENTER COIN at the index of a coin that was spent",
        )
        .at(|| when.to_owned())?;
    b.card
        .pay_checked(&request(4_000))
        .at(|| when.to_owned())
        .map(drop)
}
