//! A run with few cards, which are used again after FACTORY RESET.

use crate::shim::{Shimmed, Transmit, honest};
use std::cell::Cell;
use std::rc::Rc;
use tillcard_conform::card_under_test::{EmulatorTarget, Fault, Link, Reset, Target};
use tillcard_conform::case::Level;
use tillcard_conform::catalogue;
use tillcard_conform::failure::Failure;
use tillcard_conform::options::Options;
use tillcard_conform::order::{PROOF, cards_needed, ordered};
use tillcard_conform::outcome::{BEYOND_TARGET, Verdict};
use tillcard_conform::report::Report;
use tillcard_conform::runner::{Progress, run};
use tillcard_conform::supply::Thrift;

/// Cards in a reader: nothing but APDUs and power reaches them.
struct InReader<T> {
    cards: T,
    /// Whether nobody personalised them.
    blank: bool,
    taken: Rc<Cell<u32>>,
}

struct CardInReader(Box<dyn Link>);

impl<T: Target> Target for InReader<T> {
    fn name(&self) -> String {
        self.cards.name()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure> {
        let mut card = self.cards.fresh_card(seed)?;
        if self.blank {
            card.inject(&Fault::Memory(Vec::new()))?;
            card.reset(Reset::Cold)?;
        }
        self.taken.set(self.taken.get() + 1);
        Ok(Box::new(CardInReader(card)))
    }
}

impl Link for CardInReader {
    fn atr(&self) -> Vec<u8> {
        self.0.atr()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        self.0.transmit(command)
    }

    fn reset(&mut self, how: Reset) -> Result<(), Failure> {
        self.0.reset(how)
    }
}

struct Silent;

impl Progress for Silent {
    fn begins(&mut self, _: &tillcard_conform::case::Case, _: usize, _: usize) {}
    fn ended(&mut self, _: &tillcard_conform::report::CaseReport) {}
    fn stands(&mut self, _: &Report) -> Result<(), Failure> {
        Ok(())
    }
}

/// The report of a run with few cards, and how many were taken.
fn few<T: Target + 'static>(cards: T, blank: bool, filters: &[&str]) -> (Report, u32) {
    let taken = Rc::new(Cell::new(0));
    let target = InReader {
        cards,
        blank,
        taken: Rc::clone(&taken),
    };
    let options = Options {
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        level: Level::D3,
        thrift: Thrift {
            reuse: true,
            most: Some(6),
        },
        ..Options::default()
    };
    let report = run(Box::new(target), &options, &mut Silent).unwrap();
    (report, taken.get())
}

/// The cases that neither passed nor are beyond what a reader can do, with their reasons.
fn others(report: &Report) -> Vec<String> {
    (report.cases.iter())
        .filter(|case| {
            let reason = case.reason.as_deref().unwrap_or_default();
            let beyond = case.verdict == Verdict::NotApplicable && reason.contains(BEYOND_TARGET);
            case.verdict != Verdict::Pass && !beyond
        })
        .map(|case| format!("{} {} {:?}", case.id, case.verdict, case.reason))
        .collect()
}

fn the_whole_catalogue(blank: bool, cards: u32) {
    let (report, taken) = few(EmulatorTarget, blank, &[]);
    let others = others(&report);
    assert!(others.is_empty(), "{others:#?}");
    assert!(report.conforms && report.cases.len() == catalogue::all().count());
    assert!(report.undeclared == 0 && report.summary["N/A"] > 0);
    assert_eq!((taken, report.cards), (cards, cards));
    assert_eq!(cards_needed(&ordered(&[], true), blank), cards);
    assert!(report.resets.is_some_and(|resets| resets > 100));
}

/// A card of which FACTORY RESET forgets nothing, though it says so.
fn forgets_nothing() -> Shimmed {
    Shimmed::new("a card that FACTORY RESET doesn't reset", || -> Transmit {
        Box::new(|card, command| {
            // FACTORY RESET.
            Ok(if command.starts_with(&[0x80, 0x56]) {
                vec![0x90, 0x00]
            } else {
                honest(card, command)
            })
        })
    })
}

#[test]
fn a_card_that_does_not_reset_is_not_used_again_and_no_more_cards_are_taken_than_allowed() {
    let (report, taken) = few(forgets_nothing(), false, &["PIN", "RST"]);
    assert_eq!((taken, report.resets), (6, Some(0)));
    let verdict = |id: &str| {
        let case = report.cases.iter().find(|case| case.id == id).unwrap();
        (case.verdict, case.reason.clone().unwrap_or_default())
    };
    assert_eq!(verdict(PROOF).0, Verdict::Fail);
    let spent: Vec<&str> = (report.cases.iter())
        .filter_map(|case| case.reason.as_deref())
        .filter(|reason| reason.contains("--cards allows more"))
        .collect();
    assert!(!spent.is_empty() && report.complete, "{spent:#?}");
    assert!(!report.is_clean());
}

/// Where the status tells the tries.
const TRIES_AT: usize = 8;

#[test]
fn a_card_that_changed_ends_the_run() {
    let changing = Shimmed::new(
        "a card that loses a try with long answers",
        || -> Transmit {
            let mut parts = 0;
            Box::new(move |card, command| {
                let mut answer = honest(card, command);
                // GET RESPONSE for one byte, which no other of these cases sends.
                parts += usize::from(command == [0x00, 0xC0, 0x00, 0x00, 0x01]);
                if parts > 0 && command.starts_with(&[0x00, 0xCA, 0x01, 0x00]) && answer.len() > 9 {
                    answer[TRIES_AT] = 2;
                }
                Ok(answer)
            })
        },
    );
    let (report, _) = few(changing, false, &["TC-FRM-07", "RCV"]);
    let ended = report.ended.as_ref().unwrap();
    assert_eq!(ended.code, "card-changed", "{}", ended.reason);
    let last = (report.cases.iter()).find(|case| case.verdict == Verdict::Fail);
    let last = last.unwrap();
    assert!(ended.reason.contains(&last.id) && !report.complete);
}

#[test]
fn what_a_run_relies_on_is_asked_though_nobody_asked_for_it() {
    let (report, taken) = few(EmulatorTarget, false, &["TC-PIN-01"]);
    assert!(report.verdicts().contains_key(PROOF) && report.wanted == report.cases.len());
    assert_eq!(taken, 1);
    // What harms no card relies on nothing.
    let (report, _) = few(EmulatorTarget, false, &["TC-FRM-01"]);
    assert_eq!(report.cases.len(), 1);
}

#[test]
fn personalised_cards_go_through_the_whole_catalogue_three_of_them() {
    the_whole_catalogue(false, 3);
}

#[test]
fn cards_that_nobody_personalised_go_through_the_whole_catalogue_six_of_them() {
    the_whole_catalogue(true, 6);
}
