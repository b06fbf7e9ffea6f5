//! The story itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{Address, Amount, Network, OutPoint, ScriptBuf, Transaction, Txid, Witness};
use serde_json::json;

use super::emulator::Emulator;
use super::failure::{DemoError, expect};
use super::loot::{self, CardSecrets};
use super::narrator::Narrator;
use super::stage::Stage;
use super::till::{Asking, Ended, TillProcess};
use crate::card::{self, IssueOrder, PinBlock};
use crate::chain::regtest::{RegtestChain, RegtestServer};
use crate::chain::{Chain, FeeRate, OutputState};
use crate::owner::{Limits, NewCard, Owner, SweepOptions, WordCount, Words};
use crate::scan::{Secrets, Snapshot, search_folder};
use crate::text::{grouped, sat};
use crate::transport::{Readers, Transport, TransportError};

/// The price of a carton of milk.
const MILK: Amount = Amount::from_sat(21_000);
/// What the card is filled with.
const TOP_UP: Amount = Amount::from_sat(100_000);
/// What the owner allows shops.
const LIMITS: Limits = Limits {
    per_payment: Amount::from_sat(50_000),
    cumulative: Amount::from_sat(500_000),
    fee_cap: Amount::from_sat(5_000),
    highest_fee_rate: FeeRate::from_sat_per_kvb(50_000),
};
const FEE_RATE: FeeRate = FeeRate::from_sat_per_kvb(2_000);
/// Blocks after which the shop hands out the milk.
const CONFIRMATIONS: u32 = 2;
/// Blocks after which newly mined coins can be spent.
const MATURITY: u32 = 100;
/// Digits of the PINs: enough that a scan can't find one by chance.
const PIN_DIGITS: usize = 12;
/// Time within which the PC/SC service notices a card: it looks about twice a second, and may be
/// busy.
const NOTICE: Duration = Duration::from_secs(5);

/// Plays all of it.
pub(super) fn play(stage: &Stage, narrator: &mut Narrator) -> Result<(), DemoError> {
    let mut play = Play::prepare(stage, narrator)?;
    narrator.heading("At home");
    let (mut home, emulator) = play.at_home(narrator)?;
    narrator.heading("In the shop");
    let bought = play.buy_milk(narrator, emulator.reader())?;
    let emulator_memory = emulator.memory()?;
    play.take_out(emulator)?;
    narrator.heading("The till is robbed");
    play.rob_the_till(narrator, &home, &bought, &emulator_memory)?;
    narrator.heading("The card is lost");
    play.block(narrator, &mut home)?;
    play.decline(narrator)?;
    narrator.fact(
        "apdus",
        json!({"host": play.host_apdus, "card": play.card_apdus}),
    );
    expect(
        play.host_apdus == play.card_apdus,
        format!(
            "the host sent {} APDUs, and the card answered {}",
            play.host_apdus, play.card_apdus
        ),
    )
}

struct Play<'a> {
    stage: &'a Stage,
    readers: Readers,
    chain: Arc<RegtestChain>,
    server: RegtestServer,
    /// Where the card lives while it isn't in the reader.
    store: PathBuf,
    pin: String,
    wrong_pin: String,
    shop: Address,
    host_apdus: u64,
    card_apdus: u64,
}

/// What is at home: not where the till is.
struct Home {
    owner: Owner,
    words: Words,
    card: u32,
}

/// What the shop has after the milk was paid for.
struct Bought {
    txid: Txid,
    /// The till's memory while it waited for the chain, after the PIN was used.
    till_memory: Snapshot,
    till_output: Vec<u8>,
}

