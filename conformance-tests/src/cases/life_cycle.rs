//! A long random life with every command, against the model. `[NVM-1]` and all that it holds for.

use super::life_cycle_owner;
use super::pay_terminal::changed;
use super::prelude::*;
use crate::model::{MAX_AMOUNT, Place, Spend, SpendInput, SpendOutput};
use crate::values::Stream;

/// Steps of the life.
const STEPS: usize = 500;
/// Steps between two looks into the books.
const BETWEEN_LOOKS: usize = 12;
/// How often a payment is given, each way.
const MOST_GIVEN: u8 = 16;

cases! {
    "TC-NVM-05" version 2 on Own D3 for [NVM_1 NVM_3 STA_1 PAY_4 TX_1 LIM_2 IMG_1 LOG_1 REC_1
        RES_1 SGN_3 RRC_1 OWN_4 LIM_4 ACC_1] runs life:
        "A random life of 500 steps with every command (entries at any place, credits, previews, \
         reports, ancestors, payments with and without PIN, given again and changed, \
         acknowledgements, limits, cancellations, the owner's signing, new PINs and owner keys, \
         wrong PINs, power cuts), good and refused, agrees with the suite's model at every step, \
         and so do coin image and log at every twelfth."
        catches "What only shows when rules meet that nobody thought of together.";
}

/// What a life knows besides the model.
struct Life {
    stream: Stream,
    tries: u8,
    /// Coins that entered or could have, with their transactions.
    coins: Vec<(Entry, Vec<u8>, u64)>,
    done: [usize; 3],
}

impl Life {
    fn below(&mut self, bound: usize) -> usize {
        self.stream.below(bound.max(1) as u64) as usize
    }
}

fn some_limits(life: &mut Life) -> Limits {
    Limits {
        per_payment: 40_000 + life.stream.below(60_000),
        cumulative: 200_000 + life.stream.below(400_000),
        payments: 8 + life.stream.below(30) as u16,
        fee_cap: 4_000 + life.stream.below(4_000),
        least_rate: 100 + life.stream.below(400) as u32,
        highest_rate: 12_000 + life.stream.below(5_000) as u32,
        least_coin: 330 + life.stream.below(3_000) as u32,
        without_pin: life.stream.below(6_000),
        payments_without_pin: life.stream.below(6) as u16,
    }
}

fn life(ctx: &mut CaseContext) -> Outcome {
    let mut life = Life {
        stream: ctx.values.stream("life"),
        tries: 3,
        coins: Vec::new(),
        done: [0; 3],
    };
    let limits = some_limits(&mut life);
    ctx.prepare_limited(limits, &[])?;
    let all = [
        Capability::Credits,
        Capability::WithoutPin,
        Capability::Signing,
    ];
    for capability in all {
        ctx.host()?.capabilities.needs(capability)?;
    }
    for step in 0..STEPS {
        let place = || format!("step {step}");
        match life.below(26) {
            0..=4 => enter(ctx, &mut life).at(place)?,
            5..=11 => pay(ctx, &mut life).at(place)?,
            12..=13 => pay_without_pin(ctx, &mut life).at(place)?,
            14..=15 => pay_again(ctx, &mut life).at(place)?,
            16 => acknowledge(ctx, &mut life).at(place)?,
            17 => set_limits(ctx, &mut life).at(place)?,
            18 => resolve(ctx, &mut life).at(place)?,
            19 => sign(ctx, &mut life).at(place)?,
            20..=21 if life.tries > 1 => {
                life.tries -= 1;
                ctx.verify_wrong(life.tries).at(place)?;
            }
            22..=23 => {
                life_cycle_owner::step(ctx, &mut life.stream, &mut life.tries).at(place)?;
            }
            _ => ctx.power_cycle().at(place)?,
        }
        if step % BETWEEN_LOOKS == 0 {
            ctx.expect_ledger("books").at(place)?;
        }
        ctx.expect_tries(life.tries, "GET DATA").at(place)?;
    }
    ctx.power_cycle()?;
    ctx.expect_ledger("at the end")?;
    let [payments, refusals, entries] = life.done;
    ctx.note(format!(
        "{payments} payments, {refusals} refused, {entries} coins entered"
    ));
    Ok(())
}

