//! A few numbers for Prometheus, in its text format.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, header};
use tillcard_http::Problem;

use super::ask;
use crate::service::chain_watch::ChainState;
use crate::service::shop::Shop;

/// The text format's version.
const KIND: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];

/// Numbers of the till, in Prometheus' text format: payments and sat by state, the chain, the readers.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "till", responses(
    (status = 200, content_type = "text/plain", body = String),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn metrics(
    State(shop): State<Arc<Shop>>,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let text = ask(shop, |shop| {
        let mut text = String::new();
        let mut gauge = |name: &str, help: &str, values: &[(String, i64)]| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            for (labels, value) in values {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        for (name, what, totals) in [
            ("tillcard_payments", "Payments", shop.book.totals()?),
            ("tillcard_refunds", "Refunds", shop.book.refund_totals()?),
        ] {
            let of = |value: fn(&(String, i64, i64)) -> i64| {
                let by_state = totals.iter();
                let by_state =
                    by_state.map(|total| (format!("{{state=\"{}\"}}", total.0), value(total)));
                by_state.collect::<Vec<_>>()
            };
            gauge(name, &format!("{what} by state."), &of(|t| t.1));
            gauge(
                &format!("{name}_sat"),
                "Their amounts in sat.",
                &of(|t| t.2),
            );
        }
        let one = |value: i64| [(String::new(), value)];
        gauge(
            "tillcard_payment_alarms",
            "Payments' alarms: reorganisations and double spends.",
            &one(shop.book.alarms()?),
        );
        let chain = shop.chain_view();
        let is_ready = i64::from(chain.state == ChainState::Ready);
        gauge(
            "tillcard_chain_ready",
            "Whether the node has synced.",
            &one(is_ready),
        );
        let height = chain.height.unwrap_or_default().into();
        gauge(
            "tillcard_chain_height",
            "Height of its last block.",
            &one(height),
        );
        let readers = shop.readers().map_or(0, |readers| readers.len());
        let readers = i64::try_from(readers).unwrap_or_default();
        gauge(
            "tillcard_readers",
            "Readers that are connected.",
            &one(readers),
        );
        let webhooks = shop.book.webhooks()?;
        let waiting = webhooks.iter().map(|webhook| webhook.waiting).sum();
        gauge(
            "tillcard_webhook_events_waiting",
            "Events that webhooks haven't got yet.",
            &one(waiting),
        );
        let busy = i64::try_from(shop.counters().len()).unwrap_or_default();
        gauge(
            "tillcard_readers_in_use",
            "Readers with a payment.",
            &one(busy),
        );
        Ok(text)
    });
    Ok((KIND, text.await?))
}
