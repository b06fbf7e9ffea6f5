//! One try to give an event to a webhook's receiver.

use std::time::Duration;

use crate::service::book::Due;
use crate::service::moment::Moment;

/// How long a receiver may take for its answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What of an answer is read, at most.
const ANSWER_MAX: usize = 64 * 1024;

/// "Gone": the receiver wants nothing more.
const GONE: i32 = 410;

/// What came of a try.
pub(crate) enum Outcome {
    /// The receiver has it.
    Delivered,
    /// The receiver wants nothing more.
    Gone,
    /// It is to be tried again, for this reason.
    Failed(String),
}

/// Sends an event, and reads the receiver's answer. Redirects aren't followed: they would lead to where
/// nobody has looked.
pub(super) fn send(due: &Due) -> Outcome {
    let second = Moment::now().0 / 1_000;
    let signatures: Vec<_> = due
        .secrets
        .iter()
        .map(|secret| secret.sign(&due.id, second, &due.body))
        .collect();
    let sent = bitreq::post(due.url.as_str())
        .with_header("Content-Type", "application/json")
        .with_header(
            "User-Agent",
            concat!("tillcard/", env!("CARGO_PKG_VERSION")),
        )
        .with_header("Webhook-Id", due.id.as_str())
        .with_header("Webhook-Timestamp", second.to_string())
        .with_header("Webhook-Signature", signatures.join(" "))
        .with_body(due.body.as_bytes())
        .with_timeout(PATIENCE)
        .with_max_redirects(0)
        .with_max_headers_size(ANSWER_MAX)
        .with_max_status_line_length(ANSWER_MAX)
        .with_max_body_size(ANSWER_MAX)
        .send();
    match sent {
        Ok(answer) => match answer.status_code {
            200..300 => Outcome::Delivered,
            GONE => Outcome::Gone,
            status => Outcome::Failed(format!("it answered {status}")),
        },
        Err(bitreq::Error::TooManyRedirections | bitreq::Error::InfiniteRedirectionLoop) => {
            Outcome::Failed("it redirects, which isn't followed".to_owned())
        }
        Err(error) => Outcome::Failed(error.to_string()),
    }
}
