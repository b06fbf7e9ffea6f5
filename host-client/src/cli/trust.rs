//! Whom to believe that a card is genuine, on the command line.

use std::path::PathBuf;

use bitcoin::Network;

use super::output::line;
use super::{CliError, Failure};
use tillcard_client::card::{Idle, Session};
use tillcard_client::genuine::Checker;
use tillcard_client::transport::Transport;
use tillcard_client::vetting::{Trust, Vetting};

/// Root certificates, and certificate revocation lists.
#[derive(clap::Args)]
#[command(next_help_heading = "Genuine cards")]
pub(super) struct TrustArguments {
    /// Root certificates of manufacturers whose cards you trust (PEM or DER). Test cards are trusted
    /// too, except on mainnet
    #[arg(long = "root", value_name = "FILE")]
    roots: Vec<PathBuf>,
    /// Certificate revocation lists (CRLs) of manufacturers (PEM or DER)
    #[arg(long = "crl", value_name = "FILE")]
    lists: Vec<PathBuf>,
    /// Take cards too that no trusted root vouches for: a counterfeit card, or somebody between card
    /// and reader, then learns the PIN
    #[arg(long)]
    unverified_cards: bool,
}

impl TrustArguments {
    /// # Errors
    /// When a file isn't what it should be; on mainnet, when nobody is to be believed.
    pub(super) fn vetting(&self, network: Network) -> Result<Vetting, Failure> {
        let believes_somebody = network != Network::Bitcoin || !self.roots.is_empty();
        if !believes_somebody && !self.unverified_cards {
            return Err(CliError::NoRoot.into());
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

    /// Whether cards are taken that nobody believed vouches for.
    pub(super) fn unverified_cards(&self) -> bool {
        self.unverified_cards
    }

    /// Meets a card, and says what it is.
    ///
    /// # Errors
    /// When it isn't to be used; on mainnet, when it has no certificates either.
    pub(super) fn meet<T: Transport, S: Idle>(
        &self,
        session: &mut Session<T, S>,
        network: Network,
    ) -> Result<Trust, Failure> {
        let standing = self.vetting(network)?.vet(session)?;
        match &standing {
            Trust::Certified {
                vouched: Some(vouched),
                ..
            } => line(format_args!(
                "The card is genuine, of batch {} by {}{}. All goes through a secure channel.",
                vouched.batch,
                vouched.root,
                if vouched.is_test {
                    ", a test card that everybody can make"
                } else {
                    ""
                }
            )),
            Trust::Certified { vouched: None, .. } => line(
                "Nobody that you believe vouches for this card. All goes through a secure channel, \
                 to whoever has made it.",
            ),
            Trust::Uncertified if network == Network::Bitcoin && !self.unverified_cards => {
                return Err(CliError::Uncertified.into());
            }
            Trust::Uncertified => line(
                "This card has no certificates: nobody vouches for it, and no channel protects what \
                 is sent to it now, the PIN included. Do this at a reader of your own only.",
            ),
        }
        Ok(standing)
    }
}
