//! `tillcard till key`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use super::folder_or_default;
use crate::cli::output::line;
use crate::cli::{CliError, Failure};
use crate::service::{ApiKey, Book, Moment, Scope};

const DAY: u64 = 24 * 60 * 60;

/// Who may use the till's service. It needs no restart.
#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Draw a key; it is shown once
    New(New),
    /// Draw a key in the place of another, which ends a day later
    Rotate(Rotate),
    /// End a key at once
    Revoke(Revoke),
    /// List the keys, without their secrets
    List(Place),
}

#[derive(clap::Args)]
pub(in crate::cli) struct New {
    /// What you call it
    label: String,
    /// What it is for: read (see payments), take (take them), manage (set the till up)
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', required = true, value_parser = scope)]
    scopes: Vec<Scope>,
    /// Days after which it ends [default: never]
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub(in crate::cli) struct Rotate {
    /// The key's name, as `till key list` shows it
    key: String,
    /// Hours for which the old one is good beside the new one
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    overlap: u32,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub(in crate::cli) struct Revoke {
    /// The key's name, as `till key list` shows it
    key: String,
    #[command(flatten)]
    place: Place,
}

/// Where the till keeps its keys and webhooks.
#[derive(clap::Args)]
pub(in crate::cli) struct Place {
    /// Where payments are written down [default: tillcard/till in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Place {
    pub(super) fn book(&self) -> Result<Book, Failure> {
        let folder = folder_or_default(self.folder.as_deref())?;
        Ok(Book::open(&folder)?)
    }
}

impl Command {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        match self {
            Self::New(new) => {
                let ends = new.days.map(|days| u64::from(days) * DAY);
                let ends = ends.map(|ends| Moment::now().plus(Duration::from_secs(ends)));
                draw(&new.place.book()?, &new.label, &new.scopes, ends)
            }
            Self::Rotate(rotate) => {
                let book = rotate.place.book()?;
                let overlap = Duration::from_secs(u64::from(rotate.overlap) * 60 * 60);
                let old = end(&book, &rotate.key, overlap)?;
                draw(&book, &old.label, &old.scopes, None)
            }
            Self::Revoke(revoke) => {
                let key = end(&revoke.place.book()?, &revoke.key, Duration::ZERO)?;
                line(format_args!("Key {} ({}) has ended.", key.id, key.label));
                Ok(())
            }
            Self::List(place) => {
                for key in place.book()?.keys()? {
                    line(told(&key));
                }
                Ok(())
            }
        }
    }
}

fn draw(book: &Book, label: &str, scopes: &[Scope], ends: Option<Moment>) -> Result<(), Failure> {
    let (_, token) = book.new_key(label, scopes, ends)?;
    line(&*token);
    Ok(())
}

fn end(book: &Book, id: &str, after: Duration) -> Result<ApiKey, Failure> {
    let ended = book.end_key(id, after)?;
    Ok(ended.ok_or_else(|| CliError::NoKey(id.to_owned()))?)
}

fn told(key: &ApiKey) -> String {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.name()).collect();
    let ends = match key.expires {
        Some(ends) if ends <= Moment::now() => format!("ended {}", ends.text()),
        Some(ends) => format!("ends {}", ends.text()),
        None => "doesn't end".to_owned(),
    };
    format!("{}  {}  {}  {ends}", key.id, scopes.join(","), key.label)
}

fn scope(text: &str) -> Result<Scope, String> {
    let mut all = Scope::ALL.into_iter();
    let found = all.find(|scope| scope.name() == text);
    found.ok_or_else(|| "a scope is read, take, refund or manage".to_owned())
}
