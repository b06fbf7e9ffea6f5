//! PREVIEW, PAY, PAYMENT STATE, REPORT ABSENT and GET ANCESTOR.

use super::Card;
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::model::{Coin, Logged, Plan, Request, Rules};
use crate::outcome::{Step, Stop, put, require};
use crate::status::Sw;
use crate::tlv::{self, Reader};
use crate::tx::{Payment, check_payment};

/// Indexes of a chain.
const INDEXES: u32 = 4096;
/// CLA INS P1 P2.
pub const PREVIEW: [u8; 4] = [0x80, 0x32, 0, 0];
/// CLA INS P1 P2.
pub const PAY: [u8; 4] = [0x80, 0x30, 0, 0];
/// CLA INS P1 P2: again only.
pub const PAY_AGAIN: [u8; 4] = [0x80, 0x30, 1, 0];
/// CLA INS P1 P2.
pub const PAYMENT_STATE: [u8; 4] = [0x80, 0x38, 0, 0];
/// CLA INS P1 P2.
pub const REPORT_ABSENT: [u8; 4] = [0x80, 0x34, 0, 0];
/// CLA INS P1 P2.
pub const STATEMENT: [u8; 4] = [0x80, 0x54, 0, 0];
/// CLA INS P1 P2.
pub const GET_ANCESTOR: [u8; 4] = [0x80, 0x36, 0, 0];

impl Card {
    /// PREVIEW.
    pub fn preview_answer(&mut self, request: &Request) -> Step<Answer> {
        self.send(&Command::new(PREVIEW).data(request.encode()).le(LE_SHORT))
    }

    /// PAY.
    pub fn pay_answer(&mut self, request: &Request) -> Step<Answer> {
        self.send(&Command::new(PAY).data(request.encode()).le(LE_SHORT))
    }

    /// PAY, again only.
    pub fn pay_again_only_answer(&mut self, request: &Request) -> Step<Answer> {
        self.send(&Command::new(PAY_AGAIN).data(request.encode()).le(LE_SHORT))
    }

    /// PAYMENT STATE.
    pub fn payment_state_answer(&mut self, identity: &[u8; 16]) -> Step<Answer> {
        self.send(
            &Command::new(PAYMENT_STATE)
                .data(tlv::object(0x80, identity))
                .le(LE_SHORT),
        )
    }

    /// PAYMENT STATE, which must be answered by what the model keeps of that identity.
    pub fn expect_payment_state(&mut self, identity: &[u8; 16], when: &str) -> Step<()> {
        let (state, txid) = match self.host()?.purse.kept(identity) {
            None => (0, Vec::new()),
            Some(kept) if kept.cancelled => (2, kept.txid.to_vec()),
            Some(kept) => (1, kept.txid.to_vec()),
        };
        let expected = [tlv::object(0x80, &[state]), tlv::object(0x81, &txid)].concat();
        let data = self
            .payment_state_answer(identity)?
            .want(Sw::OK, "PAYMENT STATE")?;
        require!(
            data == expected,
            "PAYMENT STATE {when}: {data:02X?} instead of {expected:02X?}"
        );
        Ok(())
    }

    /// What bounds a payment besides the coins.
    pub fn rules(&self) -> Step<Rules> {
        let host = self.host()?;
        let next = host.purse.next_receive();
        let own = (next < INDEXES).then(|| host.account.script(0, next));
        Ok(Rules {
            limits: host.profile.limits,
            log: usize::from(host.capabilities.log),
            coins: usize::from(host.capabilities.coins),
            unrooted: usize::from(host.capabilities.unrooted),
            own: own.into_iter().collect::<Step<_>>()?,
            without_pin: false,
        })
    }

    /// What the card must do with a PREVIEW, or with a PAY that isn't given again.
    pub fn expectation(&self, request: &Request) -> Step<Result<Plan, Sw>> {
        self.expectation_by(request, &self.rules()?)
    }

    /// What the card must do with a PAY without the PIN whose amount alone is allowed.
    pub fn expectation_without_pin(&self, request: &Request) -> Step<Result<Plan, Sw>> {
        let rules = Rules {
            without_pin: true,
            ..self.rules()?
        };
        self.expectation_by(request, &rules)
    }

