//! SIGN.

use super::Card;
use crate::apdu::{Answer, Command, LE_SHORT};
use crate::model::Spend;
use crate::outcome::{At, Step, Stop, require};
use crate::status::Sw;
use crate::tlv::Reader;
use crate::tx::sighashes;

impl Card {
    /// The first command of SIGN.
    pub fn begin_sign(&mut self, body: &[u8]) -> Step<Answer> {
        let command = self.owner_command(Spend::BEGIN, body)?;
        self.once(&command)
    }

    /// A piece of the stream.
    pub fn sign_piece(&mut self, piece: &[u8]) -> Step<Answer> {
        self.send(&Command::new(Spend::PIECE).data(piece).le(LE_SHORT))
    }

    /// First command and stream, in pieces of this size; the answer is that of the command that
    /// ended it.
    ///
    /// # Errors
    /// [`Stop::Fail`] when a command before the last is answered with data.
    pub fn sign_stream(&mut self, spend: &Spend, size: usize) -> Step<Answer> {
        let begun = self.begin_sign(&spend.body())?;
        if begun.sw != Sw::OK {
            return Ok(begun);
        }
        begun.want_bare(Sw::OK, "SIGN, first command")?;
        let stream = spend.stream();
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        for piece in &pieces[..pieces.len() - 1] {
            let answer = self.sign_piece(piece)?;
            if answer.sw != Sw::OK {
                return Ok(answer);
            }
            answer.want_bare(Sw::OK, "SIGN, a piece before the last")?;
        }
        self.sign_piece(pieces[pieces.len() - 1])
    }

    /// Asks for the signature of an input.
    pub fn signature_answer(&mut self, input: u8) -> Step<Answer> {
        self.send(&Command::new([0x80, 0x40, 0x02, input]).le(LE_SHORT))
    }

    /// Streams a transaction that the card can't refuse, and judges what it answers.
    pub fn streamed(&mut self, spend: &Spend, size: usize) -> Step<()> {
        let data = self
            .sign_stream(spend, size)?
            .want(Sw::OK, "SIGN, last piece")?;
        let mut reader = Reader::new("SIGN, last piece", &data);
        let mut answered = [0; 4];
        for (tag, sum) in (0x80..).zip(&mut answered) {
            *sum = u64::from_be_bytes(reader.array(tag)?);
        }
        reader.end()?;
        let [inputs, own, others] = spend.sums();
        let expected = [inputs, own, others, inputs - own - others];
        require!(
            answered == expected,
            "SIGN: the sums of inputs, own and other outputs, and the fee are {answered:?} \
             instead of {expected:?}"
        );
        Ok(())
    }

    /// Has a streamed transaction signed, and verifies each signature. The model then knows what
    /// is gone.
    pub fn signed_all(&mut self, spend: &Spend) -> Step<()> {
        let account = self.host()?.account.clone();
        let hashes = sighashes(&spend.transaction(&account)?, &spend.spent(&account)?)?;
        self.host_mut()?.purse.sign(spend);
        for (position, (input, hash)) in spend.inputs.iter().zip(&hashes).enumerate() {
            let number = u8::try_from(position)
                .map_err(|_| Stop::Error("the case signs too many inputs".to_owned()))?;
            let signature = self
                .signature_answer(number)?
                .want(Sw::OK, "SIGN, a signature")
                .at(|| format!("input {position}"))?;
            let key = account.output_key(input.place.chain(), input.place.index())?;
            require!(
                crate::keys::verifies(&key, hash, &signature),
                "SIGN: the signature of input {position} isn't valid under the output key of its \
                 place"
            );
        }
        Ok(())
    }
}
