//! SELECT: section 2.3.

use super::prelude::*;
use super::samples;
use crate::card::READ_COINS;
use crate::card::{AID, VERSION};
use crate::model::{Place, Spend};
use crate::tlv;

cases! {
    "TC-SEL-01" version 1 on Factory D0 for [SEL_1 INF_2] runs right_names:
        "SELECT by the full AID and by each prefix of 5 to 8 bytes answers the FCI template, byte \
         for byte, and with P2 0C nothing; the application is selected."
        catches "Partial AID refused; wrong template; data in spite of P2 0C.";
    "TC-SEL-02" version 1 on Issued D1 for [SEL_2] runs wrong_names:
        "Names of 5 to 16 bytes that match no application (each byte changed, the AID with more \
         bytes after it) are refused with 6A82 and change nothing: the application stays selected \
         and the holder authorised."
        catches "Only the first bytes compared; a failed SELECT that ends the session, or selects.";
    "TC-SEL-03" version 1 on Factory D0 for [SEL_2] runs wrong_lengths:
        "Names shorter than 5 or longer than 16 bytes are refused with 6700."
        catches "An empty or a short name that selects by default.";
    "TC-SEL-04" version 1 on Issued D1 for [SEL_3] runs nothing_selected:
        "After a cold and a warm reset every command but SELECT and GET RESPONSE is refused with \
         6985 and without effect, and so it is after a SELECT that failed."
        catches "An application selected by default, which a careless terminal then talks to.";
    "TC-SEL-05" version 1 on Issued D1 for [SEL_4 OWN_3] runs ends_the_session:
        "SELECT (by full and by partial AID, with and without FCI) and resets end the \
         authorisation, and forget a challenge, a coin entry under way and what GET RESPONSE had \
         left."
        catches "A session that outlives the reader's reset: the next terminal inherits the PIN.";
    "TC-SEL-06" version 1 on Issued D1 for [SEL_5 FRM_8] runs parameters:
        "SELECT with all other values of P1, and of P2, is refused with 6A86 and changes nothing."
        catches "Selection by file identifier or of the next occurrence taken for ours.";
    "TC-SEL-07" version 1 on Factory D0 for [SEL_4 ISS_3] runs forgets_generation:
        "SELECT and resets forget a key generation under way: ISSUE after them is refused with \
         6985 and issues nothing."
        catches "A commitment that survives into another session.";
    "TC-SEL-08" version 1 on Own D3 for [SEL_4 SGN_5 IMG_2 ABS_1 ANC_1] runs ends_what_is_staged:
        "SELECT and resets end an owner's signing (before and after its stream is complete), a \
         reading of coins, a credit's entry, and an offer: after them a piece, a signature, the \
         next part, a report and an ancestor are refused."
        catches "An offer, or a transaction of the owner's, that the next terminal finds open.";
}

const FCI: u8 = 0x00;
const NO_FCI: u8 = 0x0C;

fn select(p2: u8, name: &[u8]) -> Command {
    let command = Command::new([0x00, 0xA4, 0x04, p2]).data(name);
    if p2 == FCI {
        command.le(LE_SHORT)
    } else {
        command
    }
}

fn right_names(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    let capabilities = ctx.capabilities()?;
    let proprietary = [
        tlv::object(0x80, &VERSION),
        tlv::object(0x81, &capabilities.bits.to_be_bytes()),
    ]
    .concat();
    let template = [tlv::object(0x84, &AID), tlv::object(0xA5, &proprietary)].concat();
    let expected = tlv::object(0x6F, &template);
    for length in 5..=AID.len() {
        for (p2, wanted) in [(FCI, expected.as_slice()), (NO_FCI, &[])] {
            ctx.reset(Reset::Cold)?;
            let answer = ctx
                .send(&select(p2, &AID[..length]))?
                .want(Sw::OK, "SELECT")?;
            require!(
                answer == wanted,
                "SELECT by {length} bytes with P2 {p2:02X} answered {} instead of {}",
                hex::encode_upper(&answer),
                hex::encode_upper(wanted)
            );
            ctx.status()
                .at(|| format!("after SELECT by {length} bytes"))?;
        }
    }
    Ok(())
}

