//! The story itself, in four acts.

mod at_home;
mod in_the_shop;
mod lost;
mod robbery;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{Address, Amount, Network, OutPoint, ScriptBuf, Txid};
use serde_json::json;

use super::emulator::Emulator;
use super::failure::{DemoError, expect};
use super::narrator::Narrator;
use super::stage::Stage;
use super::till::Asking;
use tillcard::chain::{CoreRpc, CoreRpcConfig, FeeRate};
use tillcard::owner::{Limits, Owner, Words};
use tillcard::scan::Snapshot;
use tillcard_client::transport::{Pcsc, Readers, Transport, TransportError};
use tillcard_regtest::{RegtestChain, RegtestServer};

/// The price of a carton of milk.
const MILK: Amount = Amount::from_sat(21_000);
/// What the card is filled with.
const TOP_UP: Amount = Amount::from_sat(100_000);
/// What the owner allows shops.
const LIMITS: Limits = Limits {
    per_payment: Amount::from_sat(50_000),
    cumulative: Amount::from_sat(500_000),
    fee_cap: Amount::from_sat(5_000),
    ..Limits::DEFAULT
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
    let bought = play.buy_milk(narrator, &emulator)?;
    play.take_out(narrator, "removed", emulator)?;
    narrator.heading("The till is robbed");
    play.rob_the_till(narrator, &home, &bought)?;
    narrator.heading("The card is lost");
    play.block(narrator, &mut home)?;
    play.decline(narrator)?;
    narrator.fact(
        "apdus",
        json!({"host": play.host_apdus, "card": play.card_apdus}),
    );
    Ok(())
}

/// The card that is in a reader. The readers are asked for anew each time: those of the emulator's own
/// come and go with it.
fn wait_for_card() -> Result<Pcsc, TransportError> {
    Readers::establish(None)?.wait_for_card(Some(NOTICE))
}

struct Play<'a> {
    stage: &'a Stage,
    /// The private chain, which mines.
    regtest: Arc<RegtestChain>,
    /// The same, asked as any node is.
    chain: CoreRpc,
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
    /// The emulator's memory at the same moment, to try the scanner on.
    emulator_memory: Snapshot,
    till_output: Vec<u8>,
}

impl<'a> Play<'a> {
    fn prepare(stage: &'a Stage, narrator: &mut Narrator) -> Result<Self, DemoError> {
        let (regtest, server) = narrator.step("chain", "A private chain", || {
            let regtest = Arc::new(RegtestChain::open(&stage.folder("chain"))?);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let server = RegtestServer::start(Arc::clone(&regtest), address)?;
            let text = format!(
                "A private chain: Bitcoin Core's own validation, on {}",
                server.address()
            );
            Ok(((regtest, server), text))
        })?;
        Ok(Self {
            stage,
            regtest,
            chain: CoreRpc::new(CoreRpcConfig::with_cookie(server.url(), server.cookie())),
            server,
            store: stage.folder("card"),
            pin: random_pin()?,
            wrong_pin: random_pin()?,
            shop: shop_address(),
            host_apdus: 0,
            card_apdus: 0,
        })
    }

    fn insert(
        &mut self,
        narrator: &mut Narrator,
        name: &'static str,
        text: &str,
    ) -> Result<Emulator, DemoError> {
        narrator.step(name, text, || {
            let mut emulator = Emulator::insert(self.stage, &self.store)?;
            let card = match wait_for_card() {
                Err(TransportError::TimedOut) => {
                    emulator = emulator.insert_again(self.stage, &self.store)?;
                    wait_for_card()?
                }
                found => found?,
            };
            expect(
                *card.reader() == emulator.reader(),
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

    /// The card leaves; what it answered must be what it was asked.
    fn take_out(
        &mut self,
        narrator: &mut Narrator,
        name: &'static str,
        emulator: Emulator,
    ) -> Result<(), DemoError> {
        narrator.step(name, "The card is taken out", || {
            self.card_apdus += emulator.remove(self.stage)?;
            let (sent, answered) = (self.host_apdus, self.card_apdus);
            expect(
                sent == answered,
                format!("{sent} APDUs were sent to the card, and it answered {answered}"),
            )?;
            let text = format!("The card is taken out: {sent} APDUs sent, {answered} answered");
            Ok(((), text))
        })
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
        self.regtest.mine(blocks, to)?;
        Ok(())
    }
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