/// What the first command of an entry must be answered.
fn entry_refusal(ctx: &CaseContext, entry: &Entry, credit: bool) -> Step<Option<Sw>> {
    let host = ctx.host()?;
    let (purse, capabilities) = (&host.purse, &host.capabilities);
    let place = Place(entry.place);
    let at = (place.chain(), place.index());
    let given_out = match place.chain() {
        0 => {
            let ahead = if credit { 0 } else { 9 };
            place.index() < 4096 && place.index() <= purse.next_receive() + ahead
        }
        _ => !credit && place.index() < purse.next_change(),
    };
    let unspent = || purse.coins.iter().filter(|coin| coin.spent.is_none());
    let beside_rooted = credit && purse.has_rooted_at(at.0, at.1);
    let known =
        (purse.coins.iter()).find(|coin| (coin.txid, coin.vout) == (entry.txid, entry.vout));
    let unrooted = unspent().filter(|coin| coin.unrooted).count();
    let full = purse.coins.len() >= usize::from(capabilities.coins)
        || (credit && unrooted >= usize::from(capabilities.unrooted));
    Ok(if !given_out || beside_rooted {
        Some(Sw::INDEX)
    } else if purse.retired.contains(&at) {
        Some(Sw::RETIRED)
    } else if let Some(known) = known {
        let again = !credit && known.spent.is_none() && (known.doubtful || known.unrooted);
        (!again).then_some(Sw::COIN_KNOWN)
    } else {
        full.then_some(Sw::NO_ROOM)
    })
}

fn enter(ctx: &mut CaseContext, life: &mut Life) -> Outcome {
    let credit = life.below(3) == 0;
    let (entry, bytes, amount) = if life.coins.is_empty() || life.below(4) > 0 {
        let (next_receive, next_change) = {
            let purse = &ctx.host()?.purse;
            (purse.next_receive(), purse.next_change())
        };
        let place = match life.below(6) {
            0 => Place::change(life.stream.below(u64::from(next_change) + 2) as u32),
            _ => Place::receive(next_receive.saturating_sub(3) + life.stream.below(7) as u32),
        };
        let amount = 300 + life.stream.below(90_000);
        let (entry, bytes) = ctx.coin_at(&mut life.stream, amount, place.0)?;
        life.coins.push((entry, bytes.clone(), amount));
        (entry, bytes, amount)
    } else {
        let at = life.below(life.coins.len());
        life.coins[at].clone()
    };
    let refusal = entry_refusal(ctx, &entry, credit)?;
    let least = u64::from(ctx.host()?.profile.limits.least_coin);
    let begun = if credit {
        ctx.authorise()?;
        life.tries = 3;
        ctx.begin_credit(&entry)?
    } else {
        ctx.begin_entry(&entry)?
    };
    begun.want_bare(refusal.unwrap_or(Sw::OK), "ENTER COIN")?;
    if refusal.is_some() {
        return Ok(());
    }
    if life.below(6) == 0 {
        // Given up halfway.
        return ctx
            .piece(&bytes[..20])?
            .want_bare(Sw::OK, "ENTER COIN, a piece");
    }
    let answer = ctx.stream(&bytes, 100)?;
    if amount < least {
        return answer.want_bare(Sw::COIN_DUST, "ENTER COIN, last piece");
    }
    life.done[2] += 1;
    ctx.entered_as(&entry, amount, credit, answer)
}

fn some_request(ctx: &CaseContext, life: &mut Life, unrooted: bool) -> Step<Request> {
    let request_of = ctx.requests();
    let candidates = ctx.host()?.purse.candidates_of(unrooted);
    let total: u64 = candidates.iter().map(|coin| coin.amount).sum();
    let (_, payee) = payee::all(life.stream.bytes())[life.below(5)].clone();
    let amount = match life.below(9) {
        0 => life.stream.below(600),
        1 => 100_000 + life.stream.below(20_000),
        2 => total,
        3 => MAX_AMOUNT + life.stream.below(3),
        _ => 300 + life.stream.below(total.clamp(1, 70_000)),
    };
    Ok(request_of(amount)
        .rate(90 + life.stream.below(13_000) as u32)
        .payee(payee)
        .unrooted(unrooted)
        .merchant(match life.below(6) {
            0 => vec![0x07],
            1 => Vec::new(),
            _ => life
                .stream
                .vec(3)
                .iter()
                .map(|byte| b'a' + byte % 26)
                .collect(),
        })
        .invoice(if life.below(2) == 0 {
            life.stream.vec(32)
        } else {
            Vec::new()
        }))
}

