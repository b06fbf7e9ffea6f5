//! What owner and adversary do, as the dice decide, and how it comes to rest.

use std::cell::RefCell;

use bitcoin::Amount;

use super::facts::{BLANK, FORMER, HomeFacts, THIEF};
use super::owner::Computer;
use super::truth;
use crate::card::{MakeCard, SharedCard};
use crate::chain::{Network, Node, Temper};
use crate::dice::Dice;
use crate::folder::folder;
use crate::fuse::Fuse;
use crate::invariants::Violation;
use crate::steps::Steps;
use crate::story::Played;
use crate::wire::{Contacts, Hostility};

/// An owner at home, and what comes to his reader.
pub struct Home<'a> {
    /// What the story began with.
    pub facts: &'a HomeFacts,
    /// The chain.
    pub network: Network,
    /// The owner's computer.
    pub computer: Computer,
    /// Whether the owner has lost a folder that knew a card.
    pub lost: bool,
    /// The card that was used last.
    at_hand: usize,
    hostility: Hostility,
    bad_node: u32,
    power_cut: u32,
    dice: Dice,
}

/// Plays a story at home.
pub fn play(facts: &HomeFacts, make: MakeCard<'_>, mut dice: Dice) -> Played {
    let (folder, steps, fuse) = (folder(), Steps::default(), Fuse::new());
    let path = folder.path().join("owner");
    facts.folder.copy_to(&path);
    let network = Network::new(facts.ledger.clone());
    let images = facts.images.iter();
    let cards: Vec<SharedCard> = images
        .map(|image| SharedCard::new(make, image, dice.number()))
        .collect();
    let name = "home".to_owned();
    let reader = Contacts::new(name, cards, dice.split(), steps.clone(), fuse.clone());
    let node = Node::new(network.clone(), dice.split(), fuse.clone());
    let mut home = Home {
        facts,
        network,
        computer: Computer {
            folder: path,
            reader,
            node,
            checker: facts.checker.clone(),
            fuse,
            steps: steps.clone(),
            known: RefCell::default(),
        },
        lost: dice.percent(50),
        at_hand: FORMER,
        hostility: Hostility {
            at_pay: dice.pick(&[0, 40, 80]),
            elsewhere: dice.pick(&[0, 1, 4]),
            most: 1 + dice.below(2),
            stubborn: dice.pick(&[0, 50]),
        },
        bad_node: dice.pick(&[0, 0, 40]),
        power_cut: dice.pick(&[0, 0, 30]),
        dice,
    };
    home.begin();
    for _ in 0..home.dice.below(5) {
        home.step();
    }
    steps.note("at rest");
    home.expect_honest(home.at_hand);
    let violations: Vec<Violation> = truth::violations(&mut home);
    Played {
        steps: steps.take(),
        violations,
    }
}

impl Home<'_> {
    /// A new card, or one that a lost folder knew.
    fn begin(&mut self) {
        match self.lost {
            true => self.adopt_one(),
            false => self.issue(BLANK[0]),
        }
    }

    fn step(&mut self) {
        match self.dice.below(100) {
            0..15 => self.issue(BLANK[1]),
            15..35 => self.adopt_one(),
            35..70 => self.top_up(),
            70..90 => self.tell(),
            _ => self.network.ledger().mine(),
        }
    }

    /// An owner who knows of no card, and has lost a folder, first takes up those that he has: a number
    /// is free as far as the folder knows.
    fn issue(&mut self, card: usize) {
        if self.lost && self.number().is_none() {
            return self.adopt_one();
        }
        self.expect(card);
        self.computer.issue();
    }

    fn adopt_one(&mut self) {
        let card = match self.dice.percent(40) {
            true => THIEF,
            false if self.lost => FORMER,
            false => BLANK[0],
        };
        self.expect(card);
        self.computer.adopt(false);
    }

    /// One of the cards that the folder knows.
    fn number(&mut self) -> Option<u32> {
        let known = self.computer.cards();
        let numbers: Vec<u32> = known.iter().map(|record| record.number).collect();
        (!numbers.is_empty()).then(|| self.dice.pick(&numbers))
    }

    fn top_up(&mut self) {
        let Some(number) = self.number() else { return };
        let amount = match self.dice.percent(20) {
            // Below the least coin of the card.
            true => 400 + self.dice.below(600),
            false => 10_000 + self.dice.below(40_000),
        };
        self.expect(self.at_hand);
        self.computer
            .top_up(number, Amount::from_sat(amount.into()));
        if self.dice.percent(70) {
            self.network.ledger().mine();
        }
    }

    fn tell(&mut self) {
        let Some(number) = self.number() else { return };
        self.expect(self.at_hand);
        self.computer.tell(number);
    }

    /// What the next command meets.
    fn expect(&mut self, card: usize) {
        self.at_hand = card;
        self.computer.steps.note(format_args!("  card {card}"));
        let dice = &mut self.dice;
        let temper = match dice.percent(self.bad_node) {
            false => Temper::HONEST,
            true => match dice.below(3) {
                0 => Temper {
                    silent: 5,
                    ..Temper::HONEST
                },
                1 => Temper {
                    behind: 1,
                    ..Temper::HONEST
                },
                _ => Temper {
                    refuses: true,
                    ..Temper::HONEST
                },
            },
        };
        let dies = dice.percent(self.power_cut);
        let fuse = dies.then(|| dice.below(60));
        self.computer.reader.expect(&[card], self.hostility);
        self.computer.node.set(temper);
        self.computer.fuse.set(fuse);
    }

    /// The same, and nobody cheats.
    pub fn expect_honest(&self, card: usize) {
        self.computer.reader.expect(&[card], Hostility::default());
        self.computer.node.set(Temper::HONEST);
        self.computer.fuse.set(None);
    }
}
