//! What a card leaves out, and how it then answers: the table of section 2.3.

use super::prelude::*;
use crate::card::{PAY, PREVIEW, STATEMENT, statement_field};
use crate::model::{PLAIN, STATEMENTS, Spend};

pub(crate) const CASES: &[Case] = &[Case {
    id: "TC-INF-05",
    version: 1,
    purpose: "For each capability that the card doesn't declare, its commands, parameters, limits \
              and policies are refused as the table of section 2.3 says, on a factory card and on \
              an issued one, and the numbers that belong to it are 0. Statements aren't declared \
              without channel and genuineness. (A card that leaves nothing out has nothing to show \
              here: the report says so.)",
    requirements: &[req::INF_2, req::FRM_8, req::LIM_1],
    start: Start::Own,
    level: Level::D3,
    defect: "A card that declares less than it does, or that answers 9000 to what it can't do.",
    run: left_out,
}];

/// Tells whether the card lacks a capability.
fn lacks(b: &mut Bench, capability: Capability) -> Step<bool> {
    Ok(b.card.capabilities()?.needs(capability).is_err())
}

fn refused(b: &mut Bench, name: &str, command: Command, sw: Sw) -> Outcome {
    b.card.once(&command.le(LE_SHORT))?.want_bare(sw, name)
}

fn left_out(b: &mut Bench) -> Outcome {
    b.card.select()?;
    let capabilities = b.card.capabilities()?;
    let undeclared: Vec<String> = [
        (!capabilities.extended_length()).then_some("extended length".to_owned()),
        lacks(b, Capability::Imported)?.then_some(format!("{:?}", Capability::Imported)),
        lacks(b, Capability::WithoutPin)?.then_some(format!("{:?}", Capability::WithoutPin)),
        lacks(b, Capability::Credits)?.then_some(format!("{:?}", Capability::Credits)),
        lacks(b, Capability::Signing)?.then_some(format!("{:?}", Capability::Signing)),
        lacks(b, Capability::Channel)?.then_some(format!("{:?}", Capability::Channel)),
        lacks(b, Capability::Statements)?.then_some(format!("{:?}", Capability::Statements)),
    ]
    .into_iter()
    .flatten()
    .collect();
    b.note(if undeclared.is_empty() {
        "the card leaves nothing out".to_owned()
    } else {
        format!("left out: {}", undeclared.join(", "))
    });
    require!(
        lacks(b, Capability::Statements)? || !lacks(b, Capability::Channel)?,
        "statements are declared without channel and genuineness"
    );
    numbers(b)?;
    commands(b).at(|| "on a factory card".to_owned())?;
    issuing(b)?;
    let profile = b.profile()?;
    b.issue(&profile)?;
    commands(b).at(|| "on an issued card".to_owned())?;
    owner(b)
}

fn numbers(b: &mut Bench) -> Outcome {
    let capabilities = b.card.capabilities()?;
    for (capability, numbers) in [
        (Capability::Credits, vec![capabilities.unrooted]),
        (
            Capability::Signing,
            vec![capabilities.sign_inputs, capabilities.sign_outputs],
        ),
    ] {
        let lacking = capabilities.needs(capability).is_err();
        require!(
            numbers.iter().all(|number| (*number == 0) == lacking),
            "{capability:?} is{} declared, with the numbers {numbers:?}",
            if lacking { "n't" } else { "" }
        );
    }
    Ok(())
}

