//! What belongs to a session, and what ends it: section 2.5.

use super::channel_opening::{needs_channel, no_channel};
use super::prelude::*;
use super::samples;
use super::staged::{self, Staged};
use crate::model::{PLAIN, STATEMENTS};

cases! {
    "TC-SES-01" version 1 on Own D3 for [SES_1 SES_2 SEL_4 OWN_3] runs plain_ends:
        "Authorisation, offer, what a statement needs, challenge, coin entry (the owner's and a \
         credit's), an owner's signing (before and after its stream is complete) and a reading of \
         coins, begun in a plain session, end with an opening of a channel, be it answered or \
         refused with 6A88, 6700 or 6A80."
        catches "A channel that begins with what another client left: a PIN typed at one till pays \
                 at the next.";
    "TC-SES-02" version 1 on Own D3 for [SES_1 SES_2 SES_3 MSG_2 SEL_4] runs channel_ends:
        "The same, begun in a channel, end with SELECT, a cold and a warm reset, a second channel, \
         a refused opening, a plain command and a protected one whose MAC is wrong; the channel is \
         closed, and a plain session goes on where no other channel was opened."
        catches "A closed channel that leaves its holder's authorisation to the plain session \
                 after it: the PIN that the till sent, used by whoever sits at the contacts.";
    "TC-SES-03" version 1 on Own D3 for [SES_1 SES_2 MSG_2 PAY_1] runs shim:
        "A shim behind a till that opened a channel and sent the PIN, with and without a preview, \
         opens a channel of its own: in it RECEIVE SCRIPT, PREVIEW, PAY, REPORT ABSENT and GET \
         ANCESTOR are refused with 6982, and so are they in the plain session after it; the till's \
         next command is refused, the card's books are as before, and the till's second try pays."
        catches "Authority that belongs to the card and not to the session.";
    "TC-SES-04" version 1 on Own D3 for [SES_3 MSG_3 FRM_7 SEL_2] runs plain_inside:
        "In a channel each plain command of the text, one with an undefined instruction, a VERIFY \
         with the right PIN and one with a wrong one, and a PAY without PIN that the owner's \
         limits allow, is refused with 6982, not done, and closes the channel. GET RESPONSE, a \
         refused SELECT, other classes and APDUs whose length fields are wrong leave it open."
        catches "A plain command slipped into the till's session.";
    "TC-SES-05" version 1 on Own D3 for [SES_1 SES_2 ISS_3] runs key_generation:
        "A key generation under way ends with an opening of a channel, a refused one, and with the \
         channel in which it was begun."
        catches "A commitment that survives into another client's session.";
}

/// What ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Select,
    Cold,
    Warm,
    Opening,
    OtherKey,
    Cut,
    OffCurve,
    PlainCommand,
    WrongMac,
}

fn end(ctx: &mut CaseContext, how: End) -> Outcome {
    let field = ctx.ephemeral()?.field();
    match how {
        End::Select => ctx.select(),
        End::Cold => ctx.power_cycle(),
        End::Warm => {
            ctx.reset(Reset::Warm)?;
            ctx.select()
        }
        End::Opening => ctx.open_channel(),
        End::OtherKey => {
            ctx.swap_channel(None);
            ctx.plain(&Command::new([0x80, 0x88, 0x01, 0x40]).data(field))?
                .want_bare(Sw::NOT_FOUND, "INTERNAL AUTHENTICATE, another key")
        }
        End::Cut => ctx
            .open_channel_answer(&field[..82])?
            .want_bare(Sw::WRONG_LENGTH, "INTERNAL AUTHENTICATE, cut"),
        End::OffCurve => {
            let spoilt = [&field[..82], &[field[82] ^ 1]].concat();
            ctx.open_channel_answer(&spoilt)?
                .want_bare(Sw::WRONG_DATA, "INTERNAL AUTHENTICATE, off the curve")
        }
        End::PlainCommand => {
            ctx.swap_channel(None);
            ctx.get_data(1, 0)?
                .want_bare(Sw::SECURITY, "a plain command in a channel")
        }
        End::WrongMac => {
            let command = Command::new([0x00, 0xCA, 0x01, 0x00]);
            let mut apdu = ctx.channel()?.protect(&command, Form::Short)?;
            apdu[5] ^= 1;
            ctx.swap_channel(None);
            ctx.raw(&apdu)?
                .want_bare(Sw::SECURITY, "a protected command with a wrong MAC")
        }
    }
}

