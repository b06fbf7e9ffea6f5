//! RESET RETRY COUNTER. Section 5.3.

use super::prelude::*;
use crate::card::{NEW_PIN, SAME_PIN, new_pin_body};

cases! {
    "TC-RRC-01" version 1 on Own D3 for [RRC_1 PIN_1 PIN_2 PIN_5 PIN_9 NVM_1 NVM_2] runs unblocked:
        "A blocked PIN is unblocked with and without a new one, and tries partly used, or none, go \
         back to 3 so too; the new PIN (4 to 12 digits) is the right one at once and after power \
         cuts and warm resets, the old one is refused and counted; coins, counters and log are as \
         before, and the card pays with the new PIN."
        catches "Tries back without the PIN or the PIN without the tries; an old PIN that stays \
                 good; a new one in RAM.";
    "TC-RRC-02" version 2 on Issued D1 for [RRC_2 OWN_2 OWN_3] runs malformed:
        "Malformed PIN blocks (format, number of digits, digits above 9, filler) are refused with \
         6A80 when the owner signed them, and use his challenge up; without his signature the \
         answer is 6982. Tries and PIN are as before, also after a power cut."
        catches "A PIN that no till can type: the holder is locked out; tries given back all the \
                 same.";
    "TC-RRC-03" version 2 on Funded D1 for [RRC_3 PAY_1] runs no_authorisation:
        "RESET RETRY COUNTER, with a PIN and without, gives no holder authorisation and ends one, \
         with the offer made in it: RECEIVE SCRIPT, PREVIEW, PAY and REPORT ABSENT are refused \
         with 6982 after it. One refused with 6A80 after authority ends the authorisation too; one \
         without authority (6982) doesn't."
        catches "An unblocking at a till that leaves the till with a payment.";
    "TC-RRC-04" version 1 on Issued D1 for [RRC_1 FRM_8 OWN_2 OWN_3 PIN_5] runs refused:
        "RESET RETRY COUNTER with another P1 or P2 is refused with 6A86, with a length of the \
         other P1 or any else with 6700, and neither uses the challenge up. Without a challenge, \
         by another key, replayed, or signed for the other P1 (the data of 02 with a signature for \
         03 and the reverse) it is refused with 6982. Tries and PIN are as before."
        catches "A shop that unblocks the PIN, or swaps the PIN in the owner's command.";
}

/// Uses up tries until so many are left, from three.
fn use_up(ctx: &mut CaseContext, left: u8) -> Outcome {
    for left in (left..3).rev() {
        ctx.verify_wrong(left)?;
    }
    Ok(())
}

/// Header and body, as sent or as signed for.
type Signed<'a> = ([u8; 4], &'a [u8]);

/// Sends it as signed for these bytes, over a fresh challenge.
fn signed_for(
    ctx: &mut CaseContext,
    header: [u8; 4],
    body: &[u8],
    signed: Signed,
) -> Step<crate::apdu::Answer> {
    let challenge = ctx.challenge()?;
    let signature = ctx.owner_signature(&challenge, signed.0, signed.1)?;
    ctx.once(&Command::new(header).data(Card::signed(body, &signature)))
}

fn unblocked(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[90_000, 80_000])?;
    ctx.pay_checked(&request_of(20_000)).preamble()?;
    let pins: [Option<&[u8]>; 6] = [
        None,
        Some(&[4, 0, 7, 1]),
        Some(&[9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 9, 8]),
        None,
        Some(&[1, 2, 3, 4, 5, 6]),
        Some(&[1, 2, 3, 4, 5, 7]),
    ];
    for (round, digits) in pins.into_iter().enumerate() {
        for left in 0..=3 {
            let place = || format!("PIN {round}, {left} tries left");
            use_up(ctx, left).preamble().at(place)?;
            if left == 0 {
                let right = ctx.right_block()?;
                ctx.verify(&right)?
                    .want_bare(Sw::BLOCKED, "VERIFY, blocked")
                    .preamble()?;
            }
            let old = ctx.right_block()?;
            // Another PIN at each number of tries: a digit more.
            let pin = digits.map(|digits| {
                let mut digits = digits.to_vec();
                digits[0] = (digits[0] + left) % 10;
                Pin::new(&digits)
            });
            ctx.reset_tries(pin.as_ref()).at(place)?;
            match left {
                0 => ctx.power_cycle()?,
                1 => {
                    ctx.reset(Reset::Warm)?;
                    ctx.select()?;
                }
                _ => {}
            }
            ctx.expect_tries(3, "after RESET RETRY COUNTER").at(place)?;
            if pin.is_some() {
                ctx.verify(&old)?
                    .want_bare(Sw::tries(2), "VERIFY with the old PIN")
                    .at(place)?;
                ctx.power_cycle()?;
            }
            ctx.verify_right().at(place)?;
            ctx.expect_tries(3, "after VERIFY").at(place)?;
        }
        ctx.expect_ledger("after RESET RETRY COUNTER")
            .at(|| format!("PIN {round}"))?;
    }
    ctx.pay_checked(&request_of(30_000))?;
    ctx.expect_ledger("after a payment with the new PIN")
}

