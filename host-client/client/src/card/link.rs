//! Command in, whole answer out: the one place that handles `61xx` and `6Cxx`
//! (ISO/IEC 7816-3 §12.2), and where commands go into a secure channel.

use tillcard_protocol::command::{Apdu, PIECE_MAX, Select};
use tillcard_protocol::session::Session as SessionId;
use zeroize::Zeroizing;

use super::channel::{self, Messaging, Opening};
use super::{AgreementKey, CardError};
use crate::transport::Transport;

/// The longest answer that we put together from parts. The protocol's longest is a payment of 16
/// inputs, below 2 KiB.
const ANSWER_MAX: usize = 8192;

/// A card's answer, whole.
pub(super) struct Answer {
    pub(super) data: Vec<u8>,
    pub(super) status: u16,
}

/// How commands travel.
enum Route {
    Plain,
    Channel {
        messaging: Box<Messaging>,
        key: AgreementKey,
    },
    /// In a channel that isn't to be used any more.
    Ended,
}

/// A transport on which answers arrive whole.
pub(super) struct Link<T> {
    transport: T,
    way: Route,
}

impl<T: Transport> Link<T> {
    pub(super) fn new(transport: T) -> Self {
        Self {
            transport,
            way: Route::Plain,
        }
    }

    /// Opens a channel to the card that has this agreement key (INTERNAL AUTHENTICATE). A channel, or
    /// a plain session, that there was before ends.
    ///
    /// # Errors
    /// [`CardError::NotThisCard`] when it hasn't; [`CardError::Refused`], after which the session is
    /// plain.
    pub(super) fn open_channel(&mut self, key: &AgreementKey) -> Result<(), CardError> {
        const NAME: &str = channel::NAME;
        let opening = Opening::new()?;
        tracing::debug!("a secure channel is asked for");
        self.way = Route::Ended;
        let answer = match self.fetch(NAME, opening.command())? {
            Answer {
                data,
                status: 0x9000,
            } => data,
            Answer { status, .. } => {
                self.way = Route::Plain;
                return Err(CardError::Refused {
                    command: NAME,
                    status,
                });
            }
        };
        let messaging = opening.complete(&answer, key)?;
        tracing::debug!("secure channel open");
        self.way = Route::Channel {
            messaging: Box::new(messaging),
            key: *key,
        };
        Ok(())
    }

    /// Begins a plain session (SELECT), whatever there was before.
    ///
    /// # Errors
    /// [`CardError::Refused`] when the card doesn't have the application.
    pub(super) fn select(&mut self) -> Result<Vec<u8>, CardError> {
        self.way = Route::Plain;
        self.ask("SELECT", &Select::to_apdu())
    }

    /// What signatures know the session by.
    pub(super) fn session(&self) -> SessionId {
        match &self.way {
            Route::Channel { messaging, .. } => SessionId::Channel(*messaging.receipt()),
            Route::Plain | Route::Ended => SessionId::Plain,
        }
    }

    /// The agreement key of the card at the channel's other end.
    pub(super) fn channel_key(&self) -> Option<&AgreementKey> {
        match &self.way {
            Route::Channel { key, .. } => Some(key),
            Route::Plain | Route::Ended => None,
        }
    }

    /// The longest data field of a command, in bytes.
    pub(super) fn data_max(&self) -> usize {
        match self.way {
            Route::Plain => PIECE_MAX,
            Route::Channel { .. } | Route::Ended => channel::DATA_MAX,
        }
    }

    pub(super) fn transport(&self) -> &T {
        &self.transport
    }

    #[cfg(test)]
    pub(super) fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    pub(super) fn into_transport(self) -> T {
        self.transport
    }

    /// Sends `command`, named `name` in errors, and returns its answer's data if it succeeded.
    pub(super) fn ask(&mut self, name: &'static str, command: &Apdu) -> Result<Vec<u8>, CardError> {
        match self.exchange(name, command.as_bytes())? {
            Answer {
                data,
                status: 0x9000,
            } => Ok(data),
            Answer { status, .. } => Err(CardError::Refused {
                command: name,
                status,
            }),
        }
    }

    /// Sends `command`, through the channel if there is one, and fetches its whole answer, whatever
    /// the status word.
    pub(super) fn exchange(
        &mut self,
        name: &'static str,
        command: &[u8],
    ) -> Result<Answer, CardError> {
        let protected = match &mut self.way {
            Route::Plain => return self.fetch(name, command),
            Route::Channel { messaging, .. } => messaging.protect(command)?,
            Route::Ended => return Err(CardError::ChannelEnded),
        };
        let outcome = self.fetch(name, &protected).and_then(|answer| {
            let Route::Channel { messaging, .. } = &self.way else {
                return Err(CardError::ChannelEnded);
            };
            let proven = messaging.unprotect(answer);
            proven.ok_or(CardError::NotProven { command: name })
        });
        if let Err(error) = &outcome {
            tracing::debug!(command = name, %error, "the secure channel has ended");
            // Whoever goes on doesn't know any more who answers, and how far both sides are.
            self.way = Route::Ended;
        }
        outcome
    }