/// What doesn't depend on the state.
fn commands(b: &mut Bench) -> Outcome {
    if !b.card.capabilities()?.extended_length() {
        b.card
            .raw(&[0x00, 0xCA, 0x01, 0x00, 0x00, 0x00, 0x00])?
            .want_bare(Sw::WRONG_LENGTH, "an extended APDU")?;
    }
    if lacks(b, Capability::Imported)? {
        let field = b.profile()?.imported([1; 32], [2; 32]).encode();
        b.card
            .import_answer(&field)?
            .want_bare(Sw::WRONG_P1P2, "ISSUE with an imported key")?;
    }
    if lacks(b, Capability::Credits)? {
        let entry = Entry {
            txid: [5; 32],
            vout: 0,
            place: 0,
        };
        let credit = Command::new(Entry::CREDIT).data(entry.body());
        refused(b, "ENTER COIN of a credit", credit, Sw::WRONG_P1P2)?;
        let unrooted = Request {
            unrooted: true,
            ..request(1_000)
        }
        .encode();
        for (name, header) in [("PREVIEW", PREVIEW), ("PAY", PAY)] {
            let command = Command::new(header).data(unrooted.clone());
            refused(b, name, command, Sw::WRONG_DATA)?;
        }
    }
    if lacks(b, Capability::Signing)? {
        for header in [Spend::BEGIN, Spend::PIECE, [0x80, 0x40, 0x02, 0x00]] {
            refused(b, "SIGN", Command::new(header), Sw::NO_INSTRUCTION)?;
        }
    }
    if lacks(b, Capability::Statements)? {
        let command = Command::new(STATEMENT).data(statement_field(&[1; 32], &[2; 32]));
        refused(b, "STATEMENT", command, Sw::NO_INSTRUCTION)?;
    }
    if lacks(b, Capability::Channel)? {
        let field = b.ephemeral()?.field();
        for (name, command, sw) in [
            (
                "INTERNAL AUTHENTICATE, a channel",
                Command::new([0x80, 0x88, 0x01, 0x13]).data(field),
                Sw::NO_INSTRUCTION,
            ),
            (
                "INTERNAL AUTHENTICATE, genuineness",
                Command::new([0x00, 0x88, 0, 0]).data([7; 32]),
                Sw::NO_INSTRUCTION,
            ),
            (
                "PUT DATA",
                Command::new([0x00, 0xDA, 0x02, 0x00]).data([1]),
                Sw::NO_INSTRUCTION,
            ),
            (
                "GENERATE, the card's own keys",
                Command::new([0x00, 0x46, 0, 1]),
                Sw::WRONG_P1P2,
            ),
            (
                "GET DATA, certificates",
                Command::new([0x00, 0xCA, 0xBF, 0x21]).data([0xA6, 4, 0x83, 2, 0x13, 1]),
                Sw::NOT_FOUND,
            ),
            (
                "class 04",
                Command::new([0x04, 0xCA, 0x01, 0x00]).data([0; 8]),
                Sw::NO_SECURE_MESSAGING,
            ),
            (
                "class 84",
                Command::new([0x84, 0x20, 0, 0]).data([0; 8]),
                Sw::NO_SECURE_MESSAGING,
            ),
        ] {
            refused(b, name, command, sw)?;
        }
    }
    Ok(())
}

/// Profiles that no such card takes.
fn issuing(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    for (name, capability, policy, limits) in [
        (
            "limits with payments without PIN",
            Capability::WithoutPin,
            PLAIN,
            WITHOUT_PIN,
        ),
        (
            "a policy without plain sessions",
            Capability::Channel,
            0,
            Limits::WIDE,
        ),
        (
            "a policy with statements",
            Capability::Statements,
            PLAIN | STATEMENTS,
            Limits::WIDE,
        ),
    ] {
        if !lacks(b, capability)? {
            continue;
        }
        b.card.generate()?;
        let field = profile.clone().policy(policy).limits(limits).encode();
        b.card
            .issue_answer(&field)?
            .want_bare(Sw::WRONG_DATA, "ISSUE")
            .at(|| name.to_owned())?;
    }
    Ok(())
}

const WITHOUT_PIN: Limits = Limits {
    without_pin: 1_000,
    payments_without_pin: 1,
    ..Limits::WIDE
};

/// What the owner can't set.
fn owner(b: &mut Bench) -> Outcome {
    if lacks(b, Capability::WithoutPin)? {
        b.card
            .set_limits_answer(&WITHOUT_PIN)?
            .want_bare(Sw::WRONG_DATA, "SET LIMITS with payments without PIN")?;
    }
    for (capability, policy) in [
        (Capability::Channel, 0),
        (Capability::Statements, PLAIN | STATEMENTS),
    ] {
        if lacks(b, capability)? {
            b.card
                .set_policy_answer(policy)?
                .want_bare(Sw::WRONG_DATA, "SET POLICY")
                .at(|| format!("policy {policy:02X}"))?;
        }
    }
    b.card.expect_limits("after refused limits and policies")
}
