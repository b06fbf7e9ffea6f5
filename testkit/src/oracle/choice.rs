//! The choice of coins, fee and change (section 7.4).

use super::wallet::Place;
use bitcoin::OutPoint;
use bitcoin::hashes::Hash;
use std::cmp::Reverse;

/// A coin of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coin {
    pub outpoint: OutPoint,
    pub amount: u64,
    pub place: Place,
    pub unrooted: bool,
    pub doubtful: bool,
    /// Sequence number of the payment that spent it.
    pub spent: Option<u32>,
}

/// What a payment will be.
#[derive(Clone, Debug)]
pub struct Choice {
    pub inputs: Vec<Coin>,
    pub fee: u64,
    pub change: u64,
}

/// `v(k, p, c)`
pub fn virtual_size(inputs: u64, payee_script: u64, change: bool) -> u64 {
    let weight = 42 + 230 * inputs + 4 * (9 + payee_script) + if change { 172 } else { 0 };
    weight.div_ceil(4)
}

/// Chooses among candidates.
pub fn choose(
    candidates: &[Coin],
    amount: u64,
    payee_script: usize,
    rate: u32,
) -> Result<Choice, u16> {
    let mut coins = candidates.to_vec();
    coins.sort_by_key(|coin| {
        let txid = coin.outpoint.txid.to_byte_array();
        (
            coin.doubtful,
            Reverse(coin.amount),
            txid,
            coin.outpoint.vout,
        )
    });
    let fee = |inputs: usize, change| {
        let size = virtual_size(inputs as u64, payee_script as u64, change);
        (size * u64::from(rate)).div_ceil(1000)
    };
    let sum = |coins: &[Coin]| coins.iter().map(|coin| coin.amount).sum::<u64>();
    for k in 1..=coins.len().min(16) {
        let (inputs, _) = coins.split_at(k);
        let sum = sum(inputs);
        if sum < amount + fee(k, false) {
            continue;
        }
        let inputs = inputs.to_vec();
        return Ok(match sum.checked_sub(amount + fee(k, true)) {
            Some(rest) if rest >= 330 => Choice {
                inputs,
                fee: fee(k, true),
                change: rest,
            },
            _ => Choice {
                inputs,
                fee: sum - amount,
                change: 0,
            },
        });
    }
    Err(
        if coins.len() > 16 && sum(&coins) >= amount + fee(16, false) {
            0x9402
        } else {
            0x9401
        },
    )
}
