//! Parses the transaction that makes a coin, piece by piece (`docs/protocol.md`, section 6.2).

use heapless::Vec;
use sha2::{Digest, Sha256};
use tillcard_protocol::command::{Announced, MAX_MONEY, Place, TaprootScript};
use tillcard_protocol::status::{self, Status};
use tillcard_protocol::{compact_size, hash};

/// Most inputs, and most outputs: more don't fit in a block.
const MAX_COUNT: u64 = 100_000;
/// Longest script in bytes (Bitcoin Core's `MAX_SCRIPT_SIZE`).
const MAX_SCRIPT: u64 = 10_000;
/// txid and vout of the outpoint that a coinbase spends.
const NULL_OUTPOINT: [u8; 36] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0xFF, 0xFF, 0xFF, 0xFF,
];

/// What the next bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Version,
    InputCount,
    Outpoint,
    InputScriptLength,
    InputScript,
    Sequence,
    OutputCount,
    Amount,
    OutputScriptLength,
    OutputScript,
    LockTime,
    End,
}

/// The announced output, as found.
struct Found {
    amount: u64,
    /// The script, when it has the length of a taproot one.
    script: Vec<u8, 34>,
    is_taproot_long: bool,
}

/// An entry under way.
pub struct TransactionParser {
    announced: Announced,
    unrooted: bool,
    hash: Sha256,
    field: Field,
    /// Bytes of a field that is collected before it is looked at.
    buffer: Vec<u8, 36>,
    /// Bytes of a script still to come.
    script_left: u64,
    inputs_left: u64,
    outputs: u64,
    output: u64,
    sum: u64,
    is_coinbase: bool,
    found: Option<Found>,
}

/// A transaction that came to its end and is what was announced.
pub struct Verified {
    /// What was announced.
    pub announced: Announced,
    /// The coin's amount, in sat.
    pub amount: u64,
}

impl TransactionParser {
    /// Waits for the first piece.
    pub fn new(announced: Announced, unrooted: bool) -> Self {
        Self {
            announced,
            unrooted,
            hash: Sha256::new(),
            field: Field::Version,
            buffer: Vec::new(),
            script_left: 0,
            inputs_left: 0,
            outputs: 0,
            output: 0,
            sum: 0,
            is_coinbase: false,
            found: None,
        }
    }

    /// Where the coin's key is.
    pub fn place(&self) -> Place {
        self.announced.place
    }

    /// Whether the coin will be an unrooted one.
    pub fn is_unrooted(&self) -> bool {
        self.unrooted
    }

    /// Takes in the next bytes; true when the transaction is complete.
    ///
    /// # Errors
    /// `6A80` (`[ENT-3]`)
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<bool, Status> {
        self.hash.update(bytes);
        while self.field != Field::End {
            if matches!(self.field, Field::InputScript | Field::OutputScript) {
                let length = usize::try_from(self.script_left).unwrap_or(usize::MAX);
                let (script, rest) = bytes.split_at(length.min(bytes.len()));
                bytes = rest;
                self.script(script);
                if self.script_left > 0 {
                    return Ok(false);
                }
                self.after_script();
            } else {
                let Some((byte, rest)) = bytes.split_first() else {
                    return Ok(false);
                };
                bytes = rest;
                self.buffer
                    .push(*byte)
                    .map_err(|_| status::EXECUTION_ERROR)?;
                if self.buffer.len() == self.wanted() {
                    self.collected()?;
                    self.buffer.clear();
                }
            }
        }
        if bytes.is_empty() {
            Ok(true)
        } else {
            Err(status::INCORRECT_DATA)
        }
    }

