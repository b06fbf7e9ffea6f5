//! `tillcard owner new`, `restore` and `address`.

use std::io::{BufRead, IsTerminal};

use zeroize::Zeroizing;

use super::Home;
use crate::cli::output::{line, with_progress};
use crate::cli::{CliError, Failure};
use tillcard::owner::{Owner, WordCount, Words};
use tillcard::text::sat;

#[derive(clap::Args)]
pub(in crate::cli) struct New {
    #[command(flatten)]
    home: Home,
    /// 24 words in place of 12
    #[arg(long)]
    long: bool,
}

impl New {
    pub(super) fn run(self) -> Result<(), Failure> {
        let folder = self.home.folder()?;
        let (chain, network) = self.home.chain.connect()?;
        let count = if self.long {
            WordCount::TwentyFour
        } else {
            WordCount::Twelve
        };
        let words = Words::generate(count)?;
        let mut owner = Owner::create(&folder, network, &words, &chain)?;
        line("These words are your wallet and, with the chain, your cards. They are shown once:");
        line("write them on paper, in this order, and show them to nobody.\n");
        for (i, word) in words.phrase().split(' ').enumerate() {
            line(format_args!("  {:>2} {word}", i + 1));
        }
        line(format_args!(
            "\nThe wallet lives in {}. Fill it at\n{}",
            folder.display(),
            owner.next_address()?
        ));
        Ok(())
    }
}

#[derive(clap::Args)]
pub(in crate::cli) struct Restore {
    #[command(flatten)]
    home: Home,
    /// Height of the chain when the wallet was made, or less; it saves time only
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    since: u32,
}

impl Restore {
    pub(super) fn run(self) -> Result<(), Failure> {
        let folder = self.home.folder()?;
        let (chain, network) = self.home.chain.connect()?;
        let words = read_words()?;
        let (owner, report) = with_progress(|progress| {
            Owner::restore(&folder, network, &words, &chain, self.since, progress)
        })?;
        line(format_args!(
            "The wallet is in {}, with {}.",
            folder.display(),
            sat(owner.balance().confirmed + owner.balance().unconfirmed)
        ));
        line(report);
        Ok(())
    }
}

fn read_words() -> Result<Words, Failure> {
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        eprintln!("Type the backup words in one line, in their order:");
    }
    // 24 words of at most 8 letters fit without the buffer's growing, which would leave copies.
    let mut text = Zeroizing::new(String::with_capacity(1024));
    input.read_line(&mut text).map_err(CliError::Input)?;
    Ok(Words::parse(&text)?)
}

#[derive(clap::Args)]
pub(in crate::cli) struct Address {
    #[command(flatten)]
    home: Home,
}

impl Address {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut owner = Owner::open(&self.home.folder()?)?;
        line(owner.next_address()?);
        Ok(())
    }
}
