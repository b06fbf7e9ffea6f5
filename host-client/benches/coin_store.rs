//! What a thousand coins take: the coin image (`docs/protocol.md`, section 6.4) beside the least
//! that such coins can be written in, and beside BDK's SQLite store, in which the owner's primary
//! wallet keeps its transactions.

use std::iter::repeat_n;
use std::sync::Arc;

use bdk_wallet::rusqlite::Connection;
use bdk_wallet::template::Bip86;
use bdk_wallet::{ChangeSet, KeychainKind, Wallet, WalletPersister};
use bitcoin::absolute::LockTime;
use bitcoin::bip32::Xpriv;
use bitcoin::constants::genesis_block;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, Block, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness,
};
use criterion::{BatchSize, Criterion, Throughput};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tempfile::NamedTempFile;
use tillcard_protocol::command::coin_image::{
    Checksum, CoinEncoder, CoinImage, ImageCoin, ImageHeader,
};
use tillcard_protocol::command::{Outpoint, Place};

const COINS: u32 = 1000;

/// When the transactions were seen, or their block was mined.
const TIME: u32 = 1_700_000_000;

/// The least number of bytes in which the coins can be written, on average; the reasons are in
/// `applet/tests/it/image.rs`.
fn floor() -> f64 {
    let amount = 1e4f64.ln().log2() + 1e5f64.log2();
    (256.0 + 1.0 + amount) * f64::from(COINS) / 8.0
}

fn wallet() -> Wallet {
    let key = Xpriv::new_master(Network::Regtest, &[1; 32]).unwrap();
    let mut wallet = Wallet::create(
        Bip86(key, KeychainKind::External),
        Bip86(key, KeychainKind::Internal),
    )
    .network(Network::Regtest)
    .create_wallet_no_persist()
    .unwrap();
    let last = COINS - 1;
    let revealed = wallet.reveal_addresses_to(KeychainKind::External, last);
    assert_eq!(revealed.count(), COINS as usize);
    wallet
}

/// The coins of `applet/tests/it/image.rs`, amount by amount and vout by vout, made by transactions
/// that pay a wallet: each has one input, spent by a key of Taproot, and no output but those up to
/// the coin.
fn transactions(wallet: &Wallet) -> Vec<(u32, Transaction)> {
    let mut rng = ChaCha20Rng::seed_from_u64(80);
    let someone_else = TxOut {
        value: Amount::from_sat(5_000),
        script_pubkey: ScriptBuf::from([&[0x51, 0x20][..], &[7; 32]].concat()),
    };
    (0..COINS)
        .map(|index| {
            let u = f64::from(rng.next_u32()) / f64::from(u32::MAX);
            let amount = 10f64.powf(3.0 + 4.0 * u).round() as u64;
            let vout = rng.next_u32() & 1;
            let address = wallet.peek_address(KeychainKind::External, index);
            let coin = TxOut {
                value: Amount::from_sat(amount),
                script_pubkey: address.script_pubkey(),
            };
            let transaction = Transaction {
                version: Version::TWO,
                lock_time: LockTime::ZERO,
                input: vec![TxIn {
                    previous_output: OutPoint::new(Txid::from_byte_array([0xAB; 32]), index),
                    script_sig: ScriptBuf::new(),
                    sequence: Sequence::MAX,
                    witness: Witness::from_slice(&[[0x55; 64]]),
                }],
                output: repeat_n(someone_else.clone(), vout as usize)
                    .chain([coin])
                    .collect(),
            };
            (vout, transaction)
        })
        .collect()
}

/// The coins in four forms.
struct Coins {
    transactions: Vec<Transaction>,
    image: Vec<ImageCoin>,
    unconfirmed: ChangeSet,
    /// In one block: each further one would take a row more.
    confirmed: ChangeSet,
}

