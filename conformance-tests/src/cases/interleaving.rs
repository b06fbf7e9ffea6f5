//! What one command leaves to another: authority, challenges, counters, keys of former lives.

use super::prelude::*;
use crate::card::{FACTORY_RESET, READ_LIMITS, VERIFY};
use crate::keys::keypair;

/// Protected commands of TC-MSG-10, past what a byte counts.
const COMMANDS: u32 = 600;

cases! {
    "TC-OWN-13" version 1 on Own D3 for [OWN_3 PIN_6 PAY_2 PAY_3] runs authorities:
        "VERIFY, PREVIEW, PAY and PAY of a payment again leave the owner's challenge good, which \
         one owner command then uses up; that command leaves the holder's authorisation and offer."
        catches "A holder whom the owner's program sends away, or the other way round.";
    "TC-RST-09" version 1 on Own D3 for [RST_1 OWN_4] runs former_owner:
        "After CHANGE OWNER KEY, FACTORY RESET and ISSUE the owner of the new life is the only \
         one: the keys of the former life are refused with 6982."
        catches "An owner key that outlives the account: whoever sold the card owns it still.";
    "TC-MSG-10" version 1 on Own D3 for [MSG_1 SCP_1] runs long_channel:
        "600 protected commands in one channel, answers with data and without, are done and \
         answered with the counter that each has."
        catches "A counter that begins anew after 256: an IV that comes twice.";
    "TC-PIN-17" version 1 on Own D3 for [PIN_2 PIN_3 PIN_5] runs malformed:
        "Three malformed PIN blocks use up three tries, the last one too; then the right PIN is \
         refused with 6983, over a power cycle."
        catches "A malformed block that costs nothing when one try is left.";
}

fn authorities(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 80_000])?;
    let request = request_of(10_000);
    let command = ctx.owner_command(READ_LIMITS, &[])?.le(LE_SHORT);
    ctx.pay_checked(&request)?;
    let answer = ctx.pay_answer(&request)?;
    ctx.paid_again(&request, answer)?;
    let next = request_of(5_000);
    let plan = ctx.offered(&next)?;
    ctx.send(&command)?.want(
        Sw::OK,
        "READ LIMITS with a challenge of before VERIFY, PREVIEW and PAY",
    )?;
    ctx.send(&command)?
        .want_bare(Sw::SECURITY, "READ LIMITS with a challenge that was used")?;
    ctx.expect_authorised(true, "after the owner's command")?;
    ctx.report(&plan.inputs[0])
        .at("after the owner's command")?;
    let answer = ctx.pay_answer(&next)?;
    ctx.paid(&next, answer).map(drop)
}

fn former_owner(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[30_000])?;
    let first = ctx.host()?.profile.owner;
    let second = keypair(&ctx.values.bytes("second owner"))?;
    ctx.change_owner(second).preamble()?;
    ctx.command_by_owner(FACTORY_RESET, &[])?
        .want(Sw::OK, "FACTORY RESET")
        .preamble()?;
    ctx.forget_account()?;
    let mut profile = ctx.profile()?;
    profile.owner = keypair(&ctx.values.bytes("third owner"))?;
    ctx.issue(&profile).preamble()?;
    ctx.expect_ledger("the new owner's")?;
    for (owner, name) in [(first, "the first owner"), (second, "the second owner")] {
        ctx.host_mut()?.profile.owner = owner;
        ctx.command_by_owner(READ_LIMITS, &[])?
            .want_bare(Sw::SECURITY, "READ LIMITS by an owner of the former life")
            .at(name)?;
    }
    ctx.host_mut()?.profile.owner = profile.owner;
    ctx.expect_limits("by the new owner")
}

fn long_channel(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    ctx.needs(Capability::Channel)?;
    ctx.open_channel()?;
    for number in 0..COMMANDS {
        let place = || format!("command {number}");
        if number % 2 == 0 {
            ctx.expect_tries(3, "in a channel").at(place)?;
        } else {
            ctx.once(&Command::new(VERIFY))?
                .want_bare(Sw::tries(3), "VERIFY without data")
                .at(place)?;
        }
    }
    ctx.verify_right()
}

fn malformed(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    for left in [2, 1, 0] {
        ctx.verify(&[0xFF; 8])?
            .want_bare(Sw::tries(left), "VERIFY with a malformed block")?;
    }
    for when in ["at once", "after a power cycle"] {
        let block = ctx.host()?.profile.pin.block();
        ctx.verify(&block)?
            .want_bare(Sw::BLOCKED, "VERIFY with the right PIN")
            .at(when)?;
        ctx.power_cycle()?;
    }
    Ok(())
}
