//! FACTORY RESET: section 5.6.

use super::personalisation::{blank, certificates, personalised};
use super::prelude::*;
use super::samples;
use crate::card::{END, Host, READ_LIMITS, SAME_PIN, put_data};
use crate::keys::{keypair, sign, tagged_hash};
use crate::model::{Leaf, OwnKey, PLAIN, Profile, STATEMENTS, Spend};

cases! {
    "TC-RST-01" version 1 on Own D3 for [RST_1 STA_1 ISS_1 IMG_1 REC_1 STM_4 OWN_2] runs new_life:
        "After a life of coins, credits, payments with and without PIN, a statement, the owner's \
         signing and wrong PINs the card is in the factory state by FACTORY RESET, at once and \
         after a power cut, refuses what needs an issued card, and is issued anew twice, on other \
         networks, with another PIN, owner, leaf, limits and policy: tries, status, books, \
         counters, limits, receive and change index are those of a new card, no index is retired \
         and no place pledged, old payments are given again to nobody, and old PIN and old owner \
         are refused."
        catches "A card sold on that its old owner still commands, or whose new owner finds the \
                 old one's debts.";
    "TC-RST-02" version 1 on Own D3 for [RST_2 CRT_1 PER_3 PER_4 GEN_1] runs own_things:
        "Keys of the card's own, certificates and the personalisation's end are as before after \
         FACTORY RESET, and in the record of the next ISSUE."
        catches "A card that is no longer genuine, or whose maker's commands are open to \
                 everybody, once its owner reset it.";
    "TC-RST-07" version 1 on Own D3 for [RST_2 PER_3 GEN_1 ISS_1] runs own_things_before_the_end:
        "A card that drew its keys when it was issued has the same ones after FACTORY RESET and in \
         the next record; one whose maker hadn't ended the personalisation has its keys and \
         pieces, is issued with these keys, and its maker can go on."
        catches "A card whose keys change with its owner, so that nobody who knew it knows it \
                 again.";
    "TC-RST-03" version 1 on Own D3 for [RST_3 SES_1 STM_2] runs session:
        "Without a SELECT between, FACTORY RESET ends holder authorisation, offer, challenge, coin \
         entry, owner's signing, reading of coins and what STATEMENT needs: none of it is there \
         for the account that is issued next."
        catches "A holder of the old account who pays from the new one.";
    "TC-RST-08" version 1 on Own D3 for [RST_3 SES_1 MSG_3] runs in_a_channel:
        "FACTORY RESET inside a channel leaves the channel open: the status is answered under its \
         MAC, and through it the card is issued anew."
        catches "An owner who has to trust a plain answer after he reset his card.";
}

/// Limits that allow what a whole life needs.
const LIMITS: Limits = Limits::WIDE.without_pin(5_000).payments_without_pin(2);

/// The card must be in the factory state: nothing of an issued card's is answered.
fn factory(ctx: &mut CaseContext, when: &str) -> Outcome {
    let status = ctx.status()?;
    require!(
        status == Status::Factory,
        "{when}: the status is {status:?}"
    );
    for sample in samples::declared(ctx)? {
        let others = ["GET DATA", "GENERATE", "INTERNAL AUTHENTICATE", "PUT DATA"];
        if others.iter().any(|other| sample.name.starts_with(other)) {
            continue;
        }
        ctx.select()?;
        ctx.send(&sample.command)?
            .want_bare(Sw::CONDITIONS, sample.name)
            .at(when)?;
    }
    Ok(())
}

