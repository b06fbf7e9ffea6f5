//! The card is lost and blocked, and somebody finds it.

use bitcoin::Amount;
use serde_json::json;

use super::{FEE_RATE, Home, MILK, Play, nobody, short};
use crate::demo::failure::{DemoError, expect};
use crate::demo::narrator::Narrator;
use crate::demo::till::TillProcess;
use tillcard::chain::{Chain, OutputState};
use tillcard::owner::SweepOptions;
use tillcard::text::sat;

impl Play<'_> {
    /// The owner takes the coins back without the card.
    pub(super) fn block(
        &mut self,
        narrator: &mut Narrator,
        home: &mut Home,
    ) -> Result<(), DemoError> {
        narrator.step("blocked", "The owner blocks it", || {
            let chain = &self.chain;
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
    pub(super) fn decline(&mut self, narrator: &mut Narrator) -> Result<(), DemoError> {
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
        self.take_out(narrator, "removed-again", emulator)
    }
}
