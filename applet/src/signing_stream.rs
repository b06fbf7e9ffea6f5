//! What SIGN takes in: the stream of inputs and outputs of a transaction to be signed for the
//! owner (`docs/protocol.md`, section 8.4).

use crate::capacities::{MAX_INDEX, MAX_LOG};
use crate::key::{InputHasher, InputHashes, Sighashes};
use crate::persistent::Slot;
use heapless::Vec;
use sha2::{Digest, Sha256};
use tillcard_protocol::command::{
    FOREIGN_SCRIPT, MAX_MONEY, Place, SIGNING_INPUTS_MAX, SIGNING_OUTPUTS_MAX, SIGNING_SCRIPT_MAX,
    SigningInput, SigningSummary, TaprootScript, Unsigned,
};
use tillcard_protocol::hash;
use tillcard_protocol::status::{self, Status};

/// Most inputs, as a length.
pub const MAX_INPUTS: usize = SIGNING_INPUTS_MAX as usize;
const _: () = assert!(MAX_LOG as u32 <= u64::BITS);

/// The owner's signing under way.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one, in memory that other streams share with it"
)]
pub enum Signing {
    /// The transaction is on its way in.
    Streaming(SigningStream),
    /// It is complete, and signed on demand.
    Complete {
        /// The transaction.
        transaction: Complete,
        /// Whether what its signatures change is persistent.
        is_committed: bool,
    },
}

// Streams share what little transient memory a card has.
const _: () = assert!(size_of::<Signing>() <= 1280);

/// What the parser asks the card for.
pub trait Wallet {
    /// The card's script at a place.
    fn script(&mut self, place: Place) -> Result<TaprootScript, Status>;

    /// What the card knows of an input's coin; `6A80` when it knows the coin
    /// otherwise, `9416` when the place is pledged (`[SGN-2]`).
    fn known(&mut self, input: &SigningInput) -> Result<Known, Status>;

    /// Whether an output may pay the card there (`[SGN-2]`).
    fn may_receive(&self, place: Place) -> bool;
}

/// What the card knows of an input's coin.
pub enum Known {
    /// The card doesn't have it.
    Unknown,
    /// It stands here, unspent.
    Unspent(Slot),
    /// A kept payment spent it.
    SpentBy(u32),
}

/// What the next bytes are, and hashes of what has passed by.
#[allow(
    clippy::large_enum_variant,
    reason = "one follows the other in the same memory"
)]
enum Phase {
    Inputs(InputHasher),
    Outputs {
        inputs: InputHashes,
        outputs: Sha256,
    },
}

/// A transaction on its way in.
pub struct SigningStream {
    unsigned: Unsigned,
    digest: Sha256,
    phase: Phase,
    /// Bytes of an item that is looked at when it is whole.
    buffer: Vec<u8, { SigningInput::LENGTH }>,
    /// Bytes of a script still to come.
    script_left: usize,
    outputs: u8,
    /// Lengths of the scripts of all outputs.
    script_bytes: usize,
    spends: Spends,
    summary: SigningSummary,
}

/// What the card has to remember when it signs.
#[derive(Default)]
pub struct Spends {
    places: Vec<PackedPlace, MAX_INPUTS>,
    slots: Vec<Slot, MAX_INPUTS>,
    /// The kept payments that spend one of the inputs, a bit for each place in the
    /// log.
    contested: u64,
    /// One above the highest change index among the outputs.
    pub change_from: u32,
}

/// Chain and index of a key in two bytes, since indexes are below 2¹².
#[derive(Clone, Copy)]
struct PackedPlace(u16);

const PACKED_CHANGE: u16 = 1 << 15;
const _: () = assert!(MAX_INDEX <= PACKED_CHANGE as u32);

impl Spends {
    fn push(&mut self, place: Place, known: &Known) -> Result<(), Status> {
        let index = place.index as u16;
        let packed = match place.chain {
            Place::RECEIVE => index,
            _ => PACKED_CHANGE | index,
        };
        let slot = match known {
            Known::Unspent(slot) => Some(*slot),
            Known::SpentBy(payment_number) => {
                self.contested |= 1 << (payment_number % u32::from(MAX_LOG));
                None
            }
            Known::Unknown => None,
        };
        let pushed = self.places.push(PackedPlace(packed)).is_ok()
            && slot.is_none_or(|slot| self.slots.push(slot).is_ok());
        if pushed {
            Ok(())
        } else {
            Err(status::EXECUTION_ERROR)
        }
    }

