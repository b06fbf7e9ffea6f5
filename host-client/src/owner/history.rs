//! What a card paid, and what became of it: the owner reads it, acknowledges it, resolves it.

use tillcard_client::card::{self, CardContents, CardError, Logged, OwnerAuthority, Session};
use tillcard_client::transport::Transport;

use super::{OwnerError, PaymentStatus, Progress, Visit, statuses};
use crate::chain::Chain;

/// What a card holds and what it paid.
#[derive(Clone, Debug)]
pub struct History {
    /// Its coins and counters.
    pub contents: CardContents,
    /// The payments that it keeps, oldest first.
    pub payments: Vec<Logged>,
}

/// A card's payments, and what became of each.
#[derive(Clone, Debug)]
pub struct PaymentLog {
    /// What the card says.
    pub history: History,
    /// What the chain says, a status for each payment.
    pub statuses: Vec<PaymentStatus>,
}

/// What an acknowledgement came to, in payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// New to the owner.
    pub new: u32,
    /// Settled, so that the card forgets them.
    pub forgotten: u32,
    /// Still kept by the card.
    pub kept: u32,
}

impl History {
    /// Reads the card's coins and its log.
    ///
    /// # Errors
    /// Those of the card.
    pub fn read<T: Transport, A: OwnerAuthority>(
        card: &mut Session<T, card::Owner<A>>,
    ) -> Result<Self, CardError> {
        let contents = card.read_coins()?;
        let numbers = contents.header.first_kept..contents.header.next_number;
        let payments = numbers
            .map(|number| card.read_log(number))
            .collect::<Result<_, _>>()?;
        Ok(Self { contents, payments })
    }

    /// The number below which all payments are final: `confirmations` deep in the chain, by these
    /// statuses, or cancelled.
    pub fn settled(&self, statuses: &[PaymentStatus], confirmations: u32) -> u32 {
        let is_final = |(payment, status): &(&Logged, &PaymentStatus)| match status {
            PaymentStatus::Confirmed {
                confirmations: depth,
            } => *depth >= confirmations,
            _ => payment.cancelled,
        };
        let payments = self.payments.iter().zip(statuses);
        // A log keeps 255 payments at most.
        self.contents.header.first_kept + payments.take_while(is_final).count() as u32
    }
}

impl PaymentLog {
    /// The payments, oldest first, each with what became of it.
    pub fn iter(&self) -> impl Iterator<Item = (&Logged, &PaymentStatus)> {
        self.history.payments.iter().zip(&self.statuses)
    }

    /// Those that the owner hasn't acknowledged.
    pub fn unread(&self) -> impl Iterator<Item = (&Logged, &PaymentStatus)> {
        let first = self.history.contents.header.first_unacknowledged;
        self.iter()
            .filter(move |(payment, _)| payment.number >= first)
    }

    /// The payment of this number.
    ///
    /// # Errors
    /// [`OwnerError::UnknownPayment`].
    pub fn payment(&self, number: u32) -> Result<(&Logged, &PaymentStatus), OwnerError> {
        self.iter()
            .find(|(payment, _)| payment.number == number)
            .ok_or(OwnerError::UnknownPayment(number))
    }
}

impl<T: Transport> Visit<T> {
    /// What the card paid, and what the chain knows of that.
    ///
    /// # Errors
    /// As [`Self::contents`], and those of the chain.
    pub fn log(
        &mut self,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<PaymentLog, OwnerError> {
        let history = History::read(&mut self.card)?;
        let statuses = statuses(&history.payments, chain, self.record.birthday, progress)?;
        Ok(PaymentLog { history, statuses })
    }

    /// Tells the card that the owner has read all of `log`, and that those payments are final that
    /// are `confirmations` blocks deep, one at least, so that it needs to keep them no longer.
    ///
    /// # Errors
    /// [`OwnerError::ChangeUncertain`].
    pub fn acknowledge(
        &mut self,
        log: &PaymentLog,
        confirmations: u32,
    ) -> Result<Acknowledged, OwnerError> {
        let header = &log.history.contents.header;
        let settled = log.history.settled(&log.statuses, confirmations.max(1));
        let told = self.card.acknowledge(header.next_number, settled);
        told.map_err(OwnerError::ChangeUncertain)?;
        Ok(Acknowledged {
            new: header.next_number - header.first_unacknowledged,
            forgotten: settled - header.first_kept,
            kept: header.next_number - settled,
        })
    }

    /// Tells the card that payment `number` never will be confirmed, because another transaction
    /// with its coins is `confirmations` blocks deep.
    ///
    /// # Errors
    /// [`OwnerError::UnknownPayment`]; [`OwnerError::ConflictTooYoung`] while that transaction isn't
    /// so deep; [`OwnerError::NotResolved`] when there is none; [`OwnerError::ChangeUncertain`].
    pub fn resolve(
        &mut self,
        log: &PaymentLog,
        number: u32,
        confirmations: u32,
    ) -> Result<(), OwnerError> {
        let (_, status) = log.payment(number)?;
        match *status {
            PaymentStatus::Conflicted {
                confirmations: depth,
                ..
            } if depth >= confirmations => {}
            PaymentStatus::Conflicted {
                by,
                confirmations: depth,
            } => {
                return Err(OwnerError::ConflictTooYoung {
                    by,
                    depth,
                    wanted: confirmations,
                });
            }
            status => return Err(OwnerError::NotResolved { number, status }),
        }
        let told = self.card.resolve(number);
        told.map_err(OwnerError::ChangeUncertain)
    }
}
