//! Test values, all of them from one seed.

use bitcoin::hashes::{Hash, HashEngine, sha256};

/// Names values: the same seed and name give the same bytes in every run.
#[derive(Clone)]
pub struct Values {
    prefix: String,
}

impl Values {
    /// The values of one case in a run with this seed.
    #[must_use]
    pub fn new(seed: u64, case: &str) -> Self {
        Self {
            prefix: format!("tillcard-conform/{seed}/{case}"),
        }
    }

    /// `N` bytes under a name.
    #[must_use]
    pub fn bytes<const N: usize>(&self, name: &str) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream(name).fill(&mut bytes);
        bytes
    }

    /// An endless stream under a name.
    #[must_use]
    pub fn stream(&self, name: &str) -> Stream {
        let mut engine = sha256::Hash::engine();
        engine.input(self.prefix.as_bytes());
        engine.input(&[0]);
        engine.input(name.as_bytes());
        Stream {
            key: sha256::Hash::from_engine(engine).to_byte_array(),
            counter: 0,
            ready: Vec::new(),
        }
    }
}

/// SHA-256 in counter mode.
pub struct Stream {
    key: [u8; 32],
    counter: u64,
    ready: Vec<u8>,
}

impl Stream {
    /// Fills a buffer.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            if self.ready.is_empty() {
                let mut engine = sha256::Hash::engine();
                engine.input(&self.key);
                engine.input(&self.counter.to_be_bytes());
                self.counter += 1;
                self.ready = sha256::Hash::from_engine(engine).to_byte_array().to_vec();
            }
            *byte = self.ready.pop().unwrap_or_default();
        }
    }

    /// `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// As many bytes as asked for.
    pub fn vec(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.fill(&mut bytes);
        bytes
    }

    /// A number below `bound` (which is above 0). The bias is below 2⁻³².
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from_be_bytes(self.bytes());
        (wide % u128::from(bound)) as u64
    }
}
