//! Which card it is: what it says of itself before the first case, and whether it is one to test.

mod certificates;

use crate::apdu::{Answer, Command, LE_SHORT};
use crate::card::{AID, Capability, Card};
use crate::card_under_test::Reset;
use crate::failure::{Code, Failure};
use crate::outcome::Step;
use crate::report::CardReport;
use crate::status::Sw;
use crate::tlv::Reader;

/// SELECT by the application's full AID: with the FCI, and without.
const SELECT: [[u8; 4]; 2] = [[0x00, 0xA4, 0x04, 0x00], [0x00, 0xA4, 0x04, 0x0C]];

/// GET DATA of the status.
const STATUS: [u8; 4] = [0x00, 0xCA, 0x01, 0x00];
/// GET DATA of the capabilities.
const CAPABILITIES: [u8; 4] = [0x00, 0xCA, 0x01, 0x01];

/// What a card says of itself, and why it can't be tested.
pub(crate) struct Identity {
    /// For the report.
    pub(crate) card: CardReport,
    /// Whether it declares secure channels, and so can be personalised.
    pub(crate) has_channels: bool,
    /// Why no case can be put to it, if so.
    pub(crate) unfit: Option<Failure>,
}

/// Asks a card just put in who it is, and leaves it as it was. No answer is judged but for what
/// makes every case pointless; that is for the cases.
///
/// # Errors
/// When the link fails.
pub(crate) fn look(card: &mut Card) -> Step<Identity> {
    let select = card.once(&Command::new(SELECT[0]).data(AID).le(LE_SHORT))?;
    let refused = |answer: &Answer| !answer.sw.is_success() && answer.sw.0 >> 8 != 0x62;
    let mut unfit = None;
    if refused(&select) {
        let bare = card.once(&Command::new(SELECT[1]).data(AID))?;
        if refused(&bare) {
            unfit = Some(Code::NoApplication.because(format!(
                "no Tillcard application: SELECT answered {}",
                select.sw
            )));
        }
    }
    let status = card.once(&Command::new(STATUS).le(LE_SHORT))?;
    let capabilities = card.once(&Command::new(CAPABILITIES).le(LE_SHORT))?;
    let certificates = certificates::shown(card);
    card.reset(Reset::Cold)?;
    let unfit = unfit.or_else(|| used(&status));
    Ok(Identity {
        has_channels: has_channels(&capabilities),
        card: CardReport {
            atr: hex::encode_upper(card.atr()),
            select: shown(&select),
            status: shown(&status),
            capabilities: shown(&capabilities),
            protocol: version(&capabilities),
            certificates,
        },
        unfit,
    })
}

/// Why a card isn't fresh, by its own word.
fn used(status: &Answer) -> Option<Failure> {
    let mut reader = Reader::new("GET DATA, status", &status.data);
    let [state] = reader.array(0x80).ok().filter(|_| status.sw == Sw::OK)?;
    match state {
        1 => {
            let [network] = reader.array(0x81).unwrap_or_default();
            let [tries] = reader.array(0x82).unwrap_or_default();
            Some(Code::AlreadyIssued.because(format!(
                "this card is issued already: network {network}, {tries} PIN tries left; the \
                 suite needs cards that were never issued"
            )))
        }
        2 => Some(Code::AlreadyTerminated.because(
            "this card is terminated: its life has ended, and it can't be tested any more",
        )),
        _ => None,
    }
}

/// Whether a card declares secure channels, and so can be personalised.
fn has_channels(capabilities: &Answer) -> bool {
    let mut reader = Reader::new("GET DATA, capabilities", &capabilities.data);
    let bits = reader.array::<2>(0x80).and_then(|_| reader.array(0x81));
    bits.is_ok_and(|bits| u32::from_be_bytes(bits) & (1 << Capability::Channel as u32) != 0)
}

fn version(capabilities: &Answer) -> Option<String> {
    let mut reader = Reader::new("GET DATA, capabilities", &capabilities.data);
    let [major, minor] = reader.array(0x80).ok()?;
    Some(format!("{major}.{minor}"))
}

fn shown(answer: &Answer) -> String {
    format!("{}{}", hex::encode_upper(&answer.data), answer.sw)
}