fn malformed(ctx: &mut CaseContext) -> Outcome {
    use_up(ctx, 2)?;
    for text in [
        "041234FFFFFFFFFF", // format 0
        "141234FFFFFFFFFF", // format 1
        "341234FFFFFFFFFF", // format 3
        "20FFFFFFFFFFFFFF", // no digits
        "23123FFFFFFFFFFF", // three
        "2D1234567890123F", // thirteen
        "2E12345678901234", // fourteen
        "2412345FFFFFFFFF", // one digit more than it says
        "251234FFFFFFFFFF", // one digit fewer
        "24A234FFFFFFFFFF", // a digit above 9, the first
        "24123AFFFFFFFFFF", // the last
        "2C12345678901AFF", // the last of twelve
        "24123FFFFFFFFFFF", // filler among the digits
        "241234FFFFFFFFF0", // filler not F, the last
        "2412340FFFFFFFFF", // the first
        "2C123456789012F0", // with twelve digits
        "2412340000000000",
        "0000000000000000",
        "FFFFFFFFFFFFFFFF",
    ] {
        let block: [u8; 8] = hex::decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| Stop::Error(format!("{text} isn't eight bytes")))?;
        let body = new_pin_body(&block);
        let place = || text.to_owned();
        ctx.once(&Command::new(NEW_PIN).data(Card::signed(&body, &[7; 64])))?
            .want_bare(Sw::SECURITY, "RESET RETRY COUNTER, not signed")
            .at(place)?;
        let challenge = ctx.challenge()?;
        let signature = ctx.owner_signature(&challenge, NEW_PIN, &body)?;
        ctx.once(&Command::new(NEW_PIN).data(Card::signed(&body, &signature)))?
            .want_bare(Sw::WRONG_DATA, "RESET RETRY COUNTER")
            .at(place)?;
        // With its challenge a good one now would do.
        let signature = ctx.owner_signature(&challenge, SAME_PIN, &[])?;
        ctx.once(&Command::new(SAME_PIN).data(Card::signed(&[], &signature)))?
            .want_bare(Sw::SECURITY, "RESET RETRY COUNTER with a challenge used up")
            .at(place)?;
        ctx.expect_tries(2, "after a refusal").at(place)?;
    }
    ctx.power_cycle()?;
    ctx.expect_tries(2, "after refusals and a power cut")?;
    ctx.verify_right().at("the PIN of before")
}

fn no_authorisation(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    // The shared card's PIN again, as if it were a new one.
    let same = ctx.host()?.profile.pin.clone();
    for pin in [None, Some(&same)] {
        ctx.select()?;
        ctx.reset_tries(pin)?;
        ctx.expect_authorised(false, "after RESET RETRY COUNTER, not authorised before")?;
        ctx.authorise()?;
        ctx.reset_tries(pin)?;
        ctx.expect_authorised(false, "after RESET RETRY COUNTER, authorised before")?;
        let plan = ctx.offered(&request_of(10_000))?;
        ctx.reset_tries(pin)?;
        ctx.report_answer(&plan.inputs[0].txid, plan.inputs[0].vout)?
            .want_bare(Sw::SECURITY, "REPORT ABSENT after RESET RETRY COUNTER")?;
        ctx.preview_answer(&request_of(10_000))?
            .want_bare(Sw::SECURITY, "PREVIEW after RESET RETRY COUNTER")?;
        ctx.pay_answer(&request_of(10_000))?
            .want_bare(Sw::SECURITY, "PAY after RESET RETRY COUNTER")?;
    }
    let malformed = [0; 8];
    ctx.authorise()?;
    for header in [NEW_PIN, SAME_PIN] {
        let body = if header == NEW_PIN {
            new_pin_body(&malformed)
        } else {
            Vec::new()
        };
        ctx.once(&Command::new(header).data(Card::signed(&body, &[7; 64])))?
            .want_bare(Sw::SECURITY, "RESET RETRY COUNTER, not signed")?;
        ctx.expect_authorised(true, "after RESET RETRY COUNTER without authority")?;
    }
    ctx.reset_tries_answer(Some(&malformed))?
        .want_bare(Sw::WRONG_DATA, "RESET RETRY COUNTER, malformed")?;
    ctx.expect_authorised(
        false,
        "after a signed RESET RETRY COUNTER with a malformed PIN",
    )?;
    ctx.expect_ledger("after RESET RETRY COUNTER")
}

