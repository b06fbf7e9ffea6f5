//! Opening a channel: section 2.6.

use super::personalisation::without_own_keys;
use super::prelude::*;
use crate::card::OPEN_CHANNEL;
use crate::card_under_test::Fault;
use crate::channel::Channel;
use crate::purposes::distinct::Distinct;

/// Channels that TC-SCP-01 opens.
const CHANNELS: usize = 48;
/// Where the client's key begins in the data field.
const KEY_AT: usize = 18;

cases! {
    "TC-SCP-01" version 1 on Issued D0 for [SCP_1 SCP_2 MSG_1] runs opened:
        "48 openings, with one ephemeral key of the client's throughout, some of them the first \
         after a power-up, in short and extended form: each is answered by a point in uncompressed \
         form that the card never answered before, and by the receipt of a card that has the \
         agreement key of its issue record; through each channel the status is read."
        catches "An ephemeral key that comes again: whoever has the agreement key one day reads \
                 what was said before.";
    "TC-SCP-02" version 1 on Issued D0 for [SCP_3 FRM_8 MSG_3] runs refused:
        "Other P1-P2 are refused with 6A88, other lengths than 83 bytes with 6700, each byte of \
         the template changed, and keys that are no point of the curve or not in uncompressed \
         form, with 6A80; after each no channel is open. In a channel a protected opening is \
         refused with 6985, and the channel stays."
        catches "A channel with fewer keys or another protection than was asked for; an agreement \
                 with a point of another curve, which gives the card's key away bit by bit.";
    "TC-SCP-03" version 1 on Factory D0 for [SCP_3 MSG_2 STA_1] runs without_keys:
        "A card that was never issued refuses an opening, if nobody gave it keys of its own, with \
         6985, after what is wrong with it (6A88, 6700, 6A80), and a protected command with 6982; \
         one that has certificates opens a channel under the key in them."
        catches "A channel under a key that every card of a maker has.";
    "TC-SCP-04" version 1 on Own D3 for [SCP_3 STA_1] runs nobody_personalised_it:
        "A card that nobody gave keys of its own refuses an opening with 6985, and has none \
         afterwards either: the proof of genuineness is refused with 6985 too. (Only a target that \
         has the memory in its hands, or such a card, can run this.)"
        catches "A card that makes itself a key for whoever asks.";
    "TC-RND-05" version 1 on Own D3 for [RND_1 SES_2 SCP_2] runs bad_source:
        "With a source that failed at power-up, or fails later, an opening is refused with 6400 \
         and no channel is open; the session before it has ended; the next power-up restores it. \
         (Only a target that has the source in its hands can run this.)"
        catches "An ephemeral key from a dead generator: everybody reads along.";
}

/// The case needs a card that has channels, with the application selected.
pub(super) fn needs_channel(ctx: &mut CaseContext) -> Outcome {
    ctx.select()?;
    ctx.capabilities()?.needs(Capability::Channel)
}

/// No channel may be open: a protected command is refused, and a plain one answered.
pub(super) fn no_channel(ctx: &mut CaseContext, when: &str) -> Outcome {
    let protected = Command::new([0x04, 0xCA, 0x01, 0x00]).data([0x5A; 8]);
    ctx.plain(&protected.le(LE_SHORT))?
        .want_bare(Sw::SECURITY, "a protected command")
        .at(when)?;
    ctx.expect_no_channel(when)
}

fn nobody_personalised_it(ctx: &mut CaseContext) -> Outcome {
    without_own_keys(ctx)?;
    let field = ctx.ephemeral()?.field();
    for attempt in ["first", "second"] {
        ctx.open_channel_answer(&field)?
            .want_bare(Sw::CONDITIONS, "INTERNAL AUTHENTICATE, a channel")
            .at(|| format!("the {attempt} time"))?;
        no_channel(ctx, "after a refused opening")?;
    }
    ctx.genuine_answer(&[7; 32])?
        .want_bare(Sw::CONDITIONS, "INTERNAL AUTHENTICATE, genuineness")
}

fn opened(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    let extended = ctx.host()?.capabilities.extended_length();
    let own = ctx.ephemeral()?;
    let agreement = ctx.host()?.record.agreement_key;
    let mut ephemerals = Distinct::new("the card's ephemeral key was there before");
    for number in 0..CHANNELS {
        if number % 4 == 0 {
            ctx.power_cycle()?;
        }
        if extended && number % 8 == 1 {
            ctx.form = Form::Extended;
        }
        let answer = ctx
            .open_channel_answer(&own.field())?
            .want(Sw::OK, "INTERNAL AUTHENTICATE, a channel")?;
        let (channel, ephemeral) = Channel::open(&own, &agreement, &answer)?;
        ephemerals
            .add(&ephemeral)
            .at(|| format!("opening {number}"))?;
        require!(
            ephemeral != agreement,
            "opening {number}: the card's ephemeral key is its agreement key"
        );
        ctx.swap_channel(Some(channel));
        ctx.expect_channel("after its opening")
            .at(|| format!("opening {number}"))?;
        ctx.form = Form::Short;
    }
    Ok(())
}

