//! The worked examples of `docs/protocol.md`, section 13, byte for byte: the
//! card answers as the text says, and what the text says is what rust-bitcoin
//! and libsecp256k1 make of the keys that it names.
//!
//! `TILLCARD_WRITE_EXAMPLES=1 cargo test -p tillcard-applet --test examples`
//! writes the bytes into the text; the words around them are written by hand.

mod oracle;

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, TapTweak};
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Address, Network, ScriptBuf, Transaction};
use oracle::card::{Reader, SELECT, apdu, objects, send};
use oracle::channel::{Client, open_apdu};
use oracle::model::{Model, announcement};
use oracle::owner::{Unsigned, funding};
use oracle::payment::{Request, Written};
use oracle::random::Random;
use oracle::wallet::{CardKeys, Leaf, Limits, Wallet, tagged_hash};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_core::{TryCryptoRng, TryRng};
use std::cell::Cell;
use std::convert::Infallible;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use tillcard_applet::{Card, Configuration, Response};
use tillcard_runtime::nvm::RamNvm;

const TEXT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");
/// Bytes in a line.
const LINE: usize = 32;

/// Whose random numbers are known: after the test at power-up, which no constant
/// passes, the first consists of bytes `01`, the second of bytes `02`, and so on.
struct Counted {
    test: ChaCha20Rng,
    drawn: Rc<Cell<u8>>,
}

impl TryRng for Counted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if bytes.len() == 512 {
            self.test.fill_bytes(bytes);
            return Ok(());
        }
        self.drawn.set(self.drawn.get() + 1);
        bytes.fill(self.drawn.get());
        Ok(())
    }
}

impl TryCryptoRng for Counted {}

type ExampleCard = Card<RamNvm, Counted>;

impl Reader for ExampleCard {
    fn transmit(&mut self, apdu: &[u8]) -> Vec<u8> {
        let mut response = Response::new();
        Card::transmit(self, apdu, &mut response);
        response.to_vec()
    }

    fn reset(&mut self) {
        Card::reset(self);
    }
}

fn fresh(drawn: Rc<Cell<u8>>) -> ExampleCard {
    drawn.set(0);
    let test = ChaCha20Rng::seed_from_u64(0);
    Card::new(
        RamNvm::default(),
        Counted { test, drawn },
        Configuration::ANY_NETWORK,
    )
}

/// What goes to and fro in one example, in the text's form.
struct Example {
    title: &'static str,
    text: String,
}

/// A card, and the examples that it has been used for.
struct Session {
    card: ExampleCard,
    /// The random number that it drew last.
    drawn: Rc<Cell<u8>>,
    examples: Vec<Example>,
}

impl Session {
    fn begin(&mut self, title: &'static str) {
        self.examples.push(Example {
            title,
            text: String::new(),
        });
    }

    fn text(&mut self) -> &mut String {
        &mut self.examples.last_mut().unwrap().text
    }

    /// One command and its response.
    fn exchange(&mut self, command: &[u8]) -> Vec<u8> {
        let before = self.drawn.get();
        let response = Reader::transmit(&mut self.card, command);
        say(self.text(), ">", command);
        self.say_draws(before);
        say(self.text(), "<", &response);
        let (answer, status) = response.split_last_chunk::<2>().unwrap();
        assert!(matches!(
            status,
            [0x90, 0x00] | [0x61, _] | [0x63, _] | [0x69, _] | [0x6A, _] | [0x94, _]
        ));
        answer.to_vec()
    }

    /// One command inside a channel; its plain answer.
    fn protected(&mut self, client: &mut Client, header: [u8; 4], data: &[u8]) -> Vec<u8> {
        say(self.text(), "plain >", &apdu(header, data, true));
        let command = client.protect(header, data);
        let before = self.drawn.get();
        let (answer, status) = send(&mut self.card, &command);
        say(self.text(), ">", &command);
        self.say_draws(before);
        let mut left = &answer[..];
        while left.len() > 256 {
            let (part, rest) = left.split_at(256);
            let more = rest.len() as u8;
            say(self.text(), "<", &[part, &[0x61, more]].concat());
            say(self.text(), ">", &[0x00, 0xC0, 0x00, 0x00, more]);
            left = rest;
        }
        let status_word = status.to_be_bytes();
        say(self.text(), "<", &[left, &status_word].concat());
        let plain = client.unprotect(&answer, status).expect("the MAC is right");
        say(self.text(), "plain <", &[&plain[..], &status_word].concat());
        plain
    }