fn refused(ctx: &mut CaseContext) -> Outcome {
    let other = Pin::new(&[3, 1, 4, 1, 5, 9]);
    let body = new_pin_body(&other.block());
    use_up(ctx, 2)?;
    let what = "RESET RETRY COUNTER";

    // What never reaches the authority check leaves the challenge.
    let challenge = ctx.challenge()?;
    let with_pin = Card::signed(&body, &ctx.owner_signature(&challenge, NEW_PIN, &body)?);
    let without = Card::signed(&[], &ctx.owner_signature(&challenge, SAME_PIN, &[])?);
    for (header, right) in [(NEW_PIN, &with_pin), (SAME_PIN, &without)] {
        let [class, instruction, p1, p2] = header;
        let others = (0..=0xFF)
            .filter(|other| ![0x02, 0x03].contains(other))
            .map(|other| (other, p2));
        let down = (0..=0xFF)
            .filter(|other| *other != p2)
            .map(|other| (p1, other));
        for (p1, p2) in others.chain(down) {
            ctx.once(&Command::new([class, instruction, p1, p2]).data(right.clone()))?
                .want_bare(Sw::WRONG_P1P2, what)
                .at(|| format!("P1-P2 {p1:02X}{p2:02X}"))?;
        }
        let long = [&right[..], &[0; 180]].concat();
        for length in (0..=255).filter(|length| *length != right.len()) {
            ctx.once(&Command::new(header).data(&long[..length.min(long.len())]))?
                .want_bare(Sw::WRONG_LENGTH, what)
                .at(|| format!("P1 {p1:02X}, {length} data bytes"))?;
        }
    }
    ctx.expect_tries(2, "after refusals of P1-P2 and length")?;

    // Signed for the other P1, or for another PIN.
    let mine = new_pin_body(&ctx.right_block()?);
    let swapped: [(&str, Signed, Signed); 5] = [
        ("02 signed as 03", (NEW_PIN, &body), (SAME_PIN, &[])),
        (
            "02 signed as 03 with a PIN",
            (NEW_PIN, &body),
            (SAME_PIN, &body),
        ),
        ("03 signed as 02", (SAME_PIN, &[]), (NEW_PIN, &body)),
        ("03 signed as 02 without", (SAME_PIN, &[]), (NEW_PIN, &[])),
        ("another PIN", (NEW_PIN, &body), (NEW_PIN, &mine)),
    ];
    for (name, (header, body), signed) in swapped {
        signed_for(ctx, header, body, signed)?
            .want_bare(Sw::SECURITY, what)
            .at(name)?;
        ctx.expect_tries(2, "after a refusal").at(name)?;
    }
    for (header, body) in [(NEW_PIN, &body[..]), (SAME_PIN, &[])] {
        ctx.select()?;
        let never: [u8; 16] = ctx.values.bytes("no challenge");
        let signature = ctx.owner_signature(&never, header, body)?;
        let command = Command::new(header).data(Card::signed(body, &signature));
        ctx.once(&command)?
            .want_bare(Sw::SECURITY, "RESET RETRY COUNTER without a challenge")?;
        ctx.challenge()?;
        ctx.once(&command)?
            .want_bare(Sw::SECURITY, "RESET RETRY COUNTER over another challenge")?;
        let challenge = ctx.challenge()?;
        let stranger = crate::keys::keypair(&ctx.values.bytes("another owner"))?;
        let message = ctx.owner_message(&challenge, header, body)?;
        let signature = crate::keys::sign(&stranger, &message);
        ctx.once(&Command::new(header).data(Card::signed(body, &signature)))?
            .want_bare(Sw::SECURITY, "RESET RETRY COUNTER by another key")?;
    }
    ctx.expect_tries(2, "after refusals of authority")?;
    ctx.power_cycle()?;
    ctx.expect_tries(2, "after a power cut")?;
    ctx.verify_right().at("the PIN of before")?;

    // One that is good once isn't good twice.
    let challenge = ctx.challenge()?;
    let signature = ctx.owner_signature(&challenge, SAME_PIN, &[])?;
    let command = Command::new(SAME_PIN).data(Card::signed(&[], &signature));
    ctx.once(&command)?.want_bare(Sw::OK, what)?;
    use_up(ctx, 2)?;
    ctx.once(&command)?
        .want_bare(Sw::SECURITY, "RESET RETRY COUNTER, replayed")?;
    ctx.expect_tries(2, "after a replay")?;
    ctx.verify_right()
}
