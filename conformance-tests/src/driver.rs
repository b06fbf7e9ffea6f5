//! The seam between what any card can be asked and one maker's commands.
//!
//! A [`Driver`] puts the same questions to its kind of card and gives back what they came to, in
//! words that all cards share, beside the APDUs themselves. The cases in `purposes` know nothing
//! else of a card. `card::Card` is the first driver, that of a Tillcard.

use crate::apdu::{Answer, Command, LE_SHORT};
use crate::card_under_test::Reset;
use crate::forms::{FollowUp, Forms, Sample};
use crate::outcome::{Step, Stop, require};
use crate::status::Sw;
use crate::values::Values;

/// How many GET RESPONSE may follow one command before the card is thought to loop.
pub(crate) const MOST_PARTS: usize = 300;

/// What a card made of a PIN that was presented to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// It is the holder's.
    Right,
    /// It isn't, and so many tries are left.
    Wrong {
        /// At least one; a card with none left may still say 0 once.
        left: u8,
    },
    /// No PIN is taken any more.
    Blocked,
    /// The card refused for another reason.
    Refused(Sw),
}

/// A PIN field, with its name for reasons.
pub type Field = (String, Vec<u8>);

/// A card that was issued, of whatever maker.
pub trait Driver {
    /// Sends bytes as they are.
    ///
    /// # Errors
    /// [`Stop::Error`] when the link fails; so do all others.
    fn transmit(&mut self, apdu: &[u8]) -> Step<Answer>;

    /// The answer to the last reset.
    fn atr(&self) -> Vec<u8>;

    /// Starts the card anew, and no more.
    ///
    /// # Errors
    /// [`Stop::Error`] when the link fails.
    fn reset(&mut self, how: Reset) -> Step<()>;

    /// Begins another session, and gives what the card says of itself when its application is
    /// selected.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it doesn't.
    fn introduction(&mut self) -> Step<Vec<u8>>;

    /// Commands that change nothing and are always answered, by 4 to 255 bytes, with their names.
    fn short_questions(&self) -> Vec<(String, Command)>;

    /// Brings the card to where this command is answered by more than 512 bytes, once, and changes
    /// nothing that lasts.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when the card can't be brought
    /// there.
    fn long_question(&mut self) -> Step<Command>;

    /// Commands, done or refused, that change nothing which lasts.
    fn harmless_commands(&self) -> Vec<(&'static str, Vec<u8>)>;

    /// What there is of its commands.
    ///
    /// # Errors
    /// [`Stop::Fail`] when the card doesn't tell.
    fn forms(&mut self) -> Step<Box<dyn Forms>>;

    /// One command for each instruction, at least, but SELECT and GET RESPONSE. A PIN among them is
    /// wrong.
    ///
    /// # Errors
    /// [`Stop::Error`] when the values can't be had.
    fn samples(&self, values: &Values) -> Step<Vec<Sample>>;

    /// Selects the application, and asks for no answer.
    fn selecting(&self) -> Command;

    /// The commands of a session, as they are sent, which goes through as much as can be, for
    /// copies that are spoilt.
    ///
    /// # Errors
    /// As for [`Driver::samples`].
    fn session(&mut self, values: &Values) -> Step<Vec<Vec<u8>>>;

    /// Authorises the holder, and brings the card to where refused commands must leave alone what
    /// the follow-ups, in their order, ask for. The first begins a command of many parts; the others
    /// are the parts, at least three.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when the card can't be brought there.
    fn occupy(&mut self, values: &Values) -> Step<Vec<FollowUp>>;

    /// Does what the card is for, once.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it doesn't.
    fn serve(&mut self) -> Step<()>;

    /// The card must never have been issued.
    ///
    /// # Errors
    /// [`Stop::Fail`] with this reason otherwise.
    fn expect_blank(&mut self, reason: &str) -> Step<()>;

    /// What GET RESPONSE is answered when nothing of an answer is left.
    fn nothing_left(&self) -> Sw;

    /// How long the last exchange took, in nanoseconds.
    fn took_ns(&self) -> u64;

    /// Starts the card anew, until its application takes commands.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it doesn't.
    fn restart(&mut self, how: Reset) -> Step<()>;

    /// Begins another session without a reset.
    ///
    /// # Errors
    /// As for [`Driver::restart`].
    fn reselect(&mut self) -> Step<()>;

    /// Tries that a card has whose last PIN was right.
    fn most_tries(&self) -> u8;

    /// The field that brings the right PIN.
    ///
    /// # Errors
    /// [`Stop::Error`] when nobody knows it.
    fn right_pin(&self) -> Step<Vec<u8>>;

    /// Well-formed fields with another PIN: each digit wrong, from the first to the last, then
    /// shorter and longer PINs.
    ///
    /// # Errors
    /// As for [`Driver::right_pin`].
    fn wrong_pins(&self) -> Step<Vec<Field>>;

    /// Fields of the right length that hold no PIN, most of them with the right digits.
    ///
    /// # Errors
    /// As for [`Driver::right_pin`].
    fn malformed_pins(&self) -> Step<Vec<Field>>;

    /// The command that presents a PIN.
    fn presenting(&self, field: &[u8]) -> Command;

    /// Presents a PIN. An empty field asks how many tries are left.
    ///
    /// # Errors
    /// [`Stop::Fail`] when data come with the answer.
    fn present(&mut self, field: &[u8]) -> Step<Presented>;

    /// The tries left, by another way than presenting nothing.
    ///
    /// # Errors
    /// [`Stop::Fail`] when the card doesn't tell them.
    fn tries_left(&mut self) -> Step<u8>;

    /// Whether the card takes its holder for authorised.
    ///
    /// # Errors
    /// [`Stop::Fail`] when neither shows.
    fn holder_is_authorised(&mut self) -> Step<bool>;

    /// Commands that have nothing to do with the PIN; the card must answer as its maker says.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it doesn't.
    fn something_else(&mut self) -> Step<()>;

    /// All of the card's memory.
    ///
    /// # Errors
    /// [`Stop::NotApplicable`] where it is out of reach; so do
    /// all below.
    fn memory(&mut self) -> Step<Vec<u8>>;

    /// Makes this all of the card's memory. It then has to be started anew.
    ///
    /// # Errors
    /// As for [`Driver::memory`].
    fn set_memory(&mut self, memory: &[u8]) -> Step<()>;

    /// Sends a command, and takes the power away once the card has written or erased so many
    /// bytes, at least one. What it would have answered then, nobody sees.
    ///
    /// # Errors
    /// As for [`Driver::memory`].
    fn cut_in(&mut self, command: &Command, bytes: u64) -> Step<Option<Answer>>;

    /// Gives the power back, and takes it away again once the card has written or erased so many
    /// bytes more while it starts; then gives it back for good. Says whether it went away the
    /// second time.
    ///
    /// # Errors
    /// As for [`Driver::memory`].
    fn cut_at_power_up(&mut self, bytes: u64) -> Step<bool>;
}

impl dyn Driver + '_ {
    /// Sends a short command and gives back the first part of its answer.
    ///
    /// # Errors
    /// As for [`Driver::transmit`].
    pub fn ask(&mut self, command: &Command) -> Step<Answer> {
        self.transmit(&command.short()?)
    }

