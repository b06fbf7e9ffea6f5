//! What is looked for in the answers of one card.

use super::{Secrets, WINDOW};
use crate::multiples::{Multiples, SECRET};
use k256::Secp256k1;
use p256::NistP256;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

/// Tables of secp256k1.
static SECP256K1: LazyLock<Multiples<Secp256k1>> = LazyLock::new(Multiples::new);
/// Tables of P-256.
static P256: LazyLock<Multiples<NistP256>> = LazyLock::new(Multiples::new);

/// A secret that a window is part of.
#[derive(Clone, Copy)]
struct Found {
    /// The last life that has it.
    life: usize,
    name: &'static str,
    readable: bool,
}

/// What to look for in the answers of one card.
#[derive(Default)]
pub(super) struct Guard {
    /// The number of its present life, from 1.
    life: usize,
    windows: HashMap<[u8; WINDOW], Found>,
    /// Public keys by their x coordinate: the secret of the same point's negative tells as much.
    secp256k1: HashSet<[u8; SECRET]>,
    p256: HashSet<[u8; SECRET]>,
    /// What was tried as a secret key in this life, and is none: most answers hold what others
    /// held before.
    tried: HashSet<[u8; SECRET]>,
}

impl Guard {
    /// What is added from here on is of this life.
    pub(super) fn begin(&mut self, life: usize) {
        self.life = life;
        self.tried.clear();
    }

    pub(super) fn add(&mut self, secrets: &Secrets) {
        for known in &secrets.bytes {
            // Keys that the host chose may be such as 1, whose windows stand in any answer.
            let telling =
                |window: &&[u8]| !secrets.chosen || window.iter().collect::<HashSet<_>>().len() > 2;
            let found = Found {
                life: self.life,
                name: known.name,
                readable: known.readable,
            };
            for window in known.bytes.windows(WINDOW).filter(telling) {
                let mut window: [u8; WINDOW] = window.try_into().unwrap_or_default();
                self.windows.insert(window, found);
                window.reverse();
                self.windows.insert(window, found);
            }
        }
        self.secp256k1.extend(&secrets.secp256k1);
        self.p256.extend(&secrets.p256);
    }

    /// These bytes hold no secret key.
    pub(super) fn predicted(&mut self, bytes: &[u8]) {
        let windows = bytes.windows(SECRET);
        let windows = windows.filter_map(|window| <[u8; SECRET]>::try_from(window).ok());
        self.tried.extend(windows);
    }

    /// What is in an answer of the present life that it must not hold.
    pub(super) fn find(&mut self, data: &[u8], for_the_owner: bool) -> Option<&'static str> {
        // What the owner may read is the account of now.
        let allowed = |found: &Found| for_the_owner && found.readable && found.life == self.life;
        let known = data
            .windows(WINDOW)
            .filter_map(|window| <[u8; WINDOW]>::try_from(window).ok())
            .filter_map(|window| self.windows.get(&window))
            .find(|found| !allowed(found))
            .map(|found| found.name);
        known.or_else(|| self.holds_secret(data).then_some("a secret key"))
    }

    /// Whether 32 bytes in a row are a secret key.
    fn holds_secret(&mut self, data: &[u8]) -> bool {
        let window = |at: usize| <[u8; SECRET]>::try_from(&data[at..at + SECRET]).ok();
        let untried: Vec<usize> = (0..(data.len() + 1).saturating_sub(SECRET))
            .filter(|at| window(*at).is_some_and(|window| !self.tried.contains(&window)))
            .collect();
        let mut holds = false;
        for run in runs(&untried) {
            let secret = self.are_secret(&data[run.start..run.end + SECRET - 1]);
            for (at, secret) in run.zip(secret) {
                holds |= secret;
                if !secret {
                    self.tried.extend(window(at));
                }
            }
        }
        holds
    }

    /// Whether each 32 bytes in a row are a secret key, in either byte order.
    fn are_secret(&self, data: &[u8]) -> Vec<bool> {
        let backwards: Vec<u8> = data.iter().rev().copied().collect();
        let forwards = SECP256K1.x_coordinates(data).into_iter();
        let backwards = SECP256K1.x_coordinates(&backwards).into_iter().rev();
        let mut secret: Vec<bool> = forwards
            .zip(backwards)
            .map(|(one, other)| self.secp256k1.contains(&one) || self.secp256k1.contains(&other))
            .collect();
        if !self.p256.is_empty() {
            for (secret, x) in secret.iter_mut().zip(P256.x_coordinates(data)) {
                *secret |= self.p256.contains(&x);
            }
        }
        secret
    }
}

/// Joins positions, in order, that are closer together than it costs to begin anew.
fn runs(positions: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in positions {
        match runs.last_mut() {
            Some(run) if at - run.end < SECRET => run.end = at + 1,
            _ => runs.push(*at..at + 1),
        }
    }
    runs
}
