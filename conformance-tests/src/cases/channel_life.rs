//! A card's life inside channels: protected commands do what their plain forms do. Section 2.7.

use super::channel_opening::needs_channel;
use super::prelude::*;
use super::samples::{self, CERTIFICATES};
use crate::keys::keypair;
use crate::model::{PLAIN, Place, STATEMENTS, Spend};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-MSG-01",
        version: 1,
        purpose: "Issued in a channel, the card then does in channels, in short and in extended \
                  form, all that it does without: PIN, coins, credits, previews, reports, \
                  payments, the same again, ancestors, statements, readings, limits, policy, \
                  signing, cancelling, a new PIN and a new owner; its books are the model's, read \
                  inside a channel and in a plain session.",
        requirements: &[
            req::MSG_1,
            req::MSG_5,
            req::MSG_6,
            req::MSG_7,
            req::OWN_6,
            req::ISS_1,
            req::FRM_3,
        ],
        start: Start::Own,
        level: Level::D3,
        defect: "A command that forgets that it came protected: other data, another length.",
        run: life,
    },
    Case {
        id: "TC-MSG-02",
        version: 1,
        purpose: "Inside a channel every command of the text without authority answers as in a \
                  plain session, refusals bare; and so do undefined instructions (SELECT and GET RESPONSE among them), P1-P2, lengths \
                  and encodings, in the order of [FRM-8], counted in plain data. After each the \
                  channel is open, and its counter and chaining value are those after the \
                  refused command.",
        requirements: &[req::MSG_1, req::MSG_3, req::MSG_6, req::FRM_8, req::STA_1],
        start: Start::Issued,
        level: Level::D1,
        defect: "A refusal that breaks the session off, or that lets a command be repeated; a \
                 length checked on encrypted data.",
        run: refusals,
    },
];

fn life(b: &mut Bench) -> Outcome {
    needs_channel(b)?;
    let agreement = b.card.factory_agreement_key()?;
    let own = b.ephemeral()?;
    b.card.open_channel_to(&agreement, &own)?;
    let profile = b.profile()?.policy(PLAIN | STATEMENTS);
    b.recorder.borrow_mut().hide(&profile.pin.block());
    let commitment = b.card.generate()?;
    let answer = b.card.issue_answer(&profile.encode())?;
    b.card
        .issued(&profile, &commitment, answer)
        .at(|| "ISSUE in a channel".to_owned())?;
    require!(
        b.card.host()?.record.agreement_key == agreement,
        "ISSUE: the agreement key isn't the one with which the channel was opened"
    );
    for form in [Form::Short, Form::Extended] {
        if form == Form::Extended && !b.card.host()?.capabilities.extended_length() {
            b.note("no extended length: short form only");
            break;
        }
        b.card.form = form;
        let place = || format!("{form:?}");
        coins_and_payments(b).at(place)?;
        owner(b, form).at(place)?;
        b.card.expect_books("inside the channel").at(place)?;
        b.card.form = Form::Short;
        b.card.power_cycle()?;
        b.card.expect_books("in a plain session").at(place)?;
        b.open_channel()?;
    }
    Ok(())
}

fn coins_and_payments(b: &mut Bench) -> Outcome {
    let capabilities = b.card.host()?.capabilities;
    let mut stream = b.values.stream("coins");
    b.card.verify_wrong(2)?;
    b.card.verify_right()?;
    let next = b.card.host()?.purse.next_receive;
    b.card.expect_receive_script(next)?;
    b.card.fund(&mut stream, &[50_000; 12])?;
    if capabilities.needs(Capability::Credits).is_ok() {
        let next = b.card.host()?.purse.next_receive;
        let (entry, bytes) = b.card.coin_at(&mut stream, 20_000, next)?;
        b.card.credit(&entry, &bytes, 20_000)?;
    }
    let first = request(400_000);
    let plan = b
        .card
        .preview_checked(&first)?
        .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))?;
    b.card.report(&plan.inputs[0])?;
    b.card.preview_answer(&first)?.want(Sw::OK, "PREVIEW")?;
    let answer = b.card.pay_answer(&first)?;
    b.card.paid(&first, answer)?;
    if capabilities.needs(Capability::Statements).is_ok() {
        b.card.statement(&first, &b.values.bytes("nonce"))?;
    }
    let answer = b.card.pay_answer(&first)?;
    b.card.paid_again(&first, answer)?;
    // All that is left, so that the change is among the inputs.
    let second = request(100_000);
    b.card
        .preview_checked(&second)?
        .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))?;
    b.card.ancestor(&first)?;
    let answer = b.card.pay_answer(&second)?;
    b.card.paid(&second, answer).map(drop)
}

