//! Where the coins of test cards come from.

use bitcoin::{Transaction, TxOut};

use crate::{OwnerError, funding_transaction};

/// Pays test cards, on a chain or on none.
pub trait Funding: Send {
    /// Pays each of these outputs; for each the transaction, and the output's number in it.
    ///
    /// # Errors
    /// [`OwnerError::Chain`]
    fn fund(&mut self, wanted: &[TxOut]) -> Result<Vec<(Transaction, u32)>, OwnerError>;

    /// Sends a transaction of an owner's, and waits until it is in a block.
    ///
    /// # Errors
    /// [`OwnerError::Chain`]
    fn send(&mut self, transaction: &Transaction) -> Result<(), OwnerError>;
}

/// No chain: the coins are invented, and a node refuses whatever spends them.
pub struct Invented {
    /// Tells these coins from others.
    pub number: [u8; 32],
}

impl Funding for Invented {
    fn fund(&mut self, wanted: &[TxOut]) -> Result<Vec<(Transaction, u32)>, OwnerError> {
        let mut invented = Vec::new();
        for (index, output) in (0_u32..).zip(wanted) {
            let mut source = self.number;
            for (byte, number) in source.iter_mut().zip(index.to_be_bytes()) {
                *byte ^= number;
            }
            let script = output.script_pubkey.clone();
            invented.push((funding_transaction(source, script, output.value), 0));
        }
        Ok(invented)
    }

    fn send(&mut self, _: &Transaction) -> Result<(), OwnerError> {
        Ok(())
    }
}
