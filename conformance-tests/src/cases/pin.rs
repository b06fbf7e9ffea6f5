//! VERIFY: what it takes and what it refuses. Section 4.

use super::prelude::*;

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-PIN-01",
        version: 1,
        purpose: "The right PIN gives authorisation and sets the tries back to 3, from 3, 2 and 1 \
                  tries left.",
        requirements: &[req::PIN_1],
        start: Start::Issued,
        level: Level::D1,
        defect: "Tries not set back, or set to another number; no authorisation.",
        run: right,
    },
    Case {
        id: "TC-PIN-02",
        version: 1,
        purpose: "A wrong digit in each position, a PIN that is the right one's beginning, and \
                  one that goes on after it, use up a try and authorise nobody.",
        requirements: &[req::PIN_2],
        start: Start::Issued,
        level: Level::D1,
        defect: "Only part of the block compared; a prefix accepted.",
        run: wrong_digits,
    },
    Case {
        id: "TC-PIN-03",
        version: 1,
        purpose: "A data field of every length from 1 to 255 other than 8, beginning with the \
                  right PIN block, uses up a try and authorises nobody.",
        requirements: &[req::PIN_2],
        start: Start::Issued,
        level: Level::D1,
        defect: "Short, long or truncated PINs uncounted, or accepted.",
        run: length_matrix,
    },
    Case {
        id: "TC-PIN-04",
        version: 1,
        purpose: "Malformed blocks of eight bytes with the right digits in them (other formats, \
                  lengths, fillers, ASCII) use up a try and authorise nobody.",
        requirements: &[req::PIN_2],
        start: Start::Issued,
        level: Level::D1,
        defect: "A malformed block refused without a count, or read as if it were well-formed.",
        run: malformed,
    },
    Case {
        id: "TC-PIN-05",
        version: 1,
        purpose: "VERIFY without data tells the tries left at 3, 2 and 1, changes them not, and \
                  neither gives nor ends an authorisation.",
        requirements: &[req::PIN_4],
        start: Start::Issued,
        level: Level::D1,
        defect: "An empty PIN that counts, or authorises, or ends what was given.",
        run: without_data,
    },
    Case {
        id: "TC-PIN-06",
        version: 1,
        purpose: "VERIFY with data ends an authorisation given before when it fails, whatever the \
                  reason, and gives it anew when it succeeds, also after a failed one.",
        requirements: &[req::PIN_6, req::PIN_1],
        start: Start::Issued,
        level: Level::D1,
        defect: "A wrong PIN that leaves the old authorisation standing.",
        run: ends_authorisation,
    },
    Case {
        id: "TC-PIN-07",
        version: 1,
        purpose: "On a factory card VERIFY is refused with 6985 for every data length, and right \
                  after a key generation too.",
        requirements: &[req::PIN_7],
        start: Start::Factory,
        level: Level::D0,
        defect: "A default PIN; a comparison with a PIN that was never set.",
        run: factory,
    },
    Case {
        id: "TC-PIN-11",
        version: 1,
        purpose: "Cards with PINs of 4 and of 12 digits, the shortest and the longest, take their \
                  own and refuse it with a digit more or fewer.",
        requirements: &[req::PIN_1, req::PIN_2],
        start: Start::Own,
        level: Level::D3,
        defect: "The length of the PIN not compared; digits beyond the eighth ignored.",
        run: shortest_and_longest,
    },
];

/// A field that isn't right uses up one try, authorises nobody, and the right PIN then sets the
/// tries back.
fn counts(b: &mut Bench, field: &[u8], what: &str) -> Outcome {
    b.card.verify(field)?.want_bare(Sw::tries(2), what)?;
    b.card.expect_tries(2, what)?;
    b.card.expect_authorised(false, what)?;
    b.card.verify_right().at(|| what.to_owned())?;
    b.card.expect_tries(3, what)
}

fn right(b: &mut Bench) -> Outcome {
    for wrong in 0..3 {
        for used in 1..=wrong {
            b.card.verify_wrong(3 - used)?;
        }
        b.card.verify_right()?;
        b.card.expect_authorised(true, "after the right PIN")?;
        b.card.expect_tries(3, "after the right PIN")?;
        b.card.power_cycle()?;
        b.card
            .expect_tries(3, "after the right PIN and a power cycle")?;
    }
    Ok(())
}

