//! Cards that declare less than the reference card. What stands between the suite and the
//! reference card clears a capability's bit and answers that capability's commands as section 2.3
//! of the protocol text says, so that no case may blame the card for what it doesn't declare.

use crate::shim::Shimmed;
use std::ops::Range;
use tillcard_conform::card_under_test::{Fault, Link, Reset};
use tillcard_conform::catalogue;
use tillcard_conform::failure::Failure;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::runner::run_silently;

/// SELECT by the full AID, without FCI.
const SELECT: [u8; 14] = [
    0x00, 0xA4, 0x04, 0x0C, 9, 0xF0, 0x54, 0x49, 0x4C, 0x4C, 0x43, 0x41, 0x52, 0x44,
];

const EXTENDED: u32 = 1 << 0;
const AUXILIARY_RANDOMNESS: u32 = 1 << 2;
const IMPORTED: u32 = 1 << 3;
const WITHOUT_PIN: u32 = 1 << 4;
const CREDITS: u32 = 1 << 5;
const SIGNING: u32 = 1 << 6;
const CHANNEL: u32 = 1 << 7;
const STATEMENTS: u32 = 1 << 9;

/// Where the capability bits are in the answers to SELECT and to GET DATA, and the numbers of a
/// capability in the latter.
const IN_FCI: Range<usize> = 21..25;
const IN_CAPABILITIES: Range<usize> = 6..10;
const UNROOTED_AT: usize = 25;
const SIGNING_AT: [usize; 2] = [28, 31];
/// Where ISSUE of a made key has the limits without PIN, and the policy, behind its header and Lc.
const WITHOUT_PIN_AT: Range<usize> = 5 + 158..5 + 168;
const POLICY_AT: usize = 5 + 170;

/// Makes its card one that lacks some capabilities.
struct Lesser {
    /// The bits that are missing.
    lacks: u32,
    /// The bytes that are changed in the answer that is being given.
    answering: Option<Range<usize>>,
    /// How much of it was given.
    offset: usize,
    /// Whether it was asked anything yet.
    is_new: bool,
}

impl Lesser {
    const fn new(lacks: u32) -> Self {
        Self {
            lacks,
            answering: None,
            offset: 0,
            is_new: true,
        }
    }

    const fn lacks(&self, capability: u32) -> bool {
        self.lacks & capability != 0
    }

    /// A command that the reference card refuses as this one must refuse the given one, at the same
    /// place in the order of refusals.
    fn instead(&self, command: &[u8]) -> Vec<u8> {
        let mut other = command.to_vec();
        if self.lacks(EXTENDED) && command.len() > 5 && command[4] == 0 {
            other.truncate(3);
            return other;
        }
        if self.lacks(CREDITS)
            && let [0x80, 0x30 | 0x32, 0, 0, lc, field @ ..] = command
            && field.len() >= usize::from(*lc)
            && let Some(length) = field.get(17)
            && field.get(18 + usize::from(*length)..20 + usize::from(*length)) == Some(&[0x83, 1])
            && field.get(20 + usize::from(*length)) == Some(&1)
        {
            other[5 + 20 + usize::from(*length)] = 2;
        }
        let header = match *command {
            [0x04, ..] if self.lacks(CHANNEL) => [0x0C, 0, 0, 0],
            [0x84, ..] if self.lacks(CHANNEL) => [0x8C, 0, 0, 0],
            [0x80, 0x10, 0x01, p2, ..] if self.lacks(IMPORTED) => [0x80, 0x10, 0x02, p2],
            [0x80, 0x22, 0x02, p2, ..] if self.lacks(CREDITS) => [0x80, 0x22, 0x03, p2],
            [0x80, 0x40, p1, p2, ..] if self.lacks(SIGNING) => [0x80, 0xFE, p1, p2],
            [0x80, 0x54, p1, p2, ..] if self.lacks(STATEMENTS) => [0x80, 0xFE, p1, p2],
            [class @ (0x00 | 0x80), 0x88, p1, p2, ..] if self.lacks(CHANNEL) => {
                [class, 0x01, p1, p2]
            }
            [0x00, 0xDA, p1, p2, ..] if self.lacks(CHANNEL) => [0x00, 0x01, p1, p2],
            [0x00, 0x46, p1, 0x01, ..] if self.lacks(CHANNEL) => [0x00, 0x46, p1, 0x02],
            [0x00, 0xCA, 0xBF, 0x21, ..] if self.lacks(CHANNEL) => [0x00, 0xCA, 0x77, 0x00],
            _ => return other,
        };
        let known = other.len().min(4);
        other[..known].copy_from_slice(&header[..known]);
        other
    }

    /// Whether these limits or this policy need a capability that isn't there.
    fn needs_more(&self, without_pin: &[u8], policy: u8) -> bool {
        (self.lacks(WITHOUT_PIN) && without_pin.iter().any(|byte| *byte != 0))
            || (self.lacks(CHANNEL) && policy & 1 == 0)
            || (self.lacks(STATEMENTS) && policy & 2 != 0)
    }

