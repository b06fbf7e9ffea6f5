//! RECEIVE SCRIPT and ENTER COIN.

use super::Card;
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::model::{Coin, Place};
use crate::outcome::{Preamble, Step, require};
use crate::status::Sw;
use crate::tlv::{self, Reader};
use crate::tx::{funding, preimage, txid};
use crate::values::Stream;
use bitcoin::ScriptBuf;

/// The longest piece of a transaction in a short plain command.
pub const LONGEST_PIECE: usize = 255;

/// What ENTER COIN is told of a coin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// As a transaction carries it.
    pub txid: [u8; 32],
    /// Which output.
    pub vout: u32,
    /// Where the key of its script is: a receive index, or a change index with bit 31.
    pub place: u32,
}

impl Entry {
    /// CLA INS P1 P2 of the first command.
    pub const BEGIN: [u8; 4] = [0x80, 0x22, 0x00, 0x00];
    /// CLA INS P1 P2 of a piece.
    pub const PIECE: [u8; 4] = [0x80, 0x22, 0x01, 0x00];
    /// CLA INS P1 P2 of the first command for a credit.
    pub const CREDIT: [u8; 4] = [0x80, 0x22, 0x02, 0x00];

    /// The body, 46 bytes.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        [
            tlv::object(0x80, &self.txid),
            tlv::object(0x81, &self.vout.to_be_bytes()),
            tlv::object(0x82, &self.place.to_be_bytes()),
        ]
        .concat()
    }
}

crate::model::setters!(Entry {
    txid: [u8; 32],
    vout: u32,
    place: u32,
});

impl Card {
    /// RECEIVE SCRIPT.
    pub fn receive_script_answer(&mut self) -> Step<Answer> {
        self.send(&Command::new([0x80, 0x20, 0, 0]).le(LE_SHORT))
    }

    /// RECEIVE SCRIPT, and its index and script.
    pub fn receive_script(&mut self) -> Step<(u32, ScriptBuf)> {
        let data = self
            .receive_script_answer()?
            .want(Sw::OK, "RECEIVE SCRIPT")?;
        let mut reader = Reader::new("RECEIVE SCRIPT", &data);
        let index = u32::from_be_bytes(reader.array(0x80)?);
        let script: [u8; 34] = reader.array(0x81)?;
        reader.end()?;
        Ok((index, ScriptBuf::from_bytes(script.to_vec())))
    }

    /// RECEIVE SCRIPT must answer this index and the descriptor's script there. The holder must
    /// be authorised.
    pub fn expect_receive_script(&mut self, index: u32) -> Step<()> {
        let (answered, script) = self.receive_script()?;
        require!(
            answered == index,
            "RECEIVE SCRIPT: the index is {answered} instead of {index}"
        );
        let expected = self.host()?.account.script(0, index)?;
        require!(
            script == expected,
            "RECEIVE SCRIPT: the script at index {index} is {} instead of {}",
            script.to_hex_string(),
            expected.to_hex_string()
        );
        Ok(())
    }

    /// The first command of ENTER COIN, signed by the owner over a fresh challenge.
    pub fn begin_entry(&mut self, entry: &Entry) -> Step<Answer> {
        let challenge = self.challenge()?;
        let body = entry.body();
        let signature = self.owner_signature(&challenge, Entry::BEGIN, &body)?;
        self.once(&Command::new(Entry::BEGIN).data(Self::signed(&body, &signature)))
    }

    /// The first command must be taken.
    ///
    /// # Errors
    /// [`crate::outcome::Stop::Inconclusive`] otherwise: what is asked comes later.
    pub fn begun_entry(&mut self, entry: &Entry) -> Step<()> {
        self.begin_entry(entry)?
            .want_bare(Sw::OK, "ENTER COIN, first command")
            .preamble()
    }

    /// A piece of the transaction.
    pub fn piece(&mut self, piece: &[u8]) -> Step<Answer> {
        self.send(&Command::new(Entry::PIECE).data(piece).le(LE_SHORT))
    }

