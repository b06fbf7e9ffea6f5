//! PAYMENT STATE: what the log keeps of a payment, for a till that isn't sure whether it was made.

use super::Tillcard;
use super::state::ShopSession;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{AskPaymentState, KnownPayment};
use tillcard_protocol::status::Status;
use tillcard_runtime::journal::RECORD_MAX;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// - `[PST-1]`: what the log keeps of the payment.
    /// - `[PST-2]`: it takes no authority, and changes none.
    #[inline(never)]
    pub(super) fn payment_state(
        &mut self,
        _: ShopSession,
        ask: AskPaymentState,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let counters = self.persistent.counters()?;
        let known = match self.persistent.find_payment(&counters, &ask.0)? {
            None => KnownPayment::Unknown,
            Some(payment_number) => {
                let mut buffer = [0; RECORD_MAX];
                let txid = self.persistent.log_entry(payment_number, &mut buffer)?.txid;
                if self.persistent.record_state(payment_number)?.cancelled {
                    KnownPayment::Cancelled(txid)
                } else {
                    KnownPayment::Kept(txid)
                }
            }
        };
        Ok(known.write(reply)?)
    }
}
