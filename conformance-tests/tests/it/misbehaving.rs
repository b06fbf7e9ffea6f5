//! Whatever a card answers, each case ends with a verdict, and never with a panic of the suite.

use crate::shim::Shimmed;
use tillcard_conform::catalogue;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::Report;
use tillcard_conform::runner::run_silently;
use tillcard_conform::values::{Stream, Values};

/// What the card makes of a command and of the reference card's answer to it.
type Spoil = fn(&mut Stream, &[u8], Vec<u8>) -> Vec<u8>;

const DONE: [u8; 2] = [0x90, 0x00];

/// A card without the application would end the run at once.
fn is_select(command: &[u8]) -> bool {
    command.get(1) == Some(&0xA4)
}

fn done(data: Vec<u8>) -> Vec<u8> {
    [data, DONE.to_vec()].concat()
}

fn some(noise: &mut Stream, most: u64) -> Vec<u8> {
    let length = noise.below(most + 1) as usize;
    noise.vec(length)
}

/// One answer in so many is spoilt: cut, lengthened, replaced, emptied, or another status word.
fn one_in<const RARITY: u64>(noise: &mut Stream, _: &[u8], mut answer: Vec<u8>) -> Vec<u8> {
    if noise.below(RARITY) != 0 {
        return answer;
    }
    let data = answer.len().saturating_sub(2);
    let status = answer.split_off(data);
    match noise.below(6) {
        0 => answer.truncate(noise.below(data as u64 + 1) as usize),
        1 => answer.extend(some(noise, 300)),
        2 => answer = some(noise, 300),
        3 => answer.clear(),
        4 => return noise.bytes::<2>().to_vec(),
        _ => {
            if let Some(byte) = answer.get_mut(noise.below(data as u64 + 1) as usize) {
                *byte ^= 1 << noise.below(8);
            }
        }
    }
    let status = if status.starts_with(&[0x61]) {
        status
    } else {
        DONE.to_vec()
    };
    [answer, status].concat()
}

/// Runs the catalogue on cards that spoil their answers; `knows` says whether the reference card is
/// asked at all.
fn run(name: &'static str, knows: bool, spoil: Spoil) -> Report {
    let mut cards = 0;
    let target = Shimmed::new(name, move || {
        cards += 1;
        let mut noise = Values::new(cards, name).stream("noise");
        Box::new(move |card, command| {
            let answer = if knows {
                card.transmit(command)?
            } else {
                Vec::new()
            };
            Ok(spoil(&mut noise, command, answer))
        })
    });
    run_silently(Box::new(target), 1, &[])
}

/// Every case has a verdict, none of them because the suite panicked, and something was found.
fn assert_judged(report: &Report) {
    let name = &report.target;
    assert_eq!(report.cases.len(), catalogue::all().count(), "{name}");
    let panicked: Vec<String> = (report.cases.iter())
        .filter(|case| {
            (case.reason.as_deref()).is_some_and(|reason| reason.contains("the suite has a fault"))
        })
        .map(|case| {
            format!(
                "{}: {}",
                case.id,
                case.reason.as_deref().unwrap_or_default()
            )
        })
        .collect();
    assert!(panicked.is_empty(), "{name}: {panicked:#?}");
    assert!(!report.conforms, "{name}");
    assert!(
        (report.cases.iter()).any(|case| matches!(case.verdict, Verdict::Fail | Verdict::Error)),
        "{name}"
    );
}

#[test]
fn a_card_that_answers_9000_without_data_is_judged() {
    assert_judged(&run("9000 without data", false, |_, _, _| DONE.to_vec()));
}

#[test]
fn a_card_that_answers_9000_with_noise_is_judged() {
    assert_judged(&run("short noise and 9000", false, |noise, _, _| {
        done(some(noise, 8))
    }));
    assert_judged(&run("noise and 9000", false, |noise, _, _| {
        done(some(noise, 300))
    }));
}

#[test]
fn a_card_that_answers_noise_is_judged() {
    assert_judged(&run("noise", false, |noise, command, _| {
        if is_select(command) {
            return DONE.to_vec();
        }
        some(noise, 300)
    }));
}

#[test]
fn a_mute_card_is_judged() {
    assert_judged(&run("mute", false, |_, _, _| Vec::new()));
    assert_judged(&run("one byte", false, |_, _, _| vec![0x90]));
}

#[test]
fn a_card_that_refuses_everything_but_select_is_judged() {
    assert_judged(&run("6F00", false, |_, command, _| {
        if is_select(command) {
            return DONE.to_vec();
        }
        vec![0x6F, 0x00]
    }));
}

#[test]
fn a_card_that_empties_its_answers_is_judged() {
    assert_judged(&run("status words alone", true, |_, _, answer| {
        answer[answer.len().saturating_sub(2)..].to_vec()
    }));
}

#[test]
fn a_card_that_spoils_an_answer_now_and_then_is_judged() {
    assert_judged(&run("one in 10", true, one_in::<10>));
    assert_judged(&run("one in 40", true, one_in::<40>));
    assert_judged(&run("one in 150", true, one_in::<150>));
}
