//! Memories that cards of older versions wrote, kept as files: this version must
//! find in them what they held (`[NVM-4]`), and refuse what it can't use.
//!
//! Each `golden/NAME.nvm` is a memory up to its last byte that isn't erased, and
//! `golden/NAME.txt` is what a host learns of it. Those of a version are made
//! once, by `TILLCARD_MAKE_GOLDEN=1 cargo test -p tillcard-applet --test it golden`,
//! and never again.

use bitcoin::Transaction;
use bitcoin::consensus::deserialize;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fs;
use std::path::{Path, PathBuf};
use tillcard_applet::{Card, Configuration};
use tillcard_runtime::nvm::{NVM_SIZE, RamNvm};
use tillcard_testkit::card::{Reader, SELECT, TestCard, apdu, fresh, objects, send};
use tillcard_testkit::channel::{Client, open_apdu};
use tillcard_testkit::oracle::model::Model;
use tillcard_testkit::oracle::owner::enter;
use tillcard_testkit::oracle::payment::{self, Request, outpoint_bytes};
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{CardKeys, Leaf, Limits, Profile, Wallet, tagged_hash};

/// The images of version 0.1.
const V0_1: [&str; 5] = [
    "0.1-factory",
    "0.1-issued",
    "0.1-funded",
    "0.1-paid",
    "0.1-old",
];

const LIMITS: Limits = Limits {
    per_payment: 500_000,
    cumulative: 2_000_000,
    payments: 40,
    fee_cap: 50_000,
    least_fee_rate: 100,
    highest_fee_rate: 100_000,
    least_coin: 1_000,
    without_pin_amount: 5_000,
    without_pin_payments: 2,
};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn image(name: &str) -> RamNvm {
    let file = path(&format!("{name}.nvm"));
    let written = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut bytes = [0xFF; NVM_SIZE];
    bytes[..written.len()].copy_from_slice(&written);
    RamNvm::from_bytes(bytes)
}

/// A card on a memory, selected.
fn card(nvm: RamNvm) -> TestCard {
    let mut card = Card::new(
        nvm,
        ChaCha20Rng::seed_from_u64(1),
        Configuration::ANY_NETWORK,
    );
    assert_eq!(send(&mut card, SELECT).1, 0x9000);
    card
}

/// The owner of all these cards, and one of them as it was issued. Its account
/// key is imported, so that no card's random numbers are in what is expected.
fn issued() -> (TestCard, Wallet, Random) {
    let mut card = fresh(10);
    let mut random = Random::new(10);
    let profile = Profile {
        network: 3,
        imported: true,
        leaf: Leaf::Delayed(144),
        limits: LIMITS,
        policy: 1,
    };
    let wallet = Wallet::issue(&mut card, &mut random, &profile);
    (card, wallet, random)
}

fn request(random: &mut Random, amount: u64) -> Request {
    payment::request(random, amount, 1_000)
}

/// All that a host can learn of a card, in lines.
fn learn(nvm: RamNvm, wallet: &Wallet) -> String {
    let mut card = card(nvm);
    let mut lines = Vec::new();
    let mut say = |what: &str, (answer, status): (Vec<u8>, u16)| {
        lines.push(format!("{what}: {status:04X} {}", hex::encode(answer)));
        status
    };
    say(
        "status",
        send(&mut card, &apdu([0x00, 0xCA, 0x01, 0x00], &[], true)),
    );
    let verify = apdu([0x00, 0x20, 0x00, 0x80], &wallet.pin, false);
    say("PIN", send(&mut card, &verify));
    say(
        "receive script",
        send(&mut card, &apdu([0x80, 0x20, 0, 0], &[], true)),
    );
    if send(&mut card, &apdu([0x00, 0x84, 0, 0], &[], true)).1 != 0x9000 {
        return lines.join("\n") + "\n";
    }
    let mut image = wallet.command(&mut card, [0x80, 0x48, 0, 0], &[]);
    loop {
        let (part, status) = send(&mut card, &apdu([0x80, 0x48, 1, 0], &[], true));
        assert_eq!(status, 0x9000);
        if part.is_empty() {
            break;
        }
        image.0.extend(part);
    }
    say("coin image", image);
    for number in 0..64u32 {
        let body = objects(&[(0x80, &number.to_be_bytes())]);
        let logged = wallet.command(&mut card, [0x80, 0x42, 0, 0], &body);
        if say(&format!("payment {number}"), logged) != 0x9000 {
            break;
        }
    }
    // A payment that says which coins it would take, and what limits there are.
    let mut random = Random::new(11);
    for amount in [30_000, 600_000] {
        assert_eq!(send(&mut card, &verify).1, 0x9000);
        let preview = apdu(
            [0x80, 0x32, 0, 0],
            &request(&mut random, amount).data(),
            true,
        );
        say(&format!("preview of {amount}"), send(&mut card, &preview));
    }
    lines.join("\n") + "\n"
}