    /// An owner command inside a channel.
    fn protected_owner(
        &mut self,
        client: &mut Client,
        wallet: &Wallet,
        header: [u8; 4],
        body: &[u8],
    ) -> Vec<u8> {
        let challenge = self.protected(client, [0x00, 0x84, 0, 0], &[]);
        let command = wallet.signed(&client.session(), &challenge, header, body);
        let data = &command[5..command.len() - 1];
        self.protected(client, header, data)
    }

    fn say_draws(&mut self, before: u8) {
        let draws = self.drawn.get();
        if draws > before {
            let numbers: Vec<String> = (before + 1..=draws).map(|n| format!("{n:02X}")).collect();
            writeln!(self.text(), "draws {}", numbers.join(", ")).unwrap();
        }
    }

    fn reset(&mut self) {
        self.text().push_str("reset\n");
        self.card.reset();
    }

    /// Another card, as the manufacturer made it.
    fn fresh(&mut self) {
        self.text().push_str("factory\n");
        self.card = fresh(self.drawn.clone());
    }

    fn owner(&mut self, wallet: &Wallet, header: [u8; 4], body: &[u8]) -> Vec<u8> {
        let challenge = self.exchange(&[0x00, 0x84, 0x00, 0x00, 0x10]);
        self.exchange(&wallet.signed(&[0], &challenge, header, body))
    }
}

fn say(text: &mut String, direction: &str, bytes: &[u8]) {
    let indented = " ".repeat(direction.len());
    for (i, line) in bytes.chunks(LINE).enumerate() {
        let mark = if i == 0 { direction } else { &indented };
        let line: Vec<String> = line.iter().map(|byte| format!("{byte:02X}")).collect();
        writeln!(text, "{mark} {}", line.join(" ")).unwrap();
    }
}

const LIMITS: Limits = Limits {
    per_payment: 100_000,
    cumulative: 300_000,
    payments: 20,
    fee_cap: 5_000,
    least_fee_rate: 1_000,
    highest_fee_rate: 50_000,
    least_coin: 1_000,
    without_pin_amount: 0,
    without_pin_payments: 0,
};

/// BIP86's test vector: the account `m/86'/0'/0'` of the words "abandon abandon
/// … about".
fn account() -> Xpriv {
    let seed = "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1\
                9a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4";
    let root = Xpriv::new_master(Network::Bitcoin, &hex::decode(seed).unwrap()).unwrap();
    let path: DerivationPath = "86h/0h/0h".parse().unwrap();
    root.derive_priv(&Secp256k1::new(), &path).unwrap()
}

fn issue_data(key: &[u8], leaf: &[u8; 35]) -> Vec<u8> {
    let secp = Secp256k1::new();
    let owner = secret(0x11).x_only_public_key(&secp).0;
    objects(&[
        (0x80, &[3]),
        (0x81, key),
        (0x82, &owner.serialize()),
        (0x83, leaf),
        (0x84, &[0x26, 0x27, 0x18, 0x28, 0xFF, 0xFF, 0xFF, 0xFF]),
        (0x85, &LIMITS.to_bytes()),
        (0x86, &[3]),
    ])
}

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

