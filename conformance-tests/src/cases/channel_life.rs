//! A card's life inside channels: protected commands do what their plain forms do. Section 2.7.

use super::channel_opening::needs_channel;
use super::prelude::*;
use super::samples::{self, CERTIFICATES};
use crate::keys::keypair;
use crate::model::{PLAIN, Place, STATEMENTS, Spend};

cases! {
    "TC-MSG-01" version 1 on Own D3 for [MSG_1 MSG_5 MSG_6 MSG_7 OWN_6 ISS_1 FRM_3] runs life:
        "Issued in a channel, the card then does in channels, in short and in extended form, all \
         that it does without: PIN, coins, credits, previews, reports, payments, the same again, \
         ancestors, statements, readings, limits, policy, signing, cancelling, a new PIN and a new \
         owner; its books are the model's, read inside a channel and in a plain session."
        catches "A command that forgets that it came protected: other data, another length.";
    "TC-MSG-02" version 1 on Issued D1 for [MSG_1 MSG_3 MSG_6 FRM_8 STA_1] runs refusals:
        "Inside a channel every command of the text without authority answers as in a plain \
         session, refusals bare; and so do undefined instructions (SELECT and GET RESPONSE among \
         them), P1-P2, lengths and encodings, in the order of [FRM-8], counted in plain data. \
         After each the channel is open, and its counter and chaining value are those after the \
         refused command."
        catches "A refusal that breaks the session off, or that lets a command be repeated; a \
                 length checked on encrypted data.";
}

fn life(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    let agreement = ctx.factory_agreement_key()?;
    let profile = ctx.profile()?.policy(PLAIN | STATEMENTS);
    let profile = ctx.declared_part(&profile)?;
    let capabilities = ctx.capabilities()?;
    let own = ctx.ephemeral()?;
    ctx.open_channel_to(&agreement, &own)?;
    ctx.recorder.borrow_mut().hide(&profile.pin.block());
    let commitment = ctx.generate()?;
    let answer = ctx.issue_answer(&profile.encode())?;
    ctx.issued(&profile, &commitment, answer)
        .at("ISSUE in a channel")?;
    // As a plain session told them: TC-INF-03 asks whether they stay.
    ctx.host_mut()?.capabilities = capabilities;
    require!(
        ctx.host()?.record.agreement_key == agreement,
        "ISSUE: the agreement key isn't the one with which the channel was opened"
    );
    for form in [Form::Short, Form::Extended] {
        if form == Form::Extended && !ctx.host()?.capabilities.extended_length() {
            ctx.note("no extended length: short form only");
            break;
        }
        ctx.form = form;
        let place = || format!("{form:?}");
        coins_and_payments(ctx).at(place)?;
        owner(ctx, form).at(place)?;
        ctx.expect_ledger("inside the channel").at(place)?;
        ctx.form = Form::Short;
        ctx.power_cycle()?;
        ctx.expect_ledger("in a plain session").at(place)?;
        ctx.open_channel()?;
    }
    Ok(())
}

fn coins_and_payments(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let capabilities = ctx.host()?.capabilities;
    let mut stream = ctx.values.stream("coins");
    ctx.verify_wrong(2)?;
    ctx.verify_right()?;
    let next = ctx.host()?.purse.next_receive();
    ctx.expect_receive_script(next)?;
    ctx.fund(&mut stream, &[50_000; 12])?;
    if capabilities.needs(Capability::Credits).is_ok() {
        let next = ctx.host()?.purse.next_receive();
        let (entry, bytes) = ctx.coin_at(&mut stream, 20_000, next)?;
        ctx.credit(&entry, &bytes, 20_000)?;
    }
    let first = request_of(400_000);
    let plan = ctx.offered(&first)?;
    ctx.report(&plan.inputs[0])?;
    ctx.preview_answer(&first)?.want(Sw::OK, "PREVIEW")?;
    let answer = ctx.pay_answer(&first)?;
    ctx.paid(&first, answer)?;
    if capabilities.needs(Capability::Statements).is_ok() {
        ctx.card.statement(&first, &ctx.values.bytes("nonce"))?;
    }
    let answer = ctx.pay_answer(&first)?;
    ctx.paid_again(&first, answer)?;
    // All that is left, so that the change is among the inputs.
    let second = request_of(100_000);
    ctx.offered(&second)?;
    ctx.ancestor(&first)?;
    let answer = ctx.pay_answer(&second)?;
    ctx.paid(&second, answer).map(drop)
}

fn owner(ctx: &mut CaseContext, form: Form) -> Outcome {
    let request_of = ctx.requests();
    let next = ctx.host()?.purse.next_sequence;
    if ctx.has(Capability::Signing)? {
        let place = Place::receive(100 + next);
        let spend = Spend::of_unknown(ctx.values.bytes("unknown coin"), place);
        ctx.streamed(&spend, 200)?;
        ctx.signed_all(&spend)?;
    }
    let third = request_of(1_000);
    ctx.pay_checked(&third)?;
    ctx.resolve(next)?
        .map_err(|sw| Stop::Fail(format!("RESOLVE is refused with {sw}")))?;
    ctx.acknowledge(next + 1, next)?;
    let limits = Limits::WIDE.payments(400 + form as u16);
    ctx.set_limits(limits)?;
    ctx.expect_limits("in a channel")?;
    let policy = ctx.host()?.profile.policy;
    ctx.set_policy(PLAIN)?;
    ctx.expect_limits("in a channel, after SET POLICY")?;
    ctx.set_policy(policy)?;
    ctx.verify_wrong(2)?;
    ctx.reset_tries(None)?;
    ctx.expect_tries(3, "after RESET RETRY COUNTER")?;
    let pin = Pin::new(&[3, 1, 4, 1, form as u8, 9]);
    ctx.reset_tries(Some(&pin))?;
    ctx.verify_right()?;
    let owner = keypair(&ctx.values.bytes(&format!("owner {form:?}")))?;
    ctx.change_owner(owner)?;
    ctx.read_account().map(drop)
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

fn refusals(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    needs_channel(ctx)?;
    let samples = samples::declared(ctx)?;
    let has_certificates = ctx.chains()?.is_some();
    ctx.open_channel()?;
    for sample in &samples {
        ctx.once(&sample.command)?
            .want(answers(sample.name, has_certificates), sample.name)?;
        ctx.expect_channel(sample.name)?;
    }
    ctx.verify_right()?;
    let request = request_of(10_000).encode();
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
        ctx.once(&command)?.want_bare(sw, name).at("in a channel")?;
        ctx.expect_channel(name)?;
        ctx.expect_authorised(true, name)?;
    }
    // A refused request of the right form ends the authorisation, and nothing else.
    ctx.pay_answer(&request_of(10_000))?
        .want_bare(Sw::INSUFFICIENT, "PAY without coins")?;
    ctx.expect_authorised(false, "after a refused PAY")?;
    ctx.expect_tries(3, "after refusals")
}
