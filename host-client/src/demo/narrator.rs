//! Tells the story: a line a step for a person, or one JSON object at the end for a program.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value, json};

use tillcard_client::advice::Advice;

use super::failure::{DemoError, FAILED};

/// Columns of a step's text.
const WIDTH: usize = 70;

/// A step as it went.
#[derive(Serialize)]
struct Step {
    name: &'static str,
    ok: bool,
    milliseconds: f64,
    text: String,
}

/// Who tells it, and how.
pub(super) struct Narrator {
    json: bool,
    /// Lines can be rewritten, and be in colour.
    lively: bool,
    began: Instant,
    steps: Vec<Step>,
    facts: Map<String, Value>,
}

impl Narrator {
    pub(super) fn new(json: bool) -> Self {
        let lively = !json && io::stdout().is_terminal();
        Self {
            json,
            lively,
            began: Instant::now(),
            steps: Vec::new(),
            facts: Map::new(),
        }
    }

    /// Plays a step. `doing` is shown meanwhile; what `play` returns as text is what stays.
    pub(super) fn step<T>(
        &mut self,
        name: &'static str,
        doing: &str,
        play: impl FnOnce() -> Result<(T, String), DemoError>,
    ) -> Result<T, DemoError> {
        if self.lively {
            self.print(&format!("\r    {doing} …"), "");
        }
        let began = Instant::now();
        let outcome = play();
        let took = began.elapsed();
        let (ok, text) = match &outcome {
            Ok((_, text)) => (true, text.clone()),
            Err(_) => (false, doing.to_owned()),
        };
        self.tell(ok, &text, took);
        self.steps.push(Step {
            name,
            ok,
            milliseconds: milliseconds(took),
            text,
        });
        outcome.map(|(value, _)| value)
    }

    /// Adds to the JSON object.
    pub(super) fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// Prints a heading between steps.
    pub(super) fn heading(&mut self, text: &str) {
        if !self.json {
            self.print(&format!("\n  {text}"), "\n");
        }
    }

    /// Ends the story. Returns whether all went as told.
    pub(super) fn end(mut self, outcome: Result<(), DemoError>) -> bool {
        let ok = outcome.is_ok();
        let took = self.began.elapsed();
        if self.json {
            self.fact("ok", ok);
            self.fact("milliseconds", milliseconds(took));
            self.fact("steps", json!(self.steps));
            if let Err(error) = &outcome {
                self.fact("error", error.to_string());
            }
            let object = Value::Object(std::mem::take(&mut self.facts));
            self.print(&object.to_string(), "\n");
        } else if ok {
            let text = format!("All of it in {}.", shown(took));
            self.print(&format!("\n  {text}"), "\n");
        }
        if let Err(error) = outcome {
            let Advice {
                code,
                money,
                action,
            } = FAILED;
            eprintln!("error[{code}]: {error}; {money}; {action}");
        }
        ok
    }

    fn tell(&self, ok: bool, text: &str, took: Duration) {
        if self.json {
            return;
        }
        let (mark, colour) = if ok { ("✓", "32") } else { ("✗", "31") };
        let mark = if self.lively {
            format!("\r\x1b[K\x1b[{colour}m{mark}\x1b[0m")
        } else {
            mark.to_owned()
        };
        let pad = WIDTH.saturating_sub(text.chars().count());
        let time = shown(took);
        self.print(&format!("  {mark} {text}{:pad$} {time:>8}", ""), "\n");
    }

    /// That nobody reads it is no reason to stop: what was begun is to be ended in order.
    fn print(&self, text: &str, end: &str) {
        let mut out = io::stdout();
        let _ = write!(out, "{text}{end}").and_then(|()| out.flush());
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// A time with three digits at most: `0.4 ms`, `37 ms`, `1.24 s`.
fn shown(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.2} s", ms / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (micros, text) in [
            (432, "0.4 ms"),
            (37_400, "37 ms"),
            (999_000, "999 ms"),
            (1_240_000, "1.24 s"),
        ] {
            assert_eq!(shown(Duration::from_micros(micros)), text);
        }
    }
}
