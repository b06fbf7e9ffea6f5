//! The commands of a plan.

use std::fmt;

use bitcoin::Transaction;
use tillcard_protocol::command::{Apdu, GetChallenge, Preview, ReceiveScript};

use crate::support::owner::{Owner, PIN, WRONG_PIN, pay, request, verify};

/// One command APDU of a plan.
#[derive(Clone)]
pub enum Move {
    Verify { right: bool },
    Receive,
    Preview(u64),
    Pay(u64),
    Challenge,
    Begin(Transaction, u32),
    Piece(Vec<u8>),
    LastPiece(Vec<u8>),
}

impl Move {
    pub fn apdu(&self, owner: &Owner, challenge: &[u8]) -> Apdu {
        match self {
            Self::Verify { right } => verify(if *right { PIN } else { WRONG_PIN }),
            Self::Receive => ReceiveScript::to_apdu(),
            Self::Preview(amount) => Preview::to_apdu(request(*amount)).unwrap(),
            Self::Pay(amount) => pay(*amount),
            Self::Challenge => GetChallenge::to_apdu(),
            Self::Begin(transaction, index) => owner.begin(transaction, *index, challenge),
            Self::Piece(bytes) | Self::LastPiece(bytes) => Owner::piece(bytes),
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Verify { right: true } => "VERIFY, right",
            Self::Verify { right: false } => "VERIFY, wrong",
            Self::Receive => "RECEIVE SCRIPT",
            Self::Preview(_) => "PREVIEW",
            Self::Pay(_) => "PAY",
            Self::Challenge => "GET CHALLENGE",
            Self::Begin(..) => "ENTER COIN, begin",
            Self::Piece(_) => "ENTER COIN, piece",
            Self::LastPiece(_) => "ENTER COIN, last piece",
        })
    }
}
