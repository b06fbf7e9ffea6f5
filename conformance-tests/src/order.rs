//! In which order cases run, and how many cards that takes when they are used again.

use crate::case::{Case, Start};
use crate::catalogue;

/// The case that shows that FACTORY RESET makes a card as it was before it was issued.
pub const PROOF: &str = "TC-RST-01";

/// What a case does that FACTORY RESET doesn't undo.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cost {
    /// Nothing, but it needs a card without keys of its own.
    WithoutKeys,
    /// As that, and the card draws keys.
    FirstKeys,
    /// Nothing, but it needs a card whose personalisation has ended, and ends it itself where it
    /// hasn't.
    Personalised,
    /// It compares two cards.
    Two,
    /// It ends the personalisation of so many cards.
    Personalisation(u32),
    /// It ends the life of so many cards.
    Life(u32),
}

/// Cases that come last where cards are used again, because FACTORY RESET doesn't undo what they
/// do, or because they need a card on which that was done.
const LAST: [(&str, Cost); 14] = [
    ("TC-PER-01", Cost::Personalisation(1)),
    ("TC-SCP-04", Cost::WithoutKeys),
    ("TC-GEN-05", Cost::FirstKeys),
    ("TC-RST-07", Cost::Personalisation(1)),
    ("TC-ISS-05", Cost::Two),
    ("TC-PER-02", Cost::Personalisation(2)),
    ("TC-PER-03", Cost::Personalisation(1)),
    ("TC-PER-04", Cost::Personalised),
    ("TC-CRT-01", Cost::Personalised),
    ("TC-CRT-02", Cost::Personalised),
    ("TC-GEN-01", Cost::Personalised),
    ("TC-ACC-03", Cost::Personalised),
    ("TC-RST-02", Cost::Personalised),
    ("TC-TRM-01", Cost::Life(2)),
];

/// The cases that these filters mean, or all without filters, in the order in which they run: those
/// that share a card stand together. Where cards are used again, [`PROOF`] comes as soon as it
/// matters, and what uses cards up comes last.
#[must_use]
pub fn ordered(filters: &[String], reuse: bool) -> Vec<&'static Case> {
    let meant =
        |case: &Case| filters.is_empty() || filters.iter().any(|filter| case.matches(filter));
    let mut order: Vec<&Case> = catalogue::all().filter(|case| meant(case)).collect();
    if !reuse {
        order.sort_by_key(|case| case.start);
        return order;
    }
    if order.iter().any(|case| case.start != Start::Factory) {
        order.extend(catalogue::all().filter(|case| case.id == PROOF && !meant(case)));
    }
    let last = |case: &Case| LAST.iter().position(|(id, _)| *id == case.id);
    order.sort_by_key(|case| match case.start {
        Start::AfterAll => (Start::AfterAll, None),
        _ if case.id == PROOF => (Start::Factory, Some(0)),
        // Cases on a card of their own come after the shared ones, and these after them.
        _ => (case.start, last(case)),
    });
    order
}

/// How many cards these cases take, at most, when cards are used again after FACTORY RESET: with
/// cards that nobody personalised, or with others.
#[must_use]
pub fn cards_needed(order: &[&Case], blank: bool) -> u32 {
    let (mut cards, mut personalised, mut alive, mut keys) = (1, !blank, true, false);
    let mut other = |alive: &mut bool, personalised: &mut bool, keys: &mut bool| {
        cards += 1;
        (*alive, *personalised, *keys) = (true, !blank, false);
    };
    for case in order {
        if !alive && case.start != Start::AfterAll {
            other(&mut alive, &mut personalised, &mut keys);
        }
        match LAST.iter().find(|(id, _)| *id == case.id) {
            Some((_, cost @ (Cost::WithoutKeys | Cost::FirstKeys))) if blank => {
                if personalised || keys {
                    other(&mut alive, &mut personalised, &mut keys);
                }
                keys = *cost == Cost::FirstKeys;
            }
            Some((_, Cost::Personalised)) => personalised = true,
            Some((_, Cost::Personalisation(count))) if blank => {
                for _ in 0..*count {
                    if personalised {
                        other(&mut alive, &mut personalised, &mut keys);
                    }
                    personalised = true;
                }
            }
            Some((_, Cost::Two)) => {
                other(&mut alive, &mut personalised, &mut keys);
                keys = true;
            }
            Some((_, Cost::Life(count))) => {
                for _ in 0..*count {
                    if !alive {
                        other(&mut alive, &mut personalised, &mut keys);
                    }
                    alive = false;
                }
            }
            _ => keys |= case.start != Start::Factory,
        }
    }
    // Whether two cards look alike is asked of two.
    let two = order.iter().any(|case| case.id == "TC-FRM-02");
    cards.max(if two { 2 } else { 1 })
}
