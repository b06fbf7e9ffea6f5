//! Requests at, below and above every bound, mixed by chance. Sections 7.2 to 7.4.

use super::prelude::*;
use crate::model::MAX_AMOUNT;
use crate::values::Stream;
use bitcoin::ScriptBuf;

/// Requests that are asked.
const REQUESTS: usize = 500;
/// After so many of them the books are read.
const BETWEEN_LOOKS: usize = 50;

cases! {
    "TC-PAY-25" version 1 on Own D3 for [PAY_4 PAY_5 PAY_6 PAY_9 TX_1 TX_2 LIM_2] runs fuzz:
        "500 requests whose amounts, rates, scripts, merchants, invoice hashes and identities are \
         mixed by chance from values at, beside and far from their bounds are answered as the \
         model says, by PREVIEW and by PAY, in the order of refusals of the text; what is refused \
         leaves balance, counters, log and limits as they were."
        catches "A rule that another object of the request switches off.";
}

fn one_of<T: Copy>(stream: &mut Stream, of: &[T]) -> T {
    of[stream.below(of.len() as u64) as usize]
}

fn payee_script(stream: &mut Stream) -> ScriptBuf {
    let good = [
        payee::p2wpkh(stream.bytes()),
        payee::p2wsh(stream.bytes()),
        payee::p2tr([0x5B; 32]),
    ];
    let script = good[stream.below(good.len() as u64) as usize].clone();
    let mut bytes = script.to_bytes();
    match stream.below(8) {
        0 => bytes[0] = stream.bytes::<1>()[0],
        1 => bytes[1] = stream.bytes::<1>()[0],
        2 => bytes.push(stream.bytes::<1>()[0]),
        _ => {}
    }
    ScriptBuf::from_bytes(bytes)
}

fn merchant(stream: &mut Stream) -> Vec<u8> {
    match stream.below(6) {
        0 => Vec::new(),
        1 => {
            let length = stream.below(33) as usize;
            stream.vec(length)
        }
        2 => "Bäckerei „Żółw“".as_bytes().to_vec(),
        3 => "tab\there".as_bytes().to_vec(),
        4 => "turned \u{202E}round".as_bytes().to_vec(),
        _ => vec![b'M'; stream.below(33) as usize],
    }
}

fn request(stream: &mut Stream, limits: &Limits, base: Request) -> Request {
    let most = limits.per_payment;
    let amounts = [
        0,
        1,
        293,
        294,
        329,
        330,
        539,
        546,
        2_000,
        20_000,
        60_000,
        most - 1,
        most,
        most + 1,
        MAX_AMOUNT,
        MAX_AMOUNT + 1,
        u64::MAX,
    ];
    let highest = limits.highest_rate;
    let rates = [
        0,
        99,
        100,
        1_000,
        1_001,
        2_500,
        highest - 1,
        highest,
        highest + 1,
        u32::MAX,
    ];
    // Mostly what isn't refused for itself, so that rules meet.
    let amount = match stream.below(2) {
        0 => one_of(stream, &amounts),
        _ => 5_000 + stream.below(50_000),
    };
    let rate = match stream.below(3) {
        0 => one_of(stream, &rates),
        _ => 1_000 + stream.below(2_000) as u32,
    };
    let invoice = match stream.below(2) {
        0 => Vec::new(),
        _ => stream.vec(32),
    };
    base.amount(amount)
        .rate(rate)
        .payee(payee_script(stream))
        .merchant(merchant(stream))
        .invoice(invoice)
}

fn fuzz(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE
        .per_payment(70_000)
        .cumulative(1_500_000)
        .payments(40)
        .fee_cap(700)
        .highest_rate(9_000);
    let amounts: Vec<u64> = (0..24).map(|number| 30_000 + 7_001 * number).collect();
    ctx.prepare_limited(limits, &amounts)?;
    let mut stream = ctx.values.stream("requests");
    let mut kept: Option<Request> = None;
    let mut paid = 0;
    for number in 0..REQUESTS {
        let place = || format!("request {number}");
        let mut request = request(&mut stream, &limits, request_of(0));
        if let Some(kept) = kept.as_ref().filter(|_| stream.below(12) == 0) {
            request = request.identity(kept.identity);
        }
        ctx.preview_checked(&request).at(place)?.ok();
        if stream.below(4) == 0 {
            ctx.authorise()?;
            let answer = ctx.pay_answer(&request)?;
            match ctx.expectation(&request)? {
                Err(sw) => answer.want_bare(sw, "PAY").at(place)?,
                Ok(_) => {
                    ctx.paid(&request, answer).at(place)?;
                    paid += 1;
                    kept = Some(request);
                }
            }
        }
        if number % BETWEEN_LOOKS == 0 {
            ctx.expect_ledger("books").at(place)?;
            ctx.expect_limits("limits").at(place)?;
            ctx.expect_tries(3, "tries").at(place)?;
        }
    }
    ctx.power_cycle()?;
    ctx.expect_ledger("at the end")?;
    put!(paid > 10, "the case needs requests that are paid");
    ctx.note(format!("{REQUESTS} requests, {paid} of them paid"));
    Ok(())
}