    /// Where the key of an input is.
    pub fn place(&self, input: u8) -> Option<Place> {
        self.places.get(usize::from(input)).map(PackedPlace::unpack)
    }

    /// Where the inputs' keys are.
    pub fn places(&self) -> Vec<Place, MAX_INPUTS> {
        self.places.iter().map(PackedPlace::unpack).collect()
    }

    /// Where those coins stand in the card that it has, unspent.
    pub fn slots(&self) -> Vec<Slot, MAX_INPUTS> {
        self.slots.clone()
    }

    /// The payment numbers of the payments that spend one of the inputs, of a log
    /// that begins with this one.
    pub fn contested(&self, log_first: u32) -> Vec<u32, { MAX_LOG as usize }> {
        (log_first..)
            .take(MAX_LOG.into())
            .filter(|payment_number| {
                self.contested >> (payment_number % u32::from(MAX_LOG)) & 1 != 0
            })
            .collect()
    }
}

impl PackedPlace {
    fn unpack(&self) -> Place {
        let index = u32::from(self.0 & !PACKED_CHANGE);
        match self.0 & PACKED_CHANGE {
            0 => Place::receive(index),
            _ => Place::change(index),
        }
    }
}

/// A transaction that is complete.
pub struct Complete {
    pub sighashes: Sighashes,
    pub spends: Spends,
    pub summary: SigningSummary,
    /// Its virtual size in vbytes, signed.
    pub size: u64,
}

impl SigningStream {
    /// Waits for the first piece.
    ///
    /// # Errors
    /// `6A80` for numbers of inputs or outputs, or a version, that aren't
    /// permitted.
    pub fn new(unsigned: Unsigned) -> Result<Self, Status> {
        if !(1..=3).contains(&unsigned.version)
            || !(1..=SIGNING_INPUTS_MAX).contains(&unsigned.inputs)
            || !(1..=SIGNING_OUTPUTS_MAX).contains(&unsigned.outputs)
        {
            return Err(status::INCORRECT_DATA);
        }
        Ok(Self {
            unsigned,
            digest: Sha256::new(),
            phase: Phase::Inputs(InputHasher::default()),
            buffer: Vec::new(),
            script_left: 0,
            outputs: 0,
            script_bytes: 0,
            spends: Spends::default(),
            summary: SigningSummary::default(),
        })
    }

    /// Takes in the next bytes; true when the stream is complete.
    ///
    /// # Errors
    /// `6A80`, and what the wallet answers.
    pub fn take(&mut self, mut bytes: &[u8], wallet: &mut impl Wallet) -> Result<bool, Status> {
        self.digest.update(bytes);
        while !self.is_complete() {
            if self.script_left > 0 {
                let (script, rest) = bytes.split_at(self.script_left.min(bytes.len()));
                bytes = rest;
                self.script(script);
                if self.script_left > 0 {
                    return Ok(false);
                }
            } else {
                let Some((byte, rest)) = bytes.split_first() else {
                    return Ok(false);
                };
                bytes = rest;
                self.buffer
                    .push(*byte)
                    .map_err(|_| status::EXECUTION_ERROR)?;
                self.collected(wallet)?;
            }
        }
        if bytes.is_empty() {
            Ok(true)
        } else {
            Err(status::INCORRECT_DATA)
        }
    }

    fn is_complete(&self) -> bool {
        self.outputs == self.unsigned.outputs && self.script_left == 0
    }

    /// Looks at what is collected, if that is a whole item.
    fn collected(&mut self, wallet: &mut impl Wallet) -> Result<(), Status> {
        match self.phase {
            Phase::Inputs(_) => {
                if let Ok(bytes) = self.buffer.as_slice().try_into() {
                    self.input(&SigningInput::from_bytes(bytes), wallet)?;
                    self.buffer.clear();
                }
            }
            Phase::Outputs { .. } => {
                if let Some(output) = OutputHead::of(&self.buffer) {
                    self.output(output, wallet)?;
                    self.buffer.clear();
                }
            }
        }
        Ok(())
    }