    /// A whole transaction in pieces of this size; the answer is the last one, or the first that
    /// isn't `9000`.
    ///
    /// # Errors
    /// [`crate::outcome::Stop::Fail`] when a piece before the last is answered with data.
    pub fn stream(&mut self, transaction: &[u8], size: usize) -> Step<Answer> {
        let pieces: Vec<&[u8]> = transaction.chunks(size).collect();
        for piece in &pieces[..pieces.len() - 1] {
            let answer = self.piece(piece)?;
            if answer.sw != Sw::OK {
                return Ok(answer);
            }
            answer.want_bare(Sw::OK, "ENTER COIN, a piece before the last")?;
        }
        self.piece(pieces[pieces.len() - 1])
    }

    /// First command and all pieces; the answer is that of the command that ended it.
    pub fn enter_answer(&mut self, entry: &Entry, transaction: &[u8]) -> Step<Answer> {
        let begun = self.begin_entry(entry)?;
        if begun.sw != Sw::OK {
            return Ok(begun);
        }
        begun.want_bare(Sw::OK, "ENTER COIN, first command")?;
        self.stream(transaction, self.longest_piece())
    }

    /// Enters a coin that is right in every way, and remembers it.
    pub fn enter(&mut self, entry: &Entry, transaction: &[u8], amount: u64) -> Step<()> {
        let answer = self.enter_answer(entry, transaction)?;
        self.entered(entry, amount, answer)
    }

    /// Judges the answer to the last piece of a coin that is right, and remembers the coin.
    pub fn entered(&mut self, entry: &Entry, amount: u64, answer: Answer) -> Step<()> {
        self.entered_as(entry, amount, false, answer)
    }

    /// The same of a coin of the owner's or of a credit.
    pub fn entered_as(
        &mut self,
        entry: &Entry,
        amount: u64,
        credit: bool,
        answer: Answer,
    ) -> Step<()> {
        let data = answer.want(Sw::OK, "ENTER COIN, last piece")?;
        let mut reader = Reader::new("ENTER COIN", &data);
        let answered = u64::from_be_bytes(reader.array(0x80)?);
        reader.end()?;
        require!(
            answered == amount,
            "ENTER COIN: the amount is {answered} sat instead of {amount}"
        );
        let place = Place(entry.place);
        self.host_mut()?.purse.enter(Coin {
            txid: entry.txid,
            vout: entry.vout,
            amount,
            chain: place.chain(),
            index: place.index(),
            doubtful: false,
            unrooted: credit,
            spent: None,
        });
        Ok(())
    }

    /// The first command of ENTER COIN for a credit.
    pub fn begin_credit(&mut self, entry: &Entry) -> Step<Answer> {
        self.once(&Command::new(Entry::CREDIT).data(entry.body()))
    }

    /// Enters the PIN, and a credit that is right in every way, and remembers it.
    pub fn credit(&mut self, entry: &Entry, transaction: &[u8], amount: u64) -> Step<()> {
        self.authorise()?;
        self.begin_credit(entry)?
            .want_bare(Sw::OK, "ENTER COIN of a credit, first command")?;
        let answer = self.stream(transaction, self.longest_piece())?;
        self.entered_as(entry, amount, true, answer)
    }

    /// A transaction with one output of this amount at this place, and its entry.
    pub fn coin_at(&self, stream: &mut Stream, amount: u64, place: u32) -> Step<(Entry, Vec<u8>)> {
        let key = Place(place);
        let script = self.host()?.account.script(key.chain(), key.index())?;
        let transaction = funding(stream, 1, &[(amount, script)]);
        let entry = Entry {
            txid: txid(&transaction),
            vout: 0,
            place,
        };
        Ok((entry, preimage(&transaction)))
    }

    /// Enters coins of these amounts, each at the next receive index, as the preparation of
    /// something else.
    pub fn fund(&mut self, stream: &mut Stream, amounts: &[u64]) -> Step<()> {
        for amount in amounts {
            let index = self.host()?.purse.next_receive();
            let (entry, transaction) = self.coin_at(stream, *amount, index)?;
            self.enter(&entry, &transaction, *amount).preamble()?;
        }
        Ok(())
    }
}
