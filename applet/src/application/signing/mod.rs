//! SIGN.

mod stream;

use super::Tillcard;
use crate::key::{self, KeyRing};
use crate::persistent::{OwnerSigned, Persistent, Tally};
use crate::volatile::Stream;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use stream::{Known, Wallet, Whole};
use tillcard_protocol::command::{
    InputSignature, Place, Sign, SigningInput, SigningSummary, TaprootScript, Unsigned,
};
use tillcard_protocol::status::{self, Status};

/// How far above the next receive index an output may pay the card.
const RECEIVE_WINDOW: u32 = 10;
/// How far above the next change index an output may pay the card.
const CHANGE_WINDOW: u32 = 20;

/// The owner's signing under way.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one, in memory that other streams share with it"
)]
pub enum Signing {
    /// The transaction is on its way in.
    Streaming(stream::Stream),
    /// It is whole, and signed on demand.
    Whole {
        /// The transaction.
        transaction: Whole,
        /// Whether what its signatures change is persistent.
        is_committed: bool,
    },
}

// Streams share what little transient memory a card has.
const _: () = assert!(size_of::<Signing>() <= 1280);

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// `[SGN-5]`: a refusal ends the signing.
    #[inline(never)]
    pub(super) fn sign(
        &mut self,
        command: Sign<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        // Whatever goes wrong, the signing under way has ended.
        let stream = core::mem::take(&mut self.volatile.stream);
        self.require_issued()?;
        let signing = match command {
            Sign::Begin(signed) => {
                self.require_owner(&signed)?;
                begin(signed.command)?
            }
            Sign::Piece(bytes) => match stream {
                Stream::Signing(Signing::Streaming(stream)) => {
                    self.take_piece(stream, bytes, reply)?
                }
                _ => return Err(status::CONDITIONS),
            },
            Sign::Input(input) => match stream {
                Stream::Signing(Signing::Whole {
                    transaction,
                    is_committed,
                }) => self.sign_input(transaction, is_committed, input, reply)?,
                _ => return Err(status::CONDITIONS),
            },
        };
        self.volatile.stream = Stream::Signing(signing);
        Ok(())
    }

    fn take_piece(
        &mut self,
        mut stream: stream::Stream,
        bytes: &[u8],
        reply: &mut VecView<u8>,
    ) -> Result<Signing, Status> {
        let identity = self.persistent.identity()?;
        let mut wallet = Card {
            tally: self.persistent.tally()?,
            persistent: &mut self.persistent,
            keys: identity.keys(),
        };
        if !stream.take(bytes, &mut wallet)? {
            return Ok(Signing::Streaming(stream));
        }
        let transaction = stream.finish()?;
        self.require_fee(&transaction.summary, transaction.size)?;
        transaction.summary.write(reply)?;
        Ok(Signing::Whole {
            transaction,
            is_committed: false,
        })
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

    /// `[SGN-1]`: the signature is the streamed transaction's.
    fn sign_input(
        &mut self,
        transaction: Whole,
        is_committed: bool,
        input: u8,
        reply: &mut VecView<u8>,
    ) -> Result<Signing, Status> {
        let spends = &transaction.spends;
        let place = spends.place(input).ok_or(status::INCORRECT_P1_P2)?;
        self.rng.require_healthy()?;
        if !is_committed {
            let slots = spends.slots();
            let log_first = self.persistent.tally()?.log_first;
            self.persistent.sign_for_owner(&OwnerSigned {
                places: &spends.places(),
                slots: &slots,
                contested: &spends.contested(log_first),
                next_change: spends.next_change,
            })?;
            self.volatile.withdraw(&slots);
        }
        let identity = self.persistent.identity()?;
        let key = identity.keys().key(place)?;
        let sighash = transaction.sighashes.of_input(input.into());
        let signature = key::sign(key.signing_key(), &sighash, &mut self.rng)?;
        InputSignature(signature).write(reply)?;
        Ok(Signing::Whole {
            transaction,
            is_committed: true,
        })
    }
}

fn begin(unsigned: Unsigned) -> Result<Signing, Status> {
    stream::Stream::new(unsigned).map(Signing::Streaming)
}

/// The card, as far as a stream needs it.
struct Card<'a, N> {
    persistent: &'a mut Persistent<N>,
    tally: Tally,
    keys: KeyRing<'a>,
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
                Some(sequence) => Known::SpentBy(sequence),
            }),
            None => Ok(Known::Not),
        }
    }

    fn may_receive(&self, place: Place) -> bool {
        place.index
            < match place.chain {
                Place::RECEIVE => self.tally.next_receive + RECEIVE_WINDOW,
                _ => self.tally.next_change + CHANGE_WINDOW,
            }
    }
}
