//! What a card leaves out, and how it then answers: the table of section 2.3.

use super::prelude::*;
use crate::card::{PAY, PREVIEW, STATEMENT, statement_field};
use crate::model::{PLAIN, STATEMENTS, Spend};

cases! {
    "TC-INF-05" version 1 on Own D3 for [INF_2 FRM_8 LIM_1] runs left_out:
        "For each capability that the card doesn't declare, its commands, parameters, limits \
         and policies are refused as the table of section 2.3 says, on a factory card and on \
         an issued one, and the numbers that belong to it are 0. Statements aren't declared \
         without channel and genuineness. (A card that leaves nothing out has nothing to show \
         here: the report says so.)"
        catches "A card that declares less than it does, or that answers 9000 to what it can't \
                 do.";
}

/// Tells whether the card lacks a capability.
fn lacks(ctx: &mut CaseContext, capability: Capability) -> Step<bool> {
    Ok(ctx.capabilities()?.needs(capability).is_err())
}

fn refused(ctx: &mut CaseContext, name: &str, command: Command, sw: Sw) -> Outcome {
    ctx.once(&command.le(LE_SHORT))?.want_bare(sw, name)
}

fn left_out(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    let capabilities = ctx.capabilities()?;
    let undeclared: Vec<String> = [
        (!capabilities.extended_length()).then_some("extended length".to_owned()),
        lacks(ctx, Capability::Imported)?.then_some(format!("{:?}", Capability::Imported)),
        lacks(ctx, Capability::WithoutPin)?.then_some(format!("{:?}", Capability::WithoutPin)),
        lacks(ctx, Capability::Credits)?.then_some(format!("{:?}", Capability::Credits)),
        lacks(ctx, Capability::Signing)?.then_some(format!("{:?}", Capability::Signing)),
        lacks(ctx, Capability::Channel)?.then_some(format!("{:?}", Capability::Channel)),
        lacks(ctx, Capability::Statements)?.then_some(format!("{:?}", Capability::Statements)),
    ]
    .into_iter()
    .flatten()
    .collect();
    ctx.note(if undeclared.is_empty() {
        "the card leaves nothing out".to_owned()
    } else {
        format!("left out: {}", undeclared.join(", "))
    });
    require!(
        lacks(ctx, Capability::Statements)? || !lacks(ctx, Capability::Channel)?,
        "statements are declared without channel and genuineness"
    );
    numbers(ctx)?;
    commands(ctx).at("on a factory card")?;
    issuing(ctx)?;
    let profile = ctx.profile()?;
    ctx.prepare(&profile)?;
    commands(ctx).at("on an issued card")?;
    owner(ctx)
}

fn numbers(ctx: &mut CaseContext) -> Outcome {
    let capabilities = ctx.capabilities()?;
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
fn commands(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    if !ctx.capabilities()?.extended_length() {
        ctx.raw(&[0x00, 0xCA, 0x01, 0x00, 0x00, 0x00, 0x00])?
            .want_bare(Sw::WRONG_LENGTH, "an extended APDU")?;
    }
    if lacks(ctx, Capability::Imported)? {
        let field = ctx.profile()?.imported([1; 32], [2; 32]).encode();
        ctx.import_answer(&field)?
            .want_bare(Sw::WRONG_P1P2, "ISSUE with an imported key")?;
    }
    if lacks(ctx, Capability::Credits)? {
        let entry = Entry {
            txid: [5; 32],
            vout: 0,
            place: 0,
        };
        let credit = Command::new(Entry::CREDIT).data(entry.body());
        refused(ctx, "ENTER COIN of a credit", credit, Sw::WRONG_P1P2)?;
        let unrooted = Request {
            unrooted: true,
            ..request_of(1_000)
        }
        .encode();
        for (name, header) in [("PREVIEW", PREVIEW), ("PAY", PAY)] {
            let command = Command::new(header).data(unrooted.clone());
            refused(ctx, name, command, Sw::WRONG_DATA)?;
        }
    }
    if lacks(ctx, Capability::Signing)? {
        for header in [Spend::BEGIN, Spend::PIECE, [0x80, 0x40, 0x02, 0x00]] {
            refused(ctx, "SIGN", Command::new(header), Sw::NO_INSTRUCTION)?;
        }
    }
    if lacks(ctx, Capability::Statements)? {
        let command = Command::new(STATEMENT).data(statement_field(&[1; 32], &[2; 32]));
        refused(ctx, "STATEMENT", command, Sw::NO_INSTRUCTION)?;
    }
    if lacks(ctx, Capability::Channel)? {
        let field = ctx.ephemeral()?.field();
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
            refused(ctx, name, command, sw)?;
        }
    }
    Ok(())
}

/// Profiles that no such card takes.
fn issuing(ctx: &mut CaseContext) -> Outcome {
    let profile = ctx.profile()?;
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
        if !lacks(ctx, capability)? {
            continue;
        }
        ctx.generate()?;
        let field = profile.clone().policy(policy).limits(limits).encode();
        ctx.issue_answer(&field)?
            .want_bare(Sw::WRONG_DATA, "ISSUE")
            .at(name)?;
    }
    Ok(())
}

const WITHOUT_PIN: Limits = Limits {
    without_pin: 1_000,
    payments_without_pin: 1,
    ..Limits::WIDE
};

/// What the owner can't set.
fn owner(ctx: &mut CaseContext) -> Outcome {
    if lacks(ctx, Capability::WithoutPin)? {
        ctx.set_limits_answer(&WITHOUT_PIN)?
            .want_bare(Sw::WRONG_DATA, "SET LIMITS with payments without PIN")?;
    }
    for (capability, policy) in [
        (Capability::Channel, 0),
        (Capability::Statements, PLAIN | STATEMENTS),
    ] {
        if lacks(ctx, capability)? {
            ctx.set_policy_answer(policy)?
                .want_bare(Sw::WRONG_DATA, "SET POLICY")
                .at(|| format!("policy {policy:02X}"))?;
        }
    }
    ctx.expect_limits("after refused limits and policies")
}
