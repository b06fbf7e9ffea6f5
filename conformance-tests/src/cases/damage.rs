//! Memory that is damaged, or of another version. `[STA-2]`, `[NVM-4]`.

use super::prelude::*;
use super::samples;
use crate::target::Fault;

/// The memory of a card of version 0.0, issued and with two coins; erased bytes at its end are
/// left out.
const VERSION_0_0: &[u8] = include_bytes!("../../images/version-0.0.bin");

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
        version: 1,
        purpose: "The memory of a card of version 0.0 is refused as another version's: state 7E, \
                  6581 to all but SELECT and GET DATA. (There is no older version that must be \
                  usable yet; 0.1 is the first.)",
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
    Ok(())
}
