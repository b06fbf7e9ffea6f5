//! Work in another thread, waited for no longer than a limit.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long the thread may take to drop what it owns.
const PATIENCE: Duration = Duration::from_secs(20);

type Job<T, E> = Box<dyn FnOnce(&mut Result<T, E>) + Send>;

/// A thread that owns a `T` and answers questions about it one after the other. Dropping it drops
/// the `T` first.
///
/// Once an answer came too late, the thread may hang for ever, and is asked no more: it ends when
/// the call that hangs in it returns, or with the process.
pub(super) struct Worker<T, E> {
    jobs: Option<Sender<Job<T, E>>>,
    /// Disconnected when the thread has dropped what it owned.
    alive: Receiver<()>,
}

impl<T: 'static, E: Clone + Send + 'static> Worker<T, E> {
    /// A thread that makes the `T` first.
    pub(super) fn start(make: impl FnOnce() -> Result<T, E> + Send + 'static) -> Self {
        let (jobs, queue): (_, Receiver<Job<T, E>>) = channel();
        let (lives, alive) = channel();
        thread::spawn(move || {
            let _lives: Sender<()> = lives;
            let mut owned = make();
            for job in queue {
                job(&mut owned);
            }
        });
        Self {
            jobs: Some(jobs),
            alive,
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// Why the `T` couldn't be made; none when the answer didn't come in time.
    pub(super) fn ask<A: Send + 'static>(
        &mut self,
        patience: Duration,
        question: impl FnOnce(&mut T) -> A + Send + 'static,
    ) -> Result<A, Option<E>> {
        let jobs = self.jobs.as_ref().ok_or(None)?;
        let (answer, answered) = channel();
        let job: Job<T, E> = Box::new(move |owned| {
            let said = owned.as_mut().map(question).map_err(|e| e.clone());
            // Nobody waits any more when it took too long.
            drop(answer.send(said));
        });
        let in_time = jobs.send(job).ok().and_then(|()| {
            // A thread that panicked answers at once, by dropping its end.
            answered.recv_timeout(patience).ok()
        });
        if in_time.is_none() {
            self.jobs = None;
        }
        in_time.ok_or(None)?.map_err(Some)
    }
}

impl<T, E> Drop for Worker<T, E> {
    fn drop(&mut self) {
        if self.jobs.take().is_some() {
            // An error is what it waits for: the other end was dropped, or that took too long.
            let _ = self.alive.recv_timeout(PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Worker;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_worker_answers_and_drops_what_it_owns() {
        let (owned, other) = channel::<()>();
        let mut worker: Worker<_, ()> = Worker::start(|| Ok((owned, 1)));
        for expected in 2..5 {
            let counted = worker.ask(LONG, |(_, count)| {
                *count += 1;
                *count
            });
            assert_eq!(counted, Ok(expected));
        }
        drop(worker);
        assert!(
            other
                .try_recv()
                .is_err_and(|e| e == std::sync::mpsc::TryRecvError::Disconnected)
        );
    }

    #[test]
    fn a_worker_that_hangs_is_not_waited_for() {
        let (release, hangs) = channel::<()>();
        let mut worker: Worker<_, ()> = Worker::start(|| Ok(hangs));
        let answer = worker.ask(Duration::from_millis(20), |hangs| hangs.recv().is_ok());
        assert_eq!(answer, Err(None));
        // Neither another question nor the end waits for it.
        assert_eq!(worker.ask(LONG, |_| ()), Err(None));
        drop(worker);
        drop(release);
    }

    #[test]
    fn what_could_not_be_made_is_told_each_time() {
        let mut worker: Worker<(), &str> = Worker::start(|| Err("no card"));
        for _ in 0..2 {
            assert_eq!(worker.ask(LONG, |()| ()), Err(Some("no card")));
        }
    }
}