    fn expectation_by(&self, request: &Request, rules: &Rules) -> Step<Result<Plan, Sw>> {
        let host = self.host()?;
        let plan = match host.purse.plan(request, rules) {
            Ok(plan) => plan,
            refused => return Ok(refused),
        };
        // Only a taproot script can be the card's own.
        if request.payee.is_p2tr() {
            let change = (plan.change > 0).then_some((1, plan.change_index));
            let inputs = plan.inputs.iter().map(|coin| (coin.chain, coin.index));
            for (chain, index) in inputs.chain(change) {
                if host.account.script(chain, index)? == request.payee {
                    return Ok(Err(Sw::PAYEE));
                }
            }
        }
        Ok(Ok(plan))
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

    /// Enters the PIN and previews a payment that the card can't refuse; what it offers.
    ///
    /// # Errors
    /// As for [`Card::preview_checked`]; [`Stop::Error`] when the card may refuse it.
    pub fn offered(&mut self, request: &Request) -> Step<Plan> {
        self.preview_checked(request)?
            .map_err(|sw| Stop::Error(format!("the case's payment is refused with {sw}")))
    }

    /// Enters the PIN before each of PREVIEW and PAY, which must both be refused with this.
    ///
    /// # Errors
    /// [`Stop::Fail`] otherwise; also when the model expects something else, a fault of the case.
    pub fn expect_refused(&mut self, request: &Request, sw: Sw) -> Step<()> {
        let preview = self.preview_checked(request)?;
        put!(
            preview == Err(sw),
            "the case expects {sw}, its model {preview:?}"
        );
        self.authorise()?;
        self.pay_answer(request)?.want_bare(sw, "PAY")
    }

    /// Judges the answer to a PREVIEW that must succeed.
    ///
    /// # Errors
    /// [`Stop::Fail`] on any difference from the plan.
    pub fn judge_preview(&self, data: &[u8], request: &Request, plan: &Plan) -> Step<()> {
        check_preview(data, request, plan)
    }

    /// Enters the PIN, pays, judges the transaction, and remembers what the card should hold.
    pub fn pay_checked(&mut self, request: &Request) -> Step<Payment> {
        self.authorise()?;
        let answer = self.pay_answer(request)?;
        self.paid(request, answer)
    }

    /// Judges the answer to a PAY that must succeed with the PIN, and remembers what the card
    /// should hold.
    pub fn paid(&mut self, request: &Request, answer: Answer) -> Step<Payment> {
        self.paid_as(request, answer, false)
    }

    /// The same, with or without the PIN.
    pub fn paid_as(
        &mut self,
        request: &Request,
        answer: Answer,
        without_pin: bool,
    ) -> Step<Payment> {
        let plan = self.plan(request)?;
        let bytes = answer.want(Sw::OK, "PAY")?;
        let payment = check_payment(&bytes, &self.host()?.account, request, &plan)?;
        self.made(
            request,
            &plan,
            payment.txid,
            payment.change_vout,
            without_pin,
        )?;
        Ok(payment)
    }

    /// Remembers a payment.
    pub fn made(
        &mut self,
        request: &Request,
        plan: &Plan,
        txid: [u8; 32],
        change_vout: Option<u32>,
        without_pin: bool,
    ) -> Step<()> {
        let host = self.host_mut()?;
        let log = usize::from(host.capabilities.log);
        (host.purse).pay(request, plan, txid, change_vout, without_pin, log);
        Ok(())
    }

    /// Judges the answer to a PAY of a kept payment: the same transaction, counted.
    pub fn paid_again(&mut self, request: &Request, answer: Answer) -> Step<()> {
        let kept = self.logged(request)?.clone();
        let bytes = answer.want(Sw::OK, "PAY of a payment made before")?;
        self.same_transaction(&kept, &bytes)?;
        let logged = self.logged_mut(kept.sequence)?;
        logged.given_again = logged.given_again.saturating_add(1);
        Ok(())
    }

    /// A transaction must be that of a kept payment, with valid signatures.
    fn same_transaction(&self, kept: &Logged, bytes: &[u8]) -> Step<()> {
        let payment = check_payment(bytes, &self.host()?.account, &kept.request, &kept.plan)?;
        require!(
            payment.txid == kept.txid,
            "the transaction given again has another txid"
        );
        Ok(())
    }

    /// What the model keeps of a payment.
    ///
    /// # Errors
    /// [`Stop::Error`] when it keeps none of this identity.
    pub fn logged(&self, request: &Request) -> Step<&Logged> {
        (self.host()?.purse.kept(&request.identity))
            .ok_or_else(|| Stop::Error("the model keeps no such payment".to_owned()))
    }

    fn logged_mut(&mut self, sequence: u32) -> Step<&mut Logged> {
        (self.host_mut()?.purse.log.iter_mut())
            .find(|logged| logged.sequence == sequence)
            .ok_or_else(|| Stop::Error("the model keeps no such payment".to_owned()))
    }

    /// REPORT ABSENT.
    pub fn report_answer(&mut self, txid: &[u8; 32], vout: u32) -> Step<Answer> {
        let outpoint = [&txid[..], &vout.to_be_bytes()].concat();
        self.once(&Command::new(REPORT_ABSENT).data(tlv::object(0x80, &outpoint)))
    }

    /// REPORT ABSENT of a coin that was offered, which the model then takes for doubtful.
    pub fn report(&mut self, coin: &Coin) -> Step<()> {
        self.report_answer(&coin.txid, coin.vout)?
            .want_bare(Sw::OK, "REPORT ABSENT")?;
        self.host_mut()?.purse.report(coin.txid, coin.vout);
        Ok(())
    }

    /// GET ANCESTOR.
    pub fn ancestor_answer(&mut self, txid: &[u8; 32]) -> Step<Answer> {
        self.send(
            &Command::new(GET_ANCESTOR)
                .data(tlv::object(0x80, txid))
                .le(LE_SHORT),
        )
    }

    /// GET ANCESTOR of a kept payment, which must be given.
    pub fn ancestor(&mut self, request: &Request) -> Step<()> {
        let txid = self.logged(request)?.txid;
        let answer = self.ancestor_answer(&txid)?;
        self.ancestor_given(request, answer)
    }

    /// Judges the answer to a GET ANCESTOR that must be given, and counts it.
    pub fn ancestor_given(&mut self, request: &Request, answer: Answer) -> Step<()> {
        let kept = self.logged(request)?.clone();
        let bytes = answer.want(Sw::OK, "GET ANCESTOR")?;
        self.same_transaction(&kept, &bytes)?;
        let logged = self.logged_mut(kept.sequence)?;
        logged.given_as_ancestor = logged.given_as_ancestor.saturating_add(1);
        Ok(())
    }
}

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
    let expected: Vec<u8> = plan.inputs.iter().flat_map(Coin::outpoint).collect();
    require!(
        outpoints == expected,
        "PREVIEW: the outpoints are {} instead of {}",
        hex::encode(outpoints),
        hex::encode(&expected)
    );
    Ok(())
}
