//! `tillcard owner issue`.

use tillcard::owner::{IssueTerms, LeafTerms, Limits};
use tillcard_client::account::Leaf;
use tillcard_client::card::{self, Policy};
use tillcard_client::transport::Readers;

use super::Home;
use super::limit_flags::LimitFlags;
use super::new_pin::ask_new_pin;
use crate::cli::Failure;
use crate::cli::output::line;
use crate::cli::trust::TrustArguments;

/// Makes a fresh card the owner's.
#[derive(clap::Args)]
pub(in crate::cli) struct Issue {
    #[command(flatten)]
    home: Home,
    /// Part of the reader's name [default: any reader with a Tillcard in it]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// What you call the card
    #[arg(long, default_value = "card")]
    label: String,
    #[command(flatten)]
    limits: LimitFlags,
    /// Give the card a key that comes from your backup words (BIP85, BIP86), in place of one that
    /// it makes: the words alone then bring its coins back, and whoever reads them has the card's
    /// key too
    #[arg(long)]
    import: bool,
    /// Have the coins wait so many blocks before you can take them without the card: a shop may
    /// then trust a young payment more, and blocking a lost card takes longer [default: 0]
    #[arg(
        long,
        value_name = "BLOCKS",
        default_value_t = 0,
        hide_default_value = true
    )]
    leaf_delay: u16,
    /// Leave your own key out of the card's coins, so that they look like anybody's; only with
    /// --import, by which you can take them all the same
    #[arg(long, requires = "import", conflicts_with = "leaf_delay")]
    no_leaf: bool,
    /// Keep the card's key off the chain: saves 92 vbytes of the first top-up, and then words and
    /// chain alone don't bring the card's coins back
    #[arg(long)]
    no_backup_on_chain: bool,
    /// Let the card take PIN and payments in plain sessions too, for readers with a PIN pad of
    /// their own: whoever listens between card and reader then learns the PIN
    #[arg(long)]
    plain_readers: bool,
    /// Let the card promise shops to sign nothing else for the coins of a payment: you then can't
    /// cancel it with the card
    #[arg(long)]
    statements: bool,
    #[command(flatten)]
    trust: TrustArguments,
}

impl Issue {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (owner, chain) = self.home.open()?;
        let network = owner.network();
        // The folder is free while the PIN is typed: another card may have to be blocked.
        drop(owner);
        let limits = self.limits.over(&Limits::DEFAULT)?;
        let readers = Readers::establish(self.reader.as_deref())?;
        let mut session = card::open(readers.connect()?)?.factory()?;
        let trust = self.trust.meet(&mut session, network)?;
        line("The card will allow shops:");
        line(limits);
        let pin = ask_new_pin()?;

        let terms = IssueTerms {
            label: self.label.into(),
            import: self.import,
            leaf: match self.no_leaf {
                true => LeafTerms::None,
                false => LeafTerms::CardKey {
                    delay: self.leaf_delay,
                },
            },
            backup_on_chain: !self.no_backup_on_chain,
            limits,
            policy: Policy {
                plain_sessions: self.plain_readers,
                statements: self.statements,
            },
            pin: &pin,
        };
        let mut owner = self.home.reopen()?;
        let (record, session) = owner.issue(session, &trust, terms, &chain)?;
        let number = record.number;
        session.close()?;
        line(format_args!(
            "Card {number} is yours; it has signed what it believes of itself."
        ));
        match record.account.leaf() {
            Leaf::None => line("Only its key spends its coins, and your words give you that key."),
            Leaf::Key { .. } => line("Should it be lost, you take its coins back at any time."),
            Leaf::Delayed { blocks, .. } if self.import => line(format_args!(
                "Should it be lost, your words give you its key. Without it, your own takes its \
                 coins once they are {blocks} blocks deep."
            )),
            Leaf::Delayed { blocks, .. } => line(format_args!(
                "Should it be lost, you take its coins back once they are {blocks} blocks deep."
            )),
        }
        line("Fill it with tillcard owner topup.");
        Ok(())
    }
}
