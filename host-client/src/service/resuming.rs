//! After a start: what the service left when it stopped, however it stopped.

use std::sync::Arc;
use std::time::Duration;

use tillcard::till::{PaymentState, TillError};

use super::error::ServiceError;
use super::moment::Moment;
use super::settling::{Message, Settling};
use super::shop::Shop;

/// So long events are kept.
const EVENTS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Takes up all payments again. What a card has signed is sent and waited for; what no card was asked
/// for is cancelled; what a card was asked for stays in doubt until the card is asked again. Nobody is
/// charged twice.
pub(super) fn resume(shop: &Arc<Shop>) -> Result<(), ServiceError> {
    shop.book.forget_events(Moment::now().minus(EVENTS_KEPT))?;
    let store = shop.store()?;
    for record in store.read().map_err(TillError::from)? {
        shop.catch_up(&record)?;
        if record.is_over() || record.state == PaymentState::Asked {
            continue;
        }
        // Nobody else has it, unless a `till pay` of before is still at it.
        if let Some(claim) = store.claim(&record.id).map_err(TillError::from)? {
            let settling = Settling::later(record.id, claim);
            shop.tell_settling(Message::Settle(Box::new(settling)));
        }
    }
    Ok(())
}
