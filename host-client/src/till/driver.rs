//! Drives the machine: stores what it says, does what it asks, and tells it what came back.

use super::machine::{CardTask, Effect, Input, Machine, Outcome};
use super::{Open, Settlement, TillError};

/// What does the tasks for which a card is needed.
pub trait Hand {
    /// Does one. Its answer, if it has one.
    ///
    /// # Errors
    /// [`TillError`] when the till can't go on.
    fn perform(
        &mut self,
        task: CardTask,
        settlement: &mut Settlement<'_>,
    ) -> Result<Option<Input>, TillError>;
}

/// Where there is no reader: a signed payment needs none.
pub struct NoReader;

/// How far [`advance`] came.
#[derive(Debug)]
pub enum Progress {
    /// Time has to pass; then the machine is told [`Input::TimePassed`].
    Waits,
    /// The payment needs nothing more.
    Ended(Outcome),
}

impl Hand for NoReader {
    fn perform(&mut self, _: CardTask, _: &mut Settlement<'_>) -> Result<Option<Input>, TillError> {
        Ok(Some(Input::Stopped))
    }
}

/// Tells the machine `input` of payment `id`, and goes on until the payment needs nothing more.
///
/// # Errors
/// [`TillError`] when the till can't go on; what that means for the payment was stored and told
/// before, as far as the disk takes it.
pub(super) fn run(
    machine: &mut Machine,
    id: &str,
    mut input: Input,
    hand: &mut dyn Hand,
    settlement: &mut Settlement<'_>,
) -> Result<Outcome, TillError> {
    loop {
        match advance(machine, id, input, hand, settlement)? {
            Progress::Ended(outcome) => return Ok(outcome),
            Progress::Waits => settlement.wait(),
        }
        input = Input::TimePassed;
    }
}

/// Tells the machine `input` of payment `id`, and goes on until time has to pass, or the payment needs
/// nothing more.
///
/// # Errors
/// [`TillError`] when the till can't go on; what that means for the payment was stored and told
/// before, as far as the disk takes it.
pub fn advance(
    machine: &mut Machine,
    id: &str,
    mut input: Input,
    hand: &mut dyn Hand,
    settlement: &mut Settlement<'_>,
) -> Result<Progress, TillError> {
    let mut failure = None;
    loop {
        let was_stopped = matches!(input, Input::Stopped);
        let step = machine.step(id, input);
        if was_stopped && step.effects.is_empty() {
            let stopped = Progress::Ended(Outcome::Open(Open::Stopped));
            return failure.map_or(Ok(stopped), Err);
        }
        if let Some(record) = &step.write {
            settlement.store.write(record)?;
        }
        input = Input::Stopped;
        for effect in step.effects {
            let done = match effect {
                Effect::Tell(event) => {
                    settlement.tell(event);
                    Ok(None)
                }
                Effect::Card(task) => hand.perform(task, settlement),
                Effect::Chain(task) => settlement.ask(task).map(Some),
                Effect::Wait => return Ok(Progress::Waits),
                Effect::End(outcome) => return failure.map_or(Ok(Progress::Ended(outcome)), Err),
                Effect::GiveUp(error) => return Err(error.into()),
            };
            match done {
                Ok(Some(answer)) => input = answer,
                Ok(None) => {}
                Err(error) => failure = Some(error),
            }
        }
    }
}
