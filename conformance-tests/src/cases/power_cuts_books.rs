//! Power that fails inside the commands of an issued card: payments, coins, and what its owner
//! has done. Sections 5 to 8 and 11.

use super::power_cuts::{note, torn};
use super::prelude::*;
use super::sign::unknown;
use crate::card::{
    ACKNOWLEDGE_LOG, GET_ANCESTOR, Ledger, NEW_PIN, PAY, READ_LIMITS, REPORT_ABSENT, RESOLVE,
    SET_LIMITS, SET_POLICY, agree, new_pin_body,
};
use crate::keys::keypair;
use crate::model::{PLAIN, Place, STATEMENTS, Spend, SpendOutput};
use crate::tlv;

cases! {
    "TC-PAY-21" version 1 on Own D3 for [PAY_7 TX_6 NVM_1 NVM_3 REC_1] runs payment:
        "The power fails after each byte that PAY writes, of a payment of one change and two \
         received coins with change: afterwards coin image and log are those of before, or those \
         of after, and the payment is given again; never between. (Only a target whose power can \
         fail inside a command can run this.)"
        catches "A payment of halves: a debit without a payment, or the other way round.";
    "TC-NVM-06" version 1 on Own D3 for [NVM_1 NVM_3 ABS_2 REC_2 ANC_2 ENT_1 SGN_3] runs coins:
        "As TC-PAY-21, for REPORT ABSENT, PAY of a payment again, GET ANCESTOR, the last piece of \
         ENTER COIN, and SIGN's first signature, which retires, removes and moves the change index \
         in one step."
        catches "A coin without its index, a count without its signature.";
    "TC-NVM-07" version 1 on Own D3 for [NVM_1 NVM_3 LIM_3 ACK_1 RES_1 RRC_1 OWN_4 POL_2] runs owner:
        "As TC-PAY-21, for ACKNOWLEDGE LOG, SET LIMITS, RESOLVE, RESET RETRY COUNTER with a new \
         PIN, CHANGE OWNER KEY and SET POLICY: limits with their counters, the new PIN with its \
         tries, one owner key, one policy."
        catches "Counters at zero under the old limits; tries for a PIN that didn't change.";
}

/// Asks for a command, and whatever comes before it.
pub(super) type Ask<'a> = &'a dyn Fn(&mut CaseContext) -> Step<Command>;

/// What the owner reads: the coin image, and the log where it is asked for.
fn books(ctx: &mut CaseContext, with_log: bool) -> Step<Ledger> {
    if with_log {
        return ctx.ledger();
    }
    Ok(Ledger {
        image: ctx.read_coins()?,
        log: Vec::new(),
    })
}

fn expected(ctx: &CaseContext, with_log: bool) -> Step<Ledger> {
    let mut ledger = ctx.expected_ledger()?;
    if !with_log {
        ledger.log.clear();
    }
    Ok(ledger)
}

/// Cuts the power inside a command that `does` does for good. The card is as before then.
pub(super) fn cut(
    ctx: &mut CaseContext,
    name: &str,
    with_log: bool,
    ask: Ask<'_>,
    does: &mut dyn FnMut(&mut CaseContext) -> Outcome,
) -> Outcome {
    let start = ctx.memory()?;
    let (purse, profile) = (ctx.host()?.purse.clone(), ctx.host()?.profile.clone());
    let old = expected(ctx, with_log)?;
    does(ctx).at(name)?;
    let new = expected(ctx, with_log)?;
    let limits = ctx.host()?.profile.limits;
    let as_before = |ctx: &mut CaseContext| -> Outcome {
        ctx.host_mut()?.purse = purse.clone();
        ctx.host_mut()?.profile = profile.clone();
        Ok(())
    };
    as_before(ctx)?;
    let mut done = 0;
    let cuts = torn(&start, ask)
        .sweep(ctx, &mut |ctx, answered| {
            let found = books(ctx, with_log)?;
            let is_new = agree(&found, &new);
            require!(
                is_new || !answered && agree(&found, &old),
                "{name}: the books are neither those of before nor of after, or those of before \
                 after an answer"
            );
            done += u64::from(is_new && !answered);
            if is_new {
                ctx.host_mut()?.profile.limits = limits;
            }
            if limits != profile.limits {
                ctx.expect_limits(name)?;
            }
            as_before(ctx)
        })
        .at(name)?;
    ctx.driver().set_memory(&start)?;
    ctx.power_cycle()?;
    note(ctx, name, cuts, done)
}

