//! STATEMENT.

use super::Tillcard;
use super::state::Issued;
use crate::capacities::MAX_INPUTS;
use crate::persistent::Coin;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{AskStatement, Outpoint, Statement, XOnlyKey};
use tillcard_protocol::proof::StatementFacts;
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::journal::RECORD_MAX;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// `[STM-1]`: facts and signature are the payment's.
    #[inline(never)]
    pub(super) fn statement(
        &mut self,
        _: Issued,
        ask: &AskStatement,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        if !self.persistent.policy()?.statements {
            return Err(status::SECURITY_STATUS);
        }
        let coins = self.coins_of_statement(ask)?;
        let card_keys = self.persistent.card_keys()?.ok_or(status::CONDITIONS)?;
        let salt = self.salt()?;
        let identity = self.persistent.identity()?;
        let mut keys = identity.keys();
        let mut outpoints = Vec::<u8, { Outpoint::LENGTH * MAX_INPUTS }>::new();
        let mut output_keys = Vec::<u8, { size_of::<XOnlyKey>() * MAX_INPUTS }>::new();
        for coin in &coins {
            let script = keys.key(coin.place)?.script();
            let room = outpoints.extend_from_slice(&coin.outpoint().to_bytes());
            room.and_then(|()| output_keys.extend_from_slice(&script[2..]))
                .map_err(|_| status::EXECUTION_ERROR)?;
        }
        // From here on the owner is bound, whether the shop hears of it or not.
        self.persistent
            .pledge(coins.iter().map(|coin| coin.place))?;
        let leaf = identity.leaf.policy();
        let digest = StatementFacts {
            session: &self.volatile.session(),
            nonce: &ask.nonce,
            txid: &ask.txid,
            network: identity.network,
            provenance: identity.provenance,
            leaf: &leaf,
            outpoints: &outpoints,
            output_keys: &output_keys,
            salt: &salt,
        }
        .digest();
        let statement = Statement {
            network: identity.network,
            provenance: identity.provenance,
            leaf,
            outpoints: &outpoints,
            output_keys: &output_keys,
            salt,
            signature: card_keys.identity.sign(&digest, &mut self.rng)?,
        };
        Ok(statement.write(reply)?)
    }

    /// The coins that the payment spends on which a statement is asked
    /// (`[STM-2]`).
    fn coins_of_statement(&mut self, ask: &AskStatement) -> Result<Vec<Coin, MAX_INPUTS>, Status> {
        let payment_number = self.volatile.paid.ok_or(status::DATA_NOT_FOUND)?;
        let counters = self.persistent.counters()?;
        if !counters.keeps(payment_number) {
            return Err(status::DATA_NOT_FOUND);
        }
        let mut buffer = [0; RECORD_MAX];
        let entry = self.persistent.log_entry(payment_number, &mut buffer)?;
        if entry.txid != ask.txid {
            return Err(status::DATA_NOT_FOUND);
        }
        let state = self.persistent.record_state(payment_number)?;
        if state.cancelled || state.contested {
            return Err(status::NO_STATEMENT);
        }
        let mut coins = Vec::new();
        for slot in &entry.inputs {
            let coin = self.persistent.coin(*slot, counters.log_first)?;
            coins
                .push(coin.ok_or(status::MEMORY_FAILURE)?)
                .map_err(|_| status::MEMORY_FAILURE)?;
        }
        Ok(coins)
    }
}
