//! What the tests of the suite share: the reference card with its memory in reach, and drivers
//! that make it a faulty one.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod middle;

use std::collections::HashMap;
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

/// The reference card, and its memory.
pub trait Reference: Link {
    /// All of the memory.
    fn contents(&mut self) -> Vec<u8> {
        let memory = self.memory().expect("the emulator has a memory");
        memory.expect("the emulator's memory is in reach")
    }

    /// Puts other contents there, as if the card had never written what it wrote since.
    fn set_contents(&mut self, bytes: &[u8]) {
        let fault = Fault::Memory(bytes.to_vec());
        assert!(self.inject(&fault).expect("the emulator has a memory"));
    }

    /// Sends a command of which nobody is told, and gives its status word.
    fn secretly(&mut self, command: &[u8]) -> u16 {
        let answer = self.transmit(command).expect("the emulator answers");
        status(&answer)
    }
}

/// SW1 SW2.
pub fn status(answer: &[u8]) -> u16 {
    let at = answer.len() - 2;
    u16::from_be_bytes([answer[at], answer[at + 1]])
}

struct Emulated(Box<dyn Link>);

impl Link for Emulated {
    fn atr(&self) -> Vec<u8> {
        self.0.atr()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.0.transmit(command)
    }

    fn reset(&mut self, how: Reset) -> Result<(), LinkError> {
        self.0.reset(how)
    }

    fn inject(&mut self, fault: &Fault) -> Result<bool, LinkError> {
        self.0.inject(fault)
    }

    fn has_power(&mut self) -> bool {
        self.0.has_power()
    }

    fn memory(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        self.0.memory()
    }
}

impl Reference for Emulated {}

/// A card with one defect, made by what stands between it and the reader.
#[derive(Clone, Copy)]
pub struct Defect {
    /// What is wrong with it.
    pub name: &'static str,
    /// The cases that must fail.
    pub caught_by: &'static [&'static str],
    /// What it makes of a command.
    pub transmit: fn(&mut Memory, &mut dyn Reference, &[u8]) -> Vec<u8>,
    /// What it does after a reset.
    pub after_reset: fn(&mut Memory, &mut dyn Reference),
}

/// What a driver remembers.
#[derive(Default)]
pub struct Memory {
    /// The PIN block that ISSUE brought.
    pub pin: Vec<u8>,
    /// Byte strings by name.
    pub kept: HashMap<&'static str, Vec<u8>>,
    /// Numbers by name.
    pub count: HashMap<&'static str, u64>,
    /// Which card of the run it is, from 0.
    pub card: u64,
    /// What the one in the middle of a channel knows.
    pub middle: middle::Middle,
    atr: Vec<u8>,
}

impl Memory {
    /// VERIFY with the right PIN.
    pub fn right_verify(&self) -> Vec<u8> {
        [&[0x00, 0x20, 0x00, 0x80, 0x08], self.pin.as_slice()].concat()
    }

    /// Another ATR for this card.
    pub fn set_atr(&mut self, atr: &[u8]) {
        self.atr = atr.to_vec();
    }
}

/// SELECT by the full AID, without FCI.
pub const SELECT: [u8; 14] = [
    0x00, 0xA4, 0x04, 0x0C, 9, 0xF0, 0x54, 0x49, 0x4C, 0x4C, 0x43, 0x41, 0x52, 0x44,
];

/// Gives cards with a defect.
pub struct Faulty {
    pub defect: Defect,
    pub cards: u64,
}

impl Target for Faulty {
    fn name(&self) -> String {
        self.defect.name.to_owned()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, LinkError> {
        let card = EmulatorTarget.fresh_card(seed)?;
        let mut card: Box<dyn Reference> = Box::new(Emulated(card));
        card.reset(Reset::Cold)?;
        let mut memory = Memory {
            card: self.cards,
            atr: card.atr(),
            ..Memory::default()
        };
        self.cards += 1;
        (self.defect.after_reset)(&mut memory, card.as_mut());
        Ok(Box::new(FaultyCard {
            card,
            memory,
            defect: self.defect,
        }))
    }
}

struct FaultyCard {
    card: Box<dyn Reference>,
    memory: Memory,
    defect: Defect,
}

impl Link for FaultyCard {
    fn atr(&self) -> Vec<u8> {
        self.memory.atr.clone()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        if self.memory.pin.is_empty() {
            // The PIN block of an ISSUE, made or imported.
            for (header, at) in [
                ([0x80, 0x10, 0, 0, 171], 115),
                ([0x80, 0x10, 1, 0, 203], 147),
            ] {
                if command.starts_with(&header) {
                    self.memory.pin = command[at..at + 8].to_vec();
                }
            }
        }
        Ok((self.defect.transmit)(
            &mut self.memory,
            self.card.as_mut(),
            command,
        ))
    }

    fn reset(&mut self, how: Reset) -> Result<(), LinkError> {
        self.card.reset(how)?;
        (self.defect.after_reset)(&mut self.memory, self.card.as_mut());
        Ok(())
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

/// The answer of the card without a defect.
pub fn honest(card: &mut dyn Reference, command: &[u8]) -> Vec<u8> {
    card.transmit(command).expect("the emulator answers")
}

/// Nothing special after a reset.
pub fn nothing(_: &mut Memory, _: &mut dyn Reference) {}
