//! With everything logged, a payment's log holds no PIN, no key and no words; and the types that hold
//! these can't be shown.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;

use bip39::Mnemonic;
use bitcoin::Network;
use bitcoin::bip32::{ChildNumber, Xpriv};
use bitcoin::secp256k1::Secp256k1;
use tillcard::owner::{Authority, Words};
use tillcard::owner::{BACKUP_KEY, ImportedKey, LEAF_KEY, LeafKey, OWNER_KEY, OwnerKey, PURPOSE};
use tillcard::scan::Secrets;
use tillcard_client::account::AccountKey;
use tillcard_client::card::PinBlock;
use tracing_subscriber::filter::LevelFilter;

use crate::embedded::Embedded;
use crate::till_support::{PIN, Scene};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The owner's secrets: words, seed, master key, and the keys of his first card.
fn secrets(words: &Words) -> Secrets {
    let mut secrets = Secrets::default();
    let phrase = words.phrase();
    let all: Vec<&str> = phrase.split(' ').collect();
    for row in all.windows(2) {
        secrets.add_text("words", &row.join(" "));
    }
    let mnemonic: Mnemonic = phrase.parse().expect("words");
    let seed = mnemonic.to_seed("");
    secrets.add_bytes("seed", &seed);
    let master = Xpriv::new_master(Network::Regtest, &seed).expect("a key");
    secrets.add_bytes("master key", &master.private_key.secret_bytes());
    for kind in [LEAF_KEY, OWNER_KEY, BACKUP_KEY] {
        let path =
            [PURPOSE, 1, 0, kind].map(|step| ChildNumber::from_hardened_idx(step).expect("a step"));
        let key = master.derive_priv(&Secp256k1::new(), &path).expect("a key");
        secrets.add_bytes("card's key", &key.private_key.secret_bytes());
    }
    secrets
}

#[test]
fn a_payment_with_everything_logged_tells_no_secret() {
    let regtest = Embedded::start();
    let log = Log::default();
    let writer = log.clone();
    // Global, since one of a thread misses what another thread's test logged first; of this thread's
    // lines alone, so that it is the log of this payment.
    let this = thread::current().id();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || match thread::current().id() == this {
            true => writer.clone(),
            false => Log::default(),
        })
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("nobody else logs here");
    let mut scene = Scene::with_coin(&regtest, 60_000);
    scene.pay(&["999999", PIN]).settled();
    let secrets = secrets(&scene.someone.words);

    let bytes = log.0.lock().expect("the log").clone();
    let text = String::from_utf8_lossy(&bytes);
    // It is the log of that payment.
    for word in [
        "VERIFY",
        "PAY",
        "waiting-for-pin",
        "settled",
        "sendrawtransaction",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let findings = secrets.search(&bytes, |at| format!("byte {at}"));
    assert_eq!(findings, []);
    let pin = PinBlock::from_digits(PIN.as_bytes()).expect("a PIN");
    let block = pin.as_bytes();
    let forms = [
        hex::encode(block),
        hex::encode_upper(block),
        format!("{block:?}"),
        format!("{block:02x?}"),
        format!("{block:02X?}"),
    ];
    for form in forms {
        assert!(!text.contains(&form), "{form}");
    }
    // Digits in a row of others, as in a txid, are no PIN.
    let numbers = text.split(|character: char| !character.is_ascii_alphanumeric());
    for number in numbers {
        assert!(number != PIN && number != "999999", "{number}");
    }
    // The search finds what is there.
    let mut witness = Secrets::default();
    witness.add_text("event", "waiting-for-pin");
    assert!(!witness.search(&bytes, |at| at.to_string()).is_empty());
}

/// Whether a type has `Debug`, or `Display`: a method of its own beats one of a trait that all have.
struct Shown<T>(std::marker::PhantomData<T>);

trait NotShown {
    const DEBUG: bool = false;
    const DISPLAY: bool = false;
}

impl<T> NotShown for Shown<T> {}

#[allow(dead_code)]
impl<T: std::fmt::Debug> Shown<T> {
    const DEBUG: bool = true;
}

#[allow(dead_code)]
impl<T: std::fmt::Display> Shown<T> {
    const DISPLAY: bool = true;
}

#[test]
fn what_holds_a_secret_cannot_be_shown() {
    macro_rules! hidden {
        ($($secret:ty),+) => { $(
            assert!(!<Shown<$secret>>::DEBUG, "{} has Debug", stringify!($secret));
            assert!(!<Shown<$secret>>::DISPLAY, "{} has Display", stringify!($secret));
        )+ };
    }
    const {
        assert!(
            <Shown<u8>>::DEBUG && <Shown<u8>>::DISPLAY,
            "it sees what can be shown"
        );
    }
    hidden!(
        PinBlock,
        AccountKey,
        ImportedKey,
        OwnerKey,
        LeafKey,
        Authority,
        Words,
        Secrets,
        tillcard::chain::Auth
    );
}