/// A card with coins that allows statements, where it gives them.
fn prepare(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?.policy(PLAIN | STATEMENTS);
    ctx.prepare(&profile)?;
    needs_channel(ctx)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[50_000; 16])
}

/// The next session must know nothing of what was staged.
fn ends(ctx: &mut CaseContext, how: End, what: Staged) -> Outcome {
    let place = || format!("{what:?} ended by {how:?}");
    let Some(left) = staged::begin(ctx, what).preamble().at(place)? else {
        return Ok(());
    };
    end(ctx, how).at(place)?;
    staged::expect_gone(ctx, what, &left).at(place)
}

fn plain_ends(ctx: &mut CaseContext) -> Outcome {
    prepare(ctx)?;
    for how in [End::Opening, End::OtherKey, End::Cut, End::OffCurve] {
        for what in staged::ALL {
            ctx.power_cycle()?;
            ends(ctx, how, what)?;
        }
    }
    ctx.power_cycle()?;
    ctx.expect_ledger("at the end")
}

fn channel_ends(ctx: &mut CaseContext) -> Outcome {
    prepare(ctx)?;
    for how in [
        End::Select,
        End::Cold,
        End::Warm,
        End::Opening,
        End::OtherKey,
        End::OffCurve,
        End::PlainCommand,
        End::WrongMac,
    ] {
        for what in staged::ALL {
            ctx.power_cycle()?;
            ctx.open_channel()?;
            ends(ctx, how, what)?;
            if how != End::Opening {
                no_channel(ctx, &format!("after {how:?}"))?;
            }
        }
    }
    ctx.power_cycle()?;
    ctx.expect_ledger("at the end")
}

fn shim(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    prepare(ctx)?;
    let request = request_of(10_000);
    let nothing = |ctx: &mut CaseContext, when: &str| -> Outcome {
        let refused =
            |answer: crate::apdu::Answer, what: &str| answer.want_bare(Sw::SECURITY, what).at(when);
        refused(ctx.receive_script_answer()?, "RECEIVE SCRIPT")?;
        refused(ctx.preview_answer(&request)?, "PREVIEW")?;
        refused(ctx.pay_answer(&request)?, "PAY")?;
        refused(ctx.report_answer(&[7; 32], 0)?, "REPORT ABSENT")?;
        refused(ctx.ancestor_answer(&[7; 32])?, "GET ANCESTOR")
    };
    for previews in [false, true] {
        let place = || format!("previewed: {previews}");
        ctx.power_cycle()?;
        ctx.open_channel()?;
        if previews {
            ctx.offered(&request).preamble()?;
        } else {
            ctx.authorise()?;
        }
        let till = ctx.swap_channel(None);
        ctx.open_channel().at(place)?;
        nothing(ctx, "in the shim's channel").at(place)?;
        // The till knows nothing of it, and asks for its payment.
        ctx.swap_channel(till);
        ctx.pay_answer(&request)?
            .want_bare(Sw::SECURITY, "PAY through the till's channel")
            .at(place)?;
        ctx.swap_channel(None);
        nothing(ctx, "in the plain session after it").at(place)?;
        ctx.expect_ledger("after a shim's channel").at(place)?;
    }
    ctx.open_channel()?;
    ctx.pay_checked(&request)?;
    ctx.expect_ledger("after the till's second try")
}

