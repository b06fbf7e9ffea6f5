//! The table of states: section 10.

use super::prelude::*;
use super::samples;

cases! {
    "TC-STA-01" version 2 on Factory D0 for [STA_1 PIN_7 OWN_1 RCV_2 PAY_1] runs factory:
        "On a factory card every command answers as the table says; GENERATE ASYMMETRIC KEY PAIR \
         works, and what needs an issued card is refused with 6985."
        catches "A command that works before there are keys or a PIN; a default PIN.";
    "TC-STA-02" version 2 on Issued D1 for [STA_1 KEY_2 RCV_2 PAY_1 OWN_2] runs issued:
        "On an issued card every command answers as the table says, without and with the holder's \
         authorisation."
        catches "A command that forgets to ask for the PIN; a card that can be issued twice.";
    "TC-STA-03" version 3 on Own D3 for [STA_1 PIN_3 PIN_4 PIN_9] runs blocked:
        "With the PIN blocked every command answers as the table says, before and after a power \
         cycle; the owner's commands still work, and RESET RETRY COUNTER leads back to the issued \
         state."
        catches "A blocked card that still previews, or that locks its owner out too.";
}

/// What an issued card answers to commands that need an authority, or something under way.
pub(super) const WITHOUT_AUTHORITY: &[(&str, Sw)] = &[
    ("RECEIVE SCRIPT", Sw::SECURITY),
    ("ENTER COIN, first command", Sw::SECURITY),
    ("ENTER COIN of a credit", Sw::SECURITY),
    ("ENTER COIN, a piece", Sw::CONDITIONS),
    ("PREVIEW", Sw::SECURITY),
    ("PAY", Sw::SECURITY),
    ("REPORT ABSENT", Sw::SECURITY),
    ("GET ANCESTOR", Sw::SECURITY),
    ("READ COINS", Sw::SECURITY),
    ("READ COINS, the next part", Sw::CONDITIONS),
    ("READ LOG", Sw::SECURITY),
    ("ACKNOWLEDGE LOG", Sw::SECURITY),
    ("SET LIMITS", Sw::SECURITY),
    ("RESET RETRY COUNTER, a new PIN", Sw::SECURITY),
    ("RESET RETRY COUNTER", Sw::SECURITY),
    ("CHANGE OWNER KEY", Sw::SECURITY),
    ("READ LIMITS", Sw::SECURITY),
    ("READ ACCOUNT", Sw::SECURITY),
    ("RESOLVE", Sw::SECURITY),
    ("SET POLICY", Sw::SECURITY),
    ("FACTORY RESET", Sw::SECURITY),
    ("TERMINATE CARD USAGE", Sw::SECURITY),
    // The policy of these cards doesn't allow statements.
    ("STATEMENT", Sw::SECURITY),
    (samples::CERTIFICATES, Sw::NOT_FOUND),
    (samples::GENERATE_OWN, Sw::CONDITIONS),
    (samples::PUT_DATA, Sw::CONDITIONS),
    ("PUT DATA, the end", Sw::CONDITIONS),
    ("SIGN, first command", Sw::SECURITY),
    ("SIGN, a piece", Sw::CONDITIONS),
    ("SIGN, a signature", Sw::CONDITIONS),
];

/// Sends every command and compares the status words. A command that isn't in the table given
/// must be answered `9000`, and a channel be opened.
fn table(ctx: &mut CaseContext, state: &str, expected: &[(&str, Sw)]) -> Outcome {
    let has_certificates = ctx.chains()?.is_some();
    for sample in samples::declared(ctx)? {
        let sw = expected
            .iter()
            .filter(|(name, _)| !(has_certificates && *name == samples::CERTIFICATES))
            .find(|(name, _)| *name == sample.name)
            .map_or(Sw::OK, |(_, sw)| *sw);
        let answer = ctx.send(&sample.command)?;
        answer.want(sw, sample.name).at(state)?;
    }
    if ctx.has(Capability::Channel)? {
        ctx.open_channel().at(state)?;
        ctx.expect_channel(state)?;
    }
    ctx.plain(&Command::new([0x00, 0xA4, 0x04, 0x0C]).data(crate::card::AID))?
        .want_bare(Sw::OK, "SELECT")
        .at(state)?;
    ctx.expect_no_channel(state)
}