    /// Takes bits and numbers out of an answer that tells the capabilities.
    fn tell(&self, answer: &mut [u8]) {
        let Some(bits) = &self.answering else { return };
        let data = answer.len() - 2;
        let mut and = |at: usize, mask: u8| {
            if let Some(byte) = at
                .checked_sub(self.offset)
                .and_then(|at| answer[..data].get_mut(at))
            {
                *byte &= mask;
            }
        };
        for (at, lacking) in bits.clone().zip(self.lacks.to_be_bytes()) {
            and(at, !lacking);
        }
        if *bits == IN_CAPABILITIES {
            if self.lacks(CREDITS) {
                and(UNROOTED_AT, 0);
            }
            if self.lacks(SIGNING) {
                SIGNING_AT.into_iter().for_each(|at| and(at, 0));
            }
        }
    }

    /// A card that can't be given certificates has none.
    fn begin(&mut self, card: &mut dyn Link) -> Result<(), Failure> {
        if std::mem::take(&mut self.is_new) && self.lacks(CHANNEL) {
            card.inject(&Fault::Memory(Vec::new()))?;
            card.reset(Reset::Cold)?;
        }
        Ok(())
    }

    fn transmit(&mut self, card: &mut dyn Link, command: &[u8]) -> Result<Vec<u8>, Failure> {
        self.begin(card)?;
        let mut other = self.instead(command);
        if other.starts_with(&[0x80, 0x10, 0, 0, 171])
            && other.len() > POLICY_AT
            && self.needs_more(&other[WITHOUT_PIN_AT], other[POLICY_AT])
        {
            // A policy that no card takes.
            other[POLICY_AT] = 0xFF;
        }
        let set = match *command {
            [0x80, 0x46, 0, 0, 116, ..] => command
                .get(5 + 40..5 + 50)
                .is_some_and(|without| self.needs_more(without, 1)),
            [0x80, 0x52, 0, 0, 69, 0x86, 1, policy, ..] => self.needs_more(&[], policy),
            _ => false,
        };
        let before = if set { card.memory()? } else { None };
        let mut answer = card.transmit(&other)?;
        if let Some(before) = before
            && answer.ends_with(&[0x90, 0x00])
        {
            // Signed, so that it can't be made another: it is taken back.
            card.inject(&Fault::Memory(before))?;
            card.reset(Reset::Cold)?;
            card.transmit(&SELECT)?;
            return Ok(vec![0x6A, 0x80]);
        }
        match *command {
            [0x00, 0xC0, 0, 0, ..] => {}
            [0x00, 0xA4, 0x04, 0x00, ..] => self.answering = Some(IN_FCI),
            [0x00, 0xCA, 0x01, 0x01, ..] => self.answering = Some(IN_CAPABILITIES),
            _ => self.answering = None,
        }
        if command.get(1) != Some(&0xC0) {
            self.offset = 0;
        }
        if matches!(answer[answer.len() - 2], 0x61 | 0x90) {
            self.tell(&mut answer);
            self.offset += answer.len() - 2;
        }
        Ok(answer)
    }
}

/// No case may fail on a card that lacks these, and some must not apply, unless nothing in the
/// catalogue is about it alone.
fn is_not_blamed_for(lacks: u32, least_not_applicable: usize) {
    // What is the same for all of them, and takes half of the time, is asked of one.
    let sweeps_for_leaks = lacks.count_ones() > 2;
    let asked: Vec<&str> = catalogue::all()
        .map(|case| case.id)
        .filter(|id| sweeps_for_leaks || *id != "TC-KEY-05")
        .collect();
    let cards = Shimmed::new(format!("a card without {lacks:03X}"), move || {
        let mut lesser = Lesser::new(lacks);
        Box::new(move |card, command| lesser.transmit(card, command))
    });
    let report = run_silently(Box::new(cards), 1, &asked);
    let blamed: Vec<String> = (report.cases.iter())
        .filter(|case| !case.verdict.conforms())
        .map(|case| {
            let reason = case.reason.clone().unwrap_or_default();
            format!("{} {}: {reason}", case.id, case.verdict)
        })
        .collect();
    assert!(
        blamed.is_empty(),
        "without {lacks:03X}:\n{}",
        blamed.join("\n")
    );
    let not_asked = (report.cases.iter())
        .filter(|case| case.verdict == Verdict::NotApplicable)
        .count();
    assert_eq!(report.undeclared, not_asked);
    assert!(not_asked >= least_not_applicable, "{not_asked} not asked");
    assert!(2 * not_asked < report.cases.len(), "{not_asked} not asked");
}

#[test]
fn without_extended_length() {
    is_not_blamed_for(EXTENDED, 2);
}

#[test]
fn without_auxiliary_randomness() {
    is_not_blamed_for(AUXILIARY_RANDOMNESS, 0);
}

#[test]
fn without_import() {
    is_not_blamed_for(IMPORTED, 4);
}

#[test]
fn without_payments_without_pin() {
    is_not_blamed_for(WITHOUT_PIN, 2);
}

#[test]
fn without_credits() {
    is_not_blamed_for(CREDITS, 5);
}

#[test]
fn without_the_owners_signing() {
    is_not_blamed_for(SIGNING, 6);
}

#[test]
fn without_channels() {
    is_not_blamed_for(CHANNEL | STATEMENTS, 20);
}

#[test]
fn without_statements() {
    is_not_blamed_for(STATEMENTS, 6);
}

#[test]
fn without_anything_optional() {
    is_not_blamed_for(
        EXTENDED
            | AUXILIARY_RANDOMNESS
            | IMPORTED
            | WITHOUT_PIN
            | CREDITS
            | SIGNING
            | CHANNEL
            | STATEMENTS,
        40,
    );
}
