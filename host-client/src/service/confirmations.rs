//! How many blocks bury a payment before it is settled.

use bitcoin::Amount;

use super::error::ServiceError;

/// The most confirmations that can be asked for: a week's.
pub(crate) const CONFIRMATIONS_MAX: u32 = 1_000;

/// What the shop asks of a payment, by its amount.
pub(crate) struct Confirmations {
    /// Of each payment.
    pub(crate) least: u32,
    /// Of payments above an amount.
    pub(crate) above: Vec<(Amount, u32)>,
    /// Up to this amount a payment is settled without a block: its payer may take it back.
    pub(crate) unconfirmed_up_to: Amount,
}

impl Confirmations {
    /// What is asked of a payment whose request says nothing.
    fn by_amount(&self, amount: Amount) -> u32 {
        if amount <= self.unconfirmed_up_to {
            return 0;
        }
        let above = self.above.iter().filter(|(limit, _)| amount > *limit);
        above.map(|(_, blocks)| *blocks).fold(self.least, u32::max)
    }

    /// What is asked of a payment of this amount, whose request may ask for something else.
    ///
    /// # Errors
    /// [`ServiceError::Unconfirmed`] when it wants none above the shop's ceiling.
    pub(crate) fn of(&self, amount: Amount, wanted: Option<u32>) -> Result<u32, ServiceError> {
        match wanted {
            None => Ok(self.by_amount(amount)),
            Some(0) if amount > self.unconfirmed_up_to => {
                Err(ServiceError::Unconfirmed(self.unconfirmed_up_to))
            }
            Some(blocks) if blocks > CONFIRMATIONS_MAX => Err(ServiceError::Invalid(format!(
                "confirmations is over {CONFIRMATIONS_MAX}"
            ))),
            Some(blocks) => Ok(blocks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_money_waits_for_more_blocks() {
        let sat = Amount::from_sat;
        let asked = Confirmations {
            least: 1,
            above: vec![(sat(100_000), 2), (sat(10_000_000), 6)],
            unconfirmed_up_to: sat(5_000),
        };
        let of = |amount, wanted| asked.of(sat(amount), wanted);
        for (amount, blocks) in [(5_000, 0), (5_001, 1), (100_001, 2), (10_000_001, 6)] {
            assert_eq!(of(amount, None).unwrap(), blocks);
        }
        assert_eq!(of(5_000, Some(0)).unwrap(), 0);
        assert_eq!(of(5_000, Some(3)).unwrap(), 3);
        assert!(matches!(
            of(5_001, Some(0)),
            Err(ServiceError::Unconfirmed(_))
        ));
        assert!(of(5_001, Some(1_001)).is_err());
    }
}