/// A life that leaves its traces everywhere. Gives back a payment and the place that is pledged.
fn life(ctx: &mut CaseContext, name: &str) -> Step<Request> {
    let request_of = ctx.requests();
    let mut stream = ctx.values.stream(&format!("coins of {name}"));
    ctx.fund(&mut stream, &[90_000, 80_000, 70_000, 60_000])?;
    let capabilities = ctx.host()?.capabilities;
    if capabilities.needs(Capability::Credits).is_ok() {
        let (entry, bytes) = ctx.coin_at(&mut stream, 30_000, 4)?;
        ctx.credit(&entry, &bytes, 30_000).preamble()?;
    }
    let kept = request_of(85_000);
    ctx.pay_checked(&kept).preamble()?;
    if capabilities.needs(Capability::Statements).is_ok() {
        ctx.card
            .statement(&kept, &ctx.values.bytes("nonce"))
            .preamble()?;
    }
    if capabilities.needs(Capability::WithoutPin).is_ok() {
        ctx.select()?;
        let small = request_of(3_000);
        let answer = ctx.pay_answer(&small)?;
        ctx.paid_as(&small, answer, true).preamble()?;
    }
    if capabilities.needs(Capability::Signing).is_ok() {
        let coins = ctx.host()?.purse.candidates();
        let spend = Spend::against(&coins[..1]);
        ctx.streamed(&spend, 255).preamble()?;
        ctx.signed_all(&spend).preamble()?;
    }
    let plan = ctx.preview_checked(&request_of(20_000)).preamble()?;
    let offered = plan.map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
    ctx.report(&offered.inputs[0]).preamble()?;
    ctx.verify_wrong(2).preamble()?;
    ctx.verify_wrong(1).preamble()?;
    Ok(kept)
}

/// The card must know nothing of the account before.
fn knows_nothing(ctx: &mut CaseContext, old: &Host, kept: &Request) -> Outcome {
    let profile = ctx.host()?.profile.clone();
    let status = ctx.status()?;
    let expected = Status::Issued {
        network: profile.network,
        tries: 3,
        policy: profile.policy,
    };
    require!(
        status == expected,
        "issued anew, the status is {status:?} instead of {expected:?}"
    );
    ctx.expect_ledger("issued anew")?;
    ctx.expect_limits("issued anew")?;
    ctx.read_account()?;
    ctx.pay_answer(kept)?.want_bare(
        Sw::SECURITY,
        "PAY of a payment of the old account, without PIN",
    )?;
    ctx.verify(&old.profile.pin.block())?
        .want_bare(Sw::tries(2), "VERIFY with the PIN of the old account")?;
    require!(
        ctx.preview_checked(kept)? == Err(Sw::INSUFFICIENT),
        "the case's model has coins in a new account"
    );
    // The old owner, for the new account and for his own.
    for id in [ctx.host()?.account.card_id(), old.account.card_id()] {
        for network in [profile.network, old.profile.network] {
            let challenge = ctx.challenge()?;
            let message = tagged_hash(
                "Tillcard/owner",
                &[&[network], &id, &ctx.session(), &challenge, &READ_LIMITS],
            );
            let field = Card::signed(&[], &sign(&old.profile.owner, &message));
            ctx.send(&Command::new(READ_LIMITS).data(field).le(LE_SHORT))?
                .want_bare(Sw::SECURITY, "READ LIMITS by the old owner")?;
        }
    }
    ctx.authorise()?;
    ctx.expect_receive_script(0)
}

/// A profile that differs in all that ISSUE sets.
fn other_profile(ctx: &mut CaseContext, life: u8) -> Step<Profile> {
    let values = &ctx.values;
    let base = Profile::new(values, &format!("life {life}"))?;
    let primary = keypair(&values.bytes(&format!("primary {life}")))?;
    let profile = Profile {
        // Not mainnet, for which an emulator issues no card.
        network: 1 + life % 2,
        leaf: Leaf::Older(primary, 100 + u16::from(life)),
        pin: Pin::new(&[life, 9, 8, 7, 6 - life]),
        limits: LIMITS.per_payment(87_000 + u64::from(life)),
        policy: PLAIN | STATEMENTS,
        ..base
    };
    ctx.declared_part(&profile)
}

