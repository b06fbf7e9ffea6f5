//! GET DATA: section 2.4.

use super::prelude::*;

/// What version 0 of the text fixes.
const MOST_INPUTS: u8 = 16;
const TRIES: u8 = 3;
const LEAST_LOG: u8 = 64;
const LEAST_COINS: u16 = 128;
const LEAST_UNROOTED: u8 = 8;
const SIGNING: (u8, u8) = (128, 64);
const KNOWN_BITS: u32 = 0b10_1111_1111;
const KEY_MADE_ON_CARD: u32 = 0b010;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-INF-01",
        version: 1,
        purpose: "Status and capabilities are answered on a factory card, an issued one, with and \
                  without authorisation, and with the PIN blocked, exactly as the text says; \
                  states, network and tries are true.",
        requirements: &[req::INF_1, req::STA_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Status tied to a state or an authority; tries told wrongly.",
        run: in_every_state,
    },
    Case {
        id: "TC-INF-02",
        version: 2,
        purpose: "All 65 536 P1-P2 of GET DATA other than the three defined are refused with 6A88, \
                  so that no other data object (a key, the log, a serial number) is to be had; \
                  with data, status and capabilities are refused with 6700.",
        requirements: &[req::INF_1, req::KEY_3],
        start: Start::Issued,
        level: Level::D1,
        defect: "A maker's data object left in.",
        run: no_other_object,
    },
    Case {
        id: "TC-INF-03",
        version: 2,
        purpose: "The capabilities are possible ones, agree with the answer to SELECT, and don't \
                  change when the card is issued. What they promise is measured where it can be: \
                  extended length in TC-FRM-04, tries in TC-PIN-08, inputs in TC-TX-01, coins in \
                  TC-ENT-09, the log in TC-PAY-14.",
        requirements: &[req::INF_2],
        start: Start::Own,
        level: Level::D3,
        defect: "Two answers that contradict each other; reserved bits set.",
        run: capabilities,
    },
    Case {
        id: "TC-INF-04",
        version: 1,
        purpose: "What GET DATA answers to whoever asks is the same, byte for byte, on an issued \
                  card without coins, with coins, after payments, after a credit, with a doubtful \
                  coin, and after the owner set limits; and it is no longer than the text says.",
        requirements: &[req::INF_3, req::INF_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A balance, a number of coins or of payments told without PIN.",
        run: tells_nothing,
    },
];

fn in_every_state(b: &mut Bench) -> Outcome {
    b.card.select()?;
    require!(
        b.card.status()? == Status::Factory,
        "a fresh card says that it was issued"
    );
    b.card.capabilities()?;
    let mut profile = b.profile()?;
    profile.network = 2;
    b.issue(&profile)?;
    let issued = |tries| Status::Issued {
        network: 2,
        tries,
        policy: profile.policy,
    };
    let look = |b: &mut Bench, tries: u8, when: &str| -> Outcome {
        let status = b.card.status()?;
        require!(status == issued(tries), "{when}: the status is {status:?}");
        let declared = b.card.host()?.capabilities;
        require!(
            b.card.capabilities()? == declared,
            "{when}: the capabilities differ from those at first"
        );
        Ok(())
    };
    look(b, 3, "issued")?;
    b.card.power_cycle()?;
    look(b, 3, "issued, after a power cycle")?;
    b.card.authorise()?;
    look(b, 3, "authorised")?;
    b.card.expect_authorised(true, "after GET DATA")?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left)?;
        look(b, left, "after a wrong PIN")?;
    }
    b.card.power_cycle()?;
    look(b, 0, "with the PIN blocked, after a power cycle")
}

fn no_other_object(b: &mut Bench) -> Outcome {
    b.card.authorise()?;
    for p1 in 0..=0xFF {
        for p2 in 0..=0xFF {
            if [(1, 0), (1, 1), (0xBF, 0x21)].contains(&(p1, p2)) {
                continue;
            }
            b.card
                .raw(&[0x00, 0xCA, p1, p2, 0x00])?
                .want_bare(Sw::NOT_FOUND, "GET DATA")?;
        }
    }
    for p2 in [0, 1] {
        b.card
            .once(
                &Command::new([0x00, 0xCA, 0x01, p2])
                    .data([0x5C, 0x00])
                    .le(LE_SHORT),
            )?
            .want_bare(Sw::WRONG_LENGTH, "GET DATA with data")?;
    }
    Ok(())
}

