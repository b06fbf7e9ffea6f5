//! `tillcard till pay` beside the service: the service has the till's readers and its payments, so it
//! takes this one too, and the clerk stays at his terminal.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tillcard::till::PinError;
use zeroize::Zeroizing;

use super::Pay;
use crate::cli::output::line;
use crate::cli::pin_input::StandardInput;
use crate::cli::{CliError, Failure};
use crate::service::{Book, FolderLock, Moment, Scope};

/// How long the key of one payment is good, should this program not come to its end.
const KEY_ENDS: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the service may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service that has the till's folder, and a key of its own for this payment: who may write the
/// folder may draw one.
pub(super) struct Served {
    url: String,
    book: Book,
    key: String,
    bearer: Zeroizing<String>,
}

impl Served {
    /// The service, if one has the folder.
    pub(super) fn at(folder: &Path) -> Result<Option<Self>, Failure> {
        let holder = FolderLock::holder(folder).map_err(|source| CliError::File {
            path: folder.to_owned(),
            source,
        })?;
        let Some(url) = holder else {
            return Ok(None);
        };
        let book = Book::open(folder)?;
        let ends = Moment::now().plus(KEY_ENDS);
        let (key, token) = book.new_key("till pay", &[Scope::Read, Scope::Take], Some(ends))?;
        Ok(Some(Self {
            url,
            book,
            key: key.id,
            bearer: Zeroizing::new(format!("Bearer {}", *token)),
        }))
    }

    /// Has the service take the payment, and tells how it goes, until it has ended.
    pub(super) fn pay(&self, wanted: &Pay) -> Result<(), Failure> {
        // Before the payment is made, so that nothing of it is missed.
        let events = self.request(bitreq::Method::Get, "/v1/events").send_lazy();
        let events = events.map_err(|error| self.lost(error))?;
        let made = self.ask(
            bitreq::Method::Post,
            "/v1/payments",
            Some(&self.body(wanted)?),
        )?;
        let id = text(&made, "id");
        if !wanted.ledger.json {
            line(format_args!(
                "Payment {id}, by the till's service at {}",
                self.url
            ));
        }
        let mut last_tries = None;
        // The client waits until the buffer is full: of one byte, or an event would wait for the next.
        for event in BufReader::with_capacity(1, events).lines() {
            let event = event.map_err(|error| self.lost(error))?;
            let Some(event) = event.strip_prefix("data: ") else {
                continue;
            };
            let payment: Value = serde_json::from_str(event).map_err(|error| self.lost(error))?;
            if text(&payment, "id") != id {
                continue;
            }
            match wanted.ledger.json {
                true => line(&payment),
                false => line(text(&payment, "step")),
            }
            let tries = payment["pin"]["tries_left"].as_u64();
            if tries.is_some() && tries != last_tries {
                self.enter_pin(id, tries)?;
            }
            last_tries = tries;
            if let Some(end) = end(&payment) {
                return end;
            }
        }
        Err(self.lost("its events have ended").into())
    }

    /// Asks for the PIN. Without one the payment is given up.
    fn enter_pin(&self, id: &str, tries: Option<u64>) -> Result<(), Failure> {
        let prompt = format!("PIN ({} tries left)", tries.unwrap_or_default());
        let digits = loop {
            match StandardInput::default().digits(&prompt) {
                Err(PinError::NotAPin) => line(PinError::NotAPin),
                digits => break digits,
            }
        };
        let (what, body) = match &digits {
            Ok(digits) => (
                "pin",
                Zeroizing::new(format!(r#"{{"pin":"{}"}}"#, **digits)),
            ),
            Err(_) => ("cancel", Zeroizing::default()),
        };
        match self.ask(
            bitreq::Method::Post,
            &format!("/v1/payments/{id}/{what}"),
            Some(&body),
        ) {
            // It may have ended while the PIN was typed: its events tell.
            Err(CliError::ServiceRefused { code, .. }) if code == "pin-not-asked" => Ok(()),
            done => Ok(done.map(|_| ())?),
        }
    }

    fn body(&self, wanted: &Pay) -> Result<String, Failure> {
        let mut body = json!({
            "amount_sat": wanted.amount.to_sat(),
            "to": wanted.to.assume_checked_ref().to_string(),
            "confirmations": wanted.confirmations,
            "without_pin": wanted.no_pin,
            "statement": wanted.statement,
        });
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[name] = value;
            }
        };
        let readers = self.ask(bitreq::Method::Get, "/v1/readers", None)?;
        add(
            "reader",
            wanted
                .reader
                .as_deref()
                .map(|part| named(&readers, part).into()),
        );
        let rate = wanted.shop.fee_rate;
        add(
            "fee_rate_sat_per_kvb",
            rate.map(|rate| rate.to_sat_per_kvb().into()),
        );
        let merchant = wanted.shop.merchant.as_str();
        add("merchant", (!merchant.is_empty()).then(|| merchant.into()));
        add(
            "invoice",
            wanted.invoice.map(|hash| hex::encode(hash).into()),
        );
        Ok(body.to_string())
    }

    fn request(&self, method: bitreq::Method, path: &str) -> bitreq::Request {
        bitreq::Request::new(method, format!("{}{path}", self.url))
            .with_header("Authorization", self.bearer.as_str())
            .with_max_redirects(0)
    }

    /// The answer to a request.
    fn ask(
        &self,
        method: bitreq::Method,
        path: &str,
        body: Option<&str>,
    ) -> Result<Value, CliError> {
        let mut request = self.request(method, path).with_timeout(PATIENCE);
        if let Some(body) = body {
            request = request
                .with_header("Content-Type", "application/json")
                .with_body(body);
        }
        let answer = request.send().map_err(|error| self.lost(error))?;
        let told = serde_json::from_slice::<Value>(answer.as_bytes()).unwrap_or_default();
        match answer.status_code {
            200..300 => Ok(told),
            _ => Err(CliError::ServiceRefused {
                code: text(&told, "code").to_owned(),
                detail: text(&told, "detail").to_owned(),
            }),
        }
    }

    fn lost(&self, error: impl std::fmt::Display) -> CliError {
        CliError::ServiceLost(self.url.clone(), error.to_string())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It ends by itself, should this fail.
        let _ = self.book.end_key(&self.key, Duration::ZERO);
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// How the payment ended, if this is its last event: the one that says so in words. The state may be there
/// one event before.
fn end(payment: &Value) -> Option<Result<(), Failure>> {
    let (state, step) = (text(payment, "state"), text(payment, "step"));
    if step.starts_with("open[") {
        return Some(Err(Failure::open()));
    }
    let word = match state {
        "expired" => "cancelled",
        state => state,
    };
    let end = match state {
        "settled" | "cancelled" | "expired" => Ok(()),
        "declined" | "conflicted" => Err(Failure::declined()),
        "closed" => Err(Failure::open()),
        _ => return None,
    };
    step.contains(word).then_some(end)
}

/// The name of the reader that has this part in it; the part itself when it isn't one reader's, which the
/// service refuses.
fn named<'a>(readers: &'a Value, part: &'a str) -> &'a str {
    let names = readers.as_array().into_iter().flatten();
    let mut names = names.map(|reader| text(reader, "id"));
    let mut fitting = names.by_ref().filter(|name| name.contains(part));
    match (fitting.next(), fitting.next()) {
        (Some(name), None) => name,
        _ => part,
    }
}
