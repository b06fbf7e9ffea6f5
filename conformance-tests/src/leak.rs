//! The leak sweep of `[KEY-3]`: every answer of the run is searched for what must never leave.
//!
//! The suite knows the PIN, the account's public key and its chain code, and a key that it had the
//! card import, and looks for any eight bytes of them in a row, in both byte orders (but not for
//! public key and chain code in what READ ACCOUNT answered to the owner). It doesn't know the other
//! secret keys of the card, but it knows their public keys: each 32 bytes in a row of each answer
//! are tried as a secret key. The card's own two keys and its ephemeral ones are looked for so, too,
//! and of the keys of a channel any eight bytes. Protected answers are searched as they came and
//! decrypted.

use crate::channel::Keys;
use crate::keys::Account;
use crate::model::Pin;
use crate::multiples::{Multiples, SECRET};
use bitcoin::secp256k1::PublicKey;
use k256::Secp256k1;
use p256::NistP256;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

/// How many bytes in a row count as a leak.
const WINDOW: usize = 8;
/// Child keys of each chain whose secrets are looked for, from index 0.
const CHILDREN: u32 = 24;
/// What a window of the account's public key is called.
const PUBLIC_KEY: &str = "part of the account's public key";
/// What a window of its chain code is called.
const CHAIN_CODE: &str = "part of the chain code";
/// Tables of the curve of Bitcoin's keys.
static BITCOIN: LazyLock<Multiples<Secp256k1>> = LazyLock::new(Multiples::new);
/// Tables of the curve of the card's own keys.
static OWN: LazyLock<Multiples<NistP256>> = LazyLock::new(Multiples::new);
/// INS of GET RESPONSE, whose answer continues the one before.
const INS_GET_RESPONSE: u8 = 0xC0;

/// What one card must keep.
#[derive(Clone)]
pub struct Secrets {
    /// What the host knows of the account, once there is one.
    pub account: Option<Account>,
    /// `C`, the card's commitment, when it made its key.
    pub commitment: Option<PublicKey>,
    /// The account's secret key, when the host brought it.
    pub imported: Option<[u8; 32]>,
    /// Every PIN that the card had.
    pub pins: Vec<Pin>,
    /// The public keys of the card's own, compressed points of P-256.
    pub own_keys: Vec<[u8; 33]>,
    /// The keys of its channels.
    pub channels: Vec<Keys>,
}

/// A time of a card's, in which it has secrets that it hadn't before. What it had it must keep on.
struct Life {
    /// How many answers had been seen when it began: those that made the secrets tell of them.
    from: usize,
    secrets: Secrets,
}

/// An answer of a card that has secrets, put together from its parts.
struct Seen {
    card: usize,
    case: String,
    header: Vec<u8>,
    data: Vec<u8>,
    /// READ ACCOUNT, answered to the owner.
    for_the_owner: bool,
}

/// Something found in an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The case in which the answer was given.
    pub case: String,
    /// Which answer and what was in it, without the secret itself.
    pub what: String,
}

/// Collects answers and searches them.
#[derive(Default)]
pub struct Leaks {
    cards: Vec<Vec<Life>>,
    seen: Vec<Seen>,
    /// Bytes that the suite worked out by itself before a card answered them, with the card.
    predicted: Vec<(usize, Vec<u8>)>,
}

impl Leaks {
    /// From here on answers come from another card.
    pub fn next_card(&mut self) {
        self.cards.push(Vec::new());
    }

    /// From here on the card now in use must keep these, and those of before still.
    pub fn guard(&mut self, secrets: Secrets) {
        let from = self.seen.len();
        if let Some(card) = self.cards.last_mut() {
            card.push(Life { from, secrets });
        }
    }

    /// The same of keys of its own, before there is an account.
    pub fn guard_own_keys(&mut self, own_keys: Vec<[u8; 33]>) {
        self.guard(Secrets {
            account: None,
            commitment: None,
            imported: None,
            pins: Vec::new(),
            own_keys,
            channels: Vec::new(),
        });
    }