fn wrong_names(ctx: &mut CaseContext) -> Outcome {
    ctx.authorise()?;
    let mut names: Vec<Vec<u8>> = Vec::new();
    for length in 5..=AID.len() {
        for at in 0..length {
            let mut name = AID[..length].to_vec();
            name[at] ^= 0x20;
            names.push(name);
        }
    }
    for more in 1..=7 {
        names.push([&AID[..], &vec![0; more]].concat());
        names.push([&AID[..], &AID[..more]].concat());
        names.push([&vec![0; more][..], &AID].concat());
    }
    // The payment system environment, which terminals look for.
    names.push(b"1PAY.SYS.DDF01".to_vec());
    for name in &names {
        for p2 in [FCI, NO_FCI] {
            ctx.once(&select(p2, name))?.want_bare(
                Sw::NO_APPLICATION,
                &format!("SELECT {}", hex::encode_upper(name)),
            )?;
        }
    }
    ctx.expect_authorised(true, "after names of other applications")?;
    ctx.reset(Reset::Cold)?;
    for name in &names {
        ctx.once(&select(NO_FCI, name))?
            .want_bare(Sw::NO_APPLICATION, "SELECT")?;
    }
    ctx.get_data(1, 0)?.want_bare(
        Sw::CONDITIONS,
        "GET DATA after names of other applications only",
    )
}

fn wrong_lengths(ctx: &mut CaseContext) -> Outcome {
    let long = [&AID[..], &[0; 246]].concat();
    for length in (0..=4).chain(17..=255) {
        for p2 in [FCI, NO_FCI] {
            ctx.once(&select(p2, &long[..length]))?
                .want_bare(Sw::WRONG_LENGTH, &format!("SELECT by {length} bytes"))?;
        }
    }
    ctx.get_data(1, 0)?
        .want_bare(Sw::CONDITIONS, "GET DATA after names of wrong lengths only")
}

fn nothing_selected(ctx: &mut CaseContext) -> Outcome {
    for how in [Reset::Cold, Reset::Warm] {
        ctx.authorise()?;
        ctx.reset(how)?;
        for sample in samples::all(ctx)? {
            ctx.once(&sample.command)?
                .want_bare(Sw::CONDITIONS, sample.name)
                .at(|| format!("after a {how:?} reset"))?;
        }
        ctx.get_response(256)?
            .want_bare(Sw::CONDITIONS, "GET RESPONSE")?;
        ctx.select()?;
        ctx.expect_tries(3, "after VERIFY without a selected application")?;
    }
    Ok(())
}

fn ends_the_session(ctx: &mut CaseContext) -> Outcome {
    let mut stream = ctx.values.stream("coin");
    let (entry, transaction) = ctx.coin_at(&mut stream, 20_000, 0)?;
    let body = entry.body();
    let selects = [
        Some(select(FCI, &AID)),
        Some(select(NO_FCI, &AID)),
        Some(select(FCI, &AID[..5])),
        Some(select(NO_FCI, &AID[..7])),
        None,
    ];
    for (how, reset) in selects
        .iter()
        .zip([Reset::Cold; 4].iter().chain([&Reset::Warm]))
    {
        let what = how.as_ref().map_or_else(
            || "a warm reset".to_owned(),
            |command| format!("SELECT {}", hex::encode_upper(&command.data)),
        );
        let end = |ctx: &mut CaseContext| -> Outcome {
            match how {
                Some(command) => ctx.send(command)?.want(Sw::OK, "SELECT").map(drop),
                None => {
                    ctx.reset(*reset)?;
                    ctx.select()
                }
            }
        };
        ctx.authorise()?;
        end(ctx)?;
        ctx.expect_authorised(false, &format!("after {what}"))?;

        let challenge = ctx.challenge()?;
        let signature = ctx.owner_signature(&challenge, Entry::BEGIN, &body)?;
        end(ctx)?;
        ctx.once(&Command::new(Entry::BEGIN).data(Card::signed(&body, &signature)))?
            .want_bare(Sw::SECURITY, "ENTER COIN with a challenge of before")
            .at(|| format!("after {what}"))?;

        ctx.begun_entry(&entry)?;
        ctx.piece(&transaction[..20])?
            .want_bare(Sw::OK, "ENTER COIN, a piece")
            .preamble()?;
        end(ctx)?;
        ctx.piece(&transaction[20..])?
            .want_bare(Sw::CONDITIONS, "ENTER COIN, a piece of before")
            .at(|| format!("after {what}"))?;

        let first = ctx.raw(&[0x00, 0xCA, 0x01, 0x00])?;
        require!(
            first.sw.more().is_some(),
            "GET DATA without Le answered {}",
            first.sw
        );
        ctx.raw(&select(NO_FCI, &AID).short()?)?
            .want_bare(Sw::OK, "SELECT")?;
        ctx.get_response(256)?
            .want_bare(Sw::CONDITIONS, "GET RESPONSE after SELECT")?;
    }
    ctx.authorise()?;
    ctx.power_cycle()?;
    ctx.expect_authorised(false, "after a power cycle")
}

