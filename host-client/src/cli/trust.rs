//! Whom to believe that a card is genuine, on the command line.

use std::path::PathBuf;

use bitcoin::Network;

use super::Failure;
use super::output::line;
use crate::card::{Idle, Session};
use crate::genuine::Checker;
use crate::transport::Transport;
use crate::vetting::{Standing, Vetting};

/// Whom to believe, and what was taken back.
#[derive(clap::Args)]
#[command(next_help_heading = "Genuine cards")]
pub(super) struct TrustArguments {
    /// Root certificates of manufacturers whose cards are believed to be genuine (PEM or DER).
    /// Everywhere but on mainnet test cards are believed too
    #[arg(long = "root", value_name = "FILE")]
    roots: Vec<PathBuf>,
    /// Lists of the certificates that a manufacturer took back (PEM or DER)
    #[arg(long = "crl", value_name = "FILE")]
    lists: Vec<PathBuf>,
    /// Take cards too that nobody believed vouches for: a counterfeit card, or somebody between
    /// card and reader, then learns the PIN
    #[arg(long)]
    unverified_cards: bool,
}

impl TrustArguments {
    /// # Errors
    /// When a file isn't what it should be; on mainnet, when nobody is to be believed.
    pub(super) fn vetting(&self, network: Network) -> Result<Vetting, Failure> {
        let believes_somebody = network != Network::Bitcoin || !self.roots.is_empty();
        if !believes_somebody && !self.unverified_cards {
            return Err(Failure::new(
                "on mainnet no card is genuine without its manufacturer: name his root certificate \
                 with --root, or say --unverified-cards",
            ));
        }
        let mut checker = Checker::new(network)?;
        for root in &self.roots {
            checker.trust_file(root)?;
        }
        for list in &self.lists {
            checker.revoke_file(list)?;
        }
        Ok(Vetting {
            checker,
            unverified: self.unverified_cards,
        })
    }

    /// Meets a card, and says what it is.
    ///
    /// # Errors
    /// When it isn't to be used; on mainnet, when it has no certificates either.
    pub(super) fn meet<T: Transport, S: Idle>(
        &self,
        session: &mut Session<T, S>,
        network: Network,
    ) -> Result<Standing, Failure> {
        let standing = self.vetting(network)?.vet(session)?;
        match &standing {
            Standing::Certified {
                vouched: Some(vouched),
                ..
            } => line(format_args!(
                "The card is genuine, of batch “{}” by “{}”{}. All goes through a secure channel.",
                vouched.batch,
                vouched.root,
                if vouched.is_test {
                    ", a test card that everybody can make"
                } else {
                    ""
                }
            )),
            Standing::Certified { vouched: None, .. } => line(
                "Nobody that you believe vouches for this card. All goes through a secure channel, \
                 to whoever has made it.",
            ),
            Standing::Uncertified if network == Network::Bitcoin && !self.unverified_cards => {
                return Err(Failure::new(
                    "this card has no certificates: nobody vouches for it, and no channel protects \
                     what is sent to it now. Take another, or say --unverified-cards",
                ));
            }
            Standing::Uncertified => line(
                "This card has no certificates: nobody vouches for it, and no channel protects what \
                 is sent to it now, the PIN included. Do this at a reader of your own only.",
            ),
        }
        Ok(standing)
    }
}
