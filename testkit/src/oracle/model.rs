//! The state that the text gives a card, and what each command answers in it.

pub mod image;
mod paying;

use super::choice::Coin;
use super::payment::{Request, Written, outpoint_bytes};
use super::wallet::{Limits, Place, Wallet, place_number};
use crate::card::objects;
use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};
use std::collections::{BTreeMap, HashSet};

pub const MAX_MONEY: u64 = 2_100_000_000_000_000;
/// What the reference card's capabilities say.
const MAX_COINS: usize = 1000;
const MAX_UNROOTED: usize = 16;
const MAX_LOG: u32 = 64;

/// The PIN was entered.
#[derive(Clone, Default)]
pub struct Holder {
    previewed: Option<Request>,
    may_preview: bool,
    offered: Vec<OutPoint>,
    absent: Vec<OutPoint>,
    given: HashSet<u32>,
}

/// A payment in the log.
#[derive(Clone)]
pub struct Logged {
    pub request: Request,
    pub written: Written,
    pub fee: u64,
    /// Amount and index.
    pub change: Option<(u64, u32)>,
    pub with_pin: bool,
    pub cancelled: bool,
    pub again: u8,
    pub as_ancestor: u8,
    /// The owner signed a transaction that spends one of its inputs.
    pub contested: bool,
}

impl Logged {
    pub fn txid(&self) -> Txid {
        self.written.transaction.compute_txid()
    }

    fn change_outpoint(&self, wallet: &Wallet) -> Option<OutPoint> {
        let (_, index) = self.change?;
        let script = wallet.script((1, index));
        let outputs = &self.written.transaction.output;
        let vout = outputs
            .iter()
            .position(|output| output.script_pubkey == script)?;
        Some(OutPoint::new(self.txid(), vout as u32))
    }
}

pub struct Model<'a> {
    pub wallet: &'a Wallet,
    pub limits: Limits,
    pub pin: [u8; 8],
    pub tries: u8,
    pub holder: Option<Holder>,
    pub coins: Vec<Coin>,
    pub retired: HashSet<Place>,
    /// Above every receive index of a coin that the owner entered, and above every
    /// change index of an output.
    above: [u32; 2],
    pub debited: u64,
    pub payments: u16,
    pub without_pin: u16,
    pub log: BTreeMap<u32, Logged>,
    pub seen: u32,
    pub next_number: u32,
    counted_from: u32,
    /// Section 5.5's byte.
    pub policy: u8,
    /// Whether the session is a channel.
    pub in_channel: bool,
    /// The payment that the last PAY answered.
    paid: Option<u32>,
    pub pledged: HashSet<Place>,
}

impl<'a> Model<'a> {
    pub fn new(wallet: &'a Wallet, limits: Limits) -> Self {
        Self {
            wallet,
            limits,
            pin: wallet.pin,
            tries: 3,
            holder: None,
            coins: Vec::new(),
            retired: HashSet::new(),
            above: [0; 2],
            debited: 0,
            payments: 0,
            without_pin: 0,
            log: BTreeMap::new(),
            seen: 0,
            next_number: 0,
            counted_from: 0,
            policy: 1,
            in_channel: false,
            paid: None,
            pledged: HashSet::new(),
        }
    }

    /// SELECT, or power that comes back.
    pub fn begin_session(&mut self) {
        self.holder = None;
        self.paid = None;
    }

    /// `[POL-1]`
    pub fn require_shop_session(&self) -> Result<(), u16> {
        if self.in_channel || self.policy & 1 != 0 {
            Ok(())
        } else {
            Err(0x6982)
        }
    }

    pub fn status(&self, network: u8) -> Vec<u8> {
        objects(&[
            (0x80, &[1]),
            (0x81, &[network]),
            (0x82, &[self.tries]),
            (0x83, &[self.policy]),
        ])
    }