    fn input(&mut self, input: &SigningInput, wallet: &mut impl Wallet) -> Result<(), Status> {
        let Phase::Inputs(hasher) = &mut self.phase else {
            return Err(status::EXECUTION_ERROR);
        };
        if input.place.index >= MAX_INDEX {
            return Err(status::INCORRECT_DATA);
        }
        add(&mut self.summary.inputs, input.amount)?;
        let script = wallet.script(input.place)?;
        hasher.add(&input.outpoint, input.amount, &script, input.sequence);
        self.spends.push(input.place, &wallet.known(input)?)?;
        if self.spends.places.len() == usize::from(self.unsigned.inputs) {
            self.phase = Phase::Outputs {
                inputs: core::mem::take(hasher).finish(),
                outputs: Sha256::new(),
            };
        }
        Ok(())
    }

    fn output(&mut self, output: OutputHead, wallet: &mut impl Wallet) -> Result<(), Status> {
        let Phase::Outputs { outputs, .. } = &mut self.phase else {
            return Err(status::EXECUTION_ERROR);
        };
        outputs.update(output.amount.to_le_bytes());
        let length = match output.payee {
            Payee::Own(place) => {
                if place.index >= MAX_INDEX || !wallet.may_receive(place) {
                    return Err(status::INCORRECT_DATA);
                }
                if place.chain == Place::CHANGE {
                    self.spends.change_from = self.spends.change_from.max(place.index + 1);
                }
                add(&mut self.summary.own_outputs, output.amount)?;
                let script = wallet.script(place)?;
                outputs.update([script.len() as u8]);
                outputs.update(script);
                script.len()
            }
            Payee::Other(length) => {
                if !(1..=SIGNING_SCRIPT_MAX).contains(&length.into()) {
                    return Err(status::INCORRECT_DATA);
                }
                add(&mut self.summary.other_outputs, output.amount)?;
                outputs.update([length]);
                self.script_left = length.into();
                length.into()
            }
        };
        self.script_bytes += length;
        self.outputs += 1;
        Ok(())
    }

    fn script(&mut self, bytes: &[u8]) {
        self.script_left -= bytes.len();
        if let Phase::Outputs { outputs, .. } = &mut self.phase {
            outputs.update(bytes);
        }
    }

    /// The transaction, when the stream is complete.
    ///
    /// # Errors
    /// `6A80` when the outputs exceed the inputs; `940A` when the stream isn't
    /// the announced one.
    pub fn finish(self) -> Result<Complete, Status> {
        let Phase::Outputs { inputs, outputs } = self.phase else {
            return Err(status::EXECUTION_ERROR);
        };
        let mut summary = self.summary;
        // Two sums of what can exist each don't overflow.
        summary.fee = summary
            .inputs
            .checked_sub(summary.own_outputs + summary.other_outputs)
            .ok_or(status::INCORRECT_DATA)?;
        if hash::finish(self.digest) != self.unsigned.digest {
            return Err(status::COIN_TXID);
        }
        // As in section 7.4: every input has a key path signature.
        let weight = 42
            + 230 * usize::from(self.unsigned.inputs)
            + 4 * (9 * usize::from(self.unsigned.outputs) + self.script_bytes);
        Ok(Complete {
            sighashes: Sighashes::new(
                self.unsigned.version,
                self.unsigned.lock_time,
                &inputs,
                &hash::finish(outputs),
            ),
            spends: self.spends,
            summary,
            size: weight.div_ceil(4) as u64,
        })
    }
}

/// An output up to its script.
struct OutputHead {
    amount: u64,
    payee: Payee,
}

enum Payee {
    Own(Place),
    /// Another's script of so many bytes, which follow.
    Other(u8),
}

impl OutputHead {
    /// `None` when more bytes are needed.
    fn of(bytes: &[u8]) -> Option<Self> {
        let (amount, rest) = bytes.split_first_chunk()?;
        let (place, rest) = rest.split_first_chunk()?;
        let payee = match u32::from_be_bytes(*place) {
            FOREIGN_SCRIPT => Payee::Other(*rest.first()?),
            place => Payee::Own(Place::from_u32(place)),
        };
        Some(Self {
            amount: u64::from_be_bytes(*amount),
            payee,
        })
    }
}

/// Adds to a sum, `6A80` above what can exist.
fn add(sum: &mut u64, amount: u64) -> Result<(), Status> {
    *sum = sum
        .checked_add(amount)
        .filter(|sum| *sum <= MAX_MONEY)
        .ok_or(status::INCORRECT_DATA)?;
    Ok(())
}