    /// Sends `command` as it is and fetches its whole answer.
    fn fetch(&mut self, name: &'static str, command: &[u8]) -> Result<Answer, CardError> {
        let mut answer = self.transmit(name, command)?;
        if answer.status >> 8 == 0x6C {
            let corrected = with_le(command, answer.status as u8);
            answer = self.transmit(name, &corrected)?;
        }
        let mut data = answer.data;
        while answer.status >> 8 == 0x61 {
            let le = answer.status as u8;
            answer = self.transmit(name, &[0x00, 0xC0, 0x00, 0x00, le])?;
            // A card that promises more and gives none would keep us here for ever.
            let stuck = answer.status >> 8 == 0x61 && answer.data.is_empty();
            data.append(&mut answer.data);
            if stuck || data.len() > ANSWER_MAX {
                return Err(CardError::Malformed { command: name });
            }
        }
        Ok(Answer {
            data,
            status: answer.status,
        })
    }

    fn transmit(&mut self, name: &'static str, command: &[u8]) -> Result<Answer, CardError> {
        // Names, lengths and status words alone: data may be a PIN.
        tracing::trace!(command = name, bytes = command.len(), "sent");
        let mut data = self.transport.transmit(command)?;
        let body = data.len().checked_sub(2);
        let (Some(body), Some(&[sw1, sw2])) = (body, data.last_chunk::<2>()) else {
            return Err(CardError::Malformed { command: name });
        };
        data.truncate(body);
        let status = u16::from_be_bytes([sw1, sw2]);
        let status_word = format_args!("{status:04X}");
        tracing::debug!(command = name, bytes = body, status = %status_word, "answered");
        Ok(Answer { data, status })
    }
}

/// A short command again, with the Le that the card asked for. The copy may hold a PIN.
fn with_le(command: &[u8], le: u8) -> Zeroizing<Vec<u8>> {
    let without_le = match command {
        [_, _, _, _, lc, data @ ..] if !data.is_empty() => 5 + usize::from(*lc),
        _ => 4,
    };
    let mut corrected = Zeroizing::new(Vec::with_capacity(without_le + 1));
    corrected.extend_from_slice(&command[..without_le.min(command.len())]);
    corrected.push(le);
    corrected
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::card::scripted::Scripted;

    /// A link to a card that gives these answers.
    fn scripted(answers: &[&[u8]]) -> Link<Scripted<VecDeque<Vec<u8>>>> {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Link::new(Scripted::by(answers))
    }

    #[test]
    fn parts_are_put_together() {
        let mut link = scripted(&[&[1, 2, 0x61, 0x00], &[3, 0x61, 0x02], &[4, 5, 0x90, 0x00]]);
        let answer = link.exchange("TEST", &[0, 1, 0, 0, 0]).unwrap();
        assert_eq!((answer.data, answer.status), (vec![1, 2, 3, 4, 5], 0x9000));
        assert_eq!(
            link.transport().commands[1..],
            [vec![0, 0xC0, 0, 0, 0], vec![0, 0xC0, 0, 0, 2]]
        );
    }

    #[test]
    fn wrong_le_is_corrected() {
        for (command, corrected) in [
            (vec![0, 1, 2, 3], vec![0, 1, 2, 3, 7]),
            (vec![0, 1, 2, 3, 0], vec![0, 1, 2, 3, 7]),
            (vec![0, 1, 2, 3, 1, 9], vec![0, 1, 2, 3, 1, 9, 7]),
            (vec![0, 1, 2, 3, 1, 9, 0], vec![0, 1, 2, 3, 1, 9, 7]),
        ] {
            let mut link = scripted(&[&[0x6C, 7], &[0x90, 0x00]]);
            assert_eq!(link.exchange("TEST", &command).unwrap().status, 0x9000);
            assert_eq!(link.transport().commands[1], corrected);
        }
    }

    #[test]
    fn endless_promises_end() {
        let part = [vec![0; 256], vec![0x61, 0x00]].concat();
        let mut link = scripted(&[&part[..]; 40]);
        assert!(matches!(
            link.exchange("TEST", &[0, 1, 0, 0, 0]),
            Err(CardError::Malformed { .. })
        ));
        let mut link = scripted(&[&[0x61, 0x10][..]; 40]);
        assert!(link.exchange("TEST", &[0, 1, 0, 0, 0]).is_err());
        assert_eq!(link.transport().commands.len(), 2);
    }

    #[test]
    fn less_than_a_status_word_is_no_answer() {
        let mut link = scripted(&[&[0x90]]);
        assert!(matches!(
            link.exchange("TEST", &[0, 1, 0, 0]),
            Err(CardError::Malformed { .. })
        ));
    }
}
