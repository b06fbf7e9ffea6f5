//! Keys and scripts of a payment, from which its transaction is written.

use crate::capacities::MAX_INPUTS;
use crate::key::{AccountSecret, KeyRing, Signer};
use crate::payment::{Draft, Input};
use crate::persistent::{Change, Coin, Identity};
use heapless::Vec;
use tillcard_protocol::command::{Place, TaprootScript};
use tillcard_protocol::status::{self, Status};

/// See the [module](self).
pub(super) struct InputsOutputs {
    keys: KeyRing,
    inputs: Vec<Input, MAX_INPUTS>,
    change: Option<(Change, TaprootScript)>,
}

impl InputsOutputs {
    /// Derives the output keys of the coins, in the order of the inputs, and the script
    /// of the change.
    ///
    /// # Errors
    /// `6400`
    pub(super) fn derive(
        identity: &Identity,
        coins: impl Iterator<Item = Coin>,
        change: Option<Change>,
    ) -> Result<Self, Status> {
        let mut keys = identity.keys();
        let mut inputs = Vec::new();
        for coin in coins {
            let key = keys.key(coin.place)?;
            inputs
                .push(Input { coin, key })
                .map_err(|_| status::EXECUTION_ERROR)?;
        }
        let change = match change {
            None => None,
            Some(change) => {
                let key = keys.key(Place::change(change.index))?;
                Some((change, key.script()))
            }
        };
        Ok(Self {
            keys,
            inputs,
            change,
        })
    }

    /// What signs for the inputs.
    pub(super) fn signer(&self, secret: AccountSecret) -> Signer<'_> {
        Signer::new(&self.keys, secret)
    }

    /// Whether a script is that of an input or of the change (`[PAY-10]`).
    pub(super) fn have_script(&self, script: &[u8]) -> bool {
        let change = self.change.as_ref().map(|(_, script)| script);
        change.is_some_and(|change| change[..] == *script)
            || self
                .inputs
                .iter()
                .any(|input| input.key.script()[..] == *script)
    }

    /// The transaction that pays so much to this script.
    pub(super) fn draft<'a>(&'a self, amount: u64, payee_script: &'a [u8]) -> Draft<'a> {
        let change = self.change.as_ref();
        Draft::new(
            &self.inputs,
            (amount, payee_script),
            change.map(|(change, script)| (change.amount, script)),
        )
    }
}
