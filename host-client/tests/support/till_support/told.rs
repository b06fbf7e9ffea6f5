//! What came of a payment, as a shop hears it.

use tillcard::till::{Decline, Event, Open, Outcome, PaymentRecord, TillError};

/// What came of a payment.
pub(crate) struct Told {
    pub(crate) outcome: Result<Outcome, TillError>,
    pub(crate) events: Vec<Event>,
    pub(crate) records: Vec<PaymentRecord>,
}

impl Told {
    /// The names of the steps, as programs see them.
    pub(crate) fn states(&self) -> Vec<String> {
        let name = |event: &Event| -> Option<String> {
            let json = serde_json::to_value(event).ok()?;
            Some(json.get("state")?.as_str()?.to_owned())
        };
        self.events.iter().filter_map(name).collect()
    }

    /// The transaction of a payment that must have been settled.
    #[track_caller]
    pub(crate) fn settled(&self) -> &bitcoin::Transaction {
        match &self.outcome {
            Ok(Outcome::Settled(transaction)) => transaction,
            other => panic!("not settled: {other:?}"),
        }
    }

    /// Why the outcome of a payment must have stayed open, as the shop hears it.
    #[track_caller]
    pub(crate) fn open(&self) -> &Open {
        let Ok(Outcome::Open(why)) = &self.outcome else {
            panic!("not open: {:?}", self.outcome);
        };
        assert_eq!(self.events.last(), Some(&why.event()));
        let Event::Open { reason, .. } = why.event() else {
            panic!("{why}");
        };
        assert!(reason.contains("till resume"), "{reason}");
        why
    }

    /// The reason of a payment that must have been declined, as the shop hears it.
    #[track_caller]
    pub(crate) fn declined(&self) -> &Decline {
        let Ok(Outcome::Declined(decline)) = &self.outcome else {
            panic!("not declined: {:?}", self.outcome);
        };
        assert_eq!(self.events.last(), Some(&decline.event()));
        decline
    }
}