    /// VERIFY with a data field.
    pub fn verify(&mut self, data: &[u8]) -> u16 {
        if let Err(status) = self.require_shop_session() {
            return status;
        }
        self.holder = None;
        if self.tries == 0 {
            return 0x6983;
        }
        if data == self.pin {
            self.tries = 3;
            self.holder = Some(Holder::default());
            0x9000
        } else {
            self.tries -= 1;
            0x63C0 | u16::from(self.tries)
        }
    }

    /// RESET RETRY COUNTER, with the bytes of a new PIN block or without.
    pub fn reset_retry_counter(&mut self, new_pin: Option<[u8; 8]>) {
        self.pin = new_pin.unwrap_or(self.pin);
        self.tries = 3;
        self.holder = None;
    }

    /// VERIFY without one.
    pub fn tries_left(&self) -> u16 {
        match self.tries {
            0 => 0x6983,
            left => 0x63C0 | u16::from(left),
        }
    }

    pub fn receive_script(&self) -> Result<Vec<u8>, u16> {
        self.require_shop_session()?;
        self.holder.as_ref().ok_or(0x6982u16)?;
        let index = self.next(0);
        let script = self.wallet.script((0, index));
        Ok(objects(&[
            (0x80, &index.to_be_bytes()),
            (0x81, script.as_bytes()),
        ]))
    }

    /// The next index of a chain.
    pub fn next(&self, chain: u32) -> u32 {
        (self.above[chain as usize]..)
            .find(|index| !self.retired.contains(&(chain, *index)))
            .unwrap()
    }

    fn has_rooted_at(&self, place: Place) -> bool {
        let rooted = |coin: &Coin| coin.place == place && coin.spent.is_none() && !coin.unrooted;
        self.coins.iter().any(rooted)
    }

    fn coin(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.coins.iter().find(|coin| coin.outpoint == *outpoint)
    }

    fn first_kept(&self) -> u32 {
        self.log.keys().next().copied().unwrap_or(self.next_number)
    }

    /// The first ENTER COIN, authority apart.
    pub fn begin_entry(&mut self, outpoint: &OutPoint, place: Place, credit: bool) -> u16 {
        if credit && (self.require_shop_session().is_err() || self.holder.take().is_none()) {
            return 0x6982;
        }
        let (chain, index) = place;
        let known = match chain {
            0 if credit => index < 4096 && index <= self.next(0),
            0 => index < 4096 && index <= self.next(0) + 9,
            _ => !credit && index < self.next(1),
        };
        if !known || credit && self.has_rooted_at(place) {
            return 0x9410;
        }
        if self.retired.contains(&place) {
            return 0x940F;
        }
        if let Some(coin) = self.coin(outpoint) {
            let again = !credit && coin.spent.is_none() && (coin.doubtful || coin.unrooted);
            return if again { 0x9000 } else { 0x6A89 };
        }
        let unrooted = self
            .coins
            .iter()
            .filter(|coin| coin.unrooted && coin.spent.is_none());
        if self.coins.len() == MAX_COINS || credit && unrooted.count() >= MAX_UNROOTED {
            return 0x6A84;
        }
        0x9000
    }

    /// The transaction of an announced coin is complete.
    pub fn complete_entry(
        &mut self,
        outpoint: OutPoint,
        place: Place,
        credit: bool,
        (amount, script): (u64, &ScriptBuf),
    ) -> u16 {
        if *script != self.wallet.script(place) {
            return 0x940C;
        }
        if amount < u64::from(self.limits.least_coin) {
            return 0x940D;
        }
        self.coins.retain(|coin| coin.outpoint != outpoint);
        self.coins.push(Coin {
            outpoint,
            amount,
            place,
            unrooted: credit,
            doubtful: false,
            spent: None,
        });
        if place.0 == 0 && !credit {
            self.above[0] = self.above[0].max(place.1 + 1);
        }
        0x9000
    }

    fn kept_with(&self, identity: &[u8; 16]) -> Option<u32> {
        let found = self
            .log
            .iter()
            .rev()
            .find(|(_, kept)| kept.request.identity == *identity);
        found.map(|(number, _)| *number)
    }

