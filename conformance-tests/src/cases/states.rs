//! The table of states: section 10.

use super::prelude::*;
use super::samples;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-STA-01",
        version: 2,
        purpose: "On a factory card every command answers as the table says; GENERATE ASYMMETRIC \
                  KEY PAIR works, and what needs an issued card is refused with 6985.",
        requirements: &[req::STA_1, req::PIN_7, req::OWN_1, req::RCV_2, req::PAY_1],
        start: Start::Factory,
        level: Level::D0,
        defect: "A command that works before there are keys or a PIN; a default PIN.",
        run: factory,
    },
    Case {
        id: "TC-STA-02",
        version: 2,
        purpose: "On an issued card every command answers as the table says, without and with the \
                  holder's authorisation.",
        requirements: &[req::STA_1, req::KEY_2, req::RCV_2, req::PAY_1, req::OWN_2],
        start: Start::Issued,
        level: Level::D1,
        defect: "A command that forgets to ask for the PIN; a card that can be issued twice.",
        run: issued,
    },
    Case {
        id: "TC-STA-03",
        version: 3,
        purpose: "With the PIN blocked every command answers as the table says, before and after \
                  a power cycle; the owner's commands still work, and RESET RETRY COUNTER leads \
                  back to the issued state.",
        requirements: &[req::STA_1, req::PIN_3, req::PIN_4, req::PIN_9],
        start: Start::Own,
        level: Level::D3,
        defect: "A blocked card that still previews, or that locks its owner out too.",
        run: blocked,
    },
];

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
fn table(b: &mut Bench, state: &str, expected: &[(&str, Sw)]) -> Outcome {
    let has_certificates = b.card.chains()?.is_some();
    for sample in samples::declared(b)? {
        let sw = expected
            .iter()
            .filter(|(name, _)| !(has_certificates && *name == samples::CERTIFICATES))
            .find(|(name, _)| *name == sample.name)
            .map_or(Sw::OK, |(_, sw)| *sw);
        let answer = b.card.send(&sample.command)?;
        answer.want(sw, sample.name).at(|| state.to_owned())?;
    }
    if b.card
        .host()?
        .capabilities
        .needs(Capability::Channel)
        .is_ok()
    {
        b.open_channel().at(|| state.to_owned())?;
        b.card.expect_channel(state)?;
    }
    b.card
        .plain(&Command::new([0x00, 0xA4, 0x04, 0x0C]).data(crate::card::AID))?
        .want_bare(Sw::OK, "SELECT")
        .at(|| state.to_owned())?;
    b.card.expect_no_channel(state)
}

fn factory(b: &mut Bench) -> Outcome {
    b.card.select()?;
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
    if b.card.chains()?.is_some() {
        // Its maker gave it keys, and ended the personalisation.
        expected.retain(|(name, _)| *name != "INTERNAL AUTHENTICATE");
    } else {
        expected.push((samples::CERTIFICATES, Sw::NOT_FOUND));
    }
    // GENERATE comes before ISSUE among the samples, so a SELECT must come between.
    // Personalisation has its own cases: it can't be undone.
    let changing = [samples::GENERATE_OWN, samples::PUT_DATA];
    let samples = samples::declared(b)?;
    for sample in (samples.iter()).filter(|sample| !changing.contains(&sample.name)) {
        b.card.select()?;
        let sw = expected
            .iter()
            .find(|(name, _)| *name == sample.name)
            .map_or(Sw::OK, |(_, sw)| *sw);
        b.card
            .send(&sample.command)?
            .want(sw, sample.name)
            .at(|| "factory".to_owned())?;
    }
    for digits in [
        &[0; 4][..],
        &[1, 2, 3, 4],
        &[0; 6],
        &[1, 2, 3, 4, 5, 6],
        &[0; 12],
    ] {
        b.card.verify(&Pin::new(digits).block())?.want_bare(
            Sw::CONDITIONS,
            "VERIFY with a default PIN on a factory card",
        )?;
    }
    require!(
        b.card.status()? == Status::Factory,
        "the card says that it was issued"
    );
    Ok(())
}

fn issued(b: &mut Bench) -> Outcome {
    let expected = [
        ("GENERATE", Sw::CONDITIONS),
        ("ISSUE", Sw::CONDITIONS),
        ("VERIFY", Sw::tries(2)),
        ("VERIFY without data", Sw::tries(2)),
    ];
    table(b, "issued", &[&expected[..], WITHOUT_AUTHORITY].concat())?;
    b.card.authorise()?;
    b.card
        .receive_script_answer()?
        .want(Sw::OK, "RECEIVE SCRIPT, authorised")?;
    b.card
        .report_answer(&[7; 32], 0)?
        .want_bare(Sw::CONDITIONS, "REPORT ABSENT without an offer, authorised")?;
    b.card
        .ancestor_answer(&[7; 32])?
        .want_bare(Sw::CONDITIONS, "GET ANCESTOR without an offer, authorised")?;
    b.card
        .preview_answer(&request(10_000))?
        .want_bare(Sw::INSUFFICIENT, "PREVIEW without coins, authorised")?;
    b.card.authorise()?;
    b.card
        .pay_answer(&request(10_000))?
        .want_bare(Sw::INSUFFICIENT, "PAY without coins, authorised")?;
    b.card.authorise()?;
    b.card
        .generate_answer()?
        .want_bare(Sw::CONDITIONS, "GENERATE, authorised")?;
    let field = b.profile()?.encode();
    b.card
        .issue_answer(&field)?
        .want_bare(Sw::CONDITIONS, "ISSUE, authorised")
}

fn blocked(b: &mut Bench) -> Outcome {
    b.issue_and_fund(&[100_000])?;
    for left in [2, 1, 0] {
        b.card.verify_wrong(left).preamble()?;
    }
    let expected = [
        ("GENERATE", Sw::CONDITIONS),
        ("ISSUE", Sw::CONDITIONS),
        ("VERIFY", Sw::BLOCKED),
        ("VERIFY without data", Sw::BLOCKED),
    ];
    let expected = [&expected[..], WITHOUT_AUTHORITY].concat();
    table(b, "PIN blocked", &expected)?;
    b.card.power_cycle()?;
    table(b, "PIN blocked, after a power cycle", &expected)?;
    let mut stream = b.values.stream("another coin");
    let (entry, transaction) = b.card.coin_at(&mut stream, 20_000, 1)?;
    b.card
        .enter(&entry, &transaction, 20_000)
        .at(|| "the owner enters a coin while the PIN is blocked".to_owned())?;
    // Reads, and a new key, are the owner's as before; RESET RETRY COUNTER leads back to issued.
    b.card.expect_limits("while the PIN is blocked")?;
    b.card.read_account()?;
    let owner = crate::keys::keypair(&b.values.bytes("new owner"))?;
    b.card.change_owner(owner)?;
    b.card.reset_tries(None)?;
    b.card.verify_right()?;
    b.card.pay_checked(&request(50_000)).map(drop)
}
