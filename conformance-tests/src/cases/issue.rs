//! ISSUE: section 3.2.

use super::prelude::*;
use crate::keys::{ORDER, x_off_curve};
use crate::model::{MAX_AMOUNT, PLAIN, Profile, Provenance, STATEMENTS};
use crate::tlv;

cases! {
    "TC-ISS-01" version 3 on Own D3 for [ISS_1 ISS_3 KEY_2 NVM_2] runs bounds:
        "A card can be issued for each test network (mainnet is left alone: a card whose keys come \
         of a seed must not look like a real one), with host shares 0, 1, n − 1 and an arbitrary \
         one, with PINs of 4 and 12 digits, and with limits at their bounds, and each policy; \
         public key and chain code come of both shares; everything is there after a power cycle, \
         and a second ISSUE is refused."
        catches "A network, share, PIN length or limit refused or cut; a card that forgets part of \
                 what it was given; one that is issued twice.";
    "TC-ISS-02" version 4 on Factory D0 for [ISS_2 LIM_1] runs impossible_values:
        "Each impossible value (network, host share, keys off the curve, PIN blocks, leaves, \
         limits, policies) is refused with 6A80, changes nothing, and ends the key generation. (a \
         = 0 needs the card's secret and can't be asked for.)"
        catches "A value taken as it comes; a refused ISSUE that leaves its key generation open.";
    "TC-ISS-03" version 1 on Factory D0 for [ISS_3] runs without_generation:
        "ISSUE without a key generation under way is refused with 6985, on a factory card and on \
         an issued one."
        catches "A card issued on a key that the host couldn't check.";
    "TC-ISS-04" version 2 on Own D3 for [ISS_1 LIM_1 NVM_2 NVM_3] runs in_force:
        "What ISSUE set is in force at once and after a power cut right after its answer: the PIN \
         (and no other), the owner key, the leaf key and the account in the scripts, each limit."
        catches "Limits or keys kept in RAM, or mixed up with one another.";
}

fn bounds(ctx: &mut CaseContext) -> Outcome {
    let mut order_less_one = ORDER;
    order_less_one[31] -= 1;
    let mut one = [0; 32];
    one[31] = 1;
    let shares = [None, Some([0; 32]), Some(one), Some(order_less_one)];
    let lowest = Limits {
        per_payment: 0,
        cumulative: 0,
        payments: 0,
        fee_cap: 0,
        least_rate: 100,
        highest_rate: 100,
        least_coin: 330,
        without_pin: 0,
        payments_without_pin: 0,
    };
    let highest = Limits::WIDE
        .least_rate(u32::MAX)
        .highest_rate(u32::MAX)
        .least_coin(u32::MAX)
        .without_pin(MAX_AMOUNT)
        .payments_without_pin(u16::MAX);
    for (card, (network, share)) in [1, 2, 3, 3].into_iter().zip(shares).enumerate() {
        if card > 0 {
            ctx.fresh_card()?;
        }
        let mut profile = ctx.profile()?;
        profile.network = network;
        if let Some(share) = share {
            profile.provenance = Provenance::Made(share);
        }
        profile.limits = if card % 2 == 0 { lowest } else { highest };
        // Plain sessions stay allowed: all else is asked in them.
        profile.policy = if card % 2 == 0 {
            PLAIN
        } else {
            PLAIN | STATEMENTS
        };
        profile.pin = match card {
            0 => Pin::new(&[0, 0, 0, 0]),
            3 => Pin::new(&[9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 9]),
            _ => profile.pin,
        };
        let profile = ctx.declared_part(&profile)?;
        ctx.issue(&profile)
            .at(|| format!("card {card}, network {network}"))?;
        for when in ["at once", "after a power cycle"] {
            let status = ctx.status()?;
            require!(
                status
                    == Status::Issued {
                        network,
                        tries: 3,
                        policy: profile.policy
                    },
                "{when}: the status is {status:?}, network {network}"
            );
            ctx.verify_right()
                .at(|| format!("network {network}, {when}"))?;
            ctx.expect_receive_script(0)?;
            ctx.generate_answer()?
                .want_bare(Sw::CONDITIONS, "GENERATE on an issued card")?;
            ctx.issue_answer(&profile.encode())?
                .want_bare(Sw::CONDITIONS, "a second ISSUE")?;
            ctx.power_cycle()?;
        }
        ctx.verify_right()?;
        ctx.expect_receive_script(0)?;
    }
    Ok(())
}

