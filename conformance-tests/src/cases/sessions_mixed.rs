//! A life in plain sessions and channels in turn. Sections 2.5 to 2.7 and 7.

use super::prelude::*;
use crate::values::Stream;

/// Steps of the life.
const STEPS: usize = 200;
/// Steps between two looks into the books.
const BETWEEN_LOOKS: usize = 10;
/// Payments without PIN that the limits allow, and how much each may come to.
const WITHOUT_PIN: u16 = 12;
const LITTLE: u64 = 3_000;
/// How often a payment is given again without PIN.
const MOST_GIVEN: u8 = 16;

cases! {
    "TC-SES-07" version 1 on Own D3 for [SES_1 MSG_1 LIM_2 NOP_1 REC_2 ANC_2 PIN_5 TX_4 ENT_1 ACK_1] runs
        mixed:
        "200 steps, some in a plain session and some in a channel, by chance: payments with and \
         without PIN, given again and as ancestors, wrong PINs, coins and \
         acknowledgements. After each the tries are the model's, and after every tenth coin image \
         and log, read in the same kind of session: no counter, index or mark depends on the \
         session in which it moved."
        catches "A counter that a channel doesn't move: payments without PIN without end.";
}

/// What the case knows besides the model.
struct Life {
    tries: u8,
    without_pin: u16,
    last: Option<Request>,
}

fn mixed(ctx: &mut CaseContext) -> Outcome {
    let limits = Limits::WIDE
        .without_pin(LITTLE)
        .payments_without_pin(WITHOUT_PIN);
    ctx.prepare_limited(limits, &[3_000_000])?;
    ctx.needs(Capability::Channel)?;
    ctx.needs(Capability::WithoutPin)?;
    let mut stream = ctx.values.stream("steps");
    let mut life = Life {
        tries: 3,
        without_pin: 0,
        last: None,
    };
    for number in 0..STEPS {
        let place = || format!("step {number}");
        match stream.below(4) {
            0 => ctx.open_channel()?,
            1 => ctx.select()?,
            _ => {}
        }
        step(ctx, &mut life, &mut stream).at(place)?;
        ctx.expect_tries(life.tries, "after the step").at(place)?;
        if number % BETWEEN_LOOKS == 0 {
            ctx.expect_ledger("books").at(place)?;
        }
    }
    ctx.power_cycle()?;
    ctx.expect_ledger("at the end")?;
    put!(
        life.without_pin == WITHOUT_PIN,
        "the case needs as many payments without PIN as are allowed"
    );
    Ok(())
}

fn step(ctx: &mut CaseContext, life: &mut Life, stream: &mut Stream) -> Outcome {
    let request_of = ctx.requests();
    match stream.below(10) {
        0 | 1 => {
            let request = request_of(4_000);
            ctx.pay_checked(&request)?;
            (life.tries, life.last) = (3, Some(request));
        }
        2 | 3 => without_pin(ctx, life, request_of(1_000))?,
        4 => again(ctx, life)?,
        5 => {
            let request = request_of(1_500);
            ctx.offered(&request)?;
            if let Some(last) = &life.last {
                ctx.ancestor(last)?;
            }
            let answer = ctx.pay_answer(&request)?;
            ctx.paid(&request, answer)?;
            (life.tries, life.last) = (3, Some(request));
        }
        6 if life.tries > 1 => {
            life.tries -= 1;
            ctx.verify_wrong(life.tries)?;
        }
        7 => {
            ctx.fund(stream, &[5_000])?;
        }
        8 => {
            ctx.verify_right()?;
            life.tries = 3;
        }
        _ => {
            let purse = &ctx.host()?.purse;
            let next = purse.next_sequence;
            let settled = purse.first_kept.max(next.saturating_sub(20));
            ctx.acknowledge(next, settled)?;
        }
    }
    Ok(())
}

/// PAY by whoever may: a holder whose PIN was right isn't counted (`[NOP-2]`).
fn without_pin(ctx: &mut CaseContext, life: &mut Life, request: Request) -> Outcome {
    if ctx.is_authorised()? {
        let answer = ctx.pay_answer(&request)?;
        ctx.paid(&request, answer)?;
    } else if life.without_pin < WITHOUT_PIN {
        let answer = ctx.pay_answer(&request)?;
        ctx.paid_as(&request, answer, true)?;
        life.without_pin += 1;
    } else {
        return ctx
            .pay_answer(&request)?
            .want_bare(Sw::SECURITY, "PAY without PIN, one too many");
    }
    life.last = Some(request);
    Ok(())
}

/// PAY of the last payment again.
fn again(ctx: &mut CaseContext, life: &Life) -> Outcome {
    let Some(last) = &life.last else {
        return Ok(());
    };
    let is_holder = ctx.is_authorised()?;
    let given = ctx.logged(last)?.given_again;
    let answer = ctx.pay_answer(last)?;
    if is_holder || given < MOST_GIVEN {
        return ctx.paid_again(last, answer);
    }
    answer.want_bare(Sw::GIVEN, "PAY again without PIN, once too often")
}