impl<'a> Play<'a> {
    fn prepare(stage: &'a Stage, narrator: &mut Narrator) -> Result<Self, DemoError> {
        let readers = Readers::establish(None)?;
        let (chain, server) = narrator.step("chain", "A private chain", || {
            let chain = Arc::new(RegtestChain::open(&stage.folder("chain"))?);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let server = RegtestServer::start(Arc::clone(&chain), address)?;
            let text = format!(
                "A private chain: Bitcoin Core's own validation, on {}",
                server.address()
            );
            Ok(((chain, server), text))
        })?;
        Ok(Self {
            stage,
            readers,
            chain,
            server,
            store: stage.folder("card"),
            pin: random_pin()?,
            wrong_pin: random_pin()?,
            shop: shop_address(),
            host_apdus: 0,
            card_apdus: 0,
        })
    }

    /// A new owner issues a card and fills it.
    fn at_home(&mut self, narrator: &mut Narrator) -> Result<(Home, Emulator), DemoError> {
        let chain = Arc::clone(&self.chain);
        let (mut owner, words) = narrator.step("new-owner", "A new owner", || {
            let words = Words::generate(WordCount::Twelve)?;
            let folder = self.stage.folder("owner");
            let mut owner = Owner::create(&folder, Network::Regtest, &words, &*chain)?;
            self.mine(1, &owner.next_address()?.script_pubkey())?;
            self.mine(MATURITY, &nobody())?;
            owner.sync(&*chain, &mut |_, _| ())?;
            let text = format!(
                "A new owner: 12 words on paper, {} in the wallet",
                sat(owner.balance().confirmed)
            );
            Ok(((owner, words), text))
        })?;

        let emulator = self.insert(narrator, "card-inserted", "A fresh card is put in")?;
        let number = owner.next_card_number()?;
        let session = narrator.step("issued", "The card is issued", || {
            let transport = self.readers.wait_for_card(Some(NOTICE))?;
            let atr = hex::encode_upper(transport.atr());
            let session = card::open(transport)?.factory()?;
            let pin = PinBlock::from_digits(self.pin.as_bytes())
                .ok_or_else(|| DemoError::new("a PIN that is none"))?;
            let order = IssueOrder {
                network: Network::Regtest,
                owner_key: owner.owner_key(number)?.public(),
                leaf_key: owner.leaf_key(number)?,
                pin: &pin,
                limits: card::Limits::from(&LIMITS),
            };
            let (account, session) = session.issue(&order).map_err(|failed| failed.error)?;
            let new_card = NewCard {
                number,
                label: "milk money".into(),
                account,
                limits: LIMITS,
                backup_on_chain: true,
            };
            owner.add_card(new_card, &*chain)?;
            let text = format!(
                "Issued: key made on the card with our share; {} a payment",
                sat(LIMITS.per_payment)
            );
            Ok(((session, atr), text))
        });
        let (session, atr) = session?;
        narrator.fact("reader", emulator.reader());
        narrator.fact("atr", atr);

        narrator.step("top-up", "The card is topped up", || {
            let top_up = owner.top_up(&*chain, number, TOP_UP, FEE_RATE)?;
            self.mine(1, &nobody())?;
            let authority = (
                owner.owner_key(number)?,
                owner.card(number)?.account.card_id(),
            );
            let mut session = session.as_owner(&authority);
            let amount = session.enter_coin(&top_up.transaction, top_up.vout, top_up.index)?;
            expect(amount == TOP_UP, "the card read another amount")?;
            owner.mark_entered(number, &top_up.txid())?;
            self.host_apdus += session.close()?;
            let text = format!(
                "Topped up: {} in a block, and the card has checked it",
                sat(amount)
            );
            Ok(((), text))
        })?;
        let home = Home {
            owner,
            words,
            card: number,
        };
        Ok((home, emulator))
    }

