//! What a card shows of itself, without testing it.

use crate::card::Card;
use crate::card_under_test::Target;
use crate::failure::{Code, Failure};
use crate::identity;
use crate::options::Options;
use crate::outcome::Stop;
use crate::recorder::Recorder;
use crate::report::{CardReport, Gathered};
use std::cell::RefCell;
use std::rc::Rc;

/// Asks a card who it is, and changes nothing on it. It may have been issued before.
///
/// # Errors
/// When there is no card, or none with the application.
pub fn probe(mut target: Box<dyn Target>) -> Result<CardReport, Failure> {
    let recorder = Recorder::new(&Options::default(), &Gathered::default())
        .map_err(|e| Code::ReportNotWritten.because(e.to_string()))?;
    let link = target.fresh_card(1)?;
    let mut card = Card::new(link, Rc::new(RefCell::new(recorder)));
    let identity = identity::look(&mut card).map_err(|stop| {
        let (Stop::Error(why)
        | Stop::Fail(why)
        | Stop::Inconclusive(why)
        | Stop::NotApplicable(why)) = stop;
        Code::ReaderFailed.because(why)
    })?;
    match identity.unfit {
        Some(unfit) if unfit.code == Code::NoApplication => Err(unfit),
        _ => Ok(identity.card),
    }
}
