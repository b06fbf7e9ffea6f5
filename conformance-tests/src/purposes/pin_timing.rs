//! How long the comparison of a PIN takes. Of any card.

use super::equal_times::{Kinds, require_equal_times};
use super::prelude::*;

const DIGITS: Kinds = Kinds {
    samples: 300,
    seen_from: 0.63,
};

cases! {
    "TC-PIN-13" version 1 on Issued D1 for [PIN_8] runs comparison:
        "VERIFY takes the same time whether the first or the last digit is wrong: 300 measurements \
         of each, in random order, compared by rank (Mann-Whitney); FAIL needs |z| > 6 in two \
         independent runs. The report says which difference would have been seen. On a link with \
         more noise than the card's comparison takes, as every PC reader is, only a gross early \
         exit shows; equal instructions are for a review of the code."
        catches "A comparison that stops, or waits, at the first wrong digit.";
}

fn comparison(ctx: &mut CaseContext) -> Outcome {
    let wrong = ctx.driver().wrong_pins()?;
    let digits = wrong
        .iter()
        .filter(|(name, _)| name.starts_with("a wrong digit"))
        .count();
    let fields = [&wrong[0].1, &wrong[digits - 1].1];
    let names = ["first digit wrong", "last digit wrong"];
    require_equal_times(
        ctx,
        "VERIFY of a wrong PIN",
        names,
        DIGITS,
        &mut |ctx, kind| {
            let card = ctx.driver();
            let left = card.most_tries() - 1;
            card.expect_presented(fields[kind], Presented::Wrong { left }, "a wrong digit")?;
            let took = card.took_ns();
            card.expect_right("the right PIN")?;
            Ok(took)
        },
    )
}
