//! What belongs to a session, and what ends it: section 2.5.

use super::channel_opening::{needs_channel, no_channel};
use super::prelude::*;
use super::samples;
use super::staged::{self, Staged};
use crate::model::{PLAIN, STATEMENTS};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-SES-01",
        version: 1,
        purpose: "Authorisation, offer, what a statement needs, challenge, coin entry (the \
                  owner's and a credit's), an owner's signing (before and after its stream is \
                  complete) and a reading of coins, begun in a plain session, end with an opening \
                  of a channel, be it answered or refused with 6A88, 6700 or 6A80.",
        requirements: &[req::SES_1, req::SES_2, req::SEL_4, req::OWN_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A channel that begins with what another client left: a PIN typed at one till \
                 pays at the next.",
        run: plain_ends,
    },
    Case {
        id: "TC-SES-02",
        version: 1,
        purpose: "The same, begun in a channel, end with SELECT, a cold and a warm reset, a \
                  second channel, a refused opening, a plain command and a protected one whose \
                  MAC is wrong; the channel is closed, and a plain session goes on where no other \
                  channel was opened.",
        requirements: &[req::SES_1, req::SES_2, req::SES_3, req::MSG_2, req::SEL_4],
        start: Start::Own,
        level: Level::D3,
        defect: "A closed channel that leaves its holder's authorisation to the plain session \
                 after it: the PIN that the till sent, used by whoever sits at the contacts.",
        run: channel_ends,
    },
    Case {
        id: "TC-SES-03",
        version: 1,
        purpose: "A shim behind a till that opened a channel and sent the PIN, with and without \
                  a preview, opens a channel of its own: in it RECEIVE SCRIPT, PREVIEW, PAY, \
                  REPORT ABSENT and GET ANCESTOR are refused with 6982, and so are they in the \
                  plain session after it; the till's next command is refused, the card's books \
                  are as before, and the till's second try pays.",
        requirements: &[req::SES_1, req::SES_2, req::MSG_2, req::PAY_1],
        start: Start::Own,
        level: Level::D3,
        defect: "Authority that belongs to the card and not to the session.",
        run: shim,
    },
    Case {
        id: "TC-SES-04",
        version: 1,
        purpose: "In a channel each plain command of the text, one with an undefined instruction, \
                  a VERIFY with the right PIN and one with a wrong one, and a PAY without PIN \
                  that the owner's limits allow, is refused with 6982, not done, and closes the \
                  channel. GET RESPONSE, a refused SELECT, other classes and APDUs whose length \
                  fields are wrong leave it open.",
        requirements: &[req::SES_3, req::MSG_3, req::FRM_7, req::SEL_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A plain command slipped into the till's session.",
        run: plain_inside,
    },
    Case {
        id: "TC-SES-05",
        version: 1,
        purpose: "A key generation under way ends with an opening of a channel, a refused one, \
                  and with the channel in which it was begun.",
        requirements: &[req::SES_1, req::SES_2, req::ISS_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A commitment that survives into another client's session.",
        run: key_generation,
    },
];

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

fn end(b: &mut Bench, how: End) -> Outcome {
    let field = b.ephemeral()?.field();
    match how {
        End::Select => b.card.select(),
        End::Cold => b.card.power_cycle(),
        End::Warm => {
            b.card.reset(Reset::Warm)?;
            b.card.select()
        }
        End::Opening => b.open_channel(),
        End::OtherKey => {
            b.card.swap_channel(None);
            b.card
                .plain(&Command::new([0x80, 0x88, 0x01, 0x40]).data(field))?
                .want_bare(Sw::NOT_FOUND, "INTERNAL AUTHENTICATE, another key")
        }
        End::Cut => b
            .card
            .open_channel_answer(&field[..82])?
            .want_bare(Sw::WRONG_LENGTH, "INTERNAL AUTHENTICATE, cut"),
        End::OffCurve => {
            let spoilt = [&field[..82], &[field[82] ^ 1]].concat();
            b.card
                .open_channel_answer(&spoilt)?
                .want_bare(Sw::WRONG_DATA, "INTERNAL AUTHENTICATE, off the curve")
        }
        End::PlainCommand => {
            b.card.swap_channel(None);
            b.card
                .get_data(1, 0)?
                .want_bare(Sw::SECURITY, "a plain command in a channel")
        }
        End::WrongMac => {
            let command = Command::new([0x00, 0xCA, 0x01, 0x00]);
            let mut apdu = b.card.channel()?.protect(&command, Form::Short)?;
            apdu[5] ^= 1;
            b.card.swap_channel(None);
            b.card
                .raw(&apdu)?
                .want_bare(Sw::SECURITY, "a protected command with a wrong MAC")
        }
    }
}

/// A card with coins that allows statements, where it gives them.
fn prepare(b: &mut Bench) -> Outcome {
    let profile = b.profile()?.policy(PLAIN | STATEMENTS);
    b.issue(&profile)?;
    needs_channel(b)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[50_000; 16])
}