/// Cuts the power inside a command; `judge` says whether it was done.
pub(super) fn cut_and_judge(
    ctx: &mut CaseContext,
    name: &str,
    ask: Ask<'_>,
    judge: &mut dyn FnMut(&mut CaseContext) -> Step<bool>,
) -> Outcome {
    let start = ctx.memory()?;
    let mut done = 0;
    let cuts = torn(&start, ask)
        .sweep(ctx, &mut |ctx, answered| {
            let is_new = judge(ctx)?;
            require!(is_new || !answered, "{name}: answered, and not done");
            done += u64::from(is_new && !answered);
            Ok(())
        })
        .at(name)?;
    ctx.driver().set_memory(&start)?;
    ctx.power_cycle()?;
    note(ctx, name, cuts, done)
}

fn payment(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.memory()?;
    ctx.prepare_funded(&[60_000, 50_000, 40_000])?;
    ctx.pay_checked(&request_of(5_000)).preamble()?;
    let request = request_of(140_000);
    let ask = |ctx: &mut CaseContext| {
        ctx.authorise()?;
        Ok(Command::new(PAY).data(request.encode()).le(LE_SHORT))
    };
    cut(ctx, "PAY", false, &ask, &mut |ctx| {
        ctx.pay_checked(&request)?;
        let answer = ctx.pay_answer(&request)?;
        answer.want(Sw::OK, "PAY again").map(drop)
    })
}

/// Cuts the power while a payment is given again, and as an ancestor to whoever is offered `next`.
pub(super) fn cut_giving(ctx: &mut CaseContext, paid: &Request, next: &Request) -> Outcome {
    let again = |_: &mut CaseContext| Ok(Command::new(PAY).data(paid.encode()).le(LE_SHORT));
    cut(ctx, "PAY again", true, &again, &mut |ctx| {
        let answer = ctx.pay_answer(paid)?;
        ctx.paid_again(paid, answer)
    })?;
    let txid = ctx.logged(paid)?.txid;
    let ancestor = |ctx: &mut CaseContext| {
        ctx.offered(next)?;
        Ok(Command::new(GET_ANCESTOR)
            .data(tlv::object(0x80, &txid))
            .le(LE_SHORT))
    };
    cut(ctx, "GET ANCESTOR", true, &ancestor, &mut |ctx| {
        ctx.offered(next)?;
        ctx.ancestor(paid)
    })
}

fn coins(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.memory()?;
    ctx.prepare_funded(&[60_000, 50_000])?;
    let paid = request_of(5_000);
    ctx.pay_checked(&paid).preamble()?;
    let next = request_of(5_000);

    let offered = ctx.plan(&next)?.inputs[0].clone();
    let report = |ctx: &mut CaseContext| {
        ctx.offered(&next)?;
        let outpoint = tlv::object(0x80, &offered.outpoint());
        Ok(Command::new(REPORT_ABSENT).data(outpoint))
    };
    cut(ctx, "REPORT ABSENT", false, &report, &mut |ctx| {
        ctx.offered(&next)?;
        ctx.report(&offered)
    })?;

    cut_giving(ctx, &paid, &next)?;

    let index = ctx.host()?.purse.next_receive() + 4;
    let mut stream = ctx.values.stream("another coin");
    let (entry, bytes) = ctx.coin_at(&mut stream, 30_000, index)?;
    let piece = |ctx: &mut CaseContext| {
        ctx.begun_entry(&entry)?;
        Ok(Command::new(Entry::PIECE).data(&bytes[..]).le(LE_SHORT))
    };
    cut(ctx, "ENTER COIN", false, &piece, &mut |ctx| {
        ctx.enter(&entry, &bytes, 30_000)
    })?;

    ctx.needs(Capability::Signing)?;
    let mut inputs: Vec<_> = (ctx.host()?.purse.candidates().iter())
        .map(crate::model::SpendInput::of)
        .collect();
    inputs.push(unknown(&mut stream, 20_000, Place::receive(300)));
    let sum: u64 = inputs.iter().map(|input| input.amount).sum();
    let spend =
        Spend::elsewhere(inputs, 0).outputs(vec![SpendOutput::Own(sum - 900, Place::change(6))]);
    let sign = |ctx: &mut CaseContext| {
        ctx.streamed(&spend, 255)?;
        Ok(Command::new([0x80, 0x40, 0x02, 0x01]).le(LE_SHORT))
    };
    cut(ctx, "SIGN", false, &sign, &mut |ctx| {
        ctx.streamed(&spend, 255)?;
        ctx.signed_all(&spend)
    })
}