/// Pays, in all the ways that leave something behind.
fn pay(card: &mut TestCard, wallet: &Wallet, random: &mut Random) -> Vec<Request> {
    let verify = apdu([0x00, 0x20, 0x00, 0x80], &wallet.pin, false);
    let mut requests = Vec::new();
    for amount in [40_000, 4_000, 250_000, 3_000] {
        let request = request(random, amount);
        if amount > 5_000 {
            assert_eq!(send(card, &verify).1, 0x9000);
        }
        assert_eq!(
            send(card, &apdu([0x80, 0x30, 0, 0], &request.data(), true)).1,
            0x9000
        );
        requests.push(request);
    }
    // One is given again, one cancelled; a coin becomes doubtful; a try is lost.
    let again = apdu([0x80, 0x30, 0, 0], &requests[0].data(), true);
    assert_eq!(send(card, &again).1, 0x9000);
    let last = objects(&[(0x80, &3u32.to_be_bytes())]);
    assert_eq!(wallet.command(card, [0x80, 0x4A, 0, 0], &last).1, 0x9000);
    assert_eq!(send(card, &verify).1, 0x9000);
    let preview = apdu([0x80, 0x32, 0, 0], &request(random, 1_000).data(), true);
    let (answer, status) = send(card, &preview);
    assert_eq!(status, 0x9000);
    let report = objects(&[(0x80, &answer[answer.len() - 36..])]);
    assert_eq!(
        send(card, &apdu([0x80, 0x34, 0, 0], &report, false)).1,
        0x9000
    );
    let wrong = apdu([0x00, 0x20, 0x00, 0x80], &[0; 8], false);
    assert_eq!(send(card, &wrong).1, 0x63C2);
    requests
}

fn make() {
    fs::create_dir_all(path("")).unwrap();
    let keep = |name: &str, card: &TestCard, wallet: &Wallet| {
        let bytes = card.nvm().as_bytes();
        let end = bytes
            .iter()
            .rposition(|byte| *byte != 0xFF)
            .map_or(0, |at| at + 1);
        fs::write(path(&format!("{name}.nvm")), &bytes[..end]).unwrap();
        fs::write(
            path(&format!("{name}.txt")),
            learn(card.nvm().clone(), wallet),
        )
        .unwrap();
    };
    let (mut card, wallet, mut random) = issued();
    keep(V0_1[0], &fresh(10), &wallet);
    keep(V0_1[1], &card, &wallet);
    let model = &mut Model::new(&wallet, LIMITS);
    for (index, amount) in [100_000, 90_000, 80_000, 70_000, 60_000]
        .into_iter()
        .enumerate()
    {
        enter(&mut card, model, &mut random, (0, 2 * index as u32), amount);
    }
    keep(V0_1[2], &card, &wallet);
    pay(&mut card, &wallet, &mut random);
    keep(V0_1[3], &card, &wallet);
    // Used for so long that the journal went round, and copied what stood.
    let verify = apdu([0x00, 0x20, 0x00, 0x80], &wallet.pin, false);
    for _ in 0..2_500 {
        assert_eq!(send(&mut card, &verify).1, 0x9000);
    }
    keep(V0_1[4], &card, &wallet);
}

#[test]
fn images_of_0_1_hold_what_they_held() {
    if std::env::var_os("TILLCARD_MAKE_GOLDEN").is_some() {
        make();
    }
    let (_, wallet, _) = issued();
    for name in V0_1 {
        let expected = fs::read_to_string(path(&format!("{name}.txt"))).unwrap();
        assert_eq!(learn(image(name), &wallet), expected, "{name}");
    }
}