fn plain_inside(ctx: &mut CaseContext) -> Outcome {
    let limits = Limits::WIDE.without_pin(20_000).payments_without_pin(5);
    ctx.prepare_limited(limits, &[])?;
    needs_channel(ctx)?;
    let mut stream = ctx.values.stream("coins");
    ctx.fund(&mut stream, &[50_000; 2])?;
    let (right, wrong) = (ctx.right_block()?, ctx.wrong_block()?);
    let mut commands: Vec<(&str, Command)> = samples::declared(ctx)?
        .into_iter()
        .map(|sample| (sample.name, sample.command))
        .collect();
    let verify = [0x00, 0x20, 0x00, 0x80];
    commands.extend([
        (
            "VERIFY with the right PIN",
            Command::new(verify).data(right),
        ),
        ("VERIFY with a wrong PIN", Command::new(verify).data(wrong)),
        ("an undefined instruction", Command::new([0x80, 0xFE, 0, 0])),
        (
            "a command whose P1-P2 are wrong",
            Command::new([0x80, 0x30, 9, 9]),
        ),
    ]);
    for (name, command) in commands {
        ctx.open_channel()?;
        ctx.plain(&command)?
            .want_bare(Sw::SECURITY, name)
            .at("plain, in a channel")?;
        ctx.expect_no_channel(name)?;
        ctx.expect_tries(3, name)?;
        ctx.expect_authorised(false, name)?;
    }
    ctx.expect_ledger("after plain commands in channels")?;

    ctx.open_channel()?;
    let harmless: [(&str, &[u8], Sw); 9] = [
        ("GET RESPONSE", &[0x00, 0xC0, 0, 0, 0], Sw::CONDITIONS),
        (
            "GET RESPONSE with P1 01",
            &[0x00, 0xC0, 1, 0, 0],
            Sw::WRONG_P1P2,
        ),
        (
            "SELECT of another application",
            &[0x00, 0xA4, 4, 0, 5, 1, 2, 3, 4, 5],
            Sw::NO_APPLICATION,
        ),
        (
            "SELECT of the next occurrence",
            &[0x00, 0xA4, 4, 2, 5, 0xF0, 0x54, 0x49, 0x4C, 0x4C],
            Sw::WRONG_P1P2,
        ),
        (
            "SELECT by four bytes",
            &[0x00, 0xA4, 4, 0, 4, 0xF0, 0x54, 0x49, 0x4C],
            Sw::WRONG_LENGTH,
        ),
        (
            "another secure messaging",
            &[0x0C, 0xCA, 1, 0, 0],
            Sw::NO_SECURE_MESSAGING,
        ),
        (
            "wrong length fields of a protected command",
            &[0x04, 0xCA, 1, 0, 9, 1],
            Sw::WRONG_LENGTH,
        ),
        ("command chaining", &[0x90, 0x30, 0, 0], Sw::NO_CHAINING),
        (
            "wrong length fields",
            &[0x00, 0x20, 0, 0x80, 8, 0x24],
            Sw::WRONG_LENGTH,
        ),
    ];
    ctx.authorise()?;
    for (name, apdu, sw) in harmless {
        ctx.raw(apdu)?.want_bare(sw, name)?;
        ctx.expect_channel(name)?;
    }
    ctx.expect_authorised(true, "after commands that don't close the channel")
}

fn key_generation(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    let agreement = ctx.factory_agreement_key()?;
    let field = ctx.profile()?.encode();
    let ended = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.issue_answer(&field)?
            .want_bare(Sw::CONDITIONS, "ISSUE with a key generation of before")
            .at(when)
    };
    ctx.generate().preamble()?;
    let own = ctx.ephemeral()?;
    ctx.open_channel_to(&agreement, &own)?;
    ended(ctx, "after an opening")?;
    ctx.generate()?;
    end(ctx, End::PlainCommand)?;
    ended(ctx, "after the channel closed")?;
    ctx.generate()?;
    end(ctx, End::OffCurve)?;
    ended(ctx, "after a refused opening")?;
    ctx.expect_factory("the card was issued")?;
    let own = ctx.ephemeral()?;
    ctx.open_channel_to(&agreement, &own)?;
    ctx.generate()?;
    let own = ctx.ephemeral()?;
    ctx.open_channel_to(&agreement, &own)?;
    ended(ctx, "after a second opening")?;
    ctx.expect_factory("the card was issued")?;
    Ok(())
}
