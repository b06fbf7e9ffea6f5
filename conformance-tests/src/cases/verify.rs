//! VERIFY: what is a Tillcard's own about it. Section 4. (What any card is asked of its PIN stands
//! in `purposes`.)

use super::prelude::*;
use crate::keys::keypair;
use crate::purposes::pin::counts;

cases! {
    "TC-PIN-07" version 1 on Factory D0 for [PIN_7] runs factory:
        "On a factory card VERIFY is refused with 6985 for every data length, and right after a \
         key generation too."
        catches "A default PIN; a comparison with a PIN that was never set.";
    "TC-PIN-11" version 1 on Own D3 for [PIN_1 PIN_2] runs shortest_and_longest:
        "Cards with PINs of 4 and of 12 digits, the shortest and the longest, take their own and \
         refuse it with a digit more or fewer."
        catches "The length of the PIN not compared; digits beyond the eighth ignored.";
    "TC-PIN-12" version 2 on Own D3 for [PIN_9 RRC_1] runs keeps_all:
        "A blocked card keeps its key and coins: the owner enters another coin at the next index, \
         both coins are known to it, and once he has unblocked it, it pays from both."
        catches "A card that wipes itself, or forgets its coins, when blocked.";
    "TC-PIN-15" version 1 on Own D3 for [PIN_5 LIM_2 POL_2 OWN_2] runs kept_by_the_owner:
        "After a wrong PIN, SET LIMITS, SET POLICY, CHANGE OWNER KEY, ACKNOWLEDGE LOG and the \
         entry of a coin leave the tries as they are."
        catches "Tries that rise with whatever the owner does.";
}

fn kept_by_the_owner(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    ctx.verify_wrong(2).preamble()?;
    ctx.set_limits(Limits::WIDE)?;
    ctx.expect_tries(2, "after SET LIMITS")?;
    let policy = ctx.host()?.profile.policy;
    ctx.set_policy(policy)?;
    ctx.expect_tries(2, "after SET POLICY")?;
    let owner = keypair(&ctx.values.bytes("another owner"))?;
    ctx.change_owner(owner)?;
    ctx.expect_tries(2, "after CHANGE OWNER KEY")?;
    ctx.acknowledge(0, 0)?;
    ctx.expect_tries(2, "after ACKNOWLEDGE LOG")?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[20_000])?;
    ctx.expect_tries(2, "after the entry of a coin")
}

fn factory(ctx: &mut CaseContext) -> Outcome {
    let field = [&[0x24, 0x00, 0x00][..], &[0xFF; 252]].concat();
    ctx.select()?;
    for generated in [false, true] {
        if generated {
            ctx.generate().preamble()?;
        }
        for length in 0..=255 {
            ctx.verify(&field[..length])?
                .want_bare(Sw::CONDITIONS, &format!("VERIFY with {length} bytes"))?;
        }
    }
    Ok(())
}

fn shortest_and_longest(ctx: &mut CaseContext) -> Outcome {
    for length in [4, 12] {
        if length == 12 {
            ctx.fresh_card()?;
        }
        let mut stream = ctx.values.stream("digits");
        let digits: Vec<u8> = (0..length).map(|_| stream.below(10) as u8).collect();
        let mut profile = ctx.profile()?;
        profile.pin = Pin::new(&digits);
        ctx.prepare(&profile)?;
        ctx.verify_right().at(|| format!("{length} digits"))?;
        for position in 0..length {
            let block = profile.pin.with_wrong_digit(position).block();
            counts(
                ctx.driver(),
                &block,
                &format!("{length} digits, position {position} wrong"),
            )?;
        }
        let more = Pin::new(&[&digits[..], &[0]].concat()).block();
        counts(
            ctx.driver(),
            &more,
            &format!("{length} digits and one more"),
        )?;
        let fewer = Pin::new(&digits[..length - 1]).block();
        counts(ctx.driver(), &fewer, &format!("{length} digits less one"))?;
    }
    Ok(())
}

fn keeps_all(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let profile = ctx.profile()?;
    ctx.prepare(&profile)?;
    let mut stream = ctx.values.stream("coins");
    let (first, transaction) = ctx.coin_at(&mut stream, 20_000, 0)?;
    ctx.enter(&first, &transaction, 20_000).preamble()?;
    ctx.block_pin().preamble()?;
    ctx.power_cycle()?;
    let status = ctx.status()?;
    require!(
        status
            == Status::Issued {
                network: profile.network,
                tries: 0,
                policy: profile.policy,
            },
        "the status of a blocked card is {status:?}"
    );
    ctx.challenge_answer()?
        .want(Sw::OK, "GET CHALLENGE of a blocked card")?;
    let (second, transaction) = ctx.coin_at(&mut stream, 30_000, 9)?;
    ctx.enter(&second, &transaction, 30_000)
        .at("a coin at index 9 of a blocked card")?;
    ctx.power_cycle()?;
    for entry in [first, second] {
        ctx.begin_entry(&entry)?.want_bare(
            Sw::COIN_KNOWN,
            "ENTER COIN of a coin that the blocked card has",
        )?;
    }
    ctx.reset_tries(None)?;
    ctx.verify_right()?;
    ctx.pay_checked(&request_of(45_000)).map(drop)
}
