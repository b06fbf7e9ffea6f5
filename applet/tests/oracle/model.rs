//! The state that the text gives a card, and what each command answers in it.

use super::card::objects;
use super::choice::{Coin, choose};
use super::payment::{Request, Written, dust, outpoint_bytes};
use super::wallet::{Limits, Place, Wallet, place_number};
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
    pub next_receive: u32,
    pub next_change: u32,
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
            next_receive: 0,
            next_change: 0,
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
        let index = self.next_receive;
        let script = self.wallet.script((0, index));
        Ok(objects(&[
            (0x80, &index.to_be_bytes()),
            (0x81, script.as_bytes()),
        ]))
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
            0 => index < 4096 && index <= self.next_receive + 9,
            _ => !credit && index < self.next_change,
        };
        let rooted = |coin: &Coin| coin.place == place && coin.spent.is_none() && !coin.unrooted;
        if !known || credit && self.coins.iter().any(rooted) {
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
        if place.0 == 0 {
            self.next_receive = self.next_receive.max(place.1 + 1);
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

    /// What a payment would be, by the rules of `[PAY-4]` after the first.
    fn allow(&self, request: &Request, absent: &[OutPoint]) -> Result<Logged, u16> {
        let limits = &self.limits;
        if !printable(&request.merchant) {
            return Err(0x6A80);
        }
        if request.rate < limits.least_fee_rate || request.rate > limits.highest_fee_rate {
            return Err(0x9405);
        }
        let dust = dust(&request.payee).ok_or(0x9408u16)?;
        if request.amount < dust || request.amount > MAX_MONEY {
            return Err(0x9407);
        }
        if request.amount > limits.per_payment {
            return Err(0x9403);
        }
        if self.payments >= limits.payments {
            return Err(0x9411);
        }
        if self.log.len() as u32 == MAX_LOG && self.first_kept() >= self.seen {
            return Err(0x9409);
        }
        let candidates: Vec<Coin> = self
            .coins
            .iter()
            .filter(|coin| {
                coin.spent.is_none()
                    && coin.unrooted == request.unrooted
                    && !self.retired.contains(&coin.place)
                    && !absent.contains(&coin.outpoint)
            })
            .copied()
            .collect();
        let choice = choose(
            &candidates,
            request.amount,
            request.payee.len(),
            request.rate,
        )?;
        if choice.fee > limits.fee_cap {
            return Err(0x9406);
        }
        if self.debited + request.amount + choice.fee > limits.cumulative {
            return Err(0x9404);
        }
        let change = (choice.change > 0).then_some((choice.change, self.next_change));
        if change.is_some_and(|(_, index)| index >= 4096) {
            return Err(0x6A84);
        }
        let inputs = &choice.inputs;
        let mut own = inputs.iter().map(|coin| coin.place).collect::<Vec<_>>();
        own.extend(change.map(|(_, index)| (1, index)));
        own.push((0, self.next_receive));
        if own
            .iter()
            .any(|place| self.wallet.script(*place) == request.payee)
        {
            return Err(0x9408);
        }
        let payee = (request.amount, &request.payee);
        Ok(Logged {
            request: request.clone(),
            written: Written::new(self.wallet, inputs, payee, change),
            fee: choice.fee,
            change,
            with_pin: true,
            cancelled: false,
            again: 0,
            as_ancestor: 0,
            contested: false,
        })
    }

    pub fn preview(&mut self, request: &Request) -> Result<Vec<u8>, u16> {
        self.require_shop_session()?;
        let holder = self.holder.take().ok_or(0x6982u16)?;
        if let Some(previewed) = &holder.previewed
            && (previewed != request || !holder.may_preview)
        {
            return Err(0x6982);
        }
        if self.kept_with(&request.identity).is_some() {
            return Err(0x9412);
        }
        let payment = self.allow(request, &holder.absent)?;
        let inputs = &payment.written.transaction.input;
        let offered: Vec<OutPoint> = inputs.iter().map(|input| input.previous_output).collect();
        self.holder = Some(Holder {
            previewed: Some(request.clone()),
            may_preview: false,
            offered: offered.clone(),
            ..holder
        });
        Ok(objects(&[
            (0x80, &request.amount.to_be_bytes()),
            (0x81, &payment.fee.to_be_bytes()),
            (
                0x82,
                &payment.change.map_or(0, |(amount, _)| amount).to_be_bytes(),
            ),
            (
                0x83,
                &offered.iter().flat_map(outpoint_bytes).collect::<Vec<_>>(),
            ),
        ]))
    }

    pub fn pay(&mut self, request: &Request) -> Result<Written, u16> {
        self.require_shop_session()?;
        self.paid = None;
        let holder = self.holder.take();
        let kept = self.kept_with(&request.identity);
        if let Some(number) = kept
            && let Some(kept) = self.log.get_mut(&number)
            && kept.request == *request
        {
            if kept.cancelled || (holder.is_none() && kept.again >= 16) {
                return Err(0x9413);
            }
            kept.again = kept.again.saturating_add(1);
            self.paid = Some(number);
            return Ok(kept.written.clone());
        }
        let with_pin = holder.is_some();
        match &holder {
            Some(holder)
                if holder
                    .previewed
                    .as_ref()
                    .is_some_and(|other| other != request) =>
            {
                return Err(0x6982);
            }
            Some(_) => {}
            None => {
                let limits = &self.limits;
                let allowed = request.amount <= limits.without_pin_amount
                    && self.without_pin < limits.without_pin_payments
                    && self.tries > 0;
                if !allowed {
                    return Err(0x6982);
                }
            }
        }
        if kept.is_some() {
            return Err(0x9412);
        }
        let absent = holder.map_or_else(Vec::new, |holder| holder.absent);
        let payment = Logged {
            with_pin,
            ..self.allow(request, &absent)?
        };
        let number = self.next_number;
        if self.log.len() as u32 == MAX_LOG {
            self.forget(self.first_kept());
        }
        for input in &payment.written.transaction.input {
            let spent = |coin: &&mut Coin| coin.outpoint == input.previous_output;
            let coin = self.coins.iter_mut().find(spent).unwrap();
            coin.spent = Some(number);
            self.retired.insert(coin.place);
        }
        if let Some((amount, index)) = payment.change {
            self.coins.push(Coin {
                outpoint: payment.change_outpoint(self.wallet).unwrap(),
                amount,
                place: (1, index),
                unrooted: request.unrooted,
                doubtful: false,
                spent: None,
            });
            self.next_change += 1;
        }
        self.debited += request.amount + payment.fee;
        self.payments += 1;
        self.without_pin += u16::from(!with_pin);
        self.next_number += 1;
        let written = payment.written.clone();
        self.log.insert(number, payment);
        self.paid = Some(number);
        Ok(written)
    }

    /// What a till could find offered.
    pub fn offered(&self) -> Vec<OutPoint> {
        self.holder
            .as_ref()
            .map_or_else(Vec::new, |holder| holder.offered.clone())
    }

    pub fn report_absent(&mut self, outpoint: &OutPoint) -> u16 {
        if let Err(status) = self.require_shop_session() {
            return status;
        }
        let Some(holder) = &mut self.holder else {
            return 0x6982;
        };
        if holder.previewed.is_none() {
            return 0x6985;
        }
        let coin = self
            .coins
            .iter_mut()
            .find(|coin| coin.outpoint == *outpoint);
        let Some((at, coin)) = holder.offered.iter().position(|o| o == outpoint).zip(coin) else {
            return 0x9414;
        };
        if holder.absent.len() == 4 {
            return 0x9415;
        }
        coin.doubtful = true;
        holder.offered.remove(at);
        holder.absent.push(*outpoint);
        holder.may_preview = true;
        0x9000
    }

    pub fn get_ancestor(&mut self, txid: &Txid) -> Result<Written, u16> {
        self.require_shop_session()?;
        let holder = self.holder.as_ref().ok_or(0x6982u16)?;
        if holder.previewed.is_none() {
            return Err(0x6985);
        }
        // The log's payments behind the coins offered, however far.
        let by_txid = |txid: &Txid| {
            self.log
                .iter()
                .find(|(_, kept)| kept.txid() == *txid)
                .map(|(number, _)| *number)
        };
        let mut ancestors = HashSet::new();
        let mut open: Vec<OutPoint> = holder.offered.clone();
        while let Some(outpoint) = open.pop() {
            if let Some(number) = by_txid(&outpoint.txid)
                && ancestors.insert(number)
            {
                let inputs = &self.log[&number].written.transaction.input;
                open.extend(inputs.iter().map(|input| input.previous_output));
            }
        }
        let number = by_txid(txid)
            .filter(|number| ancestors.contains(number))
            .ok_or(0x6A88u16)?;
        let kept = self.log.get_mut(&number).unwrap();
        if kept.cancelled || holder.given.contains(&number) {
            return Err(0x9413);
        }
        kept.as_ancestor = kept.as_ancestor.saturating_add(1);
        let written = kept.written.clone();
        self.holder.as_mut().unwrap().given.insert(number);
        Ok(written)
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

    /// STATEMENT on a transaction: its outpoints and their output keys.
    pub fn statement(&mut self, txid: &Txid) -> Result<Vec<(OutPoint, ScriptBuf)>, u16> {
        if self.policy & 2 == 0 {
            return Err(0x6982);
        }
        let kept = self.paid.and_then(|number| self.log.get(&number));
        let kept = kept.filter(|kept| kept.txid() == *txid).ok_or(0x6A88u16)?;
        if kept.cancelled || kept.contested {
            return Err(0x9417);
        }
        let inputs = &kept.written.transaction.input;
        let outpoints: Vec<OutPoint> = inputs.iter().map(|input| input.previous_output).collect();
        let mut said = Vec::new();
        for outpoint in outpoints {
            let place = self.coin(&outpoint).expect("a kept coin").place;
            self.pledged.insert(place);
            said.push((outpoint, self.wallet.script(place)));
        }
        Ok(said)
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
        self.next_change = self.next_change.max(change.map_or(0, |index| index + 1));
    }

    /// Header and coins of the coin image, the coins sorted.
    pub fn image(&self) -> (Vec<u8>, Vec<Coin>) {
        let header = [
            &[1][..],
            &self.next_receive.to_be_bytes(),
            &self.next_change.to_be_bytes(),
            &self.debited.to_be_bytes(),
            &self.payments.to_be_bytes(),
            &self.without_pin.to_be_bytes(),
            &self.first_kept().to_be_bytes(),
            &self.seen.to_be_bytes(),
            &self.next_number.to_be_bytes(),
            &(self.coins.len() as u16).to_be_bytes(),
        ]
        .concat();
        (header, sorted(self.coins.clone()))
    }
}

pub fn sorted(mut coins: Vec<Coin>) -> Vec<Coin> {
    coins.sort_by_key(|coin| coin.outpoint);
    coins
}

/// The coins of a coin image, sorted; `None` when it is none (section 6.4).
pub fn read_image(image: &[u8]) -> Option<(Vec<u8>, Vec<Coin>)> {
    let (body, checksum) = image.split_last_chunk::<4>()?;
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(body);
    if crc.to_be_bytes() != *checksum {
        return None;
    }
    let (header, mut rest) = body.split_at_checked(35)?;
    let mut expected = [0i64; 2];
    let mut coins = Vec::new();
    while !rest.is_empty() {
        let (txid, after) = rest.split_first_chunk::<32>()?;
        rest = after;
        let mut number = || {
            let mut value = 0u64;
            loop {
                let (byte, after) = rest.split_first()?;
                rest = after;
                value = value << 7 | u64::from(byte & 0x7F);
                if byte & 0x80 == 0 {
                    return Some(value);
                }
            }
        };
        let d = number()?;
        let (vout, amount) = (number()?, number()?);
        let spent = if d & 4 != 0 {
            Some(number()? as u32)
        } else {
            None
        };
        let zigzag = (d >> 4) as i64;
        let distance = if zigzag & 1 == 0 {
            zigzag / 2
        } else {
            -(zigzag + 1) / 2
        };
        let chain = (d >> 3 & 1) as usize;
        let index = expected[chain] + distance;
        expected[chain] = index + 1;
        coins.push(Coin {
            outpoint: OutPoint::new(Txid::from_byte_array(*txid), vout as u32),
            amount,
            place: (chain as u32, index as u32),
            unrooted: d & 1 != 0,
            doubtful: d & 2 != 0,
            spent,
        });
    }
    Some((header.to_vec(), sorted(coins)))
}

/// `[PAY-9]`
fn printable(merchant: &[u8]) -> bool {
    let hidden = |c: char| {
        matches!(c as u32, 0..=0x1F | 0x7F..=0x9F | 0x200B..=0x200F | 0x2028..=0x202E
            | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB)
    };
    std::str::from_utf8(merchant).is_ok_and(|text| !text.contains(hidden))
}

/// A coin to be entered, as it is announced.
pub fn announcement(outpoint: &OutPoint, place: Place) -> Vec<u8> {
    objects(&[
        (0x80, &outpoint.txid.to_byte_array()),
        (0x81, &outpoint.vout.to_be_bytes()),
        (0x82, &place_number(place).to_be_bytes()),
    ])
}