/// The next session must know nothing of what was staged.
fn ends(b: &mut Bench, how: End, what: Staged) -> Outcome {
    let place = || format!("{what:?} ended by {how:?}");
    let Some(left) = staged::begin(b, what).preamble().at(place)? else {
        return Ok(());
    };
    end(b, how).at(place)?;
    staged::expect_gone(b, what, &left).at(place)
}

fn plain_ends(b: &mut Bench) -> Outcome {
    prepare(b)?;
    for how in [End::Opening, End::OtherKey, End::Cut, End::OffCurve] {
        for what in staged::ALL {
            b.card.power_cycle()?;
            ends(b, how, what)?;
        }
    }
    b.card.power_cycle()?;
    b.card.expect_books("at the end")
}

fn channel_ends(b: &mut Bench) -> Outcome {
    prepare(b)?;
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
            b.card.power_cycle()?;
            b.open_channel()?;
            ends(b, how, what)?;
            if how != End::Opening {
                no_channel(b, &format!("after {how:?}"))?;
            }
        }
    }
    b.card.power_cycle()?;
    b.card.expect_books("at the end")
}

fn shim(b: &mut Bench) -> Outcome {
    prepare(b)?;
    let request = request(10_000);
    let nothing = |b: &mut Bench, when: &str| -> Outcome {
        let refused = |answer: crate::apdu::Answer, what: &str| {
            answer.want_bare(Sw::SECURITY, what).at(|| when.to_owned())
        };
        refused(b.card.receive_script_answer()?, "RECEIVE SCRIPT")?;
        refused(b.card.preview_answer(&request)?, "PREVIEW")?;
        refused(b.card.pay_answer(&request)?, "PAY")?;
        refused(b.card.report_answer(&[7; 32], 0)?, "REPORT ABSENT")?;
        refused(b.card.ancestor_answer(&[7; 32])?, "GET ANCESTOR")
    };
    for previews in [false, true] {
        let place = || format!("previewed: {previews}");
        b.card.power_cycle()?;
        b.open_channel()?;
        if previews {
            b.card
                .preview_checked(&request)
                .preamble()?
                .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))?;
        } else {
            b.card.authorise()?;
        }
        let till = b.card.swap_channel(None);
        b.open_channel().at(place)?;
        nothing(b, "in the shim's channel").at(place)?;
        // The till knows nothing of it, and asks for its payment.
        b.card.swap_channel(till);
        b.card
            .pay_answer(&request)?
            .want_bare(Sw::SECURITY, "PAY through the till's channel")
            .at(place)?;
        b.card.swap_channel(None);
        nothing(b, "in the plain session after it").at(place)?;
        b.card.expect_books("after a shim's channel").at(place)?;
    }
    b.open_channel()?;
    b.card.pay_checked(&request)?;
    b.card.expect_books("after the till's second try")
}

fn plain_inside(b: &mut Bench) -> Outcome {
    let limits = Limits {
        without_pin: 20_000,
        payments_without_pin: 5,
        ..Limits::WIDE
    };
    let profile = b.profile()?.limits(limits);
    b.issue(&profile)?;
    needs_channel(b)?;
    let mut stream = b.values.stream("coins");
    b.card.fund(&mut stream, &[50_000; 2])?;
    let (right, wrong) = (b.card.right_block()?, b.card.wrong_block()?);
    let mut commands: Vec<(&str, Command)> = samples::declared(b)?
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
        b.open_channel()?;
        b.card
            .plain(&command)?
            .want_bare(Sw::SECURITY, name)
            .at(|| "plain, in a channel".to_owned())?;
        b.card.expect_no_channel(name)?;
        b.card.expect_tries(3, name)?;
        b.card.expect_authorised(false, name)?;
    }
    b.card.expect_books("after plain commands in channels")?;

    b.open_channel()?;
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
    b.card.authorise()?;
    for (name, apdu, sw) in harmless {
        b.card.raw(apdu)?.want_bare(sw, name)?;
        b.card.expect_channel(name)?;
    }
    b.card
        .expect_authorised(true, "after commands that don't close the channel")
}

fn key_generation(b: &mut Bench) -> Outcome {
    needs_channel(b)?;
    let agreement = b.card.factory_agreement_key()?;
    let field = b.profile()?.encode();
    let ended = |b: &mut Bench, when: &str| -> Outcome {
        b.card
            .issue_answer(&field)?
            .want_bare(Sw::CONDITIONS, "ISSUE with a key generation of before")
            .at(|| when.to_owned())
    };
    b.card.generate().preamble()?;
    let own = b.ephemeral()?;
    b.card.open_channel_to(&agreement, &own)?;
    ended(b, "after an opening")?;
    b.card.generate()?;
    end(b, End::PlainCommand)?;
    ended(b, "after the channel closed")?;
    b.card.generate()?;
    end(b, End::OffCurve)?;
    ended(b, "after a refused opening")?;
    require!(b.card.status()? == Status::Factory, "the card was issued");
    let own = b.ephemeral()?;
    b.card.open_channel_to(&agreement, &own)?;
    b.card.generate()?;
    let own = b.ephemeral()?;
    b.card.open_channel_to(&agreement, &own)?;
    ended(b, "after a second opening")?;
    require!(b.card.status()? == Status::Factory, "the card was issued");
    Ok(())
}
