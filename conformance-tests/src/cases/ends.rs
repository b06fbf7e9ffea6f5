//! TERMINATE CARD USAGE, and what it has in common with FACTORY RESET. Sections 5.6 and 5.7.

use super::personal::personalised;
use super::prelude::*;
use super::samples;
use crate::card::{FACTORY_RESET, TERMINATE};
use crate::channel::Ephemeral;
use crate::keys::{keypair, sign};
use crate::model::{PLAIN, Profile, STATEMENTS};
use crate::outcome::BEYOND_TARGET;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-TRM-01",
        version: 1,
        purpose: "After TERMINATE CARD USAGE of a card with coins and an authorised holder, and \
                  of one whose PIN is blocked, at once and after power cuts, SELECT answers as \
                  before, GET DATA the status 02 alone and the same capabilities, certificates \
                  6A88, and every other command 6985, its own replay, VERIFY with the right PIN, \
                  key generation and ISSUE, and both forms of INTERNAL AUTHENTICATE included, \
                  while what section 2.2 refuses is refused as it says.",
        requirements: &[
            req::TRM_1,
            req::INF_1,
            req::STA_1,
            req::CRT_1,
            req::FRM_8,
            req::NVM_2,
        ],
        start: Start::Own,
        level: Level::D3,
        defect: "A card thrown away that comes back to life, or that still proves that it is \
                 genuine.",
        run: terminated,
    },
    Case {
        id: "TC-RST-04",
        version: 1,
        purpose: "FACTORY RESET and TERMINATE CARD USAGE are refused with 6982, and change \
                  nothing, to anyone and to the holder, without a challenge, signed by another \
                  key, over another challenge, and each with the other's signature; with other \
                  P1-P2 with 6A86, of another length than 66 with 6700. The command that was taken \
                  is refused as a replay, in the factory state with 6985 and with 6982 after the \
                  same owner issued the card anew.",
        requirements: &[req::RST_1, req::TRM_1, req::OWN_2, req::OWN_3, req::FRM_8],
        start: Start::Own,
        level: Level::D3,
        defect: "A thief who makes a stolen card his own; a shop that destroys it.",
        run: by_others,
    },
    Case {
        id: "TC-RST-06",
        version: 1,
        purpose: "After FACTORY RESET nothing of an imported key, chain code, PIN block, owner \
                  key or payee is in the memory that was there before, and after TERMINATE CARD \
                  USAGE nothing of the certificates either. (Only a target that has the memory in \
                  its hands can run this; in other encodings they don't show.)",
        requirements: &[req::RST_1, req::TRM_1],
        start: Start::Own,
        level: Level::D3,
        defect: "A card given away whose memory tells of its owner.",
        run: erased,
    },
];

/// The card must be at its end.
fn at_its_end(b: &mut Bench, fci: &[u8], replay: &Command, right: [u8; 8]) -> Outcome {
    require!(
        b.card.select_fci()? == fci,
        "SELECT answers otherwise than before"
    );
    let status = b.card.status()?;
    require!(
        status == Status::Terminated,
        "the status is {status:?} instead of terminated"
    );
    b.card.expect_certificates(None, "terminated")?;
    b.card
        .get_data(0x01, 0x02)?
        .want_bare(Sw::NOT_FOUND, "GET DATA, 0102")?;
    for sample in samples::declared(b)? {
        if sample.name.starts_with("GET DATA") {
            continue;
        }
        b.card
            .send(&sample.command)?
            .want_bare(Sw::CONDITIONS, sample.name)?;
    }
    let refused = |b: &mut Bench, command: &Command, what: &str| {
        b.card.send(command)?.want_bare(Sw::CONDITIONS, what)
    };
    refused(b, replay, "TERMINATE CARD USAGE, replayed")?;
    let verify = Command::new([0x00, 0x20, 0x00, 0x80]).data(right);
    refused(b, &verify, "VERIFY with the right PIN")?;
    let own = Ephemeral::new(&b.values.bytes("ephemeral"))?;
    b.card
        .open_channel_answer(&own.field())?
        .want_bare(Sw::CONDITIONS, "INTERNAL AUTHENTICATE, a channel")?;
    // Section 2.2 comes first.
    for (what, apdu, sw) in [
        ("another class", &[0xA0, 0x20, 0, 0x80][..], Sw::NO_CLASS),
        ("an instruction", &[0x80, 0xFE, 0, 0], Sw::NO_INSTRUCTION),
        ("P1-P2", &[0x00, 0x88, 0, 1], Sw::WRONG_P1P2),
        ("a length", &[0x00, 0x88, 0, 0, 1, 0], Sw::WRONG_LENGTH),
        ("GET RESPONSE", &[0x00, 0xC0, 0, 0, 0], Sw::CONDITIONS),
    ] {
        b.card.raw(apdu)?.want_bare(sw, what)?;
    }
    Ok(())
}

