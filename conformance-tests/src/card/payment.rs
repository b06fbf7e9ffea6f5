//! PREVIEW and PAY.

use super::Card;
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::model::{Coin, Plan, Request};
use crate::outcome::{Step, Stop, require};
use crate::status::Sw;
use crate::tlv::Reader;
use crate::tx::{Payment, check_payment};

impl Card {
    /// PREVIEW.
    ///
    /// # Errors
    /// When the link fails.
    pub fn preview_answer(&mut self, request: &Request) -> Step<Answer> {
        self.send(
            &Command::new([0x80, 0x32, 0, 0])
                .data(request.encode())
                .le(LE_SHORT),
        )
    }

    /// PAY.
    ///
    /// # Errors
    /// When the link fails.
    pub fn pay_answer(&mut self, request: &Request) -> Step<Answer> {
        self.send(
            &Command::new([0x80, 0x30, 0, 0])
                .data(request.encode())
                .le(LE_SHORT),
        )
    }

    /// What the card must do with a request.
    ///
    /// # Errors
    /// [`Stop::Error`] when the card isn't issued.
    pub fn expectation(&self, request: &Request) -> Step<Result<Plan, Sw>> {
        let host = self.host()?;
        Ok(host.purse.plan(
            request,
            &host.profile.limits,
            u32::from(host.capabilities.log),
        ))
    }

    /// What the card must do with a request that it can't refuse.
    ///
    /// # Errors
    /// [`Stop::Error`] when it may: a fault of the case.
    pub fn plan(&self, request: &Request) -> Step<Plan> {
        self.expectation(request)?.map_err(|sw| {
            Stop::Error(format!(
                "the case asks for a payment that must be refused with {sw}"
            ))
        })
    }

    /// Enters the PIN, previews, and judges the answer against the suite's own reckoning,
    /// refusals included.
    ///
    /// # Errors
    /// [`Stop::Fail`] on any difference.
    pub fn preview_checked(&mut self, request: &Request) -> Step<Result<Plan, Sw>> {
        self.authorise()?;
        let answer = self.preview_answer(request)?;
        match self.expectation(request)? {
            Err(sw) => {
                answer.want_bare(sw, "PREVIEW")?;
                Ok(Err(sw))
            }
            Ok(plan) => {
                let data = answer.want(Sw::OK, "PREVIEW")?;
                check_preview(&data, request, &plan)?;
                Ok(Ok(plan))
            }
        }
    }

    /// Enters the PIN, pays, judges the transaction, and remembers what the card should hold.
    ///
    /// # Errors
    /// [`Stop::Fail`] on any difference.
    pub fn pay_checked(&mut self, request: &Request) -> Step<Payment> {
        self.authorise()?;
        let answer = self.pay_answer(request)?;
        self.paid(request, answer)
    }

    /// Judges the answer to a PAY that must succeed, and remembers what the card should hold.
    ///
    /// # Errors
    /// [`Stop::Fail`] on any difference.
    pub fn paid(&mut self, request: &Request, answer: Answer) -> Step<Payment> {
        let plan = self.plan(request)?;
        let bytes = answer.want(Sw::OK, "PAY")?;
        let payment = check_payment(&bytes, &self.host()?.account, request, &plan)?;
        self.host_mut()?
            .purse
            .pay(request, &plan, payment.txid, payment.change_vout);
        Ok(payment)
    }
}

/// Judges the answer to PREVIEW.
fn check_preview(data: &[u8], request: &Request, plan: &Plan) -> Step<()> {
    let mut reader = Reader::new("PREVIEW", data);
    let amount = u64::from_be_bytes(reader.array(0x80)?);
    let fee = u64::from_be_bytes(reader.array(0x81)?);
    let change = u64::from_be_bytes(reader.array(0x82)?);
    let outpoints = reader.next(0x83)?;
    reader.end()?;
    require!(
        amount == request.amount,
        "PREVIEW: the amount is {amount} instead of {}",
        request.amount
    );
    require!(
        fee == plan.fee && change == plan.change,
        "PREVIEW: fee {fee} and change {change} instead of {} and {}",
        plan.fee,
        plan.change
    );
    let expected: Vec<u8> = plan.inputs.iter().flat_map(outpoint).collect();
    require!(
        outpoints == expected,
        "PREVIEW: the outpoints are {} instead of {}",
        hex::encode(outpoints),
        hex::encode(&expected)
    );
    Ok(())
}

fn outpoint(coin: &Coin) -> Vec<u8> {
    [&coin.txid[..], &coin.vout.to_be_bytes()].concat()
}