fn factory(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    let needs_issue = [
        "VERIFY",
        "VERIFY without data",
        "GET CHALLENGE",
        "RECEIVE SCRIPT",
        "ENTER COIN, first command",
        "ENTER COIN of a credit",
        "ENTER COIN, a piece",
        "PREVIEW",
        "PAY",
        "REPORT ABSENT",
        "GET ANCESTOR",
        "PAYMENT STATE",
        "READ COINS",
        "READ COINS, the next part",
        "READ LOG",
        "ACKNOWLEDGE LOG",
        "SET LIMITS",
        "RESET RETRY COUNTER, a new PIN",
        "RESET RETRY COUNTER",
        "CHANGE OWNER KEY",
        "READ LIMITS",
        "READ ACCOUNT",
        "RESOLVE",
        "SET POLICY",
        "FACTORY RESET",
        "TERMINATE CARD USAGE",
        "STATEMENT",
        "INTERNAL AUTHENTICATE",
        "PUT DATA, the end",
        "SIGN, first command",
        "SIGN, a piece",
        "SIGN, a signature",
    ];
    let mut expected: Vec<(&str, Sw)> = needs_issue
        .iter()
        .map(|name| (*name, Sw::CONDITIONS))
        .collect();
    // The table's ISSUE would issue the card; it is TC-ISS-01's. Without a key generation:
    expected.push(("ISSUE", Sw::CONDITIONS));
    expected.push(("GENERATE", Sw::OK));
    if ctx.chains()?.is_some() {
        // Its maker gave it keys, and ended the personalisation.
        expected.retain(|(name, _)| *name != "INTERNAL AUTHENTICATE");
    } else {
        expected.push((samples::CERTIFICATES, Sw::NOT_FOUND));
    }
    // GENERATE comes before ISSUE among the samples, so a SELECT must come between.
    // Personalisation has its own cases: it can't be undone.
    let changing = [samples::GENERATE_OWN, samples::PUT_DATA];
    let samples = samples::declared(ctx)?;
    for sample in (samples.iter()).filter(|sample| !changing.contains(&sample.name)) {
        ctx.select()?;
        let sw = expected
            .iter()
            .find(|(name, _)| *name == sample.name)
            .map_or(Sw::OK, |(_, sw)| *sw);
        ctx.send(&sample.command)?
            .want(sw, sample.name)
            .at("factory")?;
    }
    for digits in [
        &[0; 4][..],
        &[1, 2, 3, 4],
        &[0; 6],
        &[1, 2, 3, 4, 5, 6],
        &[0; 12],
    ] {
        ctx.verify(&Pin::new(digits).block())?.want_bare(
            Sw::CONDITIONS,
            "VERIFY with a default PIN on a factory card",
        )?;
    }
    ctx.expect_factory("the card says that it was issued")?;
    Ok(())
}

fn issued(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    let expected = [
        ("GENERATE", Sw::CONDITIONS),
        ("ISSUE", Sw::CONDITIONS),
        ("VERIFY", Sw::tries(2)),
        ("VERIFY without data", Sw::tries(2)),
    ];
    table(ctx, "issued", &[&expected[..], WITHOUT_AUTHORITY].concat())?;
    ctx.authorise()?;
    ctx.receive_script_answer()?
        .want(Sw::OK, "RECEIVE SCRIPT, authorised")?;
    ctx.report_answer(&[7; 32], 0)?
        .want_bare(Sw::CONDITIONS, "REPORT ABSENT without an offer, authorised")?;
    ctx.ancestor_answer(&[7; 32])?
        .want_bare(Sw::CONDITIONS, "GET ANCESTOR without an offer, authorised")?;
    ctx.preview_answer(&request_of(10_000))?
        .want_bare(Sw::INSUFFICIENT, "PREVIEW without coins, authorised")?;
    ctx.authorise()?;
    ctx.pay_answer(&request_of(10_000))?
        .want_bare(Sw::INSUFFICIENT, "PAY without coins, authorised")?;
    ctx.authorise()?;
    ctx.generate_answer()?
        .want_bare(Sw::CONDITIONS, "GENERATE, authorised")?;
    let field = ctx.profile()?.encode();
    ctx.issue_answer(&field)?
        .want_bare(Sw::CONDITIONS, "ISSUE, authorised")
}

fn blocked(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[100_000])?;
    ctx.block_pin().preamble()?;
    let expected = [
        ("GENERATE", Sw::CONDITIONS),
        ("ISSUE", Sw::CONDITIONS),
        ("VERIFY", Sw::BLOCKED),
        ("VERIFY without data", Sw::BLOCKED),
    ];
    let expected = [&expected[..], WITHOUT_AUTHORITY].concat();
    table(ctx, "PIN blocked", &expected)?;
    ctx.power_cycle()?;
    table(ctx, "PIN blocked, after a power cycle", &expected)?;
    let mut stream = ctx.values.stream("another coin");
    let (entry, transaction) = ctx.coin_at(&mut stream, 20_000, 1)?;
    ctx.enter(&entry, &transaction, 20_000)
        .at("the owner enters a coin while the PIN is blocked")?;
    // Reads, and a new key, are the owner's as before; RESET RETRY COUNTER leads back to issued.
    ctx.expect_limits("while the PIN is blocked")?;
    ctx.read_account()?;
    let owner = crate::keys::keypair(&ctx.values.bytes("new owner"))?;
    ctx.change_owner(owner)?;
    ctx.reset_tries(None)?;
    ctx.verify_right()?;
    ctx.pay_checked(&request_of(50_000)).map(drop)
}