    /// A wrong PIN, the right one, a forger, two blocks.
    fn buy_milk(&mut self, narrator: &mut Narrator, reader: &str) -> Result<Bought, DemoError> {
        let mut till = narrator.step("asked", "The till asks", || {
            let mut till = TillProcess::start(self.stage, &self.asking(reader, MILK))?;
            till.wait_for("card")?;
            till.wait_for("waiting-for-pin")?;
            let text = format!("The till finds the card and asks {} for milk", sat(MILK));
            Ok((till, text))
        })?;
        narrator.step("wrong-pin", "A wrong PIN", || {
            till.type_pin(&self.wrong_pin)?;
            let told = till.wait_for("wrong-pin")?;
            expect(told.tries_left == Some(2), "a wrong PIN uses up one try")?;
            till.wait_for("waiting-for-pin")?;
            Ok(((), "A wrong PIN: refused, 2 tries left".into()))
        })?;
        let txid = narrator.step("right-pin", "The right PIN", || {
            till.type_pin(&self.pin)?;
            till.wait_for("signing")?;
            let told = till.wait_for("broadcast")?;
            let txid = told
                .txid
                .ok_or_else(|| DemoError::new("a payment without a txid"))?;
            Ok((
                txid,
                "The right PIN: the card writes the payment and signs it".into(),
            ))
        })?;
        let payment = self
            .chain
            .mempool_transaction(&txid)?
            .ok_or_else(|| DemoError::new("the payment isn't in the mempool"))?;
        self.forge(narrator, &payment)?;
        narrator.step("confirmed", "The first block", || {
            let block = self.chain.assemble_block(&nobody(), vec![payment.clone()]);
            self.chain.submit_block(&block)?;
            let told = till.wait_for("confirmed")?;
            expect(told.confirmations == Some(1), "one block, one confirmation")?;
            Ok((
                (),
                "The same block with the card's own signature: valid, confirmed (1)".into(),
            ))
        })?;
        let till_memory = till.memory()?;
        let ended = narrator.step("settled", "The second block", || {
            self.mine(1, &nobody())?;
            till.wait_for("settled")?;
            let ended = till.settled()?;
            let text = format!("Settled: {CONFIRMATIONS} blocks, and the milk is the holder's");
            Ok((ended, text))
        })?;
        self.check_paid(&payment)?;
        narrator.fact("txid", txid.to_string());
        let Ended { apdus, said } = ended;
        self.host_apdus += apdus;
        Ok(Bought {
            txid,
            till_memory,
            till_output: said,
        })
    }

    /// One bit of the signature flipped, and Core must say no.
    fn forge(&self, narrator: &mut Narrator, payment: &Transaction) -> Result<(), DemoError> {
        narrator.step("forgery-refused", "A forged signature", || {
            let forged = with_flipped_bit(payment)?;
            let block = self.chain.assemble_block(&nobody(), vec![forged]);
            let before = self.chain.tip()?;
            match self.chain.submit_block(&block) {
                Ok(()) => Err(DemoError::new("Bitcoin Core took a forged signature")),
                Err(rejected) => {
                    expect(self.chain.tip()? == before, "a refused block moved the tip")?;
                    let text = format!(
                        "A block with one bit of that flipped: refused ({})",
                        rejected.reason
                    );
                    Ok(((), text))
                }
            }
        })
    }

    fn check_paid(&self, payment: &Transaction) -> Result<(), DemoError> {
        let paid = payment.output.iter().position(|output| {
            output.value == MILK && output.script_pubkey == self.shop.script_pubkey()
        });
        let vout = paid.ok_or_else(|| DemoError::new("the shop wasn't paid"))?;
        let outpoint = OutPoint::new(payment.compute_txid(), u32::try_from(vout)?);
        let state = self.chain.output(&outpoint)?;
        expect(
            matches!(
                state,
                OutputState::Unspent {
                    confirmations: CONFIRMATIONS,
                    ..
                }
            ),
            "the shop's coin isn't on the chain",
        )
    }

