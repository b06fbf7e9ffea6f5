//! A PIN: what is taken for it, and what uses up a try. Of any card.

use super::prelude::*;

cases! {
    "TC-PIN-01" version 1 on Issued D1 for [PIN_1] runs right:
        "The right PIN gives authorisation and sets the tries back to 3, from 3, 2 and 1 tries \
         left."
        catches "Tries not set back, or set to another number; no authorisation.";
    "TC-PIN-02" version 1 on Issued D1 for [PIN_2] runs wrong_digits:
        "A wrong digit in each position, a PIN that is the right one's beginning, and one that \
         goes on after it, use up a try and authorise nobody."
        catches "Only part of the block compared; a prefix accepted.";
    "TC-PIN-03" version 1 on Issued D1 for [PIN_2] runs length_matrix:
        "A data field of every length from 1 to 255 other than 8, beginning with the right PIN \
         block, uses up a try and authorises nobody."
        catches "Short, long or truncated PINs uncounted, or accepted.";
    "TC-PIN-04" version 1 on Issued D1 for [PIN_2] runs malformed:
        "Malformed blocks of eight bytes with the right digits in them (other formats, lengths, \
         fillers, ASCII) use up a try and authorise nobody."
        catches "A malformed block refused without a count, or read as if it were well-formed.";
    "TC-PIN-05" version 1 on Issued D1 for [PIN_4] runs without_data:
        "VERIFY without data tells the tries left at 3, 2 and 1, changes them not, and neither \
         gives nor ends an authorisation."
        catches "An empty PIN that counts, or authorises, or ends what was given.";
    "TC-PIN-06" version 1 on Issued D1 for [PIN_6 PIN_1] runs ends_authorisation:
        "VERIFY with data ends an authorisation given before when it fails, whatever the reason, \
         and gives it anew when it succeeds, also after a failed one."
        catches "A wrong PIN that leaves the old authorisation standing.";
}

/// A field that isn't right uses up one try, authorises nobody, and the right PIN then sets the
/// tries back.
pub(crate) fn counts(card: &mut dyn Driver, field: &[u8], what: &str) -> Outcome {
    let most = card.most_tries();
    card.expect_presented(field, Presented::Wrong { left: most - 1 }, what)?;
    card.expect_left(most - 1, what)?;
    card.expect_holder(false, what)?;
    card.expect_right("the right PIN after it").at(what)?;
    card.expect_left(most, what)
}

fn right(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    let most = card.most_tries();
    for left in (1..=most).rev() {
        card.use_up(left)?;
        card.expect_right("the right PIN")?;
        card.expect_holder(true, "after the right PIN")?;
        card.expect_left(most, "after the right PIN")?;
        card.restart(Reset::Cold)?;
        card.expect_left(most, "after the right PIN and a power cycle")?;
    }
    Ok(())
}

fn wrong_digits(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    for (what, field) in card.wrong_pins()? {
        counts(card, &field, &what)?;
    }
    Ok(())
}

fn length_matrix(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    let right = card.right_pin()?;
    let long = [&right[..], &right, &[0xFF; 255]].concat();
    for length in (1..=255).filter(|length| *length != right.len()) {
        counts(card, &long[..length], &format!("{length} bytes"))?;
    }
    Ok(())
}

fn malformed(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    let right = card.right_pin()?;
    for (what, field) in card.malformed_pins()? {
        require!(
            field != right,
            "{what}: the case's own field is the right one: take another seed"
        );
        counts(card, &field, &what)?;
    }
    Ok(())
}

fn without_data(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    let most = card.most_tries();
    let ask = |card: &mut dyn Driver, left: u8| -> Outcome {
        for _ in 0..5 {
            card.expect_presented(&[], Presented::Wrong { left }, "no data")?;
        }
        card.expect_left(left, "after no data")
    };
    ask(card, most)?;
    card.expect_holder(false, "after no data")?;
    let wrong = card.wrong_pin()?;
    for left in (1..most).rev() {
        card.expect_presented(&wrong, Presented::Wrong { left }, "a wrong PIN")?;
        ask(card, left)?;
    }
    card.expect_right("the right PIN")?;
    ask(card, most)?;
    card.expect_holder(true, "after no data")
}

fn ends_authorisation(ctx: &mut CaseContext) -> Outcome {
    let card = ctx.driver();
    let right = card.right_pin()?;
    let left = card.most_tries() - 1;
    let fields = [
        ("a wrong PIN", card.wrong_pin()?),
        ("a cut field", right[..right.len() - 1].to_vec()),
        ("a long field", [&right[..], &[0xFF]].concat()),
        ("a malformed field", vec![0; right.len()]),
        ("one byte", right[..1].to_vec()),
    ];
    for (what, field) in fields {
        card.expect_right("the right PIN")?;
        card.expect_holder(true, "after the right PIN")?;
        card.expect_presented(&field, Presented::Wrong { left }, what)?;
        card.expect_holder(false, what)?;
        card.expect_right("the right PIN after it").at(what)?;
        card.expect_holder(true, "after the right PIN").at(what)?;
    }
    Ok(())
}
