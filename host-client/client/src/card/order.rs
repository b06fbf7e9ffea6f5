//! What a shop asks a card to pay (`docs/protocol.md`, section 7.2).

use bitcoin::hex::{DisplayHex, FromHex};
use bitcoin::{Amount, ScriptBuf};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tillcard_protocol::command::{IDENTITY_LENGTH, MERCHANT_MAX, PaymentRequest, Source, merchant};

use super::CardError;
use crate::FeeRate;

/// The identity of a payment: 16 random bytes. A card that is asked twice by the same request pays
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentIdentity([u8; IDENTITY_LENGTH]);

impl PaymentIdentity {
    /// A new one.
    ///
    /// # Errors
    /// [`CardError::NoRandomness`].
    pub fn random() -> Result<Self, CardError> {
        let mut identity = [0; IDENTITY_LENGTH];
        getrandom::fill(&mut identity).map_err(|_| CardError::NoRandomness)?;
        Ok(Self(identity))
    }

    pub(super) fn to_bytes(self) -> [u8; IDENTITY_LENGTH] {
        self.0
    }
}

impl From<[u8; IDENTITY_LENGTH]> for PaymentIdentity {
    fn from(identity: [u8; IDENTITY_LENGTH]) -> Self {
        Self(identity)
    }
}

impl Serialize for PaymentIdentity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.as_hex())
    }
}

impl<'de> Deserialize<'de> for PaymentIdentity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        <[u8; IDENTITY_LENGTH]>::from_hex(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// A shop's name, as a card's log takes it: at most 32 bytes of UTF-8, without anything that could
/// move or hide what stands beside it on a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Merchant(String);

impl Merchant {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Merchant {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if name.len() > MERCHANT_MAX {
            Err(format!(
                "a shop's name has at most {MERCHANT_MAX} bytes on a card, and this one has {}",
                name.len()
            ))
        } else if merchant::is_printable(name.as_bytes()) {
            Ok(Self(name))
        } else {
            Err("a shop's name has no control or invisible characters".into())
        }
    }
}

impl From<Merchant> for String {
    fn from(merchant: Merchant) -> Self {
        merchant.0
    }
}

/// What a shop asks a card to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentOrder {
    /// Amount to the payee.
    #[serde(with = "bitcoin::amount::serde::as_sat", rename = "amount_sat")]
    pub amount: Amount,
    /// Fee rate of the transaction.
    #[serde(rename = "fee_rate_sat_per_kvb")]
    pub fee_rate: FeeRate,
    /// The payee's scriptPubKey.
    pub payee: ScriptBuf,
    /// Of this payment and no other.
    pub identity: PaymentIdentity,
    /// The shop's name, for the card's log; empty when it gives none.
    #[serde(default)]
    pub merchant: Merchant,
    /// A hash of what is paid for, for the card's log.
    #[serde(default, with = "invoice_hash")]
    pub invoice: Option<[u8; 32]>,
}

impl PaymentOrder {
    /// A new order, with an identity of its own, and without a name or an invoice.
    ///
    /// # Errors
    /// [`CardError::NoRandomness`].
    pub fn new(amount: Amount, fee_rate: FeeRate, payee: ScriptBuf) -> Result<Self, CardError> {
        Ok(Self {
            amount,
            fee_rate,
            payee,
            identity: PaymentIdentity::random()?,
            merchant: Merchant::default(),
            invoice: None,
        })
    }

    pub(super) fn request(&self) -> PaymentRequest<'_> {
        PaymentRequest {
            amount: self.amount.to_sat(),
            fee_rate: self.fee_rate.to_sat_per_kvb(),
            payee_script: self.payee.as_bytes(),
            source: Source::Rooted,
            identity: self.identity.0,
            merchant: self.merchant.0.as_bytes(),
            invoice: self.invoice.as_ref(),
        }
    }
}

/// The invoice hash as hexadecimal digits.
mod invoice_hash {
    use super::{Deserialize, Deserializer, DisplayHex, FromHex, Serializer};

    #[allow(clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(
        hash: &Option<[u8; 32]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match hash {
            Some(hash) => serializer.collect_str(&hash.as_hex()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<[u8; 32]>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| <[u8; 32]>::from_hex(&text).map_err(serde::de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_read_back() {
        let payee = ScriptBuf::from_bytes(vec![0x51; 34]);
        let rate = FeeRate::from_sat_per_kvb(1_234);
        let plain = PaymentOrder::new(Amount::from_sat(21_000), rate, payee).unwrap();
        let mut named = plain.clone();
        named.merchant = Merchant::try_from("Café Müller".to_owned()).unwrap();
        named.invoice = Some([7; 32]);
        for order in [plain, named] {
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<PaymentOrder>(&text).unwrap(), order);
        }
    }

    #[test]
    fn names_that_a_card_refuses() {
        for name in ["x".repeat(33), "a\nb".into(), "\u{202E}shop".into()] {
            assert!(Merchant::try_from(name.clone()).is_err(), "{name:?}");
        }
        assert!(Merchant::try_from("x".repeat(32)).is_ok());
    }
}