    /// Compares a complete transaction with what was announced (`[ENT-4]`).
    ///
    /// # Errors
    /// `940A`, `940E`, `940B`, `940C`, `940D`, in this order.
    pub fn verify(self, script: &TaprootScript, min_amount: u64) -> Result<Verified, Status> {
        if hash::double(self.hash) != self.announced.txid {
            return Err(status::COIN_TXID);
        }
        if self.is_coinbase {
            return Err(status::COIN_COINBASE);
        }
        let found = self.found.ok_or(status::COIN_VOUT)?;
        if !found.is_taproot_long || found.script != script[..] {
            return Err(status::COIN_SCRIPT);
        }
        if found.amount < min_amount {
            return Err(status::COIN_AMOUNT);
        }
        Ok(Verified {
            announced: self.announced,
            amount: found.amount,
        })
    }

    /// Length of the field that is being collected, as far as it is known.
    fn wanted(&self) -> usize {
        match self.field {
            Field::Version | Field::Sequence | Field::LockTime => 4,
            Field::Outpoint => 36,
            Field::Amount => 8,
            _ => self
                .buffer
                .first()
                .map_or(1, |first| compact_size::length(*first)),
        }
    }

    /// Looks at a field that is complete.
    fn collected(&mut self) -> Result<(), Status> {
        self.field = match self.field {
            Field::Version => Field::InputCount,
            Field::InputCount => {
                self.inputs_left = self.compact_size(1..=MAX_COUNT)?;
                Field::Outpoint
            }
            Field::Outpoint => {
                self.is_coinbase |= self.buffer == NULL_OUTPOINT;
                Field::InputScriptLength
            }
            Field::InputScriptLength => {
                self.script_left = self.compact_size(0..=MAX_SCRIPT)?;
                Field::InputScript
            }
            Field::Sequence => {
                self.inputs_left -= 1;
                if self.inputs_left > 0 {
                    Field::Outpoint
                } else {
                    Field::OutputCount
                }
            }
            Field::OutputCount => {
                self.outputs = self.compact_size(1..=MAX_COUNT)?;
                Field::Amount
            }
            Field::Amount => {
                self.amount()?;
                Field::OutputScriptLength
            }
            Field::OutputScriptLength => {
                self.script_left = self.compact_size(0..=MAX_SCRIPT)?;
                let is_taproot_long = self.script_left == 34;
                if let Some(found) = self.found_here() {
                    found.is_taproot_long = is_taproot_long;
                }
                Field::OutputScript
            }
            Field::LockTime => Field::End,
            // Scripts and the end aren't collected.
            other => other,
        };
        Ok(())
    }

    fn amount(&mut self) -> Result<(), Status> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.buffer);
        let amount = u64::from_le_bytes(bytes);
        self.sum = self
            .sum
            .checked_add(amount)
            .filter(|sum| *sum <= MAX_MONEY)
            .ok_or(status::INCORRECT_DATA)?;
        if self.output == u64::from(self.announced.vout) {
            self.found = Some(Found {
                amount,
                script: Vec::new(),
                is_taproot_long: false,
            });
        }
        Ok(())
    }

    /// The announced output, while it is the one passing by.
    fn found_here(&mut self) -> Option<&mut Found> {
        if self.output == u64::from(self.announced.vout) {
            self.found.as_mut()
        } else {
            None
        }
    }

    fn script(&mut self, bytes: &[u8]) {
        self.script_left -= bytes.len() as u64;
        if self.field == Field::OutputScript
            && let Some(found) = self.found_here()
            && found.is_taproot_long
        {
            // It has room for exactly the announced length.
            let _ = found.script.extend_from_slice(bytes);
        }
    }

    fn after_script(&mut self) {
        self.field = if self.field == Field::InputScript {
            Field::Sequence
        } else {
            self.output += 1;
            if self.output < self.outputs {
                Field::Amount
            } else {
                Field::LockTime
            }
        };
    }

    /// The collected CompactSize, which must be the shortest and in bounds.
    fn compact_size(&self, bounds: core::ops::RangeInclusive<u64>) -> Result<u64, Status> {
        compact_size::decode(&self.buffer)
            .ok()
            .filter(|value| bounds.contains(value))
            .ok_or(status::INCORRECT_DATA)
    }
}