fn owner(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.memory()?;
    ctx.prepare_funded(&[60_000, 50_000])?;
    for _ in 0..2 {
        ctx.pay_checked(&request_of(5_000)).preamble()?;
    }
    let numbers = |tag: u16, number: u32| tlv::object(tag, &number.to_be_bytes());
    let resolve = |ctx: &mut CaseContext| ctx.owner_command(RESOLVE, &numbers(0x80, 1));
    cut(ctx, "RESOLVE", true, &resolve, &mut |ctx| {
        ctx.resolve(1)?
            .map_err(|sw| Stop::Error(format!("the case's model refuses RESOLVE with {sw}")))
    })?;
    let body = [numbers(0x80, 2), numbers(0x81, 1)].concat();
    let acknowledge = |ctx: &mut CaseContext| ctx.owner_command(ACKNOWLEDGE_LOG, &body);
    cut(ctx, "ACKNOWLEDGE LOG", false, &acknowledge, &mut |ctx| {
        ctx.acknowledge(2, 1)
    })?;
    ctx.acknowledge(2, 0)?;
    let limits = Limits::WIDE.per_payment(30_000).payments(7);
    let body = tlv::object(0x85, &limits.encode());
    let set_limits = |ctx: &mut CaseContext| ctx.owner_command(SET_LIMITS, &body);
    cut(ctx, "SET LIMITS", false, &set_limits, &mut |ctx| {
        ctx.set_limits(limits)
    })?;

    let (old, new) = (ctx.host()?.profile.pin.clone(), Pin::new(&[9, 8, 7, 6, 5]));
    ctx.verify_wrong(2)?;
    let reset = |ctx: &mut CaseContext| ctx.owner_command(NEW_PIN, &new_pin_body(&new.block()));
    cut_and_judge(ctx, "RESET RETRY COUNTER", &reset, &mut |ctx| {
        let is_new = ctx.tries()? == 3;
        let pin = if is_new { &new } else { &old };
        ctx.verify(&pin.block())?
            .want_bare(Sw::OK, "VERIFY after a power cut in RESET RETRY COUNTER")?;
        Ok(is_new)
    })?;

    let key = keypair(&ctx.values.bytes("new owner"))?;
    let change = |ctx: &mut CaseContext| ctx.change_owner_command(&key);
    cut_and_judge(ctx, "CHANGE OWNER KEY", &change, &mut |ctx| {
        let old = ctx.host()?.profile.owner;
        let mut answers = [Sw::OK; 2];
        for (owner, answer) in [old, key].into_iter().zip(&mut answers) {
            ctx.host_mut()?.profile.owner = owner;
            *answer = ctx.command_by_owner(READ_LIMITS, &[])?.sw;
        }
        ctx.host_mut()?.profile.owner = old;
        require!(
            answers == [Sw::OK, Sw::SECURITY] || answers == [Sw::SECURITY, Sw::OK],
            "CHANGE OWNER KEY: the old and the new key are answered {} and {}",
            answers[0],
            answers[1]
        );
        Ok(answers[1] == Sw::OK)
    })?;

    ctx.needs(Capability::Statements)?;
    let body = tlv::object(0x86, &[PLAIN | STATEMENTS]);
    let set_policy = |ctx: &mut CaseContext| ctx.owner_command(SET_POLICY, &body);
    cut_and_judge(ctx, "SET POLICY", &set_policy, &mut |ctx| {
        let Status::Issued { policy, .. } = ctx.status()? else {
            return Err(Stop::Fail("the card isn't issued any more".to_owned()));
        };
        require!(
            [PLAIN, PLAIN | STATEMENTS].contains(&policy),
            "SET POLICY: the policy is {policy:02X}"
        );
        Ok(policy != PLAIN)
    })
}
