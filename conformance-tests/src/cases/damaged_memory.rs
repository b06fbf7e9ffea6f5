//! Memory that is damaged, or of another version. `[STA-2]`, `[NVM-4]`.

use super::prelude::*;
use super::samples;
use crate::card::judge_account;
use crate::card_under_test::Fault;
use crate::keys::keypair;
use crate::model::Profile;
use crate::values::Values;

/// The memory of a card of version 0.0, issued, with coins and a payment; erased bytes at the end
/// of an image are left out.
const VERSION_0_0: &[u8] = include_bytes!("../../images/version-0.0.bin");
/// The memory of a card of version 0.1 after [`life_0_1`].
const VERSION_0_1: &[u8] = include_bytes!("../../images/version-0.1.bin");
/// Where the values of [`life_0_1`] come from, in every run.
const LIFE_SEED: u64 = 1;

cases! {
    "TC-STA-04" version 1 on Own D3 for [STA_2 INF_1] runs damaged:
        "A card whose memory was overwritten with zeros or noise answers SELECT and GET DATA, says \
         that its state is 7F (or 7E, for noise may look like another version), and nothing else \
         but 6581 to all other commands. One in whose memory a single byte was spoilt does so too, \
         or is as before. (Only a target that has the memory in its hands can run this.)"
        catches "A damaged card that pays, forgets its PIN, or plays dead.";
    "TC-NVM-04" version 3 on Own D3 for [NVM_4 STA_2] runs older_version:
        "The memory of a card of version 0.0 is refused as another version's: state 7E, 6581 to \
         all but SELECT and GET DATA. That of version 0.1 is usable: PIN, coins, counters, log, \
         limits and account are those of the life that it had, its owner sets a new PIN and key, \
         and it pays. (Images of the reference card; another maker's card shows nothing by them. \
         Only a target that has the memory in its hands can run this.)"
        catches "An update that reads old memory as if it were new, or erases it.";
}

/// The card must be out of service, and say why.
fn out_of_service(ctx: &mut CaseContext, states: &[Status]) -> Outcome {
    ctx.reset(Reset::Cold)?;
    ctx.select_fci()?;
    let status = ctx.status()?;
    require!(states.contains(&status), "the status is {status:?}");
    for sample in samples::declared(ctx)? {
        if sample.name.starts_with("GET DATA") {
            continue;
        }
        ctx.once(&sample.command)?
            .want_bare(Sw::MEMORY, sample.name)?;
    }
    ctx.once(&Command::new([0xA0, 0x20, 0, 0x80]))?
        .want_bare(Sw::NO_CLASS, "another class")
}

fn damaged(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[50_000, 40_000])?;
    ctx.pay_checked(&request_of(10_000))?;
    // A last write that is spoilt can't be told from one that the power cut: let it be a VERIFY's.
    ctx.verify_right()?;
    ctx.verify_right()?;
    let good = ctx.memory()?;
    let mut stream = ctx.values.stream("noise");
    let noise = stream.vec(good.len());
    for (name, memory) in [("zeros", vec![0; good.len()]), ("noise", noise)] {
        ctx.inject(&Fault::Memory(memory))?;
        out_of_service(ctx, &[Status::Damaged, Status::OtherVersion])
            .at(|| format!("memory of {name}"))?;
    }
    let used: Vec<usize> = (0..good.len()).filter(|at| good[*at] != 0xFF).collect();
    let (mut refused, rounds) = (0, 60);
    for round in 0..rounds {
        let at = used[stream.below(used.len() as u64) as usize];
        let mut spoilt = good.clone();
        spoilt[at] ^= 1 << stream.below(8);
        ctx.inject(&Fault::Memory(spoilt))?;
        let place = || format!("round {round}, byte {at}");
        ctx.reset(Reset::Cold)?;
        ctx.select()?;
        if matches!(ctx.status()?, Status::Issued { .. }) {
            ctx.verify_right().at(place)?;
            ctx.expect_ledger("with a byte spoilt").at(place)?;
        } else {
            out_of_service(ctx, &[Status::Damaged, Status::OtherVersion]).at(place)?;
            refused += 1;
        }
    }
    ctx.inject(&Fault::Memory(good))?;
    ctx.power_cycle()?;
    ctx.pay_checked(&request_of(10_000))?;
    ctx.note(format!("{refused} of {rounds} spoilt bytes were noticed"));
    Ok(())
}

fn older_version(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.select()?;
    let card = ctx.capabilities()?;
    for used in [
        Capability::Imported,
        Capability::WithoutPin,
        Capability::Credits,
        Capability::Signing,
        Capability::Channel,
    ] {
        card.needs(used)?;
    }
    ctx.inject(&Fault::Memory(VERSION_0_0.to_vec()))?;
    for _ in 0..2 {
        out_of_service(ctx, &[Status::OtherVersion])?;
    }
    if let Ok(memory) = ctx.memory() {
        require!(
            memory.starts_with(VERSION_0_0),
            "the card changed a memory that it can't use"
        );
    }
    // The same life on a card of today tells the model what to expect.
    ctx.fresh_card()?;
    life_0_1(ctx)?;
    ctx.inject(&Fault::Memory(VERSION_0_1.to_vec()))?;
    ctx.power_cycle()?;
    ctx.verify_right()?;
    let next = ctx.host()?.purse.next_receive();
    ctx.expect_receive_script(next)?;
    ctx.expect_ledger("with a memory of version 0.1")?;
    // The identity key is the one of the image, which only its record tells.
    let account = ctx
        .read_account_answer()?
        .want(Sw::OK, "READ ACCOUNT with a memory of version 0.1")?;
    let record = judge_account(&account, ctx.host()?)?;
    ctx.host_mut()?.record = record;
    ctx.expect_limits("with a memory of version 0.1")?;
    for _ in 0..2 {
        ctx.reset_tries(Some(&Pin::new(&[2, 4, 6, 8, 0])))?;
        ctx.card
            .change_owner(keypair(&ctx.values.bytes("new owner"))?)?;
        ctx.power_cycle()?;
        ctx.read_account()?;
        ctx.expect_ledger("after a change of PIN and owner key")?;
    }
    ctx.pay_checked(&request_of(60_000))?;
    ctx.power_cycle()?;
    ctx.expect_ledger("after a payment")
}

/// A life whose keys, coins and payments are the same in every run.
fn life_0_1(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let values = Values::new(LIFE_SEED, "version 0.1");
    let mut profile =
        Profile::new(&values, "profile")?.imported(values.bytes("key"), values.bytes("chain code"));
    profile.limits = Limits::WIDE.without_pin(2_000).payments_without_pin(3);
    ctx.prepare(&profile)?;
    let mut stream = values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    let (entry, bytes) = ctx.coin_at(&mut stream, 30_000, 4)?;
    // A card of version 0.1 took it as a credit, ahead of the next receive index, which it moved.
    ctx.enter(&entry, &bytes, 30_000)?;
    for (number, amount) in (0..).zip([40_000, 20_000, 1_500]) {
        let request = request_of(amount).identity([number; 16]);
        if amount == 1_500 {
            ctx.select()?;
            let answer = ctx.pay_answer(&request)?;
            ctx.paid_as(&request, answer, true)?;
        } else {
            ctx.pay_checked(&request)?;
        }
    }
    ctx.acknowledge(2, 1)?;
    let plan = ctx.offered(&request_of(10_000))?;
    ctx.report(&plan.inputs[0])?;
    let coins = &mut ctx.host_mut()?.purse.coins;
    for coin in coins.iter_mut().filter(|coin| coin.txid == entry.txid) {
        coin.unrooted = true;
    }
    Ok(())
}