fn parameters(ctx: &mut CaseContext) -> Outcome {
    ctx.authorise()?;
    let across = (0..=0xFF)
        .filter(|p1| *p1 != 0x04)
        .flat_map(|p1| [(p1, FCI), (p1, NO_FCI)]);
    let down = (0..=0xFF)
        .filter(|p2| ![FCI, NO_FCI].contains(p2))
        .map(|p2| (0x04, p2));
    for (p1, p2) in across.chain(down) {
        ctx.once(&Command::new([0x00, 0xA4, p1, p2]).data(AID))?
            .want_bare(Sw::WRONG_P1P2, "SELECT")?;
    }
    ctx.expect_authorised(true, "after SELECT with other P1-P2")?;
    ctx.reset(Reset::Cold)?;
    for header in [[0x00, 0xA4, 0x00, 0x00], [0x00, 0xA4, 0x04, 0x02]] {
        ctx.once(&Command::new(header).data(AID))?
            .want_bare(Sw::WRONG_P1P2, "SELECT")?;
    }
    ctx.get_data(1, 0)?.want_bare(
        Sw::CONDITIONS,
        "GET DATA after SELECT with other P1-P2 only",
    )
}

fn forgets_generation(ctx: &mut CaseContext) -> Outcome {
    let field = ctx.profile()?.encode();
    ctx.select()?;
    for reset in [None, Some(Reset::Cold), Some(Reset::Warm)] {
        ctx.generate().preamble()?;
        if let Some(how) = reset {
            ctx.reset(how)?;
        }
        ctx.select()?;
        ctx.issue_answer(&field)?
            .want_bare(Sw::CONDITIONS, "ISSUE with a key generation of before")
            .at(|| {
                reset.map_or("after SELECT".to_owned(), |how| {
                    format!("after a {how:?} reset")
                })
            })?;
    }
    Ok(())
}

fn ends_what_is_staged(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[50_000, 40_000])?;
    let capabilities = ctx.host()?.capabilities;
    let ways: [(&str, Option<Reset>); 3] = [
        ("SELECT", None),
        ("a cold reset", Some(Reset::Cold)),
        ("a warm reset", Some(Reset::Warm)),
    ];
    for (what, reset) in ways {
        let place = || format!("after {what}");
        let end = |ctx: &mut CaseContext| -> Outcome {
            if let Some(how) = reset {
                ctx.reset(how)?;
            }
            ctx.select()
        };
        ctx.command_by_owner(READ_COINS, &[])?
            .want(Sw::OK, "READ COINS")?;
        end(ctx)?;
        ctx.next_coins()?
            .want_bare(Sw::CONDITIONS, "READ COINS, the next part")
            .at(place)?;

        let plan = ctx.offered(&request_of(10_000))?;
        end(ctx)?;
        ctx.report_answer(&plan.inputs[0].txid, plan.inputs[0].vout)?
            .want_bare(Sw::SECURITY, "REPORT ABSENT")
            .at(place)?;
        ctx.authorise()?;
        ctx.report_answer(&plan.inputs[0].txid, plan.inputs[0].vout)?
            .want_bare(Sw::CONDITIONS, "REPORT ABSENT of an offer of before")
            .at(place)?;
        ctx.ancestor_answer(&plan.inputs[0].txid)?
            .want_bare(Sw::CONDITIONS, "GET ANCESTOR of an offer of before")
            .at(place)?;

        if capabilities.needs(Capability::Credits).is_ok() {
            let mut stream = ctx.values.stream("credit");
            let next = ctx.host()?.purse.next_receive();
            let (entry, bytes) = ctx.coin_at(&mut stream, 9_000, next)?;
            ctx.authorise()?;
            ctx.begin_credit(&entry)?.want_bare(Sw::OK, "a credit")?;
            end(ctx)?;
            ctx.piece(&bytes)?
                .want_bare(Sw::CONDITIONS, "the transaction of a credit")
                .at(place)?;
        }

        if capabilities.needs(Capability::Signing).is_ok() {
            let spend = Spend::of_unknown(ctx.values.bytes("unknown coin"), Place::receive(40));
            let stream = spend.stream();
            ctx.begin_sign(&spend.body())?.want_bare(Sw::OK, "SIGN")?;
            ctx.sign_piece(&stream[..20])?
                .want_bare(Sw::OK, "SIGN, a piece")?;
            end(ctx)?;
            ctx.sign_piece(&stream[20..])?
                .want_bare(Sw::CONDITIONS, "SIGN, a piece")
                .at(place)?;
            ctx.streamed(&spend, 255)?;
            end(ctx)?;
            ctx.signature_answer(0)?
                .want_bare(Sw::CONDITIONS, "SIGN, a signature")
                .at(place)?;
        }
    }
    Ok(())
}