    /// GET RESPONSE for so many bytes, 1 to 256.
    ///
    /// # Errors
    /// As for [`Driver::transmit`].
    pub fn get_response(&mut self, le: u32) -> Step<Answer> {
        self.ask(&Command::new([0x00, 0xC0, 0, 0]).le(le))
    }

    /// All of a command's answer, which must be `9000`, in parts as large as they come.
    ///
    /// # Errors
    /// [`Stop::Fail`] when it isn't, or never ends.
    pub fn whole_answer(&mut self, command: &Command, what: &str) -> Step<Vec<u8>> {
        let mut answer = self.ask(&command.clone().le(LE_SHORT))?;
        let mut data = Vec::new();
        for _ in 0..MOST_PARTS {
            data.extend_from_slice(&answer.data);
            let Some(left) = answer.sw.more() else {
                answer.want(Sw::OK, what)?;
                return Ok(data);
            };
            answer = self.get_response(left)?;
            require!(
                !answer.data.is_empty(),
                "{what}: GET RESPONSE after 61xx gave no data, status {}",
                answer.sw
            );
        }
        Err(Stop::Fail(format!(
            "{what}: the answer never ended: 61xx followed each GET RESPONSE"
        )))
    }

    /// Leaves the card in the middle of an answer.
    ///
    /// # Errors
    /// [`Stop::Fail`] when a command without Le isn't answered by `61xx`.
    pub fn begin_answer(&mut self) -> Step<()> {
        let Some((name, command)) = self.short_questions().into_iter().next() else {
            return Err(Stop::Error("the driver has no question".to_owned()));
        };
        let first = self.ask(&command)?;
        require!(
            first.sw.more().is_some(),
            "{name} without Le answered {}",
            first.sw
        );
        self.get_response(1)?;
        Ok(())
    }

    /// The field must be taken so.
    ///
    /// # Errors
    /// [`Stop::Fail`] otherwise.
    pub fn expect_presented(&mut self, field: &[u8], expected: Presented, what: &str) -> Step<()> {
        let presented = self.present(field)?;
        require!(
            presented == expected,
            "{what}: the card makes {presented:?} of it instead of {expected:?}"
        );
        Ok(())
    }

    /// The right PIN must be taken.
    ///
    /// # Errors
    /// [`Stop::Fail`] otherwise.
    pub fn expect_right(&mut self, what: &str) -> Step<()> {
        let right = self.right_pin()?;
        self.expect_presented(&right, Presented::Right, what)
    }

    /// So many tries must be left.
    ///
    /// # Errors
    /// [`Stop::Fail`] otherwise.
    pub fn expect_left(&mut self, expected: u8, when: &str) -> Step<()> {
        let left = self.tries_left()?;
        require!(
            left == expected,
            "{when}: {left} tries are left instead of {expected}"
        );
        Ok(())
    }

    /// The holder must or must not be authorised.
    ///
    /// # Errors
    /// [`Stop::Fail`] otherwise.
    pub fn expect_holder(&mut self, authorised: bool, when: &str) -> Step<()> {
        require!(
            self.holder_is_authorised()? == authorised,
            "{when}: the holder is {}authorised",
            if authorised { "not " } else { "still " }
        );
        Ok(())
    }

    /// The field of a PIN with a wrong digit.
    ///
    /// # Errors
    /// As for [`Driver::right_pin`].
    pub fn wrong_pin(&self) -> Step<Vec<u8>> {
        let first = self.wrong_pins()?.into_iter().next();
        Ok(first.map(|(_, field)| field).unwrap_or_default())
    }

    /// A wrong PIN for each try must be counted, until so many are left.
    ///
    /// # Errors
    /// [`Stop::Fail`] otherwise.
    pub fn use_up(&mut self, left: u8) -> Step<()> {
        let wrong = self.wrong_pin()?;
        for left in (left..self.most_tries()).rev() {
            self.expect_presented(&wrong, Presented::Wrong { left }, "a wrong PIN")?;
        }
        Ok(())
    }
}