/// What a till that lost the answer asks for stays the same over versions.
#[test]
fn a_payment_of_0_1_is_given_again() {
    let (mut issued, wallet, mut random) = issued();
    let model = &mut Model::new(&wallet, LIMITS);
    for (index, amount) in [100_000, 90_000, 80_000, 70_000, 60_000]
        .into_iter()
        .enumerate()
    {
        enter(
            &mut issued,
            model,
            &mut random,
            (0, 2 * index as u32),
            amount,
        );
    }
    let first = request(&mut random, 40_000);
    for name in &V0_1[3..] {
        let mut card = card(image(name));
        let again = apdu([0x80, 0x30, 0, 0], &first.data(), true);
        let (answer, status) = send(&mut card, &again);
        assert_eq!(status, 0x9000, "{name}");
        let transaction: Transaction = deserialize(&answer).unwrap();
        let coin = model.coins.iter().max_by_key(|coin| coin.amount).unwrap();
        assert_eq!(transaction.input.len(), 1);
        assert_eq!(transaction.input[0].previous_output, coin.outpoint);
        let txid = outpoint_bytes(&bitcoin::OutPoint::new(transaction.compute_txid(), 0));
        let learnt = fs::read_to_string(path(&format!("{name}.txt"))).unwrap();
        assert!(learnt.contains(&hex::encode(&txid[..32])), "{name}");
    }
}

/// A card of 0.1 has no key that opens channels until its owner reads the account;
/// the key that signs stays.
#[test]
fn a_card_of_0_1_gets_its_agreement_key() {
    let (_, mut wallet, _) = issued();
    for name in &V0_1[1..] {
        let mut card = card(image(name));
        let ephemeral = p256::SecretKey::from_slice(&[9; 32]).unwrap();
        assert_eq!(send(&mut card, &open_apdu(&ephemeral)).1, 0x6985);
        let read = |card: &mut TestCard, wallet: &Wallet| {
            let (answer, status) = wallet.command(card, [0x80, 0x50, 0, 0], &[]);
            assert_eq!(status, 0x9000);
            CardKeys {
                identity: answer[71..104].to_vec(),
                agreement: answer[106..139].to_vec(),
            }
        };
        let keys = read(&mut card, &wallet);
        Reader::reset(&mut card);
        assert_eq!(send(&mut card, SELECT).1, 0x9000);
        let again = read(&mut card, &wallet);
        assert_eq!(again.identity, keys.identity);
        assert_eq!(again.agreement, keys.agreement);
        wallet = wallet.with_card_keys(keys);
        let mut client = Client::open(&mut card, &ephemeral, &wallet.card_keys.agreement);
        let challenge = [7; 32];
        let (proof, status) = client.send(&mut card, [0x00, 0x88, 0, 0], &challenge);
        assert_eq!(status, 0x9000);
        let digest = tagged_hash(
            "Tillcard/genuine",
            &[&[0, 4], &client.session(), &challenge, &proof[2..18]],
        );
        assert!(wallet.is_signed_by_identity(&digest, &proof[20..]));
    }
}

/// What a card says of a memory that it can't use, and that it says no more.
fn refuses(nvm: RamNvm, state: u8) {
    let mut card = card(nvm.clone());
    let status = send(&mut card, &apdu([0x00, 0xCA, 0x01, 0x00], &[], true));
    assert_eq!(status, (vec![0x80, 0x01, state], 0x9000));
    let capabilities = send(&mut card, &apdu([0x00, 0xCA, 0x01, 0x01], &[], true));
    assert_eq!(capabilities.1, 0x9000);
    for command in [
        apdu([0x00, 0x46, 0, 0], &[], true),
        apdu(
            [0x00, 0x20, 0x00, 0x80],
            &[0x26, 0x27, 0x18, 0x28, 255, 255, 255, 255],
            false,
        ),
        apdu([0x00, 0x84, 0, 0], &[], true),
        apdu([0x80, 0x20, 0, 0], &[], true),
    ] {
        assert_eq!(send(&mut card, &command), (Vec::new(), 0x6581));
    }
    // And nothing was written.
    assert_eq!(card.nvm().as_bytes(), nvm.as_bytes());
}

#[test]
fn an_image_of_0_0_is_another_version_s() {
    refuses(image("0.0-funded"), 0x7E);
}

#[test]
fn a_damaged_image_is_refused() {
    let good = *image(V0_1[2]).as_bytes();
    for at in [40, 100, 300] {
        let mut damaged = good;
        damaged[at] ^= 0x10;
        refuses(RamNvm::from_bytes(damaged), 0x7F);
    }
}