fn wrong_digits(b: &mut Bench) -> Outcome {
    let pin = b.card.host()?.profile.pin.clone();
    for position in 0..pin.digits().len() {
        let block = pin.with_wrong_digit(position).block();
        counts(b, &block, &format!("a wrong digit in position {position}"))?;
    }
    for length in 4..pin.digits().len() {
        let block = Pin::new(&pin.digits()[..length]).block();
        counts(b, &block, &format!("the first {length} digits"))?;
    }
    for more in 1..=4 {
        let digits = [pin.digits(), &vec![0; more]].concat();
        counts(
            b,
            &Pin::new(&digits).block(),
            &format!("{more} digits more"),
        )?;
    }
    let zeros = Pin::new(&vec![0; pin.digits().len()]).block();
    counts(b, &zeros, "zeros")
}

fn length_matrix(b: &mut Bench) -> Outcome {
    let right = b.card.right_block()?;
    let field = [&right[..], &right, &[0xFF; 239]].concat();
    for length in (1..=255).filter(|length| *length != 8) {
        counts(b, &field[..length], &format!("VERIFY with {length} bytes"))?;
    }
    Ok(())
}

fn malformed(b: &mut Bench) -> Outcome {
    let pin = b.card.host()?.profile.pin.clone();
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
        counts(b, &block, &what)?;
    }
    Ok(())
}

fn without_data(b: &mut Bench) -> Outcome {
    let ask = |b: &mut Bench, left: u8| -> Outcome {
        for _ in 0..5 {
            b.card
                .verify(&[])?
                .want_bare(Sw::tries(left), "VERIFY without data")?;
        }
        b.card.expect_tries(left, "after VERIFY without data")
    };
    ask(b, 3)?;
    b.card
        .expect_authorised(false, "after VERIFY without data")?;
    for left in [2, 1] {
        b.card.verify_wrong(left)?;
        ask(b, left)?;
    }
    b.card.verify_right()?;
    ask(b, 3)?;
    b.card.expect_authorised(true, "after VERIFY without data")
}

fn ends_authorisation(b: &mut Bench) -> Outcome {
    let wrong = b.card.wrong_block()?;
    let right = b.card.right_block()?;
    let fields: [(&str, &[u8]); 5] = [
        ("a wrong PIN", &wrong),
        ("a cut block", &right[..7]),
        ("a long block", &[&right[..], &[0xFF]].concat()),
        ("a malformed block", &[0; 8]),
        ("one byte", &[0x28]),
    ];
    for (what, field) in fields {
        b.card.verify_right()?;
        b.card.expect_authorised(true, "after the right PIN")?;
        b.card.verify(field)?.want_bare(Sw::tries(2), what)?;
        b.card.expect_authorised(false, what)?;
        b.card.verify_right()?;
        b.card
            .expect_authorised(true, &format!("the right PIN after {what}"))?;
    }
    Ok(())
}

fn factory(b: &mut Bench) -> Outcome {
    let field = [&[0x24, 0x00, 0x00][..], &[0xFF; 252]].concat();
    b.card.select()?;
    for generated in [false, true] {
        if generated {
            b.card.generate().preamble()?;
        }
        for length in 0..=255 {
            b.card
                .verify(&field[..length])?
                .want_bare(Sw::CONDITIONS, &format!("VERIFY with {length} bytes"))?;
        }
    }
    Ok(())
}

fn shortest_and_longest(b: &mut Bench) -> Outcome {
    for length in [4, 12] {
        if length == 12 {
            b.fresh_card()?;
        }
        let mut stream = b.values.stream("digits");
        let digits: Vec<u8> = (0..length).map(|_| stream.below(10) as u8).collect();
        let mut profile = b.profile()?;
        profile.pin = Pin::new(&digits);
        b.issue(&profile)?;
        b.card.verify_right().at(|| format!("{length} digits"))?;
        for position in 0..length {
            let block = profile.pin.with_wrong_digit(position).block();
            counts(
                b,
                &block,
                &format!("{length} digits, position {position} wrong"),
            )?;
        }
        let more = Pin::new(&[&digits[..], &[0]].concat()).block();
        counts(b, &more, &format!("{length} digits and one more"))?;
        let fewer = Pin::new(&digits[..length - 1]).block();
        counts(b, &fewer, &format!("{length} digits less one"))?;
    }
    Ok(())
}
