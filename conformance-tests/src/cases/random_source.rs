//! The test of the random source at power-up. Section 3.4.

use super::prelude::*;
use crate::card_under_test::Fault;

/// Bytes that the card tests.
const TESTED: usize = 512;
/// A value that comes at most so often is let pass.
const MOST_OF_ONE: usize = 17;

cases! {
    "TC-RND-01" version 1 on Own D3 for [RND_1] runs bad_source:
        "With a source that fails, sticks, gives one byte five times running, or its first value \
         18 times, at power-up, a factory card refuses key generation and ISSUE with 6400, an \
         issued one challenges, payments, repeated ones and ancestors, until the next power-up, \
         although the source has recovered; nothing changes, and all else works. (SIGN can't be \
         asked: it needs a challenge. Only a target that has the source in its hands can run this.)"
        catches "Keys and nonces from a dead generator: everybody's keys.";
    "TC-RND-02" version 1 on Own D3 for [RND_1] runs good_source:
        "A source that gives one byte four times running, and its first value 17 times, passes: \
         the bounds are the text's, so that a good source isn't refused."
        catches "A test that no source, or every one, passes.";
}

/// 512 bytes without repetition beyond two of each value, the first one alone.
fn innocent() -> Vec<u8> {
    (0..TESTED).map(|at| (at * 7 % 251) as u8).collect()
}

/// The same with the first value so many times, no two of them together.
fn first_value(times: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..TESTED).map(|at| 1 + (at * 7 % 251) as u8).collect();
    for time in 0..times {
        bytes[time * 5] = 0;
    }
    bytes
}

/// The same with one value so many times running, somewhere in the middle.
fn running(times: usize) -> Vec<u8> {
    let mut bytes = innocent();
    bytes[300..300 + times].fill(0xFE);
    bytes
}

fn bad_sources() -> Vec<(&'static str, Fault)> {
    let last = {
        let mut bytes = innocent();
        bytes[TESTED - 5..].fill(0xFE);
        bytes
    };
    vec![
        ("a source that fails", Fault::NoRandom),
        ("zeros", Fault::Random(vec![0; TESTED])),
        ("ones", Fault::Random(vec![0xFF; TESTED])),
        ("five running", Fault::Random(running(5))),
        ("five running at the end", Fault::Random(last)),
        (
            "the first value too often",
            Fault::Random(first_value(MOST_OF_ONE + 1)),
        ),
    ]
}

fn bad_source(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let profile = ctx.profile()?;
    let imported = profile.clone().imported([5; 32], [6; 32]);
    for (name, fault) in bad_sources() {
        let place = || format!("{name}, factory");
        ctx.inject(&fault)?;
        ctx.power_cycle()?;
        ctx.inject(&Fault::GoodRandom)?;
        for _ in 0..2 {
            ctx.generate_answer()?
                .want_bare(Sw::EXECUTION, "GENERATE ASYMMETRIC KEY PAIR")
                .at(place)?;
            if ctx.capabilities()?.declares(Capability::Imported) {
                ctx.import_answer(&imported.encode())?
                    .want_bare(Sw::EXECUTION, "ISSUE")
                    .at(place)?;
            }
            ctx.select()?;
        }
        ctx.expect_factory(&format!("{name}: the card was issued"))?;
    }
    ctx.power_cycle()?;
    ctx.issue(&profile)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[50_000, 40_000])?;
    let kept = request_of(20_000);
    let txid = ctx.pay_checked(&kept)?.txid;
    for (name, fault) in bad_sources() {
        let place = || format!("{name}, issued");
        ctx.inject(&fault)?;
        ctx.power_cycle()?;
        ctx.inject(&Fault::GoodRandom)?;
        ctx.challenge_answer()?
            .want_bare(Sw::EXECUTION, "GET CHALLENGE")
            .at(place)?;
        ctx.authorise().at(place)?;
        let next = ctx.host()?.purse.next_receive();
        ctx.expect_receive_script(next).at(place)?;
        ctx.preview_answer(&request_of(60_000))?
            .want(Sw::OK, "PREVIEW")
            .at(place)?;
        // Signatures that draw no random bytes don't need a source.
        let draws = ctx.has(Capability::AuxiliaryRandomness)?;
        if draws {
            ctx.ancestor_answer(&txid)?
                .want_bare(Sw::EXECUTION, "GET ANCESTOR")
                .at(place)?;
        }
        // Authority comes before it, the rules of payments after it.
        ctx.select()?;
        ctx.pay_answer(&request_of(10_000))?
            .want_bare(Sw::SECURITY, "PAY without authority")
            .at(place)?;
        let requests = [request_of(10_000), request_of(0)];
        for request in requests.iter().filter(|_| draws) {
            ctx.authorise()?;
            ctx.pay_answer(request)?
                .want_bare(Sw::EXECUTION, "PAY")
                .at(place)?;
        }
        if draws {
            ctx.pay_answer(&kept)?
                .want_bare(Sw::EXECUTION, "PAY, again")
                .at(place)?;
        }
        ctx.power_cycle()?;
        ctx.expect_ledger("after the next power-up").at(place)?;
    }
    ctx.pay_checked(&request_of(10_000)).map(drop)
}

fn good_source(ctx: &mut CaseContext) -> Outcome {
    for (name, bytes) in [
        ("four running", running(4)),
        ("the first value 17 times", first_value(MOST_OF_ONE)),
        ("an even source", innocent()),
    ] {
        ctx.inject(&Fault::Random(bytes))?;
        ctx.power_cycle()?;
        ctx.generate().at(name)?;
    }
    Ok(())
}
