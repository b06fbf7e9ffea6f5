//! Gives events to the receivers of webhooks: to each in their order, and to none later because another
//! one is slow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::attempt;
use crate::service::book::NextDelivery;
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::shop::Shop;

/// How often is looked whether another process, such as `till webhook`, has changed something.
const GLANCE: Duration = Duration::from_secs(2);

/// Serves all webhooks, those to come too.
pub(in crate::service) async fn run(shop: Arc<Shop>) {
    let mut tasks = BTreeMap::<String, JoinHandle<()>>::new();
    loop {
        tasks.retain(|_, task| !task.is_finished());
        let webhooks = ask(&shop, |shop| shop.book.webhooks()).await;
        for webhook in webhooks.unwrap_or_default() {
            tasks
                .entry(webhook.id.clone())
                .or_insert_with(|| tokio::spawn(serve(Arc::clone(&shop), webhook.id)));
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Serves one webhook, until it is removed.
async fn serve(shop: Arc<Shop>, id: String) {
    let mut news = shop.book.subscribe();
    loop {
        // Before it looks, so that no event comes between.
        news.mark_unchanged();
        let name = id.clone();
        match ask(&shop, move |shop| step(shop, &name)).await {
            Some(Step::Again) => {}
            Some(Step::Wait(time)) => drop(tokio::time::timeout(time, news.changed()).await),
            Some(Step::Removed) => return,
            None => tokio::time::sleep(GLANCE).await,
        }
    }
}

enum Step {
    /// There may be more to do.
    Again,
    /// There is nothing to do for so long, unless an event comes.
    Wait(Duration),
    /// The webhook isn't there any more.
    Removed,
}

/// Tries the next event that is due.
fn step(shop: &Shop, id: &str) -> Result<Step, ServiceError> {
    let due = match shop.book.next_delivery(id, Moment::now())? {
        NextDelivery::Due(due) => due,
        NextDelivery::Later(at) => {
            let left = at.0.saturating_sub(Moment::now().0);
            let left = Duration::from_millis(left.try_into().unwrap_or_default());
            return Ok(Step::Wait(left.min(GLANCE)));
        }
        NextDelivery::Nothing => return Ok(Step::Wait(GLANCE)),
        NextDelivery::Removed => return Ok(Step::Removed),
    };
    let outcome = attempt::send(&due);
    if let attempt::Outcome::Failed(reason) = &outcome {
        tracing::warn!(
            webhook = id,
            event = due.number,
            reason,
            "an event isn't delivered"
        );
    }
    shop.book.tried(id, &due, &outcome, Moment::now())?;
    Ok(Step::Again)
}

/// Asks the shop in a thread that may wait for disk or receiver. Nothing when it can't be asked, which
/// the log is told.
async fn ask<T: Send + 'static>(
    shop: &Arc<Shop>,
    what: impl FnOnce(&Shop) -> Result<T, ServiceError> + Send + 'static,
) -> Option<T> {
    let shop = Arc::clone(shop);
    let asked = tokio::task::spawn_blocking(move || what(&shop)).await;
    let asked = asked.map_err(ServiceError::book).and_then(|answer| answer);
    asked
        .inspect_err(|error| tracing::error!(%error, "webhooks"))
        .ok()
}
