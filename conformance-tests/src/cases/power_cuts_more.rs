//! Power that fails inside commands that go on from what was there: counts above zero, a log that
//! makes room, coins that enter again, tries that come back. Sections 3, 5 to 7 and 11.

use super::power_cuts_books::{cut, cut_and_judge, cut_giving};
use super::prelude::*;
use crate::card::{PAY, SAME_PIN};

cases! {
    "TC-NVM-08" version 1 on Own D3 for [NVM_1 NVM_3 REC_2 ANC_2] runs counts:
        "As TC-PAY-21, for PAY of a payment that was given again three times and twice as an \
         ancestor, and for GET ANCESTOR of it: both counts are those of before, or one of them is \
         one higher. (Only a target whose power can fail inside a command can run this.)"
        catches "A count that a power cut sets back: a payment given again without end.";
    "TC-CRE-08" version 1 on Own D3 for [NVM_1 NVM_3 CRE_2 CRE_5 ENT_7] runs entries:
        "As TC-PAY-21, for the last piece of a credit, and of the same coin that its owner enters \
         afterwards: no coin, an unrooted one, or a rooted one, with the receive index that it \
         moves, and none between. (Only a target whose power can fail inside a command can run \
         this.)"
        catches "A credit that a power cut makes a rooted coin.";
    "TC-PAY-24" version 1 on Own D3 for [PAY_7 NOP_1 LIM_2 NVM_1 NVM_3] runs without_pin:
        "As TC-PAY-21, for a PAY without PIN: coins, log and both counts are those of before, or \
         of after. (Only a target whose power can fail inside a command can run this.)"
        catches "A payment without PIN that a power cut makes uncounted.";
    "TC-ACK-03" version 1 on Own D3 for [ACK_1 PAY_7 PAY_8 NVM_1 NVM_3] runs makes_room:
        "As TC-PAY-21, for a PAY that finds the log full of payments which the owner has seen: the \
         oldest makes room, with the coins that it spent, in the step that writes the new one. \
         (Only a target whose power can fail inside a command can run this.)"
        catches "A payment that is forgotten for one that wasn't made.";
    "TC-RRC-05" version 1 on Own D3 for [RRC_1 NVM_1 NVM_3 PIN_9] runs tries_back:
        "The power fails after each byte that RESET RETRY COUNTER without a new PIN writes, with \
         one try left and with the PIN blocked: afterwards there are as many tries as before, or \
         three. (Only a target whose power can fail inside a command can run this.)"
        catches "Tries that come back one after the other.";
    "TC-ISS-08" version 1 on Own D3 for [ISS_1 NVM_1 NVM_2 NVM_3] runs issue:
        "The power fails after each byte that ISSUE of an imported key writes: afterwards the card \
         is in the factory state, or issued as a whole, with account, scripts, PIN, tries, owner, \
         limits and policy. (Only a target whose power can fail inside a command can run this.)"
        catches "A card that is issued without its limits, or without its PIN.";
}

fn counts(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.memory()?;
    ctx.prepare_funded(&[60_000, 50_000])?;
    let (paid, next) = (request_of(5_000), request_of(5_000));
    ctx.pay_checked(&paid).preamble()?;
    for _ in 0..3 {
        let answer = ctx.pay_answer(&paid)?;
        ctx.paid_again(&paid, answer).preamble()?;
    }
    for _ in 0..2 {
        ctx.offered(&next).preamble()?;
        ctx.ancestor(&paid).preamble()?;
    }
    cut_giving(ctx, &paid, &next)
}