/// Limits that `[LIM-1]` doesn't permit.
pub(super) fn bad_limits() -> Vec<(&'static str, Limits)> {
    let wide = Limits::WIDE;
    let over = MAX_AMOUNT + 1;
    vec![
        ("per-payment limit", wide.per_payment(over)),
        ("cumulative limit", wide.cumulative(over)),
        ("cumulative limit", wide.cumulative(u64::MAX)),
        ("fee cap", wide.fee_cap(over)),
        ("limit without PIN", wide.without_pin(over)),
        ("least fee rate", wide.least_rate(99)),
        ("least fee rate", wide.least_rate(0)),
        ("fee rates", wide.least_rate(1_001).highest_rate(1_000)),
        ("highest fee rate", wide.highest_rate(99)),
        ("highest fee rate", wide.least_rate(0).highest_rate(0)),
        ("least coin", wide.least_coin(329)),
        ("least coin", wide.least_coin(0)),
    ]
}

/// ISSUE fields with one impossible value each.
fn impossible(ctx: &CaseContext, profile: &Profile) -> Vec<(String, Vec<u8>)> {
    let mut above = ORDER;
    above[31] += 1;
    let off = x_off_curve(&ctx.values.bytes("off the curve"));
    // The field prime: as an x coordinate it is 0 written twice.
    let mut prime = [0xFF; 32];
    prime[27] = 0xFE;
    prime[30] = 0xFC;
    prime[31] = 0x2F;
    let mut values: Vec<(u16, String, Vec<u8>)> = vec![];
    for network in [4, 0x80, 0xFF] {
        values.push((0x80, format!("network {network}"), vec![network]));
    }
    for (name, share) in [("n", ORDER), ("n + 1", above), ("2^256 - 1", [0xFF; 32])] {
        values.push((0x81, format!("h = {name}"), share.to_vec()));
    }
    let points = [
        ("off the curve", off),
        ("zero", [0; 32]),
        ("p", prime),
        ("too high", [0xFF; 32]),
    ];
    for (name, key) in points {
        values.push((0x82, format!("owner key {name}"), key.to_vec()));
        for (kind, blocks) in [(1, 0), (2, 144)] {
            values.push((0x83, format!("leaf key {name}"), leaf(kind, blocks, &key)));
        }
    }
    let right = profile.owner.x_only_public_key().0.serialize();
    for (name, value) in [
        ("no leaf on a made key", leaf(0, 0, &[0; 32])),
        ("no leaf, with a key", leaf(0, 0, &right)),
        ("no leaf, with blocks", leaf(0, 1, &[0; 32])),
        ("a leaf without delay, with blocks", leaf(1, 1, &right)),
        ("a leaf with a delay of no blocks", leaf(2, 0, &right)),
        ("a leaf of an unknown kind", leaf(3, 0, &right)),
        ("a leaf of an unknown kind", leaf(0xFF, 144, &right)),
    ] {
        values.push((0x83, name.to_owned(), value));
    }
    for block in [
        "041234FFFFFFFFFF",  // format 0
        "141234FFFFFFFFFF",  // format 1
        "341234FFFFFFFFFF",  // format 3
        "23123FFFFFFFFFFF",  // three digits
        "20FFFFFFFFFFFFFF",  // none
        "2D1234567890123F",  // thirteen
        "2E12345678901234",  // fourteen
        "2F12345678901234",  // fifteen
        "2412345FFFFFFFFF",  // one digit more than it says
        "25 1234FFFFFFFFFF", // one digit fewer
        "241A34FFFFFFFFFF",  // a digit above 9
        "24123FFFFFFFFFFF",  // filler among the digits
        "241234FFFFFFFFF0",  // filler not F
        "2412340000000000",
        "0000000000000000",
        "FFFFFFFFFFFFFFFF",
        "3132333435363738", // ASCII
    ] {
        let bytes = hex::decode(block.replace(' ', "")).unwrap_or_default();
        values.push((0x84, "a malformed PIN block".to_owned(), bytes));
    }
    for (name, bad) in bad_limits() {
        values.push((0x85, name.to_owned(), bad.encode()));
    }
    for policy in [0x04, 0x05, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF] {
        values.push((0x86, format!("policy {policy:02X}"), vec![policy]));
    }
    values
        .into_iter()
        .map(|(tag, name, value)| {
            let field = profile
                .objects()
                .iter()
                .flat_map(|(at, right)| tlv::object(*at, if *at == tag { &value } else { right }))
                .collect();
            (name, field)
        })
        .collect()
}