fn pay(ctx: &mut CaseContext, life: &mut Life) -> Outcome {
    let unrooted = life.below(4) == 0;
    let request = some_request(ctx, life, unrooted)?;
    life.tries = 3;
    if life.below(3) == 0 {
        ctx.authorise()?;
    } else {
        let Ok(mut plan) = ctx.preview_checked(&request)? else {
            life.done[1] += 1;
            return Ok(());
        };
        for _ in 0..life.below(4) {
            if let Some(kept) = ctx
                .host()?
                .purse
                .log
                .last()
                .map(|kept| kept.request.clone())
                && life.below(2) == 0
            {
                ancestor(ctx, &kept, &plan.inputs)?;
            }
            if life.below(2) > 0 {
                continue;
            }
            let coin = plan.inputs[life.below(plan.inputs.len())].clone();
            ctx.report(&coin)?;
            let answer = ctx.preview_answer(&request)?;
            match ctx.expectation(&request)? {
                Ok(next) => {
                    let data = answer.want(Sw::OK, "PREVIEW after a report")?;
                    ctx.judge_preview(&data, &request, &next)?;
                    plan = next;
                }
                Err(sw) => return answer.want_bare(sw, "PREVIEW after a report"),
            }
        }
    }
    let expected = ctx.expectation(&request)?;
    let answer = ctx.pay_answer(&request)?;
    match expected {
        Ok(_) => {
            life.done[0] += 1;
            ctx.paid(&request, answer).map(drop)
        }
        Err(sw) => {
            life.done[1] += 1;
            answer.want_bare(sw, "PAY")
        }
    }
}

/// GET ANCESTOR of a kept payment, as the model says, once.
fn ancestor(ctx: &mut CaseContext, kept: &Request, inputs: &[crate::model::Coin]) -> Outcome {
    let logged = ctx.logged(kept)?.clone();
    let mut open: Vec<[u8; 32]> = inputs.iter().map(|coin| coin.txid).collect();
    let mut is_ancestor = false;
    while let Some(txid) = open.pop() {
        is_ancestor |= txid == logged.txid;
        if let Some(parent) = (ctx.host()?.purse.log.iter()).find(|one| one.txid == txid) {
            open.extend(parent.plan.inputs.iter().map(|coin| coin.txid));
        }
    }
    if is_ancestor && !logged.cancelled {
        // A second time in one authorisation is refused: TC-ANC-01. Here it may be the first.
        let answer = ctx.ancestor_answer(&logged.txid)?;
        if answer.sw == Sw::GIVEN {
            return Ok(());
        }
        return ctx.ancestor_given(kept, answer);
    }
    let sw = if is_ancestor {
        Sw::GIVEN
    } else {
        Sw::NOT_FOUND
    };
    ctx.ancestor_answer(&logged.txid)?
        .want_bare(sw, "GET ANCESTOR")
}

fn pay_without_pin(ctx: &mut CaseContext, life: &mut Life) -> Outcome {
    ctx.select()?;
    let amount = 300 + life.stream.below(6_000);
    let request = some_request(ctx, life, false)?.amount(amount);
    let (limits, purse) = {
        let host = ctx.host()?;
        (host.profile.limits, &host.purse)
    };
    let allowed = request.amount <= limits.without_pin
        && purse.payments_without_pin < limits.payments_without_pin;
    let expected = ctx.expectation_without_pin(&request)?;
    let answer = ctx.pay_answer(&request)?;
    match expected {
        _ if !allowed => answer.want_bare(Sw::SECURITY, "PAY without PIN"),
        Err(sw) => answer.want_bare(sw, "PAY without PIN"),
        Ok(_) => {
            life.done[0] += 1;
            ctx.paid_as(&request, answer, true).map(drop)
        }
    }
}