impl Coins {
    fn new() -> Self {
        let (mut unconfirmed, mut confirmed) = (wallet(), wallet());
        let (vouts, transactions): (Vec<u32>, Vec<Transaction>) =
            transactions(&confirmed).into_iter().unzip();
        let seen = transactions
            .iter()
            .map(|transaction| (Arc::new(transaction.clone()), TIME.into()));
        unconfirmed.apply_unconfirmed_txs(seen);
        let mut header = genesis_block(Network::Regtest).header;
        header.prev_blockhash = header.block_hash();
        header.time = TIME;
        let block = Block {
            header,
            txdata: transactions.clone(),
        };
        confirmed.apply_block(&block, 1).unwrap();
        let image = (0..COINS).zip(vouts).zip(&transactions);
        Self {
            image: image
                .map(|((index, vout), transaction)| ImageCoin {
                    outpoint: Outpoint {
                        txid: transaction.compute_txid().to_byte_array(),
                        vout,
                    },
                    amount: transaction.output[vout as usize].value.to_sat(),
                    place: Place::receive(index),
                    unrooted: false,
                    doubtful: false,
                    spent_by: None,
                })
                .collect(),
            transactions,
            unconfirmed: staged(unconfirmed),
            confirmed: staged(confirmed),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let header = ImageHeader {
            next_receive: COINS,
            coins: COINS as u16,
            ..ImageHeader::default()
        };
        let mut image = header.to_bytes().to_vec();
        let mut encoder = CoinEncoder::default();
        for coin in &self.image {
            image.extend(encoder.encode(coin));
        }
        let mut checksum = Checksum::default();
        checksum.update(&image);
        image.extend(checksum.to_bytes());
        image
    }
}

fn decode(image: &[u8]) -> Vec<ImageCoin> {
    CoinImage::parse(image).unwrap().coins().collect()
}

/// All that a new wallet has to write.
fn staged(mut wallet: Wallet) -> ChangeSet {
    assert_eq!(wallet.list_unspent().count(), COINS as usize);
    wallet.take_staged().unwrap()
}

/// A store of BDK's with its tables, in a file of its own.
struct Store {
    database: Connection,
    file: NamedTempFile,
}

impl Store {
    fn new() -> Self {
        let file = NamedTempFile::new().unwrap();
        let mut store = Self {
            database: Connection::open(file.path()).unwrap(),
            file,
        };
        // As the owner's wallet opens it.
        store.execute("PRAGMA locking_mode = EXCLUSIVE");
        store.load();
        store
    }

    fn with(change_set: &ChangeSet) -> Self {
        let mut store = Self::new();
        store.persist(change_set);
        store
    }

    fn execute(&self, sql: &str) {
        self.database.execute_batch(sql).unwrap();
    }

    fn persist(&mut self, change_set: &ChangeSet) {
        Connection::persist(&mut self.database, change_set).unwrap();
    }

    fn load(&mut self) -> ChangeSet {
        Connection::initialize(&mut self.database).unwrap()
    }

    fn bytes(&self) -> f64 {
        self.file.as_file().metadata().unwrap().len() as f64
    }
}

fn print_sizes(coins: &Coins) {
    let unconfirmed = Store::with(&coins.unconfirmed);
    let confirmed = Store::with(&coins.confirmed);
    let grown = confirmed.bytes();
    confirmed.execute("VACUUM");
    let transactions: usize = coins.transactions.iter().map(Transaction::total_size).sum();
    println!("{:44} {:>9} {:>7}", "1,000 coins", "bytes", "a coin");
    for (name, bytes) in [
        ("the floor", floor()),
        ("coin image", coins.encode().len() as f64),
        ("their transactions alone, serialised", transactions as f64),
        ("BDK's store, unconfirmed", unconfirmed.bytes()),
        ("BDK's store, confirmed in one block", grown),
        ("BDK's store, confirmed, after VACUUM", confirmed.bytes()),
    ] {
        println!("{name:44} {bytes:9.0} {:7.2}", bytes / f64::from(COINS));
    }
}

fn main() {
    let coins = Coins::new();
    print_sizes(&coins);

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("1,000 coins");
    group.throughput(Throughput::Elements(COINS.into()));
    group.bench_function("coin image, encode", |bench| bench.iter(|| coins.encode()));
    let image = coins.encode();
    assert_eq!(decode(&image), coins.image);
    group.bench_function("coin image, decode", |bench| bench.iter(|| decode(&image)));
    group.sample_size(20);
    group.bench_function("BDK's store, persist", |bench| {
        bench.iter_batched_ref(
            Store::new,
            |store| store.persist(&coins.confirmed),
            BatchSize::PerIteration,
        );
    });
    let mut store = Store::with(&coins.confirmed);
    assert_eq!(store.load(), coins.confirmed);
    group.bench_function("BDK's store, load", |bench| bench.iter(|| store.load()));
    group.finish();
    criterion.final_summary();
}