fn new_life(ctx: &mut CaseContext) -> Outcome {
    let first = ctx.profile()?.limits(LIMITS).policy(PLAIN | STATEMENTS);
    ctx.prepare(&first)?;
    let mut kept = life(ctx, "the first life")?;
    for number in 1..=2 {
        let place = || format!("reset {number}");
        let old = ctx.factory_reset().at(place)?;
        factory(ctx, "after FACTORY RESET").at(place)?;
        ctx.power_cycle()?;
        factory(ctx, "after FACTORY RESET and a power cut").at(place)?;
        let profile = other_profile(ctx, number)?;
        ctx.issue(&profile).at(place)?;
        knows_nothing(ctx, &old, &kept).at(place)?;
        ctx.power_cycle()?;
        ctx.expect_ledger("issued anew, after a power cut")
            .at(place)?;
        // Coins enter, and are spent, at every index that the old account used; the payment is
        // one that it had made, to the byte.
        let mut stream = ctx.values.stream(&format!("coins {number}"));
        for index in 0..6 {
            let (entry, bytes) = ctx.coin_at(&mut stream, 86_500, index)?;
            ctx.enter(&entry, &bytes, 86_500).at(place)?;
        }
        ctx.pay_checked(&kept).at(place)?;
        let signing = ctx.has(Capability::Signing)?;
        if signing {
            let free = Spend::against(&ctx.host()?.purse.candidates()[..5]);
            ctx.streamed(&free, 255).at(place)?;
        }
        ctx.expect_ledger("in a new life").at(place)?;
        if number == 1 {
            kept = life_goes_on(ctx)?;
        }
    }
    ctx.power_cycle()?;
    ctx.expect_ledger("at the end")
}

/// The second life ends with the PIN blocked.
fn life_goes_on(ctx: &mut CaseContext) -> Step<Request> {
    let request_of = ctx.requests();
    let kept = request_of(40_000);
    ctx.pay_checked(&kept).preamble()?;
    if ctx.has(Capability::Statements)? {
        ctx.card
            .statement(&kept, &ctx.values.bytes("nonce"))
            .preamble()?;
    }
    ctx.block_pin().preamble()?;
    Ok(kept)
}

fn same_keys(ctx: &mut CaseContext, old: &Host) -> Outcome {
    let record = &ctx.host()?.record;
    require!(
        record.identity_key == old.record.identity_key
            && record.agreement_key == old.record.agreement_key,
        "the issue record after FACTORY RESET has other keys of the card's own"
    );
    Ok(())
}

fn own_things(ctx: &mut CaseContext) -> Outcome {
    let challenge = ctx.values.bytes("challenge");
    let chains = personalised(ctx)?;
    let profile = ctx.profile()?;
    ctx.prepare(&profile)?;
    for round in 0..2 {
        let place = || format!("personalised, reset {round}");
        let old = ctx.factory_reset().preamble()?;
        for _ in 0..2 {
            ctx.expect_certificates(Some(&chains), "after FACTORY RESET")
                .at(place)?;
            ctx.prove(&challenge, &old.record.identity_key).at(place)?;
            for command in [
                Command::new(put_data(END)),
                Command::new(put_data(0x00)).data([7]),
                Command::new(crate::card::GENERATE_OWN_KEYS).le(LE_SHORT),
            ] {
                ctx.send(&command)?
                    .want_bare(Sw::CONDITIONS, "personalisation after its end")
                    .at(place)?;
            }
            ctx.power_cycle()?;
        }
        let profile = other_profile(ctx, round)?;
        ctx.issue(&profile).at(place)?;
        same_keys(ctx, &old).at(place)?;
        ctx.expect_certificates(Some(&chains), "issued anew")
            .at(place)?;
    }
    Ok(())
}

fn own_things_before_the_end(ctx: &mut CaseContext) -> Outcome {
    let challenge = ctx.values.bytes("challenge");
    // Its keys drawn when it was issued.
    blank(ctx)?;
    let profile = ctx.profile()?;
    ctx.prepare(&profile)?;
    let old = ctx.factory_reset().preamble()?;
    ctx.power_cycle()?;
    ctx.prove(&challenge, &old.record.identity_key)?;
    ctx.expect_certificates(None, "nobody personalised it")?;
    let profile = other_profile(ctx, 1)?;
    ctx.issue(&profile)?;
    same_keys(ctx, &old)?;

    // Its maker not ready.
    ctx.fresh_card()?;
    blank(ctx)?;
    let certificates = certificates(ctx, "certificates", [300, 200, 250]);
    let keys = ctx.own_keys().preamble()?;
    ctx.store(&certificates).preamble()?;
    ctx.prepare_funded(&[])?;
    let record = &ctx.host()?.record;
    require!(
        (record.identity_key, record.agreement_key) == (keys.identity, keys.agreement),
        "ISSUE drew keys of the card's own though its maker had"
    );
    ctx.factory_reset().preamble()?;
    ctx.prove(&challenge, &keys.identity)?;
    ctx.expect_certificates(None, "before the end")?;
    ctx.end_personalisation()?;
    let chains = OwnKey::BOTH.map(|key| certificates.chain(key));
    ctx.expect_certificates(Some(&chains), "ended after FACTORY RESET")
}

