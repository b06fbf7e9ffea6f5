//! Payments, from the preview to the statement.

use super::super::choice::{Coin, choose};
use super::super::payment::{Request, Written, dust, outpoint_bytes};
use super::{Holder, Logged, MAX_LOG, MAX_MONEY, Model};
use crate::card::objects;
use bitcoin::{OutPoint, ScriptBuf, Txid};
use std::collections::HashSet;

impl Model<'_> {
    /// What a payment would be, by the rules of `[PAY-4]` after the first.
    fn allow(&self, request: &Request, absent: &[OutPoint], with_pin: bool) -> Result<Logged, u16> {
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
                    && !(coin.unrooted && self.has_rooted_at(coin.place))
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
        if !with_pin && request.amount + choice.fee > limits.without_pin_amount {
            return Err(0x6982);
        }
        if self.debited + request.amount + choice.fee > limits.cumulative {
            return Err(0x9404);
        }
        let change = (choice.change > 0).then_some((choice.change, self.next(1)));
        if change.is_some_and(|(_, index)| index >= 4096) {
            return Err(0x6A84);
        }
        let inputs = &choice.inputs;
        let mut own = inputs.iter().map(|coin| coin.place).collect::<Vec<_>>();
        own.extend(change.map(|(_, index)| (1, index)));
        own.push((0, self.next(0)));
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
            with_pin,
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
        let payment = self.allow(request, &holder.absent, true)?;
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
        let payment = self.allow(request, &absent, with_pin)?;
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
            self.above[1] = index + 1;
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
}

/// `[PAY-9]`
fn printable(merchant: &[u8]) -> bool {
    let hidden = |c: char| {
        matches!(c as u32, 0..=0x1F | 0x7F..=0x9F | 0x300..=0x36F | 0x61C | 0x1AB0..=0x1AFF
            | 0x1DC0..=0x1DFF | 0x200B..=0x200F | 0x201D | 0x2028..=0x202E | 0x2060..=0x206F
            | 0x20D0..=0x20FF | 0xFE20..=0xFE2F | 0xFEFF | 0xFFF9..=0xFFFB
            | 0xE0000..=0xE0FFF)
    };
    std::str::from_utf8(merchant).is_ok_and(|text| !text.contains(hidden))
}