fn owner(b: &mut Bench, form: Form) -> Outcome {
    let next = b.card.host()?.purse.next_sequence;
    if b.card
        .host()?
        .capabilities
        .needs(Capability::Signing)
        .is_ok()
    {
        let place = Place::receive(100 + next);
        let spend = Spend::of_unknown(b.values.bytes("unknown coin"), place);
        b.card.streamed(&spend, 200)?;
        b.card.signed_all(&spend)?;
    }
    let third = request(1_000);
    b.card.pay_checked(&third)?;
    b.card
        .resolve(next)?
        .map_err(|sw| Stop::Fail(format!("RESOLVE is refused with {sw}")))?;
    b.card.acknowledge(next + 1, next)?;
    let limits = Limits {
        payments: 400 + form as u16,
        ..Limits::WIDE
    };
    b.card.set_limits(limits)?;
    b.card.expect_limits("in a channel")?;
    b.card.set_policy(PLAIN)?;
    b.card.expect_limits("in a channel, after SET POLICY")?;
    b.card.set_policy(PLAIN | STATEMENTS)?;
    b.card.verify_wrong(2)?;
    b.card.reset_tries(None)?;
    b.card.expect_tries(3, "after RESET RETRY COUNTER")?;
    let pin = Pin::new(&[3, 1, 4, 1, form as u8, 9]);
    b.card.reset_tries(Some(&pin))?;
    b.card.verify_right()?;
    let owner = keypair(&b.values.bytes(&format!("owner {form:?}")))?;
    b.card.change_owner(owner)?;
    b.card.read_account().map(drop)
}

/// What an issued card answers, plain or not, to whoever has no authority.
fn answers(name: &str, has_certificates: bool) -> Sw {
    match name {
        CERTIFICATES if has_certificates => Sw::OK,
        "GENERATE" | "ISSUE" => Sw::CONDITIONS,
        "VERIFY" | "VERIFY without data" => Sw::tries(2),
        _ => (super::states::WITHOUT_AUTHORITY.iter())
            .find(|(sample, _)| *sample == name)
            .map_or(Sw::OK, |(_, sw)| *sw),
    }
}

fn refusals(b: &mut Bench) -> Outcome {
    needs_channel(b)?;
    let samples = samples::declared(b)?;
    let has_certificates = b.card.chains()?.is_some();
    b.open_channel()?;
    for sample in &samples {
        b.card
            .once(&sample.command)?
            .want(answers(sample.name, has_certificates), sample.name)?;
        b.card.expect_channel(sample.name)?;
    }
    b.card.verify_right()?;
    let request = request(10_000).encode();
    let mut spoilt = request.clone();
    spoilt[0] = 0x8F;
    let long = [&request[..], &[0; 85]].concat();
    let refused: [(&str, Command, Sw); 11] = [
        (
            "SELECT, protected",
            Command::new([0x00, 0xA4, 0x04, 0x0C]).data(crate::card::AID),
            Sw::NO_INSTRUCTION,
        ),
        (
            "GET RESPONSE, protected",
            Command::new([0x00, 0xC0, 0, 0]),
            Sw::NO_INSTRUCTION,
        ),
        (
            "an undefined instruction",
            Command::new([0x80, 0xFE, 9, 9]).data(long.clone()),
            Sw::NO_INSTRUCTION,
        ),
        (
            "an instruction of the other class",
            Command::new([0x00, 0x30, 0, 0]).data(request.clone()),
            Sw::NO_INSTRUCTION,
        ),
        (
            "other P1-P2",
            Command::new([0x80, 0x30, 9, 9]).data(long),
            Sw::WRONG_P1P2,
        ),
        (
            "a request too short",
            Command::new([0x80, 0x30, 0, 0]).data([0xFF; 64]),
            Sw::WRONG_LENGTH,
        ),
        (
            "data where none belong",
            Command::new([0x80, 0x20, 0, 0]).data([0]),
            Sw::WRONG_LENGTH,
        ),
        (
            "no data where some belong",
            Command::new([0x80, 0x30, 0, 0]),
            Sw::WRONG_LENGTH,
        ),
        (
            "a request that can't be decoded",
            Command::new([0x80, 0x30, 0, 0]).data(spoilt),
            Sw::WRONG_DATA,
        ),
        (
            "a piece without an entry",
            Command::new(Entry::PIECE).data([1]),
            Sw::CONDITIONS,
        ),
        (
            "another data object",
            Command::new([0x00, 0xCA, 0x77, 0x00]),
            Sw::NOT_FOUND,
        ),
    ];
    for (name, command, sw) in refused {
        b.card
            .once(&command)?
            .want_bare(sw, name)
            .at(|| "in a channel".to_owned())?;
        b.card.expect_channel(name)?;
        b.card.expect_authorised(true, name)?;
    }
    // A refused request of the right form ends the authorisation, and nothing else.
    b.card
        .pay_answer(&super::prelude::request(10_000))?
        .want_bare(Sw::INSUFFICIENT, "PAY without coins")?;
    b.card.expect_authorised(false, "after a refused PAY")?;
    b.card.expect_tries(3, "after refusals")
}
