//! Nothing that must stay in the card leaves it. This knows account key, chain
//! code, child keys, identity key and PIN, and searches every answer given after
//! ISSUE for any eight bytes of them in a row, in both byte orders. The owner alone
//! is told the account's public key and chain code, by READ ACCOUNT.

use crate::sequences::{Met, sequence};
use bitcoin::bip32::{ChildNumber, Fingerprint, Xpriv};
use bitcoin::key::{Keypair, TapTweak};
use std::collections::HashMap;
use tillcard_applet::persistent::Persistent;
use tillcard_testkit::card::{Reader, SELECT, TestCard, apdu, fresh, send};
use tillcard_testkit::oracle::random::Random;
use tillcard_testkit::oracle::wallet::{Leaf, Limits, Profile, Wallet};

/// Bytes in a row that are a leak.
const WINDOW: usize = 8;
/// Child keys of each chain that are looked for.
const CHILDREN: u32 = 32;

/// READ ACCOUNT and the length of a signature.
const READ_ACCOUNT: [u8; 5] = [0x80, 0x50, 0x00, 0x00, 0x42];
const TOLD_TO_THE_OWNER: [&str; 2] = ["account public key", "chain code"];

/// A card whose answers are searched.
struct Watched {
    card: TestCard,
    /// What each window is of.
    secrets: HashMap<[u8; WINDOW], &'static str>,
    /// What the answers are on their way, to show that a leak is found.
    alter: Alter,
    known: Known,
    /// The answer so far, when it comes in parts.
    answer: Vec<u8>,
    /// Whether it is READ ACCOUNT's, with a signature.
    is_account: bool,
    searched: u64,
    found: Vec<String>,
}

/// What becomes of the response to a command.
type Alter = fn(&[u8], &Known, &mut Vec<u8>);

/// What a leaking card leaks.
struct Known {
    chain_code: [u8; 32],
}

impl Watched {
    fn new(card: TestCard, wallet: &Wallet) -> Self {
        let chain_code = wallet.account().chain_code.to_bytes();
        let mut watched = Self {
            secrets: HashMap::new(),
            alter: |_, _, _| {},
            known: Known { chain_code },
            answer: Vec::new(),
            is_account: false,
            searched: 0,
            found: Vec::new(),
            card,
        };
        let mut persistent = Persistent::open(watched.card.nvm().clone());
        let identity = persistent.identity().unwrap();
        let secret = persistent.account_secret(&identity).unwrap();
        let secret = secret.to_bytes();
        watched.keep("account key", &*secret);
        watched.keep("chain code", &chain_code);
        watched.keep(
            "account public key",
            &wallet.account().public_key.serialize()[1..],
        );
        let card_keys = persistent.card_keys().unwrap().unwrap().to_bytes();
        watched.keep("identity key", &card_keys[..32]);
        watched.keep("agreement key", &card_keys[32..]);
        watched.keep("PIN", &wallet.pin);
        watched.keep("PIN", b"00271828");
        let secret = bitcoin::secp256k1::SecretKey::from_slice(&*secret).unwrap();
        if let Some(imported) = wallet.secret {
            assert_eq!(imported, secret);
        }
        let account = Xpriv {
            network: wallet.account().network,
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::from_normal_idx(0).unwrap(),
            private_key: secret,
            chain_code: wallet.account().chain_code,
        };
        for chain in 0..2 {
            for index in 0..CHILDREN {
                let path = [chain, index].map(|i| ChildNumber::from_normal_idx(i).unwrap());
                let child = account.derive_priv(&wallet.secp, &path).unwrap();
                watched.keep("child key", &child.private_key[..]);
                watched.keep("child chain code", child.chain_code.as_bytes());
                let pair = Keypair::from_secret_key(&wallet.secp, &child.private_key);
                // As it would be without a leaf; with one, it isn't used so.
                let tweaked = pair.tap_tweak(&wallet.secp, None).to_keypair();
                watched.keep("output key", &tweaked.secret_bytes());
            }
        }
        watched
    }

    fn keep(&mut self, what: &'static str, secret: &[u8]) {
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        for order in [secret, &reversed] {
            for window in order.array_windows_of() {
                self.secrets.insert(window, what);
            }
        }
    }

    fn search(&mut self) {
        self.searched += self.answer.len() as u64;
        for window in self.answer.array_windows_of() {
            if let Some(what) = self.secrets.get(&window)
                && !(self.is_account && TOLD_TO_THE_OWNER.contains(what))
            {
                self.found.push(format!(
                    "{what} in an answer of {} bytes",
                    self.answer.len()
                ));
            }
        }
    }
}

/// Windows of bytes, as arrays.
trait Windows {
    fn array_windows_of(&self) -> impl Iterator<Item = [u8; WINDOW]>;
}

impl Windows for [u8] {
    fn array_windows_of(&self) -> impl Iterator<Item = [u8; WINDOW]> {
        self.windows(WINDOW)
            .map(|window| window.try_into().unwrap())
    }
}

