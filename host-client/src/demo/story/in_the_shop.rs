//! The card pays for milk, and a forger fails.

use bitcoin::{OutPoint, Transaction, Witness};

use super::{Bought, CONFIRMATIONS, MILK, Play, nobody};
use crate::demo::emulator::Emulator;
use crate::demo::failure::{DemoError, expect};
use crate::demo::narrator::Narrator;
use crate::demo::till::{Ended, TillProcess};
use tillcard::chain::{Chain, OutputState};
use tillcard::text::sat;
use tillcard_client::Untrusted;

impl Play<'_> {
    /// A wrong PIN, the right one, a forger, two blocks.
    pub(super) fn buy_milk(
        &mut self,
        narrator: &mut Narrator,
        emulator: &Emulator,
    ) -> Result<Bought, DemoError> {
        let mut till = narrator.step("asked", "The till asks", || {
            let mut till = TillProcess::start(self.stage, &self.asking(emulator.reader(), MILK))?;
            till.wait_for("card")?;
            let text = format!("The till finds the card and asks {} for milk", sat(MILK));
            Ok((till, text))
        })?;
        narrator.step("channel-open", "The till opens a secure channel", || {
            till.wait_for("channel")?;
            till.wait_for("genuine")?;
            till.wait_for("waiting-for-pin")?;
            Ok((
                (),
                "It opens a secure channel: the card is genuine, nobody listens".into(),
            ))
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
            let block = self
                .regtest
                .assemble_block(&nobody(), vec![payment.clone()]);
            self.regtest.submit_block(&block)?;
            let told = till.wait_for("confirmed")?;
            expect(told.confirmations == Some(1), "one block, one confirmation")?;
            Ok((
                (),
                "The same block with the card's own signature: valid, confirmed (1)".into(),
            ))
        })?;
        let (till_memory, emulator_memory) =
            narrator.step("memory-copied", "The till's memory is copied", || {
                let memory = till.memory()?;
                let text = format!(
                    "While it waits, a robber copies the till's memory: {} MB",
                    memory.size() / 1_000_000
                );
                Ok(((memory, emulator.memory()?), text))
            })?;
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
            emulator_memory,
            till_output: said,
        })
    }

    /// One bit of the signature flipped, and Core must say no.
    fn forge(&self, narrator: &mut Narrator, payment: &Transaction) -> Result<(), DemoError> {
        narrator.step("forgery-refused", "A forged signature", || {
            let forged = with_flipped_bit(payment)?;
            let block = self.regtest.assemble_block(&nobody(), vec![forged]);
            let before = self.regtest.tip();
            match self.regtest.submit_block(&block) {
                Ok(()) => Err(DemoError::new("Bitcoin Core took a forged signature")),
                Err(rejected) => {
                    expect(
                        self.regtest.tip() == before,
                        "a refused block moved the tip",
                    )?;
                    let text = format!(
                        "A block with one bit of that flipped: refused ({})",
                        Untrusted::from(rejected.reason)
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