fn entries(ctx: &mut CaseContext) -> Outcome {
    ctx.memory()?;
    ctx.prepare_funded(&[60_000])?;
    ctx.needs(Capability::Credits)?;
    let index = ctx.host()?.purse.next_receive();
    let mut stream = ctx.values.stream("another coin");
    let (entry, bytes) = ctx.coin_at(&mut stream, 30_000, index)?;
    let last_piece = || Command::new(Entry::PIECE).data(&bytes[..]).le(LE_SHORT);
    let credit = |ctx: &mut CaseContext| {
        ctx.authorise()?;
        ctx.begin_credit(&entry)?
            .want_bare(Sw::OK, "ENTER COIN of a credit, first command")
            .preamble()?;
        Ok(last_piece())
    };
    cut(ctx, "ENTER COIN of a credit", false, &credit, &mut |ctx| {
        ctx.credit(&entry, &bytes, 30_000)
    })?;
    ctx.credit(&entry, &bytes, 30_000).preamble()?;
    let again = |ctx: &mut CaseContext| {
        ctx.begun_entry(&entry)?;
        Ok(last_piece())
    };
    cut(ctx, "ENTER COIN of it again", false, &again, &mut |ctx| {
        ctx.enter(&entry, &bytes, 30_000)
    })
}

fn without_pin(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.memory()?;
    let limits = Limits::WIDE.without_pin(50_000).payments_without_pin(5);
    ctx.prepare_limited(limits, &[60_000, 50_000])?;
    ctx.needs(Capability::WithoutPin)?;
    let request = request_of(30_000);
    let ask = |_: &mut CaseContext| Ok(Command::new(PAY).data(request.encode()).le(LE_SHORT));
    cut(ctx, "PAY without PIN", true, &ask, &mut |ctx| {
        let answer = ctx.pay_answer(&request)?;
        ctx.paid_as(&request, answer, true).map(drop)
    })
}

fn makes_room(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.memory()?;
    ctx.prepare_funded(&[900_000])?;
    let log = u32::from(ctx.host()?.capabilities.log);
    for _ in 0..log {
        ctx.pay_checked(&request_of(1_000)).preamble()?;
    }
    ctx.acknowledge(log, 0).preamble()?;
    let request = request_of(1_000);
    let ask = |ctx: &mut CaseContext| {
        ctx.authorise()?;
        Ok(Command::new(PAY).data(request.encode()).le(LE_SHORT))
    };
    cut(ctx, "PAY with the log full", false, &ask, &mut |ctx| {
        ctx.pay_checked(&request).map(drop)
    })
}

fn tries_back(ctx: &mut CaseContext) -> Outcome {
    ctx.memory()?;
    ctx.prepare_funded(&[])?;
    for left in [1, 0] {
        while ctx.tries()? > left {
            let tries = ctx.tries()?;
            ctx.verify_wrong(tries - 1).preamble()?;
        }
        let reset = |ctx: &mut CaseContext| ctx.owner_command(SAME_PIN, &[]);
        let name = format!("RESET RETRY COUNTER with {left} left");
        cut_and_judge(ctx, &name, &reset, &mut |ctx| {
            let tries = ctx.tries()?;
            require!(
                tries == left || tries == 3,
                "{tries} tries are left, {left} were before"
            );
            Ok(tries == 3)
        })?;
    }
    Ok(())
}

fn issue(ctx: &mut CaseContext) -> Outcome {
    let start = ctx.memory()?;
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Imported)?;
    let (key, chain_code) = (ctx.values.bytes("key"), ctx.values.bytes("chain code"));
    let profile = ctx.profile()?.imported(key, chain_code);
    // The account is the same whenever the key is: what the suite knows of this one holds for all.
    let profile = ctx.declared_part(&profile).preamble()?;
    ctx.issue(&profile).preamble()?;
    ctx.driver().set_memory(&start)?;
    ctx.power_cycle()?;
    let command = Command::new([0x80, 0x10, 1, 0]).data(profile.encode());
    let ask = |_: &mut CaseContext| Ok(command.clone().le(LE_SHORT));
    cut_and_judge(ctx, "ISSUE", &ask, &mut |ctx| {
        // What the last ISSUE answered is for the owner.
        ctx.recorder.borrow_mut().leaks.for_the_owner();
        if ctx.status()? == Status::Factory {
            return Ok(false);
        }
        ctx.expect_tries(3, "issued")?;
        ctx.expect_limits("issued")?;
        ctx.expect_ledger("issued")?;
        ctx.verify_right()?;
        ctx.expect_receive_script(0)?;
        Ok(true)
    })
}