impl Reader for Watched {
    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        let mut response = Reader::transmit(&mut self.card, command);
        (self.alter)(command, &self.known, &mut response);
        // What GET RESPONSE gives belongs to what came before.
        if !command.starts_with(&[0x00, 0xC0]) {
            self.answer.clear();
            self.is_account = command.starts_with(&READ_ACCOUNT);
        }
        self.answer
            .extend_from_slice(&response[..response.len() - 2]);
        if response[response.len() - 2] != 0x61 && !self.answer.is_empty() {
            self.search();
        }
        response
    }

    fn reset(&mut self) {
        self.answer.clear();
        Reader::reset(&mut self.card);
    }
}

#[test]
fn sessions_of_every_kind() {
    let mut searched = 0;
    let mut met = Met::new();
    for seed in 2000..2200 {
        let watched = sequence(seed, &mut met, Watched::new);
        assert_eq!(watched.found, [""; 0], "seed {seed}");
        searched += watched.searched;
    }
    println!("{searched} bytes searched");
    assert!(searched > 200_000);
}

/// All classes with all instructions, then all parameters of the instructions
/// that there are; with the PIN entered, and with a data field and without one.
#[test]
fn all_headers() {
    let mut watched = issued();
    let verify = apdu(
        [0x00, 0x20, 0x00, 0x80],
        &[0x26, 0x27, 0x18, 0x28, 255, 255, 255, 255],
        false,
    );
    let mut accepted = Vec::new();
    for class in 0..=255 {
        for instruction in 0..=255 {
            let mut known = false;
            for command in forms([class, instruction, 0, 0]) {
                if is_verify_with_data(&command) {
                    continue;
                }
                assert_eq!(send(&mut watched, &verify).1, 0x9000);
                let (_, status) = send(&mut watched, &command);
                known |= !matches!(status, 0x6D00 | 0x6E00 | 0x6881 | 0x6882 | 0x6884);
            }
            if known {
                accepted.push([class, instruction]);
            }
        }
    }
    println!("accepted: {accepted:02X?}");
    // Sections 2 to 8 of the protocol have so many instructions.
    // Those of a channel answer `6982`, all of them.
    let protected = |[class, _]: &[u8; 2]| class & 4 != 0;
    assert_eq!(accepted.iter().filter(|code| protected(code)).count(), 512);
    accepted.retain(|code| !protected(code));
    assert_eq!(accepted.len(), 31);
    for [class, instruction] in accepted {
        for p1 in 0..=255 {
            assert_eq!(send(&mut watched, SELECT).1, 0x9000);
            assert_eq!(send(&mut watched, &verify).1, 0x9000);
            for p2 in 0..=255 {
                for command in forms([class, instruction, p1, p2]) {
                    if !is_verify_with_data(&command) {
                        send(&mut watched, &command);
                    }
                }
            }
        }
    }
    println!("{} bytes searched", watched.searched);
    assert_eq!(watched.found, [""; 0]);
}

#[test]
fn a_card_that_leaks_is_caught() {
    let leaks: [Alter; 3] = [
        // Eight bytes of the chain code, in one answer.
        |command, known, response| {
            if command.starts_with(&[0x00, 0xCA, 0x01, 0x01]) {
                response.splice(4..4, known.chain_code[5..13].iter().copied());
            }
        },
        // Backwards.
        |command, known, response| {
            if command.starts_with(&[0x00, 0x84]) {
                let backwards: Vec<u8> = known.chain_code[24..].iter().rev().copied().collect();
                response.splice(0..8, backwards);
            }
        },
        // Behind a header that the protocol doesn't know.
        |command, known, response| {
            if command.starts_with(&[0x80, 0xEE]) {
                response.splice(0..0, known.chain_code[..8].iter().copied());
            }
        },
    ];
    let commands = [
        apdu([0x00, 0xCA, 0x01, 0x01], &[], true),
        apdu([0x00, 0x84, 0x00, 0x00], &[], true),
        apdu([0x80, 0xEE, 0x00, 0x00], &[], true),
    ];
    for leak in leaks {
        let mut watched = issued();
        watched.alter = leak;
        for command in &commands {
            send(&mut watched, command);
        }
        assert_eq!(watched.found.len(), 1, "{:?}", watched.found);
        assert!(watched.found[0].starts_with("chain code"));
    }
}

fn issued() -> Watched {
    let mut card = fresh(1);
    let limits = Limits::WIDE;
    let profile = Profile {
        network: 3,
        imported: true,
        leaf: Leaf::None,
        limits,
        policy: 3,
    };
    let wallet = Wallet::issue(&mut card, &mut Random::new(1), &profile);
    Watched::new(card, &wallet)
}

/// Without data, with an answer asked for; with eight bytes of data.
fn forms(header: [u8; 4]) -> [Vec<u8>; 2] {
    [apdu(header, &[], true), apdu(header, &[0; 8], true)]
}

/// It would use up the tries.
fn is_verify_with_data(command: &[u8]) -> bool {
    command.starts_with(&[0x00, 0x20, 0x00, 0x80]) && command.len() > 5
}