    pub fn read_log(&self, number: u32) -> Result<Vec<u8>, u16> {
        let kept = self.log.get(&number).ok_or(0x6A88u16)?;
        let request = &kept.request;
        let inputs = &kept.written.transaction.input;
        let outpoints: Vec<u8> = inputs
            .iter()
            .flat_map(|input| outpoint_bytes(&input.previous_output))
            .collect();
        Ok(objects(&[
            (0x80, &number.to_be_bytes()),
            (0x81, &[kept.cancelled.into()]),
            (0x82, &kept.txid().to_byte_array()),
            (0x83, request.payee.as_bytes()),
            (0x84, &request.amount.to_be_bytes()),
            (0x85, &kept.fee.to_be_bytes()),
            (
                0x86,
                &kept.change.map_or(0, |(amount, _)| amount).to_be_bytes(),
            ),
            (0x87, &request.rate.to_be_bytes()),
            (0x88, &[u8::from(!kept.with_pin)]),
            (0x89, &request.identity),
            (0x8A, &request.merchant),
            (0x8B, &request.invoice),
            (0x8C, &outpoints),
            (0x8D, &[kept.again, kept.as_ancestor]),
        ]))
    }

    fn forget(&mut self, number: u32) {
        self.log.remove(&number);
        self.coins.retain(|coin| coin.spent != Some(number));
    }

    pub fn acknowledge(&mut self, seen: u32, settled: u32) -> u16 {
        let ordered = self.first_kept() <= settled
            && settled <= seen
            && seen <= self.next_number
            && seen >= self.seen;
        if !ordered {
            return 0x6A80;
        }
        self.seen = seen;
        for number in self.first_kept()..settled {
            self.forget(number);
        }
        0x9000
    }

    pub fn set_limits(&mut self, limits: Limits) -> u16 {
        if self.seen < self.next_number {
            return 0x6985;
        }
        self.limits = limits;
        self.debited = 0;
        self.payments = 0;
        self.without_pin = 0;
        self.counted_from = self.next_number;
        0x9000
    }

    pub fn resolve(&mut self, number: u32) -> u16 {
        let Some(kept) = self.log.get(&number).filter(|kept| !kept.cancelled) else {
            return 0x6A88;
        };
        let change = kept.change_outpoint(self.wallet);
        let (amount, fee) = (kept.request.amount, kept.fee);
        if let Some(coin) = change.and_then(|change| self.coin(&change))
            && let Some(by) = coin.spent
        {
            if !self.log[&by].cancelled {
                return 0x6985;
            }
        } else {
            self.coins.retain(|coin| Some(coin.outpoint) != change);
            change.iter().for_each(|change| self.withdraw(change));
        }
        if number >= self.counted_from {
            self.debited -= amount + fee;
        }
        self.log.get_mut(&number).unwrap().cancelled = true;
        0x9000
    }

    /// A coin that left the card is offered no longer.
    fn withdraw(&mut self, outpoint: &OutPoint) {
        if let Some(holder) = &mut self.holder {
            holder.offered.retain(|offered| offered != outpoint);
        }
    }

    /// The first signature of a transaction of the owner's leaves.
    pub fn sign(&mut self, inputs: &[(OutPoint, Place)], change: Option<u32>) {
        for (outpoint, place) in inputs {
            self.retired.insert(*place);
            let spent = self.coin(outpoint).and_then(|coin| coin.spent);
            if let Some(number) = spent {
                self.log.get_mut(&number).unwrap().contested = true;
            } else {
                self.coins.retain(|coin| coin.outpoint != *outpoint);
                self.withdraw(outpoint);
            }
        }
        self.above[1] = self.above[1].max(change.map_or(0, |index| index + 1));
    }
}

/// A coin to be entered, as it is announced.
pub fn announcement(outpoint: &OutPoint, place: Place) -> Vec<u8> {
    objects(&[
        (0x80, &outpoint.txid.to_byte_array()),
        (0x81, &outpoint.vout.to_be_bytes()),
        (0x82, &place_number(place).to_be_bytes()),
    ])
}
