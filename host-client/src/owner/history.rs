//! A card at its owner's: what it holds, what it paid, and what he may acknowledge.

use super::Fate;
use crate::card::{self, CardContents, CardError, Logged, OwnerAuthority, Session};
use crate::transport::Transport;

/// What a card holds and what it paid.
#[derive(Clone, Debug)]
pub struct History {
    /// Its coins and counters.
    pub contents: CardContents,
    /// The payments that it keeps, oldest first.
    pub payments: Vec<Logged>,
}

impl History {
    /// Reads the card's coins and its log.
    ///
    /// # Errors
    /// Those of the card.
    pub fn read<T: Transport, A: OwnerAuthority + ?Sized>(
        card: &mut Session<T, card::Owner<'_, A>>,
    ) -> Result<Self, CardError> {
        let contents = card.read_coins()?;
        let numbers = contents.header.first_kept..contents.header.next_number;
        let payments = numbers
            .map(|number| card.read_log(number))
            .collect::<Result<_, _>>()?;
        Ok(Self { contents, payments })
    }

    /// The number below which all payments are final: `confirmations` deep in the chain, by these
    /// fates, or cancelled.
    pub fn settled(&self, fates: &[Fate], confirmations: u32) -> u32 {
        let is_final = |(payment, fate): &(&Logged, &Fate)| match fate {
            Fate::Confirmed {
                confirmations: depth,
            } => *depth >= confirmations,
            _ => payment.cancelled,
        };
        let settled = self.payments.iter().zip(fates).take_while(is_final).count();
        // A log keeps 255 payments at most.
        self.contents.header.first_kept + settled as u32
    }
}
