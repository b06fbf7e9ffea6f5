//! `tillcard till webhook`.

use std::fmt::Display;

use clap::Subcommand;

use super::keys::Place;
use crate::cli::Failure;
use crate::cli::output::line;
use crate::service::{Target, Webhook};

/// Who is told of the till's events. It needs no restart.
#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Send events to a URL from now on; the secret that signs them is shown once
    New(New),
    /// Draw a secret in the place of another, which signs beside it for a day
    Rotate(Named),
    /// Send events again, or at once what waits
    Replay(Replay),
    /// Send nothing any more
    Remove(Named),
    /// List the webhooks, without their secrets
    List(Place),
}

#[derive(clap::Args)]
pub(in crate::cli) struct New {
    /// Where events are sent to: https://…, or http://… on this computer
    #[arg(value_parser = Target::parse)]
    url: Target,
    /// The kinds of events, such as payment.settled or "payment.*" [default: all]
    #[arg(long = "event", value_name = "KIND", value_delimiter = ',')]
    events: Vec<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub(in crate::cli) struct Named {
    /// The webhook's name, as `till webhook list` shows it
    webhook: String,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub(in crate::cli) struct Replay {
    /// The webhook's name, as `till webhook list` shows it
    webhook: String,
    /// From the event after this number on [default: what waits]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
    #[command(flatten)]
    place: Place,
}

impl Command {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        match self {
            Self::New(new) => {
                let events = match new.events.is_empty() {
                    true => vec!["*".to_owned()],
                    false => new.events,
                };
                let (_, secret) = new.place.book()?.new_webhook(&new.url, &events)?;
                line(&*secret.text());
            }
            Self::Rotate(Named { webhook, place }) => {
                let (_, secret) = place.book()?.rotate_webhook(&webhook)?;
                line(&*secret.text());
            }
            Self::Replay(replay) => {
                let book = replay.place.book()?;
                line(told(&book.replay_webhook(&replay.webhook, replay.after)?));
            }
            Self::Remove(Named { webhook, place }) => {
                place.book()?.remove_webhook(&webhook)?;
                line(format_args!("Webhook {webhook} is removed."));
            }
            Self::List(place) => {
                for webhook in place.book()?.webhooks()? {
                    line(told(&webhook));
                }
            }
        }
        Ok(())
    }
}

fn told(webhook: &Webhook) -> impl Display {
    let Webhook {
        id,
        url,
        position,
        waiting,
        given_up,
        reason,
        ..
    } = webhook;
    let state = reason.as_deref().unwrap_or("in order");
    let kinds = webhook.events.join(",");
    format!(
        "{id}  {url}  {kinds}  at event {position}, {waiting} wait, {given_up} given up: {state}"
    )
}
