//! SIGN.

use super::Tillcard;
use super::state::{Issued, OwnerAuthorised};
use crate::key::{KeyRing, Signer};
use crate::persistent::{OwnerSigned, Persistent};
use crate::signing_stream::{Known, Signing, SigningStream, Wallet};
use crate::volatile::Stream;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{
    InputSignature, Place, SIGNATURE_LENGTH, SigningInput, SigningSummary, TaprootScript, Unsigned,
};
use tillcard_protocol::hash::Hash;
use tillcard_protocol::status::{self, Status};

/// How far above the next receive index an output may pay the card.
const RECEIVE_WINDOW: u32 = 10;
/// How far above the next change index an output may pay the card.
const CHANGE_WINDOW: u32 = 20;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    #[inline(never)]
    pub(super) fn begin_signing(
        &mut self,
        _: OwnerAuthorised,
        unsigned: Unsigned,
    ) -> Result<(), Status> {
        let stream = SigningStream::new(unsigned)?;
        self.volatile.stream = Stream::Signing(Signing::Streaming(stream));
        Ok(())
    }

    /// `[SGN-5]`: a refusal ends the signing.
    #[inline(never)]
    pub(super) fn take_signing_piece(
        &mut self,
        _: Issued,
        bytes: &[u8],
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let stream = core::mem::take(&mut self.volatile.stream);
        let Stream::Signing(Signing::Streaming(mut stream)) = stream else {
            return Err(status::CONDITIONS);
        };
        let identity = self.persistent.identity()?;
        let counters = self.persistent.counters()?;
        let mut wallet = Card {
            next_receive: self.persistent.next_receive(&counters)?,
            next_change: self.persistent.next_change(&counters)?,
            persistent: &mut self.persistent,
            keys: identity.keys(),
        };
        let signing = if stream.take(bytes, &mut wallet)? {
            let transaction = stream.finish()?;
            self.require_fee(&transaction.summary, transaction.size)?;
            transaction.summary.write(reply)?;
            Signing::Complete {
                transaction,
                is_committed: false,
            }
        } else {
            Signing::Streaming(stream)
        };
        self.volatile.stream = Stream::Signing(signing);
        Ok(())
    }

    /// The owner's own limits on fees, of a transaction of so many vbytes.
    ///
    /// `[SGN-4]`: no other limit applies.
    fn require_fee(&mut self, summary: &SigningSummary, size: u64) -> Result<(), Status> {
        let limits = self.persistent.limits()?;
        if summary.fee > limits.fee_cap {
            return Err(status::FEE_CAP);
        }
        let highest = (size * u64::from(limits.highest_fee_rate)).div_ceil(1000);
        if summary.fee > highest {
            return Err(status::FEE_RATE);
        }
        Ok(())
    }

    /// - `[SGN-1]`: the signature is the streamed transaction's.
    /// - `[SGN-5]`: a refusal ends the signing.
    #[inline(never)]
    pub(super) fn sign_input(
        &mut self,
        _: Issued,
        input: u8,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let Stream::Signing(Signing::Complete {
            transaction,
            is_committed,
        }) = core::mem::take(&mut self.volatile.stream)
        else {
            return Err(status::CONDITIONS);
        };
        let spends = &transaction.spends;
        let place = spends.place(input).ok_or(status::INCORRECT_P1_P2)?;
        self.rng.require_healthy()?;
        let sighash = transaction.sighashes.of_input(input.into());
        let signature = self.sign_at(place, &sighash)?;
        if !is_committed {
            let slots = spends.slots();
            let log_first = self.persistent.counters()?.log_first;
            self.persistent.sign_for_owner(&OwnerSigned {
                places: &spends.places(),
                slots: &slots,
                contested: &spends.contested(log_first),
                change_from: spends.change_from,
            })?;
            self.volatile.withdraw(&slots);
        }
        InputSignature(signature).write(reply)?;
        self.volatile.stream = Stream::Signing(Signing::Complete {
            transaction,
            is_committed: true,
        });
        Ok(())
    }

    /// The signature for the coins at a place, which hasn't left yet. The account's secret is
    /// loaded here, and is gone afterwards.
    #[inline(never)]
    fn sign_at(&mut self, place: Place, sighash: &Hash) -> Result<[u8; SIGNATURE_LENGTH], Status> {
        let identity = self.persistent.identity()?;
        let mut keys = identity.keys();
        let key = keys.key(place)?;
        let secret = self.persistent.account_secret(&identity)?;
        Signer::new(&keys, secret).sign(&key, sighash, &mut self.rng)
    }
}

/// The card, as far as a stream needs it.
struct Card<'a, N> {
    persistent: &'a mut Persistent<N>,
    next_receive: u32,
    next_change: u32,
    keys: KeyRing,
}

impl<N: NorFlash> Wallet for Card<'_, N> {
    fn script(&mut self, place: Place) -> Result<TaprootScript, Status> {
        Ok(self.keys.key(place)?.script())
    }

    fn known(&mut self, input: &SigningInput) -> Result<Known, Status> {
        if self.persistent.is_pledged(input.place)? {
            return Err(status::PLEDGED);
        }
        let outpoint = input.outpoint;
        match self.persistent.find_coin(&outpoint.txid, outpoint.vout)? {
            Some((_, coin)) if coin.place != input.place || coin.amount != input.amount => {
                Err(status::INCORRECT_DATA)
            }
            Some((slot, coin)) => Ok(match coin.spent {
                None => Known::Unspent(slot),
                Some(payment_number) => Known::SpentBy(payment_number),
            }),
            None => Ok(Known::Unknown),
        }
    }

    fn may_receive(&self, place: Place) -> bool {
        place.index
            < match place.chain {
                Place::RECEIVE => self.next_receive + RECEIVE_WINDOW,
                _ => self.next_change + CHANGE_WINDOW,
            }
    }
}
