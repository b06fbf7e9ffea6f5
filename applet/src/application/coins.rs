//! RECEIVE SCRIPT, ENTER COIN.

use super::Tillcard;
use crate::command::{
    Announced, CoinEntered, EnterCoin, ReceiveScriptAnswer, SIGNATURE_LENGTH, TaprootScript,
};
use crate::entry::Entry;
use crate::key::{self, RECEIVE};
use crate::owner;
use crate::payment::MIN_COIN;
use crate::persistent::{Coin, Identity, MAX_INDEX, Place};
use crate::status::{self, Status};
use crate::volatile::Authorisation;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;

/// How far above the next receive index a coin may enter.
const WINDOW: u32 = 10;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    pub(super) fn receive_script(&mut self, reply: &mut VecView<u8>) -> Result<(), Status> {
        self.require_issued()?;
        if self.volatile.authorisation == Authorisation::None {
            return Err(status::SECURITY_STATUS);
        }
        let index = self.persistent.tally()?.next_receive;
        if index >= MAX_INDEX {
            return Err(status::NO_ROOM);
        }
        let script = receive_script(&self.persistent.identity()?, index)?;
        Ok(ReceiveScriptAnswer { index, script }.write(reply)?)
    }

    pub(super) fn enter_coin(
        &mut self,
        command: EnterCoin<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        // Whatever goes wrong, the entry under way has ended.
        let entry = self.volatile.entry.take();
        self.require_issued()?;
        match command {
            EnterCoin::Begin {
                announced,
                body,
                signature,
            } => {
                self.require_owner(body, signature)?;
                self.begin_entry(announced)
            }
            EnterCoin::Piece(bytes) => {
                self.continue_entry(entry.ok_or(status::CONDITIONS)?, bytes, reply)
            }
        }
    }

    /// `6982` unless the owner signed this with the challenge outstanding, which
    /// is used up.
    fn require_owner(
        &mut self,
        body: &[u8],
        signature: &[u8; SIGNATURE_LENGTH],
    ) -> Result<(), Status> {
        let challenge = self.volatile.challenge.take();
        let challenge = challenge.ok_or(status::SECURITY_STATUS)?;
        let identity = self.persistent.identity()?;
        let message = owner::message(
            identity.network,
            &identity.account.card_id(),
            &challenge,
            &EnterCoin::BEGIN,
            body,
        );
        if key::verify(&identity.owner_key, &message, signature) {
            Ok(())
        } else {
            Err(status::SECURITY_STATUS)
        }
    }

    fn begin_entry(&mut self, announced: Announced) -> Result<(), Status> {
        let next = self.persistent.tally()?.next_receive;
        if announced.index >= MAX_INDEX || announced.index >= next + WINDOW {
            return Err(status::COIN_INDEX_UNKNOWN);
        }
        if self.persistent.is_retired(receive_place(announced.index))? {
            return Err(status::COIN_INDEX_RETIRED);
        }
        if self.persistent.has_coin(&announced.txid, announced.vout)? {
            return Err(status::COIN_EXISTS);
        }
        self.persistent.free_slot()?;
        self.volatile.entry = Some(Entry::new(announced));
        Ok(())
    }

    fn continue_entry(
        &mut self,
        mut entry: Entry,
        bytes: &[u8],
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        if !entry.take(bytes)? {
            self.volatile.entry = Some(entry);
            return Ok(());
        }
        let identity = self.persistent.identity()?;
        let script = receive_script(&identity, entry.index())?;
        let verified = entry.verify(&script, MIN_COIN)?;
        let mut tally = self.persistent.tally()?;
        tally.next_receive = tally.next_receive.max(verified.announced.index + 1);
        let coin = Coin {
            txid: verified.announced.txid,
            vout: verified.announced.vout,
            amount: verified.amount,
            place: receive_place(verified.announced.index),
        };
        self.persistent.enter(&coin, tally)?;
        let amount = verified.amount;
        Ok(CoinEntered { amount }.write(reply)?)
    }
}

fn receive_place(index: u32) -> Place {
    Place {
        chain: RECEIVE,
        index,
    }
}

fn receive_script(identity: &Identity, index: u32) -> Result<TaprootScript, Status> {
    let key = identity
        .account
        .chain(RECEIVE)?
        .key(index, &identity.merkle_root())?;
    Ok(key.script())
}
