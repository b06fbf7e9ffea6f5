//! What the owner reads and sets: READ COINS, READ LOG, ACKNOWLEDGE LOG, SET LIMITS, RESOLVE.

use super::Card;
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::model::{Image, Limits, Logged};
use crate::outcome::{At, Step, Stop, require};
use crate::status::Sw;
use crate::tlv;

/// CLA INS P1 P2 of the command that begins the reading.
pub const READ_COINS: [u8; 4] = [0x80, 0x48, 0x00, 0x00];
/// CLA INS P1 P2 of those that go on with it.
pub const READ_COINS_ON: [u8; 4] = [0x80, 0x48, 0x01, 0x00];
/// CLA INS P1 P2.
pub const READ_LOG: [u8; 4] = [0x80, 0x42, 0x00, 0x00];
/// CLA INS P1 P2.
pub const ACKNOWLEDGE_LOG: [u8; 4] = [0x80, 0x44, 0x00, 0x00];
/// CLA INS P1 P2.
pub const SET_LIMITS: [u8; 4] = [0x80, 0x46, 0x00, 0x00];
/// CLA INS P1 P2.
pub const RESOLVE: [u8; 4] = [0x80, 0x4A, 0x00, 0x00];

/// Parts of an image before the card is thought to loop: more than the largest image has bytes.
const MOST_PARTS: usize = 70_000;

/// All that a card holds of coins and payments, as its owner reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The coin image.
    pub image: Image,
    /// The answers to READ LOG for every kept payment.
    pub log: Vec<Vec<u8>>,
}

impl Card {
    /// READ COINS, all parts of it.
    pub fn read_coins(&mut self) -> Step<Image> {
        self.read_image().and_then(|bytes| Image::decode(&bytes))
    }

    fn read_image(&mut self) -> Step<Vec<u8>> {
        let mut image = self
            .command_by_owner(READ_COINS, &[])?
            .want(Sw::OK, "READ COINS")?;
        for _ in 0..MOST_PARTS {
            let part = self
                .next_coins()?
                .want(Sw::OK, "READ COINS, the next part")?;
            if part.is_empty() {
                return Ok(image);
            }
            image.extend(part);
        }
        Err(Stop::Fail("the coin image never ended".to_owned()))
    }

    /// READ COINS, the next part.
    pub fn next_coins(&mut self) -> Step<Answer> {
        self.send(&Command::new(READ_COINS_ON).le(LE_SHORT))
    }

    /// READ LOG.
    pub fn read_log(&mut self, sequence: u32) -> Step<Answer> {
        self.command_by_owner(READ_LOG, &tlv::object(0x80, &sequence.to_be_bytes()))
    }

    /// Reads image and log.
    pub fn ledger(&mut self) -> Step<Ledger> {
        let image = self.read_coins()?;
        self.ledger_with(image)
    }

    fn ledger_with(&mut self, image: Image) -> Step<Ledger> {
        let [first, _, next] = image.log;
        let mut log = Vec::new();
        for sequence in first..next {
            let entry = self
                .read_log(sequence)?
                .want(Sw::OK, "READ LOG")
                .at(|| format!("payment {sequence} of {first} to {next}"))?;
            log.push(entry);
        }
        Ok(Ledger { image, log })
    }

    /// The books that the model expects.
    pub fn expected_ledger(&self) -> Step<Ledger> {
        let purse = &self.host()?.purse;
        Ok(Ledger {
            image: Image::of(purse),
            log: purse.log.iter().map(Logged::encode).collect(),
        })
    }

    /// Image and log must be what the model says.
    ///
    /// # Errors
    /// [`Stop::Fail`] with the first difference.
    pub fn expect_ledger(&mut self, when: &str) -> Step<()> {
        let expected = self.expected_ledger()?;
        let bytes = self.read_image().at(|| when.to_owned())?;
        let image = Image::decode(&bytes).at(|| when.to_owned())?;
        let books = self.ledger_with(image).at(|| when.to_owned())?;
        compare(&books, &expected, when)?;
        // Nothing of an image is the card's to choose but the order of its coins.
        let leaks = &mut self.recorder.borrow_mut().leaks;
        leaks.predicted(&bytes);
        books
            .log
            .into_iter()
            .for_each(|entry| leaks.predicted(&entry));
        Ok(())
    }

