//! FACTORY RESET: section 5.6.

use super::personal::{blank, certificates, personalised};
use super::pledges::against;
use super::prelude::*;
use super::samples;
use crate::card::{END, Host, READ_LIMITS, SAME_PIN, put_data};
use crate::keys::{keypair, sign, tagged_hash};
use crate::model::{Leaf, OwnKey, PLAIN, Profile, STATEMENTS};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-RST-01",
        version: 1,
        purpose: "After a life of coins, credits, payments with and without PIN, a statement, the \
                  owner's signing and wrong PINs the card is in the factory state by FACTORY \
                  RESET, at once and after a power cut, refuses what needs an issued card, and is \
                  issued anew twice, on other networks, with another PIN, owner, leaf, limits and \
                  policy: tries, status, books, counters, limits, receive and change index are \
                  those of a new card, no index is retired and no place pledged, old payments are \
                  given again to nobody, and old PIN and old owner are refused.",
        requirements: &[
            req::RST_1,
            req::STA_1,
            req::ISS_1,
            req::IMG_1,
            req::REC_1,
            req::STM_4,
            req::OWN_2,
        ],
        start: Start::Own,
        level: Level::D3,
        defect: "A card sold on that its old owner still commands, or whose new owner finds the \
                 old one's debts.",
        run: new_life,
    },
    Case {
        id: "TC-RST-02",
        version: 1,
        purpose: "Keys of the card's own, certificates and the personalisation's end are as \
                  before after FACTORY RESET, and in the record of the next ISSUE.",
        requirements: &[req::RST_2, req::CRT_1, req::PER_3, req::PER_4, req::GEN_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A card that is no longer genuine, or whose maker's commands are open to \
                 everybody, once its owner reset it.",
        run: own_things,
    },
    Case {
        id: "TC-RST-07",
        version: 1,
        purpose: "A card that drew its keys when it was issued has the same ones after FACTORY \
                  RESET and in the next record; one whose maker hadn't ended the personalisation \
                  has its keys and pieces, is issued with these keys, and its maker can go on.",
        requirements: &[req::RST_2, req::PER_3, req::GEN_1, req::ISS_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A card whose keys change with its owner, so that nobody who knew it knows it \
                 again.",
        run: own_things_before_the_end,
    },
    Case {
        id: "TC-RST-03",
        version: 1,
        purpose: "Without a SELECT between, FACTORY RESET ends holder authorisation, offer, \
                  challenge, coin entry, owner's signing, reading of coins and what STATEMENT \
                  needs: none of it is there for the account that is issued next.",
        requirements: &[req::RST_3, req::SES_1, req::STM_2],
        start: Start::Own,
        level: Level::D3,
        defect: "A holder of the old account who pays from the new one.",
        run: session,
    },
];

/// Limits that allow what a whole life needs.
const LIMITS: Limits = Limits {
    without_pin: 5_000,
    payments_without_pin: 2,
    ..Limits::WIDE
};

/// The card must be in the factory state: nothing of an issued card's is answered.
fn factory(b: &mut Bench, when: &str) -> Outcome {
    let status = b.card.status()?;
    require!(
        status == Status::Factory,
        "{when}: the status is {status:?}"
    );
    for sample in samples::declared(b)? {
        let others = ["GET DATA", "GENERATE", "INTERNAL AUTHENTICATE", "PUT DATA"];
        if others.iter().any(|other| sample.name.starts_with(other)) {
            continue;
        }
        b.card.select()?;
        b.card
            .send(&sample.command)?
            .want_bare(Sw::CONDITIONS, sample.name)
            .at(|| when.to_owned())?;
    }
    Ok(())
}

/// A life that leaves its traces everywhere. Gives back a payment and the place that is pledged.
fn life(b: &mut Bench, name: &str) -> Step<Request> {
    let mut stream = b.values.stream(&format!("coins of {name}"));
    b.card
        .fund(&mut stream, &[90_000, 80_000, 70_000, 60_000])?;
    let capabilities = b.card.host()?.capabilities;
    if capabilities.needs(Capability::Credits).is_ok() {
        let (entry, bytes) = b.card.coin_at(&mut stream, 30_000, 4)?;
        b.card.credit(&entry, &bytes, 30_000).preamble()?;
    }
    let kept = request(85_000);
    b.card.pay_checked(&kept).preamble()?;
    if capabilities.needs(Capability::Statements).is_ok() {
        b.card
            .statement(&kept, &b.values.bytes("nonce"))
            .preamble()?;
    }
    if capabilities.needs(Capability::WithoutPin).is_ok() {
        b.card.select()?;
        let small = request(3_000);
        let answer = b.card.pay_answer(&small)?;
        b.card.paid_as(&small, answer, true).preamble()?;
    }
    if capabilities.needs(Capability::Signing).is_ok() {
        let coins = b.card.host()?.purse.candidates();
        let spend = against(&coins[..1]);
        b.card.streamed(&spend, 255).preamble()?;
        b.card.signed_all(&spend).preamble()?;
    }
    let plan = b.card.preview_checked(&request(20_000)).preamble()?;
    let offered = plan.map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
    b.card.report(&offered.inputs[0]).preamble()?;
    b.card.verify_wrong(2).preamble()?;
    b.card.verify_wrong(1).preamble()?;
    Ok(kept)
}

/// The card must know nothing of the account before.
fn knows_nothing(b: &mut Bench, old: &Host, kept: &Request) -> Outcome {
    let profile = b.card.host()?.profile.clone();
    let status = b.card.status()?;
    let expected = Status::Issued {
        network: profile.network,
        tries: 3,
        policy: profile.policy,
    };
    require!(
        status == expected,
        "issued anew, the status is {status:?} instead of {expected:?}"
    );
    b.card.expect_books("issued anew")?;
    b.card.expect_limits("issued anew")?;
    b.card.read_account()?;
    b.card.pay_answer(kept)?.want_bare(
        Sw::SECURITY,
        "PAY of a payment of the old account, without PIN",
    )?;
    b.card
        .verify(&old.profile.pin.block())?
        .want_bare(Sw::tries(2), "VERIFY with the PIN of the old account")?;
    require!(
        b.card.preview_checked(kept)? == Err(Sw::INSUFFICIENT),
        "the case's model has coins in a new account"
    );
    // The old owner, for the new account and for his own.
    for id in [b.card.host()?.account.card_id(), old.account.card_id()] {
        for network in [profile.network, old.profile.network] {
            let challenge = b.card.challenge()?;
            let message = tagged_hash(
                "Tillcard/owner",
                &[&[network], &id, &b.card.session(), &challenge, &READ_LIMITS],
            );
            let field = Card::signed(&[], &sign(&old.profile.owner, &message));
            b.card
                .send(&Command::new(READ_LIMITS).data(field).le(LE_SHORT))?
                .want_bare(Sw::SECURITY, "READ LIMITS by the old owner")?;
        }
    }
    b.card.authorise()?;
    b.card.expect_receive_script(0)
}

/// A profile that differs in all that ISSUE sets.
fn other_profile(b: &mut Bench, life: u8) -> Step<Profile> {
    let values = &b.values;
    let base = Profile::new(values, &format!("life {life}"))?;
    let primary = keypair(&values.bytes(&format!("primary {life}")))?;
    Ok(Profile {
        // Not mainnet, for which an emulator issues no card.
        network: 1 + life % 2,
        leaf: Leaf::Older(primary, 100 + u16::from(life)),
        pin: Pin::new(&[life, 9, 8, 7, 6 - life]),
        limits: Limits {
            per_payment: 87_000 + u64::from(life),
            ..LIMITS
        },
        policy: PLAIN | STATEMENTS,
        ..base
    })
}

fn new_life(b: &mut Bench) -> Outcome {
    let first = b.profile()?.limits(LIMITS).policy(PLAIN | STATEMENTS);
    b.issue(&first)?;
    let mut kept = life(b, "the first life")?;
    for number in 1..=2 {
        let place = || format!("reset {number}");
        let old = b.card.factory_reset().at(place)?;
        factory(b, "after FACTORY RESET").at(place)?;
        b.card.power_cycle()?;
        factory(b, "after FACTORY RESET and a power cut").at(place)?;
        let profile = other_profile(b, number)?;
        b.card.issue(&profile).at(place)?;
        knows_nothing(b, &old, &kept).at(place)?;
        b.card.power_cycle()?;
        b.card
            .expect_books("issued anew, after a power cut")
            .at(place)?;
        // Coins enter, and are spent, at every index that the old account used; the payment is
        // one that it had made, to the byte.
        let mut stream = b.values.stream(&format!("coins {number}"));
        for index in 0..6 {
            let (entry, bytes) = b.card.coin_at(&mut stream, 86_500, index)?;
            b.card.enter(&entry, &bytes, 86_500).at(place)?;
        }
        b.card.pay_checked(&kept).at(place)?;
        let signing = b
            .card
            .host()?
            .capabilities
            .needs(Capability::Signing)
            .is_ok();
        if signing {
            let free = against(&b.card.host()?.purse.candidates()[..5]);
            b.card.streamed(&free, 255).at(place)?;
        }
        b.card.expect_books("in a new life").at(place)?;
        if number == 1 {
            kept = life_goes_on(b)?;
        }
    }
    b.card.power_cycle()?;
    b.card.expect_books("at the end")
}

/// The second life ends with the PIN blocked.
fn life_goes_on(b: &mut Bench) -> Step<Request> {
    let kept = request(40_000);
    b.card.pay_checked(&kept).preamble()?;
    b.card
        .statement(&kept, &b.values.bytes("nonce"))
        .preamble()?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left).preamble()?;
    }
    Ok(kept)
}

