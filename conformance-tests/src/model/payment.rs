//! Requests, limits, sizes and fees: sections 7.1 to 7.3 of the protocol text.

use crate::tlv;
use bitcoin::ScriptBuf;

/// 21·10¹⁴ sat, the most that any amount can be.
pub const MAX_AMOUNT: u64 = 2_100_000_000_000_000;

/// The owner's limits. Amounts in sat, rates in sat/kvB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most that one payment may give the payee.
    pub per_payment: u64,
    /// Most that all payments together may cost, fees included.
    pub cumulative: u64,
    /// Most payments.
    pub payments: u16,
    /// Most that one payment's fee may be.
    pub fee_cap: u64,
    /// Least fee rate.
    pub least_rate: u32,
    /// Highest fee rate.
    pub highest_rate: u32,
    /// Smallest amount of a coin that enters.
    pub least_coin: u32,
    /// Most that one payment without PIN may give the payee; 0 when there are none.
    pub without_pin: u64,
    /// Most payments without PIN.
    pub payments_without_pin: u16,
}

impl Limits {
    /// Limits that no test of anything else will touch.
    pub const WIDE: Self = Self {
        per_payment: MAX_AMOUNT,
        cumulative: MAX_AMOUNT,
        payments: u16::MAX,
        fee_cap: MAX_AMOUNT,
        least_rate: 100,
        highest_rate: 1_000_000,
        least_coin: 330,
        without_pin: 0,
        payments_without_pin: 0,
    };

    /// The 48 bytes of the limits object.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [
            &self.per_payment.to_be_bytes()[..],
            &self.cumulative.to_be_bytes(),
            &self.payments.to_be_bytes(),
            &self.fee_cap.to_be_bytes(),
            &self.least_rate.to_be_bytes(),
            &self.highest_rate.to_be_bytes(),
            &self.least_coin.to_be_bytes(),
            &self.without_pin.to_be_bytes(),
            &self.payments_without_pin.to_be_bytes(),
        ]
        .concat()
    }
}

/// For each limit a method of its name: the same with another value there.
macro_rules! limits {
    ($($field:ident: $kind:ty),+) => {
        impl Limits {
            $(
                #[doc = concat!("The same with another `", stringify!($field), "`.")]
                #[must_use]
                pub const fn $field(self, $field: $kind) -> Self {
                    Self { $field, ..self }
                }
            )+
        }
    };
}

limits!(
    per_payment: u64, cumulative: u64, payments: u16, fee_cap: u64, least_rate: u32,
    highest_rate: u32, least_coin: u32, without_pin: u64, payments_without_pin: u16
);

/// What PREVIEW and PAY are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// For the payee, in sat.
    pub amount: u64,
    /// In sat/kvB.
    pub rate: u32,
    /// The payee's scriptPubKey.
    pub payee: ScriptBuf,
    /// Whether unrooted coins are asked for, instead of rooted ones.
    pub unrooted: bool,
    /// The payment identity.
    pub identity: [u8; 16],
    /// The merchant that the terminal claims.
    pub merchant: Vec<u8>,
    /// The invoice hash that the terminal claims; empty or 32 bytes.
    pub invoice: Vec<u8>,
}

impl Request {
    /// The data objects, for cases that spoil one.
    #[must_use]
    pub fn objects(&self) -> [(u16, Vec<u8>); 7] {
        [
            (0x80, self.amount.to_be_bytes().to_vec()),
            (0x81, self.rate.to_be_bytes().to_vec()),
            (0x82, self.payee.to_bytes()),
            (0x83, vec![u8::from(self.unrooted)]),
            (0x84, self.identity.to_vec()),
            (0x85, self.merchant.clone()),
            (0x86, self.invoice.clone()),
        ]
    }

    /// The data field.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        tlv::objects(&self.objects())
    }
}

setters!(Request {
    amount: u64,
    rate: u32,
    payee: ScriptBuf,
    unrooted: bool,
    identity: [u8; 16],
    merchant: Vec<u8>,
    invoice: Vec<u8>,
});

/// Whether a merchant's name is one that the card takes (`[PAY-9]`).
#[must_use]
pub fn is_printable(merchant: &[u8]) -> bool {
    let hidden = |c: char| {
        matches!(
            u32::from(c),
            0x0000..=0x001F
                | 0x007F..=0x009F
                | 0x0300..=0x036F
                | 0x061C
                | 0x1AB0..=0x1AFF
                | 0x1DC0..=0x1DFF
                | 0x200B..=0x200F
                | 0x201D
                | 0x2028..=0x202E
                | 0x2060..=0x206F
                | 0x20D0..=0x20FF
                | 0xFE20..=0xFE2F
                | 0xFEFF
                | 0xFFF9..=0xFFFB
                | 0xE_0000..=0xE_0FFF
        )
    };
    std::str::from_utf8(merchant).is_ok_and(|text| !text.chars().any(hidden))
}

