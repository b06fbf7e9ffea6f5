//! Transactions that the owner has signed: section 8.4.

use super::coin::{Coin, Place};
use super::payment::payee;
use crate::keys::Account;
use crate::outcome::Step;
use crate::tlv;
use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

/// What stands in the place of a place when the script is another's.
const ANOTHERS: [u8; 4] = [0xFF; 4];
/// Bytes of a script of the card.
const OWN_SCRIPT: u64 = 34;

/// An input of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendInput {
    /// As a transaction carries it.
    pub txid: [u8; 32],
    /// Which output.
    pub vout: u32,
    /// nSequence.
    pub sequence: u32,
    /// In sat.
    pub amount: u64,
    /// Whose key signs.
    pub place: Place,
}

impl SpendInput {
    /// A coin of the card.
    #[must_use]
    pub fn of(coin: &Coin) -> Self {
        Self {
            txid: coin.txid,
            vout: coin.vout,
            sequence: 0xFFFF_FFFD,
            amount: coin.amount,
            place: coin.place(),
        }
    }
}

setters!(SpendInput {
    txid: [u8; 32],
    vout: u32,
    sequence: u32,
    amount: u64,
    place: Place,
});

/// An output of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpendOutput {
    /// To the card.
    Own(u64, Place),
    /// To another.
    Other(u64, Vec<u8>),
}

impl SpendOutput {
    /// In sat.
    #[must_use]
    pub const fn amount(&self) -> u64 {
        match self {
            Self::Own(amount, _) | Self::Other(amount, _) => *amount,
        }
    }

    /// Where it goes, if to the card.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::Own(_, place) => Some(*place),
            Self::Other(..) => None,
        }
    }

    fn script_length(&self) -> u64 {
        match self {
            Self::Own(..) => OWN_SCRIPT,
            Self::Other(_, script) => script.len() as u64,
        }
    }
}

/// A transaction to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// 1 to 3.
    pub version: u32,
    /// nLockTime.
    pub lock_time: u32,
    /// 1 to 128.
    pub inputs: Vec<SpendInput>,
    /// 1 to 64.
    pub outputs: Vec<SpendOutput>,
}

setters!(Spend {
    version: u32,
    inputs: Vec<SpendInput>,
    outputs: Vec<SpendOutput>,
});

impl Spend {
    /// Sends these inputs to another, less a fee in sat.
    #[must_use]
    pub fn elsewhere(inputs: Vec<SpendInput>, fee: u64) -> Self {
        let sum: u64 = inputs.iter().map(|input| input.amount).sum();
        let script = payee::p2wpkh([6; 20]).to_bytes();
        Self {
            version: 2,
            lock_time: 0,
            inputs,
            outputs: vec![SpendOutput::Other(sum - fee, script)],
        }
    }

    /// Spends these coins of the card elsewhere, less 900 sat of fee.
    #[must_use]
    pub fn against(coins: &[Coin]) -> Self {
        Self::elsewhere(coins.iter().map(SpendInput::of).collect(), 900)
    }

    /// Sends a coin that the card doesn't know, at this place, to a receive index.
    #[must_use]
    pub fn of_unknown(txid: [u8; 32], place: Place) -> Self {
        Self {
            version: 2,
            lock_time: 0,
            inputs: vec![SpendInput {
                txid,
                vout: 0,
                sequence: 0xFFFF_FFFD,
                amount: 30_000,
                place,
            }],
            outputs: vec![SpendOutput::Own(29_000, Place::receive(2))],
        }
    }

    /// Header of the command that begins the signing.
    pub const BEGIN: [u8; 4] = [0x80, 0x40, 0x00, 0x00];
    /// Header of a piece of the stream.
    pub const PIECE: [u8; 4] = [0x80, 0x40, 0x01, 0x00];

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for input in &self.inputs {
            bytes.extend(input.txid);
            for number in [input.vout, input.sequence] {
                bytes.extend(number.to_be_bytes());
            }
            bytes.extend(input.amount.to_be_bytes());
            bytes.extend(input.place.0.to_be_bytes());
        }
        for output in &self.outputs {
            bytes.extend(output.amount().to_be_bytes());
            match output {
                SpendOutput::Own(_, place) => bytes.extend(place.0.to_be_bytes()),
                SpendOutput::Other(_, script) => {
                    bytes.extend(ANOTHERS);
                    bytes.push(script.len() as u8);
                    bytes.extend(script);
                }
            }
        }
        bytes
    }

    /// The body of the first command, with the right digest.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        self.body_with(&sha256::Hash::hash(&self.stream()).to_byte_array())
    }

    /// The body of the first command with this digest.
    #[must_use]
    pub fn body_with(&self, digest: &[u8; 32]) -> Vec<u8> {
        [
            tlv::object(0x80, &self.version.to_be_bytes()),
            tlv::object(0x81, &self.lock_time.to_be_bytes()),
            tlv::object(0x82, &[self.inputs.len() as u8]),
            tlv::object(0x83, &[self.outputs.len() as u8]),
            tlv::object(0x84, digest),
        ]
        .concat()
    }

    /// Sums of inputs, own outputs and other outputs, in sat.
    #[must_use]
    pub fn sums(&self) -> [u64; 3] {
        let outputs = |own: bool| {
            (self.outputs.iter())
                .filter(|output| output.place().is_some() == own)
                .map(SpendOutput::amount)
                .sum()
        };
        let inputs = self.inputs.iter().map(|input| input.amount).sum();
        [inputs, outputs(true), outputs(false)]
    }

    /// `v` of `[SGN-2]`, in vB.
    #[must_use]
    pub fn size(&self) -> u64 {
        let outputs: u64 = (self.outputs.iter())
            .map(|output| 9 + output.script_length())
            .sum();
        (42 + 230 * self.inputs.len() as u64 + 4 * outputs).div_ceil(4)
    }

    /// The transaction without its witnesses.
    ///
    /// # Errors
    /// [`crate::outcome::Stop::Error`] when a script can't be derived.
    pub fn transaction(&self, account: &Account) -> Step<Transaction> {
        let input = (self.inputs.iter())
            .map(|input| TxIn {
                previous_output: OutPoint {
                    txid: Txid::from_byte_array(input.txid),
                    vout: input.vout,
                },
                script_sig: ScriptBuf::new(),
                sequence: Sequence(input.sequence),
                witness: Witness::new(),
            })
            .collect();
        let output = (self.outputs.iter())
            .map(|output| {
                Ok(TxOut {
                    value: Amount::from_sat(output.amount()),
                    script_pubkey: match output {
                        SpendOutput::Own(_, place) => {
                            account.script(place.chain(), place.index())?
                        }
                        SpendOutput::Other(_, script) => ScriptBuf::from_bytes(script.clone()),
                    },
                })
            })
            .collect::<Step<_>>()?;
        Ok(Transaction {
            version: Version(self.version as i32),
            lock_time: LockTime::from_consensus(self.lock_time),
            input,
            output,
        })
    }

    /// What the inputs spend.
    pub fn spent(&self, account: &Account) -> Step<Vec<TxOut>> {
        (self.inputs.iter())
            .map(|input| {
                Ok(TxOut {
                    value: Amount::from_sat(input.amount),
                    script_pubkey: account.script(input.place.chain(), input.place.index())?,
                })
            })
            .collect()
    }
}
