//! VERIFY: what it takes and what it refuses. Section 4.

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
    "TC-PIN-07" version 1 on Factory D0 for [PIN_7] runs factory:
        "On a factory card VERIFY is refused with 6985 for every data length, and right after a \
         key generation too."
        catches "A default PIN; a comparison with a PIN that was never set.";
    "TC-PIN-11" version 1 on Own D3 for [PIN_1 PIN_2] runs shortest_and_longest:
        "Cards with PINs of 4 and of 12 digits, the shortest and the longest, take their own and \
         refuse it with a digit more or fewer."
        catches "The length of the PIN not compared; digits beyond the eighth ignored.";
}

/// A field that isn't right uses up one try, authorises nobody, and the right PIN then sets the
/// tries back.
fn counts(ctx: &mut CaseContext, field: &[u8], what: &str) -> Outcome {
    ctx.verify(field)?.want_bare(Sw::tries(2), what)?;
    ctx.expect_tries(2, what)?;
    ctx.expect_authorised(false, what)?;
    ctx.verify_right().at(what)?;
    ctx.expect_tries(3, what)
}

fn right(ctx: &mut CaseContext) -> Outcome {
    for wrong in 0..3 {
        for used in 1..=wrong {
            ctx.verify_wrong(3 - used)?;
        }
        ctx.verify_right()?;
        ctx.expect_authorised(true, "after the right PIN")?;
        ctx.expect_tries(3, "after the right PIN")?;
        ctx.power_cycle()?;
        ctx.expect_tries(3, "after the right PIN and a power cycle")?;
    }
    Ok(())
}

fn wrong_digits(ctx: &mut CaseContext) -> Outcome {
    let pin = ctx.host()?.profile.pin.clone();
    for position in 0..pin.digits().len() {
        let block = pin.with_wrong_digit(position).block();
        counts(
            ctx,
            &block,
            &format!("a wrong digit in position {position}"),
        )?;
    }
    for length in 4..pin.digits().len() {
        let block = Pin::new(&pin.digits()[..length]).block();
        counts(ctx, &block, &format!("the first {length} digits"))?;
    }
    for more in 1..=4 {
        let digits = [pin.digits(), &vec![0; more]].concat();
        counts(
            ctx,
            &Pin::new(&digits).block(),
            &format!("{more} digits more"),
        )?;
    }
    let zeros = Pin::new(&vec![0; pin.digits().len()]).block();
    counts(ctx, &zeros, "zeros")
}

fn length_matrix(ctx: &mut CaseContext) -> Outcome {
    let right = ctx.right_block()?;
    let field = [&right[..], &right, &[0xFF; 239]].concat();
    for length in (1..=255).filter(|length| *length != 8) {
        counts(
            ctx,
            &field[..length],
            &format!("VERIFY with {length} bytes"),
        )?;
    }
    Ok(())
}

fn malformed(ctx: &mut CaseContext) -> Outcome {
    let pin = ctx.host()?.profile.pin.clone();
    let right = pin.block();
    let with = |at: usize, byte: u8| {
        let mut block = right;
        block[at] = byte;
        block
    };
    let mut blocks: Vec<(String, [u8; 8])> = Vec::new();
    for format in (0..=15).filter(|format| *format != 2) {
        blocks.push((format!("format {format}"), with(0, format << 4 | 8)));
    }
    for length in (0..=15).filter(|length| *length != 8) {
        blocks.push((format!("length {length}"), with(0, 0x20 | length)));
    }
    // The filler after eight digits is the last three bytes.
    for (at, byte) in [
        (5, 0x0F),
        (5, 0xF0),
        (6, 0x00),
        (7, 0xFE),
        (7, 0xEF),
        (7, 0x00),
    ] {
        blocks.push((format!("filler {byte:02X} in byte {at}"), with(at, byte)));
    }
    for (at, byte) in right.into_iter().enumerate().take(5).skip(1) {
        blocks.push((
            format!("digits above 9 in byte {at}"),
            with(at, byte | 0xAA),
        ));
        blocks.push((format!("filler in byte {at}"), with(at, byte | 0x0F)));
    }
    let mut ascii = [0; 8];
    ascii.copy_from_slice(&pin.ascii());
    blocks.push(("ASCII".to_owned(), ascii));
    let mut backwards = right;
    backwards.reverse();
    blocks.push(("backwards".to_owned(), backwards));
    blocks.push(("zeros".to_owned(), [0; 8]));
    blocks.push(("ones".to_owned(), [0xFF; 8]));
    for (what, block) in blocks {
        require!(
            block != right,
            "{what}: the case's own block is the right one: take another seed"
        );
        counts(ctx, &block, &what)?;
    }
    Ok(())
}