fn same_keys(b: &mut Bench, old: &Host) -> Outcome {
    let record = &b.card.host()?.record;
    require!(
        record.identity_key == old.record.identity_key
            && record.agreement_key == old.record.agreement_key,
        "the issue record after FACTORY RESET has other keys of the card's own"
    );
    Ok(())
}

fn own_things(b: &mut Bench) -> Outcome {
    let challenge = b.values.bytes("challenge");
    let chains = personalised(b)?;
    let profile = b.profile()?;
    b.issue(&profile)?;
    for round in 0..2 {
        let place = || format!("personalised, reset {round}");
        let old = b.card.factory_reset().preamble()?;
        for _ in 0..2 {
            b.card
                .expect_certificates(Some(&chains), "after FACTORY RESET")
                .at(place)?;
            b.card
                .prove(&challenge, &old.record.identity_key)
                .at(place)?;
            for command in [
                Command::new(put_data(END)),
                Command::new(put_data(0x00)).data([7]),
                Command::new(crate::card::GENERATE_OWN_KEYS).le(LE_SHORT),
            ] {
                b.card
                    .send(&command)?
                    .want_bare(Sw::CONDITIONS, "personalisation after its end")
                    .at(place)?;
            }
            b.card.power_cycle()?;
        }
        let profile = other_profile(b, round)?;
        b.card.issue(&profile).at(place)?;
        same_keys(b, &old).at(place)?;
        b.card
            .expect_certificates(Some(&chains), "issued anew")
            .at(place)?;
    }
    Ok(())
}

