//! What a manufacturer stores in a card: section 3.7.

/// The longest piece of a certificate.
pub const LONGEST_PIECE: usize = 239;
/// Pieces of one certificate.
const PIECES: u8 = 4;

/// Which of the card's own keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnKey {
    /// Signs.
    Identity,
    /// Opens channels.
    Agreement,
}

impl OwnKey {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Identity, Self::Agreement];

    /// Key identifier ‖ key version number.
    #[must_use]
    pub const fn reference(self) -> [u8; 2] {
        match self {
            Self::Identity => [0x40, 0x01],
            Self::Agreement => [0x13, 0x01],
        }
    }
}

/// The certificates of a card. The card stores bytes and looks into none, so that these need not
/// be certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// The batch's.
    pub batch: Vec<u8>,
    /// The identity key's.
    pub identity: Vec<u8>,
    /// The agreement key's.
    pub agreement: Vec<u8>,
}

setters!(Certificates {
    identity: Vec<u8>,
});

impl Certificates {
    /// The pieces of all three, each with its P2, as long as they can be.
    #[must_use]
    pub fn pieces(&self) -> Vec<(u8, Vec<u8>)> {
        let certificates = [
            (0x00, &self.batch),
            (0x10, &self.identity),
            (0x20, &self.agreement),
        ];
        (certificates.into_iter())
            .flat_map(|(first, bytes)| {
                (first..first + PIECES)
                    .zip(bytes.chunks(LONGEST_PIECE))
                    .map(|(p2, piece)| (p2, piece.to_vec()))
            })
            .collect()
    }

    /// What GET DATA answers for a key: the batch's certificate, then the key's.
    #[must_use]
    pub fn chain(&self, key: OwnKey) -> Vec<u8> {
        let own = match key {
            OwnKey::Identity => &self.identity,
            OwnKey::Agreement => &self.agreement,
        };
        [&self.batch[..], own].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::{Certificates, OwnKey};

    #[test]
    fn pieces_are_numbered_and_chains_joined() {
        let certificates = Certificates {
            batch: vec![1; 956],
            identity: vec![2; 240],
            agreement: vec![3; 239],
        };
        let pieces: Vec<(u8, usize)> = (certificates.pieces().iter())
            .map(|(p2, piece)| (*p2, piece.len()))
            .collect();
        let batch = [(0, 239), (1, 239), (2, 239), (3, 239)];
        assert_eq!(pieces[..4], batch);
        assert_eq!(pieces[4..], [(0x10, 239), (0x11, 1), (0x20, 239)]);
        let chain = certificates.chain(OwnKey::Identity);
        assert_eq!(chain.len(), 956 + 240);
        assert!(chain.ends_with(&[2; 240]) && chain.starts_with(&[1; 956]));
    }
}