fn without_data(ctx: &mut CaseContext) -> Outcome {
    let ask = |ctx: &mut CaseContext, left: u8| -> Outcome {
        for _ in 0..5 {
            ctx.verify(&[])?
                .want_bare(Sw::tries(left), "VERIFY without data")?;
        }
        ctx.expect_tries(left, "after VERIFY without data")
    };
    ask(ctx, 3)?;
    ctx.expect_authorised(false, "after VERIFY without data")?;
    for left in [2, 1] {
        ctx.verify_wrong(left)?;
        ask(ctx, left)?;
    }
    ctx.verify_right()?;
    ask(ctx, 3)?;
    ctx.expect_authorised(true, "after VERIFY without data")
}

fn ends_authorisation(ctx: &mut CaseContext) -> Outcome {
    let wrong = ctx.wrong_block()?;
    let right = ctx.right_block()?;
    let fields: [(&str, &[u8]); 5] = [
        ("a wrong PIN", &wrong),
        ("a cut block", &right[..7]),
        ("a long block", &[&right[..], &[0xFF]].concat()),
        ("a malformed block", &[0; 8]),
        ("one byte", &[0x28]),
    ];
    for (what, field) in fields {
        ctx.verify_right()?;
        ctx.expect_authorised(true, "after the right PIN")?;
        ctx.verify(field)?.want_bare(Sw::tries(2), what)?;
        ctx.expect_authorised(false, what)?;
        ctx.verify_right()?;
        ctx.expect_authorised(true, &format!("the right PIN after {what}"))?;
    }
    Ok(())
}

fn factory(ctx: &mut CaseContext) -> Outcome {
    let field = [&[0x24, 0x00, 0x00][..], &[0xFF; 252]].concat();
    ctx.select()?;
    for generated in [false, true] {
        if generated {
            ctx.generate().preamble()?;
        }
        for length in 0..=255 {
            ctx.verify(&field[..length])?
                .want_bare(Sw::CONDITIONS, &format!("VERIFY with {length} bytes"))?;
        }
    }
    Ok(())
}

fn shortest_and_longest(ctx: &mut CaseContext) -> Outcome {
    for length in [4, 12] {
        if length == 12 {
            ctx.fresh_card()?;
        }
        let mut stream = ctx.values.stream("digits");
        let digits: Vec<u8> = (0..length).map(|_| stream.below(10) as u8).collect();
        let mut profile = ctx.profile()?;
        profile.pin = Pin::new(&digits);
        ctx.prepare(&profile)?;
        ctx.verify_right().at(|| format!("{length} digits"))?;
        for position in 0..length {
            let block = profile.pin.with_wrong_digit(position).block();
            counts(
                ctx,
                &block,
                &format!("{length} digits, position {position} wrong"),
            )?;
        }
        let more = Pin::new(&[&digits[..], &[0]].concat()).block();
        counts(ctx, &more, &format!("{length} digits and one more"))?;
        let fewer = Pin::new(&digits[..length - 1]).block();
        counts(ctx, &fewer, &format!("{length} digits less one"))?;
    }
    Ok(())
}