fn own_things_before_the_end(b: &mut Bench) -> Outcome {
    let challenge = b.values.bytes("challenge");
    // Its keys drawn when it was issued.
    blank(b)?;
    let profile = b.profile()?;
    b.issue(&profile)?;
    let old = b.card.factory_reset().preamble()?;
    b.card.power_cycle()?;
    b.card.prove(&challenge, &old.record.identity_key)?;
    b.card.expect_certificates(None, "nobody personalised it")?;
    let profile = other_profile(b, 1)?;
    b.card.issue(&profile)?;
    same_keys(b, &old)?;

    // Its maker not ready.
    b.fresh_card()?;
    blank(b)?;
    let certificates = certificates(b, "certificates", [300, 200, 250]);
    let keys = b.card.own_keys().preamble()?;
    b.card.store(&certificates).preamble()?;
    let profile = b.profile()?;
    b.issue(&profile)?;
    let record = &b.card.host()?.record;
    require!(
        (record.identity_key, record.agreement_key) == (keys.identity, keys.agreement),
        "ISSUE drew keys of the card's own though its maker had"
    );
    b.card.factory_reset().preamble()?;
    b.card.prove(&challenge, &keys.identity)?;
    b.card.expect_certificates(None, "before the end")?;
    b.card.end_personalisation()?;
    let chains = OwnKey::BOTH.map(|key| certificates.chain(key));
    b.card
        .expect_certificates(Some(&chains), "ended after FACTORY RESET")
}