fn terminated(b: &mut Bench) -> Outcome {
    for blocked in [false, true] {
        let place = || format!("PIN blocked: {blocked}");
        if blocked {
            b.fresh_card()?;
        }
        b.card.select()?;
        if b.card.capabilities()?.needs(Capability::Channel).is_ok() {
            personalised(b)?;
        }
        let fci = b.card.select_fci()?;
        let profile = b.profile()?.policy(PLAIN | STATEMENTS);
        b.issue(&profile)?;
        let mut stream = b.values.stream("coins");
        b.card.fund(&mut stream, &[60_000, 50_000])?;
        let declared = b.card.host()?.capabilities;
        b.card.pay_checked(&request(20_000)).preamble()?;
        if blocked {
            for left in [2, 1, 0] {
                b.card.verify_wrong(left).preamble()?;
            }
        } else {
            b.card.authorise()?;
        }
        let command = b.card.owner_command(TERMINATE, &[])?;
        b.card
            .once(&command)?
            .want_bare(Sw::OK, "TERMINATE CARD USAGE")
            .at(place)?;
        let old = b.card.forget_account()?;
        for round in 0..3 {
            let place = || format!("PIN blocked: {blocked}, power-up {round}");
            require!(
                b.card.capabilities().at(place)? == declared,
                "the capabilities are others at the card's end"
            );
            at_its_end(b, &fci, &command, old.profile.pin.block()).at(place)?;
            b.card.power_cycle()?;
        }
    }
    Ok(())
}

fn by_others(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[60_000, 50_000])?;
    let stranger = keypair(&b.values.bytes("another owner"))?;
    let ends = [("FACTORY RESET", FACTORY_RESET), ("TERMINATE", TERMINATE)];
    for (position, (name, header)) in ends.into_iter().enumerate() {
        let place = || name.to_owned();
        let (_, other) = ends[1 - position];
        b.card.select()?;
        b.card.authorise()?;
        let refused = |b: &mut Bench, signature: &[u8; 64], what: &str| -> Outcome {
            b.card
                .once(&Command::new(header).data(Card::signed(&[], signature)))?
                .want_bare(Sw::SECURITY, what)
                .at(place)
        };
        let never = b.card.owner_signature(&[0; 16], header, &[])?;
        refused(b, &never, "without a challenge")?;
        for what in ["by another key", "over another challenge", "the other's"] {
            let challenge = b.card.challenge()?;
            let signature = match what {
                "by another key" => {
                    sign(&stranger, &b.card.owner_message(&challenge, header, &[])?)
                }
                "over another challenge" => never,
                _ => b.card.owner_signature(&challenge, other, &[])?,
            };
            refused(b, &signature, what)?;
            let right = b.card.owner_signature(&challenge, header, &[])?;
            refused(b, &right, "with a challenge used up")?;
        }
        // What never reaches the authority check.
        let challenge = b.card.challenge()?;
        let right = b.card.owner_signature(&challenge, header, &[])?;
        let long = [Card::signed(&[], &right), vec![0; 189]].concat();
        for value in 1..=0xFF {
            for (p1, p2) in [(value, 0), (0, value)] {
                b.card
                    .once(&Command::new([header[0], header[1], p1, p2]).data(&long[..66]))?
                    .want_bare(Sw::WRONG_P1P2, name)?;
            }
        }
        for length in (0..=255).filter(|length| *length != 66) {
            b.card
                .once(&Command::new(header).data(&long[..length]))?
                .want_bare(Sw::WRONG_LENGTH, name)
                .at(|| format!("{length} data bytes"))?;
        }
        b.card.expect_books("after refused commands").at(place)?;
    }
    b.card.expect_tries(3, "after refused commands")?;

    // Replays.
    let profile = b.card.host()?.profile.clone();
    let command = b.card.owner_command(FACTORY_RESET, &[])?;
    b.card.once(&command)?.want_bare(Sw::OK, "FACTORY RESET")?;
    b.card.forget_account()?;
    b.card
        .once(&command)?
        .want_bare(Sw::CONDITIONS, "FACTORY RESET, replayed at once")?;
    b.card.issue(&profile)?;
    b.card
        .once(&command)?
        .want_bare(Sw::SECURITY, "FACTORY RESET, replayed in a new life")?;
    b.card.challenge()?;
    b.card.once(&command)?.want_bare(
        Sw::SECURITY,
        "FACTORY RESET, replayed over another challenge",
    )?;
    b.card.expect_books("after replays")
}