    fn life(&mut self) -> Option<&mut Secrets> {
        let card = self.cards.last_mut()?;
        card.last_mut().map(|life| &mut life.secrets)
    }

    /// From here on the card now in use must keep this PIN too.
    pub fn guard_pin(&mut self, pin: &Pin) {
        if let Some(card) = self.life() {
            card.pins.push(pin.clone());
        }
    }

    /// From here on the card now in use must keep the keys of a channel, and the secret of its
    /// ephemeral key.
    pub fn guard_channel(&mut self, keys: &Keys, ephemeral: [u8; 33]) {
        if let Some(card) = self.life() {
            card.channels.push(keys.clone());
            card.own_keys.push(ephemeral);
        }
    }

    /// The last answer was READ ACCOUNT's to a command that the owner signed: it may hold the
    /// account's public key and chain code, and nothing else of what is looked for.
    pub fn for_the_owner(&mut self) {
        if let Some(last) = self.seen.last_mut() {
            last.for_the_owner = true;
        }
    }

    /// The card now in use answered what the suite knew it would, to the byte: 32 bytes of that
    /// needn't be tried as a secret key, which takes its time.
    pub fn predicted(&mut self, bytes: Vec<u8>) {
        if let Some(card) = self.cards.len().checked_sub(1) {
            self.predicted.push((card, bytes));
        }
    }

    /// Takes note of an exchange.
    pub fn saw(&mut self, case: &str, command: &[u8], answer: &[u8]) {
        let keeps = self.cards.last().is_some_and(|lives| !lives.is_empty());
        if !keeps || answer.len() <= 2 {
            return;
        }
        let card = self.cards.len() - 1;
        let data = &answer[..answer.len() - 2];
        if command.get(1) == Some(&INS_GET_RESPONSE)
            && let Some(last) = self.seen.last_mut().filter(|last| last.card == card)
        {
            last.data.extend_from_slice(data);
            return;
        }
        self.seen.push(Seen {
            card,
            case: case.to_owned(),
            header: command.iter().take(4).copied().collect(),
            data: data.to_vec(),
            for_the_owner: false,
        });
    }

    /// How many answers there are to search.
    #[must_use]
    pub const fn answers(&self) -> usize {
        self.seen.len()
    }

    /// How many bytes the answers have together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.seen.iter().map(|seen| seen.data.len()).sum()
    }

    /// Searches all answers.
    #[must_use]
    pub fn sweep(&self) -> Vec<Finding> {
        let mut guards: Vec<Guard> = self.cards.iter().map(|lives| Guard::new(lives)).collect();
        for (card, bytes) in &self.predicted {
            let windows = bytes
                .windows(SECRET)
                .filter_map(|window| <[u8; SECRET]>::try_from(window).ok());
            guards[*card].tried.extend(windows);
        }
        let mut findings = Vec::new();
        for (position, seen) in self.seen.iter().enumerate() {
            let lives = &self.cards[seen.card];
            let begun = lives.iter().filter(|life| life.from <= position).count();
            let guard = &mut guards[seen.card];
            if let Some(what) = guard.find(&seen.data, begun, seen.for_the_owner) {
                findings.push(Finding {
                    case: seen.case.clone(),
                    what: format!(
                        "the answer to {} holds {what}",
                        hex::encode_upper(&seen.header)
                    ),
                });
            }
        }
        findings
    }
}

/// What to look for in the answers of one card, each with the number of the life whose secret it
/// is.
struct Guard {
    windows: HashMap<[u8; WINDOW], (usize, &'static str)>,
    public_keys: HashMap<[u8; 32], usize>,
    /// By their x coordinate: the secret of the same point's negative tells as much.
    own_keys: HashMap<[u8; 32], usize>,
    /// What was tried as a secret key, and is none: most answers hold what others held before.
    tried: HashSet<[u8; 32]>,
}

impl Guard {
    fn new(lives: &[Life]) -> Self {
        let mut guard = Self {
            windows: HashMap::new(),
            public_keys: HashMap::new(),
            own_keys: HashMap::new(),
            tried: HashSet::new(),
        };
        // What several lives have belongs to the first.
        for (number, life) in lives.iter().enumerate().rev() {
            guard.add(number, &life.secrets);
        }
        guard
    }