    /// The till's files, output and memory are searched for what would be worth stealing; the same
    /// search finds it where it belongs.
    fn rob_the_till(
        &self,
        narrator: &mut Narrator,
        home: &Home,
        bought: &Bought,
        emulator_memory: &Snapshot,
    ) -> Result<(), DemoError> {
        let card = narrator.step("scanner-finds-keys", "The scanner is tried", || {
            let card = CardSecrets::read(&self.store, &self.pin, &self.wrong_pin)?;
            for (place, findings) in [
                ("the card's memory", card.find_at_home()),
                (
                    "the emulator's process",
                    emulator_memory.search(&card.secrets),
                ),
            ] {
                for (secret, form) in [("account key", "raw"), ("PIN", "BCD")] {
                    let found = findings
                        .iter()
                        .any(|finding| finding.secret == secret && finding.form == form);
                    expect(
                        found,
                        format!("the scanner doesn't find the {secret} in {place}, where it is"),
                    )?;
                }
            }
            let text = "The scanner finds account key and PIN where they are: in the card";
            Ok((card, text.into()))
        })?;
        let report = narrator.step("till-searched", "The till is searched", || {
            let mut secrets = card.secrets;
            loot::add_wallet(&mut secrets, &home.words)?;
            let files = search_folder(&self.till_folder(), &secrets)?;
            let mut findings = files.findings;
            findings.extend(secrets.search(&bought.till_output, |offset| {
                format!("the till's output at byte {offset}")
            }));
            findings.extend(bought.till_memory.search(&secrets));
            if let Some(finding) = findings.first() {
                return Err(DemoError::new(format!(
                    "the {} ({}) is in the till: {}",
                    finding.secret, finding.form, finding.place
                )));
            }
            // The memory that was read is that of the till that took the payment.
            let mut witness = Secrets::default();
            witness.add_bytes("txid", bought.txid.as_byte_array());
            expect(
                !bought.till_memory.search(&witness).is_empty(),
                "the till's memory doesn't even hold the payment",
            )?;
            expect(files.files > 0, "the till has written nothing down")?;
            let report = json!({
                "forms": secrets.forms(),
                "keys": card.keys,
                "memory_bytes": bought.till_memory.size(),
                "unreadable_bytes": bought.till_memory.unreadable(),
                "files": files.files,
                "file_bytes": files.bytes,
                "output_bytes": bought.till_output.len(),
                "findings": findings.len(),
            });
            let text = format!(
                "Its {} MB of memory, file, and output: no words, no key, no PIN",
                grouped(bought.till_memory.size() / 1_000_000)
            );
            Ok((report, text))
        })?;
        narrator.fact("till_search", report);
        Ok(())
    }

    /// The owner takes the coins back without the card.
    fn block(&mut self, narrator: &mut Narrator, home: &mut Home) -> Result<(), DemoError> {
        narrator.step("blocked", "The owner blocks it", || {
            let chain = &*self.chain;
            home.owner.sync(chain, &mut |_, _| ())?;
            let options = SweepOptions {
                fee_rate: FEE_RATE,
                replace_unconfirmed: false,
            };
            let sweep = home
                .owner
                .block(chain, home.card, options, &mut |_, _| ())?;
            expect(sweep.transactions.len() == 1, "one sweep takes all coins")?;
            self.mine(1, &nobody())?;
            home.owner.sync(chain, &mut |_, _| ())?;
            let outputs = sweep.transactions.iter().flat_map(|tx| &tx.output);
            let swept: Amount = outputs.map(|output| output.value).sum();
            let text = format!(
                "Blocked from the PC without the card: {} home again",
                sat(swept)
            );
            Ok(((), text))
        })
    }

    /// Whoever found the card, and even knows its PIN, gets nothing.
    fn decline(&mut self, narrator: &mut Narrator) -> Result<(), DemoError> {
        let emulator = self.insert(narrator, "found", "Somebody finds the card, and its PIN")?;
        let (ended, reason, outpoint) = narrator.step("declined", "The finder pays", || {
            let mut till = TillProcess::start(self.stage, &self.asking(emulator.reader(), MILK))?;
            till.wait_for("waiting-for-pin")?;
            till.type_pin(&self.pin)?;
            till.wait_for("checking-coins")?;
            let told = till.wait_for("declined")?;
            let outpoint = told
                .outpoint
                .ok_or_else(|| DemoError::new("the till doesn't name the coin"))?;
            let state = self.chain.output(&outpoint)?;
            expect(
                state == OutputState::SpentOrUnknown,
                "the till named a coin that could be spent",
            )?;
            let ended = till.declined()?;
            let text = format!("Declined: coin {} is spent", short(&outpoint));
            Ok(((ended, told.reason, outpoint), text))
        })?;
        self.host_apdus += ended.apdus;
        narrator.fact(
            "declined",
            json!({"outpoint": outpoint.to_string(), "reason": reason}),
        );
        self.take_out(emulator)
    }