fn leaf(kind: u8, blocks: u16, key: &[u8; 32]) -> Vec<u8> {
    [&[kind][..], &blocks.to_be_bytes(), key].concat()
}

fn impossible_values(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?;
    ctx.select()?;
    let right = profile.encode();
    for (name, field) in impossible(ctx, &profile) {
        ctx.generate().preamble()?;
        ctx.issue_answer(&field)?
            .want_bare(Sw::WRONG_DATA, "ISSUE")
            .at(&name)?;
        ctx.expect_factory(&format!("{name}: the card was issued"))?;
        // The right field now would issue the card if the generation were still under way; it
        // must not be, and what the card answers then is this case's question.
        ctx.issue_answer(&right)?
            .want_bare(
                Sw::CONDITIONS,
                "ISSUE after a refused one, without a new key generation",
            )
            .at(&name)?;
    }
    ctx.power_cycle()?;
    ctx.expect_factory("the card was issued")?;
    Ok(())
}

fn without_generation(ctx: &mut CaseContext) -> Outcome {
    let field = ctx.profile()?.encode();
    ctx.select()?;
    ctx.issue_answer(&field)?
        .want_bare(Sw::CONDITIONS, "ISSUE without a key generation")?;
    ctx.expect_factory("the card was issued")?;
    Ok(())
}

fn in_force(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let limits = Limits::WIDE
        .per_payment(50_000)
        .cumulative(80_000)
        .payments(3)
        .fee_cap(2_000)
        .least_rate(500)
        .highest_rate(7_000)
        .least_coin(60_000);
    let profile = ctx.profile()?.limits(limits);
    ctx.issue(&profile)?;
    ctx.power_cycle()?;
    ctx.verify_wrong(2)?;
    ctx.verify_right()?;
    ctx.expect_receive_script(0)?;
    let mut stream = ctx.values.stream("coins");
    for amount in [60_000, 60_000] {
        let index = ctx.host()?.purse.next_receive();
        let (entry, transaction) = ctx.coin_at(&mut stream, amount, index)?;
        ctx.enter(&entry, &transaction, amount)
            .at("with the owner key and the scripts of ISSUE")?;
    }
    let at = |amount, rate| request_of(amount).rate(rate);
    for request in [
        at(50_001, 1000),
        at(1000, 7001),
        at(1000, 499),
        at(1000, 500),
        at(50_000, 7000),
    ] {
        ctx.power_cycle()?;
        ctx.preview_checked(&request)?.ok();
    }
    ctx.pay_checked(&at(50_000, 1000))?;
    ctx.power_cycle()?;
    // 80 000 less what the first payment cost.
    let spent = ctx.host()?.purse.spent;
    let over = at(80_000 - spent, 1000);
    let refusal = ctx.preview_checked(&over)?;
    put!(
        refusal == Err(Sw::OVER_CUMULATIVE_LIMIT),
        "the case must run into the cumulative limit"
    );
    Ok(())
}
