//! What clients ask the reader itself for: which features it has, and a PIN that is typed on it (PC/SC part
//! 10, version 2.02.09).

use std::sync::Arc;

use super::Change;
use super::codes::ReturnCode;
use super::codes::control::{
    FEATURES, GET_FEATURE_REQUEST, IFD_PIN_PROPERTIES, MODIFY_PIN_DIRECT, TLV_PROPERTIES,
    VERIFY_PIN_DIRECT,
};
use super::pin_pad::{NoPin, PinPad};
use super::pin_structure::PinRequest;
use super::readers::Readers;

/// Status words of the reader, in the place of the card's (section 2.5.4).
const TIMED_OUT: [u8; 2] = [0x64, 0x00];
const CANCELLED: [u8; 2] = [0x64, 0x01];
const NOT_THE_SAME: [u8; 2] = [0x64, 0x02];
const TOO_SHORT_OR_LONG: [u8; 2] = [0x64, 0x03];
const INVALID_STRUCTURE: [u8; 2] = [0x6B, 0x80];

/// Features of a reader with a PIN pad.
const PIN_PAD: [u8; 4] = [
    VERIFY_PIN_DIRECT,
    MODIFY_PIN_DIRECT,
    IFD_PIN_PROPERTIES,
    TLV_PROPERTIES,
];

/// A PIN ends with the Enter key.
const VALIDATION: u8 = 0x02;

/// `PIN_PROPERTIES`: no display, how a PIN ends, and a second time limit that is heeded.
const PIN_PROPERTIES: [u8; 4] = [0, 0, VALIDATION, 1];

/// Tag, length and value each (section 2.6.14): no display, how a PIN ends, the second time limit, the fewest and
/// the most digits, no pseudo-APDUs.
const PROPERTIES: [u8; 19] = [
    0x01, 2, 0, 0, 0x02, 1, VALIDATION, 0x03, 1, 1, 0x06, 1, 0, 0x07, 1, 64, 0x09, 1, 0,
];

impl Readers {
    pub(super) fn control(&self, card: u32, code: u32, data: &[u8]) -> Result<Vec<u8>, ReturnCode> {
        let (name, pad) = {
            let mut state = self.state();
            let reader = state.of(card)?;
            reader.check_free(card)?;
            reader.check_event(card)?;
            (reader.name.clone(), reader.pad.clone())
        };
        if code == GET_FEATURE_REQUEST {
            return Ok(pad.map(|_| features()).unwrap_or_default());
        }
        let pad = pad.ok_or(ReturnCode::UNSUPPORTED_FEATURE)?;
        let feature = code.checked_sub(FEATURES).map(u8::try_from);
        let request = match feature {
            Some(Ok(VERIFY_PIN_DIRECT)) => PinRequest::verify(data),
            Some(Ok(MODIFY_PIN_DIRECT)) => PinRequest::modify(data),
            Some(Ok(IFD_PIN_PROPERTIES)) => return Ok(PIN_PROPERTIES.to_vec()),
            Some(Ok(TLV_PROPERTIES)) => return Ok(PROPERTIES.to_vec()),
            _ => return Err(ReturnCode::UNSUPPORTED_FEATURE),
        };
        let Some(mut request) = request else {
            return Ok(INVALID_STRUCTURE.to_vec());
        };
        self.state().tell(&name, Change::PinAsked);
        let filled = fill(&mut request, &pad);
        self.state().tell(&name, Change::PinDone);
        match filled {
            Ok(true) => Ok(self.transmit(card, &request.command)?.0.to_vec()),
            Ok(false) => Ok(INVALID_STRUCTURE.to_vec()),
            Err(NoPin::TimedOut) => Ok(TIMED_OUT.to_vec()),
            Err(NoPin::Cancelled) => Ok(CANCELLED.to_vec()),
            Err(NoPin::NotTheSame) => Ok(NOT_THE_SAME.to_vec()),
            Err(NoPin::TooShortOrLong) => Ok(TOO_SHORT_OR_LONG.to_vec()),
            Err(NoPin::CardLeft) => Err(ReturnCode::REMOVED_CARD),
        }
    }
}

/// The codes of the features, each with its tag.
fn features() -> Vec<u8> {
    PIN_PAD
        .into_iter()
        .flat_map(|feature| {
            let code = (FEATURES + u32::from(feature)).to_be_bytes();
            [feature, 4].into_iter().chain(code)
        })
        .collect()
}

/// Has all PINs typed and written into the command; whether they have room there.
fn fill(request: &mut PinRequest, pad: &Arc<PinPad>) -> Result<bool, NoPin> {
    let times = request.format.times;
    let digits = request.format.digits;
    let places = request.places.clone();
    for (at, place) in places.iter().enumerate() {
        let pin = pad.pin(digits, times)?;
        let is_new = at + 1 == places.len();
        if is_new && request.is_confirmed && *pad.pin(digits, times)? != *pin {
            return Err(NoPin::NotTheSame);
        }
        if request.fill(*place, &pin).is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}
