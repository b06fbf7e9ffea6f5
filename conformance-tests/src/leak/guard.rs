//! What is looked for in the answers of one card.

use super::{Life, Secrets, WINDOW};
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
    /// The number of the life whose secret it is.
    life: usize,
    name: &'static str,
    readable: bool,
}

/// What to look for in the answers of one card, each with the number of the life whose secret it
/// is.
pub(super) struct Guard {
    windows: HashMap<[u8; WINDOW], Found>,
    /// Public keys by their x coordinate: the secret of the same point's negative tells as much.
    secp256k1: HashMap<[u8; SECRET], usize>,
    p256: HashMap<[u8; SECRET], usize>,
    /// What was tried as a secret key, and is none: most answers hold what others held before.
    pub(super) tried: HashSet<[u8; SECRET]>,
}

impl Guard {
    pub(super) fn new(lives: &[Life]) -> Self {
        let mut guard = Self {
            windows: HashMap::new(),
            secp256k1: HashMap::new(),
            p256: HashMap::new(),
            tried: HashSet::new(),
        };
        // What several lives have belongs to the first.
        for (number, life) in lives.iter().enumerate().rev() {
            guard.add(number, &life.secrets);
        }
        guard
    }

    fn add(&mut self, life: usize, secrets: &Secrets) {
        for known in &secrets.bytes {
            // Keys that the host chose may be such as 1, whose windows stand in any answer.
            let telling =
                |window: &&[u8]| !secrets.chosen || window.iter().collect::<HashSet<_>>().len() > 2;
            let found = Found {
                life,
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
        let lives = |keys: &[[u8; SECRET]]| keys.iter().map(|key| (*key, life)).collect::<Vec<_>>();
        self.secp256k1.extend(lives(&secrets.secp256k1));
        self.p256.extend(lives(&secrets.p256));
    }

    /// What is in an answer of the last of so many lives that it must not hold.
    pub(super) fn find(
        &mut self,
        data: &[u8],
        begun: usize,
        for_the_owner: bool,
    ) -> Option<&'static str> {
        // What the owner may read is the account of now.
        let allowed = |found: &Found| for_the_owner && found.readable && found.life + 1 == begun;
        let known = data
            .windows(WINDOW)
            .filter_map(|window| <[u8; WINDOW]>::try_from(window).ok())
            .filter_map(|window| self.windows.get(&window))
            .find(|found| found.life < begun && !allowed(found))
            .map(|found| found.name);
        known.or_else(|| self.holds_secret(data, begun).then_some("a secret key"))
    }

    /// Whether 32 bytes in a row are a secret key of the first so many lives.
    fn holds_secret(&mut self, data: &[u8], begun: usize) -> bool {
        let window = |at: usize| <[u8; SECRET]>::try_from(&data[at..at + SECRET]).ok();
        let untried: Vec<usize> = (0..(data.len() + 1).saturating_sub(SECRET))
            .filter(|at| window(*at).is_some_and(|window| !self.tried.contains(&window)))
            .collect();
        let mut holds = false;
        for run in runs(&untried) {
            let lives = self.lives_of(&data[run.start..run.end + SECRET - 1]);
            for (at, life) in run.zip(lives) {
                match life {
                    Some(life) => holds |= life < begun,
                    None => self.tried.extend(window(at)),
                }
            }
        }
        holds
    }

    /// The life whose secret key each 32 bytes in a row are, in either byte order.
    fn lives_of(&self, data: &[u8]) -> Vec<Option<usize>> {
        let backwards: Vec<u8> = data.iter().rev().copied().collect();
        let look_up = |keys: &HashMap<[u8; SECRET], usize>, x: &[u8; SECRET]| keys.get(x).copied();
        let forwards = SECP256K1.x_coordinates(data).into_iter();
        let backwards = SECP256K1.x_coordinates(&backwards).into_iter().rev();
        let mut lives: Vec<Option<usize>> = forwards
            .zip(backwards)
            .map(|(one, other)| {
                look_up(&self.secp256k1, &one).or_else(|| look_up(&self.secp256k1, &other))
            })
            .collect();
        if !self.p256.is_empty() {
            for (life, x) in lives.iter_mut().zip(P256.x_coordinates(data)) {
                *life = life.or_else(|| look_up(&self.p256, &x));
            }
        }
        lives
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