fn pay_again(ctx: &mut CaseContext, life: &mut Life) -> Outcome {
    let log = &ctx.host()?.purse.log;
    if log.is_empty() {
        return Ok(());
    }
    let kept = log[life.below(log.len())].clone();
    let authorised = life.below(2) == 0;
    if authorised {
        ctx.authorise()?;
        life.tries = 3;
    } else {
        ctx.select()?;
    }
    if life.below(3) == 0 {
        let mut others = changed(&kept.request, &ctx.host()?.capabilities);
        others.retain(|(_, other)| *other != kept.request);
        let (_, other) = &others[life.below(others.len())];
        let answer = ctx.pay_answer(other)?;
        let limits = ctx.host()?.profile.limits;
        let purse = &ctx.host()?.purse;
        let small = other.amount <= limits.without_pin
            && purse.payments_without_pin < limits.payments_without_pin;
        let sw = if authorised || small {
            Sw::IDENTITY
        } else {
            Sw::SECURITY
        };
        return answer.want_bare(sw, "PAY of a kept payment, changed");
    }
    let answer = ctx.pay_answer(&kept.request)?;
    if kept.cancelled || (!authorised && kept.given_again >= MOST_GIVEN) {
        return answer.want_bare(Sw::GIVEN, "PAY again");
    }
    ctx.paid_again(&kept.request, answer)
}

fn acknowledge(ctx: &mut CaseContext, life: &mut Life) -> Outcome {
    let purse = &ctx.host()?.purse;
    let (first, seen, next) = (purse.first_kept, purse.first_unseen, purse.next_sequence);
    let new_seen = seen.saturating_sub(1) + life.stream.below(u64::from(next - seen) + 3) as u32;
    let settled =
        first.saturating_sub(1) + life.stream.below(u64::from(next - first) / 2 + 3) as u32;
    let taken = first <= settled && settled <= new_seen && new_seen <= next && new_seen >= seen;
    if taken {
        return ctx.acknowledge(new_seen, settled);
    }
    ctx.acknowledge_answer(new_seen, settled)?
        .want_bare(Sw::WRONG_DATA, "ACKNOWLEDGE LOG")
}

fn set_limits(ctx: &mut CaseContext, life: &mut Life) -> Outcome {
    let purse = &ctx.host()?.purse;
    let (first, seen, next) = (purse.first_kept, purse.first_unseen, purse.next_sequence);
    let limits = some_limits(life);
    if seen < next {
        ctx.set_limits_answer(&limits)?
            .want_bare(Sw::CONDITIONS, "SET LIMITS")?;
        ctx.acknowledge(next, first)?;
    }
    ctx.set_limits(limits)
}

fn resolve(ctx: &mut CaseContext, life: &mut Life) -> Outcome {
    let purse = &ctx.host()?.purse;
    let (first, next) = (purse.first_kept, purse.next_sequence);
    let sequence = first.saturating_sub(1) + life.stream.below(u64::from(next - first) + 2) as u32;
    ctx.resolve(sequence).map(drop)
}

fn sign(ctx: &mut CaseContext, life: &mut Life) -> Outcome {
    let coins = ctx.host()?.purse.coins.clone();
    let mut inputs: Vec<SpendInput> = (coins.iter())
        .filter(|_| life.stream.below(8) == 0)
        .take(5)
        .map(SpendInput::of)
        .collect();
    if inputs.is_empty() {
        inputs.push(SpendInput {
            txid: life.stream.bytes(),
            vout: 1,
            sequence: 0,
            amount: 50_000,
            place: Place::receive(3_000 + life.stream.below(1_000) as u32),
        });
    }
    let sum: u64 = inputs.iter().map(|input| input.amount).sum();
    let (next_receive, next_change) = {
        let purse = &ctx.host()?.purse;
        (purse.next_receive(), purse.next_change())
    };
    let own = match life.below(2) {
        0 => Place::receive(next_receive + life.stream.below(10) as u32),
        _ => Place::change(next_change + life.stream.below(3) as u32),
    };
    let spend = Spend {
        version: 1 + life.stream.below(3) as u32,
        lock_time: life.stream.below(1 << 32) as u32,
        inputs,
        outputs: vec![
            SpendOutput::Own(sum / 3, own),
            SpendOutput::Other(
                sum - sum / 3 - 300.min(sum / 2),
                payee::p2tr(life.stream.bytes()).to_bytes(),
            ),
        ],
    };
    ctx.streamed(&spend, 200)?;
    if life.below(3) > 0 {
        ctx.signed_all(&spend)?;
    }
    Ok(())
}