/// Data fields of the right length that no card may take.
fn bad_fields(right: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields = Vec::new();
    for at in 0..KEY_AT {
        for bit in [0x01, 0x80] {
            let mut field = right.to_vec();
            field[at] ^= bit;
            fields.push((format!("byte {at} changed"), field));
        }
    }
    let with = |key: &[u8]| [&right[..KEY_AT], key].concat();
    let key = &right[KEY_AT..];
    for form in [0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0xFF] {
        fields.push((
            format!("a key whose form is {form:02X}"),
            with(&[&[form], &key[1..]].concat()),
        ));
    }
    let mut off = key.to_vec();
    off[64] ^= 1;
    fields.push(("a point off the curve".to_owned(), with(&off)));
    let mut negated_x = key.to_vec();
    negated_x[1] ^= 0x80;
    fields.push(("another x".to_owned(), with(&negated_x)));
    for (name, coordinate) in [("zeros", 0x00), ("ones", 0xFF)] {
        fields.push((
            format!("coordinates of {name}"),
            with(&[&[0x04], &[coordinate; 64][..]].concat()),
        ));
    }
    fields
}

fn refused(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    let right = ctx.ephemeral()?.field();
    let [class, instruction, right_p1, right_p2] = OPEN_CHANNEL;
    let across = (0..=0xFF).map(|p1| (p1, right_p2));
    let down = (0..=0xFF).map(|p2| (right_p1, p2));
    for (p1, p2) in across.chain(down).filter(|at| *at != (right_p1, right_p2)) {
        ctx.plain(&Command::new([class, instruction, p1, p2]).data(right.clone()))?
            .want_bare(Sw::NOT_FOUND, "INTERNAL AUTHENTICATE, other P1-P2")?;
    }
    no_channel(ctx, "after other P1-P2")?;
    let long = [&right[..], &[0; 172]].concat();
    for length in (0..=255).filter(|length| *length != right.len()) {
        ctx.open_channel_answer(&long[..length])?
            .want_bare(Sw::WRONG_LENGTH, "INTERNAL AUTHENTICATE, a channel")
            .at(|| format!("{length} data bytes"))?;
    }
    no_channel(ctx, "after other lengths")?;
    for (name, field) in bad_fields(&right) {
        ctx.open_channel_answer(&field)?
            .want_bare(Sw::WRONG_DATA, "INTERNAL AUTHENTICATE, a channel")
            .at(&name)?;
        no_channel(ctx, &name)?;
    }
    ctx.open_channel()?;
    ctx.once(&Command::new(OPEN_CHANNEL).data(right.clone()).le(LE_SHORT))?
        .want_bare(Sw::CONDITIONS, "INTERNAL AUTHENTICATE, protected")?;
    ctx.expect_channel("after a protected opening")?;
    for (sw, header, field) in [
        (
            Sw::NOT_FOUND,
            [class, instruction, right_p1, 0],
            right.clone(),
        ),
        (Sw::WRONG_LENGTH, OPEN_CHANNEL, right[..82].to_vec()),
        (Sw::WRONG_DATA, OPEN_CHANNEL, vec![0x5A; 83]),
    ] {
        ctx.once(&Command::new(header).data(field))?
            .want_bare(sw, "INTERNAL AUTHENTICATE, protected")?;
        ctx.expect_channel("after a refused protected opening")?;
    }
    Ok(())
}

fn without_keys(ctx: &mut CaseContext) -> Outcome {
    needs_channel(ctx)?;
    let right = ctx.ephemeral()?.field();
    for (name, field) in bad_fields(&right) {
        ctx.open_channel_answer(&field)?
            .want_bare(Sw::WRONG_DATA, "INTERNAL AUTHENTICATE, a channel")
            .at(|| name)?;
    }
    ctx.open_channel_answer(&right[..82])?
        .want_bare(Sw::WRONG_LENGTH, "INTERNAL AUTHENTICATE, a channel")?;
    ctx.plain(&Command::new([0x80, 0x88, 0x00, 0x13]).data(right.clone()))?
        .want_bare(Sw::NOT_FOUND, "INTERNAL AUTHENTICATE, other P1-P2")?;
    no_channel(ctx, "after refused openings")?;
    if let Some(agreement) = ctx.certified_agreement_key()? {
        let own = ctx.ephemeral()?;
        ctx.open_channel_to(&agreement, &own)?;
        ctx.expect_channel("under the certificate's key")?;
        return ctx.select();
    }
    ctx.open_channel_answer(&right)?
        .want_bare(Sw::CONDITIONS, "INTERNAL AUTHENTICATE, a channel")?;
    no_channel(ctx, "after a refused opening")
}

fn bad_source(ctx: &mut CaseContext) -> Outcome {
    ctx.prepare_funded(&[])?;
    needs_channel(ctx)?;
    let field = ctx.ephemeral()?.field();
    let refused = |ctx: &mut CaseContext, when: &str| -> Outcome {
        ctx.authorise()?;
        ctx.open_channel_answer(&field)?
            .want_bare(Sw::EXECUTION, "INTERNAL AUTHENTICATE, a channel")
            .at(when)?;
        ctx.expect_authorised(false, when)?;
        no_channel(ctx, when)
    };
    for (name, fault) in [
        ("a source that fails", Fault::NoRandom),
        ("zeros", Fault::Random(vec![0; 512])),
    ] {
        ctx.inject(&fault)?;
        ctx.power_cycle()?;
        ctx.inject(&Fault::GoodRandom)?;
        for _ in 0..2 {
            refused(ctx, name)?;
        }
    }
    ctx.power_cycle()?;
    ctx.inject(&Fault::NoRandom)?;
    refused(ctx, "a source that fails after its test")?;
    ctx.inject(&Fault::GoodRandom)?;
    ctx.power_cycle()?;
    ctx.open_channel().at("after the next power-up")?;
    ctx.expect_channel("after the next power-up")
}