    fn insert(
        &mut self,
        narrator: &mut Narrator,
        name: &'static str,
        text: &str,
    ) -> Result<Emulator, DemoError> {
        narrator.step(name, text, || {
            let mut emulator = Emulator::insert(self.stage, &self.store)?;
            let card = match self.readers.wait_for_card(Some(NOTICE)) {
                Err(TransportError::TimedOut) => {
                    emulator = emulator.insert_again(self.stage, &self.store)?;
                    self.readers.wait_for_card(Some(NOTICE))?
                }
                found => found?,
            };
            expect(
                card.reader() == emulator.reader(),
                format!(
                    "there is another Tillcard in {}: take it out",
                    card.reader()
                ),
            )?;
            self.host_apdus += card.apdus();
            card.disconnect()?;
            let text = format!("{text}: {}", emulator.reader());
            Ok((emulator, text))
        })
    }

    fn take_out(&mut self, emulator: Emulator) -> Result<(), DemoError> {
        self.card_apdus += emulator.remove(&self.readers)?;
        Ok(())
    }

    fn asking<'b>(&'b self, reader: &'b str, amount: Amount) -> Asking<'b> {
        Asking {
            amount,
            to: &self.shop,
            confirmations: CONFIRMATIONS,
            reader,
            chain: &self.server,
            folder: self.stage.folder("till"),
        }
    }

    fn till_folder(&self) -> PathBuf {
        self.stage.folder("till")
    }

    fn mine(&self, blocks: u32, to: &ScriptBuf) -> Result<(), DemoError> {
        self.chain.mine(blocks, to)?;
        Ok(())
    }
}

/// The payment with the lowest bit of its first signature flipped. The txid stays the same.
fn with_flipped_bit(payment: &Transaction) -> Result<Transaction, DemoError> {
    let mut forged = payment.clone();
    let input = forged.input.first_mut();
    let input = input.ok_or_else(|| DemoError::new("a payment without inputs"))?;
    let mut signature = input.witness.to_vec().concat();
    let last = signature.last_mut();
    *last.ok_or_else(|| DemoError::new("a payment without a signature"))? ^= 1;
    input.witness = Witness::from_slice(&[signature]);
    Ok(forged)
}

/// Coins that nobody will spend.
fn nobody() -> ScriptBuf {
    ScriptBuf::new_op_return([])
}

/// The shop's key is in the back office: the till knows this address and nothing else.
fn shop_address() -> Address {
    let hash = bitcoin::WPubkeyHash::from_byte_array([0x51; 20]);
    let script = ScriptBuf::new_p2wpkh(&hash);
    Address::from_script(&script, Network::Regtest).expect("a witness program has an address")
}

fn random_pin() -> Result<String, DemoError> {
    let mut pin = String::with_capacity(PIN_DIGITS);
    while pin.len() < PIN_DIGITS {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(DemoError::new)?;
        // 250 is the last multiple of ten in a byte's range: each digit is as likely.
        if byte[0] < 250 {
            pin.push(char::from(b'0' + byte[0] % 10));
        }
    }
    Ok(pin)
}

/// `4a5e1e4b…a33b:0`
fn short(outpoint: &OutPoint) -> String {
    let txid = outpoint.txid.to_string();
    format!("{}…{}:{}", &txid[..8], &txid[60..], outpoint.vout)
}
