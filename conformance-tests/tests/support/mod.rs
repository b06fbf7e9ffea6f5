//! What the tests of the suite share: runs, and the reference card behind a driver.
#![allow(dead_code, reason = "each test program uses its own part")]

use tillcard_conform::case::Case;
use tillcard_conform::context::{REFERENCE_ATR, Settings};
use tillcard_conform::failure::Failure;
use tillcard_conform::options::Options;
use tillcard_conform::report::{CaseReport, Report};
use tillcard_conform::runner::{Progress, run};
use tillcard_conform::target::{EmulatorTarget, Fault, Link, LinkError, Reset, Target};

/// Says nothing.
pub struct Quiet;

impl Progress for Quiet {
    fn begins(&mut self, _: &Case, _: usize, _: usize) {}
    fn ended(&mut self, _: &CaseReport) {}
    fn stands(&mut self, _: &Report) -> Result<(), Failure> {
        Ok(())
    }
}

/// Runs cases, all of them without filters.
pub fn run_cases(target: Box<dyn Target>, seed: u64, filters: &[&str]) -> Report {
    let options = Options {
        settings: Settings {
            seed,
            atr: REFERENCE_ATR.to_vec(),
        },
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        sacrificial: true,
        trace: None,
        arguments: Vec::new(),
    };
    run(target, &options, &mut Quiet).expect("a run without a trace can't fail")
}

/// The reference card behind a driver that answers some commands in its stead. What is wrong inside
/// a card is the business of `tillcard-mutants`.
#[derive(Clone, Copy)]
pub struct Driver {
    /// What the target is called.
    pub name: &'static str,
    /// What it makes of a command.
    pub transmit: fn(&mut dyn Link, &[u8]) -> Vec<u8>,
}

impl Target for Driver {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, LinkError> {
        let card = EmulatorTarget.fresh_card(seed)?;
        let transmit = self.transmit;
        Ok(Box::new(Driven { card, transmit }))
    }
}

struct Driven {
    card: Box<dyn Link>,
    transmit: fn(&mut dyn Link, &[u8]) -> Vec<u8>,
}

impl Link for Driven {
    fn atr(&self) -> Vec<u8> {
        self.card.atr()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        Ok((self.transmit)(self.card.as_mut(), command))
    }

    fn reset(&mut self, how: Reset) -> Result<(), LinkError> {
        self.card.reset(how)
    }

    fn inject(&mut self, fault: &Fault) -> Result<bool, LinkError> {
        self.card.inject(fault)
    }

    fn has_power(&mut self) -> bool {
        self.card.has_power()
    }

    fn memory(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        self.card.memory()
    }
}

/// The answer of the card itself.
pub fn honest(card: &mut dyn Link, command: &[u8]) -> Vec<u8> {
    card.transmit(command).expect("the emulator answers")
}
