//! READ COINS. Section 6.4.

use super::prelude::*;
use crate::card::{READ_COINS, READ_COINS_ON};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "TC-IMG-01",
        version: 1,
        purpose: "The coin image of an empty card, of one with coins at indexes far apart and in \
                  any order, of amounts from 330 sat to 21·10¹⁴, vouts of one to three bytes, \
                  spent, doubtful and unrooted ones on both chains, holds each once, and the \
                  counters; two readings are the same, and nothing changes by them.",
        requirements: &[req::IMG_1, req::IMG_3],
        start: Start::Own,
        level: Level::D3,
        defect: "A coin left out, or told with another's marks: the owner's wallet loses it.",
        run: whole,
    },
    Case {
        id: "TC-IMG-02",
        version: 1,
        purpose: "The next part without a reading under way is refused with 6985; any other \
                  command ends the reading, GET RESPONSE and a refused SELECT don't; a second \
                  beginning begins from the first byte; without the owner there is no image, and \
                  the holder is no owner.",
        requirements: &[req::IMG_2, req::OWN_2, req::IMG_3],
        start: Start::Funded,
        level: Level::D1,
        defect: "Coins told to the next terminal because the owner didn't read to the end.",
        run: sessions,
    },
];

fn whole(b: &mut Bench) -> Outcome {
    let profile = b.profile()?;
    b.issue(&profile)?;
    b.card.expect_books("an empty card")?;
    let mut stream = b.values.stream("coins");
    // Outputs at vouts of one, two and three bytes in base 128 are one transaction's.
    let account = b.card.host()?.account.clone();
    let mut outputs = vec![(1_000, payee::p2wpkh(stream.bytes())); 16_400];
    let places = [(127_u32, 9_u32), (128, 2), (16_384, 9)];
    for (vout, index) in places {
        outputs[vout as usize] = (30_000 + u64::from(vout), account.script(0, index)?);
    }
    let wide = crate::tx::funding(&mut stream, 1, &outputs);
    let bytes = crate::tx::preimage(&wide);
    if b.card.host()?.capabilities.extended_length() {
        b.card.form = Form::Extended;
    }
    for (vout, index) in places {
        let entry = Entry {
            txid: crate::tx::txid(&wide),
            vout,
            place: index,
        };
        b.card.begun_entry(&entry)?;
        let size = if b.card.form == Form::Extended {
            1024
        } else {
            255
        };
        let answer = b.card.stream(&bytes, size)?;
        b.card.entered(&entry, 30_000 + u64::from(vout), answer)?;
    }
    b.card.form = Form::Short;
    for (index, amount) in [(19, 330), (29, 2_000_000_000_000_000), (11, 127), (12, 128)] {
        let amount = amount.max(330);
        let (entry, bytes) = b.card.coin_at(&mut stream, amount, index)?;
        b.card.enter(&entry, &bytes, amount)?;
    }
    b.card.expect_books("coins far apart")?;
    if (b.card.host()?.capabilities.needs(Capability::Credits)).is_ok() {
        let (entry, bytes) = b.card.coin_at(&mut stream, 70_000, 30)?;
        b.card.credit(&entry, &bytes, 70_000)?;
        b.card.pay_checked(&Request {
            unrooted: true,
            ..request(20_000)
        })?;
    }
    b.card.pay_checked(&request(1_999_999_999_000_000))?;
    b.card.pay_checked(&request(60_000))?;
    let plan = b
        .card
        .preview_checked(&request(20_000))?
        .map_err(|sw| Stop::Error(format!("refused with {sw}")))?;
    b.card.report(&plan.inputs[0])?;
    for when in ["all kinds of coins", "a second time"] {
        b.card.expect_books(when)?;
    }
    b.card.power_cycle()?;
    b.card.expect_books("after a power cycle")
}

fn sessions(b: &mut Bench) -> Outcome {
    let next_refused = |b: &mut Bench, when: &str| -> Outcome {
        b.card
            .next_coins()?
            .want_bare(Sw::CONDITIONS, "READ COINS, the next part")
            .at(|| when.to_owned())
    };
    next_refused(b, "at first")?;
    b.card.authorise()?;
    next_refused(b, "for the holder")?;
    b.card
        .send(
            &Command::new(READ_COINS)
                .data(Card::signed(&[], &[5; 64]))
                .le(LE_SHORT),
        )?
        .want_bare(Sw::SECURITY, "READ COINS by the holder")?;
    next_refused(b, "after a refused beginning")?;

    let begin = |b: &mut Bench| -> Step<Vec<u8>> {
        b.card
            .command_by_owner(READ_COINS, &[])?
            .want(Sw::OK, "READ COINS")
    };
    let first = begin(b)?;
    let second = b.card.next_coins()?.want(Sw::OK, "READ COINS")?;
    require!(
        begin(b)? == first,
        "READ COINS begun again doesn't begin from the first byte"
    );
    for (name, command, sw) in [
        ("GET RESPONSE", &[0x00, 0xC0, 0, 0, 0][..], Sw::CONDITIONS),
        (
            "SELECT of another application",
            &[0x00, 0xA4, 4, 0, 5, 1, 2, 3, 4, 5],
            Sw::NO_APPLICATION,
        ),
    ] {
        begin(b)?;
        b.card.raw(command)?.want_bare(sw, name)?;
        let part = b
            .card
            .next_coins()?
            .want(Sw::OK, "READ COINS, the next part")?;
        require!(part == second, "after {name} READ COINS goes on elsewhere");
    }
    for (name, command) in [
        ("GET DATA", Command::new([0x00, 0xCA, 1, 0]).le(LE_SHORT)),
        ("GET CHALLENGE", Command::new([0x00, 0x84, 0, 0]).le(16)),
        ("VERIFY without data", Command::new([0x00, 0x20, 0, 0x80])),
        (
            "RECEIVE SCRIPT",
            Command::new([0x80, 0x20, 0, 0]).le(LE_SHORT),
        ),
        ("an undefined instruction", Command::new([0x80, 0xFE, 0, 0])),
        (
            "the next part with data",
            Command::new(READ_COINS_ON).data([0]),
        ),
        ("another P1", Command::new([0x80, 0x48, 2, 0])),
    ] {
        begin(b)?;
        b.card.send(&command)?;
        next_refused(b, &format!("after {name}"))?;
    }
    b.card.expect_books("after readings given up")
}
