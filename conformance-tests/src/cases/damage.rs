//! Memory that is damaged, or of another version. `[STA-2]`, `[NVM-4]`.

use super::prelude::*;
use super::samples;
use crate::card::judge_account;
use crate::keys::keypair;
use crate::model::Profile;
use crate::target::Fault;
use crate::values::Values;

/// The memory of a card of version 0.0, issued, with coins and a payment; erased bytes at the end
/// of an image are left out.
const VERSION_0_0: &[u8] = include_bytes!("../../images/version-0.0.bin");
/// The memory of a card of version 0.1 after [`life_0_1`].
const VERSION_0_1: &[u8] = include_bytes!("../../images/version-0.1.bin");
/// Where the values of [`life_0_1`] come from, in every run.
const LIFE_SEED: u64 = 1;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-STA-04",
        version: 1,
        purpose: "A card whose memory was overwritten with zeros or noise answers SELECT and \
                  GET DATA, says that its state is 7F (or 7E, for noise may look like another \
                  version), and nothing else but 6581 to all other commands. One in whose memory \
                  a single byte was spoilt does so too, or is as before. (Only a target that has \
                  the memory in its hands can run this.)",
        requirements: &[req::STA_2, req::INF_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A damaged card that pays, forgets its PIN, or plays dead.",
        run: damaged,
    },
    Case {
        id: "TC-NVM-04",
        version: 2,
        purpose: "The memory of a card of version 0.0 is refused as another version's: state 7E, \
                  6581 to all but SELECT and GET DATA. That of version 0.1 is usable: PIN, coins, \
                  counters, log, limits and account are those of the life that it had, its owner \
                  sets a new PIN and key, and it pays. (Images of \
                  the reference card; another maker's card shows nothing by them. Only a target \
                  that has the memory in its hands can run this.)",
        requirements: &[req::NVM_4, req::STA_2],
        start: Start::Own,
        level: Level::D3,
        defect: "An update that reads old memory as if it were new, or erases it.",
        run: older_version,
    },
];

/// The card must be out of service, and say why.
fn out_of_service(b: &mut Bench, states: &[Status]) -> Outcome {
    b.card.reset(Reset::Cold)?;
    b.card.select_fci()?;
    let status = b.card.status()?;
    require!(states.contains(&status), "the status is {status:?}");
    b.card.capabilities()?;
    for sample in samples::all(b)? {
        if sample.name.starts_with("GET DATA") {
            continue;
        }
        b.card
            .once(&sample.command)?
            .want_bare(Sw::MEMORY, sample.name)?;
    }
    b.card
        .once(&Command::new([0xA0, 0x20, 0, 0x80]))?
        .want_bare(Sw::NO_CLASS, "another class")
}

fn damaged(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[50_000, 40_000])?;
    b.card.pay_checked(&request(10_000))?;
    // A last write that is spoilt can't be told from one that the power cut: let it be a VERIFY's.
    b.card.verify_right()?;
    b.card.verify_right()?;
    let good = b.card.memory()?;
    let mut stream = b.values.stream("noise");
    let noise = stream.vec(good.len());
    for (name, memory) in [("zeros", vec![0; good.len()]), ("noise", noise)] {
        b.card.inject(&Fault::Memory(memory))?;
        out_of_service(b, &[Status::Damaged, Status::OtherVersion])
            .at(|| format!("memory of {name}"))?;
    }
    let used: Vec<usize> = (0..good.len()).filter(|at| good[*at] != 0xFF).collect();
    let (mut refused, rounds) = (0, 60);
    for round in 0..rounds {
        let at = used[stream.below(used.len() as u64) as usize];
        let mut spoilt = good.clone();
        spoilt[at] ^= 1 << stream.below(8);
        b.card.inject(&Fault::Memory(spoilt))?;
        let place = || format!("round {round}, byte {at}");
        b.card.reset(Reset::Cold)?;
        b.card.select()?;
        if matches!(b.card.status()?, Status::Issued { .. }) {
            b.card.verify_right().at(place)?;
            b.card.expect_books("with a byte spoilt").at(place)?;
        } else {
            out_of_service(b, &[Status::Damaged, Status::OtherVersion]).at(place)?;
            refused += 1;
        }
    }
    b.card.inject(&Fault::Memory(good))?;
    b.card.power_cycle()?;
    b.card.pay_checked(&request(10_000))?;
    b.note(format!("{refused} of {rounds} spoilt bytes were noticed"));
    Ok(())
}

fn older_version(b: &mut Bench) -> Outcome {
    b.card.inject(&Fault::Memory(VERSION_0_0.to_vec()))?;
    for _ in 0..2 {
        out_of_service(b, &[Status::OtherVersion])?;
    }
    if let Ok(memory) = b.card.memory() {
        require!(
            memory.starts_with(VERSION_0_0),
            "the card changed a memory that it can't use"
        );
    }
    // The same life on a card of today tells the model what to expect.
    b.fresh_card()?;
    life_0_1(b)?;
    b.card.inject(&Fault::Memory(VERSION_0_1.to_vec()))?;
    b.card.power_cycle()?;
    b.card.verify_right()?;
    let next = b.card.host()?.purse.next_receive;
    b.card.expect_receive_script(next)?;
    b.card.expect_books("with a memory of version 0.1")?;
    // The identity key is the one of the image, which only its record tells.
    let account = b
        .card
        .read_account_answer()?
        .want(Sw::OK, "READ ACCOUNT with a memory of version 0.1")?;
    let record = judge_account(&account, b.card.host()?)?;
    b.card.host_mut()?.record = record;
    b.card.expect_limits("with a memory of version 0.1")?;
    for _ in 0..2 {
        b.card.reset_tries(Some(&Pin::new(&[2, 4, 6, 8, 0])))?;
        b.card
            .change_owner(keypair(&b.values.bytes("new owner"))?)?;
        b.card.power_cycle()?;
        b.card.read_account()?;
        b.card.expect_books("after a change of PIN and owner key")?;
    }
    b.card.pay_checked(&request(60_000))?;
    b.card.power_cycle()?;
    b.card.expect_books("after a payment")
}

/// A life whose keys, coins and payments are the same in every run.
fn life_0_1(b: &mut Bench) -> Outcome {
    let values = Values::new(LIFE_SEED, "version 0.1");
    let mut profile =
        Profile::new(&values, "profile")?.imported(values.bytes("key"), values.bytes("chain code"));
    profile.limits = Limits {
        without_pin: 2_000,
        payments_without_pin: 3,
        ..Limits::WIDE
    };
    b.issue(&profile)?;
    let mut stream = values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000, 70_000])?;
    let (entry, bytes) = b.card.coin_at(&mut stream, 30_000, 4)?;
    b.card.credit(&entry, &bytes, 30_000)?;
    for (number, amount) in (0..).zip([40_000, 20_000, 1_500]) {
        let request = Request {
            identity: [number; 16],
            ..request(amount)
        };
        if amount == 1_500 {
            b.card.select()?;
            let answer = b.card.pay_answer(&request)?;
            b.card.paid_as(&request, answer, true)?;
        } else {
            b.card.pay_checked(&request)?;
        }
    }
    b.card.acknowledge(2, 1)?;
    let plan = b
        .card
        .preview_checked(&request(10_000))?
        .map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
    b.card.report(&plan.inputs[0])
}