    /// ACKNOWLEDGE LOG.
    pub fn acknowledge_answer(&mut self, seen: u32, settled: u32) -> Step<Answer> {
        let body = [
            tlv::object(0x80, &seen.to_be_bytes()),
            tlv::object(0x81, &settled.to_be_bytes()),
        ]
        .concat();
        let command = self.owner_command(ACKNOWLEDGE_LOG, &body)?;
        self.once(&command)
    }

    /// ACKNOWLEDGE LOG must be taken.
    pub fn acknowledge(&mut self, seen: u32, settled: u32) -> Step<()> {
        self.acknowledge_answer(seen, settled)?
            .want_bare(Sw::OK, "ACKNOWLEDGE LOG")?;
        self.host_mut()?.purse.acknowledge(seen, settled);
        Ok(())
    }

    /// SET LIMITS.
    pub fn set_limits_answer(&mut self, limits: &Limits) -> Step<Answer> {
        let command = self.owner_command(SET_LIMITS, &tlv::object(0x85, &limits.encode()))?;
        self.once(&command)
    }

    /// SET LIMITS must be taken.
    pub fn set_limits(&mut self, limits: Limits) -> Step<()> {
        self.set_limits_answer(&limits)?
            .want_bare(Sw::OK, "SET LIMITS")?;
        let host = self.host_mut()?;
        host.profile.limits = limits;
        host.purse.renew();
        Ok(())
    }

    /// RESOLVE.
    pub fn resolve_answer(&mut self, sequence: u32) -> Step<Answer> {
        let command = self.owner_command(RESOLVE, &tlv::object(0x80, &sequence.to_be_bytes()))?;
        self.once(&command)
    }

    /// RESOLVE must be answered as the model says.
    pub fn resolve(&mut self, sequence: u32) -> Step<Result<(), Sw>> {
        let answer = self.resolve_answer(sequence)?;
        let expected = self.host_mut()?.purse.resolve(sequence);
        let sw = expected.err().unwrap_or(Sw::OK);
        answer.want_bare(sw, "RESOLVE")?;
        Ok(expected)
    }
}

/// Whether two readings say the same; the order of coins is the card's.
#[must_use]
pub fn agree(books: &Ledger, expected: &Ledger) -> bool {
    compare(books, expected, "").is_ok() && books.log.len() == expected.log.len()
}

fn compare(books: &Ledger, expected: &Ledger, when: &str) -> Step<()> {
    let (ours, theirs) = (&books.image, &expected.image);
    require!(
        (ours.next, ours.debited, ours.payments, ours.log)
            == (theirs.next, theirs.debited, theirs.payments, theirs.log),
        "{when}: the coin image says next indexes {:?}, debited {}, payments {:?}, log {:?} \
         instead of {:?}, {}, {:?}, {:?}",
        ours.next,
        ours.debited,
        ours.payments,
        ours.log,
        theirs.next,
        theirs.debited,
        theirs.payments,
        theirs.log
    );
    if let Some(missing) = theirs.coins.iter().find(|coin| !ours.coins.contains(coin)) {
        return Err(Stop::Fail(format!(
            "{when}: the coin image lacks {missing:?}"
        )));
    }
    if let Some(more) = ours.coins.iter().find(|coin| !theirs.coins.contains(coin)) {
        return Err(Stop::Fail(format!("{when}: the coin image has {more:?}")));
    }
    require!(
        ours.coins.len() == theirs.coins.len(),
        "{when}: a coin stands in the coin image twice"
    );
    for (ours, theirs) in books.log.iter().zip(&expected.log) {
        require!(
            ours == theirs,
            "{when}: READ LOG answers {} instead of {}",
            hex::encode_upper(ours),
            hex::encode_upper(theirs)
        );
    }
    Ok(())
}