    fn add(&mut self, life: usize, secrets: &Secrets) {
        for (name, bytes) in known_bytes(secrets) {
            // Test keys such as 1 have windows that stand in any answer.
            let telling = |window: &&[u8]| {
                secrets.imported.is_none() || window.iter().collect::<HashSet<_>>().len() > 2
            };
            for window in bytes.windows(WINDOW).filter(telling) {
                let mut window: [u8; WINDOW] = window.try_into().unwrap_or_default();
                self.windows.insert(window, (life, name));
                window.reverse();
                self.windows.insert(window, (life, name));
            }
        }
        let mut public_keys = secrets.account.as_ref().map(known_keys).unwrap_or_default();
        if let Some(commitment) = &secrets.commitment {
            public_keys.insert(commitment.x_only_public_key().0.serialize());
        }
        self.public_keys
            .extend(public_keys.into_iter().map(|key| (key, life)));
        let own_keys = secrets.own_keys.iter();
        self.own_keys.extend(own_keys.map(|[_, x @ ..]| (*x, life)));
    }

    /// What is in an answer of the last of so many lives that it must not hold.
    fn find(&mut self, data: &[u8], begun: usize, for_the_owner: bool) -> Option<&'static str> {
        // What the owner may read is the account of now.
        let allowed = |life: usize, name: &'static str| {
            for_the_owner && life + 1 == begun && [PUBLIC_KEY, CHAIN_CODE].contains(&name)
        };
        let known = data
            .windows(WINDOW)
            .filter_map(|window| <[u8; WINDOW]>::try_from(window).ok())
            .filter_map(|window| self.windows.get(&window).copied())
            .find(|(life, name)| *life < begun && !allowed(*life, name))
            .map(|(_, name)| name);
        known.or_else(|| self.holds_secret(data, begun).then_some("a secret key"))
    }

    /// Whether 32 bytes in a row are a secret key of the first so many lives.
    fn holds_secret(&mut self, data: &[u8], begun: usize) -> bool {
        let window = |at: usize| <[u8; SECRET]>::try_from(&data[at..at + SECRET]).ok();
        let untried: Vec<usize> = (0..(data.len() + 1).saturating_sub(SECRET))
            .filter(|at| window(*at).is_some_and(|window| !self.tried.contains(&window)))
            .collect();
        let mut holds = false;
        for run in runs(&untried) {
            let lives = self.lives_of(&data[run.start..run.end + SECRET - 1]);
            for (at, life) in run.zip(lives) {
                match life {
                    Some(life) => holds |= life < begun,
                    None => self.tried.extend(window(at)),
                }
            }
        }
        holds
    }

    /// The life whose secret key each 32 bytes in a row are, in either byte order.
    fn lives_of(&self, data: &[u8]) -> Vec<Option<usize>> {
        let backwards: Vec<u8> = data.iter().rev().copied().collect();
        let look_up = |keys: &HashMap<[u8; 32], usize>, x: &[u8; 32]| keys.get(x).copied();
        let forwards = BITCOIN.x_coordinates(data).into_iter();
        let backwards = BITCOIN.x_coordinates(&backwards).into_iter().rev();
        let mut lives: Vec<Option<usize>> = forwards
            .zip(backwards)
            .map(|(one, other)| {
                look_up(&self.public_keys, &one).or_else(|| look_up(&self.public_keys, &other))
            })
            .collect();
        if !self.own_keys.is_empty() {
            for (life, x) in lives.iter_mut().zip(OWN.x_coordinates(data)) {
                *life = life.or_else(|| look_up(&self.own_keys, &x));
            }
        }
        lives
    }
}

