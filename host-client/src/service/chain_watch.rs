//! How the source of the chain is: a state of the till, and never a verdict on a payment.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tillcard::chain::{Chain, ChainError, CoreRpc, Reach};
use tillcard_client::advice::Explain;
use utoipa::ToSchema;

use super::payment::Reason;
use super::shop::{Shop, lock};

/// How often the node is asked how far it is, at most.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// How the source of the chain is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChainState {
    /// It wasn't asked yet.
    #[default]
    Unasked,
    /// It has come as far as its chain.
    Ready,
    /// It hasn't come as far as its chain: payments wait for it.
    Behind,
    /// It can't be asked.
    Unavailable,
    /// It is on another network than the till.
    WrongNetwork,
}

/// The source of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ChainView {
    /// How it is.
    pub(crate) state: ChainState,
    /// Height of its last block, when it can be asked.
    pub(crate) height: Option<u32>,
    /// Why it isn't ready.
    pub(crate) reason: Option<Reason>,
}

/// Asks the node again and again, and announces when something has changed.
pub(super) fn run(shop: &Arc<Shop>) {
    let chain = shop.chain();
    loop {
        let seen = look(&chain, shop);
        let before = std::mem::replace(&mut *lock(&shop.chain_view), seen.clone());
        // Each block would be an event otherwise.
        let has_changed = before.state != seen.state || before.reason != seen.reason;
        if has_changed && let Err(error) = shop.book.announce("till.updated", &seen) {
            tracing::error!(%error, "the chain's state can't be announced");
        }
        std::thread::sleep(shop.setup.poll_interval.max(LEAST_INTERVAL));
    }
}

fn look(chain: &CoreRpc, shop: &Shop) -> ChainView {
    let asked = (|| {
        chain.expect_network(shop.setup.network)?;
        Ok((chain.source_progress()?.blocks, chain.reach()?))
    })();
    match asked {
        Ok((height, Reach::Complete)) => ChainView {
            state: ChainState::Ready,
            height: Some(height),
            reason: None,
        },
        Ok((height, Reach::Behind(progress))) => ChainView {
            state: ChainState::Behind,
            height: Some(height),
            reason: Some(reason(&ChainError::Behind(progress))),
        },
        Err(error) => ChainView {
            state: match error {
                ChainError::WrongNetwork { .. } => ChainState::WrongNetwork,
                _ => ChainState::Unavailable,
            },
            height: None,
            reason: Some(reason(&error)),
        },
    }
}

fn reason(error: &ChainError) -> Reason {
    let advice = error.advice();
    Reason {
        code: advice.code.to_owned(),
        detail: format!("{error}; {}; {}", advice.money, advice.action),
    }
}
