//! Every named test card in a reader: what a PC/SC program sees of it is what `docs/test-cards.md`
//! says.

use std::collections::BTreeMap;
use std::fs;

use tillcard_emu::Reader;
use tillcard_emu::slot::Snapshot;
use tillcard_emu::test_cards::{NAMED_CARDS, Scenario, TestCard, scenario_schema};
use tillcard_protocol::command::{
    Apdu, Pay, PayAgain, PaymentRequest, Preview, Select, Source, Verify,
};
use tillcard_protocol::pin::PinBlock;

use crate::support::pcsc_client::{PcscClient, SHARED};
use tillcard_test_owner::SHOP_SCRIPT;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/test-cards.md");

/// PC/SC's words for "there was no answer" and for "there is no card any more".
const NO_ANSWER: u32 = 0x8010_0016;
const GONE: u32 = 0x8010_0069;

/// Rows of the page's first table: a card's name, what it is, what a client sees.
fn rows() -> BTreeMap<String, (String, String)> {
    let page = fs::read_to_string(PAGE).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, about, seen, _till] = cells[..] else {
            return None;
        };
        let name = name.strip_prefix('`')?.strip_suffix('`')?;
        Some((name.to_owned(), (about.to_owned(), seen.replace('`', ""))))
    });
    rows.collect()
}

fn request() -> PaymentRequest<'static> {
    PaymentRequest {
        amount: 21_000,
        fee_rate: 2_000,
        payee_script: &SHOP_SCRIPT,
        source: Source::Rooted,
        identity: *b"the till's own 1",
        merchant: b"The shop",
        invoice: None,
    }
}

/// A program at a reader, which puts answers together from parts.
struct Program {
    client: PcscClient,
    card: u32,
}

impl Program {
    fn start(reader: &Reader) -> Self {
        let mut client = PcscClient::new(reader.socket_path(), 4);
        let card = client.connect(reader.name(), SHARED).unwrap();
        Self { client, card }
    }

    /// The status word of the answer, or what there is in its place.
    fn ask(&mut self, command: &Apdu) -> String {
        let mut apdu = command.as_bytes().to_vec();
        loop {
            match self.client.transmit(self.card, &apdu) {
                Ok(answer) => match answer.last_chunk() {
                    Some([0x61, left]) => apdu = vec![0x00, 0xC0, 0x00, 0x00, *left],
                    Some([sw1, sw2]) => return format!("{sw1:02X}{sw2:02X}"),
                    None => return "too short".into(),
                },
                Err(NO_ANSWER) => return "no answer".into(),
                Err(GONE) => return "gone".into(),
                Err(code) => panic!("{code:08X}"),
            }
        }
    }
}

/// What a till sees that asks the card to pay 21,000 sat, up to the first answer that isn't 9000; after
/// a PAY of that kind, what the card says to "again only" once it is put in anew.
fn walk(name: &str) -> String {
    let reader = Reader::with_card(name).unwrap();
    let mut program = Program::start(&reader);
    let pin = PinBlock::from_digits(b"271828").unwrap();
    let steps = [
        Select::to_apdu(),
        Verify::to_apdu(&pin),
        Preview::to_apdu(request()).unwrap(),
        Pay::to_apdu(request()).unwrap(),
    ];
    let mut seen = Vec::new();
    for step in &steps {
        seen.push(program.ask(step));
        if seen.last().unwrap() != "9000" {
            break;
        }
    }
    if seen.len() == steps.len() && seen.last().unwrap() != "9000" {
        reader.remove().unwrap();
        reader.insert(name).unwrap();
        let mut program = Program::start(&reader);
        program.ask(&Select::to_apdu());
        program.ask(&Verify::to_apdu(&pin));
        let again = program.ask(&PayAgain::to_apdu(request()).unwrap());
        seen.push(format!("then {again}"));
    }
    seen.join(" ")
}

#[test]
fn a_client_sees_what_the_page_says() {
    let rows = rows();
    let named: Vec<_> = NAMED_CARDS.iter().map(|card| card.name).collect();
    assert_eq!(rows.len(), named.len(), "a row for each card");
    let mut wrong = Vec::new();
    for card in NAMED_CARDS {
        let about = card.scenario().unwrap().about;
        let seen = match card.name {
            // Any bytes at all.
            "garbage" => "random bytes".to_owned(),
            name => walk(name),
        };
        let said = rows.get(card.name).cloned().unwrap_or_default();
        if said != (about.clone(), seen.clone()) {
            wrong.push(format!("| `{}` | {about} | `{seen}` | … |", card.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/test-cards.md is to say:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_same_seed_makes_the_same_card_byte_for_byte() {
    let image = |name: &str, seed: u64| -> Snapshot {
        let mut test = TestCard::named(name, seed).unwrap();
        test.card.snapshot().unwrap()
    };
    for name in ["phantom-change", "cloned-certificates", "revoked"] {
        assert!(image(name, 1) == image(name, 1), "{name}");
        assert!(image(name, 1) != image(name, 2), "{name}");
    }
}

#[test]
fn a_scenario_of_ones_own_is_read_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.toml");
    let text = "about = \"Two coins.\"\npin = \"1234\"\n[[coins]]\namount = 7_000\ncount = 2\n";
    fs::write(&path, text).unwrap();
    let card = TestCard::named(path.to_str().unwrap(), 0).unwrap();
    assert_eq!(card.about.pin.as_deref(), Some("1234"));
    let amounts: Vec<_> = card.about.coins.iter().map(|coin| coin.amount).collect();
    assert_eq!(amounts, [7_000, 7_000]);
    let account = card.about.account.unwrap();
    assert!(
        account.descriptor.starts_with("tr(tpub"),
        "{}",
        account.descriptor
    );
    assert!(account.addresses[0].starts_with("bcrt1p"));
}

#[test]
fn what_is_no_scenario_is_told_with_its_line() {
    for (text, told) in [
        ("", "missing field `about`"),
        ("about = \"\"\ncolour = 1", "line 2"),
        ("about = \"\"\npin = \"12\"", "4 to 12 digits"),
        ("about = \"\"\n[[coins]]\namount = 10", "940D"),
        ("about = \"\"\n[[payments]]\namount = 5000", "9401"),
    ] {
        let error = Scenario::read(text)
            .and_then(|scenario| TestCard::of("mine", &scenario, 0, None))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains(told), "{text}: {error}");
    }
    let unknown = TestCard::named("no-such-card", 0).err().unwrap();
    assert_eq!(unknown.code(), "no-such-test-card");
}

#[test]
fn the_form_of_a_scenario_that_the_documentation_has_is_the_one_that_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenario.schema.json");
    let told = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        told.trim_end(),
        scenario_schema(),
        "tillcard-emu cards --schema > docs/scenario.schema.json"
    );
    // What the reader refuses, the schema does: fields that nobody knows.
    let schema: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], serde_json::json!(["about"]));
    let fields = schema["properties"].as_object().unwrap();
    let whole = serde_json::to_value(NAMED_CARDS[0].scenario().unwrap()).unwrap();
    for field in whole.as_object().unwrap().keys() {
        assert!(fields.contains_key(field), "{field}");
    }
}