/// Joins positions, in order, that are closer together than it costs to begin anew.
fn runs(positions: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in positions {
        match runs.last_mut() {
            Some(run) if at - run.end < SECRET => run.end = at + 1,
            _ => runs.push(*at..at + 1),
        }
    }
    runs
}

/// Byte strings of which no part may be answered.
fn known_bytes(secrets: &Secrets) -> Vec<(&'static str, Vec<u8>)> {
    let mut known: Vec<(&'static str, Vec<u8>)> = Vec::new();
    if let Some(account) = &secrets.account {
        known.push((PUBLIC_KEY, account.public_key()[1..].to_vec()));
        known.push((CHAIN_CODE, account.chain_code().to_vec()));
    }
    if let Some(imported) = &secrets.imported {
        known.push(("part of the account's secret key", imported.to_vec()));
    }
    for keys in &secrets.channels {
        for key in [keys.receipt, keys.enc, keys.mac, keys.rmac] {
            known.push(("part of a channel's key", key.to_vec()));
        }
    }
    for pin in &secrets.pins {
        known.push(("the PIN block", pin.block().to_vec()));
        known.push(("the PIN's digits", pin.ascii()));
    }
    known
}

/// The public keys, x-only, of the account, its chains and its first child keys.
fn known_keys(account: &Account) -> HashSet<[u8; 32]> {
    let mut keys = HashSet::from([account.public_key()[1..].try_into().unwrap_or_default()]);
    for chain in [0, 1] {
        if let Ok(key) = account.chain_key(chain) {
            keys.insert(key.public_key.x_only_public_key().0.serialize());
        }
        for index in 0..CHILDREN {
            if let Ok(key) = account.key(chain, index) {
                keys.insert(key.x_only_public_key().0.serialize());
            }
            if let Ok(key) = account.output_key(chain, index) {
                keys.insert(key.serialize());
            }
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::{Leaks, Secrets};
    use crate::keys::{Account, SECP, keypair, p256_public};
    use crate::model::{Leaf, Pin};
    use bitcoin::secp256k1::Scalar;

    const CARD_SHARE: [u8; 32] = [3; 32];
    const HOST_SHARE: [u8; 32] = [5; 32];
    const IDENTITY: [u8; 32] = [9; 32];
    const AGREEMENT: [u8; 32] = [11; 32];

    fn leaks() -> (Leaks, Account, [u8; 32]) {
        let c = keypair(&CARD_SHARE).unwrap();
        let leaf = Leaf::Key(keypair(&[7; 32]).unwrap());
        let account = Account::made(&c.public_key(), &HOST_SHARE, leaf).unwrap();
        let secret = c
            .secret_key()
            .add_tweak(&Scalar::from_be_bytes(HOST_SHARE).unwrap())
            .unwrap();
        assert_eq!(secret.public_key(&SECP).serialize(), account.public_key());
        let mut leaks = Leaks::default();
        leaks.next_card();
        leaks.saw("before", &[0; 5], &account.public_key());
        leaks.guard(Secrets {
            account: Some(account.clone()),
            commitment: Some(c.public_key()),
            imported: None,
            pins: vec![Pin::new(&[1, 2, 3, 4])],
            own_keys: vec![
                p256_public(&IDENTITY).unwrap(),
                p256_public(&AGREEMENT).unwrap(),
            ],
            channels: Vec::new(),
        });
        (leaks, account, secret.secret_bytes())
    }

    fn answer(data: &[u8]) -> Vec<u8> {
        [&[0xAA; 5], data, &[0x90, 0x00]].concat()
    }

    #[test]
    fn each_kind_of_leak_is_found() {
        let (mut leaks, account, secret) = leaks();
        let mut backwards = secret;
        backwards.reverse();
        let mut pin = [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        pin.reverse();
        let leaking: [&[u8]; 9] = [
            &secret,
            &backwards,
            &CARD_SHARE,
            &pin,
            &account.public_key()[10..18],
            &account.chain_code()[3..11],
            &account.public_key(),
            &IDENTITY,
            &AGREEMENT,
        ];
        for data in leaking {
            leaks.saw("leaking", &[0x80, 0x30, 0, 0], &answer(data));
        }
        leaks.saw("clean", &[0x80, 0x30, 0, 0], &answer(&[0x55; 200]));
        let found = leaks.sweep();
        assert_eq!(found.len(), leaking.len(), "{found:?}");
        assert!(found.iter().all(|f| f.case == "leaking"));
    }

    #[test]
    fn the_owner_may_read_the_account_and_nothing_else() {
        let (mut leaks, account, secret) = leaks();
        let record = [&account.public_key()[..], &account.chain_code()].concat();
        leaks.saw("read", &[0x80, 0x50, 0, 0], &answer(&record));
        leaks.for_the_owner();
        assert_eq!(leaks.sweep(), []);
        leaks.saw("read by another", &[0x80, 0x50, 0, 0], &answer(&record));
        let new = Pin::new(&[5, 6, 7, 8]);
        leaks.guard_pin(&new);
        for more in [&secret[..], &new.block()] {
            let data = [&record[..], more].concat();
            leaks.saw("read with more", &[0x80, 0x50, 0, 0], &answer(&data));
            leaks.for_the_owner();
        }
        assert_eq!(leaks.sweep().len(), 3);
    }

    #[test]
    fn a_card_keeps_what_it_had_before_and_its_new_account_is_no_leak_of_the_old() {
        let (mut leaks, old, _) = leaks();
        let c = keypair(&[21; 32]).unwrap();
        let leaf = Leaf::Key(keypair(&[7; 32]).unwrap());
        let account = Account::made(&c.public_key(), &HOST_SHARE, leaf).unwrap();
        leaks.saw("ISSUE", &[0x80, 0x10, 0, 0], &answer(&account.chain_code()));
        leaks.guard(Secrets {
            account: Some(account.clone()),
            commitment: Some(c.public_key()),
            imported: None,
            pins: vec![Pin::new(&[4, 3, 2, 1])],
            own_keys: Vec::new(),
            channels: Vec::new(),
        });
        leaks.saw("read", &[0x80, 0x50, 0, 0], &answer(&account.chain_code()));
        leaks.for_the_owner();
        assert_eq!(leaks.sweep(), []);
        for secret in [&old.chain_code()[..], &IDENTITY, &account.chain_code()] {
            leaks.saw("leaking", &[0x80, 0x50, 0, 0], &answer(secret));
        }
        leaks.saw(
            "read the old",
            &[0x80, 0x50, 0, 0],
            &answer(&old.chain_code()),
        );
        leaks.for_the_owner();
        assert_eq!(leaks.sweep().len(), 4);
    }

    #[test]
    fn keys_of_its_own_are_kept_before_there_is_an_account() {
        let mut leaks = Leaks::default();
        leaks.next_card();
        leaks.guard_own_keys(vec![p256_public(&IDENTITY).unwrap()]);
        leaks.saw("factory", &[0x00, 0x88, 0, 0], &answer(&AGREEMENT));
        assert_eq!(leaks.sweep(), []);
        leaks.saw("factory", &[0x00, 0x88, 0, 0], &answer(&IDENTITY));
        assert_eq!(leaks.sweep().len(), 1);
    }

    #[test]
    fn a_leak_split_over_get_response_is_found() {
        let (mut leaks, _, secret) = leaks();
        leaks.saw(
            "split",
            &[0x80, 0x30, 0, 0],
            &[&secret[..9], &[0x61, 23]].concat(),
        );
        leaks.saw(
            "split",
            &[0x00, 0xC0, 0, 0],
            &[&secret[9..], &[0x90, 0]].concat(),
        );
        assert_eq!(leaks.sweep().len(), 1);
    }
}