fn erased(b: &mut Bench) -> Outcome {
    let chains = personalised(b)?;
    b.card.capabilities()?.needs(Capability::Imported)?;
    let Some(first) = chains[0].get(..64) else {
        return Err(Stop::Inconclusive(format!(
            "the card's certificates have {} bytes: too few to be looked for in a memory",
            chains[0].len()
        )));
    };
    let certificate = ("a certificate", first.to_vec());
    let holds = |memory: &[u8], bytes: &[u8]| memory.windows(bytes.len()).any(|one| one == bytes);
    for (life, terminates) in [("first", false), ("second", true)] {
        let key: [u8; 32] = b.values.bytes(&format!("key of the {life} life"));
        let chain_code: [u8; 32] = b.values.bytes(&format!("chain code of the {life} life"));
        let payee = payee::p2wsh(b.values.bytes(life));
        let profile = Profile::new(&b.values, life)?.imported(key, chain_code);
        let secrets = [
            ("the imported key", key[1..31].to_vec()),
            ("the chain code", chain_code.to_vec()),
            ("the PIN block", profile.pin.block().to_vec()),
            (
                "the owner key",
                profile.owner.x_only_public_key().0.serialize().to_vec(),
            ),
            ("a payee", payee.as_bytes()[2..].to_vec()),
        ];
        b.card.issue(&profile).preamble()?;
        let mut stream = b.values.stream("coins");
        b.card.fund(&mut stream, &[60_000, 50_000])?;
        // Old values stand on pages that were left, too.
        b.card
            .pay_checked(&Request {
                payee: payee.clone(),
                ..request(20_000)
            })
            .preamble()?;
        for _ in 0..150 {
            b.card.verify_right().preamble()?;
        }
        let before = b.card.memory()?;
        let there: Vec<&str> = (secrets.iter().chain([&certificate]))
            .filter(|(_, bytes)| holds(&before, bytes))
            .map(|(name, _)| *name)
            .collect();
        if there.is_empty() {
            return Err(Stop::NotApplicable(format!(
                "{BEYOND_TARGET}: the memory doesn't show what is looked for"
            )));
        }
        b.note(format!("the memory held {}", there.join(", ")));
        if terminates {
            b.card.terminate().preamble()?;
        } else {
            b.card.factory_reset().preamble()?;
        }
        let memory = b.card.memory()?;
        let gone = (secrets.iter()).chain(terminates.then_some(&certificate));
        for (name, bytes) in gone {
            require!(!holds(&memory, bytes), "the memory still holds {name}");
        }
        require!(
            terminates || holds(&memory, &certificate.1),
            "the memory doesn't hold the certificates any more"
        );
    }
    Ok(())
}