fn capabilities(b: &mut Bench) -> Outcome {
    b.card.select()?;
    let fci = b.card.select_fci()?;
    let capabilities = b.card.capabilities()?;
    let ends = [
        &[0x80, 2][..],
        &capabilities.version,
        &[0x81, 4],
        &capabilities.bits.to_be_bytes(),
    ]
    .concat();
    require!(
        fci.ends_with(&ends),
        "GET DATA and SELECT tell different versions or capabilities: {}",
        hex::encode_upper(&fci)
    );
    require!(
        capabilities.version == crate::card::VERSION,
        "the card speaks version {:?} of the protocol",
        capabilities.version
    );
    require!(
        capabilities.bits & !KNOWN_BITS == 0,
        "reserved capability bits are set: {:08X}",
        capabilities.bits
    );
    require!(
        capabilities.bits & KEY_MADE_ON_CARD != 0,
        "the card makes its account key, and doesn't declare that it does"
    );
    require!(
        capabilities.needs(Capability::Credits).is_err()
            || capabilities.unrooted >= LEAST_UNROOTED
                && u16::from(capabilities.unrooted) <= capabilities.coins,
        "{} unrooted coins are declared",
        capabilities.unrooted
    );
    require!(
        capabilities.needs(Capability::Signing).is_err()
            || (capabilities.sign_inputs, capabilities.sign_outputs) == SIGNING,
        "{} inputs and {} outputs of the owner's signing are declared",
        capabilities.sign_inputs,
        capabilities.sign_outputs
    );
    require!(
        capabilities.inputs == MOST_INPUTS,
        "{} inputs are declared",
        capabilities.inputs
    );
    require!(
        capabilities.tries == TRIES,
        "{} PIN tries are declared",
        capabilities.tries
    );
    require!(
        capabilities.log >= LEAST_LOG,
        "a log of {} payments is declared",
        capabilities.log
    );
    require!(
        capabilities.coins >= LEAST_COINS,
        "room for {} coins is declared",
        capabilities.coins
    );
    let profile = b.profile()?;
    b.issue(&profile)?;
    require!(
        b.card.capabilities()? == capabilities && b.card.select_fci()? == fci,
        "version or capabilities changed when the card was issued"
    );
    b.note(format!("{capabilities:?}"));
    Ok(())
}

fn tells_nothing(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    let ask = |b: &mut Bench| -> Step<Vec<Vec<u8>>> {
        b.card.power_cycle()?;
        let status = b.card.get_data(1, 0)?.want(Sw::OK, "GET DATA, status")?;
        let capabilities = b.card.get_data(1, 1)?.want(Sw::OK, "GET DATA")?;
        Ok(vec![status, capabilities])
    };
    let first = ask(b)?;
    require!(
        first[0]
            == [
                [0x80, 1, 1],
                [0x81, 1, profile.network],
                [0x82, 1, TRIES],
                [0x83, 1, profile.policy]
            ]
            .concat(),
        "the status of an issued card is {}",
        hex::encode_upper(&first[0])
    );
    let same = |b: &mut Bench, when: &str| -> Outcome {
        let now = ask(b)?;
        require!(
            now == first,
            "{when} GET DATA answers {} and {}",
            hex::encode_upper(&now[0]),
            hex::encode_upper(&now[1])
        );
        Ok(())
    };
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[90_000, 80_000])?;
    same(b, "with coins")?;
    b.card.pay_checked(&request(10_000))?;
    b.card.pay_checked(&request(10_000))?;
    same(b, "after payments")?;
    let plan = b
        .card
        .preview_checked(&request(10_000))?
        .map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
    b.card.report(&plan.inputs[0])?;
    same(b, "with a doubtful coin")?;
    if (b.card.host()?.capabilities.needs(Capability::Credits)).is_ok() {
        let index = b.card.host()?.purse.next_receive;
        let (entry, bytes) = b.card.coin_at(&mut stream, 20_000, index)?;
        b.card.credit(&entry, &bytes, 20_000)?;
        same(b, "after a credit")?;
    }
    b.card.acknowledge(2, 1)?;
    b.card.set_limits(Limits::WIDE)?;
    same(b, "after SET LIMITS")
}