fn session(b: &mut Bench) -> Outcome {
    let first = b.profile()?.limits(LIMITS).policy(PLAIN | STATEMENTS);
    b.issue(&first)?;
    let capabilities = b.card.host()?.capabilities;
    for number in 0..4 {
        let mut stream = b.values.stream(&format!("coins {number}"));
        b.card.fund(&mut stream, &[80_000, 70_000])?;
        let kept = request(20_000);
        b.card.pay_checked(&kept).preamble()?;
        let txid = b.card.logged(&kept)?.txid;
        b.card.authorise()?;
        if number == 1 {
            let plan = b.card.preview_checked(&request(10_000)).preamble()?;
            require!(plan.is_ok(), "the case needs an offer");
        }
        b.card.factory_reset().preamble()?;
        let profile = other_profile(b, number)?;
        // No SELECT, which would end the session itself.
        let commitment = b.card.generate()?;
        b.recorder.borrow_mut().hide(&profile.pin.block());
        let answer = b.card.issue_answer(&profile.encode())?;
        b.card.issued(&profile, &commitment, answer)?;
        let place = || format!("life {number}");
        let refused = |b: &mut Bench, command: &Command, sw: Sw, what: &str| {
            (b.card.send(command)?.want_bare(sw, what)).at(place)
        };
        match number {
            0 => b.card.expect_authorised(false, "issued anew").at(place)?,
            1 => {
                b.card
                    .report_answer(&txid, 0)?
                    .want_bare(Sw::SECURITY, "REPORT ABSENT")
                    .at(place)?;
                b.card.authorise()?;
                b.card
                    .report_answer(&txid, 0)?
                    .want_bare(Sw::CONDITIONS, "REPORT ABSENT without an offer")
                    .at(place)?;
            }
            2 => {
                let signature = b.card.owner_signature(&[0; 16], SAME_PIN, &[])?;
                let command = Command::new(SAME_PIN).data(Card::signed(&[], &signature));
                refused(b, &command, Sw::SECURITY, "an owner command, no challenge")?;
                let piece = Command::new(Entry::PIECE).data([1]);
                refused(b, &piece, Sw::CONDITIONS, "ENTER COIN, a piece")?;
                let next = Command::new(crate::card::READ_COINS_ON).le(LE_SHORT);
                refused(b, &next, Sw::CONDITIONS, "READ COINS, the next part")?;
                if capabilities.needs(Capability::Signing).is_ok() {
                    let signature = Command::new([0x80, 0x40, 0x02, 0x00]).le(LE_SHORT);
                    refused(b, &signature, Sw::CONDITIONS, "SIGN, a signature")?;
                }
            }
            _ if capabilities.needs(Capability::Statements).is_ok() => {
                let nonce = b.values.bytes("nonce");
                b.card
                    .statement_answer(&nonce, &txid)?
                    .want_bare(Sw::NOT_FOUND, "STATEMENT on a payment of the old account")
                    .at(place)?;
            }
            _ => {}
        }
    }
    b.card.expect_books("at the end")
}
