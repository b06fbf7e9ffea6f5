//! What holds for every input of a payment, not for the first alone. Sections 7.3 and 7.4.

use super::prelude::*;

cases! {
    "TC-TX-10" version 1 on Own D3 for [TX_6 TX_1 PAY_10 ENT_2] runs every_input:
        "Of a payment with two inputs, the script of either is refused as payee with 9408; the \
         payment made, the indexes of both are retired: no coin enters at them (940F), and another \
         coin that stands at the second is no candidate."
        catches "An input after the first that is forgotten when indexes are retired.";
}

fn every_input(ctx: &mut CaseContext) -> Outcome {
    let request_of = ctx.requests();
    ctx.prepare_funded(&[60_000, 50_000])?;
    let mut stream = ctx.values.stream("another coin");
    let (beside, bytes) = ctx.coin_at(&mut stream, 20_000, 1)?;
    ctx.enter(&beside, &bytes, 20_000).preamble()?;
    let request = request_of(100_000);
    let inputs = ctx.plan(&request)?.inputs;
    put!(inputs.len() == 2, "the case needs a payment of two coins");
    let account = ctx.host()?.account.clone();
    for (position, input) in inputs.iter().enumerate() {
        let own = account.script(input.chain, input.index)?;
        ctx.expect_refused(&request_of(100_000).payee(own), Sw::PAYEE)
            .at(|| format!("the script of input {position}"))?;
    }
    ctx.pay_checked(&request)?;
    for (position, input) in inputs.iter().enumerate() {
        let (entry, _) = ctx.coin_at(&mut stream, 30_000, input.index)?;
        ctx.begin_entry(&entry)?
            .want_bare(Sw::RETIRED, "ENTER COIN")
            .at(|| format!("at the index of input {position}"))?;
    }
    let left = ctx.host()?.purse.available();
    ctx.expect_refused(&request_of(left), Sw::INSUFFICIENT)?;
    ctx.expect_ledger("after the payment")
}