fn in_a_channel(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[50_000])?;
    ctx.needs(Capability::Channel)?;
    let profile = other_profile(ctx, 1)?;
    ctx.open_channel()?;
    ctx.factory_reset()?;
    ctx.expect_channel("after FACTORY RESET")?;
    ctx.expect_factory("FACTORY RESET inside a channel")?;
    let commitment = ctx.generate()?;
    ctx.recorder.borrow_mut().hide(&profile.pin.block());
    let answer = ctx.issue_answer(&profile.encode())?;
    ctx.issued(&profile, &commitment, answer)?;
    ctx.expect_channel("after ISSUE")?;
    ctx.verify_right()?;
    ctx.expect_receive_script(0)
}

fn session(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let first = ctx.profile()?.limits(LIMITS).policy(PLAIN | STATEMENTS);
    ctx.prepare(&first)?;
    let capabilities = ctx.host()?.capabilities;
    for number in 0..4 {
        let profile = other_profile(ctx, number)?;
        let mut stream = ctx.values.stream(&format!("coins {number}"));
        ctx.fund(&mut stream, &[80_000, 70_000])?;
        let kept = request_of(20_000);
        ctx.pay_checked(&kept).preamble()?;
        let txid = ctx.logged(&kept)?.txid;
        ctx.authorise()?;
        if number == 1 {
            let plan = ctx.preview_checked(&request_of(10_000)).preamble()?;
            put!(plan.is_ok(), "the case needs an offer");
        }
        ctx.factory_reset().preamble()?;
        // No SELECT, which would end the session itself.
        let commitment = ctx.generate()?;
        ctx.recorder.borrow_mut().hide(&profile.pin.block());
        let answer = ctx.issue_answer(&profile.encode())?;
        ctx.issued(&profile, &commitment, answer)?;
        let place = || format!("life {number}");
        let refused = |ctx: &mut CaseContext, command: &Command, sw: Sw, what: &str| {
            (ctx.send(command)?.want_bare(sw, what)).at(place)
        };
        match number {
            0 => ctx.expect_authorised(false, "issued anew").at(place)?,
            1 => {
                ctx.report_answer(&txid, 0)?
                    .want_bare(Sw::SECURITY, "REPORT ABSENT")
                    .at(place)?;
                ctx.authorise()?;
                ctx.report_answer(&txid, 0)?
                    .want_bare(Sw::CONDITIONS, "REPORT ABSENT without an offer")
                    .at(place)?;
            }
            2 => {
                let signature = ctx.owner_signature(&[0; 16], SAME_PIN, &[])?;
                let command = Command::new(SAME_PIN).data(Card::signed(&[], &signature));
                refused(
                    ctx,
                    &command,
                    Sw::SECURITY,
                    "an owner command, no challenge",
                )?;
                let piece = Command::new(Entry::PIECE).data([1]);
                refused(ctx, &piece, Sw::CONDITIONS, "ENTER COIN, a piece")?;
                let next = Command::new(crate::card::READ_COINS_ON).le(LE_SHORT);
                refused(ctx, &next, Sw::CONDITIONS, "READ COINS, the next part")?;
                if capabilities.needs(Capability::Signing).is_ok() {
                    let signature = Command::new([0x80, 0x40, 0x02, 0x00]).le(LE_SHORT);
                    refused(ctx, &signature, Sw::CONDITIONS, "SIGN, a signature")?;
                }
            }
            _ if capabilities.needs(Capability::Statements).is_ok() => {
                let nonce = ctx.values.bytes("nonce");
                ctx.statement_answer(&nonce, &txid)?
                    .want_bare(Sw::NOT_FOUND, "STATEMENT on a payment of the old account")
                    .at(place)?;
            }
            _ => {}
        }
    }
    ctx.expect_ledger("at the end")
}