/// All examples, one after another, on the cards that they are told of.
fn examples() -> Vec<Example> {
    let secp = Secp256k1::new();
    let drawn = Rc::new(Cell::new(0));
    let card = fresh(drawn.clone());
    let mut session = Session {
        card,
        drawn,
        examples: Vec::new(),
    };

    session.begin("A card in the factory state");
    session.exchange(SELECT);
    session.exchange(&apdu([0x00, 0xCA, 0x01, 0x00], &[], true));
    session.exchange(&apdu([0x00, 0xCA, 0x01, 0x01], &[], true));

    session.begin("Issuing with a made key");
    let primary = secret(0x22).x_only_public_key(&secp).0.serialize();
    let mut leaf = [0; 35];
    leaf[0] = 1;
    leaf[3..].copy_from_slice(&primary);
    let answer = session.exchange(&apdu([0x00, 0x46, 0, 0], &[], true));
    // The first number that this card draws is its share.
    let share = secret(1);
    assert_eq!(answer[5..], share.public_key(&secp).serialize());
    let data = issue_data(&[0x33; 32], &leaf);
    let answer = session.exchange(&apdu([0x80, 0x10, 0, 0], &data, true));
    let made = share.add_tweak(&secret(0x33).into()).unwrap();
    assert_eq!(answer[2..35], made.public_key(&secp).serialize());

    session.begin("Issuing with an imported key");
    session.fresh();
    session.exchange(SELECT);
    let account = account();
    let key = [&account.private_key[..], account.chain_code.as_bytes()].concat();
    let data = issue_data(&key, &[0; 35]);
    let answer = session.exchange(&apdu([0x80, 0x10, 1, 0], &data, true));
    assert_eq!(
        answer[2..35],
        account.private_key.public_key(&secp).serialize()
    );
    let public = Xpub::from_priv(&secp, &account);
    let owner = Keypair::from_secret_key(&secp, &secret(0x11));
    let nobody = owner.x_only_public_key().0;
    let card_keys = CardKeys {
        identity: answer[71..104].to_vec(),
        agreement: answer[106..139].to_vec(),
    };
    let imported = Some(account.private_key);
    let wallet =
        Wallet::known(owner, 3, public, Leaf::None, &nobody, imported).with_card_keys(card_keys);

    session.begin("The PIN, and where to send coins");
    session.exchange(&[0x00, 0x20, 0x00, 0x80]);
    let wrong = [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    session.exchange(&apdu([0x00, 0x20, 0x00, 0x80], &wrong, false));
    let verify = apdu([0x00, 0x20, 0x00, 0x80], &wallet.pin, false);
    session.exchange(&verify);
    let answer = session.exchange(&apdu([0x80, 0x20, 0, 0], &[], true));
    let script = ScriptBuf::from(answer[8..].to_vec());
    let address = Address::from_script(&script, Network::Bitcoin)
        .unwrap()
        .to_string();
    // BIP86's own.
    assert_eq!(
        address,
        "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
    );
    let model = &mut Model::new(&wallet, LIMITS);
    model.policy = 3;
    model.verify(&wallet.pin);
    assert_eq!(model.receive_script(), Ok(answer));

    session.begin("A coin enters");
    let (transaction, outpoint) = funding(&mut Random::new(1), &script, 100_000);
    session.owner(
        &wallet,
        [0x80, 0x22, 0, 0],
        &announcement(&outpoint, (0, 0)),
    );
    session.exchange(&apdu([0x80, 0x22, 1, 0], &serialize(&transaction), true));
    let output = (100_000, &script);
    assert_eq!(
        model.complete_entry(outpoint, (0, 0), false, output),
        0x9000
    );

    session.begin("A payment");
    session.exchange(&verify);
    model.verify(&wallet.pin);
    let request = Request {
        amount: 25_000,
        rate: 2_000,
        payee: ScriptBuf::from([&[0x00, 0x14][..], &[0x44; 20]].concat()),
        unrooted: false,
        identity: [0x55; 16],
        merchant: b"Dairy".to_vec(),
        invoice: Vec::new(),
    };
    let answer = session.exchange(&apdu([0x80, 0x32, 0, 0], &request.data(), true));
    assert_eq!(model.preview(&request), Ok(answer));
    let paid = session.exchange(&apdu([0x80, 0x30, 0, 0], &request.data(), true));
    let written = model.pay(&request).unwrap();
    check_exactly(&written, &paid, &[(0, 0)], session.drawn.get());

    session.begin("The same payment again");
    session.reset();
    session.exchange(SELECT);
    let again = session.exchange(&apdu([0x80, 0x30, 0, 0], &request.data(), true));
    assert_eq!(model.pay(&request).unwrap(), written);
    check_exactly(&written, &again, &[(0, 0)], session.drawn.get());

    session.begin("A channel");
    let ephemeral = p256::SecretKey::from_slice(&[0x44; 32]).unwrap();
    let opened = session.exchange(&open_apdu(&ephemeral));
    let agreement_key = wallet.card_keys.agreement.clone();
    let mut client = Client::agreed(&ephemeral, &agreement_key, &opened).expect("the receipt");
    let client = &mut client;
    session.protected(client, [0x00, 0x20, 0x00, 0x80], &[]);
    let challenge = [0x77; 32];
    let proof = session.protected(client, [0x00, 0x88, 0, 0], &challenge);
    let salt = &proof[2..18];
    let digest = tagged_hash(
        "Tillcard/genuine",
        &[&[0, 4], &client.session(), &challenge, salt],
    );
    assert!(wallet.is_signed_by_identity(&digest, &proof[20..]));
    session.protected(client, [0x80, 0x30, 0, 1], &request.data());

    session.begin("A payment in the channel, and a statement");
    session.protected(client, [0x00, 0x20, 0x00, 0x80], &wallet.pin);
    model.verify(&wallet.pin);
    let second = Request {
        identity: [0x56; 16],
        amount: 10_000,
        ..request.clone()
    };
    let paid = session.protected(client, [0x80, 0x30, 0, 0], &second.data());
    let written = model.pay(&second).unwrap();
    check_exactly(&written, &paid, &[(1, 0)], session.drawn.get());
    let txid = written.transaction.compute_txid();
    let spent = model.statement(&txid).unwrap();
    let nonce = [0x88; 32];
    let ask = objects(&[(0x80, &nonce), (0x81, &txid.to_byte_array())]);
    let statement = session.protected(client, [0x80, 0x54, 0, 0], &ask);
    wallet.check_statement(&client.session(), &nonce, &txid, &spent, &statement);

    session.begin("What ends a channel");
    let number = objects(&[(0x80, &1u32.to_be_bytes())]);
    let answer = session.protected_owner(client, &wallet, [0x80, 0x42, 0, 0], &number);
    assert_eq!(model.read_log(1), Ok(answer));
    session.exchange(&[0x00, 0x84, 0x00, 0x00, 0x10]);
    session.exchange(&client.protect([0x00, 0x84, 0, 0], &[]));

    session.begin("What the owner reads");
    let number = objects(&[(0x80, &0u32.to_be_bytes())]);
    let answer = session.owner(&wallet, [0x80, 0x42, 0, 0], &number);
    assert_eq!(model.read_log(0), Ok(answer));
    let image = session.owner(&wallet, [0x80, 0x48, 0, 0], &[]);
    assert_eq!(oracle::model::read_image(&image), Some(model.image()));
    session.exchange(&apdu([0x80, 0x48, 1, 0], &[], true));

    session.begin("The owner has a transaction signed");
    let change = model
        .coins
        .iter()
        .find(|coin| coin.spent.is_none())
        .unwrap();
    let unsigned = Unsigned {
        version: 2,
        lock_time: 0,
        inputs: vec![(change.outpoint, 0xFFFF_FFFD, change.amount, change.place)],
        outputs: vec![
            (
                50_000,
                Err(ScriptBuf::from([&[0x00, 0x14][..], &[0x66; 20]].concat())),
            ),
            (change.amount - 50_300, Ok((1, 2))),
        ],
    };
    let stream = unsigned.stream();
    session.owner(&wallet, [0x80, 0x40, 0, 0], &unsigned.body(&stream));
    let answer = session.exchange(&apdu([0x80, 0x40, 1, 0], &stream, true));
    assert_eq!(answer, unsigned.summary());
    let signature = session.exchange(&apdu([0x80, 0x40, 2, 0], &[], true));
    let expected = signature_with(&unsigned.written(&wallet), 0, (1, 1), session.drawn.get());
    assert_eq!(signature, expected);

    session.begin("What the owner mends");
    session.owner(&wallet, [0x80, 0x4E, 0, 0], &[]);
    let block = [0x24, 0x31, 0x41, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    session.owner(&wallet, [0x00, 0x2C, 2, 0x80], &objects(&[(0x84, &block)]));
    let new = Keypair::from_secret_key(&secp, &secret(0x77));
    let challenge = session.exchange(&[0x00, 0x84, 0x00, 0x00, 0x10]);
    let body = change_key_body(&wallet, &new, &challenge);
    session.exchange(&wallet.signed(&[0], &challenge, [0x80, 0x4C, 0, 0], &body));
    let wallet = Wallet::known(new, 3, public, Leaf::None, &nobody, None);
    let mut answer = session.owner(&wallet, [0x80, 0x50, 0, 0], &[]);
    answer.extend(session.exchange(&[0x00, 0xC0, 0x00, 0x00, 0x2C]));
    let new_key = objects(&[(0x88, &new.x_only_public_key().0.serialize())]);
    assert!(
        answer
            .windows(new_key.len())
            .any(|object| object == new_key)
    );

    session.begin("The owner gives the card away");
    session.owner(&wallet, [0x80, 0x56, 0, 0], &[]);
    session.exchange(&apdu([0x00, 0xCA, 0x01, 0x00], &[], true));

    session.begin("What the manufacturer does");
    session.fresh();
    session.exchange(SELECT);
    session.exchange(&apdu([0x00, 0x46, 0, 1], &[], true));
    for (p2, der) in [
        (0x00, [0x30, 0x01, 0x0B]),
        (0x10, [0x30, 0x01, 0x1D]),
        (0x20, [0x30, 0x01, 0x2A]),
    ] {
        session.exchange(&apdu([0x00, 0xDA, 0x02, p2], &der, false));
    }
    session.exchange(&[0x00, 0xDA, 0x02, 0xFF]);
    let reference = [0xA6, 0x04, 0x83, 0x02, 0x13, 0x01];
    session.exchange(&apdu([0x00, 0xCA, 0xBF, 0x21], &reference, true));

    session.examples
}

/// CHANGE OWNER KEY's body for this challenge.
fn change_key_body(wallet: &Wallet, new: &Keypair, challenge: &[u8]) -> Vec<u8> {
    let new_key = new.x_only_public_key().0.serialize();
    let id = wallet.card_id();
    let message = tagged_hash(
        "Tillcard/owner-key",
        &[&[3], &id, &[0], challenge, &new_key],
    );
    let proof = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(message), new);
    objects(&[(0x80, &new_key), (0x81, &proof.serialize())])
}

/// Checks a payment to the last byte of its signatures, of inputs at these
/// places, with auxiliary randomness of these bytes.
fn check_exactly(written: &Written, bytes: &[u8], places: &[(u32, u32)], drawn: u8) {
    let signed: Transaction = deserialize(bytes).unwrap();
    let mut expected = written.transaction.clone();
    for (input, place) in places.iter().enumerate() {
        let signature = signature_with(written, input, *place, drawn);
        expected.input[input].witness.push(signature);
    }
    assert_eq!(signed, expected);
}

/// BIP340's signature with auxiliary randomness of this byte, by libsecp256k1.
fn signature_with(written: &Written, input: usize, (chain, index): (u32, u32), aux: u8) -> Vec<u8> {
    let secp = Secp256k1::new();
    let path = [chain, index].map(|i| ChildNumber::from_normal_idx(i).unwrap());
    let child = account().derive_priv(&secp, &path).unwrap();
    let pair = Keypair::from_secret_key(&secp, &child.private_key);
    let pair = pair.tap_tweak(&secp, None).to_keypair();
    let sighash = SighashCache::new(&written.transaction)
        .taproot_key_spend_signature_hash(
            input,
            &Prevouts::All(&written.spent),
            TapSighashType::Default,
        )
        .unwrap();
    let signature = secp.sign_schnorr_with_aux_rand(&Message::from(sighash), &pair, &[aux; 32]);
    signature.serialize().to_vec()
}

#[test]
fn the_text_says_what_the_card_answers() {
    let write = std::env::var_os("TILLCARD_WRITE_EXAMPLES").is_some();
    let mut text = fs::read_to_string(Path::new(TEXT)).unwrap();
    let chapter = text.find("\n## 13. Worked examples\n").expect("section 13");
    let mut from = chapter;
    let examples = examples();
    for (number, example) in examples.iter().enumerate() {
        let heading = format!("\n### 13.{} {}\n", number + 1, example.title);
        let at = text[from..]
            .find(&heading)
            .unwrap_or_else(|| panic!("no {heading:?}"));
        let begin = "\n```text\n";
        let start = from + at + text[from + at..].find(begin).expect("a block") + begin.len();
        let end = start + text[start..].find("```\n").expect("its end");
        if write {
            text.replace_range(start..end, &example.text);
        }
        let end = start + text[start..].find("```\n").expect("its end");
        assert_eq!(text[start..end], example.text, "{}", example.title);
        from = end;
    }
    // And no example that isn't looked at.
    assert_eq!(text[chapter..].matches("\n### 13.").count(), examples.len());
    if write {
        fs::write(TEXT, text).unwrap();
    }
}