/// Scripts of the five permitted types, and one more for each that isn't.
pub mod payee {
    use bitcoin::ScriptBuf;

    fn script(parts: &[&[u8]]) -> ScriptBuf {
        ScriptBuf::from_bytes(parts.concat())
    }

    /// `76 A9 14 h20 88 AC`
    #[must_use]
    pub fn p2pkh(hash: [u8; 20]) -> ScriptBuf {
        script(&[&[0x76, 0xA9, 0x14], &hash, &[0x88, 0xAC]])
    }

    /// `A9 14 h20 87`
    #[must_use]
    pub fn p2sh(hash: [u8; 20]) -> ScriptBuf {
        script(&[&[0xA9, 0x14], &hash, &[0x87]])
    }

    /// `00 14 h20`
    #[must_use]
    pub fn p2wpkh(hash: [u8; 20]) -> ScriptBuf {
        script(&[&[0x00, 0x14], &hash])
    }

    /// `00 20 h32`
    #[must_use]
    pub fn p2wsh(hash: [u8; 32]) -> ScriptBuf {
        script(&[&[0x00, 0x20], &hash])
    }

    /// `51 20 k32`
    #[must_use]
    pub fn p2tr(key: [u8; 32]) -> ScriptBuf {
        script(&[&[0x51, 0x20], &key])
    }

    /// One of each permitted type, with its name, made from the same bytes.
    #[must_use]
    pub fn all(from: [u8; 32]) -> [(&'static str, ScriptBuf); 5] {
        let mut short = [0; 20];
        short.copy_from_slice(&from[..20]);
        [
            ("P2PKH", p2pkh(short)),
            ("P2SH", p2sh(short)),
            ("P2WPKH", p2wpkh(short)),
            ("P2WSH", p2wsh(from)),
            ("P2TR", p2tr(from)),
        ]
    }
}

/// Whether a script is of a permitted type (`[PAY-5]`).
#[must_use]
pub fn is_permitted(script: &[u8]) -> bool {
    dust_threshold(script).is_some()
}

/// Bitcoin Core's dust threshold at 3000 sat/kvB (`[PAY-6]`), in sat; none for a script that isn't
/// permitted.
#[must_use]
pub fn dust_threshold(script: &[u8]) -> Option<u64> {
    match script {
        [0x76, 0xA9, 0x14, .., 0x88, 0xAC] if script.len() == 25 => Some(546),
        [0xA9, 0x14, .., 0x87] if script.len() == 23 => Some(540),
        [0x00, 0x14, ..] if script.len() == 22 => Some(294),
        [0x00 | 0x51, 0x20, ..] if script.len() == 34 => Some(330),
        _ => None,
    }
}

/// `v(k, p, c)`: the virtual size in vB of a payment with `inputs` inputs to a script of `payee`
/// bytes.
#[must_use]
pub const fn size(inputs: u64, payee: u64, change: bool) -> u64 {
    let weight = 42 + 230 * inputs + 4 * (9 + payee) + if change { 172 } else { 0 };
    weight.div_ceil(4)
}

/// `fee(k, p, c)` in sat at a rate in sat/kvB.
#[must_use]
pub fn fee(inputs: u64, payee: u64, change: bool, rate: u32) -> u64 {
    (size(inputs, payee, change) * u64::from(rate)).div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::{dust_threshold, fee, payee, size};
    use bitcoin::FeeRate;

    #[test]
    fn dust_is_what_bitcoin_core_says() {
        let rate = FeeRate::from_sat_per_vb(3).unwrap();
        for (name, script) in payee::all([9; 32]) {
            let ours = dust_threshold(script.as_bytes());
            let theirs = script.minimal_non_dust_custom(rate).to_sat();
            assert_eq!(ours, Some(theirs), "{name}");
        }
        assert_eq!(dust_threshold(&[0x6A; 22]), None);
    }

    #[test]
    fn sizes_of_common_payments() {
        // One taproot input, one P2WPKH payee, taproot change: known from many wallets.
        assert_eq!(size(1, 22, true), 142);
        assert_eq!(size(1, 34, true), 154);
        assert_eq!(fee(1, 34, true, 1001), 155);
    }
}
