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

cases! {
    "TC-INF-01" version 1 on Own D3 for [INF_1 STA_1] runs in_every_state:
        "Status and capabilities are answered on a factory card, an issued one, with and without \
         authorisation, and with the PIN blocked, exactly as the text says; states, network and \
         tries are true."
        catches "Status tied to a state or an authority; tries told wrongly.";
    "TC-INF-02" version 2 on Issued D1 for [INF_1 KEY_3] runs no_other_object:
        "All 65 536 P1-P2 of GET DATA other than the three defined are refused with 6A88, so that \
         no other data object (a key, the log, a serial number) is to be had; with data, status \
         and capabilities are refused with 6700."
        catches "A maker's data object left in.";
    "TC-INF-03" version 2 on Own D3 for [INF_2] runs capabilities:
        "The capabilities are possible ones, agree with the answer to SELECT, and don't change \
         when the card is issued. What they promise is measured where it can be: extended length \
         in TC-FRM-04, tries in TC-PIN-08, inputs in TC-TX-01, coins in TC-ENT-09, the log in \
         TC-PAY-14."
        catches "Two answers that contradict each other; reserved bits set.";
    "TC-INF-04" version 1 on Own D3 for [INF_3 INF_1] runs tells_nothing:
        "What GET DATA answers to whoever asks is the same, byte for byte, on an issued card \
         without coins, with coins, after payments, after a credit, with a doubtful coin, and \
         after the owner set limits; and it is no longer than the text says."
        catches "A balance, a number of coins or of payments told without PIN.";
}

fn in_every_state(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    ctx.expect_factory("a fresh card says that it was issued")?;
    ctx.capabilities()?;
    let mut profile = ctx.profile()?;
    profile.network = 2;
    ctx.prepare(&profile)?;
    let issued = |tries| Status::Issued {
        network: 2,
        tries,
        policy: profile.policy,
    };
    let look = |ctx: &mut CaseContext, tries: u8, when: &str| -> Outcome {
        let status = ctx.status()?;
        require!(status == issued(tries), "{when}: the status is {status:?}");
        let declared = ctx.host()?.capabilities;
        require!(
            ctx.capabilities()? == declared,
            "{when}: the capabilities differ from those at first"
        );
        Ok(())
    };
    look(ctx, 3, "issued")?;
    ctx.power_cycle()?;
    look(ctx, 3, "issued, after a power cycle")?;
    ctx.authorise()?;
    look(ctx, 3, "authorised")?;
    ctx.expect_authorised(true, "after GET DATA")?;
    for left in [2, 1, 0] {
        ctx.verify_wrong(left)?;
        look(ctx, left, "after a wrong PIN")?;
    }
    ctx.power_cycle()?;
    look(ctx, 0, "with the PIN blocked, after a power cycle")
}

fn no_other_object(ctx: &mut CaseContext) -> Outcome {
    ctx.authorise()?;
    for p1 in 0..=0xFF {
        for p2 in 0..=0xFF {
            if [(1, 0), (1, 1), (0xBF, 0x21)].contains(&(p1, p2)) {
                continue;
            }
            ctx.raw(&[0x00, 0xCA, p1, p2, 0x00])?
                .want_bare(Sw::NOT_FOUND, "GET DATA")?;
        }
    }
    for p2 in [0, 1] {
        ctx.once(
            &Command::new([0x00, 0xCA, 0x01, p2])
                .data([0x5C, 0x00])
                .le(LE_SHORT),
        )?
        .want_bare(Sw::WRONG_LENGTH, "GET DATA with data")?;
    }
    Ok(())
}

fn capabilities(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    let fci = ctx.select_fci()?;
    let capabilities = ctx.capabilities()?;
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
    let unrooted = if capabilities.declares(Capability::Credits) {
        u16::from(LEAST_UNROOTED)..=capabilities.coins
    } else {
        0..=0
    };
    require!(
        unrooted.contains(&u16::from(capabilities.unrooted)),
        "{} unrooted coins are declared",
        capabilities.unrooted
    );
    let signing = if capabilities.declares(Capability::Signing) {
        SIGNING
    } else {
        (0, 0)
    };
    require!(
        (capabilities.sign_inputs, capabilities.sign_outputs) == signing,
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
    ctx.prepare_funded(&[])?;
    require!(
        ctx.capabilities()? == capabilities && ctx.select_fci()? == fci,
        "version or capabilities changed when the card was issued"
    );
    ctx.note(format!("{capabilities:?}"));
    Ok(())
}

fn tells_nothing(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let profile = ctx.profile()?;
    ctx.prepare(&profile)?;
    let ask = |ctx: &mut CaseContext| -> Step<Vec<Vec<u8>>> {
        ctx.power_cycle()?;
        let status = ctx.get_data(1, 0)?.want(Sw::OK, "GET DATA, status")?;
        let capabilities = ctx.get_data(1, 1)?.want(Sw::OK, "GET DATA")?;
        Ok(vec![status, capabilities])
    };
    let first = ask(ctx)?;
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
    let same = |ctx: &mut CaseContext, when: &str| -> Outcome {
        let now = ask(ctx)?;
        require!(
            now == first,
            "{when} GET DATA answers {} and {}",
            hex::encode_upper(&now[0]),
            hex::encode_upper(&now[1])
        );
        Ok(())
    };
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[90_000, 80_000])?;
    same(ctx, "with coins")?;
    ctx.pay_checked(&request_of(10_000))?;
    ctx.pay_checked(&request_of(10_000))?;
    same(ctx, "after payments")?;
    let plan = ctx.offered(&request_of(10_000))?;
    ctx.report(&plan.inputs[0])?;
    same(ctx, "with a doubtful coin")?;
    if ctx.has(Capability::Credits)? {
        let index = ctx.host()?.purse.next_receive();
        let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, index)?;
        ctx.credit(&entry, &bytes, 20_000)?;
        same(ctx, "after a credit")?;
    }
    ctx.acknowledge(2, 1)?;
    ctx.set_limits(Limits::WIDE)?;
    same(ctx, "after SET LIMITS")
}
